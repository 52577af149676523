"""Files of nodes and edges: GraphML, CX and CX2, Cytoscape JSON.

An edge becomes a row: source, target, then every attribute that an edge has. XML with a document
type definition and JSON that is nested too deeply are refused before a parser builds them.
"""

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import defusedxml.ElementTree
import numpy as np
from defusedxml.common import DefusedXmlException

from core.data.graph_table import (
    MAX_COLUMNS,
    GraphTable,
    Limits,
    fold,
    not_a_table,
    printable,
    too_large,
)
from core.errors import InputError

Parts = tuple[dict[str, str], list[tuple[str, str, dict[str, str]]]]

# a string that is not closed runs to the end, so that no text makes the search start over
_JSON_STRING = re.compile(r'"(?:[^"\\]++|\\[\s\S]?)*+"?')
_NO_BRACKET = bytes(set(range(256)) - set(b"[]{}"))


def read_graphml(name: str, text: str, limits: Limits) -> GraphTable:
    """Edges of a GraphML text.

    Raises:
        InputError: UP-E02 for other XML, UP-E05 without edges, KG-E06 for too many.
    """
    nodes: dict[str, str] = {}
    edges: list[tuple[str, str, dict[str, str]]] = []
    keys: dict[str, str] = {}
    defaults: dict[str, str] = {}
    try:
        for element in _elements(name, text, limits):
            tag = _local_tag(element)
            if tag == "key":
                key = element.get("attr.name") or element.get("id", "")
                keys[element.get("id", "")] = key
                default = [child for child in element if _local_tag(child) == "default"]
                if default and element.get("for") in ("edge", "all"):
                    defaults[key] = (default[0].text or "").strip()
            elif tag == "node":
                values = _data_of(element, keys)
                folded = {fold(key): value for key, value in values.items()}
                label = folded.get("label") or folded.get("name") or folded.get("title") or ""
                nodes[element.get("id", "").strip()] = label
            elif tag == "edge":
                values = defaults | _data_of(element, keys)
                if element.get("id") and "id" not in values:
                    values["id"] = element.get("id", "")
                ends = (element.get(end, "").strip() for end in ("source", "target"))
                edges.append((*ends, values))  # type: ignore[arg-type]
    except DefusedXmlException as error:
        raise not_a_table(
            name, "XML with a document type definition, which is never opened"
        ) from error
    except ParseError as error:
        line = error.position[0]
        raise not_a_table(name, f"XML that cannot be read (line {line})") from error
    if not edges:
        raise InputError(
            "UP-E05", "Empty file", "The file has a header but no rows.", "Add one edge or more."
        )
    _name_edge_keys(edges)
    return _edge_table("graphml", nodes, edges, limits)


def _elements(name: str, text: str, limits: Limits) -> Iterator[Element]:
    """Finished elements of a GraphML text, freed after use; raises when it is another XML."""
    depth = 0
    kept: list[Element] = []
    events = defusedxml.ElementTree.iterparse(
        io.StringIO(text), events=("start", "end"), forbid_dtd=True
    )
    for event, element in events:
        if event == "start":
            depth += 1
            kept.append(element)
            if depth == 1 and _local_tag(element) != "graphml":
                raise not_a_table(name, "XML that is not GraphML")
            if depth > limits.depth:
                raise not_a_table(name, f"XML nested more than {limits.depth} levels deep")
            continue
        depth -= 1
        kept.pop()
        yield element
        if _local_tag(element) in ("node", "edge") and kept:
            kept[-1].remove(element)


def _local_tag(element: Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _data_of(element: Element, keys: Mapping[str, str]) -> dict[str, str]:
    values = {}
    for child in element:
        if _local_tag(child) == "data":
            key = child.get("key", "")
            values[keys.get(key, key)] = "".join(child.itertext()).strip()
    return values


def _name_edge_keys(edges: Sequence[tuple[str, str, dict[str, str]]]) -> None:
    """Edge ids that repeat and are words are the keys of a multigraph; other ids are no data."""
    ids = [values["id"] for _, _, values in edges if "id" in values]
    are_keys = len(set(ids)) < len(ids) and not all(text.isdigit() for text in ids)
    for _, _, values in edges:
        key = values.pop("id", None)
        if are_keys and key is not None:
            values.setdefault("key", key)


def read_json(name: str, text: str, limits: Limits) -> GraphTable:
    """Edges of a Cytoscape network, of CX2 or of the older CX.

    Raises:
        InputError: UP-E02 for other JSON, UP-E05 without edges, KG-E06 for too many.
    """
    _check_nesting(name, text, limits)
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise not_a_table(name, f"JSON that cannot be read (line {error.lineno})") from error
    except ValueError as error:  # a number with thousands of digits
        raise not_a_table(name, "JSON with a number that is too long") from error
    if isinstance(value, dict) and isinstance(value.get("elements"), (dict, list)):
        kind, (nodes, edges) = "cytoscape", _cytoscape_parts(value["elements"])
    elif isinstance(value, list) and any(
        isinstance(aspect, dict) and aspect.keys() & {"nodes", "edges", "CXVersion"}
        for aspect in value
    ):
        kind, (nodes, edges) = "cx2", _cx_parts(value)
    else:
        raise not_a_table(name, "JSON that is neither CX2 nor a Cytoscape network")
    if not edges:
        raise InputError(
            "UP-E05", "Empty file", "The file has a header but no rows.", "Add one edge or more."
        )
    return _edge_table(kind, nodes, edges, limits)


def _check_nesting(name: str, text: str, limits: Limits) -> None:
    """Refuse deep or crowded JSON before a parser builds it."""
    plain = _JSON_STRING.sub("", text).encode("ascii", "replace")
    brackets = plain.translate(None, delete=_NO_BRACKET)
    opened = brackets.count(b"[") + brackets.count(b"{")
    if opened > limits.num_containers:
        raise not_a_table(name, f"JSON with more than {limits.num_containers:,} parts")
    marks = np.frombuffer(brackets, dtype=np.uint8)
    steps = np.where((marks == ord("[")) | (marks == ord("{")), 1, -1)
    if np.cumsum(steps).max(initial=0) > limits.depth:
        raise not_a_table(name, f"JSON nested more than {limits.depth} levels deep")


def _cx_parts(aspects: Iterable[Any]) -> Parts:
    """Nodes and edges of CX2; the older CX is read too."""
    found: dict[str, list[dict[str, Any]]] = {"nodes": [], "edges": []}
    declared: dict[str, Any] = {}
    for aspect in aspects:
        if not isinstance(aspect, dict):
            continue
        for key, items in found.items():
            items += [item for item in _list(aspect.get(key)) if isinstance(item, dict)]
        for declaration in _list(aspect.get("attributeDeclarations")):
            if isinstance(declaration, dict):
                declared.update(declaration)
    node_words, edge_words = _Declared(declared.get("nodes")), _Declared(declared.get("edges"))
    nodes = {}
    for item in found["nodes"]:
        values = node_words.complete(item.get("v"))
        label = values.get("name") or values.get("label") or _word(item.get("n"))
        nodes[_word(item.get("id", item.get("@id")))] = label
    edges = []
    for item in found["edges"]:
        values = edge_words.complete(item.get("v"))
        if "i" in item:
            values.setdefault("interaction", _word(item["i"]))
        edges.append((_word(item.get("s")), _word(item.get("t")), values))
    return nodes, edges


class _Declared:
    """Attribute declarations of CX2: short names and default values."""

    def __init__(self, declared: Any) -> None:  # noqa: ANN401 - any JSON value
        self.long: dict[str, str] = {}
        self.default: dict[str, str] = {}
        for key, value in declared.items() if isinstance(declared, dict) else ():
            if isinstance(value, dict):
                self.long[_word(value.get("a", key))] = key
                if "v" in value:
                    self.default[key] = _word(value["v"])

    def complete(self, values: Any) -> dict[str, str]:  # noqa: ANN401 - any JSON value
        given = values if isinstance(values, dict) else {}
        return {
            **self.default,
            **{self.long.get(key, key): _word(value) for key, value in given.items()},
        }


def _cytoscape_parts(elements: Any) -> Parts:  # noqa: ANN401 - any JSON value
    """Nodes and edges of a Cytoscape network, in either of its two forms."""
    if isinstance(elements, dict):
        items = [*_list(elements.get("nodes")), *_list(elements.get("edges"))]
    else:
        items = elements
    nodes: dict[str, str] = {}
    edges = []
    for item in items:
        data = item.get("data") if isinstance(item, dict) else None
        if not isinstance(data, dict):
            continue
        values = {key: _word(value) for key, value in data.items()}
        if "source" in data and "target" in data:
            ends = (values.pop("source"), values.pop("target"))
            values.pop("id", None)
            edges.append((*ends, values))
        else:
            nodes[values.get("id", "")] = (
                values.get("label") or values.get("name") or values.get("shared_name") or ""
            )
    return nodes, edges  # type: ignore[return-value]


def _list(value: Any) -> list[Any]:  # noqa: ANN401 - any JSON value
    return value if isinstance(value, list) else []


def _word(value: Any) -> str:  # noqa: ANN401 - any JSON value
    """A JSON value as a cell: text as it is, nothing for nothing, else its JSON."""
    if isinstance(value, str):
        return value.strip()
    if type(value) is int:
        return str(value)
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _edge_table(
    kind: str,
    nodes: Mapping[str, str],
    edges: Sequence[tuple[str, str, Mapping[str, str]]],
    limits: Limits,
) -> GraphTable:
    """Edges as rows: source, target, then every attribute that an edge has."""
    if len(edges) > limits.num_facts:
        raise too_large(len(edges), "facts", limits.num_facts)
    attributes = list(dict.fromkeys(key for _, _, values in edges for key in values))[:MAX_COLUMNS]
    rows = [
        (i, (source, target, *(values.get(key, "") for key in attributes)))
        for i, (source, target, values) in enumerate(edges, 1)
    ]
    names = {node: name for node, name in nodes.items() if name and name != node}
    columns = ("source", "target", *(printable(key) for key in attributes))
    return GraphTable(kind, columns, rows, entities=tuple(nodes), entity_names=names)
