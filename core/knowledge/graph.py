"""Knowledge graphs: facts as triples, and the neighbour index that reasoning walks on.

Notation: N entities, R relations, F facts (head, relation, tail). Relation ids 0..R-1 read forward,
R..2R-1 read backward (r + R is the inverse of r), 2R is the identity that lets a walk wait.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from core.errors import ShapeError, UnknownName


@dataclass(frozen=True)
class Source:
    """Where facts come from: shown beside every fact.

    Attributes:
        title: name of the data set or document.
        licence: licence or terms as stated by the source.
        url: public address, empty for a user's own file.
        accessed: ISO date on which it was read, empty when it does not apply.
    """

    title: str
    licence: str = ""
    url: str = ""
    accessed: str = ""


@dataclass(frozen=True, eq=False)
class KnowledgeGraph:
    """A set of facts over named entities and relations.

    Attributes:
        name: short id of the graph, such as ``umls``.
        entities: (N,) unique entity ids.
        relations: (R,) unique relation ids.
        triples: (F, 3) int64, columns head, relation, tail; unique rows.
        entity_names: (N,) readable names; equal to `entities` when there are none.
        relation_names: (R,) readable names, written so that "head NAME tail" reads as a sentence.
        source: where the facts come from.
        entity_types: (N,) type words for the drawing, empty strings when unknown.
    """

    name: str
    entities: tuple[str, ...]
    relations: tuple[str, ...]
    triples: np.ndarray
    entity_names: tuple[str, ...] = ()
    relation_names: tuple[str, ...] = ()
    source: Source = field(default_factory=lambda: Source("unstated"))
    entity_types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check shapes and ranges, fill names that were not given."""
        triples = np.ascontiguousarray(self.triples, dtype=np.int64).reshape(-1, 3)
        object.__setattr__(self, "triples", triples)
        triples.setflags(write=False)
        for attribute, fallback in (
            ("entity_names", self.entities),
            ("relation_names", self.relations),
            ("entity_types", ("",) * len(self.entities)),
        ):
            if not getattr(self, attribute):
                object.__setattr__(self, attribute, fallback)
            if len(getattr(self, attribute)) != len(fallback):
                raise ShapeError(
                    f"{attribute} has {len(getattr(self, attribute))} values; "
                    f"{len(fallback)} are needed."
                )
        if triples.size:
            limit = np.array([len(self.entities), len(self.relations), len(self.entities)])
            if (triples < 0).any() or (triples >= limit).any():
                raise ShapeError("triples hold ids outside the entity or relation vocabulary.")

    @classmethod
    def from_facts(
        cls,
        name: str,
        facts: Iterable[tuple[str, str, str]],
        *,
        entities: Sequence[str] = (),
        relations: Sequence[str] = (),
        **attributes: Any,  # noqa: ANN401 - the remaining fields of the class
    ) -> "KnowledgeGraph":
        """Build a graph from (head, relation, tail) ids; duplicates are kept once.

        Args:
            name: id of the graph.
            facts: triples of ids.
            entities: ids to list first, in this order (others follow as they appear).
            relations: likewise.
            **attributes: further fields; `entity_names`, `relation_names` and `entity_types` may be
                mappings from id to text.
        """
        entity_ids = {text: i for i, text in enumerate(entities)}
        relation_ids = {text: i for i, text in enumerate(relations)}
        rows: dict[tuple[int, int, int], None] = {}
        for head, relation, tail in facts:
            row = (
                entity_ids.setdefault(head, len(entity_ids)),
                relation_ids.setdefault(relation, len(relation_ids)),
                entity_ids.setdefault(tail, len(entity_ids)),
            )
            rows.setdefault(row)
        for key, ids, default in (
            ("entity_names", entity_ids, None),
            ("relation_names", relation_ids, None),
            ("entity_types", entity_ids, ""),
        ):
            if isinstance(attributes.get(key), Mapping):
                mapping = attributes[key]
                attributes[key] = tuple(
                    mapping.get(text, text if default is None else default) for text in ids
                )
        triples = np.array(list(rows), dtype=np.int64).reshape(-1, 3)
        return cls(name, tuple(entity_ids), tuple(relation_ids), triples, **attributes)

    @property
    def num_entities(self) -> int:
        """N."""
        return len(self.entities)

    @property
    def num_relations(self) -> int:
        """R, without inverses and identity."""
        return len(self.relations)

    @property
    def num_facts(self) -> int:
        """F."""
        return len(self.triples)

    @cached_property
    def entity_index(self) -> dict[str, int]:
        """From entity id to row."""
        return {text: i for i, text in enumerate(self.entities)}

    @cached_property
    def relation_index(self) -> dict[str, int]:
        """From relation id to row."""
        return {text: i for i, text in enumerate(self.relations)}

    @cached_property
    def fact_index(self) -> dict[tuple[int, int, int], int]:
        """From (head, relation, tail) rows to the number of the fact."""
        return {(int(h), int(r), int(t)): i for i, (h, r, t) in enumerate(self.triples)}

    @cached_property
    def degree(self) -> np.ndarray:
        """(N,) number of facts that touch each entity."""
        return np.bincount(self.triples[:, [0, 2]].reshape(-1), minlength=self.num_entities)

    @cached_property
    def digest(self) -> str:
        """sha256 over vocabulary and facts; equal graphs have equal digests."""
        body = hashlib.sha256()
        body.update(json.dumps([self.entities, self.relations], ensure_ascii=True).encode())
        body.update(np.ascontiguousarray(self.triples).astype("<i8").tobytes())
        return body.hexdigest()

    @cached_property
    def adjacency(self) -> "Adjacency":
        """Neighbour index over facts, inverses and identities."""
        return Adjacency.from_triples(self.triples, self.num_entities, self.num_relations)

    def find_entity(self, text: str) -> int:
        """Row of the entity with this id or name (case-insensitive).

        Raises:
            UnknownName: KG-E03 with the nearest names.
        """
        return _find(text, self.entity_index, self.entity_names, "KG-E03", "Unknown entity")

    def find_relation(self, text: str) -> int:
        """Row of the relation with this id or name (case-insensitive).

        Raises:
            UnknownName: KG-E03 with the nearest names.
        """
        return _find(text, self.relation_index, self.relation_names, "KG-E03", "Unknown relation")

    def relation_phrase(self, relation: int) -> str:
        """Readable name of a relation id in 0..2R; inverses are marked."""
        if relation == 2 * self.num_relations:
            return "(wait)"
        if relation >= self.num_relations:
            return f"{self.relation_names[relation - self.num_relations]} (inverse)"
        return self.relation_names[relation]

    def with_facts(
        self,
        add: Sequence[tuple[int, int, int]] = (),
        remove: Sequence[tuple[int, int, int]] = (),
    ) -> "KnowledgeGraph":
        """The same vocabulary with facts added and removed; the original is unchanged."""
        gone = {tuple(map(int, fact)) for fact in remove}
        rows = {tuple(map(int, fact)): None for fact in self.triples if tuple(fact) not in gone}
        rows.update({tuple(map(int, fact)): None for fact in add})
        return replace(self, triples=np.array(list(rows), dtype=np.int64).reshape(-1, 3))

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal graph."""
        return {
            "name": self.name,
            "entities": list(self.entities),
            "relations": list(self.relations),
            "triples": self.triples.tolist(),
            "entity_names": list(self.entity_names),
            "relation_names": list(self.relation_names),
            "entity_types": list(self.entity_types),
            "source": vars(self.source),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "KnowledgeGraph":
        """Inverse of `to_json`."""
        return cls(
            name=value["name"],
            entities=tuple(value["entities"]),
            relations=tuple(value["relations"]),
            triples=np.array(value["triples"], dtype=np.int64).reshape(-1, 3),
            entity_names=tuple(value["entity_names"]),
            relation_names=tuple(value["relation_names"]),
            entity_types=tuple(value["entity_types"]),
            source=Source(**value["source"]),
        )

    def __eq__(self, other: object) -> bool:
        """Equal vocabulary, facts, names and source."""
        return isinstance(other, KnowledgeGraph) and self.to_json() == other.to_json()

    __hash__ = None  # compare by `digest` where a key is needed

    def __str__(self) -> str:
        """One line a person can read."""
        return (
            f"{self.name}: {self.num_facts:,} facts, {self.num_entities:,} entities, "
            f"{self.num_relations:,} relations"
        )


def _find(text: str, ids: Mapping[str, int], names: Sequence[str], code: str, title: str) -> int:
    if text in ids:
        return ids[text]
    folded = text.casefold().strip()
    for row, name in enumerate(names):
        if name.casefold() == folded:
            return row
    for known, row in ids.items():
        if known.casefold() == folded:
            return row
    short = [row for row, name in enumerate(names) if name.casefold().split(" (")[0] == folded]
    if len(short) == 1:  # "Queen Victoria" for "Queen Victoria (1819–1901)"
        return short[0]
    raise UnknownName(
        code,
        title,
        text,
        [*names, *ids],
        kind="this graph",
        hint="Pick one from the list or upload a graph that contains it.",
    )


@dataclass(frozen=True, eq=False)
class Adjacency:
    """Outgoing edges of every entity, in compressed rows.

    Edges are the facts in both directions and one identity edge per entity: E = 2F + N.

    Attributes:
        pointer: (N+1,) int64; the edges of entity v are pointer[v]..pointer[v+1]-1, sorted by
            relation.
        relation: (E,) int64 in 0..2R.
        target: (E,) int64.
        fact: (E,) int64, number of the fact behind the edge, -1 for identity edges.
        num_relations: R.
    """

    pointer: np.ndarray
    relation: np.ndarray
    target: np.ndarray
    fact: np.ndarray
    num_relations: int

    @classmethod
    def from_triples(
        cls, triples: np.ndarray, num_entities: int, num_relations: int
    ) -> "Adjacency":
        """Index facts (F, 3) in both directions, with an identity edge for every entity."""
        head, relation, tail = triples.T
        everyone = np.arange(num_entities)
        fact = np.arange(len(triples))
        source = np.concatenate([head, tail, everyone])
        kind = np.concatenate(
            [relation, relation + num_relations, np.full(num_entities, 2 * num_relations)]
        )
        target = np.concatenate([tail, head, everyone])
        number = np.concatenate([fact, fact, np.full(num_entities, -1)])
        order = np.lexsort((kind, source))
        pointer = np.zeros(num_entities + 1, dtype=np.int64)
        np.cumsum(np.bincount(source, minlength=num_entities), out=pointer[1:])
        return cls(pointer, kind[order], target[order], number[order], num_relations)

    @property
    def num_entities(self) -> int:
        """N."""
        return len(self.pointer) - 1

    @property
    def num_edges(self) -> int:
        """E."""
        return len(self.relation)

    @cached_property
    def pairs(self) -> "Pairs":
        """Edges grouped by (source, relation)."""
        source = np.repeat(np.arange(self.num_entities), np.diff(self.pointer))
        key = source * (2 * self.num_relations + 1) + self.relation
        start = np.flatnonzero(np.diff(key, prepend=-1))
        pointer = np.append(start, self.num_edges)
        owner = np.zeros(self.num_entities + 1, dtype=np.int64)
        np.cumsum(np.bincount(source[start], minlength=self.num_entities), out=owner[1:])
        return Pairs(owner, self.relation[start], pointer)

    @cached_property
    def _pair_key(self) -> np.ndarray:
        """(P,) ascending key source * (2R + 1) + relation of each pair."""
        source = np.repeat(np.arange(self.num_entities), np.diff(self.pairs.owner))
        return source * (2 * self.num_relations + 1) + self.pairs.relation

    def edges_from(self, source: np.ndarray, relation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """First edge and number of edges of each (source, relation); all arrays (n,)."""
        wanted = source * (2 * self.num_relations + 1) + relation
        place = np.minimum(np.searchsorted(self._pair_key, wanted), len(self._pair_key) - 1)
        found = self._pair_key[place] == wanted
        start, end = self.pairs.pointer[place], self.pairs.pointer[place + 1]
        return start, np.where(found, end - start, 0)


@dataclass(frozen=True, eq=False)
class Pairs:
    """The distinct (source, relation) pairs of an adjacency.

    The message along an edge depends on its source and relation only, so it is computed once per
    pair and summed into all targets of the pair: exact, and fewer messages (3.6 edges share a pair
    on FB15k-237, 5 on UMLS).

    Attributes:
        owner: (N+1,) int64; the pairs of entity v are owner[v]..owner[v+1]-1.
        relation: (P,) int64 in 0..2R.
        pointer: (P+1,) int64; the edges of pair p are pointer[p]..pointer[p+1]-1.
    """

    owner: np.ndarray
    relation: np.ndarray
    pointer: np.ndarray
