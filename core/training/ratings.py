"""Cold-start questions for training: episodes drawn from training users, padded side by side.

Source of the protocol: Wu et al., "ColdNAS", The Web Conference 2023: users are tasks, the mean
over users of the mean squared error of their asked ratings is minimised.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from core.data.ratings.splits import draw_episode
from core.knowledge.rating_models import Factors
from core.knowledge.ratings import ColdStart, Episode, Ratings
from core.training.fitted import Fitted

MORE_THAN_GIVEN = 5  # ratings a training user has beyond those given at most
VALID_BATCH = 256  # episodes scored at once
LONGEST = 1 << 30  # shortens no support


class Batch(NamedTuple):
    """Episodes side by side: b users, n given ratings, m asked, padded.

    Attributes:
        user_field: (b, f) int64 values of the users' fields side by side, -1 where there is none.
        support_item: (b, n) int64.
        support_rating: (b, n) float32.
        support_mask: (b, n) float32, 1 where given.
        query_item: (b, m) int64.
        query_rating: (b, m) float32.
        query_mask: (b, m) float32, 1 where asked.
        numbers: (n, 1 + k) float32 of the items without the ratings of these users, None where the
            users are none of the training users.
    """

    user_field: Tensor
    support_item: Tensor
    support_rating: Tensor
    support_mask: Tensor
    query_item: Tensor
    query_rating: Tensor
    query_mask: Tensor
    numbers: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        return Batch(*(None if part is None else part.to(device) for part in self))

    def mean_error(self, score: Tensor) -> Tensor:
        """Mean over users of their mean squared error, a scalar, from scores (b, m)."""
        return self.errors(score).mean()

    def errors(self, score: Tensor) -> Tensor:
        """(b,) mean squared error of each user."""
        squared = (score - self.query_rating) ** 2 * self.query_mask
        return squared.sum(1) / self.query_mask.sum(1)


@dataclass(frozen=True, eq=False)
class RatingTask:
    """What a method is fitted on.

    Attributes:
        data: ratings of training users, and episodes.
        factors: what training users say about the items.
    """

    data: ColdStart
    factors: Factors

    def user_values(self, users: Sequence[int]) -> np.ndarray:
        """(b, f) values of all user fields side by side."""
        rows = np.asarray(users, dtype=np.int64)
        empty = np.zeros((len(rows), 0), np.int64)
        return np.concatenate([empty, *(one.table[rows] for one in self.data.user_fields)], 1)

    def batch(self, episodes: Sequence[Episode]) -> Batch:
        """Episodes padded to the longest of them."""
        support = _padded([one.support.item for one in episodes], np.int64)
        query = _padded([one.query.item for one in episodes], np.int64)
        given = _padded([one.support.rating for one in episodes], np.float32)
        asked = _padded([one.query.rating for one in episodes], np.float32)
        arrays = (
            self.user_values([one.user for one in episodes]),
            support[0], given[0], support[1], query[0], asked[0], query[1],
        )  # fmt: skip
        return Batch(*(torch.from_numpy(array) for array in arrays))


def _padded(rows: Sequence[np.ndarray], kind: type) -> tuple[np.ndarray, np.ndarray]:
    """(b, longest) of the rows with zeros behind them, and 1 where there is a row's own number."""
    width = max(map(len, rows))
    table = np.zeros((len(rows), width), kind)
    mask = np.zeros((len(rows), width), np.float32)
    for k, row in enumerate(rows):
        table[k, : len(row)] = row
        mask[k, : len(row)] = 1
    return table, mask


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What the other training users say about the items.

    Without it a training user's own ratings stand in the numbers of the items that it is asked
    for, which those of a new user never do.

    Attributes:
        fold: (w,) of each training user.
        numbers: (folds, n, 1 + k) float32 mean and factors of the items without a fold's users.
    """

    fold: np.ndarray
    numbers: Tensor

    @staticmethod
    def of(data: ColdStart, factors: Factors, num_folds: int, seed: int) -> "HeldOut":
        """Means and factors again for each fold, given the factors of the users of all folds.

        Args:
            data: training users.
            factors: fitted on all of them.
            num_folds: parts into which they are divided at random.
            seed: of the division.
        """
        num_items, k = factors.factors.shape
        fold = np.random.default_rng(seed).permutation(len(data.warm)) % num_folds
        user = np.repeat(np.arange(len(data.warm)), [len(one) for one in data.warm])
        item = np.concatenate([one.item for one in data.warm])
        rating = np.concatenate([one.rating for one in data.warm]).astype(np.float64)
        offset = np.array([factors.offset_of(one) for one in data.warm])[user]
        left = rating - factors.bias[item] - offset
        penalty = factors.item_ridge * np.eye(k)
        people = np.stack(
            [
                np.linalg.solve(known.T @ known + penalty, known.T @ own)
                for known, own in (
                    (factors.factors[item[rows]], left[rows]) for rows in _slices(data.warm)
                )
            ]
        )[user]  # (r, k)
        cell = fold[user] * num_items + item

        def of_folds(values: np.ndarray | None = None) -> np.ndarray:
            """(folds, n) sum over each item's ratings by the users of the other folds."""
            sums = np.bincount(cell, values, num_folds * num_items).reshape(num_folds, num_items)
            return sums.sum(0) - sums

        bias = (of_folds(rating) + factors.shrink * factors.mean) / (of_folds() + factors.shrink)
        square = np.empty((num_folds, num_items, k, k))
        for a in range(k):
            for b in range(a + 1):
                square[..., a, b] = square[..., b, a] = of_folds(people[:, a] * people[:, b])
        right = np.stack([of_folds(people[:, a] * left) for a in range(k)], -1)
        again = np.linalg.solve(square + penalty, right[..., None])[..., 0]
        numbers = np.concatenate([bias[..., None], again], -1).astype(np.float32)
        return HeldOut(fold, torch.from_numpy(numbers))


def score_batch(network: nn.Module, batch: Batch) -> Tensor:
    """Scores (b, m) of what a batch asks for, by a network with the inputs of `ColdNas`."""
    return network(*batch[:4], batch.query_item, batch.numbers)[0]


@dataclass(frozen=True)
class FittedRatings(Fitted):
    """A trained method and what was trained beside it.

    Attributes:
        rivals: other networks of the same inputs, by name.
    """

    rivals: Mapping[str, Fitted]


class RatingTraining:
    """Batches, loss and validation of a rating network for `core.training.loop.train`.

    Args:
        task: data.
        held_out: None where the network reads no numbers of the items.
        network: what is trained; called as `score_batch` does.
        optimizer: of the network.
        given: numbers of ratings given, drawn per user; empty keeps those of the episodes.
        num_queries: ratings asked of a user per step at most.
        batch_size: users per step.
        least_steps: per epoch; few users are asked several times, other ratings each time.
        num_epochs: over which the rates fall along a cosine; 0 keeps them.
        seed: seeds episodes and order.
        device: where tensors live.
    """

    def __init__(
        self,
        task: RatingTask,
        held_out: HeldOut | None,
        network: nn.Module,
        optimizer: torch.optim.Optimizer,
        *,
        given: Sequence[int],
        num_queries: int,
        batch_size: int,
        least_steps: int,
        num_epochs: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.task, self.network, self.optimizer = task, network, optimizer
        self.given, self.num_queries, self.batch_size = tuple(given), num_queries, batch_size
        self.least_steps = least_steps
        self.seed, self.device, self.held_out = seed, device, held_out
        self.unit = task.data.scale.span / 4
        self.scheduler: torch.optim.lr_scheduler.LRScheduler = (
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, num_epochs)
            if num_epochs
            else torch.optim.lr_scheduler.ConstantLR(optimizer, 1.0)
        )
        least = max(self.given, default=0) + MORE_THAN_GIVEN
        self.users = [k for k, one in enumerate(task.data.warm) if len(one) >= least]
        self._valid = [
            [
                task.batch(part).to(device)
                for part in _parts([one.shortened(num) for one in task.data.valid], VALID_BATCH)
            ]
            for num in (sorted(set(self.given)) or [LONGEST])
        ]

    def batches(self, epoch: int) -> Iterator[Batch]:
        """The fixed episodes, or one of every training user drawn anew; in random order."""
        rng = np.random.default_rng([self.seed, epoch + 1])
        if self.task.data.train:
            order = rng.permutation(len(self.task.data.train))
            for rows in _parts(order, self.batch_size):
                yield self.task.batch([self.task.data.train[row] for row in rows]).to(self.device)
            return
        for users in self._groups(rng):
            batch = self.task.batch([self._draw(user, rng) for user in users])
            if self.held_out is not None:
                numbers = self.held_out.numbers[self.held_out.fold[users[0]]]
                batch = batch._replace(numbers=numbers)
            yield batch.to(self.device)

    def _groups(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Users of each step; all come equally often, and those of a step are in one fold."""
        groups = self._pass(rng)
        while len(groups) < self.least_steps and self.users:
            groups += self._pass(rng)
        return groups

    def _pass(self, rng: np.random.Generator) -> list[np.ndarray]:
        """Every training user once, in random order."""
        order = rng.permutation(self.users)
        fold = self.held_out.fold[order] if self.held_out is not None else np.zeros(len(order))
        groups = [
            part for one in np.unique(fold) for part in _parts(order[fold == one], self.batch_size)
        ]
        return [groups[k] for k in rng.permutation(len(groups))]

    def _draw(self, user: int, rng: np.random.Generator) -> Episode:
        data = self.task.data
        return draw_episode(
            data.warm_users[user], data.warm[user], int(rng.choice(self.given)), rng,
            self.num_queries,
        )  # fmt: skip

    def loss(self, batch: Batch) -> Tensor:
        """In quarters of the scale, so that rates fit every scale."""
        return batch.mean_error(score_batch(self.network, batch)) / self.unit**2

    @torch.no_grad()
    def validate(self) -> Mapping[str, float]:
        """Error on validation users, mean over the numbers of ratings given."""
        self.network.eval()
        errors = [
            torch.cat([one.errors(score_batch(self.network, one)) for one in batches]).mean().item()
            for batches in self._valid
        ]
        mse = float(np.mean(errors))
        return {"selection": -mse, "valid_mse": mse}


def _slices(histories: Sequence[Ratings]) -> list[slice]:
    """Place of each history among the ratings of all."""
    ends = np.cumsum([0, *map(len, histories)])
    return [slice(*pair) for pair in itertools.pairwise(ends)]


def _parts(rows: Sequence, size: int) -> Iterator[Sequence]:
    return (rows[start : start + size] for start in range(0, len(rows), size))
