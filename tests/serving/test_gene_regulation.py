"""Answers about gene regulation on a network that is known."""

import json

import numpy as np
import pytest

from core.errors import ArtifactError, InputError
from core.serving import gene_regulation as grn
from core.serving.artifact import sha256_of
from core.serving.grn_question import Question, require_learning
from tests.serving import toy_regulation as toy


@pytest.fixture(scope="module")
def question(home) -> Question:
    one = Question("upload:abcdefghijk", trust=0.5, seed=7)
    toy.write(home / "trained", one.artifact)
    return one


@pytest.fixture(scope="module")
def answer(question) -> grn.Answer:
    return grn.answer(question)


def test_counts_add_up_to_the_edges_of_prior_and_model(answer):
    assert answer.counts == {"kept": 10, "refused": 2, "new": 2, "contradicted": 1}
    assert answer.num_edges == len(answer.edges()) == 15
    for kind, count in answer.counts.items():
        assert sum(one.counts[kind] for one in answer.regulators) == count
        assert sum(edge.kind == kind for edge in answer.edges()) == count
    assert answer.weights == (51, 512)


def test_regulators_are_listed_by_their_influence(answer):
    assert [one.name for one in answer.regulators] == ["R1", "R2", "R3", "R4"]
    for one in answer.regulators:
        edges = answer.edges_of(one)
        assert one.influence == pytest.approx(sum(abs(edge.influence) for edge in edges))
        assert one.in_model == sum(edge.in_model for edge in edges)
    assert answer.regulator().name == "R1"
    assert answer.regulator("R4").selected is None
    shares = [0.9 if abs(edge.influence) > 0.01 else 0.2 for edge in answer.edges_of(
        answer.regulator("R2"))]  # fmt: skip
    assert answer.regulator("R2").selected == pytest.approx(np.mean(shares))
    with pytest.raises(InputError, match=r'GR-E30.*Did you mean "R3"'):
        answer.regulator("R33")


def test_edges_say_what_the_data_and_what_the_prior_say(answer):
    network = answer.network
    edges = {
        (network.genes[edge.regulator], network.genes[edge.target]): edge
        for edge in answer.edges()
    }  # fmt: skip
    assert edges["R1", "T6"].relation == "represses"
    assert edges["R1", "T6"].kind == "kept"
    assert edges["R3", "T9"].kind == "contradicted"
    assert edges["R3", "T9"].prior > 0 > edges["R3", "T9"].influence
    refused = edges["R4", "T1"]
    assert (refused.kind, refused.influence, refused.true) == ("refused", 0.0, False)
    assert edges["R2", "T11"].frequency == pytest.approx(0.2)
    assert edges["R2", "T11"].true
    listed = answer.edges_of(answer.regulator("R2"))
    sizes = [abs(edge.influence) for edge in listed]
    assert sizes == sorted(sizes, reverse=True)


def test_an_unsigned_prior_contradicts_nothing_and_its_refused_edges_have_no_direction(home):
    question = Question("upload:unsigned")
    prior = toy.knowledge()["prior"] | {"signed": False}
    toy.write(home / "trained", question.artifact, prior=prior, truth=None, resamples=0)
    found = grn.answer(question)
    assert found.counts == {"kept": 11, "refused": 2, "new": 2, "contradicted": 0}
    refused = [edge for edge in found.edges() if edge.kind == "refused"]
    assert {edge.relation for edge in refused} == {"regulates"}
    assert {edge.frequency for edge in found.edges()} == {None}
    assert {edge.true for edge in found.edges()} == {None}


def test_a_question_is_answered_once_it_is_trained(question):
    assert Question.from_json(json.loads(json.dumps(question.to_json()))) == question
    assert "abcdefghijk" not in question.artifact
    assert Question(question.source, 0.25).artifact != question.artifact
    with pytest.raises(InputError, match="GR-E31"):
        grn.answer(Question(question.source, 0.25))
    require_learning(question)
    with pytest.raises(InputError, match="GR-E07"):
        require_learning(Question(question.source, 1.0))


def test_a_model_that_lacks_parts_says_so(home):
    question = Question("upload:broken")
    toy.write(home / "trained", question.artifact, effect=[["a", "b"]])
    with pytest.raises(ArtifactError, match="cannot be read"):
        grn.answer(question)
    folder = toy.write(home / "trained", question.artifact).folder
    found = json.loads((folder / "knowledge.json").read_text())
    del found["rates"], found["trials"]
    (folder / "knowledge.json").write_text(json.dumps(found))
    card = json.loads((folder / "card.json").read_text())
    card["files"]["knowledge.json"] = sha256_of(folder / "knowledge.json")
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match="lacks rates, trials"):
        grn.answer(question)
