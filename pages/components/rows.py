"""A small table of plain text: real table markup, every cell shown letter by letter."""

import re
from collections.abc import Sequence

import streamlit as st

from core.render.text import shorten
from pages.components import frame

MAX_CELL = 80
LONG_WORD = re.compile(r"\S{40}(?=\S)")


def show_rows(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    limit: int = MAX_CELL,
) -> None:
    """Draw a table.

    Args:
        header: names of the columns.
        rows: cells; long ones are shortened.
        right: columns that are set to the right.
        limit: characters of a cell before it is shortened.
    """
    marks = ["--:" if name in right else ":--" for name in header]
    lines = [_cells(header, limit), marks, *(_cells(row, limit) for row in rows)]
    st.markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _cells(texts: Sequence[str], limit: int) -> list[str]:
    return [_cell(text, limit) for text in texts]


def _cell(text: str, limit: int) -> str:
    """Escaped text; a no-break space stays, and a very long word may be broken."""
    if len(text) > limit:
        text = shorten(text, limit)
    return "\u00a0".join(
        frame.plain(LONG_WORD.sub("\\g<0>\u200b", part)) for part in text.split("\u00a0")
    )
