"""A pruned model of expression dynamics: its network and its trajectories.

The right-hand side runs through ONNX Runtime, the integrator is Runge-Kutta of order four.

Taking an edge out. Target j no longer sees regulator i: where the right-hand side of j reads the
expression of i, it reads the mean of i over the training part instead, so a_i is held at its value
there. Other genes follow the whole model meanwhile; only the equation of j is changed. A gene's own
decay is no edge and stays when its self-regulation is taken out.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from core.errors import ArtifactError
from core.knowledge.dynamics import follow, num_steps, runge_kutta
from core.knowledge.regulation import Network, Trajectory, classify, steps_of
from core.serving.artifact import Artifact

INPUT, OUTPUT = "x", "change"
NEEDED = frozenset({
    "genes", "title", "prior", "truth", "effect", "frequency", "resamples", "samples", "means",
    "rates", "max_step", "sparsity", "num_weights", "num_kept", "trust", "trials", "curves",
    "corruption", "trust_runs", "time_unit", "seconds",
})  # fmt: skip
MAX_CELLS = 4_000_000  # numbers in one batch, about 16 MB

Case = tuple[int, frozenset[int]]  # a target, and the regulators it does not see


@dataclass(frozen=True, eq=False)
class Sample:
    """Measured expression of one sample, in the units of the model.

    Attributes:
        name: for people.
        part: train, valid or test.
        trajectory: values about 0..1, NaN where not measured.
    """

    name: str
    part: str
    trajectory: Trajectory


@dataclass(frozen=True, eq=False)
class Transitions:
    """Pairs of neighbouring time points.

    Attributes:
        before: (m, n) expression.
        after: (m, n) expression, NaN where not measured.
        between: (m,) time between them.
    """

    before: np.ndarray
    after: np.ndarray
    between: np.ndarray

    def __len__(self) -> int:
        return len(self.between)

    def thin(self, num: int) -> "Transitions":
        """At most so many of them, spread evenly."""
        if len(self) <= num:
            return self
        rows = np.arange(num) * len(self) // num
        return Transitions(self.before[rows], self.after[rows], self.between[rows])


class RegulationModel:
    """A served network of gene regulation.

    Args:
        artifact: of the method DASH.

    Attributes:
        genes: n names.
        effect: (n, n) float32 effect matrix of the model, regulators as rows.
        prior: the network that was known beforehand.
        truth: the network behind simulated data, None otherwise.
        frequency: (n, n) float32 share of the resampled trainings that keep an edge.
        resamples: number of these trainings, 0 without any.
        samples: the measurements, none where they may not be shipped.

    Raises:
        ArtifactError: parts of its knowledge are missing.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self.knowledge: dict[str, Any] = artifact.knowledge
        if missing := sorted(NEEDED - self.knowledge.keys()):
            raise ArtifactError(f"{artifact.name}/knowledge.json lacks {', '.join(missing)}.")
        found, genes = self.knowledge, tuple(self.knowledge["genes"])
        self.genes = genes
        self.effect = to_matrix(len(genes), found["effect"])
        self.prior = _network(genes, found["prior"])
        self.truth = _network(genes, found["truth"]) if found["truth"] else None
        self.frequency = to_matrix(len(genes), found["frequency"])
        self.resamples = int(found["resamples"])
        self.samples = tuple(
            Sample(
                one.get("name") or f"Sample {row}", one["part"],
                Trajectory(np.array(one["times"], float), np.array(one["values"], np.float32)),
            )
            for row, one in enumerate(found["samples"], start=1)
        )  # fmt: skip
        self._means = np.array(found["means"], np.float32)
        self._rates = np.array(found["rates"], np.float32)
        self._max_step = float(found["max_step"])

    @cached_property
    def classes(self) -> np.ndarray:
        """(n, n) what became of every possible edge, see `core.knowledge.regulation.classify`."""
        return classify(self.effect, self.prior)

    @property
    def held_out(self) -> str:
        """The part that no training saw, as far as there is one; empty without measurements."""
        parts = {sample.part for sample in self.samples}
        return next((part for part in ("test", "valid", "train") if part in parts), "")

    def transitions(self, part: str) -> Transitions:
        """Neighbouring time points of one part, see `core.knowledge.regulation.steps_of`."""
        chosen = tuple(sample.trajectory for sample in self.samples if sample.part == part)
        if not chosen:
            none = np.zeros((0, len(self.genes)), np.float32)
            return Transitions(none, none, np.zeros(0, np.float32))
        return Transitions(*steps_of(chosen, self._means))

    def change(self, x: np.ndarray) -> np.ndarray:
        """(b, n) time derivative of expression (b, n)."""
        (answer,) = self.artifact.session.run({INPUT: x.astype(np.float32, copy=False)}, [OUTPUT])
        return answer

    def follow(self, start: np.ndarray, times: Sequence[float]) -> np.ndarray:
        """(T, n) expression at increasing times, from (n,) expression at the first of them."""
        state = self._filled(start[None])
        return follow(self.change, state, np.asarray(times, np.float32), self._max_step)[:, 0]

    def follow_without(
        self, case: Case, start: np.ndarray, times: Sequence[float]
    ) -> np.ndarray:  # fmt: skip
        """(T,) expression of the target of a case, the other genes as in `follow`."""
        state = self._filled(start[None])
        value = state[:, [case[0]]].T.copy()
        found = [float(value[0, 0])]
        for before, after in pairwise(times):
            gap = np.array([after - before])
            walk = self._walk(state, gap)
            value = self._walk_targets([case], walk, gap, value)
            state = walk[-1][2]
            found.append(float(value[0, 0]))
        return np.array(found)

    def errors(self, cases: Sequence[Case], data: Transitions) -> np.ndarray:
        """Mean squared error of each case's target at the next time point.

        Args:
            cases: targets with what they do not see.
            data: from measured time points to the next.

        Returns:
            (cases,) float64; NaN for a target that is measured nowhere.
        """
        walk = self._walk(data.before, data.between)
        room = max(1, MAX_CELLS // max(1, len(data) * len(self.genes)))
        found = []
        for first in range(0, len(cases), room):
            some = list(cases[first : first + room])
            targets = [target for target, _ in some]
            value = data.before[:, targets].T.copy()
            value = self._walk_targets(some, walk, data.between, value)
            gap = (value - data.after[:, targets].T).astype(float)
            known = np.isfinite(gap)
            total = np.where(known, gap, 0.0) ** 2
            with np.errstate(invalid="ignore"):
                found.append(total.sum(axis=1) / known.sum(axis=1))
        errors = np.concatenate(found) if found else np.zeros(0)
        if np.isinf(errors).any():
            raise ArtifactError(f"{self.artifact.name} gives trajectories that are not finite.")
        return errors

    def _filled(self, x: np.ndarray) -> np.ndarray:
        return np.where(np.isfinite(x), x, self._means).astype(np.float32)

    def _walk(self, state: np.ndarray, between: np.ndarray) -> list[tuple[np.ndarray, ...]]:
        """States (b, n) at the start, middle and end of every step across the gaps (b,)."""
        num = num_steps(float(between.max(initial=0)), self._max_step)
        step = (between / num).astype(np.float32)[:, None]
        walk, before = [], self.change(state)
        for _ in range(num):
            end = runge_kutta(self.change, state, step)
            after = self.change(end)
            # the cubic through both ends with their slopes, in the middle
            walk.append((state, (state + end) / 2 + step / 8 * (before - after), end))
            state, before = end, after
        return walk

    def _walk_targets(
        self, cases: Sequence[Case], walk: Sequence[tuple[np.ndarray, ...]], between: np.ndarray,
        value: np.ndarray,
    ) -> np.ndarray:  # fmt: skip
        """(cases, b) expression of each case's target after the gaps, from (cases, b) before."""
        step = (between / len(walk)).astype(np.float32)[None]
        for state, middle, end in walk:
            first = self._change_of(cases, state, value)
            second = self._change_of(cases, middle, value + step / 2 * first)
            third = self._change_of(cases, middle, value + step / 2 * second)
            fourth = self._change_of(cases, end, value + step * third)
            value = value + step / 6 * (first + 2 * second + 2 * third + fourth)
        return value

    def _change_of(self, cases: Sequence[Case], state: np.ndarray, value: np.ndarray) -> np.ndarray:
        """(cases, b) derivative of each case's target with expression `value` (cases, b)."""
        seen = np.repeat(state[None], len(cases), axis=0)  # (cases, b, n)
        for row, (target, held) in enumerate(cases):
            seen[row, :, target] = value[row]
            for gene in held:
                seen[row, :, gene] = self._means[gene]
        change = self.change(seen.reshape(-1, len(self.genes))).reshape(seen.shape)
        found = np.stack([change[row, :, target] for row, (target, _) in enumerate(cases)])
        for row, (target, held) in enumerate(cases):
            if target in held:  # its decay is read from the same input
                found[row] += self._rates[target] * (self._means[target] - value[row])
        return found


def to_matrix(num: int, entries: Collection[Sequence[float]]) -> np.ndarray:
    """(num, num) float32 from row, column, value."""
    matrix = np.zeros((num, num), np.float32)
    for row, column, value in entries:
        matrix[int(row), int(column)] = value
    return matrix


def _network(genes: tuple[str, ...], record: dict[str, Any]) -> Network:
    return Network(genes, to_matrix(len(genes), record["edges"]), record["signed"])
