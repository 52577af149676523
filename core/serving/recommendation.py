"""What to recommend to a new user who rated a few items: a list with what to think of it.

    Question ──answer──> Answer: rows with rating, interval, rank by popularity, and because of what

No gradient step is taken: the given ratings go through the network once. Every row says which of
them speak for this item beyond the level at which the user rates (`core.serving.rec_influence`).

Source: ColdNAS (Wu, Wang, Jing, Dong, Dou & Yao, The Web Conference 2023), with the same network
under fixed modulations and three methods without a network beside it.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from core.errors import InputError, Remark
from core.knowledge.ratings import Ratings
from core.serving.rec_influence import influences
from core.serving.rec_items import model_of
from core.serving.rec_model import METHODS, Interval, ModelEntry, RecModel, available_models
from core.serving.rec_model import open_model as open_model
from core.serving.rec_question import Question, all_equal, read_given

__all__ = [
    "METHODS",
    "Answer",
    "Change",
    "Compared",
    "Comparison",
    "ModelEntry",
    "Question",
    "Row",
    "answer",
    "available_models",
    "changes",
    "compare",
    "open_model",
]

MAX_BECAUSE = 2  # given ratings named beside an item
CITED = 0.01  # of the scale, from which a given rating is named beside an item


@dataclass(frozen=True)
class Row:
    """One recommended item.

    Attributes:
        rank: 1 is the best among the candidates.
        item: id.
        title: with its year where the catalogue has one.
        year: None where the title has none.
        kinds: values of the catalogue's main field, such as genres.
        rating: predicted, on the scale.
        low: lower end of the interval on the scale, None where none was measured.
        high: upper end, likewise.
        popular: mean rating of the item by everybody, on the scale.
        popularity_rank: rank among the same candidates by it.
        rank_before: rank in the earlier answer, None without one or where it was no candidate.
        because: title of a given rating and by how much it lifts this item more than others;
            strongest first, empty where only the level counts.
        rated: the person's own rating of this item, None where there is none.
    """

    rank: int
    item: str
    title: str
    year: int | None
    kinds: tuple[str, ...]
    rating: float
    low: float | None
    high: float | None
    popular: float
    popularity_rank: int
    rank_before: int | None = None
    because: tuple[tuple[str, float], ...] = ()
    rated: float | None = None


@dataclass(frozen=True, eq=False)
class Answer:
    """A list of recommended items.

    Attributes:
        question: the question.
        method: that made the list; popularity where all ratings are the same.
        rows: best first.
        notices: remarks on the ratings.
        num_given: ratings that were used.
        num_candidates: items among which was ranked.
        interval: measured width and coverage, None for a method without.
        coverage_note: both in words.
        level_share: share of the user's level in the effects of the ratings on the shown items; 1
            where nothing else counts.
        statement: the same in words, empty without ratings.
        model: id of the model.
        provider: what computed it.
        seconds: for everything.
    """

    question: Question
    method: str
    rows: tuple[Row, ...]
    notices: tuple[Remark, ...]
    num_given: int
    num_candidates: int
    interval: Interval | None
    coverage_note: str
    level_share: float
    statement: str
    model: str
    provider: str
    seconds: float

    @property
    def level(self) -> float | None:
        """Promised share of ratings inside the intervals."""
        return self.interval.level if self.interval else None

    @property
    def coverage(self) -> float | None:
        """Measured share of ratings inside the intervals."""
        return self.interval.coverage if self.interval else None

    def of(self, item: str) -> Row:
        """The row of an item.

        Raises:
            InputError: RC-E13, it is not in the list.
        """
        for row in self.rows:
            if row.item == item:
                return row
        raise InputError(
            "RC-E13", "Not in the list", f'"{item[:80]}" is not among the shown items.',
            "Pick a row of the list, or make the list longer.",
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Ranking:
    """All candidates of a question in order.

    Attributes:
        model: which scored.
        given: ratings that were used, in rows of the catalogue.
        remarks: on these.
        method: that scored.
        rows: (m,) rows of the catalogue, best first.
        score: (m,) of the same, not clipped to the scale.
        user: properties of the user.
    """

    model: RecModel
    given: Ratings
    remarks: tuple[Remark, ...]
    method: str
    rows: np.ndarray
    score: np.ndarray
    user: tuple[tuple[str, str], ...] = ()

    @property
    def rank_of(self) -> dict[int, int]:
        """Rank of each candidate."""
        return {row: rank for rank, row in enumerate(self.rows.tolist(), start=1)}

    @property
    def rating(self) -> np.ndarray:
        """(m,) predicted ratings on the scale, best first."""
        return self.model.clip(self.score)


def answer(question: Question, before: Question | None = None) -> Answer:
    """The list; the last answers are kept.

    Args:
        question: the question.
        before: an earlier question, whose ranks stand beside the new ones.

    Raises:
        InputError: RC-E02 to RC-E04, RC-E11, RC-E12; RC-E14, no item passes the filters.
        ArtifactError: the model's files are damaged.
    """
    found = _answer(question, model_of(question))
    if before is None:
        return found
    earlier, row_of = rank(before).rank_of, model_of(before).row_of
    rows = [
        replace(row, rank_before=earlier.get(row_of.get(row.item, -1))) for row in found.rows
    ]  # fmt: skip
    return replace(found, rows=tuple(rows))


@lru_cache(maxsize=32)
def _answer(question: Question, model: RecModel) -> Answer:
    start = time.perf_counter()
    ranked = rank(question)
    given, shown = ranked.given, ranked.rows[: question.length]
    measured = ranked.method == "coldnas" and not question.items
    interval = model.interval(len(given)) if measured else None
    effect = influences(model, given, shown, ranked.method, question.user)
    level_share = effect.level_share if len(given) else 1.0
    popularity = {
        row: place
        for place, row in enumerate(in_order(model, ranked.rows, "popularity")[0], start=1)
    }
    own = dict(zip(given.item.tolist(), given.rating.tolist(), strict=True))
    titles = model.catalogue.titles
    found = []
    for place, row in enumerate(shown.tolist()):
        rating = float(ranked.rating[place])
        found.append(
            Row(
                place + 1,
                model.catalogue.ids[row],
                titles[row],
                model.year_of[row],
                model.kinds_of(row),
                rating,
                float(model.clip(rating - interval.width)) if interval else None,
                float(model.clip(rating + interval.width)) if interval else None,
                float(model.factors.bias[row]),
                popularity[row],
                because=_because(model, given, effect.own[:, place]),
                rated=own.get(row),
            )
        )
    return Answer(
        question,
        ranked.method,
        tuple(found),
        ranked.remarks,
        len(given),
        len(ranked.rows),
        interval,
        coverage_note(interval, ranked.method, own=bool(question.items)),
        level_share,
        say_level(level_share, len(given), model, ranked.method),
        model.id,
        model.provider if METHODS[ranked.method].file else "numpy",
        time.perf_counter() - start,
    )


def rank(question: Question) -> Ranking:
    """Score and order every candidate of a question.

    Raises:
        As `answer`.
    """
    return _rank(question, model_of(question))


@lru_cache(maxsize=32)
def _rank(question: Question, model: RecModel) -> Ranking:
    model.check_method(question.method)
    given, remarks = read_given(question, model)
    method = "popularity" if all_equal(question) else question.method
    rows = candidates_of(question, model, given)
    rows, score = in_order(model, rows, method, given, question.user)
    return Ranking(model, given, tuple(remarks), method, rows, score, question.user)


def in_order(
    model: RecModel,
    rows: np.ndarray,
    method: str,
    given: Ratings | None = None,
    user: Sequence[tuple[str, str]] = (),
) -> tuple[np.ndarray, np.ndarray]:
    """Items best first, and their scores; of equal ones, the one that more people rated is first.

    Args:
        model: which scores.
        rows: (m,) items.
        method: one of the model's methods.
        given: ratings of the user, None for none.
        user: properties of the user.
    """
    [score] = model.score([Ratings.of([], []) if given is None else given], rows, method, user)
    order = np.lexsort((rows, -model.factors.count[rows], -score))
    return rows[order], score[order]


def candidates_of(question: Question, model: RecModel, given: Ratings) -> np.ndarray:
    """Rows of the catalogue that pass the filters of a question.

    Raises:
        InputError: RC-E14, there is none.
    """
    kept = np.arange(len(model.catalogue)) >= (model.num_trained if question.items else 0)
    if question.years:
        first, last = question.years
        kept &= [year is not None and first <= year <= last for year in model.year_of]
    if question.kinds:
        wanted = set(question.kinds)
        kept &= [bool(wanted & set(model.kinds_of(row))) for row in range(len(kept))]
    if question.hide_rated:
        kept[given.item] = False
    if not kept.any():
        raise InputError(
            "RC-E14", "Nothing left to recommend",
            f"No {model.words.item} passes the filters.", "Widen the years, or take a filter off.",
        )  # fmt: skip
    return np.flatnonzero(kept)


def _because(model: RecModel, given: Ratings, own: np.ndarray) -> tuple[tuple[str, float], ...]:
    """Titles of the ratings that lift one item most, with by how much."""
    strongest = np.argsort(-own, kind="stable")[:MAX_BECAUSE]
    return tuple(
        (model.catalogue.titles[given.item[place]], float(own[place]))
        for place in strongest
        if own[place] >= CITED * model.scale.span
    )


def coverage_note(interval: Interval | None, method: str, *, own: bool = False) -> str:
    """Promise and measurement of the intervals, in words."""
    if own:
        return "Intervals are not measured for items that nobody has rated."
    if interval is None:
        return f"Intervals are measured for ColdNAS; {METHODS[method].title} has none here."
    return (
        f"Promised {interval.level:.0%}, measured {interval.coverage:.1%} on {interval.num:,} "
        f"ratings of test users, {interval.given} ratings given."
    )


def say_level(share: float, num_given: int, model: RecModel, method: str) -> str:
    """Whether the ratings speak for these items or only say how high the user rates."""
    if not num_given:
        return ""
    if method == "popularity":
        return "The list is the same for everybody: your ratings change nothing in it."
    if share >= 0.995:
        return (
            f"Your ratings only say how high you rate: they move all {model.words.items} alike and "
            "hardly change the order."
        )
    return (
        f"{share:.0%} of what your ratings change is your level, alike for all; only the rest "
        f"moves some {model.words.items} against others."
    )


@dataclass(frozen=True)
class Change:
    """One item before and after an edit; None where it was no candidate.

    Attributes:
        item: id.
        title: in words.
        rank_before: among the candidates before.
        rank_after: likewise.
        before: predicted rating.
        after: likewise.
    """

    item: str
    title: str
    rank_before: int | None
    rank_after: int | None
    before: float | None
    after: float | None

    @property
    def difference(self) -> float:
        """Change of the predicted rating; 0 where it was not ranked on both sides."""
        if self.before is None or self.after is None:
            return 0.0
        return self.after - self.before


def changes(before: Question, after: Question) -> tuple[Change, ...]:
    """What an edit changes: the items of both lists, in the order of the new one.

    Args:
        before: asked of the same model as `after`.
        after: a question with other ratings, filters or method.

    Raises:
        As `answer`.
    """
    old, new = rank(before), rank(after)
    catalogue = new.model.catalogue
    shown = dict.fromkeys([*new.rows[: after.length].tolist(), *old.rows[: before.length].tolist()])
    sides = [
        {row: (place, float(one.rating[place - 1])) for row, place in one.rank_of.items()}
        for one in (old, new)
    ]
    found = []
    for row in shown:
        (rank_before, was), (rank_after, now) = (side.get(row, (None, None)) for side in sides)
        found.append(
            Change(catalogue.ids[row], catalogue.titles[row], rank_before, rank_after, was, now)
        )
    return tuple(found)


@dataclass(frozen=True)
class Compared:
    """One item by several methods.

    Attributes:
        item: id.
        title: in words.
        ratings: predicted by each method.
        ranks: by each method.
        disagreement: distance of the extreme ranks, as a share of the candidates.
    """

    item: str
    title: str
    ratings: tuple[float, ...]
    ranks: tuple[int, ...]
    disagreement: float


@dataclass(frozen=True)
class Comparison:
    """Several methods side by side.

    Attributes:
        methods: that made the lists.
        rows: the items of all lists, largest disagreement first.
        correlations: of the ranks of all candidates with those of the first method.
    """

    methods: tuple[str, ...]
    rows: tuple[Compared, ...]
    correlations: tuple[float, ...]


def compare(question: Question, methods: Sequence[str]) -> Comparison:
    """Ask several methods.

    Args:
        question: its method does not matter.
        methods: of its model, at least one.

    Raises:
        As `answer`.
    """
    rankings = [rank(replace(question, method=method)) for method in methods]
    catalogue = rankings[0].model.catalogue
    num = len(rankings[0].rows)
    ranks = [one.rank_of for one in rankings]
    shown = dict.fromkeys(row for one in rankings for row in one.rows[: question.length].tolist())
    rows = []
    for row in shown:
        places = tuple(one[row] for one in ranks)
        ratings = tuple(
            float(one.rating[place - 1]) for one, place in zip(rankings, places, strict=True)
        )
        rows.append(
            Compared(
                catalogue.ids[row], catalogue.titles[row], ratings, places,
                (max(places) - min(places)) / num,
            )
        )  # fmt: skip
    everyone = np.array([[one[row] for row in ranks[0]] for one in ranks], float)
    correlations = tuple(
        float(np.corrcoef(everyone[0], one)[0, 1]) if num > 1 else 1.0 for one in everyone
    )
    return Comparison(
        tuple(methods), tuple(sorted(rows, key=lambda one: -one.disagreement)), correlations
    )
