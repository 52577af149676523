"""Answers about systems on graphs: from an artifact, from the short search, refused ones."""

import hashlib
import json
from dataclasses import replace

import pytest

from core.data.physics.examples import EXAMPLES
from core.discovery.discover import discover
from core.discovery.options import BUDGETS, Knowledge
from core.errors import InputError
from core.serving import physics_card, physics_export, physics_ledger
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws
from core.serving.artifact import Card, DataState, Metric
from core.settings import settings

QUESTION = replace(pq.of_simulator("heat", num_graphs=80), budget="thorough")


@pytest.fixture(scope="module")
def found():
    return discover(pq.load_system(QUESTION), budget=BUDGETS["instant"])


@pytest.fixture
def artifact(tmp_path, monkeypatch, found):
    """A served law of heat conduction in a folder of its own."""
    folder = tmp_path / "gsr-heat"
    folder.mkdir()
    knowledge = json.dumps({"question": QUESTION.to_json(), "discovery": found.to_json()})
    files = {"knowledge.json": knowledge.encode(), "model.onnx": b"onnx"}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    card = Card(
        "gsr-heat", "gsr", "symbolic_regression", "Heat", {},
        DataState("heat", "simulated heat", "0", "own", "", "60/20/20"),
        tuple(Metric(name, "test", value, 0.0, (0,), "R²") for name, value in
              (("r2", 0.99), ("r2_network", 0.98))),
        0, 1234, 1.0, "CPU", {}, (),
        {name: hashlib.sha256(content).hexdigest() for name, content in files.items()},
        0.0, "2026-01-01",
    )  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card.to_json()))
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    for cached in (settings, laws.examples, laws._searched):
        cached.cache_clear()
    yield folder
    for cached in (settings, laws.examples, laws._searched):
        cached.cache_clear()


@pytest.mark.usefixtures("artifact")
def test_an_example_with_an_artifact_is_answered_from_it(found):
    [example] = [one for one in laws.examples() if one.id == "heat"]
    assert example.question == QUESTION
    assert laws.is_quick(QUESTION)
    assert not laws.is_quick(replace(QUESTION, seed=1))
    answer = laws.answer(QUESTION)
    assert answer.discovery == found
    assert answer.model.startswith("gsr-heat")
    assert ("unseen graphs, network of the found flow", "0.99000", "0.98000") in (
        physics_ledger.figures(answer)
    )
    assert "1,234" in dict(physics_ledger.costs(answer)).values()
    files = {one.label: one for one in physics_card.card(answer, answer.formula()).files}
    assert files["ONNX"].content() == b"onnx"
    assert "Network ONNX" not in files


def test_every_example_has_its_question_and_springs_come_first():
    assert laws.examples()[0].id == "springs"
    assert {one.id for one in laws.examples()} == set(EXAMPLES)


def test_formulas_are_numbered_by_size_and_measured_on_unseen_graphs():
    answer = laws.answer(replace(QUESTION, budget="instant"))
    sizes = [one.complexity for one in answer.formulas]
    assert sizes == sorted(sizes)
    assert [one.number for one in answer.formulas] == list(range(1, len(sizes) + 1))
    suggested = answer.formula()
    assert suggested.r2 == pytest.approx(1 - suggested.test_error**2, abs=1e-12)
    assert answer.noise == pytest.approx(0.05, abs=1e-3)
    assert all(one.units != "inconsistent" for one in answer.formulas)


def test_the_card_has_intervals_units_words_and_code():
    answer = laws.answer(replace(pq.of_simulator("springs", num_graphs=80), budget="instant"))
    card = physics_card.card(answer, answer.formula())
    assert card.known.name == "Hooke's law"
    [rest] = [one for one in card.constants if one.unit == "m"]
    low, high = map(float, rest.interval.split(" to "))
    assert low < 1 < high or abs(float(rest.value) - 1) < 0.02
    assert any("grows linearly" in sentence for sentence in card.reading)
    code = {one.label: one.content() for one in card.files}
    names: dict = {}
    exec(code["Python"], names)
    system = pq.load_system(answer.question)
    values = names["law"](
        system.sender, system.receiver, system.node_graph, system.num_graphs,
        system.nodes["m"].values, system.nodes["x"].values, system.edges["k"].values,
    )  # fmt: skip
    assert abs(values - answer.formula().law.evaluate(system)).max() < 1e-9
    assert code["LaTeX"].count("{") == code["LaTeX"].count("}")


def test_units_that_cannot_be_read_or_match_are_refused():
    question = replace(QUESTION, budget="instant")
    with pytest.raises(InputError, match="PH-E01"):
        laws.answer(replace(question, units=(("T", "kg*m/ss"),)))
    strict = Knowledge(allow_constant_units=False)
    with pytest.raises(InputError, match="PH-E02"):
        laws.answer(replace(question, units=(("dT_dt", "kg"),), knowledge=strict))
    loose = replace(strict, use_units=False)
    assert laws.answer(replace(question, units=(("dT_dt", "kg"),), knowledge=loose)).formulas


def test_guesses_are_formulas_of_the_system():
    guesses = laws.read_guesses("\n k*dT\n", QUESTION)
    assert laws.say_guesses(Knowledge(guess=guesses)) == ["k * dT"]
    with pytest.raises(InputError, match="PH-E09"):
        laws.read_guesses("k*unknown", QUESTION)


def test_the_record_repeats_the_search(found):
    answer = laws.answer(replace(QUESTION, budget="instant"))
    record = json.loads(physics_export.record(answer, answer.formula()))
    question = pq.Question.from_json(record["question"])
    again = discover(pq.load_system(question), question.knowledge, BUDGETS["instant"],
                     record["seed"])  # fmt: skip
    assert again.data == record["data_hash"] == found.data
    assert again.law == answer.formula().law
