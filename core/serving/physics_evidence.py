"""Are the terms of a law the reason of its fit? The live check, and what each part is worth.

The model of the check is a regression on the law's terms and on random terms of the library; its
score is R² on unseen graphs, the evidence are the law's terms, the controls random terms of the
same number. Parts are finer than terms: factors and the direction of a force as well.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.discovery.term_check import Removal, TermEvidence, removals, term_evidence
from core.evidence.evidence import Overlay
from core.evidence.faithfulness import (
    Check,
    Minimal,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem

NUM_CONTROLS = 20
NOUN = ("term", "terms")


@dataclass(frozen=True)
class Explanation:
    """Terms of a law among decoys.

    Attributes:
        found: terms, decoys and their scorer.
        removals: what each part is worth, the dearest first.
        seed: of decoys and controls.
    """

    found: TermEvidence
    removals: tuple[Removal, ...]
    seed: int

    def check(self, ids: Collection[str] | None = None) -> Check:
        """The live check of some of the terms, of all without `ids`."""
        evidence = self.found.evidence if ids is None else frozenset(ids)
        controls = matched_controls(
            evidence, self.found.pool - self.found.evidence | evidence, lambda _: "term",
            NUM_CONTROLS, np.random.default_rng(self.seed),
        )  # fmt: skip
        return check_evidence(self.found.score, evidence, controls, noun=NOUN)

    def words(self, term: str) -> str:
        """A term as a formula."""
        return self.found.terms[term].partition(" = ")[2]

    @cached_property
    def minimal(self) -> Minimal:
        """The fewest terms that are enough."""
        return find_minimal(self.found.score, self.found.evidence, order=self.order)

    @cached_property
    def losses(self) -> dict[str, float]:
        """R² lost without each term, the others fitted again."""
        terms = list(self.found.terms)
        overlays = [Overlay(), *(Overlay(remove=frozenset([term])) for term in terms)]
        everything, *without = self.found.score(overlays)
        return {
            term: everything.score - one.score for term, one in zip(terms, without, strict=True)
        }

    @property
    def order(self) -> list[str]:
        """Terms from most to least worth keeping."""
        return sorted(self.losses, key=lambda term: -self.losses[term])


def explain(law: Law, train: GraphSystem, test: GraphSystem, seed: int = 0) -> Explanation:
    """Parts, terms and decoys of a law.

    Args:
        law: with its constants.
        train: data on which what is left is fitted again.
        test: data on which R² is measured.
        seed: of the decoys and controls.
    """
    return Explanation(
        term_evidence(law, train, test, seed), tuple(removals(law, train, test)), seed
    )
