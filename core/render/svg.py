"""Drawings as stand-alone SVG files: no scripts, no foreign objects, no outside addresses."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from core.render.drawing import DrawnEdge, DrawnNode, GraphDrawing, LegendEntry
from core.render.palette import THEMES
from core.render.text import EDGE_FONT, NAME_FONT, NAME_LINE

NAMESPACE = "http://www.w3.org/2000/svg"
FONT = "'Source Sans 3', 'Source Sans Pro', 'Segoe UI', Helvetica, Arial, sans-serif"
LINE = 24  # height of a legend line
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def clean_xml(text: str) -> str:
    """Text without the characters that XML cannot hold."""
    return ILLEGAL.sub("\ufffd", text)


def draw_svg(drawing: GraphDrawing, theme: str = "light") -> str:
    """The drawing with its legend as an SVG document.

    Args:
        drawing: what to paint.
        theme: light or dark.

    Returns:
        Well-formed XML; title, summary, permalink and data version are in <title> and <desc>.
    """
    colors = THEMES[theme]
    width = max(drawing.width, 360)
    lines = _legend_lines(drawing.legend, width)
    notes = [text for text in (drawing.width_note if drawing.edges else "", drawing.notice) if text]
    height = drawing.height + LINE * (len(lines) + len(notes)) + 14
    left = drawing.left - (width - drawing.width) / 2
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": NAMESPACE,
            "width": str(width),
            "height": str(height),
            "viewBox": f"{left:g} {drawing.top} {width} {height}",
            "role": "img",
            "font-family": FONT,
        },
    )
    ElementTree.SubElement(root, "title").text = clean_xml(drawing.title)
    facts = [drawing.summary]
    if drawing.permalink:
        facts.append(f"Answer: {drawing.permalink}")
    if drawing.data_version:
        facts.append(f"Data: {drawing.data_version}")
    ElementTree.SubElement(root, "desc").text = clean_xml("\n".join(facts))
    add_shape(
        root, "rect", x=left, y=drawing.top, width=width, height=height, fill=colors["background"]
    )
    for edge in drawing.edges:
        _edge(root, edge, colors)
    for node in drawing.nodes:
        _node(root, node, colors)
    for edge in drawing.edges:
        if edge.short:
            _label(root, edge, colors)
    y = drawing.top + drawing.height + 10
    for line in lines:
        for entry, offset in line:
            _legend_entry(root, entry, left + offset, y, colors)
        y += LINE
    for note in notes:
        add_text(root, note, left + 16, y + 4, 12, colors["quiet"], colors, anchor="start")
        y += LINE
    return ElementTree.tostring(root, encoding="unicode")


def _legend_lines(
    entries: Sequence[LegendEntry], width: float
) -> list[list[tuple[LegendEntry, float]]]:
    lines, x = [[]], 16.0
    for entry in entries:
        room = 50 + 6.0 * len(entry.text)
        if lines[-1] and x + room > width:
            lines.append([])
            x = 16.0
        lines[-1].append((entry, x))
        x += room
    return lines if entries else []


def _legend_entry(
    root: ElementTree.Element, entry: LegendEntry, x: float, y: float, colors: dict[str, str]
) -> None:
    if entry.color:
        line = {"d": f"M{x:g} {y:g}h28", "fill": "none", "stroke": colors[entry.color]}
        add_shape(
            root, "path", **line, stroke_width=6 if entry.double else 3, stroke_dasharray=entry.dash
        )
        if entry.double:
            add_shape(root, "path", **line | {"stroke": colors["background"]}, stroke_width=2)
    else:
        group = ElementTree.SubElement(root, "g", {"transform": f"translate({x + 14:g} {y:g})"})
        ring = bool(entry.ring_width)
        add_shape(
            group, "path", d=entry.path, fill=entry.fill or "none",
            stroke=colors["ink"], stroke_width=1 if ring else 1.5,
        )  # fmt: skip
        if ring:
            add_shape(
                group, "circle", cx=0, cy=0, r=9, fill="none",
                stroke=colors["ink"], stroke_width=entry.ring_width * 0.75,
            )  # fmt: skip
        if entry.tag:
            add_text(group, entry.tag, 0, 3, 8, colors["text_on_fill"], None, bold=True)
    add_text(root, entry.text, x + 34, y + 4, 12, colors["quiet"], None, anchor="start")


def _edge(root: ElementTree.Element, edge: DrawnEdge, colors: dict[str, str]) -> None:
    color = colors[edge.color]
    body = {"d": edge.path, "fill": "none", "stroke_linecap": "butt"}
    if edge.double:
        add_shape(root, "path", **body, stroke=color, stroke_width=edge.width + 4)
        add_shape(
            root, "path", **body, stroke=colors["background"], stroke_width=max(edge.width, 2)
        )
    else:
        add_shape(
            root, "path", **body, stroke=color, stroke_width=edge.width, stroke_dasharray=edge.dash
        )
    if edge.head:
        add_shape(root, "path", d=edge.head, fill=color)


def _label(root: ElementTree.Element, edge: DrawnEdge, colors: dict[str, str]) -> None:
    """The label, on a patch of background where it covers the line."""
    half = edge.label_width / 2 + 3
    if not edge.label_above:
        add_shape(
            root, "rect", x=edge.label_x - half, y=edge.label_y - 9, width=2 * half, height=18,
            rx=5, fill=colors["background"],
        )  # fmt: skip
    add_text(root, edge.short, edge.label_x, edge.label_y + 4, EDGE_FONT, colors["text"], colors)


def _node(root: ElementTree.Element, node: DrawnNode, colors: dict[str, str]) -> None:
    if node.ring:
        add_shape(
            root, "path", d=node.ring, fill="none", stroke=colors["ink"],
            stroke_width=node.ring_width,
        )  # fmt: skip
    add_shape(root, "path", d=node.path, fill=node.fill, stroke=colors["ink"], stroke_width=1.5)
    tag = node.tag
    add_text(root, tag, node.x, node.y + 4.5, 13, colors["text_on_fill"], None, bold=True)
    if node.mark:
        x, y = node.x + 25, node.y - 21
        add_shape(
            root, "circle", cx=x, cy=y, r=9, fill=colors["background"],
            stroke=colors["ink"], stroke_width=1.5,
        )  # fmt: skip
        add_text(root, node.mark, x, y + 4.5, 13, colors["text"], None, bold=True)
    for number, line in enumerate(node.lines):
        add_text(
            root, line, node.label_x, node.label_y + NAME_LINE * number, NAME_FONT, colors["text"],
            colors, anchor=node.anchor, bold=node.role != "other",
        )  # fmt: skip


def add_text(
    root: ElementTree.Element,
    text: str,
    x: float,
    y: float,
    size: float,
    fill: str,
    colors: dict[str, str] | None,
    *,
    anchor: str = "middle",
    bold: bool = False,
) -> None:
    """One line of text; with `colors` it gets a rim of the background colour."""
    attributes = {
        "x": f"{x:.1f}",
        "y": f"{y:.1f}",
        "font-size": f"{size:g}",
        "text-anchor": anchor,
        "fill": fill,
    }
    if bold:
        attributes["font-weight"] = "600"
    if colors:
        attributes |= {
            "stroke": colors["background"],
            "stroke-width": "4",
            "stroke-linejoin": "round",
            "paint-order": "stroke",
        }
    ElementTree.SubElement(root, "text", attributes).text = clean_xml(text)


def add_shape(root: ElementTree.Element, tag: str, **attributes: str | float) -> None:
    """One shape; ``_`` in the names of attributes stands for ``-``, empty ones are left out."""
    ElementTree.SubElement(
        root,
        tag,
        {
            key.replace("_", "-"): value if isinstance(value, str) else f"{value:g}"
            for key, value in attributes.items()
            if value != ""
        },
    )
