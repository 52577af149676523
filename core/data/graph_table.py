"""What every format of a graph file becomes first: one table of cells.

Also what all readers share: the limits, the wording of refusals and the cleaning of text.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core.errors import InputError

MAX_COLUMNS = 200
EXPORT_HINT = "Export it as CSV (UTF-8) and try again."


@dataclass(frozen=True)
class Limits:
    """What an upload may be.

    Attributes:
        num_bytes: size of the file.
        num_facts: rows, and facts of the graph.
        num_entities: entities of the graph.
        name_length: characters of one name.
        depth: nesting of JSON and XML.
        num_containers: lists and objects of a JSON file.
        num_problems: problems kept in the report; further ones are only counted.
        num_columns: of a table.
    """

    num_bytes: int = 20 * 2**20
    num_facts: int = 500_000
    num_entities: int = 100_000
    name_length: int = 5_000
    depth: int = 100
    num_containers: int = 1_500_000
    num_problems: int = 10_000
    num_columns: int = MAX_COLUMNS


@dataclass
class GraphTable:
    """Cells of any format. A row is (line, cells); a string instead of cells is a bad row."""

    kind: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[int, Sequence[str] | str]]
    encoding: str = "UTF-8"
    delimiter: str = ""
    header: bool = True
    problem_of: dict[int, str] = field(default_factory=dict)
    entities: Sequence[str] = ()
    entity_names: Mapping[str, str] = field(default_factory=dict)
    relation_names: Mapping[str, str] = field(default_factory=dict)


def check_rows(num: int, limits: Limits) -> None:
    """Refuse more rows than allowed (UP-E06)."""
    if num > limits.num_facts:
        raise InputError(
            "UP-E06", "Too many rows", f"{num:,} rows; the limit is {limits.num_facts:,}.",
            "Filter by relation, or use the command line on a GPU.",
        )  # fmt: skip


def not_a_table(name: str, words: str, hint: str = EXPORT_HINT) -> InputError:
    """UP-E02 about the content of a file, in words that follow "is"."""
    problem = f'The content of "{printable(shorten(name))}" is {words}.'
    return InputError("UP-E02", "Not a text table", problem, hint)


def too_large(num: int, word: str, limit: int) -> InputError:
    """KG-E06 about a number of facts or entities."""
    return InputError(
        "KG-E06", "The graph is too large for this server",
        f"{num:,} {word}; limit {limit:,}.",
        "Filter by relation, or use the command line on a GPU.",
    )  # fmt: skip


def shorten(text: str, length: int = 80) -> str:
    """At most `length` characters; an ellipsis stands for the rest."""
    return text if len(text) <= length else text[: length - 1] + "…"


def printable(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates, as JSON allows them, are replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def fold(text: str) -> str:
    """A column name without case, spaces, "_", "-", "#" and "@"."""
    return re.sub(r"[\s_#@-]", "", text).lower()
