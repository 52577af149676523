"""Questions: plain values, limits, and ratings that cannot be used."""

import json

import pytest

from core.errors import InputError, UnknownName
from core.serving.rec_model import open_model
from core.serving.rec_question import Question, check_rating, read_given
from tests.serving.toy_ratings import NAME, serve_from, write_artifact_at


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def model(root, monkeypatch):
    serve_from(root, monkeypatch)
    return open_model(NAME)


def asked(*given, **more):
    return Question(NAME, given, **more)


def test_plain_values_restore_an_equal_question():
    question = asked(("f01", 9.0), ("f02", 2.0), years=(1980, 1990), kinds=("Drama",),
                     method="offset", hide_rated=False, length=5, newest=3)  # fmt: skip
    assert Question.from_json(json.loads(json.dumps(question.to_json()))) == question
    assert hash(question) == hash(Question.from_json(question.to_json()))


def test_limits():
    with pytest.raises(InputError, match="RC-E09"):
        asked(*((f"f{row}", 5.0) for row in range(501)))
    for length in (0, 101):
        with pytest.raises(InputError, match="RC-E10"):
            asked(length=length)


def test_one_rating_changed_added_and_taken_out():
    question = asked(("f01", 9.0), ("f02", 2.0))
    assert question.with_rating("f01", 4.0).given == (("f01", 4.0), ("f02", 2.0))
    assert question.with_rating("f03", 7.0).given[-1] == ("f03", 7.0)
    assert question.with_rating("f01", None).given == (("f02", 2.0),)


def test_ratings_become_rows_of_the_catalogue(model):
    given, remarks = read_given(asked(("f05", 9.0), ("f02", 2.0), ("f11", 4.0)), model)
    assert given.item.tolist() == [5, 2, 11]
    assert given.rating.tolist() == [9, 2, 4]
    assert remarks == []


def test_ratings_that_cannot_be_used(model):
    with pytest.raises(UnknownName, match=r'RC-E02.*Did you mean "Film 05 \(1975\)"'):
        read_given(asked(("Film 5 (1975)", 5.0)), model)
    with pytest.raises(InputError, match=r"RC-E03.*Film 05.*11 is not between 1 and 10"):
        read_given(asked(("f05", 11.0)), model)
    with pytest.raises(InputError, match=r"RC-E03.*row 8: 11 is not"):
        check_rating(11, model.scale, "row 8")
    with pytest.raises(InputError, match=r"RC-E04.*rated 5 and 2"):
        read_given(asked(("f05", 5.0), ("f05", 2.0)), model)


def test_what_is_worth_knowing(model):
    assert [one.code for one in read_given(asked(), model)[1]] == ["RC-E01"]
    same = asked(("f01", 7.0), ("f02", 7.0), ("f03", 7.0))
    assert [one.code for one in read_given(same, model)[1]] == ["RC-E05"]
    many = asked(*((f"f{row:02d}", float(row % 10 + 1)) for row in range(22)))
    given, remarks = read_given(many, model)
    assert [one.code for one in remarks] == ["RC-E07"]
    assert given.item.tolist() == list(range(2, 22))
