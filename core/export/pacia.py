"""PACIA as two ONNX models: from a support to its card, from a card and molecules to answers."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from core.export.molecules import DYNAMIC, random_feeds
from core.export.onnx import parity, to_onnx
from core.function.gin import GraphTensors
from core.function.pacia import PaciaCard, PaciaNetwork
from core.serving.session import Session

TASK_OUTPUTS = ("adapter", "support")
OUTPUTS = ("logits", "depth", "relations")


class TaskStep(nn.Module):
    """The card of a support.

    Outputs: adapter (L, 2, d), support (S, w).
    """

    def __init__(self, network: PaciaNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        atoms: Tensor,
        bonds: Tensor,
        source: Tensor,
        target: Tensor,
        molecule: Tensor,
        sizes: Tensor,
        counts: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """Adapt to the S molecules of a batch; counts (S, 2): given as inactive, as active."""
        graph = GraphTensors(atoms, bonds, source, target, molecule, sizes)
        return self.network.adapt(graph, counts)[:2]


class QueryStep(nn.Module):
    """Answers under a card.

    Outputs: logits (Q, 2) and relations (Q, S) of the chosen depth, depth (Q, D) the share of each.
    Scores of depths grow to hundreds in training, so that only shares can be compared in digits.
    """

    def __init__(self, network: PaciaNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        atoms: Tensor,
        bonds: Tensor,
        source: Tensor,
        target: Tensor,
        molecule: Tensor,
        sizes: Tensor,
        adapter: Tensor,
        support: Tensor,
        counts: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Answer the Q molecules of a batch; adapter (L, 2, d), support (S, w), counts (S, 2)."""
        graph = GraphTensors(atoms, bonds, source, target, molecule, sizes)
        output = self.network.predict(PaciaCard(adapter, support, counts), graph)
        return (
            output.at_chosen(output.logits),
            output.depth.softmax(-1),
            output.at_chosen(output.relations),
        )


def export_pacia(network: PaciaNetwork) -> tuple[bytes, bytes]:
    """The model of the task and that of the queries, for any number of molecules in both."""
    network = network.cpu().eval()
    task = to_onnx(
        TaskStep(network).eval(),
        _task_feeds(5, 9),
        TASK_OUTPUTS,
        dynamic=DYNAMIC | {"counts": (0,)},
    )
    queries = to_onnx(
        QueryStep(network).eval(),
        _query_feeds(network, support=5, queries=4, num_atoms=9),
        OUTPUTS,
        dynamic=DYNAMIC | {"support": (0,), "counts": (0,)},
    )
    return task, queries


def parity_pacia(network: PaciaNetwork, task: Session, queries: Session) -> float:
    """Largest difference between torch and ONNX Runtime over sizes that were not exported.

    Sizes: one molecule per class; one query of one atom; many of both; a large support.
    """
    network = network.cpu().eval()
    return max(
        parity(TaskStep(network).eval(), task, _task_cases(), TASK_OUTPUTS),
        parity(QueryStep(network).eval(), queries, _query_cases(network), OUTPUTS),
    )


def _task_cases() -> Iterator[dict[str, np.ndarray]]:
    yield _task_feeds(2, 1)
    yield _task_feeds(20, 30)
    yield _task_feeds(128, 12)


def _query_cases(network: PaciaNetwork) -> Iterator[dict[str, np.ndarray]]:
    yield _query_feeds(network, support=2, queries=1, num_atoms=1)
    yield _query_feeds(network, support=7, queries=2, num_atoms=200)
    yield _query_feeds(network, support=20, queries=60, num_atoms=20)
    yield _query_feeds(network, support=128, queries=2, num_atoms=12)


def _task_feeds(num_molecules: int, num_atoms: int) -> dict[str, np.ndarray]:
    """Random molecules of two classes."""
    return random_feeds(num_molecules, num_atoms) | {"counts": _counts(num_molecules)}


def _query_feeds(
    network: PaciaNetwork, *, support: int, queries: int, num_atoms: int
) -> dict[str, np.ndarray]:
    """Random molecules under the card of others."""
    given = {name: torch.from_numpy(x) for name, x in _task_feeds(support, num_atoms).items()}
    with torch.inference_mode():
        card = TaskStep(network)(**given)
    arrays = dict(zip(TASK_OUTPUTS, (x.numpy() for x in card), strict=True))
    return random_feeds(queries, num_atoms + 1) | arrays | {"counts": _counts(support)}


def _counts(num_molecules: int) -> np.ndarray:
    return np.eye(2, dtype=np.float32)[np.arange(num_molecules) * 2 // num_molecules]
