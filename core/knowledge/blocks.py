"""Block structures: which bilinear scoring function a knowledge graph is read with.

Source: Zhang, Yao, Dai & Chen, "AutoSF", ICDE 2020; Zhang, Yao & Kwok, "Bilinear Scoring Function
Search for Knowledge Graph Learning" (AutoBLM, AutoBLM+), TPAMI 2023; section 3.1 of the parsimony
paper.

Head h, relation r and tail t are cut into K chunks. A structure is a K x K table A with entries in
-K..K, and the score is a signed sum of three-way dot products, one per filled cell:

    f_A(h, r, t) = sum over cells with A[i][j] != 0 of sign(A[i][j]) <h_i, r_|A[i][j]|, t_j>

Two structures are the same model when they differ by the order of the entity chunks (rows and
columns together), the numbering of the relation chunks, or the sign of a relation chunk: 9,216
ways of writing one model for K = 4.

Differs from the paper: full rank is decided with large random whole numbers and exact arithmetic,
where the published code puts the numbers 1..4 in and can refuse a good structure by accident; the
smallest of K! written forms stands for all 9,216. A new structure is a child of two parents half of
the time and of one parent otherwise, as published; the population it comes from is the caller's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product

import numpy as np

from core.errors import ShapeError

GENERIC = 2**31  # chunk values are drawn below it; a wrong verdict has probability K / GENERIC
MAX_FAILURES = 100  # draws in a row without a new proper structure, after which proposing ends


@dataclass(frozen=True)
class BlockStructure:
    """A bilinear scoring function over K chunks.

    Attributes:
        cells: (K, K); row = head chunk, column = tail chunk, entry = number 1..K of the relation
            chunk with the block's sign, 0 for no block.
    """

    cells: tuple[tuple[int, ...], ...]

    @property
    def num_chunks(self) -> int:
        """K."""
        return len(self.cells)

    @property
    def num_blocks(self) -> int:
        """Filled cells, which is the number of three-way products of one score."""
        return sum(map(bool, self._flat))

    @property
    def _flat(self) -> tuple[int, ...]:
        return tuple(value for row in self.cells for value in row)

    def tensor(self) -> np.ndarray:
        """(K, K, K) int8 in {-1, 0, 1}; axes head chunk, relation chunk, tail chunk."""
        k = self.num_chunks
        result = np.zeros((k, k, k), dtype=np.int8)
        for head, row in enumerate(self.cells):
            for tail, value in enumerate(row):
                if value:
                    result[head, abs(value) - 1, tail] = 1 if value > 0 else -1
        return result

    def canonical(self) -> "BlockStructure":
        """The smallest table among all that write the same model."""
        k = self.num_chunks
        smallest = min(
            _relabelled([self.cells[i][j] for i in order for j in order])
            for order in permutations(range(k))
        )
        return _from_flat(smallest)

    def is_proper(self, rng: np.random.Generator) -> bool:
        """Every relation chunk occurs, and the table has full rank for generic chunk values.

        Args:
            rng: draws the values. A table of full rank is refused with probability at most
                K / 2^31; one that is not of full rank is never accepted.
        """
        flat, k = self._flat, self.num_chunks
        if len({abs(value) for value in flat if value}) < k:
            return False
        values = [0, *(int(value) for value in rng.integers(1, GENERIC, k))]
        filled = [[values[abs(a)] * (1 if a > 0 else -1) for a in row] for row in self.cells]
        return _has_full_rank(filled)

    def features(self) -> np.ndarray:
        """What the structure can express: its symmetry-related features.

        Put one whole number in -K..K, not all zero, in place of every relation chunk. Of all such
        assignments, those with a zeros and b different absolute values besides zero form class
        K a - a (a - 1) / 2 + b - 1. A feature says whether some assignment of the class turns the
        table into a symmetric (first half) or skew-symmetric (second half) one that is not zero.

        Returns:
            (K (K + 1),) bool; 20 for K = 4.
        """
        k = self.num_chunks
        values, classes = _assignments(k)
        table = np.array(self.cells)
        filled = values[:, np.abs(table)] * np.sign(table).astype(np.int8)  # (n, K, K)
        mirrored, used = filled.swapaxes(1, 2), filled.any((1, 2))
        result = np.zeros((2, k * (k + 1) // 2), dtype=bool)
        result[0, classes[used & (filled == mirrored).all((1, 2))]] = True
        result[1, classes[used & (filled == -mirrored).all((1, 2))]] = True
        return result.ravel()

    @property
    def can_be_symmetric(self) -> bool:
        """Whether some relation scores (h, t) and (t, h) alike for all entities."""
        return bool(np.split(self.features(), 2)[0].any())

    @property
    def can_be_skew(self) -> bool:
        """Whether some relation scores (h, t) and (t, h) as opposites for all entities."""
        return bool(np.split(self.features(), 2)[1].any())

    def formula(self, *, latex: bool = False) -> str:
        """The score as a signed sum such as ``⟨h1, r1, t1⟩ − ⟨h2, r3, t4⟩``; ``0`` without blocks.

        Args:
            latex: True for LaTeX, False for plain text.
        """
        product = r"\langle h_{}, r_{}, t_{} \rangle" if latex else "⟨h{}, r{}, t{}⟩"
        minus = "-" if latex else "−"
        text = ""
        for head, row in enumerate(self.cells, 1):
            for tail, value in enumerate(row, 1):
                if value:
                    sign = "+" if value > 0 else minus
                    text += f" {sign} " if text else sign.strip("+")
                    text += product.format(head, abs(value), tail)
        return text or "0"

    def __str__(self) -> str:
        return self.formula()

    def to_json(self) -> list[list[int]]:
        """The table as lists of whole numbers."""
        return [list(row) for row in self.cells]

    @classmethod
    def from_json(cls, value: object) -> "BlockStructure":
        """Read a table written by a person or by `to_json`.

        Raises:
            ShapeError: the value is not a square table of whole numbers in -K..K.
        """
        rows = value if isinstance(value, list) else []
        k = len(rows)
        square = k > 0 and all(isinstance(row, list) and len(row) == k for row in rows)
        if not square or not all(type(a) is int and abs(a) <= k for row in rows for a in row):
            raise ShapeError(
                f"{str(value)[:80]} is not a block structure. Give K rows of K whole numbers from "
                "-K to K, such as [[1, 0], [0, -2]]."
            )
        return cls(tuple(tuple(row) for row in rows))


def _from_flat(flat: Sequence[int]) -> BlockStructure:
    k = round(len(flat) ** 0.5)
    return BlockStructure(tuple(tuple(flat[i * k : (i + 1) * k]) for i in range(k)))


def _relabelled(flat: Sequence[int]) -> tuple[int, ...]:
    """Relation chunks numbered by first appearance, each with a plus sign there."""
    names = {0: 0}
    for value in flat:
        if value not in names:
            number = len(names) // 2 + 1
            names[value], names[-value] = number, -number
    return tuple(names[value] for value in flat)


def _has_full_rank(rows: list[list[int]]) -> bool:
    """Whether the determinant of a table of whole numbers is not zero.

    Source: Bareiss, Mathematics of Computation 22 (1968): elimination without fractions, exact.
    """
    rows, previous = [list(row) for row in rows], 1
    for i in range(len(rows)):
        pivot = next((row for row in range(i, len(rows)) if rows[row][i]), None)
        if pivot is None:
            return False
        rows[i], rows[pivot] = rows[pivot], rows[i]
        for row in rows[i + 1 :]:
            for j in range(i + 1, len(rows)):
                row[j] = (row[j] * rows[i][i] - row[i] * rows[i][j]) // previous
        previous = rows[i][i]
    return True


@cache
def _assignments(k: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, 1 + K) int8 values of no block and of each relation chunk, and (n,) their classes."""
    chosen = np.array(list(product(range(-k, k + 1), repeat=k)), dtype=np.int8)
    chosen = chosen[chosen.any(1)]
    zeros = (chosen == 0).sum(1)
    different = sum((np.abs(chosen) == value).any(1).astype(int) for value in range(1, k + 1))
    classes = k * zeros - zeros * (zeros - 1) // 2 + different - 1
    return np.pad(chosen, ((0, 0), (1, 0))), classes


NAMED: dict[str, BlockStructure] = {
    "DistMult": BlockStructure(((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0), (0, 0, 0, 4))),
    "ComplEx": BlockStructure(((1, 0, 3, 0), (0, 2, 0, 4), (-3, 0, 1, 0), (0, -4, 0, 2))),
    "SimplE": BlockStructure(((0, 0, 1, 0), (0, 0, 0, 2), (3, 0, 0, 0), (0, 4, 0, 0))),
    "Analogy": BlockStructure(((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 4), (0, 0, -4, 3))),
    "CP": BlockStructure(((0, 0, 1, 0), (0, 0, 0, 2), (0, 0, 0, 0), (0, 0, 0, 0))),
}
"""Published models as structures. ComplEx: chunks 1, 2 are real parts and 3, 4 imaginary parts.
CP gives every entity one half for use as head and one for use as tail; it leaves rows and relation
chunks empty, so it is not proper: a search may start from it and never proposes its like."""

FOUR_BLOCK: tuple[BlockStructure, ...] = (
    BlockStructure(((0, 0, 0, 1), (0, 0, 2, 0), (0, 3, 0, 0), (4, 0, 0, 0))),
    BlockStructure(((0, 0, 0, 1), (0, 0, 2, 0), (3, 0, 0, 0), (0, 4, 0, 0))),
    BlockStructure(((0, 0, 0, 1), (0, 2, 0, 0), (0, 0, 3, 0), (4, 0, 0, 0))),
    BlockStructure(((0, 0, 0, 1), (0, 2, 0, 0), (3, 0, 0, 0), (0, 0, 4, 0))),
    BlockStructure(((1, 0, 0, 0), (0, 2, 0, 0), (0, 0, 3, 0), (0, 0, 0, 4))),
)
"""The proper structures of four blocks, canonical: one per way a permutation of four decomposes."""


def nearest_named(structure: BlockStructure) -> tuple[str, int]:
    """The named model that the structure is most like.

    Args:
        structure: of four chunks.

    Returns:
        Its name, the first of equals, and in how many of the 16 cells the two differ when the
        structure is written in the way, of all 9,216, that agrees best.
    """
    different = {name: _num_different(structure, named) for name, named in NAMED.items()}
    name = min(different, key=lambda name: different[name])
    return name, different[name]


def _num_different(structure: BlockStructure, other: BlockStructure) -> int:
    """Cells that differ under the best rewriting of `structure`."""
    k = structure.num_chunks
    orders = np.array(list(permutations(range(k))))  # (K!, K)
    mine, theirs = structure.tensor().astype(int), other.tensor().astype(int)
    moved = mine[orders[:, :, None], :, orders[:, None, :]].swapaxes(2, 3)  # (K!, head, rel., tail)
    signed = np.einsum("ohkt,hlt->okl", moved, theirs)
    filled = np.einsum("ohkt,hlt->okl", np.abs(moved), np.abs(theirs))
    equal = (filled + np.abs(signed)) // 2  # cells won by naming k as l, with the better sign
    named = equal[:, np.arange(k), orders].sum(2).max(1)  # (K!,): best numbering for each order
    empty = (~moved.any(2) & ~theirs.any(1)).sum((1, 2))
    return int(k * k - (named + empty).max())


def propose_evolution(
    parents: Sequence[BlockStructure],
    seen: Iterable[BlockStructure],
    rng: np.random.Generator,
    num: int,
) -> list[BlockStructure]:
    """New structures by crossover and mutation (AutoBLM+).

    Half of the time every cell comes from either of two parents, followed by a mutation one time in
    five; else one parent is mutated. A mutation redraws each cell with probability 2 / K^2.

    Args:
        parents: at least one; crossover needs two.
        seen: structures that have been tried.
        rng: the only source of chance.
        num: structures wanted.

    Returns:
        Up to `num` proper structures, none equivalent to another or to one seen; fewer when 100
        draws in a row gave nothing new.
    """
    k = parents[0].num_chunks

    def mutated(table: np.ndarray) -> np.ndarray:
        redrawn = rng.random((k, k)) < 2 / k**2
        return np.where(redrawn, rng.integers(-k, k + 1, (k, k)), table)

    def child() -> np.ndarray:
        if len(parents) > 1 and rng.random() < 0.5:
            pair = rng.choice(len(parents), 2, replace=False)
            first, second = (np.array(parents[i].cells) for i in pair)
            crossed = np.where(rng.random((k, k)) < 0.5, first, second)
            return mutated(crossed) if rng.random() < 0.2 else crossed
        return mutated(np.array(parents[rng.integers(len(parents))].cells))

    return _proper_and_new(child, seen, rng, num)


def propose_progressive(
    parents: Sequence[BlockStructure],
    seen: Iterable[BlockStructure],
    rng: np.random.Generator,
    num: int,
) -> list[BlockStructure]:
    """New structures with two more blocks than a parent (AutoBLM): random cell, chunk and sign.

    Args:
        parents: structures of the level below; those without two empty cells are passed over.
        seen: structures that have been tried.
        rng: the only source of chance.
        num: structures wanted.

    Returns:
        As `propose_evolution`; nothing when no parent has room.
    """
    k = parents[0].num_chunks
    tables = [np.array(parent.cells) for parent in parents if parent.num_blocks <= k * k - 2]

    def child() -> np.ndarray:
        table = tables[rng.integers(len(tables))].copy()
        empty = rng.choice(np.flatnonzero(table == 0), 2, replace=False)
        table.flat[empty] = rng.integers(1, k + 1, 2) * rng.choice([-1, 1], 2)
        return table

    return _proper_and_new(child, seen, rng, num) if tables else []


def _proper_and_new(
    draw: Callable[[], np.ndarray],
    seen: Iterable[BlockStructure],
    rng: np.random.Generator,
    num: int,
) -> list[BlockStructure]:
    known = {structure.canonical() for structure in seen}
    found: list[BlockStructure] = []
    failures = 0
    while len(found) < num and failures < MAX_FAILURES:
        candidate = _from_flat(draw().ravel().tolist())
        form = candidate.canonical()
        if form in known or not candidate.is_proper(rng):
            failures += 1
        else:
            known.add(form)
            found.append(candidate)
            failures = 0
    return found
