"""Tables of measurements: bytes to columns of text and numbers.

Besides what `core.data.delimited_text` reads: cells with blanks between them, comments that start
with ``#``, files without a header, decimal commas when a person says so, missing numbers.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from core.data.delimited_text import read_delimited
from core.data.graph_table import MAX_COLUMNS, Limits, not_a_table, printable, shorten
from core.data.physics.findings import Choices, Finding, Repair, plural
from core.data.upload_recognition import decode_text, refuse_binary
from core.errors import InputError

LIMITS = Limits()
MAX_ROWS = 300_000  # of one table
MAX_TOTAL = 1_000_000  # of one table once it holds for every sample
MAX_FILES = 8
MISSING = frozenset(("", "na", "n/a", "nan", "null", "none", "-", "--", ".", "?"))
NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
COMMA_NUMBER = re.compile(r"[-+]?\d*,\d+([eE][-+]?\d+)?")
# what reading a damaged, locked or unusual archive raises
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
ZIP = b"PK\x03\x04"
File = tuple[str, bytes]


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


def unpack(files: Sequence[File]) -> list[File]:
    """The files themselves, or the tables inside a ZIP archive.

    Raises:
        InputError: UP-E01 when they are too large, UP-E02 for an archive that cannot be read.
    """
    unpacked: list[File] = []
    for name, content in files:
        if content.startswith(ZIP) and b".npy" not in content[-65536:]:
            unpacked += read_archive(name, content)
        else:
            unpacked.append((name, content))
    if len(unpacked) > MAX_FILES:
        raise InputError(
            "UP-E02", "Too many files", f"{len(unpacked)} files; at most {MAX_FILES} are read.",
            "Give one table each for nodes, edges, graphs and targets.",
        )  # fmt: skip
    return unpacked


def read_archive(name: str, content: bytes) -> list[File]:
    """Files of a ZIP archive by their last name; nothing is written to disk.

    Raises:
        InputError: UP-E01 or UP-E02.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [one for one in archive.infolist() if not one.is_dir()]
            members = [one for one in members if not one.filename.startswith("__MACOSX/")]
            size = sum(one.file_size for one in members)
            if len(content) > LIMITS.num_bytes or size > 4 * LIMITS.num_bytes:
                raise InputError(
                    "UP-E01", "File too large",
                    f"This archive has {size / 2**20:.0f} MB of content; the limit here is "
                    f"{4 * LIMITS.num_bytes >> 20} MB.",
                    "Leave out samples or columns that are not needed.",
                )  # fmt: skip
            if len(members) > 4 * MAX_FILES:
                raise not_a_table(name, "an archive of many files")
            return [(PurePath(one.filename).name, archive.read(one)) for one in members]
    except ARCHIVE_ERRORS as error:
        raise not_a_table(name, "a damaged or locked archive", "Pack it again.") from error


def read_text_table(name: str, content: bytes) -> TextTable:
    """Split a file into columns.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    refuse_binary(name, content, LIMITS)
    text, _ = decode_text(content)
    shown = printable(shorten(PurePath(name).name))
    if text.count("\n") > MAX_ROWS:
        raise InputError(
            "UP-E06", "Too many rows",
            f'"{shown}" has {text.count(chr(10)):,} rows; the limit is {MAX_ROWS:,}.',
            "Keep fewer samples or frames; some hundred are enough for a formula.",
        )  # fmt: skip
    lines = text.split("\n")
    comments = tuple(line for line in lines if line.lstrip().startswith("#"))
    blank = [line if not line.lstrip().startswith("#") else "" for line in lines]
    sample = [line for line in blank if line.strip()][:100]
    if not sample:
        raise InputError("UP-E05", "Empty file", f'"{shown}" has no rows.', "Add rows.")
    if _has_blanks_between(sample):
        blank = ["\t".join(line.split()) for line in blank]
    table = read_delimited("\n".join(blank), LIMITS, header=False)
    width = len(table.columns)
    rows = [(line, cells) for line, cells in table.rows if len(cells) == width]
    has_header = _names_columns([cells for _, cells in rows[:2]])
    first = rows[0][1] if has_header else _commented_header(comments, width)
    rows = rows[1:] if has_header else rows
    if not rows:
        raise InputError(
            "UP-E05", "Empty file", f'"{shown}" has a header but no rows.', "Add rows."
        )
    if width >= MAX_COLUMNS:
        raise not_a_table(name, f"a table of more than {MAX_COLUMNS} columns")
    headers = _unique(first or [f"column {i + 1}" for i in range(width)])
    cells = tuple(zip(*(one for _, one in rows), strict=True))
    numbers = np.array([line for line, _ in rows])
    skipped = len(table.rows) - len(rows) - has_header
    return TextTable(
        shown, headers, cells, numbers, has_header or first is not None, comments, skipped
    )


def check_total(name: str, rows: int) -> None:
    """Refuse more rows than a system may have once a table holds for all samples (UP-E06)."""
    if rows > MAX_TOTAL:
        raise InputError(
            "UP-E06", "Too many rows",
            f'"{name}" stands for {rows:,} rows over all samples; the limit is {MAX_TOTAL:,}.',
            "Keep fewer samples; some hundred are enough for a formula.",
        )  # fmt: skip


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
    words = [not _like_a_number(cell) for cell in rows[0]]
    below = [_like_a_number(cell) for cell in rows[-1]]
    return all(words) or any(word and one for word, one in zip(words, below, strict=True))


def _commented_header(comments: Sequence[str], width: int) -> list[str] | None:
    """Names of the columns from the last comment that has one word for each."""
    for comment in reversed(comments):
        words = re.split(r"[\t;,]|\s+", comment.strip().lstrip("#").strip())
        if len(words) == width and not any(map(_like_a_number, words)):
            return words
    return None


def _like_a_number(cell: str) -> bool:
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


def parse_numbers(
    table: TextTable, keys: Mapping[int, str], choices: Choices, findings: list[Finding]
) -> dict[int, np.ndarray]:
    """Numbers of some columns.

    Args:
        table: the text.
        keys: from the numbers of the columns to the keys that name them in repairs.
        choices: what a person has decided.
        findings: PH-E06 is added for what is no number.

    Returns:
        (rows,) float64 by column, nan where a number is missing; without columns of other text.
    """
    comma = "decimal-comma" in choices.repairs
    values = {}
    for place, key in keys.items():
        cells = table.cells[place]
        if comma:
            cells = tuple(cell.replace(",", ".") for cell in cells)
        wrong = [
            row
            for row, cell in enumerate(cells)
            if not NUMBER.fullmatch(cell) and cell.lower() not in MISSING
        ]
        if wrong:
            findings.append(_not_a_number(table, key, place, wrong))
            continue
        numbers = [float(cell) if cell.lower() not in MISSING else np.nan for cell in cells]
        found = np.array(numbers)
        found[~np.isfinite(found)] = np.nan
        values[place] = found
    return values


def _not_a_number(table: TextTable, key: str, place: int, wrong: Sequence[int]) -> Finding:
    cell = table.cells[place][wrong[0]]
    where = f"row {table.lines[wrong[0]]} of {table.name}, column {table.headers[place]}"
    more = f" ({len(wrong):,} such cells)" if len(wrong) > 1 else ""
    leave = Repair(f"ignore:{key}", f"Leave out {table.headers[place]}")
    decimal = all(COMMA_NUMBER.fullmatch(table.cells[place][row]) for row in wrong)
    return Finding(
        "PH-E06", "Not a number",
        f'Not a number in {where}: "{printable(shorten(cell, 40))}"{more}.',
        "Is the comma a decimal comma?" if decimal else "Write plain numbers, or leave it out.",
        True,
        (Repair("decimal-comma", "Yes, decimal commas"), leave) if decimal else (leave,),
    )  # fmt: skip


def skipped_rows(table: TextTable) -> list[Finding]:
    """PH-E34 when rows were left out because of their number of cells."""
    if not table.num_skipped:
        return []
    rows = plural(table.num_skipped, "row")
    return [
        Finding(
            "PH-E34", "Row does not fit",
            f"{table.name}: {rows} {'has' if table.num_skipped == 1 else 'have'} another number of "
            f"cells than the {len(table.headers)} columns.",
            "They are left out; check for stray separators.",
        )
    ]  # fmt: skip
