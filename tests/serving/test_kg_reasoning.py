"""Answers of the shipped models on the embedded graphs."""

import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest

from core.data.genealogy import EXAMPLE_QUESTIONS
from core.evidence.evidence import Overlay
from core.evidence.faithfulness import NOT_SUPPORTED, SUPPORTED
from core.serving import kg_reasoning as kg
from core.serving.audit import audit_planted, planted_question
from core.serving.graphs import embedded_graphs, find_graph, planted
from core.serving.kg_question import Edit, Query, ask


@pytest.fixture(scope="module")
def royal():
    example = EXAMPLE_QUESTIONS[0]
    return Query("royals", example.entity, example.relation, inverse=example.inverse)


@pytest.mark.parametrize("entry", embedded_graphs(), ids=lambda entry: entry.id)
def test_every_embedded_graph_answers_with_its_own_model(entry):
    graph = entry.load()
    head, relation, _ = (int(value) for value in entry.held_out()[0])
    found = kg.answer(Query(entry.id, graph.entities[head], graph.relations[relation]))
    assert found.model == entry.model
    assert 0 < found.num_reached <= found.num_candidates
    assert found.provider == "CPUExecutionProvider"
    assert len(found.rows) >= 3
    assert [row.score for row in found.rows] == sorted((r.score for r in found.rows), reverse=True)
    assert 0 < sum(row.score for row in found.rows) <= 1 + 1e-6
    assert {row.status for row in found.rows} <= {"new", "held out"}


def test_held_out_facts_are_not_in_the_graph():
    for entry in embedded_graphs():
        index = entry.load().fact_index
        assert not any(tuple(fact) in index for fact in entry.held_out().tolist())


def test_royal_examples_are_answered_by_a_model_that_never_saw_a_name():
    right = 0
    for example in EXAMPLE_QUESTIONS:
        query = Query("royals", example.entity, example.relation, inverse=example.inverse)
        right += kg.answer(query).rows[0].status == "held out"
    assert right >= 0.8 * len(EXAMPLE_QUESTIONS)


def test_known_answers_are_scored_without_their_own_fact():
    graph = find_graph("royals").load()
    head, relation, tail = map(int, graph.triples[0])
    query = Query(
        "royals", graph.entities[head], graph.relations[relation], hide_known=False, top_k=50
    )
    row = next(r for r in kg.answer(query).rows if r.entity == graph.entities[tail])
    assert row.status == "known"
    edit = Edit("remove", graph.entities[head], graph.relations[relation], graph.entities[tail])
    without = kg.answer(replace(query, edits=(edit,), hide_known=True))
    again = [r for r in without.rows if r.entity == graph.entities[tail]]
    assert again[0].logit == pytest.approx(row.logit, abs=1e-5)


def test_overlays_equal_an_edited_graph(royal):
    first = kg.answer(royal).rows[0]
    evidence = kg.explain(royal, first.entity)
    question = ask(royal)
    graph = question.reasoner.graph
    target = graph.entity_index[first.entity]
    [removed] = question.scorer(target)([Overlay(remove=evidence.items)])
    edited = replace(
        royal,
        edits=tuple(
            Edit("remove", graph.entities[h], graph.relations[r], graph.entities[t])
            for h, r, t in evidence.items
        ),
    )
    changes = {change.entity: change for change in kg.compare(royal, edited)}
    assert changes[first.entity].score_after == pytest.approx(removed.score, rel=1e-4)
    assert changes[first.entity].rank_after == removed.rank
    assert changes[first.entity].score_before == pytest.approx(first.score, rel=1e-6)
    assert kg.answer(royal).rows[0].score == first.score  # the graph itself is unchanged


def test_evidence_is_sufficient_and_its_walks_lead_to_the_answer(royal):
    first = kg.answer(royal).rows[0]
    evidence = kg.explain(royal, first.entity)
    verdict = kg.check(royal, first.entity, evidence.items)
    assert verdict.verdict == SUPPORTED
    assert verdict.score_all == pytest.approx(first.score, rel=1e-6)
    assert verdict.control.k == 20
    graph = find_graph("royals").load()
    start, end = graph.entity_index[royal.entity], graph.entity_index[first.entity]
    assert evidence.walks
    for described in evidence.walks:
        steps = described.walk.steps
        assert steps[0].source == start
        assert steps[-1].target == end
        assert all(a.target == b.source for a, b in pairwise(steps))
        assert {tuple(graph.triples[n].tolist()) for n in described.walk.facts} <= evidence.items
    small = kg.minimise(royal, first.entity, [item.fact for item in evidence.facts])
    assert set(small.items) <= evidence.items
    assert kg.check(royal, first.entity, frozenset(small.items)).rho_keep >= 0.9 - 1e-6


def test_equal_seeds_give_equal_checks(royal):
    first = kg.answer(royal).rows[0]
    facts = kg.explain(royal, first.entity).items
    one, two, other = (kg.check(royal, first.entity, facts, seed=s) for s in (1, 1, 2))
    assert one == two
    assert one.control != other.control


def test_planted_reasons_are_recognised_and_decoys_refused():
    found = audit_planted()
    assert found.num >= 50
    assert found.evidence_supported >= 0.95
    assert found.decoy_refused >= 0.95
    assert found.minimal_is_proof >= 0.90


def test_a_planted_decoy_is_refused_with_words():
    item = planted().queries[0]
    query, target = planted_question(item)
    assert kg.check(query, target, item.evidence).verdict == SUPPORTED
    refused = kg.check(query, target, item.decoy)
    assert refused.verdict == NOT_SUPPORTED
    assert "Do not cite them as the reason." in refused.sentence


def test_serving_never_imports_torch():
    program = (
        "import sys; from core.serving import kg_reasoning as kg; "
        "kg.answer(kg.Query('umls', 'virus', 'causes')); "
        "print([m for m in ('torch', 'onnx', 'torch_geometric') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr[-500:]
