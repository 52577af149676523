from dataclasses import replace

import numpy as np
import pytest
import torch

from core.knowledge.rating_models import fit_factors
from core.knowledge.ratings import Catalogue, ColdStart, Episode, Field, Ratings, Scale
from core.training.ratings import HeldOut, RatingTask, RatingTraining, score_batch

NUM_USERS, NUM_ITEMS = 12, 8
SCALE = Scale(1, 5)


def toy(seed=0, train=()):
    rng = np.random.default_rng(seed)
    warm = tuple(
        Ratings.of(rng.permutation(NUM_ITEMS)[:7], rng.integers(1, 6, 7)) for _ in range(NUM_USERS)
    )
    episode = Episode(0, Ratings.of([0, 1], [5, 4]), Ratings.of([2, 3, 4], [1, 2, 3]))
    short = Episode(1, Ratings.of([5], [2]), Ratings.of([6], [4]))
    catalogue = Catalogue(tuple("abcdefgh"), tuple("ABCDEFGH"))
    users = (Field.from_rows("group", [["x"], []] + [["y"]] * (NUM_USERS - 2)),)
    return ColdStart(
        "toy", catalogue, SCALE, users, warm, tuple(range(NUM_USERS)), train, (episode, short),
        (episode,),
    )  # fmt: skip


def task(**more):
    data = toy(**more)
    return RatingTask(data, fit_factors(data.warm, NUM_ITEMS, SCALE, num_factors=2))


def test_episodes_side_by_side_are_padded_and_errors_are_means_of_users():
    one = task()
    batch = one.batch(one.data.valid)
    assert batch.user_field.tolist() == [[0], [-1]]
    assert batch.support_item.tolist() == [[0, 1], [5, 0]]
    assert batch.support_mask.tolist() == [[1, 1], [1, 0]]
    assert batch.query_rating.tolist() == [[1, 2, 3], [4, 0, 0]]
    score = torch.tensor([[2.0, 2.0, 5.0], [1.0, 99.0, 99.0]])
    assert batch.errors(score).tolist() == pytest.approx([(1 + 0 + 4) / 3, 9])
    assert batch.mean_error(score).item() == pytest.approx((5 / 3 + 9) / 2)


def test_numbers_of_items_hold_nothing_of_the_users_of_their_fold():
    data = toy()
    factors = fit_factors(data.warm, NUM_ITEMS, SCALE, num_factors=2, shrink=1.0)
    held_out = HeldOut.of(data, factors, 3, seed=0)
    assert sorted(np.bincount(held_out.fold)) == [4, 4, 4]
    for fold in range(3):
        others = [one for one, own in zip(data.warm, held_out.fold, strict=True) if own != fold]
        for item in range(NUM_ITEMS):
            rated = [one.rating[one.item == item] for one in others]
            rated = np.concatenate(rated)
            bias = (rated.sum() + factors.mean) / (len(rated) + 1)
            assert held_out.numbers[fold, item, 0].item() == pytest.approx(bias, abs=1e-5)


def test_factors_of_a_fold_are_a_ridge_regression_on_the_other_users():
    data = toy()
    factors = fit_factors(data.warm, NUM_ITEMS, SCALE, num_factors=2, ridge=0.5)
    held_out = HeldOut.of(data, factors, 4, seed=1)
    fold, item = int(held_out.fold[0]), int(data.warm[0].item[0])
    square, right = 0.5 * np.eye(2), np.zeros(2)
    for user, one in enumerate(data.warm):
        left = one.rating - factors.bias[one.item] - factors.offset_of(one)
        known = factors.factors[one.item]
        person = np.linalg.solve(known.T @ known + 0.5 * np.eye(2), known.T @ left)
        if held_out.fold[user] != fold and item in one.item:
            square += np.outer(person, person)
            right += person * left[one.item == item]
    wanted = np.linalg.solve(square, right)
    np.testing.assert_allclose(held_out.numbers[fold, item, 1:], wanted, atol=1e-5)


class Means(torch.nn.Module):
    """Predicts the mean of the numbers it is given for every item."""

    def __init__(self):
        super().__init__()
        self.shift = torch.nn.Parameter(torch.zeros(()))
        self.bias = torch.full((NUM_ITEMS,), 3.0)

    def forward(self, _user, _item, _rating, _mask, candidate, numbers=None):
        bias = self.bias if numbers is None else numbers[:, 0]
        return bias[candidate] + self.shift, None


def training(data_task, held_out=None, **more):
    network = Means()
    settings = {
        "given": (0, 2), "num_queries": 3, "batch_size": 4, "seed": 0, "least_steps": 1,
        "num_epochs": 0,
    } | more  # fmt: skip
    return RatingTraining(
        data_task, held_out, network, torch.optim.SGD(network.parameters(), 0.1),
        device=torch.device("cpu"), **settings,
    )  # fmt: skip


def test_every_training_user_with_enough_ratings_is_asked_once_per_epoch():
    one = task()
    batches = list(training(one).batches(0))
    assert sum(len(batch.query_item) for batch in batches) == NUM_USERS
    again = list(training(one).batches(0))
    assert all(torch.equal(a.query_item, b.query_item) for a, b in zip(batches, again, strict=True))
    assert {int(n) for batch in batches for n in batch.support_mask.sum(1)} == {0, 2}
    assert {int(n) for batch in batches for n in batch.query_mask.sum(1)} == {3}
    more = list(training(one, least_steps=5).batches(0))
    assert sum(len(batch.query_item) for batch in more) == 2 * NUM_USERS
    few = replace(one.data, warm=(*one.data.warm[:-1], one.data.warm[-1].take(np.arange(4))))
    batches = training(RatingTask(few, one.factors)).batches(0)
    assert sum(len(batch.query_item) for batch in batches) == NUM_USERS - 1


def test_users_of_a_step_are_in_one_fold_and_read_its_numbers():
    one = task()
    held_out = HeldOut.of(one.data, one.factors, 3, seed=0)
    trained = training(one, held_out, batch_size=3)
    batches = list(trained.batches(0))
    assert [len(batch.query_item) for batch in batches].count(1) == 3  # 4 users per fold: 3 and 1
    for batch in batches:
        assert any(torch.equal(batch.numbers, numbers) for numbers in held_out.numbers)
        wanted = batch.numbers[:, 0][batch.query_item]
        assert torch.equal(score_batch(trained.network, batch), wanted)


def test_fixed_episodes_are_used_as_they_are():
    episodes = toy().valid
    batches = list(training(task(train=episodes), given=()).batches(0))
    assert len(batches) == 1
    assert sorted(batches[0].support_mask.sum(1).tolist()) == [1, 2]
    assert batches[0].numbers is None


def test_validation_is_the_mean_over_users_and_numbers_of_given_ratings():
    trained = training(task())
    found = trained.validate()
    wanted = ((4 + 1 + 0) / 3 + 1) / 2  # predicts 3, for 0 and for 2 given alike
    assert found["valid_mse"] == pytest.approx(wanted)
    assert found["selection"] == -found["valid_mse"]
    batch = trained.task.batch(trained.task.data.valid)
    assert trained.loss(batch).item() == pytest.approx(wanted)  # a quarter of 1..5 is 1
