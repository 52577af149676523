"""Addresses of questions about molecules: there and back, and whatever else an address may hold."""

from dataclasses import replace

import pytest

from core.serving.mol_card import TaskCard
from core.serving.mol_permalink import (
    examples,
    from_parameters,
    store,
    to_parameters,
)
from core.serving.molecular_property import Question
from core.serving.molecule_table import Lists, parse_text
from tests.serving.toy_molecules import (
    ASKED,
    NITRO,
    PLAIN,
    lists_of,
    serve_from,
    write_artifacts,
)

QUESTION = Question("protonet-toy", lists_of(NITRO, PLAIN, ASKED), strip_salts=False, threshold=0.7)


@pytest.fixture(autouse=True, scope="module")
def artifacts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("trained")
        serve_from(write_artifacts(root, "protonet", "par"), patch)
        yield root


def test_a_question_there_and_back():
    parameters = to_parameters(QUESTION, "C2")
    assert set(parameters) == {
        "model", "active", "inactive", "predict", "salts", "threshold", "row",
    }  # fmt: skip
    link = from_parameters(parameters)
    assert link.query == QUESTION
    assert (link.row, link.example, link.ignored) == ("C2", False, ())


def test_nothing_asked_is_the_first_example_by_the_preferred_model():
    link = from_parameters({})
    assert link.example
    assert link.query == Question("par-toy", examples()[0].lists)
    assert to_parameters(link.query) == {"model": "par-toy", "example": examples()[0].id}
    chosen = {"model": "ridge-toy", "example": examples()[0].id, "standardise": "0"}
    link = from_parameters(chosen)
    assert (link.query.model, link.query.standardise, link.example) == ("ridge-toy", False, True)
    assert to_parameters(link.query) == chosen


@pytest.mark.parametrize(
    ("changed", "ignored"),
    [
        ({"model": "svm-toy"}, ("model",)),
        ({"model": "pacia-toy"}, ("model",)),  # not here
        ({"threshold": "2"}, ("threshold",)),
        ({"threshold": "nan"}, ("threshold",)),
        ({"salts": "maybe"}, ("salts",)),
        ({"row": "C99"}, ("row",)),
        ({"row": "../etc"}, ("row",)),
        ({"active": "x" * 6_001}, ("active",)),
        ({"example": "none"}, ("example",)),
        ({"what": "1"}, ("what",)),
    ],
)
def test_what_does_not_fit_is_left_out_and_named(changed, ignored):
    link = from_parameters(to_parameters(QUESTION) | changed)
    assert link.ignored == ignored
    assert link.query is not None
    assert link.query.lists.candidate == QUESTION.lists.candidate


def test_long_questions_are_stored():
    long = parse_text("\n".join(f"{'C' * 60} molecule {n}" for n in range(200)))
    block = parse_text(
        "ethanol\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n"
        "    0.0000    0.0000    0.0000 C   0  0\nM  END\n"
    )
    card = TaskCard("pacia-toy", "0" * 64, "", 1, 1, "0" * 64, 1, ())
    for question in (
        replace(QUESTION, lists=QUESTION.lists.with_role("candidate", long)),
        replace(QUESTION, lists=QUESTION.lists.with_role("active", block)),
        replace(QUESTION, card=card),
    ):
        assert to_parameters(question) is None
        stored = store(question, {})
        link = from_parameters({"result": stored, "row": "C1", "model": "x"})
        assert (link.query, link.row, link.ignored) == (question, "C1", ("model",))
    link = from_parameters({"result": stored, "row": "C500"})
    assert (link.row, link.ignored) == ("", ("row",))


def test_a_stored_question_that_is_gone_or_has_no_model_leaves_the_example():
    link = from_parameters({"result": "nothing"})
    assert link.example
    assert link.ignored == ("result",)
    gone = store(replace(QUESTION, model="pacia-toy"), {})
    assert from_parameters({"result": gone}).ignored == ("result",)


def test_without_any_model_there_is_no_question(tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        serve_from(tmp_path, patch)
        assert from_parameters({"model": "par-toy"}).query is None


def test_the_lists_of_an_example_are_not_repeated():
    assert len({one.id for one in examples()}) == len(examples())
    assert all(isinstance(one.lists, Lists) and one.sentence for one in examples())
