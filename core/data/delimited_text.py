"""Tables with tabs, commas or semicolons: text to cells."""

import csv
from collections import Counter
from collections.abc import Sequence
from typing import Any

from core.data.column_roles import find_roles
from core.data.graph_table import GraphTable, Limits, check_rows

DELIMITERS = {"tab": "\t", "semicolon": ";", "comma": ","}


def read_delimited(text: str, limits: Limits, header: bool | None, least: int = 3) -> GraphTable:
    """Split lines into cells.

    Args:
        text: lines that end in a line feed.
        limits: what is allowed.
        header: whether the first row names the columns; None to guess.
        least: columns that make sense; decides what counts as a delimiter.

    Raises:
        InputError: UP-E06 for too many rows.
    """
    check_rows(text.count("\n") - 1, limits)
    lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    delimiter, num_columns = _sniff_delimiter([line for _, line in lines[:100]], limits, least)
    mark = DELIMITERS[delimiter]
    first = tuple(cell.strip() for cell in _cells(lines[0][1], mark, num_columns, limits))
    if header is None:
        header = len(find_roles(first)) >= 2
    columns = first if header else tuple(f"column {i + 1}" for i in range(num_columns))
    rows = _Rows(lines[1:] if header else lines, mark, len(columns), limits)
    check_rows(len(rows), limits)
    return GraphTable("table", columns, rows, delimiter=delimiter, header=header)


class _Rows(Sequence[tuple[int, list[str]]]):
    """Lines of a table, split into cells only when they are read: half the memory."""

    def __init__(
        self, lines: list[tuple[int, str]], mark: str, num_columns: int, limits: Limits
    ) -> None:
        self.lines, self.mark, self.num_columns, self.limits = lines, mark, num_columns, limits

    def __len__(self) -> int:
        return len(self.lines)

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - a number or a slice, as in a list
        if isinstance(key, slice):
            return list(_Rows(self.lines[key], self.mark, self.num_columns, self.limits))
        number, line = self.lines[key]
        cells = _cells(line, self.mark, self.num_columns, self.limits)
        return number, [cell.strip() for cell in cells]


def _sniff_delimiter(sample: Sequence[str], limits: Limits, least: int) -> tuple[str, int]:
    """The delimiter under which most lines have the same number of at least `least` columns."""
    best, choice = (-1.0, -1), ("comma", 1)
    for name, mark in DELIMITERS.items():
        count = Counter(len(_cells(line, mark, least, limits)) for line in sample)
        columns, lines = max(count.items(), key=lambda item: (item[0] >= least, item[1], -item[0]))
        quality = (lines / len(sample) if columns >= least else 0.0, min(columns, least))
        if quality > best:
            best, choice = quality, (name, columns)
    return choice


def _cells(line: str, mark: str, num_columns: int, limits: Limits) -> list[str]:
    """Cells of one line, not many too many; quotes that do not close are plain characters."""
    plain = line.split(mark, limits.num_columns)
    if '"' not in line or len(plain) > limits.num_columns:
        return plain
    quoted = line[1:-1].split(f'"{mark}"')
    if line[0] == line[-1] == '"' and line.count('"') == 2 * len(quoted):
        return quoted  # every cell is quoted and none holds a quote
    try:
        quoted = next(csv.reader([line], delimiter=mark, strict=True), plain)
    except csv.Error:
        return plain
    # a raw file may hold quotes at will: prefer the reading that has the right number of cells
    if len(quoted) != num_columns and len(plain) == num_columns:
        return plain
    return quoted
