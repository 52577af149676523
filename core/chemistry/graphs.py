"""Molecules as graphs for the encoder, with RDKit.

Runs inside the chemistry worker for what people type, and in any process for trusted data.
"""

from collections.abc import Iterable

import numpy as np
from rdkit import Chem

from core.chemistry.structure import parse_trusted
from core.knowledge.molecules import UNKNOWN_ELEMENT, MoleculeGraph

_CHIRALITY = {
    Chem.ChiralType.CHI_TETRAHEDRAL_CW: 1,
    Chem.ChiralType.CHI_TETRAHEDRAL_CCW: 2,
}
_TYPES = {
    Chem.BondType.SINGLE: 0,
    Chem.BondType.DOUBLE: 1,
    Chem.BondType.TRIPLE: 2,
    Chem.BondType.AROMATIC: 3,
}
_DIRECTIONS = {Chem.BondDir.ENDUPRIGHT: 1, Chem.BondDir.ENDDOWNRIGHT: 2}


def graph_of(smiles: str) -> MoleculeGraph:
    """Atoms and bonds of a trusted SMILES, atoms in the order of the text.

    Open positions (``*``) count as an unknown element, dative bonds as single ones, other
    chirality marks as unspecified.

    Raises:
        InputError: MO-E01, the SMILES cannot be read.
    """
    mol = parse_trusted(smiles)
    atoms = [
        (
            (atom.GetAtomicNum() or UNKNOWN_ELEMENT + 1) - 1,
            _CHIRALITY.get(atom.GetChiralTag(), 0),
        )
        for atom in mol.GetAtoms()
    ]
    bonds = []
    for bond in mol.GetBonds():
        ends = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        kind = _TYPES.get(bond.GetBondType(), 0), _DIRECTIONS.get(bond.GetBondDir(), 0)
        bonds += [(*ends, *kind), (*ends[::-1], *kind)]
    return MoleculeGraph(
        np.array(atoms, np.uint8).reshape(-1, 2), np.array(bonds, np.int16).reshape(-1, 4)
    )


def many_graphs(smiles: Iterable[str]) -> list[MoleculeGraph]:
    """`graph_of` for each."""
    return [graph_of(text) for text in smiles]
