from dataclasses import replace

import numpy as np
import pytest
import torch

from core.configs import gsr_config
from core.data.physics.simulators import simulate
from core.discovery.discover import SHARES
from core.discovery.options import Knowledge
from core.knowledge.physics.message_flow import MessageFlow
from core.methods.parsimony_on_interpretation.gsr import find, fit, search_flow
from core.serving import physics_question
from core.training.laws import LawTask

TINY = gsr_config(
    steps=50, final_steps=50, restarts=1, size=1, max_blocks=1, genetic_seeds=0, batch_edges=200
)
RIGHT = {
    "springs": ({"e1": {"k", "r"}, "v1": {"edge", "m"}}, {"e1": {"k", "m_i", "r"}, "v1": {"edge"}}),
    "circuit": ({"e1": {"R", "dV"}, "u1": {"edge"}}, {"e1": {"R", "V_i", "V_j"}, "u1": {"edge"}}),
}


@pytest.fixture(scope="module")
def heat():
    return simulate("heat", num_graphs=60, seed=0).split(SHARES, 0)


def test_a_search_says_what_it_tried_and_what_each_part_is_worth(heat):
    found = search_flow(heat[0], heat[1], TINY, seed=0)
    record = found.to_json()
    assert MessageFlow.from_json(record["flow"]) == found.flow
    assert all(one.aggregate in ("", "sum", "mean", "max")
               for layer in found.flow.layers for one in layer.inputs)  # fmt: skip
    assert {jump["layer"] for jump in record["jumps"]} <= {one.name for one in found.flow.layers}
    assert record["jumps"]
    assert len(record["trials"]) == len(found.result.trials)
    assert record["trials"][0]["error"] > 0
    assert found.network.flows == (found.flow,)


def test_equal_seeds_give_equal_searches(heat):
    torch.manual_seed(1)
    first = search_flow(heat[0], heat[1], TINY, seed=0)
    torch.manual_seed(2)
    second = search_flow(heat[0], heat[1], TINY, seed=0)
    assert first.flow == second.flow
    assert first.valid_error == second.valid_error


def test_a_finished_fit_is_read_again(tmp_path):
    question = physics_question.of_simulator("heat", num_graphs=60, noise=0.05)
    task = LawTask(question, physics_question.load_system(question))
    first = fit(task, TINY, seed=3, device="cpu", checkpoint=tmp_path / "x.pt")
    again = fit(task, TINY, seed=3, device="cpu", checkpoint=tmp_path / "x.pt")
    assert again.knowledge == first.knowledge
    assert again.knowledge["question"]["seed"] == 3
    states = first.network.state_dict(), again.network.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_nothing_is_searched_where_flows_say_nothing(heat):
    none = np.empty(0, int)
    train = heat[0]
    edges = {name: replace(one, values=one.values[:0]) for name, one in train.edges.items()}
    lonely = replace(train, edges=edges, sender=none, receiver=none)
    assert find(lonely, lonely, Knowledge(), 0) == []
    springs = simulate("springs", num_graphs=5)
    nowhere = replace(springs, nodes={"m": springs.nodes["m"]})
    assert find(nowhere, nowhere, Knowledge(), 0) == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "graphs"), [("springs", 1000), ("circuit", 5000)])
def test_the_right_flow_is_found(name, graphs):
    system = simulate(name, num_graphs=graphs, noise=0.02, seed=0)
    train, valid, _ = system.split(SHARES, 0)
    found = search_flow(train, valid, gsr_config(), seed=0)
    assert {layer: set(read) for layer, read in found.flow.reads().items()} in RIGHT[name]
