"""A table of expression over time: bytes to values by time and gene.

Four layouts: long (one row for each gene and time), genes as rows with the times in the header or
in a row of their own, genes as columns with a column of times, and that of the PHOENIX program,
which has no names. How a table was understood is said in `Measured.layout`.
"""

from dataclasses import dataclass, field

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.regulation.cells import (
    Cells,
    clean_name,
    is_number,
    parse_numbers,
    read_cells,
    too_many_values,
)
from core.data.regulation.reading import Choices, blocks
from core.data.regulation.times import Moments, read_headers, role_of, unit_of

FILE = "expression"
NUMBERED = "numbers"  # header of names that are only counted
MAX_VALUES = 4_000_000
MAX_ROLES = 12  # columns whose roles are offered
LOOK = 50  # rows that tell what a column is
TOP = 5  # rows among which one of times or samples may stand


@dataclass(frozen=True, eq=False)
class Measured:
    """Values before anything is known about their order.

    Attributes:
        names: names of the genes by header; more than one where a table lists several.
        values: (m, n) float64, one row for each sample and time, nan where none was measured.
        times: (m,) float64, nan where one is missing; None where the table has none.
        samples: label of each row.
        places: where each row stands in the file, such as ``row 17``.
        time_unit: empty when nothing states one.
        layout: in words.
        columns: headers that a person may choose the role of, with the role they have.
    """

    names: dict[str, tuple[str, ...]]
    values: np.ndarray
    times: np.ndarray | None
    samples: tuple[str, ...]
    places: tuple[str, ...]
    time_unit: str
    layout: str
    columns: dict[str, str] = field(default_factory=dict)


def read_expression(
    name: str, content: bytes, known: frozenset[str], choices: Choices, findings: list[Finding]
) -> Measured | None:
    """Read a table of expression.

    Args:
        name: of the file, only shown.
        content: its bytes.
        known: genes of the prior, which tell genes from samples where nothing else does.
        choices: what a person has decided.
        findings: what is noticed is added.

    Returns:
        None where a blocking finding says why.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    table = read_cells(name, content, findings)
    reader = _Reader(table, choices, findings)
    if reader.is_phoenix():
        return reader.phoenix()
    if {"gene", "time", "value"} <= set(reader.roles):
        return reader.long()
    moments = reader.moments_of_columns()
    if moments is not None:
        return reader.genes_as_rows(moments)
    if "time" in reader.roles:
        return reader.genes_as_columns(reader.roles.index("time"))
    names = [row[0] for row in table.rows[1:]]
    if all(map(is_number, names)) or read_headers(names) is not None:
        return reader.genes_as_columns(0)
    below = len(known & set(map(clean_name, names)))
    across = len(known & set(reader.headers))
    return reader.genes_as_columns(None) if across > below else reader.genes_as_rows(None)


class _Reader:
    """One table; `findings` collects what is noticed."""

    def __init__(self, table: Cells, choices: Choices, findings: list[Finding]) -> None:
        self.table, self.choices, self.findings = table, choices, findings
        self.headers = [clean_name(cell) for cell in table.rows[0]]
        chosen = choices.of_file(FILE)
        self.roles = [chosen.get(header, role_of(header)) for header in self.headers]
        looked = table.rows[1 : LOOK + 1]
        self.is_text = [
            2 * sum(not is_number(row[place]) for row in looked) > len(looked)
            for place in range(len(self.headers))
        ]

    @property
    def num_names(self) -> int:
        """Columns of words at the left, one at least."""
        number = next((k for k, text in enumerate(self.is_text) if not text), len(self.is_text))
        return max(number, 1)

    @property
    def offered(self) -> dict[str, str]:
        """Headers whose roles a person may choose."""
        pairs = zip(self.headers, self.roles, strict=True)
        return {header: role for header, role in list(pairs)[:MAX_ROLES] if role}

    def block(self, code: str, title: str, problem: str, hint: str, *repairs: Repair) -> None:
        self.findings.append(Finding(code, title, problem, hint, True, repairs))

    def place(self, row: int) -> str:
        return f"row {self.table.lines[row]:,}"

    # --- the files of PHOENIX

    def is_phoenix(self) -> bool:
        """Whether the first row counts genes and samples, and as many rows follow."""
        counts = self.table.rows[0][:2]
        if len(counts) < 2 or not all(cell.isascii() and cell.isdigit() for cell in counts):
            return False
        if any(self.table.rows[0][2:]) or max(map(len, counts)) > 6:
            return False
        genes, samples = map(int, counts)
        return genes > 1 and len(self.table.rows) == 1 + samples * (genes + 1)

    def phoenix(self) -> Measured:
        """For each sample the rows of the genes, then the times; shorter samples end in blanks."""
        genes, samples = (int(cell) for cell in self.table.rows[0][:2])
        width = len(self.headers)
        every = parse_numbers(
            self.table, range(1, len(self.table.rows)), range(width), self.choices, self.findings
        ).reshape(samples, genes + 1, width)
        last = [self.place((k + 1) * (genes + 1)) for k in range(samples)]
        kept = [
            (sample, column)
            for sample in range(samples)
            for column in range(width)
            if not np.isnan(every[sample, :, column]).all()
        ]
        values = np.array([every[sample, :, column] for sample, column in kept])
        return Measured(
            {NUMBERED: tuple(f"gene {k + 1}" for k in range(genes))},
            values[:, :-1],
            values[:, -1],
            tuple(f"sample {sample + 1}" for sample, _ in kept),
            tuple(f"{last[sample]}, column {column + 1:,}" for sample, column in kept),
            "",
            "the layout of PHOENIX, genes without names",
        )

    # --- one row for each gene and time

    def long(self) -> Measured | None:
        rows = range(1, len(self.table.rows))
        time, value = (self.roles.index(role) for role in ("time", "value"))
        measured = parse_numbers(self.table, rows, [time, value], self.choices, self.findings)
        if blocks(self.findings):
            return None
        gene_columns = [k for k, role in enumerate(self.roles) if role == "gene"]
        sample = self.roles.index("sample") if "sample" in self.roles else None
        genes: dict[str, int] = {}
        names: list[list[str]] = [[] for _ in gene_columns]
        moments: dict[tuple[str, float], int] = {}
        places: list[str] = []
        cells = np.empty((len(rows), 2), int)
        for k, row in enumerate(rows):
            line = self.table.rows[row]
            gene = clean_name(line[gene_columns[0]])
            if gene not in genes:
                genes[gene] = len(genes)
                for column, listed in zip(gene_columns, names, strict=True):
                    listed.append(clean_name(line[column]))
            if np.isnan(measured[k, 0]):
                self.findings.append(time_missing(self.place(row)))
                return None
            moment = (clean_name(line[sample]) if sample is not None else "", measured[k, 0])
            if moment not in moments:
                moments[moment] = len(moments)
                places.append(self.place(row))
            cells[k] = moments[moment], genes[gene]
        check_size(len(moments), len(genes))
        return Measured(
            {self.headers[k]: tuple(one) for k, one in zip(gene_columns, names, strict=True)},
            self._gather(cells, measured[:, 1], (len(moments), len(genes))),
            np.array([one for _, one in moments]),
            tuple(label for label, _ in moments),
            tuple(places),
            unit_of(self.headers[time]),
            "one row for each gene and time",
            self.offered,
        )

    def _gather(self, cells: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
        """Values in a table of moments and genes; what was measured twice needs a choice."""
        place = cells[:, 0] * shape[1] + cells[:, 1]
        first = np.unique(place, return_index=True)[1]
        again = np.ones(len(place), bool)
        again[first] = False
        gathered = np.full(shape[0] * shape[1], np.nan)
        gathered[place[first]] = values[first]
        if self.choices.has("twice:mean"):
            known = ~np.isnan(values)
            total = np.bincount(place[known], values[known], len(gathered))
            number = np.bincount(place[known], minlength=len(gathered))
            gathered = np.where(number > 0, total / np.maximum(number, 1), np.nan)
        elif again.any() and not self.choices.has("twice:first"):
            row = int(np.flatnonzero(again)[0])
            number = int(again.sum())
            self.findings.append(
                twice(
                    f"{plural(number, 'row')} {'repeats' if number == 1 else 'repeat'} a gene at "
                    f"the same time, first {self.place(row + 1)}."
                )
            )
        return gathered.reshape(shape)

    # --- genes as rows

    def _top(self) -> dict[str, int]:
        """Rows below the header that hold times or samples instead of a gene."""
        rows = range(1, min(TOP, len(self.table.rows)))
        found = {role_of(self.table.rows[row][0]): row for row in reversed(rows)}
        return {role: row for role, row in found.items() if role in ("time", "sample")}

    def moments_of_columns(self) -> Moments | None:
        """Times out of a row below the header or out of the header itself."""
        first, top = self.num_names, self._top()
        columns = range(first, len(self.headers))
        in_header = read_headers(self.headers[first:])
        samples = in_header.samples if in_header else ("",) * len(columns)
        if "sample" in top:
            samples = tuple(clean_name(cell) for cell in self.table.rows[top["sample"]][first:])
        if "time" in top and all(is_number(self.table.rows[top["time"]][k]) for k in columns):
            row = top["time"]
            times = parse_numbers(self.table, [row], columns, self.choices, self.findings)[0]
            return Moments(tuple(times.tolist()), unit_of(self.table.rows[row][0]), samples)
        return None if in_header is None else Moments(in_header.times, in_header.unit, samples)

    def genes_as_rows(self, moments: Moments | None) -> Measured | None:
        first = self.num_names
        skipped = {0, *(self._top().values() if moments else ())}
        rows = [row for row in range(len(self.table.rows)) if row not in skipped]
        columns = range(first, len(self.headers))
        if not self.is_text[0]:
            self.block(
                "GR-E13", "No gene names", "The rows have times but no names of genes.",
                "Put the names of the genes into the first column.",
            )  # fmt: skip
            return None
        if not columns or not rows:
            self.block(
                "GR-E13", "No values", "There are no columns of numbers.",
                "Give one column for each time, or one row for each gene and time.",
            )  # fmt: skip
            return None
        check_size(len(columns), len(rows))
        values = parse_numbers(self.table, rows, columns, self.choices, self.findings)
        names = {
            self.headers[k] or "names": tuple(clean_name(self.table.rows[row][k]) for row in rows)
            for k in range(first)
        }
        return Measured(
            names,
            values.T,
            None if moments is None else np.array(moments.times),
            moments.samples if moments else ("",) * len(columns),
            tuple(f"column {column + 1:,}" for column in columns),
            moments.unit if moments else "",
            "genes as rows" if moments is None else "genes as rows, times as columns",
        )

    # --- genes as columns

    def genes_as_columns(self, time: int | None) -> Measured | None:
        """With the number of the column that holds the times."""
        sample = self.roles.index("sample") if "sample" in self.roles else None
        used = {time, sample}
        genes = [k for k in range(len(self.headers)) if k not in used and not self.is_text[k]]
        genes = [k for k in genes if self.roles[k] != "ignore"]
        unused = [
            self.headers[k] or f"column {k + 1}"
            for k, text in enumerate(self.is_text)
            if text and k not in used and k > 0
        ]
        if unused:
            self.findings.append(
                Finding(
                    "GR-E13", "Column without numbers",
                    f"{', '.join(unused[:3])}{'…' if len(unused) > 3 else ''}: no numbers there.",
                    "Taken for a note, not for a gene.",
                )
            )  # fmt: skip
        rows = range(1, len(self.table.rows))
        if not genes:
            self.block(
                "GR-E13", "No values", "There are no columns of numbers.",
                "Give one column for each gene, or one row for each gene and time.",
            )  # fmt: skip
            return None
        moments = None if time is None else self._moments_of_rows(time)
        check_size(len(rows), len(genes))
        values = parse_numbers(self.table, rows, genes, self.choices, self.findings)
        samples = moments.samples if moments else ("",) * len(rows)
        if sample is not None:
            samples = tuple(clean_name(self.table.rows[row][sample]) for row in rows)
        return Measured(
            {"": tuple(self.headers[k] for k in genes)},
            values,
            None if moments is None else np.array(moments.times),
            samples,
            tuple(self.place(row) for row in rows),
            moments.unit if moments else "",
            "genes as columns" if moments is None else "genes as columns, times as rows",
            {self.headers[k]: "gene" for k in genes[:MAX_ROLES]} | self.offered,
        )

    def _moments_of_rows(self, column: int) -> Moments:
        """Times out of a column; nan where there is none."""
        cells = [row[column] for row in self.table.rows[1:]]
        named = None if all(map(is_number, cells)) else read_headers(cells)
        unit = unit_of(self.headers[column])
        if named is not None:
            return Moments(named.times, named.unit or unit, named.samples)
        rows = range(1, len(self.table.rows))
        times = parse_numbers(self.table, rows, [column], self.choices, self.findings)[:, 0]
        return Moments(tuple(times.tolist()), unit, ("",) * len(rows))


def check_size(num_moments: int, num_genes: int) -> None:
    """Refuse a table that would not fit into memory (UP-E06)."""
    if num_moments * num_genes > MAX_VALUES:
        raise too_many_values(
            f"{num_genes:,} genes at {num_moments:,} times and samples; the limit is "
            f"{MAX_VALUES:,} values."
        )


def time_missing(place: str = "") -> Finding:
    """GR-E02 where a time is missing, or all of them are."""
    where = f" ({place})" if place else ""
    order = Repair("times:order", "Take the order of the file as time")
    return Finding(
        "GR-E02", "No time", f"Time column missing or not increasing{where}.",
        "Add a column named time, or times as headers such as 0, 5, 10.", True,
        () if place else (order,),
    )  # fmt: skip


def twice(problem: str) -> Finding:
    """GR-E09."""
    return Finding(
        "GR-E09", "Measured twice", problem, "Which values shall count?", True,
        (Repair("twice:mean", "Their mean"), Repair("twice:first", "The first of them")),
    )  # fmt: skip
