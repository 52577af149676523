"""Files of structures: SMILES lists (.smi), tables with a SMILES column, molfiles and SDF.

Recognised by content, never by name. Nothing is parsed as chemistry here; each entry's text goes
through `core.chemistry.check` when it is wanted.
"""

import csv
import re
from dataclasses import dataclass

from core.chemistry.text import is_block
from core.errors import InputError

MAX_BYTES = 5 * 2**20
MAX_ENTRIES = 5_000
SMILES_COLUMNS = ("smiles", "canonical_smiles", "isomeric_smiles", "structure")
NAME_COLUMNS = ("name", "title", "compound", "drug", "id")

_DELIMITERS = "\t;,"


@dataclass(frozen=True)
class Entry:
    """One structure of a file, not yet read.

    Attributes:
        row: its line in a list, its number in an SDF; from 1.
        name: name in the file, empty when there is none.
        text: SMILES or molfile.
    """

    row: int
    name: str
    text: str


def read_list(content: bytes) -> list[Entry]:
    """Split a file into structures.

    Raises:
        InputError: UP-E01 (larger than 5 MB), UP-E02 (not text), UP-E03 (not UTF-8), UP-E04 (a
            table without a SMILES column), UP-E05 (empty), UP-E06 (more than 5,000 structures).
    """
    text = _decode(content)
    if is_block(text):
        entries = _split_blocks(text)
    else:
        lines = text.split("\n")
        first = next(line for line in lines if line.strip())
        delimiter = next((sign for sign in _DELIMITERS if sign in first), "")
        if delimiter and (delimiter != "\t" or _find(first.split("\t"), SMILES_COLUMNS) >= 0):
            entries = _split_table(lines, delimiter)
        else:
            entries = _split_lines(lines)
    if not entries:
        raise _empty("The file has a header but no rows.")
    if len(entries) > MAX_ENTRIES:
        raise InputError(
            "UP-E06", "Too many rows", f"{len(entries):,} rows; the limit is {MAX_ENTRIES:,}.",
            "Split the file.",
        )  # fmt: skip
    return entries


def _decode(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise InputError(
            "UP-E01", "File too large",
            f"This file has {len(content):,} bytes; the limit here is {MAX_BYTES:,}.",
            "Split it.",
        )  # fmt: skip
    if b"\x00" in content:
        raise InputError(
            "UP-E02", "Not a text table", "The content is binary data.",
            "Save the structures as SMILES, CSV (UTF-8) or SDF.",
        )  # fmt: skip
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "UP-E03", "Cannot read the characters",
            f"The file is not UTF-8 (first problem in line {line}).", 'Save it as "UTF-8".',
        ) from error  # fmt: skip
    if not text.strip():
        raise _empty("The file has no content.")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _empty(problem: str) -> InputError:
    return InputError("UP-E05", "Empty file", problem, "Add one structure per row.")


def _split_blocks(text: str) -> list[Entry]:
    records = re.split(r"^\$\$\$\$.*\n?", text, flags=re.MULTILINE)
    return [
        Entry(number, record.split("\n", 1)[0].strip(), record)
        for number, record in enumerate((one for one in records if one.strip()), start=1)
    ]


def _split_lines(lines: list[str]) -> list[Entry]:
    """A SMILES list: the structure, then blank space and a name."""
    entries = []
    for row, line in enumerate(lines, start=1):
        smiles, _, name = line.strip().replace("\t", " ").partition(" ")
        if smiles and not (not entries and smiles.casefold() in SMILES_COLUMNS):
            entries.append(Entry(row, name.strip(), smiles))
    return entries


def _split_table(lines: list[str], delimiter: str) -> list[Entry]:
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise InputError(
            "UP-E02", "Not a text table", f"The rows cannot be split into cells: {error}.",
            "Export the table again as CSV (UTF-8).",
        ) from error  # fmt: skip
    filled = [(row, cells) for row, cells in enumerate(rows, start=1) if any(map(str.strip, cells))]
    header = filled[0][1]
    column = _find(header, SMILES_COLUMNS)
    if column < 0:
        found = ", ".join(cell.strip()[:30] for cell in header[:8])
        raise InputError(
            "UP-E04", "Column missing", f"I need a column smiles; I found {found}.",
            'Name the column of structures "smiles".',
        )  # fmt: skip
    named = _find(header, NAME_COLUMNS)
    return [
        Entry(row, cells[named].strip() if 0 <= named < len(cells) else "", cells[column].strip())
        for row, cells in filled[1:]
        if column < len(cells) and cells[column].strip()
    ]


def _find(header: list[str], wanted: tuple[str, ...]) -> int:
    """Place of the first of the wanted names, -1 when none is there."""
    names = [cell.strip().casefold().replace(" ", "_") for cell in header]
    return next((names.index(name) for name in wanted if name in names), -1)
