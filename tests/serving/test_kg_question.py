"""Questions in words to questions in rows, and their scores."""

from dataclasses import replace

import numpy as np
import pytest

from core.data.genealogy import EXAMPLE_QUESTIONS
from core.errors import ArtifactError, InputError
from core.serving.graphs import find_graph, keep_upload
from core.serving.kg_question import Edit, Query, apply_edits, ask, fitting_models
from core.serving.kg_reasoning import answer


@pytest.fixture(scope="module")
def royal():
    example = EXAMPLE_QUESTIONS[0]
    return Query("royals", example.entity, example.relation, inverse=example.inverse)


def code(query):
    with pytest.raises(InputError) as caught:
        answer(query)
    return caught.value.code


def test_scores_are_probabilities_among_entities_that_are_not_known_answers(royal):
    question = ask(royal)
    logits = question.everything.logits.astype(float)
    candidates = np.ones(len(logits), dtype=bool)
    candidates[question.known] = False
    candidates[question.asked.entity] = False
    expected = np.exp(logits) / np.exp(logits[candidates]).sum()
    graph = question.reasoner.graph
    for row in answer(royal).rows:
        entity = graph.entity_index[row.entity]
        assert row.score == pytest.approx(expected[entity], rel=1e-6)
        better = (logits[candidates] > logits[entity]).sum()
        tied = (logits[candidates] == logits[entity]).sum() - 1
        assert row.rank == 1 + better + tied / 2


def test_errors_of_questions(royal):
    assert code(replace(royal, entity=" ")) == "KG-E01"
    assert code(replace(royal, relation="")) == "KG-E02"
    assert code(replace(royal, entity="aspirine")) == "KG-E03"
    assert code(replace(royal, graph="no-such-graph")) == "KG-E03"
    graph = find_graph("royals").load()
    head, relation, tail = (int(value) for value in graph.triples[0])
    names = graph.entities[head], graph.relations[relation], graph.entities[tail]
    assert code(replace(royal, edits=(Edit("add", *names),))) == "KG-E08"
    loop = Edit("add", names[0], names[1], names[0])
    assert code(replace(royal, edits=(loop,))) == "KG-E08"
    twice = Edit("remove", names[0], names[1], names[2])
    assert code(replace(royal, edits=(twice, twice))) == "KG-E08"
    undone = apply_edits(graph, (twice, Edit("add", *names)))
    assert undone.digest == graph.digest


def test_an_entity_that_loses_all_facts_is_isolated():
    graph = find_graph("planted").load()
    entity = int(np.argmin(np.where(graph.degree > 0, graph.degree, 10**9)))
    rows = [t for t in graph.triples.tolist() if entity in (t[0], t[2])]
    edits = tuple(
        Edit("remove", graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in rows
    )
    query = Query("planted", graph.entities[entity], graph.relations[0], edits=edits)
    assert code(query) == "KG-E04"


def test_a_model_that_does_not_exist_is_refused(royal):
    with pytest.raises(ArtifactError, match="no trained model 'redgnn-none'"):
        answer(replace(royal, model="redgnn-none"))


def test_an_uploaded_graph_is_asked_with_a_model_that_knows_its_relations():
    text = (
        "head\trelation\ttail\nAnna\tmother\tBea\nAnna\tmother\tCarl\nBea\tsister\tCarl\n"
        "Carl\tfather\tDora\n"
    )
    key = keep_upload("own.tsv", text.encode(), None)
    graph = find_graph(key).load()
    assert fitting_models(graph) == ["redgnn-family", "rules"]
    assert code(Query(key, "Bea", "sister")) == "KG-E07"
    found = answer(Query(key, "Bea", "mother", model="redgnn-family"))
    assert found.model == "redgnn-family"
    strange = keep_upload("odd.csv", b"head,relation,tail\nA,likes,B\nB,likes,C\n", None)
    assert fitting_models(find_graph(strange).load()) == ["rules"]
    assert code(Query(strange, "A", "likes", model="redgnn-family")) == "KG-E07"


def test_query_round_trip(royal):
    query = replace(royal, edits=(Edit("remove", "a", "b", "c"),), top_k=3, hide_known=False)
    assert Query.from_json(query.to_json()) == query
