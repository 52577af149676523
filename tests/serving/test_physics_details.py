"""One formula looked at closely, with the true law as reference."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.physics.simulators import truth
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step
from core.serving import physics_details as details
from core.serving import physics_flow
from core.serving import physics_question as pq

HALF = Law((
    Step("message", "edge", parse("0.5*k*(r - 1)", ["k", "r"]), vector=True),
    Step("total", "node", aggregate="sum", of="message"),
    Step("a", "node", parse("total / m", ["total", "m"])),
))  # fmt: skip


@pytest.fixture(scope="module")
def springs():
    question = pq.of_simulator("springs", num_graphs=60, noise=0.0)
    return question, *pq.load_system(question).split((0.7, 0.3), 0)


def test_the_true_law_leaves_nothing_over(springs):
    _, train, test = springs
    found = details.agree(truth("springs"), train, test)
    assert found.name == "a (m s^-2)"
    assert len(found.measured) == 2 * test.num_nodes
    assert np.abs(found.residual).max() < 1e-9
    assert found.undefined == 0


def test_half_the_force_leaves_half_over_with_its_quantities(springs):
    _, train, test = springs
    found = details.agree(HALF, train, test)
    assert np.allclose(found.residual, 0.5 * np.asarray(found.measured))
    degrees = np.bincount(test.receiver, minlength=test.num_nodes)
    assert found.over["degree"] == np.repeat(degrees, 2).tolist()
    assert found.trained["m (kg)"] == (
        train.nodes["m"].values.min(), train.nodes["m"].values.max()
    )  # fmt: skip
    near = [test.distance[test.receiver == node].min() for node in range(test.num_nodes)]
    assert np.allclose(found.over["nearest distance r (m)"][::2], near)


def test_two_laws_disagree_most_where_the_force_is_largest(springs):
    _, _, test = springs
    found = details.disagree(truth("springs"), HALF, test)
    assert [one.size for one in found] == sorted((one.size for one in found), reverse=True)
    values = np.abs(test.target.values)
    assert found[0].size == pytest.approx(values.max() / 2)
    row, component = np.unravel_index(values.argmax(), values.shape)
    graph, node = divmod(int(row), 5)
    assert found[0].place == f"graph {graph + 1}, node {node + 1}, {'xy'[component]}"
    assert found[0].measured == pytest.approx(found[0].predicted[0])


def test_a_true_law_holds_on_larger_systems(springs):
    question, *_ = springs
    found = details.enlarge(question, truth("springs"))
    assert [one.num_nodes for one in found] == [5, 10, 20]
    assert min(one.r2 for one in found) > 1 - 1e-9
    assert details.enlarge(pq.Question("upload:x"), truth("springs")) == []


def test_a_motion_by_the_true_law_is_the_same_motion(springs):
    question, *_ = springs
    found = details.follow(question, truth("springs"), seed=0, num_nodes=4)
    assert found.flat
    assert len(found.true) == len(found.found) == details.FRAMES
    assert max(found.gap) < 1e-9
    assert details.moves(question)
    assert not details.moves(pq.of_simulator("circuit"))


def test_each_dependence_costs_what_the_law_without_it_loses(springs):
    _, train, test = springs
    flow = physics_flow.trace(truth("springs"), train, test)
    kinds = {part.kind for part in flow.parts}
    assert kinds == {"edgequantity", "nodequantity", "lawfunction", "aggregation"}
    assert flow.r2 > 1 - 1e-9
    loss = {(arrow.source, arrow.names[0]): arrow.loss for arrow in flow.arrows}
    assert loss["distance", "r"] > 0.1
    assert loss["k", "k"] > 0.02
    for arrow in flow.arrows:
        assert arrow.loss == pytest.approx(flow.r2 - arrow.r2_without)


def test_a_dependence_without_effect_costs_nothing(springs):
    _, train, test = springs
    message, total, answer = truth("springs").steps
    idle = replace(answer, expression=parse("F / m + 0*k_mean", ["F", "m", "k_mean"]))
    extra = Law((message, total, Step("k_mean", "node", aggregate="mean", of="k"), idle))
    flow = physics_flow.trace(extra, train, test)
    assert flow.r2 > 1 - 1e-9
    loss = {(arrow.source, arrow.target): arrow.loss for arrow in flow.arrows}
    assert loss["k_mean", "answer"] == pytest.approx(0, abs=1e-9)
    assert loss["k", "k_mean"] == pytest.approx(0, abs=1e-9)
    assert loss["F", "answer"] > 0.5
