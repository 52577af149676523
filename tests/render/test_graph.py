"""Drawings: selection, widths, words, frame."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.render.drawing import Edge, Node
from core.render.graph import SIZES, draw_graph, select_strongest
from tests.render.royals import EDGES, NODES


def test_equal_input_gives_equal_drawings():
    assert draw_graph(NODES, EDGES) == draw_graph(NODES, EDGES)
    json.dumps(draw_graph(NODES, EDGES).to_json(), allow_nan=False)


def test_widths_run_from_one_to_six_by_size_of_the_weight():
    widths = {edge.id: edge.width for edge in draw_graph(NODES, EDGES).edges}
    assert widths == pytest.approx({"e1": 4.33, "e2": 2.67, "e3": 6.0, "e4": 1.56})
    flat = draw_graph(NODES, [replace(edge, weight=0.0) for edge in EDGES])
    assert {edge.width for edge in flat.edges} == {1.0}


def test_the_accessible_words():
    drawing = draw_graph(NODES, EDGES, title="Evidence for Nicholas II")
    assert drawing.summary == (
        "Evidence for Nicholas II: 4 nodes, 4 edges; strongest edge Nicholas II son-in-law of "
        "Alice (0.90)."
    )
    names = {node.id: node.name for node in drawing.nodes}
    assert names["q"] == "Query, person Queen Victoria, hop 0, 2 edges"
    assert names["a"] == "person Alice, hop 1, 2 edges"
    assert names["z"] == "Answer ?, person Nicholas II, hop 2, 2 edges"
    edge = {edge.id: edge.name for edge in drawing.edges}["e4"]
    assert edge == "Edward VII uncle of Nicholas II, weight -0.10"
    one = draw_graph(NODES[:2], [replace(EDGES[0], status="removed")])
    assert one.nodes[0].name.endswith("1 edge")
    assert one.edges[0].name == "Queen Victoria mother of Alice, weight 0.60, removed"
    assert "2 nodes, 1 edge;" in one.summary


def test_query_and_answer_are_ringed_and_marked():
    drawn = {node.id: node for node in draw_graph(NODES, EDGES).nodes}
    assert drawn["q"].ring
    assert drawn["q"].ring_width == 1.5
    assert drawn["z"].ring_width == 4.0
    assert (drawn["z"].mark, drawn["q"].mark) == ("?", "")
    assert drawn["a"].ring == ""


@pytest.mark.parametrize(
    ("size", "limits"), [("default", (15, 25)), ("more", (35, 70)), ("all", (75, 150))]
)
def test_limits_and_their_sentence(size, limits):
    assert SIZES[size] == limits
    nodes = [Node("q", "q", role="query")] + [Node(f"n{i}", str(i), layer=1) for i in range(30)]
    edges = [Edge(f"e{i}", "q", f"n{i % 10}", "r", float(i)) for i in range(200)]
    drawing = draw_graph(nodes, edges, size=size, total=1204)
    assert len(drawing.edges) == limits[1]
    assert {edge.weight for edge in drawing.edges} == set(range(200 - limits[1], 200))
    assert drawing.notice == f"Showing the {limits[1]} strongest of 1,204 edges."
    assert drawing.notice in drawing.summary
    assert draw_graph(NODES, EDGES).notice == ""


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 12), st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11), st.floats(0, 1)),
                                 max_size=30), st.integers(2, 8), st.integers(0, 10),
)  # fmt: skip
def test_the_selection_keeps_the_limits_and_the_ends(count, triples, max_nodes, max_edges):
    nodes = [Node(f"n{i}", "", role="query" if i == 0 else "other") for i in range(count)]
    edges = [
        Edge(f"e{k}", f"n{a % count}", f"n{b % count}", "", w)
        for k, (a, b, w) in enumerate(triples)
    ]
    kept_nodes, kept_edges = select_strongest(nodes, edges, max_nodes, max_edges)
    ids = {node.id for node in kept_nodes}
    assert len(kept_nodes) <= max_nodes
    assert len(kept_edges) <= max_edges
    assert "n0" in ids
    assert all({edge.source, edge.target} <= ids for edge in kept_edges)


def test_an_empty_graph_is_a_drawing():
    drawing = draw_graph([], [])
    assert drawing.summary == "Evidence: 0 nodes, 0 edges."
    assert (drawing.width, drawing.height) == (52, 52)
    assert drawing.rows == drawing.legend == ()


def test_a_long_name_is_cut_in_the_picture_and_read_in_full():
    drawn = draw_graph([Node("n", "Victoria of the United Kingdom")], []).nodes[0]
    assert drawn.short == "Victoria of the U…"
    assert drawn.lines == ("Victoria of the", "United Kingdom")
    assert drawn.label == "Victoria of the United Kingdom"
    assert "Victoria of the United Kingdom" in drawn.name
