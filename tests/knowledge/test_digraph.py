"""The grown digraph against breadth-first enumeration of walks."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.knowledge.digraph import ascending_order, expand_ranges, grow, keep_nodes
from core.knowledge.graph import Adjacency

N, R, L = 6, 2, 3
facts = st.sets(
    st.tuples(st.integers(0, N - 1), st.integers(0, R - 1), st.integers(0, N - 1)), max_size=14
)


def reference(triples, heads, active=None):
    """Edges of each layer as (question, source, relation, target, fact), by plain loops."""
    frontier = {(b, h) for b, h in enumerate(heads)}
    layers = []
    for _ in range(L):
        edges = {(b, v, 2 * R, v, -1) for b, v in frontier}
        for (b, v), (number, (h, r, t)) in product(frontier, enumerate(triples)):
            if active is not None and not active[b][number]:
                continue
            if h == v:
                edges.add((b, v, r, t, number))
            if t == v:
                edges.add((b, v, r + R, h, number))
        layers.append(edges)
        frontier = {(b, t) for b, _, _, t, _ in edges}
    return layers


def listed(digraph):
    before = digraph.start
    layers = []
    for layer in digraph.layers:
        source = before[layer.pair_node[layer.edge_pair]]
        target = layer.nodes[layer.edge_node]
        assert (np.diff(layer.edge_node) >= 0).all()
        assert (source // N == target // N).all()
        assert (layer.pair_query == before[layer.pair_node] // N).all()
        layers.append(
            set(
                zip(
                    (source // N).tolist(),
                    (source % N).tolist(),
                    layer.pair_relation[layer.edge_pair].tolist(),
                    (target % N).tolist(),
                    layer.edge_fact.tolist(),
                    strict=True,
                )
            )
        )
        position = {key: i for i, key in enumerate(before.tolist())}
        assert layer.previous.tolist() == [
            position.get(k, len(before)) for k in layer.nodes.tolist()
        ]
        before = layer.nodes
    return layers


@given(facts, st.lists(st.integers(0, N - 1), min_size=1, max_size=3), st.data())
def test_growth_equals_enumeration(rows, heads, data):
    triples = sorted(rows)
    index = Adjacency.from_triples(np.array(triples, dtype=np.int64).reshape(-1, 3), N, R)
    assert listed(grow(index, np.array(heads), L)) == reference(triples, heads)
    active = np.array(
        data.draw(
            st.lists(
                st.lists(st.booleans(), min_size=len(triples), max_size=len(triples)),
                min_size=len(heads),
                max_size=len(heads),
            )
        ),
        dtype=bool,
    ).reshape(len(heads), len(triples))
    assert listed(grow(index, np.array(heads), L, active)) == reference(triples, heads, active)


def test_mask_of_wrong_shape_is_refused():
    index = Adjacency.from_triples(np.array([[0, 0, 1]]), 2, 1)
    with pytest.raises(ShapeError, match=r"\(1, 2\); \(1, 1\) is needed"):
        grow(index, np.array([0]), 1, np.ones((1, 2), dtype=bool))


def test_expand_ranges():
    owner, value = expand_ranges(np.array([5, 9, 2]), np.array([2, 0, 3]))
    assert owner.tolist() == [0, 0, 2, 2, 2]
    assert value.tolist() == [5, 6, 2, 3, 4]


def test_keep_nodes_drops_edges_into_removed_nodes():
    index = Adjacency.from_triples(np.array([[0, 0, 1], [0, 0, 2]]), 3, 1)
    layer = grow(index, np.array([0]), 1).layers[0]
    assert layer.nodes.tolist() == [0, 1, 2]
    kept = keep_nodes(layer, np.array([True, False, True]))
    assert kept.nodes.tolist() == [0, 2]
    assert kept.edge_fact.tolist() == [-1, 1]
    assert kept.edge_node.tolist() == [0, 1]
    assert kept.previous.tolist() == [0, 1]


@pytest.mark.parametrize("limit", [7, 1 << 16, (1 << 16) + 1, 5_000_000])
def test_order_is_ascending_and_stable_below_and_above_sixteen_bits(limit):
    values = np.random.default_rng(0).integers(0, limit, 3000)
    values[:4] = limit - 1, 0, limit - 1, 0
    expected = sorted(range(3000), key=lambda k: values[k])
    assert ascending_order(values, limit).tolist() == expected
