"""The one training loop: epochs, validation, early stopping, checkpoints, progress, cancel."""

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, is_dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from core.errors import ParsimonyError

AVERAGE_POWER = 3  # the averaged weights are those of about the last quarter of all steps

Report = Callable[..., None]  # report(step, total, text, **values); raises Cancelled


class Trainable(Protocol):
    """What a method hands to the loop."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    scheduler: torch.optim.lr_scheduler.LRScheduler

    def batches(self, epoch: int) -> Iterable[object]:
        """The batches of one epoch; must depend on `epoch` and the seed only."""

    def loss(self, batch: object) -> Tensor:
        """Mean loss of a batch, a scalar with gradient."""

    def validate(self) -> Mapping[str, float]:
        """Validation metrics; `selection` decides which epoch is kept, larger is better."""


@dataclass
class History:
    """What happened; goes into the card and the run record.

    Attributes:
        epochs: one row of values per epoch.
        best_epoch: number of the kept epoch, from 1.
        seconds: training time of all sessions together, validation included.
    """

    epochs: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    seconds: float = 0.0


def quiet(_step: int, _total: int, _text: str, **_values: float) -> None:
    """A report that goes nowhere."""


def train(
    trainable: Trainable,
    *,
    num_epochs: int,
    patience: int,
    gradient_clip: float,
    average: bool = False,
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> History:
    """Run the epochs that are left and leave the best validated weights in the network.

    Args:
        trainable: batches, loss and validation of a method.
        num_epochs: epochs in all.
        patience: epochs without improvement before stopping.
        gradient_clip: largest norm of the gradient.
        average: validate and keep the polynomial-decay average of the weights over the steps
            instead of the last weights. Source: Shamir & Zhang, ICML 2013, section 4.
        report: called before every batch; may raise Cancelled.
        checkpoint: file written after each epoch and read at the start when it exists, so that an
            interrupted training goes on with the same numbers.

    Returns:
        The history, including epochs of earlier sessions.

    Raises:
        ParsimonyError: the loss is not a finite number.
    """
    history, best, stale = History(), -math.inf, 0
    best_state = _copy(trainable.network)
    averaged = AveragedModel(trainable.network, multi_avg_fn=_average) if average else None
    if checkpoint and checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        trainable.network.load_state_dict(saved["network"])
        if averaged is not None:
            averaged.load_state_dict(saved["averaged"])
        trainable.optimizer.load_state_dict(saved["optimizer"])
        trainable.scheduler.load_state_dict(saved["scheduler"])
        torch.set_rng_state(saved["rng"])
        history = History(saved["epochs"], saved["best_epoch"], saved["seconds"])
        best, stale, best_state = saved["best"], saved["stale"], saved["best_state"]
    for epoch in range(len(history.epochs), num_epochs):
        if stale >= patience:
            break
        start = time.perf_counter()
        loss = _run_epoch(trainable, averaged, epoch, num_epochs, gradient_clip, report)
        present = _copy(trainable.network)
        if averaged is not None:
            trainable.network.load_state_dict(averaged.module.state_dict())
        metrics, judged = dict(trainable.validate()), _copy(trainable.network)
        trainable.network.load_state_dict(present)
        history.seconds += time.perf_counter() - start
        history.epochs.append({"epoch": epoch + 1, "loss": loss, **metrics})
        if metrics["selection"] > best:
            best, stale, history.best_epoch = metrics["selection"], 0, epoch + 1
            best_state = judged
        else:
            stale += 1
        if checkpoint:
            _save(
                checkpoint,
                {
                    "network": present,
                    "averaged": averaged and averaged.state_dict(),
                    "optimizer": trainable.optimizer.state_dict(),
                    "scheduler": trainable.scheduler.state_dict(),
                    "rng": torch.get_rng_state(),
                    "epochs": history.epochs,
                    "best_epoch": history.best_epoch,
                    "seconds": history.seconds,
                    "best": best,
                    "stale": stale,
                    "best_state": best_state,
                },
            )
        shown = {name: value for name, value in metrics.items() if name != "selection"}
        report(epoch + 1, num_epochs, f"epoch {epoch + 1}", epoch=epoch + 1, loss=loss, **shown)
    trainable.network.load_state_dict(best_state)
    return history


def own_file(checkpoint: Path | None, ending: str, *made_from: object) -> Path | None:
    """A file of its own for each setting: another setting never continues from these numbers.

    Args:
        checkpoint: begins the name; None stays None.
        ending: of the name, with its dot.
        made_from: JSON values and configurations on which the numbers in the file depend.
    """
    if checkpoint is None:
        return None
    told = [asdict(one) if is_dataclass(one) else one for one in made_from]
    digest = hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]
    return checkpoint.with_name(f"{checkpoint.stem}-{digest}{ending}")


def _copy(network: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in network.state_dict().items()}


def _average(averaged: Sequence[Tensor], current: Sequence[Tensor], steps: Tensor | int) -> None:
    """One step of the polynomial-decay average, in place."""
    share = (AVERAGE_POWER + 1) / (float(steps) + AVERAGE_POWER + 1)
    for mean, value in zip(averaged, current, strict=True):
        mean.lerp_(value, share)


def _run_epoch(
    trainable: Trainable,
    averaged: AveragedModel | None,
    epoch: int,
    num_epochs: int,
    gradient_clip: float,
    report: Report,
) -> float:
    trainable.network.train()
    total, count = 0.0, 0
    for batch in trainable.batches(epoch):
        report(epoch, num_epochs, f"epoch {epoch + 1}, batch {count + 1}")
        trainable.optimizer.zero_grad(set_to_none=True)
        loss = trainable.loss(batch)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(trainable.network.parameters(), gradient_clip)
        if not torch.isfinite(norm):
            raise ParsimonyError(
                f"Training became unstable in epoch {epoch + 1} (loss {loss.item():.3g}). "
                "Lower learning_rate and train again."
            )
        trainable.optimizer.step()
        if averaged is not None:
            averaged.update_parameters(trainable.network)
        total, count = total + loss.item(), count + 1
    trainable.scheduler.step()
    return total / max(count, 1)


def _save(path: Path, state: dict[str, object]) -> None:
    """Write beside the file and rename, so that a crash leaves the earlier checkpoint."""
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)
