import pytest

from core import jobs
from core.errors import JobError


def test_a_submitted_job_waits_in_its_place(submit):
    first, second = submit("count", {"num": 3, "pause": 0}), submit("count")
    job = jobs.find(first)
    assert (job.state, job.kind, job.title) == ("queued", "count", "toy count")
    assert job.params == {"num": 3, "pause": 0}
    assert (job.step, job.total, job.text, job.eta_s, job.attempts) == (0, 0, "", None, 0)
    assert (job.started, job.finished, job.result, job.error) == (None, None, None, None)
    assert job.duration_s is None
    assert job.active
    assert not job.resumable
    assert [jobs.find(key).queue_position for key in (first, second)] == [1, 2]
    assert [job.id for job in jobs.recent()] == [second, first]
    assert [job.id for job in jobs.recent(limit=1)] == [second]
    jobs.cancel(first)
    assert jobs.find(first).queue_position is None
    assert jobs.find(second).queue_position == 1


def test_unknown_kinds_and_ids_are_refused():
    kinds = "discover-law, predict-molecules, scan-interactions, train"
    known = rf'Unknown kind of job "bake". Known: {kinds}\.'
    with pytest.raises(JobError, match=known):
        jobs.submit("bake", {}, title="x")
    for act in (jobs.find, jobs.cancel, jobs.resume, jobs.find_folder, jobs.read_log):
        with pytest.raises(JobError, match="There is no job with this id"):
            act("../../etc")


def test_only_ten_jobs_may_wait(submit):
    ids = [submit("count") for _ in range(10)]
    with pytest.raises(JobError, match="10 jobs wait already; 10 are allowed"):
        submit("count")
    jobs.cancel(ids[0])
    submit("count")
    with pytest.raises(JobError, match="10 jobs wait already"):
        jobs.resume(ids[0])
    assert jobs.find(ids[0]).state == "cancelled"


def test_a_waiting_job_is_cancelled_at_once_and_can_be_resumed(submit):
    job_id = submit("count")
    jobs.cancel(job_id)
    job = jobs.find(job_id)
    assert (job.state, job.active, job.resumable) == ("cancelled", False, True)
    assert job.finished is not None
    with pytest.raises(JobError, match="This job is cancelled and cannot be cancelled"):
        jobs.cancel(job_id)
    jobs.resume(job_id)
    assert (jobs.find(job_id).state, jobs.find(job_id).finished) == ("queued", None)
    with pytest.raises(JobError, match="This job is queued; only a job that has stopped early"):
        jobs.resume(job_id)
