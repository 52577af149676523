"""Genetic search for the message of a law, judged after aggregation.

A population of trees is evaluated on all edges at once, multiplied with the unit vector where the
answer is a vector, summed to the target's level, and only then compared: for every tree the scale
and the intercept of the message, and what nodes and graphs add by themselves, are fitted in closed
form. Without the intercept a constant message floods the population. Trees, their variation and
their evaluation are pyoperon's; selection is NSGA-II (Deb et al., 2002) on error and length.

The loop of generations is our own, so that a whole generation is judged at once and the search can
be stopped after any of them.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyoperon

from core.discovery.candidate import Candidate, pool
from core.discovery.fitting import error, fewer, refit
from core.discovery.library import EXACT, Report, build, candidate, known_steps, quiet
from core.discovery.options import Knowledge
from core.discovery.subsets import Regression, best_subsets
from core.discovery.terms import ONE, Term, columns, gatherer, to_law
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    complexity,
    evaluate,
    power,
)
from core.knowledge.physics.law import Law, Step, inputs_of, visible_names
from core.knowledge.physics.system import GraphSystem

NAME = "genetic"
POPULATION = 500
LENGTH = 20  # nodes of a tree
DEPTH = 8
TOURNAMENT = 5
MUTATION = 0.3  # share of the offspring that is mutated after crossing
VALUES = 1500  # of the target, and
EDGES = 3000  # edges that trees are judged on; the constants are fitted on all
PARTIAL_S = 4.0  # between two looks at the front while the search runs

TYPES = {
    name: getattr(pyoperon.NodeType, name.capitalize())
    for name in ("add", "sub", "mul", "div", "square", "sqrt", "exp", "log", "sin", "cos", "tanh",
                 "abs")
}  # fmt: skip
OPS = {int(kind): name for name, kind in TYPES.items()}


@dataclass(frozen=True)
class Site:
    """Where trees are grown and how their values come to the target.

    Attributes:
        level: of the tree.
        names: features.
        values: (rows, features) float32.
        vector: whether the value is multiplied with the unit vector.
        aggregate: how it comes to the target's level, empty where it is there.
        terms: what is fitted besides each tree; the first is the intercept of the message.
        steps: earlier steps that those terms use.
        system: the part of the data that trees are judged on.
    """

    level: str
    names: tuple[str, ...]
    values: np.ndarray
    vector: bool
    aggregate: str
    terms: tuple[Term, ...]
    steps: tuple[Step, ...]
    system: GraphSystem

    @classmethod
    def of(cls, train: GraphSystem, options: Knowledge, *, mean: bool) -> "Site":
        """The place of the message; where there are no edges, of the answer itself."""
        some = fewer(train, VALUES)
        if some.num_edges > EDGES:
            some = fewer(some, max(40, int(some.target.values.size * EDGES / some.num_edges)))
        level = "edge" if some.num_edges else ("node" if some.level == "graph" else some.level)
        far = level != some.level
        vector = some.target.is_vector and level == "edge" and some.position is not None
        names = [
            name
            for name in visible_names(some, level, absolute=not options.translation)
            if not (options.rotation and name.endswith("_t") and name.startswith("d"))
        ]
        seen = inputs_of(some, level, None, names)
        names = [name for name in names if seen[name].shape[1] == 1 and np.ptp(seen[name]) > 0]
        values = np.concatenate([seen[name] for name in names], axis=1) if names else (
            np.empty((0, 0))
        )  # fmt: skip
        aggregate = ("mean" if mean else "sum") if far else ""
        around, steps = surroundings(some, options, level)
        intercept = Term(level, ONE, (), None, vector, aggregate)
        return cls(
            level, tuple(names), values.astype(np.float32), vector, aggregate,
            (intercept, *around), steps, some,
        )  # fmt: skip


def surroundings(
    system: GraphSystem, options: Knowledge, level: str
) -> tuple[tuple[Term, ...], tuple[Step, ...]]:
    """Terms of the library's best laws that are not of the tree's level."""
    if level == system.level:
        return (), ()
    library = build(system, options)
    if not library.terms:
        return (), ()
    levels = best_subsets(Regression.of(library.matrix, library.answer), 4, 60)
    kept: dict[Term, None] = {}
    for sets in levels:
        for chosen in sets[:2]:
            kept.update({library.terms[k]: None for k in chosen if library.terms[k].level != level})
    return tuple(kept)[:6], library.steps


class Judge:
    """Errors of trees after aggregation, a batch at a time."""

    def __init__(self, site: Site) -> None:
        self.site = site
        system = site.system
        self.values = np.asfortranarray(site.values)  # pyoperon looks at it and keeps no copy
        self.data = pyoperon.Dataset(self.values)
        self.rows = pyoperon.Range(0, len(site.values))
        self.variables = {one.Hash: site.names[one.Index] for one in self.data.Variables}
        known = known_steps(site.steps, system)
        around = columns(site.terms, system, known)
        around = around[:, np.isfinite(around).all(axis=0)]
        left, size, _ = np.linalg.svd(around, full_matrices=False)
        self.basis = left[:, size > 1e-10 * max(size.max(initial=0), 1e-300)]
        answer = system.target.values.ravel()
        self.answer = answer - self.basis @ (self.basis.T @ answer)
        self.total = float(np.sum((answer - answer.mean()) ** 2)) or 1.0
        self.gather = gatherer(system, site.level, site.aggregate) if site.aggregate else None

    def brought(self, values: np.ndarray) -> np.ndarray:
        """(values of the target, trees) from (trees, rows) values of the message."""
        system = self.site.system
        width = system.target.values.shape[1]
        if self.site.vector:
            parts = [values * system.direction[:, d].astype(np.float32) for d in range(width)]
        else:
            parts = [values] * width
        if self.gather is not None:
            gather = self.gather.astype(np.float32)
            parts = [gather @ part.T for part in parts]
        else:
            parts = [part.T for part in parts]
        return np.stack(parts, axis=1).reshape(-1, len(values)).astype(float)

    def errors(self, trees: Sequence[pyoperon.Tree]) -> np.ndarray:
        """(trees,) share of the target's variance that is left; 2 where a tree is undefined."""
        values = np.empty((len(trees), len(self.site.values)), np.float32)
        pyoperon.EvaluateTrees(list(trees), self.data, self.rows, values, 1)
        bad = ~(np.abs(values).max(axis=1) < 1e12)  # catches nan as well
        values[bad] = 0
        size = np.sqrt(np.mean(values.astype(float) ** 2, axis=1))
        bad |= size < 1e-12
        values /= np.where(bad, 1, size)[:, None].astype(np.float32)
        with np.errstate(all="ignore"):
            message = self.brought(values)
            message -= self.basis @ (self.basis.T @ message)
            length = np.einsum("nb,nb->b", message, message)
            pull = self.answer @ message
            gain = np.where(length > 1e-6 * len(message), pull**2 / length, 0)
        result = (self.answer @ self.answer - gain) / self.total
        return np.where(bad | ~np.isfinite(result), 2.0, result)


def ranks(errors: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Front of each individual, from 0, and how lonely it is there (crowding distance)."""
    count = len(errors)
    rank, room = np.zeros(count, int), np.zeros(count)
    left = np.lexsort((lengths, errors))
    front = 0
    while len(left):
        shortest = np.minimum.accumulate(lengths[left])
        first = np.concatenate([[True], lengths[left][1:] < shortest[:-1]])
        members = left[first]
        rank[members] = front
        room[members] = np.inf
        if len(members) > 2:
            for values in (errors[members], lengths[members].astype(float)):
                span = np.ptp(values) or 1.0
                gap = np.abs(values[2:] - values[:-2]) / span
                inner = members[1:-1]
                room[inner] = np.where(np.isinf(room[inner]), 0, room[inner]) + gap
        left = left[~first]
        front += 1
    return rank, room


class Breeder:
    """New trees from nothing and from others."""

    def __init__(self, judge: Judge, options: Knowledge, seed: int) -> None:
        inputs = list(judge.variables)
        allowed = [name for name in TYPES if options.allows(name)] or ["add", "mul"]
        mask = int(pyoperon.NodeType.Constant) | int(pyoperon.NodeType.Variable)
        for name in allowed:
            mask |= int(TYPES[name])
        problem = pyoperon.Problem(judge.data)
        problem.InputHashes = inputs
        problem.ConfigurePrimitiveSet(mask)
        symbols = problem.PrimitiveSet
        creator = pyoperon.BalancedTreeCreator(symbols, inputs, 0.0)
        self.numbers = pyoperon.NormalCoefficientInitializer()
        self.numbers.ParameterizeDistribution(0, 1)
        self.new = pyoperon.UniformLengthTreeInitializer(creator)
        self.new.ParameterizeDistribution(1, 12)
        self.new.MinDepth, self.new.MaxDepth = 1, DEPTH
        one, many = pyoperon.NormalOnePointMutation(), pyoperon.NormalMultiPointMutation()
        for mutation in (one, many):
            mutation.ParameterizeDistribution(0, 1)
        self.mutate = pyoperon.MultiMutation()
        parts = [
            one,
            many,
            pyoperon.ChangeVariableMutation(inputs),
            pyoperon.ChangeFunctionMutation(symbols),
            pyoperon.ReplaceSubtreeMutation(creator, self.numbers, DEPTH, LENGTH),
            pyoperon.InsertSubtreeMutation(creator, self.numbers, DEPTH, LENGTH),
            pyoperon.RemoveSubtreeMutation(symbols),
        ]
        for mutation in parts:
            self.mutate.Add(mutation, 1.0)
        self.cross = pyoperon.SubtreeCrossover(0.9, DEPTH, LENGTH)
        self.dice = pyoperon.RandomGenerator(seed)
        self.alive = (problem, symbols, creator, parts)  # pyoperon holds plain pointers to them

    def first(self, count: int) -> list[pyoperon.Tree]:
        """Random trees."""
        trees = []
        for _ in range(count):
            tree = self.new(self.dice)
            self.numbers(self.dice, tree)
            trees.append(tree)
        return trees

    def child(
        self, mother: pyoperon.Tree, father: pyoperon.Tree, *, mutated: bool
    ) -> pyoperon.Tree:
        """A crossing of two trees."""
        tree = self.cross(self.dice, mother, father)
        return self.mutate(self.dice, tree) if mutated else tree


def evolve(
    judge: Judge,
    options: Knowledge,
    seed: int,
    evaluations: int,
    goes_on: Callable[[int, float, Callable[[], list[pyoperon.Tree]]], bool],
) -> list[pyoperon.Tree]:
    """The best trees by error and length after so many evaluations.

    Args:
        judge: of the trees.
        options: operators that may occur.
        seed: equal seeds give equal trees.
        evaluations: trees judged.
        goes_on: asked after each generation with the evaluations so far, the least error and a
            function that gives the front; False ends the search.
    """
    breeder, rng = Breeder(judge, options, seed), np.random.default_rng(seed)
    trees = breeder.first(POPULATION)
    errors = judge.errors(trees)
    lengths = np.array([tree.Length for tree in trees])
    done = len(trees)

    def front() -> list[pyoperon.Tree]:
        rank, _ = ranks(errors, lengths)
        return [trees[k] for k in np.flatnonzero((rank == 0) & (errors < 1))]

    while done < evaluations and goes_on(done, float(errors.min()), front):
        rank, room = ranks(errors, lengths)
        place = np.empty(len(trees), int)
        place[np.lexsort((-room, rank))] = np.arange(len(trees))
        parents = place[rng.integers(len(trees), size=(2, POPULATION, TOURNAMENT))].min(axis=2)
        who = np.argsort(place)[parents]
        mutated = rng.random(POPULATION) < MUTATION
        children = [
            breeder.child(trees[a], trees[b], mutated=bool(m))
            for a, b, m in zip(*who, mutated, strict=True)
        ]
        done += len(children)
        trees = [*trees, *children]
        errors = np.concatenate([errors, judge.errors(children)])
        lengths = np.concatenate([lengths, [tree.Length for tree in children]])
        _, first = np.unique(np.column_stack([np.round(errors, 7), lengths]), axis=0,
                             return_index=True)  # fmt: skip
        first = np.sort(first)
        trees, errors, lengths = [trees[k] for k in first], errors[first], lengths[first]
        rank, room = ranks(errors, lengths)
        best = np.lexsort((-room, rank))[:POPULATION]
        trees, errors, lengths = [trees[k] for k in best], errors[best], lengths[best]
    return front()


# ------------------------------------------------------------------ from trees to laws


def to_expression(tree: pyoperon.Tree, names: dict[int, str]) -> Expression:
    """The tree in our own form. Its nodes come in postfix order, the nearest operand first."""
    stack: list[Expression] = []
    for node in tree.Nodes:
        if node.IsVariable:
            name = Variable(names[node.HashValue])
            stack.append(Apply("mul", (Number(float(node.Value)), name)))
        elif node.IsConstant:
            stack.append(Number(float(node.Value)))
        else:
            op = OPS[int(node.Type)]
            args = [stack.pop() for _ in range(node.Arity)]
            result = args[0]
            if node.Arity == 1:
                result = Apply(op, (args[0],))
            for arg in args[1:]:
                result = Apply(op, (result, arg))
            stack.append(result)
    return stack.pop()


def tidy(expr: Expression) -> tuple[float, Expression]:
    """The expression as a number times a rest without numbers that could stand in front.

    k (2 r - 2) and 2 k (r - 1) are the same; only the second shows what can be fitted.
    """
    if isinstance(expr, Number):
        return expr.value, ONE
    if isinstance(expr, Variable):
        return 1.0, expr
    parts = [tidy(arg) for arg in expr.args]
    if expr.op in ("mul", "div"):
        return _product(expr.op, *parts)
    if expr.op in ("add", "sub"):
        return _sum(-1.0 if expr.op == "sub" else 1.0, *parts)
    (number, rest), *others = parts
    if expr.op == "neg":
        return -number, rest
    if rest == ONE and not others:
        with np.errstate(all="ignore"):
            value = float(evaluate(Apply(expr.op, (Number(number),)), {"": np.empty((1, 1))})[0, 0])
        return value, ONE
    if expr.op == "square":
        return number**2, power(rest, 2)
    if expr.op == "abs":
        return abs(number), Apply("abs", (rest,))
    if expr.op == "sqrt" and number > 0:
        return float(np.sqrt(number)), Apply("sqrt", (rest,))
    if expr.op in ("sin", "tanh") and number < 0:
        return -1.0, Apply(expr.op, (scaled(-number, rest),))
    return 1.0, Apply(expr.op, (scaled(number, rest), *expr.args[1:]))


def scaled(number: float, rest: Expression) -> Expression:
    """A number times an expression, as short as it can be written."""
    if rest == ONE:
        return Number(float(number))
    if number == 1:
        return rest
    return Apply("mul", (Number(float(number)), rest))


Weighted = tuple[float, Expression]


def _product(op: str, left: Weighted, right: Weighted) -> Weighted:
    if op == "mul":
        number = left[0] * right[0]
        if ONE in (left[1], right[1]):
            return number, left[1] if right[1] == ONE else right[1]
        if left[1] == right[1]:
            return number, power(left[1], 2)
        if isinstance(right[1], Apply) and right[1].op == "div" and right[1].args[0] == ONE:
            return number, Apply("div", (left[1], right[1].args[1]))
        return number, Apply("mul", (left[1], right[1]))
    number = left[0] / right[0] if right[0] else float("nan")
    if right[1] == ONE:
        return number, left[1]
    return number, ONE if left[1] == right[1] else Apply("div", (left[1], right[1]))


def _sum(sign: float, left: Weighted, right: Weighted) -> Weighted:
    right = (sign * right[0], right[1])
    if left[1] == right[1]:
        return left[0] + right[0], left[1]
    if left[1] == ONE or left[0] == 0:
        left, right = right, left
    if left[0] == 0:
        return right
    ratio = right[0] / left[0]
    if ratio == 0:
        return left
    if ratio < 0:
        return left[0], Apply("sub", (left[1], scaled(-ratio, right[1])))
    return left[0], Apply("add", (left[1], scaled(ratio, right[1])))


def split_factors(expr: Expression) -> tuple[Expression, tuple[tuple[str, int], ...]]:
    """A product as a base and the names that it is multiplied with and divided by."""
    factors: dict[str, int] = {}

    def visit(node: Expression, sign: int) -> Expression:
        if isinstance(node, Variable):
            factors[node.name] = factors.get(node.name, 0) + sign
            return ONE
        if isinstance(node, Apply) and node.op in ("mul", "div"):
            turn = -sign if node.op == "div" else sign
            left, right = visit(node.args[0], sign), visit(node.args[1], turn)
            return _product(node.op, (1.0, left), (1.0, right))[1]
        return node

    base = visit(expr, 1)
    powers = tuple((name, exponent) for name, exponent in factors.items() if exponent)
    if base == ONE and len(powers) == 1 and powers[0][1] == 1:
        return expr, ()
    return base, powers


def to_candidates(
    trees: Sequence[pyoperon.Tree],
    judge: Judge,
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    check: Callable[[], None],
    *,
    fitted: bool,
) -> list[Candidate]:
    """The laws of trees with their errors.

    Args:
        trees: messages.
        judge: what they were judged with.
        train: all training data.
        valid: validation data.
        options: for the largest size.
        check: called before each; may raise.
        fitted: whether all constants are fitted on the training data; otherwise only those that
            enter linearly are.
    """
    found = []
    for tree in trees:
        check()
        law = _law(tree, judge, train)
        if law is None or not np.isfinite(error(law, train)):
            continue
        if fitted:
            law = refit(law, train, 30)
        if law.complexity <= options.max_complexity:
            found.append(candidate(law, train, valid, NAME))
    return found


def _law(tree: pyoperon.Tree, judge: Judge, train: GraphSystem) -> Law | None:
    """The law of a tree: message, intercept and surroundings, those that matter."""
    site = judge.site
    _, rest = tidy(to_expression(tree, judge.variables))
    if rest == ONE or complexity(rest) > 4 * LENGTH:
        return None
    base, factors = split_factors(rest)
    message = Term(site.level, base, factors, None, site.vector, site.aggregate)
    some = fewer(train, 4000)
    terms = list(_needed([message, *site.terms], site, some))
    known = known_steps(site.steps, some)
    matrix = columns(terms, some, known)
    if message not in terms or not np.isfinite(matrix).all():
        return None
    values = np.linalg.lstsq(matrix, some.target.values.ravel(), rcond=1e-12)[0]
    return to_law(terms, values, train, site.steps)


def _needed(terms: Sequence[Term], site: Site, system: GraphSystem) -> Iterator[Term]:
    """Terms without which the Bayesian information criterion is worse, taken away one by one."""
    known = known_steps(site.steps, system)
    matrix = columns(terms, system, known)
    answer = system.target.values.ravel()
    usable = [k for k in range(len(terms)) if np.isfinite(matrix[:, k]).all()]

    def left(chosen: Sequence[int]) -> float:
        part = matrix[:, list(chosen)]
        rest = answer - part @ np.linalg.lstsq(part, answer, rcond=1e-12)[0]
        return max(float(rest @ rest), 1e-20 * float(answer @ answer))

    now = left(usable) if usable else 0.0
    while len(usable) > 1:
        prices = {k: left([one for one in usable if one != k]) for k in usable}
        k = min(prices, key=lambda one: prices[one])
        size = 2 + terms[k].complexity
        if len(answer) * np.log(prices[k] / now) > size * np.log(len(answer)):
            break
        usable.remove(k)
        now = prices[k]
    return (terms[k] for k in usable)


def find(
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    seed: int,
    report: Report = quiet,
    deadline: float = float("inf"),
    evaluations: int = 60_000,
    partial: Callable[[list[Candidate]], None] | None = None,
) -> list[Candidate]:
    """Laws whose message was found by genetic search.

    Args:
        train: data that formulas are fitted to.
        valid: data that errors are measured on.
        options: what is allowed.
        seed: equal seeds give equal laws as long as the deadline does not end the search; every
            fourth averages messages instead of adding them.
        report: called after every generation; may raise Cancelled.
        deadline: `time.monotonic()` after which nothing more is started.
        evaluations: trees judged.
        partial: given the formulas of the moment every few seconds.
    """
    site = Site.of(train, options, mean=seed % 4 == 3)
    if not site.names or (site.system.target.is_vector and not site.vector):
        return []
    judge = Judge(site)
    looked = time.monotonic()

    def goes_on(done: int, best: float, front: Callable[[], list[pyoperon.Tree]]) -> bool:
        nonlocal looked
        report(done, evaluations, "genetic search", best=1 - best)
        if partial is not None and time.monotonic() - looked > PARTIAL_S:
            partial(
                to_candidates(front(), judge, train, valid, options, lambda: None, fitted=False)
            )
            looked = time.monotonic()
        return best > 1 - EXACT and time.monotonic() < deadline

    trees = evolve(judge, options, seed, evaluations, goes_on)
    return pool(
        to_candidates(
            trees, judge, train, valid, options,
            lambda: report(evaluations, evaluations, "fitting constants"), fitted=True,
        )
    )  # fmt: skip
