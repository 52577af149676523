"""A small table of plain text: real table markup, every cell shown letter by letter."""

import re
from collections.abc import Sequence

import streamlit as st

from core.render.graph import shorten
from pages.components import frame

MAX_CELL = 80
LONG_WORD = re.compile(r"\S{40}(?=\S)")


def show_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()
) -> None:
    """Draw a table.

    Args:
        header: names of the columns.
        rows: cells; long ones are shortened.
        right: columns that are set to the right.
    """
    marks = ["--:" if name in right else ":--" for name in header]
    lines = [_cells(header), marks, *map(_cells, rows)]
    st.markdown("\n".join(f"| {' | '.join(cells)} |" for cells in lines))


def _cells(texts: Sequence[str]) -> list[str]:
    return [_cell(text) for text in texts]


def _cell(text: str) -> str:
    """Escaped text; a no-break space stays, and a very long word may be broken."""
    if len(text) > MAX_CELL:
        text = shorten(text, MAX_CELL)
    return "\u00a0".join(
        frame.plain(LONG_WORD.sub("\\g<0>\u200b", part)) for part in text.split("\u00a0")
    )
