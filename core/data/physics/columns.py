"""What the columns of measurements are: ids, quantities, components of vectors, units.

Guessed from the headers, such as ``v_x [m/s]``; a person's choices come first.
"""

import keyword
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from core.data.findings import Finding
from core.data.graph_table import fold
from core.data.physics.findings import ID_ROLES, Choices, Column
from core.errors import InputError
from core.knowledge.physics.expression import FUNCTIONS
from core.knowledge.physics.system import AXES
from core.knowledge.physics.units import parse_unit

# words that name a column, as `fold` leaves them
ID_WORDS: Mapping[str, tuple[str, ...]] = {
    "sample": ("sample", "sampleid", "graph", "graphid", "snapshot", "simulation", "run", "case"),
    "node": (
        "node", "nodeid", "id", "particle", "body", "agent", "vertex", "object", "atom", "track",
        "trackid", "persid", "personid", "person", "pedid", "pedestrian", "agentid", "objectid",
    ),
    "source": ("source", "sourceid", "from", "sender", "src", "node1", "nodej", "j"),
    "target": ("target", "targetid", "to", "receiver", "dst", "dest", "node2", "nodei", "i"),
}  # fmt: skip
TIME_WORDS = ("frame", "frameid", "framenumber", "time", "t", "timestep", "timestamp", "seconds")
ANSWER_WORDS = ("target", "answer", "output", "response", "label", "targetvalue")
POSITIONS = ("", "x", "p", "pos", "position", "coord", "coordinate", "location")
VELOCITIES = ("v", "vel", "velocity", "speed")
ANGLES = ("theta", "phi", "psi", "angle", "phase", "heading")
SHORT_VECTORS = (*POSITIONS, *VELOCITIES, "acc", "force")  # may stand before the axis without "_"
# names that formulas, Python or C use for something else
RESERVED = frozenset(
    (
        "r", "n", *FUNCTIONS, *keyword.kwlist, "auto", "case", "char", "const", "default", "do",
        "double", "enum", "extern", "float", "goto", "int", "long", "main", "register", "short",
        "signed", "sizeof", "static", "struct", "switch", "typedef", "union", "unsigned", "void",
        "volatile",
    )
)  # fmt: skip
MAX_NAME = 40


def split_header(header: str) -> tuple[str, str]:
    """Name and unit of a header such as ``v_x [m/s]``, ``mass (kg)`` or ``x/cm``."""
    found = re.fullmatch(
        r"\s*(\S.*?)\s*(?:\[([^\[\]]*)\]|\(([^()]*)\)|/\s*([^\W\d]\S*))\s*", header
    )
    if found is None:
        return header.strip(), ""
    return found[1], next(unit for unit in found.groups()[1:] if unit is not None).strip()


def find_ids(headers: Sequence[str], wanted: Iterable[str] = ID_ROLES) -> dict[str, int]:
    """The columns that hold ids, by the words in their headers.

    The two ends of an edge count only together: a lone ``target`` is what is to be explained.
    """
    folded = [fold(split_header(header)[0]) for header in headers]
    ids = {}
    for role in wanted:
        place = next((folded.index(word) for word in ID_WORDS[role] if word in folded), None)
        if place is not None and place not in ids.values():
            ids[role] = place
    if not {"source", "target"} <= set(ids):
        ids = {role: place for role, place in ids.items() if role not in ("source", "target")}
    elif "node" in ids:
        del ids["node"]
    return ids


def understand(
    table: str, headers: Sequence[str], choices: Choices, *, with_ids: bool = True
) -> list[Column]:
    """How the columns of one table are understood.

    Args:
        table: its name, the first part of every key.
        headers: of its columns.
        choices: what a person has decided.
        with_ids: whether some of the columns may be ids.
    """
    keys = [f"{table}/{header}" for header in headers]
    chosen = [choices.roles.get(key, "") for key in keys]
    ids = {place: role for role, place in find_ids(headers).items() if not chosen[place]}
    ids |= {place: role for place, role in enumerate(chosen) if role in ID_ROLES}
    ids = ids if with_ids else {}
    free = [place for place in range(len(headers)) if place not in ids]
    grouped = [place for place in free if chosen[place] in ("", "answer", "vector")]
    vectors = _vectors(headers, grouped, table)
    columns = []
    for place, (header, key) in enumerate(zip(headers, keys, strict=True)):
        name, unit = split_header(header)
        unit = choices.units.get(key, unit)
        if place in ids:
            columns.append(Column(key, ids[place]))
            continue
        role, quantity, component = vectors.get(place, ("", clean_name(name), 0))
        role = chosen[place] or role or _guess_role(name, unit, table)
        columns.append(Column(key, role, "" if role == "ignore" else quantity, unit, component))
    return _apart(_gather(columns, vectors))


def _apart(columns: list[Column]) -> list[Column]:
    """Columns of which no two are the same component of the same quantity."""
    seen: set[tuple[str, int]] = set()
    for place, column in enumerate(columns):
        new, number = column.quantity, 1
        while new and (new, column.component) in seen:
            number += 1
            new = f"{column.quantity}_{number}"
        seen.add((new, column.component))
        columns[place] = replace(column, quantity=new)
    return columns


def _guess_role(name: str, unit: str, table: str) -> str:
    if fold(name) in ANSWER_WORDS and table != "targets":
        return "answer"
    if clean_name(name).lower() in ANGLES or unit in ("rad", "deg", "°"):
        return "angle"
    return "scalar"


def _vectors(
    headers: Sequence[str], places: Sequence[int], table: str
) -> dict[int, tuple[str, str, int]]:
    """From columns that are components of vectors to role, name and component."""
    parts: dict[str, dict[int, int]] = {}
    for place in places:
        name = split_header(headers[place])[0]
        found = re.fullmatch(r"(.*?)(_|-|\s|\.)?([xyzXYZ])", name)
        if found is None:
            continue
        base, axis = found[1], AXES.index(found[3].lower())
        if found[2] is None and len(base) > 1 and base.lower() not in SHORT_VECTORS:
            continue  # such as "max"
        parts.setdefault(base, {}).setdefault(axis, place)
    vectors = {}
    for base, axes in parts.items():
        if sorted(axes) not in ([0, 1], [0, 1, 2]) or table == "wide":
            continue
        role = "vector"
        if base.lower() in POSITIONS:
            role = "position"
        elif base.lower() in VELOCITIES:
            role = "velocity"
        vectors |= {place: (role, clean_name(base or "x"), axis) for axis, place in axes.items()}
    return vectors


def _gather(columns: list[Column], vectors: Mapping[int, object]) -> list[Column]:
    """Columns that were chosen to be the coordinates or the velocity become one quantity."""
    for role, name in (("position", "x"), ("velocity", "v")):
        lone = [i for i, one in enumerate(columns) if one.role == role and i not in vectors]
        if lone:
            for component, place in enumerate(lone):
                columns[place] = replace(columns[place], quantity=name, component=component)
    return columns


def clean_name(text: str) -> str:
    """An identifier for formulas; Greek letters are spelt out."""
    spelt = "".join(_plain(letter) for letter in text[: 2 * MAX_NAME])
    name = re.sub(r"\W+", "_", spelt, flags=re.ASCII).strip("_")[:MAX_NAME]
    return name if name[:1].isalpha() else f"q{name}"


def check_units(columns: Iterable[Column], findings: list[Finding]) -> list[Column]:
    """The columns, without units that are none; PH-E01 is added for each of those."""
    checked = []
    for column in columns:
        try:
            if column.unit:
                parse_unit(column.unit)
            checked.append(column)
        except InputError as error:
            header = column.key.partition("/")[2]
            findings.append(
                Finding(
                    error.code, error.title, f"{error.problem.rstrip('.')} of {header}.",
                    f"{error.hint} It counts as not known.",
                )
            )  # fmt: skip
            checked.append(replace(column, unit=""))
    return checked


def _plain(letter: str) -> str:
    found = re.fullmatch(r"GREEK (SMALL|CAPITAL) LETTER (\w+)", unicodedata.name(letter, ""))
    if found:
        return found[2].lower() if found[1] == "SMALL" else found[2].title()
    return unicodedata.normalize("NFKD", letter)[0]


def distinct_names(names: Sequence[str]) -> list[str]:
    """Names that clash neither with one another nor with what formulas derive.

    Args:
        names: such as ``T`` of nodes; formulas then also know ``T_i``, ``T_j`` and ``dT``.
    """
    taken: list[str] = []
    for name in names:
        new, number = name, 1
        while new in RESERVED or _clash(new, taken):
            number += 1
            new = f"{name}{number}"
        taken.append(new)
    return taken


def _clash(new: str, taken: Iterable[str]) -> bool:
    return any(new == one or new in _derived(one) or one in _derived(new) for one in taken)


def _derived(name: str) -> set[str]:
    ends = {f"{name}_i", f"{name}_j", f"d{name}"}
    return ends | {f"{one}_n" for one in ends} | {f"d{name}_t"}
