"""A drawing in words: summary, meaning of the width, signs of the legend, table twin."""

from collections.abc import Sequence
from typing import Any

from core.render.drawing import Edge, LegendEntry, Node
from core.render.palette import ALL_KINDS, DASHES, DOUBLE, STATUSES, find_kind, outline_path
from core.render.text import shorten, show_weight

STATUS_WORDS = {
    "kept": "solid blue = enough on its own",
    "removed": "dashed grey = not needed",
    "added": "double brown = added by you",
    "prior kept": "solid blue = in the prior, kept",
    "refused": "dashed grey = in the prior, refused",
    "new": "double brown = new, not in the prior",
    "contradicted": "solid brown = opposite of the prior",
}
ARROWS = {  # outlines around 0, 0
    "forward": ("pointed = activates", "M-13 0H4M4 -5L13 0L4 5Z"),
    "bar": ("bar = represses", "M-13 0H9M9 -6h4v12h-4Z"),
}
AGAINST = "dotted = the path goes against the arrow"
WEIGHT_WORDS = {
    "deletion effect": "width = how much the score falls without this edge",
    "attention": "width = attention (not proof)",
    "influence": "width = size of the influence on the target",
}


def summary(title: str, nodes: Sequence[Node], edges: Sequence[Edge], notice: str) -> str:
    """Counts and the strongest edge, for those who do not see the drawing."""
    counts = (
        f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}, "
        f"{len(edges)} edge{'' if len(edges) == 1 else 's'}"
    )
    parts = [f"{title}: {counts}"]
    if edges:
        names = {node.id: shorten(node.label, 60) for node in nodes}
        top = max(edges, key=lambda edge: abs(edge.weight))
        parts.append(
            f"strongest edge {names[top.source]} {shorten(top.label, 60)} {names[top.target]} "
            f"({top.weight:.2f})"
        )
    return "; ".join(parts) + "." + (f" {notice}" if notice else "")


def width_note(edges: Sequence[Edge], weight_kind: str) -> str:
    """What the width is, and the value of the widest edge: widths are relative to it."""
    note = WEIGHT_WORDS.get(weight_kind, f"width = {weight_kind}")
    if not edges:
        return note
    top = max(abs(edge.weight) for edge in edges)
    return f"{note}; thickest: {show_weight(top)}"


def legend(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[LegendEntry, ...]:
    """Roles, kinds of nodes and styles of lines that occur."""
    entries = []
    roles = {node.role for node in nodes}
    if "query" in roles:
        entries.append(LegendEntry("query", outline_path("circle", (0, 0), 5), ring_width=1.5))
    if "answer" in roles:
        entries.append(LegendEntry("answer", outline_path("circle", (0, 0), 5), ring_width=4.0))
    present = {find_kind(node.type) for node in nodes}
    entries += [
        LegendEntry(kind.name, outline_path(kind.shape, (0, 0), 9), kind.fill, kind.tag)
        for kind in ALL_KINDS
        if kind in present
    ]
    statuses = {edge.status for edge in edges}
    entries += [
        LegendEntry(
            words, color=STATUSES[status], dash=DASHES.get(status, ""), double=status in DOUBLE
        )
        for status, words in STATUS_WORDS.items()
        if status in statuses
    ]
    arrows = {edge.arrow for edge in edges}
    if "bar" in arrows:
        entries += [LegendEntry(*ARROWS[arrow]) for arrow in ARROWS if arrow in arrows]
    if any(edge.against for edge in edges):
        entries.append(LegendEntry(AGAINST, color="ink", dash=DASHES["against"]))
    return tuple(entries)


def rows(
    nodes: Sequence[Node], edges: Sequence[Edge], weight_kind: str
) -> tuple[dict[str, Any], ...]:
    """The table twin: one row per edge, strongest first."""
    by_id = {node.id: node for node in nodes}
    ordered = sorted(edges, key=lambda edge: -abs(edge.weight))
    return tuple(
        {
            "No.": row,
            "From": by_id[edge.source].label,
            "Relation": edge.label,
            "To": by_id[edge.target].label,
            "Hop": max(by_id[edge.source].layer, by_id[edge.target].layer),
            weight_kind.capitalize(): edge.weight,
            "Status": edge.status,
            "Source": edge.origin,
        }
        for row, edge in enumerate(ordered, start=1)
    )
