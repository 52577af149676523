"""A prior network or pairs of interacting proteins: an edge list, SIF or a matrix."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.graph_table import fold
from core.data.physics.columns import split_header
from core.data.regulation.cells import Cells, clean_name, is_number, parse_numbers, read_cells
from core.data.regulation.reading import Choices
from core.knowledge.regulation import Network

LOOK = 200  # rows that tell what a column is
SWAPPED = 3  # times as many regulators as targets look like the wrong way round
WORDS: Mapping[str, tuple[str, ...]] = {
    "regulator": (
        "regulator", "regulators", "tf", "tfs", "transcriptionfactor", "source", "from", "reg",
        "head", "protein1", "a", "genea", "gene1", "node1", "interactora",
    ),
    "target": (
        "target", "targets", "gene", "genes", "to", "aff", "tg", "tail", "affected", "protein2",
        "b", "geneb", "gene2", "node2", "interactorb", "targetgene",
    ),
    "weight": (
        "weight", "sign", "effect", "score", "priorweight", "mode", "direction", "regulation",
        "interaction", "combinedscore", "strength", "mor", "confidence", "value", "influence",
    ),
}  # fmt: skip
SIGNS: Mapping[str, float] = {
    **dict.fromkeys(
        ("+", "activation", "activates", "activator", "activating", "activate", "positive", "up",
         "induces", "induction", "stimulates", "true"), 1.0,
    ),
    **dict.fromkeys(
        ("-", "−", "repression", "represses", "repressor", "repressing", "repress", "inhibits",
         "inhibition", "inhibitor", "negative", "down", "suppresses", "false"), -1.0,
    ),
    **dict.fromkeys(("?", "unknown", "both", "dual", "na", "regulates", "pd", "pp", ""), 0.0),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Links:
    """Pairs of names before they are matched with the data.

    Attributes:
        sources: regulator of each pair.
        targets: its target.
        weights: (E,) float64, its sign and strength, not 0.
        signed: whether signs mean anything.
        unnamed: (n, n) a matrix without names instead of pairs; None with names.
        columns: headers that a person may choose the role of, with the role they have.
        order: names of a matrix whose rows and columns are the same genes in the same order.
    """

    sources: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    weights: np.ndarray = field(default_factory=lambda: np.zeros(0))
    signed: bool = False
    unnamed: np.ndarray | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    order: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Every gene once, in the order of the file."""
        pairs = zip(self.sources, self.targets, strict=True)
        return tuple(dict.fromkeys(name for pair in pairs for name in pair))


def read_links(
    file: str, name: str, content: bytes, choices: Choices, findings: list[Finding]
) -> Links:
    """Read a prior or the partners.

    Args:
        file: ``prior`` or ``partners``, as `Choices.roles` names it.
        name: of the file, only shown.
        content: its bytes.
        choices: what a person has decided.
        findings: what is noticed is added.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    table = read_cells(name, content, findings)
    width = len(table.rows[0])
    numbers = all(is_number(cell) for row in table.rows[1:LOOK] for cell in row[1:])
    if width <= 3 or not numbers:
        return _List(file, table, choices, findings).read()
    if all(is_number(row[0]) for row in table.rows[:LOOK]):
        return _unnamed(table, choices, findings)
    return _matrix(table, choices, findings)


def _unnamed(table: Cells, choices: Choices, findings: list[Finding]) -> Links:
    """A matrix without names; its order has to be confirmed."""
    size = len(table.rows)
    if len(table.rows[0]) != size:
        findings.append(
            Finding(
                "GR-E18", "No names in the prior",
                f"{table.name} has {size:,} rows and {len(table.rows[0]):,} columns of numbers and "
                "no names.", "Give an edge list (regulator, target, weight).", True,
            )
        )  # fmt: skip
        return Links()
    every = range(size)
    return Links(unnamed=np.nan_to_num(parse_numbers(table, every, every, choices, findings)))


def _matrix(table: Cells, choices: Choices, findings: list[Finding]) -> Links:
    """Regulators as rows, targets as columns, both with names."""
    rows, columns = range(1, len(table.rows)), range(1, len(table.rows[0]))
    matrix = np.nan_to_num(parse_numbers(table, rows, columns, choices, findings))
    sources = [clean_name(row[0]) for row in table.rows[1:]]
    targets = [clean_name(cell) for cell in table.rows[0][1:]]
    places = np.argwhere(matrix)
    return Links(
        tuple(sources[i] for i, _ in places),
        tuple(targets[j] for _, j in places),
        matrix[matrix != 0],
        bool((matrix < 0).any()),
        order=tuple(sources) if sources == targets else (),
    )


class _List:
    """One pair per row."""

    def __init__(self, file: str, table: Cells, choices: Choices, findings: list[Finding]) -> None:
        self.file, self.table, self.choices, self.findings = file, table, choices, findings
        self.headers = [clean_name(cell) for cell in table.rows[0]]
        self.chosen = choices.of_file(file)
        self.roles = [self.chosen.get(header, _role_of(header)) for header in self.headers]
        self.has_header = self._has_header()

    def _has_header(self) -> bool:
        """Words for both ends, or words above numbers."""
        if {"regulator", "target"} <= set(self.roles):
            return True
        below = self.table.rows[1:LOOK]
        return any(
            not is_number(cell) and _sign(cell) is None and all(is_number(r[k]) for r in below)
            for k, cell in enumerate(self.table.rows[0])
        )

    def read(self) -> Links:
        source, target, weight = self._places()
        if target is None:
            self.findings.append(
                Finding(
                    "GR-E19", "No edges",
                    f"{self.table.name} has one column; I need regulator and target.",
                    "Give one edge per row: regulator, target, weight or sign.", True,
                )
            )  # fmt: skip
            return Links()
        rows = range(int(self.has_header), len(self.table.rows))
        weights, signed = self._weights(rows, weight)
        names = [(clean_name(line[source]), clean_name(line[target])) for line in self.table.rows]
        kept = [
            (*names[row], one)
            for row, one in zip(rows, weights.tolist(), strict=True)
            if all(names[row]) and one != 0
        ]
        columns = {}
        if self.has_header:
            shown = {source: "regulator", target: "target", weight: "weight"}
            columns = {one: shown.get(k, "ignore") for k, one in enumerate(self.headers[:12])}
        sources, targets, strengths = zip(*kept, strict=True) if kept else ((), (), ())
        return Links(sources, targets, np.array(strengths), signed, columns=columns)

    def _places(self) -> tuple[int, int | None, int | None]:
        """Columns of regulator, target and weight."""
        width = len(self.headers)
        if {"regulator", "target"} <= set(self.roles):
            found = {role: self.roles.index(role) for role in set(self.roles)}
            return found["regulator"], found["target"], found.get("weight")
        if width < 2:
            return 0, None, None
        below = self.table.rows[1:LOOK]
        middle = [_sign(row[1]) is not None for row in below]
        if width == 3 and sum(middle) * 2 > len(middle) and not is_number(below[0][2]):
            return 0, 2, 1  # SIF: regulator, kind, target
        return 0, 1, 2 if width > 2 else None

    def _weights(self, rows: range, weight: int | None) -> tuple[np.ndarray, bool]:
        """Sign and strength of every row, and whether the signs mean anything."""
        ones = np.ones(len(rows))
        if weight is None:
            return ones, False
        cells = [self.table.rows[row][weight] for row in rows]
        words = [_sign(cell) for cell in cells]
        if sum(word is not None for word in words) * 2 > len(words):
            unknown = sum(not word for word in words)
            if unknown:
                return ones, False  # signs of some edges only tell nothing about the others
            return np.array(words, float), True
        if not all(is_number(cell) for cell in cells[:LOOK]):
            return ones, False  # a column of notes
        values = parse_numbers(self.table, rows, [weight], self.choices, self.findings)[:, 0]
        values = np.where(np.isnan(values), 1.0, values)
        return values, bool((values < 0).any())


def _sign(cell: str) -> float | None:
    """What a word says about the sign of an edge; 0 when it says that none is known."""
    return SIGNS.get(cell.strip().lower())


def _role_of(header: str) -> str:
    word = fold(split_header(header)[0])
    return next((role for role, words in WORDS.items() if word in words), "")


def to_network(
    links: Links, genes: Sequence[str], same: Mapping[str, str], choices: Choices,
    findings: list[Finding],
) -> Network:  # fmt: skip
    """The pairs whose genes have data, as a network over these genes.

    Of pairs that are given twice the stronger one counts.

    Args:
        links: as read.
        genes: with data.
        same: from names in the file to those in `genes`.
        choices: ``swap-prior`` turns every edge around, ``unsigned-prior`` drops signs.
        findings: GR-E21 is added where pairs contradict one another.
    """
    place = {gene: k for k, gene in enumerate(genes)}
    matrix = np.zeros((len(genes), len(genes)), np.float32)
    opposed = 0
    for source, target, weight in zip(
        links.sources, links.targets, links.weights.tolist(), strict=True
    ):
        row, column = place.get(same.get(source, "")), place.get(same.get(target, ""))
        if row is None or column is None:
            continue
        old = matrix[row, column]
        opposed += bool(old * weight < 0)
        if abs(weight) > abs(old):
            matrix[row, column] = weight
    if links.unnamed is not None:
        matrix = links.unnamed.astype(np.float32)
    if choices.has("swap-prior"):
        matrix = matrix.T.copy()
    signed = links.signed or (links.unnamed is not None and bool((matrix < 0).any()))
    if opposed and signed:
        findings.append(
            Finding(
                "GR-E21", "Opposite signs",
                f"{plural(opposed, 'edge')} of the prior {'is' if opposed == 1 else 'are'} given "
                "as activation and as repression.", "The stronger one counts, else the first.",
            )
        )  # fmt: skip
    if choices.has("unsigned-prior"):
        signed = False
    return Network(tuple(genes), matrix if signed else np.abs(matrix), signed)


def check_prior(links: Links, prior: Network, findings: list[Finding]) -> None:
    """What looks odd about a whole prior: its direction (GR-E24), its signs (GR-E21)."""
    regulators, targets = (int(prior.matrix.any(axis=axis).sum()) for axis in (1, 0))
    named = {"regulator", "target"} <= set(map(_role_of, links.columns))
    if regulators >= SWAPPED * max(targets, 1) and not named:
        findings.append(
            Finding(
                "GR-E24", "Turned around?",
                f"{plural(regulators, 'regulator')} and only {plural(targets, 'target')}.",
                "Regulators are usually the few.",
                repairs=(Repair("swap-prior", "Regulators are in the second column"),),
            )
        )  # fmt: skip
    negative = float((prior.matrix < 0).sum() / max(prior.num_edges, 1))
    if prior.signed and prior.num_edges >= 100 and abs(negative - 0.5) < 0.1:
        findings.append(
            Finding(
                "GR-E21", "Signs by chance?",
                f"{negative:.0%} of the prior's edges are negative, about as by tossing a coin.",
                "Motifs know no direction; contradictions with such signs mean nothing.",
                repairs=(Repair("unsigned-prior", "The signs mean nothing"),),
            )
        )  # fmt: skip
