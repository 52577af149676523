"""Systems in motion: the true and the found law followed side by side from the same start."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.data.physics.simulators import find_simulator, simulate
from core.errors import InputError
from core.knowledge.physics.system import GraphSystem, Quantity

STEPS = 6  # of Runge and Kutta's method between two frames
BOUND = 1e4  # a state that leaves this range has blown up
SECONDS = {"heat": 3.0, "hill": 5.0, "social-force": 6.0, "sis": 8.0}

Rate = Callable[[GraphSystem], np.ndarray]


@dataclass(frozen=True)
class Run:
    """A system followed over time.

    Attributes:
        values: (frames, N, D) of the quantity that moves; fewer frames than asked when the state
            leaves all bounds.
        energy: (frames,) in J, None where it is not defined.
    """

    values: np.ndarray
    energy: np.ndarray | None

    @property
    def drift(self) -> float | None:
        """Largest change of the energy as a share of the largest size it had."""
        if self.energy is None:
            return None
        return float(np.ptp(self.energy) / max(np.abs(self.energy).max(), 1e-300))


@dataclass(frozen=True)
class Rollout:
    """The true law beside another one.

    Attributes:
        system: the start, one graph.
        moves: the node quantity that changes.
        times: (frames,) in s.
        true: by the true law.
        found: by the other law, None without one.
    """

    system: GraphSystem
    moves: str
    times: np.ndarray
    true: Run
    found: Run | None

    @property
    def gap(self) -> np.ndarray:
        """(frames,) root mean square distance between both, as far as both go."""
        if self.found is None:
            return np.zeros(0)
        frames = min(len(self.true.values), len(self.found.values))
        apart = self.true.values[:frames] - self.found.values[:frames]
        return np.sqrt((apart**2).sum(2).mean(1))


def rollout(
    name: str,
    law: Rate | None = None,
    *,
    num_nodes: int | None = None,
    topology: str | None = None,
    seed: int = 0,
    seconds: float | None = None,
    num_frames: int = 120,
) -> Rollout:
    """Follow a simulated system by its own law and by another.

    Bodies that attract each other start on near circular orbits around a heavy one; springs and
    charges at rest.

    Args:
        name: one of `SIMULATORS` that moves.
        law: from the system to its target, such as `Law.evaluate`.
        num_nodes: nodes; None for what the system usually has.
        topology: which nodes are linked; None for what the system usually has.
        seed: of the start.
        seconds: how long; None for what suits the system.
        num_frames: times at which the state is kept, the start included.

    Raises:
        UnknownName: PH-E10.
        InputError: PH-E11; PH-E12 for a system that stands still.
    """
    simulator = find_simulator(name)
    if not simulator.moves:
        raise InputError(
            "PH-E12", "Nothing moves", f"{simulator.title}: its target is not a change over time.",
            "Choose a system such as springs, gravity or heat.",
        )  # fmt: skip
    system = simulate(
        name, num_graphs=1, num_nodes=num_nodes, topology=topology, seed=seed
    )  # fmt: skip
    orbits = name in ("gravity", "charges")
    if orbits:
        system = _around_a_heavy_one(system, np.random.default_rng(seed))
    velocity = _start(system, simulator.answer, orbits=orbits)
    times = np.linspace(0, seconds or SECONDS.get(name, 10.0), num_frames)

    def run(rate: Rate) -> Run:
        states, velocities = follow(
            system, rate, simulator.moves, times, velocity if simulator.order == 2 else None
        )
        return Run(states, _energy(name, system, states, velocities))

    found = None if law is None else run(law)
    return Rollout(system, simulator.moves, times, run(simulator.answer), found)


def follow(
    system: GraphSystem, rate: Rate, moves: str, times: np.ndarray, velocity: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Integrate by Runge and Kutta's method of fourth order.

    Args:
        system: the start.
        rate: the target of a system: what a node quantity gains per second, or its acceleration.
        moves: the node quantity that changes.
        times: (frames,) in s, evenly spaced.
        velocity: (N, D) at the start if `rate` is an acceleration, else None.

    Returns:
        (frames, N, D) states, and velocities if there were any. They end before the first state
        that is not finite or far outside of all bounds.
    """
    start = system.nodes[moves].values
    speed = next((key for key, one in system.nodes.items() if one.role == "velocity"), None)

    def change(state: np.ndarray) -> np.ndarray:
        nodes = dict(system.nodes) | _changed(system.nodes, moves, state[0])
        if velocity is None:
            return rate(replace(system, nodes=nodes))[None]
        if speed is not None:
            nodes |= _changed(system.nodes, speed, state[1])
        return np.stack([state[1], rate(replace(system, nodes=nodes))])

    state = start[None] if velocity is None else np.stack([start, velocity])
    step = (times[1] - times[0]) / STEPS if len(times) > 1 else 0.0
    states = [state]
    for _ in times[1:]:
        for _ in range(STEPS):
            state = _advance(change, state, step)
        if not np.abs(state).max() < BOUND:  # also when it is nan
            break
        states.append(state)
    kept = np.stack(states)
    return kept[:, 0], None if velocity is None else kept[:, 1]


def _advance(
    change: Callable[[np.ndarray], np.ndarray], state: np.ndarray, step: float
) -> np.ndarray:
    with np.errstate(all="ignore"):  # what overflows ends the run
        first = change(state)
        second = change(state + step / 2 * first)
        third = change(state + step / 2 * second)
        fourth = change(state + step * third)
        return state + step / 6 * (first + 2 * second + 2 * third + fourth)


def _changed(nodes: Mapping[str, Quantity], name: str, values: np.ndarray) -> dict[str, Quantity]:
    return {name: replace(nodes[name], values=values)}


def _around_a_heavy_one(system: GraphSystem, rng: np.random.Generator) -> GraphSystem:
    """The first body heavy in the middle, the others light around it, well apart."""
    number = np.arange(system.num_nodes)[:, None]
    ratio = min(1.5, 6 ** (1 / max(system.num_nodes - 2, 1)))
    radius = np.where(number > 0, 0.6 * ratio ** (number - 1.0), 0)
    angle = rng.uniform(0, 2 * np.pi, number.shape)
    nodes = dict(system.nodes)
    nodes |= _changed(nodes, "x", radius * np.concatenate([np.cos(angle), np.sin(angle)], 1))
    nodes |= _changed(nodes, "m", np.where(number > 0, 0.01, 4.0))
    if "q" in nodes:
        nodes |= _changed(nodes, "q", np.where(number > 0, -0.02, 3.0))
    return replace(system, nodes=nodes)


def _start(system: GraphSystem, rate: Rate, *, orbits: bool) -> np.ndarray:
    """(N, D) velocities: measured ones, those of circles around the first body, or none."""
    measured = next((one for one in system.nodes.values() if one.role == "velocity"), None)
    if measured is not None:
        return measured.values
    if not orbits:
        return np.zeros_like(rate(system))
    out = system.nodes["x"].values - system.nodes["x"].values[:1]
    across = np.column_stack([-out[:, 1], out[:, 0]])  # as long as the radius
    radius = np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)
    inward = np.maximum(-(rate(system) * out).sum(1, keepdims=True) / radius, 0)
    velocity = np.sqrt(inward / radius) * across
    mass = system.nodes["m"].values
    return velocity - (mass * velocity).sum(0) / mass.sum()  # the centre of mass rests


def _energy(
    name: str, system: GraphSystem, states: np.ndarray, velocities: np.ndarray | None
) -> np.ndarray | None:
    """(frames,) kinetic and potential energy in J by the true law."""
    if velocities is None or name not in ("springs", "gravity", "charges"):
        return None
    mass = system.nodes["m"].values
    once = system.sender < system.receiver
    i, j = system.receiver[once], system.sender[once]
    apart = np.linalg.norm(states[:, i] - states[:, j], axis=2)
    if name == "springs":
        pairs = system.edges["k"].values[once, 0] * (apart - 1) ** 2 / 2
    elif name == "gravity":
        pairs = -1.7 * mass[i, 0] * mass[j, 0] / apart
    else:
        charge = system.nodes["q"].values[:, 0]
        pairs = 1.3 * charge[i] * charge[j] / apart
    return (mass * velocities**2).sum((1, 2)) / 2 + pairs.sum(1)
