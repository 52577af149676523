"""Tables of measurements: bytes to columns of text.

Besides what `core.data.delimited_text` reads: cells with blanks between them, comments that start
with ``#``, files without a header.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from core.data.delimited_text import read_delimited
from core.data.graph_table import Limits, not_a_table, printable, shorten
from core.data.upload_recognition import decode_text, refuse_binary
from core.errors import InputError

MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "--", ".", "?"))
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
COMMA_NUMBER = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")


@dataclass(frozen=True)
class TextTable:
    """A table before anything is known about its columns.

    Attributes:
        name: of the file.
        headers: of the columns, unique.
        cells: text of each column.
        lines: (rows,) number of the line in the file, from 1.
        has_header: whether the file names its columns.
        comments: lines that start with ``#``.
        num_skipped: rows with another number of cells.
    """

    name: str
    headers: tuple[str, ...]
    cells: tuple[tuple[str, ...], ...]
    lines: np.ndarray
    has_header: bool
    comments: tuple[str, ...] = ()
    num_skipped: int = 0


@dataclass(frozen=True)
class Grid:
    """Cells of a table before anything is known about its first row.

    Attributes:
        name: of the file.
        width: cells that most rows have.
        rows: number of the line in the file, from 1, and the cells; any number of them.
        comments: lines that start with ``#``.
    """

    name: str
    width: int
    rows: list[tuple[int, list[str]]]
    comments: tuple[str, ...] = ()


def read_grid(name: str, content: bytes, limits: Limits) -> Grid:
    """Split a file into cells.

    Args:
        name: of the file, only shown.
        content: its bytes.
        limits: what is allowed; `Limits.num_facts` are rows.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    refuse_binary(name, content, limits)
    text, _ = decode_text(content)
    shown = printable(shorten(PurePath(name).name))
    if text.count("\n") > limits.num_facts:
        raise InputError(
            "UP-E06", "Too many rows",
            f'"{shown}" has {text.count(chr(10)):,} rows; the limit is {limits.num_facts:,}.',
            "Keep fewer samples or times.",
        )  # fmt: skip
    lines = text.split("\n")
    comments = tuple(line for line in lines if line.lstrip().startswith("#"))
    blank = [line if not line.lstrip().startswith("#") else "" for line in lines]
    sample = [line for line in blank if line.strip()][:100]
    if not sample:
        raise InputError("UP-E05", "Empty file", f'"{shown}" has no rows.', "Add rows.")
    if _has_blanks_between(sample):
        blank = ["\t".join(line.split()) for line in blank]
    table = read_delimited("\n".join(blank), limits, header=False)
    width = len(table.columns)
    if width >= limits.num_columns:
        raise not_a_table(name, f"a table of more than {limits.num_columns:,} columns")
    return Grid(shown, width, list(table.rows), comments)


def read_text_table(name: str, content: bytes, limits: Limits) -> TextTable:
    """Split a file into columns; see `read_grid`."""
    grid = read_grid(name, content, limits)
    width = grid.width
    rows = [(line, cells) for line, cells in grid.rows if len(cells) == width]
    has_header = _names_columns([cells for _, cells in rows[:2]])
    first = rows[0][1] if has_header else _commented_header(grid.comments, width)
    rows = rows[1:] if has_header else rows
    if not rows:
        raise InputError(
            "UP-E05", "Empty file", f'"{grid.name}" has a header but no rows.', "Add rows."
        )
    headers = _unique(first or [f"column {i + 1}" for i in range(width)])
    cells = tuple(zip(*(one for _, one in rows), strict=True))
    numbers = np.array([line for line, _ in rows])
    skipped = len(grid.rows) - len(rows) - has_header
    return TextTable(
        grid.name, headers, cells, numbers, has_header or first is not None, grid.comments, skipped
    )


def _has_blanks_between(lines: Sequence[str]) -> bool:
    """Whether blanks separate the cells: a comma, if there is one, stands inside numbers."""
    if any("\t" in line or ";" in line for line in lines):
        return False
    if not any("," in line for line in lines):
        return True
    cells = [line.split() for line in (lines[1:] or lines)]
    return len({len(one) for one in cells}) == 1 and len(cells[0]) >= 2 and all(
        NUMBER.fullmatch(cell) or COMMA_NUMBER.fullmatch(cell) for one in cells for cell in one
    )  # fmt: skip


def _names_columns(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row has words, and above numbers unless all of it is words."""
    words = [not like_a_number(cell) for cell in rows[0]]
    below = [like_a_number(cell) for cell in rows[-1]]
    return all(words) or any(word and one for word, one in zip(words, below, strict=True))


def _commented_header(comments: Sequence[str], width: int) -> list[str] | None:
    """Names of the columns from the last comment that has one word for each."""
    for comment in reversed(comments):
        words = re.split(r"[\t;,]|\s+", comment.strip().lstrip("#").strip())
        if len(words) == width and not any(map(like_a_number, words)):
            return words
    return None


def like_a_number(cell: str) -> bool:
    """Whether a cell is a number, with a point or a comma, or says that one is missing."""
    text = cell.strip()
    return bool(
        text.lower() in MISSING or NUMBER.fullmatch(text) or COMMA_NUMBER.fullmatch(text)
    )  # fmt: skip


def _unique(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers within the limits of a name; one that comes again gets a number."""
    found: dict[str, None] = {}
    for place, header in enumerate(headers):
        name = printable(shorten(header.strip(), 60)) or f"column {place + 1}"
        new, number = name, 1
        while new in found:
            number += 1
            new = f"{name}.{number}"
        found[new] = None
    return tuple(found)
