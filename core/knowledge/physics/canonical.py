"""Canonical form of laws: equal laws that different engines found become the same law.

A law is read as one nested expression, in which a sum over edges or nodes is a symbol that stands
for its summand. Then, from the inside outwards: differences q_j - q_i are written out; sums that
enter linearly are joined; a sum over the nodes of sums over their edges becomes one sum over edges;
where both directions of each edge are summed the summand is made symmetric under i <-> j; factors
that all summands share move in front, except q_i beside q_j; and every expression takes its normal
form (algebra.py), in differences again wherever that is shorter.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.knowledge.physics import algebra
from core.knowledge.physics.algebra import ONE, Powers, Product, TooLarge, emitted, normal
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    substitute,
    variables,
)
from core.knowledge.physics.law import Law, Step, inputs_of
from core.knowledge.physics.system import GraphSystem

NORMAL = Variable("n")
LINEAR = ("sum", "mean")
CHECKED_GRAPHS = 20
MAX_PAIRS = 3  # quantities whose best coordinates are searched together


@dataclass(frozen=True)
class _Sum:
    """An aggregate: how, over which finer level, for which level, of what."""

    how: str
    finer: str
    level: str
    body: Expression


def canonical(law: Law, system: GraphSystem) -> Law:
    """The canonical form, with the same values on this system.

    Args:
        law: any law of the system.
        system: says what the names mean and whether edges go both ways.

    Returns:
        The canonical law; the law itself where there is none or its values would differ.

    Raises:
        ShapeError: if the law uses names that the system does not have.
    """
    part = _first_graphs(system)
    try:
        result = _Canonical(part).law(law)
    except (TooLarge, OverflowError, ZeroDivisionError):
        return law
    expected, value = law.evaluate(part), result.evaluate(part)
    defined = np.isfinite(expected)
    scale = np.max(np.abs(expected[defined]), initial=0.0)
    same = value.shape == expected.shape and np.allclose(
        value[defined], expected[defined], rtol=1e-6, atol=1e-9 * scale
    )
    return result if same else law


def _first_graphs(system: GraphSystem) -> GraphSystem:
    return system.pick(np.arange(system.num_graphs) < CHECKED_GRAPHS)


def both_ways(system: GraphSystem, names: Iterable[str]) -> bool:
    """Whether each edge is there in both directions, with the same values of these quantities."""
    values = [system.edges[name].values for name in names]
    there = np.column_stack([system.sender, system.receiver, *values])
    back = np.column_stack([system.receiver, system.sender, *values])
    return np.array_equal(
        there[np.lexsort(there.T[::-1])], back[np.lexsort(back.T[::-1])], equal_nan=True
    )


def structure(law: Law, system: GraphSystem) -> str:
    """What is left of a canonical law without the values of its constants."""
    try:
        return _Canonical(_first_graphs(system), split=True).structure(law)
    except (TooLarge, OverflowError, ZeroDivisionError):
        return repr(law.with_constants([0.0] * len(law.constants)))


def same_structure(law: Law, other: Law, system: GraphSystem) -> bool:
    """Whether two laws are equal up to the values of their constants.

    A factor in front of a term counts as a constant also where it is 1. Exponents are part of the
    structure when they are within 0.02 of a whole or half number.
    """
    return structure(law, system) == structure(other, system)


def equivalent(law: Law, other: Law, system: GraphSystem, tolerance: float = 1e-6) -> bool:
    """Whether two laws have the same structure and, on this system, the same values."""
    return same_structure(law, other, system) and np.allclose(
        law.evaluate(system), other.evaluate(system), rtol=tolerance, equal_nan=True
    )


class _Canonical:
    """The work on one law; holds what each symbol of a sum stands for."""

    def __init__(self, system: GraphSystem, *, split: bool = False) -> None:
        self.system = system
        self.split = split  # also sums over nodes of which only some terms are sums over edges
        self.raw: dict[str, _Sum] = {}
        self.sums: dict[str, _Sum] = {}
        self.closed: dict[str, Expression] = {}
        self.answer = ""
        self.graph_names = set(system.graphs)
        self.node_names = set(system.nodes)
        self.angles = {one.name for one in system.nodes.values() if one.role == "angle"}
        self.differences: dict[str, Expression] = {}
        self.mirror: dict[str, Expression] = {}
        self._read_nodes()

    def _read_nodes(self) -> None:
        """Differences by name, and what i <-> j does to each name."""
        for name, one in self.system.nodes.items():
            if one.role == "angle":
                self.mirror[f"d{name}"] = Apply("neg", (Variable(f"d{name}"),))
                continue
            ends = (Variable(f"{name}_i"), Variable(f"{name}_j"))
            self.mirror |= {ends[0].name: ends[1], ends[1].name: ends[0]}
            if one.role != "position":
                self.differences[f"d{name}"] = Apply("sub", (ends[1], ends[0]))
            if one.is_vector:
                along = (Variable(f"{name}_i_n"), Variable(f"{name}_j_n"))
                self.differences[f"d{name}_n"] = Apply("sub", (along[1], along[0]))
                self.mirror |= {
                    along[0].name: Apply("neg", (along[1],)),
                    along[1].name: Apply("neg", (along[0],)),
                }
        for name in ("n", "n_t"):
            self.mirror[name] = Apply("neg", (Variable(name),))

    # --- from steps to one expression ---------------------------------------------------------

    def expression_of(self, law: Law) -> tuple[Expression, str]:
        """The law as one expression with symbols for its sums, and its level."""
        known: dict[str, tuple[str, Expression]] = {}
        for step in law.steps:
            if step.expression is None:
                default = "edge" if step.level == "node" else "node"
                finer, body = known.get(step.of, (default, Variable(step.of)))
                symbol = f"#{len(self.raw)}"
                self.raw[symbol] = _Sum(step.aggregate, finer, step.level, body)
                value: Expression = Variable(symbol)
            else:
                value = substitute(step.expression, self._seen_from(step.level, known))
                inputs = [one for one in variables(value) if not one.startswith("#")]
                inputs_of(self.system, step.level, None, inputs)  # refuses unknown names
                value = Apply("mul", (value, NORMAL)) if step.vector else value
            known[step.name] = (step.level, value)
        level, value = known[law.steps[-1].name]
        return value, level

    def _seen_from(
        self, level: str, known: Mapping[str, tuple[str, Expression]]
    ) -> dict[str, Expression]:
        names: dict[str, Expression] = {}
        for name, (where, value) in known.items():
            if where in (level, "graph"):
                names[name] = value
            elif (where, level) == ("node", "edge"):
                names |= {f"{name}_{end}": self.lowered(value, end) for end in "ij"}
        return names

    def lowered(self, expr: Expression, end: str) -> Expression:
        """An expression of nodes as an edge sees it at one of its ends."""
        names = {}
        for name in variables(expr):
            if name in self.angles:
                raise TooLarge  # edges see differences of angles only
            if name in self.node_names or self._level(name) == "node":
                names[name] = Variable(f"{name}_{end}")
        return substitute(expr, names)

    def _level(self, symbol: str) -> str:
        found = self.sums.get(symbol) or self.raw.get(symbol)
        return found.level if found else ""

    # --- sums, from the inside outwards -------------------------------------------------------

    def close(self, expr: Expression, level: str) -> Expression:
        """The expression with canonical sums inside, itself in normal form."""
        if level == "edge":
            expr = substitute(expr, self.differences)
        names: dict[str, Expression] = {}
        for name in sorted(variables(expr)):
            symbol = name[:-2] if level == "edge" and name[:-2] in self.raw else name
            if symbol not in self.raw or symbol in self.sums:
                continue
            if symbol not in self.closed:
                one = self.raw[symbol]
                self.closed[symbol] = self._closed(one)
            value = self.closed[symbol]
            names[name] = value if symbol == name else self.lowered(value, name[-1])
        return self._joined(emitted(normal(substitute(expr, names))), level)

    def _closed(self, one: _Sum) -> Expression:
        body = self.close(one.body, one.finer)
        if one.how != "sum" or (one.finer, one.level) != ("node", "graph"):
            return self._settled(replace(one, body=body))
        edges: list[Expression] = []
        nodes: list[Expression] = []
        for powers, factor in algebra.expanded(normal(body)).items():
            symbol = self._linear_in(powers, "node", "sum")
            if symbol and NORMAL.name not in variables(self.sums[symbol].body):
                rest = self._without(powers, factor, symbol)
                edges.append(Apply("mul", (self.lowered(rest, "i"), self.sums[symbol].body)))
            else:
                nodes.append(emitted(Product(factor, powers)))
        if not edges or (nodes and not self.split):
            return self._settled(replace(one, body=body))
        parts = [self._settled(_Sum("sum", "edge", "graph", _total(edges)))]
        if nodes:
            parts.append(self._settled(replace(one, body=_total(nodes))))
        return _total(parts)

    def _linear_in(self, powers: Powers, level: str, how: str = "") -> str:
        """The one sum of a level that a term is proportional to, if there is just one."""
        found = [
            (base, exponent, name)
            for base, exponent in powers
            for name in variables(base)
            if name in self.sums and self.sums[name].level == level
        ]
        if len(found) != 1:
            return ""
        base, exponent, name = found[0]
        plain = base == Variable(name) and exponent == 1
        return name if plain and self.sums[name].how in ([how] if how else LINEAR) else ""

    @staticmethod
    def _without(powers: Powers, factor: float, symbol: str) -> Expression:
        return emitted(Product(factor, tuple(one for one in powers if one[0] != Variable(symbol))))

    def _joined(self, expr: Expression, level: str) -> Expression:
        """Sums that enter linearly joined into one of each kind, common factors in front."""
        if level == "edge" or not any(self._level(one) == level for one in variables(expr)):
            return expr
        terms: defaultdict[tuple[str, str, bool], list[Expression]] = defaultdict(list)
        rest: list[Expression] = []
        for powers, factor in algebra.expanded(normal(expr)).items():
            symbol = self._linear_in(powers, level)
            if not symbol:
                rest.append(emitted(Product(factor, powers)))
                continue
            one = self.sums[symbol]
            others = self._without(powers, factor, symbol)
            if (one.finer, one.level) == ("edge", "node"):
                others = self.lowered(others, "i")
            kind = (one.how, one.finer, NORMAL.name in variables(one.body))
            terms[kind].append(Apply("mul", (others, one.body)))
        joined = [
            self._settled(_Sum(how, finer, level, _total(bodies)))
            for (how, finer, _), bodies in terms.items()
        ]
        return emitted(normal(_total([*rest, *joined])))

    def _settled(self, one: _Sum) -> Expression:
        """What stands in front of a sum, times the symbol of the sum of what is left."""
        body = normal(one.body)
        if one.how in LINEAR and (one.finer, one.level) == ("edge", "graph"):
            body = self._symmetric(emitted(body))
        if body.factor == 0:
            return Number(0.0)
        if one.how not in LINEAR:
            outer, inner = (), body.powers
            factor = abs(body.factor)
            body = Product(body.factor / factor, inner)
        else:
            outer = tuple(
                p for p in body.powers if self._is_outer(p[0], one) and not _has_twin(p, body)
            )
            inner = tuple(p for p in body.powers if p not in outer)
            factor, body = body.factor, Product(1.0, inner)
            shown = normal(self._shortest(emitted(body), one.finer)).factor
            factor, body = factor * shown, Product(1 / shown, inner)
        kept = _Sum(one.how, one.finer, one.level, emitted(body))
        symbol = f"#{one.how}/{one.finer}/{one.level}/{algebra.skeleton(kept.body)}/{kept.body}"
        self.sums[symbol] = kept
        front = emitted(Product(factor, outer))
        if (one.finer, one.level) == ("edge", "node"):
            front = substitute(
                front, {v: Variable(v[:-2]) for v in variables(front) if v.endswith("_i")}
            )
        return Apply("mul", (front, Variable(symbol)))

    def _is_outer(self, base: Expression, one: _Sum) -> bool:
        """Whether a factor is the same for everything that is summed."""
        return all(
            name in self.graph_names
            or self._level(name) == "graph"
            or (
                (one.finer, one.level) == ("edge", "node")
                and name.endswith("_i")
                and (name[:-2] in self.node_names or self._level(name[:-2]) == "node")
            )
            for name in variables(base)
        )

    def _symmetric(self, body: Expression) -> Product:
        """Half the summand of both directions, where every edge goes both ways."""
        used = variables(body)
        if not both_ways(self.system, sorted(used & set(self.system.edges))):
            return normal(body)
        mirror = dict(self.mirror)
        for name in used:
            if self._level(name[:-2]) == "node":
                mirror[name] = Variable(f"{name[:-2]}_{'j' if name.endswith('_i') else 'i'}")
        other = substitute(body, mirror)
        return algebra.times(Product(0.5), algebra.added([normal(body), normal(other)]))

    # --- back to steps ------------------------------------------------------------------------

    def structure(self, law: Law) -> str:
        expr, level = self.expression_of(law)
        return f"{level}: {self._skeleton(self.close(expr, level), level)}"

    def _skeleton(self, expr: Expression, level: str) -> str:
        names: dict[str, Expression] = {}
        for name in variables(expr):
            symbol, end = (name, "") if name in self.sums else (name[:-2], name[-2:])
            if symbol in self.sums:
                one = self.sums[symbol]
                inner = self._skeleton(one.body, one.finer)
                names[name] = Variable(f"{one.how}_{one.finer}[{inner}]{end}")
        return algebra.skeleton(self._shortest(substitute(expr, names), level))

    def _shortest(self, expr: Expression, level: str) -> Expression:
        """With differences instead of one of their ends wherever that is shorter."""
        if level != "edge":
            return emitted(normal(expr))
        used = variables(expr)
        pairs = [
            (name, one.args[1], one.args[0])
            for name, one in sorted(self.differences.items())
            if isinstance(one, Apply) and {arg.name for arg in one.args} <= used
        ]
        groups = [pairs] if len(pairs) <= MAX_PAIRS else [[one] for one in pairs]
        for group in groups:
            ways = [
                emitted(normal(substitute(expr, {k: v for way in ways for k, v in way.items()})))
                for ways in itertools.product(*[_coordinates(*one) for one in group])
            ]
            short = expr
            for name, receiver, sender in group:
                short = _replaced(short, Apply("sub", (sender, receiver)), Variable(name))
            expr = min([*ways, emitted(normal(short))], key=algebra.size)
        return expr

    def law(self, law: Law) -> Law:
        """The canonical law."""
        expr, level = self.expression_of(law)
        closed = self.close(expr, level)
        steps: list[Step] = []
        name = self.answer = law.steps[-1].name
        final = self._steps(closed, level, steps, {})
        if isinstance(final, Variable) and steps and steps[-1].name == final.name:
            return Law((*steps[:-1], replace(steps[-1], name=name)))
        self._add(steps, name, level, final)
        return Law(tuple(steps))

    def _steps(
        self, expr: Expression, level: str, steps: list[Step], names: dict[str, str]
    ) -> Expression:
        """Append the steps of the sums in an expression; the expression with their names."""
        seen: dict[str, Expression] = {}
        for name in sorted(variables(expr)):
            symbol, end = (name, "") if name in self.sums else (name[:-2], name[-2:])
            if symbol not in self.sums:
                continue
            if symbol not in names:
                one = self.sums[symbol]
                body = self._steps(one.body, one.finer, steps, names)
                names[symbol] = self._new({"node": "s", "graph": "S"}[one.level], steps)
                below = (one.finer, one.level) in (("edge", "node"), ("node", "graph"))
                if isinstance(body, Variable) and below and body != NORMAL:
                    of = body.name
                else:
                    of = self._new({"edge": "e", "node": "p"}[one.finer], steps)
                    self._add(steps, of, one.finer, body)
                steps.append(Step(names[symbol], one.level, None, one.how, of))
            seen[name] = Variable(names[symbol] + end)
        return self._shortest(substitute(expr, seen), level)

    def _add(self, steps: list[Step], name: str, level: str, expr: Expression) -> None:
        """Append an expression step; a scalar times the unit vector becomes a vector step."""
        along = normal(expr) if level == "edge" else ONE
        if (NORMAL, 1.0) in along.powers:
            rest = tuple(one for one in along.powers if one[0] != NORMAL)
            steps.append(Step(name, level, emitted(Product(along.factor, rest)), vector=True))
        else:
            steps.append(Step(name, level, expr))

    def _new(self, name: str, steps: list[Step]) -> str:
        """A name that nothing has yet."""
        taken = {one.name for one in steps} | self.node_names | self.graph_names
        taken |= set(self.system.edges) | {self.answer}
        numbered = (f"{name}{count}" for count in itertools.count(2))
        return next(one for one in itertools.chain([name], numbered) if one not in taken)


def _has_twin(power: tuple[Expression, float], body: Product) -> bool:
    """Whether both ends enter alike, as charges do: q_i q_j stays together."""
    base, exponent = power
    if not isinstance(base, Variable) or not base.name.endswith("_i"):
        return False
    return (Variable(f"{base.name[:-2]}_j"), exponent) in body.powers


def _coordinates(
    name: str, receiver: Variable, sender: Variable
) -> tuple[dict[str, Expression], ...]:
    """Both ends, or the difference with one of them."""
    apart = Variable(name)
    return (
        {},
        {sender.name: Apply("add", (receiver, apart))},
        {receiver.name: Apply("sub", (sender, apart))},
    )


def _replaced(expr: Expression, part: Expression, other: Expression) -> Expression:
    """The tree with one part replaced wherever it occurs."""
    if expr == part:
        return other
    if not isinstance(expr, Apply):
        return expr
    return Apply(expr.op, tuple(_replaced(arg, part, other) for arg in expr.args))


def _total(parts: list[Expression]) -> Expression:
    result = parts[0]
    for one in parts[1:]:
        result = Apply("add", (result, one))
    return result
