"""Expression over time: what models of gene regulation learn from, tests and artifacts.

Where nobody has divided the samples, five or more are divided by sample, and fewer into stretches
of neighbouring time points, so that no transition shares a time point with another part.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
import torch

from core.data.regulation import published
from core.data.regulation.dataset import RegulationData
from core.data.regulation.simulate import simulate
from core.data.regulation.thinning import mean_of_measured, thinned
from core.errors import InputError
from core.export.dynamics import export_dynamics
from core.function.dynamics import PhoenixNetwork
from core.knowledge.dynamics import advance, follow
from core.knowledge.regulation import Expression, Network, Trajectory, steps_of
from core.metrics import mean_out_degree, network_summary
from core.serving import grn_uploads
from core.serving.artifact import Artifact, DataState
from core.serving.grn_model import INPUT, OUTPUT, to_matrix
from core.training.data import Exported, Results
from core.training.fitted import Fitted

MIN_SAMPLES = 5  # fewer are divided in time
PARTS = ("train", "train", "valid", "train", "train", "test")  # of the stretches, in turn
NUM_STRETCHES, STRETCH = 12, 4  # at most so many, of at least so many time points
MIN_TIMES = 5  # of a sample that is divided
MIN_TESTED = 24  # time points; with fewer nothing is kept for a test
VALID_SHARE = TEST_SHARE = 0.1  # of the samples
MANY = 8  # samples, of which at least two are for choosing
PAPER = {("sim350", "balanced_accuracy"): 0.907, ("sim350", "sparsity"): 0.947}
Rate = Callable[[np.ndarray], np.ndarray]


class Transitions(NamedTuple):
    """Neighbouring time points.

    Attributes:
        before: (m, n) float32, gaps in time filled by their neighbours.
        after: (m, n) float32, NaN where not measured.
        between: (m,) float32 time between them.
        group: (m,) int64, rows of one group are drawn together when data are resampled.
    """

    before: np.ndarray
    after: np.ndarray
    between: np.ndarray
    group: np.ndarray

    def pick(self, rows: np.ndarray) -> "Transitions":
        """Some rows."""
        return Transitions(*(one[rows] for one in self))


@dataclass(frozen=True, eq=False)
class RegulationTask:
    """What a method is fitted on.

    Attributes:
        train: to learn from.
        valid: to choose on.
        prior: known beforehand.
        partners: (n, n) at least 0, or None.
        unit: median gap in time, in the user's unit.
        test: to report on, never to choose on.
        truth: likewise; genes without edges in it are judged only where `whole`.
        whole: whether `truth` says of every pair whether it is an edge.
    """

    train: Transitions
    valid: Transitions
    prior: Network
    partners: np.ndarray | None
    unit: float
    test: Transitions | None = None
    truth: Network | None = None
    whole: bool = True

    @property
    def num_genes(self) -> int:
        """Genes."""
        return len(self.prior.genes)

    def resampled(self, rng: np.random.Generator) -> "RegulationTask":
        """The same with as many groups of training transitions, drawn with replacement."""
        groups = np.unique(self.train.group)
        drawn = rng.choice(groups, len(groups))
        rows = np.concatenate([np.flatnonzero(self.train.group == one) for one in drawn])
        return replace(self, train=self.train.pick(rows))

    def judge(self, effect: np.ndarray) -> dict[str, float]:
        """How an effect matrix agrees with the true network; empty where none is known."""
        if self.truth is None:
            return {}
        rows = None if self.whole else self.truth.matrix.any(axis=1)
        return network_summary(effect, self.truth.matrix, rows)


def transitions_of(samples: Sequence[Trajectory], means: np.ndarray) -> Transitions:
    """Of samples with two or more time points; a single sample's transitions are groups each.

    Args:
        samples: at least one.
        means: (n,) see `core.knowledge.regulation.steps_of`.
    """
    together = len(samples) >= MIN_SAMPLES
    groups = [
        np.full(len(sample.times) - 1, number) if together
        else 1_000_000 * number + np.arange(len(sample.times) - 1)
        for number, sample in enumerate(samples)
    ]  # fmt: skip
    return Transitions(*steps_of(samples, means), np.concatenate(groups))


def means_of(samples: Sequence[Trajectory]) -> np.ndarray:
    """(n,) mean of every gene; one half where it was never measured."""
    means = mean_of_measured(np.concatenate([sample.values for sample in samples]))
    return np.where(np.isnan(means), 0.5, means)


def divide(expression: Expression) -> dict[str, tuple[Trajectory, ...]]:
    """Parts by name; without a part for tests where there is too little."""
    samples = expression.samples
    parts: dict[str, list[Trajectory]] = {"train": [], "valid": [], "test": []}
    if len(samples) >= MIN_SAMPLES:
        order = np.random.default_rng(0).permutation(len(samples))
        num_valid = max(2 if len(samples) >= MANY else 1, round(VALID_SHARE * len(samples)))
        num_test = round(TEST_SHARE * len(samples)) if len(samples) > 2 * MIN_SAMPLES else 0
        for turn, k in enumerate(order):
            part = (
                "valid" if turn < num_valid else "test" if turn < num_valid + num_test else "train"
            )
            parts[part].append(samples[k])
    for sample in samples if len(samples) < MIN_SAMPLES else ():
        for part, rows in _stretches(len(sample.times)):
            parts[part].append(Trajectory(sample.times[rows], sample.values[rows]))
    return {name: tuple(found) for name, found in parts.items() if found}


def _stretches(num_times: int) -> Iterator[tuple[str, slice]]:
    """Neighbouring time points by part; each belongs to one part only.

    The steps from one part to the next belong to none.
    """
    if num_times < MIN_TIMES:
        yield "train", slice(None)
        return
    num = min(NUM_STRETCHES, num_times // STRETCH)
    if num < 3:
        cut = num_times - max(2, num_times // STRETCH)
        yield from (("train", slice(cut)), ("valid", slice(cut, None)))
        return
    cuts = np.linspace(0, num_times, num + 1).round().astype(int)
    names = [PARTS[turn % len(PARTS)] for turn in range(num)]
    if num_times < MIN_TESTED:
        names = ["train" if name == "test" else name for name in names]
    for name, turns in groupby(range(num), key=names.__getitem__):
        same = list(turns)
        yield name, slice(cuts[same[0]], cuts[same[-1] + 1])


class RegulationTraining:
    """A data set for `core.training.run.run`.

    Args:
        data: expression, prior and what is known for measuring.
        state: for the card.
        shown: whether the measurements go into the artifact.
        simulated: whether no living thing was measured.
        time_unit: such as ``min``.
    """

    protocol = (
        "mse: mean squared error at the next time point, expression 0 to 1, from the measured one; "
        "course: of whole trajectories from their first time point. sparsity: share of zeros among "
        "the four weight matrices. Balanced accuracy of non-zero effects against the true network, "
        "self-regulation left out. Trust in the prior and epoch chosen by validation error."
    )

    def __init__(
        self, data: RegulationData, state: DataState, *, shown: bool, simulated: bool,
        time_unit: str = "",
    ) -> None:  # fmt: skip
        self.data, self.state, self.shown = data, state, shown
        self.simulated, self.time_unit = simulated, time_unit
        parts = {"train": data.train.samples}
        if data.valid is None:
            parts = divide(data.train)
        else:
            parts["valid"] = data.valid.samples
        if data.test is not None:
            parts["train"] += parts.pop("test", ())  # a test part is there already
            parts["test"] = data.test.samples
        self.parts = parts
        self.means = means_of(parts["train"])
        found = {name: transitions_of(samples, self.means) for name, samples in parts.items()}
        partners = data.partners
        self.task = RegulationTask(
            found["train"], found["valid"], data.prior,
            None if partners is None else np.abs(partners.matrix).astype(np.float64),
            float(np.median(found["train"].between)), found.get("test"),
            data.truth or data.reference, data.truth is not None,
        )  # fmt: skip

    def test(self, fitted: Fitted, _device: str) -> Results:
        """Errors, sparsity and agreement with the true network."""
        network: PhoenixNetwork = fitted.network

        def rate(x: np.ndarray) -> np.ndarray:
            with torch.inference_mode():
                return network(torch.from_numpy(x.astype(np.float32))).numpy()

        return self._figures(rate, network.dynamics().effect(), fitted.knowledge)

    def published(self, split: str, metric: str) -> tuple[float, str] | None:
        """The authors' figure on SIM350 with 5 % noise."""
        paper = PAPER.get((self.state.name, metric))
        return (paper, "Plot manuscript_fig_BASparse_5 of the code.") if paper and split == "test" \
            else None  # fmt: skip

    def export(self, fitted: Fitted) -> Exported:
        """The right-hand side as ONNX, networks and figures as plain values."""
        model, apart = export_dynamics(fitted.network)
        scaling = self.data.scaling
        samples = [
            {"times": one.times.tolist(), "part": part,
             "values": [[None if np.isnan(x) else round(float(x), 4) for x in row]
                        for row in one.values]}
            for part, found in self.parts.items() for one in found
        ]  # fmt: skip
        return Exported(
            model,
            {
                "title": self.data.title, "simulated": self.simulated,
                "genes": list(self.data.prior.genes),
                "prior": _record(self.data.prior), "truth": _record(self.data.truth),
                "partners": _edges(self.data.partners),
                "means": [round(float(one), 6) for one in self.means],
                "samples": samples if self.shown else [],
                "scaling": None if scaling is None else scaling.to_json(),
                "time_unit": self.time_unit,
            } | fitted.knowledge,
            apart,
        )  # fmt: skip

    def served(self, artifact: Artifact) -> Results:
        """The same figures through ONNX Runtime."""
        known = artifact.knowledge

        def rate(x: np.ndarray) -> np.ndarray:
            return artifact.session.run({INPUT: x.astype(np.float32)}, [OUTPUT])[0]

        return self._figures(rate, to_matrix(self.task.num_genes, known["effect"]), known)

    def _figures(self, rate: Rate, effect: np.ndarray, known: dict[str, Any]) -> Results:
        found: Results = {}
        for part in ("test", "valid"):
            if part in self.parts:
                found[part] = self._errors(rate, part, known["max_step"])
        first = next(iter(found.values()))
        first |= {"sparsity": known["sparsity"], "out_degree": mean_out_degree(effect)}
        first |= self.task.judge(effect)
        return found

    def _errors(self, rate: Rate, part: str, max_step: float) -> dict[str, float]:
        data = transitions_of(self.parts[part], self.means)
        later = advance(rate, data.before, data.between, max_step)
        gaps = []
        for sample in self.parts[part]:
            first = sample.values[:1]
            start = np.where(np.isnan(first), self.means, first).astype(np.float32)
            path = follow(rate, start, sample.times, max_step)[:, 0]
            gaps.append((path - sample.values)[1:])
        return {
            "mse": float(np.nanmean((later - data.after) ** 2)),
            "mse_course": float(np.nanmean(np.concatenate(gaps) ** 2)),
        }


LICENCE = "MIT (repositories); no licence of the measurements is stated"
REPOSITORY = "https://github.com/QuackenbushLab/phoenix"
PUBLISHED: dict[str, tuple[Callable[[], RegulationData], str]] = {  # loader, unit of time
    "sim350": (published.load_sim350, ""),
    "yeast": (published.load_yeast, "min"),
    "breast-cancer": (published.load_breast_cancer, "pseudotime"),
    "haematopoiesis-b": (lambda: published.load_haematopoiesis("B"), "pseudotime"),
    "haematopoiesis-mono": (lambda: published.load_haematopoiesis("mono"), "pseudotime"),
}
PLANTED, UPLOAD = "planted-network", "upload:"


def load_regulation_data(name: str) -> RegulationTraining:
    """The generated network, a published set, or a user's own (``upload:<id>``).

    Raises:
        InputError: no such data set.
        DataError: its files cannot be had.
    """
    time_unit = ""
    if name == PLANTED:
        data, licence, url, split = simulate(), "generated by this product", "", "48/12/10 samples"
    elif name in PUBLISHED:
        read, time_unit = PUBLISHED[name]
        data, licence, url, split = read(), LICENCE, REPOSITORY, "by sample or stretch"
        data = replace(data, train=thinned(data.train), test=data.test and thinned(data.test))
    elif name.startswith(UPLOAD):
        kept = grn_uploads.load(name.removeprefix(UPLOAD))
        licence, url, split = "a user's own file", "", "by sample or stretch"
        time_unit = kept.time_unit
        data = RegulationData(
            kept.name, thinned(kept.expression), kept.prior, partners=kept.partners,
            scaling=kept.scaling,
        )  # fmt: skip
    else:
        raise InputError(
            "TR-E04", "Unknown data set", f'"{name}" is not a set of expression over time.',
            f"Known: {', '.join((PLANTED, *PUBLISHED))}, upload:ID.",
        )  # fmt: skip
    state = DataState(name, data.title, fingerprint(data), licence, url, split)
    simulated = name in (PLANTED, "sim350")
    shown = name not in PUBLISHED  # measurements of others are not shipped
    return RegulationTraining(data, state, shown=shown, simulated=simulated, time_unit=time_unit)


def fingerprint(data: RegulationData) -> str:
    """Sha256 of expression and prior."""
    digest = hashlib.sha256(repr(data.prior.genes).encode())
    for sample in (*data.train.samples, *(data.valid.samples if data.valid else ())):
        digest.update(sample.times.tobytes())
        digest.update(sample.values.tobytes())
    digest.update(data.prior.matrix.tobytes())
    return digest.hexdigest()


def _record(network: Network | None) -> dict[str, Any] | None:
    return None if network is None else {"signed": network.signed, "edges": _edges(network)}


def _edges(network: Network | None) -> list[list[float]]:
    return [] if network is None else edges_of(network.matrix)


def edges_of(matrix: np.ndarray) -> list[list[float]]:
    """[row, column, value] of entries that are not zero, values to five digits."""
    places = zip(*np.nonzero(matrix), strict=True)
    return [[int(i), int(j), float(f"{matrix[i, j]:.5g}")] for i, j in places]
