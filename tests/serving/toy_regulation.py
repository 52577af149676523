"""A small regulation model without training: its weights are its network, its data its own.

Sixteen genes. R1 activates T1 to T5 and represses T6, R2 activates T6 to T8, R3 regulates itself
and T9; R4 is in the prior alone (refused), T10 hears R2 though the prior does not say so (new), and
the prior says that R3 activates T9, which it represses (contradicted).
"""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from core.serving.artifact import Artifact, Card, DataState, Metric, load_artifact, sha256_of

REGULATORS = ("R1", "R2", "R3", "R4")
GENES = (*REGULATORS, *(f"T{row}" for row in range(1, 13)))
EDGES = {
    **{("R1", f"T{row}"): 1.0 for row in range(1, 6)},
    ("R1", "T6"): -0.8, ("R2", "T6"): 0.9, ("R2", "T7"): 0.9, ("R2", "T8"): 0.7,
    ("R2", "T10"): 0.8, ("R3", "T9"): -0.9, ("R3", "R3"): 0.3, ("R2", "T11"): 0.002,
}  # fmt: skip
REFUSED = (("R4", "T1"), ("R4", "T12"))
NEW = (("R2", "T10"), ("R2", "T11"))
RATES = np.linspace(0.4, 1.0, len(GENES)).astype(np.float32)
NOISE = 0.01
METHODS = ("dash", "imp", "prior", "random", "dense")


def change(x: np.ndarray) -> np.ndarray:
    """(b, n) the right-hand side in numpy; the level of a gene without regulators is 0.5."""
    shifted = x - 0.5
    return RATES * (0.5 + (shifted / (1 + abs(shifted))) @ weights() - x)


def weights() -> np.ndarray:
    matrix = np.zeros((len(GENES), len(GENES)), np.float32)
    for (regulator, target), value in EDGES.items():
        matrix[GENES.index(regulator), GENES.index(target)] = value
    return matrix


def model() -> bytes:
    """The same as an ONNX file."""
    constants = {
        "half": np.float32(0.5), "one": np.float32(1), "weights": weights(), "rates": RATES,
    }  # fmt: skip
    nodes = [
        ("Sub", "x half", "shifted"), ("Abs", "shifted", "size"), ("Add", "size one", "below"),
        ("Div", "shifted below", "heard"), ("MatMul", "heard weights", "sum"),
        ("Add", "sum half", "level"), ("Sub", "level x", "gap"), ("Mul", "gap rates", "change"),
    ]  # fmt: skip
    shape = [None, len(GENES)]
    graph = helper.make_graph(
        [helper.make_node(kind, inputs.split(), [output]) for kind, inputs, output in nodes],
        "dynamics",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("change", TensorProto.FLOAT, shape)],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opset = helper.make_opsetid("", 18)
    return helper.make_model(graph, opset_imports=[opset], ir_version=9).SerializeToString()


def simulate(num: int, times: list[float], rng: np.random.Generator) -> np.ndarray:
    """(num, T, n) trajectories by many small Euler steps, with noise."""
    x = rng.uniform(0.1, 0.9, (num, len(GENES))).astype(np.float32)
    found, steps = [x], 200
    for before, after in pairwise(times):
        for _ in range(steps):
            x = x + (after - before) / steps * change(x)
        found.append(x)
    values = np.stack(found, axis=1)
    return (values + rng.normal(0, NOISE, values.shape)).astype(np.float32)


def triplets(entries: dict[tuple[str, str], float]) -> list[list[float]]:
    return [[GENES.index(i), GENES.index(j), value] for (i, j), value in entries.items()]


def knowledge() -> dict:
    times = [0.0, 1.0, 2.0, 4.0]
    values = simulate(12, times, np.random.default_rng(3))
    parts = ["train"] * 6 + ["valid"] * 2 + ["test"] * 4
    matrix = weights() * RATES
    effect = [[int(i), int(j), float(matrix[i, j])] for i, j in zip(*np.nonzero(matrix))]  # noqa: B905
    prior = {edge: 1.0 if value > 0 else -1.0 for edge, value in EDGES.items() if edge not in NEW}
    prior |= dict.fromkeys(REFUSED, 1.0) | {("R3", "T9"): 1.0}
    shares = [0.0, 0.5, 0.8, 0.9]
    return {
        "genes": list(GENES),
        "title": "A toy network",
        "simulated": True,
        "time_unit": "h",
        "prior": {"signed": True, "edges": triplets(prior)},
        "truth": {"signed": True, "edges": triplets(EDGES)},
        "partners": [],
        "effect": effect,
        "frequency": [[i, j, 0.9 if abs(value) > 0.01 else 0.2] for i, j, value in effect],
        "resamples": 10,
        "sparsity": 0.9,
        "num_weights": 512,
        "num_kept": 51,
        "trust": [0.5, 0.75],
        "trials": [
            {"trust": [one, one], "valid_mse": 0.003 + 0.001 * one, "seconds": 2.0}
            for one in (0.0, 0.5, 1.0)
        ],
        "curves": [
            {
                "method": method, "seed": seed, "sparsity": share,
                "valid_mse": 0.002 + 0.001 * row + 0.002 * share,
                "test_mse": 0.002 + 0.001 * row + 0.003 * share + 0.0001 * seed,
                "balanced_accuracy": 0.9 - 0.08 * row + 0.05 * share,
            }
            for row, method in enumerate(METHODS)
            for seed in (0, 1)
            for share in (shares if method != "dense" else shares[:1])
        ],
        "corruption": [
            {"share": share, "method": method, "balanced_accuracy": 0.9 - share * slope,
             "test_mse": 0.004 + share * slope / 100}
            for share in (0.0, 0.2, 0.4)
            for method, slope in (("dash", 0.2), ("prior", 0.6), ("imp", 0.0))
        ],
        "trust_runs": [
            {"trust": one, "effect": effect[: 6 + round(4 * one)], "sparsity": 0.9,
             "valid_mse": 0.003 + (one - 0.5) ** 2 / 100, "balanced_accuracy": 0.7 + 0.1 * one}
            for one in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
        ],
        "samples": [
            {"times": times, "values": one.tolist(), "part": part}
            for one, part in zip(values, parts, strict=True)
        ],
        "means": values[:6].mean(axis=(0, 1)).tolist(),
        "rates": RATES.tolist(),
        "max_step": 0.5,
        "scaling": {"low": [0.0] * len(GENES), "high": [1.0] * len(GENES), "log": False},
        "seconds": 12.0,
    }  # fmt: skip


def card(name: str) -> Card:
    return Card(
        name=name, method="dash", task="gene_regulation", title="DASH on a toy network", config={},
        data=DataState("toy", "A toy network", "0" * 64, "CC0-1.0", "", "6 / 2 / 4 samples"),
        metrics=(
            Metric("balanced accuracy", "network", 0.9, 0.01, (0, 1), "effect against the truth"),
            Metric("mse", "test", 0.004, 0.0002, (0, 1), "next time point"),
        ),
        seed=0, num_parameters=512, training_s=12.0, hardware="none", versions={},
        citations=("Hossain et al., arXiv 2403.04805",), files={}, parity=0.0,
        created="2026-11-21",
    )  # fmt: skip


def write(root: Path, name: str = "dash-toy", **changes: object) -> Artifact:
    """The artifact on disk; `changes` replace parts of its knowledge."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(model())
    (folder / "knowledge.json").write_text(json.dumps(knowledge() | changes))
    files = {one: sha256_of(folder / one) for one in ("model.onnx", "knowledge.json")}
    (folder / "card.json").write_text(json.dumps(replace(card(name), files=files).to_json()))
    return load_artifact(name, root)
