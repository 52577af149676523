"""Uploaded tables of ratings: bytes to columns, before anything is known about them.

Also what both kinds of upload share: numbers as people write them, and how columns get roles.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from core.data.delimited_text import read_delimited
from core.data.graph_table import Limits, fold, not_a_table, printable, shorten
from core.data.text_table import MISSING
from core.data.upload_recognition import decode_text, refuse_binary
from core.data.uploads import RowProblem
from core.errors import InputError

MAX_CELLS = 5_000_000
MAX_COLUMNS = 1_000
MAX_CELL_LENGTH = 1_000
NUM_PREVIEW = 5
NUM_PROBLEMS = 10_000  # kept in a report; further ones are only counted
NUMBER = re.compile(r"([-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+))\s*(?:/\s*\d+|stars?|points?|★|%)?", re.I)
STARS = re.compile(r"[★⭐*]+[☆]*")
NOT_TABLES = (("{", "JSON"), ('["', "JSON"), ("[{", "JSON"), ("[[", "JSON"), ("<", "XML or HTML"))


@dataclass(frozen=True, eq=False)
class RatingTable:
    """A table whose cells are numbered by column.

    Attributes:
        name: of the file, safe to show.
        columns: their names, or "column 1" and so on.
        header: whether the file names its columns.
        delimiter: ``tab``, ``comma`` or ``semicolon``.
        values: distinct texts of each column.
        codes: (columns, n) int64 numbers of these texts.
        lines: (n,) int64 numbers of the lines in the file, from 1.
        skipped: rows with another number of cells, or with a cell beyond all bounds.
    """

    name: str
    columns: tuple[str, ...]
    header: bool
    delimiter: str
    values: tuple[tuple[str, ...], ...]
    codes: np.ndarray
    lines: np.ndarray
    skipped: tuple[RowProblem, ...]

    def __len__(self) -> int:
        return len(self.lines)

    def column(self, number: int) -> list[str]:
        """Cells of a column."""
        return [self.values[number][code] for code in self.codes[number]]

    def numeric_share(self, number: int) -> float:
        """Share of numbers among the cells of a column that are not missing; 0 where all are."""
        rows = np.bincount(self.codes[number], minlength=len(self.values[number]))
        present = np.array([not is_missing(text) for text in self.values[number]], bool)
        numeric = np.array([read_number(text) is not None for text in self.values[number]], bool)
        return float(rows[present & numeric].sum() / max(rows[present].sum(), 1))

    @property
    def preview(self) -> tuple[tuple[str, ...], ...]:
        """First rows."""
        return tuple(
            tuple(printable(shorten(self.values[k][code], 200)) for k, code in enumerate(row))
            for row in self.codes[:, :NUM_PREVIEW].T
        )


def read_rating_table(
    name: str, content: bytes, words: Mapping[str, Sequence[str]], max_rows: int, least: int
) -> RatingTable:
    """Split a file into columns.

    The first row names the columns where it has a word for a role, or no number.

    Args:
        name: of the file, only shown.
        content: its bytes.
        words: for each role, folded.
        max_rows: rows allowed.
        least: columns that make sense; decides what counts as a delimiter.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07; UP-E09 where no row can be used.
    """
    limits = Limits(num_facts=max_rows, num_columns=MAX_COLUMNS)
    refuse_binary(name, content, limits)
    text, _ = decode_text(content)
    shown = printable(shorten(PurePath(name).name))
    for start, kind in NOT_TABLES:
        if text.lstrip().startswith(start):
            raise not_a_table(name, kind)
    if not text.strip():
        raise InputError("UP-E05", "Empty file", f'"{shown}" has no content.', "Add rows.")
    num_lines = text.rstrip("\n").count("\n") + 1
    if num_lines > max_rows + 1:
        raise _too_many(f"{num_lines:,} rows; the limit is {max_rows:,}.")
    table = read_delimited(text, limits, header=False, least=least)
    width = len(table.columns)
    if width >= MAX_COLUMNS:
        raise not_a_table(name, f"a table of {MAX_COLUMNS:,} columns or more")
    if width * len(table.rows) > MAX_CELLS:
        raise _too_many(f"{width * len(table.rows):,} cells; the limit is {MAX_CELLS:,}.")
    head = [cells for _, cells in table.rows[:3] if len(cells) == width]
    header = _is_header(head, words)
    columns = _column_names(head[0] if header else [""] * width)
    rows = table.rows[1:] if header else table.rows
    if not rows:
        raise InputError(
            "UP-E05", "Empty file", f'"{shown}" has a header but no rows.', "Add rows."
        )
    lookup: list[dict[str, int]] = [{} for _ in columns]
    lines, codes, skipped = [], [], []
    for line, listed in rows:
        cells = _rejoined(listed) if len(listed) > width == 2 else listed
        problem = _row_problem(cells, width)
        if problem:
            skipped.append(RowProblem(line, printable(shorten(" | ".join(cells))), problem))
            continue
        lines.append(line)
        codes.append([known.setdefault(cell, len(known)) for known, cell in zip(lookup, cells)])  # noqa: B905 - the hot loop; lengths were compared
    if not lines:
        first = skipped[0]
        raise InputError(
            "UP-E09", "Row does not fit",
            f"It {first.problem}; none of the {len(skipped):,} rows can be used.",
            "Write one rating per row.", f"row {first.line}",
        )  # fmt: skip
    return RatingTable(
        shown,
        columns,
        header,
        table.delimiter,
        tuple(tuple(known) for known in lookup),
        np.array(codes, np.int64).reshape(-1, width).T,
        np.array(lines, np.int64),
        tuple(skipped),
    )


def find_column(
    columns: Sequence[str], words: Sequence[str], taken: Sequence[int] = ()
) -> int | None:
    """The column that is named by the first of these words, or by it and "id"; None without one.

    Args:
        columns: names.
        words: folded, best first.
        taken: numbers of columns that are something else.
    """
    folded = [fold(column) for column in columns]
    for word in words:
        for number, column in enumerate(folded):
            if column in (word, f"{word}id") and number not in taken:
                return number
    return None


def read_number(text: str) -> float | None:
    """A number as people write it: 4.5, 4,5, 4/5, 4 stars, ★★★★☆; None where it is none."""
    found = NUMBER.fullmatch(text.strip())
    if found:
        return float(found[1].replace(",", "."))
    if STARS.fullmatch(text.strip()):
        return float(sum(letter in "★⭐*" for letter in text))
    return None


def is_missing(text: str) -> bool:
    """Whether a cell says that there is nothing."""
    return text.strip().lower() in MISSING


def _too_many(problem: str) -> InputError:
    return InputError("UP-E06", "Too many rows", problem, "Take a part of the users or items.")


def _is_header(rows: Sequence[Sequence[str]], words: Mapping[str, Sequence[str]]) -> bool:
    """Whether the first of some rows names the columns."""
    if not rows:
        return False
    if any(find_column(rows[0], known) is not None for known in words.values()):
        return True
    return len(rows) > 1 and all(read_number(cell) is None for cell in rows[0])


def _column_names(cells: Sequence[str]) -> tuple[str, ...]:
    """Names that can be shown, none twice."""
    found: dict[str, None] = {}
    for number, cell in enumerate(cells, 1):
        name = printable(shorten(cell, 60)) or f"column {number}"
        while name in found:
            name = f"{name} ({number})"
        found[name] = None
    return tuple(found)


def _rejoined(cells: Sequence[str]) -> Sequence[str]:
    """Title and rating where commas in the title were not quoted: "Good, the Bad, The,9"."""
    if read_number(cells[-1]) is None or read_number(cells[-2]) is not None:
        return cells
    return [", ".join(cells[:-1]), cells[-1]]


def _row_problem(cells: Sequence[str], width: int) -> str:
    """What makes a row unusable; continues the sentence "Line 14 …"."""
    if len(cells) != width:
        word = "column" if len(cells) == 1 else "columns"
        return f"has {len(cells)} {word}; the others have {width}"
    longest = max(map(len, cells))
    return f"has a cell of {longest:,} characters" if longest > MAX_CELL_LENGTH else ""
