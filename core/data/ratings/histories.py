"""A person's own data set of ratings: one rating per row, or one row per user.

A long table has a user, an item and a rating in each row, and if wanted a time, a title and further
columns that belong to the item or to the user; which of both is seen from the data. A wide table
has one user per row and one item per column. Whatever the bytes are, the only error raised is
`InputError`.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import PurePath
from typing import Any

import numpy as np

from core.data.graph_table import printable, shorten
from core.data.ratings.attributes import read_attribute
from core.data.ratings.history_columns import (
    COLUMNS,
    IS_ITEM,
    NEEDED,
    OF_ITEM,
    OF_USER,
    ROLES,
    Column,
    find_scale,
    guess_roles,
    missing_columns,
    words_of,
)
from core.data.ratings.planted import planted
from core.data.ratings.splits import cold_start, group_by_user
from core.data.ratings.tables import (
    NUM_PROBLEMS,
    RatingTable,
    is_missing,
    read_number,
    read_rating_table,
)
from core.data.uploads import RowProblem
from core.errors import Remark
from core.knowledge.ratings import Catalogue, ColdStart, Field, Scale

__all__ = [
    "MAX_RATINGS",
    "MIN_PER_USER",
    "MIN_USERS",
    "ROLES",
    "Column",
    "InteractionChoices",
    "InteractionReading",
    "example_interactions_file",
    "read_interactions",
]

MAX_RATINGS = 500_000
MAX_ITEMS = 20_000
MIN_USERS, MIN_PER_USER = 200, 10
MANY, FEW = 10, 5  # ratings given in an episode, where enough users have five more, and otherwise
SPLIT_SEED = 0
NAME_LENGTH = 500


@dataclass(frozen=True)
class InteractionChoices:
    """What a person decided about a file.

    Attributes:
        roles: number of the column and its role; the others are guessed.
    """

    roles: tuple[tuple[int, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores equal choices."""
        return {"roles": [list(one) for one in self.roles]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "InteractionChoices":
        """Inverse of `to_json`."""
        return cls(tuple((int(number), str(role)) for number, role in value["roles"]))


@dataclass(frozen=True, eq=False)
class InteractionReading:
    """A file of ratings of many users, as far as it was understood.

    Attributes:
        columns: with what they are taken for.
        preview: first rows.
        findings: what is worth knowing, and why there are no data where there are none.
        problems: rows or cells that are not used, the first `NUM_PROBLEMS` of them.
        words: what users, items and ratings are called in the file.
        data: users split for training; None where it cannot be trained on.
    """

    columns: tuple[Column, ...]
    preview: tuple[tuple[str, ...], ...]
    findings: tuple[Remark, ...]
    problems: tuple[RowProblem, ...]
    words: Mapping[str, str]
    data: ColdStart | None
    summary: str = ""

    @property
    def wide(self) -> bool:
        """Whether columns are items."""
        return any(column.role == IS_ITEM for column in self.columns)


@dataclass(eq=False)
class _Entries:
    """Ratings, one entry each; checks leave fewer and fewer.

    Attributes:
        user: (n,) numbers of texts in `users`.
        item: (n,) likewise in `items`.
        rating: (n,) float64.
        row: (n,) of the table.
        users: texts.
        items: texts.
    """

    user: np.ndarray
    item: np.ndarray
    rating: np.ndarray
    row: np.ndarray
    users: Sequence[str]
    items: Sequence[str]

    def take(self, chosen: np.ndarray) -> "_Entries":
        """Some of the entries, by mask or number."""
        return replace(
            self,
            user=self.user[chosen],
            item=self.item[chosen],
            rating=self.rating[chosen],
            row=self.row[chosen],
        )


def read_interactions(
    name: str, content: bytes, choices: InteractionChoices | None = None
) -> InteractionReading:
    """Read ratings of many users and split the users.

    Args:
        name: of the file, only shown.
        content: its bytes.
        choices: the person's decisions.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07, UP-E09.
    """
    table = read_rating_table(name, content, COLUMNS, MAX_RATINGS, least=3)
    roles = guess_roles(table, choices.roles if choices else ())
    columns = tuple(Column(*one) for one in zip(table.columns, roles, strict=True))
    reading = InteractionReading(
        columns, table.preview, (), (), words_of(table, roles), None, "No rating was read yet."
    )
    missing = missing_columns(table, roles)
    if missing:
        return replace(reading, findings=(missing,))
    entries, problems = _wide(table, roles) if reading.wide else _long(table, roles)
    findings, data = _problem_findings(problems), None
    scale = find_scale(entries.rating)
    if scale is None:
        findings.append(_one_rating(entries))
    else:
        entries, found = _on_scale(entries, scale, table)
        entries, repeated = _without_repeats(*_by_time(entries, table, roles), table)
        findings += [*found, *repeated]
        blocking = _too_few(entries)
        if blocking:
            findings.append(blocking)
        else:
            data, found = _split(entries, scale, table, roles)
            findings += found
    return replace(
        reading,
        findings=tuple(findings),
        problems=problems.first(),
        data=data,
        summary=_summary(entries, scale),
    )


@cache
def example_interactions_file() -> tuple[str, bytes]:
    """A valid file of simulated scores: name and content."""
    data = planted("multiply", num_users=240, num_items=50, num_traits=2, num_rated=(14, 20))
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["user", "item", "rating", *(field.name for field in data.catalogue.fields)])
    people = [*data.warm]
    for episode in (*data.valid, *data.test):
        people += [episode.support, episode.query]
    numbers = [*range(len(data.warm))]
    for k in range(len(data.valid) + len(data.test)):
        numbers += [len(data.warm) + k] * 2
    for number, ratings in zip(numbers, people, strict=True):
        for item, rating in zip(ratings.item.tolist(), ratings.rating.tolist(), strict=True):
            traits = [field.of(item)[0] for field in data.catalogue.fields]
            writer.writerow(
                [f"user-{number + 1}", data.catalogue.ids[item], f"{rating:.1f}", *traits]
            )
    return "example-ratings-of-many.csv", stream.getvalue().encode("utf-8")


def _long(table: RatingTable, roles: Sequence[str]) -> tuple[_Entries, "_Problems"]:
    """Entries of a table with one rating per row."""
    places = {role: roles.index(role) for role in NEEDED}
    bad_name = {
        role: np.array([_bad_name(text) for text in table.values[places[role]]], bool)
        for role in ("user", "item")
    }
    user, item, said = (table.codes[places[role]] for role in NEEDED)
    rating = _numbers(table.values[places["rating"]])[said]
    problems = _Problems(table)
    problems.add("has no user", bad_name["user"][user])
    problems.add("has no item", bad_name["item"][item])
    problems.add("has no number as rating", ~np.isfinite(rating))
    entries = _Entries(
        user, item, rating, np.arange(len(table)),
        table.values[places["user"]], table.values[places["item"]],
    )  # fmt: skip
    return entries.take(~problems.seen), problems


def _wide(table: RatingTable, roles: Sequence[str]) -> tuple[_Entries, "_Problems"]:
    """Entries of a table with one user per row; empty cells are no ratings."""
    people = roles.index("user")
    items = [number for number, role in enumerate(roles) if role == IS_ITEM]
    bad_user = np.array([_bad_name(text) for text in table.values[people]], bool)
    row_is_bad = bad_user[table.codes[people]]
    problems, parts = _Problems(table), []
    problems.add("has no user", row_is_bad)
    for place, number in enumerate(items):
        codes, texts = table.codes[number], table.values[number]
        rating = _numbers(texts)[codes]
        absent = np.array([is_missing(text) for text in texts], bool)[codes]
        problems.seen = row_is_bad.copy()  # a row may have more than one bad cell
        problems.add(
            f'has no number as rating in "{table.columns[number]}"', ~absent & ~np.isfinite(rating)
        )
        rows = np.flatnonzero(np.isfinite(rating) & ~row_is_bad)
        parts.append((rows, np.full(len(rows), place), rating[rows]))
    rows, item, rating = (np.concatenate(one) for one in zip(*parts, strict=True))
    entries = _Entries(
        table.codes[people][rows], item, rating, rows,
        table.values[people], [table.columns[number] for number in items],
    )  # fmt: skip
    return entries, problems


class _Problems:
    """Rows or cells that cannot be used.

    Attributes:
        seen: (n,) bool, rows of the table that have a problem.
        num: all problems.
        rows: the first ones.
    """

    def __init__(self, table: RatingTable) -> None:
        self.table, self.seen = table, np.zeros(len(table), bool)
        self.num, self.rows = len(table.skipped), list(table.skipped[:NUM_PROBLEMS])

    def add(self, problem: str, bad: np.ndarray) -> None:
        """Note a problem of rows (n,) that have none yet."""
        new = np.flatnonzero(bad & ~self.seen)
        self.seen |= bad
        self.num += len(new)
        lines = self.table.lines
        self.rows += [
            RowProblem(int(lines[row]), _row_text(self.table, row), problem)
            for row in new[:NUM_PROBLEMS]
        ]

    def first(self) -> tuple[RowProblem, ...]:
        """By line, `NUM_PROBLEMS` at most."""
        return tuple(sorted(self.rows, key=lambda one: one.line)[:NUM_PROBLEMS])


def _numbers(texts: Sequence[str]) -> np.ndarray:
    """Numbers that texts stand for, nan for those that are none."""
    found = [read_number(text) for text in texts]
    return np.array([np.nan if one is None else one for one in found], float)


def _bad_name(text: str) -> bool:
    return is_missing(text) or len(text) > NAME_LENGTH


def _row_text(table: RatingTable, row: int) -> str:
    cells = [table.values[k][code] for k, code in enumerate(table.codes[:8, row])]
    return printable(shorten(" | ".join(cells)))


def _problem_findings(problems: _Problems) -> list[Remark]:
    if not problems.num:
        return []
    first, num = problems.first()[0], problems.num
    said = "1 entry is" if num == 1 else f"{num:,} entries are"
    said = f"{said} not used. Row {first.line} {first.problem}: {first.text}"
    return [Remark("UP-E09", "Row does not fit", said)]


def _one_rating(entries: _Entries) -> Remark:
    """Nothing to learn from: no rating, or the same one everywhere."""
    if not len(entries.rating):
        return Remark("RC-E06", "Too few users to train", f"No row holds a rating; {_needed()}")
    said = f"All {len(entries.rating):,} ratings are {entries.rating[0]:g}; nothing can be learnt."
    return Remark("RC-E05", "All ratings are the same", said)


def _on_scale(entries: _Entries, scale: Scale, table: RatingTable) -> tuple[_Entries, list[Remark]]:
    """Without the few ratings beyond the scale (RC-E03)."""
    outside = (entries.rating < scale.low) | (entries.rating > scale.high)
    if not outside.any():
        return entries, []
    first = int(np.flatnonzero(outside)[0])
    said = (
        f"{entries.rating[first]:g} is not between {scale.low:g} and {scale.high:g} (row "
        f"{table.lines[entries.row[first]]}). {_rows_are(int(outside.sum()))} left out."
    )
    return entries.take(~outside), [Remark("RC-E03", "Rating outside the scale", said)]


def _by_time(entries: _Entries, table: RatingTable, roles: Sequence[str]) -> tuple[_Entries, bool]:
    """Entries from the oldest to the newest; those of the file where it has no times."""
    if "time" not in roles:
        return entries, False
    number = roles.index("time")
    texts = table.values[number]
    times = [read_number(text) for text in texts]
    keys: Sequence = texts if None in times else times  # dates such as 2013-04-26 sort as texts
    rank = np.empty(len(texts), np.int64)
    rank[sorted(range(len(texts)), key=lambda k: keys[k])] = np.arange(len(texts))
    time = rank[table.codes[number][entries.row]]
    return entries.take(np.argsort(time, kind="stable")), True


def _without_repeats(
    entries: _Entries, timed: bool, table: RatingTable
) -> tuple[_Entries, list[Remark]]:
    """The last rating of each pair of user and item (RC-E04)."""
    pair = entries.user.astype(np.int64) * len(entries.items) + entries.item
    order = np.argsort(pair, kind="stable")
    again = np.flatnonzero(pair[order][1:] == pair[order][:-1])
    if not len(again):
        return entries, []
    earlier, later = order[again], order[again + 1]
    differ = entries.rating[earlier] != entries.rating[later]
    found = []
    if differ.any():
        k = int(np.flatnonzero(differ)[0])
        first, second = sorted(
            (int(table.lines[entries.row[one]]), float(entries.rating[one]))
            for one in (earlier[k], later[k])
        )
        item = printable(shorten(entries.items[entries.item[later[k]]], 60))
        more = int(differ.sum()) - 1
        said = (
            f"Row {first[0]} and row {second[0]} rate item {item} differently ({first[1]:g} and "
            f"{second[1]:g}). The {'newer' if timed else 'later'} one is kept"
        )
        said += f", as in {more:,} more cases." if more else "."
        found.append(Remark("RC-E04", "Same item twice", said))
    kept = np.ones(len(pair), bool)
    kept[earlier] = False
    return entries.take(kept), found


def _too_few(entries: _Entries) -> Remark | None:
    """What keeps the data from being trained on; None when nothing does."""
    number = np.bincount(entries.user)
    enough, users = int((number >= MIN_PER_USER).sum()), int((number > 0).sum())
    if enough < MIN_USERS:
        said = f"{users:,} users" if users < MIN_USERS else f"{enough:,} of {users:,} users"
        said += "" if users < MIN_USERS else f" have {MIN_PER_USER} ratings or more"
        return Remark("RC-E06", "Too few users to train", f"{said}; {_needed()}")
    num_items = len(np.unique(entries.item))
    if num_items > MAX_ITEMS:
        said = f"{num_items:,} items; the limit is {MAX_ITEMS:,}. Leave out the rarely rated ones."
        return Remark("RC-E25", "Too many items", said)
    return None


def _needed() -> str:
    return f"at least {MIN_USERS} with {MIN_PER_USER} ratings each are needed."


def _split(
    entries: _Entries, scale: Scale, table: RatingTable, roles: Sequence[str]
) -> tuple[ColdStart, list[Remark]]:
    """Catalogue, properties and users, split."""
    items, entries.item = np.unique(entries.item, return_inverse=True)
    users, entries.user = np.unique(entries.user, return_inverse=True)
    histories = group_by_user(entries.user, entries.item, entries.rating)
    ids = tuple(printable(entries.items[k]) for k in items)
    titles = ids
    if "title" in roles:
        number = roles.index("title")
        first = np.unique(entries.item, return_index=True)[1]
        texts = [table.values[number][code] for code in table.codes[number][entries.row[first]]]
        titles = tuple(
            printable(shorten(text, 200)) if text else item
            for text, item in zip(texts, ids, strict=True)
        )
    fields: dict[str, list[Field]] = {OF_ITEM: [], OF_USER: []}
    findings = []
    owners = {OF_ITEM: (entries.item, len(items)), OF_USER: (entries.user, len(users))}
    for number, role in enumerate(roles):
        if role in owners:
            name = _short_name(table.columns[number], role)
            codes = table.codes[number][entries.row]
            field, found = read_attribute(name, table.values[number], codes, *owners[role])
            fields[role] += [] if field is None else [field]
            findings += found
    several = sum(len(one) >= MANY + FEW for one in histories) >= MIN_USERS
    data = cold_start(
        PurePath(table.name).stem or "ratings",
        Catalogue(ids, titles, tuple(fields[OF_ITEM])),
        scale,
        histories,
        num_given=MANY if several else FEW,
        seed=SPLIT_SEED,
        least=MANY + FEW if several else MIN_PER_USER,
        user_fields=tuple(fields[OF_USER]),
    )
    return data, findings


def _short_name(column: str, role: str) -> str:
    """Name of a column without "item_" or "user_" in front."""
    start = "item" if role == OF_ITEM else "user"
    rest = column[len(start) :].lstrip(" _.-")
    return rest if column.lower().startswith(start) and rest else column


def _summary(entries: _Entries, scale: Scale | None) -> str:
    """One sentence for the page."""
    users, items = (len(np.unique(one)) for one in (entries.user, entries.item))
    text = f"{len(entries.rating):,} ratings of {items:,} items by {users:,} users"
    return (
        f"{text}." if scale is None else f"{text}, on a scale from {scale.low:g} to {scale.high:g}."
    )


def _rows_are(num: int) -> str:
    return "1 row is" if num == 1 else f"{num:,} rows are"
