import itertools
from collections import defaultdict

import numpy as np
import pytest

from core.data.toy import planted_graph
from core.knowledge import path_rules
from core.knowledge.graph import Adjacency, KnowledgeGraph
from core.knowledge.path_rules import ChainTree, PathRule, follow, mine_rules
from core.knowledge.rule import RuleCount, count_rule


def random_graph(seed, num_entities=8, num_relations=3, num_facts=25):
    rng = np.random.default_rng(seed)
    limits = [num_entities, num_relations, num_entities]
    triples = np.unique(rng.integers(0, limits, (num_facts, 3)), axis=0)
    return triples, Adjacency.from_triples(triples, num_entities, num_relations)


def pairs_by_enumeration(triples, num_entities, num_relations, max_length):
    """For every body the pairs it joins, by walking from everybody along everything."""
    steps = defaultdict(list)
    for fact, (h, r, t) in enumerate(triples.tolist()):
        steps[h].append((r, t, fact))
        steps[t].append((r + num_relations, h, fact))
    joined = defaultdict(lambda: defaultdict(list))

    def walk(path, body, facts):
        if body:
            joined[body][path[0], path[-1]].append(facts)
        if len(body) < max_length:
            for relation, target, fact in steps[path[-1]]:
                if target not in path:
                    walk((*path, target), (*body, relation), (*facts, fact))

    for entity in range(num_entities):
        walk((entity,), (), ())
    return joined


def mine(adjacency, **options):
    options = {"min_support": 1, "max_rules": 10**6, "rng": np.random.default_rng(0)} | options
    return mine_rules(adjacency, **options)


def by_name(rules):
    return {(rule.head, rule.body): (rule.count.support, rule.count.body) for rule in rules}


@pytest.mark.parametrize("seed", range(4))
def test_every_rule_and_its_counts_as_by_enumeration(seed):
    triples, adjacency = random_graph(seed)
    expected = {}
    for body, pairs in pairs_by_enumeration(triples, 8, 3, 3).items():
        for head in range(3):
            facts = {(h, t) for h, r, t in triples.tolist() if r == head}
            support = len(facts & set(pairs))
            if support and body != (head,):
                expected[head, body] = (support, len(pairs))
    found = mine(adjacency)
    assert len(expected) > 100
    assert by_name(found) == expected
    assert not any(rule.count.sampled for rule in found)


def test_a_rule_with_an_inverse_head_is_the_same_rule_backward():
    """r0(X, Y) <- r1^-1(X, A), r2(A, Y) is r0^-1(X, Y) <- r2^-1(X, A), r1(A, Y)."""
    rule = PathRule(0, (4, 2), RuleCount(1, 1, False))
    assert rule.backward(3) == PathRule(3, (5, 1), rule.count)
    triples, adjacency = random_graph(0)
    joined = pairs_by_enumeration(triples, 8, 3, 3)
    for rule in mine(adjacency):
        again = rule.backward(3)
        assert again.backward(3) == rule
        assert {(x, y) for y, x in joined[rule.body]} == set(joined[again.body])


def test_confidence_counts_few_observations_for_little():
    assert PathRule(0, (1,), RuleCount(3, 5, False)).confidence == 0.3
    assert PathRule(0, (1,), RuleCount(300, 500, False)).confidence == round(300 / 505, 6)


def test_a_fact_is_no_evidence_for_itself():
    """a-b are joined by r only; r, its inverse and r again would lead from a to b over r(a, b)."""
    graph = KnowledgeGraph.from_facts("pair", [("a", "r", "b")])
    assert mine(graph.adjacency) == ()
    both = KnowledgeGraph.from_facts("pair", [("a", "r", "b"), ("b", "r", "a")])
    assert by_name(mine(both.adjacency)) == {(0, (1,)): (2, 2)}  # r is symmetric, no more


def test_facts_that_join_an_entity_with_itself_are_left_out():
    graph = KnowledgeGraph.from_facts("loop", [("a", "r", "a"), ("a", "s", "b"), ("a", "t", "b")])
    assert set(by_name(mine(graph.adjacency))) == {(1, (2,)), (2, (1,))}


def test_planted_rules_are_the_most_confident_of_their_length_with_their_confidence():
    planted = planted_graph()
    adjacency = planted.split.train.adjacency
    found = mine_rules(adjacency, rng=np.random.default_rng(0), max_length=2)
    for rule in planted.rules:
        mined = {r.body: r for r in found if r.head == rule.target and len(r.body) == 2}
        best = max(mined.values(), key=lambda r: r.confidence)
        assert best.body == rule.body
        counted = count_rule(adjacency, rule.target, rule.body, np.random.default_rng(0))
        assert best.count.support == counted.support
        # walks may return to where they came from, chains may not
        assert 0 <= counted.body - best.count.body <= 0.02 * counted.body
        assert best.confidence == pytest.approx(0.6, abs=0.05)  # 60 % of the facts are in training
        twin = mined.get(rule.twin)
        assert twin is None or twin.confidence < 0.1


def test_rules_found_on_a_share_of_the_pairs_are_counted_on_all():
    _, adjacency = random_graph(5, num_entities=30, num_facts=150)
    everything = by_name(mine(adjacency))
    few = mine(adjacency, max_walks=3000)
    three = [rule for rule in few if len(rule.body) == 3]
    assert 0 < len(three) < sum(len(body) == 3 for _, body in everything)
    exact = [rule for rule in few if not rule.count.sampled]
    assert {name: everything[name] for name in by_name(exact)} == by_name(exact)


def test_a_share_of_the_pairs_gives_about_the_confidence():
    planted = planted_graph()
    adjacency = planted.split.train.adjacency
    rule = planted.rules[0]
    edges = path_rules._Edges.from_adjacency(adjacency)
    tally = path_rules._Tally(edges)
    base = 2 * adjacency.num_relations
    for start, code, end in edges.chains(2, 0.5, np.random.default_rng(0)):
        tally.add(start, code, end, base**2)
    head, code, count = tally.result(1)
    here = (head == rule.target) & (code == rule.body[0] * base + rule.body[1])
    ((support, body),) = count[here].tolist()
    full = count_rule(adjacency, rule.target, rule.body, np.random.default_rng(0))
    assert body == pytest.approx(full.body / 2, rel=0.25)
    assert support / body == pytest.approx(full.confidence, abs=0.1)


def test_only_the_most_confident_rules_are_kept():
    _, adjacency = random_graph(1)
    everything = mine(adjacency, max_length=1)
    for head in range(3):
        of_head = [rule for rule in everything if rule.head == head]
        kept = [rule for rule in mine(adjacency, max_length=1, max_rules=2) if rule.head == head]
        assert len(kept) == 2 < len(of_head)
        assert [r.confidence for r in kept] == [r.confidence for r in of_head[:2]]
    assert all(rule.count.support >= 3 for rule in mine(adjacency, min_support=3))


def test_an_empty_graph_has_no_rules():
    assert mine(Adjacency.from_triples(np.zeros((0, 3), dtype=np.int64), 4, 2)) == ()


@pytest.mark.parametrize("seed", range(3))
def test_chains_followed_along_bodies_are_those_of_enumeration(seed):
    triples, adjacency = random_graph(seed)
    joined = pairs_by_enumeration(triples, 8, 3, 3)
    bodies = [(0,), (0, 1), (0, 1, 5), (0, 4, 2), (3,), (5, 5, 1)]
    groups = [0, 0, 1, 1, 1, 1]
    tree = ChainTree.from_bodies(groups, bodies, 2)
    heads, asked = map(np.array, zip(*itertools.product(range(8), range(2)), strict=True))
    expected = {
        (number, rule, pair[1], facts)
        for number, (head, group) in enumerate(zip(heads, asked, strict=True))
        for rule, body in enumerate(bodies)
        if groups[rule] == group
        for pair, chains in joined[body].items()
        if pair[0] == head
        for facts in chains
    }
    found = [
        (question, rule, end, tuple(facts))
        for chains in follow(adjacency, tree, heads, asked)
        for question, rule, end, facts in zip(
            *(chains.question.tolist(), chains.rule.tolist(), chains.end.tolist()),
            chains.facts.tolist(),
            strict=True,
        )
    ]
    assert len(found) == len(set(found)) > 20
    assert set(found) == expected
