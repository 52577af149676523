"""Evidence bundles of recommended items, and what is made of them."""

import csv
import io
import json

import networkx
import numpy as np
import pytest

from core.evidence.bundle import Bundle
from core.knowledge.modulation import RELEASED
from core.render import exchange
from core.render.bundle import draw_bundle
from core.render.svg import draw_svg
from core.render.tables import to_safe_csv
from core.serving import rec_bundle, rec_evidence, rec_export, rec_next
from core.serving.kg_bundle import show_remaining
from core.serving.recommendation import Question, answer
from tests.serving.toy_ratings import IDS, NAME, NUM, expected, serve_from, write_artifact_at

GIVEN = (("f03", 9.0), ("f08", 2.0), ("f14", 7.0), ("f17", 4.0), ("f21", 10.0))
CREATED = "2026-01-02T03:04:05+00:00"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def _serve(root, monkeypatch):
    serve_from(root, monkeypatch)


def made(given=GIVEN, place=0, **more):
    question = Question(NAME, given, **more)
    found = answer(question)
    row = found.rows[place]
    explanation = rec_evidence.explain(question, row.item)
    check = minimal = None
    if explanation.cited:
        check = rec_evidence.check(question, row.item, explanation.cited)
        minimal = rec_evidence.minimise(question, row.item)
    return rec_bundle.bundle(found, row, explanation, check, minimal, created=CREATED), explanation


def test_a_bundle_comes_back_equal_from_its_text():
    bundle, explanation = made()
    again = Bundle.loads(bundle.dumps())
    assert again.dumps() == bundle.dumps()
    assert again.check["verdict"] in ("SUPPORTED", "PARTLY", "NOT SUPPORTED")
    assert again.domain == "rec"
    ratings = {one.id: one.weight for one in again.evidence if one.kind == "rating"}
    assert ratings == {one.id: one.own for one in explanation.influences}
    kept = [one for one in again.evidence if one.kind == "operator"]
    assert len(kept) == RELEASED.size
    assert {one.weight for one in kept} == {0.9, 0.8, 0.7, 0.6}
    assert (again.confidence.level, again.confidence.coverage_measured) == (0.9, 0.893)
    assert (again.model.params, again.model.params_adapted) == (1_234, 12)
    assert {*again.minimal.ids, *again.minimal.removed} == set(explanation.cited)


def test_shared_properties_stand_between_the_items():
    bundle, _ = made()
    between = [place.label for place in bundle.layout if place.layer == 1]
    item = IDS.index(bundle.query["item"])
    genres = {(item % 4), (item // 4) % 4}
    for label in between:
        name, _, value = label.partition(": ")
        number = ("Comedy", "Drama", "Horror", "Sci-Fi", "1970s", "1980s", "1990s").index(value)
        assert (number in genres) if name == "genres" else number - 4 == item // 10
        ends = [one for one in bundle.evidence if label in (one.source, one.target)]
        assert [one.target for one in ends if one.source == label] == [bundle.query["item"]]
        for one in ends:
            if one.target == label:
                rated = IDS.index(one.source)
                assert number in {rated % 4, (rated // 4) % 4} or number - 4 == rated // 10
    assert between


def test_properties_that_the_model_compares_say_how_much_they_count(tmp_path, monkeypatch):
    write_artifact_at(tmp_path, resemblance={"fields": {"genres": 0.8, "decade": 0.0}})
    serve_from(tmp_path, monkeypatch)
    bundle, _ = made()
    shared = [one for one in bundle.evidence if one.group == "shared"]
    assert {one.relation for one in shared} == {"genres"}
    for one in shared:
        assert one.label.endswith("; sharing all of it counts 0.80 for the model.")
        assert one.label.startswith("Film ")


def test_pictures_and_files():
    bundle, explanation = made()
    drawing = draw_bundle(bundle)
    assert "thickest" in drawing.width_note
    assert drawing.width_note.startswith("width = lift of this item beyond that of all")
    assert "<title>" in draw_svg(drawing)
    graph = networkx.parse_graphml(exchange.to_graphml(bundle))
    edges = [one for one in bundle.evidence if one.source and one.target]
    assert graph.number_of_edges() == len(edges)
    cx2 = exchange.to_cx2(bundle)
    assert len(next(part["edges"] for part in cx2 if "edges" in part)) == len(edges)
    rows = list(csv.DictReader(io.StringIO(exchange.to_csv(bundle))))
    assert len(rows) == len(bundle.evidence)
    json.dumps(exchange.to_cytoscape(bundle))
    shown = show_remaining(bundle, len(explanation.cited))
    assert shown.minimal.removed == ()


def test_many_ratings_are_listed_and_the_strongest_drawn():
    given = tuple((IDS[row], float(1 + 4 * row % 10)) for row in range(12))
    bundle, explanation = made(given)
    Bundle.loads(bundle.dumps())
    ratings = [one for one in bundle.evidence if one.kind == "rating"]
    assert len(ratings) == 12
    drawn = {one.id for one in ratings if one.source}
    assert len(drawn) == 8
    assert set(explanation.cited) <= drawn
    assert {place.id for place in bundle.layout if place.layer == 0} == drawn
    assert len(draw_bundle(bundle, size="more").edges) > 8


def test_without_ratings_there_is_a_bundle_too():
    bundle, _ = made(())
    assert bundle.confidence.domain_flag == "borderline"
    assert {one.kind for one in bundle.evidence} == {"operator"}
    Bundle.loads(bundle.dumps())
    level, _ = made(method="offset")
    assert level.confidence.set == ()
    assert {one.kind for one in level.evidence} == {"rating", "edge"}


def test_the_table_of_a_list():
    found = answer(Question(NAME, GIVEN, length=7))
    header, rows = rec_export.cells(found)
    read = list(csv.DictReader(io.StringIO(to_safe_csv(rows, header))))
    assert [row["id"] for row in read] == [row.item for row in found.rows]
    assert float(read[0]["predicted"]) == pytest.approx(found.rows[0].rating, abs=1e-6)
    assert read[0]["level"] == "0.9"


def test_the_next_question_is_known_and_telling():
    """How far tastes move the other items against each other, worked out by hand."""
    found = rec_next.next_items(Question(NAME, (("f03", 9.0),)), NUM)
    every = np.arange(NUM)
    by_hand = {}
    for row in range(NUM):
        moved = [
            (expected([3, row], [9, rating], every) - expected([3], [9], every)).std()
            for rating in (3.25, 7.75)
        ]
        by_hand[IDS[row]] = (100 - row) / 100 * sum(moved) / 2
    del by_hand["f03"]
    assert [one.item for one in found] == sorted(by_hand, key=by_hand.get, reverse=True)
    for one in found:
        assert one.score == pytest.approx(by_hand[one.item], rel=1e-4)
    assert len(rec_next.next_items(Question(NAME), 3)) == 3
