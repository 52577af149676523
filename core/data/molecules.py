"""Benchmarks of molecules with measured labels, and ChEMBL's potencies, for few-shot learning.

Rows are the molecules that RDKit can read. Left out by it: 8 of Tox21 (six-valent aluminium), 18
rows of ToxCast, 15 of which are the word FAIL. Rows that repeat a SMILES are one molecule: 18 of
ToxCast. Where repeats contradict each other the label counts as not measured; this happens among
the rows of FAIL only, to which all 188 contradictions of the file belong.

Parsing with RDKit takes a minute or two for the large sets, so what it finds is kept beside the
data set's files, under the checksum of the content, RDKit's version and that of this code.

Sources: Wu et al., "MoleculeNet", Chemical Science 2018 (Tox21, SIDER, MUV, ToxCast); Wang et al.,
"Property-aware relation networks", NeurIPS 2021 (training and test assays, as in the released
code). Differs from them: unreadable and repeated rows as above; the released code counts on class
sizes written down for an older RDKit.
"""

import csv
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rdkit import Chem, rdBase
from rdkit.Chem.Scaffolds import MurckoScaffold

from core.chemistry.graphs import many_graphs
from core.data import registry
from core.errors import DataError
from core.knowledge.molecules import MoleculeStore

ASSAY_SETS = ("tox21", "sider", "muv", "toxcast")
POTENCIES = "chembl-potency"
MISSING = -1  # a label that was not measured
# training assays set aside to choose among models where somebody wants to; about one in nine
NUM_VALIDATION: Mapping[str, int] = {"tox21": 2, "sider": 3, "muv": 2, "toxcast": 40}
MAX_SCAFFOLD_SHARE = 0.05  # of the molecules; larger scaffolds are never held out
CACHE_VERSION = 1


@dataclass(frozen=True, eq=False)
class MoleculeTable:
    """Molecules of a data set.

    Attributes:
        name: id of the data set.
        title: one line for people.
        licence: terms of the data set.
        sha256: checksum of the table.
        smiles: n molecules, as in the table.
        scaffolds: n texts that name the Murcko scaffold, see `scaffold_of`.
        num_unreadable: rows of the table that were left out.
    """

    name: str
    title: str
    licence: str
    sha256: str
    smiles: tuple[str, ...]
    scaffolds: tuple[str, ...]
    num_unreadable: int

    def __len__(self) -> int:
        return len(self.smiles)


@dataclass(frozen=True, eq=False)
class Assays(MoleculeTable):
    """Molecules and what was measured on them.

    Attributes:
        labels: (n, T) int8, 1 active, 0 inactive, -1 not measured.
        tasks: T names of assays.
        meta_train: columns to learn from, ascending.
        meta_test: columns to test on, ascending; those in neither are too small.
    """

    labels: np.ndarray
    tasks: tuple[str, ...]
    meta_train: np.ndarray
    meta_test: np.ndarray


@dataclass(frozen=True, eq=False)
class PotencyTable(MoleculeTable):
    """Potencies of molecules at protein targets.

    Attributes:
        targets: T ids of ChEMBL, ascending as texts.
        molecule: (m,) int64 row of the molecule of each value, ascending.
        target: (m,) int64 row of its target.
        value: (m,) float32, negative decadic logarithm of a molar concentration such as the IC50.
    """

    targets: tuple[str, ...]
    molecule: np.ndarray
    target: np.ndarray
    value: np.ndarray


def load_assays(name: str) -> Assays:
    """One of `ASSAY_SETS`.

    Raises:
        DataError: there is no such set, or its files are neither here nor within reach.
    """
    if name not in ASSAY_SETS:
        raise DataError(f'"{name}" is not one of these sets of assays: {", ".join(ASSAY_SETS)}.')
    table, folder = registry.find(name), registry.get(name, progress=False)
    split = json.loads((folder / "fewshot_splits.json").read_text(encoding="utf-8"))[name]
    path = _cache(table, "assays")
    if not path.is_file():
        _save_assays(_rows((folder / table.files[0].name).read_bytes()), path)
    with np.load(path, allow_pickle=False) as kept:
        return Assays(
            **_common(table, kept),
            labels=kept["labels"],
            tasks=tuple(task["name"] for task in split["tasks"]),
            meta_train=np.array(split["meta_train"], np.int64),
            meta_test=np.array(split["meta_test"], np.int64),
        )


def load_potencies() -> PotencyTable:
    """ChEMBL's potencies, 4 to 11; about 163 thousand values.

    Raises:
        DataError: its files are neither here nor within reach.
    """
    table, folder = registry.find(POTENCIES), registry.get(POTENCIES, progress=False)
    path = _cache(table, "potencies")
    if not path.is_file():
        _save_potencies(_rows((folder / table.files[0].name).read_bytes()), path)
    with np.load(path, allow_pickle=False) as kept:
        return PotencyTable(
            **_common(table, kept),
            targets=_texts(kept["targets"]),
            molecule=kept["molecule"],
            target=kept["target"],
            value=kept["value"],
        )


def molecule_store(name: str) -> MoleculeStore:
    """Graphs of the molecules of a set, in the order of its `smiles`.

    Args:
        name: one of `ASSAY_SETS` or `POTENCIES`.

    Raises:
        DataError: as `load_assays`.
    """
    table = load_potencies() if name == POTENCIES else load_assays(name)
    path = _cache(registry.find(name), "graphs")
    if not path.is_file():
        with _whole(path) as unfinished, rdBase.BlockLogs():
            MoleculeStore.of(many_graphs(table.smiles)).save(unfinished)
    return MoleculeStore.load(path)


def held_out_scaffolds(assays: Assays, share: float = 0.25, seed: int = 0) -> np.ndarray:
    """Molecules to keep away from all training: whole scaffolds in random order.

    Scaffolds are taken until `share` of the molecules is reached. One that has more than 5 % of the
    molecules, such as benzene, always stays in training: a quarter made of it would test little
    else. A molecule without rings is a scaffold of its own.

    Args:
        assays: molecules.
        share: part of the molecules to hold out, at least.
        seed: of the order.

    Returns:
        (n,) bool.
    """
    scaffolds, group = np.unique(assays.scaffolds, return_inverse=True)
    sizes = np.bincount(group)
    order = np.random.default_rng(seed).permutation(len(scaffolds))
    order = order[sizes[order] <= MAX_SCAFFOLD_SHARE * len(assays)]
    before = np.cumsum(sizes[order]) - sizes[order]
    return np.isin(group, order[before < share * len(assays)])


def validation_assays(assays: Assays) -> np.ndarray:
    """Training columns for choosing among models: `NUM_VALIDATION` of them, evenly spread.

    The rule looks at nothing but the number of training assays.
    """
    count, number = NUM_VALIDATION[assays.name], len(assays.meta_train)
    return assays.meta_train[((np.arange(count) + 0.5) * number / count).astype(int)]


def scaffold_of(mol: Chem.Mol) -> str:
    """SMILES of the Murcko scaffold of the largest part, without stereo marks.

    Molecules without rings have none; they get their own SMILES, so that repeats still agree.

    Source: Bemis and Murcko, J. Med. Chem. 39, 2887 (1996).
    """
    largest = max(Chem.GetMolFrags(mol, asMols=True), key=lambda part: part.GetNumHeavyAtoms())
    scaffold = MurckoScaffold.GetScaffoldForMol(largest)
    kept = scaffold if scaffold.GetNumAtoms() else largest
    return Chem.MolToSmiles(kept, isomericSmiles=False)


def merge_repeats(smiles: Sequence[str], labels: np.ndarray) -> tuple[list[str], np.ndarray]:
    """One row per SMILES, in order of first appearance.

    Args:
        smiles: n texts.
        labels: (n, T) int8, -1 not measured.

    Returns:
        m texts and (m, T) int8: what any row says, -1 where rows contradict each other.
    """
    places: dict[str, int] = {}
    group = np.array([places.setdefault(text, len(places)) for text in smiles], np.int64)
    yes, no = (np.zeros((len(places), labels.shape[1]), dtype=bool) for _ in range(2))
    np.logical_or.at(yes, group, labels == 1)
    np.logical_or.at(no, group, labels == 0)
    merged = np.select([yes & ~no, no & ~yes], [np.int8(1), np.int8(0)], np.int8(MISSING))
    return list(places), merged.astype(np.int8)


def _common(table: registry.DataSet, kept: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """The fields of `MoleculeTable`."""
    return {
        "name": table.name,
        "title": table.title,
        "licence": table.licence,
        "sha256": table.files[0].sha256,
        "smiles": _texts(kept["smiles"]),
        "scaffolds": _texts(kept["scaffolds"]),
        "num_unreadable": int(kept["num_unreadable"]),
    }


def _save_assays(rows: Iterator[list[str]], path: Path) -> None:
    header = next(rows)
    columns = slice(2 if header[1] == "mol_id" else 1, None)
    label_of = {"": MISSING, "0": 0, "1": 1}
    table = list(rows)
    labels = np.array([[label_of[cell] for cell in row[columns]] for row in table], np.int8)
    scaffolds = _scaffolds(row[0] for row in table)
    readable = [text is not None for text in scaffolds]
    kept = [row[0] for row, good in zip(table, readable, strict=True) if good]
    smiles, labels = merge_repeats(kept, labels[readable])
    named = {row[0]: text for row, text in zip(table, scaffolds, strict=True)}
    with _whole(path) as unfinished:
        np.savez_compressed(
            unfinished,
            smiles=_bytes(smiles),
            labels=labels,
            scaffolds=_bytes([named[text] for text in smiles]),
            num_unreadable=len(table) - len(kept),
        )


def _save_potencies(rows: Iterator[list[str]], path: Path) -> None:
    next(rows)
    table = list(rows)
    scaffolds = _scaffolds(row[0] for row in table)
    kept = [(*row, text) for row, text in zip(table, scaffolds, strict=True) if text is not None]
    entries = [
        (molecule, *entry.split(":"))
        for molecule, (_, listed, _) in enumerate(kept)
        for entry in listed.split("|")
    ]
    targets, target = np.unique([entry[1] for entry in entries], return_inverse=True)
    with _whole(path) as unfinished:
        np.savez_compressed(
            unfinished,
            smiles=_bytes([row[0] for row in kept]),
            targets=_bytes(targets.tolist()),
            molecule=np.array([entry[0] for entry in entries], np.int64),
            target=target.astype(np.int64),
            value=np.array([float(entry[2]) for entry in entries], np.float32),
            scaffolds=_bytes([row[2] for row in kept]),
            num_unreadable=len(table) - len(kept),
        )


def _scaffolds(smiles: Iterator[str]) -> list[str | None]:
    """Scaffold of each, None where RDKit cannot read the text."""
    with rdBase.BlockLogs():
        mols = (Chem.MolFromSmiles(text) for text in smiles)
        return [scaffold_of(mol) if mol is not None else None for mol in mols]


def _rows(content: bytes) -> Iterator[list[str]]:
    return csv.reader(io.StringIO(content.decode("utf-8"), newline=""))


def _cache(table: registry.DataSet, kind: str) -> Path:
    key = f"{table.files[0].sha256[:16]}-rdkit{rdBase.rdkitVersion}-{CACHE_VERSION}"
    return table.folder / f"{kind}-{key}.npz"


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A path to write to; the file appears at `path` once it is complete."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        unfinished = Path(folder) / path.name
        yield unfinished
        unfinished.replace(path)


def _bytes(texts: Sequence[str]) -> np.ndarray:
    """Texts as one array, far smaller than numpy's own strings of equal length."""
    return np.frombuffer("\n".join(texts).encode("utf-8"), np.uint8)


def _texts(array: np.ndarray) -> tuple[str, ...]:
    return tuple(array.tobytes().decode("utf-8").split("\n"))
