"""The instant engine finds the laws of simulated systems, and nothing where there is none."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.discovery.candidate import Front, knee
from core.discovery.fitting import error
from core.discovery.library import build, find, shuffled_ceiling
from core.discovery.options import Knowledge
from core.discovery.terms import to_law
from core.knowledge.physics.expression import Apply, Variable
from core.knowledge.physics.law import aggregate, inputs_of
from core.knowledge.physics.system import GraphSystem, Quantity


def chosen(system, knowledge=None):
    train, valid, _ = system.split((0.6, 0.2, 0.2), 0)
    front = Front.of(find(train, valid, knowledge or Knowledge(), 0)).candidates
    return knee(front, valid.target.values.size)


@pytest.mark.parametrize(
    "name", ["springs", "gravity", "charges", "circuit", "kuramoto", "thermology-complex"]
)
def test_law_is_found_exactly_without_noise(name):
    system = simulate(name, num_graphs=100, seed=1)
    law = chosen(system).law
    fresh = simulate(name, num_graphs=20, seed=9)
    np.testing.assert_allclose(law.evaluate(fresh), truth(name).evaluate(fresh), atol=1e-9)


@pytest.mark.parametrize("name", ["hill", "social-force"])
def test_constants_inside_functions_are_fitted(name):
    system = simulate(name, num_graphs=80, noise=0.02, seed=2)
    law = chosen(system).law
    fresh = simulate(name, num_graphs=20, seed=9)
    wanted = truth(name).evaluate(fresh)
    assert np.abs(law.evaluate(fresh) - wanted).max() < 0.05 * wanted.std()


def test_law_of_terms_gives_the_columns_times_the_coefficients():
    system = simulate("mechanics-complex", num_graphs=30, seed=4)
    library = build(system, Knowledge())
    rng = np.random.default_rng(0)
    steps = {step.name: ("graph", None) for step in library.steps}
    assert {"f_mean", "f_total", "m_total"} <= set(steps)
    for _ in range(20):
        picks = rng.choice(len(library.terms), 4, replace=False)
        values = rng.standard_normal(4)
        law = to_law([library.terms[k] for k in picks], values, system, library.steps)
        wanted = library.matrix[:, picks] @ values
        scale = np.abs(wanted).max()
        got = law.evaluate(library.system).ravel()
        np.testing.assert_allclose(got / scale, wanted / scale, atol=1e-9)


def test_shared_factors_are_written_once():
    law = chosen(simulate("springs", num_graphs=100, noise=0.05, seed=1)).law
    assert [step.level for step in law.steps] == ["edge", "node", "node"]
    assert law.steps[-1].expression == Apply("div", (Variable("total"), Variable("m")))
    assert law.complexity == 12


def test_operators_that_are_not_allowed_do_not_occur():
    system = simulate("circuit", num_graphs=60, seed=1)
    terms = build(system, Knowledge(operators=("add", "mul"))).terms
    text = " ".join(str(term.expression) for term in terms)
    assert terms
    assert not any(f"op='{name}'" in text for name in ("div", "exp", "sin", "pow", "square"))


def test_pair_symmetry_keeps_opposite_forces_only():
    system = simulate("gravity", num_graphs=30, seed=1)
    library = build(system, Knowledge(pair="symmetric"))
    edge = [k for k, term in enumerate(library.terms) if term.level == "edge"]
    assert any(dict(library.terms[k].factors) == {"m_j": 1} for k in edge)
    mass = library.system.nodes["m"].values
    for k in edge:
        pull = library.matrix[:, k].reshape(-1, 2)
        powers = dict(library.terms[k].factors)
        if powers.get("m_i", 0) != powers.get("m_j", 0):
            pull = pull * mass  # the term is a force divided by the receiver's mass
        if library.terms[k].aggregate == "sum":
            total = np.add.reduceat(pull, np.arange(0, len(pull), 5))
            np.testing.assert_allclose(total, 0, atol=1e-9 * np.abs(pull).max())
    assert len(edge) < len(build(system, Knowledge()).terms)


def test_a_guess_is_among_the_terms():
    system = simulate("heat", num_graphs=30, seed=1)
    guess = Apply("tanh", (Apply("mul", (Variable("k"), Variable("dT"))),))
    knowledge = Knowledge(guess=(guess,), use_units=False)  # the unit of k dT is no pure number
    assert any(term.base == guess for term in build(system, knowledge).terms)


def test_shuffled_target_explains_next_to_nothing():
    system = simulate("springs", num_graphs=100, seed=1)
    assert 0 < shuffled_ceiling(build(system, Knowledge()), 0) < 0.1


def sideways(system, level="node"):
    """A crowd that dodges to one side, or the push itself on the edges."""
    seen = inputs_of(system, "edge", None, ["n", "n_t"])
    push = np.exp(-system.distance / 0.8)
    if level == "edge":
        return replace(system, level=level, target=Quantity("F", 2 * push * seen["n"], "N"))
    added = aggregate("sum", 0.7 * push * seen["n_t"], system.receiver, system.num_nodes)
    return replace(system, target=replace(system.target, values=system.target.values + added))


def test_sideways_terms_only_without_mirror_symmetry():
    system = sideways(simulate("social-force", num_graphs=60, seed=1))
    assert error(chosen(system, Knowledge(rotation=False)).law, system) < 1e-6
    assert error(chosen(system).law, system) > 0.1


def test_vectors_on_edges_and_sums_of_vectors_have_laws():
    crowd = simulate("social-force", num_graphs=60, seed=1)
    pushed = sideways(crowd, "edge")
    assert error(chosen(pushed).law, pushed) < 1e-6
    total = aggregate("sum", crowd.nodes["v"].values, crowd.node_graph, crowd.num_graphs)
    whole = replace(crowd, level="graph", target=Quantity("P", 3 * total, ""))
    assert error(chosen(whole).law, whole) < 1e-9


def test_means_of_messages_are_found():
    heat = simulate("heat", num_graphs=60, seed=1)
    flow = heat.edges["k"].values * inputs_of(heat, "edge", None, ["dT"])["dT"]
    mean = aggregate("mean", flow, heat.receiver, heat.num_nodes)
    law = chosen(replace(heat, target=Quantity("y", mean, ""))).law
    assert [step.aggregate for step in law.steps] == ["", "mean"]


def test_positions_count_only_without_translation():
    crowd = simulate("social-force", num_graphs=60, seed=1)
    pulled = replace(crowd, target=Quantity("a", -2 * crowd.nodes["x"].values, ""))
    assert error(chosen(pulled, Knowledge(translation=False)).law, pulled) < 1e-9
    assert error(chosen(pulled).law, pulled) > 0.1


def test_plain_regression_is_graphs_of_one_node():
    x = np.random.default_rng(0).standard_normal((300, 5))
    none = np.zeros(0, int)
    nodes = {f"x{k}": Quantity(f"x{k}", x[:, k : k + 1]) for k in range(5)}
    y = 2.5 * x[:, :1] * x[:, 1:2] + np.sin(x[:, 2:3])
    system = GraphSystem(nodes, {}, {}, none, none, np.arange(300), Quantity("y", y), "node", 300)
    law = chosen(system).law
    assert error(law, system) < 1e-9
    assert law.complexity == 8
