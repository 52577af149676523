"""What the columns of an uploaded table of many users' ratings are, and which scale it uses."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data.graph_table import fold, shorten
from core.data.ratings.tables import RatingTable, find_column
from core.errors import Remark
from core.knowledge.ratings import Scale

NEARLY_ALL = 0.995  # of the ratings lie on the scale; the others are mistakes
NUMERIC = 0.95  # share of numbers in a column of ratings
SLACK = 1.05  # values per item in a column that describes items: such columns contain mistakes

# words that name a column, best first, as `fold` leaves them
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "user": (
        "user", "username", "customer", "person", "reviewer", "rater", "member", "account",
        "participant", "patient", "student", "lab", "laboratory", "entity",
    ),
    "item": (
        "item", "movie", "film", "book", "isbn", "artist", "product", "track", "song", "game",
        "method", "test", "material", "recipe", "course",
    ),
    "rating": (
        "rating", "score", "stars", "value", "grade", "mark", "points", "label", "liked", "like",
    ),
    "time": ("time", "timestamp", "date", "datetime", "ratedat", "created"),
    "title": ("title", "name", "itemtitle", "itemname", "movietitle", "booktitle"),
}  # fmt: skip
OF_ITEM, OF_USER, IS_ITEM, IGNORED = "item field", "user field", "item with ratings", "ignore"
ROLES = (*COLUMNS, OF_ITEM, OF_USER, IS_ITEM, IGNORED)
NEEDED = ("user", "item", "rating")
SCALES = (  # usual ones, narrowest first
    (0, 1), (-1, 1), (1, 5), (0.5, 5), (0, 5), (1, 7), (1, 10), (0, 10), (0, 100),
)  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column and what it is taken for, one of `ROLES`."""

    name: str
    role: str


def guess_roles(table: RatingTable, chosen: Sequence[tuple[int, str]] = ()) -> list[str]:
    """What each column is: chosen, named, or seen from the data.

    Args:
        table: the file.
        chosen: numbers of columns and their roles.
    """
    width = len(table.columns)
    roles = [""] * width
    for number, role in chosen:
        if 0 <= number < width and role in ROLES:
            roles[number] = role
    if IS_ITEM in roles or (not chosen and _looks_wide(table)):
        return _wide_roles(table, roles)
    for place, role in enumerate(COLUMNS):
        number = _named(table, roles, role) if table.header else place
        if role not in roles and number is not None and number < width and not roles[number]:
            roles[number] = role
    if "item" not in roles and "title" in roles:
        roles[roles.index("title")] = "item"
    for role in NEEDED:
        left = [number for number in range(width) if not roles[number]]
        fitting = [number for number in left if role not in roles and _may_be(table, number, role)]
        if fitting:
            roles[fitting[0]] = role
    for number in range(width):
        roles[number] = roles[number] or _owner(table, number, roles)
        if roles[number] == OF_ITEM and "title" not in roles and _is_title(table.columns[number]):
            roles[number] = "title"
    return roles


def _named(table: RatingTable, roles: Sequence[str], role: str) -> int | None:
    taken = [number for number, known in enumerate(roles) if known]
    return find_column(table.columns, COLUMNS[role], taken)


def _may_be(table: RatingTable, number: int, role: str) -> bool:
    """Whether an unnamed column can be the ratings, or the users or items: those come again."""
    if re.match(r"(item|user)[ _.-]", table.columns[number].lower()):
        return False
    if role == "rating":
        return table.numeric_share(number) >= NUMERIC
    return 2 <= len(table.values[number]) <= len(table) / 2


def _is_title(column: str) -> bool:
    return fold(column).endswith(("name", "title"))


def _looks_wide(table: RatingTable) -> bool:
    """Whether nearly all columns after the first one hold numbers and none names a rating."""
    if not table.header or len(table.columns) < 6:
        return False
    if any(find_column(table.columns, COLUMNS[role]) is not None for role in ("item", "rating")):
        return False
    numeric = [table.numeric_share(k) >= NUMERIC for k in range(1, len(table.columns))]
    return sum(numeric) >= 0.9 * len(numeric)


def _wide_roles(table: RatingTable, roles: list[str]) -> list[str]:
    if "user" not in roles:
        number = find_column(table.columns, COLUMNS["user"])
        roles[number if number is not None else 0] = "user"
    return [
        role or (IS_ITEM if table.numeric_share(number) >= NUMERIC else IGNORED)
        for number, role in enumerate(roles)
    ]


def _owner(table: RatingTable, number: int, roles: Sequence[str]) -> str:
    """Whether a column describes items or users: by its name, or because it is constant there."""
    name = table.columns[number].lower()
    for start, role in (("item", OF_ITEM), ("user", OF_USER)):
        if re.match(rf"{start}[ _.-]", name):
            return role
    if not {"item", "user"} <= set(roles):
        return IGNORED
    pairs = {}
    for role in ("item", "user"):
        key = table.codes[roles.index(role)]
        both = key * len(table.values[number]) + table.codes[number]
        pairs[role] = len(np.unique(both)) / len(np.unique(key))
    if min(pairs.values()) > SLACK or len(table.values[number]) < 2:
        return IGNORED
    return OF_ITEM if pairs["item"] <= pairs["user"] else OF_USER


def words_of(table: RatingTable, roles: Sequence[str]) -> dict[str, str]:
    """What the file calls users, items and ratings; a name that is more than words is not used."""
    words = {role: role for role in NEEDED}
    for role in NEEDED:
        if table.header and role in roles:
            name = table.columns[roles.index(role)].strip().lower()
            word = re.sub(r"[\s_.-]*(id|nr|no|number)$", "", name)
            words[role] = (
                word if re.fullmatch(r"[^\W\d_]([^\W\d_]|[ -](?=\w)){0,29}", word) else role
            )
    return words


def missing_columns(table: RatingTable, roles: Sequence[str]) -> Remark | None:
    """UP-E04 where a column is missing or a role is given twice."""
    needed = ("user",) if IS_ITEM in roles else NEEDED
    found = ", ".join(shorten(column, 40) for column in table.columns[:20])
    twice = [role for role in (*needed, "time", "title") if roles.count(role) > 1]
    if all(role in roles for role in needed) and not twice:
        return None
    problem = f"I need the columns user, item, rating; I found {found}."
    if twice:
        problem = f"Two columns are taken for the {twice[0]}."
    return Remark("UP-E04", "Column missing", f"{problem} Choose which is which below.")


def find_scale(rating: np.ndarray) -> Scale | None:
    """The scale on which ratings lie.

    A usual one whose upper end occurs and whose lower end is not far, at first for all ratings,
    then for `NEARLY_ALL` of them; otherwise from the least to the greatest.

    Args:
        rating: (n,) numbers.

    Returns:
        None where there are fewer than two different ratings.
    """
    values, number = np.unique(rating, return_counts=True)
    if len(values) < 2:
        return None
    for share in (1.0, NEARLY_ALL):
        for low, high in SCALES:
            inside = (values >= low) & (values <= high)
            if number[inside].sum() < share * len(rating) or inside.sum() < 2:
                continue
            own = values[inside]
            if own[-1] == high and own[0] <= low + (high - low) / 4:
                return Scale(low, high, _step(own))
    return Scale(float(values[0]), float(values[-1]), _step(values))


def _step(values: np.ndarray) -> float:
    """Whole numbers, halves, tenths or any."""
    for step in (1.0, 0.5, 0.1):
        if np.allclose(values, np.round(values / step) * step, rtol=0, atol=1e-9):
            return step
    return 0.0
