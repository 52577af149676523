"""Tables of nodes, edges, graphs and targets to one system."""

from collections.abc import Mapping

import numpy as np

from core.data.findings import Finding, plural
from core.data.physics.blocks import ENDS, Answer, Block, choose_answer, no_ends, prepare
from core.data.physics.columns import distinct_names
from core.data.physics.findings import Choices
from core.data.physics.joins import Edges, Join, Rows, lookup
from core.knowledge.physics.system import ROLES, GraphSystem, Quantity


def join(
    blocks: Mapping[str, Block], choices: Choices, findings: list[Finding]
) -> tuple[GraphSystem | None, dict[tuple[str, str], str]]:
    """The system of some tables.

    Args:
        blocks: by table.
        choices: what a person has decided.
        findings: what is noticed is added.

    Returns:
        The system, None when a finding blocks it; and the final names of quantities by table and
        by name in the table.
    """
    wide = "wide" in blocks
    if "edges" in blocks and not set(blocks["edges"].ids) >= ENDS:
        findings.append(no_ends(blocks["edges"]))
        return None, {}
    ready = prepare(blocks, choices, findings)
    answer = choose_answer(ready, choices, findings, wide=wide)
    work = Join(ready, choices, findings)
    nodes = work.nodes()
    edges = work.edges(nodes, "" if answer is None else answer.level)
    if answer is None or any(one.blocking for one in findings):
        return None, {}
    return _assemble(work, nodes, edges, answer)


def _assemble(
    work: Join, nodes: Rows, edges: Edges, answer: Answer
) -> tuple[GraphSystem | None, dict[tuple[str, str], str]]:
    """Quantities and target in the order of nodes, edges and samples."""
    num_samples = len(work.samples)
    placed = {
        "nodes": (nodes, np.arange(len(nodes.sample)), nodes.sample),
        "edges": (edges.rows, np.arange(len(edges.sender)), edges.rows.sample),
    }
    if "graphs" in work.tables:
        graphs = work.tables["graphs"]
        where = work.places(graphs, graphs.sample, num_samples, "sample")
        placed["graphs"] = (graphs, where, np.arange(num_samples))
    if answer.table == "targets":
        placed["targets"] = _place_targets(work, nodes, edges, answer.level)
    names = _name(placed, answer)
    groups: dict[str, dict[str, Quantity]] = {"nodes": {}, "edges": {}, "graphs": {}}
    for table, (rows, where, sample) in placed.items():
        for quantity, columns in rows.block.groups().items():
            values = np.where(where[:, None] >= 0, rows.block.array(quantity)[where], np.nan)
            is_answer = (table, quantity) == (answer.table, answer.quantity)
            if not is_answer and (table == "targets" or columns[0].role == "answer"):
                continue
            work.kept[sample[np.isnan(values).any(1)]] = False
            unit = next((one.unit for one in columns if one.unit), "")
            role = columns[0].role if columns[0].role in ROLES and not is_answer else ""
            one = Quantity(names[table, quantity], np.nan_to_num(values), unit, role)
            if is_answer:
                target = one
            else:
                groups[table][one.name] = one
    if not work.kept.any():
        work.note(
            "PH-E05", "Missing numbers", "Every sample lacks a number or its target.",
            "Fill the empty cells, or leave out the columns that have them.", blocking=True,
        )  # fmt: skip
        return None, {}
    system = GraphSystem(
        groups["nodes"], groups["edges"], groups["graphs"], edges.sender, edges.receiver,
        nodes.sample, target, answer.level, num_samples,
    )  # fmt: skip
    return system if work.kept.all() else system.pick(work.kept), names


def _place_targets(
    work: Join, nodes: Rows, edges: Edges, level: str
) -> tuple[Rows, np.ndarray, np.ndarray]:
    """Targets, which of them belongs to each row of their level, and the samples of those rows."""
    rows = work.tables["targets"]
    if level == "graph":
        place, sample = rows.sample, np.arange(len(work.samples))
    elif level == "node":
        place, sample = lookup(work.key(nodes, "node"), work.key(rows, "node")), nodes.sample
    else:
        ends = [
            lookup(work.key(nodes, "node"), work.key(rows, role)) for role in ("source", "target")
        ]
        width = len(nodes.sample)
        place = lookup(edges.sender * width + edges.receiver, ends[0] * width + ends[1])
        sample = edges.rows.sample
    lost = place < 0
    if lost.any():
        work.note(
            "PH-E03", f"Target of a missing {level}",
            f"{rows.at(int(np.argmax(lost)))} belongs to no {level} "
            f"({plural(int(lost.sum()), 'such row')}).", "They are left out.",
        )  # fmt: skip
    where = work.places(rows, place, len(sample), level)
    if (where < 0).any():
        work.note(
            "PH-E05", "Missing numbers",
            f"{plural(int((where < 0).sum()), level)} without a target.",
            "Their samples are dropped.",
        )  # fmt: skip
    return rows, where, sample


def _name(
    placed: Mapping[str, tuple[Rows, np.ndarray, np.ndarray]], answer: Answer
) -> dict[tuple[str, str], str]:
    """Names in formulas by table and quantity; the target comes last."""
    keys = [
        (table, quantity)
        for table, (rows, _, _) in placed.items()
        if table != "targets"
        for quantity in rows.block.groups()
    ]
    last = (answer.table, answer.quantity)
    keys = [*(key for key in keys if key != last), last]
    return dict(zip(keys, distinct_names([name for _, name in keys]), strict=True))
