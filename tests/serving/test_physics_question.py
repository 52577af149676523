"""Questions about systems on graphs: round trips, chosen quantities, uploads."""

from dataclasses import replace

import numpy as np
import pytest

from core.discovery.options import Knowledge
from core.errors import InputError, UnknownName
from core.serving import physics_question as pq
from core.settings import settings


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PARSIMONY_HOME", str(tmp_path))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def test_a_question_comes_back_from_json():
    question = replace(
        pq.of_simulator("heat", num_graphs=20, noise=0.2), units=(("T", "degC"),),
        left_out=("k",), knowledge=Knowledge(pair="antisymmetric"), budget="standard", seed=3,
        job="abc",
    )  # fmt: skip
    assert pq.Question.from_json(question.to_json()) == question
    assert pq.Question.from_json({"source": "simulator:heat"}) == pq.Question("simulator:heat")


def test_an_unknown_system_or_budget_is_refused():
    with pytest.raises(UnknownName, match="springz"):
        pq.of_simulator("springz")
    with pytest.raises(InputError, match="forever"):
        pq.Question.from_json({"source": "simulator:heat", "budget": "forever"})


def test_the_settings_of_the_system_are_those_of_the_question():
    system = pq.load_system(pq.of_simulator("springs", num_graphs=12, num_nodes=4))
    assert (system.num_graphs, system.num_nodes) == (12, 48)
    assert pq.load_system(pq.of_simulator("springs", num_graphs=12, num_nodes=4)) is system


def test_units_are_changed_and_quantities_left_out():
    question = pq.of_simulator("springs", num_graphs=10)
    changed = replace(question, units=(("m", "g"), ("a", "km s^-2")), left_out=("k",))
    system = pq.load_system(changed)
    assert (system.nodes["m"].unit, system.target.unit) == ("g", "km s^-2")
    assert not system.edges
    assert list(pq.load_system(question).edges) == ["k"]


@pytest.mark.usefixtures("home")
def test_an_uploaded_system_comes_back_whole():
    system = pq.load_system(pq.of_simulator("springs", num_graphs=10))
    question = pq.Question(f"upload:{pq.keep_upload(system, '../../etc/passwd')}")
    again = pq.load_system(question)
    assert np.array_equal(again.target.values, system.target.values)
    assert np.array_equal(again.separation, system.separation)
    assert again.nodes["x"].role == "position"
    assert (again.title, again.notes, again.period) == (system.title, system.notes, None)
    assert (question.kind, again.level) == ("upload", "node")


@pytest.mark.usefixtures("home")
def test_data_that_are_gone_or_damaged_are_named():
    with pytest.raises(InputError, match="no longer on the server"):
        pq.load_system(pq.Question("upload:nothing"))
    whole = pq.pack(pq.load_system(pq.of_simulator("heat", num_graphs=10)))
    for content in (b"", b"PK\x03\x04 damaged", whole[:-900]):
        with pytest.raises(InputError, match="no longer on the server"):
            pq.unpack(content)
