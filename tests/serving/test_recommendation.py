"""Lists for a new user, with a model whose numbers can be worked out by hand."""

import numpy as np
import pytest

from core.errors import InputError
from core.serving import recommendation as rec
from core.serving.rec_influence import Influences, influences, reference_rows
from core.serving.recommendation import Question, answer, changes, compare
from tests.serving.toy_ratings import (
    BIAS,
    IDS,
    NAME,
    NUM,
    TITLES,
    expected,
    serve_from,
    write_artifact_at,
)

GIVEN = (("f03", 9.0), ("f08", 2.0), ("f14", 7.0), ("f17", 4.0), ("f21", 10.0))
PLACES, RATINGS = [3, 8, 14, 17, 21], [9, 2, 7, 4, 10]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture(autouse=True)
def _serve(root, monkeypatch):
    serve_from(root, monkeypatch)


def asked(given=GIVEN, **more):
    return Question(NAME, given, **more)


def best(score, but=()):
    """Rows by score, best first."""
    return [row for row in np.argsort(-np.asarray(score)).tolist() if row not in but]


def test_the_list_is_the_order_of_the_scores():
    found = answer(asked())
    score = expected(PLACES, RATINGS, np.arange(NUM))
    order = best(score, PLACES)
    assert [row.item for row in found.rows] == [IDS[row] for row in order[:10]]
    assert [row.rank for row in found.rows] == list(range(1, 11))
    for row, place in zip(found.rows, order, strict=False):
        assert row.rating == pytest.approx(np.clip(score[place], 1, 10), abs=1e-5)
        assert (row.title, row.year) == (TITLES[place], 1970 + place)
    popular = best(BIAS, PLACES)
    assert [row.popularity_rank for row in found.rows] == [
        popular.index(row) + 1 for row in order[:10]
    ]
    assert (found.num_given, found.num_candidates, found.notices) == (5, NUM - 5, ())


def test_intervals_stay_on_the_scale_and_say_what_was_measured():
    found = answer(asked())
    for row in found.rows:
        assert row.low == pytest.approx(max(row.rating - 2.5, 1))
        assert row.high == pytest.approx(min(row.rating + 2.5, 10))
    assert found.coverage_note == (
        "Promised 90%, measured 89.3% on 400 ratings of test users, 3 ratings given."
    )
    other = answer(asked(method="offset"))
    assert {row.low for row in other.rows} == {None}
    assert "has none here" in other.coverage_note


def test_from_no_rating_on_there_is_a_list():
    nothing = answer(asked(()))
    assert [row.item for row in nothing.rows] == [IDS[row] for row in best(BIAS)[:10]]
    assert [row.rank for row in nothing.rows] == [row.popularity_rank for row in nothing.rows]
    assert {row.because for row in nothing.rows} == {()}
    assert [one.code for one in nothing.notices] == ["RC-E01"]
    assert [one.code for one in answer(asked(GIVEN[:2])).notices] == ["RC-E01"]


def test_equal_ratings_give_the_list_by_popularity_and_say_so():
    found = answer(asked(tuple((item, 8.0) for item, _ in GIVEN)))
    assert (found.method, found.provider) == ("popularity", "numpy")
    assert [one.code for one in found.notices] == ["RC-E05"]
    assert [row.rank for row in found.rows] == [row.popularity_rank for row in found.rows]
    assert found.statement == (
        "The list is the same for everybody: your ratings change nothing in it."
    )


def test_filters_and_own_ratings():
    found = answer(asked(years=(1980, 1985), kinds=("Drama",), hide_rated=False))
    assert found.rows
    for row in found.rows:
        assert 1980 <= row.year <= 1985
        assert "Drama" in row.kinds
    everything = answer(asked(hide_rated=False, length=NUM))
    assert {row.item: row.rated for row in everything.rows if row.rated} == dict(GIVEN)
    with pytest.raises(InputError, match="RC-E14"):
        answer(asked(years=(1900, 1910)))
    with pytest.raises(InputError, match="RC-E11"):
        answer(asked(method="melu"))


def test_effects_are_those_of_leaving_a_rating_out():
    ranked = rec.rank(asked())
    shown = ranked.rows[:4]
    found = influences(ranked.model, ranked.given, shown, "coldnas")
    every = np.arange(NUM)
    whole = expected(PLACES, RATINGS, every)
    for place in range(5):
        rest = [k for k in range(5) if k != place]
        without = expected([PLACES[k] for k in rest], [RATINGS[k] for k in rest], every)
        effect = whole - without
        np.testing.assert_allclose(found.total[place], effect[shown], atol=1e-5)
        assert found.level[place] == pytest.approx(effect.mean(), abs=1e-5)
    np.testing.assert_allclose(found.own + found.level[:, None], found.total)


def test_a_row_names_what_lifts_it_more_than_others():
    found = answer(asked())
    effect = influences(rec.open_model(NAME), rec.rank(asked()).given,
                        [IDS.index(row.item) for row in found.rows], "coldnas")  # fmt: skip
    for place, row in enumerate(found.rows):
        strong = [k for k in np.argsort(-effect.own[:, place]) if effect.own[k, place] >= 0.09]
        assert [title for title, _ in row.because] == [TITLES[PLACES[k]] for k in strong[:2]]
        assert all(change >= 0.09 for _, change in row.because)
    assert 0 < found.level_share < 0.8


def test_a_method_that_only_knows_the_level_says_so():
    for method in ("offset", "none"):
        found = answer(asked(method=method))
        assert found.level_share == pytest.approx(1, abs=1e-4)
        assert "only say how high you rate" in found.statement
        assert {row.because for row in found.rows} == {()}


def test_share_of_the_level():
    assert Influences(np.array([[1.0, 3.0]]), np.array([2.0])).level_share == pytest.approx(2 / 3)
    assert Influences(np.zeros((1, 2)), np.zeros(1)).level_share == 1
    assert reference_rows(3).tolist() == [0, 1, 2]
    assert len(reference_rows(5_000)) == 256


def test_an_edit_shows_old_and_new_ranks():
    before, after = asked(), asked().with_rating("f21", 1.0)
    old = best(expected(PLACES, RATINGS, np.arange(NUM)), PLACES)
    new = best(expected(PLACES, [9, 2, 7, 4, 1], np.arange(NUM)), PLACES)
    found = answer(after, before)
    assert [row.rank_before for row in found.rows] == [
        old.index(IDS.index(row.item)) + 1 for row in found.rows
    ]
    assert found.rows[0].rank_before != 1
    table = changes(before, after)
    assert [one.item for one in table[:10]] == [IDS[row] for row in new[:10]]
    assert {one.item for one in table} == {IDS[row] for row in old[:10] + new[:10]}
    for one in table:
        assert one.rank_before == old.index(IDS.index(one.item)) + 1
        assert one.difference == pytest.approx(one.after - one.before)


def test_a_rating_taken_back_brings_its_item_back():
    after = asked().with_rating("f21", None)
    table = {one.item: one for one in changes(asked(), after)}
    if "f21" in table:
        assert (table["f21"].rank_before, table["f21"].difference) == (None, 0)
    again = after.with_rating("f21", 10.0)
    assert [row.rating for row in answer(again).rows] == [
        row.rating for row in answer(asked()).rows
    ]


def test_methods_side_by_side():
    found = compare(asked(), ("coldnas", "popularity", "offset"))
    assert found.correlations[0] == pytest.approx(1)
    assert found.correlations[1] == pytest.approx(found.correlations[2])  # one order, two levels
    assert found.correlations[1] < 0.9
    gaps = [one.disagreement for one in found.rows]
    assert gaps == sorted(gaps, reverse=True)
    top = found.rows[0]
    assert top.disagreement == (max(top.ranks) - min(top.ranks)) / (NUM - 5)


def test_only_listed_items_can_be_opened():
    found = answer(asked(length=3))
    assert found.of(found.rows[1].item) is found.rows[1]
    with pytest.raises(InputError, match="RC-E13"):
        found.of("f03")
