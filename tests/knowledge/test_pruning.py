"""Guided pruning: schedules by arithmetic, scores against least squares and magnitude pruning."""

import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.pruning import (
    Schedule,
    groups_of,
    partners_of,
    prune,
    reading_scores,
    writing_scores,
)


@pytest.fixture
def layers():
    rng = np.random.default_rng(0)
    prior = rng.choice([-1, 0, 1], (12, 12), p=[0.1, 0.8, 0.1])
    return {
        "w": rng.standard_normal((5, 12)), "c": rng.standard_normal((12, 5)),
        "s": rng.random((5, 12)), "prior": prior, "partners": partners_of(prior),
    }  # fmt: skip


def test_published_schedule_leaves_four_percent_after_200_epochs():
    schedule = Schedule(first_epoch=3, first_share=0.7, every=10, further_share=0.1)
    shares = [schedule.share(epoch) for epoch in range(1, 201)]
    assert [k + 1 for k, share in enumerate(shares) if share][:3] == [3, 13, 23]
    assert (shares[2], shares[12], sum(share > 0 for share in shares)) == (0.7, 0.1, 20)
    assert schedule.sparsity(200) == pytest.approx(1 - 0.3 * 0.9**19)
    assert schedule.sparsity(2) == 0
    assert Schedule(0, 0.7, 10, 0.1).sparsity(200) == 0


@pytest.mark.parametrize("target", [0.5, 0.7, 0.95])
def test_a_schedule_ends_at_the_sparsity_asked_for(target):
    schedule = Schedule(first_epoch=3, first_share=0.7, every=10, further_share=0.1)
    found = schedule.towards(target, 100)
    assert found.sparsity(100) == pytest.approx(target)
    assert found.sparsity(3) == min(0.7, target)
    assert schedule.towards(target, 5).sparsity(5) == pytest.approx(target)


def test_partners_share_targets():
    prior = np.array([[0, 1, -1], [0, -1, 0], [1, 0, 0]])
    np.testing.assert_array_equal(partners_of(prior), [[2, 1, 0], [1, 1, 0], [0, 0, 1]])


def test_regulators_with_like_targets_are_read_by_one_neuron():
    prior = np.zeros((8, 8))
    prior[0, 3:8], prior[1, 3:6], prior[2, [3, 7]], prior[5, [1, 2]] = 1, -1, 1, 1
    np.testing.assert_array_equal(
        np.argwhere(groups_of(prior, 6)), [[0, 0], [1, 1], [2, 2], [3, 5]]
    )
    # regulator 2 shares a target with 1 (cosine .41) and two with 0 (.63); 5 shares none
    np.testing.assert_array_equal(
        np.argwhere(groups_of(prior, 2)), [[0, 0], [0, 2], [1, 1], [1, 5]]
    )
    assert not groups_of(np.zeros((3, 3)), 2).any()


def test_without_trust_scores_order_weights_by_their_size(layers):
    mask = np.ones((5, 12), bool)
    first = reading_scores(layers["w"], mask, layers["s"], layers["partners"], 0.0)
    np.testing.assert_allclose(first, np.abs(layers["w"]) / np.abs(layers["w"]).sum())
    second = writing_scores(layers["c"], mask.T, first, layers["prior"], 0.0)
    np.testing.assert_allclose(second, np.abs(layers["c"]) / np.abs(layers["c"]).sum())
    kept = prune(first, mask, 0.7)
    largest = np.sort(np.abs(layers["w"]).reshape(-1))[-18:]
    np.testing.assert_array_equal(np.sort(np.abs(layers["w"])[kept]), largest)


def test_full_trust_does_not_see_the_weights(layers):
    mask = np.random.default_rng(1).random((5, 12)) < 0.8
    one, other = (
        reading_scores(w, mask, layers["s"], layers["partners"], 1.0)
        for w in (layers["w"], -3 * layers["w"] ** 2)
    )
    np.testing.assert_array_equal(one, other)
    one, other = (
        writing_scores(c, mask.T, one, layers["prior"], 1.0)
        for c in (layers["c"], np.zeros((12, 5)))
    )
    np.testing.assert_array_equal(one, other)


def test_the_prior_parts_solve_their_least_squares(layers):
    mask = np.ones((5, 12), bool)
    first = reading_scores(layers["w"], mask, layers["s"], layers["partners"], 1.0)
    groups = np.linalg.lstsq(layers["s"].T, layers["partners"], rcond=None)[0]
    np.testing.assert_allclose(first, np.abs(groups) / np.abs(groups).sum())
    second = writing_scores(layers["c"], mask.T, first, layers["prior"], 1.0)
    targets = np.linalg.lstsq(first.T, np.abs(layers["prior"]), rcond=None)[0].T
    np.testing.assert_allclose(second, np.abs(targets) / np.abs(targets).sum())


def test_a_prior_that_the_neurons_can_hold_is_found_again():
    # two neurons, each reads one regulator that has targets of its own
    prior = np.zeros((6, 6))
    prior[0, 2:4], prior[1, 4:6] = 1, -1
    reads = np.zeros((2, 6))
    reads[0, 0], reads[1, 1] = 1, 1
    scores = writing_scores(np.ones((6, 2)), np.ones((6, 2), bool), reads, prior, 1.0)
    np.testing.assert_allclose(scores, np.array([[0, 0], [0, 0], *[[1, 0]] * 2, *[[0, 1]] * 2]) / 4)


def test_pruning_removes_the_lowest_of_what_is_left():
    mask = np.array([[True, True, False], [True, True, True]])
    scores = np.array([[5.0, 1.0, 0.0], [1.0, 2.0, 9.0]])
    np.testing.assert_array_equal(
        prune(scores, mask, 0.5), [[True, False, False], [False, True, True]]
    )
    np.testing.assert_array_equal(
        prune(scores, mask, 0.39), [[True, False, False], [True, True, True]]
    )
    assert mask.sum() == 5


def test_neurons_without_weights_break_nothing(layers):
    mask = np.ones((5, 12), bool)
    mask[2] = False
    reads = np.where(mask, layers["s"], 0)
    first = reading_scores(layers["w"], mask, reads, layers["partners"], 0.5)
    second = writing_scores(layers["c"], mask.T, first, layers["prior"], 0.5)
    assert np.isfinite(first).all()
    assert np.isfinite(second).all()
    assert not first[2].any()
    assert not reading_scores(layers["w"], ~mask & False, reads, layers["partners"], 0.5).any()


def test_shapes_must_agree(layers):
    with pytest.raises(ShapeError, match="must agree"):
        writing_scores(layers["w"], np.ones((5, 12), bool), layers["s"], layers["prior"], 0.5)
