"""Three lists of molecules: known active, known inactive and to be predicted. Every row is kept.

    text, file ──parse_text, read_file──> Lists ──read_table──> MoleculeTable

A row that cannot be used says why, with its number; the others are not affected.
"""

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core import chemistry
from core.chemistry import Molecule
from core.chemistry.listing import Entry, Listing, split_file, split_lines
from core.chemistry.text import is_block, quote
from core.data.example_assays import ExampleAssay, ExampleMolecule, load_example_assays
from core.errors import InputError, Remark

ROLES = ("active", "inactive", "candidate")
LETTERS = {"active": "A", "inactive": "I", "candidate": "C"}
STATUSES = ("ok", "changed", "duplicate", "known", "refused")
MAX_SUPPORT = 64  # molecules per class
RECOMMENDED = 5  # molecules per class
MAX_CANDIDATES = 1_000  # on the page
MAX_JOB = 10_000
MAX_BYTES = 20 * 2**20
MAX_ROWS = MAX_JOB + 2 * MAX_SUPPORT
PREVIEW = 5
MAX_NAME = 200

ACTIVE_WORDS = frozenset(
    ("active", "act", "a", "1", "1.0", "+", "+1", "yes", "y", "true", "hit", "positive", "pos")
)
INACTIVE_WORDS = frozenset(
    ("inactive", "inact", "i", "0", "0.0", "-", "-1", "−", "no", "n", "false", "negative", "neg")
)
UNKNOWN_WORDS = frozenset(
    ("", "?", "candidate", "unknown", "predict", "to predict", "test", "nan", "na", "n/a")
)

HINTS = {  # in place of those of a single structure
    "MO-E04": 'Uncheck "strip salts" to refuse such rows instead.',
    "MO-E09": "Paste its SMILES, or draw the structure.",
}

Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Lists:
    """What a person gave, not yet read as chemistry.

    Attributes:
        active: known active molecules.
        inactive: known inactive ones.
        candidate: to be predicted.
        unclear: rows of a file whose label says none of these.
        from_file: whether the rows of all lists are numbered together, as in one file.
    """

    active: tuple[Entry, ...] = ()
    inactive: tuple[Entry, ...] = ()
    candidate: tuple[Entry, ...] = ()
    unclear: tuple[tuple[str, Entry], ...] = ()
    from_file: bool = False

    def with_role(self, role: str, entries: Iterable[Entry]) -> "Lists":
        """The lists with one of them exchanged; rows are then counted within their list."""
        return replace(self, **{role: tuple(entries)}, from_file=False)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores equal lists."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Lists":
        """Inverse of `to_json`."""
        return cls(
            *(tuple(map(_entry, value[role])) for role in ROLES),
            tuple((label, _entry(entry)) for label, entry in value["unclear"]),
            value["from_file"],
        )


def _entry(value: Mapping[str, Any]) -> Entry:
    fields = tuple((name, cell) for name, cell in value["fields"])
    return Entry(value["row"], value["name"], value["text"], fields)


@dataclass(frozen=True)
class FilePreview:
    """What was recognised in a file, before anything is decided.

    Attributes:
        kind: ``table``, ``list`` or ``sdf``.
        columns: of a table, or data fields of an SDF.
        smiles: guessed column of the structures, None when there is none.
        name: guessed column of the names, likewise.
        label: guessed column of the labels, likewise.
        rows: first rows of a table; text and name for the other kinds.
        num_rows: all rows.
        values: texts in the column of labels, what each is read as (a role, or empty), how often;
            most frequent first.
    """

    kind: str
    columns: tuple[str, ...]
    smiles: str | None
    name: str | None
    label: str | None
    rows: tuple[tuple[str, ...], ...]
    num_rows: int
    values: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, eq=False)
class TableRow:
    """One molecule of a list.

    Attributes:
        id: letter of the list and place in it, such as ``A3``.
        role: active, inactive or candidate; empty where the label is unclear.
        number: row as a person counts, from 1.
        place: ``Row 12`` of a file, ``Active row 2`` of a list.
        name: as given, may be empty.
        text: as given.
        status: ok, changed (stripped or neutralised), duplicate (of an earlier row of its list),
            known (a candidate that is in the support) or refused.
        molecule: None when refused for its structure.
        remarks: MO-E01 to E14 and MO-N01, N02, with row numbers.
        fields: other columns of the file.
    """

    id: str
    role: str
    number: int
    place: str
    name: str
    text: str
    status: str = "ok"
    molecule: Molecule | None = None
    remarks: tuple[Remark, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    @property
    def title(self) -> str:
        """The name, or the id where there is none."""
        return self.name or self.id

    @property
    def smiles(self) -> str:
        """Standardised SMILES, empty when refused."""
        return self.molecule.structure.smiles if self.molecule else ""

    @property
    def usable(self) -> bool:
        """Whether the molecule takes part."""
        return self.status in ("ok", "changed") or (
            self.status == "duplicate" and self.role == "candidate"
        )


@dataclass(frozen=True, eq=False)
class MoleculeTable:
    """All rows of all lists.

    Attributes:
        rows: actives, inactives and candidates in the order given; rows of a file in its order.
    """

    rows: tuple[TableRow, ...]

    @property
    def support(self) -> tuple[TableRow, ...]:
        """Known molecules that take part, actives first."""
        return tuple(row for role in ROLES[:2] for row in self.of(role) if row.usable)

    @property
    def candidates(self) -> tuple[TableRow, ...]:
        """Molecules to be predicted."""
        return tuple(row for row in self.of("candidate") if row.usable)

    @property
    def problems(self) -> tuple[TableRow, ...]:
        """Rows with a code of the family MO-E."""
        return tuple(
            row for row in self.rows if any(one.code.startswith("MO-E") for one in row.remarks)
        )

    @property
    def summary(self) -> str:
        """Candidates by what became of them: "197 ok · 2 fixed · 1 refused"."""
        counts = Counter(row.status for row in self.of("candidate"))
        words = zip(STATUSES, ("ok", "fixed", "repeated", "known", "refused"), strict=True)
        told = [f"{counts[status]:,} {word}" for status, word in words if counts[status]]
        return " · ".join(told) or "none"

    @property
    def error(self) -> InputError | None:
        """MO-E06, E12 or E13: why nothing can be predicted from these lists; None when it can."""
        numbers = {role: self.num_usable(role) for role in ROLES[:2]}
        if not all(numbers.values()):
            given = " and ".join(f"{number} {role}s" for role, number in numbers.items())
            return InputError(
                "MO-E06", "Need both classes", f"You gave {given}.",
                f"At least 1 of each is needed, {RECOMMENDED} recommended.",
            )  # fmt: skip
        return support_too_large(numbers) or self.candidate_error

    @property
    def candidate_error(self) -> InputError | None:
        """MO-E13, too many candidates even for a job."""
        if len(self.candidates) <= MAX_JOB:
            return None
        return too_many_candidates(len(self.candidates), MAX_JOB, "Split the list.")

    def of(self, role: str) -> tuple[TableRow, ...]:
        """All rows of one list."""
        return tuple(row for row in self.rows if row.role == role)

    def num(self, status: str, role: str = "candidate") -> int:
        """Rows of a list with a status."""
        return sum(row.status == status for row in self.of(role))

    def num_usable(self, role: str) -> int:
        """Rows of a list that take part."""
        return sum(row.usable for row in self.of(role))

    def find(self, row_id: str) -> TableRow:
        """The row with this id.

        Raises:
            InputError: MO-E17, there is none.
        """
        for row in self.rows:
            if row.id == row_id:
                return row
        raise InputError(
            "MO-E17", "No such row", f"There is no row {quote(row_id)} in these lists.",
            "Pick one of the rows shown.",
        )  # fmt: skip


def too_many_candidates(found: int, limit: int, hint: str) -> InputError:
    """MO-E13."""
    return InputError(
        "MO-E13", "Too many candidates", f"{found:,} molecules; the limit here is {limit:,}.", hint
    )


def support_too_large(numbers: Mapping[str, int]) -> InputError | None:
    """MO-E12 for the first class with too many molecules, None when all fit."""
    for role, number in numbers.items():
        if number > MAX_SUPPORT:
            return InputError(
                "MO-E12", "Too many known molecules",
                f"You gave {number} {role}s; the limit is {MAX_SUPPORT}.",
                "Keep the most reliable or most diverse ones; with more labels an ordinary model "
                "trained on them is the better choice.",
            )  # fmt: skip
    return None


def parse_text(text: str) -> tuple[Entry, ...]:
    """The rows of a box: a SMILES and an optional name per line, or molfiles or SDF records.

    Raises:
        InputError: UP-E01 or UP-E06.
    """
    if is_block(text):
        return split_file(text.encode(), max_bytes=MAX_BYTES, max_entries=MAX_ROWS).entries
    return tuple(split_lines(text.splitlines()))


def preview_file(content: bytes) -> FilePreview:
    """Recognise a file and guess its columns.

    Raises:
        InputError: UP-E01 to UP-E06 without E04.
    """
    found = _split(content)
    if found.kind == "table":
        rows = tuple(tuple(cell for _, cell in entry.fields) for entry in found.entries[:PREVIEW])
    else:
        rows = tuple((_short(entry.text), entry.name) for entry in found.entries[:PREVIEW])
    return FilePreview(
        found.kind,
        found.columns,
        found.smiles or None,
        found.name or None,
        found.label or None,
        rows,
        len(found.entries),
        label_values(found, found.label),
    )


def label_values(found: Listing, label: str) -> tuple[tuple[str, str, int], ...]:
    """Texts of a column, the role each is read as, and how often each stands there."""
    counts = Counter(dict(entry.fields).get(label, "") for entry in found.entries if label)
    return tuple((text, role_of(text) or "", count) for text, count in counts.most_common())


def read_file(
    content: bytes,
    *,
    smiles: str | None = None,
    name: str | None = None,
    label: str | None = None,
    role: str = "candidate",
) -> Lists:
    """The rows of a file, sorted into lists by the column of labels.

    Args:
        content: the file.
        smiles: column of the structures of a table; the guessed one when None.
        name: column of the names; the guessed one when None, empty for none.
        label: column of the labels, likewise.
        role: list of all rows where there is no column of labels.

    Raises:
        InputError: UP-E01 to UP-E06.
    """
    found = _split(content)
    label = found.label if label is None else label
    if label and label not in found.columns:
        raise InputError(
            "UP-E04", "Column missing",
            f"I need a column {label}; I found {', '.join(found.columns[:8])}.",
            "Choose the column of labels.",
        )  # fmt: skip
    lists: dict[str, list[Entry]] = {one: [] for one in ROLES}
    unclear = []
    for entry in found.choose(smiles, name):
        text = dict(entry.fields).get(label, "") if label else ""
        wanted = role_of(text) if label else role
        if wanted:
            lists[wanted].append(entry)
        else:
            unclear.append((text, entry))
    return Lists(
        *(tuple(lists[one]) for one in ROLES), unclear=tuple(unclear), from_file=bool(label)
    )


def role_of(label: str) -> str | None:
    """The list a label speaks of; None when it says none."""
    word = label.strip().casefold()
    for role, words in zip(ROLES, (ACTIVE_WORDS, INACTIVE_WORDS, UNKNOWN_WORDS), strict=True):
        if word in words:
            return role
    return None


def _split(content: bytes) -> Listing:
    return split_file(content, max_bytes=MAX_BYTES, max_entries=MAX_ROWS)


def _short(text: str) -> str:
    return text.strip().split("\n", 1)[0][:100]


def read_table(
    lists: Lists,
    *,
    strip_salts: bool = True,
    standardise: bool = True,
    elements: Collection[int] | None = None,
    first: int = 1,
    report: Report = lambda *_: None,
) -> MoleculeTable:
    """Read all molecules and compare the rows with each other.

    Args:
        lists: rows.
        strip_salts: keep the largest part of several; otherwise such rows are refused.
        standardise: see `core.chemistry.preparation`.
        elements: element rows (atomic number - 1) that the model was trained on; None for no
            remark MO-E08.
        first: place of the first candidate in its list, where only a part of it is read.
        report: told the rows that are read and all.
    """
    rows = _number(lists, {"candidate": first})
    readable = [row for row in rows if row.status != "refused"]
    read = chemistry.read_many(
        [row.text for row in readable], strip_salts=strip_salts, standardise=standardise,
        report=report,
    )  # fmt: skip
    answers = dict(zip((row.id for row in readable), read, strict=True))
    rows = [_describe(row, answers[row.id], elements) if row.id in answers else row for row in rows]
    return MoleculeTable(tuple(_compare(rows)))


def _number(lists: Lists, first: Mapping[str, int]) -> list[TableRow]:
    rows = [
        TableRow(
            f"{LETTERS[role]}{place}",
            role,
            entry.row,
            f"Row {entry.row}" if lists.from_file else f"{role.capitalize()} row {entry.row}",
            _one_line(entry.name),
            entry.text,
            fields=entry.fields,
        )
        for role in ROLES
        for place, entry in enumerate(getattr(lists, role), start=first.get(role, 1))
    ]
    for place, (label, entry) in enumerate(lists.unclear, start=1):
        said = (
            f"Row {entry.row} has the label {quote(label)}. Write active or inactive (1 or 0, + or "
            "−), or leave it empty for a molecule to predict."
        )
        remark = Remark("MO-E14", "Label not understood", said)
        rows.append(
            TableRow(
                f"U{place}", "", entry.row, f"Row {entry.row}", _one_line(entry.name), entry.text,
                "refused", remarks=(remark,), fields=entry.fields,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: row.number) if lists.from_file else rows


def _one_line(name: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in name).split())[
        :MAX_NAME
    ]


def _describe(
    row: TableRow, answer: Molecule | InputError, elements: Collection[int] | None
) -> TableRow:
    """The row with its molecule and what is to be said about it alone."""
    if isinstance(answer, InputError):
        hint = HINTS.get(answer.code, answer.hint)
        said = f"{row.place}: {answer.problem} {hint}"
        return replace(row, status="refused", remarks=(Remark(answer.code, answer.title, said),))
    remarks = [
        Remark(one.code, one.title, f"{row.place}: {one.text} {HINTS.get(one.code, '')}".strip())
        for one in answer.structure.warnings
        if one.code != "MO-E08" or elements is None
    ]
    if elements is not None:
        strange = sorted(set(answer.graph.atoms[:, 0].tolist()) - set(elements))
        remarks += [_strange(row, [SYMBOLS[element] for element in strange])] if strange else []
    if answer.changes:
        said = f"{row.place}: {', '.join(answer.changes)}."
        remarks.append(Remark("MO-N02", "Standardised", said))
    if answer.unspecified:
        centres = "centre is" if answer.unspecified == 1 else "centres are"
        said = f"{row.place}: {answer.unspecified} stereo {centres} not specified."
        remarks.append(Remark("MO-N01", "Stereo not specified", said))
    fixed = answer.changes or answer.structure.num_fragments > 1
    return replace(
        row, molecule=answer, remarks=tuple(remarks), status="changed" if fixed else "ok"
    )


def _strange(row: TableRow, symbols: Sequence[str]) -> Remark:
    named = ", ".join(f'"{symbol}"' for symbol in symbols)
    said = f'{named} in {row.place.lower()}. The prediction is marked "outside".'
    return Remark("MO-E08", "Element outside the model's experience", said)


def _compare(rows: Sequence[TableRow]) -> list[TableRow]:
    """Mark contradictions, repeats, and candidates that are in the support."""
    by_identity: dict[str, dict[str, TableRow]] = {}
    for row in rows:
        if row.molecule and row.role in ROLES[:2]:
            by_identity.setdefault(row.molecule.identity, {}).setdefault(row.role, row)
    first: dict[tuple[str, str], TableRow] = {}
    compared = []
    for row in rows:
        if row.molecule is None:
            compared.append(row)
            continue
        identity = row.molecule.identity
        labels = by_identity.get(identity, {})
        earlier = first.setdefault((row.role, identity), row)
        if row.role != "candidate" and len(labels) == 2:
            compared.append(_with(row, "refused", _contradiction(labels, row)))
        elif row.role == "candidate" and labels:
            compared.append(_with(row, *_is_known(row, labels)))
        elif earlier is not row:
            said = f"{row.place} repeats {earlier.place.lower()} ({earlier.title})."
            said += " It is counted once." if row.role != "candidate" else ""
            compared.append(_with(row, "duplicate", Remark("MO-N03", "Repeated molecule", said)))
        else:
            compared.append(row)
    return compared


def _with(row: TableRow, status: str, remark: Remark) -> TableRow:
    return replace(row, status=status, remarks=(*row.remarks, remark))


def _contradiction(labels: Mapping[str, TableRow], row: TableRow) -> Remark:
    active, inactive = labels["active"], labels["inactive"]
    if active.place.startswith("Row "):
        places = f"rows {active.number} and {inactive.number}"
    else:
        places = f"{active.place.lower()} and {inactive.place.lower()}"
    said = f"({places}, {quote(row.smiles)}). Remove one."
    return Remark("MO-E05", "Same molecule is both active and inactive", said)


def _is_known(row: TableRow, labels: Mapping[str, TableRow]) -> tuple[str, Remark]:
    if len(labels) == 2:
        named = "both active and inactive in your lists"
    else:
        ((role, known),) = labels.items()
        named = f"{role} {known.id}"
    said = f"{row.title} = {named} ({row.place.lower()}). It is listed but not counted."
    return "known", Remark("MO-E07", "Candidate already in your support set", said)


_TABLE_OF_ELEMENTS = """
H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr
Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb
Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf
Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv Ts Og
"""
SYMBOLS = tuple(_TABLE_OF_ELEMENTS.split())  # by atomic number - 1


def example_lists(assay: ExampleAssay) -> Lists:
    """An embedded assay; what is known of each molecule stays beside it as columns."""

    def entries(molecules: Iterable[ExampleMolecule]) -> tuple[Entry, ...]:
        return tuple(
            Entry(row, one.name, one.smiles, (
                ("known class", "active" if one.active else "inactive"),
                ("note", one.note), ("source", one.source),
            ))
            for row, one in enumerate(molecules, start=1)
        )  # fmt: skip

    known = [
        entries(one for one in assay.support if one.active is active) for active in (True, False)
    ]
    return Lists(*known, entries(assay.candidates))


def example_file() -> bytes:
    """A small valid file: the first embedded assay with names and labels."""
    assay = load_example_assays()[0]
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("name", "smiles", "label"))
    for one in assay.support:
        writer.writerow((one.name, one.smiles, "active" if one.active else "inactive"))
    for one in assay.candidates:
        writer.writerow((one.name, one.smiles, ""))
    return text.getvalue().encode()
