"""GSR's search of flows against graph networks without one, under the same processor time.

Every method sees the same graphs: 60 % for training, 20 % for choices, 20 % for the R² that is
printed. GSR is its flow route alone (flow, network, formulas of its functions), without library and
genetic search. SymDL cannot answer about whole graphs. A seed is of data, split and weights.
"""

import time
from collections.abc import Sequence

import numpy as np

from benchmarks.measurement.timing import arguments, heading, table
from core.configs import gsr_config
from core.data.physics.simulators import find_simulator, simulate
from core.discovery.discover import SHARES
from core.discovery.fitting import determination
from core.discovery.options import Knowledge
from core.function.graph_network import r2_of
from core.knowledge.physics.system import GraphSystem
from core.methods.parsimony_on_interpretation.gsr import FlowSearch, find
from core.training.physics_baselines import FULL_GN, SYM_DL, Baseline, fit_baseline

SYSTEMS = ("springs", "mechanics-complex", "circuit", "thermology", "thermology-complex")
SEEDS = (0, 1, 2)
GRAPHS, MANY = 1000, 3000  # many where a graph is one row
QUICK = {"steps": 50, "final_steps": 50, "restarts": 1, "max_blocks": 1, "size": 1}
COLUMNS = ("system", "seeds", "SymDL", "FullGN", "GSR network", "GSR formula", "CPU s", "flow")


def measure(parts: Sequence[GraphSystem], seed: int, *, quick: bool) -> tuple[list[float], str]:
    """R² of SymDL, FullGN, GSR's network and formula, the processor time, and the flow."""
    train, valid, test = parts
    found: list[FlowSearch] = []
    config = gsr_config(**QUICK) if quick else gsr_config()
    start = time.process_time()
    laws = find(train, valid, Knowledge(), seed, config=config, keep=found.append)
    seconds = time.process_time() - start
    law = min(laws, key=lambda one: one.valid_error, default=None)
    figures = [
        _baseline(SYM_DL, parts, seconds, seed),
        _baseline(FULL_GN, parts, seconds, seed),
        r2_of(found[0].network, test),
        determination(law.law, test) if law else np.nan,
        seconds,
    ]
    return figures, str(found[0].flow)


def _baseline(baseline: Baseline, parts: Sequence[GraphSystem], seconds: float, seed: int) -> float:
    if parts[0].level != "node" and baseline is SYM_DL:
        return np.nan
    return fit_baseline(baseline, parts, seconds=seconds, seed=seed)[0]


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    systems, seeds = (("heat",), (0,)) if options.quick else (SYSTEMS, SEEDS)
    rows = []
    for name in systems:
        graphs = MANY if find_simulator(name).level == "graph" else GRAPHS
        results, flows = [], []
        for seed in seeds:
            system = simulate(name, num_graphs=60 if options.quick else graphs, seed=seed)
            figures, flow = measure(system.split(SHARES, seed), seed, quick=options.quick)
            results.append(figures)
            flows.append(flow)
        values = np.array(results)
        cells = [_cell(values[:, k]) for k in range(4)]
        common = max(set(flows), key=flows.count)
        rows.append((name, str(len(seeds)), *cells, f"{values[:, 4].mean():.0f}", common))
    print(heading("Flow search against graph networks without a search, R² on unseen graphs"))
    print(table(COLUMNS, rows))
    print("mean over seeds, lowest in brackets; CPU s of GSR, which each baseline gets as well")


def _cell(values: np.ndarray) -> str:
    if np.isnan(values).all():
        return "n/a"
    return f"{np.nanmean(values):.3f} ({np.nanmin(values):.3f})"


if __name__ == "__main__":
    main()
