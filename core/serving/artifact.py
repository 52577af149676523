"""Trained artifacts: trained/<method>-<data set>/ with model.onnx, knowledge.json and card.json.

A method in several steps keeps further ONNX files beside model.onnx.

Nothing is served that does not match its card: every file is compared with the sha256 in the card
before it is opened.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from core.errors import ArtifactError
from core.serving.session import Session, open_session
from core.settings import settings

CARD_VERSION = 1


@dataclass(frozen=True)
class Metric:
    """One measured figure with its protocol.

    Attributes:
        name: such as ``mrr``.
        split: what was ranked, such as ``test``.
        value: mean over seeds.
        std: standard deviation over seeds; 0 for one seed.
        seeds: seeds behind the value.
        protocol: in words: filtering, ties, directions, what chose the epoch.
        paper: published figure for the same cell, None where there is none.
        paper_source: where the published figure stands.
    """

    name: str
    split: str
    value: float
    std: float
    seeds: tuple[int, ...]
    protocol: str
    paper: float | None = None
    paper_source: str = ""


@dataclass(frozen=True)
class DataState:
    """The data an artifact was trained on."""

    name: str
    title: str
    sha256: str
    licence: str
    url: str
    split: str


@dataclass(frozen=True)
class Card:
    """What an artifact is, what it was made from and what it reaches.

    Attributes:
        name: folder name, ``<method>-<data set>``.
        method: catalogue id of the method.
        task: catalogue id of the task.
        title: one line for people.
        config: every hyper-parameter.
        data: training data.
        metrics: measured figures.
        seed: seed of the weights that are served.
        num_parameters: trained numbers.
        training_s: training time in seconds, validation included.
        hardware: processor or GPU on which it was trained.
        versions: packages used.
        citations: references in words.
        files: sha256 of each other file of the folder.
        parity: largest absolute difference between torch and ONNX Runtime, over the sizes checked.
        created: ISO date.
        card_version: layout of this file.
    """

    name: str
    method: str
    task: str
    title: str
    config: Mapping[str, Any]
    data: DataState
    metrics: tuple[Metric, ...]
    seed: int
    num_parameters: int
    training_s: float
    hardware: str
    versions: Mapping[str, str]
    citations: tuple[str, ...]
    files: Mapping[str, str]
    parity: float
    created: str
    card_version: int = CARD_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal card."""
        return json.loads(json.dumps(asdict(self)))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Card":
        """Inverse of `to_json`.

        Raises:
            KeyError, TypeError: fields are missing or unknown.
        """
        rest = dict(value)
        return cls(
            data=DataState(**rest.pop("data")),
            metrics=tuple(
                Metric(**{**metric, "seeds": tuple(metric["seeds"])})
                for metric in rest.pop("metrics")
            ),
            citations=tuple(rest.pop("citations")),
            **rest,
        )

    def metric(self, name: str, split: str = "test") -> Metric | None:
        """The figure with this name and split."""
        found = [m for m in self.metrics if m.name == name and m.split == split]
        return found[0] if found else None


@dataclass(frozen=True, eq=False)
class Artifact:
    """A verified folder.

    Attributes:
        folder: where the files lie.
        card: its card.
    """

    folder: Path
    card: Card

    @property
    def name(self) -> str:
        """``<method>-<data set>``."""
        return self.card.name

    @cached_property
    def knowledge(self) -> dict[str, Any]:
        """The content of knowledge.json."""
        return json.loads((self.folder / "knowledge.json").read_text(encoding="utf-8"))

    @property
    def session(self) -> Session:
        """The model, opened once per process."""
        return self.open("model.onnx")

    def open(self, name: str) -> Session:
        """Another model file of the folder, opened once per process."""
        return open_session(self.folder / name, self.card.files[name])


def sha256_of(path: Path) -> str:
    """Checksum of a file's content."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load_artifact(name: str, root: Path | None = None) -> Artifact:
    """Read and verify one artifact.

    Args:
        name: folder name.
        root: folder of artifacts; the configured one when None.

    Raises:
        ArtifactError: it does not exist, cannot be read or does not match its card.
    """
    folder = (root or settings().trained) / name
    card_file = folder / "card.json"
    if not card_file.is_file():
        known = ", ".join(sorted(p.parent.name for p in folder.parent.glob("*/card.json")))
        raise ArtifactError(
            f"There is no trained model {name!r}. Known: {known or 'none'}. "
            "Train it, or restore the folder from the release."
        )
    try:
        card = Card.from_json(json.loads(card_file.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactError(
            f"trained/{name}/card.json cannot be read ({error}). Restore it from the release or "
            f"re-export with `python -m core export {name}`."
        ) from error
    for file, expected in card.files.items():
        path = folder / file
        if not path.is_file():
            raise ArtifactError(
                f"trained/{name}/{file} is missing. Re-export it with "
                f"`python -m core export {name}`."
            )
        if sha256_of(path) != expected:
            raise ArtifactError(
                f"trained/{name}/{file} does not match its card (sha256 differs), so it is not "
                f"served. Re-export it with `python -m core export {name}`."
            )
    return Artifact(folder, card)


def list_artifacts(root: Path | None = None) -> list[tuple[str, Artifact | ArtifactError]]:
    """Every folder with a card: its name and the artifact, or why it is refused."""
    found: list[tuple[str, Artifact | ArtifactError]] = []
    for card in sorted((root or settings().trained).glob("*/card.json")):
        name = card.parent.name
        try:
            found.append((name, load_artifact(name, root)))
        except ArtifactError as error:
            found.append((name, error))
    return found
