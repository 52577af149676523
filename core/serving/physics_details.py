"""One formula looked at closely: predictions, what is left over, larger systems, motion."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.data.physics.rollout import rollout
from core.data.physics.simulators import SIMULATORS
from core.discovery.fitting import determination, error
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import AXES, GraphSystem, Quantity
from core.serving import physics_question
from core.serving.physics_question import SIMULATOR, Question

LARGER = (10, 20)  # nodes of the larger systems
LARGER_GRAPHS = 100
FRAMES = 60
MAX_DISAGREEMENTS = 10
OTHER_DRAW = 7919  # added to the seed of the data: systems that nobody has seen


@dataclass(frozen=True)
class Agreement:
    """Measured and predicted values of the test part, components of vectors one after another.

    Attributes:
        name: of the target, with its unit.
        unit: of the target.
        measured: values.
        predicted: values of the formula; rows where it is not defined are left out.
        undefined: how many were left out.
        over: further quantities of the same rows, by name with unit.
        trained: smallest and largest value of each of them in the training part.
    """

    name: str
    unit: str
    measured: list[float]
    predicted: list[float]
    undefined: int
    over: Mapping[str, list[float]]
    trained: Mapping[str, tuple[float, float]]

    @property
    def residual(self) -> list[float]:
        """Measured minus predicted."""
        return [one - two for one, two in zip(self.measured, self.predicted, strict=True)]


@dataclass(frozen=True)
class Disagreement:
    """A test value on which two laws differ."""

    place: str
    measured: float
    predicted: tuple[float, float]

    @property
    def size(self) -> float:
        """Distance of the two predictions."""
        return abs(self.predicted[0] - self.predicted[1])


@dataclass(frozen=True)
class Larger:
    """A law on systems with more nodes than those it was learnt from."""

    num_nodes: int
    num_graphs: int
    r2: float
    error: float


@dataclass(frozen=True)
class Motion:
    """The true law and the found one from the same start.

    Attributes:
        moves: name of the quantity that changes, with its unit.
        flat: whether it is a position in the plane.
        times: (frames,) seconds.
        true: (frames, nodes, components).
        found: likewise; fewer frames when the found law flies apart.
        gap: (frames,) root mean square distance between both.
        drift_true: largest change of the energy as a share, None without an energy.
        drift_found: likewise.
    """

    moves: str
    flat: bool
    times: list[float]
    true: list[Any]
    found: list[Any]
    gap: list[float]
    drift_true: float | None
    drift_found: float | None


def agree(law: Law, train: GraphSystem, test: GraphSystem) -> Agreement:
    """Measured and predicted values of the test part.

    Args:
        law: with its constants.
        train: for the ranges that the law has seen.
        test: the rows that are shown.
    """
    with np.errstate(all="ignore"):
        values = np.broadcast_to(law.evaluate(test), test.target.values.shape)
    defined = np.isfinite(values).all(1)
    num = values.shape[1]
    tested, trained = _axes(test), _axes(train)
    return Agreement(
        with_unit(test.target),
        test.target.unit,
        test.target.values[defined].ravel().tolist(),
        values[defined].ravel().tolist(),
        int((~defined).sum()),
        {name: np.repeat(each[defined], num).tolist() for name, each in tested.items()},
        {name: (float(each.min()), float(each.max())) for name, each in trained.items()},
    )


def disagree(one: Law, other: Law, test: GraphSystem) -> list[Disagreement]:
    """Test values on which two laws differ, the largest difference first.

    Values that one of them leaves undefined are left out.
    """
    shape = test.target.values.shape
    with np.errstate(all="ignore"):
        first, second = (np.broadcast_to(law.evaluate(test), shape) for law in (one, other))
    apart = np.where(np.isfinite(first) & np.isfinite(second), np.abs(first - second), -1.0)
    order = np.argsort(-apart, axis=None, kind="stable")[:MAX_DISAGREEMENTS]
    return [
        Disagreement(
            _place(test, row, component if shape[1] > 1 else None),
            float(test.target.values[row, component]),
            (float(first[row, component]), float(second[row, component])),
        )
        for row, component in zip(*np.unravel_index(order, shape), strict=True)
        if apart[row, component] >= 0
    ]


def _place(test: GraphSystem, row: int, component: int | None) -> str:
    """Such as ``graph 3, node 2, x``, counted from 1."""
    owner = {"edge": test.edge_graph, "node": test.node_graph}.get(test.level)
    graph = row if owner is None else int(owner[row])
    words = f"graph {graph + 1}"
    if owner is not None:
        words += f", {test.level} {int((owner[:row] == graph).sum()) + 1}"
    return words if component is None else f"{words}, {AXES[component]}"


def with_unit(one: Quantity) -> str:
    """``a (m s^-2)``."""
    return f"{one.name} ({one.unit})" if one.unit not in ("", "1") else one.name


def _axes(system: GraphSystem) -> dict[str, np.ndarray]:
    """(rows of the target,) of what residuals may depend on."""
    group = system.group_of(system.level)
    found = {
        with_unit(one): one.values[:, 0]
        for one in group.values()
        if not one.is_vector and one.role != "position"
    }
    if system.level == "edge":
        if system.position is not None:
            found[_distance(system)] = system.distance[:, 0]
        return found
    level, index, rows = {
        "node": ("degree", system.receiver, system.num_nodes),
        "graph": ("number of edges", system.edge_graph, system.num_graphs),
    }[system.level]
    degree = np.bincount(index, minlength=rows)
    if system.position is not None and system.num_edges:
        nearest = np.full(rows, np.inf)
        np.minimum.at(nearest, index, system.distance[:, 0])
        nearest[np.isinf(nearest)] = nearest[np.isfinite(nearest)].max()
        found = {f"nearest {_distance(system)}": nearest, **found}
    return {**found, level: degree.astype(float)}


def _distance(system: GraphSystem) -> str:
    unit = system.position.unit if system.position else ""
    return f"distance r ({unit})" if unit else "distance r"


def enlarge(question: Question, law: Law) -> list[Larger]:
    """The law on larger systems of the same kind; empty where none can be simulated."""
    if question.kind != SIMULATOR:
        return []
    found = []
    settings = dict(question.settings)
    for num_nodes in (settings["num_nodes"], *LARGER):
        change = {
            "num_nodes": num_nodes, "num_graphs": LARGER_GRAPHS,
            "seed": settings["seed"] + OTHER_DRAW,
        }  # fmt: skip
        other = Question(
            question.source, tuple((settings | change).items()), question.units, question.left_out
        )
        system = physics_question.load_system(other)
        found.append(
            Larger(num_nodes, LARGER_GRAPHS, determination(law, system), error(law, system))
        )
    return found


def moves(question: Question) -> bool:
    """Whether the system has a motion that can be followed."""
    return question.kind == SIMULATOR and bool(SIMULATORS[question.name].moves)


def follow(question: Question, law: Law, *, seed: int, num_nodes: int) -> Motion:
    """The true law and the found one from the same start.

    Raises:
        InputError: the system stands still, or the law reads what it does not have.
    """
    settings = dict(question.settings)
    found = rollout(
        question.name, law.evaluate, num_nodes=num_nodes, topology=settings["topology"], seed=seed,
        num_frames=FRAMES,
    )  # fmt: skip
    quantity = found.system.nodes[found.moves]
    other = found.found
    return Motion(
        with_unit(quantity),
        quantity.role == "position" and quantity.values.shape[1] == 2,
        found.times.tolist(),
        found.true.values.tolist(),
        other.values.tolist(),
        found.gap.tolist(),
        found.true.drift,
        other.drift,
    )
