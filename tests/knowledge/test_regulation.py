"""Expression, networks and what became of a prior."""

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.regulation import Network, Trajectory, classify, steps_of

GENES = ("a", "b", "c")


def network(*edges, signed=True):
    return Network.from_edges(GENES, edges, signed=signed)


def test_steps_pair_neighbouring_times_of_one_sample_only():
    first = Trajectory(np.array([0.0, 2.0, 3.0]), np.arange(9, dtype=np.float32).reshape(3, 3))
    second = Trajectory(np.array([0.0, 5.0]), np.full((2, 3), 7, np.float32))
    before, after, between = steps_of((first, second), np.zeros(3))
    assert between.tolist() == [2, 1, 5]
    assert before[:, 0].tolist() == [0, 3, 7]
    assert after[:, 0].tolist() == [3, 6, 7]


def test_what_was_not_measured_is_never_filled_by_what_comes_later():
    nan = np.nan
    values = np.array([[0, 1, nan], [nan, 2, 5], [4, nan, 6]], np.float32)
    sample = Trajectory(np.array([0.0, 1.0, 4.0]), values)
    before, after, _ = steps_of((sample,), np.array([0.3, 0.4, 0.5]))
    np.testing.assert_allclose(before, [[0, 1, 0.5], [0.3, 2, 5]])
    np.testing.assert_array_equal(after, [[nan, 2, nan], [nan, nan, 6]])
    assert before.dtype == after.dtype == np.float32


@pytest.mark.parametrize(
    "times", [np.array([0.0, 0.0]), np.array([1.0, 0.0]), np.array([0.0, np.nan])]
)
def test_times_that_do_not_increase_are_refused(times):
    with pytest.raises(ShapeError, match="increase"):
        Trajectory(times, np.zeros((2, 3), np.float32))


def test_relocated_moves_the_share_and_keeps_number_and_signs():
    matrix = np.zeros((20, 20), np.float32)
    matrix.reshape(-1)[:40] = np.where(np.arange(40) % 4 == 0, -1, 1)
    prior = Network(tuple(str(k) for k in range(20)), matrix)
    moved = prior.relocated(0.25, np.random.default_rng(0))
    assert moved.num_edges == 40
    assert np.count_nonzero((matrix != 0) & (moved.matrix == 0)) == 10
    assert (moved.matrix < 0).sum() == (matrix < 0).sum()


def test_another_order_names_the_same_edges():
    prior = network(("a", "b", 1), ("c", "a", -1))
    turned = prior.in_order(("c", "x", "a", "b"))
    assert {(turned.genes[i], turned.genes[j], turned.matrix[i, j]) for i, j in turned.edges()} == {
        ("a", "b", 1), ("c", "a", -1)
    }  # fmt: skip
    assert prior.in_order(("a", "c")).num_edges == 1
    with pytest.raises(ShapeError, match="twice"):
        prior.in_order(("a", "a"))


def test_classes_of_edges():
    prior = network(("a", "b", 1), ("a", "c", 1), ("b", "c", -1))
    effect = network(("a", "b", 0.2), ("b", "c", 0.1), ("c", "a", -3.0)).matrix
    classes = classify(effect, prior)
    assert classes[0].tolist() == ["", "kept", "refused"]
    assert classes[1].tolist() == ["", "", "contradicted"]
    assert classes[2].tolist() == ["new", "", ""]
    unsigned = Network(GENES, np.abs(prior.matrix), signed=False)
    assert classify(effect, unsigned)[1, 2] == "kept"
