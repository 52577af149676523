"""Inside a job's own process: progress, cancelling and the outcome."""

import ctypes
import importlib
import json
import logging
import math
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from core.errors import Cancelled, ParsimonyError
from core.jobs.queue import find
from core.settings import settings
from core.store import Store

_REPORT_S = 0.5  # progress is written at most this often
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class JobContext:
    """What a job's function gets besides its arguments.

    Attributes:
        job_id: id of the job.
        folder: a folder that survives restarts; checkpoints and results go here.
    """

    def __init__(self, job_id: str, worker: str) -> None:
        self.job_id = job_id
        self.folder = settings().home / "jobs" / job_id
        self.folder.mkdir(parents=True, exist_ok=True)
        self._worker = worker
        self._parent = os.getppid()
        self._written = -math.inf
        self._first: tuple[float, int] | None = None
        self._progress: tuple[int, int, str, float | None] = (0, 0, "", None)
        self._values: list[tuple[int, dict[str, float]]] = []

    def report(self, step: int, total: int, text: str = "", **values: float) -> None:
        """Tell how far the job is. Call it at least once per second of work, if possible.

        Args:
            step: finished steps.
            total: all steps, 0 when unknown.
            text: what is being done.
            **values: figures to keep for this step, such as ``loss``; a second report of a step
                adds to the first, and a value that is not finite is left out.

        Raises:
            Cancelled: if a person has asked the job to stop, or another worker has taken it over.
        """
        now = time.monotonic()
        if self._first is None:
            self._first = (now, step)
        self._progress = (step, total, text, _estimate(self._first, now, step, total))
        finite = {key: float(value) for key, value in values.items() if math.isfinite(value)}
        if finite:
            self._values.append((step, finite))
        if now - self._written < _REPORT_S:
            return
        if os.getppid() != self._parent:
            sys.exit(1)  # its worker has died: somebody else will continue this job
        self._written = now
        mine = self.save()
        if not mine:
            raise Cancelled("Another worker has taken over this job.")
        if mine[0]["cancel_requested"] is not None:
            raise Cancelled("A person has asked this job to stop.")

    def save(self) -> list[dict[str, Any]]:
        """Write what was reported, if the job is still its worker's.

        Returns:
            One row with ``cancel_requested``, or nothing when the job was taken away.
        """
        with Store.open().transaction() as db:
            mine = list(
                db.query(
                    "UPDATE jobs SET step = ?, total = ?, text = ?, eta_s = ? "
                    "WHERE id = ? AND worker = ? AND state = 'running' "
                    "RETURNING cancel_requested",
                    [*self._progress, self.job_id, self._worker],
                )
            )
            if mine:
                for step, numbers in self._values:
                    db.execute(
                        "INSERT INTO job_trace (job, step, numbers) VALUES (?, ?, ?) "
                        "ON CONFLICT (job, step) DO UPDATE "
                        "SET numbers = json_patch(numbers, excluded.numbers)",
                        [self.job_id, step, json.dumps(numbers)],
                    )
        self._values.clear()
        return mine


def _estimate(first: tuple[float, int], now: float, step: int, total: int) -> float | None:
    """Estimate the seconds left from the mean pace since the first report of this attempt."""
    elapsed, finished = now - first[0], step - first[1]
    if finished <= 0 or total <= 0:
        return None
    return max(0.0, elapsed / finished * (total - step))


def compute(job_id: str, worker: str, entry: str, parent: int) -> None:
    """Compute one claimed job; the body of the child process.

    Args:
        job_id: id of the job.
        worker: id of the worker that has claimed it.
        entry: the function as ``module:function``.
        parent: process id of the worker.
    """
    _die_with(parent)
    os.nice(10)  # the web process comes first
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    context = JobContext(job_id, worker)
    outcome: dict[str, Any]
    try:
        function = _load(entry)
        result = json.dumps(function(find(job_id).params, context))
        outcome = {"state": "done", "result": result}
    except Cancelled:
        outcome = {"state": "cancelled"}
    except ParsimonyError as error:
        outcome = {"state": "failed", "error": str(error)}
    except Exception as error:  # noqa: BLE001 - the job boundary: a fault is kept in the job's row
        text = f"{type(error).__name__}: {error}".splitlines()[0]
        outcome = {"state": "failed", "error": text, "traceback": traceback.format_exc()}
        traceback.print_exc()
    context.save()
    finish(job_id, worker, outcome)


def _load(entry: str) -> Callable[[dict[str, Any], JobContext], dict[str, Any]]:
    """Import the function of an entry point written in the catalogue."""
    module, _, name = entry.partition(":")
    return getattr(importlib.import_module(module), name)


def _die_with(parent: int) -> None:
    """Make sure that this process does not outlive its worker."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the worker died before the line above
        sys.exit(1)


def finish(job_id: str, worker: str, outcome: dict[str, Any]) -> bool:
    """Write the last state of a job, if it is still this worker's; tell whether it was."""
    values = {"result": None, "error": None, "traceback": None, **outcome}
    with Store.open().transaction() as db:
        changed = db.execute(
            "UPDATE jobs SET state = :state, result = :result, error = :error, text = '', "
            "traceback = :traceback, finished = :now, eta_s = NULL, worker = NULL "
            "WHERE id = :id AND worker = :worker AND state = 'running'",
            {**values, "now": time.time(), "id": job_id, "worker": worker},
        ).rowcount
    return bool(changed)
