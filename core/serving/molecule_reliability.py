"""How much an answer depends on the labels that were given: re-drawn supports, shuffled labels.

A model that was trained on other properties of the same molecules has a prior: it may rank
candidates well without looking at the labels. On Tox21 the share of active results of a molecule in
other assays alone ranks as well as published few-shot figures. So every answer says what happens
when the labels are shuffled.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import comb

import numpy as np

from core.serving.few_shot import Prepared
from core.serving.molecule_case import Case

MIN_REDRAWN = 3  # molecules per class; fewer give the same support again and again
MIN_REDRAWS, MAX_REDRAWS = 5, 20
# answers (questions times re-draws) that cost a second or two; others cost next to nothing
BUDGETS = {"par": 4_000, "pacia": 750, "forest": 0}
NUM_SHUFFLES = 10
SLOW_SHUFFLES = 4  # where every one trains a forest
MAX_SHUFFLED = 64  # questions that are asked with shuffled labels
PRIOR_CORRELATION = 0.9  # at least this with shuffled labels: the order is the prior's
PRIOR_CHANGE = 0.05  # at most this mean change: the labels hardly count
QUANTILES = 0.05, 0.95


@dataclass(frozen=True)
class Shuffle:
    """What shuffled labels change.

    Attributes:
        verdict: ``labels`` (they matter), ``prior`` (they hardly do) or ``unknown``.
        sentence: the verdict in words.
        correlation: mean Pearson correlation of the probabilities with shuffled and with true
            labels; None for fewer than three questions.
        mean_change: mean absolute change of the probability.
        num: arrangements of labels that were tried.
    """

    verdict: str
    sentence: str
    correlation: float | None
    mean_change: float
    num: int


def takes_long(model_id: str) -> bool:
    """Whether asking again takes so long that a first answer is worth showing before."""
    return model_id.partition("-")[0] in BUDGETS


def num_redraws(case: Case, num_questions: int) -> int:
    """Supports that are drawn again; 0 where a class has too few molecules."""
    if case.question.card or case.shots < MIN_REDRAWN:
        return 0
    budget = BUDGETS.get(case.model.entry.method)
    if budget is None:
        return MAX_REDRAWS
    return min(max(budget // num_questions, MIN_REDRAWS), MAX_REDRAWS)


def spread(case: Case, prepared: Prepared, num: int) -> tuple[np.ndarray, np.ndarray]:
    """5 % and 95 % quantile (Q,) of the calibrated probability over re-drawn supports.

    Each support is a bootstrap within the classes: as many molecules, drawn with replacement.

    Args:
        case: the opened question.
        prepared: its questions.
        num: supports, at least 1.
    """
    rng = np.random.default_rng(len(case.support))
    drawn = []
    for _ in range(num):
        rows = np.concatenate([
            rng.choice(members, len(members))
            for members in (np.flatnonzero(case.labels == label) for label in (0, 1))
        ])  # fmt: skip
        rows.sort()
        drawn.append(case.calibrate(prepared.scores(rows, case.labels[rows]).probability))
    low, high = np.quantile(drawn, QUANTILES, axis=0)
    return low, high


def shuffle_labels(case: Case, prepared: Prepared, asked: np.ndarray) -> Shuffle:
    """Ask again with the labels of the support in other orders.

    Args:
        case: the opened question, without a card.
        prepared: its questions, at most `MAX_SHUFFLED` of them.
        asked: (Q,) calibrated probabilities with the true labels.
    """
    answers = np.array([
        case.calibrate(prepared.scores(case.all_rows, labels).probability)
        for labels in _arrangements(
            case.labels, SLOW_SHUFFLES if case.model.entry.method == "forest" else NUM_SHUFFLES
        )
    ])  # fmt: skip
    change = float(np.abs(answers - asked).mean())
    correlation = None
    if len(asked) >= 3:
        correlation = float(np.mean([_correlation(asked, answer) for answer in answers]))
    many = f"Your {len(case.labels)} labels"
    figures = f"mean change of the probability {change:.2f}"
    if correlation is not None:
        figures += f", correlation {correlation:.2f}"
    unmoved = change <= PRIOR_CHANGE or (
        correlation is not None and correlation >= PRIOR_CORRELATION
    )
    if unmoved:
        sentence = (
            f"{many} changed little: with shuffled labels the answers stay nearly the same "
            f"({figures}). This is the model's prior, not your assay."
        )
    elif correlation is None:
        sentence = f"{many} move the answer ({figures}); too few candidates to compare rankings."
    else:
        sentence = f"{many} matter: with shuffled labels the answers change ({figures})."
    verdict = "prior" if unmoved else "unknown" if correlation is None else "labels"
    return Shuffle(verdict, sentence, correlation, change, len(answers))


def _arrangements(labels: np.ndarray, num: int) -> Iterator[np.ndarray]:
    """At most `num` different orders of the labels, none of them the true one."""
    rng = np.random.default_rng(len(labels))
    others = comb(len(labels), int(labels.sum())) - 1
    seen = {labels.tobytes()}
    while len(seen) - 1 < min(num, others):
        drawn = rng.permutation(labels)
        if drawn.tobytes() not in seen:
            seen.add(drawn.tobytes())
            yield drawn


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """Pearson correlation; 1 where both are constant, 0 where one is."""
    first, second = one - one.mean(), other - other.mean()
    norms = np.sqrt((first**2).sum()), np.sqrt((second**2).sum())
    if min(norms) < 1e-9:
        return float(max(norms) < 1e-9)
    return float(first @ second / (norms[0] * norms[1]))
