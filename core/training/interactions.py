"""What interaction methods are trained and tested on."""

from dataclasses import dataclass, fields

import numpy as np

from core.errors import ShapeError
from core.knowledge.flow import FlowGraph

SETTINGS = ("S0", "S1", "S2")


@dataclass(frozen=True, eq=False)
class Pairs:
    """Pairs of drugs with what is known about them.

    Attributes:
        heads, tails: (n,) int64 drugs.
        types: (n,) int64 interaction types; all 0 for multi-label data.
        labels: (n, T) bool, the effects a row is about, multi-label data only.
        positive: (n,) bool, whether the row is a known pair or its negative, multi-label data only.
        new_head, new_tail: (n,) bool, known drugs asked as new ones; none when not given.
    """

    heads: np.ndarray
    tails: np.ndarray
    types: np.ndarray
    labels: np.ndarray | None = None
    positive: np.ndarray | None = None
    new_head: np.ndarray | None = None
    new_tail: np.ndarray | None = None

    def __post_init__(self) -> None:
        given = [x for x in self._columns() if x is not None]
        if any(len(x) != len(self.heads) for x in given):
            raise ShapeError("every column of pairs must have one row per pair.")

    def _columns(self) -> list[np.ndarray | None]:
        return [getattr(self, field.name) for field in fields(self)]

    @classmethod
    def of(cls, rows: np.ndarray) -> "Pairs":
        """From interactions (n, 3): head, type, tail."""
        head, kind, tail = np.ascontiguousarray(rows.T)
        return cls(head, tail, kind)

    def __len__(self) -> int:
        return len(self.heads)

    def __getitem__(self, rows: np.ndarray | slice) -> "Pairs":
        return Pairs(*(None if x is None else x[rows] for x in self._columns()))

    @property
    def facts(self) -> np.ndarray:
        """(n, 3) interactions of the known pairs: head, type, tail."""
        rows = np.stack([self.heads, self.types, self.tails], 1)
        return rows if self.positive is None else rows[self.positive]


@dataclass(frozen=True, eq=False)
class InteractionTask:
    """What a method is fitted on.

    Attributes:
        graph: the biomedical network without interactions.
        bits: (D, 1024) uint8 fingerprints.
        train: interactions of known drugs.
        valid: pairs of validation drugs, of the setting that is trained.
        may_emerge: (D,) bool, known drugs that may play the part of new ones.
        setting: S0, S1 or S2.
        num_outputs: T.
        directed: (T,) bool, types that say who acts on whom.
    """

    graph: FlowGraph
    bits: np.ndarray
    train: Pairs
    valid: Pairs
    may_emerge: np.ndarray
    setting: str
    num_outputs: int
    directed: np.ndarray

    def with_facts(self, pairs: Pairs) -> FlowGraph:
        """The network with these interactions in it."""
        return self.graph.extended(pairs.facts)

    def sample_valid(self, size: int, seed: int) -> Pairs:
        """Validation pairs scored after each epoch: `size` of them, all when 0."""
        if not size or size >= len(self.valid):
            return self.valid
        rng = np.random.default_rng([seed, 0])
        if self.valid.positive is None:
            return self.valid[np.sort(rng.permutation(len(self.valid))[:size])]
        positive, negative = (
            np.flatnonzero(self.valid.positive),
            np.flatnonzero(~self.valid.positive),
        )
        chosen = np.sort(rng.permutation(len(positive))[: size // 2])
        return self.valid[np.concatenate([positive[chosen], negative[chosen]])]
