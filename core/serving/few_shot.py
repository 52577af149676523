"""Few-shot methods behind one interface: support molecules with labels in, probabilities out.

    open_model("par-tox21") ──prepare(support, queries)──> Prepared ──scores(rows, labels)──> Scores

`Prepared` has encoded every molecule once; `scores` may then be asked for any part of the support
with any labels, which is what re-draws, leave-one-out, shuffled labels and the live check need.

All sums run in chunks of fixed size. Callers sort molecules by identity before, so that the numbers
do not depend on the order in which a person lists them.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.chemistry import MOLECULE_BITS, Molecule
from core.errors import ArtifactError, InputError
from core.knowledge.calibration import PredictionSets, Temperature
from core.knowledge.few_shot import nearest_neighbour_scores, prototype_scores, ridge_scores
from core.knowledge.fingerprint_models import forest_scores
from core.knowledge.molecules import MoleculeGraph, MoleculeStore
from core.serving.artifact import Artifact, Metric, list_artifacts, load_artifact
from core.serving.session import Session
from core.settings import settings

ENCODED = 128  # molecules encoded at once: some 10 MB for d = 300
ASKED = 64  # questions at once
# pairs of molecules that PACIA relates at once, all graphs together: 1 kB each, which stay in
# the processor's cache (16 questions at once take two thirds of the time that 64 take)
PAIRS = 4_000
CLASSES = ("inactive", "active")  # columns of logits and of sets
PACIA_WIDTH = 128  # numbers per support molecule that further questions need
_SPLIT = re.compile(r"test (\d+)-shot")


@dataclass(frozen=True)
class MethodInfo:
    """A method that can be chosen.

    Attributes:
        id: first part of the ids of its models.
        title: published name.
        sentence: what it does with the labels.
        artifact: method of the artifact it stands on.
        citation: reference in words.
    """

    id: str
    title: str
    sentence: str
    artifact: str
    citation: str


METHODS: Mapping[str, MethodInfo] = {
    info.id: info
    for info in (
        MethodInfo(
            "par", "PAR", "Relates the molecules to each other and takes one gradient step on your "
            "labels.", "par",
            "Wang, Abuduweili, Yao and Dou, NeurIPS 2021",
        ),
        MethodInfo(
            "pacia", "PACIA", "A hyper-network turns your labels into a few thousand numbers that "
            "modulate the encoder; no gradient.", "pacia",
            "Wu et al., IJCAI 2024",
        ),
        MethodInfo(
            "protonet", "Prototypes", "Distance to the mean embedding of each class; nothing is "
            "adapted.", "protonet",
            "Snell, Swersky and Zemel, NeurIPS 2017",
        ),
        MethodInfo(
            "ridge", "Ridge probe", "A linear model on the embeddings, fitted to your labels in "
            "closed form.", "protonet",
            "ridge regression on a pre-trained encoder",
        ),
        MethodInfo(
            "nearest", "Nearest neighbours", "Tanimoto similarity of fingerprints to your "
            "molecules; no neural network.", "protonet",
            "Rogers and Hahn, J. Chem. Inf. Model. 50, 742 (2010)",
        ),
        MethodInfo(
            "forest", "Random forest", "A random forest on fingerprints, fitted to your labels.",
            "protonet",
            "Breiman, Machine Learning 45, 5 (2001)",
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be chosen.

    Attributes:
        id: ``<method>-<data>``.
        method: one of `METHODS`.
        artifact_name: artifact it stands on.
        title: method and data in words.
        problem: why it cannot be used, empty when it can.
    """

    id: str
    method: str
    artifact_name: str
    title: str
    problem: str = ""


@dataclass(frozen=True, eq=False)
class Inputs:
    """Molecules as models take them.

    Attributes:
        graphs: n atom graphs.
        bits: (n, 2048) uint8 fingerprints.
    """

    graphs: MoleculeStore
    bits: np.ndarray

    @classmethod
    def of(cls, molecules: Sequence[Molecule]) -> "Inputs":
        """From molecules that were read."""
        return cls.from_parts(
            [molecule.graph for molecule in molecules],
            [molecule.bit_array() for molecule in molecules],
        )

    @classmethod
    def from_parts(cls, graphs: Sequence[MoleculeGraph], bits: Sequence[np.ndarray]) -> "Inputs":
        """From graphs and fingerprints."""
        return cls(MoleculeStore.of(graphs), np.asarray(bits, np.uint8).reshape(-1, MOLECULE_BITS))

    def __len__(self) -> int:
        return len(self.graphs)

    def take(self, rows: np.ndarray) -> "Inputs":
        """Some of the molecules, in the order of `rows` (m,)."""
        return Inputs.from_parts([self.graphs.graph(row) for row in rows], self.bits[rows])


@dataclass(frozen=True, eq=False)
class Scores:
    """What a method says about Q questions.

    Attributes:
        probability: (Q,) float64 of being active, not calibrated.
        relations: (Q, S) weight of each support molecule, None where the method has none.
        depth: (Q,) int, layers of propagation that were used, from 1; None likewise.
        depth_scores: (Q, D) share of each depth, None likewise.
    """

    probability: np.ndarray
    relations: np.ndarray | None = None
    depth: np.ndarray | None = None
    depth_scores: np.ndarray | None = None


class Prepared(Protocol):
    """Support and questions after everything that does not depend on labels."""

    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        """Answer all questions.

        Args:
            rows: (S,) support molecules that count, in any order; one may come twice.
            labels: (S,) 0 inactive, 1 active; both must occur.
        """


@dataclass(frozen=True)
class Calibration:
    """How raw probabilities become calibrated ones and sets.

    Attributes:
        temperature: of the logits.
        sets: of the calibrated probabilities.
        shots: support molecules per class it was fitted with.
        coverage: share of test molecules whose class was in the set.
        protocol: in words.
    """

    temperature: Temperature
    sets: PredictionSets
    shots: int
    coverage: float
    protocol: str


class FewShotModel:
    """One method on one artifact.

    Args:
        entry: which.
        artifact: verified.
    """

    def __init__(self, entry: ModelEntry, artifact: Artifact) -> None:
        self.entry, self.artifact = entry, artifact

    @property
    def info(self) -> MethodInfo:
        """Its method."""
        return METHODS[self.entry.method]

    @property
    def neural(self) -> bool:
        """Whether it reads atom graphs; else it reads fingerprints."""
        return self.entry.method not in ("nearest", "forest")

    @cached_property
    def elements(self) -> frozenset[int] | None:
        """Element rows seen in training, None where the artifact does not say."""
        found = self.artifact.knowledge.get("elements")
        return None if found is None else frozenset(found)

    @property
    def num_parameters(self) -> int:
        """Trained numbers; 0 for methods on fingerprints."""
        return self.artifact.card.num_parameters if self.neural else 0

    @property
    def provider(self) -> str:
        """What computes it."""
        return self.artifact.session.provider if self.neural else "numpy"

    def num_adapted(self, num_labels: int) -> int:
        """Numbers that depend on the task's labels.

        Args:
            num_labels: support molecules.
        """
        known = self.artifact.knowledge
        if not self.neural:
            return num_labels
        dim = known["encoder"]["hidden_dim"]
        closed_form = {"protonet": 2 * dim, "ridge": dim + 1}
        return closed_form.get(self.entry.method) or known["num_adapted"]

    def task_bytes(self, num_labels: int) -> int:
        """Size of what depends on the labels: numbers of four bytes, or fingerprints.

        Args:
            num_labels: support molecules.
        """
        per_label = MOLECULE_BITS // 8 if not self.neural else 0
        if self.entry.method == "pacia":
            per_label = 4 * (PACIA_WIDTH + 2)
        adapted = 4 * self.num_adapted(num_labels) if self.neural else 0
        return adapted + per_label * num_labels

    def metric(self, shots: int) -> Metric | None:
        """ROC-AUC on test assays with the nearest number of support molecules, None without.

        Args:
            shots: molecules of the smaller class.
        """
        card = self.artifact.card
        own = self.entry.method == card.method
        name = "auc" if own else f"auc, {self.info.title.lower()}"
        found = {
            int(match[1]): metric
            for metric in card.metrics
            if metric.name == name and (match := _SPLIT.fullmatch(metric.split))
        }
        return found[_nearest_shots(found, shots)] if found else None

    def calibration(self, shots: int) -> Calibration | None:
        """The calibration fitted with the nearest number of support molecules per class.

        Args:
            shots: molecules of the smaller class.
        """
        found = self.artifact.knowledge.get("calibration", {}).get(self.entry.method)
        if not found:
            return None
        nearest = _nearest_shots(map(int, found), shots)
        values = found[str(nearest)]
        return Calibration(
            Temperature.from_json(values["temperature"]),
            PredictionSets.from_json(values["sets"]),
            nearest,
            values["coverage"],
            values["protocol"],
        )

    def prepare(self, support: Inputs, query: Inputs) -> Prepared:
        """Encode support and questions.

        Raises:
            ArtifactError: the files of the artifact cannot be opened.
        """
        return _PREPARE[self.entry.method](self.artifact, support, query)


def _nearest_shots(measured: Iterable[int], shots: int) -> int:
    """The measured number of support molecules per class that is nearest, by ratio."""
    return min(measured, key=lambda one: (abs(np.log(one / shots)), one))


def open_model(model_id: str) -> FewShotModel:
    """A model by id.

    Raises:
        InputError: MO-E15, there is no such model.
        ArtifactError: its artifact is missing or damaged.
    """
    method, _, data = model_id.partition("-")
    if method not in METHODS or not data:
        raise InputError(
            "MO-E15", "Unknown model", f'"{model_id[:60]}" is not a model of this page.',
            f"Known methods: {', '.join(METHODS)}.",
        )  # fmt: skip
    name = f"{METHODS[method].artifact}-{data}"
    card = settings().trained / name / "card.json"
    written = card.stat().st_mtime_ns if card.is_file() else 0
    return FewShotModel(_entry(METHODS[method], _artifact(name, written)), _artifact(name, written))


@lru_cache(maxsize=8)
def _artifact(name: str, _written: int) -> Artifact:
    """A verified artifact; read anew when its card was written anew."""
    return load_artifact(name)


def available_models(root: Path | None = None) -> tuple[ModelEntry, ...]:
    """Every model that can be asked, or why not: methods in the order of `METHODS`.

    Args:
        root: folder of artifacts; the configured one when None.
    """
    found = []
    artifacts = list_artifacts(root)
    for info in METHODS.values():
        for name, artifact in artifacts:
            if not name.startswith(f"{info.artifact}-"):
                continue
            if isinstance(artifact, ArtifactError):
                model_id = name.replace(info.artifact, info.id, 1)
                found.append(ModelEntry(model_id, info.id, name, info.title, str(artifact)))
            else:
                found.append(_entry(info, artifact))
    return tuple(found)


def _entry(info: MethodInfo, artifact: Artifact) -> ModelEntry:
    model_id = artifact.name.replace(info.artifact, info.id, 1)
    return ModelEntry(
        model_id, info.id, artifact.name, f"{info.title} · {artifact.card.data.title}"
    )


def in_chunks(
    num: int, size: int, compute: Callable[[np.ndarray], Sequence[np.ndarray]]
) -> list[np.ndarray]:
    """Values of rows 0..num-1, computed `size` rows at a time and put together.

    Args:
        num: rows, at least one.
        size: rows at once.
        compute: from rows (m,) to arrays with m rows.
    """
    parts = [compute(np.arange(start, min(start + size, num))) for start in range(0, num, size)]
    return [np.concatenate(column) for column in zip(*parts, strict=True)]


def one_hot(labels: np.ndarray) -> np.ndarray:
    """(S, 2) float32, inactive first, of labels (S,)."""
    return np.eye(2, dtype=np.float32)[labels]


def encode(session: Session, graphs: MoleculeStore) -> np.ndarray:
    """(n, d) embeddings."""
    return in_chunks(
        len(graphs), ENCODED, lambda rows: session.run(graphs.take(rows).feeds(), ["embeddings"])
    )[0]


class _Embedded:
    """Prototypes and ridge probe: embeddings do not depend on the task."""

    def __init__(self, artifact: Artifact, support: Inputs, query: Inputs) -> None:
        self.support = encode(artifact.session, support.graphs)
        self.query = encode(artifact.session, query.graphs)
        self.knowledge = artifact.knowledge


class _Prototypes(_Embedded):
    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        return Scores(
            prototype_scores(self.support[rows], labels, self.query, scale=self.knowledge["scale"])
        )


class _Ridge(_Embedded):
    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        return Scores(ridge_scores(self.support[rows], labels, self.query))


class _Par(_Embedded):
    """Each chunk of questions adapts anew; the step is the same and needs no question."""

    def __init__(self, artifact: Artifact, support: Inputs, query: Inputs) -> None:
        super().__init__(artifact, support, query)
        self.session = artifact.open("adapt.onnx")

    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        given = {
            "support": self.support[rows],
            "classes": one_hot(labels),
            "anchors": self.support[:0],
        }
        probability, relations = in_chunks(
            len(self.query), ASKED,
            lambda asked: self.session.run(
                given | {"query": self.query[asked]}, ["probability", "relations"]
            ),
        )  # fmt: skip
        return Scores(probability.astype(np.float64), relations)


class _Fingerprints:
    """Methods that read fingerprints alone."""

    def __init__(self, _artifact: Artifact, support: Inputs, query: Inputs) -> None:
        self.support, self.query = support.bits, query.bits


class _Nearest(_Fingerprints):
    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        return Scores(nearest_neighbour_scores(self.support[rows], labels, self.query))


class _Forest(_Fingerprints):
    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        return Scores(forest_scores(self.support[rows], labels, self.query))


@dataclass(frozen=True, eq=False)
class PaciaTask:
    """What PACIA keeps of a support: all that further questions need.

    Attributes:
        arrays: outputs of task.onnx by name, ``adapter`` (L, 2, d) among them, and ``counts``
            (S, 2): how often each molecule was given as inactive and as active.
    """

    arrays: Mapping[str, np.ndarray]


class Pacia:
    """Support adapted in one forward pass; questions need only the result."""

    def __init__(self, artifact: Artifact, support: Inputs, query: Inputs) -> None:
        self.artifact, self.support, self.query = artifact, support.graphs, query.graphs

    def scores(self, rows: np.ndarray, labels: np.ndarray) -> Scores:
        """Adapt to some support molecules and answer; see `Prepared`.

        A molecule that is given several times is computed once and counts as often.
        """
        (rows, labels), place, times = np.unique(
            np.stack([rows, labels]), axis=1, return_inverse=True, return_counts=True
        )
        found = self.answer(self.adapt(rows, labels, times))
        return replace(found, relations=found.relations[:, place])

    def adapt(
        self, rows: np.ndarray, labels: np.ndarray, times: np.ndarray | None = None
    ) -> PaciaTask:
        """The task of some support molecules (S,), each given once or as often as `times` says."""
        counts = one_hot(labels) if times is None else one_hot(labels) * times[:, None]
        feeds = self.support.take(rows).feeds() | {"counts": counts.astype(np.float32)}
        values = self.artifact.open("task.onnx").run(feeds, TASK_OUTPUTS)
        return PaciaTask(dict(zip(TASK_OUTPUTS, values, strict=True)) | {"counts": feeds["counts"]})

    def answer(self, task: PaciaTask) -> Scores:
        """All questions, each at the depth that the controller prefers."""
        return answer_pacia(self.artifact, task, self.query)


TASK_OUTPUTS = ("adapter", "support")
TASK_ARRAYS = (*TASK_OUTPUTS, "counts")


def answer_pacia(artifact: Artifact, task: PaciaTask, query: MoleculeStore) -> Scores:
    """Questions under an adapted task, which may come from a file."""
    graph_pairs = (len(task.arrays["counts"]) + 1) ** 2 // 2
    logits, shares, relations = in_chunks(
        len(query), min(ASKED, max(1, PAIRS // graph_pairs)),
        lambda rows: artifact.session.run(
            query.take(rows).feeds() | dict(task.arrays), ["logits", "depth", "relations"]
        ),
    )  # fmt: skip
    logits = logits.astype(np.float64)  # (Q, 2)
    return Scores(
        1 / (1 + np.exp(logits[:, 0] - logits[:, 1])),
        relations,
        shares.argmax(1) + 1,
        shares,
    )


_PREPARE: Mapping[str, Callable[[Artifact, Inputs, Inputs], Any]] = {
    "protonet": _Prototypes,
    "ridge": _Ridge,
    "par": _Par,
    "pacia": Pacia,
    "nearest": _Nearest,
    "forest": _Forest,
}
