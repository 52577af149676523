"""Knowledge-graph data sets to knowledge objects: splits, names, splits of an own graph.

Rows and columns follow the published files; inverse relations are never stored. Nothing is dropped:
an entity of the validation or test part that no training fact mentions stays in the vocabulary.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.data import genealogy, registry
from core.errors import DataError
from core.knowledge.graph import KnowledgeGraph, Source

SPLITS = (
    "family", "umls", "umls-drum", "umls-conve", "kinship", "nations",
    "WN18RR", "FB15k-237", "NELL-995", "YAGO3-10",
)  # fmt: skip
INDUCTIVE_SPLITS = tuple(
    f"{name}_v{k}" for name in ("WN18RR", "fb237", "nell") for k in range(1, 5)
)

Facts = list[tuple[str, str, str]]


@dataclass(frozen=True, eq=False)
class KgSplit:
    """A graph and the questions held back from it, in one vocabulary.

    Attributes:
        name: id of the data set.
        train: all training facts; the message graph of validation and test.
        valid: (num_valid, 3) int64 facts.
        test: (num_test, 3) int64 facts.
        facts: (num_shipped, 3) int64, the part of the training facts that was published as message
            graph of the first epoch; None when the set has no such part.
    """

    name: str
    train: KnowledgeGraph
    valid: np.ndarray
    test: np.ndarray
    facts: np.ndarray | None = None

    @property
    def known(self) -> np.ndarray:
        """(num_train + num_valid + num_test, 3) facts that a filtered ranking must leave out."""
        return np.concatenate([self.train.triples, self.valid, self.test])


@dataclass(frozen=True, eq=False)
class InductiveSplit:
    """Two graphs over different entities and the same relations.

    Attributes:
        name: id of the data set.
        train: graph and questions to learn from.
        inference: graph and questions about entities never seen in `train`.
    """

    name: str
    train: KgSplit
    inference: KgSplit


def load_split(name: str) -> KgSplit:
    """A transductive benchmark, one of `SPLITS`.

    Raises:
        DataError: there is no such split, or its files are neither here nor within reach.
    """
    if name not in SPLITS:
        raise _unknown_split(name, SPLITS)
    data_set = registry.find(name)
    contents = registry.read(name)
    parts = {part: _facts(contents[f"{part}.txt"], part) for part in ("train", "valid", "test")}
    shipped = _facts(contents["facts.txt"], "facts") if "facts.txt" in contents else None
    parts["train"] = (shipped or []) + parts["train"]
    relations = sorted({relation for part in parts.values() for _, relation, _ in part})
    return _split(data_set.name, data_set, parts, relations, shipped)


def load_inductive(name: str) -> InductiveSplit:
    """An inductive benchmark, one of `INDUCTIVE_SPLITS`.

    Both graphs list the relations of the training side in sorted order, so that row r means the
    same relation in both.

    Raises:
        DataError: there is no such split, its files are neither here nor within reach, or the
            inference graph uses a relation that the training graph lacks.
    """
    if name not in INDUCTIVE_SPLITS:
        raise _unknown_split(name, INDUCTIVE_SPLITS)
    data_set = registry.find(name)
    contents = registry.read(name)
    sides = {
        side: {
            part: _facts(contents[f"{side}/{part}.txt"], f"{side}/{part}")
            for part in ("train", "valid", "test")
        }
        for side in ("train", "inference")
    }
    used = {
        side: {relation for part in parts.values() for _, relation, _ in part}
        for side, parts in sides.items()
    }
    unknown = sorted(used["inference"] - used["train"])
    if unknown:
        raise DataError(
            f"Data set {name}: the inference graph uses relations that the training graph lacks: "
            f"{', '.join(unknown)}. Only relations seen in training can be answered."
        )
    relations = sorted(used["train"])
    return InductiveSplit(
        name,
        _split(name, data_set, sides["train"], relations),
        _split(f"{name}_ind", data_set, sides["inference"], relations),
    )


def split_triples(
    graph: KnowledgeGraph, *, seed: int, valid_share: float = 0.1, test_share: float = 0.1
) -> KgSplit:
    """Hold facts back from a graph at random.

    A fact stays in training when it is the last training fact of its head, tail or relation. So a
    sparse graph yields fewer questions than asked for, shared out in the asked proportion.

    Args:
        graph: all facts.
        seed: the same seed gives the same split.
        valid_share: wanted share of validation facts.
        test_share: wanted share of test facts.
    """
    wanted = [round(graph.num_facts * share) for share in (valid_share, test_share)]
    entity_use = np.zeros(graph.num_entities, dtype=np.int64)
    relation_use = np.bincount(graph.triples[:, 1], minlength=graph.num_relations)
    np.add.at(entity_use, graph.triples[:, 0], 1)
    no_loop = graph.triples[:, 0] != graph.triples[:, 2]
    np.add.at(entity_use, graph.triples[no_loop, 2], 1)  # a self-loop is one fact of its entity
    entity_left, relation_left = entity_use.tolist(), relation_use.tolist()
    held: list[int] = []
    for i in np.random.default_rng(seed).permutation(graph.num_facts).tolist():
        if len(held) == sum(wanted):
            break
        head, relation, tail = graph.triples[i].tolist()
        if min(entity_left[head], entity_left[tail], relation_left[relation]) < 2:
            continue
        for entity in {head, tail}:
            entity_left[entity] -= 1
        relation_left[relation] -= 1
        held.append(i)
    num_valid = round(len(held) * wanted[0] / sum(wanted)) if held else 0
    kept = np.ones(graph.num_facts, dtype=bool)
    kept[held] = False
    return KgSplit(
        graph.name,
        replace(graph, triples=graph.triples[kept]),
        graph.triples[held[:num_valid]],
        graph.triples[held[num_valid:]],
    )


def unique_names(names: Sequence[str], *details: Sequence[str]) -> tuple[str, ...]:
    """Names made unique: a repeated one gets, in brackets, the first detail that tells it apart.

    Args:
        names: (n,) names, possibly repeated.
        *details: each (n,) texts; the last must be unique, for example ids.
    """
    result = list(names)
    for level, detail in enumerate(details):
        count = Counter(result)
        if len(count) == len(result):
            break
        result = [
            f"{names[i]} ({detail[i]})" if count[text] > 1 else text
            for i, text in enumerate(result)
        ]
        if level == len(details) - 1 and len(set(result)) < len(result):
            # a bracketed name may equal another one that already looked so
            result = [f"{text} [{detail[i]}]" for i, text in enumerate(result)]
    return tuple(result)


def _unknown_split(name: str, known: Iterable[str]) -> DataError:
    return DataError(f'"{name}" is not one of these splits: {", ".join(known)}.')


def _facts(content: bytes, part: str) -> Facts:
    rows = [tuple(line.split("\t")) for line in content.decode("utf-8").splitlines() if line]
    for number, row in enumerate(rows, 1):
        if len(row) != 3:
            raise DataError(f"{part}, line {number}: {len(row)} columns, 3 expected.")
    return rows  # type: ignore[return-value]


def _split(
    name: str,
    data_set: registry.DataSet,
    parts: Mapping[str, Facts],
    relations: Sequence[str],
    shipped: Facts | None = None,
) -> KgSplit:
    entities = sorted(
        {end for part in parts.values() for head, _, tail in part for end in (head, tail)}
    )
    entity_names, entity_types = _entity_names(data_set, entities)
    train = KnowledgeGraph.from_facts(
        name,
        parts["train"],
        entities=entities,
        relations=relations,
        entity_names=entity_names,
        entity_types=entity_types,
        relation_names=_relation_names(data_set, relations),
        source=Source(data_set.title, data_set.licence, data_set.files[0].origin),
    )
    return KgSplit(
        name,
        train,
        _rows(train, parts["valid"]),
        _rows(train, parts["test"]),
        _rows(train, shipped) if shipped is not None else None,
    )


def _rows(graph: KnowledgeGraph, facts: Facts) -> np.ndarray:
    entity, relation = graph.entity_index, graph.relation_index
    rows = [(entity[head], relation[name], entity[tail]) for head, name, tail in facts]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


def _names_table(content: bytes) -> dict[str, str]:
    pairs = (line.split("\t", 1) for line in content.decode("utf-8").splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _entity_names(
    data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Readable names and type words of the entities, as far as the set has any."""
    name_of = _ENTITY_NAMES.get(_kind(data_set), _plain_names)
    return name_of(data_set, entities)


def _kind(data_set: registry.DataSet) -> str:
    return re.sub(r"_v\d$", "", data_set.name).split("-")[0]


def _plain_names(
    _data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return unique_names([text.replace("_", " ") for text in entities], entities), ()


def _person_names(
    _data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(f"person {text}" for text in entities), ("person",) * len(entities)


def _kinship_names(
    _data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _person_names(_data_set, [text.removeprefix("person") for text in entities])


def _concept_names(
    _data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """UMLS: Amino_Acid_Sequence becomes "amino acid sequence"."""
    return tuple(text.replace("_", " ").lower() for text in entities), ()


def _belief_names(
    _data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """NELL: concept_city_fl and concept:city:fl become "fl" of the type "city"."""
    parts = [re.split("[_:]", text, maxsplit=2) for text in entities]
    types = [part[1] if len(part) == 3 and part[0] == "concept" else "" for part in parts]
    words = [
        (part[2] if kind else text).replace("_", " ").strip()
        for part, kind, text in zip(parts, types, entities, strict=True)
    ]
    return unique_names(words, types, entities), tuple(types)


def _synset_names(
    data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """WordNet: the lemma; with the beginning of its gloss where several synsets share it."""
    table = _names_table(registry.read(data_set.names)["entities.tsv"])
    pairs = [table.get(text, text).partition(", ") for text in entities]
    glosses = [gloss if len(gloss) <= 60 else gloss[:59] + "…" for _, _, gloss in pairs]
    return unique_names([lemma for lemma, _, _ in pairs], glosses, entities), ()


def _titled_names(
    data_set: registry.DataSet, entities: Sequence[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Freebase: the title; with its Wikidata id where several entities share it."""
    table = _names_table(registry.read(data_set.names)["entities.tsv"])
    titles = [table.get(text, text) for text in entities]
    plain = [re.sub(r" \(Q\d+\)$", "", title) for title in titles]
    ids = [title[len(text) + 2 : -1] or entity
           for title, text, entity in zip(titles, plain, entities, strict=True)]  # fmt: skip
    return unique_names(plain, ids, entities), ()


_NameOf = Callable[[registry.DataSet, Sequence[str]], tuple[tuple[str, ...], tuple[str, ...]]]
_ENTITY_NAMES: Mapping[str, _NameOf] = {
    "family": _person_names,
    "kinship": _kinship_names,
    "umls": _concept_names,
    "NELL": _belief_names,
    "nell": _belief_names,
    "WN18RR": _synset_names,
    "FB15k": _titled_names,
    "fb237": _titled_names,
}


def _relation_names(data_set: registry.DataSet, relations: Sequence[str]) -> tuple[str, ...]:
    """Words for "head WORDS tail"; the id's own words where nobody wrote better ones."""
    kind = _kind(data_set)
    if kind == "family":
        return tuple(genealogy.RELATION_NAMES[text] for text in relations)
    if kind == "kinship":
        return tuple(f"is related by {text.replace('term', 'term ')} to" for text in relations)
    if kind in ("FB15k", "fb237"):
        table = _names_table(registry.read(data_set.names)["relations.tsv"])
        paths = [text.replace("_", " ").strip("/").split("/") for text in relations]
        details = [[", ".join(path[:k]) for path in paths] for k in (1, 2)]
        return unique_names([table.get(text, text) for text in relations], *details, relations)
    phrases = {key.lower(): value for key, value in data_set.relation_phrases.items()}
    words = [
        phrases.get(text.lower(), text.removeprefix("concept:").replace("_", " ").strip())
        for text in relations
    ]
    return unique_names(words, relations)
