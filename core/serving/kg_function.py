"""A searched or named bilinear function as a model of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from core.evidence.subgraph import Walk
from core.knowledge.blocks import NAMED, BlockStructure
from core.knowledge.graph import Adjacency, KnowledgeGraph, Source
from core.serving.bilinear import BilinearModel
from core.serving.kg_engine import Asked, Reading, TrainedEngine, rows_of


@dataclass(frozen=True)
class Tried:
    """A structure of a search.

    Attributes:
        name: of the named function it is, or empty.
        formula: the score as a sum.
        num_blocks: terms.
        valid_mrr: filtered MRR on validation facts.
    """

    name: str
    formula: str
    num_blocks: int
    valid_mrr: float

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Tried":
        """From a row of the artifact's knowledge."""
        structure = BlockStructure.from_json(value["structure"])
        return cls(value["name"], structure.formula(), structure.num_blocks, value["valid_mrr"])


@dataclass(frozen=True, eq=False)
class _Computed:
    """A bilinear function's answer: what each term adds to each entity.

    Attributes:
        terms: (items, N) float32.
        active: (items,) bool.
    """

    terms: np.ndarray
    active: np.ndarray

    @cached_property
    def logits(self) -> np.ndarray:
        return self.active.astype(np.float32) @ self.terms

    @property
    def reached(self) -> np.ndarray:
        return np.ones(self.terms.shape[1], dtype=bool)

    @property
    def hops(self) -> dict[int, int]:
        return dict.fromkeys(np.flatnonzero(self.active).tolist(), 1)

    def flow(self, answer: int) -> dict[int, float]:
        added = np.where(self.active, self.terms[:, answer], 0).clip(min=0).astype(float)
        order = np.lexsort((np.arange(len(added)), -added))
        return {int(n): added[n] / added.sum() for n in order if added[n] > 0}

    def walks(self, answer: int, num: int) -> list[Walk]:  # noqa: ARG002
        return []


@dataclass(frozen=True, eq=False)
class FunctionEngine(TrainedEngine):
    """A bilinear scoring function trained on the graph; see `Engine`.

    It reads no facts when it answers: what it learned is in the vectors of entities and relations.
    Evidence is what its formula consists of.

    Attributes:
        graph: the graph that is asked; entities and relations as in training, in any order.
    """

    graph: KnowledgeGraph
    noun = ("term", "terms")
    has_attention = False
    reads_facts = False

    @property
    def structure(self) -> BlockStructure:
        """Which parts are multiplied."""
        return self.model.structure

    @property
    def nearest(self) -> tuple[str, int]:
        """The most similar named function, and the number of cells that differ."""
        found = self.artifact.knowledge["nearest"]
        return found["name"], found["cells_that_differ"]

    @property
    def nearest_structure(self) -> BlockStructure:
        """Structure of the most similar named function."""
        return NAMED[self.nearest[0]]

    @cached_property
    def trials(self) -> tuple[Tried, ...]:
        """Structures in the order they were tried; none when the structure was given."""
        return tuple(map(Tried.from_json, self.artifact.knowledge["trials"]))

    @cached_property
    def pareto(self) -> tuple[Tried, ...]:
        """Of these, the best of each size that no smaller one beats."""
        return tuple(map(Tried.from_json, self.artifact.knowledge["pareto"]))

    @cached_property
    def finalists(self) -> tuple[Tried, ...]:
        """Structures trained to the end, best first."""
        rows = map(Tried.from_json, self.artifact.knowledge["finalists"])
        return tuple(sorted(rows, key=lambda one: -one.valid_mrr))

    @property
    def search_s(self) -> float:
        """Seconds all trials took."""
        return sum(row["seconds"] for row in self.artifact.knowledge["trials"])

    @cached_property
    def items(self) -> KnowledgeGraph:
        """Terms as facts: head chunk, signed relation chunk, tail chunk."""
        structure = self.structure
        chunks = range(1, structure.num_chunks + 1)
        terms = [
            (f"h{i}", f"{'×' if value > 0 else '× −'} r{abs(value)} ×", f"t{j}")
            for i, row in enumerate(structure.cells, start=1)
            for j, value in enumerate(row, start=1)
            if value
        ]
        ends = [f"{side}{i}" for side in "ht" for i in chunks]
        return KnowledgeGraph.from_facts(
            self.name, terms, entities=ends, source=Source(f"formula of {self.name}")
        )

    @cached_property
    def model(self) -> BilinearModel:
        """The exported function."""
        return BilinearModel(self.artifact.session, self.artifact.knowledge)

    @cached_property
    def _rows(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows (N,) of entities and (R,) of relations in the model."""
        known = self.artifact.knowledge
        return (
            rows_of(self.graph.entities, known["entities"], "entities"),
            rows_of(self.graph.relations, known["relations"], "relations"),
        )

    @property
    def adjacency(self) -> Adjacency:
        """Of the graph."""
        return self.graph.adjacency

    def relation_of(self, asked: Asked) -> int:
        """In the model's vocabulary, inverses after all relations."""
        row = int(self._rows[1][asked.relation])
        return row + len(self.artifact.knowledge["relations"]) if asked.inverse else row

    def unreachable(self, name: str) -> str:
        """See `Engine`."""
        return f'"{name}" is the only entity of this graph;'

    def read(self, asked: Asked, active: np.ndarray | None = None) -> Reading:
        """See `Engine`."""
        entities, _ = self._rows
        num = len(entities)
        heads = np.full(num, entities[asked.entity])
        terms = self.model.terms(heads, np.full(num, self.relation_of(asked)), entities).T
        allowed = np.ones(len(terms), dtype=bool) if active is None else active
        return _Computed(terms, allowed)

    def overlays(
        self,
        asked: Asked,  # noqa: ARG002
        actives: Sequence[np.ndarray],
        everything: _Computed,
    ) -> np.ndarray:
        """See `Engine`."""
        return np.stack(actives).astype(np.float32) @ everything.terms
