"""Evidence from a relational digraph: the walks from the question to one answer.

Source: Zhang & Yao, WWW 2022, section 4.4 (the digraph of one answer is what lies on walks of L
steps). Differs from the paper: single edges are not pruned by an attention threshold; instead the
best walks are found exactly by k-best dynamic programming, and whether they matter is measured
(`core.evidence.faithfulness`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.knowledge.digraph import RelationalDigraph

MAX_CELLS = 4_000_000  # edges x kept walks of one layer; bounds the memory of the search


@dataclass(frozen=True)
class Step:
    """One real step of a walk.

    Attributes:
        source: entity before.
        relation: relation id in 0..2R-1; at least R means the fact was read backwards.
        target: entity after.
        fact: number of the fact.
        hop: layer in which the step is taken, 1 is the first.
        attention: attention of the step, 0..1.
    """

    source: int
    relation: int
    target: int
    fact: int
    hop: int
    attention: float


@dataclass(frozen=True)
class Walk:
    """A walk from the question to the answer, waiting steps left out.

    Attributes:
        steps: at least one.
        weight: sum of log attention over all steps (waiting included) per real step; 0 is best.
    """

    steps: tuple[Step, ...]
    weight: float

    @property
    def body(self) -> tuple[int, ...]:
        """Relations in order: the body of the rule this walk is an instance of."""
        return tuple(step.relation for step in self.steps)

    @property
    def facts(self) -> tuple[int, ...]:
        """Numbers of the facts, in order."""
        return tuple(step.fact for step in self.steps)

    @property
    def is_simple(self) -> bool:
        """No entity is visited twice."""
        places = [self.steps[0].source, *(step.target for step in self.steps)]
        return len(set(places)) == len(places)


def backward_cut(digraph: RelationalDigraph, target: int) -> list[np.ndarray]:
    """Edges that lie on a walk of full length to the answer.

    Args:
        digraph: layers of a single question.
        target: entity of the answer.

    Returns:
        per layer, ascending positions of the kept edges; empty when it was not reached.
    """
    kept: list[np.ndarray] = []
    wanted = digraph.layers[-1].nodes == target
    for layer in reversed(digraph.layers):
        edges = np.flatnonzero(wanted[layer.edge_node])
        sources = layer.pair_node[layer.edge_pair[edges]]
        num_before = int(layer.pair_node.max(initial=-1)) + 1
        wanted = np.zeros(num_before, dtype=bool)
        wanted[sources] = True
        kept.append(edges)
    return kept[::-1]


def top_walks(
    digraph: RelationalDigraph, attention: Sequence[np.ndarray], target: int, num: int
) -> list[Walk]:
    """The walks of highest attention that end in the answer, best first.

    Walks equal but for waiting are merged. Walks that visit an entity twice are left out while
    simple ones exist.

    Args:
        digraph: layers of a single question.
        attention: per layer (P_l,) attention of the pairs.
        target: entity of the answer.
        num: walks wanted.
    """
    cut = backward_cut(digraph, target)
    if not len(cut[-1]):
        return []
    best = np.zeros((1, 1))  # (nodes before, kept walks) log weights, descending
    trail: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    for layer, weights, edges in zip(digraph.layers, attention, cut, strict=True):
        pair = layer.edge_pair[edges]
        gain = np.log(np.maximum(weights[pair], 1e-12))
        keep = int(np.clip(MAX_CELLS // max(len(edges), 1), 8, 8 * num))
        total = best[layer.pair_node[pair]] + gain[:, None]  # (E', k)
        edge, place = np.nonzero(np.isfinite(total))
        value, node = total[edge, place], layer.edge_node[edges[edge]]
        order = np.lexsort((place, edge, -value, node))
        rank = np.arange(len(order)) - np.searchsorted(node[order], node[order])
        chosen = order[rank < keep]
        rank = rank[rank < keep]
        best = np.full((len(layer.nodes), int(rank.max(initial=0)) + 1), -np.inf)
        origin = np.full(best.shape, -1, dtype=np.int64)
        slot = np.zeros(best.shape, dtype=np.int64)
        best[node[chosen], rank] = value[chosen]
        origin[node[chosen], rank] = edges[edge[chosen]]
        slot[node[chosen], rank] = place[chosen]
        trail.append((origin, slot, best))
    walks = _read_back(digraph, attention, trail, target)
    simple = [walk for walk in walks if walk.is_simple]
    return (simple or walks)[:num]


def _read_back(
    digraph: RelationalDigraph,
    attention: Sequence[np.ndarray],
    trail: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    target: int,
) -> list[Walk]:
    row = int(np.searchsorted(digraph.layers[-1].nodes, target))
    starts = [digraph.start, *(layer.nodes for layer in digraph.layers)]
    found: dict[tuple[tuple[int, int], ...], Walk] = {}
    for place in np.flatnonzero(np.isfinite(trail[-1][2][row])):
        steps: list[Step] = []
        node, slot = row, int(place)
        for number in range(len(trail) - 1, -1, -1):
            layer, (origin, slots, _) = digraph.layers[number], trail[number]
            edge = int(origin[node, slot])
            pair = int(layer.edge_pair[edge])
            before = int(layer.pair_node[pair])
            if layer.edge_fact[edge] >= 0:
                steps.append(
                    Step(
                        int(starts[number][before]),
                        int(layer.pair_relation[pair]),
                        int(layer.nodes[node]),
                        int(layer.edge_fact[edge]),
                        number + 1,
                        float(attention[number][pair]),
                    )
                )
            node, slot = before, int(slots[node, slot])
        if steps:
            steps.reverse()
            weight = float(trail[-1][2][row, place]) / len(steps)
            key = tuple((step.fact, step.relation) for step in steps)
            if key not in found or found[key].weight < weight:
                found[key] = Walk(tuple(steps), weight)
    return sorted(found.values(), key=lambda walk: (-walk.weight, walk.facts))


def fact_flow(
    digraph: RelationalDigraph, attention: Sequence[np.ndarray], target: int
) -> dict[int, float]:
    """For every fact on a walk to the answer, the attention-weighted share of walks through it.

    The weight of a walk is the product of its attentions; a fact gets the sum over all walks and
    layers that use it (forward-backward recursion), divided by the sum over all walks.

    Args:
        digraph: layers of a single question.
        attention: per layer (P_l,) attention of the pairs.
        target: entity of the answer.

    Returns:
        from fact to flow, largest first; empty when the answer was not reached.
    """
    forward = [np.ones(1)]
    for layer, weights in zip(digraph.layers, attention, strict=True):
        mass = forward[-1][layer.pair_node[layer.edge_pair]] * weights[layer.edge_pair]
        total = np.bincount(layer.edge_node, mass, minlength=len(layer.nodes))
        forward.append(total / max(total.max(initial=0.0), 1e-300))
    behind = (digraph.layers[-1].nodes == target).astype(float)
    flow: dict[int, float] = {}
    for number in range(len(digraph.layers) - 1, -1, -1):
        layer = digraph.layers[number]
        source = layer.pair_node[layer.edge_pair]
        step = attention[number][layer.edge_pair] * behind[layer.edge_node]
        through = forward[number][source] * step
        scale = through.sum()
        for row in np.flatnonzero((layer.edge_fact >= 0) & (through > 0)).tolist():
            fact = int(layer.edge_fact[row])
            flow[fact] = flow.get(fact, 0.0) + float(through[row] / scale)
        behind = np.bincount(source, step, minlength=len(forward[number]))
        behind = behind / max(behind.max(initial=0.0), 1e-300)
    return dict(sorted(flow.items(), key=lambda entry: (-entry[1], entry[0])))


def first_hops(digraph: RelationalDigraph) -> dict[int, int]:
    """For every fact used anywhere in the digraph, the first hop that uses it (1 is the first)."""
    hops: dict[int, int] = {}
    for number, layer in enumerate(digraph.layers, start=1):
        for fact in np.unique(layer.edge_fact[layer.edge_fact >= 0]).tolist():
            hops.setdefault(fact, number)
    return hops
