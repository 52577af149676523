import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.metrics import filtered_ranks, ranking_summary


@pytest.mark.parametrize(
    ("scores", "known", "expected"),
    [
        ([3, 2, 1], [1, 0, 0], 1.0),  # alone at the top
        ([2, 3, 1], [1, 0, 0], 2.0),  # one better
        ([2, 2, 2], [1, 0, 0], 2.0),  # tied with two: mean of 1, 2, 3
        ([2, 3, 2], [1, 1, 0], 1.5),  # the better one is known and left out; one tie
        ([0, 5, 0, 0, 7], [1, 0, 0, 0, 0], 4.0),  # two better, two ties: mean of 3, 4, 5
    ],
)
def test_ranks_by_hand(scores, known, expected):
    ranks = filtered_ranks(
        np.array([scores], dtype=float), np.array([known], dtype=bool), np.array([0]), np.array([0])
    )
    assert ranks.tolist() == [expected]


@given(st.lists(st.integers(0, 3), min_size=3, max_size=7), st.data())
def test_ranks_equal_the_mean_over_all_orders_of_ties(values, data):
    scores = np.array([values], dtype=float)
    known = np.array(
        [data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))]
    )
    known[0, 1] = True
    rivals = [v for i, v in enumerate(values) if not known[0, i]]
    best = 1 + sum(v > values[1] for v in rivals)
    worst = 1 + sum(v >= values[1] for v in rivals)
    ranks = filtered_ranks(scores, known, np.array([0]), np.array([1]))
    assert ranks[0] == (best + worst) / 2


def test_an_answer_that_is_not_known_is_refused():
    with pytest.raises(ShapeError, match="known answers"):
        filtered_ranks(np.zeros((1, 2)), np.zeros((1, 2), bool), np.array([0]), np.array([1]))
    with pytest.raises(ShapeError, match="agree pairwise"):
        filtered_ranks(np.zeros((1, 2)), np.zeros((1, 3), bool), np.array([0]), np.array([1]))


def test_summary_by_hand():
    found = ranking_summary(np.array([1.0, 2.0, 4.0, 20.0]))
    assert found["mrr"] == pytest.approx((1 + 0.5 + 0.25 + 0.05) / 4)
    assert (found["hits_at_1"], found["hits_at_3"], found["hits_at_10"]) == (0.25, 0.5, 0.75)
    assert found["mean_rank"] == 6.75
    assert ranking_summary(np.array([]))["mrr"] == 0.0
