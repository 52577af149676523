"""Units: reading SI symbols, and whether the units of a law can match.

Each constant of a law may have a unit of its own. Every addition, every function that needs a pure
number and the target give one linear equation in the unknown exponents; exact elimination says
whether they have a solution, and which unit each constant then has.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from core.errors import InputError
from core.knowledge.physics.expression import (
    Expression,
    Number,
    Variable,
    number_text,
    to_text,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.notation import descriptions
from core.knowledge.physics.system import GraphSystem

BASE = ("kg", "m", "s", "A", "K", "mol", "cd")
LIKE = ("mass", "length", "time", "current", "temperature", "amount", "light")
PREFIXES = {
    "y": -24, "z": -21, "a": -18, "f": -15, "p": -12, "n": -9, "µ": -6, "μ": -6, "u": -6, "m": -3,
    "c": -2, "d": -1, "da": 1, "h": 2, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18,
}  # fmt: skip
# kg, m, s, A, K, mol, cd and a factor
SYMBOLS: dict[str, tuple[tuple[int, ...], float]] = {
    "g": ((1,), 1e-3), "m": ((0, 1), 1), "s": ((0, 0, 1), 1), "A": ((0, 0, 0, 1), 1),
    "K": ((0, 0, 0, 0, 1), 1), "mol": ((0, 0, 0, 0, 0, 1), 1), "cd": ((0, 0, 0, 0, 0, 0, 1), 1),
    "Hz": ((0, 0, -1), 1), "N": ((1, 1, -2), 1), "Pa": ((1, -1, -2), 1), "J": ((1, 2, -2), 1),
    "W": ((1, 2, -3), 1), "C": ((0, 0, 1, 1), 1), "V": ((1, 2, -3, -1), 1),
    "F": ((-1, -2, 4, 2), 1), "ohm": ((1, 2, -3, -2), 1), "Ω": ((1, 2, -3, -2), 1),
    "S": ((-1, -2, 3, 2), 1), "Wb": ((1, 2, -2, -1), 1), "T": ((1, 0, -2, -1), 1),
    "H": ((1, 2, -2, -2), 1), "lm": ((0, 0, 0, 0, 0, 0, 1), 1),
    "lx": ((0, -2, 0, 0, 0, 0, 1), 1), "Bq": ((0, 0, -1), 1), "Gy": ((0, 2, -2), 1),
    "Sv": ((0, 2, -2), 1), "kat": ((0, 0, -1, 0, 0, 1), 1), "rad": ((), 1), "sr": ((), 1),
    "l": ((0, 3), 1e-3), "L": ((0, 3), 1e-3), "t": ((1,), 1e3), "bar": ((1, -1, -2), 1e5),
    "eV": ((1, 2, -2), 1.602176634e-19),
}  # fmt: skip
UNPREFIXED: dict[str, tuple[tuple[int, ...], float]] = {
    "min": ((0, 0, 1), 60), "h": ((0, 0, 1), 3600), "d": ((0, 0, 1), 86400),
    "deg": ((), 0.017453292519943295), "°": ((), 0.017453292519943295), "%": ((), 0.01),
    "1": ((), 1),
}  # fmt: skip
NAMED = ("N", "J", "W", "Pa", "C", "V", "ohm", "F")
SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
MAX_LENGTH = 60
TOKEN = re.compile(
    r"\s*(?:(?P<symbol>[^\W\d_]+|[°%]|1(?![\d.]))|(?P<mark>[*·.×/()]))"
    r"(?:(?:\^|\*\*)?\(?(?P<power>[+-]?\d{1,2}(?:/\d|\.5)?)\)?)?"
)


@dataclass(frozen=True)
class Unit:
    """Exponents of kg, m, s, A, K, mol and cd, and how many of these base units one unit is."""

    exponents: tuple[Fraction, ...] = (Fraction(0),) * len(BASE)
    factor: float = 1.0

    def __mul__(self, other: "Unit") -> "Unit":
        pairs = zip(self.exponents, other.exponents, strict=True)
        return Unit(tuple(one + two for one, two in pairs), self.factor * other.factor)

    def __pow__(self, exponent: Fraction | int) -> "Unit":
        return Unit(tuple(exponent * one for one in self.exponents), self.factor**exponent)

    def same_dimension(self, other: "Unit") -> bool:
        """Whether values of both can be added."""
        return self.exponents == other.exponents

    def __str__(self) -> str:
        for name in NAMED:
            if self.exponents == _unit(SYMBOLS[name]).exponents:
                return name
        pairs = [one for one in zip(BASE, self.exponents, strict=True) if one[1]]
        pairs.sort(key=lambda one: one[1] < 0)
        parts = [name if exponent == 1 else f"{name}^{exponent}" for name, exponent in pairs]
        return " ".join(parts) or "1"


def _unit(entry: tuple[tuple[int, ...], float], scale: float = 1.0) -> Unit:
    exponents, factor = entry
    padded = (*exponents, *[0] * (len(BASE) - len(exponents)))
    return Unit(tuple(Fraction(one) for one in padded), factor * scale)


def _symbol(name: str) -> Unit | None:
    """The unit of one symbol, with or without a prefix."""
    for table in (UNPREFIXED, SYMBOLS):
        if name in table:
            return _unit(table[name])
    for prefix, power in PREFIXES.items():
        if name.startswith(prefix) and name.removeprefix(prefix) in SYMBOLS:
            return _unit(SYMBOLS[name.removeprefix(prefix)], 10.0**power)
    return None


def parse_unit(text: str) -> Unit:
    """Read SI symbols such as ``kg m s^-2``, ``N/m``, ``J/(kg K)``, ``cm²`` or ``1``.

    A fraction bar holds for the next symbol or bracket only.

    Raises:
        InputError: PH-E01.
    """
    plain = re.sub(r"(?<=[^\s\d⁰¹²³⁴⁵⁶⁷⁸⁹⁻])(?=[⁰¹²³⁴⁵⁶⁷⁸⁹⁻])", "^", text.strip())
    plain = plain.translate(SUPERSCRIPTS)
    if not plain or len(plain) > MAX_LENGTH:
        raise _not_understood(text)
    total, inverse, brackets, place = Unit(), 1, [1], 0
    while place < len(plain):
        found = TOKEN.match(plain, place)
        if found is None or (found["mark"] and found["power"]):
            raise _not_understood(text)
        place = found.end()
        mark = found["mark"]
        if mark == "(":
            brackets.append(brackets[-1] * inverse)
            inverse = 1
        elif mark == ")" and len(brackets) > 1:
            brackets.pop()
        elif mark == "/":
            inverse = -1
        elif mark in (None, *"*·.×"):
            one = _symbol(found["symbol"]) if mark is None else Unit()
            if one is None:
                raise _not_understood(text)
            total = total * one ** (Fraction(found["power"] or 1) * inverse * brackets[-1])
            inverse = 1
        else:
            raise _not_understood(text)
    if len(brackets) > 1 or inverse == -1:
        raise _not_understood(text)
    return total


def _not_understood(text: str) -> InputError:
    return InputError(
        "PH-E01", "Unit not understood", f'"{text[:MAX_LENGTH]}".',
        "Use SI symbols such as kg m s^-2.",
    )  # fmt: skip


# --- linear equations in exponents ----------------------------------------------------------------

Row = dict[int, Fraction]  # unknown -> how often


@dataclass(frozen=True)
class _Form:
    """A unit in terms of unknown ones: known exponents plus multiples of the unknown units."""

    known: tuple[Fraction, ...] = (Fraction(0),) * len(BASE)
    unknown: tuple[tuple[int, Fraction], ...] = ()

    def times(self, other: "_Form", exponent: Fraction) -> "_Form":
        """Times another to some power."""
        row = dict(self.unknown)
        for index, count in other.unknown:
            row[index] = row.get(index, Fraction(0)) + exponent * count
        pairs = zip(self.known, other.known, strict=True)
        return _Form(
            tuple(one + exponent * two for one, two in pairs),
            tuple(sorted((index, count) for index, count in row.items() if count)),
        )


class _Equations:
    """Forms that have to be pure numbers, eliminated as they come."""

    def __init__(self) -> None:
        self.solved: dict[int, _Form] = {}  # unknown -> its unit in terms of others

    def reduced(self, form: _Form) -> _Form:
        """With every unknown that is solved put in."""
        while hit := next((one for one in form.unknown if one[0] in self.solved), None):
            index, count = hit
            rest = tuple(one for one in form.unknown if one[0] != index)
            form = _Form(form.known, rest).times(self.solved[index], count)
        return form

    def require(self, form: _Form) -> bool:
        """Add the equation "this is a pure number"; False if that cannot be."""
        form = self.reduced(form)
        if not form.unknown:
            return not any(form.known)
        index, count = form.unknown[-1]  # the latest constant takes the unit
        rest = _Form(form.known, form.unknown[:-1])
        self.solved[index] = _Form().times(rest, -1 / count)
        return True

    def unit(self, index: int) -> Unit:
        """The unit of an unknown; what nothing determines is a pure number."""
        return Unit(self.reduced(_Form(unknown=((index, Fraction(1)),))).known)


@dataclass(frozen=True)
class UnitReport:
    """Whether the units of a law match.

    Attributes:
        verdict: "consistent", "needs constants with units", "inconsistent" or "not known", which
            means that nothing contradicts but some unit is missing.
        lines: one sentence for each step, and for each constant that has a unit.
        constant_units: unit of each constant of the law, in its order; None if inconsistent.
    """

    verdict: str
    lines: tuple[str, ...]
    constant_units: tuple[Unit, ...] | None = None


class _Mismatch(Exception):  # noqa: N818 - an answer, not a fault
    """Two units that have to be equal are not; the text says which."""


class _Checker:
    """Follows units through the steps of one law."""

    def __init__(self, law: Law, system: GraphSystem, *, free: bool) -> None:
        self.law, self.system, self.free = law, system, free
        self.equations = _Equations()
        self.steps: dict[str, _Form] = {}
        self.missing: dict[str, int] = {}  # quantity without a unit -> unknown
        self.num_constants = 0

    def form_of(self, name: str, level: str) -> _Form:
        """The unit of a name."""
        if name in self.steps or name[:-2] in self.steps:
            return self.steps.get(name) or self.steps[name[:-2]]
        unit = descriptions(self.system, level)[name].unit
        return self.measured(unit, name)

    def measured(self, unit: str, name: str) -> _Form:
        if unit:
            return _Form(parse_unit(unit).exponents)
        index = self.missing.setdefault(name, -1 - len(self.missing))
        return _Form(unknown=((index, Fraction(1)),))

    def constant(self) -> _Form:
        index = self.num_constants
        self.num_constants += 1
        return _Form(unknown=((index, Fraction(1)),)) if self.free else _Form()

    def shown(self, form: _Form) -> str:
        return str(Unit(self.equations.reduced(form).known))

    def equal(self, one: _Form, two: _Form, what: str) -> None:
        if not self.equations.require(one.times(two, Fraction(-1))):
            raise _Mismatch(f"{what}: {self.shown(one)} is not {self.shown(two)}")

    def form(self, expr: Expression, level: str) -> _Form:
        """The unit of an expression."""
        if isinstance(expr, Number):
            return self.constant()
        if isinstance(expr, Variable):
            return self.form_of(expr.name, level)
        text = to_text(expr, 4)
        if expr.op == "pow":
            base, exponent = self.form(expr.args[0], level), expr.args[1].value
            if not float(2 * exponent).is_integer():
                self.constant_exponent()
            near = Fraction(exponent).limit_denominator(12)
            if abs(float(near) - exponent) > 1e-9:  # a fitted exponent: of a pure number only
                self.equal(base, _Form(), text)
                return _Form()
            return _Form().times(base, near)
        forms = [self.form(arg, level) for arg in expr.args]
        match expr.op:
            case "add" | "sub":
                self.equal(forms[0], forms[1], text)
                return forms[0]
            case "mul" | "div":
                return forms[0].times(forms[1], Fraction(1 if expr.op == "mul" else -1))
            case "square" | "sqrt":
                return _Form().times(forms[0], Fraction(2 if expr.op == "square" else "1/2"))
            case "neg" | "abs":
                return forms[0]
            case "sign":
                return _Form()
        self.equal(forms[0], _Form(), text)
        return _Form()

    def constant_exponent(self) -> None:
        """A fitted exponent is a constant without a unit."""
        index = self.num_constants
        self.num_constants += 1
        self.equations.require(_Form(unknown=((index, Fraction(1)),)))

    def step(self, step: Step) -> _Form:
        if step.expression is not None:
            return self.form(step.expression, step.level)
        return self.form_of(step.of, "edge" if step.level == "node" else "node")

    def run(self) -> list[str]:
        """One sentence for each step; raises where units do not match."""
        for step in self.law.steps:
            self.steps[step.name] = self.step(step)
        target = self.system.target
        self.equal(self.steps[self.law.steps[-1].name], self.measured(target.unit, ""), target.name)
        return [f"{name} is in {self.shown(form)}." for name, form in self.steps.items()]


def _attempt(law: Law, system: GraphSystem, *, free: bool) -> tuple[_Checker, list[str], str]:
    """The checker, its sentences and what did not match."""
    checker = _Checker(law, system, free=free)
    try:
        return checker, checker.run(), ""
    except _Mismatch as found:
        return checker, [], str(found)


def check_units(law: Law, system: GraphSystem, allow_constants: bool = True) -> UnitReport:
    """Whether the units of a law match those of its target, and which its constants then have.

    Args:
        law: any law of the system.
        system: says the units; a quantity without one matches everything.
        allow_constants: whether constants may have units.

    Raises:
        InputError: PH-E01 if a unit of the system cannot be read.
    """
    checker, lines, problem = _attempt(law, system, free=False)
    if not problem:
        verdict = "not known" if checker.missing else "consistent"
        return UnitReport(verdict, tuple(lines), (Unit(),) * len(law.constants))
    if allow_constants:
        checker, lines, problem = _attempt(law, system, free=True)
    if problem:
        return UnitReport("inconsistent", (f"{problem}.",))
    units = tuple(checker.equations.unit(index) for index in range(checker.num_constants))
    lines += [
        f"The constant {number_text(value, 4)} is in {unit}."
        for value, unit in zip(law.constants, units, strict=True)
        if any(unit.exponents)
    ]
    verdict = "not known" if checker.missing else "needs constants with units"
    return UnitReport(verdict, tuple(lines), units)


def require_reachable(system: GraphSystem, allow_constants: bool = True) -> None:
    """Refuse a target whose unit no product of the measured quantities can have.

    Raises:
        InputError: PH-E01 if a unit cannot be read; PH-E02 if units cannot match.
    """
    groups = (system.nodes, system.edges, system.graphs)
    texts = [one.unit for group in groups for one in group.values()]
    units = [parse_unit(text) for text in (*texts, system.target.unit) if text]
    if allow_constants or not all((*texts, system.target.unit)):
        return
    target = units.pop()
    if _spanned(target, units):
        return
    lacking = [
        like
        for like, exponent, column in zip(
            LIKE, target.exponents, zip(*(one.exponents for one in units), strict=True), strict=True
        )
        if exponent and not any(column)
    ]
    wanted = f"a {lacking[0]}-like column" if lacking else "a column with another unit"
    known = ", ".join(dict.fromkeys(str(one) for one in units if any(one.exponents)))
    raise InputError(
        "PH-E02", "Units cannot match", f"No combination of {{{known}}} gives {target}.",
        f"Add {wanted} or allow a constant with units.",
    )  # fmt: skip


def _spanned(target: Unit, units: Iterable[Unit]) -> bool:
    """Whether a product of powers of the units has the target's dimension."""
    rows: list[list[Fraction]] = []
    for one in units:
        row = _eliminated(list(one.exponents), rows)
        if any(row):
            rows.append(row)
    return not any(_eliminated(list(target.exponents), rows))


def _eliminated(row: list[Fraction], rows: list[list[Fraction]]) -> list[Fraction]:
    for other in rows:
        pivot = next(index for index, value in enumerate(other) if value)
        if row[pivot]:
            share = row[pivot] / other[pivot]
            row = [one - share * two for one, two in zip(row, other, strict=True)]
    return row
