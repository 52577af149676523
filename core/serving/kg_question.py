"""A question about a knowledge graph, and the scores of its answers.

A question (head, relation, ?) or (?, relation, tail) is scored for every entity by an engine
(`core.serving.kg_engine`). The score of an answer is a probability: exp(f_v) against the sum over
all entities that are neither already known answers nor the given entity. A known answer is scored
with its own fact taken out of the graph, so that no answer rests on itself; an engine that reads no
facts learned it, and the answer says that it is known.

    Query (what a person asks) ──ask──> Question (in rows) ──scorer──> AnswerScorer (one answer)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.errors import InputError
from core.evidence.evidence import Outcome, Overlay
from core.evidence.subgraph import Walk
from core.knowledge.graph import KnowledgeGraph
from core.serving.artifact import Artifact, list_artifacts, load_artifact
from core.serving.graphs import find_graph
from core.serving.kg_engine import Asked, DigraphEngine, Engine, Reading
from core.serving.kg_function import FunctionEngine
from core.serving.kg_rules import RULES, count_rules
from core.settings import settings

Fact = tuple[int, int, int]


@dataclass(frozen=True)
class Edit:
    """A change to the facts for one question: op is ``add`` or ``remove``; ids of the graph."""

    op: str
    head: str
    relation: str
    tail: str


@dataclass(frozen=True)
class Query:
    """A question.

    Attributes:
        graph: id of an embedded graph or of an upload.
        entity: id of the given entity.
        relation: id of the relation.
        inverse: False asks (entity, relation, ?), True asks (?, relation, entity).
        top_k: answers wanted.
        hide_known: leave out answers that are facts of the graph.
        model: artifact name; empty for the graph's own.
        edits: changes to the facts.
    """

    graph: str
    entity: str
    relation: str
    inverse: bool = False
    top_k: int = 10
    hide_known: bool = True
    model: str = ""
    edits: tuple[Edit, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal query."""
        return asdict(self) | {"edits": [asdict(edit) for edit in self.edits]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Query":
        """Inverse of `to_json`."""
        return cls(**{**value, "edits": tuple(Edit(**edit) for edit in value["edits"])})


def without_fact(query: Query, fact: Edit) -> Query:
    """The same question with one more edit."""
    return replace(query, edits=(*query.edits, fact))


def find_model(name: str) -> Artifact:
    """A shipped artifact, or one trained here by a job.

    Raises:
        ArtifactError: neither exists, or the files do not match their card.
        InputError: KG-E07 when a graph has no model yet.
    """
    if not name:
        raise InputError(
            "KG-E07",
            "No model for this graph yet",
            "Nothing was trained on it.",
            f'Train one on your graph, or choose another; "{RULES}" always fits.',
        )
    own = settings().home / "trained"
    return load_artifact(name, own if (own / name / "card.json").is_file() else None)


def fitting_models(graph: KnowledgeGraph) -> list[str]:
    """Names of models for a graph: artifacts that know it, shipped ones first, then the rules.

    A damaged artifact is left out here; the About page says why it is refused.
    """
    relations, entities = _folded(graph.relations), _folded(graph.entities)
    fitting = []
    for root in (settings().trained, settings().home / "trained"):
        for _, artifact in list_artifacts(root):
            if not isinstance(artifact, Artifact) or artifact.card.task != "kg_reasoning":
                continue
            known = artifact.knowledge
            if relations <= _folded(known["relations"]) and (
                "entities" not in known or entities <= _folded(known["entities"])
            ):
                fitting.append(artifact.name)
    return [*fitting, RULES]


def _folded(names: Sequence[str]) -> set[str]:
    return {text.casefold() for text in names}


def apply_edits(graph: KnowledgeGraph, edits: Sequence[Edit]) -> KnowledgeGraph:
    """The graph with facts added and removed.

    Raises:
        InputError: KG-E08 for a fact that links an entity to itself, is already there or is not
            there; UnknownName KG-E03 for a name that is not in the graph.
    """
    added: dict[Fact, None] = {}
    removed: dict[Fact, None] = {}
    for edit in edits:
        fact = (
            graph.find_entity(edit.head),
            graph.find_relation(edit.relation),
            graph.find_entity(edit.tail),
        )
        text = f'"{edit.relation}({edit.head}, {edit.tail})"'
        exists = fact in added or (fact in graph.fact_index and fact not in removed)
        if fact[0] == fact[2]:
            problem = f"{text} links an entity to itself."
        elif edit.op == "add" and exists:
            problem = f"{text} is already a fact of this graph."
        elif edit.op == "remove" and not exists:
            problem = f"{text} is not a fact of this graph."
        else:
            chosen, other = (added, removed) if edit.op == "add" else (removed, added)
            if fact in other:
                del other[fact]
            else:
                chosen[fact] = None
            continue
        raise InputError("KG-E08", "Fact not changed", problem, "Choose another fact.")
    return graph.with_facts(list(added), list(removed))


@dataclass(frozen=True, eq=False)
class Reasoner:
    """A graph and what answers questions about it.

    Attributes:
        graph: the facts, edits applied.
        engine: the model.
        held_out: true facts kept out of the graph.
    """

    graph: KnowledgeGraph
    engine: Engine
    held_out: frozenset[Fact] = field(default_factory=frozenset)

    def answers_of(
        self, facts: np.ndarray, entity: int, relation: int, *, inverse: bool
    ) -> np.ndarray:
        """Entities that complete the question among `facts` (n, 3)."""
        given, asked = (2, 0) if inverse else (0, 2)
        rows = (facts[:, given] == entity) & (facts[:, 1] == relation)
        return np.unique(facts[rows, asked])


def reasoner(query: Query) -> Reasoner:
    """The cached reasoner of a question."""
    return _reasoner(query.graph, query.model, query.edits)


@lru_cache(maxsize=16)
def _reasoner(graph_id: str, model: str, edits: tuple[Edit, ...]) -> Reasoner:
    entry = find_graph(graph_id)
    graph = entry.load()
    held_out = frozenset(tuple(map(int, fact)) for fact in entry.held_out())
    if edits:
        graph = apply_edits(graph, edits)
    return Reasoner(graph, _engine(graph, model or entry.model), held_out)


def _engine(graph: KnowledgeGraph, model: str) -> Engine:
    """What answers under this name; rules are counted on the graph as it is."""
    if model == RULES:
        return count_rules(graph)
    artifact = find_model(model)
    kind = FunctionEngine if artifact.card.method == "autoblm" else DigraphEngine
    return kind(artifact, graph)


@dataclass(frozen=True, eq=False)
class Question:
    """One question to one reasoner, in rows."""

    reasoner: Reasoner
    asked: Asked

    @cached_property
    def known(self) -> np.ndarray:
        """Answers that are facts of the graph."""
        asked = self.asked
        return self.reasoner.answers_of(
            self.reasoner.graph.triples, asked.entity, asked.relation, inverse=asked.inverse
        )

    @cached_property
    def everything(self) -> Reading:
        """The question with all items."""
        return self.reasoner.engine.read(self.asked)

    def fact_of(self, answer: int) -> Fact:
        """The triple that an answer would state."""
        entity = self.asked.entity
        ends = (answer, entity) if self.asked.inverse else (entity, answer)
        return ends[0], self.asked.relation, ends[1]

    def outcomes(self, logits: np.ndarray, answer: int) -> list[Outcome]:
        """Probability and realistic rank of one answer for each row of logits (n, N)."""
        rivals = np.ones(logits.shape[1], dtype=bool)
        rivals[self.known] = False
        rivals[[self.asked.entity, answer]] = False
        own, others = logits[:, answer].astype(float), logits[:, rivals].astype(float)
        top = np.maximum(own, others.max(1, initial=-np.inf))
        mass = np.exp(own - top)
        score = mass / (mass + np.exp(others - top[:, None]).sum(1))
        rank = 1 + (others > own[:, None]).sum(1) + (others == own[:, None]).sum(1) / 2
        return [Outcome(float(s), float(r)) for s, r in zip(score, rank, strict=True)]

    def scorer(self, answer: int) -> "AnswerScorer":
        """Scores of one answer under overlays of items."""
        return AnswerScorer(self, answer)


@dataclass(frozen=True, eq=False)
class AnswerScorer:
    """`core.evidence.evidence.Scorer` for one answer; items as rows (head, relation, tail)."""

    question: Question
    answer: int

    @property
    def engine(self) -> Engine:
        """What answers."""
        return self.question.reasoner.engine

    @cached_property
    def base(self) -> np.ndarray:
        """(items,) what may be used: all but the fact that states the answer."""
        items = self.engine.items
        allowed = np.ones(items.num_facts, dtype=bool)
        if items is self.question.reasoner.graph:
            own = items.fact_index.get(self.question.fact_of(self.answer))
            if own is not None:
                allowed[own] = False
        return allowed

    @cached_property
    def everything(self) -> Reading:
        """The question without the fact that states the answer."""
        return self.question.everything if self.base.all() else self._read(Overlay())

    def active(self, overlay: Overlay) -> np.ndarray:
        """(items,) allowed by an overlay."""
        index = self.engine.items.fact_index
        if overlay.keep is None:
            allowed = self.base.copy()
        else:
            allowed = np.zeros(len(self.base), dtype=bool)
            allowed[[index[item] for item in overlay.keep]] = True
            allowed &= self.base
        allowed[[index[item] for item in overlay.remove]] = False
        return allowed

    def candidates(self, taken: frozenset[Fact]) -> list[Fact]:
        """Items that speak for the answer once `taken` are gone, largest flow first."""
        found = self._read(Overlay(remove=taken)) if taken else self.everything
        triples = self.engine.items.triples
        return [tuple(map(int, triples[number])) for number in found.flow(self.answer)]

    def walks_within(self, facts: Sequence[int], num: int) -> list[Walk]:
        """At most `num` walks to the answer that use these facts only."""
        triples = self.engine.items.triples
        kept = frozenset(tuple(map(int, triples[number])) for number in facts)
        return self._read(Overlay(keep=kept)).walks(self.answer, num)

    def _read(self, overlay: Overlay) -> Reading:
        return self.engine.read(self.question.asked, self.active(overlay))

    def __call__(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """One batched run."""
        question = self.question
        logits = self.engine.overlays(
            question.asked, [self.active(overlay) for overlay in overlays], question.everything
        )
        return question.outcomes(logits, self.answer)


def ask(query: Query) -> Question:
    """Resolve names to rows.

    Raises:
        InputError: KG-E01 to KG-E04, KG-E07.
    """
    if not query.entity.strip():
        raise InputError(
            "KG-E01", "Pick a subject", "Type a name or an id;", "the list shows matches."
        )
    found = reasoner(query)
    graph = found.graph
    if not query.relation.strip():
        counts = np.bincount(graph.triples[:, 1], minlength=graph.num_relations)
        raise InputError(
            "KG-E02",
            "Pick a relation",
            f"This graph has {graph.num_relations};",
            f'the most frequent is "{graph.relation_names[int(counts.argmax())]}".',
        )
    entity, relation = graph.find_entity(query.entity), graph.find_relation(query.relation)
    if not graph.degree[entity]:
        raise InputError(
            "KG-E04",
            "Isolated entity",
            f'"{graph.entity_names[entity]}" has no facts, so nothing can be inferred about it.',
            'Add at least one fact under "What if…".',
        )
    return Question(found, Asked(entity, relation, query.inverse))


def question_text(graph: KnowledgeGraph, entity: int, relation: int, *, inverse: bool) -> str:
    """The question in words, the unknown as a question mark."""
    name, phrase = graph.entity_names[entity], graph.relation_names[relation]
    return f"? {phrase} {name}" if inverse else f"{name} {phrase} ?"


def fact_text(graph: KnowledgeGraph, fact: Fact) -> str:
    """A fact as a sentence."""
    head, relation, tail = fact
    return f"{graph.entity_names[head]} {graph.relation_names[relation]} {graph.entity_names[tail]}"
