"""Structures and fingerprints with RDKit.

Runs inside the chemistry worker for what people type, and in any process for trusted data such as
the drugs of a data set. Pages and serving use the functions of `core.chemistry` itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import Descriptors, rdFingerprintGenerator, rdMolDescriptors

from core.chemistry.text import (
    MAX_HEAVY_ATOMS,
    MAX_RINGS,
    StructureText,
    check_text,
    not_valid,
    too_large,
)
from core.chemistry.values import Comparison, Structure
from core.errors import InputError, Remark

RADIUS = 2
NUM_BITS = 1024
USUAL_ELEMENTS = frozenset(
    ("H", "B", "C", "N", "O", "F", "Si", "P", "S", "Cl", "Se", "Br", "I")  # salts are stripped
)

_SALT_HINT = 'Paste one molecule, or keep "strip salts" checked.'


def read_structure(text: str, *, strip_salts: bool = True) -> Structure:
    """Read one molecule, check it and describe it.

    Args:
        text: SMILES, molfile or one SDF record.
        strip_salts: keep the largest part of several; otherwise several are refused.

    Raises:
        InputError: MO-E01 (broken), E02 (too large), E03 (text too long), E04 (several parts and
            not `strip_salts`, or several records), E09 (a name).
    """
    checked = check_text(text)
    whole = _parse(checked)
    try:
        parts = Chem.GetMolFrags(whole, asMols=True)
    except Chem.MolSanitizeException as error:
        raise not_valid(_say(checked), "its bonds and charges do not fit together") from error
    warnings = []
    if len(parts) > 1:
        if not strip_salts:
            raise InputError("MO-E04", "Several molecules", _salt_text(len(parts)), _SALT_HINT)
        said = f"{_salt_text(len(parts))} I kept the largest part."
        warnings.append(Remark("MO-E04", "Several molecules", said))
    kept = max(parts, key=_size)
    strange = sorted({atom.GetSymbol() for atom in kept.GetAtoms()} - USUAL_ELEMENTS)
    if strange:
        said = f"{', '.join(strange)} is rare among drugs; take what is predicted with care."
        warnings.append(Remark("MO-E08", "Unusual element", said))
    smiles = Chem.MolToSmiles(kept)
    parse_smiles(smiles)  # what is accepted here can be read again everywhere
    return Structure(
        smiles=smiles,
        formula=rdMolDescriptors.CalcMolFormula(kept),
        weight=round(Descriptors.MolWt(kept), 3),
        num_heavy_atoms=kept.GetNumHeavyAtoms(),
        num_rings=rdMolDescriptors.CalcNumRings(kept),
        charge=Chem.GetFormalCharge(kept),
        num_fragments=len(parts),
        given=Chem.MolToSmiles(whole),
        warnings=tuple(warnings),
    )


def parse_smiles(smiles: str) -> Chem.Mol:
    """The molecule of a SMILES within the limits; atoms in the order of the text.

    Raises:
        InputError: as `read_structure`.
    """
    return _parse(check_text(smiles))


def _salt_text(num_parts: int) -> str:
    return f'It contains "." ({num_parts} parts: a salt or mixture).'


def _size(mol: Chem.Mol) -> tuple:
    """Order of parts: organic first, then heavy atoms, weight, text."""
    organic = any(atom.GetAtomicNum() == 6 for atom in mol.GetAtoms())
    return organic, mol.GetNumHeavyAtoms(), Descriptors.MolWt(mol), Chem.MolToSmiles(mol)


def _parse(checked: StructureText) -> Chem.Mol:
    """Parse twice: loosely to count and to find faults, then for good."""
    shown = _say(checked)
    if checked.is_block:
        loose = Chem.MolFromMolBlock(checked.text, sanitize=False, removeHs=False)
    else:
        loose = Chem.MolFromSmiles(checked.text, sanitize=False)
    if loose is None or not loose.GetNumAtoms():
        raise not_valid(shown, "its atoms and bonds cannot be read")
    _check_size(loose)
    if any(atom.GetAtomicNum() == 0 for atom in loose.GetAtoms()):
        raise not_valid(
            shown, "it has an open position (*, R group or wildcard)",
            "Replace it by the atoms you mean.",
        )  # fmt: skip
    problems = Chem.DetectChemistryProblems(loose)
    if problems:
        raise not_valid(shown, _explain(problems[0], loose))
    if checked.is_block:
        mol = Chem.MolFromMolBlock(checked.text)
    else:
        mol = Chem.MolFromSmiles(checked.text)
    if mol is None:
        raise not_valid(shown, "its bonds and charges do not fit together")
    return mol


def _say(checked: StructureText) -> str:
    """What a person recognises the text by: the SMILES itself, or the title of the molfile."""
    if not checked.is_block:
        return checked.text
    return checked.text.split("\n", 1)[0].strip() or "molfile"


def _check_size(mol: Chem.Mol) -> None:
    heavy = mol.GetNumHeavyAtoms()
    if heavy > MAX_HEAVY_ATOMS:
        raise too_large(heavy, MAX_HEAVY_ATOMS, "heavy atoms")
    rings = mol.GetNumBonds() - mol.GetNumAtoms() + len(Chem.GetMolFrags(mol))
    if rings > MAX_RINGS:
        raise too_large(rings, MAX_RINGS, "rings")


def _explain(problem: Exception, mol: Chem.Mol) -> str:
    """A fault of chemistry in words, with atoms counted from 1."""
    kind = problem.GetType()
    if kind == "AtomValenceException":
        atom = mol.GetAtomWithIdx(problem.GetAtomIdx())
        order = sum(bond.GetBondTypeAsDouble() for bond in atom.GetBonds())
        return (
            f"atom {atom.GetIdx() + 1} ({atom.GetSymbol()}) has {order:g} bonds, more than this "
            "element allows with its charge"
        )
    if kind in ("KekulizeException", "AtomKekulizeException"):
        return "an aromatic ring cannot be written with alternating bonds (a missing [nH]?)"
    return "its bonds and charges do not fit together"


def morgan_bits(smiles: str, radius: int = RADIUS, size: int = NUM_BITS) -> np.ndarray:
    """Morgan fingerprint of a trusted SMILES: (size,) uint8 of 0 and 1.

    Source: Rogers and Hahn, J. Chem. Inf. Model. 50, 742 (2010), as in RDKit.

    Raises:
        InputError: MO-E01, the SMILES cannot be read.
    """
    return many_morgan_bits([smiles], radius, size)[0]


def many_morgan_bits(
    smiles: Sequence[str], radius: int = RADIUS, size: int = NUM_BITS
) -> np.ndarray:
    """Morgan fingerprints of trusted SMILES: (n, size) uint8 of 0 and 1; see `morgan_bits`."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius, fpSize=size)
    bits = np.zeros((len(smiles), size), np.uint8)
    for row, text in enumerate(smiles):
        bits[row] = generator.GetFingerprintAsNumPy(parse_trusted(text))
    return bits


def morgan_counts(smiles: str, radius: int = RADIUS) -> dict[int, int]:
    """Unfolded Morgan counts of a trusted SMILES: feature to number of occurrences.

    Raises:
        InputError: MO-E01, the SMILES cannot be read.
    """
    return many_morgan_counts([smiles], radius)[0]


def many_morgan_counts(smiles: Iterable[str], radius: int = RADIUS) -> list[dict[int, int]]:
    """Unfolded Morgan counts of trusted SMILES; see `morgan_counts`."""
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=radius)
    return [
        generator.GetSparseCountFingerprint(parse_trusted(text)).GetNonzeroElements()
        for text in smiles
    ]


def parse_trusted(smiles: str) -> Chem.Mol:
    """The molecule of a SMILES of our own data, of any size."""
    mol = Chem.MolFromSmiles(smiles) if smiles else None
    if mol is None:
        raise not_valid(smiles, "RDKit cannot read it", "Leave this row out.")
    return mol


@dataclass(frozen=True, eq=False)
class CountTable:
    """Count fingerprints of many molecules, sorted by feature so that one can be compared fast.

    Attributes:
        features: (nnz,) int64, ascending.
        rows: (nnz,) int64, molecule of each entry, 0..n-1.
        counts: (nnz,) int64, occurrences.
        totals: (n,) int64, sum of the counts of each molecule.
    """

    features: np.ndarray
    rows: np.ndarray
    counts: np.ndarray
    totals: np.ndarray

    @classmethod
    def of(cls, fingerprints: Sequence[Mapping[int, int]]) -> "CountTable":
        """Build the table from results of `morgan_counts`; an empty mapping is allowed."""
        entries = [
            (feature, row, count)
            for row, one in enumerate(fingerprints)
            for feature, count in one.items()
        ]
        table = np.array(entries, np.int64).reshape(-1, 3)
        table = table[np.argsort(table[:, 0], kind="stable")]
        totals = np.bincount(table[:, 1], table[:, 2], len(fingerprints)).astype(np.int64)
        return cls(*(np.ascontiguousarray(column) for column in table.T), totals)


def dice_to(one: Mapping[int, int], many: CountTable | Sequence[Mapping[int, int]]) -> np.ndarray:
    """Dice similarity of one count fingerprint to many: (n,) float64, 0 to 1.

    2 Σ min(a, b) / (Σ a + Σ b); 0 where both are empty. With radius-2 Morgan counts, 0.5 or more is
    Hetionet's "resembles" (Himmelstein et al., eLife 6:e26726, 2017).

    Args:
        one: result of `morgan_counts`.
        many: table of the others, or their fingerprints.
    """
    table = many if isinstance(many, CountTable) else CountTable.of(many)
    features = np.fromiter(one.keys(), np.int64, len(one))
    counts = np.fromiter(one.values(), np.int64, len(one))
    starts = np.searchsorted(table.features, features, "left")
    lengths = np.searchsorted(table.features, features, "right") - starts
    # entries of the table that belong to the features of `one`, run after run
    within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    entries = np.repeat(starts, lengths) + within
    shared = np.bincount(
        table.rows[entries],
        np.minimum(table.counts[entries], np.repeat(counts, lengths)),
        len(table.totals),
    )
    both = table.totals + counts.sum()
    return np.divide(2 * shared, both, out=np.zeros(len(both)), where=both > 0)


def same_structure(first: str, second: str) -> Comparison:
    """Whether two SMILES are the same molecule apart from salts, charges and stereo marks.

    The skeleton is the first block of the InChIKey of the largest parts.

    Raises:
        InputError: as `read_structure`.
    """
    mols = [parse_smiles(read_structure(text).smiles) for text in (first, second)]
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=NUM_BITS)
    one, two = (generator.GetFingerprint(mol) for mol in mols)
    keys = [Chem.MolToInchiKey(mol).partition("-")[0] for mol in mols]
    return Comparison(
        same=keys[0] == keys[1] != "", similarity=DataStructs.TanimotoSimilarity(one, two)
    )
