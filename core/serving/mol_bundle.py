"""A prediction of a molecule as an Evidence Bundle: known molecules and atoms are the evidence.

The known molecules stand on the left, the candidate on the right. The query of the bundle asks for
this candidate alone; the other candidates have no influence on its score.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

from core.chemistry.listing import Entry
from core.evidence.bundle import (
    Answer,
    Bundle,
    Confidence,
    Cost,
    Data,
    Environment,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.evidence.faithfulness import Check, Minimal
from core.serving import molecular_property as mol
from core.serving.few_shot import open_model
from core.serving.mol_evidence import AtomEffects, Explanation, SupportEffect
from core.serving.molecule_case import Question
from core.serving.molecule_table import ROLES, Lists, TableRow

PACKAGES = ("numpy", "onnxruntime", "rdkit", "streamlit")
IN_DOMAIN = {"inside": "yes", "border": "borderline", "outside": "no"}
GIVEN = Provenance("given by the user")
COMPUTED = Provenance("computed by the model")
CANDIDATE = "candidate"
MAX_MOLECULES = 128
MAX_ATOMS = 250


def bundle(
    answer: mol.Answer,
    prediction: mol.Prediction,
    explanation: Explanation,
    check: Check | None = None,
    minimal: Minimal | None = None,
    atoms: AtomEffects | None = None,
    *,
    created: str,
    seed: int = 0,
) -> Bundle:
    """One candidate of an answer with its evidence.

    Args:
        answer: with the prediction.
        prediction: the candidate.
        explanation: its known molecules.
        check: the live check of them, None before it ran.
        minimal: the fewest that are enough, None before they are computed.
        atoms: effects of the atoms, None before they are computed.
        created: ISO 8601 time with zone.
        seed: seed of the check's controls.
    """
    card = open_model(answer.model).artifact.card
    score = prediction.probability
    value = f"{prediction.row.title} is {explanation.score_of}"
    return Bundle(
        id=bundle_id(answer.question, prediction.row.id),
        domain="mol",
        created=created,
        query=_alone(answer, prediction).to_json() | {
            "question": f"Is {prediction.row.title} active?",
            "candidate": prediction.row.id,
            "smiles": prediction.row.smiles,
        },
        answer=Answer(
            value, "class", score, "probability of being active", prediction.rank,
            len(answer.ranked), False,
        ),
        model=Model(
            answer.model, card.created, card.files["model.onnx"], answer.ledger.parameters,
            answer.ledger.adapted,
        ),
        data=Data(card.data.title, "", card.data.sha256, card.data.licence),
        evidence=(*_molecules(explanation), *_atoms(atoms)),
        layout=(
            *(Place(one.row.id, one.row.title, "drug", "other", 0) for one in _shown(explanation)),
            Place(CANDIDATE, prediction.row.title, "drug", "query", 1),
        ),
        confidence=Confidence(
            "temperature, on other assays" if answer.level else "",
            prediction.classes,
            answer.level,
            answer.coverage,
            IN_DOMAIN[prediction.domain.flag],
            prediction.domain.reason,
        ),
        check=check.to_json() if check else None,
        minimal=Reduced.of(minimal, {one.row.id: one.row.id for one in explanation.support})
        if minimal else None,
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        seed=seed,
    )  # fmt: skip


def bundle_id(question: Question, row_id: str) -> str:
    """Equal for equal questions and candidates."""
    text = json.dumps([question.to_json(), row_id], sort_keys=True)
    return f"mol-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _alone(answer: mol.Answer, prediction: mol.Prediction) -> Question:
    """The question with this candidate alone and standardised structures: it has the same score."""

    def entries(rows: Iterable[TableRow]) -> tuple[Entry, ...]:
        return tuple(Entry(row.number, row.name, row.smiles) for row in rows)

    lists = Lists(
        *(entries(row for row in answer.support if row.role == role) for role in ROLES[:2]),
        entries([prediction.row]),
    )
    return replace(answer.question, lists=lists)


def _shown(explanation: Explanation) -> tuple[SupportEffect, ...]:
    return explanation.support[:MAX_MOLECULES]


def relations(bundle: Bundle, explanation: Explanation) -> Bundle:
    """The same bundle with the relations that the network gave in place of the effects.

    Known molecules to which it gave none are left out.

    Args:
        bundle: result of `bundle`.
        explanation: with relations; the result has no molecules where the method has none.
    """
    given = {one.row.id: one.relation for one in explanation.support if one.relation}
    evidence = tuple(
        replace(item, weight=given[item.id], weight_kind="relation")
        for item in bundle.evidence
        if item.id in given
    )
    layout = tuple(place for place in bundle.layout if place.id in {*given, CANDIDATE})
    return replace(bundle, evidence=evidence, layout=layout, minimal=None)


def _molecules(explanation: Explanation) -> Iterator[EvidenceItem]:
    title = explanation.prediction.row.title
    for one in _shown(explanation):
        towards = "towards" if one.effect >= 0 else "against"
        said = (
            f"{one.row.title} (known {one.row.role}) speaks {towards} activity of {title}: "
            f"{one.effect:+.3f}; similarity {one.similarity:.2f}"
        )
        if one.relation is not None:
            said += f"; relation {one.relation:.2f}"
        yield EvidenceItem(
            one.row.id, "molecule", f"{said}.", one.row.id, CANDIDATE,
            f"{one.row.role}, {towards}", one.effect, "change of the probability by leaving it out",
            GIVEN, one.row.role, 1, (one.row.smiles,),
        )  # fmt: skip


def _atoms(effects: AtomEffects | None) -> Iterator[EvidenceItem]:
    if effects is None:
        return
    for atom in effects.order[:MAX_ATOMS]:
        effect = effects.effects[atom]
        said = f"Atom {atom + 1} ({effects.symbols[atom]}): {effect:+.3f}."
        yield EvidenceItem(
            f"atom {atom + 1}", "atom", said, weight=effect,
            weight_kind="change of the probability by leaving it out", provenance=COMPUTED,
            group="atoms",
        )  # fmt: skip
