"""A guess of how well a block structure will do, from what it can express.

Source: Zhang, Yao, Dai & Chen, "AutoSF", ICDE 2020, section 4.3, and AutoBLM's published code, by
the project's notes: a network 20 -> 2 -> 1 on the symmetry-related features, L1 loss, SGD with rate
0.01 and weight decay 0.1, 200 steps of 12 tried structures, labels blurred by +-0.02.

Differs from AutoBLM: five networks are fitted side by side and their predictions averaged, as in
AutoSF, because a single one with two hidden units often starts dead. Of 48 unseen structures on
UMLS, the eight picked lie above the mean validation MRR by .007 with five networks and by .002 with
one (24 structures and 8 known ones tried before, 40 repetitions, standard error .001). Most
structures differ little in what they can express, so more than a small gain is not to be expected.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from core.knowledge.blocks import BlockStructure

HIDDEN_DIM = 2
NUM_NETWORKS = 5
LEARNING_RATE = 0.01
WEIGHT_DECAY = 0.1
NUM_STEPS = 200
BATCH_SIZE = 12
LABEL_NOISE = 0.02  # half the width; scores closer than this are not told apart


class _Networks(nn.Module):
    """Independent networks features -> HIDDEN_DIM -> 1 in one tensor."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.first = nn.Parameter(_uniform(num_features, (num_features, HIDDEN_DIM)))
        self.first_bias = nn.Parameter(_uniform(num_features, (1, HIDDEN_DIM)))
        self.second = nn.Parameter(_uniform(HIDDEN_DIM, (HIDDEN_DIM, 1)))
        self.second_bias = nn.Parameter(_uniform(HIDDEN_DIM, (1, 1)))

    def forward(self, features: Tensor) -> Tensor:
        """(NUM_NETWORKS, n) predictions for features (n, ...), or (NUM_NETWORKS, n, ...)."""
        hidden = (features @ self.first + self.first_bias).relu()
        return (hidden @ self.second + self.second_bias).squeeze(2)


def rank_structures(
    tried: Sequence[BlockStructure],
    scores: Sequence[float],
    proposals: Sequence[BlockStructure],
    rng: np.random.Generator,
) -> list[BlockStructure]:
    """The proposals in the order of their predicted scores, most promising first.

    Args:
        tried: at least one structure.
        scores: one validation score for each, such as MRR.
        proposals: structures of as many chunks.
        rng: seeds initialisation, batches and label noise.

    Returns:
        All proposals; those with equal features keep their order.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        networks = _fit(_features(tried), torch.tensor(scores, dtype=torch.float32))
    with torch.no_grad():
        predicted = networks(_features(proposals)).mean(0)  # (num_proposals,)
    return [proposals[i] for i in predicted.argsort(descending=True, stable=True).tolist()]


def _features(structures: Sequence[BlockStructure]) -> Tensor:
    """(n, 20) float32."""
    return torch.from_numpy(np.stack([found.features() for found in structures])).float()


def _uniform(num_inputs: int, shape: tuple[int, int]) -> Tensor:
    """The usual start of a linear layer, once per network."""
    return (2 * torch.rand(NUM_NETWORKS, *shape) - 1) / num_inputs**0.5


def _fit(features: Tensor, scores: Tensor) -> _Networks:
    networks = _Networks(features.shape[1])
    optimizer = torch.optim.SGD(networks.parameters(), lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    for _ in range(NUM_STEPS):
        rows = torch.randint(len(scores), (NUM_NETWORKS, BATCH_SIZE))
        labels = scores[rows] + LABEL_NOISE * (2 * torch.rand(rows.shape) - 1)
        optimizer.zero_grad()
        (networks(features[rows]) - labels).abs().mean(1).sum().backward()
        optimizer.step()
    return networks
