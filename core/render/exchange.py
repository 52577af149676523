"""An Evidence Bundle in the formats of other graph tools.

GraphML (networkx, yEd, Gephi), CX2 (Cytoscape, NDEx), Cytoscape JSON, SIF (Cytoscape, names and
relations alone) and CSV. Each carries the same nodes and edges; ids are those of the bundle, except
in CX2, which asks for numbers. Only evidence with a source and a target is an edge.
"""

import io
from collections import Counter
from typing import Any

import networkx

from core.evidence.bundle import Bundle, EvidenceItem, Place
from core.render.svg import clean_xml
from core.render.tables import to_safe_csv

CSV_COLUMNS = (
    "id", "kind", "source", "relation", "target", "hop", "weight", "weight_kind", "in_minimal_set",
    "group", "head_id", "relation_id", "tail_id", "origin", "licence", "url", "accessed",
)  # fmt: skip
NODE_TYPES = {"name": "string", "type": "string", "role": "string", "layer": "integer"}
EDGE_TYPES = {
    "name": "string",
    "interaction": "string",
    "weight": "double",
    "weight_kind": "string",
    "hop": "integer",
    "minimal": "boolean",
    "origin": "string",
    "licence": "string",
}


def to_graphml(bundle: Bundle) -> str:
    """GraphML text of a directed multigraph; characters that XML cannot hold are replaced."""
    graph = networkx.MultiDiGraph(**{k: clean_xml(str(v)) for k, v in _network(bundle).items()})
    for place in bundle.layout:
        graph.add_node(clean_xml(place.id), **_clean(_node_values(place) | _position(place)))
    for item in _edges(bundle):
        graph.add_edge(
            clean_xml(item.source),
            clean_xml(item.target),
            key=clean_xml(item.id),
            **_clean(_edge_values(bundle, item)),
        )
    buffer = io.BytesIO()
    networkx.write_graphml_xml(graph, buffer, named_key_ids=True)
    return buffer.getvalue().decode("utf-8")


def to_cx2(bundle: Bundle) -> list[dict[str, Any]]:
    """CX2 document, ready for `json.dumps`."""
    numbers = {place.id: row for row, place in enumerate(bundle.layout)}
    edges = _edges(bundle)
    network = _network(bundle)
    return [
        {"CXVersion": "2.0", "hasFragments": False},
        {
            "metaData": [
                {"elementCount": 1, "name": "attributeDeclarations"},
                {"elementCount": 1, "name": "networkAttributes"},
                {"elementCount": len(bundle.layout), "name": "nodes"},
                {"elementCount": len(edges), "name": "edges"},
            ]
        },
        {
            "attributeDeclarations": [
                {
                    "networkAttributes": {name: {"d": "string"} for name in network},
                    "nodes": {name: {"d": kind} for name, kind in NODE_TYPES.items()},
                    "edges": {name: {"d": kind} for name, kind in EDGE_TYPES.items()},
                }
            ]
        },
        {"networkAttributes": [network]},
        {
            "nodes": [
                {"id": numbers[place.id], **_position(place), "v": _node_values(place)}
                for place in bundle.layout
            ]
        },
        {
            "edges": [
                {
                    "id": row,
                    "s": numbers[item.source],
                    "t": numbers[item.target],
                    "v": _edge_values(bundle, item),
                }
                for row, item in enumerate(edges)
            ]
        },
        {"status": [{"success": True}]},
    ]


def to_cytoscape(bundle: Bundle) -> dict[str, Any]:
    """Cytoscape.js JSON (CYJS), ready for `json.dumps`."""
    nodes = []
    for place in bundle.layout:
        node: dict[str, Any] = {"data": {"id": place.id, **_node_values(place)}}
        if position := _position(place):
            node["position"] = position
        nodes.append(node)
    edges = [
        {
            "data": {
                "id": item.id,
                "source": item.source,
                "target": item.target,
                **_edge_values(bundle, item),
            }
        }
        for item in _edges(bundle)
    ]
    return {"data": _network(bundle), "elements": {"nodes": nodes, "edges": edges}}


def to_sif(bundle: Bundle) -> str:
    """SIF text: source, relation and target by name, one edge per line, with tabs between them.

    Where two nodes share a name, their ids are used instead. A relation without a name is
    "related".
    """
    names = {place.id: _word(place.label) for place in bundle.layout}
    twice = {name for name, num in Counter(names.values()).items() if num > 1 or not name}
    names = {key: _word(key) if name in twice else name for key, name in names.items()}
    return "".join(
        f"{names[item.source]}\t{_word(item.relation) or 'related'}\t{names[item.target]}\n"
        for item in _edges(bundle)
    )


def _word(text: str) -> str:
    """Text on one line without tabs."""
    return " ".join(clean_xml(text).split())


def to_csv(bundle: Bundle) -> str:
    """All evidence items, one line each, safe to open in a spreadsheet."""
    names = {place.id: place.label for place in bundle.layout}
    minimal = set(bundle.minimal.ids) if bundle.minimal else set()
    rows = []
    for item in bundle.evidence:
        head, relation, tail = item.fact if len(item.fact) == 3 else ("", "", "")
        rows.append(
            (
                item.id, item.kind, names.get(item.source, item.source), item.relation,
                names.get(item.target, item.target), item.layer, item.weight, item.weight_kind,
                "" if bundle.minimal is None else "yes" if item.id in minimal else "no",
                item.group, head, relation, tail, item.provenance.source,
                item.provenance.licence, item.provenance.url, item.provenance.accessed,
            )
        )  # fmt: skip
    return to_safe_csv(rows, CSV_COLUMNS)


def _edges(bundle: Bundle) -> list[EvidenceItem]:
    places = {place.id for place in bundle.layout}
    return [item for item in bundle.evidence if item.source in places and item.target in places]


def _network(bundle: Bundle) -> dict[str, str]:
    verdict = (bundle.check or {}).get("verdict", "")
    values = {
        "name": f"Evidence for {bundle.answer.value}",
        "prediction": bundle.id,
        "created": bundle.created,
        "verdict": verdict,
        "model": f"{bundle.model.name} {bundle.model.version}".strip(),
        "data": f"{bundle.data.name} {bundle.data.version}".strip(),
        "data_sha256": bundle.data.sha256,
        "licence": bundle.data.licence,
    }
    return {name: value for name, value in values.items() if value}


def _node_values(place: Place) -> dict[str, Any]:
    return {"name": place.label, "type": place.type, "role": place.role, "layer": place.layer}


def _edge_values(bundle: Bundle, item: EvidenceItem) -> dict[str, Any]:
    values = {
        "name": item.label,
        "interaction": item.relation,
        "weight": None if item.weight is None else float(item.weight),
        "weight_kind": item.weight_kind,
        "hop": item.layer,
        "minimal": item.id in bundle.minimal.ids if bundle.minimal else None,
        "origin": item.provenance.source,
        "licence": item.provenance.licence,
    }
    return {name: value for name, value in values.items() if value is not None}


def _position(place: Place) -> dict[str, float]:
    if place.x is None or place.y is None:
        return {}
    return {"x": float(place.x), "y": float(place.y)}


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: clean_xml(value) if isinstance(value, str) else value
        for name, value in values.items()
    }
