"""Answers about gene regulation: which links of a prior network a pruned model has kept.

An answer is a trained artifact ``dash-*``, read edge by edge: of an example that comes with the
application, or of the job that has pruned a model of a person's own measurements.
"""

import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from core.errors import ArtifactError, InputError, UnknownName
from core.knowledge.regulation import CONTRADICTED, KEPT, NEW, REFUSED
from core.serving.artifact import Artifact, list_artifacts, load_artifact
from core.serving.grn_model import RegulationModel
from core.serving.grn_question import EXAMPLE, METHOD, UPLOAD, Question
from core.settings import settings
from core.store import Store

PREFIX = f"{METHOD}-"
FIRST = "planted"  # the example that is shown when nothing is asked
CLASSES = (KEPT, REFUSED, NEW, CONTRADICTED)
ACTIVATES, REPRESSES, REGULATES = "activates", "represses", "regulates"


@dataclass(frozen=True)
class Example:
    """A model that comes with the application.

    Attributes:
        name: of the data set, in addresses.
        title: in words.
        question: the question it answers.
    """

    name: str
    title: str
    question: Question


@dataclass(frozen=True)
class Edge:
    """One edge of the prior or the model.

    Attributes:
        regulator, target: rows of the genes.
        kind: `KEPT`, `REFUSED`, `NEW` or `CONTRADICTED`.
        relation: activates or represses; regulates where an unsigned prior alone has the edge.
        influence: entry of the effect matrix, 0 where the model has no edge.
        prior: entry of the prior, 0 where it has no edge.
        frequency: share of the resampled trainings that keep it, None without any.
        true: whether the network behind simulated data has it, None for measured data.
    """

    regulator: int
    target: int
    kind: str
    relation: str
    influence: float
    prior: float
    frequency: float | None
    true: bool | None

    @property
    def in_model(self) -> bool:
        """Whether the model has it."""
        return self.kind != REFUSED


@dataclass(frozen=True)
class Regulator:
    """One row of the table.

    Attributes:
        gene: row of the gene.
        name: of the gene.
        counts: edges by class, each of `CLASSES`.
        selected: mean selection frequency of its edges in the model, None where unknown.
        influence: sum of the sizes of its effects.
    """

    gene: int
    name: str
    counts: dict[str, int]
    selected: float | None
    influence: float

    @property
    def in_model(self) -> int:
        """Edges in the model."""
        return sum(self.counts.values()) - self.counts[REFUSED]


@dataclass(frozen=True, eq=False)
class Answer:
    """The network of a question.

    Attributes:
        question: what was asked.
        network: the model.
        title: of the data.
        summary: how much was measured and known.
        regulators: genes with any edge, the one with the largest influence first.
        counts: edges by class, each of `CLASSES`.
        model: who has answered.
        provider: where it ran.
        seconds: how long this answer took on this server.
    """

    question: Question
    network: RegulationModel
    title: str
    summary: str
    regulators: tuple[Regulator, ...]
    counts: dict[str, int]
    model: str
    provider: str
    seconds: float

    @property
    def num_edges(self) -> int:
        """Edges of the prior, the model or both; the sum of `counts`."""
        return sum(self.counts.values())

    @property
    def weights(self) -> tuple[int, int]:
        """Weights that were kept, and all of them."""
        found = self.network.knowledge
        return found["num_kept"], found["num_weights"]

    def regulator(self, name: str | None = None) -> Regulator:
        """The regulator with this name, the first one without.

        Raises:
            UnknownName: GR-E30 when it has no edge.
        """
        if name is None:
            return self.regulators[0]
        for one in self.regulators:
            if one.name == name:
                return one
        raise UnknownName(
            "GR-E30", "Unknown regulator", name, [one.name for one in self.regulators],
            kind="the regulators of this network", hint="Choose one from the list.",
        )  # fmt: skip

    def edges_of(self, regulator: Regulator) -> list[Edge]:
        """Its edges: of the model by influence, then the refused ones."""
        return edges_of(self.network, regulator.gene)

    def edges(self) -> list[Edge]:
        """All edges, regulator by regulator."""
        return [edge for one in self.regulators for edge in self.edges_of(one)]


def examples() -> tuple[Example, ...]:
    """Models that come with the application; the first one is shown when nothing is asked."""
    found = {
        name.removeprefix(PREFIX): one
        for name, one in list_artifacts()
        if name.startswith(PREFIX) and isinstance(one, Artifact)
    }
    return tuple(
        Example(name, found[name].knowledge["title"], Question(f"{EXAMPLE}:{name}"))
        for name in sorted(found, key=lambda name: (name != FIRST, name))
    )


def example_of(question: Question) -> Example | None:
    """The example whose question this is."""
    return next((one for one in examples() if one.question == question), None)


def title_of(question: Question) -> str:
    """What the measurements are called: an example's title, the name of an uploaded file."""
    if question.kind == UPLOAD:
        found = Store.open().find_upload(question.name)
        return "" if found is None else found.name
    return next((one.title for one in examples() if one.question.source == question.source), "")


def find_artifact(question: Question) -> Artifact | None:
    """The model of a question, None before it is trained.

    Raises:
        ArtifactError: it is damaged.
    """
    root = settings().trained if question.comes_along else settings().home / "trained"
    if not (root / question.artifact / "card.json").is_file():
        return None
    return load_artifact(question.artifact, root)


def answer(question: Question) -> Answer:
    """The network of a question.

    Raises:
        InputError: GR-E31 before the model is trained.
        ArtifactError: the model is damaged.
    """
    begun = time.perf_counter()
    artifact = find_artifact(question)
    if artifact is None:
        raise InputError(
            "GR-E31", "No model yet", "No model has been pruned for these measurements and "
            "settings.", "Press Infer network.",
        )  # fmt: skip
    try:
        network = _open(artifact)
        regulators = _regulators(network)
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{artifact.name}/knowledge.json cannot be read ({error}). Train it again."
        ) from error
    counts = {kind: sum(one.counts[kind] for one in regulators) for kind in CLASSES}
    return Answer(
        question, network, network.knowledge["title"], _summary(network), regulators, counts,
        artifact.name, artifact.session.provider, time.perf_counter() - begun,
    )  # fmt: skip


def _open(artifact: Artifact) -> RegulationModel:
    return _cached(artifact.folder, artifact.card.files["knowledge.json"])


@lru_cache(maxsize=8)
def _cached(folder: Path, sha256: str) -> RegulationModel:  # noqa: ARG001 - a new file is new
    return RegulationModel(load_artifact(folder.name, folder.parent))


def edges_of(network: RegulationModel, gene: int) -> list[Edge]:
    """Edges of one regulator: of the model by influence, then the refused ones."""
    classes = network.classes[gene]
    found = [_edge(network, gene, int(target)) for target in np.flatnonzero(classes != "")]
    return sorted(
        found, key=lambda edge: (not edge.in_model, -abs(edge.influence), edge.target)
    )  # fmt: skip


def _edge(network: RegulationModel, regulator: int, target: int) -> Edge:
    influence = float(network.effect[regulator, target])
    prior = float(network.prior.matrix[regulator, target])
    sign = influence or (prior if network.prior.signed else 0.0)
    truth = network.truth
    return Edge(
        regulator, target, network.classes[regulator, target],
        ACTIVATES if sign > 0 else REPRESSES if sign < 0 else REGULATES, influence, prior,
        float(network.frequency[regulator, target]) if network.resamples else None,
        None if truth is None else bool(truth.matrix[regulator, target]),
    )  # fmt: skip


def _regulators(network: RegulationModel) -> tuple[Regulator, ...]:
    classes = network.classes
    found = []
    for gene in np.flatnonzero((classes != "").any(axis=1)):
        counts = {kind: int((classes[gene] == kind).sum()) for kind in CLASSES}
        kept = network.effect[gene] != 0
        selected = None
        if network.resamples and kept.any():
            selected = float(network.frequency[gene, kept].mean())
        influence = float(abs(network.effect[gene]).sum())
        found.append(
            Regulator(int(gene), network.genes[gene], counts, selected, influence)
        )  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-one.influence, one.gene)))


def _summary(network: RegulationModel) -> str:
    parts = [f"{len(network.genes):,} genes"]
    if network.samples:
        points = sum(len(sample.trajectory.times) for sample in network.samples)
        samples = len(network.samples)
        parts.append(f"{samples:,} sample{'' if samples == 1 else 's'}, {points:,} time points")
    parts.append(f"prior of {network.prior.num_edges:,} edges")
    return "; ".join(parts)
