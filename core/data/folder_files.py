"""Text, numbers and JSON of files in a person's own folder, read within limits.

Unlike an upload, such a file has a published layout, so that a row that does not fit is an error.
"""

import gzip
import json
import re
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from core.data.graph_table import not_a_table, printable, shorten
from core.data.upload_recognition import SIGNATURES, model_file
from core.errors import InputError

MAX_BYTES = 400 * 2**20  # of one file, uncompressed; the largest official one has about 30 MB
MAX_ROWS = 5_000_000
MODEL_SUFFIXES = frozenset((".pkl", ".pickle", ".pt", ".pth", ".npy", ".npz", ".joblib"))
_BLANK = np.isin(np.arange(256), list(b" \t\r\n"))
MAX_DIGITS = 18  # of a number that fits 64 bits
SAME_ARCHIVE = "Take the JSON files and the folds from the same archive."


def read_text(path: Path) -> str:
    """A text file, unpacked when its name ends in .gz.

    Raises:
        InputError: UP-E01, UP-E02, UP-E03, UP-E07 for a file that could run code, UP-E08.
    """
    if path.suffix.lower() in MODEL_SUFFIXES:
        raise model_file()
    if not path.is_file():
        raise missing_file(path)
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise not_a_table(path.name, "a damaged gzip archive", "Download it again.") from error
    if len(content) > MAX_BYTES:
        raise InputError(
            "UP-E01", "File too large",
            f'"{path.name}" has more than {MAX_BYTES >> 20} MB of content.',
            "Leave out relations that are not needed.",
        )  # fmt: skip
    if re.match(rb"\x80[\x00-\x05]|\x93NUMPY", content):
        raise model_file()
    for signature, words in SIGNATURES:
        if content.startswith(signature) and b"\x00" in content[:4096]:
            raise not_a_table(path.name, words)
    try:
        return content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise InputError(
            "UP-E03", "Cannot read the characters",
            f'"{path.name}" is not UTF-8 (first problem in line {line}).', "Save it as UTF-8.",
        ) from error  # fmt: skip


def read_integers(path: Path, num_columns: int) -> np.ndarray:
    """(rows, `num_columns`) int64 of lines of whole numbers with blanks between them.

    Raises:
        InputError: as `read_text`; UP-E06 for too many rows; UP-E09 for a line that is no row.
    """
    text = read_text(path)
    if not text.strip(" \t\r\n"):
        return np.zeros((0, num_columns), dtype=np.int64)
    content = np.frombuffer(text.rstrip(" \t\r\n").encode("utf-8"), dtype=np.uint8)
    marks = ~_BLANK[content]
    inside = np.concatenate([[False], marks, [False]])
    starts, ends = (
        np.flatnonzero(one) for one in (~inside[:-1] & inside[1:], inside[:-1] & ~inside[1:])
    )
    line_of = np.cumsum(content == ord("\n"))
    per_line = np.bincount(line_of[starts], minlength=line_of[-1] + 1)
    digits = (content[marks] - ord("0")) <= 9  # unsigned: what is below 0 is large
    if (per_line != num_columns).any() or not digits.all() or (ends - starts).max() > MAX_DIGITS:
        raise _first_bad_line(path, text, num_columns)
    table = np.fromstring(text, dtype=np.int64, sep=" ").reshape(-1, num_columns)
    if len(table) > MAX_ROWS:
        raise InputError(
            "UP-E06", "Too many rows", f'"{path.name}": {len(table):,} rows; the limit is '
            f"{MAX_ROWS:,}.", "Leave out relations that are not needed.",
        )  # fmt: skip
    return table


def _first_bad_line(path: Path, text: str, num_columns: int) -> InputError:
    """The error about the first line that is not `num_columns` whole numbers."""
    number = re.compile(rf"\d{{1,{MAX_DIGITS}}}", re.ASCII)
    bad = [
        (line, content)
        for line, content in enumerate(text.rstrip(" \t\r\n").split("\n"), 1)
        if len(cells := re.findall(r"[^ \t\r]+", content)) != num_columns
        or not all(number.fullmatch(cell) for cell in cells)
    ]
    line, content = bad[0]
    problem = f'"{printable(shorten(content))}" is not {num_columns} whole numbers'
    return row_problem(path, problem, "Separate them by blanks or tabs.", line, len(bad))


def read_cells(path: Path, columns: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Rows of a table with tabs whose header must be `columns`; no cell is empty.

    Raises:
        InputError: as `read_integers`; UP-E04 for another header; UP-E05 without rows.
    """
    header, _, body = read_text(path).partition("\n")
    if tuple(header.strip().split("\t")) != columns:
        raise InputError(
            "UP-E04", "Column missing",
            f'"{path.name}": I need the columns {", ".join(columns)}; I found '
            f"{printable(shorten(header.strip()))}.", "Take the file as Hetionet publishes it.",
        )  # fmt: skip
    rows = [tuple(line.split("\t")) for line in body.split("\n") if line]
    bad = [line for line, row in enumerate(rows, 2) if len(row) != len(columns) or not all(row)]
    if bad:
        problem = f"{len(columns)} cells with text are expected"
        raise row_problem(path, problem, "Separate the cells by tabs.", bad[0], len(bad))
    if not rows:
        raise InputError(
            "UP-E05", "Empty file", f'"{path.name}" has a header but no rows.', "Add rows."
        )
    if len(rows) > MAX_ROWS:
        raise InputError(
            "UP-E06", "Too many rows", f'"{path.name}": {len(rows):,} rows; the limit is '
            f"{MAX_ROWS:,}.", "Leave out relations that are not needed.",
        )  # fmt: skip
    return rows


def read_object(path: Path) -> dict[str, object]:
    """A JSON object.

    Raises:
        InputError: as `read_text`; UP-E02 for anything else.
    """
    try:
        value = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise not_a_table(path.name, "no JSON that can be read", "Export it again.") from error
    if not isinstance(value, dict):
        raise not_a_table(path.name, "JSON that is no object", "Export it again.")
    return value


def read_names(path: Path) -> dict[int, str]:
    """Text by number of a JSON object, whether its keys or its values are the numbers.

    Raises:
        InputError: as `read_object`; UP-E09 when a number is none or comes twice.
    """
    pairs = [(key, str(value)) for key, value in read_object(path).items()]
    if not all(value.isdecimal() for _, value in pairs):
        pairs = [(value, key) for key, value in pairs]
    result: dict[int, str] = {}
    for text, number in pairs:
        if not re.fullmatch(r"\d{1,9}", number, re.ASCII) or int(number) in result:
            what = "has two names" if number.isdecimal() else "is no number"
            raise row_problem(path, f'"{printable(shorten(number))}" {what}', SAME_ARCHIVE)
        result[int(number)] = text
    return result


def check_range(numbers: np.ndarray, limit: int, word: str, where: Path) -> None:
    """Refuse a column that holds a number of `limit` or more (UP-E09)."""
    wrong = np.flatnonzero(numbers >= limit)
    if len(wrong):
        line = int(wrong[0]) + 1
        problem = f"{word} {numbers[line - 1]} is not one of the {limit:,} known"
        hint = f"Numbers run from 0 to {limit - 1:,}."
        raise row_problem(where, problem, hint, line, len(wrong))


def row_problem(path: Path, problem: str, hint: str, line: int = 0, num: int = 1) -> InputError:
    """UP-E09 about a line (from 1; 0 for the whole file) and how many are like it."""
    where = f"{path.name}, line {line}" if line else path.name
    more = f" ({num:,} such lines)" if num > 1 else ""
    return InputError("UP-E09", "Row does not fit", f"{problem}{more}.", hint, where)


def missing_file(path: Path) -> InputError:
    """UP-E08."""
    return InputError(
        "UP-E08", "File missing", f'"{printable(path.name)}" is not in "{path.parent.name}".',
        "Unpack the whole archive and choose its data folder.",
    )  # fmt: skip


def unknown_ids(path: Path, ids: Iterable[str], place: str) -> InputError:
    """UP-E09 that names the first unknown ids."""
    distinct = sorted(set(ids))
    listed = ", ".join(printable(shorten(one, 40)) for one in distinct[:5])
    more = f" and {len(distinct) - 5:,} more" if len(distinct) > 5 else ""
    problem = f"{len(distinct):,} ids are not in {place}: {listed}{more}."
    return InputError("UP-E09", "Row does not fit", problem, "Add them or remove their rows.",
        path.name)  # fmt: skip
