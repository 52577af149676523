"""Which items to ask a person about next: well known, and telling.

The value of an item is its popularity (share of the most rated item's number of ratings) times the
mean change of ColdNAS's numbers if the person rated it: low or high, at a quarter of the scale from
either end. Only numbers of kept operations count. MeLU ranks such candidates by popularity and
gradient; here no gradient is needed.
"""

from dataclasses import dataclass

import numpy as np

from core.knowledge.modulation import OPERATIONS
from core.knowledge.ratings import Ratings
from core.serving.rec_model import RecModel
from core.serving.recommendation import Question, in_order, rank

MAX_CANDIDATES = 60  # most rated items that are tried


@dataclass(frozen=True)
class NextItem:
    """An item worth asking about.

    Attributes:
        item: id.
        title: in words.
        year: None where the title has none.
        kinds: values of the catalogue's main field.
        score: popularity times change, the order of the list.
        change: mean distance that one rating of it moves the person's numbers.
        popularity_rank: place in the whole catalogue by mean rating.
    """

    item: str
    title: str
    year: int | None
    kinds: tuple[str, ...]
    score: float
    change: float
    popularity_rank: int


def next_items(question: Question, num: int = 6) -> tuple[NextItem, ...]:
    """Items that the person has not rated, the most telling first.

    Args:
        question: the question; filters and method do not matter.
        num: items wanted.

    Raises:
        As `core.serving.recommendation.answer`.
    """
    ranking = rank(question)
    model, given = ranking.model, ranking.given
    every = np.arange(len(model.catalogue))
    rated = {model.row_of[item] for item, _ in question.given}
    count = model.factors.count
    known = [row for row in np.lexsort((every, -count)).tolist() if row not in rated]
    tried = known[:MAX_CANDIDATES]
    change = _changes(model, given, tried, question)
    popularity = count[tried] / max(int(count.max()), 1)
    order = np.argsort(-popularity * change, kind="stable")[:num]
    places = {row: place for place, row in enumerate(in_order(model, every, "popularity")[0], 1)}
    return tuple(
        NextItem(
            model.catalogue.ids[tried[one]],
            model.catalogue.titles[tried[one]],
            model.year_of[tried[one]],
            model.kinds_of(tried[one]),
            float(popularity[one] * change[one]),
            float(change[one]),
            places[tried[one]],
        )
        for one in order.tolist()
    )


def _changes(model: RecModel, given: Ratings, rows: list[int], question: Question) -> np.ndarray:
    """(r,) mean distance of phi with one more rating from phi without it."""
    scale = model.scale
    ends = (scale.low + scale.span / 4, scale.high - scale.span / 4)
    more = [
        Ratings.of([*given.item, row], [*given.rating, rating]) for row in rows for rating in ends
    ]
    phi = model.phi([given, *more], question.user)[:, kept_numbers(model)]
    distance = np.linalg.norm(phi[1:] - phi[0], axis=1)
    return distance.reshape(len(rows), len(ends)).mean(1)


def kept_numbers(model: RecModel) -> np.ndarray:
    """(4, width) bool, which numbers of phi belong to kept operations."""
    kept = np.zeros((len(OPERATIONS), model.segments[-1].stop), bool)
    for position, columns in enumerate(model.segments):
        for row, operation in enumerate(OPERATIONS):
            kept[row, columns] = (position, operation) in model.structure.kept
    return kept
