"""A drawing in words: the width, the legend, the table twin."""

from dataclasses import replace

from core.render.graph import draw_graph
from tests.render.royals import EDGES, NODES


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
