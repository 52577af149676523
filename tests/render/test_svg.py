"""Exported pictures: well-formed, self-contained, inert."""

from xml.etree import ElementTree

import pytest

from core.render.drawing import Edge, Node
from core.render.graph import draw_graph
from core.render.svg import clean_xml, draw_svg

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<img src=x onerror=document.title='X'>",
    '"><script>alert(1)</script>',
    "]]>&amp;<!--",
    "javascript:alert(1)",
    "bell \x07 null \x00 half \ud800",
    "\u202eright to left",
    "x" * 5000,
]


def drawing(names, **options):
    nodes = [
        Node(f"n{i}", name, name, i, "query" if i == 0 else "answer" if i == 1 else "other", "?")
        for i, name in enumerate(names)
    ]
    edges = [
        Edge(f"e{i}", f"n{i}", f"n{i + 1}", names[i], 1.0, status, origin=names[i])
        for i, status in zip(
            range(len(names) - 1), ["shown", "kept", "removed", "added"] * 3, strict=False
        )
    ]
    return draw_graph(nodes, edges, title=names[0], **options)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hostile_names_stay_text(theme):
    text = draw_svg(drawing(HOSTILE, permalink=HOSTILE[1], data_version=HOSTILE[0]), theme)
    root = ElementTree.fromstring(text)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "title", "desc", "rect", "path", "text", "g", "circle"}
    for element in root.iter():
        for name in element.attrib:
            assert not name.startswith("on")
            assert "href" not in name
    texts = [element.text for element in root.iter(SVG + "text")]
    assert "<img src=x" in texts  # the first of two lines
    assert root.find(SVG + "title").text == HOSTILE[0]


def test_title_and_description_carry_the_origin():
    root = ElementTree.fromstring(
        draw_svg(drawing(["A", "B"], permalink="http://h/?id=1", data_version="umls 1.0"))
    )
    assert root.find(SVG + "title").text == "A"
    assert root.find(SVG + "desc").text == (
        "A: 2 nodes, 1 edge; strongest edge A A B (1.00).\nAnswer: http://h/?id=1\nData: umls 1.0"
    )


def test_every_node_and_edge_is_painted_with_its_name():
    spec = drawing(["Alpha", "Beta", "Gamma"])
    root = ElementTree.fromstring(draw_svg(spec))
    texts = [element.text for element in root.iter(SVG + "text")]
    for name in ("Alpha", "Beta", "Gamma"):
        assert name in texts
    paths = [element.get("d") for element in root.iter(SVG + "path")]
    for edge in spec.edges:
        assert paths.count(edge.path) == (2 if edge.double else 1)
        assert edge.head in paths
    for node in spec.nodes:
        assert node.path in paths
    assert spec.width_note in texts


def test_no_text_is_smaller_than_eleven_pixels_but_the_legend_tags():
    root = ElementTree.fromstring(draw_svg(drawing(["Alpha", "Beta", "Gamma"])))
    small = {e.text for e in root.iter(SVG + "text") if float(e.get("font-size")) < 11}
    assert small == {"En"}


def test_themes_differ_in_background():
    spec = drawing(["A", "B"])
    fills = [
        ElementTree.fromstring(draw_svg(spec, theme)).find(SVG + "rect").get("fill")
        for theme in ("light", "dark")
    ]
    assert fills == ["#FFFFFF", "#0E1117"]


def test_the_empty_drawing_is_well_formed():
    ElementTree.fromstring(draw_svg(draw_graph([], [])))


def test_clean_xml_replaces_only_what_xml_cannot_hold():
    assert clean_xml("a\tb\nc\u00e9\U0001f600") == "a\tb\nc\u00e9\U0001f600"
    assert clean_xml("\x00\x08\x0b\x1f\ud800\uffff") == "\ufffd" * 6
