"""The paths between two drugs, one by one: attention along them, their kinds, cutting them.

Source: Zhang, Yao et al., Nature Computational Science 2023, Methods ("Interpretation"): five paths
from each end with the highest mean attention.
Differs from the paper: (1) attention is given to relations, not to facts, so paths with the same
relations tie exactly; they are reported together as one `PathGroup` instead of keeping an arbitrary
one; (2) the best groups are found exactly, by enumeration, not by a beam; (3) the weight of an edge
is read in the direction in which the message passes; the published extractor seems to read that of
the opposite relation; (4) besides attention, the effect of cutting a node or a group is measured.

Cutting is exact and cheap. Every walk of three steps has one middle edge x -> y, so the walks
through a node are those whose middle edge touches it; without it, only counts of merged middle
edges change. A node or group costs one vector of counts, not a new subgraph.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.knowledge.digraph import expand_ranges
from core.knowledge.flow import NUM_STEPS, Flow, collapse, flow_feeds, inverse
from core.serving.flow import FlowModel, PairPaths

BEAM = 5  # groups from each end
MERGED_EDGES_PER_RUN = 400_000  # bounds memory near 250 MB at hidden size 64


@dataclass(frozen=True, eq=False)
class Walks:
    """Every walk of three steps from head to tail, waiting steps included.

    Attributes:
        middle: (W,) position of the middle edge in `PairPaths.middle`.
        relations: (W, 3) relation ids in 0..2R in the direction head to tail.
        facts: (W, 3) positions in `PairPaths.facts`, -1 for waiting.
        between: (W, 2) nodes x and y.
    """

    middle: np.ndarray
    relations: np.ndarray
    facts: np.ndarray
    between: np.ndarray

    @classmethod
    def of(cls, paths: PairPaths) -> "Walks":
        """Enumerate the walks of a pair."""
        middle, first = _joined(paths.first.target, paths.middle.source)
        position, last = _joined(paths.last.target, paths.middle.target[middle])
        middle, first = middle[position], first[position]
        last_relation = inverse(paths.last.relation[last], paths.num_relations)
        return cls(
            middle,
            np.stack(
                [paths.first.relation[first], paths.middle.relation[middle], last_relation], 1
            ),
            np.stack(
                [paths.first.fact[first], paths.middle.fact[middle], paths.last.fact[last]], 1
            ),
            np.stack([paths.middle.source[middle], paths.middle.target[middle]], 1),
        )

    def __len__(self) -> int:
        return len(self.middle)

    def weights(self, attention: np.ndarray, num_relations: int) -> tuple[np.ndarray, np.ndarray]:
        """Attention of each step: (W, 3) from head to tail, and (W, 3) of the way back.

        Args:
            attention: (3, 2R+1) of the pair, by step and relation.
            num_relations: R.
        """
        steps = np.arange(NUM_STEPS)
        back = inverse(self.relations[:, ::-1], num_relations)
        return attention[steps, self.relations], attention[steps, back]

    def node_flow(self, attention: np.ndarray, paths: PairPaths) -> np.ndarray:
        """(n,) share of the flow that passes each of `paths.between_nodes`, both directions.

        The flow along a walk is the product of its attentions.
        """
        nodes = paths.between_nodes
        total = np.zeros(len(nodes))
        for weights in self.weights(attention, paths.num_relations):
            flow = weights.prod(1, dtype=np.float64)
            flow /= max(flow.sum(), 1e-300)
            for column in (0, 1):
                node = self.between[:, column]
                there = (node != paths.head) & (node != paths.tail)
                if column:  # waiting in the middle: one node, counted once
                    there &= node != self.between[:, 0]
                place = np.searchsorted(nodes, node[there])
                total += np.bincount(place, flow[there], minlength=len(nodes))
        return total / 2


@dataclass(frozen=True, eq=False)
class SimplePaths:
    """Paths that visit no node twice; walks equal but for waiting are one path.

    Attributes:
        relations: (P, 3) relation ids in order, padded with -1.
        facts: (P, 3) positions in `PairPaths.facts`, padded with -1.
        nodes: (P, 2) nodes between the drugs in order, padded with -1.
        group: (P,) number of the path's group: equal relations.
        walk: (W,) path of each walk, -1 for walks that visit a node twice.
    """

    relations: np.ndarray
    facts: np.ndarray
    nodes: np.ndarray
    group: np.ndarray
    walk: np.ndarray

    @classmethod
    def of(cls, paths: PairPaths, walks: Walks) -> "SimplePaths":
        """Drop repeated nodes, merge walks that differ by waiting."""
        waits = walks.relations == 2 * paths.num_relations
        simple = np.flatnonzero(_visits_once(paths, walks, waits))
        order = np.argsort(waits[simple], axis=1, kind="stable")  # real steps first
        facts, relations = (
            np.where(
                np.take_along_axis(waits[simple], order, 1),
                -1,
                np.take_along_axis(table[simple], order, 1),
            )
            for table in (walks.facts, walks.relations)
        )
        base = len(paths.facts) + 1
        key = ((facts[:, 0] + 1) * base + facts[:, 1] + 1) * base + facts[:, 2] + 1
        _, example, member = np.unique(key, return_index=True, return_inverse=True)
        relations = relations[example]
        base = 2 * paths.num_relations + 2
        key = ((relations[:, 0] + 1) * base + relations[:, 1] + 1) * base + relations[:, 2] + 1
        walk = np.full(len(walks), -1)
        walk[simple] = member
        return cls(
            relations,
            facts[example],
            _nodes_between(paths, walks.between[simple[example]]),
            np.unique(key, return_inverse=True)[1],
            walk,
        )

    def __len__(self) -> int:
        return len(self.group)

    def attention(self, walks: Walks, attention: np.ndarray, num_relations: int) -> np.ndarray:
        """(P, 2) mean attention of each path from head to tail and back.

        A path of fewer steps waits somewhere: the loop's attention counts as its third, and the
        best place to wait is taken.
        """
        found = np.full((len(self), 2), -np.inf)
        there = self.walk >= 0
        for column, weights in enumerate(walks.weights(attention, num_relations)):
            np.maximum.at(found[:, column], self.walk[there], weights.mean(1)[there])
        return found

    def facts_of(self, path: int) -> tuple[int, ...]:
        """Positions of a path's facts in order."""
        return tuple(int(fact) for fact in self.facts[path] if fact >= 0)

    def nodes_of(self, path: int) -> tuple[int, ...]:
        """Nodes between the drugs in order."""
        return tuple(int(node) for node in self.nodes[path] if node >= 0)


@dataclass(frozen=True)
class PathGroup:
    """Paths with the same relations: the model cannot prefer one of them by attention.

    Attributes:
        number: of the group.
        relations: relation ids in 0..2R-1 in the direction head to tail.
        size: number of paths.
        forth: mean attention of a path from head to tail.
        back: likewise from tail to head.
    """

    number: int
    relations: tuple[int, ...]
    size: int
    forth: float
    back: float

    @property
    def attention(self) -> float:
        """The larger of the two."""
        return max(self.forth, self.back)


def groups_of(simple: SimplePaths, attention: np.ndarray) -> list[PathGroup]:
    """All groups by number.

    Args:
        simple: the paths.
        attention: (P, 2) of each path.
    """
    _, example, size = np.unique(simple.group, return_index=True, return_counts=True)
    return [
        PathGroup(
            number,
            tuple(int(r) for r in simple.relations[path] if r >= 0),
            int(count),
            float(attention[path, 0]),
            float(attention[path, 1]),
        )
        for number, (path, count) in enumerate(zip(example.tolist(), size, strict=True))
    ]


def most_attended(groups: Sequence[PathGroup], beam: int = BEAM) -> list[PathGroup]:
    """The `beam` best groups from each end, as in the paper; best first, each once."""
    forth = sorted(groups, key=lambda group: (-group.forth, group.relations))[:beam]
    back = sorted(groups, key=lambda group: (-group.back, group.relations))[:beam]
    chosen = {group.number: group for group in (*forth, *back)}
    return sorted(chosen.values(), key=lambda group: (-group.attention, group.relations))


class Cuts:
    """Answers for one pair with middle edges cut, many cuts at once.

    Args:
        model: the exported network.
        head: (1024,) fingerprint bits.
        tail: likewise.
        paths: the pair; at least one path.
    """

    def __init__(
        self, model: FlowModel, head: np.ndarray, tail: np.ndarray, paths: PairPaths
    ) -> None:
        self.model, self.head, self.tail, self.paths = model, head, tail, paths

    @cached_property
    def _sides(self) -> tuple[tuple[Flow, np.ndarray], tuple[Flow, np.ndarray]]:
        """Per direction the collapsed flow, and the merged edge of every middle edge."""
        paths = self.paths
        whole = paths.overlays(np.ones((1, len(paths.facts)), dtype=bool))
        forth, back = collapse(whole)
        head_kind = whole.near_head.signature[whole.head_row]
        tail_kind = whole.near_tail.signature[whole.tail_row]
        turned = inverse(whole.relation, whole.num_relations)
        return (
            (forth, _ranks(whole.tail_row, head_kind, whole.relation)),
            (back, _ranks(whole.head_row, tail_kind, turned)),
        )

    def touching(self, node: int) -> np.ndarray:
        """Positions of the middle edges that touch a node: those of all walks through it."""
        middle = self.paths.middle
        return np.flatnonzero((middle.source == node) | (middle.target == node))

    def cost(self, edges: np.ndarray) -> int:
        """Merged edges that are summed again when these are cut; memory and time grow with it."""
        total = 0
        for flow, rank in self._sides:
            length = np.bincount(flow.middle_node)
            total += int(length[np.unique(flow.middle_node[rank[edges]])].sum())
        return total

    def without(self, cuts: Sequence[np.ndarray]) -> np.ndarray:
        """Logits (B, T) without these middle edges.

        Args:
            cuts: B arrays of positions in `PairPaths.middle`.
        """
        return self._logits(cuts, keep=False)

    def only(self, kept: Sequence[np.ndarray]) -> np.ndarray:
        """Logits (B, T) with these middle edges alone."""
        return self._logits(kept, keep=True)

    def _logits(self, chosen: Sequence[np.ndarray], *, keep: bool) -> np.ndarray:
        (forth, forth_rank), (back, back_rank) = self._sides
        size = max(1, MERGED_EDGES_PER_RUN // max(1, len(forth.count), len(back.count)))
        parts = []
        for start in range(0, len(chosen), size):
            part = chosen[start : start + size]
            flows = (
                _variants(flow, _counts(flow, rank, part, keep=keep))
                for flow, rank in ((forth, forth_rank), (back, back_rank))
            )
            feeds = {
                "head": np.repeat(self.head[None].astype(np.float32), len(part), 0),
                "tail": np.repeat(self.tail[None].astype(np.float32), len(part), 0),
                **flow_feeds(*flows),
            }
            [logits] = self.model.session.run(feeds, ["logits"])
            parts.append(logits / np.float32(self.model.temperature))
        return np.concatenate(parts)


def _counts(
    flow: Flow, rank: np.ndarray, chosen: Sequence[np.ndarray], *, keep: bool
) -> np.ndarray:
    """(B, C) how many edges are left in each merged edge."""
    hit = np.stack([np.bincount(rank[edges], minlength=len(flow.count)) for edges in chosen])
    return (hit if keep else flow.count - hit).astype(np.float32)


def _variants(flow: Flow, counts: np.ndarray) -> Flow:
    """The flow of one pair once for every row of counts (B, C).

    First steps and messages are the same for all and are computed once; a node of the second step
    gets a state of its own only where its counts differ.
    """
    size, nodes, groups = len(counts), len(flow.node_pair), len(flow.group_pair)
    start = np.searchsorted(flow.middle_node, np.arange(nodes))
    changed = np.maximum.reduceat(counts != flow.count, start, axis=1)  # (B, Y)
    alive = np.maximum.reduceat(counts > 0, start, axis=1)
    copy, node = np.nonzero(changed & alive)
    length = np.diff(np.append(start, len(flow.count)))[node]
    owner, edge = expand_ranges(start[node], length)
    left = counts[copy[owner], edge]
    owner, edge, left = owner[left > 0], edge[left > 0], left[left > 0]
    state = np.where(changed, -1, np.arange(nodes))  # (B, Y) which state stands for a node
    state[copy, node] = nodes + np.arange(len(node))
    last = state[:, flow.last_node]
    variant, place = np.nonzero(last >= 0)
    return Flow(
        flow.signature_pair,
        flow.first_signature,
        flow.first_relation,
        flow.message_signature,
        flow.message_relation,
        np.concatenate([flow.middle_node, nodes + owner]),
        np.concatenate([flow.middle_message, flow.middle_message[edge]]),
        np.concatenate([flow.count, left]).astype(np.float32),
        np.zeros(nodes + len(node), dtype=np.int64),
        last[variant, place],
        flow.last_group[place] + variant * groups,
        np.repeat(np.arange(size), groups),
        np.tile(flow.group_relation, size),
    )


def _ranks(target: np.ndarray, kind: np.ndarray, relation: np.ndarray) -> np.ndarray:
    """Place of each edge among the distinct (target, kind of source, relation), ascending."""
    key = target * (int(kind.max(initial=0)) + 1) + kind
    key = key * (int(relation.max(initial=0)) + 1) + relation
    return np.unique(key, return_inverse=True)[1]


def _joined(nodes: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(position in `wanted`, position in `nodes`) of all equal entries."""
    order = np.argsort(nodes, kind="stable")
    start = np.searchsorted(nodes[order], wanted)
    stop = np.searchsorted(nodes[order], wanted, side="right")
    position, place = expand_ranges(start, stop - start)
    return position, order[place]


def _visits_once(paths: PairPaths, walks: Walks, waits: np.ndarray) -> np.ndarray:
    """(W,) bool: walks that visit no node twice except by waiting."""
    places = np.empty((len(walks), 4), dtype=np.int64)
    places[:, 0], places[:, 1:3], places[:, 3] = paths.head, walks.between, paths.tail
    once = np.ones(len(walks), dtype=bool)
    for early in range(3):
        for late in range(early + 1, 4):
            stayed = waits[:, early:late].all(1)
            once &= stayed | (places[:, early] != places[:, late])
    return once


def _nodes_between(paths: PairPaths, between: np.ndarray) -> np.ndarray:
    """(P, 2) without the drugs and without repetition, padded with -1."""
    ends = (paths.head, paths.tail)
    nodes = np.where(np.isin(between, ends), -1, between)
    nodes[nodes[:, 0] == nodes[:, 1], 1] = -1
    return np.where((nodes[:, :1] < 0), nodes[:, ::-1], nodes)
