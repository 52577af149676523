"""Data sets of ratings: what cold-start recommendation is trained and tested on."""

import hashlib
import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn

from core.data.films import load_films, match_films
from core.data.ratings.sets import load
from core.data.registry import find as find_data_set
from core.export.artifact import hardware
from core.export.ratings import export_catalogue, export_items
from core.function.modulation import ColdNas
from core.knowledge.rating_models import METHODS, choose, predict
from core.knowledge.ratings import MISSING, Catalogue, ColdStart, Episode, Field, Ratings
from core.metrics import catalogue_summary, rating_summary
from core.serving.artifact import Artifact, DataState
from core.serving.rec_model import RecModel
from core.serving.rec_training import load_upload
from core.training.data import Exported, Results
from core.training.fitted import Fitted
from core.training.ratings import FittedRatings, RatingTask, score_batch

COUNTS = (0, 1, 3, 5, 10, 20)  # given ratings that are reported
AT_ONCE = 100_000  # users times items scored side by side
LIKED = 0.75  # of the scale, from where on a rating says that the item is liked
LEVEL = 0.9  # share of ratings that an interval promises to hold
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
NO_ROWS = np.zeros(0, np.int64)
TIMED = 30  # runs of which the median counts
SERVED = "test, items served"


class Question(NamedTuple):
    """As an `Episode`, but may ask for every item, given ones included; has no answers."""

    user: int
    support: Ratings
    query: Ratings


ScoreAll = Callable[[Sequence[Episode | Question]], list[np.ndarray]]  # (m,) of each


@dataclass(frozen=True, eq=False)
class RatingData:
    """A data set ready for training, testing and export.

    Attributes:
        task: what a method is fitted on.
        state: data set, checksum and licence for the card.
        words: what user, item and rating are called.
        shown: (k,) items of the catalogue that an artifact keeps.
        catalogue: those items, as they are shown.
        factors_s: seconds in which the closed forms were fitted and chosen.
    """

    task: RatingTask
    state: DataState
    words: Mapping[str, str]
    shown: np.ndarray
    catalogue: Catalogue
    factors_s: float

    @property
    def protocol(self) -> str:
        """In words."""
        longest = max(len(one.support) for one in self.task.data.test)
        return (
            f"{self.state.split}; mean over {len(self.task.data.test)} test users of the error of "
            "their asked ratings, which no training saw, after the first N given ratings, "
            f"N up to {longest}; scores are clipped to the scale for errors and not for orders; "
            "recall, coverage and popularity bias over the whole catalogue, liked from "
            f"{LIKED:.0%} of the scale on; structure and epoch chosen on validation users"
        )

    def test(self, fitted: Fitted, device: str) -> Results:
        """Errors and orders after few ratings, for the method and everything beside it.

        Curve, intervals, numbers of test users and costs are written into the knowledge of
        `fitted`.
        """
        rivals = fitted.rivals if isinstance(fitted, FittedRatings) else {}
        networks = {"coldnas": fitted, **rivals}
        scorers = {
            name: self._network(one.network.to(device), device) for name, one in networks.items()
        } | {name: self._closed_form(name) for name in METHODS}
        results: Results = {}
        curve = []
        for num in reversed(self._counts):  # the first figures of a card are its main ones
            split = results.setdefault(f"test, N={num}", {})
            for name, score in scorers.items():
                found = self._measure(score, num)
                prefix = "" if name == "coldnas" else f"{name.replace('_', '-')} "
                split |= {prefix + metric: value for metric, value in found.items()}
                curve.append({"given": num, "method": name} | _rounded(found))
        results[SERVED] = self._summary(scorers["coldnas"], self._served_episodes)
        fitted.knowledge["curve"] = sorted(curve, key=lambda row: row["given"])
        fitted.knowledge["intervals"] = [
            self._interval(scorers["coldnas"], num) for num in self._counts
        ]
        fitted.knowledge["population"] = {"phi": self._population(fitted.network, device)}
        fitted.knowledge["rivals"] = [self._cost(name, one) for name, one in networks.items()]
        fitted.knowledge["rivals"] += [self._closed_cost(name) for name in METHODS]
        return results

    def served(self, artifact: Artifact) -> Results:
        """Errors and orders of the items served, through the code that serves answers."""
        model = RecModel(artifact)
        own = {int(row): place for place, row in enumerate(self.shown)}
        scores = []
        for one in self._served_episodes:
            given, asked = (
                replace(part, item=np.array([own[row] for row in part.item], np.int64))
                for part in (one.support, one.query)
            )
            scores.append(model.score([given], asked.item)[0])
        return {SERVED: self._errors(self._served_episodes, scores)}

    def published(self, split: str, metric: str) -> tuple[float, str] | None:
        """The paper's figures on the authors' episodes of Last.fm."""
        found = {"mse": 0.2091, "mae": 0.4178}.get(metric)
        if self.state.name != "lastfm" or split != "test, N=20" or found is None:
            return None
        return found, "Table 3 of the parsimony paper, divided by 100."

    def export(self, fitted: Fitted) -> Exported:
        """Networks over the items shown, the two steps for other items, and what serving shows."""
        model, worst = export_catalogue(fitted.network, self.shown)
        more, other = export_items(fitted.network)
        differences = [worst, other]
        rivals = fitted.rivals if isinstance(fitted, FittedRatings) else {}
        for name, one in rivals.items():
            if isinstance(one.network, ColdNas):
                more[f"{name}.onnx"], worst = export_catalogue(one.network, self.shown)
                differences.append(worst)
        return Exported(model, self.knowledge(fitted), max(differences), more)

    def knowledge(self, fitted: Fitted) -> dict[str, Any]:
        """Items, means and factors as serving reads them, beside what the training found."""
        factors = self.task.factors
        shown, everything = factors.take(self.shown).to_json(), factors.to_json()["fold_in"]
        scale = self.task.data.scale
        return fitted.knowledge | shown | {
            "fold_in": everything,
            "catalogue": {
                "ids": list(self.catalogue.ids),
                "titles": list(self.catalogue.titles),
                "fields": [_field(field) for field in self.catalogue.fields],
            },
            # what the networks read; the catalogue's fields are what is shown
            "item_fields": [
                _field(field.take(self.shown)) | {"width": field.table.shape[1]}
                for field in self.task.data.catalogue.fields
            ],
            "user_fields": [
                _field(field.take(NO_ROWS)) | {"width": field.table.shape[1]}
                for field in self.task.data.user_fields
            ],
            "scale": {"low": scale.low, "high": scale.high, "step": scale.step},
            "words": dict(self.words),
            "widths": list(fitted.network.scorer.predictor.widths),
            "resemblance": self._resemblance(fitted.network),
        }  # fmt: skip

    def _resemblance(self, network: ColdNas) -> dict[str, Any] | None:
        """Learned weight of each field and shrinkage; None in content form."""
        if not network.scorer.residual:
            return None
        part = network.scorer.resemblance
        names = [field.name for field in self.task.data.catalogue.fields]
        weights = [round(one, 4) for one in part.weights.tolist()]
        return {
            "fields": dict(zip(names, weights, strict=True)),
            "shrink": round(part.shrink.item(), 4),
            "level_shrink": round(network.scorer.log_shrink.exp().item(), 4),
        }

    @property
    def _counts(self) -> list[int]:
        longest = max(len(one.support) for one in self.task.data.test)
        return [num for num in COUNTS if num <= longest]

    @property
    def _served_episodes(self) -> list[Episode]:
        """Test episodes with the items that an artifact keeps, where one of these is asked for."""
        found = []
        for one in self.task.data.test:
            given, asked = (
                part.take(np.flatnonzero(np.isin(part.item, self.shown)))
                for part in (one.support, one.query)
            )
            if len(asked):
                found.append(Episode(one.user, given, asked))
        return found

    def _network(self, network: nn.Module, device: str) -> ScoreAll:
        network.eval()

        def score(episodes: Sequence[Episode | Question]) -> list[np.ndarray]:
            found = []
            size = max(1, AT_ONCE // max(len(one.query) for one in episodes))
            for start in range(0, len(episodes), size):
                part = episodes[start : start + size]
                with torch.no_grad():
                    rows = score_batch(network, self.task.batch(part).to(torch.device(device)))
                rows = rows.cpu().double().numpy()
                found += [row[: len(one.query)] for one, row in zip(part, rows, strict=True)]
            return found

        return score

    def _closed_form(self, name: str) -> ScoreAll:
        return lambda episodes: [
            predict(self.task.factors, name, one.support, one.query.item) for one in episodes
        ]

    def _summary(self, score: ScoreAll, episodes: Sequence[Episode]) -> dict[str, float]:
        return self._errors(episodes, score(episodes))

    def _errors(
        self, episodes: Sequence[Episode], scores: Sequence[np.ndarray]
    ) -> dict[str, float]:
        """Errors with scores clipped to the scale, orders with scores as they are."""
        truth, scale = [one.query.rating for one in episodes], self.task.data.scale
        clipped = rating_summary(truth, [np.clip(one, scale.low, scale.high) for one in scores])
        orders = rating_summary(truth, scores)
        return {name: (orders if name.startswith("ndcg") else clipped)[name] for name in clipped}

    def _measure(self, score: ScoreAll, num: int) -> dict[str, float]:
        episodes = [one.shortened(num) for one in self.task.data.test]
        found = self._summary(score, episodes)
        scale, every = self.task.data.scale, np.arange(len(self.task.data.catalogue))
        whole = Ratings(every, np.zeros(len(every), np.float32))
        scores = score([Question(one.user, one.support, whole) for one in episodes])
        liked = [
            one.query.item[one.query.rating >= scale.low + LIKED * scale.span] for one in episodes
        ]
        given = [one.support.item for one in episodes]
        return found | catalogue_summary(scores, given, liked, self.task.factors.count)

    def _interval(self, score: ScoreAll, num: int) -> dict[str, float]:
        """Half-width that holds `LEVEL` of what validation users rated, and what test users did."""
        scale, errors = self.task.data.scale, []
        for part in (self.task.data.valid, self.task.data.test):
            episodes = [one.shortened(num) for one in part]
            scores = np.clip(np.concatenate(score(episodes)), scale.low, scale.high)
            errors.append(np.abs(scores - np.concatenate([one.query.rating for one in episodes])))
        valid, test = errors
        rank = min(math.ceil(LEVEL * (len(valid) + 1)), len(valid)) - 1
        width = float(np.sort(valid)[rank])
        return {
            "given": num, "level": LEVEL, "width": round(width, 4),
            "coverage": round(float((test <= width).mean()), 4), "num": len(test),
        }  # fmt: skip

    def _population(self, network: ColdNas, device: str) -> list[Any]:
        """(5, 4, width) quantiles over test users, all their given ratings known."""
        batch = self.task.batch(self.task.data.test).to(torch.device(device))
        with torch.no_grad():
            phi = network(*batch[:4], batch.query_item[:, :1])[1]
        return np.quantile(phi.cpu().numpy(), QUANTILES, axis=0).round(3).tolist()

    def _cost(self, name: str, fitted: Fitted) -> dict[str, Any]:
        """What a method takes: numbers, numbers changed per user, seconds, milliseconds."""
        network = fitted.network.cpu().eval()
        one = self.task.batch(self.task.data.test[:1])
        with torch.no_grad():
            adapt_ms = _median_ms(lambda: score_batch(network, one))
        return {
            "method": name, "parameters": fitted.num_parameters, "adapted": network.num_adapted,
            "training_s": round(fitted.history.seconds, 1), "adapt_ms": adapt_ms,
            "measured_on": hardware("cpu"),
        }  # fmt: skip

    def _closed_cost(self, name: str) -> dict[str, Any]:
        """The same of a closed form."""
        factors, one = self.task.factors, self.task.data.test[0]
        num_items, k = factors.factors.shape
        parameters, adapted = {
            "popularity": (num_items, 0), "offset": (num_items, 1),
            "fold_in": (num_items * (1 + k), 1 + k),
        }[name]  # fmt: skip
        adapt_ms = _median_ms(lambda: predict(factors, name, one.support, one.query.item))
        return {
            "method": name, "parameters": parameters, "adapted": adapted,
            "training_s": round(self.factors_s, 1), "adapt_ms": adapt_ms,
            "measured_on": hardware("cpu"),
        }  # fmt: skip


def _median_ms(run: Callable[[], object]) -> float:
    """Milliseconds of one run, median of `TIMED`."""
    times = []
    for _ in range(TIMED):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return round(1000 * statistics.median(times), 3)


def _rounded(values: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 4) for name, value in values.items()}


def _field(field: Field) -> dict[str, Any]:
    """Plain values of a field."""
    rows = [[int(k) for k in row if k != MISSING] for row in field.table]
    return {"name": field.name, "values": list(field.values), "rows": rows}


WORDS: Mapping[str, Mapping[str, str]] = {
    "movietweetings": {"user": "viewer", "item": "film", "rating": "rating"},
    "ml-1m": {"user": "viewer", "item": "film", "rating": "rating"},
    "lastfm": {"user": "listener", "item": "artist", "rating": "listening"},
    "planted": {"user": "entity", "item": "item", "rating": "score"},
}


def load_rating_data(name: str) -> RatingData:
    """A public set, simulated ratings, or a user's own (``upload:<id>``).

    Raises:
        InputError: no such data set; or one too small to divide.
        DataError: its files cannot be had.
    """
    if name.startswith("upload:"):
        found = load_upload(name.removeprefix("upload:"))
        return rating_data(found.data, _state(name, "Own ratings", "a user's own file", "",
                                              found.data), found.words)  # fmt: skip
    data = load(name)
    if name == "planted":
        state = _state(name, "simulated scores", "generated by this program", "", data)
    else:
        found = find_data_set(name)
        state = _state(name, found.title, found.licence, found.files[0].origin, data)
    return rating_data(data, state, WORDS[name], own_films=name == "movietweetings")


def _state(name: str, title: str, licence: str, url: str, data: ColdStart) -> DataState:
    split = "authors' episodes" if data.train else "70/10/20 of the users, random"
    return DataState(name, title, _digest(data), licence, url, split)


def rating_data(
    data: ColdStart, state: DataState, words: Mapping[str, str], *, own_films: bool = False
) -> RatingData:
    """Factors of a data set, and the items that an artifact keeps.

    Args:
        data: users apart already.
        state: for the card.
        words: what user, item and rating are called.
        own_films: keep the films of `core.data.films` only, under their own titles.
    """
    longest, start = max(len(one.support) for one in data.valid), time.perf_counter()
    factors = choose(
        data.warm, len(data.catalogue), data.scale, data.valid,
        num_given=[num for num in COUNTS if num <= longest],
    )  # fmt: skip
    factors_s = time.perf_counter() - start
    shown, catalogue = np.arange(len(data.catalogue)), data.catalogue
    if own_films:
        rows = match_films(data.catalogue)
        shown, catalogue = rows[rows != MISSING], load_films().take(np.flatnonzero(rows != MISSING))
    return RatingData(RatingTask(data, factors), state, words, shown, catalogue, factors_s)


def _digest(data: ColdStart) -> str:
    """Checksum of catalogue, ratings and split."""
    found = hashlib.sha256("\n".join(data.catalogue.ids).encode())
    for one in (*data.warm, *data.train, *data.valid, *data.test):
        for part in (one,) if isinstance(one, Ratings) else (one.support, one.query):
            found.update(part.item.tobytes() + part.rating.tobytes())
    return found.hexdigest()
