"""Trainings of the driver `core.training.run` as jobs: submit one, find it again."""

from collections.abc import Mapping
from typing import Any

from core import jobs
from core.jobs import Job

KIND = "train"


def submit(
    method: str, data: str, artifact: str, title: str,
    overrides: Mapping[str, Any] | None = None, *, seed: int = 0,
) -> str:  # fmt: skip
    """Queue a training; returns the id of the job.

    Args:
        method: catalogue id of the method.
        data: data set as the driver names it, such as ``upload:<id>``.
        artifact: name of the model.
        title: for the list of jobs.
        overrides: fields of the method's configuration that differ from those of the data set.
        seed: of the training.

    Raises:
        JobError: too many jobs wait already.
    """
    params = {
        "method": method, "data": data, "artifact": artifact, "seed": seed,
        "overrides": dict(overrides or {}),
    }  # fmt: skip
    return jobs.submit(KIND, params, title=title)


def find(method: str, data: str, artifact: str = "") -> Job | None:
    """The latest training of a method on a data set, None when there was none.

    Args:
        method: catalogue id of the method.
        data: as `submit` takes it.
        artifact: name of the model, empty for any.
    """
    found = [
        job for job in jobs.recent(200)
        if job.kind == KIND
        and (job.params.get("method"), job.params.get("data")) == (method, data)
        and (not artifact or job.params.get("artifact") == artifact)
    ]  # fmt: skip
    return found[0] if found else None
