import json
from dataclasses import replace

import pytest

from core.serving import kg_permalink
from core.serving.graphs import embedded_graphs, keep_upload
from core.serving.kg_permalink import Link, from_parameters, to_parameters
from core.serving.kg_question import Edit, Query
from core.settings import settings
from core.store import Store

HEAD, RELATION = "sophia-charlotte-of-hanover", "mother"
TAIL = "frederick-william-i-of-prussia"
REMOVED = Edit("remove", HEAD, RELATION, TAIL)
QUESTION = Query("royals", "george-i-of-great-britain", "uncle")
EXAMPLE = from_parameters({})


def address(**changes: str) -> dict[str, str]:
    return to_parameters(QUESTION) | changes


def test_the_first_graph_answers_its_example_without_an_address():
    entity, relation, inverse, answer = embedded_graphs()[0].examples[0]
    assert (
        Link("royals", Query("royals", entity, relation, inverse), answer, example=True) == EXAMPLE
    )


def test_the_default_values_stay_out_of_the_address():
    assert to_parameters(QUESTION) == {
        "graph": "royals",
        "entity": "george-i-of-great-britain",
        "relation": "uncle",
        "ask": "tail",
    }


def test_every_value_survives_the_address():
    query = replace(QUESTION, inverse=True, top_k=3, hide_known=False, edits=(REMOVED,))
    parameters = to_parameters(query, answer=TAIL, ranking="attention")
    assert parameters["ask"] == "head"
    assert parameters["k"] == "3"
    assert parameters["hide"] == "0"
    assert parameters["edits"] == f'[["remove","{HEAD}","mother","{TAIL}"]]'
    assert from_parameters(parameters) == Link("royals", query, TAIL, "attention")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("k", "0"), ("k", "101"), ("k", "-1"), ("k", "1e1"), ("k", "٣"), ("k", ""), ("k", "0010"),
        ("hide", "yes"), ("ask", "both"), ("ranking", "<b>"), ("answer", "nobody"),
        ("model", "redgnn-nothing"), ("model", "../../etc"), ("surprise", "1"),
        ("edits", "[]"), ("edits", "{"), ("edits", "7"), ("edits", '[["remove","a","b"]]'),
        ("edits", '[["change","a","b","c"]]'), ("edits", '[["add",1,2,3]]'),
        ("edits", json.dumps([["add", HEAD, RELATION, TAIL]])),  # already a fact
        ("edits", json.dumps([["add", HEAD, RELATION, HEAD]])),  # to itself
        ("edits", json.dumps([["remove", HEAD, "uncle", TAIL]])),  # not a fact
        ("edits", "[" * 5000), ("edits", " " * 20_001),
    ],
)  # fmt: skip
def test_a_tampered_value_is_ignored_and_the_question_stands(name, value):
    link = from_parameters(address(**{name: value}))
    assert link.ignored == (name,)
    assert link.query == QUESTION
    assert not link.example
    assert (link.answer, link.ranking) == ("", "deletion")


@pytest.mark.parametrize(("name", "value"), [("entity", "nobody"), ("relation", "boss")])
def test_a_question_that_does_not_exist_leaves_the_example(name, value):
    link = from_parameters(address(**{name: value}, k="5"))
    assert link == replace(EXAMPLE, ignored=(name,))


@pytest.mark.parametrize("graph", ["nowhere", "../etc/passwd", "WN18RR", ""])
def test_a_graph_that_is_not_here_leaves_the_first_example(graph):
    link = from_parameters(address(graph=graph))
    assert link == replace(EXAMPLE, ignored=("graph", "entity", "relation", "ask"))


def test_at_most_fifty_edits():
    graph = embedded_graphs()[0].load()
    rows = [
        ["remove", graph.entities[h], graph.relations[r], graph.entities[t]]
        for h, r, t in graph.triples[:51].tolist()
    ]
    assert from_parameters(address(edits=json.dumps(rows))).ignored == ("edits",)
    kept = from_parameters(address(edits=json.dumps(rows[:50])))
    assert kept.ignored == ()
    assert len(kept.query.edits) == 50


def test_an_uploaded_graph_waits_for_a_question():
    content = b"head,relation,tail\na,r,b\nb,r,c\n"
    graph_id = keep_upload("own.csv", content, None)
    assert from_parameters({"graph": graph_id}) == Link(graph_id, None)
    asked = from_parameters({"graph": graph_id, "entity": "a", "relation": "r", "k": "2"})
    assert asked == Link(graph_id, Query(graph_id, "a", "r", top_k=2))


def test_a_stored_answer_stands_for_its_question():
    query = replace(QUESTION, top_k=7, edits=(REMOVED,))
    bundle = {"answer": {"value": "Louis", "score": 0.5}, "query": {"question": "Who?"}}
    key = Store.open().save_prediction(domain="kg", query=query.to_json(), bundle=bundle)
    assert from_parameters({"result": key}) == Link("royals", query)
    assert from_parameters({"result": key, "k": "3"}) == Link("royals", query, ignored=("k",))


def test_a_stored_answer_of_another_domain_or_none_is_ignored():
    key = Store.open().save_prediction(domain="mol", query=QUESTION.to_json(), bundle={})
    for wrong in (key, "nothing", ""):
        assert from_parameters({"result": wrong}) == replace(EXAMPLE, ignored=("result",))


@pytest.mark.skipif(
    not (settings().trained / "redgnn-family" / "card.json").is_file(),
    reason="the artifact redgnn-family is not in the folder of trained models",
)
def test_a_model_that_knows_the_relations_is_taken():
    link = from_parameters(address(model="redgnn-family"))
    assert link.ignored == ()
    assert link.query == replace(QUESTION, model="redgnn-family")
    assert to_parameters(link.query)["model"] == "redgnn-family"


def test_the_documented_parameters_are_all_that_exist():
    for name in kg_permalink.NAMES:
        assert name in kg_permalink.__doc__


@pytest.mark.parametrize("entry", embedded_graphs(), ids=lambda entry: entry.id)
def test_every_example_is_a_true_fact_that_the_graph_does_not_hold(entry):
    graph = entry.load()
    held_out = {tuple(fact) for fact in entry.held_out().tolist()}
    for entity, relation, inverse, answer in entry.examples:
        ends = (answer, entity) if inverse else (entity, answer)
        head, tail = (graph.entity_index[name] for name in ends)
        fact = head, graph.relation_index[relation], tail
        assert fact in held_out
        assert fact not in graph.fact_index
    assert from_parameters({"graph": entry.id}).example
