"""Why an item is recommended: which of the given ratings, and what they change in the network.

The score that evidence is measured by says how far the item stands out for this person: 0.5 plus
the predicted rating minus the mean prediction over the catalogue, as a share of the scale. At 0.5
the item is like any other. The level at which a person rates drops out of it, because it changes no
order (`core.serving.rec_influence`).

A rating that is taken away is left out of what the network is given; the rank is that among all
candidates under the same change.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    Check,
    Minimal,
    Thresholds,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.knowledge.modulation import OPERATIONS
from core.knowledge.ratings import Ratings
from core.serving.rec_influence import influences, reference_rows
from core.serving.rec_model import RecModel
from core.serving.rec_question import Question
from core.serving.recommendation import CITED, Answer, answer, rank, say_level

NUM_CONTROLS = 20
RATINGS = ("rating", "ratings")
MAX_CITED = 8
CITED_SHARE = 0.2  # of the strongest effect, from which a rating is cited
FLOOR = 0.05 / 4  # the floor of a probability, 0.05, read as stars of five: a share of the scale


@dataclass(frozen=True)
class Influence:
    """What one given rating does to one item.

    Attributes:
        id: of the rated item.
        title: of the rated item.
        rating: that was given.
        total: change of the item's predicted rating by having it.
        level: its part that is alike for all items.
        own: the rest, which speaks for or against this item.
        rank_without: rank of the item if this rating had not been given.
        flipped: the end of the scale that is farther from the rating.
        rank_flipped: rank of the item if that had been the rating.
        shared: fields in which the model sees both items as alike; empty for models that do not
            look for it.
    """

    id: str
    title: str
    rating: float
    total: float
    level: float
    own: float
    rank_without: int
    flipped: float
    rank_flipped: int
    shared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """Why one item stands where it stands.

    Attributes:
        item: id.
        title: of the item.
        rank: of the item.
        influences: of the given ratings, strongest own part first.
        cited: ids of those that carry the item, strongest first: the evidence to be checked.
        level_share: share of the level in all effects on this item.
        statement: the main point in words.
    """

    item: str
    title: str
    rank: int
    influences: tuple[Influence, ...]
    cited: tuple[str, ...]
    level_share: float
    statement: str


class Asked:
    """One item of an answer, ready for overlays; items of overlays are ids of given ratings.

    Args:
        question: the question.
        item: id of a listed item.

    Raises:
        InputError: RC-E13, and as `core.serving.recommendation.answer`.
    """

    def __init__(self, question: Question, item: str) -> None:
        self.answer: Answer = answer(question)
        self.row = self.answer.of(item)
        ranking = rank(question)
        self.question, self.model, self.given = question, ranking.model, ranking.given
        self.method, self.candidates = ranking.method, np.sort(ranking.rows)
        self.place = int(np.searchsorted(self.candidates, self.model.row_of[item]))
        self.reference = reference_rows(len(self.model.catalogue))

    @property
    def ids(self) -> tuple[str, ...]:
        """Rated items whose ratings are used, in the order given."""
        return tuple(self.model.catalogue.ids[row] for row in self.given.item)

    def part(self, overlay: Overlay) -> Ratings:
        """The ratings that an overlay leaves."""
        kept = [
            place for place, one in enumerate(self.ids)
            if (overlay.keep is None or one in overlay.keep) and one not in overlay.remove
        ]  # fmt: skip
        return self.given.take(np.array(kept, np.int64))

    def outcomes(self, users: Sequence[Ratings]) -> list[Outcome]:
        """Score and rank of the item for persons who gave these ratings."""
        num = len(self.candidates)
        rows = np.concatenate([self.candidates, self.reference])
        score = self.model.score(users, rows, self.method, self.question.user)
        own = score[:, self.place]
        lead = (own - score[:, num:].mean(1)) / self.model.scale.span
        higher = (score[:, :num] > own[:, None]).sum(1)
        return [
            Outcome(float(np.clip(0.5 + one, 0, 1)), 1.0 + above)
            for one, above in zip(lead, higher.tolist(), strict=True)
        ]

    def ask(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """The scorer."""
        return self.outcomes([self.part(overlay) for overlay in overlays])

    def liked(self, item: str) -> bool:
        """Whether a given rating lies above the middle of this person's ratings."""
        rating = self.given.rating[self.ids.index(item)]
        return bool(rating >= self.given.rating.mean())


def explain(question: Question, item: str) -> Explanation:
    """Effects of the given ratings on one item, each left out and each turned round.

    Raises:
        InputError: RC-E13, and as `core.serving.recommendation.answer`.
    """
    asked = Asked(question, item)
    model, given = asked.model, asked.given
    row = model.row_of[item]
    effect = influences(model, given, [row], asked.method, question.user)
    scale = model.scale
    flipped = np.where(given.rating >= scale.middle, scale.low, scale.high).astype(np.float32)
    without = [asked.part(Overlay(remove=frozenset([one]))) for one in asked.ids]
    turned = [
        replace(given, rating=np.where(np.arange(len(given)) == place, flipped, given.rating))
        for place in range(len(given))
    ]
    ranks = [int(one.rank) for one in asked.outcomes([*without, *turned])] if without else []
    found = [
        Influence(
            one,
            model.title_of(one),
            float(given.rating[place]),
            float(effect.total[place, 0]),
            float(effect.level[place]),
            float(effect.own[place, 0]),
            ranks[place],
            float(flipped[place]),
            ranks[len(given) + place],
            tuple(shared_fields(model, row, model.row_of[one])),
        )
        for place, one in enumerate(asked.ids)
    ]
    ordered = tuple(sorted(found, key=lambda one: -abs(one.own)))
    cited = _cite(ordered, CITED * scale.span)
    share = effect.level_share if found else 1.0
    return Explanation(
        item, asked.row.title, asked.row.rank, ordered, cited, share, _say(asked, ordered, cited)
    )


def shared_fields(model: RecModel, one: int, other: int) -> list[str]:
    """Fields in which two items share a value, among those that the model weighs."""
    if not model.field_weights:
        return []
    return [
        field.name for field in model.input_fields
        if model.field_weights.get(field.name) and set(field.of(one)) & set(field.of(other))
    ]  # fmt: skip


def _cite(ordered: Sequence[Influence], least: float) -> tuple[str, ...]:
    """Ratings that lift the item more than others, none much weaker than the strongest.

    At most half of all: as many others must be left to compare with.
    """
    lifting = [one for one in ordered if one.own >= least]
    enough = CITED_SHARE * lifting[0].own if lifting else 0
    most = min(MAX_CITED, max(1, len(ordered) // 2))
    return tuple(one.id for one in lifting[:most] if one.own >= enough)


def _say(asked: Asked, ordered: Sequence[Influence], cited: Collection[str]) -> str:
    row, model = asked.row, asked.model
    popular = f"By popularity it would stand at {row.popularity_rank:,}."
    if not ordered:
        return f"Nothing is known of you yet. {popular}"
    if asked.method == "popularity":
        return f"{asked.answer.statement} {popular}"
    if not cited:
        return (
            f"None of your ratings speaks for {row.title} more than for other {model.words.items}: "
            f"they say how high you rate. {popular}"
        )
    told = [one for one in ordered if one.id in cited][:3]
    words = "; ".join(_name(one) for one in told)
    return (
        f"What lifts {row.title} more than other {model.words.items}: {words}. {popular} "
        f"{say_level(asked.answer.level_share, len(ordered), model, asked.method)}"
    )


def _name(one: Influence) -> str:
    """A rating with its own part, and what the model sees as alike."""
    alike = f", same {' and '.join(one.shared)}" if one.shared else ""
    return f"{one.title}, rated {one.rating:g} (+{one.own:.2f}{alike})"


def check(question: Question, item: str, ids: Collection[str], *, seed: int = 0) -> Check:
    """The live check of given ratings against as many other ones of the same kind.

    Ratings at or above the person's mean are one kind, those below it the other.

    Args:
        question: the question.
        item: the recommended item.
        ids: rated items that are said to be the reason.
        seed: seed of the controls.

    Raises:
        InputError: RC-E13, and as `core.serving.recommendation.answer`.
    """
    asked = Asked(question, item)
    evidence = frozenset(ids) & frozenset(asked.ids)
    rng = np.random.default_rng(seed)
    controls = matched_controls(evidence, asked.ids, asked.liked, NUM_CONTROLS, rng)
    return check_evidence(
        asked.ask, evidence, controls, Thresholds(necessity_floor=FLOOR), stratum=asked.liked,
        noun=RATINGS,
    )  # fmt: skip


def minimise(question: Question, item: str) -> Minimal:
    """The fewest of the cited ratings that are enough; items are their ids.

    Raises:
        InputError: RC-E13, and as `core.serving.recommendation.answer`.
    """
    cited = explain(question, item).cited
    return find_minimal(Asked(question, item).ask, cited, order=cited)


@dataclass(frozen=True)
class Cell:
    """One kept operation at one position, and where this person's numbers of it lie.

    Attributes:
        position: of the predictor, from 0.
        operation: one of `core.knowledge.modulation.OPERATIONS`.
        num: numbers.
        outside: share of them outside the middle 90 % of test users.
    """

    position: int
    operation: str
    num: int
    outside: float


@dataclass(frozen=True)
class Deviation:
    """One number of this person beside those of test users.

    Attributes:
        position: of the predictor, from 0.
        operation: one of `core.knowledge.modulation.OPERATIONS`.
        feature: place in the layer, from 1.
        value: this person's.
        low: 5 % quantile of test users.
        median: of test users.
        high: 95 % quantile of test users.
        size: distance from the median in widths of their middle half.
    """

    position: int
    operation: str
    feature: int
    value: float
    low: float
    median: float
    high: float
    size: float


@dataclass(frozen=True)
class Modulation:
    """What a person's ratings change in the network.

    Attributes:
        cells: of the kept operations, by position.
        deviations: the numbers that are farthest from those of others, largest first.
        statement: the main point in words.
    """

    cells: tuple[Cell, ...]
    deviations: tuple[Deviation, ...]
    statement: str


def modulation(question: Question, num: int = 20) -> Modulation:
    """The numbers that ColdNAS adapts to this person beside those of test users.

    Args:
        question: the question.
        num: deviations wanted.

    Raises:
        As `core.serving.recommendation.answer`.
    """
    ranking = rank(question)
    model = ranking.model
    if not model.structure.size:
        said = "The structure keeps no operation: no number inside the network is yours alone."
        return Modulation((), (), said)
    if model.population is None:
        return Modulation((), (), "The files of this model do not say what is usual.")
    phi = model.phi([ranking.given], question.user)[0]  # (4, width)
    low, quarter, median, three, high = model.population
    outside = (phi < low) | (phi > high)
    size = np.abs(phi - median) / np.maximum(three - quarter, 1e-6)
    cells, deviations = [], []
    for position, columns in enumerate(model.segments):
        for row, operation in enumerate(OPERATIONS):
            if (position, operation) not in model.structure.kept or columns.start == columns.stop:
                continue
            cells.append(
                Cell(
                    position,
                    operation,
                    columns.stop - columns.start,
                    float(outside[row, columns].mean()),
                )
            )
            deviations += [
                Deviation(
                    position, operation, column - columns.start + 1, float(phi[row, column]),
                    float(low[row, column]), float(median[row, column]), float(high[row, column]),
                    float(size[row, column]),
                )
                for column in range(columns.start, columns.stop)
            ]  # fmt: skip
    total = sum(one.num for one in cells)
    share = sum(one.num * one.outside for one in cells) / total if total else 0.0
    ordered = sorted(deviations, key=lambda one: -one.size)[:num]
    return Modulation(
        tuple(cells),
        tuple(ordered),
        f"{total:,} numbers of the network are yours alone. {share:.0%} of them lie outside the "
        f"middle 90 % of test {model.words.users} (10 % would be usual).",
    )
