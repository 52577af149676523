"""Times in headers, such as ``t5``, ``0h_rep1`` or ``S1: 30 min``, and words for columns."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.graph_table import fold
from core.data.physics.columns import split_header

GENE_WORDS = (
    "gene", "genes", "geneid", "geneids", "genename", "genenames", "genesymbol", "symbol",
    "ensembl", "ensemblid", "ensemblgeneid", "orf", "locus", "probe", "probeid", "feature", "name",
)  # fmt: skip
TIME_WORDS = (
    "time", "times", "t", "timepoint", "timepoints", "pseudotime", "dpt", "hour", "hours", "h",
    "minute", "minutes", "min", "day", "days", "second", "seconds", "timemin", "timeh", "timehours",
)  # fmt: skip
SAMPLE_WORDS = (
    "sample", "samples", "sampleid", "replicate", "rep", "series", "trajectory", "experiment",
    "patient", "individual", "lineage", "batch",
)  # fmt: skip
VALUE_WORDS = (
    "value", "values", "expression", "expr", "level", "count", "counts", "tpm", "fpkm", "rpkm",
    "cpm", "intensity", "abundance", "signal",
)  # fmt: skip

SECONDS = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
UNITS = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s",
    "m": "min", "min": "min", "mins": "min", "minute": "min", "minutes": "min",
    "h": "h", "hr": "h", "hrs": "h", "hour": "h", "hours": "h", "d": "d", "day": "d", "days": "d",
}  # fmt: skip
_UNIT = "|".join(sorted(UNITS, key=len, reverse=True))
_WORD = "|".join(word for word in _UNIT.split("|") if len(word) > 1)  # S1 is no second
_TIME = (
    rf"(?:(?P<before>time ?point|pseudotime|time|tp|pt|t|x|{_WORD})[ _=-]?)?"
    rf"(?P<number>\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?: ?(?P<unit>{_UNIT}))?"
)
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        _TIME,
        rf"{_TIME}[ _.:;|-]+(?P<sample>[^\W\d].*)",
        rf"(?P<sample>.+?)[ _.:;|-]+{_TIME}",
    )
)


@dataclass(frozen=True)
class Moments:
    """When the values of a table were measured.

    Attributes:
        times: of each row or column.
        unit: of the times, empty when nothing states one.
        samples: label of each row or column.
    """

    times: tuple[float, ...]
    unit: str
    samples: tuple[str, ...]


def read_headers(headers: Sequence[str]) -> Moments | None:
    """Times out of headers; None where one of them is no time or units are mixed with none.

    A number behind another word is a time only when it says so: ``S1_t5`` and ``S1_5min``, but not
    ``sample_5``. Different units become the finest of them.
    """
    found = [_read(header) for header in headers]
    read = [one for one in found if one is not None]
    units = {unit for _, unit, _ in read}
    if len(read) < len(found) or not read or ("" in units and len(units) > 1):
        return None
    unit = min(units, key=lambda one: SECONDS.get(one, 0))
    times = tuple(
        time * SECONDS[own] / SECONDS[unit] if own != unit else time for time, own, _ in read
    )
    return Moments(times, unit, tuple(sample for _, _, sample in read))


def _read(header: str) -> tuple[float, str, str] | None:
    """Time, unit and sample."""
    for place, form in enumerate(_FORMS):
        match = form.fullmatch(header.strip())
        if match is None:
            continue
        before, after = (match["before"] or "").lower(), (match["unit"] or "").lower()
        if place == 2 and not before and not after:
            return None
        unit = UNITS.get(after, UNITS.get(before, ""))
        return float(match["number"]), unit, match["sample"] if place else ""
    return None


def unit_of(header: str) -> str:
    """Unit of a column of times, from a header such as ``time [min]`` or ``hours``."""
    name, unit = split_header(header)
    return UNITS.get(unit.lower(), UNITS.get(fold(name), ""))


def role_of(header: str) -> str:
    """``gene``, ``time``, ``sample`` or ``value`` by the word in a header; else empty."""
    word = fold(split_header(header)[0])
    listed = (
        ("time", TIME_WORDS), ("sample", SAMPLE_WORDS), ("gene", GENE_WORDS), ("value", VALUE_WORDS)
    )  # fmt: skip
    if len(word) == 1 and header.strip() != word:
        return ""  # T is a gene, too
    return next((role for role, words in listed if word in words), "")
