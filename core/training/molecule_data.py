"""Few-shot benchmarks of molecules: what methods are trained and tested on.

Three protocols for every set of assays. ``<set>``: a quarter of the molecules, whole scaffolds, is
seen in no training at all, and only these are asked; this is what somebody with new molecules gets,
and what is served. ``<set>-paper``: the published protocol, in which the molecules of the test
assays were seen with their labels in the training assays; there, memory of a molecule's other
labels passes for knowledge. ``<set>-validation``: as ``<set>`` with some of the training assays in
the place of the test assays; settings are chosen with it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.chemistry.structure import many_morgan_bits, many_morgan_counts
from core.data import molecules, registry
from core.data.molecules import Assays, PotencyTable
from core.errors import InputError
from core.export.molecules import export_encoder, parity_encoder
from core.export.pacia import export_pacia, parity_pacia
from core.export.par import export_par, parity_par
from core.function.few_shot import PrototypeHead
from core.function.pacia import PaciaNetwork
from core.function.par import ParHead
from core.knowledge.calibration import fit_prediction_sets, fit_temperature, measure_calibration
from core.knowledge.few_shot import (
    label_rate_scores,
    nearest_neighbour_scores,
    ridge_scores,
)
from core.knowledge.fingerprint_models import forest_scores, logistic_scores
from core.knowledge.similar_drugs import tanimoto
from core.metrics import roc_auc
from core.serving.artifact import Artifact, DataState
from core.serving.few_shot import METHODS, FewShotModel, Inputs, ModelEntry
from core.serving.session import Session
from core.training.data import Exported, Results
from core.training.episodes import FewShotTask, Potencies
from core.training.few_shot import (
    AssayQuestion,
    AssayResults,
    FunctionScorer,
    NetworkScorer,
    Scorer,
    draw_questions,
    measure_assays,
)
from core.training.fitted import Fitted

SHOTS = (10, 1)
DRAWS = range(10)  # supports per assay at test
FEW = 3  # of these, where all would take long
CALIBRATION_ASSAYS = 40  # training assays that are asked for the calibration
CALIBRATION_DRAWS = range(100, 103)
FINGERPRINT_BITS = 2048
DOMAIN_BOUNDS = {"inside": (0.4, 1.0), "border": (0.25, 0.4), "outside": (0.0, 0.25)}
# supports, and molecules of each class asked per support, where a test of all would take a day
LARGE: dict[str, tuple[range, int]] = {"muv": (DRAWS, 500), "toxcast": (range(3), 100)}
MIN_FAMILIAR = 5  # molecules with a substructure for it to count as known
MIN_VALUES = 10  # potencies of a target for it to be learned from
MIN_SPREAD = 0.1  # deviation by which its potencies are divided at least
PAPER, VALIDATION = "-paper", "-validation"
CALIBRATION = (
    "fitted on questions of training assays about molecules no training saw, as many active as "
    "inactive; measured on test assays"
)


@dataclass(frozen=True, eq=False)
class MoleculeData:
    """Assays under one protocol.

    Attributes:
        task: what a method is fitted on.
        assays: molecules and labels.
        asked: (n,) bool, molecules that are asked at test.
        state: data set, checksum and licence for the card.
        protocol: in words.
        draws: seed of each support at test.
        most: molecules of each class asked per support; None for all.
    """

    task: FewShotTask
    assays: Assays
    asked: np.ndarray
    state: DataState
    protocol: str
    draws: range = DRAWS
    most: int | None = None

    def test(self, fitted: Fitted, device: str) -> Results:
        """AUC of the method and of baselines that see the same supports, and its calibration.

        What serving says about its own trustworthiness is written into the knowledge of `fitted`.
        """
        own = NetworkScorer(fitted.network.to(device), self.task.store, device)
        served = self._served_methods(own)
        baselines = self._baselines() | {
            METHODS[name].title.lower(): scorer
            for name, scorer in served.items()
            if scorer is not own
        }
        results: Results = {}
        for shots in SHOTS:
            found = self._measure(own, shots)
            results[f"test {shots}-shot"] = {
                "auc": found.auc,
                "auc, deviation over supports": found.std,
                "auc, first supports": float(found.by_draw[0].mean()),
                "auc, labels of the support shuffled": self._measure(own, shots, shuffled=True).auc,
                **{
                    f"auc, {name}": self._measure(baseline, shots).auc
                    for name, baseline in baselines.items()
                },
            }
        for method, scorer in served.items():
            calibration = fitted.knowledge.setdefault("calibration", {})
            calibration[method] = {str(shots): self._calibrate(scorer, shots) for shots in SHOTS}
        fitted.knowledge["domain"] = self._domain(own)
        return results

    def served(self, artifact: Artifact) -> Results:
        """AUC through the code that serves answers, on the first support of each assay."""
        scorer = _ServedScorer(artifact, Inputs(self.task.store, self._bits))
        return {
            f"test {shots}-shot": {
                "auc, first supports": measure_assays(
                    scorer, self.assays.labels, self.assays.meta_test, asked=self.asked,
                    shots=shots, draws=self.draws[:1], most=self.most,
                ).auc
            }
            for shots in SHOTS
        }  # fmt: skip

    def published(self, _split: str, _metric: str) -> tuple[float, str] | None:
        """None: published figures start from weights or selections that are not ours."""
        return None

    def export(self, fitted: Fitted) -> Exported:
        """The files that are served, and what serving knows about the training."""
        seen = self.task.usable
        smiles = [text for text, keep in zip(self.assays.smiles, seen, strict=True) if keep]
        features = np.concatenate([list(row) for row in many_morgan_counts(smiles)])
        kinds, counts = np.unique(features, return_counts=True)
        known = zip(kinds.tolist(), counts.tolist(), strict=True)
        atoms = np.concatenate([self.task.store.graph(row).atoms for row in np.flatnonzero(seen)])
        elements, element_counts = np.unique(atoms[:, 0], return_counts=True)
        knowledge = fitted.knowledge | {
            "assays": [self.assays.tasks[column] for column in self.task.train],
            "elements": elements[element_counts >= MIN_FAMILIAR].tolist(),
            "familiar": [pair for pair in known if pair[1] >= MIN_FAMILIAR],
        }
        network = fitted.network.cpu().eval()
        if isinstance(network, PaciaNetwork):
            task, model = export_pacia(network)
            worst = parity_pacia(network, Session(task, "cpu"), Session(model, "cpu"))
            knowledge["num_adapted"] = network.num_adapted
            return Exported(model, knowledge, worst, {"task.onnx": task})
        model = export_encoder(network.encoder)
        worst = parity_encoder(network.encoder, Session(model, "cpu"))
        if isinstance(network.head, ParHead):
            adapt = export_par(network.head)
            worst = max(worst, parity_par(network.head, Session(adapt, "cpu")))
            knowledge["num_adapted"] = network.head.num_adapted
            return Exported(model, knowledge, worst, {"adapt.onnx": adapt})
        knowledge["scale"] = network.head.log_scale.exp().item()
        return Exported(model, knowledge, worst)

    def _measure(self, scorer: Scorer, shots: int, *, shuffled: bool = False) -> AssayResults:
        return measure_assays(
            scorer, self.assays.labels, self.assays.meta_test, asked=self.asked, shots=shots,
            draws=self.draws[:FEW] if shuffled else self.draws, most=self.most, shuffled=shuffled,
        )  # fmt: skip

    def _served_methods(self, own: NetworkScorer) -> dict[str, Scorer]:
        """What an artifact of this network serves, by catalogue id; its own method first."""
        bits, head = self._bits, getattr(own.network, "head", None)
        if not isinstance(head, PrototypeHead):
            return {"par" if head else "pacia": own}

        def on_bits(scores: Callable[..., np.ndarray]) -> Scorer:
            return FunctionScorer(
                lambda support, labels, query: scores(bits[support], labels, bits[query])
            )

        return {
            "protonet": own,
            "ridge": FunctionScorer(
                lambda support, labels, query: ridge_scores(
                    own.embeddings(support).cpu().numpy(), labels,
                    own.embeddings(query).cpu().numpy(),
                )
            ),
            "nearest": on_bits(nearest_neighbour_scores),
            "forest": on_bits(forest_scores),
        }  # fmt: skip

    def _baselines(self) -> dict[str, Scorer]:
        """What is not trained, by name; memory of a molecule's labels where they were seen."""
        bits = self._bits
        found: dict[str, Scorer] = {
            "logistic regression on fingerprints": FunctionScorer(
                lambda support, labels, query: logistic_scores(bits[support], labels, bits[query])
            ),
        }
        if self.task.usable.all():
            rates = label_rate_scores(self.assays.labels[:, self.task.train])
            found["own label rate"] = FunctionScorer(lambda _support, _labels, query: rates[query])
        return found

    def _calibrate(self, scorer: Scorer, shots: int) -> dict[str, Any]:
        """Temperature and sets from questions of training assays, measured on the test assays."""
        training = np.random.default_rng(0).permutation(self.task.train)[:CALIBRATION_ASSAYS]
        logits, labels = self._balanced(scorer, shots, np.sort(training), CALIBRATION_DRAWS)
        temperature = fit_temperature(logits, labels)
        sets = fit_prediction_sets(temperature.probabilities(logits), labels)
        logits, labels = self._balanced(scorer, shots, self.assays.meta_test, self.draws[:FEW])
        report = measure_calibration(temperature.probabilities(logits), labels, sets)
        return {
            "temperature": temperature.to_json(),
            "sets": sets.to_json(),
            "coverage": report.coverage,
            "protocol": CALIBRATION,
        }

    def _balanced(
        self, scorer: Scorer, shots: int, columns: np.ndarray, draws: range
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log probabilities (n, 2) and labels of as many active as inactive questions."""
        logits, labels = [], []
        for seed in draws:
            for one in self._questions(columns, shots, seed):
                parts = [one.rng.permutation(np.flatnonzero(one.active == x)) for x in (0, 1)]
                rows = np.concatenate([part[: min(map(len, parts))] for part in parts])
                active = scorer.scores(one.support, one.given, one.query[rows])
                active = np.clip(active, 1e-7, 1 - 1e-7)
                logits.append(np.log(np.stack([1 - active, active], 1)))
                labels.append(one.active[rows].astype(int))
        return np.concatenate(logits), np.concatenate(labels)

    def _domain(self, scorer: NetworkScorer) -> list[dict[str, Any]]:
        """AUC by likeness to the nearest support molecule, ten shots."""
        nearest, scores, active = [], [], []
        for seed in self.draws[:FEW]:
            for one in self._questions(self.assays.meta_test, SHOTS[0], seed):
                likeness = tanimoto(self._bits[one.query], self._bits[one.support])
                nearest.append(likeness.max(1))
                scores.append(scorer.scores(one.support, one.given, one.query))
                active.append(one.active)
        found = []
        for name, (low, high) in DOMAIN_BOUNDS.items():
            parts = [
                (s[keep & a], s[keep & ~a])
                for near, s, a in zip(nearest, scores, active, strict=True)
                for keep in [(near >= low) & ((near < high) | (high == 1))]
            ]
            aucs = [roc_auc(p, n) for p, n in parts if len(p) and len(n)]
            found.append(
                {
                    "name": name, "low": low, "high": high,
                    "auc": float(np.mean(aucs)) if aucs else None,
                    "num": int(sum(len(p) + len(n) for p, n in parts)),
                }
            )  # fmt: skip
        return found

    def _questions(self, columns: np.ndarray, shots: int, seed: int) -> Iterator[AssayQuestion]:
        return draw_questions(self.assays.labels, columns, self.asked, shots, seed, self.most)

    @cached_property
    def _bits(self) -> np.ndarray:
        return many_morgan_bits(self.assays.smiles, size=FINGERPRINT_BITS)


class _ServedScorer:
    """A model as the page asks it."""

    def __init__(self, artifact: Artifact, inputs: Inputs) -> None:
        method = artifact.card.method
        self.model = FewShotModel(ModelEntry(artifact.name, method, artifact.name, ""), artifact)
        self.inputs = inputs

    def scores(self, support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
        """See `core.training.few_shot.Scorer`."""
        prepared = self.model.prepare(self.inputs.take(support), self.inputs.take(query))
        return prepared.scores(np.arange(len(support)), labels.astype(int)).probability


def load_molecule_data(name: str) -> MoleculeData:
    """Assays and protocol: ``<set>``, ``<set>-paper`` or ``<set>-validation``.

    Raises:
        InputError: there is no such set.
        DataError: the files cannot be had.
    """
    source = name.removesuffix(PAPER).removesuffix(VALIDATION)
    if source not in molecules.ASSAY_SETS:
        raise InputError(
            "TR-E04", "Unknown data set", f'"{name}" does not name a set of assays.',
            f"Known: {', '.join(molecules.ASSAY_SETS)}, also with {PAPER} or {VALIDATION}.",
        )  # fmt: skip
    assays = molecules.load_assays(source)
    if name.endswith(VALIDATION):
        chosen = molecules.validation_assays(assays)
        rest = np.setdiff1d(assays.meta_train, chosen)
        assays = replace(assays, meta_train=rest, meta_test=chosen)
    held_out = molecules.held_out_scaffolds(assays)
    everyone = np.ones(len(held_out), dtype=bool)
    paper = name.endswith(PAPER)
    task = FewShotTask(
        name,
        source,
        molecules.molecule_store(source),
        assays.labels,
        assays.meta_train,
        everyone if paper else ~held_out,
        lambda: load_potencies(assays, held_out),
    )
    found = registry.find(source)
    state = DataState(
        name, found.title, assays.sha256, found.licence, found.files[0].origin,
        "published split of assays"
        + ("" if paper else "; a quarter of the molecules, whole scaffolds, held out"),
    )  # fmt: skip
    draws, most = LARGE.get(source, (DRAWS, None))
    share = f"at most {most} active and {most} inactive of the " if most else "all "
    protocol = (
        f"ROC-AUC per test assay, mean over assays and {len(draws)} random supports; queries: "
        + share
        + ("other molecules, most of them seen in training assays" if paper else
           "molecules of scaffolds that no training saw")
        + "; last epoch, nothing chosen on test assays"
    )  # fmt: skip
    asked_rows = everyone if paper else held_out
    return MoleculeData(task, assays, asked_rows, state, protocol, draws, most)


def load_potencies(assays: Assays, held_out: np.ndarray) -> Potencies:
    """ChEMBL's potencies for the warm start of a benchmark; see `scale_potencies`."""
    table = molecules.load_potencies()
    store = molecules.molecule_store(molecules.POTENCIES)
    return Potencies(store, *scale_potencies(table, assays, held_out))


def scale_potencies(
    table: PotencyTable, assays: Assays, held_out: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Potencies of molecules whose scaffold is not held out of a benchmark.

    Args:
        table: all of them.
        assays: the benchmark.
        held_out: (n,) bool, its molecules that no training may see.

    Returns:
        molecules (m,), targets (m,) numbered anew, values (m,) centred and scaled by target;
        targets with fewer than ten values are left out.
    """
    hidden = np.unique(np.array(assays.scaffolds)[held_out])
    keep = ~np.isin(table.scaffolds, hidden)[table.molecule]
    keep &= (
        np.bincount(table.target[keep], minlength=len(table.targets))[table.target] >= MIN_VALUES
    )
    _, target = np.unique(table.target[keep], return_inverse=True)
    value, count = table.value[keep].astype(np.float64), np.bincount(target)
    centred = value - (np.bincount(target, value) / count)[target]
    spread = np.sqrt(np.bincount(target, centred**2) / count)
    scaled = centred / np.maximum(spread, MIN_SPREAD)[target]
    return table.molecule[keep], target, scaled.astype(np.float32)
