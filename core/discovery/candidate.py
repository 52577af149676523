"""Laws that were found, and those of them that no shorter law fits as well."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from core.knowledge.physics.law import Law

FLOOR = 1e-6  # errors below this, in standard deviations of the target, are rounding
SHARE = 0.02  # a longer law must lower the squared error by this share for 10 parts, at the least


@dataclass(frozen=True)
class Candidate:
    """A law that an engine proposes.

    Attributes:
        law: with its constants.
        train_error: root mean squared error on the training part, in standard deviations of the
            target there; R² = 1 - error².
        valid_error: the same on the validation part, in standard deviations of the target there.
        complexity: size of the law.
        engine: who found it.
        seeds: in how many independent runs it was found, in this or an equivalent form.
    """

    law: Law
    train_error: float
    valid_error: float
    complexity: int
    engine: str
    seeds: int = 1

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "law": self.law.to_json(),
            "train_error": self.train_error,
            "valid_error": self.valid_error,
            "complexity": self.complexity,
            "engine": self.engine,
            "seeds": self.seeds,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Candidate":
        """The candidate of `to_json`."""
        return cls(**{**record, "law": Law.from_json(record["law"])})


@dataclass(frozen=True)
class Front:
    """The candidates that no shorter one fits as well as, from short to long."""

    candidates: tuple[Candidate, ...]

    @classmethod
    def of(cls, candidates: Iterable[Candidate]) -> "Front":
        """Keep those not dominated in (complexity, validation error)."""
        ordered = sorted(
            (one for one in candidates if math.isfinite(one.valid_error)),
            key=lambda one: (one.complexity, one.valid_error),
        )
        kept: list[Candidate] = []
        for one in ordered:
            if not kept or _floored(one) < _floored(kept[-1]) * (1 - 1e-9):
                kept.append(one)
        return cls(tuple(kept))


def pool(candidates: Iterable[Candidate], limit: int = 60) -> list[Candidate]:
    """Candidates of all engines and seeds: equal laws once, with the runs that found them counted.

    Two laws are equal when their errors and sizes are, to 6 digits; comparing forms would cost
    seconds for each pair.

    Args:
        candidates: in any order.
        limit: how many to keep, the whole front and then the best by validation error.
    """
    found: dict[tuple, Candidate] = {}
    for one in candidates:
        if not math.isfinite(one.valid_error):
            continue
        key = (one.complexity, f"{_floored(one):.6g}", f"{max(one.train_error, FLOOR):.6g}")
        same = found.get(key)
        found[key] = one if same is None else replace(same, seeds=same.seeds + one.seeds)
    front = Front.of(found.values()).candidates
    rest = sorted(
        (one for one in found.values() if one not in front),
        key=lambda one: (one.valid_error, one.complexity),
    )
    return [*front, *rest[: max(0, limit - len(front))]]


def knee(candidates: Sequence[Candidate], num_values: int) -> Candidate:
    """The best trade between error and size.

    The smallest description length: half the logarithm of the number of validation values for each
    part of the law, as in the Bayesian information criterion, but never less than what 0.2 % of the
    squared error weigh, so that many data do not excuse ornaments.

    Args:
        candidates: not empty.
        num_values: of the target in the validation part, components counted.
    """

    def cost(one: Candidate) -> float:
        price = max(math.log(max(num_values, 2)), SHARE / 10 * num_values)
        return 2 * num_values * math.log(_floored(one)) + price * one.complexity

    return min(candidates, key=lambda one: (cost(one), one.complexity))


def _floored(one: Candidate) -> float:
    return max(one.valid_error, FLOOR)
