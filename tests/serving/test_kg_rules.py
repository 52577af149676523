"""Path rules behind the page: the same questions, evidence and checks as with a trained model."""

from dataclasses import replace

import numpy as np
import pytest

from core.evidence.faithfulness import SUPPORTED
from core.serving.audit import planted_question
from core.serving.graphs import planted
from core.serving.kg_question import Edit, ask
from core.serving.kg_reasoning import answer, check, explain, minimise
from core.serving.kg_rules import RULES


@pytest.fixture(scope="module")
def known():
    item = planted().queries[0]
    query, target = planted_question(item)
    return item, replace(query, model=RULES), target


def test_the_planted_proof_is_the_evidence_of_the_first_answer(known):
    item, query, target = known
    assert answer(query).rows[0].entity == target
    found = explain(query, target)
    smallest = minimise(query, target, [fact.fact for fact in found.facts])
    assert frozenset(smallest.items) == item.evidence
    assert check(query, target, found.items).verdict == SUPPORTED
    assert found.walks[0].only >= found.score


def test_removing_a_fact_of_the_proof_removes_the_answer(known):
    item, query, target = known
    graph = ask(query).reasoner.graph
    head, relation, tail = next(iter(item.evidence))
    edit = Edit("remove", graph.entities[head], graph.relations[relation], graph.entities[tail])
    rows = answer(replace(query, edits=(edit,))).rows
    before = answer(query).rows[0].score
    after = next((row.score for row in rows if row.entity == target), 0.0)
    assert after < before / 2


def test_the_question_for_the_head_finds_the_given_entity(known):
    item, query, target = known
    graph = ask(query).reasoner.graph
    turned = replace(query, entity=target, inverse=True, top_k=100)
    assert graph.entities[item.head] in [row.entity for row in answer(turned).rows]


def test_scores_are_the_odds_of_the_rules(known):
    _, query, target = known
    question = ask(query)
    engine, row = question.reasoner.engine, question.reasoner.graph.find_entity(target)
    [best, *_] = engine.rules_of(question.asked, row, None)
    odds = np.exp(question.everything.logits[row])
    confidence = best.rule.confidence
    assert odds == pytest.approx(confidence / (1 - confidence), rel=1e-3)
    assert (question.everything.logits[~question.everything.reached] < -20).all()
