"""A person's own graph file to a knowledge graph.

Files are recognised by content, never by name, and read as UTF-8 text only: tables (tab, comma or
semicolon), N-Triples, GraphML, CX and CX2, Cytoscape JSON (`core.data.upload_recognition`). Every
format becomes the same table of cells first; then the columns get their roles. A row that is no
fact is skipped and reported with its line number. Whatever the bytes are, the only error raised is
`InputError`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from core.data.column_roles import ROLES, choose_roles, count_problem, guess_roles
from core.data.graph_table import GraphTable, Limits, printable, shorten, too_large
from core.data.kg import unique_names
from core.data.upload_recognition import read_table
from core.errors import InputError
from core.knowledge.graph import KnowledgeGraph, Source

__all__ = [
    "ROLES",
    "GraphUpload",
    "Limits",
    "RowProblem",
    "UploadPreview",
    "example_graph_file",
    "parse_graph_upload",
    "preview_upload",
]


@dataclass(frozen=True)
class RowProblem:
    """A row that is not used as it stands.

    Attributes:
        line: number of the line, or of the edge in GraphML, CX2 and Cytoscape JSON; from 1.
        text: beginning of the row.
        problem: continues the sentence "Line 14 …".
    """

    line: int
    text: str
    problem: str


@dataclass(frozen=True)
class UploadPreview:
    """What was recognised, before anything is decided.

    Attributes:
        name: name of the file.
        kind: ``table``, ``n-triples``, ``graphml``, ``cx2`` or ``cytoscape``.
        encoding: ``UTF-8`` or ``UTF-8 with BOM``.
        delimiter: ``tab``, ``comma`` or ``semicolon``; empty when the kind has none.
        header: whether the first row names the columns.
        columns: names of the columns.
        roles: from ``head``, ``relation``, ``tail`` to the number of the guessed column; a role
            that could not be guessed is absent.
        rows: first five rows.
        num_rows: rows without the header.
    """

    name: str
    kind: str
    encoding: str
    delimiter: str
    header: bool
    columns: tuple[str, ...]
    roles: Mapping[str, int]
    rows: tuple[tuple[str, ...], ...]
    num_rows: int


@dataclass(frozen=True)
class GraphUpload:
    """A graph read from a file, and what happened to its rows.

    Attributes:
        graph: the facts; entities without facts are kept.
        preview: how the file was understood, with the roles that were used.
        num_rows: rows without the header.
        num_skipped: rows that are no facts.
        num_duplicates: rows that repeat a fact; it is kept once.
        num_self_loops: facts from an entity to itself; they are kept.
        problems: skipped rows, the first `Limits.num_problems` of them.
    """

    graph: KnowledgeGraph
    preview: UploadPreview
    num_rows: int
    num_skipped: int
    num_duplicates: int
    num_self_loops: int
    problems: tuple[RowProblem, ...] = ()

    @property
    def kind(self) -> str:
        """Format of the file."""
        return self.preview.kind

    @property
    def notice(self) -> InputError | None:
        """KG-E05 about the skipped rows; None when all were used."""
        if not self.problems:
            return None
        lines = "such line was" if self.num_skipped == 1 else "such lines were"
        first = self.problems[0]
        return InputError(
            "KG-E05", "Not a triple",
            f"{_row_word(self.kind)} {first.line} {first.problem}.",
            f"{self.num_skipped:,} {lines} skipped – download the list.",
        )  # fmt: skip

    @property
    def summary(self) -> str:
        """One sentence for the page."""
        graph = self.graph
        text = (
            f"{graph.num_facts:,} facts, {graph.num_entities:,} entities, "
            f"{graph.num_relations:,} relations read."
        )
        if self.num_duplicates:
            text += f" {self.num_duplicates:,} repeated rows were kept once."
        if self.num_self_loops:
            text += f" {self.num_self_loops:,} facts link an entity to itself."
        return text


def preview_upload(
    name: str, content: bytes, *, header: bool | None = None, limits: Limits | None = None
) -> UploadPreview:
    """Recognise a file and guess the roles of its columns.

    Args:
        name: name of the file, only shown.
        content: its bytes.
        header: whether the first row of a table names its columns; None to guess.
        limits: what is allowed.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07 or KG-E06.
    """
    table = read_table(name, content, limits or Limits(), header)
    return _preview(name, table, guess_roles(table))


def parse_graph_upload(
    name: str,
    content: bytes,
    *,
    columns: Mapping[str, str | int] | None = None,
    header: bool | None = None,
    limits: Limits | None = None,
) -> GraphUpload:
    """Read a graph from a file.

    Args:
        name: name of the file, only shown.
        content: its bytes.
        columns: from ``head``, ``relation``, ``tail`` to a column's name or number (from 0); roles
            that are absent are guessed.
        header: whether the first row of a table names its columns; None to guess.
        limits: what is allowed.

    Raises:
        InputError: UP-E01 to UP-E07, KG-E05 when no row is a fact, KG-E06 when there are too many.
    """
    limits = limits or Limits()
    table = read_table(name, content, limits, header)
    roles = choose_roles(table, columns or {})
    builder = _Builder(limits, table)
    head, relation, tail = (roles[role] for role in ROLES)
    for line, cells in table.rows:
        if isinstance(cells, str):
            builder.skip(line, cells, table.problem_of[line])
        elif len(cells) != len(table.columns):
            builder.skip(line, " | ".join(cells), count_problem(len(cells), len(table.columns)))
        else:
            builder.add(line, cells[head], cells[relation], cells[tail])
    return builder.finish(name, _preview(name, table, roles))


def example_graph_file() -> tuple[str, bytes]:
    """A small valid file: name and content."""
    rows = [
        ("head", "relation", "tail"),
        ("Marie Curie", "is married to", "Pierre Curie"),
        ("Marie Curie", "is the mother of", "Irène Joliot-Curie"),
        ("Pierre Curie", "is the father of", "Irène Joliot-Curie"),
        ("Marie Curie", "is the mother of", "Ève Curie"),
        ("Pierre Curie", "is the father of", "Ève Curie"),
        ("Irène Joliot-Curie", "is married to", "Frédéric Joliot-Curie"),
        ("Irène Joliot-Curie", "is the mother of", "Hélène Langevin-Joliot"),
        ("Frédéric Joliot-Curie", "is the father of", "Hélène Langevin-Joliot"),
        ("Irène Joliot-Curie", "is the mother of", "Pierre Joliot"),
        ("Frédéric Joliot-Curie", "is the father of", "Pierre Joliot"),
        ("Ève Curie", "is married to", "Henry Labouisse"),
    ]
    return "example-graph.csv", "".join(",".join(row) + "\n" for row in rows).encode("utf-8")


def _preview(name: str, table: GraphTable, roles: Mapping[str, int]) -> UploadPreview:
    rows = [cells for _, cells in table.rows[:50] if not isinstance(cells, str)][:5]
    return UploadPreview(
        name=printable(shorten(name)),
        kind=table.kind,
        encoding=table.encoding,
        delimiter=table.delimiter,
        header=table.header,
        columns=table.columns,
        roles=dict(roles),
        rows=tuple(tuple(printable(shorten(cell, 200)) for cell in row) for row in rows),
        num_rows=len(table.rows),
    )


class _Builder:
    """Collects facts and problems."""

    def __init__(self, limits: Limits, table: GraphTable) -> None:
        self.limits, self.table = limits, table
        self.entities: dict[str, int] = {}
        self.relations: dict[str, int] = {}
        self.facts: dict[tuple[int, int, int], None] = {}
        self.problems: list[RowProblem] = []
        self.num_skipped = self.num_duplicates = self.num_self_loops = 0

    def skip(self, line: int, text: str, problem: str) -> None:
        self.num_skipped += 1
        if len(self.problems) < self.limits.num_problems:
            self.problems.append(RowProblem(line, printable(shorten(text)), problem))

    def add(self, line: int, head: str, relation: str, tail: str) -> None:
        for role, text, known in (
            ("head", head, self.entities),
            ("relation", relation, self.relations),
            ("tail", tail, self.entities),
        ):
            problem = "" if text in known else self._name_problem(text)
            if problem:
                self.skip(line, f"{head} | {relation} | {tail}", f"{problem} as {role}")
                return
        entities = self.entities
        fact = (
            entities.setdefault(head, len(entities)),
            self.relations.setdefault(relation, len(self.relations)),
            entities.setdefault(tail, len(entities)),
        )
        if fact in self.facts:
            self.num_duplicates += 1
            return
        self.facts[fact] = None
        self.num_self_loops += head == tail

    def _name_problem(self, text: str) -> str:
        if not text:
            return "has no name"
        if len(text) > self.limits.name_length:
            return f"has {len(text):,} characters (at most {self.limits.name_length:,})"
        if printable(text) != text:
            return "has a broken character"
        return ""

    def finish(self, name: str, preview: UploadPreview) -> GraphUpload:
        if not self.facts:
            first = self.problems[0]
            raise InputError(
                "KG-E05", "Not a triple",
                f"{_row_word(preview.kind)} {first.line} {first.problem}. None of the "
                f"{self.num_skipped:,} rows is a fact.",
                "Write one fact per line, with tabs or commas between the three.",
            )  # fmt: skip
        for entity in self.table.entities:
            if not self._name_problem(entity):
                self.entities.setdefault(entity, len(self.entities))
        if len(self.facts) > self.limits.num_facts:
            raise too_large(len(self.facts), "facts", self.limits.num_facts)
        if len(self.entities) > self.limits.num_entities:
            raise too_large(len(self.entities), "entities", self.limits.num_entities)
        entities, relations = tuple(self.entities), tuple(self.relations)
        graph = KnowledgeGraph(
            PurePath(printable(shorten(name))).stem or "graph",
            entities,
            relations,
            np.array(list(self.facts), dtype=np.int64).reshape(-1, 3),
            entity_names=self._names(entities, self.table.entity_names),
            relation_names=self._names(relations, self.table.relation_names),
            source=Source(f'uploaded file "{printable(shorten(name))}"', "not stated"),
        )
        return GraphUpload(
            graph, preview, preview.num_rows, self.num_skipped, self.num_duplicates,
            self.num_self_loops, tuple(self.problems),
        )  # fmt: skip

    def _names(self, ids: Sequence[str], names: Mapping[str, str]) -> tuple[str, ...]:
        if not names:
            return ()
        chosen = [names.get(text, "").strip() for text in ids]
        usable = [
            text if name and self._name_problem(name) else name or text
            for text, name in zip(ids, chosen, strict=True)
        ]
        return unique_names(usable, ids)


def _row_word(kind: str) -> str:
    return "Line" if kind in ("table", "n-triples") else "Edge"
