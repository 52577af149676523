"""Gene regulation: expression over time, networks of who regulates whom, and how two agree.

A network is a matrix with regulators as rows and targets as columns; a positive entry activates, a
negative one represses, and zero is no edge. A *prior* is a network known before any measurement,
from motifs or binding experiments; an *effect matrix* is a network read out of a trained model.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import ShapeError

KEPT = "kept"  # in the prior and in the model
REFUSED = "refused"  # in the prior, but not in the model
NEW = "new"  # in the model, but not in the prior
CONTRADICTED = "contradicted"  # in both, activation in one and repression in the other


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Expression of all genes in one sample over time.

    Attributes:
        times: (T,) float64, increasing.
        values: (T, n) float32, NaN where not measured.
    """

    times: np.ndarray
    values: np.ndarray

    def __post_init__(self) -> None:
        if self.values.ndim != 2 or self.times.shape != self.values.shape[:1]:
            raise ShapeError(
                f"times {self.times.shape} and values {self.values.shape} must be (T,) and (T, n)."
            )
        if not (np.diff(self.times) > 0).all():
            raise ShapeError("times must increase.")


@dataclass(frozen=True, eq=False)
class Expression:
    """Expression of named genes in one or several samples.

    Attributes:
        genes: n names, none twice.
        samples: at least one trajectory.
    """

    genes: tuple[str, ...]
    samples: tuple[Trajectory, ...]

    def __post_init__(self) -> None:
        if len(set(self.genes)) != len(self.genes) or not self.samples:
            raise ShapeError("expression needs gene names, none twice, and at least one sample.")
        if any(sample.values.shape[1] != len(self.genes) for sample in self.samples):
            raise ShapeError(f"every sample needs {len(self.genes)} columns, one per gene.")

    def take(self, samples: Iterable[int]) -> "Expression":
        """Some of the samples, in that order."""
        return Expression(self.genes, tuple(self.samples[k] for k in samples))


def steps_of(
    samples: Sequence[Trajectory], means: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every pair of neighbouring time points of every sample.

    Nothing later than a step is used to fill what it begins with: that would tell what comes next.

    Args:
        samples: at least one, of the same n genes.
        means: (n,) what other genes see of one that was not measured.

    Returns:
        Expression before (m, n) without gaps and after (m, n), NaN where a gene was not measured at
        both ends of the step, float32; and the time between (m,) float32.
    """
    before = np.concatenate([sample.values[:-1] for sample in samples])
    after = np.concatenate([sample.values[1:] for sample in samples])
    between = np.concatenate([np.diff(sample.times) for sample in samples])
    unknown = np.isnan(before)
    filled = np.where(unknown, means, before).astype(np.float32)
    after = np.where(unknown, np.nan, after).astype(np.float32)
    return filled, after, between.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Network:
    """Who regulates whom.

    Attributes:
        genes: n names.
        matrix: (n, n) float32, regulators as rows, targets as columns; the sign is the direction of
            the effect, the size its strength.
        signed: whether signs mean anything; motif priors often know no direction.
    """

    genes: tuple[str, ...]
    matrix: np.ndarray
    signed: bool = True

    def __post_init__(self) -> None:
        if self.matrix.shape != (len(self.genes), len(self.genes)):
            raise ShapeError(
                f"a network of {len(self.genes)} genes needs a square matrix, got "
                f"{self.matrix.shape}."
            )

    @property
    def num_edges(self) -> int:
        """Entries that are not zero."""
        return int(np.count_nonzero(self.matrix))

    def edges(self) -> list[tuple[int, int]]:
        """Regulator and target of every edge, in the order of the matrix."""
        return [(int(i), int(j)) for i, j in zip(*np.nonzero(self.matrix), strict=True)]

    def relocated(self, share: float, rng: np.random.Generator) -> "Network":
        """A share of the edges moved, sign included, to random places where there is none.

        Sources and targets are drawn anew; the number of edges stays.
        """
        edges = self.edges()
        moved = rng.permutation(len(edges))[: round(share * len(edges))]
        free = np.flatnonzero(self.matrix.reshape(-1) == 0)
        places = rng.choice(free, len(moved), replace=False)
        matrix = self.matrix.copy()
        for k, place in zip(moved, places, strict=True):
            matrix.reshape(-1)[place] = self.matrix[edges[k]]
            matrix[edges[k]] = 0
        return Network(self.genes, matrix, self.signed)

    def in_order(self, genes: Sequence[str]) -> "Network":
        """The same edges among other genes or in another order; edges of other genes are left out.

        Raises:
            ShapeError: a gene is named twice.
        """
        if len(set(genes)) != len(genes):
            raise ShapeError("a gene is named twice.")
        place = {gene: k for k, gene in enumerate(self.genes)}
        known = [k for k, gene in enumerate(genes) if gene in place]
        rows = [place[genes[k]] for k in known]
        matrix = np.zeros((len(genes), len(genes)), self.matrix.dtype)
        matrix[np.ix_(known, known)] = self.matrix[np.ix_(rows, rows)]
        return Network(tuple(genes), matrix, self.signed)

    @staticmethod
    def from_edges(
        genes: Sequence[str], edges: Iterable[tuple[str, str, float]], *, signed: bool = True
    ) -> "Network":
        """From regulator, target and strength; genes not listed raise KeyError."""
        place = {gene: k for k, gene in enumerate(genes)}
        matrix = np.zeros((len(genes), len(genes)), np.float32)
        for regulator, target, strength in edges:
            matrix[place[regulator], place[target]] = strength
        return Network(tuple(genes), matrix, signed)


def classify(effect: np.ndarray, prior: Network) -> np.ndarray:
    """What became of every possible edge.

    Args:
        effect: (n, n) effect matrix of a model.
        prior: over the same genes in the same order.

    Returns:
        (n, n) of `KEPT`, `REFUSED`, `NEW`, `CONTRADICTED` and "" where neither has an edge. An
        unsigned prior contradicts nothing.
    """
    if effect.shape != prior.matrix.shape:
        raise ShapeError(f"effect {effect.shape} and prior {prior.matrix.shape} must agree.")
    found, known = effect != 0, prior.matrix != 0
    classes = np.full(effect.shape, "", object)
    classes[found & known] = KEPT
    classes[~found & known] = REFUSED
    classes[found & ~known] = NEW
    if prior.signed:
        classes[found & known & (np.sign(effect) != np.sign(prior.matrix))] = CONTRADICTED
    return classes
