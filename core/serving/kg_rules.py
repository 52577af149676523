"""Path rules as a model of the page: the baseline whose every answer is a counted regularity."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from core.evidence.bundle import Model
from core.evidence.subgraph import Step, Walk
from core.knowledge.graph import Adjacency, KnowledgeGraph
from core.knowledge.path_rules import mine_rules
from core.serving.kg_engine import Asked, Reading
from core.serving.rules import FiredRule, RuleModel

RULES = "rules"  # the name of the model: rules are counted on each graph anew
MAX_WALKS = 2_000_000  # chains followed per length when rules are mined for a page
LEAST = 1e-9  # probability of an answer to which no rule leads


@dataclass(frozen=True, eq=False)
class _Fired:
    """The rule model's answer to one question.

    Attributes:
        engine: what answered.
        asked: the question.
        active: (F,) bool, facts that rules could use; None for all.
        logits: (N,) float32.
        reached: (N,) bool.
    """

    engine: "RuleEngine"
    asked: Asked
    active: np.ndarray | None
    logits: np.ndarray
    reached: np.ndarray

    @cached_property
    def hops(self) -> dict[int, int]:
        engine, asked = self.engine, self.asked
        return engine.model.used_facts(
            engine.adjacency, asked.entity, engine.relation_of(asked), self.active
        )

    def flow(self, answer: int) -> dict[int, float]:
        weight: dict[int, float] = {}
        for rule in self._rules(answer):
            for fact in rule.facts:
                weight[fact] = max(weight.get(fact, 0.0), rule.rule.confidence)
        total = sum(weight.values())
        ordered = sorted(weight.items(), key=lambda entry: (-entry[1], entry[0]))
        return {fact: value / total for fact, value in ordered}

    def walks(self, answer: int, num: int) -> list[Walk]:
        adjacency, triples = self.engine.adjacency, self.engine.items.triples
        found = []
        for rule in self._rules(answer)[:num]:
            steps, place = [], self.asked.entity
            for hop, (relation, fact) in enumerate(zip(rule.rule.body, rule.facts, strict=True), 1):
                head, _, tail = (int(row) for row in triples[fact])
                target = head if relation >= adjacency.num_relations else tail
                steps.append(Step(place, relation, target, fact, hop, rule.rule.confidence))
                place = target
            found.append(Walk(tuple(steps), rule.rule.confidence))
        return found

    def _rules(self, answer: int) -> list[FiredRule]:
        return self.engine.rules_of(self.asked, answer, self.active)


@dataclass(frozen=True, eq=False)
class RuleEngine:
    """Path rules counted on the graph; see `Engine`.

    Attributes:
        items: the facts of the graph.
        model: the rules.
    """

    items: KnowledgeGraph
    model: RuleModel
    name = RULES
    noun = ("fact", "facts")
    has_attention = False
    reads_facts = True
    provider = "numpy"

    @property
    def state(self) -> Model:
        """Rules have no file: the facts they are counted on identify them."""
        return Model(RULES, "", self.items.digest, len(self.model.rules), 0)

    @property
    def adjacency(self) -> Adjacency:
        """Of the graph."""
        return self.items.adjacency

    def relation_of(self, asked: Asked) -> int:
        """See `Engine`."""
        return asked.relation + self.items.num_relations * asked.inverse

    def unreachable(self, name: str) -> str:
        """See `Engine`."""
        return f'No rule that was found in this graph leads anywhere from "{name}";'

    def rules_of(self, asked: Asked, answer: int, active: np.ndarray | None) -> list[FiredRule]:
        """The rules that lead to an answer, most confident first, one chain each."""
        relation = self.relation_of(asked)
        return self.model.rules_of(self.adjacency, asked.entity, relation, answer, active)

    def read(self, asked: Asked, active: np.ndarray | None = None) -> Reading:
        """See `Engine`."""
        logits, reached = self._run(asked, None if active is None else active[None], 1)
        return _Fired(self, asked, active, logits[0], reached[0])

    def overlays(
        self,
        asked: Asked,
        actives: Sequence[np.ndarray],
        everything: Reading,  # noqa: ARG002
    ) -> np.ndarray:
        """See `Engine`."""
        return self._run(asked, np.stack(actives), len(actives))[0]

    def _run(
        self, asked: Asked, actives: np.ndarray | None, num: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Log odds (n, N) that an answer is right, as the rules have it, and what was reached."""
        heads = np.full(num, asked.entity)
        relations = np.full(num, self.relation_of(asked))
        scores, reached = self.model.run(self.adjacency, heads, relations, actives)
        right = scores if self.model.aggregation == "maximum" else -np.expm1(-scores)
        right = np.clip(right, LEAST, 1 - LEAST)
        return np.log(right / (1 - right)).astype(np.float32), reached


def count_rules(graph: KnowledgeGraph) -> RuleEngine:
    """Mine the rules of a graph: chains of at most three facts."""
    adjacency = graph.adjacency
    rules = mine_rules(adjacency, rng=np.random.default_rng(0), max_walks=MAX_WALKS)
    return RuleEngine(graph, RuleModel(rules, graph.num_relations))
