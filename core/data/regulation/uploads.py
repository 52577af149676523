"""A person's own expression over time and prior network.

Files are recognised by content and read as UTF-8 text. Whatever the bytes are, the only error
raised is `InputError`; everything else that looks wrong is a `Finding`, and nothing is repaired
unless a person chooses it (`Choices.repairs`).

| code | what | repairs |
|---|---|---|
| GR-E01 | names of the genes do not match | names:HEADER, fold-names |
| GR-E02 | no times, or not increasing | times:order, times:series, times:sort, times:mean |
| GR-E03 | negative values | negative:log, negative:missing |
| GR-E04 | too few times | |
| GR-E05 | prior edges of genes without data | |
| GR-E06 | targets without prior edges | |
| GR-E08 | too many genes | variable |
| GR-E09 | measured twice | twice:mean, twice:first |
| GR-E11 | missing values | |
| GR-E12 | not a number | decimal-comma |
| GR-E13 | layout not understood | |
| GR-E14 | scaled to 0 to 1 | |
| GR-E15 | rows that do not fit | |
| GR-E16 | values over several powers of ten | log:yes |
| GR-E17 | genes that never change | |
| GR-E18 | prior without names | order:expression |
| GR-E19 | no edges | |
| GR-E21 | signs of the prior | unsigned-prior |
| GR-E22 | partners without data | |
| GR-E24 | prior turned around | swap-prior |
| GR-E25 | a gap in time that is very long | gap:split |
| GR-E26 | few transitions | |
| GR-E28 | more times than are learned from | |
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.data.findings import Finding, Repair, blocking_first, plural
from core.data.regulation.expression_files import (
    NUMBERED,
    Measured,
    read_expression,
    time_missing,
    twice,
)
from core.data.regulation.gene_names import common_names, match_names
from core.data.regulation.prior_files import Links, check_prior, read_links, to_network
from core.data.regulation.reading import Choices, Reading, blocks
from core.data.regulation.scaling import Scaling
from core.data.regulation.thinning import MAX_TIMES, mean_of_measured, thinned
from core.knowledge.regulation import Expression, Network, Trajectory

File = tuple[str, bytes]
MAX_GENES = 2_000
MIN_TIMES = 5
MAX_GAP = 1000.0  # times the median one: all steps of a solver are about as long as the median
FEW_TRANSITIONS = 20
WIDE = 100.0  # largest value over the median one
PREVIEW = (5, 6)  # genes, times


def read_measurements(
    expression: File, prior: File, partners: File | None = None, choices: Choices | None = None
) -> Reading:
    """Read expression over time, a prior network and, if there is one, protein interactions.

    Args:
        expression: name and content of the table.
        prior: edges or matrix of regulators and targets.
        partners: pairs of interacting proteins.
        choices: what a person has decided.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E05 to UP-E07.
    """
    return _Upload(choices or Choices()).read(expression, prior, partners)


class _Upload:
    """One reading; `findings` collects what is noticed."""

    def __init__(self, choices: Choices) -> None:
        self.choices = choices
        self.findings: list[Finding] = []
        self.columns: dict[str, Mapping[str, str]] = {}
        self.scaling: Scaling | None = None

    def note(self, code: str, title: str, problem: str, hint: str, *repairs: Repair) -> None:
        self.findings.append(Finding(code, title, problem, hint, False, repairs))

    def block(self, code: str, title: str, problem: str, hint: str, *repairs: Repair) -> None:
        self.findings.append(Finding(code, title, problem, hint, True, repairs))

    def read(self, expression: File, prior: File, partners: File | None) -> Reading:
        links = read_links("prior", *prior, self.choices, self.findings)
        pairs = read_links("partners", *partners, self.choices, self.findings) if partners else None
        for file, one in (("prior", links), ("partners", pairs)):
            if one is not None and one.columns:
                self.columns[file] = one.columns
        known = frozenset(links.names)
        measured = read_expression(*expression, known, self.choices, self.findings)
        if measured is None:
            return self._reading(None, None, None, None)
        if measured.columns:
            self.columns["expression"] = measured.columns
        names, same = next(iter(measured.names.values())), {}
        if links.unnamed is None:
            listed = dict(measured.names)
            if NUMBERED in listed and len(links.order) == len(names):
                listed["the prior, in its order"] = links.order
            names, same = match_names(listed, links.names, self.choices, self.findings)
        values, genes = self._one_row_per_gene(measured, names)
        if links.unnamed is not None:
            self._check_order(len(links.unnamed), genes)
        raw = self._trajectories(replace(measured, values=values), genes)
        if raw is None or blocks(self.findings):
            return self._reading(measured, raw, None, None)
        scaled = self._scaled(self._useful(raw))
        network, interactions = None, None
        if scaled is not None:
            network = self._prior(links, same, genes, scaled.genes)
            interactions = self._partners(pairs, scaled.genes)
        if blocks(self.findings):
            scaled = None
        return self._reading(measured, raw, scaled, network, interactions)

    def _reading(
        self, measured: Measured | None, raw: Expression | None, scaled: Expression | None,
        prior: Network | None, partners: Network | None = None,
    ) -> Reading:  # fmt: skip
        return Reading(
            scaled,
            prior if scaled is not None else None,
            partners if scaled is not None else None,
            self.scaling if scaled is not None else None,
            measured.time_unit if measured else "",
            measured.layout if measured else "",
            self.columns,
            _preview(raw),
            blocking_first(self.findings),
        )

    # --- names

    def _check_order(self, size: int, genes: tuple[str, ...]) -> None:
        """GR-E18: a matrix without names needs a person's word for its order."""
        if size != len(genes):
            self.block(
                "GR-E18", "No names in the prior",
                f"The prior is a matrix of {size:,} × {size:,} without names; there are "
                f"{len(genes):,} genes.", "Give it a first row and a first column with names.",
            )  # fmt: skip
        elif not self.choices.has("order:expression"):
            self.block(
                "GR-E18", "No names in the prior",
                "The prior is a matrix without names. A matrix in another order than the genes "
                "gives wrong edges without any sign of it.",
                f"Is its order that of the expression ({', '.join(genes[:3])}, …)?",
                Repair("order:expression", "Yes, the same order"),
            )  # fmt: skip

    def _one_row_per_gene(
        self, measured: Measured, names: Sequence[str]
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """Values by gene, each name once; empty names are left out."""
        place: dict[str, int] = {}
        for name in names:
            if name:
                place.setdefault(name, len(place))
        lost = sum(not name for name in names)
        if lost:
            self.note(
                "GR-E15", "Row does not fit", f"{plural(lost, 'gene')} without a name.",
                "They are left out.",
            )  # fmt: skip
        genes = tuple(place)
        if len(genes) + lost == len(names):
            kept = [k for k, name in enumerate(names) if name]
            return measured.values[:, kept], genes
        again = len(names) - lost - len(genes)
        if not (self.choices.has("twice:mean") or self.choices.has("twice:first")):
            seen: set[str] = set()
            example = next(name for name in names if name in seen or seen.add(name))
            self.findings.append(
                twice(f"{plural(again, 'row')} with the name of another gene, such as {example}.")
            )
        values = np.full((len(measured.values), len(genes)), np.nan)
        groups: dict[int, list[int]] = {}
        for k, name in enumerate(names):
            if name:
                groups.setdefault(place[name], []).append(k)
        for gene, columns in groups.items():
            own = measured.values[:, columns]
            values[:, gene] = (
                mean_of_measured(own.T) if self.choices.has("twice:mean") else own[:, 0]
            )
        return values, genes

    # --- times

    def _trajectories(self, measured: Measured, genes: tuple[str, ...]) -> Expression | None:
        """Samples with increasing times, as measured."""
        groups: dict[str, list[int]] = {}
        for row, label in enumerate(measured.samples):
            groups.setdefault(label, []).append(row)
        times = measured.times
        if self.choices.has("times:order"):
            times = np.zeros(len(measured.values))
            for rows in groups.values():
                times[rows] = np.arange(len(rows))
        if times is None:
            self.findings.append(time_missing())
            return None
        if np.isnan(times).any():
            self.findings.append(time_missing(measured.places[int(np.isnan(times).argmax())]))
            return None
        samples: list[Trajectory] = []
        for rows in groups.values():
            ordered = self._in_order(np.array(rows), times, measured)
            if ordered is None:
                return None
            samples += ordered
        samples = self._without_gaps(samples)
        longest = max(len(sample.times) for sample in samples)
        if longest < MIN_TIMES:
            self.block(
                "GR-E04", "Too few time points",
                f"Fewer than {MIN_TIMES} time points ({longest} at most in one sample). Dynamics "
                "cannot be fitted.",
                "Are several samples written as one, or one as several? Else measure more times.",
            )  # fmt: skip
            return None
        kept = tuple(sample for sample in samples if len(sample.times) > 1)
        if len(kept) < len(samples):
            alone = plural(len(samples) - len(kept), "sample")
            self.note("GR-E04", "Single time", f"{alone} with a single time.", "They are left out.")
        return Expression(genes, kept)

    def _without_gaps(self, samples: list[Trajectory]) -> list[Trajectory]:
        """GR-E25: samples cut where the next time comes much later."""
        gaps = np.concatenate([np.diff(sample.times) for sample in samples])
        if not len(gaps) or gaps.max() <= MAX_GAP * np.median(gaps):
            return samples
        limit = MAX_GAP * np.median(gaps)
        if not self.choices.has("gap:split"):
            self.block(
                "GR-E25", "Gap in time",
                f"The longest step in time is {gaps.max():.4g}, the median one "
                f"{np.median(gaps):.4g}.", "What came in between is unknown.",
                Repair("gap:split", "A new sample begins behind it"),
            )  # fmt: skip
            return samples
        return [
            Trajectory(sample.times[rows], sample.values[rows])
            for sample in samples
            for rows in np.split(
                np.arange(len(sample.times)), np.flatnonzero(np.diff(sample.times) > limit) + 1
            )
        ]

    def _in_order(
        self, rows: np.ndarray, times: np.ndarray, measured: Measured
    ) -> list[Trajectory] | None:
        """Trajectories of one sample; None where its times do not increase (GR-E02)."""
        if self.choices.has("times:series"):
            starts = np.flatnonzero(np.diff(times[rows]) <= 0) + 1
            parts = np.split(rows, starts)
        else:
            parts = [rows]
        if self.choices.has("times:sort") or self.choices.has("times:mean"):
            parts = [part[np.argsort(times[part], kind="stable")] for part in parts]
        if self.choices.has("times:mean"):
            return [_averaged(times[part], measured.values[part]) for part in parts]
        for part in parts:
            steps = np.diff(times[part])
            if (steps <= 0).any():
                self._not_increasing(measured.places[part[int((steps <= 0).argmax()) + 1]], steps)
                return None
        return [Trajectory(times[part], measured.values[part].astype(np.float32)) for part in parts]

    def _not_increasing(self, place: str, steps: np.ndarray) -> None:
        repairs = []
        if not self.choices.has("times:sort"):
            repairs.append(Repair("times:series", "A new sample begins there"))
            if (steps < 0).any():
                repairs.append(Repair("times:sort", "Sort by time"))
        if (steps == 0).any() or self.choices.has("times:sort"):
            repairs.append(Repair("times:mean", "Mean of the values at the same time"))
        self.block(
            "GR-E02", "Times do not increase", f"Time column missing or not increasing ({place}).",
            "What does that mean?", *repairs,
        )  # fmt: skip

    # --- values

    def _useful(self, raw: Expression) -> Expression | None:
        """Values that can be scaled, of genes that were measured and change."""
        raw = self._without_negative(raw)
        if raw is None:
            return None
        most = max(len(sample.times) for sample in raw.samples)
        if most > MAX_TIMES:
            self.note(
                "GR-E28", "Many times", f"Up to {most:,} times in one sample.",
                f"Neighbouring ones are averaged to {MAX_TIMES} times.",
            )  # fmt: skip
            raw = thinned(raw)
        values = np.concatenate([sample.values for sample in raw.samples])
        measured = ~np.isnan(values)
        never = ~measured.any(axis=0)
        lost = int((~measured[:, ~never]).sum())
        if lost:
            self.note(
                "GR-E11", "Missing values",
                f"{plural(lost, 'value')} missing ({lost / values.size:.1%}).",
                "Nothing is filled in; the steps before and after them are not learned from.",
            )  # fmt: skip
        if never.any():
            example = raw.genes[int(never.argmax())]
            self.note(
                "GR-E11", "Missing values",
                f"{plural(int(never.sum()), 'gene')} without any value, such as {example}.",
                "They are left out.",
            )  # fmt: skip
        low = np.where(measured, values, np.inf).min(axis=0)
        high = np.where(measured, values, -np.inf).max(axis=0)
        constant = ~never & (low == high)
        if constant.any():
            example = raw.genes[int(constant.argmax())]
            self.note(
                "GR-E17", "Never changes",
                f"{plural(int(constant.sum()), 'gene')} with the same value everywhere, such as "
                f"{example}.", "Nothing can be learned from them; they are left out.",
            )  # fmt: skip
        kept = np.flatnonzero(~never & ~constant)
        if len(kept) < 2:
            self.block("GR-E13", "No values", "Fewer than two genes change.", "Check the columns.")
            return None
        return self._most_variable(_some_genes(raw, kept))

    def _without_negative(self, raw: Expression) -> Expression | None:
        """GR-E03."""
        values = np.concatenate([sample.values for sample in raw.samples])
        negative = values < 0
        if not negative.any() or self.choices.has("negative:log") or _near_unit(values):
            return raw
        if self.choices.has("negative:missing"):
            samples = tuple(
                replace(one, values=np.where(one.values < 0, np.float32(np.nan), one.values))
                for one in raw.samples
            )
            return Expression(raw.genes, samples)
        number = int(negative.sum())
        self.block(
            "GR-E03", "Negative values",
            f"Negative expression values found (min {np.nanmin(values):.3g}). Are these log "
            "values?", "",
            Repair("negative:log", "Yes, log"),
            Repair("negative:missing", f"No, leave out {plural(number, 'value')}"),
        )  # fmt: skip
        return None

    def _most_variable(self, raw: Expression) -> Expression | None:
        """GR-E08."""
        number = len(raw.genes)
        if number <= MAX_GENES:
            return raw
        if not self.choices.has("variable"):
            self.block(
                "GR-E08", "Too many genes",
                f"Too many genes for this server ({number:,}; limit {MAX_GENES:,} here, GPU "
                "recommended).", f"Select the most variable {MAX_GENES:,}?",
                Repair("variable", "Yes"),
            )  # fmt: skip
            return None
        values = np.concatenate([sample.values for sample in raw.samples]).astype(float)
        values = np.log2(1 + values) if self._takes_log else values
        spread = np.nanvar(values, axis=0)
        chosen = np.sort(np.argsort(-spread, kind="stable")[:MAX_GENES])
        return _some_genes(raw, chosen)

    @property
    def _takes_log(self) -> bool:
        """A logarithm of values that may be logarithms already would be nonsense."""
        return self.choices.has("log:yes") and not self.choices.has("negative:log")

    def _scaled(self, raw: Expression | None) -> Expression | None:
        """GR-E14 and GR-E16."""
        if raw is None:
            return None
        values = np.concatenate([sample.values for sample in raw.samples])
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        middle = float(np.nanmedian(values))
        if low >= 0 and high > WIDE * max(middle, 1.0) and not self._takes_log:
            self.note(
                "GR-E16", "Counts?", f"Values go up to {high:,.0f}; half are below {middle:,.1f}.",
                "Models fit logarithms of counts better.",
                Repair("log:yes", "Take log2(1 + value)"),
            )  # fmt: skip
        if _near_unit(values) and not self._takes_log:
            self.scaling = Scaling(np.zeros(len(raw.genes)), np.ones(len(raw.genes)))
        else:
            self.scaling = Scaling.fit(raw, log=self._takes_log)
            log = "log2(1 + value) taken, then each" if self._takes_log else "Each"
            self.note(
                "GR-E14", "Scaled", f"Values run from {low:,.3g} to {high:,.3g}.",
                f"{log} gene was scaled to 0 to 1.",
            )  # fmt: skip
        steps = sum(len(sample.times) - 1 for sample in raw.samples)
        if steps < FEW_TRANSITIONS:
            self.note(
                "GR-E26", "Few steps in time",
                f"{plural(steps, 'step')} from one time to the next.",
                "The prior decides most of the network then; look at the selection in runs.",
            )  # fmt: skip
        return self.scaling.apply(raw)

    # --- networks

    def _prior(
        self, links: Links, same: Mapping[str, str], genes: Sequence[str], kept: Sequence[str]
    ) -> Network:
        if links.unnamed is None:
            prior = to_network(links, kept, same, self.choices, self.findings)
            self._without_data(links, same, frozenset(kept))
        else:
            prior = to_network(links, genes, same, self.choices, self.findings).in_order(kept)
        if not prior.num_edges and not blocks(self.findings):
            self.block(
                "GR-E19", "No edges", "No edge of the prior has data for both of its genes.",
                "Check the names of the genes.",
            )  # fmt: skip
        check_prior(links, prior, self.findings)
        alone = int((~prior.matrix.any(axis=0)).sum())
        if alone:
            self.note(
                "GR-E06", "Targets without prior",
                f"Prior has no edges for {plural(alone, 'target')};",
                "they are learned from data alone and marked.",
            )  # fmt: skip
        return prior

    def _without_data(self, links: Links, same: Mapping[str, str], kept: frozenset[str]) -> None:
        """GR-E05."""
        number: dict[str, int] = {}
        ignored = 0
        for pair in zip(links.sources, links.targets, strict=True):
            missing = [name for name in pair if same.get(name) not in kept]
            ignored += bool(missing)
            for name in missing[:1]:
                number[name] = number.get(name, 0) + 1
        if ignored:
            most = max(number, key=lambda name: number[name])
            self.note(
                "GR-E05", "Genes without data",
                f'Prior edge from a gene without data: "{most}" ({plural(number[most], "edge")} '
                f"ignored).", f"{ignored:,} of {len(links.sources):,} edges are ignored in all.",
            )  # fmt: skip

    def _partners(self, pairs: Links | None, genes: Sequence[str]) -> Network | None:
        """Symmetric and without signs; None where nothing is left (GR-E22)."""
        if pairs is None:
            return None
        plain = Choices(self.choices.repairs & {"fold-names"})
        same = common_names(genes, pairs.names, folded=plain.has("fold-names"))
        named = replace(pairs, unnamed=None)
        matrix = np.abs(to_network(named, genes, same, plain, []).matrix)
        matrix = np.maximum(matrix, matrix.T)
        used = np.count_nonzero(np.triu(matrix))
        total = len(pairs.sources)
        if not used:
            folded = len(common_names(genes, pairs.names, folded=True)) > len(same)
            label = "Ignore case, species and version of names"
            self.note(
                "GR-E22", "Partners not used",
                "No interaction has data for both of its genes, or it has no names.",
                "Genes that share targets in the prior count as partners instead.",
                *((Repair("fold-names", label),) if folded else ()),
            )  # fmt: skip
            return None
        if used < total:
            self.note(
                "GR-E22", "Partners without data",
                f"{used:,} of {total:,} interactions have data for both genes.",
                "The others are ignored.",
            )  # fmt: skip
        return Network(tuple(genes), matrix, signed=False)


def _near_unit(values: np.ndarray) -> bool:
    """Whether values are between 0 and 1 already, but for some noise."""
    low, high = np.nanmin(values), np.nanmax(values)
    return bool(low >= -0.25 and 0.5 < high <= 1.25 and np.mean(values < 0) < 0.05)


def _some_genes(raw: Expression, kept: np.ndarray) -> Expression:
    samples = tuple(replace(one, values=one.values[:, kept]) for one in raw.samples)
    return Expression(tuple(raw.genes[k] for k in kept), samples)


def _averaged(times: np.ndarray, values: np.ndarray) -> Trajectory:
    """One row for each time; `times` are sorted."""
    moments, first = np.unique(times, return_index=True)
    rows = [mean_of_measured(part) for part in np.split(values, first[1:])]
    return Trajectory(moments, np.array(rows).astype(np.float32))


def _preview(raw: Expression | None) -> tuple[Mapping[str, str | float], ...]:
    """The first genes of the first sample at its first times."""
    if raw is None:
        return ()
    num_genes, num_times = PREVIEW
    sample = raw.samples[0]
    return tuple(
        {"gene": gene}
        | {
            f"t = {time:g}": round(float(value), 6)
            for time, value in zip(
                sample.times[:num_times], sample.values[:num_times, k], strict=True
            )
        }
        for k, gene in enumerate(raw.genes[:num_genes])
    )
