"""Gene regulation: guided pruning beside its rivals, at the same sparsity and on the same seeds.

SIM350 is simulated anew for every seed, which also seeds the training: 150 noisy samples, 15 of
them to choose on, and 10 without noise to test on; a share of the prior's edges is at wrong places.
The trust of guided pruning is chosen by validation error, anew for every seed; rivals have none to
choose. Real sets stay the same and only the training is seeded.

Columns: means over seeds, and for balanced accuracy the smallest; MSE at the next time point.
Processor seconds are those of one training. `--state` keeps finished trainings, so that an
interrupted measurement goes on.
"""

import argparse
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measurement.timing import heading, table
from core.configs import DashConfig, dash_config
from core.data.regulation import simulate
from core.data.regulation.dataset import RegulationData
from core.data.regulation.published import load_sim350
from core.knowledge.dynamics import Dynamics
from core.methods.parsimony_on_model.dash import prune_once
from core.metrics import mean_out_degree
from core.serving.artifact import DataState
from core.training.regulation import RegulationTask, RegulationTraining, load_regulation_data
from core.training.regulation_study import GUIDED, RIVALS, corrupted, last

SEEDS = (1, 2, 3)
COLUMNS = ("data", "prior wrong", "method", "trust", "sparsity", "valid MSE", "test MSE",
           "balanced accuracy", "AUROC", "out-degree", "CPU s")  # fmt: skip
FIGURES = ("sparsity", "valid_mse", "test_mse", "balanced_accuracy", "roc_auc", "out_degree",
           "seconds")  # fmt: skip


@cache
def task_of(data: str, seed: int) -> RegulationTask:
    """The data of a seed, with a prior without wrong edges where the true network is known."""
    if data == "sim350":
        return _simulated(load_sim350(seed=seed, wrong=0.0))
    if data == "small":
        return _simulated(simulate.simulate(14, num_samples=12, wrong=0.0, seed=seed))
    return load_regulation_data(data).task


def _simulated(data: RegulationData) -> RegulationTask:
    state = DataState("", "", "", "", "", "")
    return RegulationTraining(data, state, shown=False, simulated=True).task


class Bench:
    """Trainings, each made once.

    Args:
        config: settings of guided pruning; rivals differ from them as in `RIVALS`.
        state: file of finished trainings, one per line; None keeps none.
    """

    def __init__(self, config: DashConfig, state: Path | None) -> None:
        self.config, self.state = config, state
        self.known: dict[str, dict[str, float]] = {}
        if state is not None and state.exists():
            rows = map(json.loads, state.read_text(encoding="utf-8").splitlines())
            self.known = {row["made"]: row["figures"] for row in rows}

    def train(
        self, data: str, share: float, method: str, trust: tuple[float, float], seed: int
    ) -> dict[str, float]:
        """The figures of one training."""
        changes, _ = RIVALS.get(method, ({}, trust))
        config = replace(self.config, **changes)
        # pruning by size or prior alone is also a trust of guided pruning, and trained once
        known = {key: value for key, value in asdict(config).items() if key != "trust_grid"}
        made = json.dumps([data, share, trust, seed, known])
        if made not in self.known:
            task = task_of(data, seed)
            if task.truth is not None and task.whole:
                task = replace(task, prior=corrupted(task.truth, share, seed))
            begun = time.process_time()
            run = prune_once(task, config, trust, seed=seed)
            dynamics: Dynamics = run.network.dynamics()
            figures = {key: value for key, value in last(run.history).items() if key in FIGURES}
            figures |= {
                "seconds": time.process_time() - begun,
                "out_degree": mean_out_degree(dynamics.effect()),
            }
            self.known[made] = figures
            if self.state is not None:
                with self.state.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"made": made, "figures": figures}) + "\n")
        return self.known[made]

    def row(
        self, data: str, share: float, method: str, seeds: tuple[int, ...]
    ) -> tuple[str, ...]:  # fmt: skip
        """One line of the table."""
        chosen, found = [], []
        for seed in seeds:
            fixed: Mapping[float, dict[str, float]]
            if method == GUIDED:
                fixed = {
                    one: self.train(data, share, method, (one, one), seed)
                    for one in self.config.trust_grid
                }
                best = min(fixed, key=lambda one: fixed[one]["valid_mse"])
                chosen.append(best)
                found.append(fixed[best])
            else:
                found.append(self.train(data, share, method, RIVALS[method][1], seed))
        cells = {
            key: [one[key] for one in found] for key in FIGURES if all(key in one for one in found)
        }
        trust = " ".join(f"{one:g}" for one in chosen) or "-"
        wrong = f"{share:.0%}" if data in ("sim350", "small") else "-"
        return data, wrong, method, trust, *(_cell(key, cells.get(key)) for key in FIGURES)


def _cell(key: str, values: list[float] | None) -> str:
    if values is None:
        return "-"
    mean = float(np.mean(values))
    if key == "balanced_accuracy":
        return f"{mean:.3f} ({min(values):.3f})"
    if key.endswith("mse"):
        return f"{mean:.5f}"
    return f"{mean:.1f}" if key in ("seconds", "out_degree") else f"{mean:.3f}"


def rows_of(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """All rows asked for."""
    data = "small" if options.quick else options.data
    changes: dict[str, Any] = {"num_resamples": 0, "rivals": (), "study": False}
    if options.trusts:
        changes["trust_grid"] = tuple(map(float, options.trusts.split(",")))
    if options.quick:
        changes |= {"num_epochs": 4, "every": 2, "num_neurons": 6, "trust_grid": (0.5, 0.9)}
    bench = Bench(dash_config(data, **changes), options.state)
    seeds = SEEDS[:1] if options.quick else tuple(map(int, options.seeds.split(",")))
    for share in map(float, options.wrong.split(",")):
        for method in options.methods.split(","):
            yield bench.row(data, share, method, seeds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small network, one seed")
    parser.add_argument("--generated", action="store_true", help="no effect: see --data")
    parser.add_argument("--data", default="sim350", help="sim350, yeast, breast-cancer, ...")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)), help="separated by commas")
    parser.add_argument("--wrong", default="0.1", help="shares of the prior at wrong places")
    parser.add_argument("--trusts", default="", help="tried, instead of the configured ones")
    parser.add_argument("--methods", default=",".join((GUIDED, *RIVALS)), help="rows wanted")
    parser.add_argument("--state", type=Path, help="file of finished trainings")
    options = parser.parse_args()
    print(heading("Networks of gene regulation, pruned"))
    print(table(COLUMNS, list(rows_of(options))))
    print(
        "dash: trust chosen by validation error; imp: by size; prior: by the prior alone; pinn: "
        "magnitude pruning with a penalty towards the prior; balanced accuracy: mean (smallest)"
    )


if __name__ == "__main__":
    main()
