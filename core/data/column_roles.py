"""Which column of a table is head, relation and tail."""

import re
from collections.abc import Mapping, Sequence

from core.data.graph_table import GraphTable, fold, shorten
from core.errors import InputError

ROLES = ("head", "relation", "tail")

# words that name a column, best first; compared in lower case without spaces, "_", "-", "#" and "@"
ROLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "head": (
        "head", "subject", "source", "from", "subj", "src", "start", "h", "s", "headid",
        "headentity", "subjectid", "sourceid", "entity1", "node1", "start_id", "startid",
    ),
    "relation": (
        "relation", "predicate", "relationtype", "relationship", "interaction", "label", "type",
        "edgetype", "rel", "pred", "property", "verb", "r", "p", "edge", "link", "key", "name",
    ),
    "tail": (
        "tail", "object", "target", "to", "obj", "dst", "end", "destination", "t", "o", "tailid",
        "tailentity", "objectid", "targetid", "entity2", "node2", "endid",
    ),
}  # fmt: skip


def find_roles(columns: Sequence[str]) -> dict[str, int]:
    """The columns whose names are words for a role."""
    folded = [fold(column) for column in columns]
    roles: dict[str, int] = {}
    for role, words in ROLE_WORDS.items():
        for word in words:
            if word in folded:
                roles[role] = folded.index(word)
                break
    return roles


def guess_roles(table: GraphTable) -> dict[str, int]:
    """Roles by the names of the columns, by their order when there are no names."""
    if table.kind not in ("table", "n-triples"):  # source, target, then what the edges carry
        relation = find_roles(table.columns[2:]).get("relation")
        return {"head": 0, "tail": 1} | ({} if relation is None else {"relation": relation + 2})
    if not table.header:
        return {role: i for i, role in enumerate(ROLES) if i < len(table.columns)}
    roles = find_roles(table.columns)
    left = set(range(len(table.columns))) - set(roles.values())
    if len(roles) == 2 and len(left) == 1 and not _is_numeric(table, min(left)):
        roles[next(role for role in ROLES if role not in roles)] = left.pop()
    return roles


def _is_numeric(table: GraphTable, column: int) -> bool:
    """Whether the first rows hold only numbers there."""
    cells = [row[column] for _, row in table.rows[:50] if len(row) == len(table.columns)]
    return all(re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?", cell) for cell in cells)


def choose_roles(table: GraphTable, columns: Mapping[str, str | int]) -> dict[str, int]:
    """Guessed roles, replaced by the chosen ones; raises UP-E04 when one is left open."""
    roles = guess_roles(table)
    for role, column in columns.items():
        if role not in ROLES:
            raise _column_missing(table)
        if isinstance(column, int):
            number = column if 0 <= column < len(table.columns) else None
        else:
            number = table.columns.index(column) if column in table.columns else None
        if number is None:
            raise _column_missing(table)
        roles[role] = number
    if len(roles) < 3 and not table.header:
        line, cells = table.rows[0]
        raise InputError(
            "KG-E05", "Not a triple", f"Line {line} {count_problem(len(cells), 3)}.",
            "Write one fact per line, with tabs or commas between the three.",
        )  # fmt: skip
    if len(set(roles.values())) < 3:
        raise _column_missing(table)
    return roles


def _column_missing(table: GraphTable) -> InputError:
    found = ", ".join(shorten(column, 40) for column in table.columns[:20])
    return InputError(
        "UP-E04", "Column missing",
        f"I need the columns head, relation, tail; I found {found}.",
        "Choose which is which below.",
    )  # fmt: skip


def count_problem(found: int, expected: int) -> str:
    """What is wrong with a row of `found` cells; continues the sentence "Line 14 …"."""
    columns = "column" if found == 1 else "columns"
    if expected == 3 or found < 3:
        return f"has {found} {columns}; I need head, relation, tail"
    return f"has {found} {columns}; the other lines have {expected}"
