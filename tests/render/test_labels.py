"""Labels keep apart."""

import pytest

from core.render.drawing import Edge, Node
from core.render.graph import draw_graph


def test_no_label_covers_another_label_in_a_ladder():
    nodes = [Node("q", "q", layer=0, role="query")]
    nodes += [Node(f"n{i}", f"name {i}", layer=1) for i in range(6)] + [Node("z", "z", layer=2)]
    edges = [Edge(f"a{i}", "q", f"n{i}", "is related to") for i in range(6)]
    edges += [Edge(f"b{i}", f"n{i}", "z", "is related to") for i in range(6)]
    drawn = draw_graph(nodes, edges).edges
    for i, one in enumerate(drawn):
        for two in drawn[:i]:
            wide = abs(one.label_x - two.label_x) < (one.label_width + two.label_width) / 2
            assert not (wide and abs(one.label_y - two.label_y) < 12)


@pytest.mark.parametrize(("orientation", "allowed"), [("right", 0), ("down", 2)])
def test_labels_keep_apart_among_twenty_five_facts(orientation, allowed):
    nodes = [Node("q", "query", layer=0, role="query")]
    nodes += [Node(f"n{i}", f"name {i}", layer=1) for i in range(4)]
    nodes += [Node("z", "answer", layer=2, role="answer")]
    edges = [Edge(f"a{i}", "q", f"n{i % 4}", "is associated with", i) for i in range(8)]
    edges += [Edge(f"b{i}", f"n{i % 4}", "z", "is a manifestation of", i) for i in range(16)]
    edges += [Edge("c", "q", "z", "co-occurs with", 1.0)]
    drawn = draw_graph(nodes, edges, orientation=orientation).edges
    assert len(drawn) == 25
    covered = [
        (one.id, two.id)
        for i, one in enumerate(drawn)
        for two in drawn[:i]
        if abs(one.label_x - two.label_x) < (one.label_width + two.label_width) / 2
        and abs(one.label_y - two.label_y) < 12
    ]
    assert len(covered) <= allowed
