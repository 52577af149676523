"""Ratings of items by users: catalogue, histories, and the episodes of a cold-start question.

An *episode* is one user: a few ratings that a method is given (support), and others that it is
asked for (query). Users of the test part are never seen in training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ShapeError

MISSING = -1  # fills the rows of a field up to its width


@dataclass(frozen=True)
class Scale:
    """What a rating may be.

    Attributes:
        low: worst.
        high: best.
        step: distance of two neighbouring ratings; 0 where any number between the ends is allowed.
    """

    low: float
    high: float
    step: float = 1.0

    def __post_init__(self) -> None:
        if not (self.low < self.high and self.step >= 0):
            raise ShapeError(f"a scale from {self.low} to {self.high} by {self.step} has no room.")

    @property
    def span(self) -> float:
        """Distance of the ends."""
        return self.high - self.low

    @property
    def middle(self) -> float:
        """Halfway between the ends."""
        return (self.low + self.high) / 2

    def contains(self, rating: float) -> bool:
        """Whether a rating lies between the ends, ends included."""
        return self.low <= rating <= self.high


@dataclass(frozen=True, eq=False)
class Field:
    """A property of items or users with none, one or several values each, such as genres.

    Attributes:
        name: in words.
        values: what it may be.
        table: (num_rows, width) int64 numbers of values, `MISSING` from the first empty place on.
    """

    name: str
    values: tuple[str, ...]
    table: np.ndarray

    def __post_init__(self) -> None:
        if self.table.ndim != 2 or self.table.dtype != np.int64:
            raise ShapeError(f'field "{self.name}" needs a table (rows, width) of int64.')
        if self.table.size and not MISSING <= self.table.min() <= self.table.max() < len(
            self.values
        ):
            raise ShapeError(f'field "{self.name}" names values outside 0..{len(self.values) - 1}.')

    def of(self, row: int) -> tuple[str, ...]:
        """Values of one item or user."""
        return tuple(self.values[k] for k in self.table[row] if k != MISSING)

    def take(self, rows: np.ndarray) -> "Field":
        """The same property of some rows, in that order."""
        return Field(self.name, self.values, self.table[rows])

    @staticmethod
    def from_rows(name: str, rows: Sequence[Sequence[str]]) -> "Field":
        """From the values of each row; values are numbered in alphabetical order."""
        values = tuple(sorted({value for row in rows for value in row}))
        number = {value: k for k, value in enumerate(values)}
        width = max((len(set(row)) for row in rows), default=0)
        table = np.full((len(rows), width), MISSING, np.int64)
        for k, row in enumerate(rows):
            kept = list(dict.fromkeys(row))
            table[k, : len(kept)] = [number[value] for value in kept]
        return Field(name, values, table)


@dataclass(frozen=True, eq=False)
class Catalogue:
    """Items that can be rated.

    Attributes:
        ids: one id per item, unique.
        titles: one title per item.
        fields: properties of all items.
    """

    ids: tuple[str, ...]
    titles: tuple[str, ...]
    fields: tuple[Field, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.ids)) != len(self.ids) or len(self.titles) != len(self.ids):
            raise ShapeError("a catalogue needs one id and one title per item, and no id twice.")
        if any(len(field.table) != len(self.ids) for field in self.fields):
            raise ShapeError(f"every field needs {len(self.ids)} rows, one per item.")

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> "Catalogue":
        """Some of the items, in that order."""
        return Catalogue(
            tuple(self.ids[k] for k in rows),
            tuple(self.titles[k] for k in rows),
            tuple(field.take(rows) for field in self.fields),
        )


@dataclass(frozen=True, eq=False)
class Ratings:
    """Ratings that one user gave.

    Attributes:
        item: (n,) int64 rows of the catalogue, none twice.
        rating: (n,) float32.
    """

    item: np.ndarray
    rating: np.ndarray

    def __post_init__(self) -> None:
        if self.item.ndim != 1 or self.item.shape != self.rating.shape:
            raise ShapeError(
                f"items {self.item.shape} and ratings {self.rating.shape} must be (n,)."
            )
        if len(np.unique(self.item)) != len(self.item):
            raise ShapeError("a user rates an item once.")

    def __len__(self) -> int:
        return len(self.item)

    def take(self, rows: np.ndarray) -> "Ratings":
        """Some of the ratings, in that order."""
        return Ratings(self.item[rows], self.rating[rows])

    @staticmethod
    def of(item: Sequence[int], rating: Sequence[float]) -> "Ratings":
        """From plain numbers."""
        return Ratings(np.asarray(item, np.int64), np.asarray(rating, np.float32))


@dataclass(frozen=True, eq=False)
class Episode:
    """One user of a cold-start question.

    Attributes:
        user: row of the user fields; 0 where users have no properties.
        support: ratings that are given; may be none.
        query: ratings that are asked for; at least one, of other items.
    """

    user: int
    support: Ratings
    query: Ratings

    def __post_init__(self) -> None:
        if not len(self.query) or np.isin(self.query.item, self.support.item).any():
            raise ShapeError("an episode asks for at least one rating, and for none that is given.")

    def shortened(self, num: int) -> "Episode":
        """The same question with the first `num` given ratings only."""
        return Episode(
            self.user, self.support.take(np.arange(min(num, len(self.support)))), self.query
        )


@dataclass(frozen=True, eq=False)
class ColdStart:
    """A data set of the task.

    Attributes:
        name: id of the data set.
        catalogue: items.
        scale: what ratings may be.
        user_fields: properties of users; none for most data sets.
        warm: all ratings of each training user; item means and factors come from these alone.
        warm_users: row of the user fields of each training user.
        train: episodes with a fixed support; empty where support is drawn anew from `warm`.
        valid: episodes of validation users.
        test: episodes of test users.
    """

    name: str
    catalogue: Catalogue
    scale: Scale
    user_fields: tuple[Field, ...]
    warm: tuple[Ratings, ...]
    warm_users: tuple[int, ...]
    train: tuple[Episode, ...]
    valid: tuple[Episode, ...]
    test: tuple[Episode, ...]
