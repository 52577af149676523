"""An answer about two drugs as an Evidence Bundle.

The evidence facts are the edges. #Drug1 stands on the left, #Drug2 on the right, what both are
linked to in the middle, and what only one of them is linked to between its drug and the middle.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping

from core.evidence.bundle import (
    Answer,
    Bundle,
    Confidence,
    Cost,
    Data,
    Edit,
    Environment,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.evidence.faithfulness import Check, Minimal
from core.serving import drug_interaction as ddi
from core.serving.ddi_asked import Asked, Fact
from core.serving.ddi_case import NewDrug, Query, Row, open_case
from core.serving.ddi_evidence import asked_of
from core.serving.ddi_explanation import EvidenceFact, Explanation

PACKAGES = ("numpy", "onnxruntime", "rdkit", "streamlit")
AGAINST = " (from right to left)"  # marks a fact that a path walks against its direction
IN_DOMAIN = {"S0": "yes", "S1": "borderline", "S2": "no"}


def bundle(
    query: Query,
    answer: ddi.Answer,
    row: Row,
    explanation: Explanation,
    check: Check | None = None,
    minimal: Minimal | None = None,
    *,
    created: str,
    seed: int = 0,
) -> Bundle:
    """One row of an answer with its evidence.

    Args:
        query: the question.
        answer: its answer.
        row: the row that is explained.
        explanation: its evidence.
        check: the live check of the evidence, None before it ran.
        minimal: minimal sufficient evidence, None before it is computed.
        created: ISO 8601 time with zone.
        seed: seed of the check's controls.
    """
    asked, case = asked_of(query, row), open_case(query)
    card, network = case.model.artifact.card, case.context.network
    layers = find_layers(asked.head, asked.tail, [item.fact for item in explanation.facts])
    ids = {item.fact: f"f{number}" for number, item in enumerate(explanation.facts, start=1)}
    source = network.source
    return Bundle(
        id=bundle_id(query, row, explanation.ranking),
        domain="ddi",
        created=created,
        query=_question(query, answer, row),
        answer=Answer(
            row.sentence, "edge", row.probability, "probability",
            1 + [one.sentence for one in answer.rows].index(row.sentence), len(answer.rows),
            row.status != "new",
        ),
        model=Model(card.name, card.created, card.files["model.onnx"], card.num_parameters, 0),
        data=Data(source.title, source.accessed, "", source.licence),
        evidence=tuple(_item(asked, item, ids, layers, explanation) for item in explanation.facts),
        layout=tuple(places(asked, layers)),
        confidence=Confidence(
            "temperature and similar drugs, on validation pairs",
            tuple(one.sentence for one in answer.rows if one.in_set),
            case.model.sets.level, answer.coverage, IN_DOMAIN[answer.setting],
            answer.setting_note if answer.joined else explanation.notice,
        ),
        check=check.to_json() if check else None,
        minimal=Reduced.of(minimal, ids) if minimal else None,
        overlay=(
            *(Edit("remove", fact) for fact in query.removed),
            *(Edit("add", fact) for fact in query.added),
        ),
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        seed=seed,
    )  # fmt: skip


def bundle_id(query: Query, row: Row, ranking: str = "occlusion") -> str:
    """Equal for equal questions, rows and ways to choose the evidence."""
    text = json.dumps(
        [query.to_json(), row.type_id, row.head_id, row.tail_id, ranking], sort_keys=True
    )
    return f"ddi-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"


def find_layers(head: int, tail: int, facts: Collection[Fact]) -> dict[int, int]:
    """Entity row to layer, layer by layer, from #Drug1 (0) to #Drug2 (alone in the last).

    Entities next to both drugs, or next to neither, stand in the middle; those next to #Drug1 alone
    before it, those next to #Drug2 alone behind it.

    Args:
        head: row of #Drug1.
        tail: row of #Drug2.
        facts: evidence.
    """
    near = {
        end: {one for fact in facts if end in (fact[0], fact[2]) for one in (fact[0], fact[2])}
        for end in (head, tail)
    }
    between = {one for fact in facts for one in (fact[0], fact[2])} - {head, tail}
    side = {one: 2 - (one in near[head]) + (one in near[tail]) for one in between}
    used = [0, *sorted(set(side.values())), 4]
    side |= {head: 0, tail: 4}
    return {one: used.index(side[one]) for one in sorted(side, key=lambda one: (side[one], one))}


def places(asked: Asked, layers: Mapping[int, int]) -> Iterable[Place]:
    """The nodes of the drawing."""
    for row, layer in layers.items():
        role = "query" if row in (asked.head, asked.tail) else "other"
        yield Place(f"n{row}", asked.name(row), asked.kind(row), role, layer)


def _item(
    asked: Asked,
    item: EvidenceFact,
    ids: Mapping[Fact, str],
    layers: Mapping[int, int],
    explanation: Explanation,
) -> EvidenceItem:
    head, relation, tail = item.fact
    by_attention = explanation.ranking == "attention"
    walked_back = layers[head] > layers[tail]
    group = next(
        (f"path {n}" for n, path in enumerate(explanation.paths, 1) if item.fact in path.facts), ""
    )
    return EvidenceItem(
        ids[item.fact], "edge", item.sentence + AGAINST * walked_back, f"n{head}", f"n{tail}",
        asked.relation_name(relation), item.attention if by_attention else item.deletion,
        "attention" if by_attention else "deletion effect", provenance(asked, item.fact), group,
        max(layers[head], layers[tail]), item.ids,
    )  # fmt: skip


def provenance(asked: Asked, fact: Fact) -> Provenance:
    """Where a fact comes from: all sources in one line, the first address."""
    notes = asked.notes(fact)

    def all_of(values: Iterable[str]) -> str:
        return "; ".join(dict.fromkeys(value for value in values if value))

    return Provenance(
        all_of(note.source for note in notes),
        all_of(note.licence for note in notes),
        next((note.url for note in notes if note.url), ""),
        next((note.accessed for note in notes if note.accessed), ""),
    )


def _question(query: Query, answer: ddi.Answer, row: Row) -> dict[str, object]:
    value = query.to_json() | {
        "question": f"How do {answer.first_name} and {answer.second_name} interact?",
        "setting": answer.setting,
        "type": row.type_id,
        "drug1": row.head_id,
        "drug2": row.tail_id,
    }
    if isinstance(query.first, NewDrug) or isinstance(query.second, NewDrug):
        value["names"] = [answer.first_name, answer.second_name]
    return json.loads(json.dumps(value))
