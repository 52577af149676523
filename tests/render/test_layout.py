"""Layered layout against brute force and theorems."""

from itertools import permutations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from core.render.layout import _increasing, lay_out


def crossings(order, links):
    place = {node: row for column in order for row, node in enumerate(column)}
    return sum(
        (place[a] - place[c]) * (place[b] - place[d]) < 0
        for i, (a, b) in enumerate(links)
        for c, d in links[:i]
    )


def columns_of(found, layers):
    depth = max(layers.values()) + 1
    return [
        sorted((n for n in layers if layers[n] == layer), key=found.across.get)
        for layer in range(depth)
    ]


def test_crossings_that_can_be_avoided_are_avoided():
    layers = {"q": 0, "a": 1, "b": 1, "c": 1, "x": 2, "y": 2, "z": 2}
    links = [("a", "z"), ("b", "y"), ("c", "x"), ("q", "a"), ("q", "b"), ("q", "c")]
    edges = [(f"e{i}", *ends) for i, ends in enumerate(links)]
    found = lay_out(layers, edges, dict.fromkeys(layers, 50.0))
    assert crossings(columns_of(found, layers), links[:3]) == 0


@settings(max_examples=40, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=9))
def test_two_layers_come_close_to_the_fewest_crossings(pairs):
    layers = {f"a{i}": 0 for i in range(4)} | {f"b{i}": 1 for i in range(4)}
    links = [(f"a{i}", f"b{j}") for i, j in sorted(pairs)]
    edges = [(f"e{i}", *ends) for i, ends in enumerate(links)]
    found = lay_out(layers, edges, dict.fromkeys(layers, 50.0))
    ours = crossings(columns_of(found, layers), links)
    left, right = [[n for n in layers if layers[n] == layer] for layer in (0, 1)]
    best = min(crossings(o, links) for o in product(permutations(left), permutations(right)))
    assert ours <= best + 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), max_size=20),
)
def test_no_two_nodes_of_a_layer_come_closer_than_their_room(depths, pairs):
    layers = {f"n{i}": depth for i, depth in enumerate(depths)}
    room = {node: 40.0 + 3 * i for i, node in enumerate(layers)}
    edges = [
        (f"e{i}", f"n{a}", f"n{b}") for i, (a, b) in enumerate(pairs) if max(a, b) < len(depths)
    ]
    found = lay_out(layers, edges, room)
    assert found == lay_out(layers, edges, room)
    nodes = list(layers)
    for i, one in enumerate(nodes):
        for two in nodes[:i]:
            if layers[one] == layers[two]:
                gap = abs(found.across[one] - found.across[two])
                assert gap >= (room[one] + room[two]) / 2 - 1e-6
    for edge, source, target in edges:
        between = abs(layers[source] - layers[target]) - 1
        assert len(found.waypoints.get(edge, [])) == max(between, 0)


def test_waypoints_run_from_source_to_target():
    layers = {"a": 0, "b": 1, "c": 2, "d": 3}
    edges = [("long", "d", "a"), ("x", "a", "b"), ("y", "b", "c"), ("z", "c", "d")]
    found = lay_out(layers, edges, dict.fromkeys(layers, 60.0))
    assert [layer for layer, _ in found.waypoints["long"]] == [2, 1]
    assert set(found.waypoints) == {"long"}
    # the passing edge keeps its distance from the nodes it passes
    assert abs(found.waypoints["long"][0][1] - found.across["c"]) >= 45.0 - 1e-9


def test_a_chain_is_a_straight_line_and_a_fork_is_symmetric():
    chain = lay_out({"a": 0, "b": 1, "c": 2}, [("e", "a", "b"), ("f", "b", "c")],
                    dict.fromkeys("abc", 50.0))  # fmt: skip
    assert len(set(chain.across.values())) == 1
    fork = lay_out({"a": 0, "b": 1, "c": 1}, [("e", "a", "b"), ("f", "a", "c")],
                   dict.fromkeys("abc", 50.0))  # fmt: skip
    assert fork.across == pytest.approx({"a": 0.0, "b": -25.0, "c": 25.0})
    assert lay_out({}, [], {}).across == {}


@given(st.lists(st.floats(-100, 100), min_size=1, max_size=30))
def test_increasing_is_isotonic_regression(values):
    assert _increasing(values) == pytest.approx(list(isotonic_regression(values).x), abs=1e-6)
