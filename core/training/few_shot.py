"""Training and testing few-shot methods: episodes of many assays at once, fresh supports at test.

A network of a few-shot method offers

    encoder                                  a GinEncoder
    loss(graph, support, classes, query, labels, mask)
    adapt(graph, classes)                    state of one task from its S support molecules
    answer(state, graph)                     probability (Q,) of being active

with shapes as in `core.training.episodes`. `adapt` and `answer` are what is served; the test uses
them too, so that a reported figure is a served one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from core.configs import FewShotConfig
from core.function.few_shot import EmbeddingNetwork
from core.function.gin import GinEncoder, GraphTensors
from core.knowledge.few_shot import draw_support
from core.knowledge.molecules import MoleculeStore
from core.metrics import roc_auc
from core.training.episodes import Episodes, FewShotTask, draw_episodes
from core.training.fitted import Fitted
from core.training.loop import Report, quiet, train
from core.training.warm_start import warm_start

CHUNK = 256  # molecules asked at once


class FewShotNetwork(Protocol):
    """See the head of this module."""

    encoder: GinEncoder

    def loss(self, graph: GraphTensors, *episodes: Tensor) -> Tensor: ...  # noqa: D102

    def adapt(self, graph: GraphTensors, classes: Tensor) -> Any: ...  # noqa: ANN401, D102

    def answer(self, state: Any, graph: GraphTensors) -> Tensor: ...  # noqa: ANN401, D102


def fit_episodic(
    build: Callable[[GinEncoder], nn.Module],
    task: FewShotTask,
    config: FewShotConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Warm start of the encoder, then episodes of the training assays.

    Args:
        build: from the warm encoder to a network as the head of this module says.
        task: assays.
        config: every hyper-parameter.
        seed: seeds episodes and dropout.
        device: where tensors live.
        report: progress; may raise Cancelled.
        checkpoint: file to continue from and to write after each epoch; those of the warm start,
            which methods share, lie beside it.
    """
    folder = checkpoint.parent if checkpoint else None
    start = warm_start(task, config, seed=seed, device=device, report=report, folder=folder)
    torch.manual_seed(seed)
    network = build(start.encoder).to(device)
    trainable = _Training(network, task, config, seed, torch.device(device))
    history = train(
        trainable,
        num_epochs=config.num_epochs,
        patience=config.num_epochs,
        gradient_clip=config.gradient_clip,
        average=config.average,
        report=report,
        checkpoint=checkpoint,
    )
    knowledge = {
        "encoder": {
            "hidden_dim": network.encoder.hidden_dim,
            "num_layers": network.encoder.num_layers,
        }
    }
    history.seconds += start.seconds
    return Fitted(network, knowledge, history)


class _Training:
    """Batches, loss and validation for `core.training.loop.train`."""

    def __init__(
        self,
        network: nn.Module,
        task: FewShotTask,
        config: FewShotConfig,
        seed: int,
        device: torch.device,
    ) -> None:
        self.network, self.task, self.config = network, task, config
        self.seed, self.device = seed, device
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay
        )
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(
            self.optimizer, config.num_epochs
        )

    def batches(self, epoch: int) -> Iterator[Episodes]:
        rng = np.random.default_rng([self.seed, epoch + 1])
        for _ in range(self.config.steps_per_epoch):
            size = min(self.config.tasks_per_step, len(self.task.train))
            yield draw_episodes(
                self.task,
                rng.choice(self.task.train, size, replace=False),
                shots=int(rng.choice(self.config.shots)),
                num_queries=self.config.num_queries,
                rng=rng,
                swapped=self.config.swapped,
            )

    def loss(self, episodes: Episodes) -> Tensor:
        graph = GraphTensors.of(self.task.store.take(episodes.rows), self.device)
        rest = (getattr(episodes, name) for name in
                ("support", "classes", "query", "labels", "mask"))  # fmt: skip
        return self.network.loss(graph, *(torch.from_numpy(x).to(self.device) for x in rest))

    def validate(self) -> Mapping[str, float]:
        """Nothing is measured: the last epoch is kept."""
        return {"selection": float(self.scheduler.last_epoch)}


class Scorer(Protocol):
    """Anything that answers queries after seeing a support."""

    def scores(self, support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(Q,) larger for actives, from (S,) molecules with their labels and (Q,) molecules."""


class NetworkScorer:
    """Probabilities from a network in evaluation mode; embeddings are computed once.

    Args:
        network: trained.
        store: molecules that rows refer to.
        device: where the network lives.
    """

    def __init__(
        self, network: nn.Module, store: MoleculeStore, device: torch.device | str = "cpu"
    ) -> None:
        self.network, self.store, self.device = network.eval(), store, device
        self._known = np.zeros(len(store), dtype=bool)
        self._embeddings = torch.zeros(0)

    @torch.no_grad()
    def scores(self, support: np.ndarray, labels: np.ndarray, query: np.ndarray) -> np.ndarray:
        """(Q,) probability of being active; see `Scorer`."""
        classes = torch.eye(2)[torch.from_numpy(labels).long()].to(self.device)
        if isinstance(self.network, EmbeddingNetwork):
            state = self.network.head.adapt(self.embeddings(support), classes)
            answers = self._in_chunks(
                query, lambda rows: self.network.head.answer(state, self.embeddings(rows))
            )
        else:
            state = self.network.adapt(self._graph(support), classes)
            answers = self._in_chunks(
                query, lambda rows: self.network.answer(state, self._graph(rows))
            )
        return answers.numpy()

    @torch.no_grad()
    def embeddings(self, rows: np.ndarray) -> Tensor:
        """(m, d) of molecules; each is encoded once."""
        new = np.unique(rows[~self._known[rows]])
        if len(new):
            if not self._known.any():
                self._embeddings = torch.zeros(len(self.store), self.network.encoder.hidden_dim)
            self._embeddings[new] = self._in_chunks(
                new, lambda rows: self.network.encoder(self._graph(rows))
            )
            self._known[new] = True
        return self._embeddings[rows].to(self.device)

    def _in_chunks(self, rows: np.ndarray, compute: Callable[[np.ndarray], Tensor]) -> Tensor:
        parts = [compute(part).cpu() for part in np.split(rows, range(CHUNK, len(rows), CHUNK))]
        return torch.cat(parts)

    def _graph(self, rows: np.ndarray) -> GraphTensors:
        return GraphTensors.of(self.store.take(rows), self.device)


class FunctionScorer:
    """A function as a `Scorer`.

    Args:
        scores: called with support, labels and query.
    """

    def __init__(self, scores: Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]) -> None:
        self.scores = scores


@dataclass(frozen=True)
class AssayResults:
    """AUC of several assays over several supports.

    Attributes:
        by_draw: (draws, assays) ROC-AUC.
    """

    by_draw: np.ndarray

    @property
    def auc(self) -> float:
        """Mean over assays and draws."""
        return float(self.by_draw.mean())

    @property
    def std(self) -> float:
        """Standard deviation over draws of the mean over assays."""
        return float(self.by_draw.mean(1).std(ddof=1)) if len(self.by_draw) > 1 else 0.0


def measure_assays(
    scorer: Scorer,
    labels: np.ndarray,
    columns: np.ndarray,
    *,
    asked: np.ndarray,
    shots: int,
    draws: Sequence[int],
    most: int | None = None,
    shuffled: bool = False,
) -> AssayResults:
    """ROC-AUC on labelled molecules outside a random support.

    Args:
        scorer: to be tested.
        labels: (n, T) int8, -1 not measured.
        columns: assays.
        asked: (n,) bool, molecules that count as queries; a support is drawn from all labelled.
        shots: support molecules per class.
        draws: seed of each support.
        most: actives asked per support, likewise inactives, drawn at random; the expected AUC is
            the same. None asks all.
        shuffled: permute the labels of the support, which shows what the prior alone reaches.
    """
    found = [
        _auc(scorer, one, shuffled) for seed in draws
        for one in draw_questions(labels, columns, asked, shots, seed, most)
    ]  # fmt: skip
    return AssayResults(np.array(found).reshape(len(draws), len(columns)))


@dataclass(frozen=True, eq=False)
class AssayQuestion:
    """One assay, one support, everything else that was measured and may be asked.

    Attributes:
        support: (S,) molecules.
        given: (S,) 0 or 1, their labels.
        query: (Q,) molecules.
        active: (Q,) bool, their labels.
        rng: for what else is drawn.
    """

    support: np.ndarray
    given: np.ndarray
    query: np.ndarray
    active: np.ndarray
    rng: np.random.Generator


def draw_questions(
    labels: np.ndarray,
    columns: np.ndarray,
    asked: np.ndarray,
    shots: int,
    seed: int,
    most: int | None = None,
) -> Iterator[AssayQuestion]:
    """A random support and its questions for each assay; arguments as in `measure_assays`."""
    for column in columns:
        rng = np.random.default_rng([seed, int(column), shots])
        measured = labels[:, column]
        support = draw_support(measured, shots, rng)
        query = np.setdiff1d(np.flatnonzero((measured >= 0) & asked), support)
        if most is not None:
            parts = [rng.permutation(query[measured[query] == x])[:most] for x in (0, 1)]
            query = np.sort(np.concatenate(parts))
        yield AssayQuestion(support, measured[support], query, measured[query] == 1, rng)


def _auc(scorer: Scorer, one: AssayQuestion, shuffled: bool) -> float:
    given = one.rng.permutation(one.given) if shuffled else one.given
    scores = scorer.scores(one.support, given, one.query)
    return roc_auc(scores[one.active], scores[~one.active])
