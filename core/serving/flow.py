"""EmerGNN's answers through ONNX Runtime, for one pair under changes or for many pairs at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.knowledge.flow import (
    FlowGraph,
    Neighbours,
    PairIndex,
    PathSubgraphs,
    asked_as_new,
    collapse,
    flow_feeds,
)
from core.serving.session import Session

EDGES_PER_RUN = 2_000_000  # edges of one batch before they are merged; bounds memory near 200 MB
PAIRS_PER_RUN = 128  # pairs screened at once


@dataclass(frozen=True, eq=False)
class Steps:
    """Edges of one kind.

    Attributes:
        source: (n,) nodes the edges leave.
        relation: (n,) relation ids in 0..2R in that direction.
        target: (n,) nodes they enter.
        fact: (n,) position in `PairPaths.facts`; -1 for loops.
    """

    source: np.ndarray
    relation: np.ndarray
    target: np.ndarray
    fact: np.ndarray

    def __len__(self) -> int:
        return len(self.source)


@dataclass(frozen=True, eq=False)
class PairPaths:
    """Every edge on a path of at most three steps between two drugs, one by one.

    Attributes:
        head, tail: nodes of the two drugs.
        first: edges head -> x.
        middle: edges x -> y.
        last: edges tail -> y, that is, the third step seen from the tail.
        facts: (F,) numbers of the facts behind the edges, ascending.
        num_relations: R.
    """

    head: int
    tail: int
    first: Steps
    middle: Steps
    last: Steps
    facts: np.ndarray
    num_relations: int

    @classmethod
    def between(
        cls, graph: FlowGraph, head: int, tail: int, hidden: Sequence[int] = ()
    ) -> "PairPaths":
        """Walk out of both ends.

        Args:
            graph: interactions included.
            head: node of one drug.
            tail: node of the other.
            hidden: numbers of facts that are left out. Interactions between the two drugs
                themselves are always left out: they are what is asked.
        """
        dropped = np.asarray(hidden, dtype=np.int64)

        def leave(nodes: np.ndarray) -> Steps:
            owner, relation, target, fact = graph.leave(nodes)
            source = nodes[owner]
            direct = (source == head) & (target == tail) | (source == tail) & (target == head)
            rows = np.flatnonzero(direct)
            keep = np.ones(len(source), dtype=bool)
            keep[rows] = ~graph.is_interaction(relation[rows])
            if len(dropped):
                keep &= ~np.isin(fact, dropped)
            return Steps(source[keep], relation[keep], target[keep], fact[keep])

        def among(nodes: np.ndarray, chosen: np.ndarray) -> np.ndarray:
            """Which of `nodes` are among the chosen; quicker than a sort on large hubs."""
            mark = np.zeros(graph.num_nodes, dtype=bool)
            mark[chosen] = True
            return mark[nodes]

        first, last = leave(np.array([head])), leave(np.array([tail]))
        middle = leave(np.flatnonzero(among(np.arange(graph.num_nodes), first.target)))
        middle = _part(middle, among(middle.target, last.target))
        first = _part(first, among(first.target, middle.source))
        last = _part(last, among(last.target, middle.target))
        used = np.zeros(graph.num_facts + 1, dtype=bool)
        for steps in (first, middle, last):
            used[steps.fact] = True  # loops mark the last place
        used[-1] = False
        facts = np.flatnonzero(used)
        place = np.full(graph.num_facts + 1, -1)
        place[facts] = np.arange(len(facts))

        def located(steps: Steps) -> Steps:
            return Steps(steps.source, steps.relation, steps.target, place[steps.fact])

        return cls(
            head,
            tail,
            located(first),
            located(middle),
            located(last),
            facts,
            graph.num_relations,
        )

    @property
    def joined(self) -> bool:
        """Whether any path exists."""
        return len(self.middle) > 0

    @cached_property
    def between_nodes(self) -> np.ndarray:
        """Nodes on the paths, the two drugs left out, ascending."""
        nodes = np.union1d(self.middle.source, self.middle.target)
        return nodes[(nodes != self.head) & (nodes != self.tail)]

    def facts_at(self, node: int) -> np.ndarray:
        """(F,) bool: facts of the paths that touch a node."""
        touched = np.zeros(len(self.facts) + 1, dtype=bool)
        for steps in (self.first, self.middle, self.last):
            touched[steps.fact[(steps.source == node) | (steps.target == node)]] = True
        return touched[:-1]

    def overlays(self, active: np.ndarray) -> PathSubgraphs:
        """The pair once for every row of `active` (B, F) bool, with these facts only."""
        active = np.concatenate([active, np.ones((len(active), 1), dtype=bool)], axis=1)
        near_head, head_rows = self._near(self.first, active)
        near_tail, tail_rows = self._near(self.last, active)
        pair, edge = np.nonzero(active[:, self.middle.fact])
        source = np.searchsorted(np.unique(self.first.target), self.middle.source)
        target = np.searchsorted(np.unique(self.last.target), self.middle.target)
        head_row, tail_row = head_rows[pair, source[edge]], tail_rows[pair, target[edge]]
        there = (head_row >= 0) & (tail_row >= 0)
        return PathSubgraphs(
            len(active),
            near_head,
            near_tail,
            pair[there],
            head_row[there],
            self.middle.relation[edge[there]],
            tail_row[there],
            self.num_relations,
        )

    def _near(self, steps: Steps, active: np.ndarray) -> tuple[Neighbours, np.ndarray]:
        """Neighbours of one end under each overlay, and (B, n) the row of each neighbour or -1."""
        owner, edge = np.nonzero(active[:, steps.fact])
        near = Neighbours.build(owner, steps.target[edge], steps.relation[edge], len(active))
        nodes = np.unique(steps.target)
        rows = np.full((len(active), len(nodes)), -1)
        owners = np.repeat(np.arange(len(active)), np.diff(near.pointer))
        rows[owners, np.searchsorted(nodes, near.node)] = np.arange(len(near.node))
        return near, rows


def _part(steps: Steps, keep: np.ndarray) -> Steps:
    return Steps(steps.source[keep], steps.relation[keep], steps.target[keep], steps.fact[keep])


@dataclass(frozen=True, eq=False)
class FlowModel:
    """An exported FlowGNN.

    Attributes:
        session: the model.
        temperature: the logits are divided by it; fitted on validation pairs.
    """

    session: Session
    temperature: float = 1.0

    def logits(self, head: np.ndarray, tail: np.ndarray, paths: PathSubgraphs) -> np.ndarray:
        """Calibrated logits (B, T).

        Args:
            head: (B, 1024) fingerprint bits.
            tail: likewise.
            paths: the pairs' path subgraphs.
        """
        [logits] = self.session.run(self._feeds(head, tail, paths), ["logits"])
        return logits / np.float32(self.temperature)

    def both(self, head: np.ndarray, tail: np.ndarray, paths: PathSubgraphs) -> np.ndarray:
        """Logits (2, B, T) without temperature, in the given and in the opposite order.

        The flow back of a pair is the flow forth of the opposite pair, so the lists are made once.

        Args:
            head: (B, 1024) fingerprint bits.
            tail: likewise.
            paths: path subgraphs from head to tail.
        """
        forth, back = collapse(paths)
        head, tail = head.astype(np.float32), tail.astype(np.float32)
        there = {"head": head, "tail": tail, **flow_feeds(forth, back)}
        turned = {"head": tail, "tail": head, **flow_feeds(back, forth)}
        return np.concatenate([self.session.run(one, ["logits"]) for one in (there, turned)])

    def attention(self, head: np.ndarray, tail: np.ndarray, paths: PathSubgraphs) -> np.ndarray:
        """(B, 3, 2R+1) weight of each relation in each step."""
        [attention] = self.session.run(self._feeds(head, tail, paths), ["attention"])
        return attention

    def overlaid(
        self, head: np.ndarray, tail: np.ndarray, paths: PairPaths, active: np.ndarray
    ) -> np.ndarray:
        """Logits (B, T) of one pair under several sets of allowed facts.

        Args:
            head: (1024,) fingerprint bits.
            tail: likewise.
            paths: the pair.
            active: (B, F) bool.
        """
        size = max(1, EDGES_PER_RUN // max(1, len(paths.middle)))
        return np.concatenate(
            [
                self.logits(
                    np.broadcast_to(head, (len(part), len(head))),
                    np.broadcast_to(tail, (len(part), len(tail))),
                    paths.overlays(part),
                )
                for part in np.split(active, range(size, len(active), size))
            ]
        )

    def screen(
        self,
        bits: np.ndarray,
        index: PairIndex,
        heads: np.ndarray,
        tails: np.ndarray,
        history: np.ndarray,
    ) -> np.ndarray:
        """`both` (2, n, T) of many pairs of one graph, asked as `asked_as_new` says.

        Args:
            bits: (D, 1024) fingerprints of `index.graph.drugs`.
            index: neighbours of every drug.
            heads: (n,) positions among the drugs.
            tails: likewise.
            history: (D,) known interactions of each drug.
        """
        parts = []
        for start in range(0, len(heads), PAIRS_PER_RUN):
            part = slice(start, start + PAIRS_PER_RUN)
            new = asked_as_new(history, heads[part], tails[part])
            paths = index.subgraphs(heads[part], tails[part], *new)
            parts.append(self.both(bits[heads[part]], bits[tails[part]], paths))
        return np.concatenate(parts, 1)

    @staticmethod
    def _feeds(head: np.ndarray, tail: np.ndarray, paths: PathSubgraphs) -> dict[str, np.ndarray]:
        return {
            "head": head.astype(np.float32),
            "tail": tail.astype(np.float32),
            **flow_feeds(*collapse(paths)),
        }
