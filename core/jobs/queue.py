"""The table of jobs: what a page or a command asks for and reads."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.catalog import JOB_KINDS
from core.errors import JobError
from core.settings import settings
from core.store import Store, make_id

OWNER = "local"
MAX_QUEUED = 10  # per owner
LEASE_S = 25.0  # with a heartbeat more, a lost job is taken up again within 30 s


@dataclass(frozen=True)
class Job:
    """One row of the job table.

    Attributes:
        id: unguessable id.
        kind: a name in `core.catalog.JOB_KINDS`.
        title: what a person calls it.
        state: queued, running, done, failed, cancelled or interrupted.
        params: arguments of the job's function.
        step: finished steps.
        total: all steps, 0 when unknown.
        text: what is being done.
        eta_s: estimated seconds to the end, None when unknown.
        created: when it was submitted, seconds since 1970.
        started: when it was first claimed, or None.
        finished: when it reached its last state, or None.
        attempts: how often a worker has claimed it.
        result: what the function returned, once done.
        error: one line for a person, when failed or interrupted.
        traceback: the technical record of an unexpected failure.
        queue_position: 1 for the next one to run, None when not queued.
        cancelling: a person has asked it to stop and it has not stopped yet.
    """

    id: str
    kind: str
    title: str
    state: str
    params: dict[str, Any]
    step: int
    total: int
    text: str
    eta_s: float | None
    created: float
    started: float | None
    finished: float | None
    attempts: int
    result: dict[str, Any] | None
    error: str | None
    traceback: str | None
    queue_position: int | None
    cancelling: bool

    @property
    def active(self) -> bool:
        """Whether the job still waits or runs."""
        return self.state in ("queued", "running")

    @property
    def resumable(self) -> bool:
        """Whether `resume` would put it back into the queue."""
        return self.state in ("interrupted", "failed", "cancelled")

    @property
    def duration_s(self) -> float | None:
        """Seconds from the first start to the end, or to now; None before the start."""
        if self.started is None:
            return None
        return (self.finished or time.time()) - self.started


_COLUMNS = """
    SELECT jobs.*, CASE WHEN state = 'queued' THEN (
        SELECT count(*) FROM jobs AS other
        WHERE other.state = 'queued'
        AND (other.queued, other.rowid) <= (jobs.queued, jobs.rowid)
    ) END AS queue_position
    FROM jobs
"""


def submit(
    kind: str, params: dict[str, Any], *, title: str, kinds: Mapping[str, str] | None = None
) -> str:
    """Put a job into the queue.

    Args:
        kind: which function computes it.
        params: its arguments; JSON values.
        title: what a person calls it.
        kinds: kinds beyond those of the catalogue.

    Returns:
        The id of the job.

    Raises:
        JobError: if the kind is unknown or too many jobs wait already.
    """
    known = {**JOB_KINDS, **(kinds or {})}
    if kind not in known:
        raise JobError(f'Unknown kind of job "{kind}". Known: {", ".join(sorted(known))}.')
    now = time.time()
    row = {
        "id": make_id(),
        "owner": OWNER,
        "kind": kind,
        "title": title,
        "params": json.dumps(params),
        "state": "queued",
        "created": now,
        "queued": now,
    }
    with Store.open().transaction() as db:
        _require_room(db.table("jobs").count_where("state = 'queued' AND owner = ?", [OWNER]))
        db.table("jobs").insert(row)
    return row["id"]


def find(job_id: str) -> Job:
    """Return a job.

    Raises:
        JobError: if there is no job with this id.
    """
    found = Store.open().rows(f"{_COLUMNS} WHERE id = ?", [job_id])
    if not found:
        raise JobError("There is no job with this id. Open the Jobs page to see those that exist.")
    return _to_job(found[0])


def recent(limit: int = 50) -> list[Job]:
    """Return the latest jobs, newest first."""
    sql = f"{_COLUMNS} ORDER BY created DESC, rowid DESC LIMIT ?"
    return [_to_job(row) for row in Store.open().rows(sql, [limit])]


def trace(job_id: str) -> list[dict[str, float]]:
    """Return the reported values of a job in the order of its steps.

    Returns:
        Dicts with ``step`` and the values reported at that step.
    """
    sql = "SELECT step, numbers FROM job_trace WHERE job = ? ORDER BY step"
    rows = Store.open().rows(sql, [job_id])
    return [{"step": row["step"], **json.loads(row["numbers"])} for row in rows]


def find_folder(job_id: str) -> Path:
    """Return the folder of a job's checkpoints, results and log; it may not exist yet."""
    return settings().home / "jobs" / find(job_id).id


def read_log(job_id: str, limit: int = 20_000) -> str:
    """Return the last characters that a job has printed; empty when it printed nothing."""
    path = find_folder(job_id) / "log.txt"
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - limit))
        return file.read().decode("utf-8", errors="replace")


def cancel(job_id: str) -> None:
    """Stop a job: at once when it waits, within 5 s when it runs.

    Raises:
        JobError: if there is no such job or it has ended already.
    """
    state = find(job_id).state
    now = time.time()
    with Store.open().transaction() as db:
        waiting = db.execute(
            "UPDATE jobs SET state = 'cancelled', finished = ?, text = '', eta_s = NULL "
            "WHERE id = ? AND state IN ('queued', 'interrupted')",
            [now, job_id],
        ).rowcount
        running = db.execute(
            "UPDATE jobs SET cancel_requested = coalesce(cancel_requested, ?) "
            "WHERE id = ? AND state = 'running'",
            [now, job_id],
        ).rowcount
    if not waiting + running:
        raise JobError(f"This job is {state} and cannot be cancelled.")


def resume(job_id: str) -> None:
    """Put an interrupted, failed or cancelled job back into the queue.

    It continues from the checkpoint in its folder, if its function keeps one.

    Raises:
        JobError: if there is no such job, it is in another state, or too many jobs wait already.
    """
    state = find(job_id).state
    with Store.open().transaction() as db:
        _require_room(db.table("jobs").count_where("state = 'queued' AND owner = ?", [OWNER]))
        resumed = db.execute(
            "UPDATE jobs SET state = 'queued', queued = ?, finished = NULL, error = NULL, "
            "traceback = NULL, cancel_requested = NULL, automatic_resumes = 0, text = '' "
            "WHERE id = ? AND state IN ('interrupted', 'failed', 'cancelled')",
            [time.time(), job_id],
        ).rowcount
    if not resumed:
        raise JobError(f"This job is {state}; only a job that has stopped early can be resumed.")


def count_workers(lease_s: float = LEASE_S) -> int:
    """Return the number of workers with a fresh heartbeat."""
    sql = "SELECT count(*) AS num FROM workers WHERE heartbeat > ?"
    return Store.open().rows(sql, [time.time() - lease_s])[0]["num"]


def _require_room(num_queued: int) -> None:
    if num_queued >= MAX_QUEUED:
        raise JobError(
            f"{num_queued} jobs wait already; {MAX_QUEUED} are allowed. "
            "Wait for one to start or cancel one."
        )


def _to_job(row: dict[str, Any]) -> Job:
    return Job(
        id=row["id"],
        kind=row["kind"],
        title=row["title"],
        state=row["state"],
        params=json.loads(row["params"]),
        step=row["step"],
        total=row["total"],
        text=row["text"],
        eta_s=row["eta_s"],
        created=row["created"],
        started=row["started"],
        finished=row["finished"],
        attempts=row["attempts"],
        result=None if row["result"] is None else json.loads(row["result"]),
        error=row["error"],
        traceback=row["traceback"],
        queue_position=row["queue_position"],
        cancelling=row["state"] == "running" and row["cancel_requested"] is not None,
    )
