"""Metrics in numpy; every function states its protocol.

Ranking protocol used everywhere: *filtered* (other true answers of the same question, from all
splits, are left out), *realistic* (an answer tied with k candidates gets the mean of its possible
ranks, 1 + greater + k/2), against all entities, both directions.

Interaction types: one type per pair (DrugBank) by macro-F1, accuracy and kappa; several per pair
(TWOSIDES) by the mean over side effects of three ranking metrics. Nothing depends on row order.
"""

import numpy as np

from core.errors import ShapeError


def filtered_ranks(
    scores: np.ndarray, known: np.ndarray, question: np.ndarray, answer: np.ndarray
) -> np.ndarray:
    """Realistic filtered rank of each answer.

    Greater + tied/2 + 1 is the mean of the optimistic rank (1 + greater) and the pessimistic rank
    (1 + greater + tied).

    Args:
        scores: (B, N) float, one row per question.
        known: (B, N) bool, every true answer of the question in any split.
        question: (K,) row of each answer to rank.
        answer: (K,) entity of each answer; must be marked in `known`.

    Returns:
        (K,) float64 ranks, 1 is best.

    Raises:
        ShapeError: shapes differ, or an answer is not marked as known.
    """
    if scores.shape != known.shape or question.shape != answer.shape:
        raise ShapeError(
            f"scores {scores.shape} and known {known.shape}, question {question.shape} and answer "
            f"{answer.shape} must agree pairwise."
        )
    if not known[question, answer].all():
        raise ShapeError("every answer to rank must be among the known answers of its question.")
    rivals = np.where(known, -np.inf, scores)[question]  # (K, N)
    own = scores[question, answer][:, None]
    greater = (rivals > own).sum(1)
    tied = (rivals == own).sum(1)
    return 1.0 + greater + tied / 2.0


def ranking_summary(ranks: np.ndarray) -> dict[str, float]:
    """MRR, hits at 1, 3, 10 and mean rank of filtered realistic ranks (K,); empty gives zeros."""
    if not len(ranks):
        return {"mrr": 0.0, "hits_at_1": 0.0, "hits_at_3": 0.0, "hits_at_10": 0.0, "mean_rank": 0.0}
    return {
        "mrr": float(np.mean(1.0 / ranks)),
        **{f"hits_at_{k}": float(np.mean(ranks <= k)) for k in (1, 3, 10)},
        "mean_rank": float(np.mean(ranks)),
    }


def classification_summary(
    labels: np.ndarray, predicted: np.ndarray, num_types: int
) -> dict[str, float]:
    """Macro-F1, accuracy and Cohen's kappa of a choice among types.

    Macro-F1 is the mean over the types that occur among the labels or the predictions, so it
    depends on the sample. Kappa is (a - e) / (1 - e) with a the accuracy and e the agreement that
    two independent choices of the same frequencies would have; 0 where e = 1.

    Args:
        labels: (n,) int, 0 <= label < num_types.
        predicted: (n,) int, likewise.
        num_types: number of types.

    Returns:
        ``f1``, ``accuracy`` and ``kappa`` as fractions; empty input gives zeros.

    Raises:
        ShapeError: shapes differ, or a type is out of range.
    """
    if labels.ndim != 1 or labels.shape != predicted.shape:
        raise ShapeError(f"labels {labels.shape} and predicted {predicted.shape} must be (n,).")
    if not len(labels):
        return {"f1": 0.0, "accuracy": 0.0, "kappa": 0.0}
    low, high = min(labels.min(), predicted.min()), max(labels.max(), predicted.max())
    if low < 0 or high >= num_types:
        raise ShapeError(f"types must be in 0..{num_types - 1}, got {low}..{high}.")
    right = np.bincount(labels[labels == predicted], minlength=num_types)
    present = np.bincount(labels, minlength=num_types)
    chosen = np.bincount(predicted, minlength=num_types)
    total = present + chosen
    counted = total > 0
    accuracy = right.sum() / len(labels)
    chance = float(present @ chosen) / len(labels) ** 2
    return {
        "f1": float(np.mean(2 * right[counted] / total[counted])),
        "accuracy": float(accuracy),
        "kappa": float((accuracy - chance) / (1 - chance)) if chance < 1 else 0.0,
    }


def _steps(positive: np.ndarray, negative: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positives and negatives per distinct score, highest score first; ties form one step."""
    scores = np.concatenate([positive, negative])
    values, step = np.unique(-scores, return_inverse=True)
    step = step.reshape(-1)
    size, cut = len(values), len(positive)
    return np.bincount(step[:cut], minlength=size), np.bincount(step[cut:], minlength=size)


def average_precision(positive: np.ndarray, negative: np.ndarray) -> float:
    """Area under the precision-recall curve as a sum of steps, tied scores in one step.

    Args:
        positive: (p,) scores of positives, p >= 1.
        negative: (m,) scores of negatives.
    """
    true, false = _steps(positive, negative)
    precision = np.cumsum(true) / np.cumsum(true + false)
    return float(np.sum(precision * true) / len(positive))


def roc_auc(positive: np.ndarray, negative: np.ndarray) -> float:
    """Probability that a positive scores above a negative, ties counting half.

    Args:
        positive: (p,) scores of positives, p >= 1.
        negative: (m,) scores of negatives, m >= 1.
    """
    true, false = _steps(positive, negative)
    below = len(negative) - np.cumsum(false)
    return float(np.sum(true * (below + false / 2)) / (len(positive) * len(negative)))


def precision_at_positives(positive: np.ndarray, negative: np.ndarray) -> float:
    """Share of positives among the p highest scores, p the number of positives.

    Where the p-th score is tied, its mean over all orders of the tied ones.

    Args:
        positive: (p,) scores of positives, p >= 1.
        negative: (m,) scores of negatives.
    """
    true, false = _steps(positive, negative)
    size = true + false
    before = np.cumsum(size) - size
    taken = np.clip(len(positive) - before, 0, size)
    return float(np.sum(true * taken / size) / len(positive))


def multilabel_summary(
    positive: np.ndarray, negative: np.ndarray, labels: np.ndarray
) -> dict[str, float]:
    """Metrics of TWOSIDES: per side effect, then the mean over side effects.

    Every positive pair comes with one negative pair that stands for the same effects. An effect is
    measured on the positives that carry it against their own negatives; effects that no pair
    carries are left out.

    Args:
        positive: (n, T) scores of the positive pairs.
        negative: (n, T) scores of their negatives, row by row.
        labels: (n, T) bool, effects carried by the positive pair.

    Returns:
        ``pr_auc`` (average precision), ``roc_auc`` and ``accuracy`` (precision among as many top
        scores as there are positives); zeros when no pair carries an effect.

    Raises:
        ShapeError: the three shapes differ.
    """
    if not positive.shape == negative.shape == labels.shape or labels.ndim != 2:
        raise ShapeError(
            f"positive {positive.shape}, negative {negative.shape} and labels {labels.shape} must "
            "be (n, T)."
        )
    metrics = {
        "pr_auc": average_precision,
        "roc_auc": roc_auc,
        "accuracy": precision_at_positives,
    }
    sides = [
        (positive[rows, effect], negative[rows, effect])
        for effect, rows in enumerate(labels.astype(bool).T)
        if rows.any()
    ]
    return {
        name: float(np.mean([metric(*side) for side in sides])) if sides else 0.0
        for name, metric in metrics.items()
    }
