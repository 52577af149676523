"""Expressions: immutable trees of numbers, variables and operators.

The one form in which every engine hands over what it has found. Reading a formula typed by a person
uses a grammar of its own; nothing is ever executed as code.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError

MAX_LENGTH = 2000  # characters of a typed formula
MAX_DEPTH = 100  # levels of a tree, well below Python's own limit of nesting
MAX_BRACKETS = 30  # nested ones: the reader needs several calls for each
MAX_NODES = 400


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Variable:
    """A named quantity."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operator of `OPS` with its arguments. The exponent of ``pow`` is always a `Number`."""

    op: str
    args: tuple["Expression", ...]


Expression = Number | Variable | Apply


def _power(base: np.ndarray, exponent: np.ndarray) -> np.ndarray:
    """Powers; small whole exponents by multiplication, several times faster than ``**``."""
    whole = int(exponent) if float(exponent).is_integer() and abs(exponent) <= 8 else 0
    if whole == 0:
        return np.power(base, exponent)
    result = base
    for _ in range(abs(whole) - 1):
        result = result * base
    return result if whole > 0 else np.divide(1.0, result)


@dataclass(frozen=True)
class Operator:
    """How an operator is computed and written.

    Attributes:
        arity: number of arguments.
        function: on numpy arrays.
        precedence: 1 sums, 2 products, 3 sign, 4 powers, 5 what is written as a function.
        text: between the arguments, or the function's name.
        latex: of functions, a template of one argument.
        python: numpy function, empty for infix operators.
        c: function of ``math.h`` or of our preamble.
        torch: function of torch.
    """

    arity: int
    function: Callable[..., np.ndarray]
    precedence: int
    text: str
    latex: str = ""
    python: str = ""
    c: str = ""
    torch: str = ""


OPS: dict[str, Operator] = {
    "add": Operator(2, np.add, 1, "+"),
    "sub": Operator(2, np.subtract, 1, "-"),
    "mul": Operator(2, np.multiply, 2, "*"),
    "div": Operator(2, np.divide, 2, "/"),
    "neg": Operator(1, np.negative, 3, "-"),
    "pow": Operator(2, _power, 4, "^", c="pow"),
    "square": Operator(1, np.square, 4, "square", "", "np.square", "square", "torch.square"),
    "sqrt": Operator(1, np.sqrt, 5, "sqrt", r"\sqrt{%s}", "np.sqrt", "sqrt", "torch.sqrt"),
    "exp": Operator(1, np.exp, 5, "exp", r"e^{%s}", "np.exp", "exp", "torch.exp"),
    "log": Operator(1, np.log, 5, "log", r"\ln\left(%s\right)", "np.log", "log", "torch.log"),
    "sin": Operator(1, np.sin, 5, "sin", r"\sin\left(%s\right)", "np.sin", "sin", "torch.sin"),
    "cos": Operator(1, np.cos, 5, "cos", r"\cos\left(%s\right)", "np.cos", "cos", "torch.cos"),
    "tanh": Operator(1, np.tanh, 5, "tanh", r"\tanh\left(%s\right)", "np.tanh", "tanh",
                     "torch.tanh"),
    "abs": Operator(1, np.abs, 5, "abs", r"\left|%s\right|", "np.abs", "fabs", "torch.abs"),
    "sign": Operator(1, np.sign, 5, "sign", r"\operatorname{sign}\left(%s\right)", "np.sign",
                     "sign", "torch.sign"),
}  # fmt: skip


def power(base: Expression, exponent: float) -> Expression:
    """A power in the one form that trees use: ``square`` and ``sqrt`` where they apply."""
    if exponent == 1:
        return base
    if exponent in (2, 0.5):
        return Apply("square" if exponent == 2 else "sqrt", (base,))
    return Apply("pow", (base, Number(float(exponent))))


def walk(expr: Expression) -> Iterator[Expression]:
    """Every node of the tree, parents before children, from left to right."""
    yield expr
    if isinstance(expr, Apply):
        for arg in expr.args:
            yield from walk(arg)


def evaluate(expr: Expression, values: Mapping[str, np.ndarray]) -> np.ndarray:
    """The value of an expression for every row.

    Args:
        expr: what to compute.
        values: (rows, 1) or (rows, D) of each variable, at least one of them.

    Returns:
        (rows, 1) or (rows, D); nan or inf where it is not defined, such as after a division by 0.
    """

    def value(node: Expression) -> np.ndarray:
        if isinstance(node, Variable):
            return values[node.name]
        if isinstance(node, Number):
            return np.float64(node.value)
        return OPS[node.op].function(*[value(arg) for arg in node.args])

    with np.errstate(all="ignore"):
        result = np.asarray(value(expr))
    if result.ndim == 0:
        return np.full((len(next(iter(values.values()))), 1), float(result))
    return result


def variables(expr: Expression) -> frozenset[str]:
    """Names that occur."""
    return frozenset(node.name for node in walk(expr) if isinstance(node, Variable))


def complexity(expr: Expression) -> int:
    """Number of nodes of the tree, the one measure of size."""
    return sum(1 for _ in walk(expr))


def depth(expr: Expression) -> int:
    """Levels of the tree."""
    return 1 + max((depth(arg) for arg in expr.args), default=0) if isinstance(expr, Apply) else 1


def _is_structure(op: str, position: int, arg: Expression) -> bool:
    """Whether a number belongs to the shape of a formula: a whole or half exponent."""
    return op == "pow" and position == 1 and isinstance(arg, Number) and (
        float(2 * arg.value).is_integer()
    )  # fmt: skip


def constants(expr: Expression) -> tuple[float, ...]:
    """Numbers that can be fitted, from left to right; whole and half exponents are not."""
    if isinstance(expr, Number):
        return (expr.value,)
    if isinstance(expr, Variable):
        return ()
    return tuple(
        value
        for position, arg in enumerate(expr.args)
        if not _is_structure(expr.op, position, arg)
        for value in constants(arg)
    )


def with_constants(expr: Expression, values: Iterable[float]) -> Expression:
    """The same tree with other numbers, in the order of `constants`."""
    rest = iter(values)

    def rebuilt(node: Expression) -> Expression:
        if isinstance(node, Number):
            return Number(float(next(rest)))
        if isinstance(node, Variable):
            return node
        return Apply(
            node.op,
            tuple(
                arg if _is_structure(node.op, position, arg) else rebuilt(arg)
                for position, arg in enumerate(node.args)
            ),
        )

    return rebuilt(expr)


def substitute(expr: Expression, names: Mapping[str, Expression]) -> Expression:
    """The tree with variables replaced by expressions."""
    if isinstance(expr, Variable):
        return names.get(expr.name, expr)
    if isinstance(expr, Number):
        return expr
    return Apply(expr.op, tuple(substitute(arg, names) for arg in expr.args))


def to_json(expr: Expression) -> object:
    """Nested lists: a number, a name, or an operator followed by its arguments."""
    if isinstance(expr, Number):
        return expr.value
    if isinstance(expr, Variable):
        return expr.name
    return [expr.op, *[to_json(arg) for arg in expr.args]]


def from_json(record: object, levels: int = MAX_DEPTH) -> Expression:
    """The expression of such lists.

    Raises:
        InputError: PH-E09 if it is no expression, or too deep.
    """
    if isinstance(record, str) and record.isidentifier():
        return Variable(record)
    if isinstance(record, int | float) and not isinstance(record, bool) and math.isfinite(record):
        return Number(float(record))
    known = isinstance(record, list) and record and record[0] in OPS
    if not known or levels == 0 or len(record) != 1 + OPS[record[0]].arity:
        raise refused(f"{str(record)[:40]} is no expression.")
    args = tuple(from_json(arg, levels - 1) for arg in record[1:])
    if record[0] == "pow" and not isinstance(args[1], Number):
        raise refused("An exponent is not a number.")
    return Apply(record[0], args)


def number_text(value: float, digits: int | None = None) -> str:
    """A number with so many significant digits, or exactly."""
    if digits is not None:
        return f"{value:.{digits}g}"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(float(value))


def _precedence(expr: Expression) -> int:
    if isinstance(expr, Apply):
        return OPS[expr.op].precedence
    return 3 if isinstance(expr, Number) and math.copysign(1, expr.value) < 0 else 5


def write(
    expr: Expression,
    atom: Callable[[Number | Variable], str],
    function: Callable[[str, Sequence[str]], str],
    powers: Callable[[str, Number], str] | None = None,
) -> str:
    """The expression as text in some language with the usual infix operators and brackets.

    Args:
        expr: what to write.
        atom: the text of a number or a name.
        function: the call of an operator on the texts of its arguments.
        powers: text of a power from the text of its base, bracketed where needed; None for a call.
    """

    def text(node: Expression, least: int) -> str:
        """Its text, in brackets if it binds less than `least`."""
        if not isinstance(node, Apply):
            written = atom(node)
        elif node.op in ("add", "sub", "mul", "div"):
            level = OPS[node.op].precedence
            left, right = text(node.args[0], level), text(node.args[1], level + 1)
            written = f"{left} {OPS[node.op].text} {right}"
        elif node.op == "neg":
            written = f"-{text(node.args[0], 4)}"
        elif powers is not None and node.op in ("pow", "square"):
            exponent = node.args[1] if node.op == "pow" else Number(2.0)
            written = powers(text(node.args[0], 5), exponent)
        else:
            return function(node.op, [text(arg, 0) for arg in node.args])
        return f"({written})" if _precedence(node) < least else written

    return text(expr, 0)


def to_text(expr: Expression, digits: int | None = None) -> str:
    """Plain text that `parse` reads back; with `digits` numbers are rounded for reading."""
    expr = expr if digits is None else _with_plain_signs(expr)

    def atom(node: Number | Variable) -> str:
        return node.name if isinstance(node, Variable) else number_text(node.value, digits)

    def powers(base: str, exponent: Number) -> str:
        written = number_text(exponent.value, digits)
        return f"{base}^({written})" if exponent.value < 0 else f"{base}^{written}"

    return write(expr, atom, lambda op, args: f"{OPS[op].text}({', '.join(args)})", powers)


def _with_plain_signs(expr: Expression) -> Expression:
    """The same with ``a - 2`` for ``a + -2`` and ``a + 2`` for ``a - -2``."""
    if not isinstance(expr, Apply):
        return expr
    op, args = expr.op, tuple(map(_with_plain_signs, expr.args))
    other = {"add": "sub", "sub": "add"}.get(op)
    if other and isinstance(args[1], Number) and args[1].value < 0:
        return Apply(other, (args[0], Number(-args[1].value)))
    return Apply(op, args)


def number_latex(value: float, digits: int = 4) -> str:
    """A number for LaTeX, powers of ten spelt out."""
    mantissa, _, exponent = number_text(value, digits).partition("e")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa


def to_latex(expr: Expression, symbols: Mapping[str, str], digits: int = 4) -> str:
    """LaTeX, numbers with four significant digits.

    Args:
        expr: what to write.
        symbols: LaTeX of each variable; safe text, such as `core.knowledge.physics.law.symbol`.
        digits: significant digits.
    """

    def bracket(text: str) -> str:
        return rf"\left({text}\right)"

    def text(node: Expression, least: int) -> str:
        if isinstance(node, Variable):
            return symbols[node.name]
        if isinstance(node, Number):
            written = number_latex(node.value, digits)
            product = r"\cdot" in written and least > 2
            return bracket(written) if product or _precedence(node) < least else written
        op, args = node.op, node.args
        if op == "div":
            return rf"\frac{{{text(args[0], 0)}}}{{{text(args[1], 0)}}}"
        if op in ("pow", "square"):
            exponent = 2.0 if op == "square" else args[1].value
            # brackets around what carries an exponent or a fraction bar of its own
            base = text(args[0], 5)
            if isinstance(args[0], Apply) and args[0].op in ("div", "exp", "pow", "square"):
                base = bracket(text(args[0], 0))
            return rf"{base}^{{{number_latex(exponent, digits)}}}"
        if op in ("add", "sub"):
            right = text(args[1], 2)
            right = bracket(right) if right.startswith("-") else right
            written = f"{text(args[0], 1)} {OPS[op].text} {right}"
        elif op == "mul":
            right = text(args[1], 4)
            dot = r"\cdot" if isinstance(args[1], Number) or right[0].isdigit() else r"\,"
            written = rf"{text(args[0], 2)} {dot} {right}"
        elif op == "neg":
            written = f"-{text(args[0], 2)}"
        else:
            return OPS[op].latex % text(args[0], 0)
        return bracket(written) if OPS[op].precedence < least else written

    return text(_with_plain_signs(expr), 0)


def refused(problem: str) -> InputError:
    """The refusal of a typed formula."""
    return InputError(
        "PH-E09",
        "Formula text refused",
        problem,
        'Only numbers, the listed variables and operators are allowed in "guess".',
    )


TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r"|(?P<symbol>\*\*|[-+*/^(),]))"
)


class _Reader:
    """Recursive descent over the tokens of one formula.

    Grammar: sum = product {(+|-) product}; product = signed {(*|/) signed};
    signed = [+|-] signed | power; power = atom [(^|**) signed];
    atom = number | name | function "(" sum {"," sum} ")" | "(" sum ")".
    """

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.names = names
        self.tokens: list[tuple[str, str]] = []
        place = 0
        while text[place:].strip():
            found = TOKEN.match(text, place)
            if found is None:
                raise refused(f'"{text[place:].strip()[:12]}" cannot be read.')
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            place = found.end()
        self.place = 0
        self.depth = 0

    def next_is(self, *symbols: str) -> str:
        """Step over the next token and return it, if it is one of `symbols`; else nothing."""
        if self.place < len(self.tokens):
            kind, text = self.tokens[self.place]
            if kind == "symbol" and text in symbols:
                self.place += 1
                return text
        return ""

    def expect(self, symbol: str) -> None:
        if not self.next_is(symbol):
            raise refused(f'"{symbol}" is missing.')

    def chain(self, part: Callable[[], Expression], ops: Mapping[str, str]) -> Expression:
        result = part()
        while symbol := self.next_is(*ops):
            result = Apply(ops[symbol], (result, part()))
        return result

    def sum(self) -> Expression:
        self.depth += 1
        if self.depth > MAX_BRACKETS:
            raise refused(f"Brackets are nested more than {MAX_BRACKETS} deep.")
        result = self.chain(self.product, {"+": "add", "-": "sub"})
        self.depth -= 1
        return result

    def product(self) -> Expression:
        return self.chain(self.signed, {"*": "mul", "/": "div"})

    def signed(self) -> Expression:
        negative = False
        while symbol := self.next_is("+", "-"):
            negative ^= symbol == "-"
        bare = self.place < len(self.tokens) and self.tokens[self.place][0] == "number"
        result = self.power()
        if not negative:
            return result
        if bare and isinstance(result, Number):
            return Number(-result.value)
        return Apply("neg", (result,))

    def power(self) -> Expression:
        base = self.atom()
        if not self.next_is("^", "**"):
            return base
        self.depth += 1  # 2^2^2^… nests without brackets
        if self.depth > MAX_BRACKETS:
            raise refused(f"Powers are nested more than {MAX_BRACKETS} deep.")
        exponent = self.signed()
        self.depth -= 1
        return powered(base, exponent)

    def atom(self) -> Expression:
        if self.next_is("("):
            result = self.sum()
            self.expect(")")
            return result
        if self.place == len(self.tokens):
            raise refused("It ends too early.")
        kind, text = self.tokens[self.place]
        self.place += 1
        if kind == "number" and math.isfinite(float(text)):
            return Number(float(text))
        if kind == "name" and self.next_is("("):
            return self.call(text)
        if kind == "name" and text in self.names:
            return Variable(text)
        raise refused(f'"{text[:40]}" is neither a listed variable nor a number.')

    def call(self, name: str) -> Expression:
        op = FUNCTIONS.get(name)
        if op is None:
            raise refused(f'"{name[:40]}" is no listed function: {", ".join(FUNCTIONS)}.')
        args = [self.sum()]
        while self.next_is(","):
            args.append(self.sum())
        self.expect(")")
        if len(args) != OPS[op].arity:
            raise refused(f'"{name}" takes {OPS[op].arity} values, not {len(args)}.')
        return powered(*args) if op == "pow" else Apply(op, tuple(args))


FUNCTIONS = {one.text: op for op, one in OPS.items() if one.text.isalpha()} | {"pow": "pow"}


def powered(base: Expression, exponent: Expression) -> Expression:
    """A power whose exponent was read as an expression.

    Raises:
        InputError: PH-E09 if the exponent depends on a variable or is no finite number.
    """
    if variables(exponent):
        raise refused("An exponent has to be a number.")
    value = float(evaluate(exponent, {"": np.zeros((1, 1))})[0, 0])
    if not math.isfinite(value):
        raise refused("An exponent is not a finite number.")
    return power(base, value)


def parse(text: str, names: Iterable[str]) -> Expression:
    """Read a typed formula such as ``2*(r - 1)^2 / m_i``.

    Args:
        text: the formula; operators + - * / ^ ** and the functions of `FUNCTIONS`.
        names: variables that may occur.

    Raises:
        InputError: PH-E09 for everything else, and for text that is too long or too deep.
    """
    if len(text) > MAX_LENGTH:
        raise refused(f"It has {len(text)} characters; {MAX_LENGTH} are allowed.")
    reader = _Reader(text, frozenset(names))
    result = reader.sum()
    if reader.place < len(reader.tokens):
        raise refused(f'"{reader.tokens[reader.place][1][:40]}" is not expected there.')
    if complexity(result) > MAX_NODES or depth(result) > MAX_DEPTH:
        raise refused(f"It has more than {MAX_NODES} parts or {MAX_DEPTH} levels.")
    return result
