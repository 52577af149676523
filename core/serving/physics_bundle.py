"""A formula as an Evidence Bundle: its parts are the evidence, its flow is the drawing.

Arrows are the dependences of the flow, weighted by what the law loses without them; terms are the
parts that were taken out one by one, with all constants fitted again.
"""

import hashlib
import json

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
from core.evidence.faithfulness import Check
from core.serving import symbolic_regression as laws
from core.serving.physics_evidence import Explanation
from core.serving.physics_flow import Flow
from core.serving.physics_question import Question

PACKAGES = ("numpy", "scipy", "pyoperon", "streamlit")
LOSS = "R² lost without it"
MEASURED = Provenance("measured on the test part, constants fitted again")


def bundle(
    answer: laws.Answer,
    formula: laws.Formula,
    flow: Flow,
    explanation: Explanation,
    check: Check,
    *,
    created: str,
) -> Bundle:
    """One formula of an answer with its evidence.

    Args:
        answer: with the formula.
        formula: the one that is explained.
        flow: its dependences.
        explanation: its parts and terms.
        check: the live check of its terms.
        created: ISO 8601 time with zone.
    """
    question, found = answer.question, answer.discovery
    artifact = laws.artifact_of(question)
    last = flow.parts[-1].id
    return Bundle(
        id=bundle_id(question, formula.number),
        domain="phys",
        created=created,
        query=question.to_json() | {"question": f"Which law gives {answer.summary}?"},
        answer=Answer(
            formula.text, "formula", laws.finite(formula.r2), "R² on unseen graphs",
            1 if formula.number == answer.suggested else None, len(answer.formulas), None,
        ),
        model=Model(answer.model, params=len(formula.law.constants)),
        data=Data(answer.title, "", found.data, "" if artifact is None
                  else artifact.card.data.licence),
        evidence=(*_arrows(flow), *_terms(explanation), *_parts(explanation)),
        layout=tuple(
            Place(
                part.id, part.label, part.kind, "answer" if part.id == last else "other",
                part.layer,
            )
            for part in flow.parts
        ),
        confidence=Confidence(
            "bootstrap by graph, 95 %" if found.intervals else "", level=None,
            domain_reason=found.verdict,
        ),
        check=check.to_json(),
        minimal=Reduced.of(explanation.minimal, {name: name for name in explanation.found.terms}),
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        seed=explanation.seed,
    )  # fmt: skip


def bundle_id(question: Question, number: int) -> str:
    """Equal for equal questions and formulas."""
    text = json.dumps([question.to_json(), number], sort_keys=True)
    return f"phys-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"


def _arrows(flow: Flow) -> list[EvidenceItem]:
    labels = {part.id: part.label for part in flow.parts}
    return [
        EvidenceItem(
            f"arrow {row}", "edge",
            f"{labels[arrow.target]} reads {labels[arrow.source]}: without it R² falls by "
            f"{arrow.loss:.3f} to {arrow.r2_without:.3f}.",
            arrow.source, arrow.target, ", ".join(arrow.names), arrow.loss, LOSS, MEASURED,
            "flow", 1,
        )
        for row, arrow in enumerate(flow.arrows, start=1)
    ]  # fmt: skip


def _terms(explanation: Explanation) -> list[EvidenceItem]:
    return [
        EvidenceItem(
            name, "term", f"{explanation.words(name)}: without it R² falls by {loss:.3f}.",
            weight=loss, weight_kind=LOSS, provenance=MEASURED, group="terms",
        )
        for name, loss in explanation.losses.items()
    ]  # fmt: skip


def _parts(explanation: Explanation) -> list[EvidenceItem]:
    return [
        EvidenceItem(
            f"part {one.part.id}", "operator",
            f"{one.part.kind} {one.part.text} of {one.part.step}: without it R² falls by "
            f"{one.drop:.3f} to {one.r2_without:.3f}.",
            weight=one.drop, weight_kind=LOSS, provenance=MEASURED, group="parts",
        )
        for one in explanation.removals
    ]  # fmt: skip
