"""Tables whose columns are understood, made ready to be joined."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.graph_table import fold
from core.data.physics.findings import Choices, Column

LEVEL_OF = {"nodes": "node", "edges": "edge", "graphs": "graph"}
ENDS = {"source", "target"}
MAX_NOTES = 12  # findings of one kind


@dataclass(frozen=True, eq=False)
class Block:
    """A table whose columns are understood.

    Attributes:
        table: ``nodes``, ``edges``, ``graphs``, ``targets`` or ``wide``.
        file: its name for a person.
        columns: what the columns are.
        ids: (rows,) text by role.
        values: (rows,) float64 by `Column.key`, nan where a number is missing.
        lines: (rows,) numbers of the lines, from 1.
    """

    table: str
    file: str
    columns: tuple[Column, ...]
    ids: Mapping[str, np.ndarray]
    values: Mapping[str, np.ndarray]
    lines: np.ndarray

    def take(self, rows: np.ndarray) -> "Block":
        """Some of the rows, by number or mask."""
        return replace(
            self,
            ids={role: one[rows] for role, one in self.ids.items()},
            values={key: one[rows] for key, one in self.values.items()},
            lines=self.lines[rows],
        )

    def groups(self) -> dict[str, list[Column]]:
        """Columns with numbers by quantity, components in order."""
        found: dict[str, list[Column]] = {}
        for column in sorted(self.columns, key=lambda one: one.component):
            if column.quantity and column.key in self.values:
                found.setdefault(column.quantity, []).append(column)
        names = dict.fromkeys(one.quantity for one in self.columns if one.quantity in found)
        return {name: found[name] for name in names}

    def array(self, quantity: str) -> np.ndarray:
        """(rows, 1|D) of a quantity."""
        return np.column_stack([self.values[one.key] for one in self.groups()[quantity]])


@dataclass(frozen=True)
class Answer:
    """What is to be explained.

    Attributes:
        table: that holds it.
        quantity: its name there.
        level: ``node``, ``edge`` or ``graph``.
    """

    table: str
    quantity: str
    level: str


def clean_ids(ids: np.ndarray) -> np.ndarray:
    """(rows,) ids without what a spreadsheet adds to whole numbers: ``3.0`` and ``3`` are one."""
    distinct, codes = np.unique(ids, return_inverse=True)
    plain = [re.sub(r"(?<=\d)\.0*$", "", one.strip()) for one in distinct.tolist()]
    return np.array(plain, dtype=str)[codes]


def prepare(
    blocks: Mapping[str, Block], choices: Choices, findings: list[Finding]
) -> dict[str, Block]:
    """Tables of nodes, edges, graphs and targets with the ids that they need.

    Rows for plain regression become graphs of one node; edges or nodes without a table of their own
    are those that another table speaks of. PH-E05 is added for missing numbers.
    """
    ready = {
        name: _filled(
            replace(one, ids={role: clean_ids(ids) for role, ids in one.ids.items()}),
            choices, findings,
        )
        for name, one in blocks.items()
    }  # fmt: skip
    if "wide" in ready:
        block = ready.pop("wide")
        rows = np.arange(1, len(block.lines) + 1).astype(str)
        ready["nodes"] = replace(block, ids={"sample": rows, "node": rows})
    targets = ready.get("targets")
    if "edges" not in ready and targets is not None and set(targets.ids) >= ENDS:
        ready["edges"] = replace(targets, table="edges", columns=(), values={})
    if "nodes" not in ready:
        ready["nodes"] = _mentioned(ready)
    if "node" not in ready["nodes"].ids:
        ready["nodes"] = _counted(ready["nodes"])
    return ready


def no_ends(block: Block) -> Finding:
    """PH-E38."""
    found = ", ".join(one.key.partition("/")[2] for one in block.columns[:MAX_NOTES])
    return Finding(
        "PH-E38", "Ends of edges missing",
        f"{block.file} needs the columns source and target; I found {found}.",
        "Choose which is which, or name the file after what it holds.", True,
    )  # fmt: skip


def _filled(block: Block, choices: Choices, findings: list[Finding]) -> Block:
    """Missing numbers replaced by the column's median where that was chosen."""
    values = dict(block.values)
    for column in block.columns:
        found = values.get(column.key)
        if found is None or not np.isnan(found).any():
            continue
        gaps = int(np.isnan(found).sum())
        if f"fill:{column.key}" in choices.repairs and gaps < len(found):
            values[column.key] = np.where(np.isnan(found), np.nanmedian(found), found)
            continue
        header = column.key.partition("/")[2]
        answer = block.table == "targets" or column.role == "answer"
        fill = Repair(f"fill:{column.key}", f"Fill {header} with its median")
        leave = Repair(f"ignore:{column.key}", f"Leave out {header}")
        findings.append(
            Finding(
                "PH-E05", "Missing numbers",
                f'{plural(gaps, "empty cell")} in "{header}" of {block.file}.',
                "Samples with such a row are dropped, or fill them first.",
                repairs=() if answer else (fill, leave),
            )
        )  # fmt: skip
    return replace(block, values=values)


def _mentioned(blocks: Mapping[str, Block]) -> Block:
    """The nodes that edges or targets speak of."""
    pairs = []
    for block in blocks.values():
        rows = len(block.lines)
        sample = block.ids.get("sample", np.full(rows, ""))
        pairs += [np.stack([sample, one]) for role, one in block.ids.items() if role != "sample"]
    named = np.unique(np.concatenate(pairs, axis=1), axis=1) if pairs else np.zeros((2, 0), str)
    ids = {"sample": named[0], "node": named[1]}
    if not named[0].any():
        del ids["sample"]
    first = next(iter(blocks.values())).file
    return Block("nodes", first, (), ids, {}, np.arange(named.shape[1]) + 1)


def _counted(block: Block) -> Block:
    """Nodes without names are numbered within their sample from 0."""
    sample = block.ids.get("sample", np.full(len(block.lines), ""))
    order = np.argsort(sample, kind="stable")
    ordered = sample[order]
    start = np.searchsorted(ordered, ordered)
    number = np.empty(len(order), int)
    number[order] = np.arange(len(order)) - start
    return replace(block, ids={**block.ids, "node": number.astype(str)})


def choose_answer(
    blocks: Mapping[str, Block], choices: Choices, findings: list[Finding], *, wide: bool
) -> Answer | None:
    """What is to be explained: a person's choice, the table of targets, or a telling name.

    PH-E19 is added when nothing says it, or when several things do.
    """
    every = {
        f"{name}/{quantity}": _answer(block, quantity)
        for name, block in blocks.items()
        for quantity in block.groups()
    }
    likely = [
        f"{name}/{quantity}"
        for name, block in blocks.items()
        for quantity, columns in block.groups().items()
        if columns[0].role == "answer" or name == "targets"
    ]
    chosen = choices.amount("answer")
    if chosen in every:
        return every[chosen]
    if wide and not likely and every:
        likely = [key for key in every if fold(key.partition("/")[2]) == "y"] or [[*every][-1]]
        sure = False
    else:
        sure = len(likely) == 1
    if sure:
        return every[likely[0]]
    offered = likely if len(likely) > 1 else [*every]
    repairs = tuple(
        Repair(f"answer:{key}", key.partition("/")[2])
        for key in offered[:MAX_NOTES]
        if not likely or key != likely[0]
    )
    guessed = likely[0] if likely else ""
    findings.append(
        Finding(
            "PH-E19", "Which is the target?",
            f'"{guessed.partition("/")[2]}" is taken as what the formula shall give.'
            if guessed
            else "No table of targets, and no column is called target.",
            "Choose another if that is wrong." if guessed else "Choose what to explain.",
            not guessed, repairs,
        )
    )  # fmt: skip
    return every[guessed] if guessed else None


def _answer(block: Block, quantity: str) -> Answer:
    level = LEVEL_OF.get(block.table, "graph")
    if block.table in ("targets", "wide"):
        level = "node" if "node" in block.ids else "edge" if set(block.ids) >= ENDS else "graph"
    return Answer(block.table if block.table != "wide" else "nodes", quantity, level)
