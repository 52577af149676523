"""An answer about a knowledge graph as an Evidence Bundle.

The evidence facts are the edges. Their entities are placed by hop: the entity of the question in
layer 0, then by distance along evidence facts, the answer alone in the last layer.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from core.evidence.bundle import (
    Answer,
    Bundle,
    Cost,
    Data,
    Edit,
    Environment,
    EvidenceItem,
    Place,
    Provenance,
    Reduced,
)
from core.evidence.faithfulness import Check, Minimal
from core.knowledge.graph import KnowledgeGraph
from core.serving import kg_reasoning as kg
from core.serving.kg_question import Fact, Query, fact_text, reasoner

PACKAGES = ("numpy", "onnxruntime", "streamlit")
ADDED = "added by a person"


def make_bundle(
    answer: kg.Answer,
    candidate: kg.Candidate,
    explanation: kg.Explanation,
    *,
    created: str,
    check: Check | None = None,
    minimal: Minimal | None = None,
    seed: int = 0,
) -> Bundle:
    """One answer with its evidence.

    Args:
        answer: the ranking.
        candidate: the answer that is explained.
        explanation: its evidence.
        created: ISO 8601 time with zone.
        check: the live check of the evidence, None before it ran.
        minimal: minimal sufficient evidence, None before it is computed.
        seed: seed of the check's controls.
    """
    query = answer.query
    asked = reasoner(query)
    graph, items = asked.graph, asked.engine.items
    ids = {item.fact: f"f{row}" for row, item in enumerate(explanation.facts, start=1)}
    return Bundle(
        id=bundle_id(query, candidate.entity, explanation.ranking),
        domain="kg",
        created=created,
        query=query.to_json() | {"question": answer.question},
        answer=Answer(
            candidate.name, "entity", candidate.score, "probability", candidate.rank,
            answer.num_candidates, candidate.status == "known",
        ),
        model=asked.engine.state,
        data=Data(graph.name, "", graph.digest, graph.source.licence),
        evidence=tuple(_item(query, items, item, ids, explanation) for item in explanation.facts),
        layout=_places(query, graph, candidate, explanation) if asked.engine.reads_facts
        else _sides(query, items, explanation),
        check=check.to_json() if check else None,
        minimal=Reduced.of(minimal, ids) if minimal else None,
        overlay=tuple(Edit(edit.op, _ids_of(graph, edit)) for edit in query.edits),
        cost=Cost(latency_ms=answer.seconds * 1000, machine=answer.provider),
        env=Environment.here(PACKAGES),
        seed=seed,
    )  # fmt: skip


def bundle_id(query: Query, entity: str, ranking: str = "deletion") -> str:
    """Equal for equal questions, answers and ways to choose the evidence."""
    text = json.dumps([query.to_json(), entity, ranking], sort_keys=True)
    return f"kg-{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:24]}"


def remaining_facts(
    explanation: kg.Explanation, minimal: Minimal, num_shown: int
) -> tuple[Fact, ...]:
    """The evidence after as many steps towards the minimal set as leave `num_shown` facts."""
    gone = set(minimal.removed[: max(0, len(explanation.facts) - num_shown)])
    return tuple(item.fact for item in explanation.facts if item.fact not in gone)


def show_remaining(bundle: Bundle, num_shown: int) -> Bundle:
    """The bundle as drawn on the way to the minimal set: facts given up so far are removed."""
    if bundle.minimal is None:
        return bundle
    total = len(bundle.minimal.ids) + len(bundle.minimal.removed)
    gone = bundle.minimal.removed[: max(0, total - num_shown)]
    kept = bundle.minimal.ids if gone and len(gone) == len(bundle.minimal.removed) else ()
    return replace(bundle, minimal=replace(bundle.minimal, ids=kept, removed=gone, second=()))


def find_layers(entity: int, answer: int, facts: Collection[tuple[Fact, int]]) -> dict[int, int]:
    """Entity row → layer, layer by layer.

    Args:
        entity: the entity of the question: layer 0.
        answer: the answer: alone in the last layer, unless it is the entity of the question.
        facts: evidence facts with the hop of each; entities that no evidence joins to the question
            are placed by the hop.
    """
    neighbours: dict[int, list[int]] = defaultdict(list)
    for (head, _, tail), _ in facts:
        neighbours[head].append(tail)
        neighbours[tail].append(head)
    layers, front = {entity: 0}, [entity]
    while front:
        found = dict.fromkeys(near for node in front for near in neighbours[node])
        front = [node for node in found if node not in layers and node != answer]
        layers |= dict.fromkeys(front, max(layers.values()) + 1)
    for (head, _, tail), hop in facts:
        for node in (head, tail):
            layers.setdefault(node, max(1, hop))
    if answer != entity:
        layers[answer] = 1 + max(layer for node, layer in layers.items() if node != answer)
    return {node: layers[node] for node in sorted(layers, key=lambda n: (layers[n], n))}


def _places(
    query: Query, graph: KnowledgeGraph, candidate: kg.Candidate, explanation: kg.Explanation
) -> tuple[Place, ...]:
    entity = graph.find_entity(query.entity)
    answer = graph.find_entity(candidate.entity)
    layers = find_layers(entity, answer, [(item.fact, item.hop) for item in explanation.facts])
    roles = {entity: "query", answer: "answer"}
    return tuple(
        Place(
            f"n{node}", graph.entity_names[node], graph.entity_types[node],
            roles.get(node, "other"), layer,
        )
        for node, layer in layers.items()
    )  # fmt: skip


def _sides(query: Query, terms: KnowledgeGraph, explanation: kg.Explanation) -> tuple[Place, ...]:
    """Parts of the head on the left, of the tail on the right."""
    heads, tails = ({item.fact[end] for item in explanation.facts} for end in (0, 2))
    head, tail = ("answer", "query") if query.inverse else ("query", "answer")
    sides = [(node, head, 0) for node in sorted(heads)]
    sides += [(node, tail, 1) for node in sorted(tails)]
    return tuple(
        Place(f"n{node}", terms.entity_names[node], "", role, layer) for node, role, layer in sides
    )


def _item(
    query: Query,
    graph: KnowledgeGraph,
    item: kg.EvidenceFact,
    ids: dict[Fact, str],
    explanation: kg.Explanation,
) -> EvidenceItem:
    head, relation, tail = item.fact
    names = (graph.entities[head], graph.relations[relation], graph.entities[tail])
    added = any(edit.op == "add" and _ids_of(graph, edit) == names for edit in query.edits)
    source = graph.source
    attention = explanation.ranking == "attention"
    return EvidenceItem(
        ids[item.fact], "edge", fact_text(graph, item.fact), f"n{head}", f"n{tail}",
        graph.relation_names[relation], item.flow if attention else item.deletion,
        "attention" if attention else "deletion effect",
        Provenance(ADDED) if added
        else Provenance(source.title, source.licence, source.url, source.accessed),
        layer=item.hop, fact=names,
    )  # fmt: skip


def _ids_of(graph: KnowledgeGraph, edit: kg.Edit) -> tuple[str, str, str]:
    """Ids of an edited fact, however it was written."""
    return (
        graph.entities[graph.find_entity(edit.head)],
        graph.relations[graph.find_relation(edit.relation)],
        graph.entities[graph.find_entity(edit.tail)],
    )
