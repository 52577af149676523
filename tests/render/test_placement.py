"""Columns, rows and curves."""

import math
import re
from dataclasses import replace

import pytest

from core.render.drawing import Edge, Node
from core.render.graph import draw_graph
from core.render.placement import around
from tests.render.royals import EDGES, NODES


def test_columns_are_hops_from_left_to_right():
    drawing = draw_graph(NODES, EDGES)
    x = {node.id: node.x for node in drawing.nodes}
    assert x["q"] < x["a"] == x["b"] < x["z"]
    assert x["a"] - x["q"] >= 100
    down = draw_graph(NODES, EDGES, orientation="down")
    y = {node.id: node.y for node in down.nodes}
    assert y["q"] < min(y["a"], y["b"])
    assert max(y["a"], y["b"]) < y["z"]


def test_a_name_of_two_lines_keeps_its_room():
    nodes = [replace(node, label="Victoria of the United Kingdom") for node in NODES]
    drawing = draw_graph(nodes, EDGES)
    y = sorted(node.y for node in drawing.nodes if node.layer == 1)
    assert y[1] - y[0] >= 100
    lowest = max(node.label_y for node in drawing.nodes)
    assert drawing.top + drawing.height > lowest + 16 + 4
    down = {node.id: node for node in draw_graph(nodes, EDGES, orientation="down").nodes}["q"]
    assert down.label_y == down.y + 4.5 - 8


def numbers(path):
    values = [float(text) for text in re.findall(r"-?\d+\.?\d*", path)]
    return list(zip(values[::2], values[1::2], strict=True))


@pytest.mark.parametrize("orientation", ["right", "down"])
def test_everything_lies_inside_the_page(orientation):
    more = [("q", "z", "ancestor by marriage of"), ("a", "b", "x"), ("a", "a", "self")]
    edges = [*EDGES, *(Edge(f"f{i}", *ends, 0.2) for i, ends in enumerate(more))]
    drawing = draw_graph(NODES, edges, orientation=orientation)
    right, bottom = drawing.left + drawing.width, drawing.top + drawing.height
    for node in drawing.nodes:
        assert drawing.left + 40 < node.x < right - 40
        assert drawing.top + 40 < node.y < bottom - 40
    for edge in drawing.edges:
        half = edge.label_width / 2
        assert drawing.left <= edge.label_x - half
        assert edge.label_x + half <= right
        assert drawing.top < edge.label_y < bottom
        start, end = numbers(edge.path)[0], numbers(edge.head)[0]
        for x, y in (start, end):
            assert drawing.left < x < right
            assert drawing.top < y < bottom


def test_edges_start_and_end_at_the_outlines():
    drawing = draw_graph(NODES, EDGES)
    centre = {node.id: (node.x, node.y) for node in drawing.nodes}
    for edge in drawing.edges:
        start, tip = numbers(edge.path)[0], numbers(edge.head)[0]
        assert 15 < math.dist(start, centre[edge.source]) < 42
        assert 15 < math.dist(tip, centre[edge.target]) < 42


def test_parallel_edges_are_fanned_and_their_labels_apart():
    edges = [Edge(f"e{i}", *ends, f"relation {i}", 1.0)
             for i, ends in enumerate([("q", "a"), ("a", "q"), ("q", "a")])]  # fmt: skip
    drawing = draw_graph(NODES[:2], edges)
    assert len({edge.path for edge in drawing.edges}) == 3
    spots = sorted(edge.label_y for edge in drawing.edges)
    assert spots[1] - spots[0] >= 18
    assert spots[2] - spots[1] >= 18


def test_an_edge_within_a_layer_goes_around_the_nodes_between():
    nodes = [Node("q", "query", layer=0)] + [Node(f"n{i}", str(i), layer=1) for i in range(3)]
    edges = [Edge(f"e{i}", "q", f"n{i}", "r") for i in range(3)] + [Edge("in", "n0", "n2", "s")]
    drawing = draw_graph(nodes, edges)
    middle = next(node for node in drawing.nodes if node.id == "n1")
    label = next(edge for edge in drawing.edges if edge.id == "in")
    assert abs(label.label_x - middle.x) > 50


@pytest.mark.parametrize("num", [1, 2, 12, 13, 25, 70])
def test_nodes_around_another_one_do_not_touch(num):
    nodes = [Node(str(row), f"gene {row}") for row in range(num + 1)]
    centres = around(nodes)
    assert centres["0"] == (0.0, 0.0)
    places = list(centres.values())
    gaps = [
        max(abs(x - a) / 76, abs(y - b) / 60)
        for row, (x, y) in enumerate(places)
        for a, b in places[:row]
    ]
    assert min(gaps) >= 1
