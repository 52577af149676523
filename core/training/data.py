"""What the driver asks of the data set of any task."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from core.serving.artifact import Artifact, DataState
from core.training.fitted import Fitted

Results = dict[str, dict[str, float]]  # split -> metric -> value


@dataclass(frozen=True, eq=False)
class Exported:
    """What is written into an artifact.

    Attributes:
        model: the ONNX file's content.
        knowledge: plain values for knowledge.json.
        parity: largest difference between torch and ONNX Runtime.
        more: further ONNX files by name.
    """

    model: bytes
    knowledge: dict[str, Any]
    parity: float
    more: Mapping[str, bytes] = field(default_factory=dict)


class TrainingData(Protocol):
    """A data set ready for training, testing and export.

    Attributes:
        task: what a method is fitted on.
        state: data set, checksum and licence for the card.
        protocol: in words, for every metric.
    """

    task: Any
    state: DataState
    protocol: str

    def test(self, fitted: Fitted, device: str) -> Results:
        """Metrics of a trained method on every test part."""

    def published(self, split: str, metric: str) -> tuple[float, str] | None:
        """The published figure for the same cell and where it stands."""

    def export(self, fitted: Fitted) -> Exported:
        """The trained method as it will be served."""

    def served(self, artifact: Artifact) -> Results:
        """The metrics of `test` again, through the code that serves answers."""
