"""A law in plain sentences, made by rules from its canonical form.

Each factor of a message has one phrase; a constant in it is given with its interval and its unit.
Nothing is said that the formula does not say.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from core.knowledge.physics.algebra import (
    Powers,
    Product,
    TooLarge,
    emitted,
    expanded,
    is_sum,
    normal,
    terms_of,
)
from core.knowledge.physics.canonical import canonical
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    evaluate,
    substitute,
    to_text,
    variables,
)
from core.knowledge.physics.law import Law, Step, inputs_of
from core.knowledge.physics.notation import descriptions
from core.knowledge.physics.system import GraphSystem
from core.knowledge.physics.units import Unit, check_units

CURVES = {"sin": "the sine", "cos": "the cosine", "tanh": "the hyperbolic tangent",
          "log": "the logarithm", "abs": "the size", "sign": "the sign"}  # fmt: skip
POWERS = {
    1.0: "is proportional to {}",
    2.0: "grows with the square of {}",
    3.0: "grows with the cube of {}",
    0.5: "grows with the square root of {}",
    -0.5: "is inversely proportional to the square root of {}",
    -1.0: "is inversely proportional to {}",
    -2.0: "is inversely proportional to the square of {}",
    -3.0: "is inversely proportional to the cube of {}",
}
GATHERED = {
    ("sum", "edge", "node"): "Each node adds up a message from each of its neighbours",
    ("mean", "edge", "node"): "Each node takes the mean of the messages of its neighbours",
    ("max", "edge", "node"): "Each node takes the largest message of its neighbours",
    ("sum", "edge", "graph"): "A message is added up over all edges of the graph",
    ("mean", "edge", "graph"): "The mean of a message over all edges of the graph is taken",
    ("max", "edge", "graph"): "The largest message of all edges of the graph is taken",
    ("sum", "node", "graph"): "A value is added up over all nodes of the graph",
    ("mean", "node", "graph"): "The mean of a value over all nodes of the graph is taken",
    ("max", "node", "graph"): "The largest value of all nodes of the graph is taken",
}


def with_interval(value: float, half_width: float) -> str:
    """A value with what is uncertain: 1.00 ± 0.01; four digits where nothing is known of that.

    Args:
        value: the value.
        half_width: of its interval, 0 if not known.
    """
    if not (math.isfinite(half_width) and half_width > 0):
        return f"{value:.4g}"
    digits = -math.floor(math.log10(float(f"{half_width:.1g}")))
    if digits < -2 or digits > 6:
        return f"{value:.4g} ± {half_width:.1g}"
    return f"{value:.{max(digits, 0)}f} ± {half_width:.{max(digits, 0)}f}"


@dataclass(frozen=True)
class _Constant:
    """What is known of a constant of the law."""

    half_width: float = 0.0
    unit: Unit = field(default_factory=Unit)

    def text(self, value: float, share: float = 1.0, power: Fraction | int = 1) -> str:
        """A value made of the constant; its interval scaled by `share`, its unit to `power`."""
        unit = str(self.unit**power)
        shown = "" if unit == "1" else f" {unit}"
        return with_interval(value, self.half_width * share) + shown


def _widths(
    law: Law, form: Law, system: GraphSystem, intervals: Sequence[tuple[float, float]]
) -> list[float]:
    """Half widths of the constants of the canonical form, from those of the law's own.

    Each constant is moved by its half width; what the canonical constants move by is added up as
    independent errors are.
    """
    values, total = law.constants, np.zeros(len(form.constants))
    for place, (low, high) in enumerate(intervals):
        half = max(high - values[place], values[place] - low)
        moved = [*values[:place], values[place] + half, *values[place + 1 :]]
        other = canonical(law.with_constants(moved), system).constants
        if len(other) == len(total):
            total += (np.array(other) - np.array(form.constants)) ** 2
    return np.sqrt(total).tolist()


class _Reader:
    def __init__(
        self, law: Law, system: GraphSystem, intervals: Sequence[tuple[float, float]]
    ) -> None:
        self.law, self.system = canonical(law, system), system
        units = check_units(self.law, system).constant_units
        widths = _widths(law, self.law, system, intervals)
        self.constants = {
            value: _Constant(widths[place], units[place] if units else Unit())
            for place, value in enumerate(self.law.constants)
        }
        self.steps = {step.name: step for step in self.law.steps}

    def constant(self, value: float) -> _Constant:
        """What is known of a constant, by its value."""
        near = [one for one in self.constants if math.isclose(one, value, rel_tol=1e-9)]
        return self.constants[near[0]] if near else _Constant()

    # --- names and factors --------------------------------------------------------------------

    def words(self, name: str, level: str) -> str:
        """A name in words."""
        step = self.steps.get(name)
        if step is not None:
            kind = {"sum": "sum ", "mean": "mean ", "max": "largest value "}.get(step.aggregate, "")
            return f"the {kind}{name}"
        known = descriptions(self.system, level)
        if name in known:
            return f"the {known[name].words}" if name in ("r", "n", "n_t") else known[name].words
        end = {"i": "receiver", "j": "sender"}[name[-1]]
        return f"{self.words(name[:-2], level)} of the {end}"

    def phrases(self, product: Product, level: str) -> list[str]:
        """A phrase for each factor."""
        found = []
        powers = dict(product.powers)
        for base, exponent in product.powers:
            if isinstance(base, Variable) and base.name == "n":
                continue
            partner = self.saturation(base, exponent, powers)
            if partner is not None:
                found.append(self.saturating(base, partner, level))
            elif not any(
                is_sum(other) and self.saturation(other, e, powers) == base
                for other, e in powers.items()
            ):
                found.append(self.phrase(base, exponent, level))
        return found

    def phrase(self, base: Expression, exponent: float, level: str) -> str:
        """How a value depends on one factor."""
        if isinstance(base, Variable):
            if base.name == "n_t":
                return "acts to the left of the line to the sender"
            words = self.words(base.name, level)
            return POWERS.get(exponent, f"goes with the power {exponent:.4g} of {{}}").format(words)
        if is_sum(base) and exponent == 1 and (line := self.line(base)) is not None:
            name, zero = line
            if name == "r" and zero <= 0:
                return f"grows with {self.words(name, level)} plus a constant"
            value = self.constant(abs(zero)).text(zero)
            return f"grows linearly with {self.words(name, level)}, zero at {name} = {value}"
        if isinstance(base, Apply) and base.op == "exp" and exponent == 1:
            return self.exponential(normal(base.args[0]), level)
        if isinstance(base, Apply) and base.op in CURVES and exponent == 1:
            return f"follows {CURVES[base.op]} of {self.argument(normal(base.args[0]), level)}"
        shown = to_text(emitted(Product(1.0, ((base, exponent),))), 4)
        return f"is proportional to {shown}"

    def argument(self, inner: Product, level: str) -> str:
        """What a function is taken of."""
        if len(inner.powers) == 1 and inner.powers[0][1] == 1:
            base = inner.powers[0][0]
            if isinstance(base, Variable):
                times = "" if abs(inner.factor - 1) < 0.01 else f"{inner.factor:.4g} times "
                return times + self.words(base.name, level)
        return to_text(emitted(inner), 4)

    def exponential(self, inner: Product, level: str) -> str:
        """How a value falls or grows by factors of e."""
        verb = "falls off" if inner.factor < 0 else "grows"
        if len(inner.powers) == 1 and isinstance(inner.powers[0][0], Variable):
            base, exponent = inner.powers[0]
            rate = abs(inner.factor)
            if exponent == 1:
                known = self.constant(inner.factor)
                known = self.constant(rate) if known == _Constant() else known
                length = known.text(1 / rate, 1 / rate**2, -1)
                words = self.words(base.name, level)
                return f"{verb} exponentially with {words}, by a factor e over {length}"
        return f"{verb} exponentially with {to_text(emitted(Product(1.0, inner.powers)), 4)}"

    @staticmethod
    def line(base: Expression) -> tuple[str, float] | None:
        """Name and zero of a sum such as r - 1.004."""
        name, zero = "", 0.0
        for sign, term in terms_of(base):
            one = normal(term)
            if not one.powers:
                zero = -sign * one.factor
            elif len(one.powers) == 1 and isinstance(one.powers[0][0], Variable) and not name:
                if one.powers[0][1] != 1 or sign * one.factor != 1:
                    return None
                name = one.powers[0][0].name
            else:
                return None
        return (name, zero) if name and zero else None

    @staticmethod
    def saturation(
        base: Expression, exponent: float, powers: dict[Expression, float]
    ) -> Expression | None:
        """X of a pair of factors x^h and 1/(x^h + c)."""
        if not is_sum(base) or exponent != -1:
            return None
        parts = [normal(term) for sign, term in terms_of(base) if sign > 0]
        if len(parts) != 2 or len(terms_of(base)) != 2 or parts[1].powers or parts[1].factor <= 0:
            return None
        if len(parts[0].powers) != 1 or parts[0].factor != 1:
            return None
        inner, power = parts[0].powers[0]
        return inner if powers.get(inner) == power and isinstance(inner, Variable) else None

    def saturating(self, base: Expression, inner: Expression, level: str) -> str:
        """The phrase for x^h / (x^h + c)."""
        (_, first), (_, last) = terms_of(base)
        power, limit = normal(first).powers[0][1], normal(last).factor
        half = limit ** (1 / power)
        root = Fraction(1 / power).limit_denominator(12)
        value = self.constant(limit).text(half, half / (power * limit), root)
        how = "" if power == 1 else f" like a switch (power {power:g})"
        name = inner.name if isinstance(inner, Variable) else ""
        return f"grows with {self.words(name, level)}{how} and saturates, half at {name} = {value}"

    # --- sentences ----------------------------------------------------------------------------

    def sentences(self) -> list[str]:
        result = []
        for step in self.law.steps:
            if step.expression is None:
                result += self.gathered(step)
        last = self.law.steps[-1]
        if last.expression is not None:
            result.append(self.answer(last))
        return result

    def gathered(self, step: Step) -> list[str]:
        """What is aggregated, and how it depends on what."""
        inner = self.steps.get(step.of)
        finer = inner.level if inner else {"node": "edge", "graph": "node"}[step.level]
        start = GATHERED[step.aggregate, finer, step.level]
        result = self.system.target.name if step is self.law.steps[-1] else step.name
        if inner is None or inner.expression is None:
            return [f"{start}, {result}: {self.words(step.of, finer)}."]
        subject = "message" if finer == "edge" else "value"
        terms = terms_of(inner.expression)
        product = normal(inner.expression)
        if len(terms) > 1 and self.line_of(product) is None and len(product.powers) == 1:
            return [f"{start}, {result}: {to_text(inner.expression, 4)}."]
        phrases = self.phrases(product, finer)
        lines = [f"{start}; the result is {result}."]
        lines += [f"The {subject} {phrase}." for phrase in phrases]
        if inner.vector:
            lines.append(self.direction(inner, step))
        return lines

    def line_of(self, product: Product) -> tuple[str, float] | None:
        base, exponent = product.powers[0] if product.powers else (Number(1.0), 1.0)
        return self.line(base) if is_sum(base) and exponent == 1 else None

    def direction(self, message: Step, total: Step) -> str:
        """Whether a message along the line pulls or pushes, on the edges of the data."""
        front = self.front(total)
        tree = Apply("mul", (front, message.expression))
        values = inputs_of(self.system, "edge", None, variables(tree))
        values[""] = np.empty((self.system.num_edges, 1))
        value = np.nan_to_num(evaluate(tree, values), posinf=0, neginf=0)
        if np.all(value >= 0):
            return "It pulls towards the sender."
        if np.all(value <= 0):
            return "It pushes away from the sender."
        line = next(
            (found for base, e in normal(message.expression).powers
             if is_sum(base) and e == 1 and (found := self.line(base))), None
        )  # fmt: skip
        if line is not None:
            name, zero = line
            above = evaluate(tree, {**values, name: np.full_like(values[name], 2 * zero)})
            verbs = ("pulls towards", "pushes away from")
            first, second = verbs if np.nanmean(above) > 0 else verbs[::-1]
            return f"Above that it {first} the sender, below it {second} it."
        return self.by_signs(message, value) or (
            "It pulls towards the sender on some edges and pushes away on others."
        )

    def by_signs(self, message: Step, value: np.ndarray) -> str:
        """The sentence for charges: the signs of one quantity at both ends decide."""
        for base, exponent in normal(message.expression).powers:
            if isinstance(base, Variable) and base.name.endswith("_i") and exponent == 1:
                name = base.name[:-2]
                ends = inputs_of(self.system, "edge", None, [f"{name}_i", f"{name}_j"])
                signs = np.sign(value * ends[f"{name}_i"] * ends[f"{name}_j"])
                if abs(signs.sum()) == np.abs(signs).sum():
                    verbs = ("pulls", "pushes") if signs.sum() > 0 else ("pushes", "pulls")
                    place = f"Where {name} has the same sign at both ends"
                    return f"{place} it {verbs[0]}, else it {verbs[1]}."
        return ""

    def front(self, total: Step) -> Expression:
        """What multiplies a sum in the answer, as its edges see it; 1 where nothing does."""
        answer = self.law.steps[-1]
        symbol = Variable(total.name)
        if answer.expression is None or answer.level != "node":
            return Number(1.0)
        for powers, factor in expanded(normal(answer.expression)).items():
            if (symbol, 1.0) in powers:
                rest: Powers = tuple(one for one in powers if one != (symbol, 1.0))
                tree = emitted(Product(factor, rest))
                if not variables(tree) & set(self.steps):
                    ends = {
                        name: Variable(f"{name}_i")
                        for name in variables(tree)
                        if name in self.system.nodes
                    }
                    return substitute(tree, ends)
        return Number(1.0)

    def answer(self, step: Step) -> str:
        """What is made of the sums."""
        target = self.system.target.name
        terms = terms_of(step.expression)
        if len(terms) > 1:
            written = [self.term(sign, term, step.level) for sign, term in terms]
            return f"{target} adds up {len(written)} terms: {'; '.join(written)}."
        product = normal(step.expression)
        if not product.powers:
            return f"{target} has the same value everywhere, {self.number(product.factor)}."
        phrases = self.phrases(product, step.level)
        return f"{target} {' and '.join(phrases)}{self.times(product.factor)}."

    def number(self, factor: float) -> str:
        return self.constant(factor).text(factor)

    def times(self, factor: float) -> str:
        return "" if factor == 1 else f"; the factor in front is {self.number(factor)}"

    def term(self, sign: int, term: Expression, level: str) -> str:
        """One term of a sum in words and symbols."""
        names = {name: Variable(self.words(name, level)) for name in variables(term)}
        factor, rest = _leading(term)
        if rest is None:
            return self.number(sign * factor)
        shown = to_text(substitute(rest, {k: v for k, v in names.items() if k in self.steps}), 4)
        if factor == 1:
            return shown if sign > 0 else f"minus {shown}"
        known = self.constant(factor)
        return f"{known.text(sign * factor)} times {shown}"


def _leading(term: Expression) -> tuple[float, Expression | None]:
    """The number in front of a product and the rest of it."""
    if isinstance(term, Number):
        return term.value, None
    if isinstance(term, Apply) and term.op in ("mul", "div"):
        factor, left = _leading(term.args[0])
        if left is not None:
            return factor, Apply(term.op, (left, term.args[1]))
        return (factor, term.args[1]) if term.op == "mul" else (1.0, term)
    if isinstance(term, Apply) and term.op == "neg":
        factor, rest = _leading(term.args[0])
        return -factor, rest
    return 1.0, term


def reading(
    law: Law, system: GraphSystem, intervals: Sequence[tuple[float, float]] = ()
) -> tuple[str, ...]:
    """The law in plain sentences.

    Args:
        law: a law of the system.
        system: says what its names mean; pull and push are read off its edges.
        intervals: (low, high) of each of `law.constants`, carried over to the canonical form.

    Raises:
        InputError: PH-E01 if a unit of the system cannot be read.
    """
    try:
        return tuple(_Reader(law, system, intervals).sentences())
    except TooLarge:
        return (f"{law.text()}.",)
