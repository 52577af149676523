"""Path rules: a chain of relations that implies another, counted on a graph.

Notation: rule r_q(X, Y) <- r_1(X, A) and r_2(A, B) ...; relation ids in 0..2R-1, inverses included.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.knowledge.digraph import expand_ranges
from core.knowledge.graph import Adjacency

MAX_PAIRS = 300_000  # (X, entity) pairs followed at once; beyond it a sample of X is counted


@dataclass(frozen=True)
class RuleCount:
    """How often a rule holds.

    Attributes:
        support: pairs (X, Y) for which body and head hold.
        body: pairs (X, Y) for which the body holds.
        sampled: True when only a random share of all X was counted.
    """

    support: int
    body: int
    sampled: bool

    @property
    def confidence(self) -> float:
        """Support / body; 0 for a body that never holds."""
        return self.support / self.body if self.body else 0.0


def count_rule(
    adjacency: Adjacency, head: int, body: Sequence[int], rng: np.random.Generator
) -> RuleCount:
    """Count distinct pairs (X, Y) joined by the body, and those also joined by the head relation.

    Args:
        adjacency: neighbour index.
        head: r_q, 0..2R-1.
        body: relations of the chain, at least one.
        rng: chooses the X when there are too many.
    """
    start, _ = _edges_of(adjacency, body[0])
    start = np.unique(start)
    keys, sampled = _joined(adjacency, start, body), False
    while keys is None:
        start = np.sort(rng.choice(start, max(1, len(start) // 4), replace=False))
        keys, sampled = _joined(adjacency, start, body), True
    source, target = _edges_of(adjacency, head)
    support = int(np.isin(keys, source * adjacency.num_entities + target).sum())
    return RuleCount(support, len(keys), sampled)


def _joined(adjacency: Adjacency, start: np.ndarray, body: Sequence[int]) -> np.ndarray | None:
    """Distinct keys X * N + Y joined by the body; None when there are too many on the way."""
    keys = start * adjacency.num_entities + start
    for relation in body:
        keys = _follow(adjacency, keys, relation)
        if len(keys) > MAX_PAIRS and len(start) > 1:
            return None
    return keys


def _edges_of(adjacency: Adjacency, relation: int) -> tuple[np.ndarray, np.ndarray]:
    """Sources and targets of all edges with one relation."""
    rows = np.flatnonzero(adjacency.relation == relation)
    return np.searchsorted(adjacency.pointer, rows, side="right") - 1, adjacency.target[rows]


def _follow(adjacency: Adjacency, keys: np.ndarray, relation: int) -> np.ndarray:
    """Distinct (X, next) keys after one more relation."""
    owner, entity = np.divmod(keys, adjacency.num_entities)
    row, edge = expand_ranges(*adjacency.edges_from(entity, np.full(len(keys), relation)))
    return np.unique(owner[row] * adjacency.num_entities + adjacency.target[edge])


def rule_text(head: str, body: Sequence[tuple[str, bool]]) -> str:
    """The rule in words, such as ``uncle(X, Y) <- brother(X, A) and father(A, Y)``.

    Args:
        head: name of the head relation.
        body: name and direction (True = inverse) of each step.
    """
    variables = ["X", *[chr(ord("A") + i) for i in range(len(body) - 1)], "Y"]
    parts = []
    for i, (name, inverse) in enumerate(body):
        left, right = variables[i], variables[i + 1]
        parts.append(f"{name}({right}, {left})" if inverse else f"{name}({left}, {right})")
    return f"{head}(X, Y) ← {' ∧ '.join(parts)}"
