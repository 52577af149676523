"""Few-shot networks whose encoder does not depend on the task, and prototypes over it.

Source of prototypes: Snell, Swersky and Zemel, "Prototypical Networks for Few-shot Learning",
NeurIPS 2017, equations (1) and (2), with a learned scale of the squared distance.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.function.gin import GinEncoder, GraphTensors


class EmbeddingNetwork(nn.Module):
    """An encoder and a head that only sees embeddings.

    The head offers ``loss(support, classes, query, labels, mask)``, ``adapt(support (S, d),
    classes (S, 2))`` -> state of one task, and ``answer(state, query (Q, d))`` -> probability (Q,).

    Args:
        encoder: of molecules.
        head: as above.
    """

    def __init__(self, encoder: GinEncoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def loss(
        self,
        graph: GraphTensors,
        support: Tensor,
        classes: Tensor,
        query: Tensor,
        labels: Tensor,
        mask: Tensor,
    ) -> Tensor:
        """Mean loss of episodes; shapes as in `core.training.episodes`."""
        g = self.encoder(graph)
        return self.head.loss(g[support], classes, g[query], labels, mask)

    def adapt(self, graph: GraphTensors, classes: Tensor) -> Any:  # noqa: ANN401
        """State of one task from its support molecules."""
        return self.head.adapt(self.encoder(graph), classes)

    def answer(self, state: Any, graph: GraphTensors) -> Tensor:  # noqa: ANN401
        """Probability (Q,) of being active."""
        return self.head.answer(state, self.encoder(graph))


class PrototypeHead(nn.Module):
    """Softmax over the squared distances to the mean embedding of each class.

    Args:
        dim: d.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(-torch.log(torch.tensor(float(dim))))

    def forward(self, support: Tensor, classes: Tensor, query: Tensor) -> Tensor:
        """Logits (T, Q, 2) of inactive and active.

        Args:
            support: (T, S, d).
            classes: (T, S, 2) one-hot, zero rows for padding.
            query: (T, Q, d).
        """
        return self._compare(self._means(support, classes), query)

    def loss(
        self, support: Tensor, classes: Tensor, query: Tensor, labels: Tensor, mask: Tensor
    ) -> Tensor:
        """Cross entropy of the queries under the mask."""
        return masked_cross_entropy(self(support, classes, query), labels, mask)

    def adapt(self, support: Tensor, classes: Tensor) -> Tensor:
        """Class means (2, d) of one task: support (S, d), classes (S, 2)."""
        return self._means(support, classes)

    def answer(self, state: Tensor, query: Tensor) -> Tensor:
        """Probability (Q,) of being active for queries (Q, d)."""
        return self._compare(state, query).softmax(-1)[..., 1]

    def _means(self, support: Tensor, classes: Tensor) -> Tensor:
        return classes.transpose(-1, -2) @ support / classes.sum(-2).unsqueeze(-1)

    def _compare(self, means: Tensor, query: Tensor) -> Tensor:
        away = (query.unsqueeze(-2) - means.unsqueeze(-3)).square().sum(-1)
        return -self.log_scale.exp() * away


def masked_cross_entropy(logits: Tensor, labels: Tensor, mask: Tensor) -> Tensor:
    """Mean over the queries that are there.

    Args:
        logits: (T, Q, 2).
        labels: (T, Q) int64.
        mask: (T, Q) float, 0 where there is no query.
    """
    each = functional.cross_entropy(logits.transpose(1, 2), labels, reduction="none")
    return (each * mask).sum() / mask.sum()
