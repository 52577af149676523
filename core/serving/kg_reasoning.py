"""Answers about a knowledge graph, with evidence that is checked.

What a page or a command asks for: ranked answers (`answer`), the facts one of them rests on
(`explain`), the live check of these facts (`check`), the smallest part that is enough (`minimise`)
and what an edit changes (`compare`). How a question is scored: `core.serving.kg_question`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import InputError
from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    Check,
    Minimal,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.evidence.reasons import find_reasons, strongest
from core.evidence.subgraph import Walk
from core.knowledge.rule import RuleCount, count_rule, rule_text
from core.serving.kg_question import (
    AnswerScorer,
    Edit,
    Fact,
    Query,
    Question,
    ask,
    fact_text,
    fitting_models,
    question_text,
    reasoner,
    without_fact,
)

__all__ = [
    "Answer",
    "Candidate",
    "Change",
    "Edit",
    "EvidenceFact",
    "EvidenceWalk",
    "Explanation",
    "Fact",
    "Query",
    "answer",
    "check",
    "compare",
    "explain",
    "fact_text",
    "fitting_models",
    "minimise",
    "reasoner",
    "without_fact",
]

NUM_CONTROLS = 20
NUM_WALKS = 40  # walks examined for evidence
NUM_SHOWN_WALKS = 12
NEEDED_DROP = 0.25  # share of the score whose loss ends the search for further reasons
LEVEL = 0.9  # share of the score that minimal evidence must keep


@dataclass(frozen=True)
class Candidate:
    """One answer.

    Attributes:
        rank: position among the shown kind of answers; ties share it.
        entity: id.
        name: readable name.
        score: probability, see the module text.
        logit: the model's raw score f.
        status: ``new``, ``known`` (a fact of the graph) or ``held out`` (true, but kept out of the
            graph to test the model).
    """

    rank: float
    entity: str
    name: str
    score: float
    logit: float
    status: str


@dataclass(frozen=True)
class Answer:
    """Ranked answers.

    Attributes:
        query: the question as it was understood.
        question: the question in words.
        rows: best first.
        num_candidates: entities ranked.
        num_reached: of these, within the model's number of steps.
        model: artifact name.
        provider: execution provider that ran.
        seconds: time of the answer.
    """

    query: Query
    question: str
    rows: tuple[Candidate, ...]
    num_candidates: int
    num_reached: int
    model: str
    provider: str
    seconds: float


@dataclass(frozen=True)
class EvidenceFact:
    """A fact offered as evidence.

    Attributes:
        fact: rows of head, relation, tail.
        hop: first step that uses it.
        deletion: fall of the score when only this fact is taken away.
        flow: share of the attention on all walks to the answer that passes through it.
    """

    fact: Fact
    hop: int
    deletion: float
    flow: float


@dataclass(frozen=True)
class EvidenceWalk:
    """A walk with its rule.

    Attributes:
        walk: the steps.
        sentence: the chain of facts in words.
        rule: the rule it is an instance of.
        count: how often that rule holds in the graph.
        only: score when the model sees nothing but this walk.
        without: score when all its facts are taken away.
    """

    walk: Walk
    sentence: str
    rule: str
    count: RuleCount
    only: float
    without: float


@dataclass(frozen=True)
class Explanation:
    """What one answer rests on.

    Attributes:
        entity: id of the answer.
        ranking: ``deletion`` or ``attention``: how the facts were chosen.
        facts: the evidence, strongest first.
        walks: walks made of evidence facts, strongest first.
        score: score with everything.
        num_walked: facts the model walked over for this question.
    """

    entity: str
    ranking: str
    facts: tuple[EvidenceFact, ...]
    walks: tuple[EvidenceWalk, ...]
    score: float
    num_walked: int

    @property
    def items(self) -> frozenset[Fact]:
        """The evidence as a set."""
        return frozenset(item.fact for item in self.facts)


@dataclass(frozen=True)
class Change:
    """One answer before and after an edit; None where it was not among the answers."""

    entity: str
    name: str
    rank_before: float | None
    rank_after: float | None
    score_before: float | None
    score_after: float | None


def answer(query: Query) -> Answer:
    """Rank the answers of a question.

    Raises:
        InputError: KG-E01 to KG-E09.
        ArtifactError: the model is missing or damaged.
    """
    start = time.perf_counter()
    question = ask(query)
    asked, engine, graph = question.asked, question.reasoner.engine, question.reasoner.graph
    reached = question.everything.reached.copy()
    reached[asked.entity] = False
    if not reached.any():
        raise InputError(
            "KG-E09",
            "Nothing reachable",
            engine.unreachable(graph.entity_names[asked.entity]),
            "the ranking would be guesswork and is not shown.",
        )
    rows = _candidates(question, reached, query)
    return Answer(
        query=query,
        question=question_text(graph, asked.entity, asked.relation, inverse=query.inverse),
        rows=rows,
        num_candidates=len(
            np.setdiff1d(np.arange(graph.num_entities), [*question.known, asked.entity])
        ),
        num_reached=len(np.setdiff1d(np.flatnonzero(reached), question.known)),
        model=engine.name,
        provider=engine.provider,
        seconds=time.perf_counter() - start,
    )


def _candidates(question: Question, reached: np.ndarray, query: Query) -> tuple[Candidate, ...]:
    graph, logits = question.reasoner.graph, question.everything.logits.copy()
    known = np.zeros(graph.num_entities, dtype=bool)
    known[question.known] = True
    listed = reached & ~known if query.hide_known else reached | known
    order = np.flatnonzero(listed)
    order = order[np.lexsort((order, -logits[order]))][: query.top_k]
    for entity in order[known[order]].tolist():
        logits[entity] = question.scorer(entity).everything.logits[entity]
    order = order[np.lexsort((order, -logits[order]))]
    found = []
    for entity in order.tolist():
        outcome = question.outcomes(logits[None], entity)[0]
        found.append(
            Candidate(
                outcome.rank,
                graph.entities[entity],
                graph.entity_names[entity],
                outcome.score,
                float(logits[entity]),
                _status(question, entity, known=bool(known[entity])),
            )
        )
    return tuple(found)


def _status(question: Question, entity: int, *, known: bool) -> str:
    if known:
        return "known"
    return "held out" if question.fact_of(entity) in question.reasoner.held_out else "new"


def explain(query: Query, entity: str, *, ranking: str = "deletion", size: int = 25) -> Explanation:
    """Find the facts an answer rests on.

    ``deletion``: small sets of facts that alone keep the score are searched, one after the other,
    until taking them all away changes the answer (`core.evidence.reasons`); where no small set
    exists, the facts whose single removal costs most are taken. Facts are ordered by the fall of
    the score without them. ``attention``: the facts of the walks of highest
    attention.

    Args:
        query: the question.
        entity: id of the answer.
        ranking: ``deletion`` or ``attention``.
        size: most facts shown.
    """
    question = ask(query)
    graph, items = question.reasoner.graph, question.reasoner.engine.items
    target = graph.find_entity(entity)
    scorer = question.scorer(target)
    read = scorer.everything
    hops = read.hops
    [everything] = question.outcomes(read.logits[None], target)
    if ranking == "attention":
        chosen = _by_attention(read.walks(target, NUM_WALKS), size)
        facts = list(dict.fromkeys(number for walk in chosen for number in walk.facts))
    else:
        reasons = find_reasons(
            scorer, scorer.candidates, level=LEVEL, drop=NEEDED_DROP, size=size
        ) or [strongest(scorer, scorer.candidates(frozenset()), size)]
        facts = [items.fact_index[fact] for reason in reasons for fact in reason]
        chosen = scorer.walks_within(facts, NUM_SHOWN_WALKS)
    triples = [tuple(map(int, items.triples[number])) for number in facts]
    singles = scorer([Overlay(remove=frozenset({fact})) for fact in triples])
    flow = read.flow(target)
    found = [
        EvidenceFact(fact, hops.get(n, 1), everything.score - outcome.score, flow.get(n, 0.0))
        for n, fact, outcome in zip(facts, triples, singles, strict=True)
    ]
    found.sort(key=lambda item: -(item.flow if ranking == "attention" else item.deletion))
    return Explanation(
        graph.entities[target],
        ranking,
        tuple(found),
        _described(question, scorer, chosen),
        everything.score,
        len(hops),
    )


def _by_attention(walks: Sequence[Walk], size: int) -> list[Walk]:
    chosen: list[Walk] = []
    facts: set[int] = set()
    for walk in walks:
        if len(facts | set(walk.facts)) > size:
            break
        chosen.append(walk)
        facts |= set(walk.facts)
    return chosen[:5]


def _described(
    question: Question, scorer: AnswerScorer, walks: Sequence[Walk]
) -> tuple[EvidenceWalk, ...]:
    if not walks:
        return ()
    graph, engine, asked = question.reasoner.graph, question.reasoner.engine, question.asked
    adjacency = engine.adjacency
    triples = {
        number: tuple(map(int, graph.triples[number])) for walk in walks for number in walk.facts
    }
    sets = [frozenset(triples[number] for number in walk.facts) for walk in walks]
    outcomes = scorer(
        [*(Overlay(keep=items) for items in sets), *(Overlay(remove=items) for items in sets)]
    )
    only, without = outcomes[: len(sets)], outcomes[len(sets) :]
    found = []
    for walk, kept, gone in zip(walks, only, without, strict=True):
        count = count_rule(
            adjacency, engine.relation_of(asked), walk.body, np.random.default_rng(0)
        )
        body = [
            (graph.relations[triples[step.fact][1]], step.relation >= adjacency.num_relations)
            for step in walk.steps
        ]
        head = graph.relations[asked.relation]
        rule = rule_text(f"{head}⁻¹" if asked.inverse else head, body)
        sentence = "; ".join(fact_text(graph, triples[step.fact]) for step in walk.steps)
        found.append(EvidenceWalk(walk, sentence, rule, count, kept.score, gone.score))
    return tuple(sorted(found, key=lambda walk: -walk.only))


def check(
    query: Query, entity: str, facts: frozenset[Fact], *, seed: int = 0, k: int = NUM_CONTROLS
) -> Check:
    """The live check: with all, without, with only the evidence, and random look-alikes.

    Look-alikes are facts the model walked over for the same question, of the same relation and
    first used in the same hop.
    """
    question = ask(query)
    engine = question.reasoner.engine
    scorer = question.scorer(question.reasoner.graph.find_entity(entity))
    hops = scorer.everything.hops
    index, triples = engine.items.fact_index, engine.items.triples
    pool = [tuple(map(int, triples[number])) for number in hops]

    def stratum(fact: Fact) -> tuple[int, int]:
        return fact[1], hops.get(index[fact], 0)

    controls = matched_controls(facts, pool, stratum, k, np.random.default_rng(seed))
    return check_evidence(scorer, facts, controls, stratum=stratum, noun=engine.noun)


def minimise(query: Query, entity: str, facts: Sequence[Fact]) -> Minimal:
    """The smallest part of the evidence that keeps 90 % of the score.

    Args:
        query: the question.
        entity: id of the answer.
        facts: evidence, strongest first.
    """
    question = ask(query)
    scorer = question.scorer(question.reasoner.graph.find_entity(entity))
    return find_minimal(scorer, frozenset(facts), LEVEL, order=list(facts))


def compare(before: Query, after: Query) -> tuple[Change, ...]:
    """Answers whose rank or score an edit changed, with the answers of both sides."""
    old, new = answer(before), answer(after)
    wanted = dict.fromkeys([row.entity for row in (*old.rows, *new.rows)])
    left, right = _outcomes_of(before, wanted), _outcomes_of(after, wanted)
    graph = reasoner(before).graph
    changes = [
        Change(
            entity,
            graph.entity_names[graph.entity_index[entity]],
            left[entity].rank,
            right[entity].rank,
            left[entity].score,
            right[entity].score,
        )
        for entity in wanted
    ]
    return tuple(sorted(changes, key=lambda row: (row.rank_before, row.rank_after, row.entity)))


def _outcomes_of(query: Query, entities: Mapping[str, None]) -> dict[str, Outcome]:
    question = ask(query)
    graph = question.reasoner.graph
    found = {}
    for entity in entities:
        row = graph.entity_index[entity]
        found[entity] = question.outcomes(question.scorer(row).everything.logits[None], row)[0]
    return found
