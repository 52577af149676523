"""A home, workers and a queue for every test of a job."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import jobs
from core.settings import ROOT, settings

KINDS = {name: f"toy_jobs:{name}" for name in ("count", "mark", "refuse", "fail", "ignore", "die")}
FAST = {"kinds": KINDS, "lease_s": 1.5, "heartbeat_s": 0.2, "poll_s": 0.1}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


@pytest.fixture(scope="session")
def kinds():
    """Kinds of jobs that only the tests know."""
    return KINDS


@pytest.fixture(scope="session")
def fast():
    """Options of a worker that beats, looks and gives up often."""
    return FAST


@pytest.fixture
def start():
    """Start worker processes; whatever still lives at the end is ended by its id."""
    started = []

    def start_worker(**options):
        code = "import json, sys; from core.jobs import work; work(**json.loads(sys.argv[1]))"
        arguments = [sys.executable, "-c", code, json.dumps({**FAST, **options})]
        started.append(subprocess.Popen(arguments, cwd=ROOT))
        return started[-1]

    yield start_worker
    for process in started:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:  # its child follows it
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def submit():
    """Put a job of the tests into the queue; its id."""

    def submit_job(kind: str, params: dict | None = None) -> str:
        return jobs.submit(kind, params or {}, title=f"toy {kind}", kinds=KINDS)

    return submit_job


@pytest.fixture(scope="session")
def wait_for():
    """Wait until a condition holds; fail with the state of all jobs when it never does."""

    def wait_until(condition, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, [
                (job.kind, job.state, job.text, job.error) for job in jobs.recent()
            ]
            time.sleep(0.03)

    return wait_until
