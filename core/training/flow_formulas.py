"""Formulas for the functions of a trained flow, cascaded into laws.

Source: section 3.3 of "Learning Symbolic Models for Graph-structured Physical Mechanism" (GSR, ICLR
2023): inputs and outputs of every function are recorded, each is imitated by a formula, formulas
take the functions' places, and all constants are fitted again end to end.

Differs from the paper: (1) a hidden value is only defined up to a factor; it is recorded times the
derivative of the answer by it at the median ("gauge"), so that it has the answer's unit; (2) of
several formulas per function, those are kept whose law has the smallest error after aggregation.
"""

import math
import time
from dataclasses import dataclass
from itertools import islice, product

import numpy as np
import torch

from core.discovery import genetic, library
from core.discovery.candidate import Candidate, Front
from core.discovery.fitting import error, fewer, refit
from core.discovery.options import Knowledge
from core.function.graph_network import Computed, FlowNetworks, FlowTables
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    substitute,
    variables,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.message_flow import AGGREGATES, Input, Layer, measured
from core.knowledge.physics.system import GraphSystem, Quantity
from core.training.loop import Report, quiet

ROWS = 2000  # of a function's values, for training and validation together
EVALUATIONS = 20_000  # formulas tried for each function
FORMULAS = 4  # kept for each function
LAWS = 16  # combinations that are fitted
SMALL = 0.02  # share below which a vector of a sum is left out, and a function is a constant
STRAIGHT = 0.05  # share of a function's spread beside a line that counts as nothing
NAME = "flow"

ONE = Number(1.0)


@dataclass(frozen=True, eq=False)
class Function:
    """One function of a network with one value, ready for imitation.

    Attributes:
        layer: whose function it is.
        channel: number of the value among those of the layer.
        factor_of: the vector that the value is multiplied with; empty for a plain value, ``n`` for
            the unit vector.
        inputs: (rows, 1) by the name that the formula uses.
        values: (rows, 1), in the gauge.
    """

    layer: Layer
    channel: int
    factor_of: str
    inputs: dict[str, np.ndarray]
    values: np.ndarray

    def table(self, seed: int) -> tuple[GraphSystem, GraphSystem]:
        """The values as measurements of single nodes, for training and for validation."""
        rows = np.random.default_rng(seed).permutation(len(self.values))[:ROWS]
        cut = max(1, int(0.7 * len(rows)))
        parts = []
        for some in (rows[:cut], rows[cut:]):
            nodes = {name: Quantity(name, one[some]) for name, one in self.inputs.items()}
            none = np.empty(0, int)
            parts.append(GraphSystem(
                nodes, {}, {}, none, none, np.arange(len(some)),
                Quantity("value", self.values[some]), "node", len(some),
            ))  # fmt: skip
        return parts[0], parts[1]


def step_name(layer: Layer, channel: int) -> str:
    """Name of a value of a layer in a law."""
    return layer.name if layer.size == 1 else f"{layer.name}_{channel + 1}"


def sum_name(one: Input, channel: int = -1) -> str:
    """Name of a summed input in a law."""
    return f"{one.aggregate}_{one.name}" + (f"_{channel + 1}" if channel >= 0 else "")


class Distillation:
    """The functions of a network as formulas.

    Args:
        network: of one flow with fixed aggregates.
        system: training data.
    """

    def __init__(self, network: FlowNetworks, system: GraphSystem) -> None:
        self.network, self.system, self.flow = network, system, network.flows[0]
        self.tables = FlowTables.of(system, network.flows, network.scales)
        with torch.no_grad():
            self.done: Computed = network.compute(self.tables)
        self.measured = measured(system, network.flows)
        self.gauge: dict[str, list[float]] = {}
        self._fix_gauge()

    def _fix_gauge(self) -> None:
        """Factors that give hidden values the answer's unit, from the output backwards."""
        self.gauge[self.flow.output.name] = [self.network.scales.target.scale]
        for layer in reversed(self.flow.layers):
            slopes = self._slopes(layer)
            own = self.gauge[layer.name]
            for one in layer.inputs:
                made = self.flow.made_by(one.name)
                if made is None or made.name in self.gauge:
                    continue
                degree = self._degree(layer, one)
                self.gauge[made.name] = [
                    _usable(own[0] * slopes.get((one, k), 1.0) / degree) for k in range(made.size)
                ]

    def _degree(self, layer: Layer, one: Input) -> float:
        """What the network divides a sum by."""
        made = self.flow.made_by(one.name)
        fine = made.level if made else ("edge" if one.name in self.system.edges else "node")
        is_sum = one.aggregate == "sum"
        return self.network.scales.degree[fine, layer.level] if is_sum and made else 1.0

    def _slopes(self, layer: Layer) -> dict[tuple[Input, int], float]:
        """Derivative of a layer's first value by each hidden value that it reads, at the median."""
        found = {}
        if layer.vector and layer.level != "edge":
            for k, (one, number) in enumerate(self.network.combined(layer)):
                found[one, number] = float(self.done.factors[layer.name][0, :, 0, k].median())
        scalars = self.network.scalars(layer)
        if not any(self.flow.made_by(one.name) for one in scalars):
            return found
        x = self.done.inputs[layer.name].median(1, keepdim=True).values.requires_grad_()
        value = self.network.perceptrons[layer.name](x)[0, 0, 0]
        (slope,) = torch.autograd.grad(value, x)
        place = 0
        for one in scalars:
            made = self.flow.made_by(one.name)
            width = self.network.width(layer, one)
            if made is not None:
                for k in range(width):
                    found[one, k] = float(slope[0, 0, place + k])
            place += width
        return found

    # ---------------------------------------------------------------- what is imitated

    def functions(self, layer: Layer) -> list[Function]:
        """The functions of a layer, one for each value, or for each vector it combines."""
        inputs = self._inputs(layer)
        found = []
        for channel in range(layer.size):
            own = self.gauge[layer.name][channel]
            if not layer.vector:
                shift = self.network.scales.target.shift if layer is self.flow.output else 0.0
                values = own * self.done.values[layer.name][0, :, channel] + shift
                found.append(Function(layer, channel, "", inputs, _column(values)))
            elif layer.level == "edge":
                values = own * self.done.factors[layer.name][0, :, channel]
                found.append(Function(layer, channel, "n", inputs, _column(values)))
            else:
                found += self._factors(layer, channel, inputs)
        return found

    def _factors(self, layer: Layer, channel: int, inputs: dict[str, np.ndarray]) -> list[Function]:
        """The weights of the vectors that a layer combines, but for those that add nothing."""
        own = self.gauge[layer.name][channel]
        weights = self.done.factors[layer.name][0, :, channel]  # (rows, K)
        combined = self.network.combined(layer)
        with torch.no_grad():
            vectors = self.network.vectors(layer, self.tables, self.done)[0]  # (rows, K, D)
        sizes = (weights[..., None] * vectors).pow(2).mean((0, 2)).sqrt()  # (K,)
        found = []
        for k, (one, number) in enumerate(combined):
            if sizes[k] < SMALL * sizes.max():
                continue
            made = self.flow.made_by(one.name)
            if made is None:
                key = layer.level, one.name, one.aggregate
                name = sum_name(one) if one.aggregate else one.name
                unit = self.network.scales.inputs[key].scale
            else:
                several = number if made.size > 1 else -1
                name = sum_name(one, several) if one.aggregate else step_name(made, number)
                unit = self.gauge[made.name][number] * self._degree(layer, one)
            found.append(
                Function(layer, channel, name, inputs, _column(own * weights[:, k] / unit))
            )
        return found

    def _inputs(self, layer: Layer) -> dict[str, np.ndarray]:
        """(rows, 1) scalar inputs of a layer as a law names and measures them."""
        found = {}
        for one in self.network.scalars(layer):
            made = self.flow.made_by(one.name)
            if made is None:
                name = sum_name(one) if one.aggregate else one.name
                found[name] = self.measured[layer.level, one.name, one.aggregate]
                continue
            with torch.no_grad():
                values = self.network.read(layer, one, self.tables, self.done)[0]
            for k in range(made.size):
                several = k if made.size > 1 else -1
                if one.aggregate:
                    name = sum_name(one, several)
                else:
                    name = step_name(made, k) + one.name.removeprefix(made.name)
                scaled = values[:, k] * self.gauge[made.name][k] * self._degree(layer, one)
                found[name] = _column(scaled)
        return found

    # ---------------------------------------------------------------- laws

    def sums(self, layer: Layer) -> list[Step]:
        """The steps that sum up what a layer reads."""
        found = []
        for one in layer.inputs:
            if not one.aggregate:
                continue
            made = self.flow.made_by(one.name)
            if made is not None:
                for k in range(made.size):
                    several = k if made.size > 1 else -1
                    found.append(Step(
                        sum_name(one, several), layer.level, aggregate=one.aggregate,
                        of=step_name(made, k),
                    ))  # fmt: skip
                continue
            of = one.name
            if layer.level == "graph" and one.name in self.system.edges:
                of = f"each_{one.name}"
                found.append(Step(of, "edge", Variable(one.name)))
            found.append(Step(sum_name(one), layer.level, aggregate=one.aggregate, of=of))
        return found


def find_laws(
    network: FlowNetworks,
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    seed: int,
    report: Report = quiet,
    deadline: float = math.inf,
) -> list[Candidate]:
    """Laws with the flow of a trained network.

    Args:
        network: of one flow with fixed aggregates.
        train: data for formulas and constants.
        valid: data for the choice.
        options: operators and sizes that are allowed.
        seed: of everything random.
        report: progress; may raise Cancelled.
        deadline: of `time.monotonic`; after it the formulas at hand are used.
    """
    distillation = Distillation(network, fewer(train, 4 * ROWS, seed))
    parts = [
        (function, _imitations(function, options, seed, report, deadline))
        for layer in network.flows[0].layers
        for function in distillation.functions(layer)
    ]
    laws: dict[str, Law] = {}
    orders = (range(len(found)) for _, found in parts)
    for choice in islice(sorted(product(*orders), key=sum), LAWS):
        chosen = [(function, found[k]) for (function, found), k in zip(parts, choice, strict=True)]
        law = cascade(distillation, chosen)
        laws.setdefault(str(law.to_json()), law)
    found = []
    for law in laws.values():
        report(0, 0, "fitting constants end to end")
        if not np.isfinite(error(law, train)):
            continue
        fitted = refit(law, train, 30)
        if fitted.complexity <= options.max_complexity:
            found.append(library.candidate(fitted, train, valid, NAME))
        if time.monotonic() > deadline:
            break
    return found


def _imitations(
    function: Function, options: Knowledge, seed: int, report: Report, deadline: float
) -> list[Expression]:
    """Formulas for a function, the best trade first."""
    values = function.values
    mean = float(np.mean(values))
    if not function.inputs or np.std(values) < SMALL * abs(mean):
        return [Number(mean)]
    line = _line(function)
    if line is not None:
        return [line]
    train, valid = function.table(seed)
    engine = Knowledge(operators=options.operators, max_complexity=options.max_complexity)
    found = library.find(train, valid, engine, seed, _quietly(report), deadline)
    if time.monotonic() < deadline:
        found += genetic.find(
            train, valid, engine, seed, _quietly(report), deadline, evaluations=EVALUATIONS
        )
    front = [one for one in Front.of(found).candidates if one.law.level == "node"]
    if not front:
        return [Number(mean)]
    count = valid.target.values.size
    # an imitation need only be as good as the network: 1 % of the spread is no part of the law
    ordered = sorted(
        front,
        key=lambda one: (
            count * math.log(one.valid_error**2 + 1e-4) + math.log(count) * one.complexity
        ),
    )
    return [_single(one.law) for one in ordered[:FORMULAS]]


def _line(function: Function) -> Expression | None:
    """The sum itself, where a function of one sum is a line: the rest is up to the message."""
    name, *others = function.inputs
    if others or name.partition("_")[0] not in AGGREGATES:
        return None
    x, y = function.inputs[name][:, 0], function.values[:, 0]
    slope, offset = np.polyfit(x, y, 1)
    if np.std(y - slope * x - offset) > STRAIGHT * np.std(y):
        return None
    if abs(offset) < STRAIGHT * np.std(y):
        return Variable(name)
    return Apply("add", (Variable(name), Number(float(offset))))


def _single(law: Law) -> Expression:
    """One expression of a law without sums."""
    written: dict[str, Expression] = {}
    for step in law.steps:
        written[step.name] = substitute(step.expression, written)
    return written[law.steps[-1].name]


def cascade(distillation: Distillation, chosen: list[tuple[Function, Expression]]) -> Law:
    """The law whose functions are these formulas."""
    steps: dict[str, Step] = {}
    for layer in distillation.flow.layers:
        for step in distillation.sums(layer):
            steps[step.name] = step
        for channel in range(layer.size):
            own = [pair for pair in chosen if pair[0].layer is layer and pair[0].channel == channel]
            last = layer is distillation.flow.output
            name = distillation.system.target.name if last else step_name(layer, channel)
            name = name if not last or name not in _taken(distillation.system) else "answer"
            terms = [
                expression if function.factor_of in ("", "n")
                else _times(expression, Variable(function.factor_of))
                for function, expression in own
            ]  # fmt: skip
            total = terms[0]
            for term in terms[1:]:
                total = Apply("add", (total, term))
            along = layer.vector and layer.level == "edge"
            steps[name] = Step(name, layer.level, total, vector=along)
    return _without_idle(Law(tuple(steps.values())))


def _without_idle(law: Law) -> Law:
    """Steps that are read; an answer that only repeats a sum is that sum."""
    steps = list(law.steps)
    last = steps[-1]
    if isinstance(last.expression, Variable):
        before = next((one for one in steps if one.name == last.expression.name), None)
        if before is not None and before.level == last.level and before.expression is None:
            steps = [one for one in steps[:-1] if one is not before]
            steps.append(Step(last.name, last.level, aggregate=before.aggregate, of=before.of))
    while True:
        read = {
            name
            for one in steps
            for name in (variables(one.expression) if one.expression is not None else {one.of})
        }
        read |= {name.removesuffix(end) for name in read for end in ("_i", "_j")}
        kept = [one for one in steps if one.name in read or one is steps[-1]]
        if len(kept) == len(steps):
            return Law(tuple(kept))
        steps = kept


def _times(expression: Expression, vector: Variable) -> Expression:
    if expression == ONE:
        return vector
    if isinstance(expression, Apply) and expression.op == "div" and expression.args[0] == ONE:
        return Apply("div", (vector, expression.args[1]))
    return Apply("mul", (expression, vector))


def _taken(system: GraphSystem) -> set[str]:
    return {*system.nodes, *system.edges, *system.graphs}


def _column(values: torch.Tensor) -> np.ndarray:
    return values.double().numpy()[:, None]


def _usable(value: float) -> float:
    return value if math.isfinite(value) and abs(value) > 1e-12 else 1.0


def _quietly(report: Report) -> Report:
    def told(*_step: object, **_values: float) -> None:
        report(0, 0, "formulas of the flow's functions")

    return told
