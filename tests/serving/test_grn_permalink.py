"""Addresses of questions about gene regulation: there and back, and what does not fit."""

from dataclasses import replace

import pytest

from core.serving import gene_regulation as grn
from core.serving import grn_uploads
from core.serving.grn_permalink import from_parameters, to_parameters
from core.serving.grn_question import Question
from core.settings import settings
from core.store import Store
from tests.serving import toy_regulation as toy


@pytest.fixture
def example(home, monkeypatch) -> Question:
    """The toy network as the only example."""
    toy.write(home / "examples")
    kept = replace(settings(), trained=home / "examples")
    monkeypatch.setattr(grn, "settings", lambda: kept)
    monkeypatch.setattr("core.serving.artifact.settings", lambda: kept)
    return Question("example:toy")


@pytest.fixture
def upload(home) -> str:  # noqa: ARG001 - the store lies there
    return Store.open().save_upload(
        name="mine.csv", content=b"x", kind=grn_uploads.KIND, summary={}
    )


def test_without_data_the_example_is_asked(example):
    link = from_parameters({})
    assert (link.query, link.example, link.ignored) == (example, True, ())
    assert to_parameters(example) == {"example": "toy"}
    opened = from_parameters({"example": "toy", "regulator": "R3"})
    assert (opened.query, opened.regulator) == (example, "R3")


def test_settings_go_there_and_back(example, upload):
    for question in (
        Question(f"upload:{upload}", 0.35, 0.9, 4, 12),
        Question(f"upload:{upload}"),
        replace(example, trust=0.0),
    ):
        link = from_parameters(to_parameters(question, "a b"))
        assert (link.query, link.regulator, link.ignored) == (question, "a b", ())
        assert not link.example


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("trust", "1.5"), ("trust", "nan"), ("sparsity", "0.2"), ("resamples", "900"),
        ("seed", "-1"), ("seed", "¹"), ("example", "none"), ("regulator", "nobody"),
        ("result", "unknown"), ("upload", "../../etc"), ("other", "x"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named_and_left_out(example, name, value):
    link = from_parameters({"example": "toy", name: value})
    assert link.ignored == (name,)
    assert name not in to_parameters(link.query, link.regulator) or name == "example"
    assert link.query == example


def test_an_upload_of_another_kind_is_no_measurement(example):
    other = Store.open().save_upload(name="g.csv", content=b"x", kind="kg", summary={})
    assert from_parameters({"upload": other}).ignored == ("upload",)
    assert from_parameters({"upload": other}).query == example


@pytest.mark.usefixtures("example")
def test_a_stored_question_comes_back(upload):
    question = Question(f"upload:{upload}", 0.5)
    stored = Store.open().save_prediction(
        domain="grn", query=question.to_json(), bundle={"id": "x"}
    )
    assert from_parameters({"result": stored}).query == question
    foreign = Store.open().save_prediction(domain="kg", query={}, bundle={"id": "y"})
    assert from_parameters({"result": foreign}).ignored == ("result",)
