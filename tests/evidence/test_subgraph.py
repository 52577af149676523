"""Walks and flows against enumeration on small graphs."""

import math
from itertools import product

import numpy as np
import pytest

from core.evidence.subgraph import backward_cut, fact_flow, first_hops, top_walks
from core.knowledge.digraph import grow
from core.knowledge.graph import KnowledgeGraph

L = 3


@pytest.fixture(scope="module", params=range(4))
def case(request):
    rng = np.random.default_rng(request.param)
    rows = np.unique(rng.integers(0, [7, 2, 7], (12, 3)), axis=0)
    graph = KnowledgeGraph("small", tuple("abcdefg"), ("r", "s"), rows[rows[:, 0] != rows[:, 2]])
    digraph = grow(graph.adjacency, np.array([int(rows[0, 0])]), L)
    attention = [rng.uniform(0.1, 0.9, len(layer.pair_node)) for layer in digraph.layers]
    return digraph, attention, int(rng.choice(digraph.layers[-1].nodes))


def enumerate_walks(digraph, attention, target):
    """(edges of each layer, weight) of all walks of full length that end in target."""
    layers = [range(len(layer.edge_pair)) for layer in digraph.layers]
    for edges in product(*layers):
        place, weight = 0, 1.0
        for layer, alpha, edge in zip(digraph.layers, attention, edges, strict=True):
            pair = layer.edge_pair[edge]
            if layer.pair_node[pair] != place:
                break
            place, weight = layer.edge_node[edge], weight * alpha[pair]
        else:
            if digraph.layers[-1].nodes[place] == target:
                yield edges, weight


def test_flow_is_the_share_of_walk_weight_through_a_fact(case):
    digraph, attention, target = case
    walks = list(enumerate_walks(digraph, attention, target))
    total = sum(weight for _, weight in walks)
    expected = {}
    for edges, weight in walks:
        for layer, edge in zip(digraph.layers, edges, strict=True):
            fact = int(layer.edge_fact[edge])
            if fact >= 0:
                expected[fact] = expected.get(fact, 0.0) + weight / total
    assert fact_flow(digraph, attention, target) == pytest.approx(expected)


def test_backward_cut_holds_exactly_the_edges_on_walks(case):
    digraph, attention, target = case
    walks = list(enumerate_walks(digraph, attention, target))
    for number, edges in enumerate(backward_cut(digraph, target)):
        assert edges.tolist() == sorted({walk[number] for walk, _ in walks})


def test_walks_are_the_best_distinct_simple_ones(case):
    digraph, attention, target = case
    best = {}
    for edges, weight in enumerate_walks(digraph, attention, target):
        steps = [
            (
                int(layer.edge_fact[e]),
                int(layer.pair_relation[layer.edge_pair[e]]),
                int(layer.nodes[layer.edge_node[e]]),
            )
            for layer, e in zip(digraph.layers, edges, strict=True)
            if layer.edge_fact[e] >= 0
        ]
        places = [int(digraph.heads[0]), *(step[2] for step in steps)]
        if steps and len(set(places)) == len(places):
            key = tuple((fact, relation) for fact, relation, _ in steps)
            best[key] = max(best.get(key, -math.inf), math.log(weight) / len(steps))
    found = top_walks(digraph, attention, target, 50)
    if not best:
        assert all(not walk.is_simple for walk in found)
        return
    keys = [tuple((s.fact, s.relation) for s in walk.steps) for walk in found]
    assert dict(zip(keys, [walk.weight for walk in found], strict=True)) == pytest.approx(best)
    assert [walk.weight for walk in found] == sorted((w.weight for w in found), reverse=True)


def test_a_walk_reads_forward_and_backward():
    graph = KnowledgeGraph.from_facts("path", [("a", "r", "b"), ("c", "s", "b")])
    digraph = grow(graph.adjacency, np.array([0]), 2)
    attention = [np.full(len(layer.pair_node), 0.5) for layer in digraph.layers]
    [walk] = top_walks(digraph, attention, 2, 5)
    assert walk.body == (0, 1 + 2)
    assert [(s.source, s.target, s.fact, s.hop) for s in walk.steps] == [(0, 1, 0, 1), (1, 2, 1, 2)]
    assert walk.facts == (0, 1)
    assert walk.weight == pytest.approx(math.log(0.5))
    assert first_hops(digraph) == {0: 1, 1: 2}


def test_an_unreached_answer_has_no_walks():
    graph = KnowledgeGraph.from_facts("two", [("a", "r", "b"), ("c", "r", "d")])
    digraph = grow(graph.adjacency, np.array([0]), 2)
    attention = [np.full(len(layer.pair_node), 0.5) for layer in digraph.layers]
    assert top_walks(digraph, attention, 3, 5) == []
    assert fact_flow(digraph, attention, 3) == {}
