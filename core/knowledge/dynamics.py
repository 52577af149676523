"""The right-hand side of a fitted model of gene expression, in numpy.

Source: Hossain et al., "Biologically informed NeuralODEs for genome-wide regulatory dynamics"
(PHOENIX), Genome Biology 2024, 25:127; with the two halves of C apart as in DASH (arXiv
2403.04805).

    a(x) = (x − ½) / (1 + |x − ½|)
    s = Ws a(x) + bs            additive block
    p = exp(Wp log(1 + a(x)) + bp)            multiplicative block
    dx/dt = relu(υ) ⊙ (Cs s + Cp p − x)

Notation: n genes, h neurons; Ws, Wp (h, n), Cs, Cp (n, h), bs, bp (h,), υ (n,) per unit of time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.errors import ShapeError

MATRICES = ("Ws", "Wp", "Cs", "Cp")
MIDDLE = 0.5  # of the scale of expression


@dataclass(frozen=True, eq=False)
class Dynamics:
    """Weights of a model, float32; `v` is υ.

    Attributes:
        weights: the matrices and vectors of the module's notation by name, pruned entries 0.
    """

    weights: Mapping[str, np.ndarray]

    def __post_init__(self) -> None:
        h, n = self.weights["Ws"].shape
        shapes = {"Ws": (h, n), "Wp": (h, n), "Cs": (n, h), "Cp": (n, h), "bs": (h,), "bp": (h,)}
        if any(self.weights[key].shape != shape for key, shape in (shapes | {"v": (n,)}).items()):
            raise ShapeError(f"the weights of {n} genes and {h} neurons must agree in shape.")

    def rate(self, x: np.ndarray) -> np.ndarray:
        """dx/dt (B, n) per unit of time at expression (B, n)."""
        w = self.weights
        shifted = x - MIDDLE
        a = shifted / (1 + np.abs(shifted))
        s = a @ w["Ws"].T + w["bs"]
        p = np.exp(np.log1p(a) @ w["Wp"].T + w["bp"])
        return np.maximum(w["v"], 0) * (s @ w["Cs"].T + p @ w["Cp"].T - x)

    def effect(self) -> np.ndarray:
        """(n, n) relu(υ) of the target times (Wsᵀ Csᵀ + Wpᵀ Cpᵀ), regulators as rows.

        It is the Jacobian of `rate` where every gene is at ½, without the decay on its diagonal and
        with the biases of the multiplicative block at 0; elsewhere the Jacobian differs.
        """
        w = self.weights
        return np.maximum(w["v"], 0) * (w["Ws"].T @ w["Cs"].T + w["Wp"].T @ w["Cp"].T)

    @property
    def num_weights(self) -> int:
        """Entries of the four matrices."""
        return sum(self.weights[key].size for key in MATRICES)

    @property
    def num_kept(self) -> int:
        """Entries that are not zero, second-layer ones only where their gene follows (υ > 0)."""
        w = self.weights
        follows = (w["v"] > 0)[:, None]
        second = sum(np.count_nonzero(w[key] * follows) for key in ("Cs", "Cp"))
        return int(np.count_nonzero(w["Ws"]) + np.count_nonzero(w["Wp"]) + second)


def follow(
    rate: Callable[[np.ndarray], np.ndarray], start: np.ndarray, times: np.ndarray, max_step: float
) -> np.ndarray:
    """Expression over time.

    Args:
        rate: dx/dt (B, n) at (B, n).
        start: (B, n) expression at the first time.
        times: (T,) increasing.
        max_step: longest step; longer gaps are divided equally.

    Returns:
        (T, B, n), the start first.
    """
    states = [start]
    for gap in np.diff(times):
        states.append(advance(rate, states[-1], np.full(len(start), gap), max_step))
    return np.stack(states)


def advance(rate: Callable[[Any], Any], x: Any, between: Any, max_step: float) -> Any:  # noqa: ANN401
    """Expression some time later, by the classical Runge-Kutta method, of arrays or tensors.

    Args:
        rate: dx/dt (B, n) at (B, n).
        x: (B, n) expression.
        between: (B,) time to pass.
        max_step: longest step; all rows take as many as the longest time needs.

    Returns:
        (B, n).
    """
    num = num_steps(float(between.max()), max_step)
    h = between[:, None] / num
    for _ in range(num):
        x = runge_kutta(rate, x, h)
    return x


def runge_kutta(rate: Callable[[Any], Any], x: Any, h: Any) -> Any:  # noqa: ANN401
    """One classical step of length h, of arrays or tensors."""
    k1 = rate(x)
    k2 = rate(x + h / 2 * k1)
    k3 = rate(x + h / 2 * k2)
    k4 = rate(x + h * k3)
    return x + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def num_steps(gap: float, max_step: float) -> int:
    """Equal steps into which a gap is divided; rounding errors of times do not add one."""
    return max(1, int(np.ceil(gap / max_step - 1e-6)))
