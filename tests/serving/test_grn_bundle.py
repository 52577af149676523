"""Edges of a regulator as a bundle: valid, complete, drawn by their classes."""

import json

import networkx
import pytest

from core.evidence.bundle import Bundle
from core.render import exchange
from core.render.bundle import draw_bundle, with_positions
from core.serving import gene_regulation as grn
from core.serving.grn_bundle import bundle, bundle_id, network_bundle
from core.serving.grn_evidence import Explanation
from core.serving.grn_question import Question
from tests.serving import toy_regulation as toy

NOW = "2026-11-21T10:00:00+00:00"


@pytest.fixture(scope="module")
def answer(home) -> grn.Answer:
    question = Question("upload:bundle")
    toy.write(home / "trained", question.artifact)
    return grn.answer(question)


def make(answer: grn.Answer, name: str) -> Bundle:
    regulator = answer.regulator(name)
    explanation = Explanation(answer.network, answer.edges_of(regulator))
    check = explanation.check() if explanation.measurable else None
    return bundle(answer, regulator, explanation, check, created=NOW)


def test_a_regulator_with_its_check_is_a_valid_bundle(answer):
    found = make(answer, "R2")
    assert Bundle.loads(found.dumps()) == found
    assert found.answer.value == "R2 regulates 5 genes"
    assert found.answer.score == pytest.approx(found.check["score_all"])
    assert {item.group for item in found.evidence} == {"kept", "new"}
    assert set(found.minimal.ids) | set(found.minimal.removed) == {
        item.id for item in found.evidence
    }
    assert found.layout[0].label == "R2"
    assert found.layout[0].role == "query"


def test_a_regulator_without_edges_in_the_model_has_no_check(answer):
    found = make(answer, "R4")
    assert Bundle.loads(found.dumps()) == found
    assert found.check is None
    assert found.answer.value == "R4 regulates 0 genes"


def test_the_drawing_shows_what_became_of_each_edge(answer):
    drawing = draw_bundle(make(answer, "R2"))
    names = {node.id: node.label for node in drawing.nodes}
    drawn = {names[edge.target]: (edge.color, edge.dash, edge.double) for edge in drawing.edges}
    assert drawn["T7"] == ("kept", "", False)
    assert drawn["T10"] == ("added", "", True)
    assert {edge.short for edge in drawing.edges} == {""}
    assert any("R2 activates T10" in edge.name for edge in drawing.edges)
    refused = draw_bundle(make(answer, "R4")).edges
    assert {edge.dash for edge in refused} == {"6 4"}
    own = draw_bundle(make(answer, "R3"))
    assert sorted(edge.status for edge in own.edges) == ["contradicted", "prior kept"]
    texts = [entry.text for entry in own.legend]
    assert texts == [
        "query", "Gene", "solid blue = in the prior, kept",
        "solid brown = opposite of the prior", "pointed = activates", "bar = represses",
    ]  # fmt: skip
    bar = next(edge for edge in own.edges if "represses" in edge.name)
    arrow = next(edge for edge in own.edges if "activates" in edge.name)
    assert (bar.head.count("L"), arrow.head.count("L")) == (3, 2)


def test_targets_stand_around_their_regulator_and_keep_their_places(answer):
    found = make(answer, "R1")
    drawing = draw_bundle(found)
    assert (drawing.nodes[0].label, drawing.nodes[0].x, drawing.nodes[0].y) == ("R1", 0, 0)
    assert draw_bundle(with_positions(found)) == drawing
    column = draw_bundle(found, orientation="down")
    assert column.width < drawing.width
    assert len({node.x for node in column.nodes}) == 2


def test_the_whole_network_goes_to_other_tools(answer):
    found = network_bundle(answer, created=NOW)
    lines = exchange.to_sif(found).splitlines()
    assert len(lines) == answer.num_edges
    assert "R1\trepresses\tT6" in lines
    graph = networkx.parse_graphml(exchange.to_graphml(found))
    assert graph.number_of_edges() == answer.num_edges
    nodes = json.loads(json.dumps(exchange.to_cx2(found), allow_nan=False))[4]["nodes"]
    assert {node["v"]["name"] for node in nodes} >= {"R1", "T12"}
    kinds = {item.label: item.kind for item in found.evidence}
    assert sum(kind == "prior_edge" for kind in kinds.values()) == 13


def test_ids_are_equal_for_equal_questions():
    one = Question("upload:x", 0.5)
    assert bundle_id(one, "R1") == bundle_id(Question("upload:x", 0.5), "R1")
    others = {bundle_id(one, "R1"), bundle_id(one, "R2"), bundle_id(Question("upload:x"), "R1")}
    assert len(others) == 3
