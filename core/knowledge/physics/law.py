"""Laws on graphs: expressions on edges, nodes and whole graphs, joined by aggregations.

Source: Shi et al., "Learning Symbolic Models for Graph-structured Physical Mechanism", ICLR 2023,
section 3: a formula is a message-passing flow whose component functions are expressions.
Differs from the paper: where there are positions, a message is a scalar times the unit vector from
receiver to sender, so that laws keep their form when the world is moved or turned.

Notation: i receiver, j sender, N(i) the senders of the edges that arrive at i.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from core.errors import ShapeError
from core.knowledge.physics import expression
from core.knowledge.physics.expression import Expression, Variable
from core.knowledge.physics.system import LEVELS, GraphSystem, Quantity

AGGREGATES = ("sum", "mean", "max")
Steps = Mapping[str, tuple[str, np.ndarray]]  # name -> level, values


@dataclass(frozen=True, slots=True)
class Step:
    """One named quantity of a law: either an expression or an aggregate.

    Attributes:
        name: an identifier.
        level: where it lives, "edge", "node" or "graph".
        expression: over the names visible there, None for an aggregate.
        aggregate: one of `AGGREGATES`, empty for an expression.
        of: what is aggregated: an earlier step of a finer level, or an input of the level just
            below, which is "edge" for a node and "node" for a graph.
        vector: on an edge, the value is the expression times the unit vector from i to j.
    """

    name: str
    level: str
    expression: Expression | None = None
    aggregate: str = ""
    of: str = ""
    vector: bool = False


def aggregate(how: str, values: np.ndarray, index: np.ndarray, rows: int) -> np.ndarray:
    """Combine the values of each group.

    Args:
        how: "sum", "mean" or "max", for every component on its own.
        values: (n, 1|D).
        index: (n,) group of each row.
        rows: number of groups.

    Returns:
        (rows, 1|D); 0 for an empty group.
    """
    if how == "max":
        order = np.argsort(index, kind="stable")
        ordered = index[order]
        first = np.flatnonzero(np.diff(ordered, prepend=-1))
        result = np.zeros((rows, values.shape[1]))
        if len(first):
            result[ordered[first]] = np.maximum.reduceat(values[order], first, axis=0)
        return result
    total = np.stack(
        [np.bincount(index, weights=column, minlength=rows) for column in values.T], axis=1
    )
    if how == "sum":
        return total
    return total / np.maximum(np.bincount(index, minlength=rows), 1)[:, None]


def _angle_between(system: GraphSystem, values: np.ndarray) -> np.ndarray:
    """Sender minus receiver, in (-pi, pi]."""
    apart = values[system.sender] - values[system.receiver]
    return np.pi - (np.pi - apart) % (2 * np.pi)


def _turned(n: np.ndarray) -> np.ndarray:
    """(E, 2) turned by +90 degrees."""
    return np.stack([-n[:, 1], n[:, 0]], axis=1)


def _along(direction: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.sum(values * direction, axis=1, keepdims=True)


Source = Callable[[], np.ndarray]


def _of_edge_ends(system: GraphSystem, one: Quantity) -> dict[str, Source]:
    """What an edge sees of a quantity of its two nodes."""
    name, values = one.name, one.values

    def at(ends: np.ndarray) -> np.ndarray:
        return values[ends]

    def apart() -> np.ndarray:
        return values[system.sender] - values[system.receiver]

    i, j = partial(at, system.receiver), partial(at, system.sender)
    if one.role == "angle":
        return {f"d{name}": partial(_angle_between, system, values)}
    seen: dict[str, Source] = {f"{name}_i": i, f"{name}_j": j}
    if one.role == "position":
        return seen
    seen[f"d{name}"] = apart
    if not one.is_vector or system.position is None:
        return seen
    seen[f"{name}_i_n"] = lambda: _along(system.direction, i())
    seen[f"{name}_j_n"] = lambda: _along(system.direction, j())
    seen[f"d{name}_n"] = lambda: _along(system.direction, apart())
    if values.shape[1] == 2:
        seen[f"d{name}_t"] = lambda: _along(_turned(system.direction), apart())
    return seen


def _measured(system: GraphSystem, level: str, *, absolute: bool) -> dict[str, Source]:
    """How the quantities of the system are seen on a level, apart from those of whole graphs."""
    nodes = [one for one in system.nodes.values() if one.role != "position" or absolute]
    if level == "node":
        return {one.name: partial(_same, one.values) for one in nodes}
    sources: dict[str, Source] = {}
    if level == "edge":
        for one in nodes:
            sources |= _of_edge_ends(system, one)
        if system.position is not None:
            sources |= {"r": lambda: system.distance, "n": lambda: system.direction}
            if system.position.values.shape[1] == 2:
                sources["n_t"] = lambda: _turned(system.direction)
        sources |= {one.name: partial(_same, one.values) for one in system.edges.values()}
    return sources


def _same(values: np.ndarray) -> np.ndarray:
    return values


def _sources(system: GraphSystem, level: str, steps: Steps, *, absolute: bool) -> dict[str, Source]:
    """How each name that is visible on a level is computed."""
    graph = {"edge": system.edge_graph, "node": system.node_graph}.get(level)

    def of_graph(values: np.ndarray) -> Source:
        return partial(_same, values) if graph is None else partial(values.__getitem__, graph)

    sources = _measured(system, level, absolute=absolute)
    sources |= {one.name: of_graph(one.values) for one in system.graphs.values()}
    for name, (where, values) in steps.items():
        if where == "graph":
            sources[name] = of_graph(values)
        elif where == level:
            sources[name] = partial(_same, values)
        elif (where, level) == ("node", "edge"):
            sources[f"{name}_i"] = partial(values.__getitem__, system.receiver)
            sources[f"{name}_j"] = partial(values.__getitem__, system.sender)
    return sources


def visible_names(
    system: GraphSystem, level: str, steps: Steps | None = None, *, absolute: bool = False
) -> tuple[str, ...]:
    """Names that an expression at a level may use.

    On edges: ``q_i``, ``q_j`` and ``dq`` = q_j - q_i of a quantity q of the nodes (of an angle only
    ``dq``, in (-pi, pi]); where there are positions the distance ``r``, the unit vector ``n`` from
    i to j, in the plane also ``n_t``, which is n turned by +90 degrees, and of a vector w the
    components ``w_i_n``, ``w_j_n``, ``dw_n`` along n and ``dw_t`` along n_t; the edge's own
    quantities. Everywhere: quantities of the whole graph, and earlier steps.

    Args:
        system: the system.
        level: "edge", "node" or "graph".
        steps: earlier steps.
        absolute: also positions as they are, which breaks the symmetry under translation.
    """
    return tuple(_sources(system, level, steps or {}, absolute=absolute))


def inputs_of(
    system: GraphSystem,
    level: str,
    steps: Steps | None = None,
    names: Iterable[str] | None = None,
) -> dict[str, np.ndarray]:
    """Values of the names visible at a level.

    Args:
        system: the system.
        level: "edge", "node" or "graph".
        steps: earlier steps with their levels and values.
        names: which ones, positions as they are allowed; None for all of `visible_names`.

    Returns:
        name -> (rows, 1|D).

    Raises:
        ShapeError: if a name is not visible there.
    """
    sources = _sources(system, level, steps or {}, absolute=names is not None)
    wanted = tuple(sources if names is None else names)
    if missing := [name for name in wanted if name not in sources]:
        raise ShapeError(
            f'The law uses "{missing[0]}", which is not known on the {level} level of this system. '
            f"Known there: {', '.join(sources)}."
        )
    return {name: sources[name]() for name in wanted}


@dataclass(frozen=True)
class Law:
    """Steps in the order of computation; the last one is the answer."""

    steps: tuple[Step, ...]

    def evaluate(self, system: GraphSystem) -> np.ndarray:
        """The answer for every row of the last step's level.

        Returns:
            (rows, 1|D); nan or inf where it is not defined.

        Raises:
            ShapeError: if a name is not known in this system.
        """
        known: dict[str, tuple[str, np.ndarray]] = {}
        for step in self.steps:
            known[step.name] = (step.level, self._value(step, system, known))
        return known[self.steps[-1].name][1]

    def _value(self, step: Step, system: GraphSystem, known: Steps) -> np.ndarray:
        rows = {"edge": system.num_edges, "node": system.num_nodes, "graph": system.num_graphs}
        if step.expression is not None:
            names = expression.variables(step.expression)
            values = inputs_of(system, step.level, known, names)
            values[""] = np.empty((rows[step.level], 1))  # gives a constant its number of rows
            value = expression.evaluate(step.expression, values)
            return value * system.direction if step.vector else value
        if step.of in known:
            finer, values = known[step.of]
        else:
            finer = "edge" if step.level == "node" else "node"
            values = inputs_of(system, finer, known, [step.of])[step.of]
        index = {
            ("edge", "node"): system.receiver,
            ("edge", "graph"): system.edge_graph,
            ("node", "graph"): system.node_graph,
        }[finer, step.level]
        return aggregate(step.aggregate, values, index, rows[step.level])

    @property
    def level(self) -> str:
        """Where the answer lives."""
        return self.steps[-1].level

    @property
    def complexity(self) -> int:
        """Nodes of all trees, and one for each aggregate and each unit vector."""
        return sum(
            1 if step.expression is None else expression.complexity(step.expression) + step.vector
            for step in self.steps
        )

    @property
    def constants(self) -> tuple[float, ...]:
        """Numbers that can be fitted, step by step."""
        return tuple(
            value
            for step in self.steps
            if step.expression is not None
            for value in expression.constants(step.expression)
        )

    def with_constants(self, values: Iterable[float]) -> "Law":
        """The same law with other numbers, in the order of `constants`."""
        rest = iter(values)
        return self.map(lambda step: expression.with_constants(step.expression, rest))

    def map(self, change: Callable[[Step], Expression]) -> "Law":
        """The same law with other expressions."""
        return Law(
            tuple(
                step if step.expression is None else replace(step, expression=change(step))
                for step in self.steps
            )
        )

    def to_json(self) -> list[dict[str, object]]:
        """One record for each step, without what is empty."""
        records = []
        for step in self.steps:
            record: dict[str, object] = {"name": step.name, "level": step.level}
            if step.expression is None:
                record |= {"aggregate": step.aggregate, "of": step.of}
            else:
                record["expression"] = expression.to_json(step.expression)
                record |= {"vector": True} if step.vector else {}
            records.append(record)
        return records

    @staticmethod
    def from_json(records: list[dict[str, object]]) -> "Law":
        """The law of such records.

        Raises:
            InputError: PH-E09 if a name, a level or an expression cannot be read.
        """
        steps = []
        for one in records:
            names = [one["name"], *([one["of"]] if "of" in one else [])]
            known = one["level"] in LEVELS and one.get("aggregate", "sum") in AGGREGATES
            if not known or not all(
                isinstance(name, str) and name.isidentifier() for name in names
            ):
                raise expression.refused(f"{str(one)[:60]} is no step of a law.")
            tree = expression.from_json(one["expression"]) if "expression" in one else None
            aggregate, of = str(one.get("aggregate", "")), str(one.get("of", ""))
            vector = bool(one.get("vector", False))
            steps.append(Step(names[0], str(one["level"]), tree, aggregate, of, vector))
        if not steps or not _in_order(steps):
            raise expression.refused("Its steps are not in the order of computation.")
        return Law(tuple(steps))

    def text(self, digits: int = 4) -> str:
        """The law on one line, such as ``a = (sum_j k * (r - 1) n) / m``."""
        written: dict[str, Expression] = {}
        last = self.steps[-1]
        for step in self.steps:
            if step.expression is None:
                inner = expression.to_text(written.get(step.of, Variable(step.of)), digits)
                over = {"node": "j", "graph": "all"}[step.level]
                written[step.name] = Variable(f"{step.aggregate}_{over}[{inner}]")
            else:
                tree = expression.substitute(step.expression, _with_ends(written))
                written[step.name] = (
                    Variable(f"({expression.to_text(tree, digits)}) n") if step.vector else tree
                )
        return f"{last.name} = {expression.to_text(written[last.name], digits)}"


def _in_order(steps: list[Step]) -> bool:
    """Whether each step has a name of its own and uses earlier ones only."""
    later = [step.name for step in steps]
    if len(set(later)) < len(later):
        return False
    for step in steps:
        used = {step.of} if step.expression is None else expression.variables(step.expression)
        if {*used, *(name[:-2] for name in used if name.endswith(("_i", "_j")))} & set(later):
            return False
        later.remove(step.name)
    return True


def _with_ends(written: Mapping[str, Expression]) -> dict[str, Expression]:
    """Earlier steps under every name they are visible by."""
    return {
        **written,
        **{
            f"{name}_{end}": Variable(f"({expression.to_text(tree, 4)})_{end}")
            for name, tree in written.items()
            for end in "ij"
        },
    }
