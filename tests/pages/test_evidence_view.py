"""The wrapper around the evidence component, and the safety of its assets and of explore mode."""

import json
import re
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.render.drawing import Edge, Node
from core.render.graph import draw_graph
from pages.components.evidence_view import _known
from pages.components.explore import safe_graph, safe_label

ASSETS = Path(__file__).parents[2] / "pages/components/evidence_view"
HOSTILE = "<img src=x onerror=document.title='X'>"


def drawing(num_edges=3, name=HOSTILE):
    nodes = [Node("<q>", name, name, 0, "query"), Node("z", 'Z & "Z"', "gene", 1, "answer", "?")]
    edges = [Edge(f"e{i}", "<q>", "z", name, 0.1 * i, "removed") for i in range(num_edges)]
    return draw_graph(nodes, edges, size="all")


def test_a_selection_that_is_not_in_the_drawing_is_ignored():
    spec = drawing()
    assert _known(spec, "node:<q>") == "<q>"
    assert _known(spec, "edge:e2") == "e2"
    for foreign in ("node:e2", "edge:z", "e2", "edge:e9", "", "x:z", None, 3, ["node:z"]):
        assert _known(spec, foreign) is None


def test_the_component_builds_its_picture_without_reading_html():
    scripts = [(ASSETS / name).read_text() for name in ("view.js", "table.js")]
    script = "".join(scripts)
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "Function(", "DOMParser", "setHTML", "srcdoc", "fetch(", "XMLHttpRequest",
                 "import(", "http://", "https://"):  # fmt: skip
        found = script.replace("http://www.w3.org/2000/svg", "")
        assert word not in found, word
    assert script.count("createElementNS") >= 1
    styles = "".join(path.read_text() for path in ASSETS.glob("*.css"))
    assert not re.search(r"url\(|@import", styles)
    markup = "".join(path.read_text() for path in ASSETS.glob("*.html"))
    assert not re.search(r"\son\w+=|<script|javascript:", markup)


def view(num_edges):
    from core.render.drawing import Edge, Node
    from core.render.graph import draw_graph
    from pages.components.evidence_view import show_evidence, show_table

    nodes = [Node("q", "A", role="query"), Node("z", "Z", layer=1)]
    edges = [Edge(f"e{i}", "q", "z", "*bold*", 0.1 * i) for i in range(num_edges)]
    spec = draw_graph(nodes, edges, size="all")
    show_evidence(spec, key="graph")
    show_table(spec, key="rows")


@pytest.mark.parametrize("num_edges", [0, 1, 40])
def test_the_table_twin_has_as_many_rows_as_edges(num_edges):
    app = AppTest.from_function(view, kwargs={"num_edges": num_edges}).run(timeout=30)
    assert not app.exception
    parts = app.get("bidi_component")
    assert json.loads(parts[0].proto.json)["selected"] is None
    assert len(json.loads(parts[0].proto.json)["wide"]["edges"]) == num_edges
    if not num_edges:
        assert app.markdown[0].value == "No edges to list."
        assert len(parts) == 1
        return
    table = json.loads(parts[1].proto.json)
    assert table["columns"] == [
        "No.", "From", "Relation", "To", "Hop", "Deletion effect", "Status",
    ]  # fmt: skip
    assert table["numbers"] == [True, False, False, False, True, True, False]
    assert len(table["rows"]) == num_edges
    strongest = f"{0.1 * (num_edges - 1):.3f}"
    assert table["rows"][0] == ["1", "A", "*bold*", "Z", "1", strongest, "shown"]


def test_explore_passes_no_title_and_no_given_id():
    nodes, edges = safe_graph(drawing(), "dark")
    assert [node.id for node in nodes] == ["n1", "n2"]
    for item in (*nodes, *edges):
        assert "title" not in item.to_dict()
        assert not re.search("[<>\"'&]", item.to_dict()["label"])
    assert {(edge.to_dict()["from"], edge.to) for edge in edges} == {("n1", "n2")}
    assert [node.div for node in nodes] == [{"innerHTML": ""}] * 2
    assert nodes[0].font["color"] == "#FAFAFA"
    assert edges[0].font["color"] == "#FAFAFA"
    assert safe_graph(drawing(), "light")[0][0].font["color"] == "#1B1B1F"
    assert all(edge.dashes for edge in edges)
    spec = drawing()
    assert nodes[0].x == pytest.approx(spec.nodes[0].x * 1.2)
    assert nodes[1].x > nodes[0].x


def test_labels_keep_their_look_but_lose_their_meaning():
    assert safe_label(HOSTILE) == "‹img src=x onerror=document.title=′X′›"
    assert safe_label('a & "b"\n c') == "a ＆ ″b″ c"
    assert safe_label("x" * 60) == "x" * 60
    assert safe_label("x" * 61) == "x" * 59 + "…"
