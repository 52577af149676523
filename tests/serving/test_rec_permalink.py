"""Addresses: there and back, and values that do not fit."""

import pytest

from core.serving import rec_permalink
from core.serving.rec_permalink import Link, from_parameters, to_parameters
from core.serving.recommendation import Question, answer
from tests.serving.toy_ratings import NAME, serve_from, write_artifact_at

FULL = Question(
    NAME, (("f03", 9.0), ("f08", 2.5)), "offset", False, 5, (1980, 1985), ("Drama", "Sci-Fi"), 10
)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def _serve(root, monkeypatch):
    serve_from(root, monkeypatch)


def test_there_and_back():
    for question in (FULL, Question(NAME), Question(NAME, (("f03", 9.0),))):
        assert from_parameters(to_parameters(question, "f05")) == Link(question, "f05")
    assert to_parameters(Question(NAME, (("f03", 9.0),))) == {"model": NAME, "rated": "9 f03"}


def test_values_that_do_not_fit_are_ignored_and_named():
    good = to_parameters(FULL, "f05")
    for name, value in (
        ("rated", "9 f99"), ("rated", "11 f03"), ("rated", "nan f03"), ("rated", "f03"),
        ("rated", "9 f03\n2 f03"), ("rated", "9 f03\n" * 5_000), ("method", "melu"), ("n", "0"),
        ("n", "1e3"), ("n", "²"), ("newest", "51"), ("kinds", "Drama\nWestern"), ("hide", "2"),
        ("item", "f99"), ("from", "later"), ("surprise", "1"),
    ):  # fmt: skip
        link = from_parameters(good | {name: value})
        assert link.ignored == (name,)
        assert link.query.model == NAME
    assert from_parameters(good | {"from": "1990"}).query.years is None
    assert from_parameters({"model": NAME, "to": "1975"}).query.years == (1970, 1975)


def test_a_model_alone_is_asked_its_example():
    link = from_parameters({"model": NAME, "n": "3"})
    assert link.example
    assert link.query.given == rec_permalink.example_question().given
    assert link.query.length == 3
    assert to_parameters(Question(NAME)) == {"model": NAME, "rated": "-"}


def test_without_a_model_the_example_is_asked():
    link = from_parameters({})
    assert link.example
    assert link.ignored == ()
    assert len(link.query.given) == 5
    assert from_parameters({"model": "coldnas-nowhere"}).ignored == ("model",)
    found = answer(link.query)
    assert len(found.rows) == 10
    assert found.notices == ()


def test_the_example_of_other_items_rates_those_that_are_known_most():
    assert rec_permalink.example_question().given == (
        ("f00", 9.0), ("f01", 4.0), ("f02", 10.0), ("f03", 3.0), ("f04", 8.0),
    )  # fmt: skip


def test_the_example_rates_well_known_films_where_they_are(tmp_path, monkeypatch):
    films = [title for title, _ in rec_permalink.EXAMPLE] + [f"Film {n} (2001)" for n in range(19)]
    catalogue = {"ids": [f"id{n}" for n in range(24)], "titles": films, "fields": []}
    write_artifact_at(tmp_path, catalogue=catalogue, scale={"low": 1, "high": 5, "step": 1})
    serve_from(tmp_path, monkeypatch)
    assert rec_permalink.example_question().given == (
        ("id0", 5.0), ("id1", 2.0), ("id2", 5.0), ("id3", 2.0), ("id4", 4.0),
    )  # fmt: skip


def test_without_any_model_there_is_no_question(tmp_path, monkeypatch):
    serve_from(tmp_path, monkeypatch)
    assert from_parameters({"model": NAME}) == Link(None, example=True, ignored=("model",))


def test_long_questions_are_stored():
    odd = Question(NAME, FULL.given, user=(("age", "30"),))
    assert to_parameters(odd) is None
    kept = rec_permalink.store(odd, {})
    assert from_parameters({"result": kept, "item": "f05"}) == Link(odd, "f05")
    assert from_parameters({"result": kept, "item": "f99", "n": "5"}) == Link(
        odd, "", ignored=("item", "n")
    )
    missing = from_parameters({"result": "no such id"})
    assert (missing.example, missing.ignored) == (True, ("result",))
    stale = rec_permalink.store(Question(NAME, (("gone", 5.0),)), {})
    assert from_parameters({"result": stale}).ignored == ("result",)
