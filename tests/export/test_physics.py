from dataclasses import replace

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.errors import ArtifactError
from core.export.physics import export_law
from core.function.graph_network import FlowNetworks, Scales, predict
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.message_flow import full_flow
from core.serving.physics_model import (
    LAW_FILE,
    NETWORK_FILE,
    OUTPUT,
    feeds_of,
    in_order,
    inputs_of_network,
)
from core.serving.session import Session
from core.training.flow_bench import names_of


@pytest.fixture(scope="module")
def system():
    return simulate("mechanics-complex", num_graphs=12, seed=0)


@pytest.fixture(scope="module")
def network(system):
    flow = full_flow(names_of(system), "node", 1, size=2, vector=True)
    flow = flow.with_aggregates({("v1", "e1"): "mean"})
    return FlowNetworks([flow], Scales.of(system, [flow]), [0])


@pytest.fixture(scope="module")
def exported(system, network):
    return export_law(truth("mechanics-complex"), system, network)


def test_law_network_and_functions_agree_with_onnx_runtime(exported):
    assert exported.parity <= 1e-5
    assert set(exported.files) == {LAW_FILE, NETWORK_FILE, "phi-e1.onnx", "phi-v1.onnx"}


def test_an_exported_law_serves_other_graphs_with_edges_in_any_order(exported):
    other = simulate("mechanics-complex", num_graphs=3, num_nodes=9, topology="complete", seed=1)
    law = truth("mechanics-complex")
    order = np.random.default_rng(0).permutation(other.num_edges)
    edges = {name: replace(one, values=one.values[order]) for name, one in other.edges.items()}
    mixed = replace(other, edges=edges, sender=other.sender[order], receiver=other.receiver[order])
    session = Session(exported.files[LAW_FILE], "cpu")
    feeds = feeds_of(in_order(mixed), exported.inputs[LAW_FILE], np.float64)
    (served,) = session.run(feeds, [OUTPUT])
    assert np.abs(served - law.evaluate(other)).max() < 1e-9


def test_an_exported_network_gives_what_torch_gives(exported, network, system):
    session = Session(exported.files[NETWORK_FILE], "cpu")
    names = exported.inputs[NETWORK_FILE]
    assert names == inputs_of_network(network.flows[0], system)
    (served,) = session.run(feeds_of(system, names, np.float32), [OUTPUT])
    assert np.abs(served - predict(network, system)).max() < 1e-4


def test_mean_and_maximum_are_exported_with_empty_groups_as_zero(system):
    law = Law((
        Step("p", "edge", parse("-r - k", ["r", "k"])),
        Step("low", "node", aggregate="max", of="p"),
        Step("mid", "node", aggregate="mean", of="p"),
        Step("y", "node", parse("low - mid / 2 + 1000.1 * low ^ 3", ["low", "mid"])),
    ))  # fmt: skip
    lonely = replace(
        system, sender=system.sender[:4], receiver=system.receiver[:4],
        edges={name: replace(one, values=one.values[:4]) for name, one in system.edges.items()},
    )  # fmt: skip
    made = export_law(law, system)
    feeds = feeds_of(lonely, made.inputs[LAW_FILE], np.float64)
    (served,) = Session(made.files[LAW_FILE], "cpu").run(feeds, [OUTPUT])
    assert np.allclose(served, law.evaluate(lonely), atol=1e-12)


def test_data_without_a_needed_quantity_are_refused(exported):
    with pytest.raises(ArtifactError, match="needs"):
        feeds_of(simulate("heat", num_graphs=2), exported.inputs[LAW_FILE], np.float64)
