"""Chemistry of what people type, paste, draw or upload, kept out of the server process.

Text is checked here, then a worker process with limits on time and memory does the rest
(`core.chemistry.worker`); this package's own functions never load RDKit. Trusted data, such as the
drugs of a data set, may use `core.chemistry.structure` directly.

The last 512 answers are kept, also those that say what is wrong with a molecule.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

import numpy as np

from core.chemistry import reading
from core.chemistry.client import Workers
from core.chemistry.text import check_text
from core.chemistry.values import (
    MOLECULE_BITS,
    Alert,
    Comparison,
    Molecule,
    Structure,
    bit_array,
)
from core.errors import InputError

__all__ = [
    "MOLECULE_BITS",
    "Alert",
    "Comparison",
    "Molecule",
    "Structure",
    "alerts",
    "atom_picture",
    "bit_array",
    "check",
    "compare",
    "conformer",
    "depict",
    "environments",
    "fingerprint",
    "read_many",
    "shared_workers",
    "write_sdf",
]

KEPT = 512
NUM_BITS = 1024  # of `fingerprint`
SDF_PARCEL = 50


@lru_cache(maxsize=1)
def shared_workers() -> Workers:
    """The workers of this process."""
    return Workers()


def check(text: str, *, strip_salts: bool = True) -> Structure:
    """Read and describe one molecule; see `core.chemistry.structure.read_structure`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(text)
    return Structure.from_json(_ask("read", text=text, strip_salts=strip_salts))


def depict(
    smiles: str,
    name: str = "",
    *,
    dark: bool = False,
    highlight: Sequence[int] = (),
    like: str = "",
    width: int = 320,
    height: int = 240,
) -> str:
    """Draw one molecule as SVG; see `core.chemistry.depiction.draw_structure`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(smiles)
    return _ask(
        "draw", smiles=smiles, name=name[:200], dark=dark, highlight=tuple(highlight), like=like,
        width=width, height=height,
    )  # fmt: skip


def conformer(smiles: str) -> str:
    """One conformer as a molfile; see `core.chemistry.depiction.place_in_space`.

    Raises:
        InputError: MO-E01 to E04, E09, E10, E11.
    """
    check_text(smiles)
    return _ask("conformer", smiles=smiles)


def fingerprint(smiles: str) -> tuple[np.ndarray, Mapping[int, int]]:
    """Radius-2 Morgan fingerprint: bits (1024,) uint8 and unfolded counts by feature.

    Of several parts the largest is taken.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(smiles)
    found = _ask("fingerprint", smiles=smiles)
    bits = np.zeros(NUM_BITS, np.uint8)
    bits[found["bits"]] = 1
    return bits, MappingProxyType(dict(found["counts"]))


def alerts(smiles: str) -> tuple[Alert, ...]:
    """Structural alerts; see `structural_alerts.find_alerts`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(smiles)
    return tuple(
        Alert(**{**row, "atoms": tuple(row["atoms"])}) for row in _ask("alerts", smiles=smiles)
    )


def compare(first: str, second: str) -> Comparison:
    """Whether two SMILES are one molecule; see `core.chemistry.structure.same_structure`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(first)
    check_text(second)
    return Comparison(**_ask("compare", first=first, second=second))


def read_many(
    texts: Sequence[str],
    *,
    strip_salts: bool = True,
    standardise: bool = True,
    report: Callable[[int, int], None] = lambda *_: None,
) -> list[Molecule | InputError]:
    """Molecules ready for a model, one bad row never costing another; see `reading.read_many`."""
    return reading.read_many(
        texts, strip_salts=strip_salts, standardise=standardise, workers=shared_workers(),
        report=report,
    )  # fmt: skip


def atom_picture(
    smiles: str,
    effects: Sequence[float],
    name: str = "",
    *,
    dark: bool = False,
    like: str = "",
    width: int = 320,
    height: int = 240,
) -> str:
    """Draw one molecule with coloured atoms as SVG; see `core.chemistry.depiction.draw_effects`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(smiles)
    return _ask(
        "draw effects", smiles=smiles, effects=tuple(map(float, effects)), name=name[:200],
        dark=dark, like=like, width=width, height=height,
    )  # fmt: skip


def environments(smiles: str) -> list[tuple[int, frozenset[int]]]:
    """Occurrences of fingerprint bits; see `core.chemistry.preparation.find_environments`.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    check_text(smiles)
    return [(bit, frozenset(atoms)) for bit, atoms in _ask("environments", smiles=smiles)]


def write_sdf(records: Sequence[tuple[str, str, Sequence[tuple[str, str]]]]) -> str:
    """Molecules as an SDF with flat coordinates and data fields.

    Args:
        records: SMILES, name and pairs of a field's name and text.

    Raises:
        InputError: MO-E01 to E04, E09, E10.
    """
    parts = []
    for start in range(0, len(records), SDF_PARCEL):
        parcel = [
            {"smiles": smiles, "name": name, "fields": [list(pair) for pair in fields]}
            for smiles, name, fields in records[start : start + SDF_PARCEL]
        ]
        for record in parcel:
            check_text(record["smiles"])
        parts.append(shared_workers().ask("sdf", records=parcel))
    return "".join(parts)


def _ask(function: str, **arguments: Any) -> Any:  # noqa: ANN401 - any JSON value
    answer = _answer(function, tuple(sorted(arguments.items())))
    if isinstance(answer, _Refusal):
        raise InputError(*answer)
    return answer


class _Refusal(tuple):
    """The five fields of an `InputError` that was raised before."""

    __slots__ = ()


@lru_cache(maxsize=KEPT)
def _answer(function: str, arguments: tuple[tuple[str, Any], ...]) -> Any:  # noqa: ANN401
    """What a worker answered; a molecule that was refused is not tried again."""
    try:
        return shared_workers().ask(function, **dict(arguments))
    except InputError as error:
        if error.code == "MO-E10":
            raise
        return _Refusal((error.code, error.title, error.problem, error.hint, error.where))
