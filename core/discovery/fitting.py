"""Errors of a law on measured data, its constants fitted end to end, and how sure they are.

Everything is measured after aggregation, on the target itself: a message that imitates well can
still add up badly (and the constants of imitated messages are 5 to 10 % off).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem

MAX_VALUES = 20_000  # residuals in a fit; more change the constants less than the noise does
BROKEN = 1e6  # residual where a law is not defined, in standard deviations of the target


def spread(system: GraphSystem) -> float:
    """Standard deviation of the target over all rows and components, 1 where it is constant."""
    values = system.target.values
    return float(np.sqrt(np.mean((values - values.mean(axis=0)) ** 2))) or 1.0


def error(law: Law, system: GraphSystem, scale: float | None = None) -> float:
    """Root mean squared error in standard deviations of the target; inf where it is undefined.

    Args:
        law: what is measured.
        system: data with a target.
        scale: the standard deviation, of this system's target unless told.
    """
    with np.errstate(all="ignore"):
        apart = law.evaluate(system) - system.target.values
        value = float(np.sqrt(np.mean(apart**2))) / (scale or spread(system))
    return value if np.isfinite(value) else float("inf")


def determination(law: Law, system: GraphSystem) -> float:
    """R²: share of the target's variance, over all components, that the law explains."""
    return 1 - error(law, system) ** 2


def fewer(system: GraphSystem, values: int, seed: int = 0) -> GraphSystem:
    """The same system with so many graphs, drawn at random, that the target has fewer values."""
    share = values / max(system.target.values.size, 1)
    if share >= 1 or system.num_graphs < 2:
        return system
    chosen = np.random.default_rng(seed).permutation(system.num_graphs)
    mask = np.zeros(system.num_graphs, bool)
    mask[chosen[: max(1, int(share * system.num_graphs))]] = True
    return system.pick(mask)


def residuals(law: Law, system: GraphSystem, scale: float) -> np.ndarray:
    """(rows × components,) what the law leaves, in units of `scale`; bounded and finite."""
    with np.errstate(all="ignore"):
        apart = ((law.evaluate(system) - system.target.values) / scale).ravel()
    return np.nan_to_num(np.clip(apart, -BROKEN, BROKEN), nan=BROKEN)


def refit(law: Law, system: GraphSystem, steps: int = 60, tolerance: float = 1e-14) -> Law:
    """The law with all constants fitted together by least squares.

    Args:
        law: its constants are the start.
        system: data with a target.
        steps: evaluations allowed per constant.
        tolerance: relative fall of the squared error that is not worth a further step.

    Returns:
        The fitted law, or the law itself where no other constants are better.
    """
    start = np.asarray(law.constants, float)
    if not len(start):
        return law
    some, scale = fewer(system, MAX_VALUES), spread(system)
    if some.target.values.size <= len(start):
        return law
    before = residuals(law, some, scale)
    fit = least_squares(
        lambda values: residuals(law.with_constants(values), some, scale),
        start,
        x_scale=np.maximum(np.abs(start), 0.1),
        max_nfev=steps,
        xtol=1e-12,
        ftol=tolerance,
        gtol=1e-14,
    )
    return law.with_constants(fit.x) if 2 * fit.cost < before @ before else law


def sensitivities(law: Law, system: GraphSystem, scale: float) -> np.ndarray:
    """(rows × components, constants) how the law's values change with each constant."""
    values = np.asarray(law.constants, float)
    columns = []
    for place, value in enumerate(values):
        step = 1e-5 * max(abs(value), 1e-3)
        up, down = values.copy(), values.copy()
        up[place] += step
        down[place] -= step
        columns.append(
            (
                residuals(law.with_constants(up), system, scale)
                - residuals(law.with_constants(down), system, scale)
            )
            / (2 * step)
        )
    return np.column_stack(columns)


@dataclass(frozen=True)
class Interval:
    """Where a constant lies with 95 % confidence."""

    low: float
    high: float


def intervals(law: Law, system: GraphSystem, num: int = 300, seed: int = 0) -> list[Interval]:
    """Bootstrap by graph of every constant.

    Graphs are drawn with replacement, all values of a graph together, because its values are not
    independent. Each draw is fitted by one Gauss-Newton step from the given constants, exact for
    constants that enter linearly.

    Args:
        law: fitted to the system.
        system: data with a target.
        num: draws.
        seed: of the draws.
    """
    constants = np.asarray(law.constants, float)
    if not len(constants):
        return []
    system = fewer(system, MAX_VALUES)
    scale = spread(system)
    slope = sensitivities(law, system, scale)
    rest = residuals(law, system, scale)
    owner = {
        "edge": system.edge_graph,
        "node": system.node_graph,
        "graph": np.arange(system.num_graphs),
    }[system.level]
    owner = np.repeat(owner, system.target.values.shape[1])
    count, num_graphs = len(constants), system.num_graphs
    squares, pulls = np.zeros((num_graphs, count, count)), np.zeros((num_graphs, count))
    np.add.at(squares, owner, slope[:, :, None] * slope[:, None, :])
    np.add.at(pulls, owner, slope * rest[:, None])
    rng = np.random.default_rng(seed)
    weights = rng.multinomial(num_graphs, np.full(num_graphs, 1 / num_graphs), size=num)
    draws = [
        constants
        - np.linalg.lstsq(np.tensordot(weight, squares, 1), weight @ pulls, rcond=1e-12)[0]
        for weight in weights.astype(float)
    ]
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    return [Interval(float(a), float(b)) for a, b in zip(low, high, strict=True)]
