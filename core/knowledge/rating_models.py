"""Rating models in closed form: what a network for cold-start users has to beat.

Three of them, each defined from no given rating on, in rising order of what they use:

- *popularity*: the mean rating of an item, shrunk towards the mean of all;
- *item and user*: the same, shifted by how far the given ratings lie above it, shrunk towards 0;
- *fold-in*: factors of the items from training users; offset and factors of the new user by ridge
  regression.

Everything is fitted on training users; `choose` picks the amounts of shrinkage on validation
episodes.

Source: Koren, Bell and Volinsky, "Matrix factorization techniques for recommender systems",
Computer 42, 30 (2009): biases, and alternating least squares. Differs from it: biases are shrunk
means that are not fitted jointly; the penalty of a user's or an item's factors does not grow with
the number of ratings.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import ShapeError
from core.knowledge.ratings import Episode, Ratings, Scale

METHODS = ("popularity", "offset", "fold_in")
SHRINKS = (1.0, 2.0, 5.0, 10.0, 20.0)  # ratings that the mean of all counts for
OFFSET_SHRINKS = (
    0.5,
    1.0,
    2.0,
    4.0,
    8.0,
    16.0,
    32.0,
    64.0,
)  # given ratings that the offset 0 counts for
# in standard deviations of the ratings, so that the unit of the ratings does not matter
RIDGES = (2.5, 5.0, 10.0, 20.0)  # of the items' factors
USER_RIDGES = (1.0, 2.5, 5.0, 10.0, 20.0)  # of a new user's factors
NUM_FACTORS = 16
NUM_ROUNDS = 8  # of alternation; the error of held-out users stops changing after about five


@dataclass(frozen=True, eq=False)
class Factors:
    """What training users say about the items.

    Attributes:
        scale: what ratings may be; predictions are kept within.
        mean: of all ratings.
        bias: (n,) shrunk mean rating of each item, in units of ratings.
        count: (n,) int64 ratings of each item.
        factors: (n, k).
        ridge: penalty of a new user's factors.
        offset_shrink: given ratings that the offset 0 counts for.
        shrink: ratings that the mean of all counted for in `bias`; as `item_ridge`, needed to fit
            again and not written.
        item_ridge: penalty with which the factors were fitted.
    """

    scale: Scale
    mean: float
    bias: np.ndarray
    count: np.ndarray
    factors: np.ndarray
    ridge: float
    offset_shrink: float
    shrink: float = 0.0
    item_ridge: float = 0.0

    def __len__(self) -> int:
        return len(self.bias)

    @property
    def factor_mean(self) -> np.ndarray:
        """(k,) mean of the factors over the items that somebody rated."""
        return self.factors[self.count > 0].mean(0)

    @property
    def factor_std(self) -> np.ndarray:
        """(k,) their standard deviation; 1 where they do not differ."""
        spread = self.factors[self.count > 0].std(0)
        return np.where(spread > 0, spread, 1.0)

    def popularity(self, candidates: np.ndarray) -> np.ndarray:
        """Shrunk mean rating of items (m,)."""
        return self.bias[candidates]

    def offset_of(self, support: Ratings) -> float:
        """How far a user's ratings lie above the items' means; 0 without any."""
        residual = support.rating - self.bias[support.item]
        return float(residual.sum() / (len(support) + self.offset_shrink))

    def offset(self, support: Ratings, candidates: np.ndarray) -> np.ndarray:
        """Item mean and user offset for items (m,), kept within the scale."""
        return self._clip(self.bias[candidates] + self.offset_of(support))

    def fold_in(self, support: Ratings, candidates: np.ndarray) -> np.ndarray:
        """Item mean, user offset and factors for items (m,), kept within the scale.

        Offset and factors of the user by one ridge regression of how far the given ratings lie
        above the items' means: penalty `offset_shrink` for the offset, `ridge` for the factors.
        """
        known, asked = (
            np.column_stack([np.ones(len(rows)), self.factors[rows]])  # (rows, 1 + k)
            for rows in (support.item, candidates)
        )
        penalty = np.full(known.shape[1], self.ridge)
        penalty[0] = self.offset_shrink
        residual = support.rating - self.bias[support.item]
        user = np.linalg.solve(known.T @ known + np.diag(penalty), known.T @ residual)
        return self._clip(self.bias[candidates] + asked @ user)

    def take(self, rows: np.ndarray) -> "Factors":
        """The same for some of the items, in that order."""
        return replace(
            self, bias=self.bias[rows], count=self.count[rows], factors=self.factors[rows]
        )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers: ``items`` and ``fold_in``."""
        return {
            "items": {
                "mean": self.mean,
                "bias": self.bias.round(4).tolist(),
                "count": self.count.tolist(),
                "factors": self.factors.round(4).tolist(),
            },
            "fold_in": {
                "ridge": self.ridge,
                "offset_shrink": self.offset_shrink,
                "factor_mean": self.factor_mean.round(4).tolist(),
                "factor_std": self.factor_std.round(4).tolist(),
            },
        }

    @staticmethod
    def from_json(value: Mapping[str, Any], scale: Scale) -> "Factors":
        """From the numbers of `to_json`; further entries do not matter.

        Raises:
            ShapeError: the lists differ in length.
        """
        items, fold_in = value["items"], value["fold_in"]
        bias, count = np.array(items["bias"], float), np.array(items["count"], np.int64)
        factors = np.array(items["factors"], float).reshape(len(bias), -1)
        if bias.shape != count.shape:
            raise ShapeError(f"{len(bias)} means and {len(count)} counts do not fit together.")
        ridge, shrink = fold_in["ridge"], fold_in["offset_shrink"]
        return Factors(scale, items["mean"], bias, count, factors, ridge, shrink)

    def _clip(self, rating: np.ndarray) -> np.ndarray:
        return np.clip(rating, self.scale.low, self.scale.high)


def fit_factors(
    warm: Sequence[Ratings],
    num_items: int,
    scale: Scale,
    *,
    num_factors: int = NUM_FACTORS,
    ridge: float = 10.0,
    shrink: float = 10.0,
    offset_shrink: float = 2.0,
    seed: int = 0,
    num_rounds: int = NUM_ROUNDS,
) -> Factors:
    """Means of the items, then factors of what item means and user offsets leave.

    Alternating least squares: the factors of all users given those of the items, then the other
    way round, both with penalty `ridge`; a user's offset is not fitted again.

    Args:
        warm: ratings of each training user.
        num_items: size of the catalogue; items nobody rated get the mean of all and no factors.
        scale: what ratings may be.
        num_factors: k; 0 leaves the factors out.
        ridge: penalty of the factors.
        shrink: ratings that the mean of all counts for in the mean of an item.
        offset_shrink: given ratings that the offset 0 counts for.
        seed: of the first factors.
        num_rounds: of alternation.

    Raises:
        ShapeError: there is no rating.
    """
    item = np.concatenate([np.zeros(0, np.int64), *(ratings.item for ratings in warm)])
    rating = np.concatenate([np.zeros(0), *(ratings.rating for ratings in warm)])
    if not len(item):
        raise ShapeError("item means need at least one rating.")
    count = np.bincount(item, minlength=num_items)
    mean = float(rating.mean())
    bias = (np.bincount(item, rating, num_items) + shrink * mean) / (count + shrink)
    rng = np.random.default_rng(seed)
    factors = rng.normal(0, 0.1, (num_items, num_factors))
    fitted = Factors(scale, mean, bias, count, factors, ridge, offset_shrink, shrink, ridge)
    left = (
        rating
        - bias[item]
        - np.repeat(
            [fitted.offset_of(ratings) for ratings in warm], [len(ratings) for ratings in warm]
        )
    )
    user = np.repeat(np.arange(len(warm)), [len(ratings) for ratings in warm])
    by_item = np.argsort(item, kind="stable")
    for _ in range(num_rounds if num_factors else 0):
        people = _ridge(user, factors[item], left, len(warm), ridge)
        factors = _ridge(item[by_item], people[user[by_item]], left[by_item], num_items, ridge)
    return replace(fitted, factors=factors)


def choose(
    warm: Sequence[Ratings],
    num_items: int,
    scale: Scale,
    valid: Sequence[Episode],
    *,
    num_given: Sequence[int] = (),
    num_factors: int = NUM_FACTORS,
    seed: int = 0,
) -> Factors:
    """Factors with the amounts of shrinkage that validation episodes like best.

    One after the other: that of the item means by the error of popularity, that of the offset by
    the error with offset, the ridges by the error of fold-in. Errors are squared, averaged per
    user, then over users and over the numbers of given ratings.

    Args:
        warm: ratings of each training user.
        num_items: size of the catalogue.
        scale: what ratings may be.
        valid: episodes of validation users.
        num_given: how many of the ratings of an episode are given; all when not stated.
        num_factors: k.
        seed: of the first factors.

    Raises:
        ShapeError: there is no rating, or no episode.
    """
    if not valid:
        raise ShapeError("shrinkage is chosen on at least one validation episode.")
    asked = [one.shortened(num) for one in valid for num in num_given] or valid

    def error(fitted: Factors, method: str) -> float:
        errors = [
            predict(fitted, method, one.support, one.query.item) - one.query.rating for one in asked
        ]
        return float(np.mean([np.mean(off**2) for off in errors]))

    plain = [
        fit_factors(warm, num_items, scale, num_factors=0, shrink=shrink) for shrink in SHRINKS
    ]
    best = min(plain, key=lambda fitted: error(fitted, "popularity"))
    shrink = SHRINKS[plain.index(best)]
    shifted = [replace(best, offset_shrink=one) for one in OFFSET_SHRINKS]
    offset_shrink = min(shifted, key=lambda fitted: error(fitted, "offset")).offset_shrink
    spread = float(np.concatenate([ratings.rating for ratings in warm]).std()) or 1.0
    options = [
        replace(fitted, ridge=ridge * spread)
        for fitted in (
            fit_factors(
                warm, num_items, scale, num_factors=num_factors, ridge=ridge, shrink=shrink,
                offset_shrink=offset_shrink, seed=seed,
            )
            for ridge in RIDGES
        )
        for ridge in USER_RIDGES
    ]  # fmt: skip
    return min(options, key=lambda fitted: error(fitted, "fold_in"))


def predict(fitted: Factors, method: str, support: Ratings, candidates: np.ndarray) -> np.ndarray:
    """Predicted ratings of items (m,) by one of `METHODS`."""
    if method == "popularity":
        return fitted.popularity(candidates)
    return {"offset": fitted.offset, "fold_in": fitted.fold_in}[method](support, candidates)


def _ridge(
    group: np.ndarray, known: np.ndarray, target: np.ndarray, num_groups: int, ridge: float
) -> np.ndarray:
    """(num_groups, k) ridge regression of `target` (n,) on `known` (n, k) within each group.

    Args:
        group: (n,) ascending.
        known: (n, k).
        target: (n,).
        num_groups: number of groups; one without rows gets zeros.
        ridge: penalty.
    """
    width = known.shape[1]
    ends = np.searchsorted(group, np.arange(num_groups + 1))
    left = np.zeros((num_groups, width, width))
    right = np.zeros((num_groups, width))
    for k in np.flatnonzero(np.diff(ends)):
        rows = slice(ends[k], ends[k + 1])
        left[k] = known[rows].T @ known[rows]
        right[k] = known[rows].T @ target[rows]
    return np.linalg.solve(left + ridge * np.eye(width), right[..., None])[..., 0]
