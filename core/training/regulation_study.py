"""Guided pruning beside its rivals, at other trusts and with worse priors, on the same seeds.

A method says here how it trains once (`Train`); its figures come from the rows of its history that
hold a sparsity. True networks and test errors are written down, nothing is chosen by them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np

from core.knowledge.regulation import Network
from core.training.loop import History
from core.training.regulation import RegulationTask, edges_of

Trust = tuple[float, float]
DATA_ONLY, PRIOR_ONLY = (0.0, 0.0), (1.0, 1.0)
GUIDED = "dash"
# settings that differ, and the trust where it is fixed; pinn also needs a weight of its penalty
RIVALS: dict[str, tuple[Mapping[str, Any], Trust]] = {
    "imp": ({}, DATA_ONLY),
    "prior": ({}, PRIOR_ONLY),
    "random": ({"pruning": "random"}, DATA_ONLY),
    "dense": ({"first_epoch": 0}, DATA_ONLY),
    "pinn": ({"prior_weight": 0.01}, DATA_ONLY),
}
SHARES = (0.0, 0.2, 0.4)  # of the prior's edges moved to wrong places
TRUSTS = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)


class Trained(Protocol):
    """What became of one training."""

    history: History

    @property
    def valid_mse(self) -> float:
        """Validation error of the kept epoch."""

    def effect(self) -> np.ndarray:
        """(n, n) effect matrix."""


# task, settings that differ, trust, seed, what it is called in progress
Train = Callable[[RegulationTask, Mapping[str, Any], Trust, int, str], Trained]


def curves(
    train: Train, task: RegulationTask, methods: Sequence[str], trust: Trust, seeds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """One row per pruning step of every method and seed; `trust` is that of guided pruning."""
    for method in methods:
        changes, fixed = RIVALS.get(method, ({}, trust))
        for seed in seeds:
            run = train(task, changes, fixed, seed, f"{method}, seed {seed}")
            yield from curve(method, seed, run.history)


def curve(method: str, seed: int, history: History) -> Iterator[dict[str, Any]]:
    """The rows of one training; figures that were not measured are None."""
    for row in history.epochs:
        if "sparsity" in row:
            figures = {
                key: row.get(key)
                for key in ("sparsity", "valid_mse", "test_mse", "balanced_accuracy", "roc_auc")
            }
            yield {"method": method, "seed": seed} | figures


def last(history: History) -> dict[str, float]:
    """The figures at the end of a training."""
    return next(row for row in reversed(history.epochs) if "sparsity" in row)


def corrupted(truth: Network, share: float, seed: int) -> Network:
    """A prior of which a share of the edges is wrong; the same edges for the same seed."""
    return truth.relocated(share, np.random.default_rng([seed, round(100 * share)]))


def corruption(
    train: Train, task: RegulationTask, grid: Sequence[Trust], seeds: Sequence[int]
) -> Iterator[dict[str, Any]]:
    """Guided pruning, its trust chosen anew, and the prior alone with worse and worse priors.

    Magnitude pruning sees no prior and stands once in every share. Rows are means over seeds.
    """
    free = [train(task, {}, DATA_ONLY, seed, f"imp, seed {seed}") for seed in seeds]
    for share in SHARES:
        found: dict[str, list[Trained]] = {"imp": free, "prior": [], GUIDED: []}
        for seed in seeds:
            worse = replace(task, prior=corrupted(task.truth, share, seed))
            label = f"{share:.0%} of the prior wrong, seed {seed}"
            runs = {trust: train(worse, {}, trust, seed, label) for trust in (*grid, PRIOR_ONLY)}
            found["prior"].append(runs[PRIOR_ONLY])
            found[GUIDED].append(min((runs[one] for one in grid), key=lambda run: run.valid_mse))
        for method, runs in found.items():
            rows = [last(run.history) for run in runs]
            yield {"share": share, "method": method} | {
                key: float(np.mean([row[key] for row in rows]))
                for key in ("balanced_accuracy", "test_mse")
            }


def trust_runs(train: Train, task: RegulationTask, seed: int) -> Iterator[dict[str, Any]]:
    """One training at each trust, the same in partners and prior."""
    for trust in TRUSTS:
        run = train(task, {}, (trust, trust), seed, f"trust {trust:g}")
        row = last(run.history)
        yield {
            "trust": trust, "effect": edges_of(run.effect()), "sparsity": row["sparsity"],
            "valid_mse": row["valid_mse"], "balanced_accuracy": row.get("balanced_accuracy"),
        }  # fmt: skip
