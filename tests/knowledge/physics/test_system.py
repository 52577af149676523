import numpy as np
import pytest

from core.errors import ShapeError
from core.knowledge.physics.system import GraphSystem, Quantity


def chain(num_graphs=4, period=None):
    """Graphs of three nodes in a row on a line through the plane, both directions of each edge."""
    base = np.arange(num_graphs)[:, None] * 3
    sender = (base + np.array([1, 0, 2, 1])).ravel()
    receiver = (base + np.array([0, 1, 1, 2])).ravel()
    place = np.tile([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], (num_graphs, 1))
    place[:, 0] += np.repeat(np.arange(num_graphs), 3)
    nodes = {
        "x": Quantity("x", place, "m", "position"),
        "m": Quantity("m", np.arange(3.0 * num_graphs)[:, None], "kg"),
    }
    return GraphSystem(
        nodes,
        {"k": Quantity("k", np.arange(4.0 * num_graphs)[:, None])},
        {"u": Quantity("u", np.arange(float(num_graphs))[:, None])},
        sender,
        receiver,
        np.repeat(np.arange(num_graphs), 3),
        Quantity("a", place * 2, "m s^-2"),
        "node",
        num_graphs,
        period,
    )


def test_distance_and_direction_point_from_receiver_to_sender():
    system = chain()
    assert system.distance.ravel().tolist() == [5.0] * 16
    assert system.direction[0].tolist() == [0.6, 0.8]
    assert system.direction[1].tolist() == [-0.6, -0.8]


def test_separation_takes_the_shortest_way_in_a_box():
    assert chain(period=(4.0, 5.0)).separation[0].tolist() == [-1.0, -1.0]


def test_direction_of_coinciding_nodes_is_zero():
    system = chain()
    system.nodes["x"].values[:] = 0
    assert not system.direction.any()


def test_pick_keeps_rows_that_belong_together():
    whole = chain()
    part = whole.pick(np.array([False, True, False, True]))
    assert (part.num_graphs, part.num_nodes, part.num_edges) == (2, 6, 8)
    assert part.nodes["m"].values.ravel().tolist() == [3, 4, 5, 9, 10, 11]
    assert part.edges["k"].values.ravel().tolist() == [4, 5, 6, 7, 12, 13, 14, 15]
    assert part.graphs["u"].values.ravel().tolist() == [1, 3]
    assert part.target.values[0].tolist() == whole.target.values[3].tolist()
    assert part.separation.tolist() == whole.separation[4:12].tolist()
    assert part.edge_graph.tolist() == [0] * 4 + [1] * 4


def test_split_parts_are_disjoint_and_complete():
    parts = chain(10).split((0.6, 0.2, 0.2), seed=3)
    assert [part.num_graphs for part in parts] == [6, 2, 2]
    seen = np.concatenate([part.graphs["u"].values.ravel() for part in parts])
    assert sorted(seen.tolist()) == list(range(10))


def test_wrong_rows_names_and_levels_are_refused():
    whole = chain()
    fields = dict(vars(whole))
    for key in ("edge_graph", "separation", "distance", "direction"):
        fields.pop(key, None)
    with pytest.raises(ShapeError, match="rows of a node quantity"):
        GraphSystem(**(fields | {"target": Quantity("a", np.zeros((3, 1)))}))
    with pytest.raises(ShapeError, match="same name"):
        GraphSystem(**(fields | {"edges": {"k": Quantity("m", np.zeros((16, 1)))}}))
    with pytest.raises(ShapeError, match="lives on"):
        GraphSystem(**(fields | {"level": "atom"}))
