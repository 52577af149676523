"""Metrics in numpy; every function states its protocol.

Ranking protocol used everywhere: *filtered* (other true answers of the same question, from all
splits, are left out), *realistic* (an answer tied with k candidates gets the mean of its possible
ranks, 1 + greater + k/2), against all entities, both directions.
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
