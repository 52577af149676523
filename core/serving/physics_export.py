"""Formulas as files: the front and the predictions as tables, the record to repeat a search."""

import json
from typing import Any

from core.evidence.bundle import Environment
from core.serving import symbolic_regression as laws
from core.serving.physics_details import Agreement
from core.serving.symbolic_regression import Answer, Formula

PACKAGES = ("parsimony", "numpy", "scipy", "pyoperon")
COLUMNS = (
    "number", "formula", "size", "training error", "validation error", "test error", "test R2",
    "engine", "runs", "units", "on the front", "suggested",
)  # fmt: skip


def front_cells(answer: Answer) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """All formulas from small to large; errors in standard deviations of the target."""
    rows = [
        (
            one.number, one.text, one.complexity, one.candidate.train_error, one.valid_error,
            one.test_error, one.r2, one.candidate.engine, one.candidate.seeds, one.units,
            "yes" if one.on_front else "no", "yes" if one.number == answer.suggested else "no",
        )
        for one in answer.formulas
    ]  # fmt: skip
    return COLUMNS, rows


def prediction_cells(found: Agreement) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Measured and predicted values of the test part, with what they may depend on."""
    names = tuple(found.over)
    columns = (found.measured, found.predicted, found.residual, *found.over.values())
    header = ("measured", "predicted", "measured minus predicted", *names)
    return header, list(zip(*columns, strict=True))


def record(answer: Answer, formula: Formula) -> str:
    """Everything needed to repeat the search: question, seed, data hash, versions, formulas."""
    found = answer.discovery
    value = {
        "question": answer.question.to_json(),
        "data_hash": found.data,
        "seed": found.seed,
        "budget": found.budget,
        "split": list(found.sizes),
        "engines": [vars(stage) for stage in found.stages],
        "seconds": found.seconds,
        "versions": dict(Environment.here(PACKAGES).packages),
        "open": formula.number,
        "formulas": [
            {"number": one.number, "text": one.text, "test_r2": laws.finite(one.r2)}
            | one.candidate.to_json()
            for one in answer.formulas
        ],
    }
    return json.dumps(value, indent=1, ensure_ascii=False)
