import subprocess
import sys

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.few_shot import (
    draw_support,
    label_rate_scores,
    nearest_neighbour_scores,
    prototype_scores,
    ridge_scores,
)
from core.knowledge.fingerprint_models import forest_scores, logistic_scores

CLASSIFIERS = (
    prototype_scores, ridge_scores, nearest_neighbour_scores, logistic_scores, forest_scores
)  # fmt: skip


@pytest.fixture
def bits():
    """Two families of fingerprints: 6 inactive and 4 active support molecules, 20 + 20 queries."""
    rng = np.random.default_rng(0)
    family = rng.random((2, 64)) < 0.4

    def like(which, number):
        return (family[which] ^ (rng.random((number, 64)) < 0.1)).astype(np.uint8)

    support = np.concatenate([like(0, 6), like(1, 4)])
    return support, np.repeat([0, 1], [6, 4]), np.concatenate([like(0, 20), like(1, 20)])


@pytest.mark.parametrize("scores", CLASSIFIERS)
def test_every_classifier_tells_two_families_apart(scores, bits):
    found = scores(*bits)
    assert found.shape == (40,)
    assert found[:20].max() < 0.5 < found[20:].min()
    assert found.min() >= 0
    assert found.max() <= 1


@pytest.mark.parametrize("scores", CLASSIFIERS[:-1])  # a forest draws molecules by their place
def test_order_of_the_support_does_not_matter(scores, bits):
    support, labels, query = bits
    order = np.random.default_rng(1).permutation(len(labels))
    again = scores(support[order], labels[order], query)
    assert again == pytest.approx(scores(support, labels, query), abs=1e-6)


@pytest.mark.parametrize("scores", CLASSIFIERS[:-1])
def test_a_class_given_three_times_weighs_no_more(scores, bits):
    support, labels, query = bits
    rows = np.concatenate([np.arange(10), np.arange(6), np.arange(6)])
    found = scores(support[rows], labels[rows], query)
    if scores is ridge_scores:  # λ knows how many molecules there are
        assert np.corrcoef(found, scores(support, labels, query))[0, 1] > 0.99
    elif scores is logistic_scores:  # so does the weight of its penalty
        assert found[:20].max() < 0.5 < found[20:].min()
    else:
        assert found == pytest.approx(scores(support, labels, query), abs=1e-6)


@pytest.mark.parametrize("scores", CLASSIFIERS)
@pytest.mark.parametrize(
    ("support", "labels", "query"), [((4, 3), [1, 1, 1, 1], (2, 3)), ((4, 3), [0, 1], (2, 3)),
                                     ((2, 3), [0, 1], (2, 4))],
)  # fmt: skip
def test_one_class_and_other_sizes_are_refused(scores, support, labels, query):
    with pytest.raises(ShapeError, match="support"):
        scores(np.ones(support), np.array(labels), np.ones(query))


def test_prototypes_by_hand():
    # squared distances of (3, 0): 9 to the inactive mean (0, 0), 1 to the active mean (2, 0)
    support = np.array([[-1.0, 0], [1, 0], [2, 0]])
    found = prototype_scores(support, np.array([0, 0, 1]), np.array([[3.0, 0], [1, 5]]))
    assert found == pytest.approx([1 / (1 + np.exp(-4)), 0.5])
    found = prototype_scores(support, np.array([0, 0, 1]), np.array([[3.0, 0]]), scale=0.25)
    assert found == pytest.approx([1 / (1 + np.exp(-2))])


def test_ridge_solves_the_normal_equations_with_equal_weight_of_classes():
    rng = np.random.default_rng(2)
    support, query = rng.normal(3, 2, (9, 4)), rng.normal(3, 2, (5, 4))
    labels = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1])
    weight = np.diag(np.repeat([1 / 12, 1 / 6], [6, 3]))
    y = np.where(labels == 1, 1.0, -1.0)
    center = weight.sum(0) @ support
    covariance = (support - center).T @ weight @ (support - center)
    strength = np.linalg.eigvalsh(covariance).sum() / 8
    design = np.hstack([support, np.ones((9, 1))])
    penalty = np.diag([strength] * 4 + [0])  # the intercept is free
    b = np.linalg.solve(design.T @ weight @ design + penalty, design.T @ weight @ y)
    wanted = 1 / (1 + np.exp(-2 * np.hstack([query, np.ones((5, 1))]) @ b))
    assert ridge_scores(support, labels, query) == pytest.approx(wanted)


def test_ridge_does_not_depend_on_scale_and_says_half_when_all_are_alike():
    rng = np.random.default_rng(3)
    support, query, labels = rng.normal(size=(6, 9)), rng.normal(size=(4, 9)), np.arange(6) % 2
    found = ridge_scores(support, labels, query)
    assert ridge_scores(1000 * support + 7, labels, 1000 * query + 7) == pytest.approx(found)
    assert ridge_scores(np.ones((6, 9)), labels, query).tolist() == [0.5] * 4


def test_nearest_neighbour_by_hand():
    support = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [0, 1, 1, 1]])
    # to the first query: 1/3 inactive; 1/3 and 1/2 active
    query = np.array([[0, 1, 1, 0], [0, 0, 0, 0]])
    found = nearest_neighbour_scores(support, np.array([0, 1, 1]), query)
    assert found == pytest.approx([(1 + 2 / 3 - 1 / 3) / 2, 0.5])


def test_label_rate_by_hand():
    labels = np.array([[1, 1, -1], [0, 0, 0], [-1, -1, -1], [1, -1, -1]])
    # 3 of 6 measured labels are active
    assert label_rate_scores(labels) == pytest.approx([2.5 / 3, 0.5 / 4, 0.5, 1.5 / 2])


def test_support_is_balanced_without_replacement_and_fresh():
    labels = np.array([1] * 5 + [0] * 8 + [-1] * 4)
    rng = np.random.default_rng(0)
    first, second = draw_support(labels, 4, rng), draw_support(labels, 4, rng)
    assert labels[first].tolist() == [0] * 4 + [1] * 4
    assert len(set(first)) == 8
    assert first.tolist() != second.tolist()
    assert (draw_support(labels, 4, np.random.default_rng(0)) == first).all()


def test_a_small_class_is_gone_through_again():
    labels = np.array([1, 1, 0, 0, 0, 0, 0])
    drawn = draw_support(labels, 5, np.random.default_rng(0))
    assert sorted(drawn[:5]) == [2, 3, 4, 5, 6]
    assert drawn[5:7].tolist() == drawn[7:9].tolist()
    assert sorted(drawn[5:7]) == [0, 1]
    with pytest.raises(ShapeError, match="needs an inactive and an active"):
        draw_support(np.array([0, 0, -1]), 1, np.random.default_rng(0))


def test_importing_the_models_does_not_import_scikit_learn():
    code = "import sys, core.knowledge.fingerprint_models; sys.exit('sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
