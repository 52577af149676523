"""How many facts the entities of a graph have: counts in ranges that double."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """How many entities have `low` to `high` facts."""

    low: int
    high: int
    count: int

    @property
    def label(self) -> str:
        """The range in words: ``3`` or ``5–8``."""
        return str(self.low) if self.low == self.high else f"{self.low:,}–{self.high:,}"


def bin_degrees(degrees: Iterable[int]) -> tuple[Bin, ...]:
    """Ranges 0, 1, 2, 3–4, 5–8, 9–16 … up to the largest degree; empty ones between are kept.

    Args:
        degrees: facts of each entity, not negative.

    Returns:
        The first range holds the smallest degree, the last one the largest.
    """
    counts = Counter(_place(degree) for degree in degrees)
    if not counts:
        return ()
    return tuple(
        Bin(*_range(place), counts[place]) for place in range(min(counts), max(counts) + 1)
    )


def describe_degrees(degrees: Sequence[int]) -> str:
    """The histogram in words: median and largest degree; empty without entities."""
    if not degrees:
        return ""
    ordered = sorted(degrees)
    middle = ordered[(len(ordered) - 1) // 2]
    return (
        f"Half of the entities have {_facts(middle)} or fewer; the best connected has "
        f"{_facts(ordered[-1])}."
    )


def _place(degree: int) -> int:
    """Number of the range of a degree: 0, 1, 2, then 3 for 3 and 4, 4 for 5 to 8."""
    return degree if degree < 2 else (degree - 1).bit_length() + 1


def _range(place: int) -> tuple[int, int]:
    return (place, place) if place < 2 else (2 ** (place - 2) + 1, 2 ** (place - 1))


def _facts(count: int) -> str:
    return f"{count:,} fact{'' if count == 1 else 's'}"
