"""PyKEEN's models in PyKEEN's own training loop, one epoch at a time, beside ours.

The loop is PyKEEN's LCWA with inverse triples and cross entropy over all entities: as in ours, a
batch holds different questions with all their answers, in both directions. Width, number of
questions per batch, optimiser and its rate are those of ours. ComplEx and DistMult start from as
small vectors as ours and have the same weight of N3 (PyKEEN's own defaults end lower); RotatE keeps
its own initial vectors and has no regulariser. PyKEEN has a second vector for inverse relations,
so that its DistMult, unlike ours, need not score r(h, t) as r(t, h).
Collecting garbage, as PyKEEN does after every epoch, is switched off here and measured by itself.
"""

import copy
import gc
import time
from functools import partial

import numpy as np
import torch
from pykeen import models
from pykeen.losses import CrossEntropyLoss
from pykeen.training import LCWATrainingLoop, TrainingCallback
from pykeen.triples import CoreTriplesFactory
from torch.nn.init import normal_

from benchmarks.measurement.timing import Stopwatch
from core.configs import AutoBlmConfig
from core.function.bilinear import INITIAL_SCALE
from core.training.evaluate import LinkTask

COMPLEX_NUMBERS = ("ComplEx", "RotatE")  # each of them counts as two numbers of our width


class _EveryBatch(TrainingCallback):
    def __init__(self, watch: Stopwatch) -> None:
        super().__init__()
        self.watch = watch

    def post_batch(self, epoch: int, batch: object, **kwargs: object) -> None:  # noqa: ARG002
        self.watch.lap()


class Rival:
    """One model of PyKEEN.

    Args:
        name: ``ComplEx``, ``DistMult`` or ``RotatE``.
        task: facts and vocabulary.
        config: width, batch, optimiser's rate and its decay.
        n3: weight of N3.
        seed: of vectors and order.
    """

    def __init__(
        self, name: str, task: LinkTask, config: AutoBlmConfig, n3: float, seed: int
    ) -> None:
        self.name, self.config, self.task = name, config, task
        self.watch, self.seconds, self.num_epochs = Stopwatch(), 0.0, 0
        self._best_valid, self._best_state = -1.0, None
        small = partial(normal_, std=INITIAL_SCALE)
        cubes = {"p": 3.0, "weight": n3}
        options = {
            "ComplEx": {
                "entity_initializer": small,
                "relation_initializer": small,
                "regularizer": "powersum",
                "regularizer_kwargs": cubes,
            },
            "DistMult": {
                "entity_initializer": small,
                "entity_constrainer": None,
                "entity_representations_kwargs": {
                    "regularizer": "powersum",
                    "regularizer_kwargs": cubes,
                },
                "relation_initializer": small,
                "regularizer": "powersum",
                "regularizer_kwargs": cubes,
            },
            "RotatE": {},
        }[name]
        self.factory = CoreTriplesFactory(
            torch.from_numpy(task.facts.copy()),
            task.num_entities,
            task.num_relations,
            create_inverse_triples=True,
        )
        self.model = getattr(models, name)(
            triples_factory=self.factory,
            embedding_dim=config.dim // 2 if name in COMPLEX_NUMBERS else config.dim,
            loss=CrossEntropyLoss(reduction="mean"),
            random_seed=seed,
            **options,
        )
        optimizer = torch.optim.Adagrad(self.model.parameters(), lr=config.learning_rate)
        self.loop = LCWATrainingLoop(
            model=self.model, triples_factory=self.factory, optimizer=optimizer
        )

    @property
    def num_parameters(self) -> int:
        """Trained real numbers."""
        return sum(p.numel() * (2 if p.is_complex() else 1) for p in self.model.parameters())

    def epoch(self) -> None:
        """Train one more epoch; the rate decays as ours does."""
        start = time.perf_counter()
        for group in self.loop.optimizer.param_groups:
            group["lr"] = (
                self.config.learning_rate * self.config.learning_rate_decay**self.num_epochs
            )
        self.num_epochs += 1
        gc.freeze()  # PyKEEN collects garbage after every epoch, longer than it trains
        self.loop.train(
            self.factory,
            num_epochs=self.num_epochs,
            batch_size=self.config.batch_size,
            continue_training=self.num_epochs > 1,
            callbacks=_EveryBatch(self.watch),
            num_workers=0,
            pin_memory=False,
            use_tqdm=False,
            use_tqdm_batch=False,
        )
        gc.unfreeze()
        self.watch.end_epoch()
        self.seconds += time.perf_counter() - start

    def keep_if_best(self, valid_mrr: float) -> None:
        """Remember the weights when they validate best so far."""
        if valid_mrr > self._best_valid:
            self._best_valid = valid_mrr
            self._best_state = copy.deepcopy(self.model.state_dict())

    def restore_best(self) -> None:
        """Go back to the weights that validated best."""
        self.model.load_state_dict(self._best_state)

    @torch.inference_mode()
    def score(self, heads: np.ndarray, relations: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Scores of all entities (B, N) as `rank_triples` asks for them; all are within reach."""
        self.model.eval()
        scores = np.zeros((len(heads), self.task.num_entities), dtype=np.float32)
        inverse = relations >= self.task.num_relations
        forward = np.stack([heads, relations], 1)[~inverse]
        backward = np.stack([relations - self.task.num_relations, heads], 1)[inverse]
        if len(forward):
            scores[~inverse] = self.model.predict_t(torch.from_numpy(forward)).numpy()
        if len(backward):
            scores[inverse] = self.model.predict_h(torch.from_numpy(backward)).numpy()
        return scores, np.ones(scores.shape, dtype=bool)
