import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.knowledge.physics.canonical import (
    both_ways,
    canonical,
    equivalent,
    same_structure,
    structure,
)
from core.knowledge.physics.expression import Variable, substitute
from core.knowledge.physics.law import Law, Step
from tests.knowledge.physics.samples import expressions, law, system_of

SPRINGS = (
    law("e edge* k*(r - 1)", "s node sum(e)", "a node s/m"),
    law("e edge* 2*k*(0.5*r - 0.5)/m_i", "a node sum(e)"),
    law("e edge* k*r/m_i", "f edge* k/m_i", "s node sum(e)", "u node sum(f)", "a node s - u"),
    law("e edge k*(r - 1)*n", "s node sum(e)", "h node 1/m", "a node s*h"),
    law("g edge r - 1", "e edge* g*k", "s node sum(e)", "a node s/m"),
)
POWER = (
    law("e edge dV^2/R", "S graph sum(e)", "P graph 0.5*S"),
    law("e edge -V_i*dV/R", "P graph sum(e)"),
    law("e edge V_j*dV/R", "P graph sum(e)"),
    law("e edge (V_i - V_j)*V_i/R", "s node sum(e)", "P graph sum(s)"),
    law("e edge (V_i^2 - 2*V_i*V_j + V_j^2)/R/2", "P graph sum(e)"),
)
ENTROPY = (
    law("e edge alpha*dT", "s node sum(e)", "p node (s + m)/T", "y graph sum(p)"),
    law("e edge dT/T_i", "E graph sum(e)", "q node m/T", "Q graph sum(q)", "y graph alpha*E + Q"),
)
HEAT = (
    law("e edge k*dT", "y node sum(e)"),
    law("e edge k*T_j", "s node sum(e)", "c node sum(k)", "y node s - T*c"),
)


@pytest.fixture(scope="module")
def system():
    return system_of(np.random.default_rng(0), num_graphs=4)


@pytest.mark.parametrize("same", [SPRINGS, POWER, ENTROPY, HEAT])
def test_equal_laws_become_equal(same, system):
    expected = same[0].evaluate(system)
    shapes = {structure(one, system) for one in same}
    assert len(shapes) == 1
    for one in same:
        np.testing.assert_allclose(one.evaluate(system), expected, rtol=1e-9)
        np.testing.assert_allclose(canonical(one, system).evaluate(system), expected, rtol=1e-9)
        assert equivalent(one, same[0], system)
    if same is not ENTROPY:  # sums over nodes and over edges stay apart where they were found so
        assert len({canonical(one, system).text() for one in same}) == 1


def test_canonical_texts(system):
    assert canonical(SPRINGS[2], system).text() == "a = sum_j[(k * (r - 1)) n] / m"
    assert canonical(POWER[1], system).text() == "P = 0.5 * sum_all[dV^2 / R]"
    assert canonical(HEAT[1], system).text() == "y = sum_j[dT * k]"


@given(expressions, expressions, st.sampled_from(["sum", "mean", "max"]), st.booleans())
@settings(max_examples=25, deadline=None)
def test_random_laws_keep_their_values(message, answer, how, whole):
    system = system_of(np.random.default_rng(3), num_graphs=24)
    on_edges = {"x": Variable("T_j"), "y": Variable("dV"), "m_i": Variable("m_i")}
    on_nodes = {"x": Variable("s"), "y": Variable("T"), "m_i": Variable("m")}
    steps = (
        Step("e", "edge", substitute(message, on_edges)),
        Step("s", "node", aggregate=how, of="e"),
        Step("y", "node", substitute(answer, on_nodes)),
        *([Step("z", "graph", aggregate="sum", of="y")] if whole else []),
    )
    one = Law(steps)
    result = canonical(one, system)
    expected, value = one.evaluate(system), result.evaluate(system)
    defined = np.isfinite(expected)
    scale = np.abs(expected[defined]).max(initial=0)
    np.testing.assert_allclose(value[defined], expected[defined], rtol=1e-5, atol=1e-6 * scale)


def test_constants_do_not_matter_but_parts_do(system):
    fitted = law("e edge* 1.9*k*(0.52*r - 0.51)/m_i", "a node sum(e)")
    assert same_structure(fitted, SPRINGS[0], system)
    assert not equivalent(fitted, SPRINGS[0], system)
    for other in (
        law("e edge* k*r", "s node sum(e)", "a node s/m"),
        law("e edge* k*(r - 1)", "s node sum(e)", "a node s"),
        law("e edge* k*(r - 1)", "s node mean(e)", "a node s/m"),
        law("e edge* k*(r - 1)", "s node max(e)", "a node s/m"),
        law("e edge k*(r - 1)", "s node sum(e)", "a node s/m"),
        law("e edge* k*(r - 1)", "s node sum(e)", "a node s/m + v"),
    ):
        assert not same_structure(other, SPRINGS[0], system)


def test_sums_are_symmetric_only_where_edges_go_both_ways(system):
    one_way = system.sender < system.receiver
    directed = type(system)(
        system.nodes,
        {name: type(one)(name, one.values[one_way]) for name, one in system.edges.items()},
        system.graphs,
        system.sender[one_way],
        system.receiver[one_way],
        system.node_graph,
        system.target,
        "node",
        system.num_graphs,
    )
    assert both_ways(system, ["k"])
    assert not both_ways(directed, [])
    assert not same_structure(POWER[0], POWER[1], directed)
    system.edges["R"].values[0] += 1
    assert not both_ways(system, ["R"])
    assert not same_structure(POWER[0], POWER[1], system)
    system.edges["R"].values[0] -= 1


def test_the_maximum_keeps_its_sign(system):
    result = canonical(law("e edge -2*dT", "y node max(e)"), system)
    assert result.text() == "y = 2 * max_j[-dT]"


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_laws_of_simulators_have_a_canonical_form(name):
    system = simulate(name, num_graphs=8, seed=1)
    result = canonical(truth(name), system)
    np.testing.assert_allclose(
        result.evaluate(system), truth(name).evaluate(system), rtol=1e-7, atol=1e-9
    )
    assert canonical(result, system) == result
    assert same_structure(result, truth(name), system)
    moved = truth(name).with_constants([1.37 * one for one in truth(name).constants])
    assert same_structure(moved, truth(name), system)
