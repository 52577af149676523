"""Evaluation protocols; the metrics themselves are in `core.metrics`.

Link prediction: every test triple asks two questions, (h, r, ?) and (t, r^-1, ?). Questions with
the same entity and relation are asked once. Ranks are filtered and realistic, against all entities;
answers that were not reached keep score 0 and tie with all other unreached entities.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from core.function.bilinear import BilinearModels
from core.function.relational import GraphTensors
from core.knowledge.graph import Adjacency
from core.metrics import filtered_ranks, ranking_summary

# (heads (B,), relations (B,) in 0..2R-1) -> scores (B, N), reached (B, N)
ScoreAll = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True, eq=False)
class LinkTask:
    """A link prediction task in one vocabulary.

    Attributes:
        num_entities: N.
        num_relations: R, without inverses.
        facts: (F, 3) training triples.
        valid: (n, 3) triples that choose the epoch.
        known: (K, 3) true triples of all splits, left out when ranking.
        questions: (Q, 3) fixed training questions on `facts` (inductive protocol), or None: every
            epoch the facts are divided anew into message graph and questions.
        background: (G, 3) facts that are always in the message graph and never asked, or None.
    """

    num_entities: int
    num_relations: int
    facts: np.ndarray
    valid: np.ndarray
    known: np.ndarray
    questions: np.ndarray | None = None
    background: np.ndarray | None = None

    def adjacency(self, facts: np.ndarray) -> Adjacency:
        """Neighbour index over a part of the facts, and the background."""
        if self.background is not None:
            facts = np.concatenate([self.background, facts])
        return Adjacency.from_triples(facts, self.num_entities, self.num_relations)


def both_directions(triples: np.ndarray, num_relations: int) -> np.ndarray:
    """(n, 3) triples and their inverses (t, r + R, h): (2n, 3), forward ones first."""
    head, relation, tail = triples.T
    inverse = np.stack([tail, relation + num_relations, head], axis=1)
    return np.concatenate([triples, inverse])


@dataclass(frozen=True)
class RankingResult:
    """Ranks of all questions of a split.

    Attributes:
        triples: (n, 3) questions asked, relation ids in 0..2R-1.
        ranks: (n,) filtered realistic ranks.
        reached: (n,) whether the answer was reached at all.
        num_relations: R.
    """

    triples: np.ndarray
    ranks: np.ndarray
    reached: np.ndarray
    num_relations: int

    def summary(self) -> dict[str, float]:
        """Metrics over all questions, reach, and MRR of each direction."""
        inverse = self.triples[:, 1] >= self.num_relations
        return {
            **ranking_summary(self.ranks),
            "reach": float(self.reached.mean()) if len(self.reached) else 0.0,
            "mrr_tail": ranking_summary(self.ranks[~inverse])["mrr"],
            "mrr_head": ranking_summary(self.ranks[inverse])["mrr"],
            "num_questions": len(self.ranks),
        }

    def by_relation(self) -> dict[int, float]:
        """MRR of each relation id that was asked."""
        asked = self.triples[:, 1]
        return {int(r): ranking_summary(self.ranks[asked == r])["mrr"] for r in np.unique(asked)}


class KnownAnswers:
    """All true answers per question, from every split: what filtering leaves out."""

    def __init__(self, triples: np.ndarray, num_entities: int, num_relations: int) -> None:
        self.num_entities = num_entities
        self._tails: dict[tuple[int, int], list[int]] = defaultdict(list)
        for head, relation, tail in both_directions(triples, num_relations).tolist():
            self._tails[head, relation].append(tail)

    def mask(self, heads: np.ndarray, relations: np.ndarray) -> np.ndarray:
        """(B, N) bool."""
        known = np.zeros((len(heads), self.num_entities), dtype=bool)
        for row, question in enumerate(zip(heads.tolist(), relations.tolist(), strict=True)):
            known[row, self._tails.get(question, [])] = True
        return known


def score_all(network: nn.Module, graph: GraphTensors) -> ScoreAll:
    """Scores of all entities by the torch network, for evaluation."""

    @torch.inference_mode()
    def score(heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        network.eval()
        device = graph.target.device
        scores, reached = network(
            graph, torch.from_numpy(heads).to(device), torch.from_numpy(relations).to(device)
        )
        return scores.cpu().numpy(), reached.cpu().numpy()

    return score


def score_bilinear(network: BilinearModels) -> ScoreAll:
    """Scores of all entities by one bilinear model; every entity is within its reach."""

    @torch.inference_mode()
    def score(heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        device = network.entities.device
        [scores] = network.scores(
            torch.from_numpy(heads).to(device), torch.from_numpy(relations).to(device)
        )
        return scores.cpu().numpy(), np.ones(scores.shape, dtype=bool)

    return score


def rank_triples(
    score: ScoreAll, triples: np.ndarray, known: KnownAnswers, num_relations: int, batch_size: int
) -> RankingResult:
    """Rank every triple (n, 3) in both directions.

    Args:
        score: scores of all entities for a batch of questions.
        triples: (n, 3) with relations in 0..R-1.
        known: true answers of all splits.
        num_relations: R.
        batch_size: questions per call.
    """
    questions = both_directions(triples, num_relations)
    unique, owner = np.unique(questions[:, :2], axis=0, return_inverse=True)
    ranks = np.zeros(len(questions))
    reached = np.zeros(len(questions), dtype=bool)
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(0, len(unique) + batch_size, batch_size))
    for number, start in enumerate(range(0, len(unique), batch_size)):
        heads, relations = unique[start : start + batch_size].T
        scores, seen = score(heads, relations)
        rows = order[bounds[number] : bounds[number + 1]]
        question, answer = owner[rows] - start, questions[rows, 2]
        ranks[rows] = filtered_ranks(scores, known.mask(heads, relations), question, answer)
        reached[rows] = seen[question, answer]
    return RankingResult(questions, ranks, reached, num_relations)
