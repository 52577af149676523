import numpy as np
import pytest

from core.data.physics.simulators import SIMULATORS, TOPOLOGIES, simulate, truth
from core.data.physics.systems import MIN_DISTANCE
from core.errors import InputError, UnknownName


class Edge:
    """One edge: `one.m_i`, `one.m_j`, `one.k` and so on; `d`, `r` and `n` from i to j."""

    def __init__(self, system, number):
        i, j, g = system.receiver[number], system.sender[number], system.edge_graph[number]
        for name, one in system.nodes.items():
            setattr(self, name + "_i", np.squeeze(one.values[i]))
            setattr(self, name + "_j", np.squeeze(one.values[j]))
        for name, one in system.edges.items():
            setattr(self, name, one.values[number, 0])
        for name, one in system.graphs.items():
            setattr(self, name, one.values[g, 0])
        if "x" in system.nodes:
            self.d = self.x_j - self.x_i
            self.r = float(np.sqrt(self.d @ self.d))
            self.n = self.d / self.r
        self.row = {"node": i, "graph": g, "edge": number}[system.level]


def spring(one):
    return one.k * (one.d - one.n) / one.m_i


def ohm(one):
    return (one.V_j - one.V_i) / one.R


def flow(one):
    return one.alpha * (one.T_j - one.T_i) / one.T_i


MESSAGES = {
    "springs": spring,
    "mechanics-complex": spring,
    "gravity": lambda one: 1.7 * one.m_j * one.d / one.r**3,
    "charges": lambda one: -1.3 * one.q_i * one.q_j * one.d / one.r**3 / one.m_i,
    "heat": lambda one: one.k * (one.T_j - one.T_i),
    "circuit": lambda one: 0.5 * ohm(one) ** 2 * one.R,
    "current": ohm,
    "balance": ohm,
    "kuramoto": lambda one: 0.8 * np.sin(one.theta_j - one.theta_i),
    "thermology": flow,
    "thermology-complex": flow,
    "sis": lambda one: 0.8 * one.w * (1 - one.I_i) * one.I_j,
    "hill": lambda one: 2 / (1 + one.c_j**-2.0),
    "social-force": lambda one: -3 * np.exp(-2 * one.r) * one.n,
}


def of_nodes(name, system):
    """(rows, 1|D) what does not come over the edges."""
    node = {key: one.values for key, one in system.nodes.items()}
    graphs = np.arange(system.num_graphs)[:, None] == system.node_graph  # (S, N)
    if name == "mechanics-complex":
        return node["f"] / node["m"] - graphs.T @ ((graphs @ node["f"]) / (graphs @ node["m"]))
    if name == "thermology-complex":
        return graphs @ (node["Q"] / node["T"])
    alone = {
        "kuramoto": lambda: node["omega"],
        "sis": lambda: -0.4 * node["I"],
        "hill": lambda: -node["c"],
        "social-force": lambda: 2 * (1.34 * node["e"] - node["v"]),
    }
    return alone[name]() if name in alone else 0.0


def slow_answer(name, system):
    """The target edge by edge, written down from the laws."""
    out = np.zeros_like(system.target.values)
    for number in range(system.num_edges):
        one = Edge(system, number)
        out[one.row] += MESSAGES[name](one)
    return out + of_nodes(name, system)


@pytest.mark.parametrize("name", SIMULATORS)
def test_the_target_is_the_law_edge_by_edge(name):
    system = simulate(name, num_graphs=4, num_nodes=6, seed=3)
    assert np.abs(system.target.values).max() > 0.01
    np.testing.assert_allclose(system.target.values, slow_answer(name, system), atol=1e-12)


@pytest.mark.parametrize("name", SIMULATORS)
def test_every_quantity_has_a_unit(name):
    system = simulate(name, num_graphs=2)
    groups = (system.nodes, system.edges, system.graphs)
    assert all(one.unit for group in groups for one in group.values())
    assert system.target.unit


@pytest.mark.parametrize("topology", TOPOLOGIES)
@pytest.mark.parametrize("num_nodes", [2, 3, 7])
def test_undirected_links_are_there_in_both_directions_once(topology, num_nodes):
    system = simulate("springs", num_graphs=5, num_nodes=num_nodes, topology=topology)
    edges = dict(
        zip(
            zip(system.sender.tolist(), system.receiver.tolist(), strict=True),
            system.edges["k"].values[:, 0].tolist(),
            strict=True,
        )
    )
    assert len(edges) == system.num_edges
    assert all(edges[j, i] == k and i != j for (i, j), k in edges.items())
    assert (system.node_graph[system.sender] == system.edge_graph).all()


def test_shapes_of_topologies():
    def degrees(topology, num_nodes):
        system = simulate("heat", num_graphs=40, num_nodes=num_nodes, topology=topology)
        return np.bincount(system.receiver, minlength=system.num_nodes).reshape(40, num_nodes)

    assert (degrees("complete", 6) == 5).all()
    assert (degrees("ring", 6) == 2).all()
    assert degrees("grid", 9)[0].tolist() == [2, 3, 2, 3, 4, 3, 2, 3, 2]
    random = degrees("random", 6)
    assert random.min() >= 1  # a tree reaches every node
    assert 5 * 40 < random.sum() / 2 < 11 * 40  # a tree has 5 links, 3 more are expected


def test_directed_links_have_one_direction():
    system = simulate("hill", num_graphs=10)
    edges = set(zip(system.sender.tolist(), system.receiver.tolist(), strict=True))
    assert not edges & {(i, j) for j, i in edges}


def test_noise_is_a_share_of_the_spread_and_leaves_the_inputs():
    clean, noisy = (simulate("springs", num_graphs=2000, noise=one) for one in (0.0, 0.2))
    np.testing.assert_array_equal(clean.nodes["x"].values, noisy.nodes["x"].values)
    added = noisy.target.values - clean.target.values
    assert added.std() / clean.target.values.std() == pytest.approx(0.2, rel=0.03)
    again = simulate("springs", num_graphs=2000, noise=0.2)
    np.testing.assert_array_equal(again.target.values, noisy.target.values)
    assert not np.array_equal(
        simulate("springs", num_graphs=2000, seed=1).nodes["x"].values, clean.nodes["x"].values
    )


def test_bodies_keep_apart():
    for num_nodes in (5, 60):
        system = simulate("gravity", num_graphs=5, num_nodes=num_nodes)
        assert system.distance.min() >= MIN_DISTANCE


@pytest.mark.parametrize(
    "wrong",
    [
        {"num_graphs": 0},
        {"num_nodes": 1},
        {"num_nodes": 201},
        {"topology": "star"},
        {"noise": -0.1},
        {"noise": float("nan")},
        {"num_nodes": 100, "topology": "complete"},
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong):
    with pytest.raises(InputError, match="PH-E11"):
        simulate("springs", **wrong)


def test_an_unknown_system_names_the_nearest():
    with pytest.raises(UnknownName, match=r'PH-E10.*"springs"'):
        simulate("spring")


@pytest.mark.parametrize("name", SIMULATORS)
def test_the_stated_law_gives_the_target(name):
    system = simulate(name, num_graphs=5, num_nodes=7, seed=1)
    np.testing.assert_allclose(truth(name).evaluate(system), system.target.values, rtol=1e-9)
