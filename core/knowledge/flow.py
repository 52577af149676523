"""Flow between two drugs: every path of three steps that joins them, and nothing else.

Source: Zhang, Yao et al., "Emerging drug interaction prediction enabled by a flow-based graph
neural network with biomedical network", Nature Computational Science 2023, Methods; section 6 of
the parsimony paper.

The augmented network has an edge for every fact and its inverse and a loop at every node. Relation
ids: interaction types 0..F-1, relations of the network F..R-1, inverses R..2R-1, loop 2R. A path of
three steps u -> x -> y -> v passes only through x next to u and y next to v (loops let x = u and
y = v, which covers shorter paths). So the path subgraph of a pair is

    N[u] with the relations from u,   the edges between N[u] and N[v],   N[v] with its relations,

thousands of edges instead of millions, with the same result, because the layers carry no bias.
Nodes that u reaches by the same *set* of relations hold the same state after the first step: they
are merged into one *signature*, and parallel edges into one with a count (`collapse`). Exact.

Differs from the paper: both reductions; the published code propagates over the whole network.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from itertools import pairwise

import numpy as np

from core.errors import ShapeError
from core.knowledge.digraph import expand_ranges

NUM_STEPS = 3


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
        pointer = np.zeros(num_nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(source, minlength=num_nodes), out=pointer[1:])
        number = np.arange(first, first + len(facts))
        return cls(
            pointer,
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
            _pointer(np.bincount(owner[start], minlength=num_owners)),
            node[start],
            code,
            _pointer(count[example]),
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


@dataclass(frozen=True, eq=False)
class Flow:
    """Collapsed lists of one direction, for `core.function.flow`; all int64 but `count`.

    S signatures, M messages, Y nodes, G groups.

    Attributes:
        signature_pair: (S,) pair of each signature, ascending.
        first_signature, first_relation: (.,) relations of each signature; signature ascending.
        message_signature, message_relation: (M,) distinct messages of the second step, signature
            ascending.
        middle_node, middle_message: (C,) edges of the second step, node ascending.
        count: (C,) float32, how many edges are merged in each.
        node_pair: (Y,) pair of each node of the second step.
        last_node, last_group: (Z,) edges of the third step, node ascending.
        group_pair, group_relation: (G,) distinct (pair, relation) of the third step; pair
            ascending.
    """

    signature_pair: np.ndarray
    first_signature: np.ndarray
    first_relation: np.ndarray
    message_signature: np.ndarray
    message_relation: np.ndarray
    middle_node: np.ndarray
    middle_message: np.ndarray
    count: np.ndarray
    node_pair: np.ndarray
    last_node: np.ndarray
    last_group: np.ndarray
    group_pair: np.ndarray
    group_relation: np.ndarray


FLOW_INPUTS = tuple(f"{way}_{field.name}" for way in ("forth", "back") for field in fields(Flow))


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

    def neighbours(self, drugs: np.ndarray) -> Neighbours:
        """Neighbours of several drugs."""
        owner, relation, target, _ = self.leave(drugs)
        return Neighbours.build(owner, target, relation, len(drugs))


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
        pointer = _pointer(np.bincount(target, minlength=graph.num_nodes))
        return (
            pointer.astype(np.int32),
            rows[owner[order]].astype(np.int32),
            relation[order].astype(np.int32),
        )


def inverse(relation: np.ndarray, num_relations: int) -> np.ndarray:
    """Relation ids of the opposite direction; the loop stays."""
    turned = np.where(relation < num_relations, relation + num_relations, relation - num_relations)
    return np.where(relation == 2 * num_relations, relation, turned).astype(np.int64)


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


def collapse(paths: PathSubgraphs) -> tuple[Flow, Flow]:
    """Both directions, signatures merged: head to tail, and tail to head."""
    back = inverse(paths.relation, paths.num_relations)
    return (
        _collapse(
            paths, paths.near_head, paths.near_tail, paths.head_row, paths.relation, paths.tail_row
        ),
        _collapse(paths, paths.near_tail, paths.near_head, paths.tail_row, back, paths.head_row),
    )


def flow_feeds(forth: Flow, back: Flow) -> dict[str, np.ndarray]:
    """The arrays of both directions under the names `FLOW_INPUTS`."""
    both = {"forth": forth, "back": back}
    return {
        f"{way}_{field.name}": getattr(flow, field.name)
        for way, flow in both.items()
        for field in fields(Flow)
    }


def _collapse(
    paths: PathSubgraphs,
    near_source: Neighbours,
    near_target: Neighbours,
    source: np.ndarray,
    relation: np.ndarray,
    target: np.ndarray,
) -> Flow:
    kinds = 2 * paths.num_relations + 1
    signatures = len(near_source.signature_pointer) - 1
    key = paths.pair * len(near_target.node) + target
    key = (key * signatures + near_source.signature[source]) * kinds + relation
    edge, count = np.unique(key, return_counts=True)
    rest, edge_relation = np.divmod(edge, kinds)
    node, edge_signature = np.divmod(rest, signatures)  # (pair, row of the target)
    node_start = np.flatnonzero(np.diff(node, prepend=-1))
    middle_node = np.repeat(np.arange(len(node_start)), np.diff(np.append(node_start, len(node))))
    node_pair, node_row = np.divmod(node[node_start], len(near_target.node))

    message, middle_message = np.unique(
        (node_pair[middle_node] * signatures + edge_signature) * kinds + edge_relation,
        return_inverse=True,
    )
    rest, message_relation = np.divmod(message, kinds)
    signature_start = np.flatnonzero(np.diff(rest, prepend=-1))
    message_signature = np.repeat(
        np.arange(len(signature_start)), np.diff(np.append(signature_start, len(rest)))
    )
    signature_pair, signature = np.divmod(rest[signature_start], signatures)
    pointer = near_source.signature_pointer
    first_signature, member = expand_ranges(
        pointer[signature], pointer[signature + 1] - pointer[signature]
    )

    ending, pointer = near_target.signature[node_row], near_target.signature_pointer
    last_node, last = expand_ranges(pointer[ending], pointer[ending + 1] - pointer[ending])
    last_relation = inverse(near_target.signature_relation[last], paths.num_relations)
    group, last_group = np.unique(node_pair[last_node] * kinds + last_relation, return_inverse=True)
    group_pair, group_relation = np.divmod(group, kinds)
    return Flow(
        signature_pair,
        first_signature,
        near_source.signature_relation[member],
        message_signature,
        message_relation,
        middle_node,
        middle_message,
        count.astype(np.float32),
        node_pair,
        last_node,
        last_group,
        group_pair,
        group_relation,
    )


def _pointer(count: np.ndarray) -> np.ndarray:
    pointer = np.zeros(len(count) + 1, dtype=np.int64)
    np.cumsum(count, out=pointer[1:])
    return pointer
