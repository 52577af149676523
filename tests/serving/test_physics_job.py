"""A search as a job: its question, its formulas so far, its network; read while it runs."""

import json
from dataclasses import replace

import pytest

from core import jobs
from core.discovery.discover import discover
from core.discovery.options import BUDGETS
from core.errors import InputError, JobError
from core.knowledge.physics.message_flow import Input, Layer, MessageFlow
from core.serving import physics_job, physics_network
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws
from core.settings import settings

QUESTION = replace(pq.of_simulator("heat", num_graphs=60), budget="standard")
FLOW = {
    "valid_error": 0.05, "full_error": 0.06,
    "warning": "", "trials": [{}, {}], "test_r2": 0.99, "aggregates": {},
    "jumps": [
        {"layer": "e", "inputs": ["k"], "whole": False, "error": 0.1, "ratio": 2.0},
        {"layer": "e", "inputs": [], "whole": True, "error": 1.0, "ratio": 20.0},
    ],
}  # fmt: skip


@pytest.fixture
def job(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    settings.cache_clear()
    job = physics_job.submit(QUESTION)
    jobs.find_folder(job).mkdir(parents=True)
    yield job
    settings.cache_clear()


def test_a_job_knows_its_question_and_others_do_not(job, monkeypatch):
    assert physics_job.question_of(jobs.find(job)) == replace(QUESTION, job=job)
    monkeypatch.setitem(jobs.queue.JOB_KINDS, "other", "nowhere:nothing")
    other = jobs.submit("other", {}, title="other")
    assert physics_job.question_of(jobs.find(other)) is None
    with pytest.raises(JobError, match="no search"):
        physics_job.read(other)


def test_formulas_are_read_while_the_search_runs_and_when_it_is_through(job):
    asked = replace(QUESTION, job=job)
    before = laws.state_of(asked)
    with pytest.raises(InputError, match="PH-E21"):
        laws.answer(asked)
    folder = jobs.find_folder(job)
    system = pq.load_system(asked)
    found = discover(
        system, asked.knowledge, BUDGETS["instant"], 0, state=folder / physics_job.STATE
    )
    interim = laws.answer(asked)
    assert laws.state_of(asked) != before
    assert not interim.finished
    assert interim.formulas
    assert "k * dT" in interim.formula().text
    (folder / physics_job.RESULT).write_text(json.dumps(found.to_json()))
    whole = laws.answer(asked)
    assert whole.finished
    assert whole.discovery == found
    assert whole.formula().law == found.law


def test_the_network_of_a_thorough_search_is_read(job):
    asked = replace(QUESTION, job=job)
    assert physics_network.find_network(asked) is None
    flow = MessageFlow((Layer("e", "edge", (Input("k"),)),)).to_json()
    physics_job.flow_of(job).write_text(json.dumps(FLOW | {"flow": flow, "alternatives": [flow]}))
    found = physics_network.find_network(asked)
    assert [(one.part, one.ratio) for one in found.jumps] == [
        ("the layer e", 20.0), ("k in e", 2.0)
    ]  # fmt: skip
    assert (found.complexity, found.tried, found.test_r2) == (1, 2, 0.99)
    assert found.text == found.alternatives[0] == "e = φ(k)"
