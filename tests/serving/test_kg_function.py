"""A searched scoring function behind the page: terms of its formula are the evidence."""

from dataclasses import replace

import numpy as np
import pytest

from core.evidence.evidence import Overlay
from core.serving.artifact import load_artifact
from core.serving.graphs import find_graph
from core.serving.kg_bundle import make_bundle
from core.serving.kg_function import FunctionEngine
from core.serving.kg_question import Query, ask, fitting_models
from core.serving.kg_reasoning import answer, check, explain, minimise

MODEL = "autoblm-umls"
QUERIES = (
    Query("umls", "amphibian", "exhibits", model=MODEL),
    Query("umls", "social_behavior", "exhibits", inverse=True, model=MODEL),
)


@pytest.fixture(scope="module", params=QUERIES, ids=("tail", "head"))
def query(request):
    return request.param


def test_only_graphs_with_the_same_entities_are_offered_the_function():
    assert MODEL in fitting_models(find_graph("umls").load())
    assert MODEL not in fitting_models(find_graph("royals").load())


def test_the_terms_add_up_to_the_score_of_every_entity(query):
    question = ask(query)
    engine, asked = question.reasoner.engine, question.asked
    expected = engine.model.scores(np.array([asked.entity]), np.array([engine.relation_of(asked)]))[
        0
    ]
    rows = [engine.artifact.knowledge["entities"].index(e) for e in engine.graph.entities]
    np.testing.assert_allclose(question.everything.logits, expected[rows], atol=1e-4)


def test_hidden_terms_are_left_out_of_the_sum(query):
    question = ask(query)
    target = question.reasoner.graph.find_entity(answer(query).rows[0].entity)
    scorer = question.scorer(target)
    items = question.reasoner.engine.items
    gone = tuple(map(int, items.triples[0]))
    [everything, without, nothing] = scorer(
        [Overlay(), Overlay(remove=frozenset({gone})), Overlay(keep=frozenset())]
    )
    reading = question.everything
    [again] = question.outcomes((reading.logits - reading.terms[0])[None], target)
    assert without.score == pytest.approx(again.score, abs=1e-6)
    rivals = items.num_facts and question.reasoner.graph.num_entities - len(question.known) - 1
    assert nothing.score == pytest.approx(1 / rivals, rel=0.02)
    assert everything.score > nothing.score


def test_evidence_check_and_bundle_speak_of_terms(query):
    found = answer(query)
    first = found.rows[0]
    explanation = explain(query, first.entity)
    verdict = check(query, first.entity, explanation.items)
    assert "term" in verdict.sentence
    assert "fact" not in verdict.sentence
    smallest = minimise(query, first.entity, [item.fact for item in explanation.facts])
    bundle = make_bundle(
        found, first, explanation, created="2026-01-01T00:00:00+00:00", check=verdict,
        minimal=smallest,
    )  # fmt: skip
    sides = {place.role: place.label[0] for place in bundle.layout}
    assert sides == ({"query": "t", "answer": "h"} if query.inverse else
                     {"query": "h", "answer": "t"})  # fmt: skip
    assert all("×" in item.label for item in bundle.evidence)
    assert explanation.walks == ()


def test_a_removed_fact_changes_nothing(query):
    graph = find_graph("umls").load()
    head, relation, tail = (int(row) for row in graph.triples[0])
    edit = ("remove", graph.entities[head], graph.relations[relation], graph.entities[tail])
    edited = Query.from_json(
        replace(query, edits=()).to_json()
        | {"edits": [dict(zip(("op", "head", "relation", "tail"), edit, strict=True))]}
    )
    before = {row.entity: row.logit for row in answer(query).rows}
    after = {row.entity: row.logit for row in answer(edited).rows}
    assert all(after[entity] == before[entity] for entity in after.keys() & before.keys())


def test_the_trace_never_falls_and_the_best_is_at_least_the_best_named():
    engine = FunctionEngine(load_artifact(MODEL), find_graph("umls").load())
    named = [one.valid_mrr for one in engine.trials if one.name]
    assert max(one.valid_mrr for one in engine.trials) >= max(named)
    assert [one.num_blocks for one in engine.pareto] == sorted(
        one.num_blocks for one in engine.pareto
    )
    assert engine.finalists[0].valid_mrr == max(one.valid_mrr for one in engine.finalists)
    assert engine.search_s > 0
