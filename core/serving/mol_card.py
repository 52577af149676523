"""Task cards: what PACIA keeps of a support, as a file that needs no support molecules.

A card holds the adapter (3,000 numbers for five layers of width 300), and the few vectors per
support molecule that the relation layers look at. It names the model file by checksum, and the
support by a checksum of its standardised molecules and labels; the molecules themselves are not in
it. It is plain JSON with numbers in base64 (little-endian float32).
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from core.errors import InputError
from core.serving.few_shot import PACIA_WIDTH, TASK_ARRAYS, FewShotModel, PaciaTask
from core.store import Store

CARD_VERSION = 1
MAX_BYTES = 1_000_000
MAX_NUMBERS = 200_000
DOMAIN = "mol-card"


@dataclass(frozen=True)
class TaskCard:
    """An adapted task.

    Attributes:
        model: id of the model.
        sha256: checksum of its model file.
        title: what a person calls the property.
        num_active: labels behind it.
        num_inactive: likewise.
        support_sha256: checksum of the support, see `support_hash`.
        num_adapted: numbers of the adapter.
        arrays: name, shape and base64 of each array.
        card_version: layout of this file.
    """

    model: str
    sha256: str
    title: str
    num_active: int
    num_inactive: int
    support_sha256: str
    num_adapted: int
    arrays: tuple[tuple[str, tuple[int, ...], str], ...]
    card_version: int = CARD_VERSION

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal card."""
        return json.loads(json.dumps(asdict(self)))

    def dumps(self) -> str:
        """The card as JSON."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def loads(cls, text: str) -> "TaskCard":
        """Read a card that came from anywhere.

        Raises:
            InputError: MO-E16, it is not a task card.
        """
        if len(text) > MAX_BYTES:
            raise _not_a_card(f"It has {len(text):,} characters; a card has at most {MAX_BYTES:,}.")
        try:
            value = json.loads(text)
            card = cls.from_json(value)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise _not_a_card("The file is not readable as one.") from error
        card.task()
        return card

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "TaskCard":
        """From plain values.

        Raises:
            KeyError, TypeError, ValueError: fields are missing, unknown or of another kind.
        """
        arrays = tuple(
            (str(name), tuple(int(size) for size in shape), str(content))
            for name, shape, content in value["arrays"]
        )
        card = cls(**{**value, "arrays": arrays})
        texts = (card.model, card.sha256, card.title, card.support_sha256)
        counts = (card.num_active, card.num_inactive, card.num_adapted, card.card_version)
        if not all(isinstance(text, str) for text in texts):
            raise TypeError("texts are needed.")
        if not all(type(count) is int and count > 0 for count in counts):
            raise TypeError("positive numbers are needed.")
        if card.card_version != CARD_VERSION:
            raise ValueError("another version.")
        return card

    def task(self) -> PaciaTask:
        """The arrays.

        Raises:
            InputError: MO-E16, arrays are missing or do not have their shapes.
        """
        if [name for name, _, _ in self.arrays] != list(TASK_ARRAYS):
            raise _not_a_card(f"It needs the arrays {', '.join(TASK_ARRAYS)}.")
        return PaciaTask(
            {name: _decode(name, shape, content) for name, shape, content in self.arrays}
        )

    def fits(self, model: FewShotModel) -> None:
        """Make sure that the card was made by this very model.

        Raises:
            InputError: MO-E16.
        """
        files = model.artifact.card.files
        if self.model != model.entry.id or self.sha256 != files["model.onnx"]:
            raise InputError(
                "MO-E16", "Task card of another model",
                f"The card was made by {self.model} (file {self.sha256[:12]}…), not by the "
                f"{model.entry.id} of this server.",
                "Make the card again from the support molecules.",
            )  # fmt: skip
        encoder, arrays = model.artifact.knowledge["encoder"], self.task().arrays
        wanted = (encoder["num_layers"], 2, encoder["hidden_dim"])
        support, counts = arrays["support"], arrays["counts"]
        if (
            arrays["adapter"].shape != wanted
            or support.shape != (self.num_active + self.num_inactive, PACIA_WIDTH)
            or counts.shape != (len(support), 2)
            or counts.sum(0).tolist() != [self.num_inactive, self.num_active]
            or not np.isin(counts, (0, 1)).all()
            or (counts.sum(1) != 1).any()
        ):
            raise _not_a_card("Its arrays do not have the shapes of this model.")


def make_card(
    model: FewShotModel,
    task: PaciaTask,
    identities: Sequence[str],
    labels: np.ndarray,
    title: str = "",
) -> TaskCard:
    """The card of an adapted task.

    Args:
        model: which adapted it.
        task: result of `core.serving.few_shot.Pacia.adapt`.
        identities: of the support molecules.
        labels: (S,) 0 or 1.
        title: name of the property, may be empty.
    """
    arrays = tuple(
        (
            name,
            task.arrays[name].shape,
            base64.b64encode(task.arrays[name].astype("<f4").tobytes()).decode(),
        )
        for name in TASK_ARRAYS
    )
    return TaskCard(
        model.entry.id,
        model.artifact.card.files["model.onnx"],
        title[:200],
        int((labels == 1).sum()),
        int((labels == 0).sum()),
        support_hash(identities, labels),
        int(task.arrays["adapter"].size),
        arrays,
    )


def support_hash(identities: Sequence[str], labels: np.ndarray) -> str:
    """Checksum of molecules with their labels, in any order."""
    lines = sorted(f"{label} {one}" for one, label in zip(identities, labels, strict=True))
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def save_card(card: TaskCard) -> str:
    """Keep a card in the database; returns its id."""
    query = {"title": card.title, "model": card.model}
    return Store.open().save_prediction(domain=DOMAIN, query=query, bundle=card.to_json())


def find_card(card_id: str) -> TaskCard | None:
    """The card with this id, None when there is none."""
    found = Store.open().find_prediction(card_id)
    if found is None or found["domain"] != DOMAIN:
        return None
    return TaskCard.from_json(found["bundle"])


def list_cards(limit: int = 20) -> list[tuple[str, TaskCard]]:
    """Ids and cards, newest first."""
    found = Store.open().recent_predictions(DOMAIN, limit)
    return [(row["id"], TaskCard.from_json(row["bundle"])) for row in found]


def _decode(name: str, shape: Sequence[int], content: str) -> np.ndarray:
    try:
        raw = base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _not_a_card(f"The array {name[:40]} is not base64.") from error
    values = np.frombuffer(raw[: len(raw) // 4 * 4], "<f4")
    size = int(np.prod([max(one, 0) for one in shape], dtype=object))
    if len(raw) % 4 or not 0 < size <= MAX_NUMBERS or size != len(values):
        raise _not_a_card(f"The array {name[:40]} does not have its shape.")
    if not np.isfinite(values).all():
        raise _not_a_card(f"The array {name[:40]} holds a number that is not finite.")
    return values.reshape(shape).astype(np.float32)


def _not_a_card(problem: str) -> InputError:
    return InputError(
        "MO-E16", "Not a task card", problem, "Choose a file that this page has exported."
    )
