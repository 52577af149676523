import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from core import jobs
from core.errors import Cancelled, JobError, StoreError
from core.jobs.computation import finish
from core.jobs.worker import _beat, _environment, _interrupt, _recover, _release, _Worker
from core.settings import ROOT, settings
from core.store import Store, back_up, restore


def is_gone(pid: int) -> bool:
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def folder_of(job_id: str) -> Path:
    return settings().home / "jobs" / job_id


def test_a_job_runs_reports_and_keeps_its_result(home, submit, fast):
    job_id = submit("count", {"num": 5, "pause": 0.15})
    jobs.work(once=True, **fast)
    job = jobs.find(job_id)
    assert (job.state, job.step, job.total, job.attempts) == ("done", 5, 5, 1)
    assert job.result == {"last": 5, "started_at": 0}
    assert (job.error, job.traceback, job.eta_s, job.text) == (None, None, None, "")
    assert job.created <= job.started <= job.finished
    assert job.duration_s == job.finished - job.started > 0.7
    assert jobs.trace(job_id) == [{"step": n, "loss": 1.0 / n} for n in range(1, 6)]
    assert (home / "jobs" / job_id / "checkpoint.txt").read_text() == "5"
    assert jobs.find_folder(job_id) == home / "jobs" / job_id
    assert jobs.count_workers() == 0  # the worker has signed off
    with pytest.raises(JobError, match="This job is done and cannot be cancelled"):
        jobs.cancel(job_id)
    with pytest.raises(JobError, match="This job is done; only"):
        jobs.resume(job_id)


def test_once_takes_the_oldest_job_only_and_leaves_unknown_kinds(submit, kinds, fast):
    jobs.submit("train", {}, title="later", kinds=kinds)
    with Store.open().transaction() as db:
        db.execute("UPDATE jobs SET kind = 'from-a-newer-release'")
    first, second = submit("count", {"num": 0, "pause": 0}), submit("count")
    jobs.work(once=True, **fast)
    assert [job.state for job in jobs.recent()] == ["queued", "done", "queued"]
    assert (jobs.find(first).state, jobs.find(second).queue_position) == ("done", 2)


def test_a_worker_without_work_leaves_after_the_idle_time(fast):
    started = time.monotonic()
    jobs.work(idle_exit_s=0.5, **fast)
    assert 0.5 <= time.monotonic() - started < 3


def test_children_get_one_thread_unless_told_otherwise(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert _environment()["OMP_NUM_THREADS"] == "1"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert _environment()["OMP_NUM_THREADS"] == "2"


def test_live_progress_is_seen_from_outside(start, submit, wait_for):
    job_id = submit("count", {"num": 100, "pause": 0.1})
    start()
    wait_for(lambda: jobs.find(job_id).step >= 12)
    job = jobs.find(job_id)
    assert (job.state, job.total, job.text) == ("running", 100, f"Step {job.step}")
    assert 0.08 * (100 - job.step) < job.eta_s < 0.4 * (100 - job.step)
    assert len(jobs.trace(job_id)) >= job.step
    assert jobs.count_workers() == 1


def test_four_processes_claim_forty_jobs_once_each(submit):
    ids = [submit("mark") for _ in range(10)]
    with Store.open().transaction() as db:
        row = next(db.table("jobs").rows_where("id = ?", [ids[0]]))
        extra = [{**row, "id": f"extra{number}"} for number in range(30)]
        db.table("jobs").insert_all(extra)
    code = (
        "import sys, threading; from core.jobs import worker;"
        "me = worker._Worker(sys.argv[1], {'mark': 'x:y'}, 30.0, 3.0, 0.5, threading.Event())\n"
        "print('ready', flush=True); sys.stdin.readline()\n"
        "while claimed := worker._claim(me): print(claimed[0])"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, f"w{number}"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    claimed = [process.communicate(timeout=60)[0].split() for process in processes]
    assert sorted(itertools.chain(*claimed)) == sorted([*ids, *(row["id"] for row in extra)])
    owners = Store.open().rows("SELECT id, worker, attempts FROM jobs ORDER BY id")
    assert {row["id"]: row["worker"] for row in owners} == {
        job_id: f"w{number}" for number in range(4) for job_id in claimed[number]
    }
    assert {row["attempts"] for row in owners} == {1}


def test_several_workers_share_the_queue_and_compute_each_job_once(start, home, submit, wait_for):
    ids = [submit("mark", {"file": str(home / "marks.txt")}) for _ in range(8)]
    for _ in range(3):
        start(lease_s=30.0)
    wait_for(lambda: all(job.state == "done" for job in jobs.recent()), 60)
    assert sorted((home / "marks.txt").read_text().split()) == sorted(ids)
    assert {job.attempts for job in jobs.recent()} == {1}


# -- cancelling -------------------------------------------------------------------------------


def test_a_reporting_job_stops_when_asked_and_continues_later(start, submit, wait_for):
    job_id = submit("count", {"num": 30, "pause": 0.05})
    start()
    wait_for(lambda: jobs.find(job_id).step >= 3)
    asked = time.monotonic()
    jobs.cancel(job_id)
    assert jobs.find(job_id).cancelling
    wait_for(lambda: jobs.find(job_id).state == "cancelled", 5)
    assert time.monotonic() - asked < 3  # by itself, before the grace time ends
    assert not jobs.find(job_id).cancelling
    jobs.resume(job_id)
    wait_for(lambda: jobs.find(job_id).state == "done")
    job = jobs.find(job_id)
    assert job.result["started_at"] >= 3  # it went on from its checkpoint
    assert job.attempts == 2
    steps = [int(line) for line in (folder_of(job_id) / "steps.txt").read_text().split()]
    assert steps == list(range(1, 31))


def test_a_deaf_job_is_ended_within_five_seconds(start, submit, wait_for):
    job_id = submit("ignore", {"seconds": 300, "child_seconds": 300})
    start()
    place = folder_of(job_id) / "pids.txt"
    wait_for(place.exists)
    asked = time.monotonic()
    jobs.cancel(job_id)
    wait_for(lambda: jobs.find(job_id).state == "cancelled", 5)
    assert time.monotonic() - asked < 5
    assert [is_gone(int(pid)) for pid in place.read_text().split()] == [True, True]
    after = submit("mark", {"file": str(settings().home / "marks.txt")})
    wait_for(lambda: jobs.find(after).state == "done")  # the worker goes on


# -- crashes ----------------------------------------------------------------------------------


def test_a_job_whose_process_dies_is_resumed_once_then_left_interrupted(start, submit, wait_for):
    job_id = submit("die")
    start()
    wait_for(lambda: jobs.find(job_id).state == "interrupted")
    job = jobs.find(job_id)
    assert (folder_of(job_id) / "deaths.txt").read_text() == "xx"
    assert job.attempts == 2
    assert job.error == (
        "Its process ended early (exit code 3). It was resumed once by itself; "
        "press Resume to try again."
    )
    jobs.resume(job_id)
    wait_for(lambda: jobs.find(job_id).state == "interrupted")
    assert (folder_of(job_id) / "deaths.txt").read_text() == "xxxx"  # once more by itself


def test_a_job_longer_than_the_lease_stays_with_its_living_worker(start, submit, wait_for):
    job_id = submit("count", {"num": 20, "pause": 0.1})
    start(lease_s=0.8)
    wait_for(lambda: jobs.find(job_id).step >= 1)
    start(lease_s=0.8)
    wait_for(lambda: jobs.count_workers() == 2)
    wait_for(lambda: jobs.find(job_id).state == "done")
    assert jobs.find(job_id).attempts == 1
    assert len((folder_of(job_id) / "starts.txt").read_text().splitlines()) == 1


def test_killing_the_worker_loses_no_job_and_computes_nothing_twice(start, submit, wait_for):
    job_id = submit("count", {"num": 40, "pause": 0.05})
    waiting = submit("count", {"num": 1, "pause": 0})
    worker = start()
    starts = folder_of(job_id) / "starts.txt"
    wait_for(lambda: jobs.find(job_id).step >= 3)
    child = int(starts.read_text().split()[0])
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_for(lambda: is_gone(child), 2)  # the child does not outlive its worker
    assert jobs.find(job_id).state == "running"  # nobody has noticed yet
    start()
    wait_for(lambda: jobs.find(waiting).state == "done")
    wait_for(lambda: jobs.find(job_id).state == "done")
    job = jobs.find(job_id)
    assert job.attempts == 2
    assert job.result["started_at"] >= 3
    steps = [int(line) for line in (folder_of(job_id) / "steps.txt").read_text().split()]
    # at most the step between writing it down and the checkpoint is done again
    assert sorted(set(steps)) == list(range(1, 41))
    assert len(steps) <= 41
    assert len(starts.read_text().splitlines()) == 2
    kept = [point["step"] for point in jobs.trace(job_id)]
    assert kept == sorted(set(kept))  # the trace continues; half a second of it may be lost
    assert (kept[0], kept[-1]) == (1, 40)
    assert len(kept) >= 25


def test_a_deaf_job_does_not_outlive_its_killed_worker(start, submit, wait_for):
    job_id = submit("ignore", {"seconds": 300, "child_seconds": 1})
    worker = start()
    place = folder_of(job_id) / "pids.txt"
    wait_for(place.exists)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    wait_for(lambda: is_gone(int(place.read_text().split()[0])), 2)


def test_a_job_taken_over_by_another_worker_stops_and_changes_nothing(submit):
    job_id = submit("count")
    with Store.open().transaction() as db:
        db.execute("UPDATE jobs SET state = 'running', worker = 'second', heartbeat = 1e12")
    with pytest.raises(Cancelled, match="Another worker has taken over this job"):
        jobs.JobContext(job_id, "first").report(1, 2, loss=1.0)
    assert not finish(job_id, "first", {"state": "done", "result": "{}"})
    _interrupt(job_id, "first", "No.")
    _release(job_id, "first")
    _beat(_Worker("first", {}, 30.0, 3.0, 0.5, threading.Event()), job_id)
    row = Store.open().rows("SELECT state, worker, step, heartbeat, result FROM jobs")[0]
    assert row == {
        "state": "running", "worker": "second", "step": 0, "heartbeat": 1e12, "result": None,
    }  # fmt: skip
    assert jobs.trace(job_id) == []
    assert finish(job_id, "second", {"state": "done", "result": '{"mrr": 0.5}'})
    assert (jobs.find(job_id).state, jobs.find(job_id).result) == ("done", {"mrr": 0.5})


def test_a_second_lost_worker_leaves_the_job_interrupted_with_its_progress(submit):
    job_id = submit("count")
    store = Store.open()
    for expected in ("queued", "interrupted"):
        with store.transaction() as db:
            db.execute(
                "UPDATE jobs SET state = 'running', worker = 'w', step = 7, heartbeat = ?",
                [time.time() - 31],
            )
        _recover(30.0)
        assert jobs.find(job_id).state == expected
    job = jobs.find(job_id)
    assert job.step == 7
    assert job.error.startswith("Its worker stopped without a word. It was resumed once")
    assert job.resumable


def test_a_fresh_heartbeat_is_left_alone_and_a_stale_cancel_ends(submit):
    fresh, asked = submit("count"), submit("count")
    store = Store.open()
    with store.transaction() as db:
        db.execute(
            "UPDATE jobs SET state = 'running', worker = 'w', heartbeat = ?", [time.time() - 29]
        )
        db.execute("INSERT INTO workers VALUES ('fresh', 1, 1.0, ?)", [time.time() - 29])
        db.execute("INSERT INTO workers VALUES ('stale', 1, 1.0, ?)", [time.time() - 31])
    jobs.cancel(asked)
    with store.transaction() as db:
        db.execute("UPDATE jobs SET heartbeat = 1.0 WHERE id = ?", [asked])
    _recover(30.0)
    assert (jobs.find(fresh).state, jobs.find(asked).state) == ("running", "cancelled")
    assert store.rows("SELECT id FROM workers") == [{"id": "fresh"}]


def test_stopping_a_worker_politely_gives_its_job_back(start, submit, wait_for):
    job_id = submit("count", {"num": 40, "pause": 0.05})
    worker = start()
    wait_for(lambda: jobs.find(job_id).step >= 3)
    worker.terminate()
    assert worker.wait(timeout=5) == 0
    job = jobs.find(job_id)
    assert (job.state, job.queue_position, job.text) == ("queued", 1, "Waiting to continue")
    assert jobs.count_workers() == 0
    start()
    wait_for(lambda: jobs.find(job_id).state == "done")
    assert jobs.find(job_id).result["started_at"] >= 3


def test_killing_the_web_process_loses_no_job(home, wait_for, kinds):
    """A process that submits and starts workers, as the web server does, is killed at once."""
    code = (
        "import json, sys, time; from core import jobs; kinds = json.loads(sys.argv[1]);"
        "print(jobs.submit('count', {'num': 20, 'pause': .05}, title='x', kinds=kinds));"
        "print(jobs.ensure_workers(2, idle_exit_s=1.0, kinds=kinds), flush=True); time.sleep(60)"
    )
    web = subprocess.Popen(
        [sys.executable, "-c", code, json.dumps(kinds)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    job_id = web.stdout.readline().strip()
    assert web.stdout.readline() == "2\n"
    assert jobs.ensure_workers(2, kinds=kinds) == 0  # the places are taken
    os.killpg(web.pid, signal.SIGKILL)  # and everything in its session
    web.wait()
    web.stdout.close()
    wait_for(lambda: jobs.find(job_id).state == "done")
    assert jobs.find(job_id).attempts == 1
    pids = [row["pid"] for row in Store.open().rows("SELECT pid FROM workers")]
    wait_for(lambda: jobs.count_workers() == 0)  # they leave when idle
    wait_for(lambda: all(pid is None or is_gone(pid) for pid in pids))
    assert (home / "worker.log").is_file()


def test_no_worker_is_started_when_none_is_wanted(monkeypatch, submit):
    monkeypatch.setenv("PARSIMONY_WORKERS", "0")
    settings.cache_clear()
    submit("count")
    assert jobs.ensure_workers() == 0
    assert Store.open().rows("SELECT id FROM workers") == []


def test_an_idle_worker_needs_next_to_no_time(start, wait_for):
    worker = psutil.Process(start(poll_s=0.5, heartbeat_s=3.0).pid)
    wait_for(lambda: jobs.count_workers() == 1)
    time.sleep(0.5)
    before = sum(worker.cpu_times()[:2])
    time.sleep(2)
    assert sum(worker.cpu_times()[:2]) - before < 0.1  # below 5 % of a core


def test_restore_is_refused_during_a_job_and_possible_after(start, home, submit, wait_for):
    folder = back_up(Store.open(), home / "backup")
    job_id = submit("count", {"num": 100, "pause": 0.05})
    start()
    wait_for(lambda: jobs.find(job_id).step >= 1)
    with pytest.raises(StoreError, match=f"Job {job_id} is running"):
        restore(folder)
    jobs.cancel(job_id)
    wait_for(lambda: jobs.find(job_id).state == "cancelled")
    restore(folder)
    assert jobs.recent() == []
    after = submit("mark", {"file": str(home / "marks.txt")})
    wait_for(lambda: jobs.find(after).state == "done")  # the same worker goes on
