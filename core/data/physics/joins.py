"""Rows of nodes, edges, graphs and targets brought together by their ids."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.physics.blocks import Block
from core.data.physics.findings import Choices
from core.data.physics.text import check_total

MAX_EDGES = 1_000_000  # also when edges are made up


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of one table, sorted by sample.

    Attributes:
        block: what they hold.
        sample: (rows,) number of the sample.
        ends: (rows,) numbers of node names, by the role of the id.
    """

    block: Block
    sample: np.ndarray
    ends: Mapping[str, np.ndarray]

    def take(self, rows: np.ndarray) -> "Rows":
        """Some rows by number or mask."""
        ends = {role: one[rows] for role, one in self.ends.items()}
        return Rows(self.block.take(rows), self.sample[rows], ends)

    def at(self, row: int) -> str:
        """Where a row stands, for a person."""
        return f"{self.block.file} row {self.block.lines[row]}"


@dataclass(frozen=True, eq=False)
class Edges:
    """Edges with the rows of their nodes."""

    rows: Rows
    sender: np.ndarray
    receiver: np.ndarray


class Join:
    """Tables on the way to a system; what is wrong becomes a finding.

    Attributes:
        tables: rows by table.
        samples: (S,) names, in the order in which they come.
        names: (M,) names of nodes, whatever their sample.
        kept: (S,) bool, samples that can be used.
    """

    def __init__(
        self, blocks: Mapping[str, Block], choices: Choices, findings: list[Finding]
    ) -> None:
        self.choices, self.findings = choices, findings
        self.samples, of_sample = _number(
            {name: {"sample": one.ids["sample"]} for name, one in blocks.items()
             if "sample" in one.ids}
        )  # fmt: skip
        ends = {
            name: {role: one.ids[role] for role in one.ids if role != "sample"}
            for name, one in blocks.items()
        }
        self.names, of_name = _number(ends)
        if not len(self.samples):
            self.samples = np.array(["the only sample"])
        self.kept = np.ones(len(self.samples), bool)
        self.tables: dict[str, Rows] = {}
        for name, block in blocks.items():
            rows = np.arange(len(block.lines))
            if (name, "sample") in of_sample:
                sample = of_sample[name, "sample"]
                order = np.argsort(sample, kind="stable")
                rows, sample = rows[order], sample[order]
            else:  # it holds for every sample
                check_total(block.file, len(rows) * len(self.samples))
                sample = np.repeat(np.arange(len(self.samples)), len(rows))
                rows = np.tile(rows, len(self.samples))
            coded = {role: of_name[name, role][rows] for role in ends[name]}
            self.tables[name] = Rows(block.take(rows), sample, coded)

    def note(
        self, code: str, title: str, problem: str, hint: str, *repairs: Repair,
        blocking: bool = False,
    ) -> None:  # fmt: skip
        """Add a finding."""
        self.findings.append(Finding(code, title, problem, hint, blocking, repairs))

    def key(self, rows: Rows, role: str) -> np.ndarray:
        """(rows,) one number for sample and node."""
        return rows.sample * len(self.names) + rows.ends[role]

    def once(self, rows: Rows, key: np.ndarray, what: str) -> np.ndarray:
        """Numbers of the first rows with each key, ascending; the others are noted."""
        _, first = np.unique(key, return_index=True)
        if len(first) < len(key):
            again = np.setdiff1d(np.arange(len(key)), first)
            self.note(
                "PH-E15", "Row comes again",
                f"{rows.at(again[0])} is about the same {what} as an earlier row "
                f"({plural(len(again), 'such row')}).", "The first one is used.",
            )  # fmt: skip
        return np.sort(first)

    def nodes(self) -> Rows:
        """The nodes of all samples."""
        rows = self.tables["nodes"]
        return rows.take(self.once(rows, self.key(rows, "node"), "node of a sample"))

    def edges(self, nodes: Rows, level: str) -> Edges:
        """The edges of all samples, for a target on some level."""
        rows = self.tables.get("edges")
        if rows is None:
            return self._made_up(nodes)
        rows = self._shifted(rows, nodes)
        loops = rows.ends["source"] == rows.ends["target"]
        if loops.any():
            self.note(
                "PH-E16", "Edge from a node to itself",
                f"{rows.at(int(np.argmax(loops)))} links a node to itself "
                f"({plural(int(loops.sum()), 'such edge')}).", "They are left out.",
            )  # fmt: skip
            rows = rows.take(~loops)
        width = len(self.names)
        pairs = self.key(rows, "source") * width + rows.ends["target"]
        rows = rows.take(self.once(rows, pairs, "edge"))
        rows = self._both_ways(rows, level)
        return Edges(rows, self._find(nodes, rows, "source"), self._find(nodes, rows, "target"))

    def _find(self, nodes: Rows, rows: Rows, role: str) -> np.ndarray:
        """(rows,) row in `nodes` of the nodes that another table names, -1 for none."""
        return lookup(self.key(nodes, "node"), self.key(rows, role))

    def _shifted(self, rows: Rows, nodes: Rows) -> Rows:
        """Edges whose ends are all known."""
        shift = self.choices.amount("shift")
        if shift in ("1", "-1"):
            rows = self._renamed(rows, int(shift))
        missing = np.stack([self._find(nodes, rows, role) < 0 for role in ("source", "target")])
        lost = missing.any(0)
        if not lost.any():
            return rows
        if "drop-unknown" in self.choices.repairs and not lost.all():
            return rows.take(~lost)
        row = int(np.argmax(lost))
        role = "source" if missing[0, row] else "target"
        node = self.names[rows.ends[role][row]]
        repairs = [
            Repair(f"shift:{way}", f"Nodes are counted from {first} in {rows.block.file}")
            for way, first in (("-1", "1"), ("1", "0"))
            if not shift and self._fits(rows, nodes, int(way))
        ]
        repairs.append(Repair("drop-unknown", f"Leave {plural(int(lost.sum()), 'edge')} out"))
        self.note(
            "PH-E03", "Edge to a missing node",
            f"{rows.at(row)} uses node {node} of sample {self.samples[rows.sample[row]]}, which "
            f"{nodes.block.file} does not contain ({plural(int(lost.sum()), 'such edge')}).",
            "Choose what to do.", *repairs, blocking=True,
        )  # fmt: skip
        return rows

    def _renamed(self, rows: Rows, shift: int) -> Rows:
        """Edges with every end `shift` further; -1, a name of no node, where there is none."""
        number = {name: place for place, name in enumerate(self.names.tolist())}
        new = np.array(
            [
                number.get(str(int(name) + shift), -1) if name.isdecimal() else -1
                for name in self.names.tolist()
            ]
        )
        return replace(rows, ends={role: new[one] for role, one in rows.ends.items()})

    def _fits(self, rows: Rows, nodes: Rows, shift: int) -> bool:
        moved = self._renamed(rows, shift)
        return all(
            (one >= 0).all() and (self._find(nodes, moved, role) >= 0).all()
            for role, one in moved.ends.items()
        )

    def _both_ways(self, rows: Rows, level: str) -> Rows:
        """Edges with the reverse of each where that is wanted."""
        width = len(self.names)
        there = self.key(rows, "source") * width + rows.ends["target"]
        back = self.key(rows, "target") * width + rows.ends["source"]
        lone = ~np.isin(back, there)
        if not lone.any() or level == "edge":
            return rows
        if "both-ways" in self.choices.repairs:
            extra = rows.take(lone)
            turned = {"source": extra.ends["target"], "target": extra.ends["source"]}
            number = np.arange(len(rows.sample))
            both = rows.take(np.concatenate([number, number[lone]]))
            ends = {role: np.concatenate([rows.ends[role], turned[role]]) for role in turned}
            order = np.argsort(both.sample, kind="stable")
            return replace(both, ends=ends).take(order)
        share = "Every link" if lone.all() else plural(int(lone.sum()), "link")
        self.note(
            "PH-E17", "One direction only",
            f"{share} of {len(lone):,} is listed in one direction only, so that only the target "
            "receives something from the source.",
            "Right for regulators or one-way streets; springs, wires and forces act both ways.",
            Repair("both-ways", "The links act both ways"),
        )  # fmt: skip
        return rows

    def _made_up(self, nodes: Rows) -> Edges:
        """Edges between all nodes of a sample when no table lists them."""
        sizes = np.bincount(nodes.sample, minlength=len(self.samples))
        none = np.zeros(0, int)
        lone = Rows(Block("edges", "", (), {}, {}, none), none, {})
        if sizes.max(initial=0) <= 1:
            return Edges(lone, none, none)
        count = int((sizes * (sizes - 1)).sum())
        if "complete" not in self.choices.repairs or count > MAX_EDGES:
            repair = (Repair("complete", "Link all nodes of a sample"),)
            self.note(
                "PH-E18", "No edges", "There is no table of edges (sample, source, target).",
                "Add one, or let every node see every other.",
                *(repair if count <= MAX_EDGES else ()), blocking=True,
            )  # fmt: skip
            return Edges(lone, none, none)
        first = np.cumsum(sizes) - sizes
        parts = [
            start + np.stack(np.nonzero(~np.eye(size, dtype=bool)))
            for start, size in zip(first, sizes, strict=True)
        ]
        receiver, sender = np.concatenate(parts, axis=1)
        block = Block("edges", "", (), {}, {}, np.zeros(count, int))
        return Edges(Rows(block, nodes.sample[receiver], {}), sender, receiver)

    def places(self, rows: Rows, place: np.ndarray, num: int, what: str) -> np.ndarray:
        """(num,) which row of a table belongs to each place, -1 for none.

        Args:
            rows: of the table.
            place: (rows,) where each belongs, -1 for nowhere.
            num: number of places.
            what: the place in words.
        """
        known = np.flatnonzero(place >= 0)
        first = known[self.once(rows.take(known), place[known], what)]
        where = np.full(num, -1)
        where[place[first]] = first
        return where


def lookup(known: np.ndarray, keys: np.ndarray) -> np.ndarray:
    """(keys,) where each key is among distinct known ones, -1 for nowhere."""
    if not len(known):
        return np.full(len(keys), -1)
    order = np.argsort(known)
    found = order[np.minimum(np.searchsorted(known, keys, sorter=order), len(known) - 1)]
    return np.where(known[found] == keys, found, -1)


def _number(
    texts: Mapping[str, Mapping[str, np.ndarray]],
) -> tuple[np.ndarray, dict[tuple[str, str], np.ndarray]]:
    """Distinct texts in the order in which they come, and the number of each."""
    parts = [(name, role, one) for name, roles in texts.items() for role, one in roles.items()]
    if not parts:
        return np.zeros(0, str), {}
    every = np.concatenate([one for _, _, one in parts])
    distinct, first, codes = np.unique(every, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), int)
    rank[order] = np.arange(len(order))
    bounds = np.cumsum([len(one) for _, _, one in parts])[:-1]
    coded = np.split(rank[codes], bounds)
    numbered = {(name, role): one for (name, role, _), one in zip(parts, coded, strict=True)}
    return distinct[order], numbered
