"""Probabilities that mean what they say, and sets of types that contain the answer.

Sources: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017 (temperature scaling,
expected calibration error); Sadinle, Lei & Wasserman, "Least ambiguous set-valued classifiers with
bounded error levels", JASA 2019 (the sets), as split-conformal prediction with the finite-sample
rank of Vovk, Gammerman & Shafer 2005.

Everything is fitted on validation pairs and then measured on others. The promise of a prediction
set holds on average over pairs drawn like the validation pairs; new drugs share their drug with
many pairs and may differ from the validation drugs, so the coverage measured on test pairs is what
should be shown, not the level asked for.

Notation: n pairs, T types.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import ArtifactError, ShapeError

NUM_BINS = 15
# 1 / temperature is searched in this range
SHARPNESS = 1e-3, 1e3


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities (n, T) float64 of logits (n, T)."""
    weights = np.exp(logits - logits.max(1, keepdims=True).astype(np.float64))
    return weights / weights.sum(1, keepdims=True)


def negative_log_likelihood(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of -log p(label), in nats.

    Args:
        logits: (n, T) finite, n >= 1.
        labels: (n,) int.
    """
    shifted = logits - logits.max(1, keepdims=True).astype(np.float64)
    own = shifted[np.arange(len(labels)), labels]
    return float(np.mean(np.log(np.exp(shifted).sum(1)) - own))


@dataclass(frozen=True)
class Temperature:
    """Logits divided by one number before the softmax; the order of the types does not change.

    Attributes:
        value: the number; above 1 for a model that was too sure.
        num_pairs: pairs it was fitted on.
        nll_before: mean negative log-likelihood of these pairs with temperature 1, nats.
        nll_after: the same with this temperature.
    """

    value: float
    num_pairs: int
    nll_before: float
    nll_after: float

    def __post_init__(self) -> None:
        if not 0 < self.value < np.inf:
            raise ArtifactError(f"a temperature must be above 0 and finite, got {self.value}.")

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """(n, T) float64 of logits (n, T)."""
        return softmax(logits / self.value)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Temperature":
        """Inverse of `to_json`."""
        return cls(**values)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> Temperature:
    """The temperature of the highest likelihood.

    The mean negative log-likelihood is convex in the sharpness 1 / temperature; its slope, the mean
    of E_p[logit] - logit of the label, is brought to 0 by bisection. Where it never is 0 (all
    labels are the highest logits, or worse than chance) the end of the range is taken.

    Args:
        logits: (n, T) finite, from validation pairs, n >= 1.
        labels: (n,) int.

    Raises:
        ShapeError: shapes do not fit or there are no pairs.
    """
    _check(logits, labels)
    logits = logits.astype(np.float64)
    own = logits[np.arange(len(labels)), labels]

    def slope(sharpness: float) -> float:
        return float(np.mean((softmax(logits * sharpness) * logits).sum(1) - own))

    low, high = np.log(SHARPNESS)
    for _ in range(50):  # halves a range of 14 to below 1e-13
        middle = (low + high) / 2
        low, high = (low, middle) if slope(np.exp(middle)) > 0 else (middle, high)
    sharpness = float(np.exp((low + high) / 2))
    return Temperature(
        1 / sharpness,
        len(labels),
        negative_log_likelihood(logits, labels),
        negative_log_likelihood(logits * sharpness, labels),
    )


@dataclass(frozen=True)
class Reliability:
    """Confidence against accuracy of the first type, in bins of equal width over 0..1.

    Attributes:
        count: pairs per bin.
        confidence: mean probability of the first type per bin, 0 where there are no pairs.
        accuracy: share of pairs whose first type is right, likewise.
    """

    count: tuple[int, ...]
    confidence: tuple[float, ...]
    accuracy: tuple[float, ...]

    @property
    def error(self) -> float:
        """Expected calibration error: mean over pairs of |confidence - accuracy| of their bin."""
        gap = np.abs(np.subtract(self.confidence, self.accuracy))
        return float(gap @ self.count / max(sum(self.count), 1))

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def reliability(
    probabilities: np.ndarray, labels: np.ndarray, num_bins: int = NUM_BINS
) -> Reliability:
    """Compare confidence with accuracy.

    Args:
        probabilities: (n, T).
        labels: (n,) int.
        num_bins: bins; a bin contains its upper edge.

    Raises:
        ShapeError: shapes do not fit or there are no pairs.
    """
    _check(probabilities, labels)
    confidence = probabilities.max(1)
    right = probabilities.argmax(1) == labels
    bins = np.clip(np.ceil(confidence * num_bins).astype(int) - 1, 0, num_bins - 1)
    count = np.bincount(bins, minlength=num_bins)
    mean = [
        np.bincount(bins, values, minlength=num_bins) / np.maximum(count, 1)
        for values in (confidence, right)
    ]
    return Reliability(tuple(count.tolist()), tuple(mean[0].tolist()), tuple(mean[1].tolist()))


@dataclass(frozen=True)
class PredictionSets:
    """Sets of types that contain the right one in a stated share of pairs.

    A set holds every type with at least the threshold probability (least ambiguous sets: the
    smallest on average for this coverage) and always the first type, so that none is empty.

    Attributes:
        level: share of pairs asked for, such as 0.9.
        threshold: lowest probability in a set; 0 puts every type in.
        num_pairs: pairs it was fitted on.
    """

    level: float
    threshold: float
    num_pairs: int

    def __post_init__(self) -> None:
        if not (0 < self.level < 1 and 0 <= self.threshold <= 1):
            raise ArtifactError(
                f"level must be between 0 and 1 and threshold in 0..1, got {self.level} and "
                f"{self.threshold}."
            )

    def members(self, probabilities: np.ndarray) -> np.ndarray:
        """(n, T) bool of probabilities (n, T)."""
        inside = probabilities >= self.threshold
        inside[np.arange(len(inside)), probabilities.argmax(1)] = True
        return inside

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "PredictionSets":
        """Inverse of `to_json`."""
        return cls(**values)


def fit_prediction_sets(
    probabilities: np.ndarray, labels: np.ndarray, level: float = 0.9
) -> PredictionSets:
    """Threshold of the sets.

    The k-th highest probability of a label, k = ceil((n + 1) level): a further pair drawn like
    these has its label inside with at least the level asked for. With fewer than
    level / (1 - level) pairs no threshold promises that, and every type is inside.

    Args:
        probabilities: (n, T), from validation pairs.
        labels: (n,) int.
        level: between 0 and 1.

    Raises:
        ShapeError: shapes do not fit or there are no pairs.
    """
    _check(probabilities, labels)
    own = np.sort(probabilities[np.arange(len(labels)), labels])[::-1]
    rank = int(np.ceil((len(labels) + 1) * level - 1e-9))
    threshold = float(own[rank - 1]) if rank <= len(own) else 0.0
    return PredictionSets(level, threshold, len(labels))


@dataclass(frozen=True)
class CalibrationReport:
    """What temperature and sets are worth on pairs they were not fitted on.

    Attributes:
        num_pairs: pairs measured.
        nll: mean negative log-likelihood, nats; a label of probability 0 counts as 1e-12.
        calibration_error: expected calibration error of the first type, `NUM_BINS` bins.
        coverage: share of pairs whose type is in the set.
        set_size: mean number of types in a set.
        coverage_by_type: mean over the types present of the coverage of their pairs.
    """

    num_pairs: int
    nll: float
    calibration_error: float
    coverage: float
    set_size: float
    coverage_by_type: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measure_calibration(
    probabilities: np.ndarray, labels: np.ndarray, sets: PredictionSets
) -> CalibrationReport:
    """Measure on test pairs.

    Args:
        probabilities: (n, T), after the temperature.
        labels: (n,) int.
        sets: fitted on other pairs.

    Raises:
        ShapeError: shapes do not fit or there are no pairs.
    """
    _check(probabilities, labels)
    own = probabilities[np.arange(len(labels)), labels]
    members = sets.members(probabilities)
    covered = members[np.arange(len(labels)), labels]
    count = np.bincount(labels)
    by_type = np.bincount(labels, covered)[count > 0] / count[count > 0]
    return CalibrationReport(
        num_pairs=len(labels),
        nll=float(-np.mean(np.log(np.maximum(own, 1e-12)))),
        calibration_error=reliability(probabilities, labels).error,
        coverage=float(covered.mean()),
        set_size=float(members.sum(1).mean()),
        coverage_by_type=float(by_type.mean()),
    )


def _check(values: np.ndarray, labels: np.ndarray) -> None:
    if values.ndim != 2 or labels.shape != values.shape[:1] or not len(labels):
        raise ShapeError(
            f"(n, T) values and (n,) labels with n >= 1 are needed, got {values.shape} and "
            f"{labels.shape}."
        )
    if labels.min() < 0 or labels.max() >= values.shape[1]:
        raise ShapeError(f"labels must be in 0..{values.shape[1] - 1}.")
