import json
from dataclasses import replace

import pytest

from core.evidence.bundle import Bundle
from core.render.bundle import draw_bundle
from core.serving import ddi_bundle, ddi_evidence, kg_bundle
from core.serving import drug_interaction as ddi
from core.settings import settings

CREATED = "2026-01-02T03:04:05+00:00"
QUERY = ddi.Query("starter", "ketoconazole", "simvastatin")
needs_starter = pytest.mark.skipif(
    not (settings().trained / "emergnn-starter-s1" / "card.json").is_file(),
    reason="the artifact emergnn-starter-s1 is not in the folder of trained models",
)


def test_drugs_stand_outside_and_what_both_are_linked_to_in_the_middle():
    # 0 - 5 - 1; 0 - 6 - 7 - 1
    facts = [(0, 3, 5), (1, 4, 5), (0, 3, 6), (7, 9, 6), (7, 0, 1)]
    assert ddi_bundle.find_layers(0, 1, facts) == {0: 0, 6: 1, 5: 2, 7: 3, 1: 4}
    assert ddi_bundle.find_layers(1, 0, facts) == {1: 0, 7: 1, 5: 2, 6: 3, 0: 4}


def test_layers_that_nothing_stands_in_are_left_out():
    assert ddi_bundle.find_layers(0, 1, [(0, 3, 5), (1, 4, 5)]) == {0: 0, 5: 1, 1: 2}
    assert ddi_bundle.find_layers(0, 1, [(0, 3, 1)]) == {0: 0, 1: 1}
    assert ddi_bundle.find_layers(0, 1, []) == {0: 0, 1: 1}
    assert ddi_bundle.find_layers(0, 1, [(0, 3, 6), (8, 0, 9)]) == {0: 0, 6: 1, 8: 2, 9: 2, 1: 3}


@pytest.fixture(scope="module")
def parts():
    answer = ddi.answer(QUERY)
    row = next(row for row in answer.rows if row.type_id == "metabolism-decreased")
    found = ddi_evidence.explain(QUERY, row)
    check = ddi_evidence.check(QUERY, row, found.items)
    smallest = ddi_evidence.minimise(QUERY, row, [item.fact for item in found.facts])
    return answer, row, found, check, smallest


@needs_starter
def test_the_bundle_is_valid_and_says_what_was_measured(parts):
    bundle = ddi_bundle.bundle(QUERY, *parts, created=CREATED)
    answer, row, found, check, smallest = parts
    assert Bundle.loads(bundle.dumps()) == bundle
    value = json.loads(bundle.dumps())
    assert value["domain"] == "ddi"
    assert value["query"]["question"] == "How do ketoconazole and simvastatin interact?"
    assert (value["query"]["drug1"], value["query"]["setting"]) == (row.head_id, answer.setting)
    assert value["answer"]["value"] == row.sentence
    assert value["answer"]["rank"] == 1 + answer.rows.index(row)
    assert value["answer"]["score"] == row.probability
    assert value["check"]["delta_remove"] == check.delta_remove
    assert value["check"]["verdict"] == check.verdict
    assert len(value["confidence"]["set"]) == answer.set_size
    assert value["confidence"]["coverage_measured"] == answer.coverage
    assert value["model"]["name"] == answer.model
    assert value["cost"]["latency_ms"] == answer.seconds * 1000
    ids = [item["id"] for item in value["evidence"]]
    assert sorted(value["minimal"]["ids"] + value["minimal"]["removed"]) == sorted(ids)
    assert len(value["minimal"]["ids"]) == len(smallest.items)
    for item, fact in zip(value["evidence"], found.facts, strict=True):
        assert item["fact"] == list(fact.ids)
        assert item["weight"] == fact.deletion
        assert item["weight_kind"] == "deletion effect"
        assert item["label"].startswith(fact.sentence)
        assert item["provenance"]["source"]


@needs_starter
def test_both_drugs_are_the_question_and_facts_towards_the_left_are_marked(parts):
    bundle = ddi_bundle.bundle(QUERY, *parts, created=CREATED)
    layers = {place.id: place.layer for place in bundle.layout}
    ends = [place for place in bundle.layout if place.role == "query"]
    assert [place.label for place in ends] == ["ketoconazole", "simvastatin"]
    assert [place.layer for place in ends] == [0, max(layers.values())]
    assert {place.role for place in bundle.layout} == {"query", "other"}
    marked = [item for item in bundle.evidence if item.label.endswith(ddi_bundle.AGAINST)]
    against = [item for item in bundle.evidence if layers[item.source] > layers[item.target]]
    assert marked == against != []
    cyp = next(place for place in bundle.layout if place.label.startswith("CYP3A4"))
    near = [item for item in bundle.evidence if cyp.id in (item.source, item.target)]
    assert {item.provenance.licence for item in near} == {"public domain (US government work)"}
    drawing = draw_bundle(kg_bundle.show_remaining(bundle, len(bundle.evidence)))
    assert len(drawing.nodes) == len(bundle.layout)


@needs_starter
def test_attention_has_another_id_and_other_weights(parts):
    answer, row = parts[:2]
    found = ddi_evidence.explain(QUERY, row, ranking="attention")
    bundle = ddi_bundle.bundle(QUERY, answer, row, found, created=CREATED)
    assert {item.weight_kind for item in bundle.evidence} == {"attention"}
    assert [item.weight for item in bundle.evidence] == [item.attention for item in found.facts]
    assert (bundle.check, bundle.minimal) == (None, None)
    assert bundle.id != ddi_bundle.bundle_id(QUERY, row)
    assert {item.group for item in bundle.evidence} >= {"path 1"}


@needs_starter
def test_a_new_compound_an_edit_and_where_their_facts_come_from():
    compound = ddi.NewDrug(
        "XY-1", "CCNCCC(c1ccccc1)Oc1ccc(cc1)C(F)(F)F", (("inhibitor-strong", "CYP3A4"),)
    )
    added = ("simvastatin", "blocks", "OPRM1")
    query = ddi.Query("starter", compound, "simvastatin", added=(added,))
    answer = ddi.answer(query)
    row = next(
        row
        for row in answer.rows
        if (row.type_id, row.head_id) == ("metabolism-decreased", "new:1")
    )
    found = ddi_evidence.explain(query, row)
    assert found.nodes[0].id == "CYP3A4"
    bundle = ddi_bundle.bundle(query, answer, row, found, created=CREATED)
    assert Bundle.loads(bundle.dumps()) == bundle
    [fact] = [
        item for item in bundle.evidence if item.fact[:1] == ("new:1",) and "CYP3A4" in item.fact
    ]
    assert fact.label == "XY-1 is a strong inhibitor of CYP3A4 (cytochrome P450 3A4)"
    assert fact.provenance.source == "added by a person"
    assert [(edit.op, edit.fact) for edit in bundle.overlay] == [("add", added)]
    assert bundle.layout[0].label == "XY-1"
    asked = ddi_evidence.asked_of(query, row)
    alike = [note for note in asked.origins.values() if note.source == ddi_evidence.COMPUTED]
    assert len(alike) >= 1  # fluoxetine with one carbon more
    assert bundle.query["first"]["name"] == "XY-1"


@needs_starter
def test_without_a_path_the_bundle_holds_both_drugs_and_says_why():
    compound = ddi.NewDrug("XY-2", "[Na+].[Cl-]")
    query = ddi.Query("starter", compound, "simvastatin")
    answer = ddi.answer(query)
    assert not answer.joined
    found = ddi_evidence.explain(query, answer.rows[0])
    check = ddi_evidence.check(query, answer.rows[0], found.items)
    bundle = ddi_bundle.bundle(query, answer, answer.rows[0], found, check, created=CREATED)
    assert Bundle.loads(bundle.dumps()) == bundle
    assert bundle.evidence == ()
    assert [place.role for place in bundle.layout] == ["query", "query"]
    assert bundle.confidence.domain_reason == found.notice
    assert "no path" in found.notice.casefold()
    changed = replace(answer.rows[0], probability=0.5)
    assert ddi_bundle.bundle_id(query, changed) == bundle.id
