"""PAR's answers to 200 questions after 20 known molecules: three ways to compute the same.

Plain: the graph of every question is built and related by itself, as published. Shared: relations
between known molecules are computed once for all graphs, and the last layer for the question alone
(`core.function.par`). Served: the shared way through ONNX Runtime, gradient step included.

Random weights of the published sizes; a small network in a quick run.
"""

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from benchmarks.measurement.timing import alternate, arguments, heading, milliseconds, table
from core.export.par import INPUTS, OUTPUTS, export_par
from core.function.par import ParHead, ParOutput, ParState, keep_largest
from core.serving.session import Session

SUPPORT, QUESTIONS = 20, 200
CHUNK = 64  # questions at once, as served
LIMIT = 1e-4
COLUMNS = ("compared", "d", "first ms", "second ms", "ratio", "CPU ratio", "largest difference")


def predict_plainly(head: ParHead, state: ParState, query: Tensor) -> ParOutput:
    """Every question with a graph of its own in both layers; shapes as in `ParHead.predict`."""
    classes = state.classes
    context = classes.T @ state.support / classes.sum(0).unsqueeze(1)
    size = classes.sum(0).min()
    everyone = torch.ones(1, len(classes) + 1, len(classes) + 1)
    others = everyone * (1 - torch.eye(len(classes) + 1))
    logits, relations = [], []
    for question in query:
        molecules = torch.cat([state.support, question[None]])
        nodes = functional_call(head.aware, state.fast["aware"], (molecules, context))[None]
        for layer in head.relations:
            adjacency = keep_largest(layer.between(nodes, nodes), others, size)
            nodes = layer.pass_messages(nodes, nodes, adjacency)
        logits.append(functional_call(head.classifier, state.fast["classifier"], (nodes[0, -1],)))
        relations.append(adjacency[0, -1, :-1])
    return ParOutput(torch.stack(logits), torch.stack(relations))


def rows_of(dim: int, rounds: int) -> list[tuple[str, ...]]:
    """Both comparisons at one width.

    Raises:
        SystemExit: two ways differ by more than 1e-4.
    """
    torch.manual_seed(0)
    head = ParHead(dim).eval()
    rng = np.random.default_rng(0)
    support, query = (rng.normal(size=(n, dim)).astype(np.float32) for n in (SUPPORT, QUESTIONS))
    classes = np.eye(2, dtype=np.float32)[np.arange(SUPPORT) % 2]
    given, known, asked = (torch.from_numpy(x) for x in (support, classes, query))
    session = Session(export_par(head), "cpu")
    feeds = dict(zip(INPUTS, (support, classes, support[:0]), strict=False))

    @torch.no_grad()
    def plain() -> np.ndarray:
        state = head.adapt(given, known)
        return predict_plainly(head, state, asked).logits.softmax(-1)[:, 1].numpy()

    @torch.no_grad()
    def shared() -> np.ndarray:
        state = head.adapt(given, known)
        return torch.cat([head.answer(state, part) for part in asked.split(CHUNK)]).numpy()

    def served() -> np.ndarray:
        parts = np.split(query, range(CHUNK, QUESTIONS, CHUNK))
        return np.concatenate(
            [session.run(feeds | {INPUTS[-1]: part}, OUTPUTS[:1])[0] for part in parts]
        )

    rows = []
    for name, first, second in (
        ("plain, shared", plain, shared),
        ("plain, served", plain, served),
        ("shared, served", shared, served),
    ):
        difference = float(np.abs(first() - second()).max())
        if not difference <= LIMIT:
            raise SystemExit(f"{name}: the two sides differ by {difference:.1e}.")
        pair = alternate(first, second, rounds)
        first_s, second_s = pair.wall
        rows.append(
            (name, str(dim), milliseconds(first_s), milliseconds(second_s),
             f"{pair.wall_ratio:.2f}", f"{pair.cpu_ratio:.2f}", f"{difference:.0e}")
        )  # fmt: skip
    return rows


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    rows = rows_of(16, 1) if options.quick else rows_of(300, 7)
    print(heading(f"PAR: {SUPPORT} known molecules, {QUESTIONS} questions, adaptation included"))
    print(table(COLUMNS, rows))
    print("ratio: first / second; the served way adapts anew for every 64 questions")


if __name__ == "__main__":
    main()
