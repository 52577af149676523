"""Drawings: selection, geometry, words and the table twin."""

import json
import math
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.evidence.bundle import (
    Answer,
    Bundle,
    Data,
    Edit,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.render.graph import (
    SIZES,
    Edge,
    Node,
    draw_bundle,
    draw_graph,
    select_strongest,
    shorten,
    show_weight,
    split_name,
    with_positions,
)

NODES = [
    Node("q", "Queen Victoria", "person", 0, "query"),
    Node("a", "Alice", "person", 1),
    Node("b", "Edward VII", "person", 1),
    Node("z", "Nicholas II", "person", 2, "answer", "?"),
]
EDGES = [
    Edge("e1", "q", "a", "mother of", 0.6),
    Edge("e2", "q", "b", "mother of", 0.3),
    Edge("e3", "z", "a", "son-in-law of", 0.9),
    Edge("e4", "b", "z", "uncle of", -0.1),
]


def bundle(**changes):
    value = Bundle(
        id="x", domain="kg", created="2026-11-21T03:00:00Z", query={},
        answer=Answer("Nicholas II", "entity", 0.9, known=False),
        model=Model("redgnn-family"), data=Data("family", "2", "ab" * 32),
        evidence=tuple(
            EvidenceItem(e.id, "edge", e.label, e.source, e.target, e.label, e.weight,
                         "attention", Provenance("Family"), fact=(e.source, e.label, e.target))
            for e in EDGES
        ),
        layout=tuple(Place(n.id, n.label, n.type, n.role, n.layer) for n in NODES),
    )  # fmt: skip
    return replace(value, **changes)


def test_columns_are_hops_from_left_to_right():
    drawing = draw_graph(NODES, EDGES)
    x = {node.id: node.x for node in drawing.nodes}
    assert x["q"] < x["a"] == x["b"] < x["z"]
    assert x["a"] - x["q"] >= 100
    down = draw_graph(NODES, EDGES, orientation="down")
    y = {node.id: node.y for node in down.nodes}
    assert y["q"] < min(y["a"], y["b"])
    assert max(y["a"], y["b"]) < y["z"]


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


def test_the_table_has_a_row_for_each_edge_strongest_first():
    rows = draw_graph(NODES, EDGES).rows
    assert [row["No."] for row in rows] == [1, 2, 3, 4]
    assert [row["Deletion effect"] for row in rows] == [0.9, 0.6, 0.3, -0.1]
    assert rows[0] == {
        "No.": 1, "From": "Nicholas II", "Relation": "son-in-law of", "To": "Alice", "Hop": 2,
        "Deletion effect": 0.9, "Status": "shown", "Source": "",
    }  # fmt: skip


def test_width_notes_name_the_quantity():
    assert draw_graph(NODES, EDGES).width_note == (
        "width = how much the score falls without this edge; thickest: 0.900"
    )
    note = draw_graph(NODES, EDGES, weight_kind="attention").width_note
    assert note == "width = attention (not proof); thickest: 0.900"
    weak = [replace(edge, weight=edge.weight / 10_000) for edge in EDGES]
    assert draw_graph(NODES, weak, weight_kind="count").width_note == (
        "width = count; thickest: <0.001"
    )
    assert draw_graph(NODES, [], weight_kind="count").width_note == "width = count"


def test_weights_are_never_rounded_to_nothing():
    texts = [show_weight(value) for value in (0.0, 0.0004, -0.0004, 0.0005, -0.25, 1.0)]
    assert texts == ["0.000", "<0.001", ">−0.001", "0.001", "−0.250", "1.000"]


def test_status_styles():
    edges = [
        replace(edge, status=status)
        for edge, status in zip(EDGES, ("shown", "kept", "removed", "added"), strict=True)
    ]
    drawing = draw_graph(NODES, edges)
    drawn = {edge.status: (edge.color, edge.dash, edge.double) for edge in drawing.edges}
    assert drawn == {
        "shown": ("ink", "", False),
        "kept": ("kept", "", False),
        "removed": ("removed", "6 4", False),
        "added": ("added", "", True),
    }
    texts = [entry.text for entry in drawing.legend]
    assert texts == [
        "query", "answer", "Entity", "solid blue = enough on its own",
        "dashed grey = not needed", "double brown = added by you",
    ]  # fmt: skip


def test_query_and_answer_are_ringed_and_marked():
    drawn = {node.id: node for node in draw_graph(NODES, EDGES).nodes}
    assert drawn["q"].ring
    assert drawn["q"].ring_width == 1.5
    assert drawn["z"].ring_width == 4.0
    assert (drawn["z"].mark, drawn["q"].mark) == ("?", "")
    assert drawn["a"].ring == ""


def test_names_are_cut_at_eighteen_characters():
    assert shorten("a" * 18) == "a" * 18
    assert shorten("a" * 19) == "a" * 17 + "…"
    assert shorten("two\n lines") == "two lines"
    drawn = draw_graph([Node("n", "Victoria of the United Kingdom")], []).nodes[0]
    assert drawn.short == "Victoria of the U…"
    assert drawn.lines == ("Victoria of the", "United Kingdom")
    assert drawn.label == "Victoria of the United Kingdom"
    assert "Victoria of the United Kingdom" in drawn.name


def test_names_have_two_lines_at_most():
    assert split_name("") == ("",)
    assert split_name("Nicholas II") == ("Nicholas II",)
    assert split_name("a" * 40) == ("a" * 18, "a" * 22)
    assert split_name("b" * 43) == ("b" * 18, "b" * 23 + "…")
    assert split_name("exactly eighteen c hars") == ("exactly eighteen c", "hars")
    assert split_name("George I of Great Britain (1660–1727)") == (
        "George I of Great", "Britain (1660–1727)",
    )  # fmt: skip


def test_a_name_of_two_lines_keeps_its_room():
    nodes = [replace(node, label="Victoria of the United Kingdom") for node in NODES]
    drawing = draw_graph(nodes, EDGES)
    y = sorted(node.y for node in drawing.nodes if node.layer == 1)
    assert y[1] - y[0] >= 100
    lowest = max(node.label_y for node in drawing.nodes)
    assert drawing.top + drawing.height > lowest + 16 + 4
    down = {node.id: node for node in draw_graph(nodes, EDGES, orientation="down").nodes}["q"]
    assert down.label_y == down.y + 4.5 - 8


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


def test_an_edge_within_a_layer_goes_around_the_nodes_between():
    nodes = [Node("q", "query", layer=0)] + [Node(f"n{i}", str(i), layer=1) for i in range(3)]
    edges = [Edge(f"e{i}", "q", f"n{i}", "r") for i in range(3)] + [Edge("in", "n0", "n2", "s")]
    drawing = draw_graph(nodes, edges)
    middle = next(node for node in drawing.nodes if node.id == "n1")
    label = next(edge for edge in drawing.edges if edge.id == "in")
    assert abs(label.label_x - middle.x) > 50


def test_an_empty_graph_is_a_drawing():
    drawing = draw_graph([], [])
    assert drawing.summary == "Evidence: 0 nodes, 0 edges."
    assert (drawing.width, drawing.height) == (52, 52)
    assert drawing.rows == drawing.legend == ()


def test_a_bundle_is_drawn_with_its_reduction_and_its_edits():
    value = bundle(
        minimal=Reduced(("e1", "e3"), 0.9, removed=("e2",)),
        overlay=(Edit("add", EDGES[3] and ("b", "uncle of", "z")),),
    )
    drawing = draw_bundle(value, permalink="https://example.org/?id=x")
    assert {edge.id: edge.status for edge in drawing.edges} == {
        "e1": "kept", "e3": "kept", "e2": "removed", "e4": "added",
    }  # fmt: skip
    assert drawing.title == "Evidence for Nicholas II"
    assert drawing.data_version == "family 2 abababababab"
    assert drawing.permalink == "https://example.org/?id=x"
    assert drawing.width_note == "width = attention (not proof); thickest: 0.900"
    assert drawing.rows[0]["Source"] == "Family"
    marks = {node.id: node.mark for node in drawing.nodes}
    assert marks == {"q": "", "a": "", "b": "", "z": "?"}
    known = draw_bundle(replace(value, answer=replace(value.answer, known=True)))
    assert {node.mark for node in known.nodes} == {"", "✓"}


def test_stored_positions_give_the_same_picture_and_are_obeyed():
    plain = bundle()
    stored = with_positions(plain)
    assert all(place.x is not None for place in stored.layout)
    assert draw_bundle(stored) == draw_bundle(plain)
    moved = replace(
        stored, layout=tuple(replace(p, x=p.x + (50 if p.id == "z" else 0)) for p in stored.layout)
    )
    x = {node.id: node.x for node in draw_bundle(moved).nodes}
    before = {node.id: node.x for node in draw_bundle(stored).nodes}
    assert x["z"] == before["z"] + 50
    assert x["q"] == before["q"]
    assert draw_bundle(moved, orientation="down") == draw_bundle(plain, orientation="down")


def test_a_path_between_drugs_that_goes_against_an_arrow_is_dotted():
    found = bundle(domain="ddi")
    layers = {place.id: place.layer for place in found.layout}
    against = {e.id for e in found.evidence if layers[e.source] > layers[e.target]}
    turned = replace(found.evidence[0], id="turned", source=found.evidence[0].target,
                     target=found.evidence[0].source)  # fmt: skip
    drawing = draw_bundle(replace(found, evidence=(*found.evidence, turned)))
    dotted = {edge.id for edge in drawing.edges if edge.dash == "2 4"}
    assert dotted == against | {"turned"}
    assert any(entry.text.startswith("dotted = ") for entry in drawing.legend)
    assert not any(edge.dash for edge in draw_bundle(bundle()).edges)
