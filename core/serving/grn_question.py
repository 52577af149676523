"""A question about gene regulation: which measurements and prior, and how the model is pruned."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import InputError

EXAMPLE, UPLOAD = "example", "upload"
METHOD = "dash"
DEFAULT_RESAMPLES, MAX_RESAMPLES = 10, 30
MIN_SPARSITY, MAX_SPARSITY = 0.5, 0.99


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        source: ``example:<data set>`` for a model that comes with the application, or
            ``upload:<id>``.
        trust: in the prior, 0 for the data alone; None when it is chosen on validation.
        sparsity: share of weights to prune; None when it is chosen on validation.
        resamples: trainings on resampled measurements, behind the selection frequency.
        seed: of the training.
    """

    source: str
    trust: float | None = None
    sparsity: float | None = None
    resamples: int = DEFAULT_RESAMPLES
    seed: int = 0

    @property
    def kind(self) -> str:
        """``example`` or ``upload``."""
        return self.source.partition(":")[0]

    @property
    def name(self) -> str:
        """Name of the example's data set, or id of the upload."""
        return self.source.partition(":")[2]

    @property
    def comes_along(self) -> bool:
        """Whether it asks for the model of an example as it comes with the application."""
        return self == Question(self.source) and self.kind == EXAMPLE

    @property
    def artifact(self) -> str:
        """Name of the model; holds too little of an upload's id to open the upload."""
        if self.comes_along:
            return f"{METHOD}-{self.name}"
        text = json.dumps(self.to_json(), sort_keys=True)
        return f"{METHOD}-{self.name[:8]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal question."""
        return {
            "source": self.source, "trust": self.trust, "sparsity": self.sparsity,
            "resamples": self.resamples, "seed": self.seed,
        }  # fmt: skip

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Question":
        """Inverse of `to_json`; absent parts have their defaults.

        Raises:
            KeyError, TypeError, ValueError: it is not such a record.
        """
        trust, sparsity = record.get("trust"), record.get("sparsity")
        return cls(
            str(record["source"]),
            None if trust is None else float(trust),
            None if sparsity is None else float(sparsity),
            int(record.get("resamples", DEFAULT_RESAMPLES)),
            int(record.get("seed", 0)),
        )


def require_learning(question: Question) -> None:
    """See that the data have a say.

    Raises:
        InputError: GR-E07 when only the prior is trusted.
    """
    if question.trust is not None and question.trust >= 1:
        raise InputError(
            "GR-E07", "Nothing to learn",
            "λ = 1 keeps the prior unchanged; there is nothing to learn.", "Choose λ < 1.",
        )  # fmt: skip
