"""RED-GNN: reasoning with relational digraphs.

Source: Zhang & Yao, "Knowledge Graph Reasoning with Relational Digraph", WWW 2022; section 5.1 of
the parsimony paper. Figures to reach (filtered MRR): Family .992, UMLS .964, WN18RR .533,
FB15k-237 .374 (the authors' 2022 figures); inductive WN18RR v1 .701, FB15k-237 v1 .369.

Idea: a question (q, r, ?) is answered by walking away from q for L steps. All walks together form
a relational digraph; one small network passes messages along it, layer by layer, and learns for
each (source, relation) how much it matters to the question asked. Nothing is learned per entity,
so the same weights answer questions about entities that were never seen.

Knowledge space: `core.knowledge.digraph.RelationalDigraph`, the layered edges of a question.
Function space:  `core.function.relational.RelationalGNN`, attention shared by all questions.
Coupling:        layer l of the network sends messages along layer l of the digraph only.

Notation: h, r, t head, relation, tail; R relations, 2R with inverses; B questions per step.

Differs from the paper: (1) the loss is the mean over questions, with weight decay divided by B^2,
which gives the optimiser the same direction as the published code, whose loss is B times the sum;
(2) gradients are clipped and a loss that is not finite stops the training; (3) training stops early
when validation MRR no longer improves; (4) options from AdaProp (Zhang et al., KDD 2023): a larger
share of facts in the message graph, removal of one-hop edges, learned selection of entities.
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from core.configs import RedGnnConfig
from core.function.relational import GraphTensors, RelationalGNN
from core.training.evaluate import (
    KnownAnswers,
    LinkTask,
    both_directions,
    rank_triples,
    score_all,
)
from core.training.fitted import Fitted
from core.training.loop import Report, quiet, train


def fit(
    task: LinkTask,
    config: RedGnnConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Train RED-GNN.

    Args:
        task: facts, questions, validation triples.
        config: every hyper-parameter.
        seed: seeds initialisation, divisions and order.
        device: where tensors live.
        report: progress; may raise Cancelled.
        checkpoint: file to continue from and to write after each epoch.
    """
    torch.manual_seed(seed)
    trainable = _Training(task, config, seed, torch.device(device))
    history = train(
        trainable,
        num_epochs=config.num_epochs,
        patience=config.patience,
        gradient_clip=config.gradient_clip,
        report=report,
        checkpoint=checkpoint,
    )
    knowledge = {
        "num_relations": task.num_relations,
        "num_layers": config.num_layers,
        "hidden_dim": config.hidden_dim,
        "max_new_nodes": config.max_new_nodes,
    }
    return Fitted(trainable.network, knowledge, history)


def divide(
    triples: np.ndarray,
    share: float,
    num_entities: int,
    num_relations: int,
    rng: np.random.Generator,
    *,
    remove_one_hop: bool,
) -> tuple[np.ndarray, np.ndarray]:
    """Divide training triples (n, 3) into message graph and questions in both directions.

    A question's own triple is never in the message graph. With `remove_one_hop`, facts between the
    two ends of any question are taken out as well, in either direction.
    """
    order = rng.permutation(len(triples))
    cut = int(len(triples) * share)
    facts, asked = triples[order[:cut]], triples[order[cut:]]
    questions = both_directions(asked, num_relations)
    if remove_one_hop:
        ends = np.unique(questions[:, 0] * num_entities + questions[:, 2])
        facts = facts[~np.isin(facts[:, 0] * num_entities + facts[:, 2], ends)]
    return facts, questions


class _Training:
    """Batches, loss and validation for `core.training.loop.train`."""

    def __init__(
        self, task: LinkTask, config: RedGnnConfig, seed: int, device: torch.device
    ) -> None:
        self.task, self.config, self.seed, self.device = task, config, seed, device
        self.network = RelationalGNN(
            task.num_relations,
            num_layers=config.num_layers,
            hidden_dim=config.hidden_dim,
            attention_dim=config.attention_dim,
            dropout=config.dropout,
            activation=config.activation,
            max_new_nodes=config.max_new_nodes,
        ).to(device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(),
            lr=config.learning_rate,
            weight_decay=config.weight_decay / config.batch_size**2,
        )
        self.scheduler = torch.optim.lr_scheduler.ExponentialLR(
            self.optimizer, config.learning_rate_decay
        )
        self.full_graph = GraphTensors(task.adjacency(task.facts), device)
        self.known = KnownAnswers(task.known, task.num_entities, task.num_relations)
        rng = np.random.default_rng([seed, 0])
        self.valid = task.valid
        if 0 < config.valid_sample < len(task.valid):
            self.valid = task.valid[rng.permutation(len(task.valid))[: config.valid_sample]]

    def batches(self, epoch: int) -> Iterator[tuple[GraphTensors, Tensor]]:
        rng = np.random.default_rng([self.seed, epoch + 1])
        task = self.task
        if task.questions is None:
            facts, questions = divide(
                task.facts,
                self.config.fact_share,
                task.num_entities,
                task.num_relations,
                rng,
                remove_one_hop=self.config.remove_one_hop,
            )
            graph = GraphTensors(task.adjacency(facts), self.device)
        else:
            questions, graph = both_directions(task.questions, task.num_relations), self.full_graph
        questions = torch.from_numpy(questions[rng.permutation(len(questions))]).to(self.device)
        for batch in questions.split(self.config.batch_size):
            yield graph, batch

    def loss(self, batch: tuple[GraphTensors, Tensor]) -> Tensor:
        """Cross entropy over all entities, unreached ones with score 0."""
        graph, questions = batch
        head, relation, tail = questions.T
        scores, _ = self.network(graph, head.contiguous(), relation.contiguous())
        return functional.cross_entropy(scores, tail)

    def validate(self) -> dict[str, float]:
        result = rank_triples(
            score_all(self.network, self.full_graph),
            self.valid,
            self.known,
            self.task.num_relations,
            batch_size=50,
        ).summary()
        return {
            "selection": result["mrr"],
            "valid_mrr": result["mrr"],
            "valid_hits_at_10": result["hits_at_10"],
        }
