"""Three small assays of well-known molecules that come with the package.

The tables in `examples/` hold facts of textbook level, compiled by hand on 2026-11-21. Each row
names the document in which it can be checked; where the column `accessed` of `sources.csv` is
empty, the document was not opened while compiling. Formulas were written down apart from the
structures and are compared with them by a test; structures of drugs that the starter network has
are its own. What "inactive" means differs and is said with every assay. No table of a data base
was copied.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from core.data.starter_network import load_drugs


@dataclass(frozen=True)
class ExampleMolecule:
    """A molecule of an assay.

    Attributes:
        name: in lower case.
        smiles: structure; racemates and mixtures of isomers are written without stereo marks.
        active: its class.
        note: why, in a few words.
        source: title of the document.
        url: its address, empty when none is known.
        accessed: day the document was read, empty when it was not opened.
    """

    name: str
    smiles: str
    active: bool
    note: str
    source: str
    url: str
    accessed: str


@dataclass(frozen=True)
class ExampleAssay:
    """A few-shot task.

    Attributes:
        id: stable slug.
        title: one line for people.
        sentence: what active and inactive mean here, and what models have seen of it.
        support: molecules to learn from, active ones first.
        candidates: molecules to ask about, whose class is known too.
    """

    id: str
    title: str
    sentence: str
    support: tuple[ExampleMolecule, ...]
    candidates: tuple[ExampleMolecule, ...]


@cache
def load_example_assays() -> tuple[ExampleAssay, ...]:
    """The examples in the order in which to offer them."""
    structures = {drug.id: (drug.name, drug.smiles) for drug in load_drugs()}
    structures |= {row["id"]: (row["name"], row["smiles"]) for row in _table("structures")}
    sources = {row["id"]: row for row in _table("sources")}
    found: dict[tuple[str, str], list[ExampleMolecule]] = {}
    for row in _table("molecules"):
        name, smiles = structures[row["molecule"]]
        source = sources[row["source"]]
        molecule = ExampleMolecule(
            name, smiles, row["class"] == "active", row["note"],
            source["title"].replace("{drug}", name), source["url"], source["accessed"],
        )  # fmt: skip
        found.setdefault((row["assay"], row["role"]), []).append(molecule)
    return tuple(
        ExampleAssay(
            row["id"], row["title"],
            f"Active: {row['active']}. Inactive: {row['inactive']}. {row['remark']}",
            tuple(sorted(found[row["id"], "support"], key=lambda one: not one.active)),
            tuple(sorted(found[row["id"], "candidate"], key=lambda one: one.name)),
        )
        for row in _table("assays")
    )  # fmt: skip


def _table(name: str) -> Iterator[dict[str, str]]:
    """Rows of one of the tables that come with the package."""
    path = Path(__file__).with_name("examples") / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
