"""A person's own measurements: tables of nodes, edges, graphs and targets to a system.

Files (CSV, TSV or text; one ZIP archive of them; or one NPZ file, `core.data.physics.npz`):
nodes (sample, node, quantities), edges (sample, source, target, quantities), graphs (sample,
quantities), targets (sample and node, or sample, source and target, or sample alone, and the target
in one column or one for each component). A table without a sample holds for every sample. One table
alone may be a trajectory (`core.data.physics.trajectories`) or rows for plain regression. Roles and
units are guessed from the headers; what looks wrong becomes a finding with repairs. Whatever the
bytes are, the only error raised is `InputError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

import numpy as np

from core.data.findings import Finding
from core.data.graph_table import fold
from core.data.physics.assembly import join
from core.data.physics.blocks import Block
from core.data.physics.checks import check_system
from core.data.physics.columns import (
    TIME_WORDS,
    check_units,
    find_ids,
    split_header,
    understand,
)
from core.data.physics.findings import Choices, Reading, make_reading
from core.data.physics.npz import read_npz
from core.data.physics.text import LIMITS, ZIP, File, parse_numbers, skipped_rows, unpack
from core.data.physics.trajectories import read_trajectory
from core.data.text_table import TextTable, read_text_table
from core.errors import InputError

TABLE_WORDS: Mapping[str, tuple[str, ...]] = {
    "targets": ("target", "output", "answer", "label"),
    "edges": ("edge", "link", "pair", "connection"),
    "nodes": ("node", "particle", "vertex", "vertices", "bodies"),
    "graphs": ("graph", "global", "sample"),
}


def read_measurements(files: Sequence[File], choices: Choices | None = None) -> Reading:
    """Read a system from files.

    Args:
        files: names and contents.
        choices: what a person has decided about columns, units and findings.

    Raises:
        InputError: UP-E01 to UP-E07 for a file that cannot be read at all.
    """
    choices = choices or Choices()
    files = unpack(files)
    if not files:
        raise InputError("UP-E05", "Empty file", "There is no file.", "Choose one.")
    name, content = files[0]
    if content.startswith(ZIP):
        return _finish("tables", read_npz(name, content, choices), choices, [])
    tables = [read_text_table(name, content, LIMITS) for name, content in files]
    kind = choices.kind or recognise(tables)
    findings = [one for table in tables for one in skipped_rows(table)]
    if kind == "trajectory":
        return read_trajectory(tables[0], choices, findings)
    named = {"wide": tables[0]} if kind == "wide" else name_tables(tables)
    blocks = {name: _block(name, table, choices, findings) for name, table in named.items()}
    return _finish(kind, blocks, choices, findings)


def recognise(tables: Sequence[TextTable]) -> str:
    """Whether files are tables of a graph, a trajectory or rows for plain regression."""
    if len(tables) > 1:
        return "tables"
    table = tables[0]
    names = [fold(split_header(header)[0]) for header in table.headers]
    ids = find_ids(table.headers)
    if {"source", "target"} <= set(ids):
        return "tables"
    timed = any(name in TIME_WORDS for name in names)
    placed = any(name in ("x", "posx", "px", "positionx", "xm", "xcm") for name in names)
    tracks = timed and placed and "sample" not in ids
    if tracks or (not table.has_header and len(names) in (4, 5)):
        return "trajectory"
    return "tables" if {"sample", "node"} <= set(ids) else "wide"


def name_tables(tables: Sequence[TextTable]) -> dict[str, TextTable]:
    """Which file holds nodes, edges, graphs and targets: by its name, else by its ids.

    Raises:
        InputError: PH-E14 when two files would be the same table.
    """
    named: dict[str, TextTable] = {}
    for table in tables:
        stem = PurePath(table.name).stem.lower()
        kind = next(
            (kind for kind, words in TABLE_WORDS.items() if any(word in stem for word in words)),
            "",
        )
        kind = kind or _table_by_ids(find_ids(table.headers), named)
        if kind in named:
            raise InputError(
                "PH-E14", "Same table twice",
                f'"{named[kind].name}" and "{table.name}" both look like the table of {kind}.',
                "Name the files nodes, edges, graphs and targets.",
            )  # fmt: skip
        named[kind] = table
    return named


def _table_by_ids(ids: Mapping[str, int], named: Mapping[str, object]) -> str:
    if "source" in ids:
        return "edges" if "edges" not in named else "targets"
    if "node" in ids:
        return "nodes" if "nodes" not in named else "targets"
    return "graphs" if "graphs" not in named else "targets"


def _block(name: str, table: TextTable, choices: Choices, findings: list[Finding]) -> Block:
    """The columns of a table by what they are."""
    columns = understand(name, table.headers, choices, with_ids=name != "wide")
    left_out = {one.partition(":")[2] for one in choices.repairs if one.startswith("ignore:")}
    columns = [
        replace(one, role="ignore", quantity="") if one.key in left_out else one for one in columns
    ]
    ids, wanted = {}, {}
    for place, column in enumerate(columns):
        if column.quantity:
            wanted[place] = column.key
        elif column.role != "ignore":
            ids[column.role] = np.array(table.cells[place])
    values = parse_numbers(table, wanted, choices, findings)
    kept = {columns[place].key: one for place, one in values.items()}
    return Block(name, table.name, tuple(columns), ids, kept, table.lines)


def _finish(
    kind: str, blocks: Mapping[str, Block], choices: Choices, findings: list[Finding]
) -> Reading:
    """Join the tables and look for what is wrong with the whole."""
    blocks = {
        table: replace(block, columns=tuple(check_units(block.columns, findings)))
        for table, block in blocks.items()
    }
    system, names = None, {}
    if not any(one.blocking for one in findings):
        system, names = join(blocks, choices, findings)
    if system is not None:
        used = ", ".join(dict.fromkeys(block.file for block in blocks.values()))
        system = replace(system, title=used, notes=(f"Read from {used}.",))
        system = check_system(system, choices, findings)
    columns = [
        replace(column, quantity=names.get((table, column.quantity), column.quantity))
        for table, block in blocks.items()
        for column in block.columns
    ]
    return make_reading(kind, system, columns, findings)
