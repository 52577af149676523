import json
from dataclasses import replace

import pytest

from core.evidence.bundle import Bundle
from core.evidence.faithfulness import Minimal
from core.serving import kg_bundle
from core.serving import kg_reasoning as kg
from core.serving.kg_question import Edit, Fact, Query, reasoner
from core.settings import settings

CREATED = "2026-01-02T03:04:05+00:00"
QUERY = Query("royals", "george-i-of-great-britain", "uncle", top_k=5)
ANSWER = "frederick-william-i-of-prussia"
SISTER = "sophia-charlotte-of-hanover"
needs_family = pytest.mark.skipif(
    not (settings().trained / "redgnn-family" / "card.json").is_file(),
    reason="the artifact redgnn-family is not in the folder of trained models",
)


def facts(*rows: tuple[int, int, int, int]) -> list[tuple[Fact, int]]:
    return [(row[:3], row[3]) for row in rows]


def test_layers_follow_the_distance_and_the_answer_stands_alone_at_the_end():
    # 1 - 5 - 9 and 1 - 7 - 5; 3 hangs on the answer 9 and is placed by its hop
    found = kg_bundle.find_layers(
        1, 9, facts((1, 0, 5, 1), (9, 0, 5, 2), (7, 0, 1, 1), (7, 0, 5, 2), (9, 0, 3, 3))
    )
    assert found == {1: 0, 5: 1, 7: 1, 3: 3, 9: 4}
    assert list(found) == [1, 5, 7, 3, 9]


def test_a_direct_neighbour_as_answer_is_still_behind_all_others():
    assert kg_bundle.find_layers(0, 1, facts((0, 0, 1, 1), (0, 0, 2, 1))) == {0: 0, 2: 1, 1: 2}


def test_without_evidence_only_the_two_ends_remain():
    assert kg_bundle.find_layers(4, 8, []) == {4: 0, 8: 1}
    assert kg_bundle.find_layers(4, 4, []) == {4: 0}


def explanation(*numbers: int) -> kg.Explanation:
    items = tuple(kg.EvidenceFact((n, 0, n + 1), 1, 0.5, 0.5) for n in numbers)
    return kg.Explanation("x", "deletion", items, (), 1.0, 9)


def minimal(kept: tuple[int, ...], removed: tuple[int, ...]) -> Minimal:
    rows = [tuple((n, 0, n + 1) for n in numbers) for numbers in (kept, removed)]
    return Minimal(*rows, tuple(0.9 for _ in removed), 0.9, 0.9, 0.95, True, 3)


def test_facts_go_in_the_order_of_the_elimination():
    everything, smallest = explanation(1, 2, 3, 4), minimal((2,), (4, 1, 3))
    shown = {
        num: [fact[0] for fact in kg_bundle.remaining_facts(everything, smallest, num)]
        for num in (9, 4, 3, 2, 1)
    }
    assert shown == {9: [1, 2, 3, 4], 4: [1, 2, 3, 4], 3: [1, 2, 3], 2: [2, 3], 1: [2]}


@pytest.fixture(scope="module")
def parts():
    answer = kg.answer(QUERY)
    found = kg.explain(QUERY, ANSWER)
    check = kg.check(QUERY, ANSWER, found.items)
    smallest = kg.minimise(QUERY, ANSWER, [item.fact for item in found.facts])
    return answer, found, check, smallest


@needs_family
def test_the_bundle_is_valid_and_says_what_was_measured(parts):
    answer, found, check, smallest = parts
    bundle = kg_bundle.make_bundle(
        answer, answer.rows[0], found, created=CREATED, check=check, minimal=smallest
    )
    assert Bundle.loads(bundle.dumps()) == bundle
    value = json.loads(bundle.dumps())
    assert value["query"]["question"] == "George I of Great Britain (1660–1727) is an uncle of ?"
    assert value["query"]["entity"] == "george-i-of-great-britain"
    assert value["answer"]["value"] == "Frederick William I of Prussia (1688–1740)"
    assert value["answer"]["score"] == answer.rows[0].score
    assert (value["answer"]["rank"], value["answer"]["known"]) == (1.0, False)
    assert value["check"]["verdict"] == "SUPPORTED"
    assert value["check"]["delta_remove"] == check.delta_remove
    assert value["check"]["control"]["k"] == 20
    assert value["model"]["name"] == "redgnn-family"
    assert len(value["data"]["sha256"]) == 64
    assert {tuple(item["fact"]) for item in value["evidence"]} >= {(SISTER, "mother", ANSWER)}
    assert {item["weight_kind"] for item in value["evidence"]} == {"deletion effect"}
    assert [item["weight"] for item in value["evidence"]] == [f.deletion for f in found.facts]
    assert all(item["provenance"]["licence"] for item in value["evidence"])
    roles = {place["label"].split(" (")[0]: place["role"] for place in value["layout"]}
    assert roles["George I of Great Britain"] == "query"
    assert roles["Frederick William I of Prussia"] == "answer"
    assert [place["layer"] for place in value["layout"]] == [0, 1, 2]
    ids = [item["id"] for item in value["evidence"]]
    assert sorted(value["minimal"]["ids"] + value["minimal"]["removed"]) == ids
    assert value["minimal"]["level"] == 0.9


@needs_family
def test_attention_weighs_by_flow(parts):
    answer = parts[0]
    found = kg.explain(QUERY, ANSWER, ranking="attention")
    bundle = kg_bundle.make_bundle(answer, answer.rows[0], found, created=CREATED)
    assert {item.weight_kind for item in bundle.evidence} == {"attention"}
    assert [item.weight for item in bundle.evidence] == [item.flow for item in found.facts]
    assert (bundle.check, bundle.minimal) == (None, None)
    assert bundle.id != kg_bundle.bundle_id(QUERY, ANSWER)


@needs_family
def test_the_drawing_on_the_way_to_the_smallest_set(parts):
    answer, found, check, smallest = parts
    bundle = kg_bundle.make_bundle(
        answer, answer.rows[0], found, created=CREATED, check=check, minimal=smallest
    )
    total, least = len(found.facts), len(smallest.items)
    assert least < total
    whole = kg_bundle.show_remaining(bundle, total).minimal
    assert (whole.ids, whole.removed) == ((), ())
    half = kg_bundle.show_remaining(bundle, total - 1).minimal
    assert half.removed == bundle.minimal.removed[:1]
    assert half.ids == (() if total - 1 > least else bundle.minimal.ids)
    last = kg_bundle.show_remaining(bundle, least).minimal
    assert last.ids == bundle.minimal.ids
    assert last.removed == bundle.minimal.removed
    bare = replace(bundle, minimal=None)
    assert kg_bundle.show_remaining(bare, 1) == bare


@needs_family
def test_a_fact_added_by_a_person_says_so():
    removed = Edit("remove", SISTER, "mother", ANSWER)
    readded = Edit("add", ANSWER, "daughter", SISTER)
    query = replace(QUERY, edits=(removed, readded))
    answer = kg.answer(query)
    fact = tuple(reasoner(query).graph.triples[-1].tolist())
    found = kg.Explanation(ANSWER, "deletion", (kg.EvidenceFact(fact, 2, 0.1, 0.2),), (), 1.0, 9)
    bundle = kg_bundle.make_bundle(answer, answer.rows[0], found, created=CREATED)
    assert bundle.evidence[0].fact == (ANSWER, "daughter", SISTER)
    assert bundle.evidence[0].provenance.source == "added by a person"
    assert bundle.evidence[0].provenance.licence == ""
    assert [(edit.op, edit.fact) for edit in bundle.overlay] == [
        ("remove", (SISTER, "mother", ANSWER)),
        ("add", (ANSWER, "daughter", SISTER)),
    ]


def test_the_id_depends_on_question_answer_and_ranking_only():
    first = kg_bundle.bundle_id(QUERY, "a")
    assert first == kg_bundle.bundle_id(replace(QUERY), "a")
    others = {
        kg_bundle.bundle_id(QUERY, "b"),
        kg_bundle.bundle_id(QUERY, "a", "attention"),
        kg_bundle.bundle_id(replace(QUERY, inverse=True), "a"),
        first,
    }
    assert len(others) == 4
