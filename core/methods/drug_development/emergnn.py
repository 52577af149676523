"""EmerGNN: interactions of drugs without a history, from the paths that join them to known drugs.

Source: Zhang, Yao et al., "Emerging drug interaction prediction enabled by a flow-based graph
neural network with biomedical network", Nature Computational Science 2023, 3:1023; section 6 of the
parsimony paper. Figures to reach on DrugBank, own folds (macro F1 / accuracy / kappa, %):
S1 62.0 / 68.6 / 62.4, S2 25.0 / 46.3 / 31.9, with 137,164 parameters.

Idea: a new drug has no known interaction, but proteins, diseases and similar drugs that known drugs
share. Messages flow from one drug to the other and back along paths of three steps through these
shared nodes; relations are weighted by both drugs together. Each epoch a fifth of the known drugs
plays the part of new drugs: their interactions leave the network and become the questions.

Knowledge space: `core.knowledge.flow`, the path subgraph of each pair, collapsed.
Function space:  `core.function.flow.FlowGNN`, shared by all pairs.
Coupling:        messages pass along the edges of the path subgraph only.

Notation: S0 both drugs known, S1 one new, S2 both new; T types; B pairs per step.

Differs from the paper: (1) layers without bias, so path restriction and merging of signatures are
exact; (2) mean cross entropy (the published code's sum carries an extra factor from broadcasting,
which makes its weight decay vanish); (3) pairs are shuffled within an epoch and pseudo-new drugs
drawn without replacement; (4) the learning rate falls along a cosine instead of at plateaus;
(5) fingerprint bits are dropped at random while training, because the network otherwise remembers
drugs by their bits; (6) multi-label interactions are one relation of the network.
"""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from core.configs import EmerGnnConfig
from core.function.flow import FlowGNN, FlowTensors, InteractionModel
from core.knowledge.calibration import fit_prediction_sets, fit_temperature, softmax
from core.knowledge.flow import Flow, PairIndex, collapse
from core.knowledge.similar_drugs import log_vote
from core.metrics import classification_summary, multilabel_summary
from core.training.fitted import Fitted
from core.training.interaction_data import make_vote
from core.training.interactions import InteractionTask, Pairs
from core.training.loop import Report, quiet, train

EVALUATION_BATCH = 256
VOTE_EXPONENTS = (4.0, 5.0, 6.0)  # of the vote inside EmerGNN+
HEAD_PENALTIES = (math.inf, 1e-3, 1e-4)  # of the squared weights of the structure head


def fit(
    task: InteractionTask,
    config: EmerGnnConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Train EmerGNN for one setting.

    Args:
        task: network, interactions of known drugs, validation pairs, setting.
        config: every hyper-parameter.
        seed: seeds initialisation, choice of pseudo-new drugs and order.
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
        "setting": task.setting,
        "hidden_dim": config.hidden_dim,
        "num_relations": task.graph.num_relations,
        "num_fact_types": task.graph.num_types,
        "path parameters": sum(x.numel() for x in trainable.network.parameters()),
    }
    if config.feature == "embedding" or task.train.labels is not None:
        return Fitted(trainable.network, knowledge, history)
    start = time.perf_counter()
    model, plus = fit_plus(task, trainable.network, trainable.validation_logits())
    history.seconds += time.perf_counter() - start
    return Fitted(model, knowledge | plus, history)


def fit_plus(
    task: InteractionTask, network: FlowGNN, logits: np.ndarray
) -> tuple[InteractionModel, dict[str, Any]]:
    """EmerGNN+: weights of network and vote and the structure head, on validation pairs.

    Minimises the cross entropy of s logits + g log-vote + head(f_u, f_v). The exponent of the vote
    and then the penalty of the head are those with the best cross entropy on the half of the
    validation drugs that the weights were not fitted on.

    Args:
        task: with all its validation pairs.
        network: trained.
        logits: (n, T) of the validation pairs, from the network.

    Returns:
        the network with the head, and what serving needs beside it.
    """
    model = InteractionModel(network.cpu().eval())
    pairs = task.valid
    bits = torch.from_numpy(task.bits).float()
    with torch.no_grad():
        features = model.features(bits[pairs.heads], bits[pairs.tails])
    scale = features.std(0).clamp_min(1e-6)
    parts = halves(pairs, ~task.may_emerge)

    def with_vote(exponent: float) -> _PlusData:
        votes = make_vote(task, exponent).scores(pairs.heads, pairs.tails)
        return _PlusData(
            torch.from_numpy(logits),
            torch.from_numpy(log_vote(votes)[0]),
            features / scale,
            torch.from_numpy(pairs.types),
        )

    def across(data: _PlusData, penalty: float) -> float:
        first, second = (data.part(rows) for rows in parts)
        return second.loss(first.solve(penalty)) + first.loss(second.solve(penalty))

    votes = {exponent: with_vote(exponent) for exponent in VOTE_EXPONENTS}
    exponent = min(votes, key=lambda one: across(votes[one], math.inf))
    data = votes[exponent]
    path, vote, head = data.solve(min(HEAD_PENALTIES, key=lambda one: across(data, one)))
    with torch.no_grad():
        model.structure.weight.copy_((head / scale[:, None]).T)
    combined = data.combine((path, vote, head)).numpy()
    return model, {
        "temperature": fit_temperature(logits, pairs.types).value,
        "plus": {"path": path.item(), "vote": vote.item(), "exponent": exponent},
        "sets": fit_prediction_sets(softmax(combined), pairs.types).to_json(),
    }


def halves(pairs: Pairs, is_new: np.ndarray) -> tuple[Tensor, Tensor]:
    """Pairs whose new drugs are all in one half of the drugs, and those all in the other.

    Pairs of two new drugs from both halves are in neither, so that the halves share no new drug.
    """
    ends = np.stack([pairs.heads, pairs.tails])
    counts = is_new[ends]
    even = (~counts | (ends % 2 == 0)).all(0)
    odd = (~counts | (ends % 2 == 1)).all(0)
    return torch.from_numpy(even & ~odd), torch.from_numpy(odd & ~even)


Weights = tuple[Tensor, Tensor, Tensor]  # s, g, head (3d, T)


@dataclass(frozen=True, eq=False)
class _PlusData:
    """Validation pairs seen by the three parts of EmerGNN+."""

    logits: Tensor
    votes: Tensor
    features: Tensor
    types: Tensor

    def part(self, rows: Tensor) -> "_PlusData":
        return _PlusData(*(getattr(self, field.name)[rows] for field in fields(self)))

    def combine(self, weights: Weights) -> Tensor:
        path, vote, head = weights
        return path * self.logits + vote * self.votes + self.features @ head

    def loss(self, weights: Weights) -> float:
        return functional.cross_entropy(self.combine(weights), self.types).item()

    def solve(self, penalty: float) -> Weights:
        """L-BFGS; an infinite penalty leaves the head at zero."""
        path, vote = torch.ones(()).requires_grad_(), torch.ones(()).requires_grad_()
        head = torch.zeros(self.features.shape[1], self.logits.shape[1])
        free = [path, vote]
        if math.isfinite(penalty):
            free.append(head.requires_grad_())
        optimizer = torch.optim.LBFGS(free, max_iter=40, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            value = functional.cross_entropy(self.combine((path, vote, head)), self.types)
            if head.requires_grad:
                value = value + penalty * head.square().sum()
            value.backward()
            return value

        optimizer.step(closure)
        return path.detach(), vote.detach(), head.detach()


def divide(
    pairs: Pairs, is_known: np.ndarray, setting: str, share: float, rng: np.random.Generator
) -> tuple[Pairs, Pairs]:
    """Interactions that stay in the network for one epoch, and those asked about.

    Args:
        pairs: interactions of known drugs.
        is_known: (D,) bool, drugs that may play the part of a new one.
        setting: S0 asks about random interactions, S1 about those with exactly one chosen drug, S2
            about those with two.
        share: share of drugs (S0: of interactions) chosen.
        rng: source of the choice.

    Returns:
        facts, none of which has a chosen drug, and questions.
    """
    if setting == "S0":
        order = rng.permutation(len(pairs))
        cut = int(len(pairs) * share)
        return pairs[order[cut:]], pairs[order[:cut]]
    drugs = np.flatnonzero(is_known)
    chosen = np.zeros(len(is_known), dtype=bool)
    chosen[rng.choice(drugs, max(1, round(len(drugs) * share)), replace=False)] = True
    count = chosen[pairs.heads].astype(int) + chosen[pairs.tails]
    return pairs[count == 0], pairs[count == {"S1": 1, "S2": 2}[setting]]


def as_new(pairs: Pairs, setting: str, rng: np.random.Generator) -> Pairs:
    """The same pairs with one end (S1) or both (S2) asked as new drugs."""
    head = rng.random(len(pairs)) < 0.5
    if setting == "S2":
        return replace(pairs, new_head=np.ones_like(head), new_tail=np.ones_like(head))
    return replace(pairs, new_head=head, new_tail=~head)


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs with their flows."""

    pairs: Pairs
    forth: Flow
    back: Flow


def batches_of(index: PairIndex, pairs: Pairs, size: int) -> Iterator[Batch]:
    """Pairs in their order, `size` at a time, with collapsed flows."""
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        paths = index.subgraphs(part.heads, part.tails, part.new_head, part.new_tail)
        yield Batch(part, *collapse(paths))


class _Epoch(IterableDataset):
    """One epoch's batches; built in a second process while the network trains."""

    def __init__(
        self, task: InteractionTask, config: EmerGnnConfig, index: PairIndex, rng: list[int]
    ) -> None:
        self.task, self.config, self.index, self.rng = task, config, index, rng

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self.rng)
        task, config, index = self.task, self.config, self.index
        if config.resampling == "pair" and task.setting != "S0":
            order = rng.permutation(len(task.train))[: config.epoch_pairs or None]
            questions = as_new(task.train[order], task.setting, rng)
        else:
            facts, questions = divide(
                task.train, task.may_emerge, task.setting, config.emerging_share, rng
            )
            index = PairIndex(task.with_facts(facts), max_walks=len(task.bits))
            questions = questions[rng.permutation(len(questions))]
        yield from batches_of(index, questions, config.batch_size)


class _Training:
    """Batches, loss and validation for `core.training.loop.train`."""

    def __init__(
        self, task: InteractionTask, config: EmerGnnConfig, seed: int, device: torch.device
    ) -> None:
        self.task, self.config, self.seed, self.device = task, config, seed, device
        by_drug = config.feature == "embedding"
        self.network = FlowGNN(
            task.num_outputs,
            task.graph.num_relations,
            hidden_dim=config.hidden_dim,
            num_drugs=len(task.bits) if by_drug else 0,
            dropout=config.dropout,
        ).to(device)
        self.features = (
            torch.arange(len(task.bits)) if by_drug else torch.from_numpy(task.bits).float()
        ).to(device)
        self.optimizer = torch.optim.Adam(
            self.network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, config.num_epochs
        )
        self.valid = task.sample_valid(config.valid_sample, seed)
        self.index = PairIndex(task.with_facts(task.train), max_walks=2 * len(task.bits))
        if config.resampling == "pair" and task.setting != "S0":
            self.index.keep_walks(np.flatnonzero(task.may_emerge))
        self.valid_batches = list(batches_of(self.index, self.valid, EVALUATION_BATCH))

    def batches(self, epoch: int) -> Iterator[Batch]:
        data = _Epoch(self.task, self.config, self.index, [self.seed, epoch + 1])
        yield from DataLoader(data, batch_size=None, num_workers=1, collate_fn=_unchanged)

    def logits(self, batch: Batch) -> Tensor:
        """(B, T)."""
        heads, tails = (
            torch.from_numpy(drugs).to(self.device)
            for drugs in (batch.pairs.heads, batch.pairs.tails)
        )
        return self.network(
            self.features[heads],
            self.features[tails],
            FlowTensors.of(batch.forth, self.device),
            FlowTensors.of(batch.back, self.device),
        )

    def validation_logits(self) -> np.ndarray:
        """(n, T) of every validation pair, in order."""
        self.network.eval()
        with torch.no_grad():
            batches = batches_of(self.index, self.task.valid, EVALUATION_BATCH)
            return torch.cat([self.logits(batch).cpu() for batch in batches]).numpy()

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over types, or binary cross entropy at the labels a pair carries."""
        logits, pairs = self.logits(batch), batch.pairs
        if pairs.labels is None:
            return functional.cross_entropy(logits, torch.from_numpy(pairs.types).to(self.device))
        labels = torch.from_numpy(pairs.labels).to(self.device)
        positive = torch.from_numpy(pairs.positive).to(self.device).float()
        return functional.binary_cross_entropy_with_logits(
            logits[labels], positive.unsqueeze(1).expand_as(labels)[labels]
        )

    def validate(self) -> dict[str, float]:
        self.network.eval()
        with torch.no_grad():
            logits = torch.cat([self.logits(batch) for batch in self.valid_batches]).cpu().numpy()
        if self.valid.labels is None:
            found = classification_summary(self.valid.types, logits.argmax(1), logits.shape[1])
            selection = found["f1"]
        else:
            known = self.valid.positive
            found = multilabel_summary(logits[known], logits[~known], self.valid.labels[known])
            selection = found["pr_auc"]
        return {"selection": selection, **{f"valid_{name}": x for name, x in found.items()}}


def _unchanged(batch: Batch) -> Batch:
    return batch
