"""Is a molecule like anything the model knows? Similarity to the support, familiar substructures.

Similarity is the Tanimoto coefficient of radius-2 Morgan fingerprints (2,048 bits). The limits 0.4
and 0.25 are those of the product; where the artifact holds the accuracy measured by similarity,
the figure of the molecule's bin is told beside the word.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.chemistry import Molecule
from core.knowledge.similar_drugs import tanimoto
from core.serving.molecule_table import SYMBOLS, TableRow

INSIDE, BORDER = 0.4, 0.25  # Tanimoto to the nearest support molecule
FAMILIAR, HARDLY = 0.8, 0.5  # share of known substructures, where there is no support


@dataclass(frozen=True)
class Domain:
    """Whether a molecule is inside the model's experience.

    Attributes:
        flag: inside, border or outside.
        reason: why, a sentence.
        similarity: to the nearest support molecule, 0 to 1; None without support molecules.
        nearest: id of that molecule, empty without.
        familiar: share of the molecule's substructures (Morgan features of radius 0 to 2) that
            occur in at least five training molecules; None where the artifact does not say.
        auc: ROC-AUC measured on test molecules of this similarity, None likewise.
    """

    flag: str
    reason: str
    similarity: float | None
    nearest: str
    familiar: float | None = None
    auc: float | None = None


def describe_domains(
    molecules: Sequence[Molecule],
    support: Sequence[TableRow],
    knowledge: Mapping[str, Any],
) -> list[Domain]:
    """The domain of each molecule.

    Args:
        molecules: to be judged.
        support: known molecules; may be empty when the task comes from a card.
        knowledge: of the artifact: ``elements``, ``familiar`` and ``domain``, each optional.
    """
    known = knowledge.get("familiar")
    features = None if known is None else frozenset(feature for feature, _ in known)
    elements = knowledge.get("elements")
    bins = knowledge.get("domain", ())
    if support:
        given = np.stack([row.molecule.bit_array() for row in support])
        alike = tanimoto(np.stack([one.bit_array() for one in molecules]), given)
    found = []
    for number, molecule in enumerate(molecules):
        familiar = None
        if features is not None:
            mine = set(molecule.features)
            familiar = len(mine & features) / max(len(mine), 1)
        similarity, nearest = None, ""
        if support:
            best = int(alike[number].argmax())
            similarity, nearest = float(alike[number, best]), support[best].id
        strange = _strange(molecule, elements)
        flag, reason = _judge(similarity, nearest, familiar, strange)
        # the bins reach from 0 to 1, best first
        near = [one["auc"] for one in bins if similarity is not None and similarity >= one["low"]]
        auc = near[0] if near else None
        found.append(Domain(flag, reason, similarity, nearest, familiar, auc))
    return found


def _strange(molecule: Molecule, elements: Sequence[int] | None) -> list[str]:
    if elements is None:
        return []
    found = set(molecule.graph.atoms[:, 0].tolist()) - set(elements)
    return [SYMBOLS[element] for element in sorted(found)]


def _judge(
    similarity: float | None, nearest: str, familiar: float | None, strange: Sequence[str]
) -> tuple[str, str]:
    """The flag and its reason."""
    known = "" if familiar is None else f" {familiar:.0%} of its substructures occur in training."
    if strange:
        word = "elements" if len(strange) > 1 else "element"
        return "outside", f"The model has never seen the {word} {', '.join(strange)}."
    if similarity is not None:
        flag = _word(similarity, INSIDE, BORDER)
        return flag, f"Its nearest known molecule is {nearest}, similarity {similarity:.2f}.{known}"
    if familiar is not None:
        return _word(familiar, FAMILIAR, HARDLY), known.strip()
    return "border", "Nothing is known about the molecules behind this task card."


def _word(value: float, inside: float, border: float) -> str:
    return "inside" if value >= inside else "border" if value >= border else "outside"
