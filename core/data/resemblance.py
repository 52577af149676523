"""Which drugs resemble which, computed from their structures, as edges of a drug network.

Hetionet joins compounds whose Dice coefficient of radius-2 Morgan counts is at least 0.5. It covers
no drug outside Hetionet, knows one grade only, and leaves a drug without a close relative alone.
Here every drug with a structure is joined to its relatives in three grades; one with fewer than
`NUM_NEAREST` of them is joined to its nearest ones too, however far. A new drug that comes with
nothing but a structure gets the same edges.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from core.chemistry.structure import CountTable, dice_to, many_morgan_counts
from core.errors import ShapeError
from core.knowledge.interactions import DrugNetwork, EdgeNote, Relation

GRADES = (  # relation, least Dice coefficient; chosen beforehand, not tuned
    (Relation("resembles-closely", "closely resembles", symmetric=True), 0.7),
    (Relation("resembles", "resembles", symmetric=True), 0.55),
    (Relation("resembles-loosely", "loosely resembles", symmetric=True), 0.45),
)
NEAREST = Relation("nearest", "has among its nearest structures")
NUM_NEAREST = 5
LEAST = 0.15  # Dice coefficient below which structures have nothing to say about each other


def relatives(dice: np.ndarray) -> list[tuple[int, int]]:
    """Graded relatives of one drug.

    Args:
        dice: (D,) Dice coefficients to every drug; the drug itself, if there, must hold 0.

    Returns:
        (grade, drug): grade is the position in `GRADES`, or their number for `NEAREST`.
    """
    if dice.ndim != 1:
        raise ShapeError(f"dice must be (D,), got {dice.shape}.")
    bounds = np.array([least for _, least in GRADES])
    grade = (dice[:, None] < bounds).sum(1)
    close = np.flatnonzero(grade < len(GRADES))
    found = [(int(grade[drug]), int(drug)) for drug in close]
    if len(close) < NUM_NEAREST:
        nearest = np.argsort(-dice, kind="stable")[:NUM_NEAREST]
        found += [(len(GRADES), int(d)) for d in nearest if dice[d] >= LEAST and d not in close]
    return found


def with_resemblance(network: DrugNetwork) -> DrugNetwork:
    """The network with resemblance among its drugs, as further relations behind its own.

    Symmetric grades are stored once per pair. Drugs without a structure get no edge.
    """
    drugs = [row for row, smiles in enumerate(network.smiles) if smiles]
    counts = many_morgan_counts([network.smiles[row] for row in drugs])
    table = CountTable.of(counts)
    first, edges = network.num_relations, []
    for place, (row, count) in enumerate(zip(drugs, counts, strict=True)):
        dice = dice_to(count, table)
        dice[place] = 0
        edges += [
            (row, first + grade, drugs[other])
            for grade, other in relatives(dice)
            if grade == len(GRADES) or place < other
        ]
    added = np.array(edges, dtype=np.int64).reshape(-1, 3)
    return replace(
        network,
        relations=(*network.relations, *(relation for relation, _ in GRADES), NEAREST),
        edges=np.concatenate([network.edges, added]),
    )


def note_of(relation: Relation, dice: float) -> EdgeNote:
    """What stands beside a computed edge."""
    return EdgeNote(
        f"{relation.name}: Dice coefficient {dice:.2f} of radius-2 Morgan counts",
        "computed from the structures",
    )


def relation_ids() -> Sequence[str]:
    """Ids of the computed relations, by grade."""
    return [relation.id for relation, _ in GRADES] + [NEAREST.id]
