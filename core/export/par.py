"""PAR's adaptation and answers as one ONNX model.

The gradient step of `core.function.par` becomes ordinary operators: `make_fx` writes down what
`torch.func.grad` computes, for any number of molecules, and that graph is exported.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from core.errors import ArtifactError
from core.export.onnx import compared, largest_difference, to_onnx
from core.function.par import ParHead
from core.serving.session import Session

INPUTS = ("support", "classes", "anchors", "query")
OUTPUTS = ("probability", "relations")
MAX_SWAPPED = 1e-3  # share of relations


class ParStep(nn.Module):
    """Adaptation to one task and answers, as in evaluation.

    Outputs: probability (Q,) of being active, relations (Q, S) to the support.
    """

    def __init__(self, head: ParHead) -> None:
        super().__init__()
        self.head = head

    def forward(
        self, support: Tensor, classes: Tensor, anchors: Tensor, query: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Answer the queries of one task.

        Args:
            support: (S, d) embeddings of the support.
            classes: (S, 2) one-hot, inactive first.
            anchors: (A, d) unlabelled molecules to adapt with; A may be 0.
            query: (Q, d).
        """
        state = self.head.adapt(support, classes, anchors)
        logits, relations = self.head.predict(state, query)
        return logits.softmax(-1)[:, 1], relations


class _Traced(nn.Module):
    """`ParStep` written down as operators, under the names of its inputs."""

    def __init__(self, step: ParStep, feeds: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.step = step
        self.graph = make_fx(
            lambda values, *inputs: functional_call(step, values, inputs), tracing_mode="symbolic"
        )(dict(step.named_parameters()), *(torch.from_numpy(feeds[name]) for name in INPUTS))

    def forward(
        self, support: Tensor, classes: Tensor, anchors: Tensor, query: Tensor
    ) -> tuple[Tensor, Tensor]:
        values = dict(self.step.named_parameters())
        return self.graph(values, support, classes, anchors, query)


def export_par(head: ParHead) -> bytes:
    """The head for any number of support molecules, anchors and queries."""
    step = ParStep(head.cpu().eval()).eval()
    feeds = _feeds(head, support=(6, 5), anchors=3, queries=7)
    traced = _Traced(step, feeds).eval()
    return to_onnx(traced, feeds, OUTPUTS, dynamic=dict.fromkeys(INPUTS, (0,)))


def parity_par(head: ParHead, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime over sizes that were not exported.

    Sizes: one molecule per class, one query, no anchors; the sizes of training; unequal classes; a
    large support; many queries. Which neighbours are kept is a matter of rank: where two are equal
    up to rounding, either may be. Such relations are counted instead of subtracted.

    Raises:
        ArtifactError: more than `MAX_SWAPPED` of the relations are kept by one of the two only.
    """
    worst, swapped, total = 0.0, 0, 0
    step = ParStep(head.cpu().eval()).eval()
    for answers, (ours, theirs) in compared(step, session, _cases(head), OUTPUTS):
        differ = (ours > 0) != (theirs > 0)
        swapped, total = swapped + int(differ.sum()), total + differ.size
        same = largest_difference(ours[~differ], theirs[~differ])
        worst = max(worst, largest_difference(*answers), same)
    if swapped > MAX_SWAPPED * total:
        raise ArtifactError(
            f"ONNX Runtime and torch keep different neighbours: {swapped} of {total} relations."
        )
    return worst


def _cases(head: ParHead) -> Iterator[dict[str, np.ndarray]]:
    yield _feeds(head, support=(1, 1), anchors=0, queries=1)
    yield _feeds(head, support=(1, 1), anchors=1, queries=2)
    yield _feeds(head, support=(10, 10), anchors=16, queries=64)
    yield _feeds(head, support=(4, 9), anchors=2, queries=200)
    yield _feeds(head, support=(64, 64), anchors=0, queries=5)


def _feeds(
    head: ParHead, *, support: tuple[int, int], anchors: int, queries: int
) -> dict[str, np.ndarray]:
    """Random embeddings; `support` counts molecules by class."""
    dim = head.aware.attend.in_features
    rng = np.random.default_rng([*support, anchors, queries])
    rows = (sum(support), anchors, queries)
    given, unlabelled, asked = (rng.normal(size=(n, dim)).astype(np.float32) for n in rows)
    classes = np.eye(2, dtype=np.float32)[np.repeat([0, 1], support)]
    return dict(zip(INPUTS, (given, classes, unlabelled, asked), strict=True))
