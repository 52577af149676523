"""What answers a question about a graph, whether it reads facts or not: one interface.

An engine scores all entities, with any of its *items* hidden: the facts of the graph, or, for a
function that reads no facts when it answers, the terms of its formula. Evidence, live check and
smallest evidence are written against this interface alone.

    DigraphEngine    RED-GNN; items are facts, used along walks
    RuleEngine       path rules; items are facts, used along the chains of rules (`kg_rules`)
    FunctionEngine   a bilinear function; items are terms of its formula (`kg_function`)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from core.errors import InputError
from core.evidence.bundle import Model
from core.evidence.subgraph import Walk, fact_flow, first_hops, top_walks
from core.knowledge.graph import Adjacency, KnowledgeGraph
from core.serving.artifact import Artifact
from core.serving.relational import Pass, RelationalModel


@dataclass(frozen=True)
class Asked:
    """A question in rows of the graph.

    Attributes:
        entity: the given entity.
        relation: 0..R-1.
        inverse: False asks (entity, relation, ?), True asks (?, relation, entity).
    """

    entity: int
    relation: int
    inverse: bool


class Reading(Protocol):
    """An engine's answer to one question, and how it came about.

    Attributes:
        logits: (N,) float32, 0 for entities that were not reached.
        reached: (N,) bool.
    """

    logits: np.ndarray
    reached: np.ndarray

    @property
    def hops(self) -> dict[int, int]:
        """Every item that was used, with the first step that uses it."""

    def flow(self, answer: int) -> dict[int, float]:
        """Items that speak for an answer and the share of each in it, largest first."""

    def walks(self, answer: int, num: int) -> list[Walk]:
        """The chains of facts that lead to an answer, strongest first; none without facts."""


class Engine(Protocol):
    """What answers questions about one graph.

    Attributes:
        name: of the model, as addresses and exports state it.
        items: what can be hidden, as a graph: fact number = item number.
        noun: one item and several items in words.
        has_attention: whether `Reading.flow` is attention, a second way to choose evidence.
        reads_facts: whether items are facts of the graph.
    """

    name: str
    items: KnowledgeGraph
    noun: tuple[str, str]
    has_attention: bool
    reads_facts: bool

    @property
    def provider(self) -> str:
        """What computes."""

    @property
    def state(self) -> Model:
        """The model as an Evidence Bundle states it."""

    @property
    def adjacency(self) -> Adjacency:
        """Neighbour index in which `Reading.walks` states relations; `relation_of` likewise."""

    def relation_of(self, asked: Asked) -> int:
        """The relation of a question among the 2R of `adjacency`."""

    def unreachable(self, name: str) -> str:
        """Why nothing was reached from the entity of this name."""

    def read(self, asked: Asked, active: np.ndarray | None = None) -> Reading:
        """One question.

        Args:
            asked: the question.
            active: (items,) bool, what may be used; None for everything.
        """

    def overlays(
        self, asked: Asked, actives: Sequence[np.ndarray], everything: Reading
    ) -> np.ndarray:
        """Logits (n, N) of one question under several sets of allowed items.

        Args:
            asked: the question.
            actives: (items,) bool each.
            everything: the question with all items.
        """


@dataclass(frozen=True, eq=False)
class _Walked:
    """RED-GNN's pass for a single question."""

    run: Pass

    @property
    def logits(self) -> np.ndarray:
        return self.run.logits[0]

    @property
    def reached(self) -> np.ndarray:
        return self.run.reached[0]

    @cached_property
    def hops(self) -> dict[int, int]:
        return first_hops(self.run.digraph)

    def flow(self, answer: int) -> dict[int, float]:
        return fact_flow(self.run.digraph, self.run.attention, answer)

    def walks(self, answer: int, num: int) -> list[Walk]:
        return top_walks(self.run.digraph, self.run.attention, answer, num)


@dataclass(frozen=True, eq=False)
class TrainedEngine:
    """What every engine behind an artifact states about itself; see `Engine`.

    Attributes:
        artifact: the trained model.
    """

    artifact: Artifact

    @property
    def name(self) -> str:
        """Artifact name."""
        return self.artifact.name

    @property
    def provider(self) -> str:
        """Execution provider of ONNX Runtime."""
        return self.artifact.session.provider

    @property
    def state(self) -> Model:
        """From the card."""
        card = self.artifact.card
        return Model(card.name, card.created, card.files["model.onnx"], card.num_parameters, 0)


@dataclass(frozen=True, eq=False)
class DigraphEngine(TrainedEngine):
    """RED-GNN on a graph; see `Engine`.

    Attributes:
        items: the facts of the graph.
    """

    items: KnowledgeGraph
    noun = ("fact", "facts")
    has_attention = True
    reads_facts = True

    @cached_property
    def model(self) -> RelationalModel:
        """The exported step."""
        return RelationalModel.of(self.artifact)

    @cached_property
    def relation_rows(self) -> np.ndarray:
        """(R,) row of each relation of the graph in the model's vocabulary.

        Raises:
            InputError: KG-E07 when the model does not know some of them.
        """
        return rows_of(self.items.relations, self.artifact.knowledge["relations"], "relations")

    @cached_property
    def adjacency(self) -> Adjacency:
        """With the model's relation ids."""
        triples = self.items.triples.copy()
        triples[:, 1] = self.relation_rows[triples[:, 1]]
        return Adjacency.from_triples(
            triples, self.items.num_entities, len(self.artifact.knowledge["relations"])
        )

    def relation_of(self, asked: Asked) -> int:
        """See `Engine`."""
        row = int(self.relation_rows[asked.relation])
        return row + self.adjacency.num_relations if asked.inverse else row

    def unreachable(self, name: str) -> str:
        """See `Engine`."""
        return (
            f'No path of at most {self.model.num_layers} steps leaves "{name}" along known facts;'
        )

    def read(self, asked: Asked, active: np.ndarray | None = None) -> Reading:
        """See `Engine`."""
        heads, relations = np.array([asked.entity]), np.array([self.relation_of(asked)])
        rows = None if active is None else active[None]
        return _Walked(self.model.run(self.adjacency, heads, relations, rows))

    def overlays(
        self, asked: Asked, actives: Sequence[np.ndarray], everything: _Walked
    ) -> np.ndarray:
        """See `Engine`."""
        logits, _ = self.model.run_overlays(
            self.adjacency,
            asked.entity,
            self.relation_of(asked),
            actives,
            everything.run.digraph.num_edges,
        )
        return logits


def rows_of(names: Sequence[str], known: Sequence[str], noun: str) -> np.ndarray:
    """(n,) row of each name in a model's vocabulary, whatever the case.

    Args:
        names: of the graph.
        known: of the model.
        noun: what they name, in the plural, for the message.

    Raises:
        InputError: KG-E07 when the model does not know some of them.
    """
    index = {text.casefold(): row for row, text in enumerate(known)}
    rows = [index.get(text.casefold(), -1) for text in names]
    if missing := [name for name, row in zip(names, rows, strict=True) if row < 0]:
        raise InputError(
            "KG-E07",
            "This model was trained on another vocabulary",
            f"{len(missing)} of your {noun} are unknown to it "
            f"({', '.join(missing[:3])}{', …' if len(missing) > 3 else ''}).",
            "Train a model on your graph, or choose another one.",
        )
    return np.array(rows, dtype=np.int64)
