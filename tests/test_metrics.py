from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.metrics import (
    average_precision,
    catalogue_summary,
    classification_summary,
    filtered_ranks,
    mean_out_degree,
    multilabel_summary,
    ndcg,
    network_summary,
    precision_at_positives,
    ranking_summary,
    rating_summary,
    roc_auc,
)


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


# --- one type per pair


def test_classification_by_hand():
    # type 2 is only predicted, type 3 occurs nowhere: F1 over types 0, 1, 2
    found = classification_summary(np.array([0, 0, 0, 1]), np.array([0, 0, 2, 1]), 4)
    assert found["f1"] == pytest.approx((2 * 2 / 5 + 1 + 0) / 3)
    assert found["accuracy"] == 0.75
    chance = (3 * 2 + 1 * 1 + 0 * 1) / 16
    assert found["kappa"] == pytest.approx((0.75 - chance) / (1 - chance))


def test_always_the_same_type_has_no_kappa():
    labels = np.array([0, 0, 1, 2])
    found = classification_summary(labels, np.zeros(4, int), 3)
    assert found == {"f1": pytest.approx(2 * 2 / 6 / 3), "accuracy": 0.5, "kappa": 0.0}
    same = classification_summary(np.zeros(3, int), np.zeros(3, int), 2)
    assert same == {"f1": 1.0, "accuracy": 1.0, "kappa": 0.0}
    empty = np.zeros(0, int)
    assert classification_summary(empty, empty, 2) == {"f1": 0.0, "accuracy": 0.0, "kappa": 0.0}


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=20))
def test_classification_equals_counting_in_loops(pairs):
    labels, predicted = np.array(pairs).T
    f1 = []
    for kind in set(labels) | set(predicted):
        hits = sum(a == b == kind for a, b in pairs)
        missed = sum(a == kind != b for a, b in pairs)
        wrong = sum(b == kind != a for a, b in pairs)
        precision = hits / (hits + wrong) if hits + wrong else 0
        recall = hits / (hits + missed) if hits + missed else 0
        both = precision + recall
        f1.append(2 * precision * recall / both if both else 0)
    agreed = sum(a == b for a, b in pairs) / len(pairs)
    chance = sum(a == b for a in labels for b in predicted) / len(pairs) ** 2
    found = classification_summary(labels, predicted, 5)
    assert found["f1"] == pytest.approx(sum(f1) / len(f1))
    assert found["accuracy"] == pytest.approx(agreed)
    if chance < 1:
        assert found["kappa"] == pytest.approx((agreed - chance) / (1 - chance))


def test_types_out_of_range_are_refused():
    with pytest.raises(ShapeError, match=r"0\.\.2, got 0\.\.3"):
        classification_summary(np.array([0, 3]), np.array([0, 0]), 3)
    with pytest.raises(ShapeError, match="must be"):
        classification_summary(np.array([0, 1]), np.array([0]), 3)


# --- several types per pair


@pytest.mark.parametrize(
    ("positive", "negative", "precision", "area", "top"),
    [
        ([3, 2], [1, 0], 1.0, 1.0, 1.0),
        ([3, 1], [2, 0], (1 + 2 / 3) / 2, 0.75, 0.5),
        ([1, 1], [1, 1], 0.5, 0.5, 0.5),  # no order at all
        ([2, 1], [1, 0], (1 + 2 / 3) / 2, 0.875, 0.75),  # tie at the cut: one of two
        ([0], [1, 1, 1], 0.25, 0.0, 0.0),
    ],
)
def test_ranking_of_positives_by_hand(positive, negative, precision, area, top):
    sides = np.array(positive, float), np.array(negative, float)
    assert average_precision(*sides) == pytest.approx(precision)
    assert roc_auc(*sides) == pytest.approx(area)
    assert precision_at_positives(*sides) == pytest.approx(top)


few_scores = st.lists(st.integers(0, 2), min_size=1, max_size=3)


@given(few_scores, few_scores)
def test_ranking_of_positives_equals_loops(positive, negative):
    sides = np.array(positive, float), np.array(negative, float)
    rows = [(score, 1) for score in positive] + [(score, 0) for score in negative]
    area = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert roc_auc(*sides) == pytest.approx(np.mean(area))
    before, total = 0.0, 0.0
    for cut in sorted(set(positive + negative), reverse=True):
        kept = [label for score, label in rows if score >= cut]
        recall = sum(kept) / len(positive)
        total += (recall - before) * sum(kept) / len(kept)
        before = recall
    assert average_precision(*sides) == pytest.approx(total)
    orders = [
        sum(label for _, label in sorted(order, key=lambda row: -row[0])[: len(positive)])
        for order in permutations(rows)  # sorted keeps the order of ties
    ]
    assert precision_at_positives(*sides) == pytest.approx(np.mean(orders) / len(positive))


def test_effects_are_measured_on_the_pairs_that_carry_them():
    labels = np.array([[1, 0, 0], [1, 1, 0]], bool)
    positive = np.array([[2.0, 0.0, 0.0], [2.0, 0.0, 0.0]])
    negative = np.array([[1.0, 9.0, 9.0], [1.0, 1.0, 9.0]])
    found = multilabel_summary(positive, negative, labels)  # effect 0 perfect, effect 1 reversed
    assert found == {"pr_auc": pytest.approx(0.75), "roc_auc": 0.5, "accuracy": 0.5}
    nothing = multilabel_summary(positive, negative, np.zeros_like(labels))
    assert nothing == {"pr_auc": 0.0, "roc_auc": 0.0, "accuracy": 0.0}
    with pytest.raises(ShapeError, match=r"must be \(n, T\)"):
        multilabel_summary(positive, negative[:1], labels)


LOG3 = np.log2(3)


@pytest.mark.parametrize(
    ("truth", "predicted", "k", "expected"),
    [
        ([3, 2, 1], [9, 8, 7], 3, 1),  # best order
        ([3, 2, 1], [1, 2, 3], 3, (1 + 3 / LOG3 + 7 / 2) / (7 + 3 / LOG3 + 1 / 2)),  # reversed
        ([3, 2, 1], [1, 2, 3], 1, 1 / 7),
        ([3, 2, 1], [1, 2, 3], 2, (1 + 3 / LOG3) / (7 + 3 / LOG3)),
        ([3, 2, 1], [4, 4, 4], 1, 11 / 3 / 7),  # any of the three may come first
        ([3, 2, 1], [5, 4, 4], 3, (7 + 2 / LOG3 + 2 / 2) / (7 + 3 / LOG3 + 1 / 2)),  # two tied
        ([5], [-2], 5, 1),  # fewer items than ranks
        ([1, 0], [0, 1], 5, 1 / LOG3),
        ([0, 0, 0], [3, 1, 2], 3, 1),  # nothing to order
        ([-2, -1], [1, 0], 3, 1),  # below 0 counts as 0
        ([0, 1, 0], [2, 1, 1], 2, 0.5 / LOG3),
    ],
)
def test_ndcg_by_hand(truth, predicted, k, expected):
    assert ndcg(np.array(truth), np.array(predicted), k) == pytest.approx(expected)


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=5),
    st.integers(1, 6),
)
def test_ndcg_is_the_mean_over_all_orders_of_ties(pairs, k):
    def dcg(ratings):
        return sum((2**y - 1) / np.log2(rank + 1) for rank, y in enumerate(ratings[:k], 1))

    best = dcg(sorted((y for y, _ in pairs), reverse=True))
    orders = [
        dcg([y for y, _ in sorted(order, key=lambda pair: -pair[1])])  # keeps the order of ties
        for order in permutations(pairs)
    ]
    expected = np.mean(orders) / best if best else 1
    assert ndcg(*np.array(pairs).T, k) == pytest.approx(expected)


def test_ndcg_of_large_ratings_does_not_overflow():
    assert ndcg(np.array([2000, 1000]), np.array([1, 0]), 3) == 1
    assert ndcg(np.array([2000, 1000]), np.array([0, 1]), 3) == pytest.approx(1 / LOG3)


def test_rating_errors_are_averaged_per_user_first():
    truth = [np.array([3.0, 2, 1]), np.array([5.0])]
    predicted = [np.array([1.0, 2, 3]), np.array([4.0])]
    reversed_order = (1 + 3 / LOG3 + 7 / 2) / (7 + 3 / LOG3 + 1 / 2)
    assert rating_summary(truth, predicted) == {
        "mse": pytest.approx((8 / 3 + 1) / 2),
        "mae": pytest.approx((4 / 3 + 1) / 2),
        "ndcg@3": pytest.approx((reversed_order + 1) / 2),
        "ndcg@5": pytest.approx((reversed_order + 1) / 2),
    }
    assert rating_summary([], []) == {"mse": 0, "mae": 0, "ndcg@3": 0, "ndcg@5": 0}
    with pytest.raises(ShapeError, match="as many predicted ratings"):
        rating_summary(truth, predicted[::-1])


def test_lists_from_the_whole_catalogue_by_hand():
    count = np.array([8, 4, 4, 0, 1])  # popularity 0.9, 0.6, 0.6, 0.1, 0.3
    scores = [np.array([5.0, 4, 3, 2, 1]), np.array([1.0, 2, 3, 4, 5]), np.zeros(5)]
    given = [np.array([0]), np.array([], int), np.array([3])]
    liked = [np.array([2, 3]), np.array([0]), np.array([], int)]
    found = catalogue_summary(scores, given, liked, count, k=2)
    # lists: items 1 and 2; items 4 and 3; two of items 0, 1, 2, 4, each with probability 1/2
    assert found["recall@2"] == pytest.approx((1 / 2 + 0) / 2)
    assert found["coverage"] == pytest.approx((0.5 + 1 + 1 + 1 + 1) / 5)
    assert found["popularity_bias"] == pytest.approx(((0.6 - 0.35) + (0.2 - 0.9)) / 2)


def test_a_tie_at_the_end_of_the_list_counts_in_part():
    scores = [np.array([3.0, 2, 2, 2, 1])]
    found = catalogue_summary(scores, [np.array([], int)], [np.array([1])], np.ones(5), k=2)
    expected = {"recall@2": 1 / 3, "coverage": 0.4, "popularity_bias": 0}
    assert found == pytest.approx(expected)


def test_lists_that_cannot_be_judged():
    nothing = {"recall@10": 0, "coverage": 0, "popularity_bias": 0}
    assert catalogue_summary([], [], [], np.ones(3)) == nothing
    all_given = catalogue_summary([np.ones(3)], [np.arange(3)], [np.array([], int)], np.ones(3))
    assert all_given == nothing
    with pytest.raises(ShapeError, match="scores, given items and liked items"):
        catalogue_summary([np.ones(3)], [], [], np.ones(3))
    with pytest.raises(ShapeError, match="3 scores, one per item"):
        catalogue_summary([np.ones(2)], [np.array([0])], [np.array([1])], np.ones(3))


def test_network_by_hand():
    truth = np.array([[0, 1, -1], [0, 0, 0], [0, 1, 0]])
    effect = np.array([[9.0, 0.5, 0.2], [0.1, -9.0, 0.0], [0, 0, 9.0]])
    summary = network_summary(effect, truth)
    assert summary["recall"] == pytest.approx(2 / 3)
    assert summary["balanced_accuracy"] == pytest.approx((2 / 3 + 2 / 3) / 2)  # 2 of 3 others
    assert summary["precision"] == pytest.approx(2 / 3)
    assert summary["roc_auc"] == pytest.approx((3 + 3 + 0 + 2 * 0.5) / 9)  # 0.5, 0.2, 0 against
    assert summary["sign_accuracy"] == pytest.approx(1 / 2)  # 0.1, 0, 0
    judged = network_summary(effect, truth, np.array([True, True, False]))
    assert judged["recall"] == 1
    assert judged["balanced_accuracy"] == pytest.approx((1 + 1 / 2) / 2)
    nothing = network_summary(np.zeros((3, 3)), truth)
    assert nothing["balanced_accuracy"] == nothing["roc_auc"] == 0.5
    assert nothing["precision"] == nothing["sign_accuracy"] == 0


def test_network_of_chance_scores_one_half():
    rng = np.random.default_rng(0)
    truth = rng.random((200, 200)) < 0.02
    guess = rng.standard_normal((200, 200)) * (rng.random((200, 200)) < 0.3)
    summary = network_summary(guess, truth)
    assert summary["balanced_accuracy"] == pytest.approx(0.5, abs=0.05)
    assert summary["roc_auc"] == pytest.approx(0.5, abs=0.05)
    assert network_summary(truth * 2.0, truth)["balanced_accuracy"] == 1


def test_network_shapes_are_checked():
    with pytest.raises(ShapeError, match="must be"):
        network_summary(np.zeros((2, 3)), np.zeros((2, 3)))
    with pytest.raises(ShapeError, match="with and pairs without"):
        network_summary(np.zeros((3, 3)), np.zeros((3, 3)))


def test_out_degree_counts_regulators_only():
    effect = np.array([[5, 1, -1, 1], [0, 7, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    assert mean_out_degree(effect) == pytest.approx((3 + 1) / 2)
    assert mean_out_degree(np.zeros((3, 3))) == 0
