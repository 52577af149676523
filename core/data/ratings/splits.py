"""From ratings to a cold-start data set: users apart, then given and asked ratings of each."""

import random
from collections.abc import Sequence

import numpy as np

from core.errors import ShapeError
from core.knowledge.ratings import Catalogue, ColdStart, Episode, Field, Ratings, Scale

WARM, VALID = 7, 1  # tenths of the users; the others are test users


def split_users(
    num_users: int, seed: int = 0
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Training, validation and test users: 70, 10 and 20 % in random order.

    Args:
        num_users: users are 0 to `num_users` - 1.
        seed: of the order.
    """
    order = list(range(num_users))
    random.Random(seed).shuffle(order)
    first, second = num_users * WARM // 10, num_users * (WARM + VALID) // 10
    return tuple(order[:first]), tuple(order[first:second]), tuple(order[second:])


def draw_episode(
    user: int,
    ratings: Ratings,
    num_given: int,
    rng: np.random.Generator,
    num_asked: int | None = None,
) -> Episode:
    """An episode with random given ratings; the others are asked for.

    Args:
        user: row of the user fields.
        ratings: what the user rated.
        num_given: ratings to give; 0 is allowed.
        rng: source of the draw.
        num_asked: at most so many of the others, at random; all of them when not given.

    Raises:
        ShapeError: the user has too few ratings for one to ask.
    """
    if not 0 <= num_given < len(ratings):
        raise ShapeError(
            f"{num_given} of {len(ratings)} ratings cannot be given with one left to ask for."
        )
    order = rng.permutation(len(ratings))
    given, others = order[:num_given], order[num_given:]
    return Episode(user, ratings.take(given), ratings.take(others[:num_asked]))


def group_by_user(user: np.ndarray, item: np.ndarray, rating: np.ndarray) -> list[Ratings]:
    """Ratings of each user, users in ascending order; the last one counts where an item repeats.

    Args:
        user: (n,) int64.
        item: (n,) int64 rows of the catalogue.
        rating: (n,).
    """
    order = np.lexsort((np.arange(len(user)), item, user))
    user, item, rating = user[order], item[order], rating[order].astype(np.float32)
    last = np.ones(len(user), bool)
    last[:-1] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
    user, item, rating = user[last], item[last].astype(np.int64), rating[last]
    starts = np.flatnonzero(np.diff(user)) + 1
    return [
        Ratings(*part)
        for part in zip(np.split(item, starts), np.split(rating, starts), strict=True)
    ]


def keep_core(
    user: np.ndarray, item: np.ndarray, least_of_user: int, least_of_item: int
) -> np.ndarray:
    """Ratings that are left when rare users and items go, again and again until none is rare.

    Args:
        user: (n,) int64.
        item: (n,) int64.
        least_of_user: ratings that a user needs.
        least_of_item: ratings that an item needs.

    Returns:
        (n,) bool.
    """
    kept = np.ones(len(user), bool)
    while True:
        enough = np.bincount(user[kept], minlength=user.max(initial=0) + 1) >= least_of_user
        common = np.bincount(item[kept], minlength=item.max(initial=0) + 1) >= least_of_item
        fewer = kept & enough[user] & common[item]
        if (fewer == kept).all():
            return kept
        kept = fewer


def cold_start(
    name: str,
    catalogue: Catalogue,
    scale: Scale,
    histories: Sequence[Ratings],
    *,
    num_given: int,
    seed: int = 0,
    least: int | None = None,
    most: int | None = None,
    user_fields: tuple[Field, ...] = (),
) -> ColdStart:
    """Split the users; each validation and test user becomes one episode.

    Args:
        name: id of the data set.
        catalogue: items.
        scale: what ratings may be.
        histories: ratings of each user.
        num_given: ratings given in the episodes, in random order, so that the first ones of them
            are a smaller random support.
        seed: of the split and of the draws.
        least: ratings that a validation or test user needs; one more than given when not stated.
        most: users with more ratings make no episode; no bound when not stated.
        user_fields: properties of the users, in the order of `histories`.
    """
    least = max(num_given + 1, least or 0)
    warm, valid, test = split_users(len(histories), seed)
    rng = np.random.default_rng(seed)

    def episodes(users: Sequence[int]) -> tuple[Episode, ...]:
        return tuple(
            draw_episode(user, histories[user], num_given, rng)
            for user in users
            if least <= len(histories[user]) <= (most or len(histories[user]))
        )

    return ColdStart(
        name,
        catalogue,
        scale,
        user_fields,
        tuple(histories[user] for user in warm),
        warm,
        (),
        episodes(valid),
        episodes(test),
    )
