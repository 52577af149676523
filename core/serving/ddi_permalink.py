"""The address of an answer about two drugs: a question as query parameters, and back.

An address comes from anywhere, so every value is compared with the network before it is used; what
does not fit is ignored and named, and the page takes it out of the address.

| parameter | meaning |
|---|---|
| network | id of the network |
| first, second | ids of drugs |
| new1, new2 | JSON in place of them: [name, SMILES, [[relation, entity], …]] |
| changes | JSON: [["add" or "remove", head, relation, tail], …] |
| type, head | row whose evidence is open: interaction type and id of #Drug1 |
| ranking | ``attention`` when the evidence is ranked by attention |
| result | id of a stored prediction; stands for all others |
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.errors import InputError
from core.serving.ddi_case import NEW_IDS, Fact, NewDrug, Query, check_query
from core.serving.ddi_networks import NetworkEntry, context, find_network, list_networks
from core.serving.parameters import ParameterReader
from core.store import Store

MAX_CHANGES = 50
MAX_FACTS = 100
MAX_CHARACTERS = 20_000
DOMAIN = "ddi"
NAMES = (
    "network", "first", "second", "new1", "new2", "changes", "type", "head", "ranking", "result",
)  # fmt: skip


@dataclass(frozen=True)
class Link:
    """What an address asks for.

    Attributes:
        query: the question; None for a network without an example.
        network: id of the network.
        row: interaction type and id of #Drug1 of the row whose evidence is open; empty strings for
            the first row.
        ranking: ``occlusion`` or ``attention``.
        example: True when the question is the network's example, not the address's.
        ignored: names of parameters that could not be used.
    """

    query: Query | None
    network: str
    row: tuple[str, str] = ("", "")
    ranking: str = "occlusion"
    example: bool = False
    ignored: tuple[str, ...] = ()


def to_parameters(
    query: Query, *, row: tuple[str, str] = ("", ""), ranking: str = "occlusion"
) -> dict[str, str]:
    """Query parameters of a question; values that are the default are left out."""
    values = {"network": query.network}
    for drug, name, new in ((query.first, "first", "new1"), (query.second, "second", "new2")):
        if isinstance(drug, str):
            values[name] = drug
        else:
            values[new] = _compact([drug.name, drug.smiles, drug.facts])
    changes = [["add", *fact] for fact in query.added]
    changes += [["remove", *fact] for fact in query.removed]
    values["changes"] = _compact(changes) if changes else ""
    values["type"], values["head"] = row
    values["ranking"] = "" if ranking == "occlusion" else ranking
    return {name: value for name, value in values.items() if value}


def from_parameters(parameters: Mapping[str, str]) -> Link:
    """Read an address; never fails for what the address holds.

    A network that is not here makes the starter network answer its example. A pair that cannot be
    asked leaves the network's example. Changes that do not fit are left out together.

    Raises:
        DataError: a network whose files cannot be read.
    """
    if "result" in parameters:
        return _stored(parameters)
    reader = ParameterReader(parameters)
    entry = reader.take("network", _find_network, None)
    if entry is None:
        return replace(example_link(list_networks()[0]), ignored=tuple(parameters))
    ends = []
    for name, new in (("first", "new1"), ("second", "new2")):
        drug = reader.take(new, _read_new, None)
        ends.append(drug or reader.take(name, lambda text: _known_drug(entry.id, text), None))
    unknown = tuple(name for name in parameters if name not in NAMES)
    query = None if None in ends else Query(entry.id, ends[0], ends[1])
    if query is None or not _fits(query):
        ignored = tuple(name for name in parameters if name != "network")
        return replace(example_link(entry), ignored=ignored)

    def change(text: str) -> Query | None:
        changed = _read_changes(text, query)
        return changed if changed is not None and _fits(changed) else None

    query = reader.take("changes", change, query)
    kinds = {kind.id for kind in context(entry.id).network.types}
    both = zip(ends, NEW_IDS, strict=True)
    ids = [drug if isinstance(drug, str) else new for drug, new in both]
    type_id = reader.take("type", lambda text: text if text in kinds else None, "")
    head = reader.take("head", lambda text: text if text in ids else None, "")
    ranking = reader.take(
        "ranking", {"occlusion": "occlusion", "attention": "attention"}.get, "occlusion"
    )
    row = (type_id, head) if type_id and head else ("", "")
    return Link(query, entry.id, row, ranking, ignored=(*reader.ignored, *unknown))


def example_link(entry: NetworkEntry) -> Link:
    """The network's own example; without one, a network that waits for a question."""
    if not all(entry.example):
        return Link(None, entry.id)
    return Link(Query(entry.id, *entry.example), entry.id, example=True)


def _stored(parameters: Mapping[str, str]) -> Link:
    """A stored prediction, checked like any address."""
    found = Store.open().find_prediction(parameters["result"])
    others = tuple(name for name in parameters if name != "result")
    if found is None or found["domain"] != DOMAIN:
        link = example_link(list_networks()[0])
        return replace(link, ignored=("result", *others))
    link = from_parameters(to_parameters(Query.from_json(found["query"])))
    return replace(link, ignored=(*link.ignored, *others))


def _find_network(network_id: str) -> NetworkEntry | None:
    """A network that can be asked now."""
    try:
        entry = find_network(network_id)
    except InputError:
        return None
    return entry if entry.available else None


def _known_drug(network_id: str, text: str) -> str | None:
    found = context(network_id).network
    return text if found.rows.get(text, found.num_drugs) < found.num_drugs else None


def _fits(query: Query) -> bool:
    try:
        check_query(query)
    except InputError:
        return False
    return True


def _read_new(text: str) -> NewDrug | None:
    value = _read_json(text)
    if not isinstance(value, list) or len(value) != 3:
        return None
    name, smiles, facts = value
    if not isinstance(name, str) or not isinstance(smiles, str) or not isinstance(facts, list):
        return None
    if len(facts) > MAX_FACTS or not all(_is_texts(fact, 2) for fact in facts):
        return None
    return NewDrug(name, smiles, tuple((fact[0], fact[1]) for fact in facts))


def _read_changes(text: str, query: Query) -> Query | None:
    rows = _read_json(text)
    if not isinstance(rows, list) or not 0 < len(rows) <= MAX_CHANGES:
        return None
    if not all(_is_texts(row, 4) and row[0] in ("add", "remove") for row in rows):
        return None
    changes: dict[str, list[Fact]] = {"add": [], "remove": []}
    for op, head, relation, tail in rows:
        changes[op].append((head, relation, tail))
    return replace(query, added=tuple(changes["add"]), removed=tuple(changes["remove"]))


def _is_texts(value: Any, length: int) -> bool:  # noqa: ANN401 - any JSON value
    return (
        isinstance(value, list)
        and len(value) == length
        and all(isinstance(cell, str) for cell in value)
    )


def _read_json(text: str) -> Any:  # noqa: ANN401 - any JSON value, None when it is none
    if len(text) > MAX_CHARACTERS:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _compact(value: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
