import numpy as np
import pytest

from core.data.physics.simulators import simulate
from core.function.graph_network import FlowNetworks, Scales
from core.knowledge.physics.expression import Apply, Number, Variable, parse
from core.knowledge.physics.message_flow import Input, Layer, MessageFlow
from core.training.flow_formulas import Distillation, cascade


@pytest.fixture(scope="module")
def springs():
    return simulate("springs", num_graphs=8, seed=0)


def distillation(system, *layers):
    flow = MessageFlow(layers)
    return Distillation(FlowNetworks([flow], Scales.of(system, [flow]), [0]), system)


def test_gauge_gives_messages_the_unit_of_the_answer(springs):
    found = distillation(
        springs,
        Layer("e1", "edge", (Input("k"), Input("r")), 1, vector=True),
        Layer("v1", "node", (Input("e1", "sum"), Input("m")), 1, vector=True),
    )
    message, weight = (found.functions(layer)[0] for layer in found.flow.layers)
    assert (message.factor_of, weight.factor_of) == ("n", "sum_e1")
    lower_median = np.quantile(weight.values, 0.5, method="lower")
    assert float(lower_median) == pytest.approx(1, rel=1e-5)
    # the network's own answer, put together again from what is to be imitated
    total = np.zeros((springs.num_nodes, 2))
    np.add.at(total, springs.receiver, message.values * springs.direction)
    network = found.network(found.tables)[0].detach().numpy() * found.network.scales.target.scale
    assert np.allclose(weight.values * total, network, atol=1e-4)


def test_scalar_functions_carry_their_shift_and_sums():
    heat = simulate("heat", num_graphs=8, seed=0)
    found = distillation(
        heat,
        Layer("e1", "edge", (Input("dT"), Input("k"))),
        Layer("v1", "node", (Input("T"), Input("e1", "mean"))),
    )
    (answer,) = found.functions(found.flow.output)
    assert set(answer.inputs) == {"T", "mean_e1"}
    scale = found.network.scales.target
    network = found.network(found.tables)[0].detach().numpy() * scale.scale + scale.shift
    assert np.allclose(answer.values, network, atol=1e-4)
    (message,) = found.functions(found.flow.layers[0])
    mean = np.zeros((heat.num_nodes, 1))
    np.add.at(mean, heat.receiver, message.values)
    mean /= np.maximum(np.bincount(heat.receiver, minlength=heat.num_nodes), 1)[:, None]
    assert np.allclose(answer.inputs["mean_e1"], mean, atol=1e-4)


def test_cascade_of_the_true_functions_is_the_true_law(springs):
    found = distillation(
        springs,
        Layer("e1", "edge", (Input("k"), Input("r")), 1, vector=True),
        Layer("v1", "node", (Input("e1", "sum"), Input("m")), 1, vector=True),
    )
    message, weight = (found.functions(layer)[0] for layer in found.flow.layers)
    inverse = Apply("div", (Number(1.0), Variable("m")))
    law = cascade(found, [(message, parse("k * (r - 1)", ["k", "r"])), (weight, inverse)])
    assert law.text() == "a = sum_j[(k * (r - 1)) n] / m"
    assert np.allclose(law.evaluate(springs), springs.target.values)


def test_an_answer_that_repeats_a_sum_is_that_sum():
    heat = simulate("heat", num_graphs=8, seed=0)
    found = distillation(
        heat,
        Layer("e1", "edge", (Input("dT"), Input("k"))),
        Layer("v1", "node", (Input("e1", "sum"),)),
    )
    message, answer = (found.functions(layer)[0] for layer in found.flow.layers)
    law = cascade(found, [(message, parse("k * dT", ["k", "dT"])), (answer, Variable("sum_e1"))])
    assert len(law.steps) == 2
    assert np.allclose(law.evaluate(heat), heat.target.values)
