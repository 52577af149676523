"""A person's own ratings from a file: titles to items, any usual scale to that of the catalogue.

Nothing is used in silence: every row says what it was matched with and which rating it became, and
the person's choices (columns, scale, items, which of two ratings) change the reading. Whatever the
bytes are, the only error raised is `InputError`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.data.films import other_titles, title_and_year
from core.data.graph_table import printable, shorten
from core.data.ratings.tables import (
    RatingTable,
    find_column,
    is_missing,
    read_number,
    read_rating_table,
)
from core.data.ratings.titles import SURE, Match, TitleIndex, match_titles
from core.errors import Remark
from core.knowledge.ratings import Catalogue, Scale

MAX_ROWS = 5_000
NEWEST = 20  # given ratings that a question uses unless told otherwise
ENOUGH = 3  # ratings from which it matters that they are all the same
DISLIKED, LIKED = 0.3, 0.9  # parts of the scale that no and yes stand for
FITS = 0.9  # part of the ratings that lie on the scale a file is believed to have
REACHED = 0.6  # of such a scale, by its best rating

# words that name a column, best first, as `fold` leaves them
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "item": (
        "title", "name", "film", "movie", "book", "artist", "album", "song", "track", "game",
        "product", "itemtitle", "movietitle", "item", "id", "const", "method",
    ),
    "rating": (
        "rating", "yourrating", "myrating", "userrating", "score", "stars", "grade", "mark",
        "points", "value", "liked", "like",
    ),
    "time": ("time", "timestamp", "daterated", "date", "watcheddate", "created", "ratedat"),
    "year": ("year", "releaseyear", "yearofrelease"),
}  # fmt: skip
SOURCES = (  # scales of files, narrowest first
    Scale(0, 1), Scale(-1, 1), Scale(1, 5), Scale(0.5, 5, 0.5), Scale(0, 5), Scale(1, 10),
    Scale(0, 10), Scale(0, 100),
)  # fmt: skip
SAME = "same"


@dataclass(frozen=True)
class ProfileChoices:
    """What a person decided about a file.

    Attributes:
        columns: role, ``item`` or ``rating``, and number of the column.
        conversion: key of `ProfileReading.conversions`; empty to guess.
        keep: ``later`` or ``first`` of two ratings of one item.
        items: number of the line and id of the item; an empty id leaves the line out.
    """

    columns: tuple[tuple[str, int], ...] = ()
    conversion: str = ""
    keep: str = "later"
    items: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True)
class ProfileRow:
    """A row of the file and what became of it.

    Attributes:
        line: number in the file, from 1.
        text: title or id as written.
        item: id of the item; empty when there is none.
        title: of the item.
        alternatives: further items: id and title.
        rating: on the catalogue's scale, None where there is none.
        said: rating as written.
        status: ``ok``, ``unsure`` (used, to be checked), ``chosen``, ``unknown``, ``refused`` or
            ``left out``.
        problem: why it is not used, or not as it stands.
    """

    line: int
    text: str
    item: str
    title: str
    alternatives: tuple[tuple[str, str], ...]
    rating: float | None
    said: str
    status: str
    problem: Remark | None = None

    @property
    def used(self) -> bool:
        """Whether its rating is among the given ones."""
        return self.status in ("ok", "unsure", "chosen")


@dataclass(frozen=True)
class ProfileReading:
    """A file of own ratings, as far as it was understood.

    Attributes:
        columns: names.
        roles: number of the column by role; what could not be guessed is absent.
        preview: first rows of the table.
        rows: every row.
        given: id of the item and rating, oldest first where the file has times.
        conversions: what the file's numbers may mean, by id, in words; never empty.
        conversion: the one that is used.
        findings: what is worth knowing.
    """

    columns: tuple[str, ...]
    roles: Mapping[str, int]
    preview: tuple[tuple[str, ...], ...]
    rows: tuple[ProfileRow, ...]
    given: tuple[tuple[str, float], ...]
    conversions: Mapping[str, str]
    conversion: str
    findings: tuple[Remark, ...]

    @property
    def summary(self) -> str:
        """One sentence for the page."""
        if not self.rows:
            return f"A table with {len(self.columns)} columns; no rating was read yet."
        checked = sum(row.status == "unsure" for row in self.rows)
        left = sum(not row.used for row in self.rows)
        text = f"{len(self.given):,} of {len(self.rows):,} rows give a rating"
        text += f"; {checked:,} of them to be checked" if checked else ""
        return text + (f"; {left:,} {'is' if left == 1 else 'are'} not used." if left else ".")


def read_profile(
    name: str,
    content: bytes,
    catalogue: Catalogue,
    scale: Scale,
    choices: ProfileChoices | None = None,
) -> ProfileReading:
    """Read a table of items and ratings.

    Args:
        name: of the file, only shown.
        content: its bytes.
        catalogue: items that can be rated.
        scale: of the ratings that are returned.
        choices: the person's decisions.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07, UP-E09. Columns that cannot be told are a
            finding (UP-E04), so that they can be chosen.
    """
    choices = choices or ProfileChoices()
    table = read_rating_table(name, content, COLUMNS, MAX_ROWS, least=2)
    roles = _roles(table, choices)
    reading = ProfileReading(
        table.columns, roles, table.preview, (), (), {SAME: _words(scale, scale)}, SAME, ()
    )
    if not {"item", "rating"} <= roles.keys():
        return replace(reading, findings=(_column_missing(table),))
    said = table.column(roles["rating"])
    numbers = [read_number(cell) for cell in said]
    sources = _sources(numbers, scale)
    guessed = _guess(numbers, sources)
    conversion = choices.conversion if choices.conversion in sources else guessed
    texts = [printable(shorten(text, 200)) for text in _texts(table, roles)]
    matches = match_titles(texts, TitleIndex(catalogue, other_titles()))
    chosen = dict(choices.items)
    rows = [
        _row(line, match, cell, number, catalogue, (sources[conversion], scale), chosen.get(line))
        for line, match, cell, number in zip(
            table.lines.tolist(), matches, said, numbers, strict=True
        )
    ]
    order = _order(table, roles)
    rows, repeated = _without_repeats(rows, order, choices.keep)
    rows += [
        ProfileRow(
            one.line, one.text, "", "", (), None, "", "refused",
            Remark("UP-E09", "Row does not fit", f"It {one.problem}."),
        )
        for one in table.skipped
    ]  # fmt: skip
    given = tuple((rows[k].item, rows[k].rating) for k in order if rows[k].used)
    findings = [*_scale_findings(numbers, guessed, conversion, sources, scale), *repeated]
    findings += _given_findings(rows, given)
    return replace(
        reading,
        rows=tuple(sorted(rows, key=lambda row: row.line)),
        given=given,
        conversions={key: _words(source, scale) for key, source in sources.items()},
        conversion=conversion,
        findings=tuple(findings),
    )


def example_profile_file(catalogue: Catalogue, scale: Scale) -> tuple[str, bytes]:
    """A small valid file: name and content."""
    index = TitleIndex(catalogue)
    places = np.linspace(0, len(catalogue) - 1, 12).astype(int)
    plain = [
        catalogue.titles[row]
        for row in dict.fromkeys(places.tolist())
        if index.find_same(catalogue.titles[row]) == Match(catalogue.titles[row], row, 1.0)
    ][:6]
    parts = (1.0, 0.75, 0.5, 0.9, 0.25, 0.7)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["title", "rating"])
    writer.writerows(
        [title, f"{_on_scale(scale.low + part * scale.span, scale):g}"]
        for title, part in zip(plain, parts, strict=False)
    )
    return "example-ratings.csv", stream.getvalue().encode("utf-8")


def _roles(table: RatingTable, choices: ProfileChoices) -> dict[str, int]:
    """Columns by the person's choice, then by name, then by what they hold."""
    width = len(table.columns)
    roles = {role: number for role, number in choices.columns if 0 <= number < width}
    for role, words in COLUMNS.items():
        if role not in roles and table.header:
            number = find_column(table.columns, words, tuple(roles.values()))
            roles |= {} if number is None else {role: number}
    for role, wants_numbers in (("rating", True), ("item", False)):
        if role not in roles:
            left = [
                number
                for number in range(width)
                if number not in roles.values()
                and (table.numeric_share(number) > 0.5) == wants_numbers
            ]
            roles |= {role: left[0]} if len(left) == 1 else {}
    return roles if roles.get("item") != roles.get("rating") else {}


def _column_missing(table: RatingTable) -> Remark:
    found = ", ".join(shorten(column, 40) for column in table.columns[:20])
    return Remark(
        "UP-E04", "Column missing",
        f"I need the columns item, rating; I found {found}. Choose which is which below.",
    )  # fmt: skip


def _texts(table: RatingTable, roles: Mapping[str, int]) -> list[str]:
    """What each row calls its item, with the year where that stands in a column of its own."""
    texts = table.column(roles["item"])
    if "year" not in roles:
        return texts
    years = [
        cell if cell.isdigit() and len(cell) == 4 else "" for cell in table.column(roles["year"])
    ]
    return [
        f"{text} ({year})" if year and title_and_year(text)[1] is None else text
        for text, year in zip(texts, years, strict=True)
    ]


def _row(
    line: int,
    match: Match,
    said: str,
    number: float | None,
    catalogue: Catalogue,
    scales: tuple[Scale, Scale],
    chosen: str | None,
) -> ProfileRow:
    """A row with its item and its rating, from the scale of the file to that of the catalogue."""
    source, scale = scales
    row, status = match.row, "ok" if match.score >= SURE else "unsure"
    others = tuple((catalogue.ids[k], catalogue.titles[k]) for k in match.alternatives)
    if chosen is not None:
        if row is not None:
            others = ((catalogue.ids[row], catalogue.titles[row]), *others)
        row = catalogue.ids.index(chosen) if chosen in catalogue.ids else None
        status = "left out" if row is None else "chosen"
    rating, problem = None, None
    if number is None:
        what = "nothing" if is_missing(said) else f'"{printable(shorten(said, 40))}"'
        problem = Remark("RC-E18", "Not a rating", f"{what} is no number (row {line}).")
    elif not source.contains(number):
        problem = Remark(
            "RC-E03", "Rating outside the scale",
            f"{number:g} is not between {source.low:g} and {source.high:g} (row {line}).",
        )  # fmt: skip
    else:
        rating = _convert(number, source, scale)
    if problem:
        status = "refused"
    elif row is None and status != "left out":
        status = "unknown"
        guess = f' – did you mean "{others[0][1]}"?' if others else " is not in this catalogue."
        problem = Remark("RC-E02", "Unknown item", f'"{shorten(match.text)}"{guess}')
    item, title = ("", "") if row is None else (catalogue.ids[row], catalogue.titles[row])
    shown = printable(shorten(said, 40))
    return ProfileRow(line, match.text, item, title, others, rating, shown, status, problem)


def _order(table: RatingTable, roles: Mapping[str, int]) -> list[int]:
    """Rows from the oldest to the newest; those of the file where it has no times."""
    if "time" not in roles:
        return list(range(len(table)))
    cells = table.column(roles["time"])
    times = [read_number(cell) for cell in cells]
    keys: Sequence = cells if None in times else times  # dates such as 2013-04-26 sort as texts
    return sorted(range(len(table)), key=lambda k: keys[k])


def _without_repeats(
    rows: Sequence[ProfileRow], order: Sequence[int], keep: str
) -> tuple[list[ProfileRow], list[Remark]]:
    """Rows of which one per item is used, and the first contradiction."""
    rows, found, number = list(rows), [], 0
    kept: dict[str, int] = {}
    for k in order if keep == "later" else order[::-1]:
        if not rows[k].used:
            continue
        other = kept.get(rows[k].item)
        kept[rows[k].item] = k
        if other is None:
            continue
        first, second = sorted((rows[other], rows[k]), key=lambda row: row.line)
        differ = first.rating != second.rating
        text = f"Row {first.line} and row {second.line} rate {first.title} "
        text += f"differently ({first.said} and {second.said})." if differ else "alike."
        rows[other] = replace(
            rows[other], status="refused", problem=Remark("RC-E04", "Same item twice", text)
        )
        number += differ
        if differ and not found:
            found.append(text)
    if found:
        more = f" There are {number - 1:,} more such items." if number > 1 else ""
        found = [Remark("RC-E04", "Same item twice", f"{found[0]} The {keep} one is kept.{more}")]
    return rows, found


def _scale_findings(
    numbers: Sequence[float | None],
    guessed: str,
    conversion: str,
    sources: Mapping[str, Scale],
    scale: Scale,
) -> list[Remark]:
    """That the scale of the file was guessed, where it is not that of the catalogue."""
    if guessed == SAME or conversion != guessed:
        return []
    present = [number for number in numbers if number is not None]
    return [
        Remark(
            "RC-E19", "Scale of the file",
            f"The ratings lie between {min(present):g} and {max(present):g}; they are read as "
            f"{_words(sources[guessed], scale)}. Choose another reading if that is wrong.",
        )
    ]  # fmt: skip


def _given_findings(rows: Sequence[ProfileRow], given: Sequence[tuple[str, float]]) -> list[Remark]:
    """What the page should say about all rows together."""
    found = []
    for code, title, say in (
        ("RC-E02", "Unknown item", "{} {} not in this catalogue and not used: {}"),
        ("RC-E03", "Rating outside the scale", "{} {} a rating outside the scale: {}"),
    ):
        bad = [row for row in rows if row.problem and row.problem.code == code]
        if bad:
            verb = {"RC-E02": ("row is", "rows are"), "RC-E03": ("row has", "rows have")}[code]
            first = bad[0].problem.text if bad[0].problem else ""
            text = say.format(f"{len(bad):,}", verb[len(bad) > 1], first)
            found.append(Remark(code, title, text))
    if len(given) >= ENOUGH and len({rating for _, rating in given}) == 1:
        said = (
            f"I cannot learn a preference from {len(given):,} identical ratings; the list will be "
            "by popularity and marked so."
        )
        found.append(Remark("RC-E05", "All your ratings are the same", said))
    if len(given) > NEWEST:
        said = (
            f"This user has {len(given):,} ratings; I use the {NEWEST} newest. Change this under "
            "Options."
        )
        found.append(Remark("RC-E07", "Not cold-start", said))
    return found


def _sources(numbers: Sequence[float | None], scale: Scale) -> dict[str, Scale]:
    """Scales on which at least half of the ratings lie; that of the catalogue is always one."""
    present = np.array([number for number in numbers if number is not None])
    found = {SAME: scale}
    for one in SOURCES:
        alike = one.high == scale.high and (one.low == scale.low or _multiplied(one, scale))
        if not alike and _share(present, one) >= 0.5:
            found[f"{one.low:g}-{one.high:g}"] = one
    return found


def _guess(numbers: Sequence[float | None], sources: Mapping[str, Scale]) -> str:
    """The narrowest scale that holds the ratings and whose upper part is used."""
    present = np.array([number for number in numbers if number is not None])
    for key, one in sources.items():
        inside = present[(present >= one.low) & (present <= one.high)]
        if _share(present, one) < FITS or inside.max() < one.low + REACHED * one.span:
            continue
        if key == SAME or one.span > 2 or inside.min() == one.low:  # yes and no: both occur
            return key
    return SAME


def _share(numbers: np.ndarray, scale: Scale) -> float:
    """Part of the numbers that lie on a scale; yes and no are whole numbers."""
    inside = (numbers >= scale.low) & (numbers <= scale.high)
    if scale.span <= 2:
        inside &= numbers == np.round(numbers)
    return float(inside.mean()) if len(numbers) else 0.0


def _convert(number: float, source: Scale, scale: Scale) -> float:
    """A rating on the catalogue's scale."""
    if (source.low, source.high) == (scale.low, scale.high):
        return number
    if _multiplied(source, scale):
        return _on_scale(number * scale.high / source.high, scale)
    part = (number - source.low) / source.span
    if source.span <= 2:
        part = DISLIKED + (LIKED - DISLIKED) * part
    return _on_scale(scale.low + part * scale.span, scale)


def _multiplied(source: Scale, scale: Scale) -> bool:
    """Whether stars from 1 or a half become points from 0: one star of five is 2 of 10, not 0."""
    return scale.low == 0 and 0 < source.low <= 1 and source.span > 2


def _on_scale(rating: float, scale: Scale) -> float:
    """The nearest rating that the scale allows."""
    if scale.step:
        rating = scale.low + round((rating - scale.low) / scale.step) * scale.step
    return round(float(rating), 4)


def _words(source: Scale, scale: Scale) -> str:
    """What happens to the ratings of a file."""
    if (source.low, source.high) == (scale.low, scale.high):
        return f"{scale.low:g} to {scale.high:g}, as they are"
    if source.span <= 2:
        no, yes = (_convert(end, source, scale) for end in (source.low, source.high))
        return f"{source.low:g} (no) and {source.high:g} (yes), counted as {no:g} and {yes:g}"
    if _multiplied(source, scale):
        return f"{source.low:g} to {source.high:g}, times {scale.high / source.high:g}"
    return f"{source.low:g} to {source.high:g}, stretched to {scale.low:g} to {scale.high:g}"
