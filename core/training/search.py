"""Bi-level search: knowledge space proposes, function space answers, validation decides.

Source: section 3 of the parsimony paper: a structure from a discrete knowledge space is searched so
that the function trained with it does best on validation data,

    max over A of M_valid(F(A)),   F(A) = the function trained with structure A on training data.

The outer level lives here and knows no method. A proposer (the knowledge space) names candidates
from what has been tried; `evaluate` (the function space) trains each and returns its validation
score; an optional `rank` guesses which of many proposals are worth their training. Nothing is
chosen by test data, and because the start candidates are trials like all others, a search never
ends below them.

Differs from the paper: a search has a budget of trials, and may be interrupted and continued.
"""

import json
import math
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

import numpy as np

from core.errors import ParsimonyError
from core.training.loop import Report, quiet


class Candidate(Protocol):
    """An element of a knowledge space; its text form is what a person reads."""

    def canonical(self) -> Hashable:
        """A value that is equal for two candidates exactly when both are the same model."""

    def to_json(self) -> Any:  # noqa: ANN401 - any JSON value
        """A JSON value."""

    @classmethod
    def from_json(cls, value: Any) -> Self:  # noqa: ANN401 - any JSON value
        """The candidate that `to_json` wrote."""


C = TypeVar("C", bound=Candidate)


@dataclass(frozen=True)
class Trial(Generic[C]):
    """What became of a candidate.

    Attributes:
        candidate: what was trained.
        score: on validation data; larger is better.
        size: what accuracy is weighed against, such as the number of terms; smaller is better.
        seconds: time its training took.
    """

    candidate: C
    score: float
    size: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Plain values, the candidate as it writes itself."""
        return {
            "candidate": self.candidate.to_json(),
            "score": self.score,
            "size": self.size,
            "seconds": self.seconds,
        }


class Proposer(Protocol[C]):
    """The knowledge space: names candidates that are worth a trial."""

    def propose(self, trials: Sequence[Trial[C]], rng: np.random.Generator, num: int) -> list[C]:
        """Up to `num` candidates that follow from the trials; none when nothing is left.

        Args:
            trials: all so far, in order.
            rng: the only source of chance.
            num: candidates wanted.
        """


Evaluate = Callable[[Sequence[C]], Sequence[Trial[C]]]
Rank = Callable[[Sequence[Trial[C]], Sequence[C], np.random.Generator], Sequence[C]]


@dataclass(frozen=True)
class SearchResult(Generic[C]):
    """Every trial, in the order in which they were made."""

    trials: tuple[Trial[C], ...]

    @property
    def best(self) -> Trial[C]:
        """The highest score; among equals the smaller, then the earlier."""
        return best_trials(self.trials, 1)[0]

    def pareto(self) -> list[Trial[C]]:
        """Trials that no other beats in score and size at once, from small to large.

        Of trials equal in both, only the first is listed.
        """
        front: list[Trial[C]] = []
        for trial in sorted(self.trials, key=lambda trial: (trial.size, -trial.score)):
            if not front or trial.score > front[-1].score:
                front.append(trial)
        return front


def best_trials(trials: Iterable[Trial[C]], num: int) -> list[Trial[C]]:
    """The `num` best, best first: by score, then the smaller, then the earlier.

    With all trials so far this is the population of an evolution that replaces its worst member by
    anything better.
    """
    return sorted(trials, key=lambda trial: (-trial.score, trial.size))[:num]


def search(
    proposer: Proposer[C],
    evaluate: Evaluate[C],
    *,
    start: Sequence[C],
    budget: int,
    batch: int,
    seed: int,
    rank: Rank[C] | None = None,
    pool: int = 100,
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> SearchResult[C]:
    """Try the start candidates, then what is proposed, until the budget is spent.

    Args:
        proposer: names candidates; those equal to one tried are dropped.
        evaluate: trains a batch of candidates and returns one trial for each, in their order. It
            must depend on nothing else, so that a continued search gives the same numbers.
        start: at least one candidate; tried first, equal ones once.
        budget: trials in all, start included.
        batch: candidates trained side by side.
        seed: with the number of trials made, seeds every round of proposals.
        rank: puts proposals into order, most promising first; see `pool`.
        pool: proposals asked for each round when there is a `rank`, otherwise just a batch.
        report: called for every trial with its `score` and the `best` so far; may raise Cancelled.
        checkpoint: JSON file written after every batch and read at the start when it exists, so
            that an interrupted search goes on with the same numbers.

    Returns:
        All trials, those of earlier sessions included; fewer than `budget` only when nothing new
        was proposed.

    Raises:
        ParsimonyError: the budget does not cover the start, or a score is not a finite number.
    """
    num_start = len(_untried(start, []))
    if budget < num_start:
        raise ParsimonyError(
            f"A budget of {budget} trials does not cover the {num_start} candidates the search "
            f"starts from. Give at least {num_start}."
        )
    trials: list[Trial[C]] = []
    if checkpoint and checkpoint.exists():
        trials = _read(checkpoint, type(start[0]))
    while len(trials) < budget:
        chosen = _untried(start, trials)
        if not chosen:
            rng = np.random.default_rng([seed, len(trials)])
            chosen = _untried(proposer.propose(trials, rng, pool if rank else batch), trials)
            chosen = list(rank(trials, chosen, rng)) if rank and chosen else chosen
        if not chosen:
            break
        made = evaluate(chosen[: min(batch, budget - len(trials))])
        if not all(math.isfinite(trial.score) for trial in made):
            raise ParsimonyError("The validation score of a candidate is not a finite number.")
        trials += made
        if checkpoint:
            _write(checkpoint, trials)
        for number in range(len(trials) - len(made) + 1, len(trials) + 1):
            best = SearchResult(tuple(trials[:number])).best
            text = f"{number} tried, best {best.score:.3f}: {best.candidate}"
            report(number, budget, text, score=trials[number - 1].score, best=best.score)
    return SearchResult(tuple(trials))


def _untried(candidates: Iterable[C], trials: Sequence[Trial[C]]) -> list[C]:
    """Candidates that are the same model as no trial and as no earlier one among them."""
    forms = {trial.candidate.canonical() for trial in trials}
    found: list[C] = []
    for candidate in candidates:
        form = candidate.canonical()
        if form not in forms:
            forms.add(form)
            found.append(candidate)
    return found


def _read(path: Path, kind: type[C]) -> list[Trial[C]]:
    return [
        Trial(kind.from_json(row["candidate"]), row["score"], row["size"], row["seconds"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    ]


def _write(path: Path, trials: Sequence[Trial[C]]) -> None:
    """Write beside the file and rename, so that a crash leaves the earlier checkpoint."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps([trial.to_json() for trial in trials]), encoding="utf-8")
    partial.replace(path)
