"""Answers about molecules as rows of a table and as SDF: what was given beside what was used."""

from collections.abc import Mapping, Sequence

import numpy as np

from core import chemistry
from core.errors import InputError
from core.serving.few_shot import Inputs, Pacia
from core.serving.mol_card import TaskCard, find_card, list_cards, make_card, save_card
from core.serving.molecular_property import Answer, Prediction, open_case
from core.serving.molecule_case import Question

__all__ = [
    "COLUMNS",
    "TaskCard",
    "cells",
    "find_card",
    "list_cards",
    "prediction_cells",
    "save_card",
    "task_card",
    "to_sdf",
]

COLUMNS = (
    "row", "id", "name", "status", "input", "smiles", "inchikey", "scaffold", "rank",
    "probability", "low_5", "high_95", "set", "above_threshold", "domain",
    "similarity_to_known", "nearest_known", "familiar_substructures", "low_confidence", "alerts",
    "codes", "remarks",
)  # fmt: skip


def cells(answer: Answer) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Header and rows for `core.render.tables.to_safe_csv`: every candidate in the order given."""
    extra = extra_columns(answer.predictions)
    return (*COLUMNS, *extra), [prediction_cells(one, extra) for one in answer.predictions]


def extra_columns(predictions: Sequence[Prediction]) -> tuple[str, ...]:
    """Columns of the person's own file."""
    names = dict.fromkeys(name for one in predictions for name, _ in one.row.fields)
    return tuple(names)


def prediction_cells(one: Prediction, extra: Sequence[str] = ()) -> tuple[object, ...]:
    """One row of the table: our columns, then the person's own."""
    row, domain = one.row, one.domain
    remarks = (*row.remarks, *one.flags)
    own = dict(row.fields)
    values: Mapping[str, object] = {
        "row": row.number,
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "input": _given(row.text),
        "smiles": row.smiles,
        "inchikey": row.molecule.key if row.molecule else "",
        "scaffold": row.molecule.scaffold if row.molecule else "",
        "rank": one.rank,
        "probability": _rounded(one.probability),
        "low_5": _rounded(one.low),
        "high_95": _rounded(one.high),
        "set": " or ".join(one.classes),
        "above_threshold": "" if one.probability is None else "yes" if one.above else "no",
        "domain": domain.flag if domain else "",
        "similarity_to_known": _rounded(domain.similarity) if domain else None,
        "nearest_known": domain.nearest if domain else "",
        "familiar_substructures": _rounded(domain.familiar) if domain else None,
        "low_confidence": "yes" if one.uncertain else "",
        "alerts": "; ".join(alert.name for alert in row.molecule.alerts) if row.molecule else "",
        "codes": " ".join(dict.fromkeys(remark.code for remark in remarks)),
        "remarks": " ".join(remark.text for remark in remarks),
    }
    return (*(values[name] for name in COLUMNS), *(own.get(name, "") for name in extra))


def _given(text: str) -> str:
    """What was given, in one line: a SMILES, or the title of a molfile; at most 1,000 signs."""
    return text.strip().split("\n", 1)[0][:1_000]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def to_sdf(answer: Answer) -> str:
    """Every molecule that could be read, in the order given, with its cells as data fields.

    Raises:
        InputError: MO-E10, the chemistry worker does not answer.
    """
    header, rows = cells(answer)
    records = []
    for one, row in zip(answer.predictions, rows, strict=True):
        if one.row.molecule:
            fields = [
                (name, str(cell)) for name, cell in zip(header, row, strict=True)
                if cell not in (None, "")
            ]  # fmt: skip
            records.append((one.row.smiles, one.row.title, fields))
    return chemistry.write_sdf(records)


def task_card(question: Question, title: str = "") -> TaskCard:
    """The adapted task of a question to PACIA, as a file that needs no support molecules.

    Args:
        question: with known molecules.
        title: name of the property.

    Raises:
        InputError: MO-E16, another method; and as `core.serving.molecular_property.answer`.
    """
    case = open_case(question)
    if question.card:
        return question.card
    if case.model.entry.method != "pacia":
        raise InputError(
            "MO-E16", "No task card", f"{case.model.info.title} has no adapter to keep.",
            "Choose PACIA.",
        )  # fmt: skip
    no_question = Inputs.from_parts([], np.zeros((0, chemistry.MOLECULE_BITS), np.uint8))
    task = Pacia(case.model.artifact, case.inputs, no_question).adapt(case.all_rows, case.labels)
    identities = [row.molecule.identity for row in case.support]
    return make_card(case.model, task, identities, case.labels, title)
