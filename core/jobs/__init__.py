"""Long work outside the web process: a table of jobs, and workers that compute them.

    queued ──> running ──> done | failed | cancelled | interrupted
      ^           │                                        │
      └───────────┴── its worker died: once by itself ─────┴── `resume`: by a person

A worker (`work`, started by ``python -m core work`` or `ensure_workers`) claims the oldest queued
job and computes it in a child process, so that a job that never reports can be ended. Worker and
job carry a heartbeat. A running job whose heartbeat is older than the lease has lost its worker;
any other worker puts it back into the queue, where it continues from what it left in its folder.

No job is computed twice at the same time: a claim is one locked transaction, a child dies with
its worker, and every write of a child is conditional on the job still being its worker's.

`queue` is what a page or a command asks for, `computation` runs inside a job's own process,
`worker` claims jobs and watches over that process.
"""

from core.jobs.computation import JobContext, compute
from core.jobs.queue import (
    Job,
    cancel,
    count_workers,
    find,
    find_folder,
    read_log,
    recent,
    resume,
    submit,
    trace,
)
from core.jobs.worker import ensure_workers, work

__all__ = [
    "Job",
    "JobContext",
    "cancel",
    "compute",
    "count_workers",
    "ensure_workers",
    "find",
    "find_folder",
    "read_log",
    "recent",
    "resume",
    "submit",
    "trace",
    "work",
]
