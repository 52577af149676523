"""Served answers (layers grown in numpy, one ONNX Runtime step each) against eager torch.

One question at a time, the same for both sides, in turns. The weights are random at the published
sizes, exported once per graph; the time does not depend on their values. Scores must agree to 1e-4.
"""

import numpy as np
import torch

from benchmarks.measurement.graphs import Case, find_case, random_network
from benchmarks.measurement.timing import (
    Pair,
    alternate,
    arguments,
    heading,
    milliseconds,
    percentiles,
    table,
)
from core.export.artifact import PARITY_LIMIT
from core.export.relational import export_relational
from core.function.relational import GraphTensors
from core.serving.relational import RelationalModel
from core.serving.session import Session
from core.settings import settings

NAMES = ("WN18RR", "FB15k-237", "umls", "family")
NUM_QUESTIONS = 20
COLUMNS = (
    "graph", "source", "questions", "torch p50", "p95", "served p50", "p95 ", "ratio", "ratio cpu",
    "difference",
)  # fmt: skip


def compare(case: Case, *, quick: bool) -> tuple[str, tuple[str, ...]]:
    """The provider that ran, and one row of the table."""
    network = random_network(case, quick=quick)
    graph, adjacency = GraphTensors(case.graph.adjacency), case.graph.adjacency
    session = Session(export_relational(network), settings().device)
    model = RelationalModel(session, network.num_layers, network.hidden_dim)
    timings, worst = [], 0.0
    for number in range(len(case.heads)):
        one = slice(number, number + 1)
        heads, relations = case.heads[one], case.relations[one]

        @torch.inference_mode()
        def eager(heads: np.ndarray = heads, relations: np.ndarray = relations) -> np.ndarray:
            return network(graph, torch.from_numpy(heads), torch.from_numpy(relations))[0].numpy()

        def served(heads: np.ndarray = heads, relations: np.ndarray = relations) -> np.ndarray:
            return model.run(adjacency, heads, relations).logits

        worst = max(worst, float(np.abs(eager() - served()).max()))
        timings.append(alternate(eager, served, 1 if quick else 3))
    if not worst <= PARITY_LIMIT:
        raise SystemExit(f"{case.name}: served scores differ from torch by {worst:.1e}.")
    both = Pair(
        tuple(timing for pair in timings for timing in pair.first),
        tuple(timing for pair in timings for timing in pair.second),
    )
    eager_p50, eager_p95 = percentiles([timing.wall for timing in both.first])
    served_p50, served_p95 = percentiles([timing.wall for timing in both.second])
    return session.provider, (
        case.name,
        case.origin,
        str(len(case.heads)),
        milliseconds(eager_p50),
        milliseconds(eager_p95),
        milliseconds(served_p50),
        milliseconds(served_p95),
        f"{both.wall_ratio:.2f}",
        f"{both.cpu_ratio:.2f}",
        f"{worst:.0e}",
    )


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    names = ("umls",) if options.quick else NAMES
    num = 3 if options.quick else NUM_QUESTIONS
    found = [
        compare(
            find_case(name, num, quick=options.quick, generated=options.generated),
            quick=options.quick,
        )
        for name in names
    ]
    providers = ", ".join(sorted({provider for provider, _ in found}))
    print(heading("One question: eager torch against the served model, milliseconds"))
    print(table(COLUMNS, [row for _, row in found]))
    print(f"ratio: torch / served (target 1); provider {providers}; random weights, exported once")


if __name__ == "__main__":
    main()
