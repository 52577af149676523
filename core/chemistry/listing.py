"""Files of structures: SMILES lists (.smi), tables with a SMILES column, molfiles and SDF.

Recognised by content, never by name. Nothing is parsed as chemistry here; each entry's text goes
through `core.chemistry.check` when it is wanted.
"""

import csv
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from core.chemistry.text import is_block
from core.errors import InputError

MAX_BYTES = 5 * 2**20
MAX_ENTRIES = 5_000
SMILES_COLUMNS = ("smiles", "canonical_smiles", "isomeric_smiles", "structure")
NAME_COLUMNS = ("name", "title", "compound", "drug", "id")
LABEL_COLUMNS = ("label", "activity", "active", "class", "outcome", "result", "y")
MAX_FIELDS = 30  # columns or data fields that are kept of one entry
MAX_CELL = 500  # characters of the name of a column, or of a data field

_DELIMITERS = "\t;,"
_AFTER_SMILES = re.compile(r"[\s,;]+")
_DATA_FIELD = re.compile(r"^> [^<\n]*<([^>\n]+)>[^\n]*\n(.*?)(?=^> |\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One structure of a file, not yet read.

    Attributes:
        row: its line in a list, its number in an SDF; from 1.
        name: name in the file, empty when there is none.
        text: SMILES or molfile.
        fields: names and texts of the other columns of a table, or of the data fields of an SDF.
    """

    row: int
    name: str
    text: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Listing:
    """A file split into rows, before anybody decides what its columns mean.

    Attributes:
        kind: ``table``, ``list`` (SMILES and names) or ``sdf``.
        columns: of a table, or names of the data fields of an SDF; empty for a list.
        entries: the rows. Those of a table hold all their cells in `Entry.fields`.
        smiles: guessed column of the structures, empty when there is none.
        name: guessed column of the names, likewise.
        label: guessed column of the labels, likewise.
    """

    kind: str
    columns: tuple[str, ...]
    entries: tuple[Entry, ...]
    smiles: str = ""
    name: str = ""
    label: str = ""

    def choose(self, smiles: str | None = None, name: str | None = None) -> list[Entry]:
        """The rows with their structure and name; the other cells stay in `Entry.fields`.

        Args:
            smiles: column of the structures of a table; the guessed one when None.
            name: column of the names, empty for none; the guessed one when None.

        Raises:
            InputError: UP-E04, a table without a column of structures.
        """
        smiles = self.smiles if smiles is None else smiles
        name = self.name if name is None else name
        if self.kind == "table" and smiles not in self.columns:
            found = ", ".join(column[:30] for column in self.columns[:8])
            raise InputError(
                "UP-E04", "Column missing", f"I need a column smiles; I found {found}.",
                'Name the column of structures "smiles".',
            )  # fmt: skip
        chosen = []
        for entry in self.entries:
            cells = dict(entry.fields)
            text = cells.pop(smiles, "") if self.kind == "table" else entry.text
            title = cells.pop(name, "") or entry.name
            chosen.append(Entry(entry.row, title, text, tuple(cells.items())))
        return chosen


def read_list(content: bytes) -> list[Entry]:
    """Split a file into structures with their names; rows without a structure are left out.

    Raises:
        InputError: as `split_file`, and UP-E04 for a table without a SMILES column.
    """
    chosen = [replace(entry, fields=()) for entry in split_file(content).choose() if entry.text]
    if not chosen:
        raise _empty("No row has a structure.")
    return chosen


def split_file(
    content: bytes, *, max_bytes: int = MAX_BYTES, max_entries: int = MAX_ENTRIES
) -> Listing:
    """Recognise a file and split it into rows.

    Args:
        content: the file.
        max_bytes: largest file.
        max_entries: most rows.

    Raises:
        InputError: UP-E01 (too large), UP-E02 (not text), UP-E03 (not UTF-8), UP-E05 (empty) or
            UP-E06 (too many rows).
    """
    text = _decode(content, max_bytes)
    if is_block(text):
        found = _split_blocks(text)
    else:
        lines = text.split("\n")
        first = next(line for line in lines if line.strip())
        delimiter = next((sign for sign in _DELIMITERS if sign in first), "")
        if delimiter and (delimiter != "\t" or _find(first.split("\t"), SMILES_COLUMNS)):
            found = _split_table(lines, delimiter)
        else:
            found = Listing("list", (), tuple(split_lines(lines)))
    if not found.entries:
        raise _empty("The file has a header but no rows.")
    if len(found.entries) > max_entries:
        raise InputError(
            "UP-E06", "Too many rows",
            f"{len(found.entries):,} rows; the limit is {max_entries:,}.", "Split the file.",
        )  # fmt: skip
    return found


def _decode(content: bytes, max_bytes: int) -> str:
    if len(content) > max_bytes:
        raise InputError(
            "UP-E01", "File too large",
            f"This file has {len(content):,} bytes; the limit here is {max_bytes:,}.",
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


def _split_blocks(text: str) -> Listing:
    records = re.split(r"^\$\$\$\$.*\n?", text, flags=re.MULTILINE)
    entries = [
        Entry(number, record.split("\n", 1)[0].strip(), record, _data_fields(record))
        for number, record in enumerate((one for one in records if one.strip()), start=1)
    ]
    columns = tuple(dict.fromkeys(name for entry in entries for name, _ in entry.fields))
    return Listing("sdf", columns, tuple(entries), label=_find(columns, LABEL_COLUMNS))


def _data_fields(record: str) -> tuple[tuple[str, str], ...]:
    """The data fields behind the molfile of one SDF record; several lines become one."""
    found = _DATA_FIELD.findall(record.partition("M  END")[2])
    fields = {name.strip(): " ".join(value.split())[:MAX_CELL] for name, value in found}
    return tuple(fields.items())[:MAX_FIELDS]


def split_lines(lines: Iterable[str]) -> list[Entry]:
    """A SMILES list: the structure, then blank space, comma or semicolon, and a name."""
    entries = []
    for row, line in enumerate(lines, start=1):
        smiles, name = [*_AFTER_SMILES.split(line.strip(), maxsplit=1), ""][:2]
        if smiles and not (not entries and smiles.casefold() in SMILES_COLUMNS):
            entries.append(Entry(row, name.strip(), smiles))
    return entries


def _split_table(lines: list[str], delimiter: str) -> Listing:
    try:
        rows = list(csv.reader(lines, delimiter=delimiter))
    except csv.Error as error:
        raise InputError(
            "UP-E02", "Not a text table", f"The rows cannot be split into cells: {error}.",
            "Export the table again as CSV (UTF-8).",
        ) from error  # fmt: skip
    filled = [(row, cells) for row, cells in enumerate(rows, start=1) if any(map(str.strip, cells))]
    if not filled:
        raise _empty("The file has no content.")
    columns = _unique([cell.strip()[:MAX_CELL] for cell in filled[0][1][:MAX_FIELDS]])
    entries = [
        Entry(row, "", "", tuple(zip(columns, map(str.strip, cells), strict=False)))
        for row, cells in filled[1:]
    ]
    guesses = (_find(columns, names) for names in (SMILES_COLUMNS, NAME_COLUMNS, LABEL_COLUMNS))
    return Listing("table", columns, tuple(entries), *guesses)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names of columns without repeats or empty ones."""
    found: dict[str, None] = {}
    for number, name in enumerate(names, start=1):
        wanted = name or f"column {number}"
        found[f"{wanted} ({number})" if wanted in found else wanted] = None
    return tuple(found)


def _find(header: Iterable[str], wanted: tuple[str, ...]) -> str:
    """The column that has the first of the wanted names, empty when none is there."""
    names = {cell.strip().casefold().replace(" ", "_"): cell for cell in header}
    return next((names[name] for name in wanted if name in names), "")
