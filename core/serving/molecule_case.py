"""A question about molecules, opened: its lists read, its model loaded, its support encoded.

    Question (what a person asks) ──open_case──> Case ──score──> calibrated probabilities

The support is sorted by label and identity, questions by identity, so that the order in which a
person lists molecules changes no number.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core.chemistry.listing import Entry
from core.errors import InputError
from core.serving.few_shot import (
    Calibration,
    FewShotModel,
    Inputs,
    Prepared,
    Scores,
    answer_pacia,
    open_model,
)
from core.serving.mol_card import TaskCard
from core.serving.molecule_table import (
    MAX_CANDIDATES,
    Lists,
    MoleculeTable,
    TableRow,
    read_table,
    too_many_candidates,
)


@dataclass(frozen=True)
class Question:
    """What a person asks.

    Attributes:
        model: id of a model, see `core.serving.few_shot.available_models`.
        lists: known and unknown molecules.
        strip_salts: keep the largest part of salts and mixtures; otherwise they are refused.
        standardise: split metal salts and neutralise charges.
        threshold: probability from which a molecule counts as active.
        card: an adapted task in place of the known molecules; None for those of the lists.
    """

    model: str
    lists: Lists
    strip_salts: bool = True
    standardise: bool = True
    threshold: float = 0.5
    card: TaskCard | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal question."""
        return {
            "model": self.model,
            "lists": self.lists.to_json(),
            "strip_salts": self.strip_salts,
            "standardise": self.standardise,
            "threshold": self.threshold,
            "card": self.card.to_json() if self.card else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Question":
        """Inverse of `to_json`."""
        card = TaskCard.from_json(value["card"]) if value["card"] else None
        return cls(**{**value, "lists": Lists.from_json(value["lists"]), "card": card})


class Case:
    """An opened question.

    Args:
        question: what is asked.
        table: its lists, read.
        model: that answers.
    """

    def __init__(self, question: Question, table: MoleculeTable, model: FewShotModel) -> None:
        self.question, self.table, self.model = question, table, model
        rows = () if question.card else table.support
        self.support = tuple(sorted(rows, key=lambda row: (row.role, row.molecule.identity)))
        self.labels = np.array([row.role == "active" for row in self.support], np.int64)  # (S,)

    @property
    def all_rows(self) -> np.ndarray:
        """(S,) every support molecule."""
        return np.arange(len(self.support))

    @property
    def shots(self) -> int:
        """Known molecules of the smaller class."""
        if self.question.card:
            return min(self.question.card.num_active, self.question.card.num_inactive)
        return int(min(self.labels.sum(), (1 - self.labels).sum()))

    @property
    def num_labels(self) -> int:
        """Known molecules."""
        if self.question.card:
            return self.question.card.num_active + self.question.card.num_inactive
        return len(self.support)

    @cached_property
    def inputs(self) -> Inputs:
        """The support as the model takes it."""
        return Inputs.of([row.molecule for row in self.support])

    @cached_property
    def calibration(self) -> Calibration | None:
        """How probabilities are calibrated, None where the artifact does not say."""
        return self.model.calibration(self.shots)

    def prepare(self, query: Inputs) -> Prepared:
        """Support and questions, ready for any labels."""
        return self.model.prepare(self.inputs, query)

    def prepare_rows(self, rows: Sequence[TableRow]) -> Prepared:
        """`prepare` for rows of the table."""
        return self.prepare(Inputs.of([row.molecule for row in rows]))

    def scores(self, query: Inputs) -> Scores:
        """What the whole support says, not calibrated; from the card where there is one."""
        if self.question.card:
            return answer_pacia(self.model.artifact, self.question.card.task(), query.graphs)
        return self.prepare(query).scores(self.all_rows, self.labels)

    def calibrate(self, probability: np.ndarray) -> np.ndarray:
        """Calibrated probability of being active, of raw ones of any shape."""
        if self.calibration is None:
            return probability
        both = np.stack([1 - probability, probability], -1).clip(1e-12, 1)
        found = self.calibration.temperature.probabilities(np.log(both).reshape(-1, 2))
        return found[:, 1].reshape(probability.shape)

    def position(self, row_id: str) -> int:
        """Place of a known molecule in the support.

        Raises:
            InputError: MO-E17, it is not one.
        """
        for place, row in enumerate(self.support):
            if row.id == row_id:
                return place
        raise InputError(
            "MO-E17", "No such row", f'"{row_id[:20]}" is not a known molecule that takes part.',
            "Pick one of the rows shown.",
        )  # fmt: skip


def sort_unique(rows: Sequence[TableRow]) -> list[TableRow]:
    """One row per molecule, sorted by identity."""
    by_identity = {row.molecule.identity: row for row in reversed(rows)}
    return [by_identity[identity] for identity in sorted(by_identity)]


def table_of(question: Question) -> MoleculeTable:
    """The lists of a question, read; cached.

    Raises:
        InputError, ArtifactError: the model cannot be opened.
    """
    elements = open_model(question.model).elements
    return _table_of(question.lists, question.strip_salts, question.standardise, elements)


@lru_cache(maxsize=4)
def _table_of(
    lists: Lists, strip_salts: bool, standardise: bool, elements: frozenset[int] | None
) -> MoleculeTable:
    return read_table(lists, strip_salts=strip_salts, standardise=standardise, elements=elements)


def open_part(question: Question, candidates: Sequence[Entry], first: int = 1) -> Case:
    """A question with a part of its candidates in place of all.

    Args:
        question: the question.
        candidates: the part.
        first: place of its first candidate in the whole list.

    Raises:
        InputError, ArtifactError: as `open_case`.
    """
    model = open_model(question.model)
    table = read_table(
        replace(question.lists, candidate=tuple(candidates)),
        strip_salts=question.strip_salts,
        standardise=question.standardise,
        elements=model.elements,
        first=first,
    )
    check_case(question, table, model)
    return Case(question, table, model)


def open_case(question: Question) -> Case:
    """A question that can be answered at once.

    Raises:
        InputError: MO-E06, E12 or E13 for the lists, E15 for the model, E16 for the card.
        ArtifactError: the model is missing or damaged.
    """
    model = open_model(question.model)
    table = table_of(question)
    check_case(question, table, model)
    if len(table.candidates) > MAX_CANDIDATES:
        raise too_many_candidates(
            len(table.candidates), MAX_CANDIDATES, "Predict them as a job, or split the list."
        )
    return Case(question, table, model)


def check_case(question: Question, table: MoleculeTable, model: FewShotModel) -> None:
    """Refuse lists or a card that cannot be answered from.

    Raises:
        InputError: MO-E06, E12, E13 or E16.
    """
    if question.card:
        question.card.fits(model)
    error = table.candidate_error if question.card else table.error
    if error:
        raise error
