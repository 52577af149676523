"""Edges of a regulatory network as an Evidence Bundle: one regulator, or the whole network.

An edge's group is what became of it beside the prior: kept, refused, new or contradicted.
"""

import hashlib
import json
from collections.abc import Sequence

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
from core.knowledge.regulation import REFUSED
from core.serving import gene_regulation as grn
from core.serving.gene_regulation import Edge, Regulator
from core.serving.grn_evidence import Explanation
from core.serving.grn_question import Question

PACKAGES = ("numpy", "onnxruntime", "streamlit")
INFLUENCE = "influence"
WORDS = {
    "kept": "the prior has it and the model has kept it",
    "refused": "the prior has it, the model does without",
    "new": "the prior does not have it, the model has added it",
    "contradicted": "the prior has it with the opposite sign",
}
SCORE = "R² of the change of its targets, {} part"
SELECTED = "mean selection frequency over resampled trainings"


def bundle(
    answer: grn.Answer, regulator: Regulator, explanation: Explanation, check: Check | None, *,
    created: str,
) -> Bundle:  # fmt: skip
    """One regulator with its shown edges.

    Args:
        answer: with the regulator.
        regulator: whose edges are shown.
        explanation: the shown edges.
        check: the live check of those that the model has; None where nothing can be measured.
        created: ISO 8601 time with zone.
    """
    used = {link: f"{link[0]} {link[1]}" for link in explanation.used}
    targets = f"{regulator.in_model} gene{'' if regulator.in_model == 1 else 's'}"
    return _bundle(
        answer,
        explanation.shown,
        id=bundle_id(answer.question, regulator.name),
        question=f"Which genes does {regulator.name} regulate?",
        value=Answer(
            f"{regulator.name} regulates {targets}", "edge",
            (regulator.selected or 0.0) if check is None else check.score_all,
            SELECTED if check is None else SCORE.format(explanation.part),
            1.0 + answer.regulators.index(regulator), len(answer.regulators),
        ),
        asked=regulator.gene,
        created=created,
        check=None if check is None else check.to_json(),
        minimal=None if check is None else Reduced.of(explanation.minimal, used),
        seed=explanation.seed,
    )  # fmt: skip


def network_bundle(answer: grn.Answer, *, created: str) -> Bundle:
    """All edges of prior and model, for the formats of other tools; it may be larger than 1 MB."""
    return _bundle(
        answer,
        answer.edges(),
        id=bundle_id(answer.question, ""),
        question="Which gene regulates which?",
        value=Answer(answer.title, "edge", n_candidates=answer.num_edges),
        asked=None,
        created=created,
    )


def _bundle(
    answer: grn.Answer, edges: Sequence[Edge], *, question: str, value: Answer, asked: int | None,
    **rest: object,
) -> Bundle:  # fmt: skip
    network, card = answer.network, answer.network.artifact.card
    places = [] if asked is None else [asked]
    places = dict.fromkeys([*places, *(end for edge in edges for end in _ends(edge))])
    resamples = network.resamples
    return Bundle(
        domain="grn",
        query=answer.question.to_json() | {"question": question},
        answer=value,
        model=Model(answer.model, card.created, card.files["model.onnx"], answer.weights[0]),
        data=Data(answer.title, "", card.data.sha256, card.data.licence),
        evidence=tuple(_item(answer, edge) for edge in edges),
        layout=tuple(
            Place(
                str(gene), network.genes[gene], "gene", "query" if gene == asked else "other",
                0 if gene == asked else 1,
            )
            for gene in places
        ),
        confidence=Confidence(
            f"selection frequency over {resamples} resampled trainings" if resamples else ""
        ),
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        **rest,
    )  # fmt: skip


def _ends(edge: Edge) -> tuple[int, int]:
    return edge.regulator, edge.target


def _item(answer: grn.Answer, edge: Edge) -> EvidenceItem:
    genes = answer.network.genes
    regulator, target = genes[edge.regulator], genes[edge.target]
    share = "" if edge.frequency is None else f"; {edge.frequency:.0%} of resampled trainings"
    return EvidenceItem(
        f"{edge.regulator} {edge.target}",
        "edge" if edge.prior == 0 else "prior_edge",
        f"{regulator} {edge.relation} {target}: {WORDS[edge.kind]}{share}.",
        str(edge.regulator), str(edge.target), edge.relation, edge.influence, INFLUENCE,
        Provenance(
            "prior" if edge.kind == REFUSED
            else answer.model if edge.prior == 0
            else f"prior and {answer.model}",
            answer.network.artifact.card.data.licence,
        ),
        edge.kind, 1, (regulator, edge.relation, target),
    )  # fmt: skip


def bundle_id(question: Question, regulator: str) -> str:
    """Equal for equal questions and regulators."""
    text = json.dumps([question.to_json(), regulator], sort_keys=True)
    return f"grn-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"
