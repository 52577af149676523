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
drawn without replacement; (4) the learning rate falls linearly instead of at plateaus;
(5) fingerprint bits are dropped at random while training, because the network otherwise remembers
drugs by their bits; (6) multi-label interactions are one relation of the network; (7) the weights
of about the last quarter of the training are averaged; (8) half of the loss is that of network and
similar-drug vote together, so that the network learns what the vote does not know.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset

from core.configs import EmerGnnConfig
from core.function.flow import FlowGNN, FlowTensors
from core.knowledge.calibration import fit_prediction_sets, fit_temperature, softmax
from core.knowledge.flow import Flow, PairIndex, collapse
from core.knowledge.interaction_scores import combine, log_habit, log_shares, order_features
from core.knowledge.similar_drugs import log_vote
from core.metrics import classification_summary, multilabel_summary
from core.training.fitted import Fitted
from core.training.interaction_data import make_vote
from core.training.interactions import InteractionTask, Pairs
from core.training.loop import Report, quiet, train

EVALUATION_BATCH = 256
VOTE_EXPONENTS = (4.0, 5.0, 6.0)  # of the vote inside EmerGNN+
HABIT_WEIGHTS = 0.0, -0.1, -0.2, -0.3, -0.4, -0.5
WEIGHT_PENALTY = 1e-4  # of the squared weights of EmerGNN+
TRAINING_EXPONENT = 5.0  # of the vote that the network learns beside
# of network and vote in the loss of both together; what training settled on when they were learned
TRAINING_WEIGHTS = 0.7, 0.4
LAST_RATE = 0.2  # learning rate of the last epoch, as a share of the first


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
        average=True,
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
    knowledge |= fit_plus(task, trainable.validation_logits())
    history.seconds += time.perf_counter() - start
    return Fitted(trainable.network, knowledge, history)


def fit_plus(task: InteractionTask, logits: np.ndarray) -> dict[str, Any]:
    """EmerGNN+: weights of network, vote and habit, and of the order, on validation pairs.

    The exponent of the vote is the one with the best cross entropy on the half of the validation
    drugs that the weights were not fitted on. Weights of network and vote are the most likely ones
    beside that of the habit, which has the best mean of macro F1, accuracy and kappa: likelihood
    hardly tells the latter apart (DrugBank S2: 1.610 to 1.614 from -.3 to -.4), the choice of types
    does.

    Args:
        task: with all its validation pairs.
        logits: (2, n, T) of the validation pairs in both orders, from the network.

    Returns:
        what serving needs beside the network.
    """
    pairs, path = task.valid, log_shares(logits[0])
    habit = log_habit(task.train.types, task.num_outputs)
    parts = halves(pairs, ~task.may_emerge)

    def votes_of(exponent: float) -> np.ndarray:
        vote = make_vote(task, exponent)
        ways = (pairs.heads, pairs.tails), (pairs.tails, pairs.heads)
        return np.stack([vote.scores(*way) for way in ways])

    votes = {exponent: votes_of(exponent) for exponent in VOTE_EXPONENTS}
    mixtures = {
        exponent: Mixture.of([path, log_vote(found[0])[0]], pairs.types)
        for exponent, found in votes.items()
    }
    exponent = min(mixtures, key=lambda one: mixtures[one].across(parts))
    offered = [_beside_habit(mixtures[exponent], weight, habit) for weight in HABIT_WEIGHTS]
    types = max(offered, key=lambda one: _mean_summary(one, logits[0], votes[exponent][0], pairs))
    rows = task.directed[pairs.types]
    order = order_mixture(logits[:, rows], votes[exponent][:, rows], task.directed).solve()
    plus = types | {
        "exponent": exponent,
        "order": {"vote": order[0].item(), "path": order[1].item()},
    }
    combined = combine(plus, logits[0], votes[exponent][0])
    return {
        "temperature": fit_temperature(logits[0], pairs.types).value,
        "plus": plus,
        "sets": fit_prediction_sets(softmax(combined), pairs.types).to_json(),
    }


def _beside_habit(mixture: "Mixture", weight: float, habit: np.ndarray) -> dict[str, Any]:
    """Most likely weights of network and vote beside a weight of the habit (T,)."""
    offset = torch.from_numpy(weight * habit).float()
    path, vote = replace(mixture, offset=offset).solve().tolist()
    return {
        "path": path,
        "vote": vote,
        "habit": {"weight": weight, "log_shares": habit.tolist()},
    }


def _mean_summary(
    plus: dict[str, Any], logits: np.ndarray, votes: np.ndarray, pairs: Pairs
) -> float:
    chosen = combine(plus, logits, votes).argmax(1)
    return sum(classification_summary(pairs.types, chosen, logits.shape[1]).values()) / 3


def order_mixture(logits: np.ndarray, votes: np.ndarray, directed: np.ndarray) -> "Mixture":
    """Which of two orders is the true one, the first, from both; arguments (2, n, T)."""
    found = order_features(logits, votes, directed)
    return Mixture.of(np.stack([found, np.zeros_like(found)], -1), np.zeros(found.shape[1], int))


def halves(pairs: Pairs, is_new: np.ndarray) -> tuple[Tensor, Tensor]:
    """Pairs whose new drugs are all in one half of the drugs, and those all in the other.

    Pairs of two new drugs from both halves are in neither, so that the halves share no new drug.
    """
    ends = np.stack([pairs.heads, pairs.tails])
    counts = is_new[ends]
    even = (~counts | (ends % 2 == 0)).all(0)
    odd = (~counts | (ends % 2 == 1)).all(0)
    return torch.from_numpy(even & ~odd), torch.from_numpy(odd & ~even)


@dataclass(frozen=True, eq=False)
class Mixture:
    """Scores to be weighed against each other, and the right choices.

    Attributes:
        parts: (K, n, T).
        types: (n,).
        offset: (T,) or a number, added to every pair's scores.
    """

    parts: Tensor
    types: Tensor
    offset: Tensor | float = 0.0

    @classmethod
    def of(cls, parts: Sequence[np.ndarray] | np.ndarray, types: np.ndarray) -> "Mixture":
        """From arrays."""
        return cls(torch.from_numpy(np.stack(parts)).float(), torch.from_numpy(types))

    def part(self, rows: Tensor) -> "Mixture":
        """Some of the pairs."""
        return replace(self, parts=self.parts[:, rows], types=self.types[rows])

    def loss(self, weights: Tensor) -> Tensor:
        """Cross entropy under weights (K,)."""
        scores = torch.einsum("k,knt->nt", weights, self.parts) + self.offset
        return functional.cross_entropy(scores, self.types)

    def solve(self) -> Tensor:
        """(K,) the weights of the smallest loss, by L-BFGS; all 1 without any pair."""
        weights = torch.ones(len(self.parts)).requires_grad_()
        if not len(self.types):
            return weights.detach()
        optimizer = torch.optim.LBFGS([weights], max_iter=40, line_search_fn="strong_wolfe")

        def closure() -> Tensor:
            optimizer.zero_grad()
            # the penalty only keeps weights finite where the pairs are told apart without error
            value = self.loss(weights) + WEIGHT_PENALTY * weights.square().sum()
            value.backward()
            return value

        optimizer.step(closure)
        return weights.detach()

    def across(self, parts: tuple[Tensor, Tensor]) -> float:
        """Loss of each half under the weights of the other, summed."""
        first, second = (self.part(rows) for rows in parts)
        return (second.loss(first.solve()) + first.loss(second.solve())).item()


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


def training_votes(task: InteractionTask) -> np.ndarray:
    """Log-votes of the training pairs asked as new, (W, n, T).

    In S1 first with the head, then with the tail as the new drug; in S2 once with both.
    """
    vote, pairs = make_vote(task, TRAINING_EXPONENT), task.train
    ways = {"S1": ("head", "tail"), "S2": ("both",)}[task.setting]
    found = [vote.scores_as_new(pairs.heads, pairs.tails, way) for way in ways]
    return np.stack([log_vote(one)[0] for one in found]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Batch:
    """Pairs with their flows.

    Attributes:
        pairs: B pairs.
        forth: from head to tail.
        back: from tail to head.
        votes: (B, T) log-vote of similar drugs; None while validating.
    """

    pairs: Pairs
    forth: Flow
    back: Flow
    votes: np.ndarray | None = None


def batches_of(index: PairIndex, pairs: Pairs, size: int) -> Iterator[Batch]:
    """Pairs in their order, `size` at a time, with collapsed flows."""
    for start in range(0, len(pairs), size):
        part = pairs[start : start + size]
        paths = index.subgraphs(part.heads, part.tails, part.new_head, part.new_tail)
        yield Batch(part, *collapse(paths))


class _Epoch(IterableDataset):
    """One epoch's batches; built in a second process while the network trains."""

    def __init__(
        self,
        task: InteractionTask,
        config: EmerGnnConfig,
        index: PairIndex,
        votes: np.ndarray | None,
        rng: list[int],
    ) -> None:
        self.task, self.config, self.index = task, config, index
        self.votes, self.rng = votes, rng

    def __iter__(self) -> Iterator[Batch]:
        rng = np.random.default_rng(self.rng)
        task, config, index = self.task, self.config, self.index
        if config.resampling == "pair" and task.setting != "S0":
            order = rng.permutation(len(task.train))[: config.epoch_pairs or None]
            questions = as_new(task.train[order], task.setting, rng)
            batches = batches_of(index, questions, config.batch_size)
            if self.votes is None:
                yield from batches
                return
            way = np.zeros(len(order), int) if task.setting == "S2" else ~questions.new_head * 1
            start = 0
            for batch in batches:
                rows = slice(start, start + len(batch.pairs))
                yield replace(batch, votes=self.votes[way[rows], order[rows]])
                start = rows.stop
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
        self.scheduler = torch.optim.lr_scheduler.LinearLR(
            self.optimizer, 1.0, LAST_RATE, config.num_epochs
        )
        self.valid = task.sample_valid(config.valid_sample, seed)
        self.index = PairIndex(task.with_facts(task.train), max_walks=2 * len(task.bits))
        self.votes = None
        if config.resampling == "pair" and task.setting != "S0":
            self.index.keep_walks(np.flatnonzero(task.may_emerge))
            if task.train.labels is None and config.vote_share:
                self.votes = training_votes(task)
        self.valid_batches = list(batches_of(self.index, self.valid, EVALUATION_BATCH))

    def batches(self, epoch: int) -> Iterator[Batch]:
        rng = [self.seed, epoch + 1]
        data = _Epoch(self.task, self.config, self.index, self.votes, rng)
        yield from DataLoader(data, batch_size=None, num_workers=1, collate_fn=_unchanged)

    def logits(self, batch: Batch, *, turned: bool = False) -> Tensor:
        """(B, T) of the pairs, or of the same pairs in the opposite order."""
        heads, tails = (
            torch.from_numpy(drugs).to(self.device)
            for drugs in (batch.pairs.heads, batch.pairs.tails)
        )
        ends = self.features[heads], self.features[tails]
        flows = (FlowTensors.of(flow, self.device) for flow in (batch.forth, batch.back))
        return self.network(*_ordered(ends, turned), *_ordered(flows, turned))

    def validation_logits(self) -> np.ndarray:
        """(2, n, T) of every validation pair, in both orders."""
        self.network.eval()
        found = []
        with torch.no_grad():
            for batch in batches_of(self.index, self.task.valid, EVALUATION_BATCH):
                ways = [self.logits(batch, turned=turned).cpu() for turned in (False, True)]
                found.append(torch.stack(ways))
        return torch.cat(found, 1).numpy()

    def loss(self, batch: Batch) -> Tensor:
        """Cross entropy over types, or binary cross entropy at the labels a pair carries.

        Beside a vote the cross entropy of both together has its share of the loss.
        """
        logits, pairs = self.logits(batch), batch.pairs
        if pairs.labels is None:
            types = torch.from_numpy(pairs.types).to(self.device)
            alone = functional.cross_entropy(logits, types)
            if batch.votes is None:
                return alone
            path, vote = TRAINING_WEIGHTS
            both = path * logits + vote * torch.from_numpy(batch.votes).to(self.device)
            share = self.config.vote_share
            return (1 - share) * alone + share * functional.cross_entropy(both, types)
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


def _ordered(two: Iterable[Any], turned: bool) -> tuple[Any, ...]:
    return tuple(two)[:: -1 if turned else 1]
