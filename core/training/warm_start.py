"""Warm start of a molecule encoder: many labels at once before few at a time.

Source: the multi-task pre-training that Stanley et al. ("FS-Mol", NeurIPS Datasets 2021) compare
few-shot methods with. Published PAR and PACIA start from weights that are not public; this is ours.

First pass: potencies of ChEMBL, one regression output per protein target, each centred and scaled.
Second pass: the training assays, one output each. The output layers are thrown away. Molecules that
a protocol holds out are seen in neither.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.configs import FewShotConfig
from core.function.gin import GinEncoder, GraphTensors
from core.knowledge.molecules import MoleculeStore
from core.training.episodes import UNKNOWN, FewShotTask, Potencies
from core.training.loop import Report, quiet, train


@dataclass(frozen=True, eq=False)
class WarmStart:
    """What both passes leave.

    Attributes:
        encoder: of molecules.
        outputs: the output layer of the training assays; None without a second pass.
        seconds: training time, whether it happened now or earlier.
    """

    encoder: GinEncoder
    outputs: nn.Module | None
    seconds: float


def warm_start(
    task: FewShotTask,
    config: FewShotConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    folder: Path | None = None,
) -> WarmStart:
    """An encoder after both passes.

    Args:
        task: potencies are the first pass, training assays the second.
        config: sizes, passes, rates.
        seed: of initialisation and order.
        device: where tensors live.
        report: progress; may raise Cancelled.
        folder: where both passes leave checkpoints, so that methods share them.
    """
    torch.manual_seed(seed)
    encoder = GinEncoder(config.hidden_dim, config.num_layers, config.dropout).to(device)
    start = WarmStart(encoder, None, 0.0)
    settings: list[object] = [
        config.hidden_dim, config.num_layers, config.dropout, config.batch_size,
        config.warm_learning_rate, seed, config.potency_epochs, task.source,
    ]  # fmt: skip

    def run(name: str, data: "_Labels", epochs: int) -> WarmStart:
        digest = hashlib.sha256(json.dumps(settings).encode()).hexdigest()[:12]
        outputs = nn.Linear(encoder.hidden_dim, data.num_outputs).to(device)
        history = train(
            _MultiTask(encoder, outputs, data, config, epochs, seed, torch.device(device)),
            num_epochs=epochs,
            patience=epochs,
            gradient_clip=config.gradient_clip,
            report=report,
            checkpoint=folder / f"warm-{name}-{digest}.pt" if folder else None,
        )
        return WarmStart(encoder, outputs, start.seconds + history.seconds)

    if config.potency_epochs:
        start = run("potencies", _Potency(task.potencies()), config.potency_epochs)
    if config.assay_epochs:
        settings += [config.assay_epochs, task.name, *map(int, task.train)]
        start = run(task.name, _Assays(task), config.assay_epochs)
    return start


class _Labels(Protocol):
    """Molecules with labels for a multi-task pass."""

    store: MoleculeStore
    rows: np.ndarray  # molecules that have a label
    num_outputs: int

    def loss(self, outputs: Tensor, rows: np.ndarray) -> Tensor:
        """Mean loss of outputs (b, T) of the molecules at hand."""


class _Assays:
    """Binary cross entropy at the labels that were measured."""

    def __init__(self, task: FewShotTask) -> None:
        self.store, self.labels = task.store, task.labels[:, task.train]
        self.rows = np.flatnonzero((self.labels != UNKNOWN).any(1) & task.usable)
        self.num_outputs = len(task.train)

    def loss(self, outputs: Tensor, rows: np.ndarray) -> Tensor:
        labels = torch.from_numpy(self.labels[rows]).to(outputs.device)
        known = labels != UNKNOWN
        return functional.binary_cross_entropy_with_logits(outputs[known], labels[known].float())


class _Potency:
    """Huber loss of scaled potencies, so that single values do not rule."""

    def __init__(self, data: Potencies) -> None:
        self.store, self.data = data.store, data
        self.start = np.searchsorted(data.molecule, np.arange(len(data.store) + 1))
        self.rows = np.flatnonzero(np.diff(self.start))
        self.num_outputs = int(data.target.max()) + 1

    def loss(self, outputs: Tensor, rows: np.ndarray) -> Tensor:
        sizes = np.diff(self.start)[rows]
        place = np.repeat(np.arange(len(rows)), sizes)
        entry = np.concatenate([np.arange(self.start[row], self.start[row + 1]) for row in rows])
        found = outputs[torch.from_numpy(place), torch.from_numpy(self.data.target[entry])]
        wanted = torch.from_numpy(self.data.value[entry]).to(outputs.device)
        return functional.huber_loss(found, wanted)


class _MultiTask:
    """Batches and loss of a pass for `core.training.loop.train`; the last epoch is kept."""

    def __init__(
        self,
        encoder: GinEncoder,
        outputs: nn.Module,
        data: _Labels,
        config: FewShotConfig,
        epochs: int,
        seed: int,
        device: torch.device,
    ) -> None:
        self.data, self.batch_size, self.seed, self.device = data, config.batch_size, seed, device
        self.network = nn.ModuleList([encoder, outputs])
        self.optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=config.warm_learning_rate,
            weight_decay=config.weight_decay,
        )
        self.scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, epochs)

    def batches(self, epoch: int) -> Iterator[np.ndarray]:
        rows = np.random.default_rng([self.seed, epoch + 1]).permutation(self.data.rows)
        yield from np.split(rows, range(self.batch_size, len(rows), self.batch_size))

    def loss(self, rows: np.ndarray) -> Tensor:
        encoder, outputs = self.network
        graph = GraphTensors.of(self.data.store.take(rows), self.device)
        return self.data.loss(outputs(encoder(graph)), rows)

    def validate(self) -> Mapping[str, float]:
        return {"selection": float(self.scheduler.last_epoch)}
