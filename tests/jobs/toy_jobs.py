"""Small job functions for the tests beside this file; imported only in a job's own process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from core.errors import InputError
from core.jobs import JobContext


def count(params: dict, context: JobContext) -> dict:
    """Count to `num`, one step per `pause` seconds, keeping a checkpoint of the last step."""
    place = context.folder / "checkpoint.txt"
    start = int(place.read_text()) if place.exists() else 0
    with (context.folder / "starts.txt").open("a") as file:
        file.write(f"{os.getpid()} {start}\n")
    for step in range(start + 1, params["num"] + 1):
        time.sleep(params["pause"])
        with (context.folder / "steps.txt").open("a") as file:
            file.write(f"{step}\n")
        partial = place.with_suffix(".part")
        partial.write_text(str(step))
        partial.replace(place)
        context.report(step, params["num"], f"Step {step}", loss=1.0 / step)
    return {"last": params["num"], "started_at": start}


def mark(params: dict, context: JobContext) -> dict:
    """Append one line to a shared file."""
    with Path(params["file"]).open("a") as file:
        file.write(f"{context.job_id}\n")
    return {}


def refuse(params: dict, context: JobContext) -> dict:
    """Fail with an error written for a person."""
    context.report(1, 4, "Reading", rows=7)
    context.report(2, 4, "Reading on", rows=5)
    raise InputError("UP-E02", "No rows", f"{params['name']} is empty.", "Add rows.")


def fail(params: dict, _context: JobContext) -> dict:
    """Fail with an unexpected error after printing something."""
    sys.stdout.write("before the fault\n")
    raise ZeroDivisionError(f"divided {params['number']}\nby zero")


def ignore(params: dict, context: JobContext) -> dict:
    """Never report, be deaf to SIGTERM, and have a process of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", str(params["child_seconds"])])
    partial = context.folder / "pids.part"
    partial.write_text(f"{os.getpid()} {child.pid}")
    partial.replace(context.folder / "pids.txt")
    time.sleep(params["seconds"])
    return {}


def die(_params: dict, context: JobContext) -> dict:
    """End the process without a word, as a crash in native code does."""
    with (context.folder / "deaths.txt").open("a") as file:
        file.write("x")
    os._exit(3)
