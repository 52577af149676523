"""Answers by path rules: the baseline that learned models must beat, and rules as evidence.

An answer is scored by the confidences of the rules that lead to it:

* ``maximum``: the highest one decides, among equals the second highest, and so on (AnyBURL);
* ``noisy-or``: each rule errs on its own, so the answer is wrong only if all are.

Which of them, up to which length of a body and over how many rules is a choice for validation:
see `CHOICES`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from core.knowledge.graph import Adjacency
from core.knowledge.path_rules import ChainTree, PathRule, follow
from core.knowledge.rule import RuleCount

TIE_RANGE = 1e-6  # confidences have six digits; ties are broken below them
MAX_CONFIDENCE = 1 - 1e-6  # keeps the logarithm of noisy-or finite
CHOICES = tuple(
    {"max_length": length, "aggregation": aggregation, "num_best": num_best}
    for length, (aggregation, num_best) in product(
        (2, 3), (("maximum", 10), ("noisy-or", 5), ("noisy-or", 30))
    )
)


@dataclass(frozen=True)
class FiredRule:
    """A rule that leads to an answer.

    Attributes:
        rule: its head is the relation asked.
        facts: numbers of the facts of one chain, in the order of the body.
    """

    rule: PathRule
    facts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class RuleModel:
    """Rules with the way they are combined.

    Attributes:
        rules: as mined, heads 0..R-1.
        num_relations: R.
        aggregation: ``maximum`` or ``noisy-or``.
        num_best: rules that count for an answer, the most confident ones.
        max_length: steps of the longest body in use.
    """

    rules: tuple[PathRule, ...]
    num_relations: int
    aggregation: str = "maximum"
    num_best: int = 10
    max_length: int = 3

    @cached_property
    def _directed(self) -> tuple[PathRule, ...]:
        """Rules for all 2R heads, most confident first."""
        used = [rule for rule in self.rules if len(rule.body) <= self.max_length]
        both = [*used, *(rule.backward(self.num_relations) for rule in used)]
        # a rule that reads the same backward, such as r^-1(X, Y) <- r(X, Y), is one rule
        unique = {(rule.head, rule.body): rule for rule in both}.values()
        return tuple(sorted(unique, key=lambda rule: (-rule.confidence, len(rule.body))))

    @cached_property
    def _tree(self) -> ChainTree:
        return ChainTree.from_bodies(
            [rule.head for rule in self._directed],
            [rule.body for rule in self._directed],
            2 * self.num_relations,
        )

    @cached_property
    def _confidence(self) -> np.ndarray:
        return np.array([rule.confidence for rule in self._directed])

    def run(
        self,
        adjacency: Adjacency,
        heads: np.ndarray,
        relations: np.ndarray,
        active: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Answer a batch of questions.

        Args:
            adjacency: neighbour index over F facts.
            heads: (B,) entities.
            relations: (B,) relations asked, 0..2R-1.
            active: (F,) or (B, F) bool, facts that rules may use; None allows all.

        Returns:
            scores (B, N) float64, 0 where no rule leads, and reached (B, N) bool. The score of
            ``maximum`` is the highest confidence plus less than 1e-6 to break ties within the
            question; that of ``noisy-or`` is -log of the probability that all rules err.
        """
        num_rules, num_entities = max(len(self._directed), 1), adjacency.num_entities
        keys = [np.zeros(0, dtype=np.int64)]
        for found in follow(
            adjacency, self._tree, np.asarray(heads), np.asarray(relations), active
        ):
            answer = found.question * num_entities + found.end
            keys.append(answer * num_rules + found.rule)
        # several chains of one rule count once; ascending rules are descending confidences
        key = np.sort(np.concatenate(keys))
        key = key[np.diff(key, prepend=-1) > 0]
        answers, rule = np.divmod(key, num_rules)
        place = np.arange(len(answers)) - np.searchsorted(answers, answers)
        answers, rule, place = (x[place < self.num_best] for x in (answers, rule, place))
        first = np.flatnonzero(place == 0)
        row = np.cumsum(place == 0) - 1
        scores = np.zeros(len(heads) * num_entities)
        if self.aggregation == "noisy-or":
            wrong = -np.log1p(-np.minimum(self._confidence[rule], MAX_CONFIDENCE))
            scores[answers[first]] = np.bincount(row, wrong, len(first))
        else:
            table = np.zeros((len(first), int(place.max(initial=0)) + 1))
            table[row, place] = self._confidence[rule]
            scores[answers[first]] = table[:, 0] + TIE_RANGE * _places(
                table, answers[first] // num_entities
            ) / (num_entities + 1)
        reached = np.zeros(len(scores), dtype=bool)
        reached[answers[first]] = True
        shape = len(heads), num_entities
        return scores.reshape(shape), reached.reshape(shape)

    def rules_of(
        self,
        adjacency: Adjacency,
        head: int,
        relation: int,
        tail: int,
        active: np.ndarray | None = None,
    ) -> list[FiredRule]:
        """The rules that lead from `head` to `tail`, most confident first, one chain each.

        Args:
            adjacency: neighbour index over F facts.
            head: entity asked about.
            relation: relation asked, 0..2R-1.
            tail: the answer.
            active: (F,) bool, facts that rules may use; None allows all.
        """
        chain: dict[int, tuple[int, ...]] = {}
        for found in follow(adjacency, self._tree, np.array([head]), np.array([relation]), active):
            for i in np.flatnonzero(found.end == tail).tolist():
                chain.setdefault(int(found.rule[i]), tuple(found.facts[i].tolist()))
        return [FiredRule(self._directed[rule], chain[rule]) for rule in sorted(chain)]

    def used_facts(
        self, adjacency: Adjacency, head: int, relation: int, active: np.ndarray | None = None
    ) -> dict[int, int]:
        """Every fact on a chain of a rule for this question, with its first place in one, from 1.

        Args:
            adjacency: neighbour index over F facts.
            head: entity asked about.
            relation: relation asked, 0..2R-1.
            active: (F,) bool, facts that rules may use; None allows all.
        """
        first: dict[int, int] = {}
        for found in follow(adjacency, self._tree, np.array([head]), np.array([relation]), active):
            for place, column in enumerate(found.facts.T, start=1):
                for fact in np.unique(column).tolist():
                    first[fact] = min(place, first.get(fact, place))
        return first

    def to_json(self) -> dict[str, Any]:
        """Plain values; a rule is [head, body, support, pairs, sampled]."""
        return {
            "num_relations": self.num_relations,
            "aggregation": self.aggregation,
            "num_best": self.num_best,
            "max_length": self.max_length,
            "rules": [
                [rule.head, list(rule.body), *vars(rule.count).values()] for rule in self.rules
            ],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "RuleModel":
        """Inverse of `to_json`."""
        rules = tuple(
            PathRule(head, tuple(body), RuleCount(*count)) for head, body, *count in value["rules"]
        )
        return cls(**{**value, "rules": rules})


def _places(table: np.ndarray, question: np.ndarray) -> np.ndarray:
    """(n,) place of each row among those of its question, compared column by column from the left.

    The lowest is 0; equal rows share a place.
    """
    order = np.lexsort((*table.T[::-1], question))
    ordered, asked = table[order], question[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (ordered[1:] != ordered[:-1]).any(1)
    rank = np.cumsum(new)
    places = np.empty(len(order))
    places[order] = rank - rank[np.searchsorted(asked, asked)]
    return places
