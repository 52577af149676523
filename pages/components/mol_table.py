"""Molecules as a table: picture, numbers with their range, sorted by its head, opened by a row."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import streamlit as st

from core import chemistry
from core.errors import InputError
from core.render.molecule import describe_molecule, draw_missing
from core.serving.molecule_table import TableRow

FILES = Path(__file__).with_name("mol_table")


@dataclass(frozen=True)
class Column:
    """One column.

    Attributes:
        key: what `on_sort` is told.
        label: its head.
        number: whether it is set to the right.
        words: whether its cells stay on one line.
        sort: ``ascending``, ``descending`` or ``none``; empty where it cannot be sorted.
    """

    key: str
    label: str
    number: bool = False
    words: bool = False
    sort: str = ""


@dataclass(frozen=True)
class Track:
    """A number drawn on a line.

    Attributes:
        at: 0 to 1, or -1 to 1 when signed.
        low: begin of its range, None for no range.
        high: end of its range.
        limit: place of a mark, None for no mark.
        signed: whether the line is drawn from 0 in its middle.
    """

    at: float
    low: float | None = None
    high: float | None = None
    limit: float | None = 0.5
    signed: bool = False


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: what it says; of a picture, its accessible name.
        picture: SVG in place of the text.
        note: smaller words below the text.
        track: line below the text.
        opens: whether the text is a button that opens the row.
    """

    text: str
    picture: str = ""
    note: str = ""
    track: Track | None = None
    opens: bool = False


@dataclass(frozen=True)
class Line:
    """One row: id, cells, and whether it is the one that is open."""

    id: str
    cells: tuple[Cell, ...]
    opened: bool = False


@cache
def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def show_table(
    caption: str,
    columns: Sequence[Column],
    lines: Sequence[Line],
    *,
    key: str,
    on_sort: Callable[[str], None] | None = None,
    on_open: Callable[[str], None] | None = None,
) -> None:
    """Draw the table.

    Args:
        caption: what the rows are, and how many.
        columns: heads.
        lines: rows, each with one cell per column.
        key: key of the component.
        on_sort: told the key of the column whose head was pressed, before the page runs again.
        on_open: told the id of the row that was pressed, likewise.
    """

    def tell(name: str, told: Callable[[str], None] | None) -> None:
        value = st.session_state[key][name]
        if told is not None and isinstance(value, str):
            told(value)

    renderer = st.components.v2.component(
        "parsimony_molecule_table",
        html=_read("table.html"),
        css=_read("table.css"),
        js=_read("table.js"),
    )
    renderer(
        key=key,
        data={
            "caption": caption,
            "columns": [asdict(column) for column in columns],
            "rows": [asdict(line) for line in lines],
        },
        on_sort_change=lambda: tell("sort", on_sort),
        on_open_change=lambda: tell("open", on_open),
    )


def picture_cell(row: TableRow, *, like: str = "") -> Cell:
    """The structure of a row; a grey box where it cannot be drawn."""
    dark = st.context.theme.type == "dark"
    if row.molecule is None:
        return Cell("Structure could not be read", draw_missing("not read", dark=dark))
    try:
        picture = chemistry.depict(row.smiles, row.title, dark=dark, like=like)
    except InputError:
        picture = draw_missing(dark=dark)
    return Cell(describe_molecule(row.molecule.structure, row.title), picture)
