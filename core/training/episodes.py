"""What few-shot methods are trained on: tasks of few labelled molecules."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.errors import ShapeError
from core.knowledge.molecules import MoleculeStore

UNKNOWN = -1  # a label that was not measured


@dataclass(frozen=True, eq=False)
class Potencies:
    """Measured potencies for a warm start.

    Attributes:
        store: n molecules.
        molecule: (m,) molecule of each value, ascending.
        target: (m,) protein target of each value, 0..T-1.
        value: (m,) float32, centred and scaled within its target.
    """

    store: MoleculeStore
    molecule: np.ndarray
    target: np.ndarray
    value: np.ndarray


@dataclass(frozen=True, eq=False)
class FewShotTask:
    """Assays to learn from.

    Attributes:
        name: data set and protocol.
        source: data set.
        store: n molecules.
        labels: (n, T) int8, 1 active, 0 inactive, -1 not measured.
        train: columns that are learned.
        usable: (n,) bool, molecules that may be seen while training.
        potencies: loads what the warm start begins with.
    """

    name: str
    source: str
    store: MoleculeStore
    labels: np.ndarray
    train: np.ndarray
    usable: np.ndarray
    potencies: Callable[[], Potencies]

    def __post_init__(self) -> None:
        if len(self.labels) != len(self.store) or self.usable.shape != (len(self.store),):
            raise ShapeError("labels, usable and store must have one row per molecule.")

    def molecules(self, column: int, label: int) -> np.ndarray:
        """Usable molecules with a label in an assay, ascending."""
        return np.flatnonzero((self.labels[:, column] == label) & self.usable)


@dataclass(frozen=True, eq=False)
class Episodes:
    """T tasks of the same size, drawn together.

    Attributes:
        rows: (m,) molecules of the store, those of all tasks.
        support: (T, S) positions in `rows`.
        classes: (T, S, 2) float32 one-hot, inactive first; a zero row is padding.
        query: (T, Q) positions in `rows`.
        labels: (T, Q) int64.
        mask: (T, Q) float32, 0 where there is no query.
    """

    rows: np.ndarray
    support: np.ndarray
    classes: np.ndarray
    query: np.ndarray
    labels: np.ndarray
    mask: np.ndarray


def draw_episodes(
    task: FewShotTask,
    columns: np.ndarray,
    *,
    shots: int,
    num_queries: int,
    rng: np.random.Generator,
    swapped: float = 0.0,
) -> Episodes:
    """One episode per column: `shots` inactive and active molecules and balanced queries.

    Queries are half active where there are enough; the published training draws them in the
    assay's own proportion, with which most of MUV's episodes would have no active query.

    Args:
        task: assays.
        columns: (T,) which of them.
        shots: support molecules per class; assays with fewer give what they have but one.
        num_queries: Q, even.
        rng: source of the draw.
        swapped: share of the episodes in which active and inactive change places, so that only the
            support can tell which is which.

    Raises:
        ShapeError: an assay has fewer than two molecules of a class.
    """
    rows, classes, labels, mask = [], [], [], []
    for column in columns:
        parts = [rng.permutation(task.molecules(column, label)) for label in (0, 1)]
        if min(map(len, parts)) < 2:
            raise ShapeError(f"assay {column} has fewer than two molecules of a class.")
        cuts = [min(shots, len(part) - 1) for part in parts]
        support = [part[:cut] for part, cut in zip(parts, cuts, strict=True)]
        query = [part[cut:][: num_queries // 2] for part, cut in zip(parts, cuts, strict=True)]
        spare = num_queries - sum(map(len, query))
        query[0] = parts[0][cuts[0] :][: len(query[0]) + spare]
        given, asked = np.concatenate(support), np.concatenate(query)
        num_free, num_blank = 2 * shots - len(given), num_queries - len(asked)
        rows += [given, np.repeat(given[:1], num_free), asked, np.repeat(given[:1], num_blank)]
        one_hot = np.zeros((2 * shots, 2), np.float32)
        one_hot[np.arange(len(given)), np.repeat([0, 1], cuts)] = 1
        classes.append(one_hot)
        labels.append(np.pad(task.labels[asked, column].astype(np.int64), (0, num_blank)))
        mask.append(np.arange(num_queries) < len(asked))
    size = 2 * shots + num_queries
    place = np.arange(len(columns) * size).reshape(len(columns), size)
    swap = rng.random(len(columns)) < swapped
    both, wanted = np.stack(classes), np.stack(labels)
    both[swap], wanted[swap] = both[swap][..., ::-1], 1 - wanted[swap]
    return Episodes(
        np.concatenate(rows),
        place[:, : 2 * shots],
        both,
        place[:, 2 * shots :],
        wanted,
        np.stack(mask).astype(np.float32),
    )
