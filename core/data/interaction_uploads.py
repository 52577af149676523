"""A person's own drugs, network and interactions: three tables to a drug network.

Drugs (id, name, SMILES), facts (head, relation, tail, and if wanted source, note and kind) and
interactions (drug1, type, drug2, and if wanted text). The first row of each names its columns. A
drug may be named by its id or its name. A row that cannot be used is skipped and reported with its
line number. Structures are not parsed here. Whatever the bytes are, the only error raised is
`InputError`.
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.data.column_roles import ROLE_WORDS
from core.data.graph_table import (
    GraphTable,
    Limits,
    fold,
    not_a_table,
    printable,
    shorten,
    too_large,
)
from core.data.interaction_files import sentence_of
from core.data.kg import unique_names
from core.data.upload_recognition import read_table
from core.data.uploads import RowProblem
from core.errors import InputError
from core.knowledge.graph import Source
from core.knowledge.interactions import (
    DrugNetwork,
    EdgeNote,
    InteractionSplit,
    InteractionType,
    Relation,
)

File = tuple[str, bytes]

# words that name a column, best first, as `fold` leaves them; a column is used once
DRUG_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "drugid", "drugbankid", "identifier", "drug", "compound"),
    "name": ("name", "drugname", "title", "label"),
    "smiles": ("smiles", "canonicalsmiles", "isomericsmiles", "structure"),
}
FACT_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "head": ("head", "subject", "drug", "compound", *ROLE_WORDS["head"]),
    "relation": ROLE_WORDS["relation"],
    "tail": ("tail", "object", "entity", "gene", "protein", *ROLE_WORDS["tail"]),
    "source": ("source", "reference", "database", "evidence"),
    "note": ("note", "notes", "comment", "remark"),
    "head kind": ("headkind", "headtype"),
    "tail kind": ("tailkind", "tailtype", "kind", "entitykind"),
}
INTERACTION_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "drug1": ("drug1", "druga", "perpetrator", *ROLE_WORDS["head"]),
    "type": ("type", "interactiontype", *ROLE_WORDS["relation"]),
    "drug2": ("drug2", "drugb", "victim", *ROLE_WORDS["tail"]),
    "text": ("text", "sentence", "description", "template"),
}
TABLES = ("drugs", "facts", "interactions")
MAX_SUGGESTIONS = 50  # distinct unknown names that get one


@dataclass(frozen=True, eq=False)
class OwnNetwork:
    """What three tables hold, and what happened to their rows.

    Attributes:
        network: drugs, interaction types and biomedical network.
        interactions: (n, 3) int64 rows (head, type, tail), unique.
        num_duplicates: rows by table that repeat another one; it is kept once.
        num_skipped: rows by table that cannot be used.
        problems: skipped rows by table, the first `Limits.num_problems` of each.
    """

    network: DrugNetwork
    interactions: np.ndarray
    num_duplicates: Mapping[str, int]
    num_skipped: Mapping[str, int]
    problems: Mapping[str, tuple[RowProblem, ...]]

    @property
    def split(self) -> InteractionSplit:
        """All interactions as the known ones; a drug without any is emerging."""
        known = np.zeros(self.network.num_drugs, dtype=bool)
        known[self.interactions[:, [0, 2]].ravel()] = True
        return InteractionSplit(self.network, self.network.name, self.interactions, {}, known)

    @property
    def summary(self) -> str:
        """One or more sentences for the page."""
        network = self.network
        text = (
            f"{network.num_drugs:,} drugs, {len(network.edges):,} facts about "
            f"{network.num_entities:,} entities, {len(self.interactions):,} interactions of "
            f"{network.num_types:,} types read."
        )
        for verb, numbers in (("repeated", self.num_duplicates), ("skipped", self.num_skipped)):
            parts = [f"{num:,} in {table}" for table, num in numbers.items() if num]
            text += f" Rows {verb}: {', '.join(parts)}." if parts else ""
        return text


def read_own_network(
    drugs: File,
    facts: File,
    interactions: File | None = None,
    *,
    name: str = "own",
    limits: Limits | None = None,
) -> OwnNetwork:
    """Read drugs, facts and interactions.

    Args:
        drugs: name and content of the table of drugs; name and SMILES may be empty.
        facts: of the table of facts; whoever is no drug becomes an entity.
        interactions: of the table of known interactions; None when there are none.
        name: id of the network.
        limits: what is allowed.

    Raises:
        InputError: UP-E01 to UP-E07 for a file, UP-E09 when a table has no usable row, KG-E06 for
            too many entities.
    """
    reader = _Reader(limits or Limits())
    reader.read_drugs(drugs)
    reader.read_facts(facts)
    if interactions is not None:
        reader.read_interactions(interactions)
    return reader.finish(name, drugs[0])


def example_network_files() -> dict[str, File]:
    """Small valid files by table: name and content."""
    tables = {
        "drugs": (
            "id,name,smiles",
            "D1,fluoxetine,CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1",
            "D2,metoprolol,COCCc1ccc(OCC(O)CNC(C)C)cc1",
            "D3,caffeine,Cn1cnc2c1c(=O)n(C)c(=O)n2C",
            "D4,ciprofloxacin,O=C(O)c1cn(C2CC2)c2cc(N3CCNCC3)c(F)cc2c1=O",
        ),
        "facts": (
            "head,relation,tail,tail kind,source,note",
            "D1,inhibits,CYP2D6,Gene,my notes,strong",
            "D2,is a substrate of,CYP2D6,Gene,my notes,",
            "D4,inhibits,CYP1A2,Gene,my notes,",
            "D3,is a substrate of,CYP1A2,Gene,my notes,sensitive",
        ),
        "interactions": (
            "drug1,type,drug2,text",
            "D1,metabolism decreased,D2,#Drug1 can decrease the metabolism of #Drug2.",
        ),
    }
    return {
        table: (f"{table}.csv", "".join(f"{line}\n" for line in lines).encode("utf-8"))
        for table, lines in tables.items()
    }


@dataclass
class _Reader:
    """Collects drugs, entities, facts, interactions and problems."""

    limits: Limits
    ids: dict[str, int] = field(default_factory=dict)  # of drugs, then of other entities
    names: list[str] = field(default_factory=list)
    smiles: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    row_of_name: dict[str, int] = field(default_factory=dict)  # -1 when two drugs have it
    relations: dict[str, int] = field(default_factory=dict)
    types: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    edges: dict[tuple[int, int, int], dict[EdgeNote, None]] = field(default_factory=dict)
    interactions: dict[tuple[int, int, int], None] = field(default_factory=dict)
    problems: dict[str, list[RowProblem]] = field(default_factory=lambda: {t: [] for t in TABLES})
    skipped: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    repeated: dict[str, int] = field(default_factory=lambda: dict.fromkeys(TABLES, 0))
    suggestions: dict[str, str] = field(default_factory=dict)

    def read_drugs(self, file: File) -> None:
        rows = self._rows("drugs", file, DRUG_COLUMNS, ("id",))
        for line, cells in rows:
            name = cells.get("name") or cells["id"]
            problem = self._name_problem(cells["id"], "id") or self._name_problem(name, "name")
            smiles = cells.get("smiles", "")
            if len(smiles) > self.limits.name_length:
                problem = f"has a SMILES of {len(smiles):,} characters"
            if problem:
                self._skip("drugs", line, cells, problem)
            elif cells["id"] in self.ids:
                self.repeated["drugs"] += 1
            else:
                row = self.ids.setdefault(cells["id"], len(self.ids))
                self.names.append(name)
                self.smiles.append(smiles)
                self.kinds.append("Compound")
                known = self.row_of_name.setdefault(name.casefold(), row)
                if known != row:
                    self.row_of_name[name.casefold()] = -1
        self._require("drugs", file, len(self.ids) >= 2, "Two drugs or more are needed.")

    def read_facts(self, file: File) -> None:
        roles = ("head", "relation", "tail")
        placed: dict[str, int] = {}  # rows of the names that were looked at before
        made: dict[tuple[str, str, str], EdgeNote] = {}
        for line, cells in self._rows("facts", file, FACT_COLUMNS, roles):
            head, relation, tail = (cells[role] for role in roles)
            if not (head in placed and tail in placed and relation in self.relations):
                found = [self._name_problem(cells[role], role) for role in roles]
                if any(found):
                    self._skip("facts", line, cells, next(filter(None, found)))
                    continue
                placed[head] = self._entity(head, cells.get("head kind", ""))
                placed[tail] = self._entity(tail, cells.get("tail kind", ""))
            number = self.relations.setdefault(relation, len(self.relations))
            edge = (placed[head], number, placed[tail])
            self.repeated["facts"] += edge in self.edges
            notes = self.edges.setdefault(edge, {})
            words = (relation, cells.get("source", ""), cells.get("note", ""))
            if words[1] or words[2]:
                if words not in made:
                    made[words] = _note(*words, file[0])
                notes[made[words]] = None
        if len(self.ids) > self.limits.num_entities:
            raise too_large(len(self.ids), "entities", self.limits.num_entities)
        self._require("facts", file, bool(self.edges), "Write one fact per row.")

    def read_interactions(self, file: File) -> None:
        required = ("drug1", "type", "drug2")
        for line, cells in self._rows("interactions", file, INTERACTION_COLUMNS, required):
            ends = [self._drug(cells[key]) for key in ("drug1", "drug2")]
            problem = self._name_problem(cells["type"], "type")
            for key, row in zip(("drug1", "drug2"), ends, strict=True):
                problem = problem or ("" if row >= 0 else self._unknown_drug(cells[key]))
            if not problem and ends[0] == ends[1]:
                problem = "joins a drug to itself"
            if problem:
                self._skip("interactions", line, cells, problem)
                continue
            kind = self.types.setdefault(cells["type"], len(self.types))
            if kind == len(self.texts):
                text = printable(shorten(cells.get("text", ""), 500)) or cells["type"]
                self.texts.append(sentence_of(text))
            fact = (ends[0], kind, ends[1])
            self.repeated["interactions"] += fact in self.interactions
            self.interactions[fact] = None
        self._require(
            "interactions", file, bool(self.interactions), "Write one interaction per row."
        )

    def finish(self, name: str, file: str) -> OwnNetwork:
        ids = tuple(self.ids)
        network = DrugNetwork(
            name=name,
            entities=ids,
            entity_names=unique_names(self.names, ids),
            kinds=tuple(self.kinds),
            smiles=tuple(self.smiles),
            types=tuple(
                InteractionType(one, text) for one, text in zip(self.types, self.texts, strict=True)
            ),
            relations=tuple(Relation(one, one) for one in self.relations),
            edges=np.array(list(self.edges), dtype=np.int64).reshape(-1, 3),
            source=Source(f'uploaded file "{printable(shorten(file))}"', "not stated"),
            notes={edge: tuple(notes) for edge, notes in self.edges.items() if notes},
        )
        return OwnNetwork(
            network,
            np.array(list(self.interactions), dtype=np.int64).reshape(-1, 3),
            self.repeated,
            self.skipped,
            {table: tuple(problems) for table, problems in self.problems.items()},
        )

    def _rows(
        self,
        table: str,
        file: File,
        words: Mapping[str, tuple[str, ...]],
        required: Sequence[str],
    ) -> Iterator[tuple[int, dict[str, str]]]:
        """Lines and cells by column; rows with a wrong number of cells are skipped."""
        content = read_table(*file, self.limits, True)
        if content.kind != "table":
            raise not_a_table(file[0], "no table with commas or tabs")
        columns = _find_columns(content, file[0], words, required)
        for line, cells in content.rows:
            if len(cells) == len(content.columns):
                yield line, {key: cells[i] for key, i in columns.items()}
            else:
                word = "column" if len(cells) == 1 else "columns"
                problem = f"has {len(cells)} {word}; the first row has {len(content.columns)}"
                self._skip(table, line, dict(enumerate(cells)), problem)

    def _skip(self, table: str, line: int, cells: Mapping, problem: str) -> None:
        self.skipped[table] += 1
        if len(self.problems[table]) < self.limits.num_problems:
            text = printable(shorten(" | ".join(cells.values())))
            self.problems[table].append(RowProblem(line, text, problem))

    def _require(self, table: str, file: File, usable: bool, hint: str) -> None:
        """Raise UP-E09 when a table holds too little."""
        if usable:
            return
        where = printable(shorten(file[0]))
        if self.problems[table]:
            first = self.problems[table][0]
            where = f"{where}, line {first.line}"
            problem = f"it {first.problem}. {self.skipped[table]:,} rows cannot be used."
        else:
            problem = f"there are too few {table}."
        raise InputError("UP-E09", "Row does not fit", problem, hint, where)

    def _name_problem(self, text: str, role: str) -> str:
        if not text:
            return f"has no {role}"
        if len(text) > self.limits.name_length:
            return f"has {len(text):,} characters as {role} (at most {self.limits.name_length:,})"
        return ""

    def _drug(self, text: str) -> int:
        """Row of the drug with this id or name; -1 when there is none or more than one."""
        row = self.ids.get(text, -1)
        return row if 0 <= row < len(self.smiles) else self.row_of_name.get(text.casefold(), -1)

    def _entity(self, text: str, kind: str) -> int:
        """Row of a drug or another entity, which is added when it is new."""
        row = self._drug(text)
        if row >= 0:
            return row
        if text not in self.ids:
            self.names.append(text)
            self.kinds.append(printable(shorten(kind, 40)) or "Entity")
        return self.ids.setdefault(text, len(self.ids))

    def _unknown_drug(self, text: str) -> str:
        shown = printable(shorten(text))
        if self.row_of_name.get(text.casefold(), 0) < 0:
            return f'names "{shown}", which two drugs are called; use the id'
        if text not in self.suggestions and len(self.suggestions) < MAX_SUGGESTIONS:
            spelled = {one.casefold(): one for one in [*self.ids][: len(self.smiles)]}
            spelled |= {one.casefold(): one for one in self.names[: len(self.smiles)]}
            near = difflib.get_close_matches(text[:200].casefold(), spelled, 1)
            self.suggestions[text] = f' (did you mean "{spelled[near[0]]}"?)' if near else ""
        return (
            f'names "{shown}", which is no drug of the drugs table{self.suggestions.get(text, "")}'
        )


def _note(relation: str, source: str, note: str, file: str) -> EdgeNote:
    url = source if re.fullmatch(r"https?://[^\s<>\"]+", source) else ""
    return EdgeNote(note or relation, source or f'uploaded file "{printable(shorten(file))}"', url)


def _find_columns(
    table: GraphTable, file: str, words: Mapping[str, tuple[str, ...]], required: Sequence[str]
) -> dict[str, int]:
    """Column numbers by role, each used once; raises UP-E04 when a required one is missing."""
    folded = [fold(column) for column in table.columns]
    columns: dict[str, int] = {}
    for role, names in words.items():
        free = [i for i in range(len(folded)) if i not in columns.values()]
        found = [i for name in names for i in free if folded[i] == name]
        if found:
            columns[role] = found[0]
    if not set(required) <= columns.keys():
        listed = ", ".join(printable(shorten(column, 40)) for column in table.columns[:20])
        raise InputError(
            "UP-E04", "Column missing",
            f"I need the columns {', '.join(required)}; I found {listed}.",
            "Name the columns in the first row.", printable(shorten(file)),
        )  # fmt: skip
    return columns
