"""The path subgraphs of pairs of drugs, also with an end asked as a new drug."""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from core.errors import ShapeError
from core.knowledge.digraph import expand_ranges
from core.knowledge.flow.network import FlowGraph, inverse, row_pointer


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Neighbours of several owners (drugs, or one side of a pair), each owner among its own.

    Attributes:
        pointer: (O+1,) int64; rows of owner o are pointer[o]..pointer[o+1]-1, by ascending node.
        node: (n,) int64.
        signature: (n,) int64 in 0..S-1, the set of relations from the owner to the node.
        signature_pointer: (S+1,) int64 into `signature_relation`.
        signature_relation: (.,) int64 relations of each signature, ascending.
    """

    pointer: np.ndarray
    node: np.ndarray
    signature: np.ndarray
    signature_pointer: np.ndarray
    signature_relation: np.ndarray

    @classmethod
    def build(
        cls, owner: np.ndarray, node: np.ndarray, relation: np.ndarray, num_owners: int
    ) -> "Neighbours":
        """From edges owner -relation-> node; the loop must be among them."""
        order = np.lexsort((relation, node, owner))
        owner, node, relation = owner[order], node[order], relation[order]
        first = np.ones(len(owner), dtype=bool)
        first[1:] = (owner[1:] != owner[:-1]) | (node[1:] != node[:-1])
        start = np.flatnonzero(first)
        count = np.diff(np.append(start, len(owner)))
        code = np.zeros(len(start), dtype=np.int64)
        base = int(relation.max(initial=0)) + 2
        for position in range(int(count.max(initial=0))):
            longer = count > position
            digit = np.zeros(len(start), dtype=np.int64)
            digit[longer] = relation[start[longer] + position] + 1
            _, code = np.unique(code * base + digit, return_inverse=True)
        _, example = np.unique(code, return_index=True)
        _, member = expand_ranges(start[example], count[example])
        return cls(
            row_pointer(np.bincount(owner[start], minlength=num_owners)),
            node[start],
            code,
            row_pointer(count[example]),
            relation[member],
        )


@dataclass(frozen=True, eq=False)
class PathSubgraphs:
    """The path subgraphs of B pairs.

    Attributes:
        num_pairs: B.
        near_head, near_tail: neighbours; owners are whatever `head` and `tail` number.
        head, tail: (B,) owner of each pair's ends.
        pair: (E,) pair of each middle edge.
        head_row: (E,) row of the source x in `near_head`.
        relation: (E,) relation x -> y, in 0..2R.
        tail_row: (E,) row of the target y in `near_tail`.
        num_relations: R.
    """

    num_pairs: int
    near_head: Neighbours
    near_tail: Neighbours
    pair: np.ndarray
    head_row: np.ndarray
    relation: np.ndarray
    tail_row: np.ndarray
    num_relations: int

    @property
    def joined(self) -> np.ndarray:
        """(B,) bool: whether any path of at most three steps joins the pair."""
        found = np.zeros(self.num_pairs, dtype=bool)
        found[self.pair] = True
        return found


class PairIndex:
    """Path subgraphs of many pairs of one graph.

    A drug may be asked as *new*: then none of its interactions is part of the subgraph, neither
    next to it nor in the middle of a path, as if they had been taken out of the graph.

    Args:
        graph: interactions included.
        max_walks: drugs whose second steps are kept; about 0.5 MB each on the full network.
    """

    def __init__(self, graph: FlowGraph, max_walks: int = 64) -> None:
        self.graph = graph
        drugs = graph.drugs
        owner, relation, target, _ = graph.leave(drugs)
        lasting = np.flatnonzero(~graph.is_interaction(relation))
        self.near = Neighbours.build(  # owners D..2D-1: the drugs without their interactions
            np.concatenate([owner, owner[lasting] + len(drugs)]),
            np.concatenate([target, target[lasting]]),
            np.concatenate([relation, relation[lasting]]),
            2 * len(drugs),
        )
        degree = sum(edges.pointer[1:] - edges.pointer[:-1] for edges in graph.lists) + 1
        owner = np.repeat(np.arange(2 * len(drugs)), np.diff(self.near.pointer))
        self._row_key = owner * graph.num_nodes + self.near.node
        self._spread = np.bincount(owner, degree[self.near.node], minlength=2 * len(drugs))
        self._walks = lru_cache(max_walks)(self._walk_out)

    def keep_walks(self, drugs: np.ndarray) -> None:
        """Walk out of these drugs as new ones now, so that processes started later need not."""
        for drug in drugs:
            self._walks(int(drug) + len(self.graph.drugs))

    def subgraphs(
        self,
        heads: np.ndarray,
        tails: np.ndarray,
        new_head: np.ndarray | None = None,
        new_tail: np.ndarray | None = None,
    ) -> PathSubgraphs:
        """Path subgraphs of pairs. Direct edges between two known ends are part of them.

        Args:
            heads: (B,) positions in `graph.drugs`.
            tails: likewise.
            new_head: (B,) bool, ends asked as new drugs; none when not given.
            new_tail: likewise.
        """
        if heads.shape != tails.shape:
            raise ShapeError(f"heads {heads.shape} and tails {tails.shape} must agree.")
        size = len(self.graph.drugs)
        first = heads if new_head is None else heads + size * new_head
        second = tails if new_tail is None else tails + size * new_tail
        swap = self._spread[first] > self._spread[second]  # walk out of the end with fewer edges
        start, end = np.where(swap, second, first), np.where(swap, first, second)
        order = np.argsort(start, kind="stable")
        bounds = np.flatnonzero(np.diff(start[order], prepend=-1, append=-1))
        parts = []
        for low, high in pairwise(bounds):
            pairs = order[low:high]
            parts.append(self._between(int(start[pairs[0]]), end[pairs], pairs))
        pair, start_row, relation, end_row = (
            np.concatenate(column) if parts else np.zeros(0, dtype=np.int64)
            for column in (zip(*parts, strict=True) if parts else [()] * 4)
        )
        turned = swap[pair]
        return PathSubgraphs(
            len(heads),
            self.near,
            self.near,
            pair,
            np.where(turned, end_row, start_row),
            np.where(turned, inverse(relation, self.graph.num_relations), relation),
            np.where(turned, start_row, end_row),
            self.graph.num_relations,
        )

    def _between(
        self, start: int, ends: np.ndarray, pairs: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Edges from the neighbours of `start` to those of each of `ends` (owners in `near`)."""
        near, size = self.near, len(self.graph.drugs)
        pointer, start_row, relation = self._walks(start)
        number, end_row = expand_ranges(near.pointer[ends], np.diff(near.pointer)[ends])
        node = near.node[end_row]
        position, edge = expand_ranges(pointer[node], pointer[node + 1] - pointer[node])
        number, end_row = number[position], end_row[position]
        start_row, relation = start_row[edge].astype(np.int64), relation[edge].astype(np.int64)
        if start >= size:
            drug = self.graph.drugs[start - size]
            end_row = self._without(end_row, near.node[end_row] == drug, ends[number])
        if (ends >= size).any():
            new = ends[number] >= size
            drug = self.graph.drugs[ends[number] % size]
            start_row = self._without(start_row, new & (near.node[start_row] == drug), start)
            asked = (near.node[start_row] == drug) | (near.node[end_row] == drug)
            end_row = np.where(new & asked & self.graph.is_interaction(relation), -1, end_row)
        keep = (start_row >= 0) & (end_row >= 0)
        return pairs[number[keep]], start_row[keep], relation[keep], end_row[keep]

    def _without(self, rows: np.ndarray, chosen: np.ndarray, owner: np.ndarray | int) -> np.ndarray:
        """Rows, the chosen ones replaced by the same node's row without interactions, or -1."""
        size, rows = len(self.graph.drugs), rows.copy()
        owner = np.broadcast_to(owner, rows.shape)[chosen]
        key = (owner % size + size) * self.graph.num_nodes + self.near.node[rows[chosen]]
        found = np.searchsorted(self._row_key, key)
        there = self._row_key[np.minimum(found, len(self._row_key) - 1)] == key
        rows[chosen] = np.where(there, found, -1)
        return rows

    def _walk_out(self, start: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Second steps out of `start`, by target: pointer (N+1,), row in `near`, relation."""
        near, graph = self.near, self.graph
        rows = np.arange(near.pointer[start], near.pointer[start + 1])
        owner, relation, target, _ = graph.leave(near.node[rows])
        if start >= len(graph.drugs):
            drug = graph.drugs[start - len(graph.drugs)]
            asked = (near.node[rows[owner]] == drug) | (target == drug)
            keep = ~(asked & graph.is_interaction(relation))
            owner, relation, target = owner[keep], relation[keep], target[keep]
        order = np.argsort(target, kind="stable")
        pointer = row_pointer(np.bincount(target, minlength=graph.num_nodes))
        return (
            pointer.astype(np.int32),
            rows[owner[order]].astype(np.int32),
            relation[order].astype(np.int32),
        )


def count_interactions(facts: np.ndarray, num_drugs: int) -> np.ndarray:
    """(D,) interactions of each drug among facts (n, 3)."""
    return np.bincount(facts[:, [0, 2]].ravel(), minlength=num_drugs)


def asked_as_new(
    history: np.ndarray, heads: np.ndarray, tails: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Which end of a pair is asked as a new drug: of two known ones, that with fewer interactions.

    The network learns from pairs with a new end. Asked about two drugs with all their history it
    is out of its depth (DrugBank, S0: 82 % right; with one end asked as new 90 %).

    Args:
        history: (D,) known interactions of each drug; 0 makes a drug new anyway.
        heads: (B,) drugs.
        tails: likewise.

    Returns:
        (B,) bool for heads and for tails; where the counts are equal, the later drug.
    """
    head, tail = history[heads], history[tails]
    new_head = (head < tail) | ((head == tail) & (heads > tails))
    return new_head, ~new_head
