"""The augmented network of drugs: edges of facts and their inverses, and a loop at every node."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.knowledge.digraph import expand_ranges


@dataclass(frozen=True, eq=False)
class EdgeList:
    """Outgoing edges of every node, both directions of every fact, without loops.

    Attributes:
        pointer: (N+1,) int64; edges of node x are pointer[x]..pointer[x+1]-1.
        relation: (E,) int64 in 0..2R-1.
        target: (E,) int64.
        fact: (E,) int64, number of the fact behind the edge.
    """

    pointer: np.ndarray
    relation: np.ndarray
    target: np.ndarray
    fact: np.ndarray

    @classmethod
    def build(
        cls, facts: np.ndarray, num_nodes: int, num_relations: int, first: int = 0
    ) -> "EdgeList":
        """From facts (n, 3) of head, relation, tail; fact numbers start at `first`."""
        head, relation, tail = facts.T
        source = np.concatenate([head, tail])
        order = np.argsort(source, kind="stable")
        number = np.arange(first, first + len(facts))
        return cls(
            row_pointer(np.bincount(source, minlength=num_nodes)),
            np.concatenate([relation, relation + num_relations])[order],
            np.concatenate([tail, head])[order],
            np.concatenate([number, number])[order],
        )

    def leave(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(owner, edge): edges that leave `nodes`, owner being the position in `nodes`."""
        start = self.pointer[nodes]
        return expand_ranges(start, self.pointer[nodes + 1] - start)

    def grown(self, num_nodes: int) -> "EdgeList":
        """The same edges among more nodes."""
        more = num_nodes + 1 - len(self.pointer)
        if not more:
            return self
        return replace(self, pointer=np.pad(self.pointer, (0, more), mode="edge"))


class FlowGraph:
    """The augmented network of drugs: fixed edges, interactions that change, and more on top.

    Args:
        network: edges of the biomedical network among nodes that matter; see `prepare`.
        num_nodes: N.
        num_types: F, relation ids kept for interactions.
        num_relations: R = F + relations of the network.
        drugs: (D,) rows that may be asked about.
        num_facts: facts numbered so far; the next one gets this number.
    """

    def __init__(
        self,
        lists: Sequence[EdgeList],
        num_nodes: int,
        num_types: int,
        num_relations: int,
        drugs: np.ndarray,
        num_facts: int,
    ) -> None:
        self.lists = tuple(edges.grown(num_nodes) for edges in lists)
        self.num_facts = num_facts
        self.num_nodes, self.num_types, self.num_relations = num_nodes, num_types, num_relations
        self.drugs = drugs

    @classmethod
    def prepare(
        cls, edges: np.ndarray, num_nodes: int, num_types: int, num_relations: int, num_drugs: int
    ) -> "FlowGraph":
        """The network without interactions.

        Args:
            edges: (n, 3) head, relation 0..K-1, tail. Edges with an end that is neither a drug nor
                next to one cannot lie on a path of three steps and are left out.
            num_nodes: N.
            num_types: F.
            num_relations: K.
            num_drugs: D, the first rows.
        """
        useful = np.zeros(num_nodes, dtype=bool)
        useful[:num_drugs] = True
        touching = (edges[:, 0] < num_drugs) | (edges[:, 2] < num_drugs)
        useful[edges[touching][:, [0, 2]].ravel()] = True
        kept = np.flatnonzero(useful[edges[:, 0]] & useful[edges[:, 2]])
        total = num_types + num_relations
        facts = edges[kept] + np.array([0, num_types, 0])
        network = EdgeList.build(facts, num_nodes, total)
        network = replace(network, fact=kept[network.fact])
        return cls([network], num_nodes, num_types, total, np.arange(num_drugs), len(edges))

    def extended(self, facts: np.ndarray, num_nodes: int = 0) -> "FlowGraph":
        """With further facts, numbered from `num_facts` on.

        Args:
            facts: (n, 3) head, relation 0..R-1 of the augmented network, tail.
            num_nodes: nodes afterwards, when the facts name new ones.
        """
        size = max(num_nodes, self.num_nodes)
        more = EdgeList.build(facts, size, self.num_relations, self.num_facts)
        return FlowGraph(
            [*self.lists, more],
            size,
            self.num_types,
            self.num_relations,
            self.drugs,
            self.num_facts + len(facts),
        )

    @property
    def loop(self) -> int:
        """Relation id of the loop."""
        return 2 * self.num_relations

    def is_interaction(self, relation: np.ndarray) -> np.ndarray:
        """Which relation ids are interactions, in either direction."""
        return (relation != self.loop) & (relation % self.num_relations < self.num_types)

    def leave(self, nodes: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Edges out of `nodes`, loops included: owner, relation, target, fact (-1 for loops)."""
        parts = [
            (owner, edges.relation[edge], edges.target[edge], edges.fact[edge])
            for edges in self.lists
            for owner, edge in [edges.leave(nodes)]
        ]
        loops = np.full(len(nodes), self.loop)
        parts.append((np.arange(len(nodes)), loops, nodes, np.full(len(nodes), -1)))
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        return columns[0], columns[1], columns[2], columns[3]


def inverse(relation: np.ndarray, num_relations: int) -> np.ndarray:
    """Relation ids of the opposite direction; the loop stays."""
    turned = np.where(relation < num_relations, relation + num_relations, relation - num_relations)
    return np.where(relation == 2 * num_relations, relation, turned).astype(np.int64)


def row_pointer(count: np.ndarray) -> np.ndarray:
    """(n+1,) int64: where the rows of each owner begin, from how many each has."""
    pointer = np.zeros(len(count) + 1, dtype=np.int64)
    np.cumsum(count, out=pointer[1:])
    return pointer
