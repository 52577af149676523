import pytest

from core import jobs
from core.jobs.computation import _estimate
from core.store import Store


def test_progress_estimates_the_time_left():
    assert _estimate((100.0, 0), 110.0, 5, 20) == 30.0  # 2 s per step, 15 steps left
    assert _estimate((100.0, 10), 104.0, 12, 20) == 16.0  # resumed at step 10
    assert _estimate((100.0, 5), 104.0, 5, 20) is None
    assert _estimate((100.0, 0), 104.0, 5, 0) is None
    assert _estimate((100.0, 0), 104.0, 25, 20) == 0.0


def test_values_of_one_step_are_merged_and_others_than_finite_left_out(submit):
    job_id = submit("count")
    with Store.open().transaction() as db:
        db.execute("UPDATE jobs SET state = 'running', worker = 'w'")
    context = jobs.JobContext(job_id, "w")
    context.report(1, 9, "a", loss=2.0, mrr=float("nan"))
    context.report(2, 9, "b", loss=1.5)
    context.report(2, 9, "c", mrr=0.25, loss=float("inf"))
    assert len(context.save()) == 1
    context.report(1, 9, "again after a restart", loss=3.0)
    context.save()
    assert jobs.trace(job_id) == [{"step": 1, "loss": 3.0}, {"step": 2, "loss": 1.5, "mrr": 0.25}]
    with Store.open().transaction() as db:
        db.execute("UPDATE jobs SET worker = 'another'")
    context.report(7, 9, "stolen", loss=9.0)
    assert context.save() == []
    assert (jobs.find(job_id).step, len(jobs.trace(job_id))) == (1, 2)


def test_a_readable_error_is_one_line_and_keeps_the_trace(submit, fast):
    job_id = submit("refuse", {"name": "a.tsv"})
    jobs.work(once=True, **fast)
    job = jobs.find(job_id)
    assert job.state == "failed"
    assert job.error == "UP-E02 · No rows. a.tsv is empty. Add rows."
    assert job.traceback is None
    assert jobs.trace(job_id) == [{"step": 1, "rows": 7.0}, {"step": 2, "rows": 5.0}]
    assert (job.resumable, job.result) == (True, None)


def test_an_unexpected_error_keeps_its_traceback_and_log(submit, fast):
    job_id = submit("fail", {"number": 7})
    jobs.work(once=True, **fast)
    job = jobs.find(job_id)
    assert (job.state, job.error) == ("failed", "ZeroDivisionError: divided 7")
    assert job.traceback.startswith("Traceback (most recent call last):")
    assert "toy_jobs.py" in job.traceback
    assert job.traceback.endswith("ZeroDivisionError: divided 7\nby zero\n")
    log = jobs.read_log(job_id)
    assert "before the fault\n" in log
    assert "ZeroDivisionError" in log
    assert jobs.read_log(job_id, limit=8) == "by zero\n"


def test_a_missing_function_fails_the_job_and_not_the_worker():
    job_id = jobs.submit("absent", {}, title="x", kinds={"absent": "toy_jobs:nothing"})
    jobs.work(once=True, kinds={"absent": "toy_jobs:nothing"})
    assert jobs.find(job_id).state == "failed"
    assert jobs.find(job_id).error.startswith("AttributeError: ")


def test_a_job_whose_worker_has_died_ends_at_its_next_report(submit):
    context = jobs.JobContext(submit("count"), "w")
    context._parent = 2**22 + 1  # beyond any process id: not the parent
    with pytest.raises(SystemExit):
        context.report(1, 2)
