"""Molecule encoders, and few-shot networks of any method, as ONNX models."""

from collections.abc import Iterator

import numpy as np
from torch import Tensor, nn

from core.export.onnx import parity, to_onnx
from core.function.gin import GinEncoder, GraphTensors
from core.knowledge.molecules import MoleculeGraph, MoleculeStore
from core.serving.session import Session

OUTPUTS = ("embeddings",)
DYNAMIC = dict.fromkeys(("atoms", "bonds", "source", "target", "molecule", "sizes"), (0,))


class EncoderStep(nn.Module):
    """A GinEncoder called with the arrays of a batch."""

    def __init__(self, encoder: GinEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(
        self,
        atoms: Tensor,
        bonds: Tensor,
        source: Tensor,
        target: Tensor,
        molecule: Tensor,
        sizes: Tensor,
    ) -> Tensor:
        """Embeddings (M, d) of a `core.knowledge.molecules.MoleculeBatch`."""
        return self.encoder(GraphTensors(atoms, bonds, source, target, molecule, sizes))


def export_encoder(encoder: GinEncoder) -> bytes:
    """For any number of molecules, atoms and bonds."""
    step = EncoderStep(encoder.cpu()).eval()
    return to_onnx(step, random_feeds(4, 9), OUTPUTS, dynamic=DYNAMIC)


def parity_encoder(encoder: GinEncoder, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime at sizes that were not exported.

    Sizes: one atom without bonds; many molecules; one large molecule.
    """
    return parity(EncoderStep(encoder.cpu()).eval(), session, _cases(), OUTPUTS)


def _cases() -> Iterator[dict[str, np.ndarray]]:
    yield random_feeds(1, 1)
    yield random_feeds(60, 20)
    yield random_feeds(1, 200)


def random_feeds(num_molecules: int, num_atoms: int) -> dict[str, np.ndarray]:
    """Random trees with some rings of up to `num_atoms` atoms, as an encoder takes them."""
    rng = np.random.default_rng(num_molecules + num_atoms)
    graphs = []
    for size in rng.integers((num_atoms + 1) // 2, num_atoms + 1, num_molecules):
        ends = {(int(rng.integers(0, atom)), atom) for atom in range(1, size)}
        ends |= {(min(pair), max(pair)) for pair in rng.integers(0, size, (size // 4, 2)).tolist()}
        both = [(a, b, *kind) for a, b in sorted(ends) if a != b
                for kind in [rng.integers(0, [4, 3]).tolist()]]  # fmt: skip
        bonds = np.array(both, np.int16).reshape(-1, 4)
        graphs.append(
            MoleculeGraph(
                rng.integers(0, [118, 3], (size, 2)).astype(np.uint8),
                np.concatenate([bonds, bonds[:, [1, 0, 2, 3]]]),
            )
        )
    return MoleculeStore.of(graphs).take(np.arange(num_molecules)).feeds()
