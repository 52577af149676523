"""Drugs, the interactions known between them, and the biomedical network around them.

Notation: D drugs, N entities (drugs first), T interaction types, K relations of the network.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from core.errors import ShapeError
from core.knowledge.graph import Source


@dataclass(frozen=True)
class InteractionType:
    """A kind of interaction.

    Attributes:
        id: short id, unique in the network.
        text: sentence with the two drugs as ``#Drug1`` and ``#Drug2``; #Drug1 is the head.
        mechanism: class of mechanism, such as ``PK metabolism``; empty when unknown.
        direction: ``up`` or ``down``, empty when neither.
        symmetric: whether exchanging the drugs leaves the meaning unchanged.
    """

    id: str
    text: str
    mechanism: str = ""
    direction: str = ""
    symmetric: bool = False

    def sentence(self, head: str, tail: str) -> str:
        """The text with two names in place."""
        parts = self.text.replace("#Drug1", "\0").replace("#Drug2", "\1")
        return parts.replace("\0", head).replace("\1", tail)


@dataclass(frozen=True)
class Relation:
    """A kind of edge of the biomedical network.

    Attributes:
        id: short id, such as ``CbG``.
        name: words between head and tail, "head NAME tail" reads as a sentence.
        symmetric: whether head and tail may be exchanged.
    """

    id: str
    name: str
    symmetric: bool = False


@dataclass(frozen=True)
class EdgeNote:
    """What is known about one edge beyond its relation.

    Attributes:
        text: words, such as ``strong inhibitor``.
        source: title of the document or data base.
        url: public address, empty when there is none.
        accessed: ISO date, empty when it does not apply.
        licence: terms of the source.
    """

    text: str
    source: str
    url: str = ""
    accessed: str = ""
    licence: str = ""


@dataclass(frozen=True, eq=False)
class DrugNetwork:
    """Drugs, interaction types and the network around the drugs. Interactions are kept apart.

    Attributes:
        name: id of the data set, such as ``drugbank``.
        entities: (N,) unique ids; the first D are the drugs.
        entity_names: (N,) readable names.
        kinds: (N,) kind of each entity, such as ``Compound``, ``Gene``, ``Side Effect``.
        smiles: (D,) structures, empty string when unknown.
        types: (T,) interaction types.
        relations: (K,) relations of the network.
        edges: (E, 3) int64, columns head, relation 0..K-1, tail; unique rows; inverses not stored.
        source: where the network comes from.
        notes: edge (head, relation, tail) to notes; edges without one have only `source`.
    """

    name: str
    entities: tuple[str, ...]
    entity_names: tuple[str, ...]
    kinds: tuple[str, ...]
    smiles: tuple[str, ...]
    types: tuple[InteractionType, ...]
    relations: tuple[Relation, ...]
    edges: np.ndarray
    source: Source
    notes: dict[tuple[int, int, int], tuple[EdgeNote, ...]]

    def __post_init__(self) -> None:
        n = len(self.entities)
        if not len(self.entity_names) == len(self.kinds) == n >= len(self.smiles):
            raise ShapeError(
                f"{n} entities need as many names and kinds and no more drugs; got "
                f"{len(self.entity_names)}, {len(self.kinds)} and {len(self.smiles)}."
            )
        if self.edges.ndim != 2 or self.edges.shape[1] != 3:
            raise ShapeError(f"edges must be (E, 3), got {self.edges.shape}.")
        if len(self.edges):
            low, high = self.edges.min(0), self.edges.max(0)
            if low.min() < 0 or high[0] >= n or high[2] >= n or high[1] >= len(self.relations):
                raise ShapeError("edges name rows outside entities or relations.")

    @property
    def num_drugs(self) -> int:
        """D."""
        return len(self.smiles)

    @property
    def num_entities(self) -> int:
        """N."""
        return len(self.entities)

    @cached_property
    def directed(self) -> np.ndarray:
        """(T,) bool, types that say who acts on whom."""
        return np.array([not kind.symmetric for kind in self.types], dtype=bool)

    @property
    def num_types(self) -> int:
        """T."""
        return len(self.types)

    @property
    def num_relations(self) -> int:
        """K."""
        return len(self.relations)

    @cached_property
    def rows(self) -> dict[str, int]:
        """Entity id to row."""
        return {entity: row for row, entity in enumerate(self.entities)}

    @cached_property
    def degrees(self) -> np.ndarray:
        """(N,) edges of the network at each entity, interactions not counted."""
        return np.bincount(self.edges[:, [0, 2]].ravel(), minlength=self.num_entities)

    def with_edges(self, edges: np.ndarray) -> "DrugNetwork":
        """The same network with other edges."""
        return replace(self, edges=edges)


@dataclass(frozen=True, eq=False)
class InteractionSplit:
    """Interactions of one benchmark, divided. Rows are (head, type, tail), int64.

    Attributes:
        network: drugs, types and biomedical network.
        name: id, such as ``drugbank-random``.
        train: (n, 3) interactions between known drugs.
        parts: other parts by name, ``valid S1``, ``test S1``, ``test S2`` and so on.
        known_drugs: (D,) bool, drugs of the training part.
    """

    network: DrugNetwork
    name: str
    train: np.ndarray
    parts: dict[str, np.ndarray]
    known_drugs: np.ndarray


def hold_out(
    network: DrugNetwork, interactions: np.ndarray, *, seed: int = 0, share: float = 0.1
) -> InteractionSplit:
    """Hold out emerging drugs and their interactions, and some of those of known drugs.

    Args:
        network: drugs and network; a drug without an edge or an interaction never emerges.
        interactions: (n, 3) head, type, tail.
        seed: equal seeds give equal splits.
        share: part of the drugs in validation and again in test, below 0.5, and part of the
            interactions between known drugs in each of the parts S0.

    Returns:
        Parts ``valid S0`` to ``test S2``. S0: both drugs known; S1: one of the part's emerging
        drugs and a known one; S2: two of the part's emerging drugs. Interactions between a
        validation and a test drug are in no part.
    """
    draw = np.random.default_rng(seed)
    n = network.num_drugs
    takes_part = np.bincount(interactions[:, [0, 2]].ravel(), minlength=n) > 0
    candidates = draw.permutation(np.flatnonzero(takes_part & (network.degrees[:n] > 0)))
    size = round(share * len(candidates))
    group = np.zeros(n, np.int64)  # 0 known, 1 validation, 2 test
    group[candidates[:size]] = 1
    group[candidates[size : 2 * size]] = 2
    first, second = group[interactions[:, 0]], group[interactions[:, 2]]
    known = draw.permutation(np.flatnonzero((first == 0) & (second == 0)))
    cut = round(share * len(known))
    rows = {"valid S0": known[:cut], "test S0": known[cut : 2 * cut]}
    for number, name in ((1, "valid"), (2, "test")):
        one = (np.minimum(first, second) == 0) & (np.maximum(first, second) == number)
        rows[f"{name} S1"] = np.flatnonzero(one)
        rows[f"{name} S2"] = np.flatnonzero((first == number) & (second == number))
    return InteractionSplit(
        network,
        f"{network.name}-{seed}",
        interactions[np.sort(known[2 * cut :])],
        {name: interactions[np.sort(part)] for name, part in rows.items()},
        group == 0,
    )
