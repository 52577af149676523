"""Guided pruning: which weights of a two-layer network go, by their size and by what is known.

Source: Hossain, Fischer, Burkholz & Quackenbush, "Pruning neural network models for gene regulatory
dynamics using data and domain knowledge" (DASH), NeurIPS 2024, arXiv 2403.04805, and their code.

The first layer W (h, n) reads n genes with h neurons, the second layer C (n, h) writes n genes. A
running score matrix S (h, n) says which neuron reads which gene. The prior asks of S that neurons
group genes that act together (partners), and of C that both layers together look like the prior
network: C S = |P|ᵀ, both in the sense of least squares. A weight's score mixes its own size with
what the prior asks of its place; weights with the lowest scores are removed.

Notation: h neurons, n genes, P (n, n) prior with regulators as rows, M (n, n) partners.

Differs from the paper: (1) both parts of a score are divided by their sums over the weights that
are left, so that the trust in the prior is a share; (2) the second layer uses S as the first layer
has just updated it, not as it was before; (3) weights of the multiplicative block are scored by
their size, not by their exponential, which hardly differs between small weights; (4) neurons that
have lost all their weights are left out of the least squares; (5) S starts with the regulators of
the prior grouped by their targets instead of random numbers.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.errors import ShapeError


@dataclass(frozen=True)
class Schedule:
    """When how much is pruned.

    Attributes:
        first_epoch: epoch, from 1, before which the first weights go; 0 prunes nothing.
        first_share: of all weights, removed then.
        every: epochs between further steps.
        further_share: of the weights that are left, removed at each further step.
    """

    first_epoch: int
    first_share: float
    every: int
    further_share: float

    def share(self, epoch: int) -> float:
        """Share of the weights left that goes before this epoch, counted from 1."""
        if not self.first_epoch or epoch < self.first_epoch:
            return 0.0
        if epoch == self.first_epoch:
            return self.first_share
        return 0.0 if (epoch - self.first_epoch) % self.every else self.further_share

    def towards(self, sparsity: float, num_epochs: int) -> "Schedule":
        """The same steps with shares that end at a sparsity after so many epochs."""
        num = sum(self.share(epoch) > 0 for epoch in range(self.first_epoch + 1, num_epochs + 1))
        first = min(self.first_share, sparsity) if num else sparsity
        further = 1 - ((1 - sparsity) / (1 - first)) ** (1 / num) if num else self.further_share
        return replace(self, first_share=first, further_share=further)

    def sparsity(self, num_epochs: int) -> float:
        """Share of the weights that are gone after so many epochs."""
        left = 1.0
        for epoch in range(1, num_epochs + 1):
            left *= 1 - self.share(epoch)
        return 1 - left


def partners_of(prior: np.ndarray) -> np.ndarray:
    """Genes that share targets in the prior, for want of measured partners: |P| |P|ᵀ, (n, n)."""
    return np.abs(prior) @ np.abs(prior).T


def groups_of(prior: np.ndarray, num_neurons: int) -> np.ndarray:
    """S before the first pruning: which neuron reads which regulator of the prior.

    Regulators with most targets get a neuron each; every further one joins the neuron of the
    regulator whose targets are most like its own, by the cosine, of equals the one with fewer
    targets so far. Neurons that are left over read nothing yet.

    Args:
        prior: (n, n) P.
        num_neurons: h.

    Returns:
        (h, n) float64 of 0 and 1.
    """
    targets = (prior != 0).astype(np.float64)  # (n, n)
    degree = targets.sum(axis=1)
    order = [i for i in np.argsort(-degree, kind="stable") if degree[i]]
    profile = targets / np.sqrt(np.maximum(degree, 1))[:, None]
    scores = np.zeros((num_neurons, len(prior)))
    own = order[:num_neurons]
    scores[np.arange(len(own)), own] = 1
    load = degree[own]
    for i in order[num_neurons:]:
        alike = profile[own] @ profile[i]
        neuron = np.lexsort((load, -alike.round(9)))[0]
        scores[neuron, i] = 1
        load[neuron] += degree[i]
    return scores


def reading_scores(
    weights: np.ndarray, mask: np.ndarray, scores: np.ndarray, partners: np.ndarray, trust: float
) -> np.ndarray:
    """Scores of the first layer; they are also the next S.

    Args:
        weights: (h, n) W.
        mask: (h, n) bool, weights that are left.
        scores: (h, n) S so far.
        partners: (n, n) M, at least 0.
        trust: 0 goes by the size of the weights only, 1 by the partners only.

    Returns:
        (h, n) (1 - trust) |W| + trust |(S Sᵀ)⁻¹ S M|, each part summing to 1 over the weights left;
        0 where a weight is gone.
    """
    _same_shape(weights, mask, scores)
    asked = np.linalg.pinv(scores.T) @ partners
    return _mixed(np.abs(weights), np.abs(asked), mask, trust)


def writing_scores(
    weights: np.ndarray, mask: np.ndarray, scores: np.ndarray, prior: np.ndarray, trust: float
) -> np.ndarray:
    """Scores of the second layer.

    Args:
        weights: (n, h) C, each row times the rate at which its gene follows, relu(υ).
        mask: (n, h) bool, weights that are left.
        scores: (h, n) S as `reading_scores` has just returned it.
        prior: (n, n) P; its signs do not count.
        trust: 0 goes by the size of the weights only, 1 by the prior only.

    Returns:
        (n, h) (1 - trust) |C| + trust |(S |P|)ᵀ (S Sᵀ)⁻¹|, each part summing to 1 over the weights
        left; 0 where a weight is gone.
    """
    _same_shape(weights, mask, scores.T)
    asked = np.abs(prior).T @ np.linalg.pinv(scores)
    return _mixed(np.abs(weights), np.abs(asked), mask, trust)


def prune(scores: np.ndarray, mask: np.ndarray, share: float) -> np.ndarray:
    """The mask without the lowest scores among the weights left.

    Args:
        scores: one for each weight.
        mask: same shape, bool.
        share: of the weights left; their number is rounded down, and of equal scores the first
            in the order of the matrix go first.

    Returns:
        A new mask; nothing comes back that was gone.
    """
    _same_shape(scores, mask)
    left = np.flatnonzero(mask)
    order = np.argsort(scores.reshape(-1)[left], kind="stable")
    thinner = mask.copy()
    thinner.reshape(-1)[left[order[: int(share * len(left))]]] = False
    return thinner


def _mixed(size: np.ndarray, asked: np.ndarray, mask: np.ndarray, trust: float) -> np.ndarray:
    return (1 - trust) * _share(size, mask) + trust * _share(asked, mask)


def _share(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Values that are left, divided by their sum; zeros where the sum is 0."""
    left = np.where(mask, values, 0.0)
    total = left.sum(dtype=np.float64)
    return left / total if total else left


def _same_shape(*matrices: np.ndarray) -> None:
    if len({matrix.shape for matrix in matrices}) > 1:
        raise ShapeError(f"shapes must agree, got {[matrix.shape for matrix in matrices]}.")
