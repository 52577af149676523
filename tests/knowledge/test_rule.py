import numpy as np

from core.knowledge import rule
from core.knowledge.graph import Adjacency, KnowledgeGraph

FACTS = [
    ("a", "brother", "b"),
    ("b", "father", "c"),
    ("b", "father", "d"),
    ("a", "uncle", "c"),
    ("e", "brother", "f"),
    ("f", "father", "g"),
    ("h", "uncle", "g"),
]
GRAPH = KnowledgeGraph.from_facts("uncles", FACTS)
UNCLE, BROTHER, FATHER = (GRAPH.relation_index[name] for name in ("uncle", "brother", "father"))


def count(head, body):
    return rule.count_rule(GRAPH.adjacency, head, body, np.random.default_rng(0))


def test_body_and_support_are_counted_by_hand():
    found = count(UNCLE, [BROTHER, FATHER])  # a-c (holds), a-d, e-g
    assert (found.body, found.support, found.sampled) == (3, 1, False)
    assert found.confidence == 1 / 3


def test_inverse_steps_and_inverse_heads():
    found = count(UNCLE + 3, [FATHER + 3, BROTHER + 3])  # c-a (holds), d-a, g-e
    assert (found.body, found.support) == (3, 1)


def test_a_body_that_never_holds_has_confidence_zero():
    found = count(UNCLE, [FATHER, FATHER])
    assert (found.body, found.support, found.confidence) == (0, 0, 0.0)


def test_pairs_are_distinct_although_two_walks_join_them():
    double = KnowledgeGraph.from_facts(
        "double", [("a", "r", "b"), ("a", "r", "c"), ("b", "s", "d"), ("c", "s", "d")]
    )
    found = rule.count_rule(double.adjacency, 0, [0, 1], np.random.default_rng(0))
    assert (found.body, found.support) == (1, 0)


def test_large_bodies_are_sampled(monkeypatch):
    rng = np.random.default_rng(1)
    triples = np.unique(rng.integers(0, [200, 2, 200], (3000, 3)), axis=0)
    index = Adjacency.from_triples(triples, 200, 2)
    full = rule.count_rule(index, 0, [0, 1], np.random.default_rng(0))
    monkeypatch.setattr(rule, "MAX_PAIRS", full.body // 2)
    part = rule.count_rule(index, 0, [0, 1], np.random.default_rng(0))
    assert part.sampled
    assert part.body <= full.body // 2
    assert abs(part.confidence - full.confidence) < 0.1


def test_rule_text():
    text = rule.rule_text("uncle", [("brother", False), ("son", True)])
    assert text == "uncle(X, Y) ← brother(X, A) ∧ son(Y, A)"
