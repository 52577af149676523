"""The graphs that can be asked: embedded ones, and those a user uploaded."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import numpy as np

from core.data import genealogy, kg, toy
from core.data.uploads import GraphUpload, parse_graph_upload
from core.errors import InputError
from core.knowledge.graph import KnowledgeGraph
from core.store import Store


@dataclass(frozen=True, eq=False)
class GraphEntry:
    """A graph that can be asked.

    Attributes:
        id: short id, or the id of an upload.
        title: for people.
        description: one sentence.
        model: artifact that answers by default, empty when none was trained.
        load: the facts.
        held_out: (n, 3) true facts kept out of the graph, to test the model.
        examples: questions to begin with: entity id, relation id, direction (True asks for the
            head), answer id of interest (empty: the first).
    """

    id: str
    title: str
    description: str
    model: str
    load: Callable[[], KnowledgeGraph]
    held_out: Callable[[], np.ndarray]
    examples: tuple[tuple[str, str, bool, str], ...] = ()


@cache
def _royals() -> KnowledgeGraph:
    graph = genealogy.royal_graph()
    return graph.with_facts(remove=[tuple(fact) for fact in _royals_held_out().tolist()])


@cache
def _royals_held_out() -> np.ndarray:
    graph = genealogy.royal_graph()
    entity, relation = graph.entity_index, graph.relation_index
    rows = [(entity[h], relation[r], entity[t]) for h, r, t in genealogy.held_out_facts()]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)


@cache
def _umls() -> kg.KgSplit:
    return kg.load_split("umls")


@cache
def planted() -> toy.PlantedGraph:
    """The planted graph with its rules and questions."""
    return toy.planted_graph()


@lru_cache(maxsize=4)
def _benchmark(name: str) -> kg.KgSplit:
    return kg.load_inductive(name).inference if name in kg.INDUCTIVE_SPLITS else kg.load_split(name)


def _held_out(split: kg.KgSplit) -> np.ndarray:
    return np.concatenate([split.valid, split.test])


def embedded_graphs() -> tuple[GraphEntry, ...]:
    """The graphs that work offline at first start."""
    return (
        GraphEntry(
            "royals",
            "European royal families",
            "Parents, children, spouses, aunts and uncles of European dynasties; public facts. "
            "Answered by a model trained on another family, of which no name occurs here.",
            "redgnn-family",
            _royals,
            _royals_held_out,
            (("george-i-of-great-britain", "uncle", False, "frederick-william-i-of-prussia"),),
        ),
        GraphEntry(
            "umls",
            "UMLS semantic network",
            "How kinds of biomedical things relate: what causes, treats, disrupts or is part of "
            "what.",
            "redgnn-umls",
            lambda: _umls().train,
            lambda: _umls().test,
            (("amphibian", "exhibits", False, "social_behavior"),),
        ),
        GraphEntry(
            "planted",
            "Planted rules: how do we know?",
            "A made-up graph in which the true reason of every answer is known, so that the "
            "evidence check itself can be tested.",
            "redgnn-planted",
            lambda: planted().split.train,
            lambda: planted().split.test,
            (("person-49", "may_sign_for", False, "person-56"),),
        ),
    )


def find_graph(graph_id: str) -> GraphEntry:
    """An embedded graph, a benchmark by its name, or an upload by its id.

    Raises:
        InputError: KG-E03 when there is no such graph.
        DataError: a benchmark whose files cannot be had.
    """
    for entry in embedded_graphs():
        if entry.id == graph_id:
            return entry
    if graph_id in kg.SPLITS or graph_id in kg.INDUCTIVE_SPLITS:
        return GraphEntry(
            graph_id,
            graph_id,
            "A benchmark.",
            f"redgnn-{graph_id}",
            lambda: _benchmark(graph_id).train,
            lambda: _benchmark(graph_id).test,
        )
    upload = Store.open().find_upload(graph_id)
    if upload is None or upload.kind != "graph":
        raise InputError(
            "KG-E03",
            "Unknown graph",
            "This address names a graph that is not on this server.",
            "Choose one from the list, or upload it again.",
        )
    return GraphEntry(
        graph_id,
        upload.name,
        "Your own graph.",
        upload.summary.get("model", ""),
        lambda: _uploaded(graph_id).graph,
        lambda: np.zeros((0, 3), dtype=np.int64),
    )


@lru_cache(maxsize=4)
def _uploaded(upload_id: str) -> GraphUpload:
    upload = Store.open().find_upload(upload_id)
    return parse_graph_upload(
        upload.name,
        upload.path.read_bytes(),
        columns=upload.summary.get("columns"),
        header=upload.summary.get("header"),
    )


def keep_upload(
    name: str, content: bytes, columns: dict[str, Any] | None, *, header: bool | None = None
) -> str:
    """Store a graph file that parses; returns its id.

    Args:
        name: name of the file.
        content: its bytes.
        columns: role → column, None to guess.
        header: whether the first row of a table names its columns; None to guess.

    Raises:
        InputError: the file cannot be read as a graph (UP-E01 to UP-E07, KG-E05, KG-E06).
    """
    parsed = parse_graph_upload(name, content, columns=columns, header=header)
    summary = {
        "columns": columns,
        "header": header,
        "num_facts": parsed.graph.num_facts,
        "num_entities": parsed.graph.num_entities,
        "num_relations": parsed.graph.num_relations,
    }
    return Store.open().save_upload(name=name, content=content, kind="graph", summary=summary)
