"""The exported flow network: parity, and what is served of one pair under changes."""

import numpy as np
import pytest
import torch

from core.export.flow import export_flow, parity_flow
from core.function.flow import FlowGNN
from core.knowledge.flow import FlowGraph, PairIndex, asked_as_new, count_interactions
from core.serving.flow import FlowModel, PairPaths
from core.serving.session import Session

D, N, F, K, T = 6, 24, 3, 4, 5


@pytest.fixture(scope="module")
def exported():
    torch.manual_seed(0)
    model = FlowGNN(T, F + K, hidden_dim=8)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(2)
    session = Session(export_flow(model), "cpu")
    return model, session


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(1)
    edges = np.unique(rng.integers(0, [N, K, N], (70, 3)), axis=0)
    facts = np.unique(rng.integers(0, [D, F, D], (16, 3)), axis=0)
    facts = facts[facts[:, 0] != facts[:, 2]]
    bits = (rng.random((D, 1024)) < 0.05).astype(np.uint8)
    return edges, facts, bits


def test_onnx_runtime_equals_torch_at_other_sizes(exported):
    assert parity_flow(*exported) <= 1e-4


def graph_of(edges, facts):
    return FlowGraph.prepare(edges, N, F, K, D).extended(facts)


def of_pair(world, u, v, edges, facts):
    """Logits of one pair from a graph built of what is left."""
    bits = world[2]
    paths = PairIndex(graph_of(edges, facts)).subgraphs(np.array([u]), np.array([v]))
    return bits[[u]], bits[[v]], paths


def test_hiding_facts_equals_a_graph_without_them(exported, world):
    model = FlowModel(exported[1], temperature=2.0)
    edges, facts, bits = world
    rng = np.random.default_rng(2)
    differences = []
    for u, v in ((0, 1), (3, 2), (4, 5)):
        asked = (facts[:, [0, 2]] == (u, v)).all(1) | (facts[:, [0, 2]] == (v, u)).all(1)
        numbers = len(edges) + np.arange(len(facts))
        paths = PairPaths.between(graph_of(edges, facts), u, v)
        assert not np.isin(numbers[asked], paths.facts).any()
        active = rng.random((6, len(paths.facts))) < 0.7
        active[0] = True
        served = model.overlaid(bits[u], bits[v], paths, active)
        for row in range(len(active)):
            gone = set(paths.facts[~active[row]].tolist())
            left_edges = edges[[e not in gone for e in range(len(edges))]]
            left = [n not in gone and not a for n, a in zip(numbers, asked, strict=True)]
            expected = model.logits(*of_pair(world, u, v, left_edges, facts[left]))
            np.testing.assert_allclose(served[row], expected[0], atol=1e-5)
        differences.append(np.abs(served[0] - served).max())
    assert max(differences) > 0.05


def test_many_pairs_at_once_equal_one_by_one(exported, world):
    model = FlowModel(exported[1])
    edges, facts, bits = world
    index = PairIndex(graph_of(edges, facts))
    heads, tails = np.nonzero(~np.eye(D, dtype=bool))
    history = count_interactions(facts, D)
    new, _ = asked_as_new(history, heads, tails)
    logits = model.screen(bits, index, heads, tails, history)
    for row, (u, v) in enumerate(zip(heads, tails, strict=True)):
        left = facts[(facts[:, [0, 2]] != (u if new[row] else v)).all(1)]
        bits_u, bits_v, paths = of_pair(world, u, v, edges, left)
        there = model.logits(bits_u, bits_v, paths)
        _, _, turned = of_pair(world, v, u, edges, left)
        np.testing.assert_allclose(logits[0, row], there[0], atol=1e-5)
        np.testing.assert_allclose(
            logits[1, row], model.logits(bits_v, bits_u, turned)[0], atol=1e-5
        )


def test_a_node_is_taken_out_with_all_its_facts(world):
    edges, facts, _ = world
    paths = PairPaths.between(graph_of(edges, facts), 0, 1)
    assert paths.joined
    node = int(paths.between_nodes[0])
    touched = paths.facts[paths.facts_at(node)]
    both = np.concatenate([edges, facts])
    assert (both[touched][:, [0, 2]] == node).any(1).all()
    rest = paths.facts[~paths.facts_at(node)]
    assert not (both[rest][:, [0, 2]] == node).any()


def test_hidden_facts_are_not_walked(world):
    edges, facts, _ = world
    everything = PairPaths.between(graph_of(edges, facts), 0, 1)
    hidden = everything.facts[:3].tolist()
    fewer = PairPaths.between(graph_of(edges, facts), 0, 1, hidden)
    assert not set(hidden) & set(fewer.facts.tolist())
