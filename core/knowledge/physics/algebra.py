"""Normal form of expressions: equal formulas that were found in different ways look the same.

An expression becomes a number times powers of bases. A base is a variable, a function of a normal
form, or a sum in lowest terms: expanded, over a common denominator, with common factors and the
coefficient of its first term pulled out. Sums and products therefore have one order, numbers are
folded into one factor in front, and 2.126 k (0.471 r - 0.473) / m reads 1.001 k (r - 1.004) / m.

Differs from a computer algebra system: numbers are measured ones, so nothing is turned into
fractions, and only factors in different variables and squares are found when a sum is factored.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np

from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    evaluate,
    power,
    to_text,
    variables,
)

ZERO_SHARE = 1e-10  # of what was added up: less is rounding
LEAD_SHARE = 0.1  # of the largest coefficient, for a term that others are compared with
DIGITS = 13  # of coefficients in sums, so that equal sums are equal
MAX_TERMS = 200
MAX_ATOMS = 7  # of a sum that is searched for factors
ODD, EVEN = ("sin", "tanh", "sign"), ("cos", "abs")

Powers = tuple[tuple[Expression, float], ...]  # sorted by `_order`
Polynomial = dict[Powers, float]


class TooLarge(Exception):  # noqa: N818 - a limit, not a fault
    """The normal form would be too large or is not defined; the input is kept."""


@dataclass(frozen=True)
class Product:
    """A number times powers of different bases."""

    factor: float
    powers: Powers = ()


ONE = Product(1.0)


@lru_cache(maxsize=20_000)
def skeleton(expr: Expression) -> str:
    """The shape of an expression without the values of its constants.

    Factors are left out, also where a number that could stand there is 1; exponents count as whole
    or half when they are within 0.02 of it.
    """
    if isinstance(expr, Number):
        return "#"
    if isinstance(expr, Variable):
        return expr.name
    if expr.op in ("add", "sub"):
        return f"({'+'.join(sorted(skeleton(term) for _, term in terms_of(expr)))})"
    if expr.op in ("mul", "div", "neg"):
        parts = [
            f"{'/' if exponent < 0 else '*'}{text}"
            for base, exponent in _factors(expr)
            if (text := skeleton(base)) != "#"
        ]
        return "".join(sorted(parts)).removeprefix("*") or "#"
    base = skeleton(expr.args[0])
    if expr.op in ("pow", "square", "sqrt"):
        exponent = {"square": 2.0, "sqrt": 0.5}.get(expr.op) or expr.args[1].value
        near = round(2 * exponent) / 2
        if abs(exponent - near) > 0.02:
            return f"({base})^#"
        return base if near == 1 else f"({base})^{near:g}"
    return f"{expr.op}({base})"


def size(expr: Expression) -> int:
    """Number of nodes without the numbers that multiply, so that no value changes it."""
    if not isinstance(expr, Apply):
        return 1
    if expr.op in ("add", "sub"):
        return 1 + size(expr.args[0]) + size(expr.args[1])
    if expr.op in ("mul", "div", "neg"):
        sizes = [size(base) for base, _ in _factors(expr) if not isinstance(base, Number)]
        return max(sum(sizes) + len(sizes) - 1, 1)
    return 1 + sum(size(arg) for arg in expr.args)


def terms_of(expr: Expression, sign: int = 1) -> list[tuple[int, Expression]]:
    """The terms of a sum with their signs."""
    if isinstance(expr, Apply) and expr.op in ("add", "sub"):
        right = sign if expr.op == "add" else -sign
        return terms_of(expr.args[0], sign) + terms_of(expr.args[1], right)
    return [(sign, expr)]


def _factors(expr: Expression, sign: int = 1) -> list[tuple[Expression, int]]:
    """The factors of a product with 1, or -1 below a fraction bar."""
    if isinstance(expr, Apply) and expr.op in ("mul", "div"):
        right = sign if expr.op == "mul" else -sign
        return _factors(expr.args[0], sign) + _factors(expr.args[1], right)
    if isinstance(expr, Apply) and expr.op == "neg":
        return _factors(expr.args[0], sign)
    return [(expr, sign)]


@lru_cache(maxsize=20_000)
def _order(base: Expression) -> tuple[bool, str, str]:
    """Variables and functions before sums, each by shape; senders first, as in T_j - T_i."""
    return is_sum(base), skeleton(base).replace("_j", "_!"), to_text(base)


def _sorted(powers: Mapping[Expression, float]) -> Powers:
    kept = [(base, exponent) for base, exponent in powers.items() if exponent != 0]
    return tuple(sorted(kept, key=lambda one: (_order(one[0]), one[1])))


def is_sum(base: Expression) -> bool:
    """Whether a base is a sum."""
    return isinstance(base, Apply) and base.op in ("add", "sub")


# --- polynomials in the bases -------------------------------------------------------------------


def _by_degree(powers: Powers) -> tuple[object, ...]:
    """Higher degrees first, then by name; the constant last."""
    return -sum(exponent for _, exponent in powers), [(_order(b), e) for b, e in powers]


def _joined(left: Powers, right: Powers) -> Powers:
    total: defaultdict[Expression, float] = defaultdict(float)
    for base, exponent in (*left, *right):
        total[base] += exponent
    return _sorted(total)


def _multiplied(left: Polynomial, right: Polynomial) -> Polynomial:
    if len(left) * len(right) > MAX_TERMS:
        raise TooLarge
    return _added(
        (_joined(one, two), value * other)
        for one, value in left.items()
        for two, other in right.items()
    )


def _added(terms: Iterable[tuple[Powers, float]]) -> Polynomial:
    total: defaultdict[Powers, float] = defaultdict(float)
    scale: defaultdict[Powers, float] = defaultdict(float)
    for powers, value in terms:
        total[powers] += value
        scale[powers] += abs(value)
    if not all(math.isfinite(value) for value in total.values()):
        raise TooLarge
    return {
        powers: value for powers, value in total.items() if abs(value) > ZERO_SHARE * scale[powers]
    }


@lru_cache(maxsize=20_000)
def _terms(base: Expression) -> tuple[tuple[Powers, float], ...]:
    """The polynomial of a sum that is a base."""
    products = [(sign, normal(term)) for sign, term in terms_of(base)]
    return tuple((one.powers, sign * one.factor) for sign, one in products)


def _atoms(base: Expression) -> frozenset[Expression]:
    """The bases in the terms of a sum."""
    return frozenset(one for powers, _ in _terms(base) for one, _ in powers)


def expanded(product: Product) -> Polynomial:
    """Multiplied out. Sums below a fraction bar stay as they are.

    Raises:
        TooLarge: with more than `MAX_TERMS` terms.
    """
    rest = [(base, e) for base, e in product.powers if not (is_sum(base) and _is_count(e))]
    result: Polynomial = {tuple(rest): product.factor}
    for base, exponent in product.powers:
        if is_sum(base) and _is_count(exponent):
            for _ in range(int(exponent)):
                result = _multiplied(result, dict(_terms(base)))
    return result


def _is_count(exponent: float) -> bool:
    return exponent > 0 and float(exponent).is_integer()


def _divided(dividend: Polynomial, divisor: Polynomial) -> tuple[Polynomial, Polynomial]:
    """Quotient and remainder with respect to the first term of the divisor by name."""
    atoms = sorted({base for powers in (*dividend, *divisor) for base, _ in powers}, key=_order)

    def leading(poly: Polynomial) -> Powers:
        return max(poly, key=lambda powers: [dict(powers).get(atom, 0) for atom in atoms])

    first = leading(divisor)
    quotient: Polynomial = {}
    remainder: Polynomial = {}
    rest = dict(dividend)
    for _ in range(MAX_TERMS):
        if not rest:
            break
        top = leading(rest)
        step = _joined(top, tuple((base, -e) for base, e in first))
        if any(exponent < 0 for _, exponent in step):
            remainder[top] = rest.pop(top)
            continue
        value = rest[top] / divisor[first]
        quotient[step] = value
        taken = ((_joined(step, powers), -value * c) for powers, c in divisor.items())
        rest = _added([*rest.items(), *taken])
        rest.pop(top, None)  # zero but for rounding
    return quotient, remainder


def _root(poly: Polynomial) -> Polynomial | None:
    """The polynomial whose square this is, if there is one."""
    atoms = sorted({base for powers in poly for base, _ in powers}, key=_order)

    def rank(powers: Powers) -> list[float]:
        return [dict(powers).get(atom, 0) for atom in atoms]

    first = max(poly, key=rank)
    if poly[first] <= 0 or any(exponent % 2 for _, exponent in first):
        return None
    lead = tuple((base, exponent / 2) for base, exponent in first)
    root: Polynomial = {lead: math.sqrt(poly[first])}
    scale = max(abs(value) for value in poly.values())
    for _ in range(len(poly)):
        square = _multiplied(root, root)
        rest = _added([*poly.items(), *((powers, -value) for powers, value in square.items())])
        rest = {powers: value for powers, value in rest.items() if abs(value) > 1e-9 * scale}
        if not rest:
            return root
        top = max(rest, key=rank)
        step = _joined(top, tuple((base, -e) for base, e in lead))
        if step in root or any(e < 0 or not float(e).is_integer() for _, e in step):
            return None
        root[step] = rest[top] / (2 * root[lead])
    return None


def _split(poly: Polynomial) -> list[Polynomial]:
    """Factors that have no variable in common."""
    atoms = sorted({base for powers in poly for base, _ in powers}, key=_order)
    if 1 < len(atoms) <= MAX_ATOMS and len(poly) > 2:
        for count in range(1, len(atoms)):
            for chosen in combinations(atoms, count):
                if parts := _separated(poly, frozenset(chosen)):
                    return [factor for part in parts for factor in _split(part)]
    return [poly]


def _separated(
    poly: Polynomial, chosen: frozenset[Expression]
) -> tuple[Polynomial, Polynomial] | None:
    """The polynomial as a product of one in `chosen` and one in the other variables."""
    rows: defaultdict[Powers, Polynomial] = defaultdict(dict)
    for powers, value in poly.items():
        inside = tuple(one for one in powers if one[0] in chosen)
        rows[inside][tuple(one for one in powers if one[0] not in chosen)] = value
    first = next(iter(rows.values()))
    pivot = max(first, key=lambda powers: abs(first[powers]))
    if len(rows) == 1 or len(first) == 1:
        return None
    left: Polynomial = {}
    for inside, row in rows.items():
        if row.keys() != first.keys():
            return None
        left[inside] = ratio = row[pivot] / first[pivot]
        if any(abs(row[one] - ratio * first[one]) > 1e-9 * abs(row[one]) for one in row):
            return None
    return left, first


def factored(poly: Polynomial) -> Product:
    """The normal form of a sum of terms."""
    if not poly:
        return Product(0.0)
    common: dict[Expression, float] = {}
    for base in {base for powers in poly for base, _ in powers}:
        common[base] = min(dict(powers).get(base, 0.0) for powers in poly)
    if len(poly) == 1:
        powers, factor = next(iter(poly.items()))
        return Product(factor, powers)
    inverse = _sorted({base: -exponent for base, exponent in common.items()})
    rest = {_joined(powers, inverse): value for powers, value in poly.items()}
    factor = 1.0
    result: defaultdict[Expression, float] = defaultdict(float, common)
    for part in _split(rest):
        root = _root(part)
        exponent = 1 if root is None else 2
        kept = part if root is None else root
        lead = kept[_leading(kept)]
        factor *= lead**exponent
        base = _sum({powers: value / lead for powers, value in kept.items()})
        result[base] += exponent
    return Product(factor, _sorted(result))


def _leading(poly: Polynomial) -> Powers:
    """The term whose coefficient is pulled out: the first one that is no small correction."""
    order = sorted(poly, key=_by_degree)
    least = LEAD_SHARE * max(abs(poly[powers]) for powers in order if powers)
    return next(powers for powers in order if powers and abs(poly[powers]) >= least)


def _sum(poly: Polynomial, digits: int = DIGITS) -> Expression:
    """The polynomial as a sum, highest degree first; a positive term leads where there is one."""
    result: Expression | None = None
    order = sorted(poly, key=_by_degree)
    first = next((powers for powers in order if poly[powers] > 0), None)
    for powers in order if first is None else sorted(order, key=lambda one: one != first):
        value = float(f"{poly[powers]:.{digits}g}")
        if result is None:
            result = _written(Product(value, powers))
        elif value < 0:
            result = Apply("sub", (result, _written(Product(-value, powers))))
        else:
            result = Apply("add", (result, _written(Product(value, powers))))
    return result if result is not None else Number(0.0)


# --- products, sums, powers, functions ------------------------------------------------------------


def times(*products: Product) -> Product:
    """The product in normal form."""
    factor = math.prod(one.factor for one in products)
    if not math.isfinite(factor):
        raise TooLarge
    if factor == 0:
        return Product(0.0)
    total: defaultdict[Expression, float] = defaultdict(float)
    for one in products:
        for base, exponent in one.powers:
            total[base] += exponent
    for base in [one for one in total if isinstance(one, Apply)]:
        if base.op in ("mul", "div", "neg") and float(total[base]).is_integer():
            inner = _raised(normal(base), total.pop(base))  # was below a root
            return times(Product(factor, _sorted(total)), inner)
        if base.op != "abs":
            continue
        if even := 2 * math.trunc(total[base] / 2):  # |u|^2 = u^2
            total[base] -= even
            inner = _raised(normal(base.args[0]), even)
            return times(Product(factor, _sorted(total)), inner)
    result = Product(factor, _sorted(total))
    exponentials = [
        (base, e) for base, e in result.powers if isinstance(base, Apply) and base.op == "exp"
    ]
    if len(exponentials) > 1 or any(exponent != 1 for _, exponent in exponentials):
        argument = added(times(Product(e), normal(base.args[0])) for base, e in exponentials)
        others = tuple(one for one in result.powers if one not in exponentials)
        return times(Product(factor, others), _function("exp", argument))
    return _merged(result)


def _merged(product: Product) -> Product:
    """Sums cancelled where one divides another, then multiplied out where they share bases."""
    sums = [one for one in product.powers if is_sum(one[0]) and float(one[1]).is_integer()]
    pairs = [one for one in combinations(sums, 2) if _atoms(one[0][0]) & _atoms(one[1][0])]
    for one, two in pairs:
        above, below = (one, two) if one[1] > 0 else (two, one)
        if above[1] > 0 > below[1]:
            quotient, remainder = _divided(dict(_terms(above[0])), dict(_terms(below[0])))
            scale = max(abs(value) for _, value in _terms(above[0]))
            if all(abs(value) < 1e-9 * scale for value in remainder.values()):
                rest = _joined(product.powers, ((above[0], -1.0), (below[0], 1.0)))
                return times(Product(product.factor, rest), factored(quotient))
    for one, two in pairs:
        if one[1] * two[1] > 0:
            sign = math.copysign(1.0, one[1])
            both = ((one[0], abs(one[1])), (two[0], abs(two[1])))
            joint = _raised(factored(expanded(Product(1.0, both))), sign)
            others = tuple(power for power in product.powers if power not in (one, two))
            return times(Product(product.factor, others), joint)
    return product


def added(products: Iterable[Product]) -> Product:
    """The sum in normal form, over a common denominator."""
    kept = [one for one in products if one.factor != 0]
    if len(kept) < 2:
        return kept[0] if kept else Product(0.0)
    lowest: dict[Expression, float] = {}
    for one in kept:
        for base, exponent in one.powers:
            if is_sum(base) and exponent < 0 and float(exponent).is_integer():
                lowest[base] = min(lowest.get(base, 0.0), exponent)
    lift = Product(1.0, _sorted({base: -exponent for base, exponent in lowest.items()}))
    poly = _added(term for one in kept for term in expanded(_plain_times(one, lift)).items())
    return times(factored(poly), Product(1.0, _sorted(lowest)))


def _plain_times(one: Product, two: Product) -> Product:
    return Product(one.factor * two.factor, _joined(one.powers, two.powers))


def _raised(product: Product, exponent: float) -> Product:
    """A power in normal form. Only positive numbers leave a root."""
    if product.factor == 0:
        if exponent <= 0:
            raise TooLarge
        return product
    if float(exponent).is_integer():
        powers = tuple((base, e * exponent) for base, e in product.powers)
        return times(Product(product.factor**exponent, powers))
    sign = math.copysign(1.0, product.factor)
    factor = abs(product.factor) ** exponent
    if not product.powers:
        if sign < 0:
            raise TooLarge
        return Product(factor)
    if sign > 0 and len(product.powers) == 1:
        base, inner = product.powers[0]
        if inner % 2 == 0:  # the root of a square
            base = Apply("abs", (base,))
        return times(Product(factor, ((base, inner * exponent),)))
    return Product(factor, ((_written(Product(sign, product.powers)), exponent),))


def _function(op: str, arg: Product) -> Product:
    """A function of one argument in normal form."""
    if not arg.powers:
        value = float(evaluate(Apply(op, (Number(arg.factor),)), {"": np.zeros((1, 1))})[0, 0])
        if not math.isfinite(value):
            raise TooLarge
        return Product(value)
    if op == "exp":
        return _exponential(arg)
    if op == "log":
        return _logarithm(arg)
    sign, factor = 1.0, arg.factor
    if arg.factor < 0 and op in (*ODD, *EVEN):
        sign, factor = (-1.0 if op in ODD else 1.0), -arg.factor
    if op in ("abs", "sign"):
        sign, factor = sign * (factor if op == "abs" else 1.0), 1.0
    return Product(sign, ((Apply(op, (emitted(Product(factor, arg.powers)),)), 1.0),))


def _exponential(arg: Product) -> Product:
    """exp(c + a log u + v) = e^c u^a exp(v)."""
    result = ONE
    rest: Polynomial = {}
    for powers, value in expanded(arg).items():
        base = powers[0][0] if len(powers) == 1 and powers[0][1] == 1 else None
        if not powers and abs(value) < 600:
            result = times(result, Product(math.exp(value)))
        elif isinstance(base, Apply) and base.op == "log":
            result = times(result, _raised(normal(base.args[0]), value))
        else:
            rest[powers] = value
    if rest:
        remaining = emitted(added(Product(value, powers) for powers, value in rest.items()))
        result = _plain_times(result, Product(1.0, ((Apply("exp", (remaining,)), 1.0),)))
    return result


def _logarithm(arg: Product) -> Product:
    """log(c u^a) = log c + a log u."""
    constant = Product(math.log(abs(arg.factor)))
    inner = Product(math.copysign(1.0, arg.factor), arg.powers)
    if inner.factor > 0 and len(inner.powers) == 1:
        base, exponent = inner.powers[0]
        if isinstance(base, Apply) and base.op == "exp":
            return added([constant, times(Product(exponent), normal(base.args[0]))])
        if exponent % 2 == 0:
            base = Apply("abs", (base,))
        return added([constant, Product(exponent, ((Apply("log", (base,)), 1.0),))])
    return added([constant, Product(1.0, ((Apply("log", (emitted(inner),)), 1.0),))])


@lru_cache(maxsize=20_000)
def normal(expr: Expression) -> Product:
    """The normal form of an expression.

    Raises:
        TooLarge: where it would have too many terms or is not defined.
    """
    if isinstance(expr, Number):
        return Product(expr.value)
    if isinstance(expr, Variable):
        return Product(1.0, ((expr, 1.0),))
    args = [normal(arg) for arg in expr.args]
    match expr.op:
        case "add":
            return added(args)
        case "sub":
            return added([args[0], times(Product(-1.0), args[1])])
        case "neg":
            return times(Product(-1.0), args[0])
        case "mul":
            return times(*args)
        case "div":
            return times(args[0], _raised(args[1], -1.0))
        case "pow":
            return _raised(args[0], args[1].factor)
        case "square":
            return _raised(args[0], 2.0)
        case "sqrt":
            return _raised(args[0], 0.5)
    return _function(expr.op, args[0])


# --- back to expressions --------------------------------------------------------------------------


def _written(product: Product) -> Expression:
    """The product as it is: number, factors, fraction bar."""
    above = [power(base, e) for base, e in product.powers if e > 0]
    below = [power(base, -e) for base, e in product.powers if e < 0]
    negative = product.factor == -1 and bool(above)
    if not above or abs(product.factor) != 1:
        above.insert(0, Number(product.factor))
    result = above[0]
    for one in above[1:]:
        result = Apply("mul", (result, one))
    if below:
        bottom = below[0]
        for one in below[1:]:
            bottom = Apply("mul", (bottom, one))
        result = Apply("div", (result, bottom))
    return Apply("neg", (result,)) if negative else result


@lru_cache(maxsize=20_000)
def emitted(product: Product) -> Expression:
    """The shortest of the ways to write a normal form: as a product, multiplied out, or divided."""
    if not math.isfinite(product.factor):
        raise TooLarge
    product = Product(float(f"{product.factor:.{DIGITS - 1}g}"), product.powers)
    ways = [_written(product)]
    sums = [one for one in product.powers if is_sum(one[0])]
    above = [base for base, exponent in sums if exponent == 1]
    below = [base for base, exponent in sums if exponent == -1]
    if len(above) == 1:
        others = Product(
            product.factor, tuple(one for one in product.powers if one != (above[0], 1))
        )
        poly = dict(_terms(above[0]))
        multiplied = _scaled(poly, others)
        bare = [_sum(multiplied, DIGITS - 1), *_collected(multiplied)]
        if not others.powers:  # a number stays in front of a sum only with other factors
            return min(reversed(bare), key=size)
        ways += bare
        if len(below) == 1:
            quotient, remainder = _divided(poly, dict(_terms(below[0])))
            whole = Product(others.factor, _joined(others.powers, ((below[0], 1.0),)))
            if quotient and remainder:
                parts = {**_scaled(quotient, whole), **_scaled(remainder, others)}
                ways.append(_sum(parts, DIGITS - 1))
    return min(ways, key=size)


def _collected(poly: Polynomial) -> list[Expression]:
    """The sum with some of its terms bracketed: a s - a b s + c = a s (1 - b) + c."""
    counts = Counter(base for powers in poly for base, _ in powers)
    ways = []
    for base in sorted((one for one in counts if 1 < counts[one] < len(poly)), key=_order):
        inside = {powers: value for powers, value in poly.items() if base in dict(powers)}
        rest = {powers: value for powers, value in poly.items() if powers not in inside}
        group, others = _facing_up(factored(inside)), _sum(rest, DIGITS - 1)
        if group.factor > 0:
            ways.append(_plus(_written(group), others))
        else:
            minus = _written(Product(-group.factor, group.powers))
            ways.append(Apply("sub", (others, minus)))
    return ways


def _facing_up(product: Product) -> Product:
    """Without a sign in front where a difference can take it: 1 - a instead of -(a - 1)."""
    for base, exponent in product.powers:
        turned = _sum({powers: -value for powers, value in _terms(base)}) if is_sum(base) else base
        if product.factor < 0 and exponent == 1 and is_sum(base) and terms_of(turned)[0][0] > 0:
            if normal(terms_of(turned)[0][1]).factor < 0:
                continue
            rest = [one for one in product.powers if one[0] != base]
            return Product(-product.factor, (*rest, (turned, 1.0)))
    return product


def _plus(left: Expression, right: Expression) -> Expression:
    """The sum of two expressions without a sign after the plus."""
    for sign, term in terms_of(right):
        product = normal(term)
        positive = product.factor * sign > 0
        written = _written(Product(abs(product.factor), product.powers))
        left = Apply("add" if positive else "sub", (left, written))
    return left


def _scaled(poly: Polynomial, product: Product) -> Polynomial:
    return {
        _joined(powers, product.powers): value * product.factor for powers, value in poly.items()
    }


def simplify(expr: Expression) -> Expression:
    """The normal form as an expression with the same values; the input where there is none.

    The values are compared at random points, so that no rule that holds only somewhere is applied.
    """
    try:
        result = emitted(normal(expr))
    except (TooLarge, OverflowError, ZeroDivisionError):
        return expr
    return result if same_values(expr, result) else expr


def same_values(expr: Expression, other: Expression, rows: int = 40) -> bool:
    """Whether two expressions agree wherever the first is defined, at random points."""
    rng = np.random.default_rng(0)
    names = sorted(variables(expr) | variables(other))
    points = {name: rng.uniform(0.1, 3, (2 * rows, 1)) for name in ["", *names]}
    for name in names:
        points[name][rows:] *= rng.choice([-1, 1], (rows, 1))
    expected, value = evaluate(expr, points), evaluate(other, points)
    defined = np.isfinite(expected)
    return bool(np.allclose(value[defined], expected[defined], rtol=1e-7, atol=1e-12))
