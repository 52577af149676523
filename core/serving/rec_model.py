"""Models of cold-start recommendation: ratings of a few items in, scores of other items out.

    open_model("coldnas-movietweetings") ──score(given, candidates, method)──> (b, m)

One artifact answers with several methods: ColdNAS, the same network with a fixed modulation (FiLM)
or without any, and three that need no network. A batch of users with different numbers of given
ratings is one call, which is what leaving out each rating in turn needs. Sessions are shared by all
threads and run on one thread each (`core.serving.session`).
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from core.data.films import title_and_year
from core.errors import ArtifactError, InputError
from core.knowledge.modulation import Structure
from core.knowledge.rating_models import Factors
from core.knowledge.ratings import MISSING, Catalogue, Field, Ratings, Scale
from core.knowledge.resemblance import resemblance
from core.serving.artifact import Artifact, Card, list_artifacts, load_artifact
from core.settings import settings

TASK = "recommendation"
OWN = "coldnas-own-"  # first part of the names of models of uploads
MAX_PAIRS = 200_000  # users times candidates at once: some 100 MB in the widest layer
MAX_KINDS = 60  # values of a field that can be offered as a filter


@dataclass(frozen=True)
class Method:
    """A way to score items.

    Attributes:
        id: in questions and addresses.
        title: in words.
        sentence: what it does with the given ratings.
        file: ONNX file of the artifact, empty where none is needed.
    """

    id: str
    title: str
    sentence: str
    file: str = ""


METHODS: Mapping[str, Method] = {
    one.id: one
    for one in (
        Method(
            "coldnas", "ColdNAS", "A hypernetwork turns your ratings into numbers that modulate "
            "the predictor; which operations modulate it where was searched.", "model.onnx",
        ),
        Method(
            "film", "FiLM", "The same network, scaled and shifted at every position.", "film.onnx",
        ),
        Method("none", "No modulation", "The same network; your ratings change nothing in it.",
               "none.onnx"),
        Method(
            "fold_in", "Matrix factorization", "Your place among the factors of other users, by "
            "ridge regression.",
        ),
        Method("offset", "Item mean + your offset", "Mean of the item, moved by how much higher or "
               "lower than others you rate."),
        Method("popularity", "Popularity", "Mean of the item: the same list for everybody."),
    )
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What things are called here, in the singular; and in the plural."""

    user: str = "user"
    item: str = "item"
    rating: str = "rating"

    @property
    def users(self) -> str:
        """Several users."""
        return plural(self.user)

    @property
    def items(self) -> str:
        """Several items."""
        return plural(self.item)

    @property
    def ratings(self) -> str:
        """Several ratings."""
        return plural(self.rating)


def plural(word: str) -> str:
    """Regular plural of an English noun."""
    if re.search(r"[^aeiou]y$", word):
        return f"{word[:-1]}ies"
    return f"{word}es" if re.search(r"(s|x|z|ch|sh)$", word) else f"{word}s"


@dataclass(frozen=True)
class Interval:
    """Conformal interval around a predicted rating.

    Attributes:
        given: number of given ratings it was measured with.
        level: promised share of ratings inside.
        width: half-width in units of the rating.
        coverage: share measured on ratings of test users.
        num: ratings behind the coverage.
    """

    given: int
    level: float
    width: float
    coverage: float
    num: int


@dataclass(frozen=True)
class ModelEntry:
    """A model that can be chosen.

    Attributes:
        id: name of the artifact.
        title: for people.
        problem: why it cannot be used, empty when it can.
        own: whether it was trained here, by a job.
    """

    id: str
    title: str
    problem: str = ""
    own: bool = False


@dataclass(frozen=True)
class UserField:
    """A property of users that a model reads.

    Attributes:
        name: in words.
        values: what it may be.
        width: values that one user may have.
    """

    name: str
    values: tuple[str, ...]
    width: int

    def row(self, user: Sequence[tuple[str, str]]) -> list[int]:
        """(width,) numbers of a user's values; what is not known counts as missing."""
        known = [
            self.values.index(value) for name, value in user
            if name == self.name and value in self.values
        ]  # fmt: skip
        return (known + [MISSING] * self.width)[: self.width]


class RecModel:
    """One artifact.

    Args:
        artifact: verified.
        more: items behind its catalogue, which no training has seen, in its fields; None for none.
        inputs: the same items in `item_fields`.

    Attributes:
        catalogue: items that can be rated and recommended.
        num_trained: items of the artifact; further ones follow them.
        scale: of ratings.
        words: what things are called.
        structure: the modulation that was found.
        gates: (4, 4) strength of each position and operation at the end of the search.
        search: trials and times of the search, as in knowledge.json.
        curve: error by number of given ratings, one row per number and method.
        intervals: by number of given ratings, ascending.
        population: (5, 4, width) quantiles 5, 25, 50, 75 and 95 % of phi over test users; None
            where they were not kept.
        factors: means and factors of the items, for the methods without a network.
        rivals: costs of other methods, as in knowledge.json.
        user_fields: properties of users that the model reads; none for most.
    """

    def __init__(
        self, artifact: Artifact, more: Catalogue | None = None, inputs: Sequence[Field] = ()
    ) -> None:
        self.artifact, self._inputs = artifact, tuple(inputs)
        known = artifact.knowledge
        trained = _catalogue(known["catalogue"])
        self.num_trained = len(trained)
        self.catalogue = trained if more is None else join(trained, more)
        self.scale = Scale(**known["scale"])
        self.words = Words(**known.get("words", {}))
        self.structure = Structure.from_json(known["structure"])
        self.gates = np.asarray(known["gates"], np.float64)
        self.search: Mapping[str, Any] = known["search"]
        self.curve: tuple[Mapping[str, Any], ...] = tuple(known["curve"])
        self.intervals = tuple(
            sorted((Interval(**one) for one in known["intervals"]), key=lambda one: one.given)
        )
        found = known.get("population", {}).get("phi")
        self.population = None if found is None else np.asarray(found, np.float64)
        # a scale with room at both ends: beyond them, items are still ordered
        room = Scale(self.scale.low - self.scale.span, self.scale.high + self.scale.span)
        self.factors = _with_unrated(Factors.from_json(known, room), len(self.catalogue))
        self.rivals: tuple[Mapping[str, Any], ...] = tuple(known["rivals"])
        self.user_fields = tuple(
            UserField(one["name"], tuple(one["values"]), one["width"])
            for one in known.get("user_fields", ())
        )
        self.row_of = {item: row for row, item in enumerate(self.catalogue.ids)}

    @property
    def id(self) -> str:
        """Name of the artifact."""
        return self.artifact.name

    @property
    def card(self) -> Card:
        """Origin and figures of the artifact."""
        return self.artifact.card

    @property
    def provider(self) -> str:
        """What computes the networks."""
        return self.artifact.session.provider

    @property
    def methods(self) -> tuple[str, ...]:
        """Ids of the methods that this artifact can answer with."""
        files = {"model.onnx"} if self.has_more else set(self.card.files)
        return tuple(one.id for one in METHODS.values() if not one.file or one.file in files)

    @property
    def has_more(self) -> bool:
        """Whether there are items that no training has seen."""
        return len(self.catalogue) > self.num_trained

    @property
    def reads_items(self) -> bool:
        """Whether the networks can score items that were not trained on, from their fields."""
        fields = self.artifact.knowledge.get("item_fields", ())
        files = {"items.onnx", "scorer.onnx"} <= set(self.card.files)
        return files and bool(fields) and all("rows" in one for one in fields)

    @cached_property
    def item_fields(self) -> tuple[Field, ...]:
        """What the networks read of the trained items, in the order of their inputs."""
        return tuple(_field(one) for one in self.artifact.knowledge["item_fields"])

    @cached_property
    def input_fields(self) -> tuple[Field, ...]:
        """`item_fields` of the whole catalogue."""
        if not self.has_more:
            return self.item_fields
        return tuple(map(join_fields, self.item_fields, self._inputs))

    @property
    def field_weights(self) -> Mapping[str, float]:
        """How much sharing all values of a field counts where the model looks for resemblance.

        Empty for models that do not look for it.
        """
        return (self.artifact.knowledge.get("resemblance") or {}).get("fields", {})

    @property
    def residual(self) -> bool:
        """Whether the networks read means and factors of the items."""
        return bool(self.card.config.get("residual", True))

    @cached_property
    def vectors(self) -> np.ndarray:
        """(n, d) vectors of all items, for a catalogue with more items than were trained."""
        feeds = {f"field_{k}": one.table for k, one in enumerate(self.input_fields)}
        if self.residual:
            feeds["bias"] = self.factors.bias.astype(np.float32)
            feeds["factors"] = self.factors.factors.astype(np.float32)
        [found] = self.artifact.open("items.onnx").run(feeds, ["vectors"])
        return found

    @property
    def segments(self) -> tuple[slice, ...]:
        """Columns of phi that belong to each position of the predictor."""
        ends = np.cumsum([0, *self.artifact.knowledge["widths"]]).tolist()
        return tuple(slice(*pair) for pair in pairwise(ends))

    def title_of(self, item: str) -> str:
        """Title of an item by its id."""
        return self.catalogue.titles[self.row_of[item]]

    @cached_property
    def year_of(self) -> tuple[int | None, ...]:
        """Year of each item: four digits in brackets at the end of its title."""
        return tuple(title_and_year(title)[1] for title in self.catalogue.titles)

    @cached_property
    def years(self) -> tuple[int, int] | None:
        """First and last year, None where no title has one."""
        known = [year for year in self.year_of if year is not None]
        return (min(known), max(known)) if known else None

    @cached_property
    def kind_field(self) -> Field | None:
        """The field offered as a filter: the first with several values per item, else the first."""
        few = [one for one in self.catalogue.fields if 1 < len(one.values) <= MAX_KINDS]
        several = [one for one in few if one.table.shape[1] > 1]
        return next(iter(several or few), None)

    @property
    def kinds(self) -> tuple[str, tuple[str, ...]] | None:
        """Name and values of the field offered as a filter."""
        field = self.kind_field
        return None if field is None else (field.name, field.values)

    def kinds_of(self, row: int) -> tuple[str, ...]:
        """Values of that field for one item."""
        return self.kind_field.of(row) if self.kind_field else ()

    def num_adapted(self, method: str) -> int | None:
        """Numbers that a method changes for each user; None where nobody counted them."""
        found = [one["adapted"] for one in self.rivals if one["method"] == method]
        return found[0] if found else None

    def interval(self, num_given: int) -> Interval | None:
        """The interval measured with the nearest number of given ratings that is not above.

        Args:
            num_given: given ratings.
        """
        below = [one for one in self.intervals if one.given <= num_given]
        return next(iter(below[-1:] or self.intervals[:1]), None)

    def clip(self, score: np.ndarray) -> np.ndarray:
        """Scores as ratings: what lies outside the scale becomes its end.

        Order items by the score itself: items beyond the end of the scale are not equal.
        """
        return np.clip(score, self.scale.low, self.scale.high)

    def score(
        self,
        given: Sequence[Ratings],
        candidates: np.ndarray,
        method: str = "coldnas",
        user: Sequence[tuple[str, str]] = (),
    ) -> np.ndarray:
        """Predicted ratings of some items for a batch of users.

        Args:
            given: ratings of each user, none, one or several.
            candidates: (m,) rows of the catalogue.
            method: one of `methods`.
            user: name and value of the users' properties; one that is not known counts as missing.

        Returns:
            (b, m) in units of the rating, not clipped to the scale.

        Raises:
            InputError: RC-E11, this artifact does not have the method.
        """
        self.check_method(method)
        candidates = np.asarray(candidates, np.int64)
        if not METHODS[method].file:
            return np.stack([self._without_network(one, candidates, method) for one in given])
        size = max(1, MAX_PAIRS // max(len(candidates), 1))
        parts = [
            self._run(given[start : start + size], candidates, method, user)[0]
            for start in range(0, len(given), size)
        ]
        return np.concatenate(parts).astype(np.float64)

    def _without_network(self, given: Ratings, candidates: np.ndarray, method: str) -> np.ndarray:
        if method == "popularity":
            return self.factors.popularity(candidates)
        predict = self.factors.offset if method == "offset" else self.factors.fold_in
        return predict(given, candidates)

    def check_method(self, method: str) -> None:
        """Make sure that the artifact has a method.

        Raises:
            InputError: RC-E11.
        """
        if method not in self.methods:
            raise InputError(
                "RC-E11", "Unknown method", f'"{method[:60]}" is not a method of {self.id}.',
                f"It has: {', '.join(self.methods)}.",
            )  # fmt: skip

    def phi(self, given: Sequence[Ratings], user: Sequence[tuple[str, str]] = ()) -> np.ndarray:
        """What ColdNAS adapts for each user.

        Args:
            given: ratings of each user.
            user: as in `score`.

        Returns:
            (b, 4, width), rows in the order of `core.knowledge.modulation.OPERATIONS`.
        """
        return self._run(given, np.zeros(1, np.int64), "coldnas", user)[1]

    def _run(
        self,
        given: Sequence[Ratings],
        candidates: np.ndarray,
        method: str,
        user: Sequence[tuple[str, str]],
    ) -> list[np.ndarray]:
        """Scores (b, m) and phi (b, 4, width) of a network."""
        feeds = pad(given)
        feeds["candidate_item"] = np.broadcast_to(candidates, (len(given), len(candidates)))
        file = METHODS[method].file
        if self.has_more:
            file = "scorer.onnx"
            if self.field_weights:
                feeds["resemblance"] = self._resemblance(candidates, feeds["support_item"])
            for name in ("support", "candidate"):
                rows = feeds.pop(f"{name}_item")
                feeds[name] = self.vectors[rows]
                if self.residual:
                    feeds[f"{name}_bias"] = self.factors.bias[rows].astype(np.float32)
        if self.user_fields:
            row = [number for one in self.user_fields for number in one.row(user)]
            feeds["user_field"] = np.tile(np.array(row, np.int64), (len(given), 1))
        return self.artifact.open(file).run(
            {name: np.ascontiguousarray(value) for name, value in feeds.items()}, ("score", "phi")
        )

    def _resemblance(self, candidates: np.ndarray, support: np.ndarray) -> np.ndarray:
        """(b, m, n) of items (m,) and given items (b, n)."""
        known, places = np.unique(support, return_inverse=True)
        found = resemblance(
            list(self.field_weights.values()),
            [field.take(candidates) for field in self._weighed],
            [field.take(known) for field in self._weighed],
        )
        return found[:, places.reshape(support.shape)].transpose(1, 0, 2).astype(np.float32)

    @property
    def _weighed(self) -> list[Field]:
        """Fields of all items, in the order of `field_weights`."""
        by_name = {field.name: field for field in self.input_fields}
        return [by_name[name] for name in self.field_weights]


def pad(given: Sequence[Ratings]) -> dict[str, np.ndarray]:
    """Given ratings of several users as one batch.

    Args:
        given: b users with n ratings at most.

    Returns:
        support_item (b, n) int64, support_rating (b, n) float32 and support_mask (b, n) float32,
        1 where there is a rating; n is at least 1.
    """
    shape = len(given), max([1, *map(len, given)])
    item, rating = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    mask = np.zeros(shape, np.float32)
    for row, one in enumerate(given):
        order = np.argsort(one.item)  # the order in which they were given changes no digit
        item[row, : len(one)], rating[row, : len(one)] = one.item[order], one.rating[order]
        mask[row, : len(one)] = 1
    return {"support_item": item, "support_rating": rating, "support_mask": mask}


def open_model(name: str) -> RecModel:
    """A shipped model, or one trained here by a job.

    Raises:
        InputError: RC-E12, there is no such model for this task.
        ArtifactError: its files are damaged.
    """
    for root in roots():
        card = root / name / "card.json"
        if re.fullmatch(r"[\w.-]{1,120}", name) and card.is_file():
            return _open(name, root, card.stat().st_mtime_ns)
    raise InputError(
        "RC-E12", "Unknown model", f'"{name[:60]}" is not a model of this page.',
        "Choose one from the list, or train one on your own data.",
    )  # fmt: skip


@lru_cache(maxsize=4)
def _open(name: str, root: Path, _written: int) -> RecModel:
    """A verified model; read anew when its card was written anew."""
    artifact = load_artifact(name, root)
    if artifact.card.task != TASK:
        raise InputError(
            "RC-E12", "Unknown model", f'"{name[:60]}" answers other questions.',
            "Choose one from the list.",
        )  # fmt: skip
    return RecModel(artifact)


def roots() -> tuple[Path, Path]:
    """Folders of artifacts: shipped ones first, then those trained here."""
    return settings().trained, settings().home / "trained"


def available_models(own: Collection[str] = ()) -> tuple[ModelEntry, ...]:
    """Models that can be asked, or why not: shipped ones first.

    A model of somebody's upload is listed for those only who know its name.

    Args:
        own: names of models that were trained on this person's uploads.
    """
    found = []
    for root in roots():
        for name, artifact in list_artifacts(root):
            if name.startswith(OWN) and name not in own:
                continue
            trained_here = root != settings().trained
            if isinstance(artifact, ArtifactError):
                if name.startswith("coldnas-"):
                    found.append(ModelEntry(name, name, str(artifact), trained_here))
            elif artifact.card.task == TASK:
                found.append(ModelEntry(name, artifact.card.title, own=trained_here))
    return tuple(found)


def _catalogue(value: Mapping[str, Any]) -> Catalogue:
    fields = tuple(_field(one) for one in value["fields"])
    return Catalogue(tuple(value["ids"]), tuple(value["titles"]), fields)


def _field(value: Mapping[str, Any]) -> Field:
    rows = value["rows"]
    width = value.get("width", max(map(len, rows), default=0))  # of the networks' input
    table = np.full((len(rows), width), MISSING, np.int64)
    for row, numbers in enumerate(rows):
        table[row, : len(numbers)] = numbers
    return Field(value["name"], tuple(value["values"]), table)


def join(first: Catalogue, more: Catalogue) -> Catalogue:
    """Items behind those of a catalogue, with the same fields, each as wide as in the first."""
    fields = tuple(map(join_fields, first.fields, more.fields))
    return Catalogue((*first.ids, *more.ids), (*first.titles, *more.titles), fields)


def join_fields(first: Field, more: Field) -> Field:
    """The rows of both, as wide as the first."""
    return Field(first.name, first.values, np.concatenate([first.table, more.table]))


def _with_unrated(factors: Factors, num_items: int) -> Factors:
    """The same with items behind them that nobody rated: mean of all ratings, no factors."""
    num = num_items - len(factors)
    return replace(
        factors,
        bias=np.append(factors.bias, np.full(num, factors.mean)),
        count=np.append(factors.count, np.zeros(num, np.int64)),
        factors=np.append(factors.factors, np.zeros((num, factors.factors.shape[1])), axis=0),
    )
