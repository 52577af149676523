"""Trainings of the driver `core.training.run` as jobs: submit one, find it again."""

from collections.abc import Mapping
from typing import Any

from core import jobs
from core.jobs import Job

KIND = "train"


def submit(
    method: str, data: str, artifact: str, title: str, overrides: Mapping[str, Any] | None = None
) -> str:
    """Queue a training; returns the id of the job.

    Args:
        method: catalogue id of the method.
        data: data set as the driver names it, such as ``upload:<id>``.
        artifact: name of the model.
        title: for the list of jobs.
        overrides: fields of the method's configuration that differ from those of the data set.

    Raises:
        JobError: too many jobs wait already.
    """
    params = {
        "method": method, "data": data, "artifact": artifact, "seed": 0,
        "overrides": dict(overrides or {}),
    }  # fmt: skip
    return jobs.submit(KIND, params, title=title)


def find(method: str, data: str) -> Job | None:
    """The latest training of a method on a data set, None when there was none."""
    found = [
        job for job in jobs.recent(200)
        if job.kind == KIND
        and (job.params.get("method"), job.params.get("data")) == (method, data)
    ]  # fmt: skip
    return found[0] if found else None
