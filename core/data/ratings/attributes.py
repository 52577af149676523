"""Further columns of an uploaded table of ratings: properties of items or of users."""

from collections.abc import Sequence

import numpy as np

from core.data.graph_table import fold, printable, shorten
from core.data.ratings.tables import is_missing, read_number
from core.errors import Remark
from core.knowledge.ratings import Field

NUMERIC = 0.8  # share of numbers in a numeric property
MAX_CLASSES = 12  # distinct numbers that stay as they are; more are put into ranges
NUM_RANGES = 8
MAX_VALUES = 20  # of one item or user
NEARLY_UNIQUE = 0.8  # share of items or users whose value no other one has
LISTS = ("genre", "genres", "tag", "tags", "category", "categories", "keywords", "topics")


def read_attribute(
    name: str, texts: Sequence[str], codes: np.ndarray, owner: np.ndarray, num_owners: int
) -> tuple[Field | None, list[Remark]]:
    """A property with categories; numbers with many values become ranges.

    Args:
        name: of the column.
        texts: distinct cells.
        codes: (n,) number of the cell of each rating.
        owner: (n,) item or user of each rating.
        num_owners: items or users; each has at least one rating.

    Returns:
        The property, None where the column says nothing about most; and what is worth knowing.
    """
    absent = np.array([is_missing(text) for text in texts], bool)
    numbers = [
        None if gone else read_number(text) for text, gone in zip(texts, absent, strict=True)
    ]
    finite = np.array([np.nan if one is None else one for one in numbers], float)
    remarks: list[Remark] = []
    rows_of = np.bincount(codes, minlength=len(texts))
    if rows_of[np.isfinite(finite)].sum() >= NUMERIC * max(rows_of[~absent].sum(), 1):
        odd = ~absent & ~np.isfinite(finite)
        if odd[codes].any():
            remarks.append(_not_understood(name, texts, codes, odd))
        absent = absent | odd
        rows = _numeric_rows(finite, absent)
    else:
        rows = _text_rows(name, texts, absent)
    first, differ = _first_value(codes, owner, absent, num_owners)
    if differ.any():
        cases = "1 case" if differ.sum() == 1 else f"{differ.sum():,} cases"
        said = f'"{name}" differs between rows of the same one in {cases}; the first value counts.'
        remarks.append(Remark("RC-E24", "Attribute differs", said))
    field = Field.from_rows(name, [rows[code] if code >= 0 else [] for code in first])
    if _says_nothing(field):
        said = f'"{name}" is empty or differs for nearly every one; it is left out.'
        return None, [Remark("RC-E20", "Attribute says nothing", said)]
    return field, remarks


def _not_understood(name: str, texts: Sequence[str], codes: np.ndarray, odd: np.ndarray) -> Remark:
    """RC-E08 about texts among the numbers."""
    number = np.bincount(codes, minlength=len(texts)) * odd
    most = int(number.argmax())
    others = int((number > 0).sum()) - 1
    more = f" or {others:,} other texts" if others > 1 else " or another text" if others else ""
    rows = "1 row; it is" if number.sum() == 1 else f"{number.sum():,} rows; they are"
    return Remark(
        "RC-E08", "Attribute not understood",
        f'"{name}" contains "{printable(shorten(texts[most], 40))}"{more} in {rows} treated as '
        "missing.",
    )  # fmt: skip


def _numeric_rows(numbers: np.ndarray, absent: np.ndarray) -> list[list[str]]:
    """Categories of each distinct cell: the number itself, or a range of equally many numbers."""
    present = np.unique(numbers[~absent])
    if len(present) <= MAX_CLASSES:
        return [[] if gone else [f"{x:g}"] for x, gone in zip(numbers, absent, strict=True)]
    ends = np.unique(np.quantile(present, np.linspace(0, 1, NUM_RANGES + 1)[1:-1], method="lower"))
    place = np.searchsorted(ends, numbers, side="left")
    names = []
    for k in range(len(ends) + 1):
        inside = present[np.searchsorted(ends, present, side="left") == k]
        names.append(f"{inside[0]:g} to {inside[-1]:g}" if len(inside) else "")
    return [[] if gone else [names[k]] for k, gone in zip(place, absent, strict=True)]


def _text_rows(name: str, texts: Sequence[str], absent: np.ndarray) -> list[list[str]]:
    """Categories of each distinct cell; lists are taken apart at bars, semicolons or commas."""
    marks = [mark for mark in ("|", ";") if any(mark in text for text in texts)]
    if not marks and fold(name).removeprefix("item").removeprefix("user") in LISTS:
        marks = [","]
    rows = []
    for text, gone in zip(texts, absent, strict=True):
        parts = text.split(marks[0]) if marks else [text]
        kept = [printable(shorten(part.strip(), 100)) for part in parts if part.strip()]
        rows.append([] if gone else kept[:MAX_VALUES])
    return rows


def _first_value(
    codes: np.ndarray, owner: np.ndarray, absent: np.ndarray, num_owners: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cell of the first rating of each owner that has one, -1 without; and who has several."""
    rows = np.flatnonzero(~absent[codes])
    first = np.full(num_owners, -1)
    owners, places = np.unique(owner[rows], return_index=True)
    first[owners] = codes[rows[places]]
    differ = np.zeros(num_owners, bool)
    differ[owner[rows[codes[rows] != first[owner[rows]]]]] = True
    return first, differ


def _says_nothing(field: Field) -> bool:
    """Whether a property is empty, the same for all, or nearly unique."""
    count = np.bincount(field.table[field.table >= 0], minlength=len(field.values))
    if len(count) < 2:
        return True
    shared = np.append(count > 1, False)[field.table].any(1)  # the last place stands for missing
    return bool(np.mean(~shared) > NEARLY_UNIQUE)
