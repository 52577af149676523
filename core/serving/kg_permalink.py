"""The address of an answer: a question as query parameters, and back.

The parameters hold ids, small numbers and one JSON list. An address comes from anywhere, so every
value is compared with the graph before it is used; what does not fit is ignored and named, and the
page takes it out of the address.

| parameter | meaning |
|---|---|
| graph | id of the graph |
| entity, relation | ids |
| ask | ``tail`` (entity, relation, ?) or ``head`` (?, relation, entity) |
| k, hide | number of answers; 0 shows known answers too |
| model | artifact |
| edits | JSON: [[op, head, relation, tail], …] |
| answer | id of the answer whose evidence is open |
| ranking | ``attention`` when the evidence is chosen by attention |
| result | id of a stored prediction; stands for all others |
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace

from core.errors import InputError
from core.knowledge.graph import KnowledgeGraph
from core.serving.graphs import GraphEntry, embedded_graphs, find_graph
from core.serving.kg_question import Edit, Query, apply_edits, fitting_models
from core.serving.parameters import ParameterReader
from core.store import Store

MAX_TOP_K = 100
MAX_EDITS = 50
MAX_EDIT_CHARACTERS = 20_000
NAMES = (
    "graph", "entity", "relation", "ask", "k", "hide", "model", "edits", "answer", "ranking",
    "result",
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        graph: id of the graph.
        query: the question; None for a graph without a question (a user's own, not asked yet).
        answer: id of the answer whose evidence is open, empty for the first.
        ranking: ``deletion`` or ``attention``.
        example: True when the question is the graph's example, not the address's.
        ignored: names of parameters that could not be used.
    """

    graph: str
    query: Query | None
    answer: str = ""
    ranking: str = "deletion"
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(query: Query, *, answer: str = "", ranking: str = "deletion") -> dict[str, str]:
    """Query parameters of a question; values that are the default are left out."""
    edits = [[edit.op, edit.head, edit.relation, edit.tail] for edit in query.edits]
    values = {
        "graph": query.graph,
        "entity": query.entity,
        "relation": query.relation,
        "ask": "head" if query.inverse else "tail",
        "k": "" if query.top_k == Query.top_k else str(query.top_k),
        "hide": "" if query.hide_known else "0",
        "model": query.model,
        "edits": json.dumps(edits, ensure_ascii=False, separators=(",", ":")) if edits else "",
        "answer": answer,
        "ranking": "" if ranking == "deletion" else ranking,
    }
    return {name: value for name, value in values.items() if value}


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails.

    A graph that is not here makes the first embedded one answer its example. An entity or relation
    that is not in the graph leaves the graph's example. Every other value stands alone.
    """
    if "result" in parameters:
        return _stored(parameters)
    reader = ParameterReader(parameters)
    entry = reader.take("graph", _find_graph, None)
    if entry is None:
        ignored = tuple(name for name in parameters)
        return replace(example_link(embedded_graphs()[0]), ignored=ignored)
    graph = entry.load()
    entity = reader.take("entity", lambda text: text if text in graph.entity_index else None, "")
    relation = reader.take(
        "relation", lambda text: text if text in graph.relation_index else None, ""
    )
    inverse = reader.take("ask", {"tail": False, "head": True}.get, default=False)
    query = Query(
        entry.id,
        entity,
        relation,
        inverse,
        reader.take("k", _read_top_k, Query.top_k),
        reader.take("hide", {"0": False, "1": True}.get, default=True),
        reader.take("model", lambda name: name if name in fitting_models(graph) else None, ""),
        reader.take("edits", lambda text: _read_edits(text, graph), ()),
    )
    answer = reader.take("answer", lambda text: text if text in graph.entity_index else None, "")
    ranking = reader.take(
        "ranking", {"deletion": "deletion", "attention": "attention"}.get, "deletion"
    )
    ignored = (*reader.ignored, *(name for name in parameters if name not in NAMES))
    if not entity or not relation:
        return replace(example_link(entry), ignored=ignored)
    return Link(entry.id, query, answer, ranking, ignored=ignored)


def example_link(entry: GraphEntry) -> Link:
    """The graph's own example; without one, a graph that waits for a question."""
    if not entry.examples:
        return Link(entry.id, None)
    entity, relation, inverse, answer = entry.examples[0]
    return Link(entry.id, Query(entry.id, entity, relation, inverse), answer, example=True)


def _stored(parameters: Mapping[str, str]) -> Link:
    """A stored prediction, checked like any address."""
    found = Store.open().find_prediction(parameters["result"])
    others = tuple(name for name in parameters if name != "result")
    if found is None or found["domain"] != "kg":
        link = example_link(embedded_graphs()[0])
        return replace(link, ignored=("result", *others))
    link = from_parameters(to_parameters(Query.from_json(found["query"])))
    return replace(link, ignored=(*link.ignored, *others))


def _find_graph(graph_id: str) -> GraphEntry | None:
    """An embedded graph or an upload; benchmarks are for the command line."""
    for entry in embedded_graphs():
        if entry.id == graph_id:
            return entry
    upload = Store.open().find_upload(graph_id)
    return find_graph(graph_id) if upload is not None and upload.kind == "graph" else None


def _read_top_k(text: str) -> int | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 3):
        return None
    return int(text) if 1 <= int(text) <= MAX_TOP_K else None


def _read_edits(text: str, graph: KnowledgeGraph) -> tuple[Edit, ...] | None:
    if len(text) > MAX_EDIT_CHARACTERS:
        return None
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_EDITS:
        return None
    for row in rows:
        if not isinstance(row, list) or len(row) != 4 or row[0] not in ("add", "remove"):
            return None
        if not all(isinstance(cell, str) for cell in row):
            return None
    edits = tuple(Edit(*row) for row in rows)
    try:
        apply_edits(graph, edits)
    except InputError:
        return None
    return edits
