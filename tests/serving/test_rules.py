import json

import numpy as np
import pytest

from core.data.toy import planted_graph
from core.knowledge.graph import Adjacency, KnowledgeGraph
from core.knowledge.path_rules import PathRule, mine_rules
from core.knowledge.rule import RuleCount
from core.serving.rules import CHOICES, RuleModel
from core.training.evaluate import KnownAnswers, rank_triples

FACTS = [
    ("ann", "mother", "bob"),
    ("bob", "brother", "cid"),
    ("ann", "aunt", "dan"),
    ("bob", "cousin", "dan"),
    ("ann", "likes", "cid"),
]
GRAPH = KnowledgeGraph.from_facts("people", FACTS)
ANN, BOB, CID, DAN = (GRAPH.entity_index[name] for name in ("ann", "bob", "cid", "dan"))
MOTHER, BROTHER, AUNT, COUSIN, LIKES = range(5)
RULES = (  # "ann mother ?" is answered by three rules, two of which lead to cid
    PathRule(MOTHER, (MOTHER, BROTHER), RuleCount(8, 11, False)),  # 0.5
    PathRule(MOTHER, (LIKES,), RuleCount(3, 5, False)),  # 0.3
    PathRule(MOTHER, (AUNT,), RuleCount(10, 15, False)),  # 0.5
)


@pytest.fixture(scope="module")
def planted():
    return planted_graph()


@pytest.fixture(scope="module")
def mined(planted):
    adjacency = planted.split.train.adjacency
    return mine_rules(adjacency, rng=np.random.default_rng(0), max_length=2)


def model(**options):
    return RuleModel(RULES, 5, **options)


def ask(rules, head=ANN, relation=MOTHER, active=None):
    scores, reached = rules.run(GRAPH.adjacency, np.array([head]), np.array([relation]), active)
    return scores[0], reached[0]


def without(*facts):
    active = np.ones(len(FACTS), dtype=bool)
    active[list(facts)] = False
    return active


def test_maximum_breaks_ties_by_the_next_best_rule():
    scores, reached = ask(model())
    assert scores == pytest.approx([0, 0, 0.5, 0.5], abs=1e-6)
    assert scores[CID] > scores[DAN]  # 0.5, 0.3 against 0.5
    assert reached.tolist() == [False, False, True, True]


def test_equal_rules_leave_a_tie():
    scores, _ = ask(model(num_best=1))
    assert scores[CID] == scores[DAN] == 0.5


def test_noisy_or_is_the_chance_that_not_all_rules_err():
    scores, _ = ask(model(aggregation="noisy-or"))
    assert 1 - np.exp(-scores) == pytest.approx([0, 0, 1 - 0.5 * 0.7, 0.5])


def test_noisy_or_counts_the_best_rules_only():
    scores, _ = ask(model(aggregation="noisy-or", num_best=1))
    assert scores[CID] == scores[DAN] == pytest.approx(np.log(2))


def test_questions_about_the_head_use_the_rules_backward():
    scores, reached = ask(model(), head=CID, relation=MOTHER + 5)
    assert scores[ANN] == pytest.approx(0.5, abs=1e-6)
    assert reached.tolist() == [True, False, False, False]


def test_long_bodies_can_be_left_out():
    scores, _ = ask(model(max_length=1))
    assert scores == pytest.approx([0, 0, 0.3, 0.5], abs=1e-6)


def test_a_removed_fact_takes_its_rules_away():
    for gone, expected in ((0, 0.3), (1, 0.3), (4, 0.5)):
        scores, _ = ask(model(), active=without(gone))
        assert scores[CID] == pytest.approx(expected, abs=1e-6)
    scores, reached = ask(model(), active=without(0, 4))
    assert scores[CID] == 0
    assert not reached[CID]


def test_each_question_has_its_own_facts():
    heads, asked = np.array([ANN, ANN, ANN]), np.array([MOTHER] * 3)
    active = np.stack([without(), without(1), without(2)])
    together, _ = model().run(GRAPH.adjacency, heads, asked, active)
    for row, facts in zip(together, active, strict=True):
        assert (row == ask(model(), active=facts)[0]).all()


def test_rules_of_an_answer_come_with_one_chain_of_facts():
    fired = model().rules_of(GRAPH.adjacency, ANN, MOTHER, CID)
    assert [(rule.rule.confidence, rule.facts) for rule in fired] == [(0.5, (0, 1)), (0.3, (4,))]
    left = model().rules_of(GRAPH.adjacency, ANN, MOTHER, CID, without(1))
    assert [rule.rule for rule in left] == [RULES[1]]
    assert model().rules_of(GRAPH.adjacency, BOB, MOTHER, CID) == []


def test_removing_all_chains_shown_takes_the_answer_away(planted, mined):
    """On the planted graph the only chain of the planted rule carries the answer."""
    adjacency = planted.split.train.adjacency
    rules = RuleModel(mined, planted.graph.num_relations)
    query = planted.queries[0]
    fired = rules.rules_of(adjacency, query.head, query.relation, query.tail)
    triples = planted.split.train.triples
    assert {tuple(fact) for fact in triples[list(fired[0].facts)].tolist()} == query.evidence
    active = np.ones(len(triples), dtype=bool)
    heads, asked = np.array([query.head]), np.array([query.relation])
    before = rules.run(adjacency, heads, asked)[0][0]
    assert before.argmax() == query.tail
    active[list(fired[0].facts)] = False
    assert rules.run(adjacency, heads, asked, active)[0][0, query.tail] < before[query.tail] / 2


def test_the_score_is_that_of_the_rules_shown(planted, mined):
    adjacency = planted.split.train.adjacency
    query = planted.queries[1]
    for options in ({}, {"aggregation": "noisy-or"}):
        rules = RuleModel(mined, planted.graph.num_relations, **options)
        confidence = [
            fired.rule.confidence
            for fired in rules.rules_of(adjacency, query.head, query.relation, query.tail)
        ]
        expected = max(confidence)
        if options:
            expected = -np.log(np.prod(1 - np.sort(confidence)[: -rules.num_best - 1 : -1]))
        score = rules.run(adjacency, np.array([query.head]), np.array([query.relation]))[0]
        assert score[0, query.tail] == pytest.approx(expected, abs=1e-6)


def test_planted_rules_answer_what_they_imply(planted, mined):
    split = planted.split
    adjacency = split.train.adjacency
    rules = RuleModel(mined, adjacency.num_relations)
    known = KnownAnswers(split.known, adjacency.num_entities, adjacency.num_relations)
    ranked = rank_triples(
        lambda heads, asked: rules.run(adjacency, heads, asked),
        split.test[:60], known, adjacency.num_relations, 20,
    )  # fmt: skip
    assert ranked.summary()["mrr_tail"] > 0.95
    assert ranked.summary()["reach"] == 1


def test_without_rules_nothing_is_reached():
    scores, reached = RuleModel((), 5).run(GRAPH.adjacency, np.array([0, 1]), np.array([0, 9]))
    assert scores.shape == reached.shape == (2, 4)
    assert not scores.any()
    assert not reached.any()


def test_json_round_trip_gives_the_same_answers():
    for options in CHOICES:
        rules = model(**options)
        again = RuleModel.from_json(json.loads(json.dumps(rules.to_json())))
        assert again.rules == rules.rules
        assert (ask(again)[0] == ask(rules)[0]).all()


def test_a_self_inverse_rule_counts_once():
    """r(X, Y) <- r^-1(X, Y) reads the same backward."""
    rules = RuleModel((PathRule(LIKES, (LIKES + 5,), RuleCount(5, 5, False)),), 5, "noisy-or")
    scores, _ = ask(rules, head=CID, relation=LIKES)
    assert scores[ANN] == pytest.approx(np.log(2))


def test_ties_are_broken_within_each_question():
    adjacency = Adjacency.from_triples(GRAPH.triples, 4, 5)
    heads, asked = np.array([CID, ANN]), np.array([MOTHER + 5, MOTHER])
    together, _ = model().run(adjacency, heads, asked)
    assert (together[1] == ask(model())[0]).all()
