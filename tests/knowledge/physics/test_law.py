import numpy as np
import pytest

from core.errors import InputError, ShapeError
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step, aggregate, inputs_of, visible_names
from tests.knowledge.physics.samples import law, system_of


def step(name, level, text, system, steps=None, *, vector=False):
    return Step(
        name, level, parse(text, visible_names(system, level, steps)), vector=vector
    )  # fmt: skip


def spring(system):
    return Law(
        (
            step("e", "edge", "k * (r - 1)", system, vector=True),
            Step("s", "node", aggregate="sum", of="e"),
            step("a", "node", "s / m", system, {"s": ("node", np.zeros((system.num_nodes, 2)))}),
        )
    )


def test_spring_law_equals_a_loop_over_edges():
    system = system_of(np.random.default_rng(0))
    x, m = system.nodes["x"].values, system.nodes["m"].values
    expected = np.zeros((system.num_nodes, 2))
    for edge in range(system.num_edges):
        i, j = system.receiver[edge], system.sender[edge]
        d = x[j] - x[i]
        length = np.hypot(*d)
        expected[i] += system.edges["k"].values[edge] * (length - 1) * d / length / m[i]
    law = spring(system)
    np.testing.assert_allclose(law.evaluate(system), expected, rtol=1e-12)
    assert law.complexity == 5 + 1 + 1 + 3
    assert law.constants == (1.0,)
    other = law.with_constants([2.0])
    assert other.constants == (2.0,)
    assert not np.allclose(other.evaluate(system), expected)
    assert Law.from_json(law.to_json()) == law


@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_aggregates_equal_numpy_over_each_group(how):
    rng = np.random.default_rng(1)
    values, index = rng.normal(size=(50, 3)), rng.integers(0, 7, 50)
    result = aggregate(how, values, index, 9)
    for group in range(7):
        expected = getattr(np, how)(values[index == group], axis=0)
        np.testing.assert_allclose(result[group], expected, atol=1e-12)
    assert not result[7:].any()
    assert aggregate(how, np.empty((0, 2)), np.empty(0, int), 3).tolist() == [[0, 0]] * 3


def test_edge_inputs_by_hand():
    system = system_of(np.random.default_rng(2))
    seen = inputs_of(system, "edge")
    edge, i, j = 5, system.receiver[5], system.sender[5]
    x, v = system.nodes["x"].values, system.nodes["v"].values
    n = (x[j] - x[i]) / np.hypot(*(x[j] - x[i]))
    assert seen["dv_n"][edge, 0] == pytest.approx((v[j] - v[i]) @ n)
    assert seen["dv_t"][edge, 0] == pytest.approx((v[j] - v[i]) @ np.array([-n[1], n[0]]))
    assert seen["v_j_n"][edge, 0] == pytest.approx(v[j] @ n)
    assert seen["T_i"][edge] == system.nodes["T"].values[i]
    assert seen["dT"][edge, 0] == pytest.approx(seen["T_j"][edge, 0] - seen["T_i"][edge, 0])
    turned = system.nodes["theta"].values
    apart = turned[j, 0] - turned[i, 0]
    assert abs(seen["dtheta"][edge, 0]) <= np.pi
    assert np.exp(1j * seen["dtheta"][edge, 0]) == pytest.approx(np.exp(1j * apart))
    assert seen["alpha"][edge] == system.graphs["alpha"].values[i // 4]
    assert not {"x_i", "theta_i", "x"} & set(seen)


def test_laws_do_not_depend_on_place_or_orientation():
    system = system_of(np.random.default_rng(3))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    before = spring(system).evaluate(system)
    place = system.nodes["x"].values
    place[:] = place @ turn.T + 7
    moved = system.pick(np.ones(6, bool))
    np.testing.assert_allclose(spring(moved).evaluate(moved), before @ turn.T, atol=1e-10)


def test_sums_over_two_levels_and_steps_seen_from_edges():
    system = system_of(np.random.default_rng(4))
    zeros = {"s": ("node", np.zeros((system.num_nodes, 1)))}
    law = Law(
        (
            step("h", "node", "T^2", system),
            Step("q", "edge", parse("h_j - h_i + alpha", ["h_i", "h_j", "alpha"])),
            Step("s", "node", aggregate="sum", of="q"),
            step("p", "node", "s / T", system, zeros),
            Step("S", "graph", aggregate="sum", of="p"),
            Step("y", "graph", parse("S + M", ["S", "M"])),
        )
    )
    law = Law((Step("M", "graph", aggregate="mean", of="m"), *law.steps))
    temperature, m = system.nodes["T"].values[:, 0], system.nodes["m"].values[:, 0]
    expected = np.zeros(6)
    for i, j in zip(system.receiver, system.sender, strict=True):
        graph = system.node_graph[i]
        flow = temperature[j] ** 2 - temperature[i] ** 2 + system.graphs["alpha"].values[graph, 0]
        expected[graph] += flow / temperature[i]
    expected += m.reshape(6, 4).mean(axis=1)
    np.testing.assert_allclose(law.evaluate(system)[:, 0], expected, rtol=1e-12)


def test_constant_law_and_unknown_names():
    system = system_of(np.random.default_rng(5))
    constant = Law((Step("y", "graph", parse("3", [])),))
    assert constant.evaluate(system).tolist() == [[3.0]] * 6
    with pytest.raises(ShapeError, match='"charge", which is not known on the edge level'):
        Law((Step("e", "edge", parse("charge", ["charge"])),)).evaluate(system)


@pytest.mark.parametrize(
    "change", [{"name": "a b"}, {"level": "world"}, {"of": "x; y", "aggregate": "sum"},
               {"aggregate": "median", "of": "e"}, {"expression": ["eval", "x"]}],
)  # fmt: skip
def test_records_of_something_else_are_refused(change):
    record = {"name": "a", "level": "node", "expression": "m"}
    assert Law.from_json([record]).to_json() == [record]
    with pytest.raises(InputError, match="PH-E09"):
        Law.from_json([{**record, **change}])


@pytest.mark.parametrize(
    "lines",
    [
        ("a node a + 1",),
        ("a node b", "b node 2"),
        ("e edge b_j", "b node sum(e)"),
        ("a node 1", "a node 2"),
    ],
)
def test_records_out_of_order_are_refused(lines):
    with pytest.raises(InputError, match="order of computation"):
        Law.from_json(law(*lines).to_json())
    with pytest.raises(InputError, match="order of computation"):
        Law.from_json([])
