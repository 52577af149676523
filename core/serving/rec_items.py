"""A person's own items, which no training has seen: a file with titles and the model's fields.

Such an item has no ratings, so the network reads its fields alone; its mean is that of all ratings.
Its place in a list is a guess by kind, and no interval is measured for it. The person's ratings may
be of items of the catalogue or of own ones.
"""

import csv
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from core.data.films import title_and_year
from core.data.graph_table import fold
from core.data.ratings.tables import RatingTable, find_column, read_rating_table
from core.errors import InputError, Remark
from core.knowledge.ratings import MISSING, Catalogue, Field
from core.serving.rec_model import RecModel, open_model
from core.serving.rec_question import Question
from core.store import Store

KIND = "rating-items"  # of the upload
MAX_ITEMS = 2_000
NUM_EXAMPLES = 3
TITLES = ("title", "name", "item", "film", "movie", "book", "id")
YEARS = ("year", "released", "releaseyear")
DECADE = "decade"  # a field of this name follows from the year
_SEPARATORS = re.compile(r"\s*[;|,]\s*")


@dataclass(frozen=True, eq=False)
class ItemReading:
    """A file with items.

    Attributes:
        items: with ids ``own 1`` and so on, in the fields of the model's catalogue.
        inputs: the same items in the fields that the networks read.
        columns: of the file.
        preview: first rows.
        findings: what a person should know.
    """

    items: Catalogue
    inputs: tuple[Field, ...]
    columns: tuple[str, ...]
    preview: tuple[tuple[str, ...], ...]
    findings: tuple[Remark, ...]


def read_items(name: str, content: bytes, model: RecModel) -> ItemReading:
    """Read a file with one item per row; several values of a field stand in one cell, with ``;``.

    Args:
        name: of the file, only shown.
        content: its bytes.
        model: whose fields the items are described in.

    Raises:
        InputError: UP-E01 to UP-E07; UP-E04 without a column of titles; RC-E22 where the model
            cannot read other items.
    """
    check_can_read(model)
    shown, fields = model.catalogue.fields, model.item_fields
    words = {"title": TITLES, "year": YEARS} | {
        one.name: (fold(one.name),) for one in (*shown, *fields)
    }
    table = read_rating_table(name, content, words, MAX_ITEMS, least=2)
    place = find_column(table.columns, TITLES)
    if place is None and len(table.columns) > 1:
        raise InputError(
            "UP-E04", "Column missing",
            f"I need a column named title; I found {', '.join(table.columns)[:200]}.",
            "Name the column with the titles.",
        )  # fmt: skip
    titles = [text.strip() or f"row {line}" for text, line in
              zip(table.column(place or 0), table.lines.tolist(), strict=True)]  # fmt: skip
    found = [_read_field(field, table, titles) for field in fields]
    findings = [remark for _, remark in found if remark]
    findings += [Remark("RC-E23", "Row left out", f"Line {one.line} {one.problem}.")
                 for one in table.skipped[:5]]  # fmt: skip
    ids = tuple(f"own {number}" for number in range(1, len(titles) + 1))
    described = tuple(_read_field(field, table, titles)[0] for field in shown)
    return ItemReading(
        Catalogue(ids, tuple(titles), described), tuple(field for field, _ in found),
        table.columns, table.preview, tuple(findings),
    )  # fmt: skip


def example_items_file(model: RecModel) -> tuple[str, bytes]:
    """A small valid file: name and content; three new titles with values that the model knows."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["title", *(field.name for field in model.item_fields)])
    for row in range(min(NUM_EXAMPLES, len(model.catalogue))):
        fields = ("; ".join(field.of(row)) for field in model.item_fields)
        writer.writerow([f"New {model.words.item} {row + 1}", *fields])
    return "example-items.csv", stream.getvalue().encode("utf-8")


def check_can_read(model: RecModel) -> None:
    """Make sure that a model can score items that it was not trained on.

    Raises:
        InputError: RC-E22.
    """
    if not model.reads_items:
        raise InputError(
            "RC-E22", "No other items",
            f"{model.card.title} knows its items by their ratings only.",
            "Choose a model whose items have fields, or train one on ratings of your items.",
        )  # fmt: skip


def _read_field(field: Field, table: RatingTable, titles: list[str]) -> tuple[Field, Remark | None]:
    """A field of the items, and which of its words the model does not know."""
    cells = _cells(field, table, titles)
    number = {fold(value): row for row, value in enumerate(field.values)}
    rows = np.full((len(titles), field.table.shape[1]), MISSING, np.int64)
    unknown: dict[str, None] = {}
    for row, cell in enumerate(cells):
        named = [fold(part) for part in _SEPARATORS.split(cell.strip()) if part]
        unknown |= dict.fromkeys(one for one in named if one not in number)
        known = list(dict.fromkeys(number[one] for one in named if one in number))
        kept = known[: rows.shape[1]]
        rows[row, : len(kept)] = kept
    missing = int((rows == MISSING).all(1).sum()) if rows.shape[1] else len(titles)
    if not missing and not unknown:
        return Field(field.name, field.values, rows), None
    said = f'"{field.name}" is missing or not understood in {missing:,} of {len(titles):,} rows; '
    said += "they are treated as missing."
    if unknown:
        shown = ", ".join(list(unknown)[:5])
        said += f" Not known: {shown[:200]}. Known: {', '.join(field.values[:12])}."
    return Field(field.name, field.values, rows), Remark("RC-E08", "Attribute not understood", said)


def _cells(field: Field, table: RatingTable, titles: list[str]) -> list[str]:
    """The text of each item for a field; a decade follows from the year where there is one."""
    place = find_column(table.columns, (fold(field.name), f"{fold(field.name)}s"))
    if place is not None:
        return table.column(place)
    if field.name != DECADE:
        return [""] * len(titles)
    place = find_column(table.columns, YEARS)
    years = table.column(place) if place is not None else [
        str(title_and_year(title)[1] or "") for title in titles
    ]  # fmt: skip
    return [f"{year.strip()[:3]}0s" if re.fullmatch(r"\d{4}", year.strip()) else ""
            for year in years]  # fmt: skip


def keep_items(name: str, content: bytes, model: RecModel) -> str:
    """Store a file with items that a model can read; returns its id.

    Raises:
        As `read_items`.
    """
    found = read_items(name, content, model)
    summary: Mapping[str, object] = {"model": model.id, "items": len(found.items)}
    return Store.open().save_upload(name=name, content=content, kind=KIND, summary=dict(summary))


def model_of(question: Question) -> RecModel:
    """The model of a question, with the person's own items behind its catalogue where it has some.

    Raises:
        InputError: RC-E12; RC-E21, there is no such upload; and as `read_items`.
        ArtifactError: the model's files are damaged.
    """
    model = open_model(question.model)
    return _with_items(model, question.items) if question.items else model


@lru_cache(maxsize=8)
def _with_items(model: RecModel, upload_id: str) -> RecModel:
    found = Store.open().find_upload(upload_id)
    if found is None or found.kind != KIND:
        raise unknown_upload()
    reading = read_items(found.name, found.path.read_bytes(), model)
    return RecModel(model.artifact, reading.items, reading.inputs)


def unknown_upload() -> InputError:
    """What to say of an upload that is not here."""
    return InputError(
        "RC-E21", "Unknown upload", "This file is not on this server (any more).",
        "Upload it again.",
    )  # fmt: skip
