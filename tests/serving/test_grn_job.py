"""Pruning as a job: what is asked of the training driver, found again by its question."""

from dataclasses import replace

import pytest

from core import jobs
from core.errors import InputError
from core.serving import grn_job
from core.serving.grn_question import Question
from core.settings import settings
from core.store import Store
from tests.serving import toy_regulation as toy

pytestmark = pytest.mark.usefixtures("home")


def test_a_job_states_the_settings_and_is_found_again():
    upload = Store.open().save_upload(name="My cells", content=b"x", kind="grn", summary={})
    question = Question(f"upload:{upload}", 0.25, 0.9, 4, 3)
    assert grn_job.find(question) is None
    job = jobs.find(grn_job.submit(question))
    assert job.kind == "train"
    assert job.title == "Infer network: My cells"
    assert job.params == {
        "method": "dash", "data": question.source, "artifact": question.artifact, "seed": 3,
        "overrides": {"num_resamples": 4, "trust": [0.25, 0.25], "target_sparsity": 0.9},
    }  # fmt: skip
    assert grn_job.find(question).id == job.id
    assert grn_job.find(Question(question.source, 0.5)) is None
    jobs.cancel(job.id)


def test_what_validation_chooses_is_not_stated():
    job = jobs.find(grn_job.submit(Question("upload:chosen")))
    assert job.params["overrides"] == {"num_resamples": 10}
    jobs.cancel(job.id)


def test_an_example_with_other_settings_is_trained_once(monkeypatch, home):
    toy.write(home / "examples")
    monkeypatch.setattr(grn_job, "settings", lambda: replace(settings(), trained=home / "examples"))
    question = Question("example:toy", 0.5)
    job = jobs.find(grn_job.submit(question))
    assert job.params["data"] == "toy"
    assert job.params["overrides"] == {
        "num_resamples": 10, "trust": [0.5, 0.5], "study": False, "num_seeds": 1
    }  # fmt: skip
    assert grn_job.find(question).id == job.id
    assert grn_job.find(Question("example:toy")) is None
    jobs.cancel(job.id)


def test_the_prior_alone_is_refused():
    with pytest.raises(InputError, match="GR-E07"):
        grn_job.submit(Question("upload:prior", 1.0))


def test_the_mark_changes_with_the_model(home):
    question = Question("upload:marked")
    assert grn_job.mark(question) == ""
    toy.write(home / "trained", question.artifact)
    first = grn_job.mark(question)
    toy.write(home / "trained", question.artifact, seconds=13.0)
    assert len({"", first, grn_job.mark(question)}) == 3
