"""What each method costs: size, numbers adapted, training, time of a list here, measured error."""

import time
from dataclasses import dataclass

import numpy as np

from core.serving.rec_model import METHODS, RecModel
from core.serving.recommendation import Question, Ranking, rank

REPEATS = 7
FIGURE = "mse"
TITLES = {"melu": "MeLU"}  # methods that are measured and do not answer here


@dataclass(frozen=True)
class Cost:
    """One method; None where nothing was measured.

    Attributes:
        method: id.
        title: in words.
        parameters: trained numbers.
        adapted: numbers that change for each user.
        training_s: seconds of training.
        adapt_ms: milliseconds to adapt to one user, where it was trained.
        measured_on: what the times before were measured on, empty where nothing was.
        here_ms: median milliseconds of one list of all candidates on this server; None for methods
            that do not answer here.
        here_p95_ms: 95 % quantile of the same.
        error: mean squared error on ratings of test users.
        given: number of given ratings of that error.
    """

    method: str
    title: str
    parameters: int | None
    adapted: int | None
    training_s: float | None
    adapt_ms: float | None
    measured_on: str
    here_ms: float | None
    here_p95_ms: float | None
    error: float | None
    given: int | None


def title_of(method: str) -> str:
    """Name of a method, also of one that does not answer here."""
    return METHODS[method].title if method in METHODS else TITLES.get(method, method)


def costs(question: Question) -> tuple[Cost, ...]:
    """Every method that answers here or was measured, ColdNAS first.

    The error is that with the measured number of given ratings nearest to this question's.

    Raises:
        As `core.serving.recommendation.answer`.
    """
    ranking = rank(question)
    model = ranking.model
    known = {one["method"]: one for one in model.rivals}
    curve = {one["method"] for one in model.curve}
    found = []
    for method in dict.fromkeys([*model.methods, *known, *sorted(curve)]):
        cost = known.get(method, {})
        here = seconds_of(ranking, method) if method in model.methods else None
        error, given = nearest_error(model, method, len(ranking.given))
        found.append(
            Cost(
                method, title_of(method), cost.get("parameters"), cost.get("adapted"),
                cost.get("training_s"), cost.get("adapt_ms"), cost.get("measured_on", ""),
                None if here is None else 1000 * float(np.median(here)),
                None if here is None else 1000 * float(np.quantile(here, 0.95)),
                error, given,
            )
        )  # fmt: skip
    return tuple(found)


def seconds_of(ranking: Ranking, method: str) -> np.ndarray:
    """Seconds of a few runs of one method on the candidates of a question, the first left out."""
    taken = []
    for _ in range(REPEATS + 1):
        begun = time.perf_counter()
        ranking.model.score([ranking.given], ranking.rows, method, ranking.user)
        taken.append(time.perf_counter() - begun)
    return np.array(taken[1:])


def nearest_error(model: RecModel, method: str, num_given: int) -> tuple[float | None, int | None]:
    """The measured error with the nearest number of given ratings, and that number."""
    rows = [one for one in model.curve if one["method"] == method]
    if not rows:
        return None, None
    nearest = min(rows, key=lambda one: (abs(one["given"] - num_given), one["given"]))
    return float(nearest[FIGURE]), int(nearest["given"])
