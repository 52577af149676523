"""Terms of laws: what may be added up, its value on a system, and the law that terms make.

A term is a product of measured quantities in low powers with at most one function of distance,
difference or amount, and where it is a vector, with a direction. It lives on edges, nodes or graphs
and is brought to the target's level by a sum or mean. Coefficients are fitted, so laws that are
sums of terms come from linear regression; the few constants inside functions (ranges, half-
saturations) stand on a grid first and are fitted with all others later.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations, product

import numpy as np
from scipy import sparse

from core.discovery.options import Knowledge
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    complexity,
    constants,
    evaluate,
    power,
    variables,
)
from core.knowledge.physics.law import Law, Step, inputs_of, visible_names
from core.knowledge.physics.system import LEVELS, GraphSystem, Quantity

ONE = Number(1.0)
ROUNDING = 1e-9  # a coefficient this close to 1 is 1
RADIAL = (-3, -2, -1, 0, 1, 2)  # powers of the distance
HILL = (1, 2, 4)
QUANTILES = (0.25, 0.5, 0.75)  # of a quantity: grid of half-saturations and ranges
SIMPLE = {"sin": "sin", "square": "square", "exp": "exp"}


@dataclass(frozen=True)
class Term:
    """One addend of a law, without its coefficient.

    Attributes:
        level: where it lives.
        base: a function; `ONE` where there is none.
        factors: names and exponents, multiplied with the base.
        direction: a vector that it is multiplied with, None for a scalar.
        vector: times the unit vector from receiver to sender instead.
        aggregate: how it comes to the target's level, empty where it is there already.
    """

    level: str
    base: Expression = ONE
    factors: tuple[tuple[str, int], ...] = ()
    direction: Expression | None = None
    vector: bool = False
    aggregate: str = ""

    @property
    def expression(self) -> Expression:
        """The whole product."""
        return multiply(self.base, self.factors, self.direction)

    @property
    def complexity(self) -> int:
        """Size of the product and of what brings it to the target."""
        return complexity(self.expression) + self.vector + bool(self.aggregate)

    @property
    def is_bent(self) -> bool:
        """Whether constants inside are to be fitted."""
        return bool(constants(self.base)) and self.base != ONE


def multiply(
    base: Expression,
    factors: Sequence[tuple[str, int]] = (),
    direction: Expression | None = None,
    scale: float = 1.0,
) -> Expression:
    """A product as it is written: numbers first, divisors last."""
    above = [power(Variable(name), exponent) for name, exponent in factors if exponent > 0]
    below = [power(Variable(name), -exponent) for name, exponent in factors if exponent < 0]
    if isinstance(base, Apply) and base.op == "pow" and base.args[1].value < 0:
        below.append(power(base.args[0], -base.args[1].value))
    elif base != ONE:
        above.append(base)
    if direction is not None:
        above.append(direction)
    if abs(scale - 1) > ROUNDING or not above:
        above.insert(0, Number(float(scale)))
    result = reduce(lambda left, right: Apply("mul", (left, right)), above)
    return reduce(lambda left, right: Apply("div", (left, right)), below, result)


def add(parts: Sequence[Expression]) -> Expression:
    """A sum; a part with a negative number in front is subtracted."""
    result = parts[0]
    for part in parts[1:]:
        turned = _without_sign(part)
        result = Apply("add", (result, part)) if turned is None else Apply("sub", (result, turned))
    return result


def _without_sign(expr: Expression) -> Expression | None:
    """The expression with its leading number made positive, None where it is not negative."""
    if isinstance(expr, Number):
        return Number(-expr.value) if expr.value < 0 else None
    if isinstance(expr, Apply) and expr.op in ("mul", "div"):
        first = _without_sign(expr.args[0])
        if first is None:
            return None
        if first == ONE and expr.op == "mul":
            return expr.args[1]
        return Apply(expr.op, (first, expr.args[1]))
    return expr.args[0] if isinstance(expr, Apply) and expr.op == "neg" else None


# ------------------------------------------------------------------ which terms there are


def _is_positive(values: np.ndarray) -> bool:
    return bool(values.min() > 0)


def _exponents(values: np.ndarray, knowledge: Knowledge) -> tuple[int, ...]:
    return (1, -1) if knowledge.allows("div") and _is_positive(values) else (1,)


def _products(
    choices: Sequence[Sequence[tuple[str, int]]], most: int
) -> Iterator[tuple[tuple[str, int], ...]]:
    """Products of up to `most` factors, at most one of each group, the short ones first."""
    for count in range(most + 1):
        for groups in combinations(choices, count):
            yield from product(*groups)


def _saturating(name: str, values: np.ndarray, knowledge: Knowledge) -> Iterator[Expression]:
    """Hill functions x^n / (K^n + x^n) of a positive quantity."""
    if not knowledge.allows("div", "add") or not _is_positive(values):
        return
    x = Variable(name)
    for half, exponent in product(np.quantile(values, QUANTILES), HILL):
        if exponent == 1 or knowledge.allows("pow" if exponent > 2 else "square"):
            top = power(x, exponent)
            yield Apply("div", (top, Apply("add", (power(Number(float(half)), exponent), top))))


def _fading(name: str, values: np.ndarray, knowledge: Knowledge) -> Iterator[Expression]:
    """exp(-x / B) on a grid of ranges B."""
    if not knowledge.allows("exp") or not _is_positive(values):
        return
    for share in (0.3, 1.0):
        length = float(np.median(values)) * share
        yield Apply("exp", (Apply("neg", (Apply("div", (Variable(name), Number(length))),)),))


def _functions(name: str, values: np.ndarray, knowledge: Knowledge) -> list[Expression]:
    """Functions of one amount, beyond its powers."""
    x = Variable(name)
    plain = [Apply(op, (x,)) for op in ("square", "sin", "cos") if knowledge.allows(op)]
    if _is_positive(values):
        plain += [Apply(op, (x,)) for op in ("sqrt", "log") if knowledge.allows(op)]
    if knowledge.allows("abs") and not _is_positive(values):
        plain.append(Apply("abs", (x,)))
    return [*plain, *_saturating(name, values, knowledge), *_fading(name, values, knowledge)]


def _plain(one: Quantity) -> bool:
    """A scalar that may enter a formula by its amount."""
    return not one.is_vector and one.role not in ("position", "angle") and np.ptp(one.values) > 0


def _edge_bases(
    system: GraphSystem, values: Mapping[str, np.ndarray], knowledge: Knowledge, *, far: bool
) -> list[Expression]:
    """Functions of an edge: of the distance, of differences, of the sender's amount."""
    bases: list[Expression] = [ONE]
    radial: list[Expression] = []
    if "r" in values and far:
        radial = [
            power(Variable("r"), exponent)
            for exponent in RADIAL
            if exponent and (exponent > 0 or knowledge.allows("div"))
        ]
        radial += _fading("r", values["r"], knowledge)
        bases += radial
    for name, one in system.nodes.items():
        if one.role == "angle":
            bases += [Apply(op, (Variable(f"d{name}"),)) for op in ("sin",) if knowledge.allows(op)]
            bases += [Variable(f"d{name}")]
        elif _plain(one):
            apart = Variable(f"d{name}")
            bases.append(apart)
            if knowledge.allows("square"):
                bases.append(Apply("square", (apart,)))
            bases += [Apply(op, (apart,)) for op in ("sin", "abs", "sign") if knowledge.allows(op)]
            if system.position is None:
                bases += _saturating(f"{name}_j", values[f"{name}_j"], knowledge)
                if one.values.min() >= 0 and one.values.max() <= 1:
                    free = Apply("sub", (ONE, Variable(f"{name}_i")))
                    bases.append(Apply("mul", (free, Variable(f"{name}_j"))))
        elif one.is_vector and f"d{name}_n" in values:
            closing = Variable(f"d{name}_n")
            bases.append(closing)
            if knowledge.allows("sign"):
                turn = Apply("sign", (closing,))
                bases += [turn, *(Apply("mul", (turn, one)) for one in radial)]
    return bases


def _edge_factors(
    system: GraphSystem, values: Mapping[str, np.ndarray], knowledge: Knowledge
) -> list[list[tuple[str, int]]]:
    """Groups of factors of a message; of each group at most one is used."""
    names = [name for name, one in system.edges.items() if not one.is_vector]
    names += [name for name, one in system.graphs.items() if not one.is_vector]
    for name, one in system.nodes.items():
        if _plain(one):
            names += [f"{name}_i", f"{name}_j"]
    return [
        [(name, exponent) for exponent in _exponents(values[name], knowledge)]
        for name in names
        if np.ptp(values[name]) > 0
    ]


def _keeps_pair(term: Term, knowledge: Knowledge, receivers: Sequence[str]) -> bool:
    """Whether a message obeys the exchange of sender and receiver that was asked for."""
    if not knowledge.pair:
        return True
    if term.level != "edge":
        return True
    powers = dict(term.factors)
    for name in receivers:
        here, there = powers.get(f"{name}_i", 0), powers.get(f"{name}_j", 0)
        if here not in (there, there - 1):  # one less: divided by the receiver's own, as F / m
            return False
    odd = 0
    for name in variables(term.base):
        if name.endswith(("_i", "_j")):
            return False
        if name.startswith("d") and not name.endswith("_n"):
            odd += 1
    if isinstance(term.base, Apply) and term.base.op in ("square", "abs"):
        odd = 0
    return bool(odd) == (knowledge.pair == "antisymmetric")


def edge_terms(
    system: GraphSystem, knowledge: Knowledge, aggregates: Sequence[str], most: int
) -> Iterator[Term]:
    """Messages: functions of an edge times factors of the edge and its nodes."""
    values = inputs_of(system, "edge")
    groups = _edge_factors(system, values, knowledge)
    answer_is_vector = system.target.is_vector
    if answer_is_vector and system.position is None:
        return
    receivers = [name for name, one in system.nodes.items() if _plain(one)]
    if "r" in values and not answer_is_vector:
        groups.append([("r", -1), ("r", -2)] if knowledge.allows("div") else [("r", 1)])
    bases = _edge_bases(system, values, knowledge, far=True)
    ways: list[tuple[Expression | None, bool, list[Expression], int]] = []
    if answer_is_vector:
        near = [base for base in bases if variables(base) <= {"r"}]
        others = [
            Apply("sub", (Variable(f"{name}_j"), Variable(f"{name}_i")))
            for name, one in system.nodes.items()
            if one.is_vector and one.role != "position" and one.values.shape[1] > 1
        ]
        if not knowledge.rotation and system.position.values.shape[1] == 2:
            others.append(Variable("n_t"))
            signed = [base for base in bases if _has(base, "sign")]
        else:
            signed = []
        ways = [(None, True, bases, most)]
        ways += [(other, False, [*near, *signed], min(most, 1)) for other in others]
    else:
        ways = [(None, False, bases, most)]
    for direction, vector, functions, count in ways:
        for factors in _products(groups, count):
            for base in functions:
                if any(name in variables(base) and name != "r" for name, _ in factors):
                    continue
                for aggregate in aggregates:
                    term = Term("edge", base, factors, direction, vector, aggregate)
                    if _keeps_pair(term, knowledge, receivers):
                        yield term


def _has(expr: Expression, op: str) -> bool:
    return isinstance(expr, Apply) and (expr.op == op or any(_has(arg, op) for arg in expr.args))


def node_terms(
    system: GraphSystem,
    knowledge: Knowledge,
    level: str,
    aggregates: Sequence[str],
    most: int,
    known: Mapping[str, tuple[str, np.ndarray]],
) -> Iterator[Term]:
    """Terms of the answer's own level, or of nodes summed up to a graph.

    Args:
        system: the system.
        knowledge: what is allowed.
        level: where they live.
        aggregates: how they come to the target, ("",) where they live on its level.
        most: factors in a product.
        known: earlier steps, such as means over the graph.
    """
    absolute = not knowledge.translation
    names = visible_names(system, level, known, absolute=absolute)
    values = inputs_of(system, level, known, names)
    angles = {name for name, one in system.nodes.items() if one.role == "angle"}
    varied = [name for name in names if name not in angles and np.ptp(values[name]) > 0]
    scalars = [name for name in varied if values[name].shape[1] == 1]
    vectors = [name for name in varied if values[name].shape[1] > 1]
    groups = [
        [(name, exponent) for exponent in _exponents(values[name], knowledge)] for name in scalars
    ]
    if system.target.is_vector:
        directions: list[Expression | None] = [Variable(name) for name in vectors]
    else:
        directions = [None]
    for aggregate, direction in product(aggregates, directions):
        for factors in _products(groups, most):
            yield Term(level, ONE, factors, direction, False, aggregate)
            if direction is not None:
                continue
            for name in scalars:
                others = {other for other, _ in factors}
                if name not in others and len(factors) < most:
                    for base in _functions(name, values[name], knowledge):
                        yield Term(level, base, factors, None, False, aggregate)


def overviews(system: GraphSystem, knowledge: Knowledge) -> tuple[list[Step], list[Term]]:
    """Means over a graph that nodes may see, and terms of them: herds, centres of mass.

    Returns:
        The steps that compute them and the terms that use them.
    """
    if system.level != "node" or system.num_nodes == system.num_graphs:
        return [], []
    taken = {*system.nodes, *system.edges, *system.graphs}

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    width = system.target.values.shape[1]
    steps, terms = [], []
    weights = [name for name, one in system.nodes.items() if _plain(one) and one.values.min() > 0]
    for name, one in system.nodes.items():
        if one.role in ("position", "angle") or one.values.shape[1] != width:
            continue
        mean = Step(free(f"{name}_mean"), "graph", aggregate="mean", of=name)
        steps.append(mean)
        terms.append(_overview(mean.name, (), vector=one.is_vector))
        if not knowledge.allows("div"):
            continue
        total = Step(free(f"{name}_total"), "graph", aggregate="sum", of=name)
        steps.append(total)
        terms.append(_overview(total.name, (), vector=one.is_vector))
        for weight in weights:
            if weight != name:
                of_weight = next(
                    (s for s in steps if s.of == weight and s.aggregate == "sum"), None
                )
                if of_weight is None:
                    of_weight = Step(free(f"{weight}_total"), "graph", aggregate="sum", of=weight)
                    steps.append(of_weight)
                terms.append(_overview(total.name, ((of_weight.name, -1),), vector=one.is_vector))
    return steps, terms


def _overview(name: str, factors: tuple[tuple[str, int], ...], *, vector: bool) -> Term:
    if vector:
        return Term("node", ONE, factors, Variable(name))
    return Term("node", ONE, ((name, 1), *factors))


# ------------------------------------------------------------------ their values


def columns(
    terms: Sequence[Term],
    system: GraphSystem,
    known: Mapping[str, tuple[str, np.ndarray]],
) -> np.ndarray:
    """(rows × components of the target, terms) what each term contributes to the answer."""
    width = system.target.values.shape[1]
    result = np.empty((system.target.values.size, len(terms)))
    groups: dict[tuple, list[int]] = defaultdict(list)
    for place, term in enumerate(terms):
        groups[term.level, term.aggregate, term.direction, term.vector].append(place)
    cache: dict[tuple[str, Expression], np.ndarray] = {}
    values: dict[str, dict[str, np.ndarray]] = {}
    for (level, aggregate, direction, vector), places in groups.items():
        needed = {name for place in places for name in (*variables(terms[place].expression),)}
        seen = values.setdefault(level, {})
        seen |= inputs_of(system, level, known, needed - set(seen))
        rows = {"edge": system.num_edges, "node": system.num_nodes, "graph": system.num_graphs}
        matrix = np.empty((rows[level], len(places)))
        with np.errstate(all="ignore"):
            for column, place in enumerate(places):
                matrix[:, column] = _amount(terms[place], seen, cache, rows[level])
            if vector:
                parts = [matrix * system.direction[:, d : d + 1] for d in range(width)]
            elif direction is not None:
                turned = evaluate(direction, seen)
                parts = [matrix * turned[:, d : d + 1] for d in range(width)]
            else:
                parts = [matrix] * width
            if aggregate:
                gather = gatherer(system, level, aggregate)
                parts = [gather @ part for part in parts]
        result[:, places] = np.stack(parts, axis=1).reshape(len(result), len(places))
    return result


def _amount(
    term: Term,
    values: Mapping[str, np.ndarray],
    cache: dict[tuple[str, Expression], np.ndarray],
    rows: int,
) -> np.ndarray:
    """(rows,) the scalar part of a term."""
    key = (term.level, term.base)
    if key not in cache:
        base = evaluate(term.base, {**values, "": np.empty((rows, 1))})
        cache[key] = np.broadcast_to(base[:, 0], (rows,))
    result = cache[key]
    for name, exponent in term.factors:
        column = values[name][:, 0]
        result = result * column if exponent == 1 else result * column ** float(exponent)
    return result


def gatherer(system: GraphSystem, level: str, aggregate: str) -> sparse.csr_array:
    """(rows of the target, rows of the level) matrix that sums or averages."""
    index = {
        ("edge", "node"): system.receiver,
        ("edge", "graph"): system.edge_graph,
        ("node", "graph"): system.node_graph,
    }[level, system.level]
    rows = len(system.target.values)
    weights = np.ones(len(index))
    if aggregate == "mean":
        weights = 1 / np.maximum(np.bincount(index, minlength=rows), 1)[index]
    return sparse.csr_array((weights, (index, np.arange(len(index)))), shape=(rows, len(index)))


# ------------------------------------------------------------------ the law they make


def to_law(
    terms: Sequence[Term],
    coefficients: Sequence[float],
    system: GraphSystem,
    steps: Sequence[Step] = (),
) -> Law:
    """The law that adds up terms, in its natural cascade.

    Factors of the receiver alone that all messages share are multiplied after the sum, and what the
    addends of a node share is multiplied once: (Σ k (r - 1) n + f) / m instead of two quotients.

    Args:
        terms: addends, at least one.
        coefficients: one for each.
        system: whose target they explain.
        steps: earlier steps that terms may use; those not used are left out.
    """
    taken = {*system.nodes, *system.edges, *system.graphs, *(step.name for step in steps)}

    def free(name: str) -> str:
        names = (name, *(f"{name}{number}" for number in range(2, 99)))
        found = next(one for one in names if one not in taken)
        taken.add(found)
        return found

    messages: dict[tuple[str, bool], list[Weighted]] = defaultdict(list)
    inner: list[Weighted] = []  # of nodes, summed to the graph
    own: list[Weighted] = []  # of the answer's own level
    for term, value in zip(terms, coefficients, strict=True):
        if term.level == system.level:
            own.append((term, value))
        elif term.level == "edge":
            messages[term.aggregate, term.vector].append((term, value))
        else:
            inner.append((term, value))
    made: list[Step] = []
    addends: dict[tuple[tuple[str, int], ...], list[Expression]] = defaultdict(list)
    through_nodes: dict[tuple[tuple[str, int], ...], list[Expression]] = defaultdict(list)
    receivers = {f"{name}_i": name for name in system.nodes}
    for (aggregate, vector), group in messages.items():
        shared = _shared(group, receivers)
        outer = tuple((receivers[name], exponent) for name, exponent in shared)
        cascade = system.level == "graph" and aggregate == "sum" and bool(outer) and any(
            set(outer) <= set(term.factors) and term.aggregate == "sum" for term, _ in inner
        )  # fmt: skip
        if system.level == "graph" and not cascade:
            shared, outer = (), ()
        group = [(_less(term, shared), value) for term, value in group]
        message = Step(free("message"), "edge", _message(group), vector=vector)
        total = Step(
            free("total"),
            "node" if system.level == "node" or cascade else "graph",
            aggregate=aggregate,
            of=message.name,
        )
        made += [message, total]
        (through_nodes if cascade else addends)[outer].append(Variable(total.name))
    for term, value in inner:
        if term.aggregate == "sum" and through_nodes:
            key = max((k for k in through_nodes if set(k) <= set(term.factors)), key=len,
                      default=())  # fmt: skip
            rest = _less(term, key)
            through_nodes[key].append(multiply(rest.base, rest.factors, term.direction, value))
        else:
            part = Step(free("part"), "node", multiply(term.base, term.factors, term.direction,
                                                       value))  # fmt: skip
            made += [part, Step(free("sum"), "graph", aggregate=term.aggregate, of=part.name)]
            addends[()].append(Variable(made[-1].name))
    if through_nodes:
        part = Step(free("part"), "node", _collected(through_nodes))
        made += [part, Step(free("sum"), "graph", aggregate="sum", of=part.name)]
        addends[()].append(Variable(made[-1].name))
    for term, value in own:
        key = next((k for k in addends if k and set(k) <= set(term.factors)), ())
        rest = _less(term, key)
        direction = Variable("n") if term.vector else term.direction
        addends[key].append(multiply(rest.base, rest.factors, direction, value))
    answer = _collected(addends)
    used = {name for step in made if step.expression is not None
            for name in variables(step.expression)} | variables(answer)  # fmt: skip
    first = [step for step in steps if step.name in used]
    if isinstance(answer, Variable) and made and made[-1].name == answer.name:
        return Law((*first, *made))
    return Law((*first, *made, Step(free("answer"), system.level, answer)))


Weighted = tuple[Term, float]


def _message(group: Sequence[Weighted]) -> Expression:
    """The sum of a group, shared factors and the size of the largest addend written once.

    k (r - 1) shows its rest length; k r - k does not.
    """
    if len(group) == 1:
        term, value = group[0]
        return multiply(term.base, term.factors, term.direction, value)
    shared = _shared(group, None)
    direction = group[0][0].direction
    if any(term.direction != direction for term, _ in group):
        direction = None
    if not shared and direction is None:
        return add([multiply(t.base, t.factors, t.direction, value) for t, value in group])
    group = sorted(group, key=lambda one: -one[0].complexity)
    lead = group[0][1]
    parts = [
        multiply(
            term.base,
            _less(term, shared).factors,
            term.direction if direction is None else None,
            value / lead if place else 1.0,
        )
        for place, (term, value) in enumerate(group)
    ]
    return multiply(add(parts), shared, direction, lead)


def _shared(group: Sequence[Weighted], names: Iterable[str] | None) -> tuple[tuple[str, int], ...]:
    """Factors that all terms of a group have, only those of these names unless None."""
    allowed = None if names is None else set(names)
    common = set(group[0][0].factors)
    for term, _ in group[1:]:
        common &= set(term.factors)
    return tuple(
        one
        for one in group[0][0].factors
        if one in common and (allowed is None or one[0] in allowed)
    )


def _less(term: Term, factors: Iterable[tuple[str, int]]) -> Term:
    gone = set(factors)
    return replace(term, factors=tuple(one for one in term.factors if one not in gone))


def _collected(addends: Mapping[tuple[tuple[str, int], ...], list[Expression]]) -> Expression:
    """Σ over groups of (sum of the group) times its shared factors."""
    return add([multiply(add(parts), factors) for factors, parts in addends.items()])


def level_of(names: Iterable[str], system: GraphSystem) -> str:
    """The coarsest level where all these names are visible.

    Raises:
        ShapeError: from the law, later, where there is none; the edge level is returned.
    """
    wanted = set(names)
    for level in reversed(LEVELS):
        if wanted <= set(visible_names(system, level, absolute=True)):
            return level
    return "edge"
