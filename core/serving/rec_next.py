"""Which items to ask a person about next: well known, and telling.

The value of an item is its popularity (share of the most rated item's number of ratings) times how
far a rating of it would move the list: the spread, over the catalogue, of the change of predicted
ratings, whose mean, the level, changes no order. The rating is not known yet; low and high ones, at
a quarter of the scale from either end, count alike. MeLU ranks such candidates by popularity and
gradient, which needs a gradient and says nothing of the list.
"""

from dataclasses import dataclass

import numpy as np

from core.knowledge.ratings import Ratings
from core.serving.rec_influence import reference_rows
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
        change: how far one rating of it moves others against each other, in units of the rating.
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
    """(r,) spread of the change of predictions by one more rating."""
    scale = model.scale
    ends = (scale.low + scale.span / 4, scale.high - scale.span / 4)
    more = [
        Ratings.of([*given.item, row], [*given.rating, rating]) for row in rows for rating in ends
    ]
    reference = reference_rows(len(model.catalogue))
    score = model.score([given, *more], reference, "coldnas", question.user)
    spread = (score[1:] - score[0]).std(1)
    return spread.reshape(len(rows), len(ends)).mean(1)
