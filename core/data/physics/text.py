"""Tables of measured systems: archives to files, cells to numbers."""

import io
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import PurePath

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.graph_table import Limits, not_a_table, printable, shorten
from core.data.physics.findings import Choices
from core.data.text_table import COMMA_NUMBER, MISSING, NUMBER, TextTable
from core.errors import InputError

LIMITS = Limits(num_facts=300_000)
MAX_TOTAL = 1_000_000  # of one table once it holds for every sample
MAX_FILES = 8
# what reading a damaged, locked or unusual archive raises
ARCHIVE_ERRORS = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
ZIP = b"PK\x03\x04"
File = tuple[str, bytes]


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


def check_total(name: str, rows: int) -> None:
    """Refuse more rows than a system may have once a table holds for all samples (UP-E06)."""
    if rows > MAX_TOTAL:
        raise InputError(
            "UP-E06", "Too many rows",
            f'"{name}" stands for {rows:,} rows over all samples; the limit is {MAX_TOTAL:,}.',
            "Keep fewer samples; some hundred are enough for a formula.",
        )  # fmt: skip


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
