"""Tables as CSV files that are safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Sequence
from numbers import Number

from core.data.uploads import RowProblem

# a spreadsheet reads a cell that begins with one of these as a formula
FORMULA_MARKS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def to_safe_csv(rows: Iterable[Sequence[object]], header: Sequence[str]) -> str:
    """CSV text in which no cell is a formula.

    A text cell that begins with a formula mark gets an apostrophe in front; numbers stay numbers,
    and None is an empty cell. Readers of the file strip one leading apostrophe to get the text.

    Args:
        rows: cells, row by row.
        header: names of the columns.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow([_safe(cell) for cell in header])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return stream.getvalue()


def problems_csv(problems: Iterable[RowProblem]) -> str:
    """The report of skipped rows: line, row, problem."""
    rows = ((problem.line, problem.text, problem.problem) for problem in problems)
    return to_safe_csv(rows, ("line", "row", "problem"))


def _safe(cell: object) -> object:
    if cell is None or isinstance(cell, Number):
        return cell
    text = str(cell)
    return f"'{text}" if text.startswith(FORMULA_MARKS) else text
