"""Cells of expression and prior tables: rows of one length, and numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.graph_table import Limits, printable, shorten
from core.data.regulation.reading import Choices
from core.data.text_table import (
    COMMA_NUMBER,
    MISSING,
    NUMBER,
    like_a_number,
    read_grid,
)
from core.data.upload_recognition import refuse_binary
from core.errors import InputError

LIMITS = Limits(num_columns=20_000)
INFINITE = frozenset(("inf", "-inf", "+inf", "infinity"))
MAX_CELLS = 6_000_000  # of a file; cells take much more memory than their bytes
NAME_LENGTH = 60
HUGE = 1e30  # what models compute with is float32
WORDS = MISSING | INFINITE


@dataclass(frozen=True)
class Cells:
    """A table whose rows all have the same number of cells.

    Attributes:
        name: of the file.
        rows: all of them, the one with the headers included.
        lines: number of each row in the file, from 1.
    """

    name: str
    rows: list[list[str]]
    lines: list[int]


def read_cells(name: str, content: bytes, findings: list[Finding]) -> Cells:
    """Split a file into rows.

    A first row that is one cell short gets an empty one in front: so R writes the names of columns
    when rows have names, too. Other rows of another length are left out (GR-E15).

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    refuse_binary(name, content, LIMITS)
    num_cells = max(map(content.count, (b",", b"\t", b";", b" ")))
    if num_cells > MAX_CELLS:
        shown = printable(shorten(name))
        raise too_many_values(f"{shown} has about {num_cells:,} cells; the limit is {MAX_CELLS:,}.")
    grid = read_grid(name, content, LIMITS)
    rows = grid.rows
    if len(rows) > 1 and len(rows[0][1]) == grid.width - 1:
        rows[0] = (rows[0][0], ["", *rows[0][1]])
    kept = [(line, cells) for line, cells in rows if len(cells) == grid.width]
    skipped = len(rows) - len(kept)
    if len(kept) < 2:
        raise InputError(
            "UP-E05", "Empty file", f'"{grid.name}" has fewer than two rows.', "Add rows."
        )
    if skipped:
        findings.append(
            Finding(
                "GR-E15", "Row does not fit",
                f"{grid.name}: {plural(skipped, 'row')} with another number of cells than the "
                f"{grid.width:,} columns.",
                "They are left out; check for stray separators.",
            )
        )  # fmt: skip
    return Cells(grid.name, [cells for _, cells in kept], [line for line, _ in kept])


def too_many_values(problem: str) -> InputError:
    """UP-E06 about a table that would fill the memory."""
    return InputError("UP-E06", "Too many values", problem, "Keep fewer genes or samples.")


def clean_name(text: str) -> str:
    """A gene, sample or header as it is shown and compared."""
    text = text.strip()
    if text.isprintable() and len(text) <= NAME_LENGTH:
        return text
    return shorten("".join(filter(str.isprintable, text)).strip(), NAME_LENGTH)


def is_number(cell: str) -> bool:
    """As `like_a_number`; infinity counts as missing."""
    return like_a_number(cell) or cell.lower() in INFINITE


def parse_numbers(
    table: Cells, rows: Sequence[int], columns: Sequence[int], choices: Choices,
    findings: list[Finding],
) -> np.ndarray:  # fmt: skip
    """Numbers of some cells.

    Args:
        table: the text.
        rows: numbers of the rows wanted.
        columns: numbers of the columns wanted.
        choices: ``decimal-comma`` reads 0,5 as 0.5.
        findings: GR-E12 is added for what is neither a number nor a word for a missing one.

    Returns:
        (rows, columns) float64, nan where there is no number or one beyond `HUGE`.
    """
    values = np.full((len(rows), len(columns)), np.nan)
    wrong = []
    comma = choices.has("decimal-comma")
    for i, row in enumerate(rows):
        line = table.rows[row]
        cells = [line[k].replace(",", ".") if comma else line[k] for k in columns]
        plain = _plain_floats(cells)
        if plain is not None:
            values[i] = plain
            continue
        for j, cell in enumerate(cells):
            if NUMBER.fullmatch(cell):
                values[i, j] = float(cell)
            elif cell.lower() not in WORDS:
                wrong.append((row, columns[j]))
    values[~(np.abs(values) < HUGE)] = np.nan
    if wrong:
        findings.append(_not_a_number(table, wrong))
    return values


def _plain_floats(cells: Sequence[str]) -> list[float] | None:
    """All cells as Python reads numbers, several times faster; None where one is none."""
    if any("_" in cell for cell in cells):  # Python takes 1_0 for 10
        return None
    try:
        return [float(cell) for cell in cells]
    except ValueError:
        return None


def _not_a_number(table: Cells, wrong: Sequence[tuple[int, int]]) -> Finding:
    row, column = wrong[0]
    cell = table.rows[row][column]
    more = f" ({len(wrong):,} such cells)" if len(wrong) > 1 else ""
    decimal = all(COMMA_NUMBER.fullmatch(table.rows[i][j]) for i, j in wrong)
    return Finding(
        "GR-E12", "Not a number",
        f"Not a number in row {table.lines[row]:,} of {table.name}, column {column + 1:,}: "
        f'"{printable(shorten(cell, 40))}"{more}.',
        "Is the comma a decimal comma?" if decimal else "Write plain numbers, or leave it empty.",
        True,
        (Repair("decimal-comma", "Yes, decimal commas"),) if decimal else (),
    )  # fmt: skip
