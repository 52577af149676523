"""DASH: gene regulation from expression over time, pruned under the guidance of a prior network.

Source: Hossain, Fischer, Burkholz & Quackenbush, "Pruning neural network models for gene regulatory
dynamics using data and domain knowledge" (DASH), NeurIPS 2024, arXiv 2403.04805, on the model of
Hossain et al., Genome Biology 2024, 25:127 (PHOENIX). Figures to reach on SIM350 with 5 % noise
(read off the authors' plot): balanced accuracy .907 at a sparsity of .947.

Idea: a neural model of dx/dt with few weights left can be read as a network of who regulates whom.
Pruning by size alone keeps weights that fit and mean nothing; pruning by a prior network alone
keeps what was believed before. The score that decides weighs both, and how far the prior is trusted
is chosen by the error on validation data.

Knowledge space: `core.knowledge.pruning`, scores and masks; the prior is a
                 `core.knowledge.regulation.Network`.
Function space:  `core.function.dynamics.PhoenixNetwork`, masked.
Coupling:        every few epochs the lowest scores are masked and the rate of learning starts anew.

Notation: n genes, h neurons; S (h, n) scores of each block, buffers of the network here.

Differs from the paper: (1) scores as in `core.knowledge.pruning`; (2) batches of transitions with
similar gaps and Runge-Kutta steps instead of whole trajectories and an adaptive solver; (3) time is
measured in median gaps; (4) the rate of learning falls by a factor per epoch and starts anew after
pruning, instead of on a plateau of the validation error; (5) the kept epoch is the best one at the
final sparsity. Rivals are settings of the same code: no pruning, pruning by size or at random, by
the prior alone, and a penalty that pulls the model towards the prior (PINN).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.configs import DashConfig
from core.errors import InputError
from core.function.dynamics import PhoenixNetwork
from core.knowledge.dynamics import MATRICES
from core.knowledge.pruning import (
    Schedule,
    groups_of,
    partners_of,
    prune,
    reading_scores,
    writing_scores,
)
from core.training.fitted import Fitted
from core.training.loop import History, Report, own_file, quiet, train
from core.training.regulation import RegulationTask, edges_of
from core.training.regulation_study import (
    GUIDED,
    PRIOR_ONLY,
    RIVALS,
    SHARES,
    TRUSTS,
    Trust,
    corruption,
    curve,
    curves,
    trust_runs,
)

BLOCKS = ("s", "p")  # additive and multiplicative
LEAST_LEFT, MOST_LEFT = 0.2, 0.95  # share of a distance left after the mean gap, at the start
DRAWN = 256  # random inputs per step on which a penalty compares model and prior; paper: 10,000


@dataclass(frozen=True)
class Pruned:
    """One training at one trust.

    Attributes:
        network: at the final sparsity; υ per unit of the user's time.
        history: rows of epochs before the next pruning hold figures of the network as well.
        trust: in partners and prior.
    """

    network: PhoenixNetwork
    history: History
    trust: Trust

    @property
    def valid_mse(self) -> float:
        """Validation error of the kept epoch."""
        return self.history.epochs[self.history.best_epoch - 1]["valid_mse"]

    def effect(self) -> np.ndarray:
        """(n, n) effect matrix, see `core.knowledge.dynamics.Dynamics.effect`.

        Its diagonal is 0: what a gene does to itself cannot be told from its decay.
        """
        effect = self.network.dynamics().effect()
        np.fill_diagonal(effect, 0)
        return effect


def fit(
    task: RegulationTask,
    config: DashConfig,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Fitted:
    """Choose the trust in the prior, prune with it, and repeat on resampled data.

    Args:
        task: transitions to learn from and to choose on, prior, partners.
        config: every hyper-parameter.
        seed: seeds weights, scores, order and resamples.
        device: where tensors live.
        report: progress over all trainings; may raise Cancelled.
        checkpoint: begins the names of the files from which an interrupted fit goes on with the
            same numbers.

    Raises:
        InputError: GR-E07, a trust that leaves nothing to learn; TR-E09, one that is no share.
    """
    check(config)
    grid = tuple((one, one) for one in config.trust_grid)
    trusts = (config.trust,) if config.trust else grid
    seeds = tuple(range(seed, seed + config.num_seeds))
    total = len(trusts) + config.num_resamples
    if config.rivals:
        total += (len(config.rivals) + 1) * len(seeds) - 1
    if config.study:
        total += (len(SHARES) * (len(grid) + 1) + 1) * len(seeds) + len(TRUSTS)
    done = 0

    def once(
        part: RegulationTask, changes: Mapping[str, Any], trust: Trust, seed: int, label: str
    ) -> Pruned:
        nonlocal done
        number, done = done, done + 1
        place = own_file(checkpoint, ".pt", config, number)
        shown = _part(report, number, total, label)
        return prune_once(
            part, replace(config, **changes), trust, seed=seed, device=device, report=shown,
            checkpoint=place,
        )  # fmt: skip

    tried = [once(task, {}, trust, seed, f"trust {trust[1]:g}") for trust in trusts]
    best = min(tried, key=lambda run: run.valid_mse)
    frequency = np.zeros((task.num_genes, task.num_genes))
    for k in range(config.num_resamples):
        part = task.resampled(np.random.default_rng([seed, k]))
        again = once(part, {}, best.trust, seed + 1 + k, f"resample {k + 1}")
        frequency += (again.effect() != 0) / config.num_resamples
    frequency[(best.effect() == 0) & (task.prior.matrix == 0)] = 0  # nobody asks for others
    knowledge = _knowledge(task, config, best, tried) | {
        "frequency": edges_of(frequency), "resamples": config.num_resamples,
        "curves": [*curve(GUIDED, seed, best.history),
                   *curves(once, task, (GUIDED,) if config.rivals else (), best.trust, seeds[1:]),
                   *curves(once, task, config.rivals, best.trust, seeds)],
        "corruption": [], "trust_runs": [],
    }  # fmt: skip
    if config.study:
        knowledge["corruption"] = list(corruption(once, task, grid, seeds))
        knowledge["trust_runs"] = list(trust_runs(once, task, seed))
    history = best.history
    history.seconds = sum(run.history.seconds for run in tried)
    return Fitted(best.network, knowledge, history)


def check(config: DashConfig) -> None:
    """Raise an error for settings with which nothing can be learned."""
    shares = (*config.trust, *config.trust_grid)
    if len(config.trust) not in (0, 2) or not all(0 <= one <= 1 for one in shares):
        raise InputError(
            "TR-E09", "Trust is not a share", f"{list(shares)} does not lie between 0 and 1.",
            "Give two numbers for partners and prior, 0 for data only to 1 for prior only, or none "
            "to have them chosen.",
        )  # fmt: skip
    if config.trust == PRIOR_ONLY:
        raise InputError(
            "GR-E07", "Nothing to learn", "λ = 1 keeps the prior unchanged; there is nothing to "
            "learn.", "Choose λ < 1.",
        )  # fmt: skip
    unknown = [one for one in config.rivals if one not in RIVALS]
    if unknown:
        raise InputError(
            "TR-E09", "Unknown rival", f'"{unknown[0]}" is not a rival.',
            f"Known: {', '.join(RIVALS)}.",
        )  # fmt: skip
    if config.pruning not in ("guided", "random"):
        raise InputError(
            "TR-E09", "Unknown pruning", f'"{config.pruning}" is not a way to prune.',
            "Known: guided, random.",
        )  # fmt: skip


def schedule_of(config: DashConfig) -> Schedule:
    """The schedule of a configuration, towards its target where it has one."""
    schedule = Schedule(config.first_epoch, config.first_share, config.every, config.further_share)
    if config.target_sparsity:
        return schedule.towards(config.target_sparsity, config.num_epochs)
    return schedule


def prune_once(
    task: RegulationTask,
    config: DashConfig,
    trust: Trust,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    report: Report = quiet,
    checkpoint: Path | None = None,
) -> Pruned:
    """One training with pruning at one trust in partners and prior; arguments as in `fit`."""
    training = _Training(task, config, trust, seed, torch.device(device))
    history = train(
        training, num_epochs=config.num_epochs, patience=config.num_epochs,
        gradient_clip=config.gradient_clip, report=report, checkpoint=checkpoint,
    )  # fmt: skip
    network = training.network.cpu()
    with torch.no_grad():
        network.v.div_(task.unit)
    for name in MATRICES:  # the optimiser's momentum moves pruned weights, too
        network.set_mask(name, network.mask(name))
    return Pruned(network, history, trust)


def returning(task: RegulationTask) -> tuple[np.ndarray, np.ndarray]:
    """Mean expression of each gene and how fast it returns there, from its transitions alone.

    Returns:
        Means (n,) and rates (n,) per median gap, float32. A gene that stays where it is has a rate
        near 0, one that forgets where it was a large one.
    """
    before, after, between, _ = task.train
    mean = np.nanmean(np.where(np.isnan(after), before, after), axis=0)
    known = ~np.isnan(after)
    apart = np.where(known, before - mean, 0.0)
    left = np.sum(apart * np.where(known, after - mean, 0.0), axis=0)
    kept = left / np.maximum(np.sum(apart**2, axis=0), 1e-9)  # share of the distance that is left
    rates = -np.log(np.clip(kept, LEAST_LEFT, MOST_LEFT)) * task.unit / between.mean()
    return mean.astype(np.float32), rates.astype(np.float32)


class _Training:
    """One network for `core.training.loop.train`."""

    def __init__(
        self, task: RegulationTask, config: DashConfig, trust: Trust, seed: int,
        device: torch.device,
    ) -> None:  # fmt: skip
        torch.manual_seed(seed)
        self.task, self.config, self.trust, self.seed = task, config, trust, seed
        self.device, self.epoch = device, 0
        self.schedule = schedule_of(config)
        network = PhoenixNetwork(task.num_genes, config.num_neurons)
        network.start_at(*(torch.from_numpy(one) for one in returning(task)))
        groups = torch.from_numpy(groups_of(task.prior.matrix, config.num_neurons))
        for block in BLOCKS:  # S; buffers, so that a checkpoint holds them
            network.register_buffer(f"scores_{block}", groups.clone())
        self.network = network.to(device)
        others = [one for name, one in network.named_parameters() if name != "v"]
        rate = config.learning_rate
        self.optimizer = torch.optim.Adam(
            [{"params": others}, {"params": [network.v], "lr": config.rate_factor * rate}],
            lr=rate, fused=device.type == "cpu",
        )  # fmt: skip
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(self.optimizer, self._falling)
        self.prior = task.prior.matrix.astype(np.float64)
        self.partners = task.partners if task.partners is not None else partners_of(self.prior)
        self.parts = {
            name: tuple(torch.from_numpy(one).to(device) for one in part[:3])
            for name, part in (("train", task.train), ("valid", task.valid), ("test", task.test))
            if part is not None
        }

    def _falling(self, epoch: int) -> float:
        """Factor of the rate of learning after so many epochs; 1 again where pruning comes."""
        since = 0
        while epoch - since > 0 and not self.schedule.share(epoch - since + 1):
            since += 1
        return self.config.learning_rate_decay**since

    def batches(self, epoch: int) -> Iterator[Tensor]:
        """Rows of transitions of similar gaps; prunes first where the schedule says so."""
        self.epoch = epoch + 1
        rng = np.random.default_rng([self.seed, self.epoch])
        share = self.schedule.share(self.epoch)
        if share:
            self._prune(share, rng)
        between, size = self.task.train.between, self.config.batch_size
        order = rng.permutation(len(between))
        order = order[np.argsort(between[order], kind="stable")]
        starts = rng.permutation(np.arange(0, len(order), size))
        for start in starts:
            yield torch.from_numpy(order[start : start + size]).to(self.device)

    def loss(self, batch: Tensor) -> Tensor:
        """Mean squared error at the next time point over what was measured."""
        loss = self._error("train", batch)
        if not self.config.prior_weight:
            return loss
        genes = self.task.num_genes
        drawn = torch.rand(DRAWN, genes, device=self.device) - 0.5
        wanted = drawn @ torch.from_numpy(self.task.prior.matrix).to(drawn)
        pull = (self.network.produced(drawn + 0.5) - wanted).square().mean()
        return (1 - self.config.prior_weight) * loss + self.config.prior_weight * pull

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Validation error; before the next pruning and at the end figures of the network, too.

        Test error and true network are written down here and read by nobody who chooses.
        """
        found = {"valid_mse": float(self._error("valid"))}
        left = 1 - self.network.sparsity()
        final = 1 - self.schedule.sparsity(self.config.num_epochs)
        # epochs with more weights than the final ones never win
        found["selection"] = -found["valid_mse"] - 1e3 * max(0.0, left - final - 1e-3)
        if self.epoch == self.config.num_epochs or self.schedule.share(self.epoch + 1):
            dynamics = self.network.dynamics()
            found["sparsity"] = 1 - dynamics.num_kept / dynamics.num_weights
            if "test" in self.parts:
                found["test_mse"] = float(self._error("test"))
            found |= self.task.judge(dynamics.effect())
        return found

    def _error(self, part: str, rows: Tensor | None = None) -> Tensor:
        before, after, between = (one if rows is None else one[rows] for one in self.parts[part])
        unit = self.task.unit
        later = self.network.step(before, between / unit, self.config.max_step)
        known = ~after.isnan()
        gaps = torch.where(known, later - after, 0.0)
        return gaps.square().sum() / known.sum().clamp_min(1)

    def _prune(self, share: float, rng: np.random.Generator) -> None:
        network = self.network
        follows = torch.relu(network.v).detach().cpu().double().numpy()[:, None]
        for block in BLOCKS:
            first, second = f"W{block}", f"C{block}"
            w, c = (network.get_parameter(one).detach().cpu().numpy() for one in (first, second))
            w_mask, c_mask = (network.mask(one).cpu().numpy() for one in (first, second))
            scores = network.get_buffer(f"scores_{block}")
            if self.config.pruning == "random":
                reads, writes = rng.random(w.shape), rng.random(c.shape)
            else:
                s = scores.cpu().numpy()
                reads = reading_scores(w, w_mask, s, self.partners, self.trust[0])
                writes = writing_scores(c * follows, c_mask, reads, self.prior, self.trust[1])
            w_mask, c_mask = prune(reads, w_mask, share), prune(writes, c_mask, share)
            network.set_mask(first, torch.from_numpy(w_mask))
            network.set_mask(second, torch.from_numpy(c_mask))
            scores.copy_(torch.from_numpy(np.where(w_mask, reads, 0)))


def _knowledge(
    task: RegulationTask, config: DashConfig, best: Pruned, tried: Sequence[Pruned]
) -> dict[str, Any]:
    """What serving and the page need beside the right-hand side."""
    dynamics = best.network.dynamics()
    return {
        "effect": edges_of(best.effect()),
        "rates": [round(float(one), 6) for one in np.maximum(dynamics.weights["v"], 0)],
        "max_step": config.max_step * task.unit,
        "sparsity": 1 - dynamics.num_kept / dynamics.num_weights,
        "num_weights": dynamics.num_weights,
        "num_kept": dynamics.num_kept,
        "trust": list(best.trust),
        "trials": [
            {"trust": list(run.trust), "valid_mse": run.valid_mse, "seconds": run.history.seconds}
            for run in tried
        ],
        "seconds": sum(run.history.seconds for run in tried),
    }


def _part(report: Report, number: int, total: int, label: str) -> Report:
    """Progress of one of several trainings as progress of all."""

    def shown(step: int, steps: int, text: str = "", **values: float) -> None:
        report(number * steps + step, total * steps, f"{label}, {text}", **values)

    return shown
