"""Are the edges of a regulator the reason why its targets are predicted? The live check.

The score is R² of the change of expression to the next time point, over all targets that the model
gives to the regulator, in samples that no training saw as far as there are any. An edge is taken
out by holding the regulator at its mean where that target reads it (`core.serving.grn_model`). Kept
alone, some of its edges stay while its others are taken out; other regulators always stay, so that
the score without any edge is what the others explain. The look-alikes are as many edges of other
genes to the same targets, whether the model uses them or not.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    Check,
    Minimal,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.serving.gene_regulation import Edge
from core.serving.grn_model import Case, RegulationModel

MAX_SHOWN = 25
MIN_REFUSED = 6  # places of the drawing that refused edges may have
NUM_CONTROLS = 20
MAX_ROWS = 4000  # targets x transitions of one overlay; bounds the time of an answer
MIN_RISE = 0.01  # of the error, below which an edge is worth nothing
NOUN = ("edge", "edges")
PARTS = {  # where the error is measured, in words
    "test": "in samples that nothing was trained or chosen on",
    "valid": "in the validation part, on which trust and epoch were chosen",
    "train": "in the training part itself, since nothing was held back",
    "": "",
}

Link = tuple[int, int]  # regulator, target


@dataclass(frozen=True)
class Rise:
    """What one edge is worth to its target.

    Attributes:
        error: root mean square error of the target with everything, in the units of the model.
        without: the same without the edge.
        random: 95 % quantile of the same without one edge of another gene to this target.
    """

    error: float
    without: float
    random: float

    @property
    def share(self) -> float:
        """By which share the error rises."""
        return self.without / self.error - 1 if self.error > 0 else 0.0

    @property
    def stands_out(self) -> bool:
        """Whether it is worth something, and more than almost all random edges."""
        return self.share >= MIN_RISE and self.without > self.random


class Explanation:
    """Edges of one regulator, and what the model is worth without them.

    Args:
        network: the model, with measurements.
        edges: the regulator's edges, in the order of their influence.
        seed: of the look-alikes.

    Attributes:
        num_edges: all its edges.
        shown: the edges that are drawn, at most 25.
        used: the shown edges that the model has; the evidence.
        part: where the error is measured: test, valid or train.
        num_transitions: pairs of time points behind it.
    """

    def __init__(self, network: RegulationModel, edges: Sequence[Edge], seed: int = 0) -> None:
        self._network, self.seed = network, seed
        self._all = [(edge.regulator, edge.target) for edge in edges if edge.in_model]
        self.num_edges = len(edges)
        self.shown = choose_shown(edges)
        self.used = [(one.regulator, one.target) for one in self.shown if one.in_model]
        self.part = network.held_out
        measured = network.transitions(self.part)
        self._data = measured.thin(max(8, MAX_ROWS // max(1, len(self._all))))
        self.num_transitions = len(self._data)
        self._errors: dict[Case, float] = {}

    @property
    def measurable(self) -> bool:
        """Whether there is anything to measure: edges, and samples with their next time point."""
        return bool(self._all) and self.num_transitions > 0 and self._spread.sum() > 0

    @cached_property
    def _spread(self) -> np.ndarray:
        """(targets,) mean squared deviation of each target's change from its mean."""
        targets = [target for _, target in self._all]
        change = (self._data.after - self._data.before)[:, targets].astype(float)
        known = np.isfinite(change)
        num = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, change, 0).sum(axis=0) / num
        return (np.where(known, change - mean, 0) ** 2).sum(axis=0) / num

    def score(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """R² under each overlay; items are pairs of regulator and target."""
        cases = [self._cases(overlay) for overlay in overlays]
        self._measure({case for row in cases for case in row})
        known = np.array([np.isfinite(self._errors[case]) for case in cases[0]])
        found = []
        for row in cases:
            errors = np.array([self._errors[case] for case in row])
            score = 1 - errors[known].sum() / self._spread[known].sum()
            found.append(Outcome(float(score), 1.0))
        return found

    def _cases(self, overlay: Overlay) -> list[Case]:
        """What each target of the regulator does not see."""
        gone: dict[int, set[int]] = {target: set() for _, target in self._all}
        for regulator, target in overlay.remove:
            if target in gone:
                gone[target].add(regulator)
        if overlay.keep is not None:
            for regulator, target in self._all:
                if (regulator, target) not in overlay.keep:
                    gone[target].add(regulator)
        return [(target, frozenset(held)) for target, held in gone.items()]

    def _measure(self, cases: Collection[Case]) -> None:
        missing = sorted((one for one in cases if one not in self._errors), key=repr)
        if missing:
            found = self._network.errors(missing, self._data)
            self._errors.update(zip(missing, found.tolist(), strict=True))

    @cached_property
    def _random(self) -> dict[int, list[int]]:
        """For every target, genes that stand for the regulator in a comparison."""
        rng = np.random.default_rng(self.seed)
        genes = len(self._network.genes)
        found = {}
        for regulator, target in self._all:
            others = [gene for gene in range(genes) if gene not in (regulator, target)]
            some = rng.permutation(len(others))[: 2 * NUM_CONTROLS]
            found[target] = [others[row] for row in some]
        return found

    def check(self, links: Collection[Link] | None = None) -> Check:
        """The live check of some of the shown edges, of all without `links`."""
        evidence = frozenset(self.used if links is None else links)
        targets = {target for _, target in evidence}
        pool = {(gene, target) for target in targets for gene in self._random[target]}
        controls = matched_controls(
            evidence, pool, lambda link: link[1], NUM_CONTROLS, np.random.default_rng(self.seed)
        )
        return check_evidence(self.score, evidence, controls, noun=NOUN)

    @cached_property
    def minimal(self) -> Minimal:
        """The fewest of the shown edges that are enough."""
        return find_minimal(self.score, self.used, order=self.used)

    @cached_property
    def rises(self) -> dict[Link, Rise]:
        """By edge of the model that is shown, what it is worth to its target."""
        whole = {link: (link[1], frozenset[int]()) for link in self.used}
        without = {link: (link[1], frozenset([link[0]])) for link in self.used}
        random = {
            link: [(link[1], frozenset([gene])) for gene in self._random[link[1]][:NUM_CONTROLS]]
            for link in self.used
        }
        cases = {*whole.values(), *without.values(), *(c for row in random.values() for c in row)}
        self._measure(cases)
        return {
            link: Rise(
                self._errors[whole[link]] ** 0.5,
                self._errors[without[link]] ** 0.5,
                float(np.quantile([self._errors[case] ** 0.5 for case in random[link]], 0.95)),
            )
            for link in self.used
            if np.isfinite(self._errors[whole[link]])
        }


def choose_shown(edges: Sequence[Edge]) -> list[Edge]:
    """At most 25 edges: the strongest of the model, and some of the refused ones.

    Args:
        edges: of the model by influence, then the refused ones.
    """
    used = [edge for edge in edges if edge.in_model]
    refused = [edge for edge in edges if not edge.in_model]
    room = MAX_SHOWN - min(len(refused), MIN_REFUSED)
    kept = used[: max(room, MAX_SHOWN - len(refused))]
    return [*kept, *refused[: MAX_SHOWN - len(kept)]]
