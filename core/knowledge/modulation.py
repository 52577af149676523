"""Modulation structures: what a few ratings change in a network, and where.

Source: Wu, Wang, Jing, Dong, Dou & Yao, "ColdNAS: Search to Modulate for User Cold-Start
Recommendation", The Web Conference 2023; section 3.2 of the parsimony paper.

A predictor of four layers can be modulated at `NUM_POSITIONS` positions. There every hidden number
h meets numbers phi of the user in a fixed order, each operation kept or left out:

    h -> min(max(h, low), high) * factor + shift        factor >= 0

that is: clamp from below, clamp from above, scale, shift. The fixed order loses nothing: `reduce`
writes any sequence of max, min, plus, minus, multiply and divide with positive multipliers in this
form, which leaves 2^16 = 65,536 structures. FiLM keeps scale and shift everywhere.

Differs from the paper: the proof is `reduce`, a function; max before min is its order, so that the
upper bound wins where the two cross.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import ShapeError

OPERATIONS = ("max", "min", "multiply", "plus")  # in the order in which they are applied
NUM_POSITIONS = 4  # the input of the predictor and its three hidden layers
WORDS = {
    "max": "clamp from below",
    "min": "clamp from above",
    "multiply": "scale",
    "plus": "shift",
}
_TEXT = {
    "max": "max({}, φ₁)",
    "min": "min({}, φ₂)",
    "multiply": "{} · φ₃",
    "plus": "{} + φ₄",
}
_LATEX = {
    "max": r"\max({}, \varphi_1)",
    "min": r"\min({}, \varphi_2)",
    "multiply": r"{} \cdot \varphi_3",
    "plus": r"{} + \varphi_4",
}


@dataclass(frozen=True)
class Structure:
    """Which operations are kept at which position.

    Attributes:
        kept: pairs of position and operation.
    """

    kept: frozenset[tuple[int, str]] = frozenset()

    def __post_init__(self) -> None:
        for position, operation in self.kept:
            if position not in range(NUM_POSITIONS) or operation not in OPERATIONS:
                raise ShapeError(
                    f"a modulation has positions 0 to {NUM_POSITIONS - 1} and the operations "
                    f"{', '.join(OPERATIONS)}, not ({position}, {operation})."
                )

    def __str__(self) -> str:
        parts = [
            f"{position} {{{', '.join(self.at(position))}}}"
            for position in range(NUM_POSITIONS)
            if self.at(position)
        ]
        return ", ".join(parts) or "no modulation"

    @property
    def size(self) -> int:
        """Kept operations."""
        return len(self.kept)

    def at(self, position: int) -> tuple[str, ...]:
        """Operations kept at a position, in their order."""
        return tuple(operation for operation in OPERATIONS if (position, operation) in self.kept)

    def mask(self) -> np.ndarray:
        """(positions, operations) float32, 1 where kept."""
        return np.array(self.to_json(), dtype=np.float32)

    def canonical(self) -> frozenset[tuple[int, str]]:
        """Every structure is a model of its own."""
        return self.kept

    def to_json(self) -> list[list[int]]:
        """One row of 0 and 1 per position, one column per operation."""
        return [
            [int((position, operation) in self.kept) for operation in OPERATIONS]
            for position in range(NUM_POSITIONS)
        ]

    @classmethod
    def from_json(cls, value: Any) -> "Structure":  # noqa: ANN401 - any JSON value
        """Inverse of `to_json`.

        Raises:
            ShapeError: not four rows of four times 0 or 1.
        """
        rows = value if isinstance(value, list) else []
        if len(rows) != NUM_POSITIONS or any(
            not isinstance(row, list)
            or len(row) != len(OPERATIONS)
            or any(cell not in (0, 1) for cell in row)
            for row in rows
        ):
            raise ShapeError("a modulation is written as four rows of four times 0 or 1.")
        return cls(
            frozenset(
                (position, operation)
                for position, row in enumerate(rows)
                for operation, cell in zip(OPERATIONS, row, strict=True)
                if cell
            )
        )

    def words(self, position: int) -> str:
        """Such as "clamp from below, then shift"."""
        return ", then ".join(WORDS[one] for one in self.at(position)) or "unchanged"

    def formula(self, position: int) -> str:
        """Such as "max(h, φ₁) + φ₄"."""
        return self._nested(position, _TEXT)

    def latex(self, position: int) -> str:
        r"""Such as ``\max(h, \varphi_1) + \varphi_4``."""
        return self._nested(position, _LATEX)

    def _nested(self, position: int, patterns: dict[str, str]) -> str:
        text = "h"
        for operation in self.at(position):
            text = patterns[operation].replace("{}", text)
        return text

    def differs_from(self, other: "Structure") -> str:
        """In words, such as "adds shift at 0; leaves out scale at 1, 2"; empty when equal."""
        parts = [
            *_changes("adds", self.kept - other.kept),
            *_changes("leaves out", other.kept - self.kept),
        ]
        return "; ".join(parts)

    @cached_property
    def name(self) -> str:
        """The name of a structure that has one, otherwise empty."""
        return next((name for name, one in NAMED.items() if one == self), "")

    def neighbours(self) -> list["Structure"]:
        """The 16 structures with one operation more or less, by position and operation."""
        every = ((p, op) for p in range(NUM_POSITIONS) for op in OPERATIONS)
        return [Structure(self.kept ^ {one}) for one in every]


def _changes(verb: str, cells: frozenset[tuple[int, str]]) -> Iterator[str]:
    for operation in OPERATIONS:
        places = sorted(position for position, one in cells if one == operation)
        if places:
            yield f"{verb} {WORDS[operation]} at {', '.join(map(str, places))}"


FILM = Structure(frozenset((p, op) for p in range(NUM_POSITIONS) for op in ("multiply", "plus")))
NONE = Structure()
RELEASED = Structure(frozenset({(0, "plus"), (1, "plus"), (2, "max"), (2, "plus")}))
NAMED = {"none": NONE, "film": FILM, "released": RELEASED}


def top(gates: np.ndarray, num: int) -> Structure:
    """The `num` largest gates of all; among equals the earlier position, then operation.

    Args:
        gates: (positions, operations).
        num: operations to keep.
    """
    order = np.argsort(-np.asarray(gates).ravel(), kind="stable")[:num]
    cells = (divmod(int(cell), len(OPERATIONS)) for cell in order)
    return Structure(frozenset((position, OPERATIONS[column]) for position, column in cells))


def reduce(steps: Sequence[tuple[str, float]]) -> tuple[float, float, float, float]:
    """A sequence of operations as one clamp, scale and shift: the reducing theorem.

    Args:
        steps: (operation, value) in order of application; max, min, plus, minus, multiply, divide.

    Returns:
        low, high, factor, shift with the same result for every h; the bounds may be infinite.

    Raises:
        ShapeError: an unknown operation, or a multiplier that is not positive.
    """
    low, high, factor, shift = -math.inf, math.inf, 1.0, 0.0
    for operation, value in steps:
        if operation in ("multiply", "divide"):
            if not value > 0:
                raise ShapeError(f"a multiplier must be positive, not {value}.")
            ratio = value if operation == "multiply" else 1 / value
            factor, shift = factor * ratio, shift * ratio
        elif operation in ("plus", "minus"):
            shift += value if operation == "plus" else -value
        elif operation in ("max", "min"):
            bound = (value - shift) / factor  # the same bound before scale and shift
            if operation == "max":
                low, high = max(low, bound), max(high, bound)
            else:
                high = min(high, bound)
        else:
            raise ShapeError(f'"{operation}" is not max, min, plus, minus, multiply or divide.')
    return low, high, factor, shift


def modulate(
    h: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    factor: np.ndarray,
    shift: np.ndarray,
    mask_row: np.ndarray,
) -> np.ndarray:
    """One position of a structure applied to hidden numbers; arrays broadcast to h.

    Args:
        h: (..., width).
        low: lower bound.
        high: upper bound.
        factor: multiplier, not negative.
        shift: summand.
        mask_row: (operations,) 0 or 1, a row of `Structure.mask`.
    """
    use_low, use_high, use_factor, use_shift = np.asarray(mask_row) > 0
    h = np.maximum(h, low) if use_low else h
    h = np.minimum(h, high) if use_high else h
    h = h * factor if use_factor else h
    return h + shift if use_shift else h
