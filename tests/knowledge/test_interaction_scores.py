"""Types and orders from path network and vote, against sums written out."""

import numpy as np
import pytest

from core.knowledge.calibration import softmax
from core.knowledge.interaction_scores import (
    ORDER_LIMIT,
    PATH_SMOOTHING,
    combine,
    log_habit,
    log_shares,
    order_features,
    order_probabilities,
)

DIRECTED = np.array([True, True, False])
NO_VOTE = np.zeros((2, 1, 3))
EVEN = np.zeros((2, 1, 3))


def test_a_type_the_network_excludes_stays_within_reach_of_the_vote():
    logits, votes = np.array([[50.0, 0.0, 0.0]]), np.array([[0.0, 2.0, 0.0]])
    [sure, excluded, _] = log_shares(logits)[0]
    assert excluded == pytest.approx(np.log(PATH_SMOOTHING), abs=1e-5)
    assert sure == pytest.approx(np.log((1 - PATH_SMOOTHING) * 3 + PATH_SMOOTHING))
    weights = {"path": 0.3, "vote": 0.7}
    assert combine(weights, logits, votes)[0].argmax() == 1
    assert combine({"path": 1.0, "vote": 0.1}, logits, votes)[0].argmax() == 0


def test_without_a_vote_the_network_decides_alone():
    logits = np.array([[1.0, 2.0, 0.0]])
    found = combine({"path": 1.0, "vote": 0.7}, logits, np.zeros((1, 3)))
    expected = (1 - PATH_SMOOTHING) * softmax(logits) + PATH_SMOOTHING / 3
    np.testing.assert_allclose(softmax(found), expected, rtol=1e-6)


def test_what_frequent_types_get_from_both_is_taken_out_once():
    types = np.array([0, 0, 0, 0, 0, 0, 0, 0, 1])
    habit = log_habit(types, 3)
    shares = np.array([8, 1, 0]) / 9
    expected = np.log((1 - PATH_SMOOTHING) * shares * 3 + PATH_SMOOTHING)
    np.testing.assert_allclose(habit, expected)
    logits, votes = np.log([[0.5, 0.45, 0.05]]), np.array([[2.0, 1.9, 0.0]])
    weights = {"path": 0.5, "vote": 0.5}
    assert combine(weights, logits, votes)[0].argmax() == 0
    habits = {"habit": {"weight": -0.2, "log_shares": habit.tolist()}}
    difference = combine(weights | habits, logits, votes) - combine(weights, logits, votes)
    np.testing.assert_allclose(difference[0], -0.2 * expected)
    assert combine(weights | habits, logits, votes)[0].argmax() == 1


def test_order_weighs_vote_and_directed_types():
    logits = np.array([[[1.0, 2.0, 9.0]], [[0.5, 0.0, -9.0]]])
    votes = np.array([[[3.0, 0.0, 1.0]], [[0.0, 2.0, 0.0]]])
    vote = np.log(4 / 2)
    path = np.log(np.exp(1) + np.exp(2)) - np.log(np.exp(0.5) + 1)
    np.testing.assert_allclose(
        order_features(logits, votes, DIRECTED)[:, 0], [vote, path], rtol=1e-4
    )
    found = order_probabilities({"vote": 0.7, "path": 0.3}, logits, votes, DIRECTED)[:, 0]
    assert found[0] == pytest.approx(1 / (1 + np.exp(-0.7 * vote - 0.3 * path)), abs=1e-4)
    assert found.sum() == pytest.approx(1)
    turned = order_probabilities({"vote": 0.7, "path": 0.3}, logits[::-1], votes[::-1], DIRECTED)[
        :, 0
    ]
    np.testing.assert_allclose(turned, found[::-1])


@pytest.mark.parametrize("total", [1e-9, 1e6])
def test_order_is_even_without_votes_and_bounded_with_many(total):
    weights = {"vote": 1.0, "path": 1.0}
    assert order_probabilities(weights, EVEN, NO_VOTE, DIRECTED)[:, 0].tolist() == [0.5, 0.5]
    votes = NO_VOTE.copy()
    votes[0, 0, 0] = total
    found = order_probabilities(weights, EVEN, votes, DIRECTED)[0, 0]
    assert found == pytest.approx(0.5 if total < 1 else 1 / (1 + np.exp(-ORDER_LIMIT)), abs=1e-4)


def test_order_without_directed_types_rests_on_the_vote():
    votes = NO_VOTE.copy()
    votes[0, 0, 2] = 1.0
    features = order_features(EVEN + np.arange(3), votes, np.zeros(3, dtype=bool))
    assert features[:, 0].tolist() == [ORDER_LIMIT, 0]
