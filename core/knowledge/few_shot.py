"""Few-shot classifiers in closed form: what a network of a few-shot method has to beat.

Every classifier takes support molecules (S, d), their labels (S,) of 0 and 1, both present, and
query molecules (Q, d), and gives (Q,) scores in [0, 1], larger for molecules more like the actives.
Classes of different size weigh the same. The scores rank; they are no calibrated probabilities.
"""

import numpy as np

from core.errors import ShapeError
from core.knowledge.similar_drugs import tanimoto


def prototype_scores(
    support: np.ndarray, labels: np.ndarray, query: np.ndarray, scale: float | None = None
) -> np.ndarray:
    """Softmax over the scaled squared distances to the mean of each class.

    Source: Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning", NeurIPS 2017,
    equations (1) and (2); with `scale`, as in `core.function.few_shot.PrototypeHead`.

    Args:
        support: (S, d).
        labels: (S,) 0 or 1.
        query: (Q, d).
        scale: factor of the squared distances; 1 / d when not given.

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    active = check_support(support, labels, query)
    inactive, actives = support[~active].mean(0), support[active].mean(0)
    # difference of the squared distances: |q - m0|² - |q - m1|²
    nearer = 2 * (query @ (actives - inactive)) + inactive @ inactive - actives @ actives
    return _logistic(nearer * (1 / support.shape[1] if scale is None else scale))


def ridge_scores(support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
    """Ridge regression on -1 and 1 with an intercept, solved exactly.

    Each class has half of the weight, so w weighs a molecule by 1 / (2 S_class). With X and y
    centred by their weighted means, the coefficients minimise Σ w (y - X b)² + λ |b|². The rule for
    λ needs no validation data: the mean of the S - 1 largest eigenvalues of the weighted covariance
    of X, that is its trace over S - 1. It follows the scale of the embedding, and it shrinks
    directions with less than average spread most. The score is the logistic function of twice the
    regression.

    Source: Hoerl and Kennard, Technometrics 12, 55 (1970); as a few-shot head Bertinetto et al.,
    "Meta-learning with differentiable closed-form solvers", ICLR 2019. Differs from the latter: λ
    by rule instead of learned, an intercept, equal weight of the classes.

    Args:
        support: (S, d).
        labels: (S,) 0 or 1.
        query: (Q, d).

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    active = check_support(support, labels, query)
    weight = np.where(active, 0.5 / active.sum(), 0.5 / (~active).sum())  # (S,) sums to 1
    if not np.ptp(support, axis=0).any():  # all molecules alike: nothing to tell them apart by
        return np.full(len(query), 0.5)
    center = weight @ support
    root = np.sqrt(weight)
    scaled = (support - center) * root[:, None]  # (S, d)
    target = np.where(active, 1.0, -1.0) * root  # their weighted mean is 0
    gram = scaled @ scaled.T
    spread = np.trace(gram) / (len(support) - 1)
    dual = np.linalg.solve(gram + spread * np.eye(len(gram)), target)
    return _logistic(2 * (query - center) @ (scaled.T @ dual))


def nearest_neighbour_scores(
    support: np.ndarray, labels: np.ndarray, query: np.ndarray
) -> np.ndarray:
    """Likeness to the nearest active against likeness to the nearest inactive.

    Half of one plus the difference of the largest Tanimoto coefficients.

    Args:
        support: (S, F) fingerprint bits.
        labels: (S,) 0 or 1.
        query: (Q, F) fingerprint bits.

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    active = check_support(support, labels, query)
    likeness = tanimoto(query, support)  # (Q, S)
    return (1 + likeness[:, active].max(1) - likeness[:, ~active].max(1)) / 2


def label_rate_scores(labels: np.ndarray) -> np.ndarray:
    """Share of each molecule's measured labels that are active, whatever was asked.

    Each molecule gets one label more, which is active to the degree that labels are on average. A
    molecule without any label has that average. As a predictor of other assays this uses memory of
    the molecule and nothing of its structure.

    Args:
        labels: (n, T) 1 active, 0 inactive, -1 not measured; at least one is measured.

    Returns:
        (n,) in [0, 1].
    """
    active, measured = (labels == 1).sum(1), (labels >= 0).sum(1)
    return (active + active.sum() / measured.sum()) / (measured + 1)


def draw_support(labels: np.ndarray, shots: int, rng: np.random.Generator) -> np.ndarray:
    """Random support of an assay: `shots` inactive rows, then as many active ones.

    Without replacement; a class with fewer molecules is gone through again from its start.

    Args:
        labels: (n,) 1 active, 0 inactive, -1 not measured.
        shots: molecules per class.
        rng: source of the draw.

    Returns:
        (2 * shots,) rows.

    Raises:
        ShapeError: a class has no molecule.
    """
    parts = [rng.permutation(np.flatnonzero(labels == label)) for label in (0, 1)]
    if not all(map(len, parts)):
        raise ShapeError("an assay needs an inactive and an active molecule.")
    return np.concatenate([np.resize(part, shots) for part in parts])


def check_support(support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
    """(S,) bool, the active ones of a support.

    Raises:
        ShapeError: sizes differ, or a class has no molecule.
    """
    sizes = support.shape, labels.shape, query.shape
    if sizes != (support.shape[:2], support.shape[:1], (len(query), *support.shape[1:2])):
        raise ShapeError(
            "support, labels and query must be (S, d), (S,) and (Q, d), got "
            f"{', '.join(map(str, sizes))}."
        )
    active = labels == 1
    if not (active.any() and (labels == 0).any()):
        raise ShapeError("a support needs an inactive and an active molecule.")
    return active


def _logistic(x: np.ndarray) -> np.ndarray:
    return (1 + np.tanh(x / 2)) / 2
