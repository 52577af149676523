"""From a trained network to a served artifact; parity is checked by the code that will serve it."""

import datetime
import json
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from core.errors import ArtifactError
from core.function.relational import RelationalGNN, RelationalStep
from core.knowledge.digraph import grow_layer
from core.knowledge.graph import Adjacency
from core.serving.artifact import Artifact, Card, load_artifact, sha256_of
from core.serving.relational import FEEDS
from core.serving.session import Session

PARITY_LIMIT = 1e-4
PACKAGES = ("torch", "onnx", "onnxruntime", "onnxruntime-gpu", "numpy")


def export_relational(network: RelationalGNN) -> bytes:
    """One step of a RelationalGNN as an ONNX model with dynamic sizes.

    Raises:
        ArtifactError: the exporter dropped the reduction of a scatter, which would give wrong sums.
    """
    network = network.cpu().eval()
    adjacency = Adjacency.from_triples(np.array([[0, 0, 1], [1, 0, 2]]), 4, network.num_relations)
    inputs = _feeds(network, adjacency, np.array([0, 1]), layer=0)
    dynamic = {name: ({} if name == "layer" else {0: torch.export.Dim.DYNAMIC}) for name in inputs}
    program = torch.onnx.export(
        RelationalStep(network).eval(),
        args=(),
        kwargs={k: torch.from_numpy(v) for k, v in inputs.items()},
        dynamo=True,
        dynamic_shapes=dynamic,
        input_names=list(RelationalStep.INPUTS),
        output_names=list(RelationalStep.OUTPUTS),
        verbose=False,
    )
    model = program.model_proto
    for node in model.graph.node:
        if node.op_type.startswith("Scatter"):
            reductions = [a.s for a in node.attribute if a.name == "reduction"]
            if reductions != [b"add"]:
                raise ArtifactError(
                    f"The exported graph holds {node.op_type} without reduction; its sums would be "
                    "wrong. Export with a torch version between 2.9 and 2.13."
                )
    onnx.checker.check_model(model)
    return model.SerializeToString()


def parity_relational(network: RelationalGNN, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime over sizes that were not exported.

    Sizes: one node without facts; no pairs and no edges at all; a random graph with several
    questions; a hub with more than 10,000 incoming edges.
    """
    network = network.cpu().eval()
    step, worst = RelationalStep(network).eval(), 0.0
    for feeds in _parity_cases(network):
        with torch.inference_mode():
            expected = step(**{k: torch.from_numpy(v) for k, v in feeds.items()})
        served = session.run(feeds, RelationalStep.OUTPUTS)
        for ours, theirs in zip(expected, served, strict=True):
            if theirs.shape != tuple(ours.shape):
                raise ArtifactError(
                    f"ONNX Runtime returned shape {theirs.shape}, torch {tuple(ours.shape)}."
                )
            if theirs.size:
                worst = max(worst, float(np.abs(ours.numpy() - theirs).max()))
    return worst


def _parity_cases(network: RelationalGNN) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    num_relations = network.num_relations
    none = np.zeros((0, 3), dtype=np.int64)
    alone = _feeds(network, Adjacency.from_triples(none, 1, num_relations), np.array([0]), 0)
    yield alone
    empty = {name: value[:0] for name, value in alone.items() if name in FEEDS}
    yield {**alone, **empty}
    facts = rng.integers(0, [50, num_relations, 50], (400, 3))
    graph = Adjacency.from_triples(np.unique(facts, axis=0), 50, num_relations)
    for layer in range(network.num_layers):
        yield _feeds(network, graph, rng.integers(0, 50, 7), layer, warm_up=2)
    spokes = np.stack(
        [np.arange(1, 12_001), rng.integers(0, num_relations, 12_000), np.zeros(12_000, int)], 1
    )
    hub = Adjacency.from_triples(spokes, 12_001, num_relations)
    yield _feeds(network, hub, np.array([0]), 0, warm_up=1)


def _feeds(
    network: RelationalGNN, adjacency: Adjacency, heads: np.ndarray, layer: int, warm_up: int = 0
) -> dict[str, np.ndarray]:
    """Inputs of one step after `warm_up` grown layers, with random states and questions."""
    rng = np.random.default_rng(layer)
    nodes = np.arange(len(heads)) * adjacency.num_entities + heads
    for _ in range(warm_up):
        nodes = grow_layer(adjacency, nodes, len(heads)).nodes
    grown = grow_layer(adjacency, nodes, len(heads))
    return {
        "layer": np.array(layer),
        "state": rng.normal(size=(len(nodes), network.hidden_dim)).astype(np.float32),
        "query_relation": rng.integers(0, 2 * network.num_relations, len(heads)),
        **{name: getattr(grown, name) for name in FEEDS},
    }


def write_artifact(root: Path, model: bytes, knowledge: Mapping[str, Any], card: Card) -> Artifact:
    """Write the folder beside its place, verify it, then put it in place.

    Args:
        root: folder of artifacts.
        model: the ONNX file's content.
        knowledge: plain values for knowledge.json.
        card: the card; its `files` are filled in here.

    Raises:
        ArtifactError: the parity in the card is above 1e-4.
    """
    if not card.parity <= PARITY_LIMIT:
        raise ArtifactError(
            f"{card.name} is not exported: ONNX Runtime differs from torch by {card.parity:.2g}; "
            f"at most {PARITY_LIMIT:.0e} is allowed."
        )
    root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=root, prefix=".export-") as scratch:
        folder = Path(scratch) / card.name
        folder.mkdir()
        (folder / "model.onnx").write_bytes(model)
        (folder / "knowledge.json").write_text(
            json.dumps(knowledge, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )
        files = {path.name: sha256_of(path) for path in sorted(folder.iterdir())}
        text = json.dumps(replace(card, files=files).to_json(), ensure_ascii=False, indent=1)
        (folder / "card.json").write_text(text + "\n", encoding="utf-8")
        load_artifact(card.name, Path(scratch))
        target = root / card.name
        if target.exists():
            shutil.rmtree(target)
        folder.rename(target)
    return load_artifact(card.name, root)


def versions() -> dict[str, str]:
    """Versions of the packages that shape a result."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def hardware(device: str) -> str:
    """The GPU's name, or the processor's with its number of cores in use."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(device)
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].split(":", 1)[1].strip() if lines else model
    return f"{model}, {torch.get_num_threads()} thread(s)"


def today() -> str:
    """ISO date, UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()
