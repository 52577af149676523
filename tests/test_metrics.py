from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.metrics import (
    average_precision,
    classification_summary,
    filtered_ranks,
    multilabel_summary,
    precision_at_positives,
    ranking_summary,
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
