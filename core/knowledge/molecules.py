"""Molecules as graphs of atoms and bonds, many of them in one store.

Features follow the convention of pre-trained molecular GNNs (Hu et al., "Strategies for
Pre-training Graph Neural Networks", ICLR 2020): two integers per atom, two per bond. A layer only
needs to know how many bonds of each kind end at an atom, so a batch carries these counts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import ShapeError

NUM_ELEMENTS = 120  # atomic number - 1, an unknown element, a masked atom (published, not used)
UNKNOWN_ELEMENT = 118
NUM_CHIRALITIES = 3  # unspecified, clockwise, counter-clockwise
NUM_BOND_TYPES = 6  # single, double, triple, aromatic, self-loop, masked (published, not used)
SELF_LOOP = 4
NUM_BOND_DIRECTIONS = 3  # none, end up right, end down right
NUM_BOND_KINDS = NUM_BOND_TYPES + NUM_BOND_DIRECTIONS


@dataclass(frozen=True, eq=False)
class MoleculeGraph:
    """One molecule.

    Attributes:
        atoms: (a, 2) uint8: element row and chirality.
        bonds: (b, 4) int16: source atom, target atom, type, direction; each bond twice.
    """

    atoms: np.ndarray
    bonds: np.ndarray

    def without(self, atoms: Collection[int]) -> "MoleculeGraph":
        """The molecule without some atoms and their bonds; the rest is numbered anew.

        Raises:
            ShapeError: no atom would be left.
        """
        keep = np.ones(len(self.atoms), dtype=bool)
        keep[list(atoms)] = False
        if not keep.any():
            raise ShapeError("a molecule needs at least one atom.")
        place = np.cumsum(keep) - 1
        bonds = self.bonds[keep[self.bonds[:, :2]].all(1)].copy()
        bonds[:, :2] = place[bonds[:, :2]]
        return MoleculeGraph(self.atoms[keep], bonds)

    def to_json(self) -> dict[str, Any]:
        """Plain lists; `from_json` is the inverse."""
        return {"atoms": self.atoms.tolist(), "bonds": self.bonds.tolist()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "MoleculeGraph":
        """Read what `to_json` wrote."""
        return cls(
            np.array(value["atoms"], np.uint8).reshape(-1, 2),
            np.array(value["bonds"], np.int16).reshape(-1, 4),
        )


@dataclass(frozen=True, eq=False)
class MoleculeBatch:
    """Molecules side by side, as the encoder takes them.

    Attributes:
        atoms: (A, 2) int64.
        bonds: (A, 9) float32: how many bonds of each type, then of each direction, end at the atom,
            its self-loop included.
        source: (E,) int64 atom each message leaves, self-loops left out.
        target: (E,) int64 atom it enters, ascending.
        molecule: (A,) int64, ascending.
        sizes: (M,) float32 atoms of each molecule.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    source: np.ndarray
    target: np.ndarray
    molecule: np.ndarray
    sizes: np.ndarray

    def __len__(self) -> int:
        return len(self.sizes)

    def feeds(self) -> dict[str, np.ndarray]:
        """The arrays by name, as the exported encoder takes them."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, eq=False)
class MoleculeStore:
    """Many molecules in four arrays.

    Attributes:
        atoms: (A, 2) uint8 of all molecules, one after the other.
        bonds: (B, 4) int16 with atoms counted within their molecule, ascending targets.
        atom_start: (n+1,) int64 first atom of each molecule.
        bond_start: (n+1,) int64 first bond of each molecule.
    """

    atoms: np.ndarray
    bonds: np.ndarray
    atom_start: np.ndarray
    bond_start: np.ndarray

    @classmethod
    def of(cls, graphs: Sequence[MoleculeGraph]) -> "MoleculeStore":
        """From single molecules."""
        bonds = [graph.bonds[np.lexsort(graph.bonds[:, :2].T)] for graph in graphs]
        return cls(
            np.concatenate([graph.atoms for graph in graphs] or [np.zeros((0, 2), np.uint8)]),
            np.concatenate(bonds or [np.zeros((0, 4), np.int16)]),
            _starts([len(graph.atoms) for graph in graphs]),
            _starts([len(rows) for rows in bonds]),
        )

    def __len__(self) -> int:
        return len(self.atom_start) - 1

    def graph(self, row: int) -> MoleculeGraph:
        """One molecule."""
        return MoleculeGraph(
            self.atoms[self.atom_start[row] : self.atom_start[row + 1]],
            self.bonds[self.bond_start[row] : self.bond_start[row + 1]],
        )

    def take(self, rows: np.ndarray) -> MoleculeBatch:
        """Molecules (M,) as a batch, in this order; a molecule may come twice."""
        rows = np.asarray(rows, dtype=np.int64)
        atom, molecule = _ranges(self.atom_start, rows)
        bond, owner = _ranges(self.bond_start, rows)
        sizes = np.diff(self.atom_start)[rows]
        offset = np.cumsum(sizes) - sizes
        ends = self.bonds[bond, :2].astype(np.int64) + offset[owner][:, None]
        kinds = np.zeros((len(atom), NUM_BOND_KINDS), np.float32)
        kinds[:, [SELF_LOOP, NUM_BOND_TYPES]] = 1
        for column in (self.bonds[bond, 2], NUM_BOND_TYPES + self.bonds[bond, 3]):
            counts = np.bincount(ends[:, 1] * NUM_BOND_KINDS + column, minlength=kinds.size)
            kinds += counts.reshape(kinds.shape)
        return MoleculeBatch(
            self.atoms[atom].astype(np.int64),
            kinds,
            ends[:, 0],
            ends[:, 1],
            molecule,
            sizes.astype(np.float32),
        )

    def save(self, path: Path) -> None:
        """Write the arrays."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> "MoleculeStore":
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as saved:
            return cls(*(saved[field.name] for field in fields(cls)))


def _starts(sizes: Sequence[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64)


def _ranges(start: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions start[r]..start[r+1]-1 of every row r, and the place of the row they belong to."""
    sizes = np.diff(start)[rows]
    owner = np.repeat(np.arange(len(rows)), sizes)
    within = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return start[rows][owner] + within, owner
