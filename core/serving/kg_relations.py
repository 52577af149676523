"""Which relation holds between two entities? Every relation of the graph asked about the pair."""

from dataclasses import dataclass, replace

from core.errors import InputError
from core.serving.kg_question import Query, ask, reasoner


@dataclass(frozen=True)
class RelationAnswer:
    """One relation between the two entities.

    Attributes:
        relation: id.
        name: readable name.
        score: probability of the tail among all answers of (head, relation, ?).
        rank: of the tail among these answers.
        known: whether the graph states the fact; it is scored without itself then.
    """

    relation: str
    name: str
    score: float
    rank: float
    known: bool


def rank_relations(query: Query, tail: str) -> tuple[RelationAnswer, ...]:
    """Relations by how well the tail answers (head, relation, ?), best first.

    Scores of different relations are probabilities over the same entities, so they can be compared;
    a relation that has many tails for every head shares its probability among them.

    Args:
        query: graph, model and edits; its entity is the head.
        tail: id or name of the other entity.

    Raises:
        InputError: KG-E01 to KG-E04, KG-E07; KG-E10 when both entities are the same.
    """
    graph = reasoner(query).graph
    answer = graph.find_entity(tail)
    if query.entity and graph.find_entity(query.entity) == answer:
        raise InputError(
            "KG-E10", "One entity", "Head and tail are the same entity;", "choose two different."
        )
    found = []
    for relation, name in zip(graph.relations, graph.relation_names, strict=True):
        question = ask(replace(query, relation=relation, inverse=False))
        logits = question.scorer(answer).everything.logits
        [outcome] = question.outcomes(logits[None], answer)
        known = question.fact_of(answer) in graph.fact_index
        found.append(RelationAnswer(relation, name, outcome.score, outcome.rank, known))
    return tuple(sorted(found, key=lambda row: (-row.score, row.rank, row.relation)))
