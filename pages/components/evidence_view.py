"""The evidence view of record: an accessible SVG graph and its table twin."""

from functools import cache
from pathlib import Path

import streamlit as st

from core.render.drawing import GraphDrawing
from core.render.palette import THEMES
from core.render.svg import draw_svg
from core.render.text import show_weight

ASSETS = Path(__file__).with_name("evidence_view")


@cache
def _read(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _renderer(part):
    return st.components.v2.component(
        f"parsimony_evidence_{part}",
        html=_read(f"{part}.html"),
        css=_read(f"{part}.css"),
        js=_read(f"{part}.js"),
    )


def show_evidence(
    drawing: GraphDrawing, *, key: str, narrow: GraphDrawing | None = None
) -> str | None:
    """Show the graph; return the id of the node or edge that is selected, None if none is.

    `narrow` is the same evidence with the orientation "down", for windows below 700 px.
    """
    before = st.session_state.get(key) or {}
    result = _renderer("view")(
        key=key,
        data={
            "wide": drawing.to_json(),
            "narrow": (narrow or drawing).to_json(),
            "themes": THEMES,
            "svg": draw_svg(drawing),
            "selected": _known(drawing, before.get("selected")) and before.get("selected"),
        },
        default={"selected": None},
        on_selected_change=lambda: None,
    )
    return _known(drawing, result.selected)


def _known(drawing: GraphDrawing, selected: object) -> str | None:
    """The id behind "node:<id>" or "edge:<id>", None for anything that is not in the drawing."""
    if not isinstance(selected, str):
        return None
    kind, _, name = selected.partition(":")
    items = {"node": drawing.nodes, "edge": drawing.edges}.get(kind, ())
    return name if any(item.id == name for item in items) else None


def show_table(drawing: GraphDrawing, *, key: str) -> None:
    """The table twin: one row per drawn edge, strongest first; names in full, as plain text."""
    if not drawing.rows:
        st.write("No edges to list.")
        return
    columns = [name for name in drawing.rows[0] if any(row[name] != "" for row in drawing.rows)]
    _renderer("table")(
        key=key,
        data={
            "caption": f"{drawing.title} as a table. {drawing.notice}".strip(),
            "columns": columns,
            "numbers": [not isinstance(drawing.rows[0][name], str) for name in columns],
            "rows": [[_written(row[name]) for name in columns] for row in drawing.rows],
        },
    )


def _written(value):
    return show_weight(value) if isinstance(value, float) else str(value)
