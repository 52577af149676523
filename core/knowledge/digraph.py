"""Relational digraphs: the layered walks that leave a question's entity.

Source: Zhang & Yao, "Knowledge Graph Reasoning with Relational Digraph", WWW 2022, section 3;
section 5.1 of the parsimony paper.

A question (q, r, ?) starts at V^0 = {q}. Layer l takes every edge whose source was reached before
(identity edges included, so V^(l-1) is part of V^l). Several questions are grown together; a node
is the pair (question, entity) with the integer key question * N + entity.

Differs from the paper: edges are grouped by (source, relation), because the message and its
attention do not depend on the target; the grouping is exact.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ShapeError
from core.knowledge.graph import Adjacency


@dataclass(frozen=True, eq=False)
class Layer:
    """One step of the walk; P (source, relation) pairs, E edges, n nodes after the step.

    Attributes:
        pair_node: (P,) position of the source among the nodes before the step.
        pair_query: (P,) question each pair belongs to.
        pair_relation: (P,) relation id in 0..2R.
        edge_pair: (E,) pair of each edge.
        edge_node: (E,) position of the target among `nodes`; ascending, so that sums over targets
            walk through memory once.
        edge_fact: (E,) number of the fact behind the edge, -1 for waiting.
        nodes: (n,) keys of the nodes after the step, ascending.
        previous: (n,) position of the node before the step; the number of earlier nodes when new.
    """

    pair_node: np.ndarray
    pair_query: np.ndarray
    pair_relation: np.ndarray
    edge_pair: np.ndarray
    edge_node: np.ndarray
    edge_fact: np.ndarray
    nodes: np.ndarray
    previous: np.ndarray


def expand_ranges(start: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Concatenate the ranges start[i] .. start[i] + count[i] - 1 without sorting.

    Returns:
        (owner, value): for every element the range it comes from and its value.
    """
    owner = np.repeat(np.arange(len(start)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) + (start - first)[owner]


def ascending_order(values: np.ndarray, limit: int) -> np.ndarray:
    """Stable order of integers 0 <= values < limit <= 2**32.

    Numpy sorts 16-bit integers by counting, several times faster than longer ones by comparing.
    """
    order = np.argsort(values.astype(np.uint16), kind="stable")  # by the lower 16 bits
    if limit > 1 << 16:
        order = order[np.argsort((values[order] >> 16).astype(np.uint16), kind="stable")]
    return order


def grow_layer(
    adjacency: Adjacency,
    nodes: np.ndarray,
    num_queries: int,
    active: np.ndarray | None = None,
) -> Layer:
    """Take one step from `nodes` along every allowed edge.

    Args:
        adjacency: neighbour index over N entities.
        nodes: (n,) ascending keys question * N + entity.
        num_queries: B.
        active: (B, F) bool, facts each question may use; None allows all.
    """
    num_entities, pairs = adjacency.num_entities, adjacency.pairs
    query, entity = np.divmod(nodes, num_entities)
    pair_node, pair = expand_ranges(
        pairs.owner[entity], pairs.owner[entity + 1] - pairs.owner[entity]
    )
    edge_pair, edge = expand_ranges(
        pairs.pointer[pair], pairs.pointer[pair + 1] - pairs.pointer[pair]
    )
    pair_query = query[pair_node]
    fact = adjacency.fact[edge]
    if active is not None:
        allowed = fact < 0
        real = np.flatnonzero(~allowed)
        allowed[real] = active[pair_query[edge_pair[real]], fact[real]]
        edge_pair, edge, fact = edge_pair[allowed], edge[allowed], fact[allowed]
    key = (pair_query * num_entities)[edge_pair] + adjacency.target[edge]
    reached = np.zeros(num_queries * num_entities, dtype=bool)
    reached[key] = True
    after = np.flatnonzero(reached)
    position = np.empty(num_queries * num_entities, dtype=np.int64)
    position[after] = np.arange(len(after))
    edge_node = position[key]
    previous = np.full(len(after), len(nodes))
    previous[position[nodes]] = np.arange(len(nodes))
    order = ascending_order(edge_node, len(after))
    return Layer(
        pair_node,
        pair_query,
        pairs.relation[pair],
        edge_pair[order],
        edge_node[order],
        fact[order],
        after,
        previous,
    )


@dataclass(frozen=True, eq=False)
class RelationalDigraph:
    """The layers grown for a batch of questions.

    Attributes:
        heads: (B,) entity each question starts from.
        num_entities: N.
        layers: the steps, first to last.
    """

    heads: np.ndarray
    num_entities: int
    layers: tuple[Layer, ...]

    @property
    def start(self) -> np.ndarray:
        """(B,) keys of the nodes before the first step."""
        return np.arange(len(self.heads)) * self.num_entities + self.heads

    @property
    def num_edges(self) -> int:
        """Edges of all layers together."""
        return sum(len(layer.edge_pair) for layer in self.layers)


def grow(
    adjacency: Adjacency,
    heads: np.ndarray,
    num_layers: int,
    active: np.ndarray | None = None,
    select: Callable[[Layer], Layer] | None = None,
) -> RelationalDigraph:
    """Grow the relational digraph of each question.

    Args:
        adjacency: neighbour index.
        heads: (B,) start entities.
        num_layers: L.
        active: (B, F) bool, facts each question may use; None allows all.
        select: keeps part of a layer's new nodes (learned selection); None keeps all.

    Raises:
        ShapeError: when `active` does not have one row per question and one column per fact.
    """
    heads = np.asarray(heads, dtype=np.int64)
    num_facts = int(adjacency.fact.max(initial=-1)) + 1
    if active is not None and active.shape != (len(heads), num_facts):
        raise ShapeError(f"active has shape {active.shape}; ({len(heads)}, {num_facts}) is needed.")
    nodes = np.arange(len(heads)) * adjacency.num_entities + heads
    layers = []
    for _ in range(num_layers):
        layer = grow_layer(adjacency, nodes, len(heads), active)
        layer = layer if select is None else select(layer)
        layers.append(layer)
        nodes = layer.nodes
    return RelationalDigraph(heads, adjacency.num_entities, tuple(layers))


def keep_nodes(layer: Layer, keep: np.ndarray) -> Layer:
    """The layer without the nodes where `keep` (n,) is False and without edges into them."""
    position = np.cumsum(keep) - 1
    edges = keep[layer.edge_node]
    return Layer(
        layer.pair_node,
        layer.pair_query,
        layer.pair_relation,
        layer.edge_pair[edges],
        position[layer.edge_node[edges]],
        layer.edge_fact[edges],
        layer.nodes[keep],
        layer.previous[keep],
    )
