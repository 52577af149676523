"""Searches that take longer than an answer may: one job each, read while it runs.

The job writes what it has found after every stage into its folder. Pausing is cancelling with the
intention to resume: the search goes on from that file with what is left of its budget.
"""

import json
from dataclasses import replace
from pathlib import Path

from core import jobs
from core.discovery.candidate import Candidate
from core.discovery.discover import Discovery, formulas_so_far
from core.errors import InputError, JobError
from core.jobs import Job
from core.serving import physics_question
from core.serving.physics_question import Question

KIND = "discover-law"
# formulas so far, the whole discovery, the network of a thorough search
STATE, RESULT, FLOW = "state.json", "discovery.json", "flow.json"


def submit(question: Question) -> str:
    """Queue a search; returns the id of the job.

    Raises:
        InputError: the data cannot be used.
        JobError: too many jobs wait already.
    """
    system = physics_question.load_system(question)
    asked = replace(question, job="")
    title = f"Find a law: {system.title or system.target.name}"
    return jobs.submit(KIND, {"question": asked.to_json()}, title=title[:120])


def question_of(job: Job) -> Question | None:
    """The question of a job, with its id; None for a job of another kind."""
    if job.kind != KIND:
        return None
    try:
        return replace(Question.from_json(job.params["question"]), job=job.id)
    except (KeyError, TypeError, InputError):
        return None


def read(job_id: str) -> Discovery | None:
    """What a search has found; None before it has come to its end.

    Raises:
        JobError: there is no such job, or it is no search.
    """
    path = _folder(job_id) / RESULT
    if not path.is_file():
        return None
    return Discovery.from_json(json.loads(path.read_text(encoding="utf-8")))


def read_interim(job_id: str) -> list[Candidate]:
    """The front of a search that runs or was stopped; empty before its first formula.

    Raises:
        JobError: there is no such job, or it is no search.
    """
    return formulas_so_far(_folder(job_id) / STATE)


def flow_of(job_id: str) -> Path:
    """Where a thorough search keeps what it found about the network; it may not be there.

    Raises:
        JobError: there is no such job, or it is no search.
    """
    return _folder(job_id) / FLOW


def mark_of(job_id: str) -> str:
    """Changes whenever a search has written something.

    Raises:
        JobError: there is no such job, or it is no search.
    """
    folder = _folder(job_id)
    files = [path for path in (folder / STATE, folder / RESULT) if path.is_file()]
    return " ".join(f"{path.name} {path.stat().st_mtime_ns}" for path in files)


def _folder(job_id: str) -> Path:
    if jobs.find(job_id).kind != KIND:
        raise JobError("This job is no search for a law.")
    return jobs.find_folder(job_id)
