"""How often is displayed evidence true? The live check, run over a sample of right answers."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from core.data.toy import PlantedQuery
from core.evidence.faithfulness import NOT_SUPPORTED, PARTLY, SUPPORTED
from core.serving.graphs import find_graph, planted
from core.serving.kg_question import Query
from core.serving.kg_reasoning import answer, check, explain, minimise


@dataclass(frozen=True)
class Audit:
    """Verdicts over the first answers of held-out questions, where they are true.

    Attributes:
        graph: id of the graph.
        ranking: how evidence was chosen, ``deletion`` or ``attention``.
        num_asked: questions asked; each has at least one held-out answer.
        num_right: of these, questions whose first answer is a held-out fact.
        verdicts: from verdict to its number among the right answers.
        mean_facts: mean number of evidence facts.
    """

    graph: str
    ranking: str
    num_asked: int
    num_right: int
    verdicts: dict[str, int]
    mean_facts: float

    def share(self, verdict: str) -> float:
        """Share of a verdict among the right answers."""
        return self.verdicts[verdict] / max(self.num_right, 1)


def audit(graph_id: str, *, ranking: str, num: int, seed: int = 0, model: str = "") -> Audit:
    """Check the evidence of the first answers to a random sample of held-out questions.

    Args:
        graph_id: graph with held-out facts.
        ranking: ``deletion`` or ``attention``.
        num: questions to sample, both directions.
        seed: of the sample.
        model: artifact name; the graph's own when empty.
    """
    entry = find_graph(graph_id)
    graph = entry.load()
    questions = sorted(
        {(h, r, False) for h, r, _ in entry.held_out().tolist()}
        | {(t, r, True) for _, r, t in entry.held_out().tolist()}
    )
    order = np.random.default_rng(seed).permutation(len(questions))[:num]
    verdicts = Counter({SUPPORTED: 0, PARTLY: 0, NOT_SUPPORTED: 0})
    facts = asked = 0
    for given, relation, inverse in (questions[i] for i in order):
        if not graph.degree[given]:
            continue
        asked += 1
        query = Query(
            graph_id, graph.entities[given], graph.relations[relation], inverse, 1, True, model
        )
        [first] = answer(query).rows
        if first.status != "held out":
            continue
        found = explain(query, first.entity, ranking=ranking)
        verdicts[check(query, first.entity, found.items).verdict] += 1
        facts += len(found.facts)
    num_right = verdicts.total()
    return Audit(graph_id, ranking, asked, num_right, dict(verdicts), facts / max(num_right, 1))


@dataclass(frozen=True)
class PlantedAudit:
    """The check tested on questions whose true reason is known.

    Attributes:
        num: questions.
        evidence_supported: share of planted proofs that get SUPPORTED.
        decoy_refused: share of decoys that get NOT SUPPORTED.
        minimal_is_proof: share of questions whose minimal evidence is exactly the planted proof.
    """

    num: int
    evidence_supported: float
    decoy_refused: float
    minimal_is_proof: float


def audit_planted() -> PlantedAudit:
    """Run the check on every planted question: once with its proof, once with its decoy."""
    known = planted().queries
    proof = decoy = minimal = 0
    for item in known:
        query, target = planted_question(item)
        proof += check(query, target, item.evidence).verdict == SUPPORTED
        decoy += check(query, target, item.decoy).verdict == NOT_SUPPORTED
        found = explain(query, target)
        smallest = minimise(query, target, [fact.fact for fact in found.facts])
        minimal += frozenset(smallest.items) == item.evidence
    count = max(len(known), 1)
    return PlantedAudit(len(known), proof / count, decoy / count, minimal / count)


def planted_question(item: PlantedQuery) -> tuple[Query, str]:
    """A planted question and the id of its answer."""
    graph = planted().split.train
    query = Query("planted", graph.entities[item.head], graph.relations[item.relation])
    return query, graph.entities[item.tail]
