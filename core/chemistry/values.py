"""What chemistry answers with: plain values that cross a pipe as JSON."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import Remark
from core.knowledge.molecules import MoleculeGraph

MOLECULE_BITS = 2048  # of the fingerprint of a `Molecule`


@dataclass(frozen=True)
class Structure:
    """A checked molecule. All figures are those of the part that is kept.

    Attributes:
        smiles: canonical isomeric SMILES of the kept part.
        formula: Hill formula, such as ``C17H19NO3``.
        weight: average molecular weight, g/mol.
        num_heavy_atoms: atoms other than hydrogen.
        num_rings: independent rings.
        charge: formal charge.
        num_fragments: parts that were given; more than one is a salt or mixture.
        given: canonical isomeric SMILES of everything that was given.
        warnings: remarks, empty when there is nothing to say.
    """

    smiles: str
    formula: str
    weight: float
    num_heavy_atoms: int
    num_rings: int
    charge: int
    num_fragments: int
    given: str
    warnings: tuple[Remark, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain dictionary; `from_json` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "Structure":
        """Read what `to_json` wrote."""
        return cls(**{**data, "warnings": tuple(Remark(**row) for row in data["warnings"])})


@dataclass(frozen=True)
class Alert:
    """A substructure known to make trouble in assays or in the body.

    Attributes:
        name: what it is called, in words.
        family: ``Brenk`` (reactive, toxic or unstable) or ``PAINS`` (interferes with assays).
        reference: paper the pattern comes from.
        atoms: matched atoms, rows of the canonical SMILES from 0.
    """

    name: str
    family: str
    reference: str
    atoms: tuple[int, ...]


@dataclass(frozen=True)
class Comparison:
    """How alike two structures are.

    Attributes:
        same: same skeleton of atoms and bonds; salts, charges and stereo marks do not count.
        similarity: Tanimoto of radius-2, 1024-bit Morgan fingerprints, 0 to 1.
    """

    same: bool
    similarity: float


@dataclass(frozen=True, eq=False)
class Molecule:
    """A molecule ready for a model. Atoms are counted in the order of `structure.smiles`.

    Attributes:
        structure: what it is, standardised; its remarks say what was stripped.
        changes: what standardising changed, in words; empty when nothing.
        unspecified: stereo centres and double bonds that could carry a mark and do not.
        key: InChIKey, empty when there is none.
        scaffold: SMILES of the Murcko scaffold (Bemis and Murcko, J. Med. Chem. 39, 2887, 1996),
            empty for open chains.
        bits: set bits of the radius-2 Morgan fingerprint of `MOLECULE_BITS` bits, ascending.
        features: unfolded radius-2 Morgan features, ascending.
        graph: atoms and bonds for the encoder.
        alerts: structural alerts.
    """

    structure: Structure
    changes: tuple[str, ...]
    unspecified: int
    key: str
    scaffold: str
    bits: tuple[int, ...]
    features: tuple[int, ...]
    graph: MoleculeGraph
    alerts: tuple[Alert, ...]

    @property
    def identity(self) -> str:
        """Equal for equal molecules: the InChIKey, or the SMILES where there is none."""
        return self.key or self.structure.smiles

    def bit_array(self) -> np.ndarray:
        """The fingerprint: (`MOLECULE_BITS`,) uint8 of 0 and 1."""
        return bit_array(self.bits)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Molecule":
        """Read what the worker wrote."""
        return cls(
            Structure.from_json(data["structure"]),
            tuple(data["changes"]),
            data["unspecified"],
            data["key"],
            data["scaffold"],
            tuple(data["bits"]),
            tuple(data["features"]),
            MoleculeGraph.from_json(data["graph"]),
            tuple(Alert(**{**row, "atoms": tuple(row["atoms"])}) for row in data["alerts"]),
        )


def bit_array(bits: Iterable[int]) -> np.ndarray:
    """Set bits as an array: (`MOLECULE_BITS`,) uint8 of 0 and 1."""
    array = np.zeros(MOLECULE_BITS, np.uint8)
    array[list(bits)] = 1
    return array
