"""What the columns of a table of moving objects are, and what its comments say."""

import re
from collections.abc import Sequence

from core.data.graph_table import fold
from core.data.physics.columns import (
    POSITIONS,
    TIME_WORDS,
    clean_name,
    find_ids,
    split_header,
)
from core.data.physics.findings import Choices, Column
from core.data.text_table import TextTable
from core.knowledge.physics.system import AXES

TABLE = "tracks"


def find_columns(table: TextTable, choices: Choices) -> tuple[Column, ...]:
    """Which column is the object, the time and each coordinate.

    Without a header the order is id, frame, x, y and perhaps z.
    """
    headers = table.headers if table.has_header else ("id", "frame", "x", "y", "z")
    headers = (*headers, *table.headers[len(headers) :])[: len(table.headers)]
    ids = find_ids(headers, ("node",))
    columns = []
    timed = False
    for place, header in enumerate(headers):
        key = f"{TABLE}/{table.headers[place]}"
        name, unit = split_header(header)
        base, axis = _axis(name)
        role, component = "scalar", 0
        if place == ids.get("node"):
            role = "node"
        elif fold(name) in TIME_WORDS and not timed:
            role, timed = "time", True
        elif base is not None:
            role, component = "position", axis
        role = choices.roles.get(key, role)
        unit = choices.units.get(key, unit)
        quantity = {"position": "x", "scalar": clean_name(name)}.get(role, "")
        columns.append(Column(key, role, quantity, unit, component))
    return tuple(columns)


def _axis(name: str) -> tuple[str | None, int]:
    """What stands before the axis in the name of a coordinate; None if it is no coordinate."""
    found = re.fullmatch(r"(.*?)[_\s.-]?([xyz])", name.strip(), re.IGNORECASE)
    if found is None or found[1].lower() not in POSITIONS:
        return None, 0
    return found[1], AXES.index(found[2].lower())


def rate_in(comments: Sequence[str]) -> float:
    """Frames per second from a comment such as ``# framerate: 25.00 fps``; 0 without one."""
    for comment in comments:
        found = re.search(r"(?:frame\s*rate|fps)\D{0,5}(\d+\.?\d*)", comment, re.IGNORECASE)
        if found:
            return float(found[1])
    return 0.0
