"""Networks of genes whose activation follows normalised Hill functions, and their trajectories.

Source: the simulator behind SIM350 and SIM690 of Hossain et al., Genome Biology 25:127, 2024. With
``B = (E^n - 1) / (2 E^n - 1)`` a regulator of expression ``x`` activates by
``f(x) = B x^n / (B - 1 + x^n)``, so that f(E) = 1/2 and f(1) = 1. Activations combine by products
(AND), ``a + b - a b`` (OR) and ``1 - f`` (repression); the rate of a gene is the result less its
own expression. Genes without an equation are inputs, constant in time.

Differs from the source: fixed-step Runge-Kutta of order 4, all samples at once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.knowledge.dynamics import follow
from core.knowledge.physics.expression import Expression as Formula
from core.knowledge.physics.expression import evaluate, parse
from core.knowledge.regulation import Expression, Trajectory

MAX_STEP = 0.2  # of time; halving it changes trajectories by less than 1e-4
TIMES = (0.0, 2.0, 3.0, 7.0, 9.0)
ACTIVATION = re.compile(r"fAct\((\w+), ([\d.]+), ([\d.]+)\)")


@dataclass(frozen=True)
class Activation:
    """A regulator's Hill function.

    Attributes:
        regulator: place of the gene.
        half: expression at which it is 1/2 (EC50); ``half ** exponent`` is below 1/2.
        exponent: steepness.
    """

    regulator: int
    half: float
    exponent: float


@dataclass(frozen=True)
class Equation:
    """The rate of one gene.

    Attributes:
        target: place of the gene.
        formula: of ``f0``, ``f1``, ... (the activations) and ``x`` (its own expression).
        activations: one for each ``f``.
    """

    target: int
    formula: Formula
    activations: tuple[Activation, ...]


def read_equation(target: str, text: str, genes: Sequence[str]) -> Equation:
    """Read an equation as the SIM files write it, such as ``(1 * fAct(B, 0.4, 1.5) - 1 * A) / 1``.

    Args:
        target: name of the gene whose rate it is.
        text: numbers, ``+ - * /``, brackets, ``fAct(REGULATOR, EC50, EXPONENT)``, `target` itself.
        genes: all names.

    Raises:
        InputError: anything else stands there.
        ValueError: a regulator is not in `genes`.
    """
    found: list[Activation] = []

    def replace(match: re.Match[str]) -> str:
        regulator, half, exponent = match.groups()
        found.append(Activation(genes.index(regulator), float(half), float(exponent)))
        return f"f{len(found) - 1}"

    short = ACTIVATION.sub(replace, text)
    short = re.sub(rf"\b{re.escape(target)}\b", "x", short)
    names = ["x", *(f"f{k}" for k in range(len(found)))]
    return Equation(genes.index(target), parse(short, names), tuple(found))


@dataclass(frozen=True, eq=False)
class HillSystem:
    """Genes and the equations of those that are regulated.

    Attributes:
        genes: n names.
        equations: at most one for each gene.
    """

    genes: tuple[str, ...]
    equations: tuple[Equation, ...]

    @cached_property
    def regulated(self) -> np.ndarray:
        """(n,) bool; the others are inputs."""
        regulated = np.zeros(len(self.genes), bool)
        regulated[[one.target for one in self.equations]] = True
        return regulated

    @cached_property
    def _activations(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Regulator, B and exponent of the activations of all equations."""
        every = [one for equation in self.equations for one in equation.activations]
        half = np.array([one.half for one in every])
        exponent = np.array([one.exponent for one in every])
        top = (half**exponent - 1) / (2 * half**exponent - 1)
        return np.array([one.regulator for one in every]), top, exponent

    @cached_property
    def _same_formula(self) -> list[tuple[Formula, np.ndarray, np.ndarray]]:
        """Formulas, each with its targets (g,) and the places of their activations (k, g)."""
        groups: dict[Formula, list[tuple[int, int]]] = {}
        first = 0
        for equation in self.equations:
            groups.setdefault(equation.formula, []).append((equation.target, first))
            first += len(equation.activations)
        number = {one.formula: len(one.activations) for one in self.equations}
        return [
            (formula, targets, firsts + np.arange(number[formula])[:, None])
            for formula, pairs in groups.items()
            for targets, firsts in [np.array(pairs).T]
        ]

    def rate(self, values: np.ndarray) -> np.ndarray:
        """Change of expression in time.

        Args:
            values: (B, n) expression, not negative.

        Returns:
            (B, n), zero for inputs.
        """
        regulator, top, exponent = self._activations
        power = np.maximum(values[:, regulator], 0) ** exponent
        active = top * power / (top - 1 + power)
        rate = np.zeros_like(values)
        for formula, targets, places in self._same_formula:
            inputs = {f"f{k}": active[:, place] for k, place in enumerate(places)}
            rate[:, targets] = evaluate(formula, inputs | {"x": values[:, targets]})
        return rate

    def draw_start(self, num_samples: int, rng: np.random.Generator) -> np.ndarray:
        """(num_samples, n) expression at the first time, within [0, 1].

        Inputs vary around a mean of their own, from Beta(10, 10), by a standard deviation of at
        most a third of the way to 0 or 1; regulated genes start at Beta(2, 2) and a shift of their
        own of up to 0.25.
        """
        shape = (num_samples, len(self.genes))
        mean = rng.beta(10, 10, len(self.genes))
        spread = np.maximum(
            0.01, rng.beta(15, 15, len(self.genes)) * np.minimum(mean, 1 - mean) / 3
        )
        inputs = rng.normal(mean, spread, shape)
        while (outside := (inputs < 0) | (inputs > 1)).any():
            inputs[outside] = rng.normal(mean, spread, shape)[outside]
        start = rng.beta(2, 2, shape) + rng.uniform(-0.25, 0.25, len(self.genes))
        return np.where(self.regulated, np.clip(start, 0, 1), inputs)

    def simulate(
        self,
        num_samples: int,
        rng: np.random.Generator,
        *,
        times: Sequence[float] = TIMES,
        noise: float = 0.0,
        num_quiet: int = 0,
    ) -> Expression:
        """Samples with starts of their own.

        Args:
            num_samples: trajectories with noise.
            rng: source of the starts, then of the noise; the same starts whatever the noise.
            times: increasing.
            noise: standard deviation of Gaussian noise on every value; expression is about 0 to 1.
            num_quiet: further trajectories of the same kind, without noise, behind the others.
        """
        start = self.draw_start(num_samples + num_quiet, rng)
        moments = np.asarray(times, float)
        values = follow(self.rate, start, moments, MAX_STEP).swapaxes(0, 1)  # (B, T, n)
        values[:num_samples] += noise * rng.standard_normal(values[:num_samples].shape)
        samples = tuple(Trajectory(moments, one.astype(np.float32)) for one in values)
        return Expression(self.genes, samples)
