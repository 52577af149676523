"""Metrics in numpy; every function states its protocol.

Ranking protocol used everywhere: *filtered* (other true answers of the same question, from all
splits, are left out), *realistic* (an answer tied with k candidates gets the mean of its possible
ranks, 1 + greater + k/2), against all entities, both directions.

Interaction types: one type per pair (DrugBank) by macro-F1, accuracy and kappa; several per pair
(TWOSIDES) by the mean over side effects of three ranking metrics. Nothing depends on row order.

Networks of genes: every ordered pair of two different genes is one decision, edge or no edge.

Ratings: per user, then the unweighted mean over users. Among tied scores every order is equally
likely, and a metric is its expected value.
"""

from collections.abc import Sequence

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


def rating_summary(
    truth: Sequence[np.ndarray], predicted: Sequence[np.ndarray]
) -> dict[str, float]:
    """Errors of predicted ratings, and how well they order the items that a user rated.

    nDCG@k is the DCG of the order by prediction over that of the best order, DCG the sum over the
    first k ranks of (2^rating - 1) / log2(rank + 1). It is 1 where the best DCG is 0. Ratings below
    0 count as 0 in it.

    Source: protocol of Wu et al., "ColdNAS", WWW 2023, as in its released code.

    Args:
        truth: (m,) ratings of each user's items, m >= 1; any m for each user.
        predicted: (m,) likewise.

    Returns:
        ``mse``, ``mae``, ``ndcg@3`` and ``ndcg@5``; zeros without users.

    Raises:
        ShapeError: the lists or a user's arrays differ in length.
    """
    if [len(one) for one in truth] != [len(one) for one in predicted]:
        raise ShapeError("every user needs as many predicted ratings as true ones.")
    rows = []
    for real, guess in zip(truth, predicted, strict=True):
        off = guess - real.astype(float)
        rows.append(
            [np.mean(off**2), np.mean(np.abs(off)), ndcg(real, guess, 3), ndcg(real, guess, 5)]
        )
    means = np.mean(rows, axis=0) if rows else np.zeros(4)
    return dict(zip(("mse", "mae", "ndcg@3", "ndcg@5"), means.tolist(), strict=True))


def ndcg(truth: np.ndarray, predicted: np.ndarray, k: int) -> float:
    """nDCG@k of one user, see `rating_summary`.

    Args:
        truth: (m,) ratings, m >= 1.
        predicted: (m,).
        k: ranks that count; all m where there are fewer.
    """
    rating = np.maximum(truth, 0).astype(float)
    gain = np.exp2(rating - rating.max()) - np.exp2(-rating.max())  # over 2^max: no overflow
    discount = 1 / np.log2(np.arange(2, len(gain) + 2))
    discount[k:] = 0
    best = float(np.sort(gain)[::-1] @ discount)
    if best <= 0:
        return 1.0
    _, step, size = np.unique(-predicted, return_inverse=True, return_counts=True)
    mean_gain = np.bincount(step, gain) / size  # of the items that share a score
    return float(np.repeat(mean_gain, size) @ discount) / best


def catalogue_summary(
    scores: Sequence[np.ndarray],
    given: Sequence[np.ndarray],
    liked: Sequence[np.ndarray],
    count: np.ndarray,
    k: int = 10,
) -> dict[str, float]:
    """What lists of k out of the whole catalogue hold; items that a user gave are left out.

    Unlike `rating_summary` this ranks items that a user never rated, too, and they count as
    misses: the recall is a lower bound.

    Args:
        scores: (n,) scores of all items for each user.
        given: rows of the items whose ratings the user gave.
        liked: rows of further items that the user rated well; users without any count for the
            coverage only.
        count: (n,) ratings of each item by training users.
        k: length of the lists.

    Returns:
        ``recall@k``: found share of the liked items, at most k of them. ``coverage``: share of the
        catalogue that is on at least one list. ``popularity_bias``: mean popularity of the listed
        items minus that of the liked ones, from -1 to 1; popularity is the share of the catalogue
        that fewer training users rated, ties counting half.

    Raises:
        ShapeError: the lists or arrays differ in length.
    """
    if not len(scores) == len(given) == len(liked):
        raise ShapeError("every user needs scores, given items and liked items.")
    if any(one.shape != count.shape for one in scores):
        raise ShapeError(f"every user needs {len(count)} scores, one per item.")
    _, step, size = np.unique(count, return_inverse=True, return_counts=True)
    popularity = ((np.cumsum(size) - size / 2) / max(len(count), 1))[step]
    unseen = np.ones(len(count))
    recalls, biases = [], []
    for score, own, good in zip(scores, given, liked, strict=True):
        listed = _listed(score, own, k)
        unseen *= 1 - listed
        if len(good):
            recalls.append(listed[good].sum() / min(k, len(good)))
            biases.append(listed @ popularity / listed.sum() - popularity[good].mean())
    return {
        f"recall@{k}": float(np.mean(recalls)) if recalls else 0.0,
        "coverage": float(np.mean(1 - unseen)) if len(count) else 0.0,
        "popularity_bias": float(np.mean(biases)) if biases else 0.0,
    }


def _listed(score: np.ndarray, given: np.ndarray, k: int) -> np.ndarray:
    """(n,) probability that an item is among the k best that were not given."""
    open_to_list = np.ones(len(score), bool)
    open_to_list[given] = False
    k = min(k, int(open_to_list.sum()))
    if not k:
        return np.zeros(len(score))
    last = np.sort(score[open_to_list])[-k]
    sure, tied = open_to_list & (score > last), open_to_list & (score == last)
    return sure + tied * ((k - sure.sum()) / tied.sum())


def network_summary(
    effect: np.ndarray, truth: np.ndarray, rows: np.ndarray | None = None
) -> dict[str, float]:
    """How the edges of an inferred network agree with known ones.

    Edges from a gene to itself are left out: they cannot be told from its decay.

    Args:
        effect: (n, n) influence of regulators (rows) on targets, 0 for no edge.
        truth: (n, n) known edges with their signs, 0 for no edge.
        rows: (n,) bool, regulators to judge; None for all. For a reference that looked at some
            regulators only: those with edges in it.

    Returns:
        ``balanced_accuracy``: mean of ``recall`` (share of the known edges that were found) and of
        the share of the other pairs that are no edge in `effect`. ``precision``: share of the
        found edges that are known, 0 where none was found. ``roc_auc``: probability that a known
        edge has the larger absolute effect than another pair, ties counting half.
        ``sign_accuracy``: share of the known and found edges with the right sign, 0 where there are
        none; it means nothing where the known edges have no signs.

    Raises:
        ShapeError: the shapes differ, or the pairs are all edges or none is.
    """
    if effect.shape != truth.shape or effect.ndim != 2 or effect.shape[0] != effect.shape[1]:
        raise ShapeError(f"effect {effect.shape} and truth {truth.shape} must be (n, n).")
    judged = ~np.eye(len(truth), dtype=bool)
    if rows is not None:
        judged[~rows] = False
    found, known = effect[judged], truth[judged]
    edge, positive = found != 0, known != 0
    if positive.all() or not positive.any():
        raise ShapeError("there must be pairs with and pairs without a known edge.")
    both = edge & positive
    recall = both.sum() / positive.sum()
    return {
        "balanced_accuracy": float(recall + np.mean(~edge[~positive])) / 2,
        "recall": float(recall),
        "precision": float(both.sum() / max(edge.sum(), 1)),
        "roc_auc": roc_auc(np.abs(found[positive]), np.abs(found[~positive])),
        "sign_accuracy": float(np.sum(found * known > 0) / max(both.sum(), 1)),
    }


def mean_out_degree(effect: np.ndarray) -> float:
    """Targets per gene that regulates any, the gene itself not counted; 0 without edges.

    Args:
        effect: (n, n) influence of regulators (rows) on targets, 0 for no edge.
    """
    degrees = np.count_nonzero(effect, axis=1) - np.count_nonzero(np.diagonal(effect)[:, None], 1)
    return float(degrees.sum() / max(np.count_nonzero(degrees), 1))
