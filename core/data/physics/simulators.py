"""Samples of systems on graphs whose law is known, to learn from and to test with."""

from dataclasses import replace

import numpy as np

from core.data.physics.systems import SIMULATORS, Shape, Simulator
from core.data.physics.truths import TRUTHS
from core.errors import InputError, UnknownName
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem, Quantity

__all__ = ["SIMULATORS", "TOPOLOGIES", "find_simulator", "simulate", "truth"]

TOPOLOGIES = ("random", "complete", "ring", "grid")
MAX_ROWS = 500_000  # edges of all graphs, each direction counted
MAX_NODES = 200


def find_simulator(name: str) -> Simulator:
    """The simulator with this name.

    Raises:
        UnknownName: PH-E10.
    """
    if name not in SIMULATORS:
        raise UnknownName(
            "PH-E10", "Unknown system", name, SIMULATORS, kind="the list of simulators",
            hint=f"Known: {', '.join(SIMULATORS)}.",
        )  # fmt: skip
    return SIMULATORS[name]


def simulate(
    name: str,
    *,
    num_graphs: int = 300,
    num_nodes: int | None = None,
    topology: str | None = None,
    noise: float = 0.0,
    seed: int = 0,
) -> GraphSystem:
    """Draw samples of a system whose law is known.

    The same seed gives the same inputs whatever the noise is.

    Args:
        name: one of `SIMULATORS`.
        num_graphs: samples; each has its own graph.
        num_nodes: nodes of each graph; None for what the system usually has.
        topology: one of `TOPOLOGIES`; None for what the system usually has. `random` is a random
            tree and, on average, half as many further links as there are nodes.
        noise: standard deviation of the Gaussian noise on the target, as a share of the target's.
        seed: of everything random.

    Raises:
        UnknownName: PH-E10.
        InputError: PH-E11 for sizes, a topology or a noise that cannot be drawn.
    """
    simulator = find_simulator(name)
    num_nodes = simulator.num_nodes if num_nodes is None else num_nodes
    topology = topology or simulator.topology
    _check(num_graphs, num_nodes, topology, noise)
    rng = np.random.default_rng(seed)
    shape = _link(rng, num_graphs, num_nodes, topology, directed=simulator.directed)
    groups = simulator.draw(rng, shape)
    target_name, unit = simulator.target
    counts = {"node": shape.rows, "edge": len(shape.sender), "graph": num_graphs}
    rows = counts[simulator.level]
    system = GraphSystem(
        *groups,
        shape.sender,
        shape.receiver,
        np.repeat(np.arange(num_graphs), num_nodes),
        Quantity(target_name, np.zeros((rows, 1)), unit),
        simulator.level,
        num_graphs,
        title=simulator.title,
        notes=(f"Simulated: {simulator.law}.",),
    )
    values = simulator.answer(system)
    values = values + noise * values.std() * rng.standard_normal(values.shape)
    return replace(system, target=Quantity(target_name, values, unit))


def truth(name: str) -> Law:
    """The law of a simulated system; `Law.evaluate` gives its target without noise.

    Raises:
        UnknownName: PH-E10.
    """
    return TRUTHS[find_simulator(name).name]


def _check(num_graphs: int, num_nodes: int, topology: str, noise: float) -> None:
    """Raise PH-E11."""
    problem = ""
    if topology not in TOPOLOGIES:
        problem = f'There is no topology "{topology}".'
    elif not (num_graphs >= 1 and 2 <= num_nodes <= MAX_NODES):
        problem = f"{num_graphs} graphs of {num_nodes} nodes cannot be drawn."
    elif num_graphs * num_nodes * (num_nodes - 1 if topology == "complete" else 4) > MAX_ROWS:
        problem = f"{num_graphs:,} graphs of {num_nodes} nodes have too many edges."
    elif not 0 <= noise <= 10:
        problem = f"Noise of {noise:g} times the target's spread cannot be drawn."
    if problem:
        raise InputError(
            "PH-E11", "Cannot simulate", problem,
            f"Choose 2 to {MAX_NODES} nodes, at most {MAX_ROWS:,} edges in all, noise from 0 to 10 "
            f"and one of {', '.join(TOPOLOGIES)}.",
        )  # fmt: skip


def _link(
    rng: np.random.Generator, num_graphs: int, num_nodes: int, topology: str, *, directed: bool
) -> Shape:
    """Which nodes are linked, in every graph."""
    pairs = [_pairs(rng, num_nodes, topology) for _ in range(num_graphs)]
    start = np.repeat(np.arange(num_graphs) * num_nodes, [len(one) for one in pairs])
    first, second = (start[:, None] + np.concatenate(pairs)).T
    link = np.arange(len(first))
    if directed:
        turned = rng.random(len(first)) < 0.5
        sender, receiver = np.where(turned, second, first), np.where(turned, first, second)
    else:
        sender, receiver = np.concatenate([first, second]), np.concatenate([second, first])
        link = np.concatenate([link, link])
    order = np.lexsort((sender, receiver))
    return Shape(num_graphs, num_nodes, sender[order], receiver[order], link[order])


def _pairs(rng: np.random.Generator, num_nodes: int, topology: str) -> np.ndarray:
    """(links, 2) pairs of linked nodes of one graph, each once."""
    every = np.arange(num_nodes)
    if topology == "ring":
        pairs = np.column_stack([every, (every + 1) % num_nodes])
        return pairs[: num_nodes if num_nodes > 2 else 1]
    if topology == "grid":
        width = int(np.ceil(np.sqrt(num_nodes)))
        right = every[(every % width < width - 1) & (every + 1 < num_nodes)]
        down = every[every + width < num_nodes]
        return np.concatenate(
            [np.column_stack([right, right + 1]), np.column_stack([down, down + width])]
        )
    pairs = np.column_stack(np.triu_indices(num_nodes, 1))
    if topology == "complete":
        return pairs
    later = every[1:]
    earlier = (rng.random(num_nodes - 1) * later).astype(int)
    names = rng.permutation(num_nodes)
    tree = np.sort(names[np.column_stack([earlier, later])], axis=1)
    kept = np.zeros((num_nodes, num_nodes), bool)
    kept[tree[:, 0], tree[:, 1]] = True
    others = pairs[~kept[pairs[:, 0], pairs[:, 1]]]
    more = others[rng.random(len(others)) * len(others) < num_nodes / 2]
    return np.concatenate([tree, more])
