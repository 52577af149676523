"""Up to 10,000 candidates as a job: parcels of bounded size, each written before the next begins.

The known molecules are read once. A parcel's rows go to their own file in the job's folder, so that
a job that was interrupted or cancelled continues behind the last parcel. Ranks are given at the
end.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import jobs
from core.errors import InputError, JobError
from core.serving.mol_export import COLUMNS, prediction_cells
from core.serving.molecular_property import (
    TIE,
    Pass,
    Prediction,
    Shuffle,
    ask,
    check_labels,
    judge,
    predictions_of,
    with_ranges,
)
from core.serving.molecule_case import Case, Question, open_part
from core.serving.molecule_table import MAX_JOB, too_many_candidates
from core.store import Store

if TYPE_CHECKING:
    from core.jobs import JobContext

KIND = "predict-molecules"
PARCEL = 250  # candidates at once
RANK = COLUMNS.index("rank")
SCORE = COLUMNS.index("probability")


@dataclass(frozen=True)
class BatchResult:
    """The table of a finished job.

    Attributes:
        question: what was asked.
        header: columns.
        rows: every candidate in the order given.
        sentence: what shuffled labels change, empty with a task card.
        num_scored: rows with a probability.
    """

    question: Question
    header: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    sentence: str
    num_scored: int

    @property
    def best(self) -> list[tuple[Any, ...]]:
        """Rows with a probability, best first."""
        return sorted(
            (row for row in self.rows if row[RANK] is not None), key=lambda row: row[RANK]
        )


def submit(question: Question) -> str:
    """Queue a question; returns the id of the job.

    Raises:
        InputError: the known molecules, the model or the number of candidates cannot be used.
        JobError: too many jobs wait already.
    """
    num = len(question.lists.candidate)
    if num > MAX_JOB:
        raise too_many_candidates(num, MAX_JOB, "Split the list.")
    if not num:
        raise InputError(
            "MO-E18", "Nothing to predict", "There is no candidate.", "Add molecules to predict."
        )
    case = open_part(question, ())
    title = f"Predict {num:,} molecules with {case.model.info.title}"
    content = json.dumps(question.to_json(), ensure_ascii=False).encode()
    kept = Store.open().save_upload(name=title, content=content, kind=KIND, summary={"rows": num})
    return jobs.submit(KIND, {"question": kept}, title=title)


def _question(params: dict[str, Any]) -> Question:
    """The question of a job; it lies beside the database because of its size."""
    found = Store.open().find_upload(params["question"])
    if found is None:
        raise JobError("The question of this job has been deleted.")
    return Question.from_json(json.loads(found.path.read_text(encoding="utf-8")))


def predict_job(params: dict[str, Any], job: "JobContext") -> dict[str, Any]:
    """The body of the job."""
    question = _question(params)
    candidates = question.lists.candidate
    extra = tuple(dict.fromkeys(name for one in candidates for name, _ in one.fields))
    words = f"{len(candidates):,} molecules"
    shuffle = None
    for start in range(0, len(candidates), PARCEL):
        job.report(start, len(candidates), words)
        part = job.folder / f"part-{start:06d}.json"
        if part.is_file():
            continue
        case = open_part(question, candidates[start : start + PARCEL], start + 1)
        usable = case.table.candidates
        asked = ask(case, usable) if usable else None
        shuffle = shuffle or _shuffle(asked, job.folder)
        rows = [prediction_cells(one, extra) for one in _predict(case, asked, shuffle)]
        _write(part, [list(row) for row in rows])
    job.report(len(candidates), len(candidates), words)
    rows = _with_ranks(list(_parts(job.folder)))
    header = [*COLUMNS, *extra]
    _write(job.folder / "result.json", {"header": header, "rows": rows})
    scored = [row for row in rows if row[RANK] is not None]
    return {"rows": len(rows), "scored": len(scored), "model": question.model}


def _shuffle(asked: Pass | None, folder: Path) -> Shuffle | None:
    """The label check of the first parcel that has a usable molecule; kept for the others."""
    kept = folder / "shuffle.json"
    if kept.is_file():
        return Shuffle(**json.loads(kept.read_text(encoding="utf-8")))
    if asked is None or asked.prepared is None:
        return None
    found = check_labels(asked)
    _write(kept, vars(found))
    return found


def _predict(case: Case, asked: Pass | None, shuffle: Shuffle | None) -> Iterator[Prediction]:
    found = predictions_of(asked, case.table.candidates) if asked else []
    if asked and asked.prepared:
        found = with_ranges(asked, found)
    by_row = {one.row.id: judge(one, shuffle) for one in found}
    return (by_row.get(row.id, Prediction(row)) for row in case.table.of("candidate"))


def _parts(folder: Path) -> Iterator[list[Any]]:
    for part in sorted(folder.glob("part-*.json")):
        yield from json.loads(part.read_text(encoding="utf-8"))


def _with_ranks(rows: list[list[Any]]) -> list[list[Any]]:
    """Ranks by probability over all parcels; equal ones share the better rank."""
    order = sorted((n for n, row in enumerate(rows) if row[SCORE] is not None),
                   key=lambda n: -rows[n][SCORE])  # fmt: skip
    rank, last = 0, None
    for place, number in enumerate(order, start=1):
        if last is None or last - rows[number][SCORE] > TIE:
            rank, last = place, rows[number][SCORE]
        rows[number][RANK] = rank
    return rows


def _write(path: Path, value: object) -> None:
    """Write beside the place first, so that a file is there as a whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    partial.replace(path)


def read(job_id: str) -> BatchResult:
    """The table of a finished job.

    Raises:
        JobError: there is no such job, or it left no table.
    """
    folder = jobs.find_folder(job_id)
    found = jobs.find(job_id)
    path = folder / "result.json"
    if found.kind != KIND or not path.is_file():
        raise JobError("This job has no table of predictions (yet).")
    value = json.loads(path.read_text(encoding="utf-8"))
    shuffle = folder / "shuffle.json"
    sentence = ""
    if shuffle.is_file():
        sentence = json.loads(shuffle.read_text(encoding="utf-8"))["sentence"]
    rows = [tuple(row) for row in value["rows"]]
    return BatchResult(
        _question(found.params),
        tuple(value["header"]),
        rows,
        sentence,
        sum(row[RANK] is not None for row in rows),
    )
