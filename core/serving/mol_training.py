"""The training molecule that is most like a candidate, where the data set's files are here.

A molecule that is much like one from training may get its prediction from memory of that one's
other labels. Fingerprints of the training molecules are computed at the first question and kept by
the process: about two seconds and 16 MB for Tox21.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from core.chemistry import MOLECULE_BITS, Molecule
from core.data import registry
from core.knowledge.similar_drugs import tanimoto
from core.serving.few_shot import FewShotModel

if TYPE_CHECKING:
    from core.data.molecules import Assays

PAPER = "-paper"  # end of the names of artifacts that were trained on every molecule


@dataclass(frozen=True)
class TrainingMolecule:
    """A molecule that the model was trained on.

    Attributes:
        smiles: as in the data set.
        similarity: Tanimoto to the candidate, 0 to 1.
        num_active: training assays in which it was active.
        num_measured: training assays in which it was measured.
    """

    smiles: str
    similarity: float
    num_active: int
    num_measured: int


@dataclass(frozen=True, eq=False)
class Pool:
    """The molecules of a training.

    Attributes:
        smiles: n molecules.
        bits: (n, 2048) uint8 fingerprints.
        labels: (n, T) int8 in the training assays, 1 active, 0 inactive, -1 not measured.
    """

    smiles: tuple[str, ...]
    bits: np.ndarray
    labels: np.ndarray

    def nearest(self, molecule: Molecule) -> TrainingMolecule:
        """The most similar one, the first where several are."""
        alike = tanimoto(molecule.bit_array()[None], self.bits)[0]
        best = int(alike.argmax())
        labels = self.labels[best]
        return TrainingMolecule(
            self.smiles[best],
            float(alike[best]),
            int((labels == 1).sum()),
            int((labels >= 0).sum()),
        )


def nearest(model: FewShotModel, molecule: Molecule) -> TrainingMolecule | None:
    """The training molecule most like a candidate; None where the data set is not on this server.

    Args:
        model: any model of an artifact.
        molecule: the candidate.
    """
    name = model.artifact.card.data.name
    if not is_here(name.removesuffix(PAPER)):
        return None
    return _pool(name).nearest(molecule)


def is_here(name: str) -> bool:
    """Whether all files of a data set lie in its folder; nothing is fetched."""
    known = any(name == one.name for one in registry.list_sets())
    return known and all(one.state == "ok" for one in registry.verify(name))


@lru_cache(maxsize=2)
def _pool(name: str) -> Pool:
    from core.data.molecules import held_out_scaffolds, load_assays  # loads RDKit

    assays = load_assays(name.removesuffix(PAPER))
    everyone = np.ones(len(assays), bool)
    return pool_of(assays, everyone if name.endswith(PAPER) else ~held_out_scaffolds(assays))


def pool_of(assays: "Assays", seen: np.ndarray) -> Pool:
    """Molecules that a training saw.

    Args:
        assays: all molecules.
        seen: (n,) bool.
    """
    from core.chemistry.structure import many_morgan_bits  # loads RDKit

    rows = np.flatnonzero(seen)
    smiles = tuple(assays.smiles[row] for row in rows)
    labels = assays.labels[np.ix_(rows, assays.meta_train)]
    return Pool(smiles, many_morgan_bits(smiles, size=MOLECULE_BITS), labels)
