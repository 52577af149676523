"""What each given rating does to each shown item: left out in turn, all in one call.

The effect of a rating on an item is the predicted rating with it minus the one without it. It has
two parts. The *level* part is the mean effect over the catalogue: it says how high this user rates,
moves all items alike and changes no order. The *own* part is the rest, the only one that speaks
for one item rather than another.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.knowledge.ratings import Ratings
from core.serving.rec_model import RecModel

MAX_REFERENCE = 256  # items that stand for the catalogue


@dataclass(frozen=True, eq=False)
class Influences:
    """Effects of n given ratings on m items, in units of the rating.

    Attributes:
        total: (n, m) effect of having the rating.
        level: (n,) mean effect over the catalogue.
    """

    total: np.ndarray
    level: np.ndarray

    @property
    def own(self) -> np.ndarray:
        """(n, m) what goes beyond the level."""
        return self.total - self.level[:, None]

    @property
    def level_share(self) -> float:
        """Share of the level in all effects, 0 to 1; 1 where there is none at all."""
        level = np.abs(self.level).sum() * self.total.shape[1]
        both = level + np.abs(self.own).sum()
        return float(level / both) if both > 0 else 1.0


def reference_rows(num_items: int) -> np.ndarray:
    """Rows spread evenly over the catalogue, all of them where there are few."""
    return np.unique(np.linspace(0, num_items - 1, min(num_items, MAX_REFERENCE)).astype(np.int64))


def influences(
    model: RecModel,
    given: Ratings,
    rows: Sequence[int],
    method: str,
    user: Sequence[tuple[str, str]] = (),
) -> Influences:
    """Leave each given rating out in turn.

    Args:
        model: which scores.
        given: n ratings.
        rows: m items.
        method: one of the model's methods.
        user: properties of the user.
    """
    num, shown = len(given), np.asarray(rows, np.int64)
    reference = reference_rows(len(model.catalogue))
    everyone = np.arange(num)
    users = [given, *(given.take(everyone[everyone != one]) for one in range(num))]
    score = model.score(users, np.concatenate([shown, reference]), method, user)
    effect = score[0] - score[1:]  # (n, m + reference)
    return Influences(effect[:, : len(shown)], effect[:, len(shown) :].mean(1))
