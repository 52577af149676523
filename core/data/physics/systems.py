"""The systems that can be simulated: how their quantities are drawn and what their law is.

Source: distributions and laws of Shi et al., "Learning symbolic models for graph-structured
physical mechanism", ICLR 2023 (GSR), table of the systems: masses log-normal, positions, potentials
and external forces standard normal, rest length 1, resistances U(0.01, 1.01), conductivities
U(1, 3). Not stated there, chosen here: spread 0.5 of log mass; spring constants, heat rates and
contact rates U(0.5, 2); temperatures U(0.1, 1.1) where the law divides by them (a temperature near
0 would drown every other sample). Gravity and charges are plain 1/r^2 with all bodies at least
`MIN_DISTANCE` apart.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from core.knowledge.physics.system import GraphSystem, Quantity

MIN_DISTANCE = 0.3  # m, between two bodies whose force grows without bound
CROWD = 20  # nodes that fit a standard normal cloud with `MIN_DISTANCE`; more need more room


@dataclass(frozen=True)
class Shape:
    """Which nodes are linked: the same number of nodes in each graph.

    Attributes:
        num_graphs: S.
        num_nodes: nodes of one graph.
        sender: (E,) ascending by receiver.
        receiver: (E,).
        link: (E,) number of the undirected link that an edge is one direction of.
    """

    num_graphs: int
    num_nodes: int
    sender: np.ndarray
    receiver: np.ndarray
    link: np.ndarray

    @property
    def rows(self) -> int:
        """Nodes of all graphs."""
        return self.num_graphs * self.num_nodes

    @property
    def num_links(self) -> int:
        """Undirected links."""
        return int(self.link.max(initial=-1)) + 1


Draw = Callable[[np.random.Generator, Shape], tuple[dict, dict, dict]]


@dataclass(frozen=True)
class Simulator:
    """A system that can be drawn as often as wanted.

    Attributes:
        name: short id.
        title: in words.
        law: the true law as a person writes it.
        level: where the target lives.
        target: name and unit of the target.
        draw: quantities of nodes, edges and graphs.
        answer: the target without noise, (rows, 1|D).
        topology: which nodes are linked unless asked otherwise.
        num_nodes: nodes of a graph unless asked otherwise.
        directed: whether a link has one direction only.
        moves: node quantity that the target changes over time, empty when the system stands still.
        order: 1 when the target is its rate, 2 when it is its acceleration.
    """

    name: str
    title: str
    law: str
    level: str
    target: tuple[str, str]
    draw: Draw
    answer: Callable[[GraphSystem], np.ndarray]
    topology: str = "random"
    num_nodes: int = 5
    directed: bool = False
    moves: str = ""
    order: int = 1


def sum_over(values: np.ndarray, group: np.ndarray, num_groups: int) -> np.ndarray:
    """(num_groups, 1|D) sums of the rows of `values` by `group`."""
    total = np.zeros((num_groups, values.shape[1]))
    np.add.at(total, group, values)
    return total


def _quantities(*named: tuple[str, np.ndarray, str, str]) -> dict[str, Quantity]:
    return {
        name: Quantity(name, values.reshape(len(values), -1), unit, role)
        for name, values, unit, role in named
    }


def _normal(rng: np.random.Generator, rows: int, columns: int = 1) -> np.ndarray:
    return rng.standard_normal((rows, columns))


def _masses(rng: np.random.Generator, shape: Shape) -> np.ndarray:
    return np.exp(0.5 * _normal(rng, shape.rows))


def _apart(rng: np.random.Generator, shape: Shape, spread: float = 1.0) -> np.ndarray:
    """(rows, 2) normal positions; a node nearer than `MIN_DISTANCE` to an earlier is redrawn."""
    spread = spread * np.sqrt(max(1.0, shape.num_nodes / CROWD))
    placed = np.zeros((shape.num_graphs, shape.num_nodes, 2))
    for node in range(shape.num_nodes):
        near = np.ones(shape.num_graphs, bool)
        while near.any():
            placed[near, node] = spread * _normal(rng, near.sum(), 2)
            apart = placed[:, :node] - placed[:, node : node + 1]
            near = (np.linalg.norm(apart, axis=2) < MIN_DISTANCE).any(1)
    return placed.reshape(-1, 2)


def _draw_springs(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(
        ("m", _masses(rng, shape), "kg", ""),
        ("x", _normal(rng, shape.rows, 2), "m", "position"),
    )
    stiffness = rng.uniform(0.5, 2, shape.num_links)[shape.link]
    return nodes, _quantities(("k", stiffness, "N m^-1", "")), {}


def _draw_forced(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes, edges, graphs = _draw_springs(rng, shape)
    return nodes | _quantities(("f", _normal(rng, shape.rows, 2), "N", "")), edges, graphs


def _draw_gravity(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    masses = _masses(rng, shape)
    bodies = _quantities(("m", masses, "kg", ""), ("x", _apart(rng, shape), "m", "position"))
    return bodies, {}, {}


def _draw_charges(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes, edges, graphs = _draw_gravity(rng, shape)
    return nodes | _quantities(("q", _normal(rng, shape.rows), "C", "")), edges, graphs


def _draw_heat(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(("T", rng.random(shape.rows), "K", ""))
    rate = rng.uniform(0.5, 2, shape.num_links)[shape.link]
    return nodes, _quantities(("k", rate, "s^-1", "")), {}


def _draw_circuit(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(("V", _normal(rng, shape.rows), "V", ""))
    resistance = rng.uniform(0.01, 1.01, shape.num_links)[shape.link]
    return nodes, _quantities(("R", resistance, "ohm", "")), {}


def _draw_kuramoto(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(
        ("theta", rng.uniform(-np.pi, np.pi, shape.rows), "rad", "angle"),
        ("omega", _normal(rng, shape.rows), "rad s^-1", ""),
    )
    return nodes, {}, {}


def _draw_thermology(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(("T", rng.uniform(0.1, 1.1, shape.rows), "K", ""))
    return nodes, {}, _quantities(("alpha", rng.uniform(1, 3, shape.num_graphs), "W K^-1", ""))


def _draw_heated(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes, edges, graphs = _draw_thermology(rng, shape)
    return nodes | _quantities(("Q", _normal(rng, shape.rows), "W", "")), edges, graphs


def _draw_epidemic(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    nodes = _quantities(("I", rng.random(shape.rows), "1", ""))
    contacts = rng.uniform(0.5, 2, shape.num_links)[shape.link]
    return nodes, _quantities(("w", contacts, "s^-1", "")), {}


def _draw_genes(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    return _quantities(("c", rng.uniform(0, 3, shape.rows), "1", "")), {}, {}


def _draw_crowd(rng: np.random.Generator, shape: Shape) -> tuple[dict, dict, dict]:
    heading = rng.uniform(-np.pi, np.pi, shape.rows)
    desired = np.column_stack([np.cos(heading), np.sin(heading)])
    velocity = 1.2 * desired + 0.3 * _normal(rng, shape.rows, 2)
    nodes = _quantities(
        ("x", _apart(rng, shape), "m", "position"),
        ("v", velocity, "m s^-1", "velocity"),
        ("e", desired, "1", ""),
    )
    return nodes, {}, {}


def _received(system: GraphSystem, messages: np.ndarray) -> np.ndarray:
    """(N, 1|D) sum of the messages (E, 1|D) that each node receives."""
    return sum_over(messages, system.receiver, system.num_nodes)


def _ends(system: GraphSystem, name: str) -> tuple[np.ndarray, np.ndarray]:
    """(E, 1|D) each, a node quantity at the receiver i and at the sender j."""
    values = system.nodes[name].values
    return values[system.receiver], values[system.sender]


def _springs(system: GraphSystem) -> np.ndarray:
    pull = system.edges["k"].values * (system.distance - 1) * system.direction
    return _received(system, pull) / system.nodes["m"].values


def _forced_springs(system: GraphSystem) -> np.ndarray:
    mass, force = system.nodes["m"].values, system.nodes["f"].values
    sums = (sum_over(one, system.node_graph, system.num_graphs) for one in (force, mass))
    whole_force, whole_mass = (one[system.node_graph] for one in sums)
    return _springs(system) + force / mass - whole_force / whole_mass


def _gravity(system: GraphSystem) -> np.ndarray:
    pull = 1.7 * _ends(system, "m")[1] / system.distance**2
    return _received(system, pull * system.direction)


def _charges(system: GraphSystem) -> np.ndarray:
    (q_i, q_j), m_i = _ends(system, "q"), _ends(system, "m")[0]
    return _received(system, -1.3 * q_i * q_j / (m_i * system.distance**2) * system.direction)


def _heat(system: GraphSystem) -> np.ndarray:
    t_i, t_j = _ends(system, "T")
    return _received(system, system.edges["k"].values * (t_j - t_i))


def _current(system: GraphSystem) -> np.ndarray:
    v_i, v_j = _ends(system, "V")
    return (v_j - v_i) / system.edges["R"].values


def _power(system: GraphSystem) -> np.ndarray:
    v_i, v_j = _ends(system, "V")
    twice = (v_j - v_i) ** 2 / system.edges["R"].values
    return sum_over(twice, system.edge_graph, system.num_graphs) / 2


def _kuramoto(system: GraphSystem) -> np.ndarray:
    i, j = _ends(system, "theta")
    return system.nodes["omega"].values + 0.8 * _received(system, np.sin(j - i))


def _entropy(system: GraphSystem) -> np.ndarray:
    t_i, t_j = _ends(system, "T")
    parts = (t_j - t_i) / t_i
    return system.graphs["alpha"].values * sum_over(parts, system.edge_graph, system.num_graphs)


def _entropy_heated(system: GraphSystem) -> np.ndarray:
    heat = system.nodes["Q"].values / system.nodes["T"].values
    return _entropy(system) + sum_over(heat, system.node_graph, system.num_graphs)


def _epidemic(system: GraphSystem) -> np.ndarray:
    i, j = _ends(system, "I")
    caught = _received(system, 0.8 * system.edges["w"].values * (1 - i) * j)
    return caught - 0.4 * system.nodes["I"].values


def _genes(system: GraphSystem) -> np.ndarray:
    square = _ends(system, "c")[1] ** 2
    return _received(system, 2 * square / (1 + square)) - system.nodes["c"].values


def _crowd(system: GraphSystem) -> np.ndarray:
    push = _received(system, -3 * np.exp(-system.distance / 0.5) * system.direction)
    return (1.34 * system.nodes["e"].values - system.nodes["v"].values) / 0.5 + push


_ACCELERATION = ("a", "m s^-2")
_RATE = {"moves": "x", "order": 2}
_ALL = (
    Simulator(
        "springs", "Particles joined by springs", "a_i = Σ_j k_ij (r − 1) n / m_i",
        "node", _ACCELERATION, _draw_springs, _springs, **_RATE,
    ),
    Simulator(
        "gravity", "Bodies that attract each other", "a_i = Σ_j 1.7 m_j / r² n",
        "node", _ACCELERATION, _draw_gravity, _gravity, "complete", **_RATE,
    ),
    Simulator(
        "charges", "Charged particles", "a_i = −Σ_j 1.3 q_i q_j / (m_i r²) n",
        "node", _ACCELERATION, _draw_charges, _charges, "complete", **_RATE,
    ),
    Simulator(
        "heat", "Heat conduction on a graph", "dT_i/dt = Σ_j k_ij (T_j − T_i)",
        "node", ("dT_dt", "K s^-1"), _draw_heat, _heat, moves="T",
    ),
    Simulator(
        "circuit", "Power of a resistor circuit", "P = Σ over links (V_i − V_j)² / R",
        "graph", ("P", "W"), _draw_circuit, _power,
    ),
    Simulator(
        "current", "Currents of a resistor circuit", "I_ij = (V_j − V_i) / R_ij",
        "edge", ("current", "A"), _draw_circuit, _current,
    ),
    Simulator(
        "balance", "Current into each node of a circuit", "I_i = Σ_j (V_j − V_i) / R_ij",
        "node", ("current", "A"), _draw_circuit,
        lambda system: _received(system, _current(system)),
    ),
    Simulator(
        "kuramoto", "Coupled oscillators (Kuramoto)",
        "dθ_i/dt = ω_i + 0.8 Σ_j sin(θ_j − θ_i)",
        "node", ("dtheta_dt", "rad s^-1"), _draw_kuramoto, _kuramoto, moves="theta",
    ),
    Simulator(
        "mechanics-complex", "Springs under external forces, seen from the centre of mass",
        "a_i = Σ_j k_ij (r − 1) n / m_i + f_i / m_i − Σ f / Σ m",
        "node", _ACCELERATION, _draw_forced, _forced_springs, **_RATE,
    ),
    Simulator(
        "thermology", "Entropy production of a plate", "dS/dt = Σ_ij α (T_j − T_i) / T_i",
        "graph", ("dS_dt", "W K^-1"), _draw_thermology, _entropy, "grid", 9,
    ),
    Simulator(
        "thermology-complex", "Entropy production of a heated plate",
        "dS/dt = Σ_i (Σ_j α (T_j − T_i) + Q_i) / T_i",
        "graph", ("dS_dt", "W K^-1"), _draw_heated, _entropy_heated, "grid", 9,
    ),
    Simulator(
        "sis", "Epidemic on a contact network (SIS)",
        "dI_i/dt = 0.8 Σ_j w_ij (1 − I_i) I_j − 0.4 I_i",
        "node", ("dI_dt", "s^-1"), _draw_epidemic, _epidemic, moves="I",
    ),
    Simulator(
        "hill", "Genes that activate each other (Hill)",
        "dc_i/dt = Σ_j 2 c_j² / (1 + c_j²) − c_i",
        "node", ("dc_dt", "1"), _draw_genes, _genes, directed=True, moves="c",
    ),
    Simulator(
        "social-force", "Pedestrians (social force model)",
        "a_i = (1.34 e_i − v_i) / 0.5 − Σ_j 3 exp(−r / 0.5) n",
        "node", _ACCELERATION, _draw_crowd, _crowd, "complete", **_RATE,
    ),
)  # fmt: skip

SIMULATORS: Mapping[str, Simulator] = {one.name: one for one in _ALL}
