"""The worker: claims jobs, starts a process for each and sees it to its end."""

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from core.catalog import JOB_KINDS
from core.errors import StoreError
from core.jobs.computation import finish
from core.jobs.queue import LEASE_S, count_workers
from core.settings import PROCESS_ENVIRONMENT, ROOT, settings
from core.store import Store, make_id

HEARTBEAT_S = 3.0
POLL_S = 0.5
CANCEL_GRACE_S = 3.0  # time for a job to stop by itself; with polling and SIGTERM below 5 s
IDLE_EXIT_S = 600.0  # of workers that `ensure_workers` starts
_TERMINATE_S = 0.5

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Worker:
    """One worker's id and timing."""

    id: str
    kinds: Mapping[str, str]
    lease_s: float
    heartbeat_s: float
    poll_s: float
    stop: threading.Event  # set by SIGTERM and SIGINT


def work(
    *,
    once: bool = False,
    idle_exit_s: float | None = None,
    kinds: Mapping[str, str] | None = None,
    worker: str | None = None,
    lease_s: float = LEASE_S,
    heartbeat_s: float = HEARTBEAT_S,
    poll_s: float = POLL_S,
) -> None:
    """Compute jobs until told to stop (SIGTERM or SIGINT); a job in work then waits again.

    Args:
        once: return after one job, or at once when none waits.
        idle_exit_s: return after this many seconds without a job; None: never.
        kinds: kinds beyond those of the catalogue.
        worker: id of this worker, when a place was reserved for it.
        lease_s: a heartbeat older than this is a dead worker's.
        heartbeat_s: seconds between heartbeats.
        poll_s: seconds between looks at the table.
    """
    stop = threading.Event()
    me = _Worker(
        worker or make_id(), {**JOB_KINDS, **(kinds or {})}, lease_s, heartbeat_s, poll_s, stop
    )
    with _stopped_by_signals(stop), _registered(me):
        idle_since, beaten = time.monotonic(), -math.inf
        while not stop.is_set():
            try:
                if time.monotonic() - beaten >= heartbeat_s:
                    beaten = time.monotonic()
                    _beat(me)
                    _recover(lease_s)
                claimed = _claim(me)
                if claimed:
                    _supervise(me, *claimed)
                    idle_since = time.monotonic()
            except StoreError as error:  # a full or busy disk may recover; the job is safe
                _log.warning("%s", error)
                claimed = None
            if once or (
                idle_exit_s is not None
                and not claimed
                and time.monotonic() - idle_since >= idle_exit_s
            ):
                return
            if not claimed:
                stop.wait(poll_s)


def ensure_workers(
    num: int | None = None,
    *,
    idle_exit_s: float = IDLE_EXIT_S,
    kinds: Mapping[str, str] | None = None,
) -> int:
    """Start detached workers if fewer than wanted are alive; safe to call from many processes.

    Args:
        num: how many are wanted; as configured when not given.
        idle_exit_s: a started worker ends after this many seconds without a job.
        kinds: kinds beyond those of the catalogue.

    Returns:
        The number of workers started.
    """
    wanted = settings().num_workers if num is None else num
    if count_workers() >= wanted:
        return 0
    with Store.open().transaction() as db:  # reserve places, so that nobody else starts them too
        now = time.time()
        alive = db.table("workers").count_where("heartbeat > ?", [now - LEASE_S])
        reserved = [make_id() for _ in range(wanted - alive)]
        db.table("workers").insert_all(
            {"id": key, "pid": None, "started": now, "heartbeat": now} for key in reserved
        )
    log = settings().home / "worker.log"
    for key in reserved:
        options = {"worker": key, "idle_exit_s": idle_exit_s, "kinds": dict(kinds or {})}
        code = "import json, sys; from core.jobs import work; work(**json.loads(sys.argv[1]))"
        with log.open("ab") as output:
            subprocess.Popen(
                [sys.executable, "-c", code, json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=ROOT,
                env=_environment(),
                start_new_session=True,
            )
    return len(reserved)


def _environment() -> dict[str, str]:
    """Return the environment of a started process: the same home, one thread by default."""
    return {**PROCESS_ENVIRONMENT, **os.environ, "PARSIMONY_HOME": str(settings().home)}


@contextmanager
def _stopped_by_signals(stop: threading.Event) -> Iterator[None]:
    """Set the event on SIGTERM and SIGINT while inside."""
    previous = {
        number: signal.signal(number, lambda *_: stop.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, action in previous.items():
            signal.signal(number, action)


@contextmanager
def _registered(me: _Worker) -> Iterator[None]:
    """Keep a row in the table of workers while inside."""
    now = time.time()
    row = {"id": me.id, "pid": os.getpid(), "started": now, "heartbeat": now}
    with Store.open().transaction() as db:
        db.table("workers").insert(row, pk="id", replace=True)
    try:
        yield
    finally:
        with Store.open().transaction() as db:
            db.execute("DELETE FROM workers WHERE id = ?", [me.id])


def _beat(me: _Worker, job_id: str | None = None) -> None:
    """Show that this worker, and the job in its hands, are alive."""
    now = time.time()
    row = {"id": me.id, "pid": os.getpid(), "heartbeat": now}
    with Store.open().transaction() as db:
        db.execute(
            "INSERT INTO workers (id, pid, started, heartbeat) "
            "VALUES (:id, :pid, :heartbeat, :heartbeat) "
            "ON CONFLICT (id) DO UPDATE SET heartbeat = excluded.heartbeat, pid = excluded.pid",
            row,
        )
        db.execute(
            "UPDATE jobs SET heartbeat = ? WHERE id = ? AND worker = ? AND state = 'running'",
            [now, job_id, me.id],
        )


def _claim(me: _Worker) -> tuple[str, str] | None:
    """Take the oldest queued job of a known kind; return its id and entry point."""
    store, kinds = Store.open(), json.dumps(sorted(me.kinds))
    if not store.rows("SELECT 1 FROM jobs WHERE state = 'queued' LIMIT 1"):
        return None  # a look without the write lock
    now = time.time()
    with store.transaction() as db:
        claimed = list(
            db.query(
                "UPDATE jobs SET state = 'running', worker = ?, heartbeat = ?, "
                "started = coalesce(started, ?), attempts = attempts + 1, "
                "text = 'Starting', eta_s = NULL WHERE id = ("
                "SELECT id FROM jobs WHERE state = 'queued' "
                "AND kind IN (SELECT value FROM json_each(?)) ORDER BY queued, rowid LIMIT 1"
                ") RETURNING id, kind",
                [me.id, now, now, kinds],
            )
        )
    return (claimed[0]["id"], me.kinds[claimed[0]["kind"]]) if claimed else None


def _recover(lease_s: float) -> None:
    """Deal with jobs whose worker has died, and forget such workers."""
    limit = time.time() - lease_s
    store = Store.open()
    stale = "SELECT id, worker FROM jobs WHERE state = 'running' AND heartbeat < ?"
    for row in store.rows(stale, [limit]):
        _interrupt(row["id"], row["worker"], "Its worker stopped without a word.", limit)
    if store.rows("SELECT 1 FROM workers WHERE heartbeat < ?", [limit]):
        with store.transaction() as db:
            db.execute("DELETE FROM workers WHERE heartbeat < ?", [limit])


def _interrupt(job_id: str, worker: str, reason: str, stale_before: float = math.inf) -> None:
    """Take a running job from a dead process: requeue it once, then leave it interrupted."""
    now = time.time()
    again = "Waiting to continue after an interruption"
    error = f"{reason} It was resumed once by itself; press Resume to try again."
    with Store.open().transaction() as db:
        found = list(
            db.query(
                "SELECT automatic_resumes, cancel_requested FROM jobs WHERE id = ? "
                "AND worker = ? AND state = 'running' AND heartbeat < ?",
                [job_id, worker, stale_before],
            )
        )
        if not found:
            return
        if found[0]["cancel_requested"] is not None:
            change = {"state": "cancelled", "finished": now, "text": ""}
        elif found[0]["automatic_resumes"] == 0:
            change = {"state": "queued", "queued": now, "text": again, "automatic_resumes": 1}
        else:
            change = {"state": "interrupted", "finished": now, "text": "", "error": error}
        db.table("jobs").update(job_id, {**change, "worker": None, "eta_s": None})
    _log.warning("Job %s: %s Now %s.", job_id, reason, change["state"])


def _release(job_id: str, worker: str) -> None:
    """Give a job back to the queue because its worker was told to stop."""
    with Store.open().transaction() as db:
        db.execute(
            "UPDATE jobs SET state = 'queued', worker = NULL, eta_s = NULL, "
            "text = 'Waiting to continue' WHERE id = ? AND worker = ? AND state = 'running'",
            [job_id, worker],
        )


def _supervise(me: _Worker, job_id: str, entry: str) -> None:
    """Run a claimed job in a child process and see it to its end."""
    child = _start(me, job_id, entry)
    beaten, deadline = time.monotonic(), math.inf
    try:
        while child.poll() is None and not me.stop.is_set() and time.monotonic() < deadline:
            try:
                if time.monotonic() - beaten >= me.heartbeat_s:
                    beaten = time.monotonic()
                    _beat(me, job_id)
                if deadline == math.inf and _must_end(me, job_id):
                    deadline = time.monotonic() + CANCEL_GRACE_S
            except StoreError as error:  # no reason to end the job
                _log.warning("%s", error)
            _wait(child, me.poll_s)
    finally:
        _end(child)
    if me.stop.is_set():
        _release(job_id, me.id)
    elif deadline < math.inf:
        finish(job_id, me.id, {"state": "cancelled"})
    else:  # nothing to do when the child has written its outcome
        _interrupt(job_id, me.id, f"Its process ended early ({_describe(child.returncode)}).")


def _start(me: _Worker, job_id: str, entry: str) -> subprocess.Popen:
    """Start the child process; what it prints goes to ``log.txt`` in the job's folder."""
    folder = settings().home / "jobs" / job_id
    folder.mkdir(parents=True, exist_ok=True)
    code = "import sys; from core.jobs import compute; compute(*sys.argv[1:4], int(sys.argv[4]))"
    with (folder / "log.txt").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-c", code, job_id, me.id, entry, str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=_environment(),
            start_new_session=True,  # so that `_end` reaches its own children as well
        )


def _must_end(me: _Worker, job_id: str) -> bool:
    """Tell whether a person has asked the job to stop or it is no longer this worker's."""
    found = Store.open().rows(
        "SELECT 1 FROM jobs WHERE id = ? AND worker = ? AND state = 'running' "
        "AND cancel_requested IS NULL",
        [job_id, me.id],
    )
    return not found


def _wait(child: subprocess.Popen, timeout_s: float) -> None:
    """Wait for the end of a process, but not longer than given."""
    deadline = time.monotonic() + timeout_s
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(min(0.05, timeout_s))


def _end(child: subprocess.Popen) -> None:
    """End a process and its own children: politely, then surely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            _wait(child, _TERMINATE_S)
    child.wait()


def _describe(returncode: int) -> str:
    """Say how a process ended."""
    if returncode == -signal.SIGKILL:
        return "killed, often for lack of memory"
    if returncode < 0:
        return f"signal {-returncode}"
    return f"exit code {returncode}"
