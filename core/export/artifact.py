"""Writing artifacts; what goes into every card."""

import datetime
import json
import platform
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from core.errors import ArtifactError
from core.serving.artifact import Artifact, Card, load_artifact, sha256_of

PARITY_LIMIT = 1e-4
PACKAGES = ("torch", "onnx", "onnxruntime", "onnxruntime-gpu", "numpy")


def write_artifact(
    root: Path, models: Mapping[str, bytes], knowledge: Mapping[str, Any], card: Card
) -> Artifact:
    """Write the folder beside its place, verify it, then put it in place.

    Args:
        root: folder of artifacts.
        models: content of each ONNX file by name, ``model.onnx`` among them.
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
        for name, model in models.items():
            (folder / name).write_bytes(model)
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


def add_figures(artifact: Artifact, other: Card, label: str) -> Artifact:
    """Write an artifact again with the figures of another training of its method beside its own.

    Args:
        artifact: keeps its models, knowledge and figures.
        other: card of the other training.
        label: stands before the names of its splits; figures that have it already are replaced.
    """
    own = tuple(one for one in artifact.card.metrics if not one.split.startswith(label))
    more = tuple(replace(one, split=f"{label}, {one.split}") for one in other.metrics)
    models = {
        name: (artifact.folder / name).read_bytes()
        for name in artifact.card.files
        if name.endswith(".onnx")
    }
    card = replace(artifact.card, metrics=own + more)
    return write_artifact(artifact.folder.parent, models, artifact.knowledge, card)


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
