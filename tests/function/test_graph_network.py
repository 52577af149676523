import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.graph_network import FlowNetworks, FlowTables, Scale, Scales
from core.knowledge.physics.message_flow import Input, Layer, MessageFlow
from core.knowledge.physics.system import GraphSystem, Quantity


def system(turn=0.0):
    rng = np.random.default_rng(0)
    x, f = rng.standard_normal((7, 2)), rng.standard_normal((7, 2))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    x, f = x @ rotation.T, f @ rotation.T
    pairs = np.array([(0, 1), (1, 0), (1, 2), (2, 1), (3, 4), (4, 3), (4, 5), (5, 4), (3, 5)])
    return GraphSystem(
        {"m": Quantity("m", np.exp(rng.standard_normal((7, 1)))), "f": Quantity("f", f),
         "x": Quantity("x", x, role="position")},
        {"k": Quantity("k", rng.uniform(1, 2, (9, 1)))}, {},
        pairs[:, 0], pairs[:, 1], np.array([0, 0, 0, 1, 1, 1, 1]),
        Quantity("a", rng.standard_normal((7, 2)) @ rotation.T), "node", 2,
    )  # fmt: skip


def flow(*edge, node=("m",), size=1, how="any", vector=True):
    layers = (
        Layer("e1", "edge", tuple(Input(name) for name in sorted(edge)), size, vector),
        Layer("v1", "node", tuple(sorted([Input("e1", how), *map(Input, node)])), 1, vector),
    )
    return MessageFlow(layers)


def outputs(flows, here, seeds=None):
    scales = Scales.of(system(), flows)
    networks = FlowNetworks(flows, scales, seeds or [0] * len(flows))
    with torch.no_grad():
        return networks(FlowTables.of(here, flows, scales)), networks


def test_a_flow_computes_the_same_in_any_company():
    flows = [flow("k", "r", size=3), flow("r"), flow("k", "m_i", "r", node=(), size=2)]
    together, networks = outputs(flows, system())
    for number, one in enumerate(flows):
        alone, _ = outputs([one], system())
        width = networks.union.layers[0].size
        if one.layers[0].size == width:  # smaller ones draw their last weights from other numbers
            assert torch.allclose(together[number], alone[0], atol=1e-5)
    again, copies = outputs([flow("r")] * 2, system(), seeds=[0, 1])
    assert not torch.allclose(again[0], again[1])
    with torch.no_grad():
        tables = FlowTables.of(system(), copies.flows, copies.scales)
        assert torch.equal(copies.alone(1)(tables)[0], again[1])


def test_vector_networks_turn_with_the_world():
    read = [flow("k", "r", node=("f", "m"), size=2)]
    still, _ = outputs(read, system())
    turned, _ = outputs(read, system(turn=0.7))
    rotation = torch.tensor([[np.cos(0.7), -np.sin(0.7)], [np.sin(0.7), np.cos(0.7)]]).float()
    assert still.abs().max() > 0.1
    assert torch.allclose(still @ rotation.T, turned, atol=1e-5)


@pytest.mark.parametrize("how", ["sum", "mean", "max"])
def test_aggregates_agree_with_a_loop(how):
    here = system()
    _, networks = outputs([flow("k", how=how, node=(), vector=False)], here)
    tables = FlowTables.of(here, networks.flows, networks.scales)
    with torch.no_grad():
        messages = networks.compute(tables).values["e1"][0, :, 0].numpy()
        read = networks.read(
            networks.union.layers[1], Input("e1", how), tables, networks.compute(tables)
        )[0, :, 0].numpy()
    for node in range(7):
        own = messages[here.receiver == node]
        by = {"sum": own.sum() / (9 / 7), "mean": own.mean() if len(own) else 0.0,
              "max": own.max(initial=-np.inf) if len(own) else 0.0}  # fmt: skip
        assert read[node] == pytest.approx(by[how], abs=1e-6)


def test_inputs_that_a_flow_does_not_read_do_not_reach_it():
    flows = [flow("k", "r"), flow("r")]
    scales = Scales.of(system(), flows)
    networks = FlowNetworks(flows, scales, [0, 0])
    tables = FlowTables.of(system(), flows, scales)
    before = networks(tables)
    tables.inputs["edge", "k", ""].add_(1.0)
    after = networks(tables)
    assert not torch.allclose(before[0], after[0])
    assert torch.equal(before[1], after[1])


def test_scales_give_mean_zero_and_a_logarithm_to_positive_numbers_only():
    values = np.array([[1.0], [2.0], [4.0]])
    scaled = Scale.of(values).apply(torch.from_numpy(values))
    assert scaled.shape == (3, 2)
    assert torch.allclose(scaled.mean(0), torch.zeros(2, dtype=torch.float64), atol=1e-12)
    assert scaled[1, 1] == pytest.approx(0)  # 2 is the geometric mean
    assert Scale.of(values - 1).width == 1
    vector = Scale.of(np.array([[3.0, 4.0]]))
    assert (vector.shift, vector.scale) == (0.0, pytest.approx(np.sqrt(12.5)))


def test_flows_with_other_layers_are_refused():
    with pytest.raises(ShapeError, match="same layers"):
        outputs([flow("k"), MessageFlow((Layer("v1", "node", (Input("m"),), 1),))], system())
