"""Addresses of questions about systems on graphs."""

from dataclasses import replace

import pytest

from core import jobs
from core.discovery.options import Knowledge
from core.knowledge.physics.expression import parse
from core.serving import physics_job, physics_permalink
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws
from core.serving.physics_permalink import Link, from_parameters, to_parameters
from core.settings import settings
from core.store import Store

OWN = replace(
    pq.of_simulator("heat", num_graphs=40, num_nodes=4, topology="ring", noise=0.1, seed=5),
    units=(("T", "degC <b>"),), left_out=("k",),
    knowledge=Knowledge(
        operators=("add", "mul"), max_complexity=12, rotation=False, pair="antisymmetric",
        use_units=False, guess=(parse("2*dT + 1", ["dT"]),),
    ),
    budget="standard", seed=7,
)  # fmt: skip


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_a_question_comes_back_from_its_address():
    link = from_parameters(to_parameters(OWN, 3))
    assert link == Link(OWN, 3)


def test_an_example_has_a_short_address_and_the_bare_page_shows_the_first():
    first, second = laws.examples()[:2]
    assert from_parameters({}) == Link(first.question, example=True)
    assert to_parameters(second.question) == {"example": second.id}
    assert from_parameters({"example": second.id}) == Link(second.question, example=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("graphs", "-3"), ("graphs", "1e9"), ("nodes", "1"), ("topology", "star"), ("noise", "nan"),
        ("noise", "-1"), ("draw", "x"), ("operators", "add,eval"), ("size", "0"), ("pair", "odd"),
        ("know", "everything"), ("guess", "[[\"__import__\", \"os\"]]"), ("guess", "[" * 9000),
        ("budget", "forever"), ("seed", "²"), ("units", "{\"q\": \"kg\"}"), ("units", "[]"),
        ("without", "nothing"), ("formula", "0"), ("job", "../../x"), ("result", "x"),
        ("more", "1"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("home")
def test_a_value_that_does_not_fit_is_named_and_left_out(name, value):
    plain = pq.of_simulator("heat", num_graphs=30)
    parameters = to_parameters(plain) | {name: value}
    if name in ("graphs", "nodes", "topology", "noise", "draw"):
        del parameters[name]
        plain = from_parameters(parameters).query
    link = from_parameters(parameters | {name: value})
    assert link.ignored == (name,)
    assert link.query == plain
    assert not link.example


@pytest.mark.usefixtures("home")
def test_data_that_are_gone_lead_to_the_example():
    link = from_parameters({"upload": "gone"})
    assert link == Link(laws.examples()[0].question, example=True, ignored=("upload",))


@pytest.mark.usefixtures("home")
def test_too_many_graphs_for_the_system_are_refused():
    link = from_parameters({"system": "gravity", "graphs": "90000", "nodes": "150"})
    assert link.ignored == ("system",)
    assert link.example


@pytest.mark.usefixtures("home")
def test_an_upload_is_found_by_its_id():
    kept = pq.keep_upload(pq.load_system(pq.of_simulator("heat", num_graphs=12)), "mine.csv")
    link = from_parameters({"upload": kept, "units": '{"T": "K"}'})
    assert link.query == pq.Question(f"upload:{kept}", units=(("T", "K"),))
    assert from_parameters(to_parameters(link.query)) == link


@pytest.mark.usefixtures("home")
def test_a_job_stands_for_its_question(monkeypatch):
    monkeypatch.setitem(jobs.queue.JOB_KINDS, physics_job.KIND, "nowhere:nothing")
    job = physics_job.submit(OWN)
    link = from_parameters({"job": job, "formula": "2"})
    assert link == Link(replace(OWN, job=job), 2)
    assert to_parameters(link.query, 2) == {"job": job, "formula": "2"}
    monkeypatch.setitem(jobs.queue.JOB_KINDS, "other", "nowhere:nothing")
    other = jobs.submit("other", {}, title="other")
    assert from_parameters({"job": other}).ignored == ("job",)


@pytest.mark.usefixtures("home")
def test_a_stored_question_comes_back():
    kept = Store.open().save_prediction(domain="phys", query=OWN.to_json(), bundle={})
    assert from_parameters({"result": kept}) == Link(OWN)
    other = Store.open().save_prediction(domain="mol", query={}, bundle={})
    assert from_parameters({"result": other}).ignored == ("result",)


def test_every_documented_parameter_is_read():
    table = physics_permalink.__doc__.split("|---|---|")[1]
    named = {
        name.strip()
        for line in table.strip().splitlines()
        for name in line.split("|")[1].split(",")
    }
    assert named == set(physics_permalink.NAMES)
