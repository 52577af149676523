"""A person's own items: read from a file, scored by the network in two steps."""

import json

import numpy as np
import pytest

from core.errors import InputError
from core.serving import rec_bundle, rec_evidence, rec_items, rec_permalink
from core.serving.rec_items import keep_items, model_of, read_items
from core.serving.rec_model import open_model
from core.serving.rec_next import next_items
from core.serving.recommendation import Question, answer
from tests.serving.toy_ratings import (
    BIAS,
    GENRE_TASTE,
    NAME,
    NUM,
    TASTE,
    serve_from,
    write_artifact_at,
)

FILE = b"""Title;Genres;Year
Nightfall (1975);Horror|Sci-Fi;1975
Laughing;comedy;1992
Strange;Western, Horror;2007
Bare;;
"""
GIVEN = (("f03", 9.0), ("f08", 2.0), ("own 2", 7.0))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def _serve(root, monkeypatch):
    serve_from(root, monkeypatch)


def test_a_file_with_items_and_what_is_not_understood():
    found = read_items("own.csv", FILE, open_model(NAME))
    assert found.items.ids == ("own 1", "own 2", "own 3", "own 4")
    assert found.items.titles == ("Nightfall (1975)", "Laughing", "Strange", "Bare")
    genres, decades = found.items.fields
    assert [genres.of(row) for row in range(4)] == [("Horror", "Sci-Fi"), ("Comedy",),
                                                    ("Horror",), ()]  # fmt: skip
    assert [decades.of(row) for row in range(4)] == [("1970s",), ("1990s",), (), ()]
    assert [one.code for one in found.findings] == ["RC-E08", "RC-E08"]
    assert "Not known: western" in found.findings[0].text
    assert "in 2 of 4 rows" in found.findings[1].text


def test_files_that_hold_no_items(root, monkeypatch, tmp_path):
    model = open_model(NAME)
    for content, code in (
        (b"genres,year\nDrama,1975\n", "UP-E04"), (b"", "UP-E05"), (b"PK\x03\x04rest", "UP-E0"),
        (b"title\n" + b"x\n" * 2_001, "UP-E06"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=code):
            read_items("own.csv", content, model)
    write_artifact_at(tmp_path, item_fields=[])
    serve_from(tmp_path, monkeypatch)
    with pytest.raises(InputError, match="RC-E22"):
        read_items("own.csv", FILE, open_model(NAME))
    serve_from(root, monkeypatch)
    with pytest.raises(InputError, match="RC-E21"):
        model_of(Question(NAME, items="nothing"))


def test_own_items_are_scored_from_their_fields():
    kept = keep_items("own.csv", FILE, open_model(NAME))
    question = Question(NAME, GIVEN, items=kept, hide_rated=False)
    found = answer(question)
    genre = np.array([[row % 4, (row // 4) % 4] for row in range(NUM)])
    genre.sort(1)
    once = genre[:, 0] == genre[:, 1]
    genre[once, 1] = -1
    vectors = np.concatenate([
        TASTE + GENRE_TASTE[genre].mean(1),
        GENRE_TASTE[np.array([[2, 3], [0, -1], [2, -1], [-1, -1]])].mean(1),
    ])  # fmt: skip
    bias = np.append(BIAS, np.full(4, BIAS.mean()))
    rows, ratings = np.array([3, 8, NUM + 1]), np.array([9, 2, 7])
    residual = ratings - bias[rows]
    score = bias + residual.mean() + vectors @ (residual[:, None] * vectors[rows]).mean(0)
    own = score[NUM:]
    assert [row.item for row in found.rows] == [f"own {k + 1}" for k in np.argsort(-own)]
    for row in found.rows:
        number = int(row.item[4:]) - 1
        assert row.rating == pytest.approx(np.clip(own[number], 1, 10), abs=1e-4)
        assert (row.low, row.high) == (None, None)
    assert "that nobody has rated" in found.coverage_note
    assert found.of("own 2").rated == 7
    assert model_of(question).methods == ("coldnas", "fold_in", "offset", "popularity")
    assert [row.item for row in answer(Question(NAME, GIVEN, items=kept)).rows] == [
        row.item for row in found.rows if row.item != "own 2"
    ]


def test_own_items_that_resemble_rated_ones(tmp_path, monkeypatch):
    """Resemblance of sets of genres and of decades, by hand, times the given residuals."""
    own = {"fields": {"decade": 0.25, "genres": 2.0}, "shrink": 3.0}
    write_artifact_at(tmp_path, resemblance=own)
    kept = keep_items("own.csv", FILE, open_model(NAME))
    plain = {one.item: one for one in answer(Question(NAME, GIVEN[:2], items=kept)).rows}
    serve_from(tmp_path, monkeypatch)
    question = Question(NAME, GIVEN[:2], items=kept)
    model = model_of(question)
    found = {one.item: one for one in answer(question).rows}
    residual = (np.array([9, 2]) - BIAS[[3, 8]]) / 2
    # genres of films 3 and 8: Comedy + Sci-Fi, Comedy + Horror; both of the 1970s
    alike = {"own 1": (0.25 + 2 / 4, 0.25 + 2 / 4), "own 2": (2 / 2, 2 / 2), "own 3": (0, 2 / 2),
             "own 4": (0, 0)}  # fmt: skip
    for item, values in alike.items():
        moved = plain[item].rating + residual @ np.array(values)
        assert found[item].rating == pytest.approx(model.clip(moved), abs=1e-4)


def test_evidence_of_own_items_and_their_address():
    kept = keep_items("own.csv", FILE, open_model(NAME))
    question = Question(NAME, GIVEN, items=kept)
    found = answer(question)
    row = found.rows[0]
    explanation = rec_evidence.explain(question, row.item)
    bundle = rec_bundle.bundle(
        found, row, explanation, rec_evidence.check(question, row.item, explanation.cited),
        rec_evidence.minimise(question, row.item), created="2026-01-02T03:04:05+00:00",
    )  # fmt: skip
    assert json.loads(bundle.dumps())["query"]["items"] == kept
    assert rec_permalink.to_parameters(question) is None
    stored = rec_permalink.store(question, bundle.to_json())
    assert rec_permalink.from_parameters({"result": stored, "item": row.item}).query == question
    assert {one.item for one in next_items(question)}.isdisjoint(dict(GIVEN))
    assert rec_items.KIND == "rating-items"
