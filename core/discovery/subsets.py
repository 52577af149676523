"""Best subsets of the columns of a linear regression.

One, two and three terms at once, and not one after the other: greedy selection fails on the spring
law, because r and 1 explain it together and hardly alone. Pairs are searched exhaustively, larger
sets by extending the best smaller ones; all of it on the Gram matrix, without the rows.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

TWINS = 1 - 1e-9  # correlation of columns that are one and the same
POLISHED = 12  # sets of each size that are improved by exchanges


@dataclass(frozen=True)
class Regression:
    """Normal equations of columns of unit length.

    Attributes:
        gram: (K, K) products of the columns.
        pull: (K,) their products with the target, which has unit length.
        length: (K,) length of the columns before.
        target: length of the target before.
    """

    gram: np.ndarray
    pull: np.ndarray
    length: np.ndarray
    target: float

    @classmethod
    def of(cls, matrix: np.ndarray, target: np.ndarray) -> "Regression":
        """Of (rows, K) columns and a (rows,) target."""
        length = np.linalg.norm(matrix, axis=0)
        unit = matrix / np.maximum(length, 1e-300)
        size = float(np.linalg.norm(target)) or 1.0
        return cls(unit.T @ unit, unit.T @ (target / size), length, size)

    def coefficients(self, chosen: tuple[int, ...]) -> np.ndarray:
        """Least-squares coefficients of the columns as they were."""
        part = list(chosen)
        solution = np.linalg.lstsq(self.gram[np.ix_(part, part)], self.pull[part], rcond=1e-12)[0]
        return solution * self.target / self.length[part]

    def explained(self, chosen: tuple[int, ...]) -> float:
        """Share of the target's square that these columns explain."""
        part = list(chosen)
        solution = np.linalg.lstsq(self.gram[np.ix_(part, part)], self.pull[part], rcond=1e-12)[0]
        return float(self.pull[part] @ solution)


def distinct(matrix: np.ndarray, order: np.ndarray) -> np.ndarray:
    """Columns that are finite, not zero, and no multiple of an earlier one.

    Args:
        matrix: (rows, K).
        order: (K,) columns from most to least wanted.

    Returns:
        Their numbers, in that order.
    """
    with np.errstate(all="ignore"):
        length = np.linalg.norm(matrix[:, order], axis=0)
    order = order[np.isfinite(length) & (length > 1e-12)]
    unit = matrix[:, order] / np.linalg.norm(matrix[:, order], axis=0)
    alike = np.abs(unit.T @ unit) > TWINS
    return order[~np.triu(alike, 1).any(axis=0)]


def best_subsets(
    problem: Regression,
    largest: int,
    width: int = 200,
    check: Callable[[], None] = lambda: None,
) -> list[list[tuple[int, ...]]]:
    """The sets of columns that explain most, for each size.

    Args:
        problem: the regression.
        largest: most columns in a set.
        width: sets kept of each size, which the next size extends.
        check: called now and then; may raise.

    Returns:
        For each size from 1 the sets, best first.
    """
    count = len(problem.pull)
    single = problem.pull**2
    levels = [[(int(k),) for k in np.argsort(-single)[:width]]]
    if largest < 2 or count < 2:
        return levels
    levels.append(_pairs(problem, width))
    for _ in range(2, min(largest, count)):
        check()
        found: dict[tuple[int, ...], float] = {}
        for chosen in levels[-1]:
            gains = _gains(problem, chosen)
            for k in np.argpartition(-gains, min(width, count - 1))[: max(8, width // 8)]:
                if gains[k] > 0:
                    found[tuple(sorted((*chosen, int(k))))] = float(gains[k])
        if not found:
            break
        best = sorted(found, key=lambda key: -found[key])[:width]
        for chosen in best[:POLISHED]:
            found |= _exchanged(problem, chosen)
        levels.append(sorted(found, key=lambda key: -found[key])[:width])
    return levels


def _exchanged(problem: Regression, chosen: tuple[int, ...]) -> dict[tuple[int, ...], float]:
    """Sets reached by exchanging one column after the other for the best, while that helps."""
    found: dict[tuple[int, ...], float] = {}
    best = problem.explained(chosen)
    improved = True
    while improved:
        improved = False
        for k in chosen:
            rest = tuple(one for one in chosen if one != k)
            gains = _gains(problem, rest)
            new = int(np.argmax(gains))
            if gains[new] > best + 1e-13:
                best, improved = float(gains[new]), True
                chosen = tuple(sorted((*rest, new)))
                found[chosen] = best
                break
    return found


def _pairs(problem: Regression, width: int) -> list[tuple[int, ...]]:
    rho, pull = problem.gram, problem.pull
    room = 1 - rho**2
    with np.errstate(all="ignore"):
        gain = (pull[:, None] ** 2 + pull**2 - 2 * rho * pull[:, None] * pull) / room
    gain[room < 1 - TWINS] = -1
    gain[np.tril_indices(len(pull))] = -1
    flat = gain.ravel()
    best = np.argpartition(-flat, min(width, len(flat) - 1))[:width]
    best = best[np.argsort(-flat[best], kind="stable")]
    return [(int(k) // len(pull), int(k) % len(pull)) for k in best if flat[k] > 0]


def _gains(problem: Regression, chosen: tuple[int, ...]) -> np.ndarray:
    """(K,) what a set explains with each further column; -1 where it cannot be added."""
    part = list(chosen)
    cross = problem.gram[part]
    solution = np.linalg.lstsq(problem.gram[np.ix_(part, part)], cross, rcond=1e-12)[0]
    base = np.linalg.lstsq(
        problem.gram[np.ix_(part, part)], problem.pull[part], rcond=1e-12
    )[0]  # fmt: skip
    room = 1 - np.sum(cross * solution, axis=0)
    rest = problem.pull - cross.T @ base
    with np.errstate(all="ignore"):
        gain = problem.pull[part] @ base + rest**2 / room
    gain[room < 1e-7] = -1
    gain[part] = -1
    return gain
