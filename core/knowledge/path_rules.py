"""Path rules mined from a graph: chains of relations that imply another one, with confidence.

Notation: r_q(X, Y) <- r_1(X, A), r_2(A, B), r_3(B, Y); N entities, R relations with ids 0..2R-1,
inverses included. The body holds for a pair (X, Y) that at least one chain joins; the support
counts the pairs for which r_q(X, Y) is a fact as well.

The entities of a chain all differ. So a chain of two or more steps never contains the fact that it
speaks for; of the chains of one step only r_q itself does, and it is no rule. Facts that join an
entity with itself are neither used nor implied. A rule for an inverse relation is the same rule
read backward, with the same counts, and is stored once.

Source: the cyclic rules and the smoothed confidence of AnyBURL, Meilicke, Chekol, Ruffinelli,
Stuckenschmidt, "Anytime Bottom-Up Rule Learning for Knowledge Graph Completion", IJCAI 2019.
Differs: chains are followed exhaustively, on a random share of the pairs where that is too much;
no rule with a constant.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from core.knowledge.digraph import expand_ranges
from core.knowledge.graph import Adjacency
from core.knowledge.rule import RuleCount

UNSEEN = 5  # added to the pairs a body holds for, so that few observations count for little
MAX_WALKS = 20_000_000  # chains followed per length; beyond it a share of the pairs is counted
MIN_SHARE = 0.01  # chains of a length of which less could be followed are left out
WALKS_AT_ONCE = 1_000_000  # bounds memory near 200 MB


@dataclass(frozen=True)
class PathRule:
    """One rule.

    Attributes:
        head: r_q, 0..2R-1.
        body: relations of the chain, 0..2R-1 each.
        count: on how many pairs it was seen to hold.
    """

    head: int
    body: tuple[int, ...]
    count: RuleCount

    @property
    def confidence(self) -> float:
        """Support / (body + 5), to six digits: rules that differ by less count as equal."""
        return round(self.count.support / (self.count.body + UNSEEN), 6)

    def backward(self, num_relations: int) -> "PathRule":
        """The same rule as one for the inverse of its head."""
        turned = [(r + num_relations) % (2 * num_relations) for r in (self.head, *self.body)]
        return PathRule(turned[0], tuple(turned[:0:-1]), self.count)


@dataclass(frozen=True, eq=False)
class ChainTree:
    """Prefix tree of bodies: chains that begin alike are followed together.

    Nodes 0..G-1 are the roots, one per group of bodies; children are contiguous.

    Attributes:
        relation: (M,) step that leads into a node, -1 for roots.
        first: (M,) first child.
        size: (M,) number of children.
        rule: (M,) number of the body that ends here, -1 for none.
    """

    relation: np.ndarray
    first: np.ndarray
    size: np.ndarray
    rule: np.ndarray

    @classmethod
    def from_bodies(
        cls, groups: Sequence[int], bodies: Sequence[Sequence[int]], num_groups: int
    ) -> "ChainTree":
        """Distinct bodies with the group of each; `rule` numbers them in this order."""
        node = np.array(groups, dtype=np.int64)
        relations, parents = [np.full(num_groups, -1)], [np.full(num_groups, -1)]
        length = np.array([len(body) for body in bodies], dtype=np.int64)
        width, total = 1 + max((max(body) for body in bodies), default=0), num_groups
        for depth in range(int(length.max(initial=0))):
            longer = np.flatnonzero(length > depth)
            step = np.array([bodies[i][depth] for i in longer])
            keys, place = np.unique(node[longer] * width + step, return_inverse=True)
            parents.append(keys // width)
            relations.append(keys % width)
            node[longer] = total + place
            total += len(keys)
        parent = np.concatenate(parents)
        rule = np.full(total, -1)
        rule[node] = np.arange(len(bodies))
        size = np.bincount(parent[num_groups:], minlength=total)
        return cls(np.concatenate(relations), num_groups + np.cumsum(size) - size, size, rule)


@dataclass(frozen=True, eq=False)
class Chains:
    """Chains of one length that complete a body, n of them.

    Attributes:
        question: (n,) question each starts from.
        rule: (n,) body it completes.
        end: (n,) entity at its end.
        facts: (n, length) facts it uses.
    """

    question: np.ndarray
    rule: np.ndarray
    end: np.ndarray
    facts: np.ndarray


def follow(
    adjacency: Adjacency,
    tree: ChainTree,
    heads: np.ndarray,
    groups: np.ndarray,
    active: np.ndarray | None = None,
) -> Iterator[Chains]:
    """All chains from each head along the bodies of its group, shorter bodies first.

    Args:
        adjacency: neighbour index over F facts.
        tree: bodies.
        heads: (B,) entities to start from.
        groups: (B,) group of bodies each may follow.
        active: (F,) or (B, F) bool, facts that may be used; None allows all.
    """
    question, node = np.arange(len(heads)), groups
    path, facts = [heads], []
    while tree.size[node].any():
        row, node = expand_ranges(tree.first[node], tree.size[node])
        owner, edge = expand_ranges(*adjacency.edges_from(path[-1][row], tree.relation[node]))
        row, node = row[owner], node[owner]
        end, fact = adjacency.target[edge], adjacency.fact[edge]
        kept = _all_differ(path, row, end)
        if active is not None:
            kept &= active[fact] if active.ndim == 1 else active[question[row], fact]
        row, node, end, fact = row[kept], node[kept], end[kept], fact[kept]
        question = question[row]
        path = [*(column[row] for column in path), end]
        facts = [*(column[row] for column in facts), fact]
        whole = np.flatnonzero(tree.rule[node] >= 0)
        yield Chains(
            question[whole],
            tree.rule[node[whole]],
            end[whole],
            np.stack([column[whole] for column in facts], 1),
        )


def mine_rules(
    adjacency: Adjacency,
    *,
    rng: np.random.Generator,
    max_length: int = 3,
    min_support: int = 2,
    max_rules: int = 300,
    max_walks: int = MAX_WALKS,
) -> tuple[PathRule, ...]:
    """Rules for all relations 0..R-1, most confident first; shorter ones first among equals.

    Args:
        adjacency: neighbour index of the training facts.
        rng: chooses the pairs that are counted where there are too many.
        max_length: steps of the longest body.
        min_support: pairs a rule must be right about.
        max_rules: kept for each relation and length, the most confident ones.
        max_walks: chains followed per length, bounding time; candidates found on a share of the
            pairs are then counted on all pairs where that stays within the same bound.
    """
    edges = _Edges.from_adjacency(adjacency)
    rules: list[PathRule] = []
    for length in range(1, max_length + 1):
        share = min(1.0, max_walks / max(1.0, edges.num_walks(length).sum()))
        if share < MIN_SHARE:
            break
        tally = _Tally(edges)
        for start, code, end in edges.chains(length, share, rng):
            tally.add(start, code, end, (2 * edges.num_relations) ** length)
        head, code, count = tally.result(min_support)
        other = head != code if length == 1 else np.ones(len(head), dtype=bool)
        head, code, count = _best(head[other], code[other], count[other], max_rules)
        bodies = _decode(code, length, 2 * edges.num_relations)
        if share < 1 and count[:, 1].sum() / share <= max_walks:
            count, share = _recount(adjacency, edges, head, bodies, count[:, 1].sum() / share), 1.0
        rules += [
            PathRule(q, tuple(body), RuleCount(*pairs, sampled=share < 1))
            for q, body, pairs in zip(head.tolist(), bodies, count.tolist(), strict=True)
        ]
    return tuple(sorted(rules, key=lambda rule: (-rule.confidence, len(rule.body))))


@dataclass(frozen=True, eq=False)
class _Edges:
    """Facts in both directions by source, without those that join an entity with itself."""

    pointer: np.ndarray
    relation: np.ndarray
    target: np.ndarray
    num_relations: int

    @classmethod
    def from_adjacency(cls, adjacency: Adjacency) -> "_Edges":
        source = np.repeat(np.arange(adjacency.num_entities), np.diff(adjacency.pointer))
        real = source != adjacency.target  # identity edges end where they start, too
        pointer = np.append(0, np.cumsum(real))[adjacency.pointer]
        relation, target = adjacency.relation[real], adjacency.target[real]
        return cls(pointer, relation, target, adjacency.num_relations)

    @property
    def num_entities(self) -> int:
        return len(self.pointer) - 1

    def num_walks(self, length: int) -> np.ndarray:
        """(N,) walks of `length` steps from each entity, as float."""
        walks = np.ones(self.num_entities)
        for _ in range(length):
            total = np.append(0.0, np.cumsum(walks[self.target]))
            walks = total[self.pointer[1:]] - total[self.pointer[:-1]]
        return walks

    def only_to(self, chosen: np.ndarray) -> "_Edges":
        """Edges whose target is chosen (N,)."""
        kept = chosen[self.target]
        pointer = np.append(0, np.cumsum(kept))[self.pointer]
        return _Edges(pointer, self.relation[kept], self.target[kept], self.num_relations)

    def chains(
        self, length: int, share: float, rng: np.random.Generator
    ) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Start, body and end of all chains, in parts; the ends a random share of all entities.

        The body r_1 .. r_n is the number with these digits to the base 2R.
        """
        cost = np.maximum(self.num_walks(length) * share, self.num_walks(length - 1))
        part = np.cumsum(cost) // WALKS_AT_ONCE
        for heads in np.split(np.arange(self.num_entities), np.flatnonzero(np.diff(part)) + 1):
            path, code = [heads], np.zeros(len(heads), dtype=np.int64)
            last = self if share == 1 else self.only_to(rng.random(self.num_entities) < share)
            for step in range(length):
                edges = last if step == length - 1 else self
                at = path[-1]
                row, edge = expand_ranges(
                    edges.pointer[at], edges.pointer[at + 1] - edges.pointer[at]
                )
                end = edges.target[edge]
                kept = _all_differ(path, row, end)
                row, end = row[kept], end[kept]
                code = code[row] * (2 * self.num_relations) + edges.relation[edge[kept]]
                path = [*(column[row] for column in path), end]
            yield path[0], code, path[-1]


class _Tally:
    """Counts distinct pairs per body, and per body and head relation."""

    def __init__(self, edges: _Edges) -> None:
        source = np.repeat(np.arange(edges.num_entities), np.diff(edges.pointer))
        forward = np.flatnonzero(edges.relation < edges.num_relations)
        pair = source[forward] * edges.num_entities + edges.target[forward]
        order = np.argsort(pair, kind="stable")
        self._pair, self._relation = pair[order], edges.relation[forward][order]
        self._num_entities, self._num_relations = edges.num_entities, edges.num_relations
        self._bodies: list[tuple[np.ndarray, np.ndarray]] = []
        self._rules: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, start: np.ndarray, body: np.ndarray, end: np.ndarray, num_bodies: int) -> None:
        """Take in chains; all chains of a start must come together."""
        keys, _ = _distinct((start * self._num_entities + end) * num_bodies + body)
        pair, body = np.divmod(keys, num_bodies)
        self._bodies.append(_distinct(body))
        low, high = (np.searchsorted(self._pair, pair, side) for side in ("left", "right"))
        row, fact = expand_ranges(low, high - low)
        self._rules.append(_distinct(body[row] * self._num_relations + self._relation[fact]))

    def result(self, min_support: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Head (n,), body (n,) and pairs (n, 2): support and body."""
        body, pairs = _merged(self._bodies)
        key, support = _merged(self._rules)
        key, support = key[support >= min_support], support[support >= min_support]
        code, head = np.divmod(key, self._num_relations)
        return head, code, np.stack([support, pairs[np.searchsorted(body, code)]], 1)


def _recount(
    adjacency: Adjacency,
    edges: _Edges,
    head: np.ndarray,
    bodies: list[list[int]],
    num_pairs: float,
) -> np.ndarray:
    """(n, 2) support and body of each rule on all pairs; `num_pairs` is about their number."""
    distinct = {body: number for number, body in enumerate(dict.fromkeys(map(tuple, bodies)))}
    tree, tally = ChainTree.from_bodies([0] * len(distinct), list(distinct), 1), _Tally(edges)
    # several chains join a pair: a quarter of the pairs that would fit
    parts = min(edges.num_entities, 1 + int(4 * num_pairs / WALKS_AT_ONCE))
    for heads in np.array_split(np.arange(edges.num_entities), parts):
        for found in follow(adjacency, tree, heads, np.zeros(len(heads), dtype=np.int64)):
            tally.add(heads[found.question], found.rule, found.end, len(distinct))
    counted_head, counted_body, count = tally.result(0)
    key = counted_body * edges.num_relations + counted_head
    wanted = np.array([distinct[tuple(body)] for body in bodies]) * edges.num_relations + head
    return count[np.searchsorted(key, wanted)]


def _all_differ(path: list[np.ndarray], row: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether `end` is on none of the paths it continues."""
    return np.logical_and.reduce([column[row] != end for column in path])


def _distinct(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ascending distinct values and how often each occurs."""
    values = np.sort(values)
    first = np.flatnonzero(np.diff(values, prepend=-1))
    return values[first], np.diff(first, append=len(values))


def _merged(parts: list[tuple[np.ndarray, np.ndarray]]) -> tuple[np.ndarray, np.ndarray]:
    """Counts of equal values added up."""
    values, place = np.unique(np.concatenate([value for value, _ in parts]), return_inverse=True)
    counts = np.zeros(len(values), dtype=np.int64)
    np.add.at(counts, place, np.concatenate([count for _, count in parts]))
    return values, counts


def _best(
    head: np.ndarray, code: np.ndarray, count: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `limit` most confident rules of each head."""
    order = np.lexsort((code, -count[:, 0] / (count[:, 1] + UNSEEN), head))
    place = np.arange(len(order)) - np.searchsorted(head[order], head[order])
    kept = order[place < limit]
    return head[kept], code[kept], count[kept]


def _decode(code: np.ndarray, length: int, base: int) -> list[list[int]]:
    powers = base ** np.arange(length - 1, -1, -1)
    return (code[:, None] // powers % base).tolist()
