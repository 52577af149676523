"""Interactions read off from similar drugs: baselines without training, and evidence.

Notation: D drugs, T interaction types, F bits of a fingerprint; k(u, u') weight with which the
known drug u' speaks for the new drug u.

Similar-drug vote: score of type i for the ordered pair (u, v) is the sum over the known
interactions (u', i, v') of k(u, u') k(v, v'). For a new drug k is the Tanimoto coefficient of two
fingerprints raised to an exponent, and 0 for every drug that is not known and for itself; a known
drug speaks for itself alone. Head is compared with head and tail with tail. When both drugs are
known, each is treated as new in turn and the two votes are added, so that an interaction recorded
for the pair itself never counts.
It is the nearest-neighbour form of the observation that EmerGNN's strongest paths lead over similar
drugs (Zhang et al., Nature Computational Science 2023, figure 3).

Type habit: how often a known drug carries each type. It knows nothing of the partner and shows how
much of an accuracy comes from the known drug alone.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.errors import ShapeError

# Share of a normalised vote that is spread evenly over the types before its logarithm is taken. On
# the validation parts of DDI-Bench it is within 0.02 nats of the best share for exponents 3 to 6,
# with one or two new drugs alike; smoothing by a constant weight is not, because the total of a
# vote changes by orders of magnitude with the exponent.
VOTE_SMOOTHING = 0.01

# Weight of the habits against the vote in `TypeHabit.fallback`: what one known drug of Tanimoto 0.1
# carries under the fourth power.
FALLBACK_WEIGHT = 1e-4


def tanimoto(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Shared bits over bits in either: |a and b| / |a or b|.

    Args:
        first: (n, F) bits, bool or 0/1.
        second: (m, F) bits.

    Returns:
        (n, m) float32 in [0, 1]; 0 where neither has a bit.

    Raises:
        ShapeError: different numbers of bits.
    """
    if first.ndim != 2 or second.ndim != 2 or first.shape[1] != second.shape[1]:
        raise ShapeError(f"bits must be (n, F) and (m, F), got {first.shape} and {second.shape}.")
    a, b = first.astype(np.float32), second.astype(np.float32)
    shared = a @ b.T
    either = a.sum(1)[:, None] + b.sum(1) - shared
    return np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)


@dataclass(frozen=True)
class SimilarInteraction:
    """A known interaction that speaks for the type asked about.

    Attributes:
        head: known drug in place of the head; the head itself when that is known.
        tail: likewise for the tail.
        weight: its part of the score, k(u, head) k(v, tail).
    """

    head: int
    tail: int
    weight: float


@dataclass(frozen=True, eq=False)
class SimilarDrugVote:
    """The similar-drug vote.

    Attributes:
        facts: (n, 3) int64 known interactions head, type, tail; both drugs known.
        similarity: (D, D) Tanimoto coefficients.
        known: (D,) bool, the drugs whose interactions are known.
        num_types: T.
        exponent: power of the Tanimoto coefficient.
    """

    facts: np.ndarray
    similarity: np.ndarray
    known: np.ndarray
    num_types: int
    exponent: float = 6.0

    def __post_init__(self) -> None:
        d = len(self.known)
        if self.similarity.shape != (d, d) or self.facts.ndim != 2 or self.facts.shape[1] != 3:
            raise ShapeError(
                f"similarity must be ({d}, {d}) and facts (n, 3), got {self.similarity.shape} and "
                f"{self.facts.shape}."
            )
        if not self.known[self.facts[:, [0, 2]]].all():
            raise ShapeError("facts must be between known drugs.")

    @property
    def num_drugs(self) -> int:
        """D."""
        return len(self.known)

    @cached_property
    def _by_head(self) -> tuple[np.ndarray, np.ndarray]:
        """Facts ordered by head (n,) and the start of each drug's range (D + 1,)."""
        order = np.argsort(self.facts[:, 0], kind="stable")
        start = np.searchsorted(self.facts[order, 0], np.arange(self.num_drugs + 1))
        return order, start

    @cached_property
    def _by_tail(self) -> tuple[np.ndarray, np.ndarray]:
        """The same by tail."""
        order = np.argsort(self.facts[:, 2], kind="stable")
        start = np.searchsorted(self.facts[order, 2], np.arange(self.num_drugs + 1))
        return order, start

    def weights(self, similarity: np.ndarray) -> np.ndarray:
        """What the known drugs count for a new drug.

        Args:
            similarity: (..., D) Tanimoto coefficients to every drug.

        Returns:
            (..., D) float32, 0 for drugs that are not known.
        """
        return np.where(self.known, np.asarray(similarity, np.float32) ** self.exponent, 0).astype(
            np.float32
        )

    def as_new(self, drug: int) -> np.ndarray:
        """(D,) weights of the known drugs for this one, itself left out."""
        row = self.weights(self.similarity[drug])
        row[drug] = 0
        return row

    def as_itself(self, drug: int) -> np.ndarray:
        """(D,) weight 1 for the drug itself if it is known, else what `as_new` gives."""
        if not self.known[drug]:
            return self.as_new(drug)
        row = np.zeros(self.num_drugs, np.float32)
        row[drug] = 1
        return row

    def table(self, similar_head: np.ndarray) -> np.ndarray:
        """Votes for one head against every known tail.

        Args:
            similar_head: (D,) weights, from `weights`, `as_new` or `as_itself`.

        Returns:
            (D, T) float32; row v holds the sum over facts (u', i, v) of the weight of u'.
        """
        return self._table(similar_head, 0)

    def table_of_tail(self, similar_tail: np.ndarray) -> np.ndarray:
        """Votes for one tail against every known head, (D, T) float32; see `table`."""
        return self._table(similar_tail, 2)

    def _table(self, weights: np.ndarray, column: int) -> np.ndarray:
        facts = self.facts[self._carried(weights, column)]
        slots = facts[:, 2 - column] * self.num_types + facts[:, 1]
        size = self.num_drugs * self.num_types
        summed = np.bincount(slots, weights=weights[facts[:, column]], minlength=size)
        return summed.reshape(self.num_drugs, self.num_types).astype(np.float32)

    def _carried(self, weights: np.ndarray, column: int) -> np.ndarray | slice:
        """Numbers of the facts whose drug in that column may have a weight."""
        speaking = np.flatnonzero(weights)
        if len(speaking) != 1:
            return slice(None)
        order, start = self._by_head if column == 0 else self._by_tail
        return order[start[speaking[0]] : start[speaking[0] + 1]]

    def scores(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Votes for many pairs, known or new; both sides of a pair may be new.

        Work is grouped by head: one pass over the facts per head, one product per group.

        Args:
            heads: (n,) drugs.
            tails: (n,) drugs.

        Returns:
            (n, T) float32, at least 0; a row of zeros has no vote.

        Raises:
            ShapeError: different numbers of heads and tails.
        """
        heads, tails = np.asarray(heads), np.asarray(tails)
        if heads.ndim != 1 or heads.shape != tails.shape:
            raise ShapeError(f"heads {heads.shape} and tails {tails.shape} must be (n,).")
        found = np.zeros((len(heads), self.num_types), np.float32)
        order = np.argsort(heads, kind="stable")
        cuts = np.flatnonzero(np.diff(heads[order])) + 1
        for group in np.split(order, cuts) if len(order) else ():
            found[group] = self._scores_of_head(int(heads[group[0]]), tails[group])
        return found

    def _scores_of_head(self, head: int, tails: np.ndarray) -> np.ndarray:
        """(m, T) votes of one head."""
        found = np.zeros((len(tails), self.num_types), np.float32)
        fixed = self.known[tails]
        if fixed.any():
            found[fixed] = self.table(self.as_new(head))[tails[fixed]]
        moving = np.arange(len(tails)) if self.known[head] else np.flatnonzero(~fixed)
        if len(moving):
            similar = self.weights(self.similarity[tails[moving]])
            similar[np.arange(len(moving)), tails[moving]] = 0
            own = self.as_itself(head)
            table = self.table(own)
            partners = np.flatnonzero(table.any(1))
            found[moving] += similar[:, partners] @ table[partners]
        return found

    def scores_as_new(self, heads: np.ndarray, tails: np.ndarray, new: str) -> np.ndarray:
        """Votes for pairs of known drugs as if some ends were new: without facts of these ends.

        Args:
            heads: (n,) known drugs.
            tails: (n,) known drugs.
            new: ``head``, ``tail`` or ``both``.

        Returns:
            (n, T) float32, at least 0.
        """
        found = np.zeros((len(heads), self.num_types), np.float32)
        fixed, other = (tails, heads) if new == "tail" else (heads, tails)
        table = self.table_of_tail if new == "tail" else self.table
        order = np.argsort(fixed, kind="stable")
        cuts = np.flatnonzero(np.diff(fixed[order])) + 1
        for group in np.split(order, cuts) if len(order) else ():
            drug, partners = int(fixed[group[0]]), other[group]
            votes = table(self.as_new(drug))
            found[group] = (
                self._both_new(drug, partners, votes) if new == "both" else votes[partners]
            )
        return found

    def _both_new(self, head: int, tails: np.ndarray, votes: np.ndarray) -> np.ndarray:
        """(m, T) votes of one new head and new tails, from `table` of the head."""
        similar = self.weights(self.similarity[tails])
        similar[np.arange(len(tails)), tails] = 0
        voted = np.flatnonzero(votes.any(1))
        voted = voted[voted != head]  # facts that end at the head
        found = similar[:, voted] @ votes[voted]
        order, start = self._by_head
        for row, tail in enumerate(tails.tolist()):  # facts that begin at the tail
            facts = self.facts[order[start[tail] : start[tail + 1]]]
            facts = facts[facts[:, 2] != head]
            weight = similar[row, facts[:, 2]] * self.as_new(head)[tail]
            found[row] -= np.bincount(facts[:, 1], weight, minlength=self.num_types)
        return found.clip(0)

    def scores_for(self, similar_head: np.ndarray, similar_tail: np.ndarray) -> np.ndarray:
        """Votes for one pair given by weights, for instance of an uploaded drug.

        Args:
            similar_head: (D,) weights, from `weights`, `as_new` or `as_itself`.
            similar_tail: (D,) likewise.

        Returns:
            (T,) float32.
        """
        facts = self.facts[self._speaking(similar_head, similar_tail)]
        weight = similar_head[facts[:, 0]] * similar_tail[facts[:, 2]]
        return np.bincount(facts[:, 1], weight, minlength=self.num_types).astype(np.float32)

    def _speaking(self, similar_head: np.ndarray, similar_tail: np.ndarray) -> np.ndarray | slice:
        """Numbers of the facts that may carry a weight on both sides."""
        chosen = self._carried(similar_tail, 2)
        return self._carried(similar_head, 0) if isinstance(chosen, slice) else chosen

    def evidence(self, head: int, tail: int, type_: int, limit: int) -> list[SimilarInteraction]:
        """The known interactions that carry the vote for a type, heaviest first.

        Args:
            head: drug, known or new.
            tail: drug, known or new.
            type_: interaction type asked about.
            limit: how many at most.

        Returns:
            Interactions with weight above 0; all weights together are the score.
        """
        if self.known[head] and self.known[tail]:
            found = self.evidence_for(self.as_new(head), self.as_itself(tail), type_, limit)
            found += self.evidence_for(self.as_itself(head), self.as_new(tail), type_, limit)
            return sorted(found, key=lambda item: -item.weight)[:limit]
        return self.evidence_for(self.as_itself(head), self.as_itself(tail), type_, limit)

    def evidence_for(
        self, similar_head: np.ndarray, similar_tail: np.ndarray, type_: int, limit: int
    ) -> list[SimilarInteraction]:
        """The same for a pair given by weights (D,) and (D,)."""
        facts = self.facts[self._speaking(similar_head, similar_tail)]
        facts = facts[facts[:, 1] == type_]
        weight = similar_head[facts[:, 0]] * similar_tail[facts[:, 2]]
        best = np.argsort(-weight, kind="stable")[:limit]
        return [
            SimilarInteraction(int(facts[i, 0]), int(facts[i, 2]), float(weight[i]))
            for i in best
            if weight[i] > 0
        ]


def log_vote(
    scores: np.ndarray, smoothing: float = VOTE_SMOOTHING
) -> tuple[np.ndarray, np.ndarray]:
    """The vote as something to add to logits: log of the smoothed share of each type.

    With n_i the share of type i in the vote and a the smoothing, type i gets
    log((1 - a) n_i + a / T) + log T. A type nobody votes for gets log a and never minus infinity,
    so that a network can overrule the vote; a uniform vote gets 0. Without any vote all types get
    exactly 0: nothing is added where nothing is known. Adding log T changes no softmax; it makes
    "no vote" and "uniform vote" the same.

    Args:
        scores: (n, T) votes, at least 0.
        smoothing: a in (0, 1].

    Returns:
        log votes (n, T) float64 in [log a, log T], and (n,) bool, true where somebody voted.
    """
    num_types = scores.shape[1]
    total = scores.sum(1, keepdims=True, dtype=np.float64)
    voted = total[:, 0] > 0
    share = np.divide(scores, total, out=np.full(scores.shape, 1 / num_types), where=total > 0)
    found = np.log((1 - smoothing) * share * num_types + smoothing)
    found[~voted] = 0
    return found, voted


@dataclass(frozen=True, eq=False)
class TypeHabit:
    """How often each drug carries each type, as head and as tail.

    A known drug has the frequencies of its own facts plus those of all facts as one pseudo-fact. A
    new drug has the mean of its most similar known drugs, weighted by Tanimoto coefficient.

    Attributes:
        as_head: (D, T) float64, rows sum to 1.
        as_tail: (D, T) likewise.
        prior: (T,) frequencies of all facts.
        known: (D,) bool.
    """

    as_head: np.ndarray
    as_tail: np.ndarray
    prior: np.ndarray
    known: np.ndarray

    @classmethod
    def from_facts(
        cls,
        facts: np.ndarray,
        similarity: np.ndarray,
        known: np.ndarray,
        num_types: int,
        num_similar: int = 10,
    ) -> "TypeHabit":
        """Count.

        Args:
            facts: (n, 3) known interactions head, type, tail; n >= 1.
            similarity: (D, D) Tanimoto coefficients.
            known: (D,) bool, the drugs whose interactions are known.
            num_types: T.
            num_similar: how many known drugs stand for a new one.
        """
        shape = len(known), num_types
        prior = np.bincount(facts[:, 1], minlength=num_types) / len(facts)
        sides = []
        for column in (0, 2):
            slots = facts[:, column] * num_types + facts[:, 1]
            counts = np.bincount(slots, minlength=shape[0] * num_types).reshape(shape) + prior
            for drug in np.flatnonzero(~known):
                nearest = np.argsort(-np.where(known, similarity[drug], -1), kind="stable")
                nearest = nearest[: min(num_similar, int(known.sum()))]
                counts[drug] = similarity[drug, nearest] @ counts[nearest] + prior * 1e-6
            sides.append(counts / counts.sum(1, keepdims=True))
        return cls(sides[0], sides[1], prior, known)

    @property
    def majority(self) -> int:
        """The most frequent type."""
        return int(self.prior.argmax())

    def known_side(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """(n, T) habit of the known drug of each pair; the product if both or neither is known."""
        first, second = self.known[heads], self.known[tails]
        found = self.product(heads, tails)
        found[first & ~second] = self.as_head[heads[first & ~second]]
        found[second & ~first] = self.as_tail[tails[second & ~first]]
        return found

    def product(self, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """Both habits as if independent given the type: (n, T), rows sum to 1.

        P(i | u, v) is taken as proportional to P(i | u) P(i | v) / P(i); types without facts get 0.
        """
        odds = np.divide(1, self.prior, out=np.zeros_like(self.prior), where=self.prior > 0)
        found = self.as_head[heads] * self.as_tail[tails] * odds
        return found / found.sum(1, keepdims=True)

    def fallback(self, votes: np.ndarray, heads: np.ndarray, tails: np.ndarray) -> np.ndarray:
        """(n, T) votes with the product of habits where they are silent or faint."""
        return votes + FALLBACK_WEIGHT * self.product(heads, tails)
