"""What a person knows beforehand about a law, and how long the search may take."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from core.errors import InputError
from core.knowledge.physics.expression import OPS, Expression, from_json, to_json

PAIR = ("", "symmetric", "antisymmetric")
OPERATORS = ("add", "sub", "mul", "div", "neg", "pow", "square", "exp", "sin")


@dataclass(frozen=True)
class Knowledge:
    """Assumptions that narrow the search.

    Attributes:
        operators: names of `expression.OPS` that may occur.
        max_complexity: largest size of a law.
        translation: positions enter as differences only.
        rotation: the law has no handedness: no terms at right angles to the line between two nodes.
        pair: "" or how the message changes when sender and receiver are exchanged, up to a factor
            of the receiver alone such as 1/m_i: `symmetric` (as a number along the line between
            both, so that vectors are opposite: action and reaction) or `antisymmetric` (a flow).
        use_units: formulas that violate the declared units are not listed.
        allow_constant_units: a fitted constant may carry a unit.
        guess: expressions of messages or of the answer to try first.
    """

    operators: tuple[str, ...] = OPERATORS
    max_complexity: int = 40
    translation: bool = True
    rotation: bool = True
    pair: str = ""
    use_units: bool = True
    allow_constant_units: bool = True
    guess: tuple[Expression, ...] = ()

    def __post_init__(self) -> None:
        unknown = set(self.operators) - set(OPS)
        if unknown or self.pair not in PAIR or self.max_complexity < 1:
            raise InputError(
                "PH-E13",
                "Options not understood",
                f"{sorted(unknown) or self.pair or self.max_complexity} cannot be used.",
                "Choose operators of the list and a size of at least 1.",
            )

    def allows(self, *operators: str) -> bool:
        """Whether all these operators may occur."""
        return set(operators) <= set(self.operators)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {
            "operators": list(self.operators),
            "guess": [to_json(one) for one in self.guess],
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Knowledge":
        """The options of `to_json`.

        Raises:
            InputError: PH-E13 or PH-E09 if they cannot be used.
        """
        return cls(
            **{key: value for key, value in record.items() if key not in ("operators", "guess")},
            operators=tuple(record.get("operators", OPERATORS)),
            guess=tuple(from_json(one) for one in record.get("guess", ())),
        )


@dataclass(frozen=True)
class Budget:
    """How much is tried.

    Attributes:
        name: `instant`, `standard` or `thorough`.
        seconds: limit of the whole search on two processor cores.
        seeds: runs of the genetic search; 0 leaves it out.
        evaluations: formulas tried in each run.
    """

    name: str
    seconds: float
    seeds: int
    evaluations: int

    @classmethod
    def of(cls, name: str) -> "Budget":
        """One of `BUDGETS` by name.

        Raises:
            InputError: PH-E13 for another name.
        """
        if name not in BUDGETS:
            raise InputError(
                "PH-E13",
                "Options not understood",
                f'"{name[:40]}" is no budget.',
                f"Choose one of {', '.join(BUDGETS)}.",
            )
        return BUDGETS[name]


BUDGETS = {
    one.name: one
    for one in (
        Budget("instant", 2, 0, 0),
        Budget("standard", 60, 2, 60_000),
        Budget("thorough", 120, 4, 100_000),
    )
}
