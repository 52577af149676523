"""The live check of a regulator's edges, on a network whose edges are its equations."""

from dataclasses import replace

import numpy as np
import pytest

from core.evidence.evidence import Overlay
from core.serving import gene_regulation as grn
from core.serving.grn_evidence import Explanation, choose_shown
from core.serving.grn_question import Question
from tests.serving import toy_regulation as toy
from tests.serving.toy_regulation import GENES


@pytest.fixture(scope="module")
def answer(home) -> grn.Answer:
    question = Question("upload:evidence")
    toy.write(home / "trained", question.artifact)
    return grn.answer(question)


def explain(answer: grn.Answer, name: str) -> Explanation:
    return Explanation(answer.network, answer.edges_of(answer.regulator(name)))


def links(*pairs: tuple[str, str]) -> list[tuple[int, int]]:
    return [(GENES.index(regulator), GENES.index(target)) for regulator, target in pairs]


def test_the_score_is_r2_of_the_change_of_all_targets(answer):
    explanation = explain(answer, "R1")
    data = answer.network.transitions("test")
    targets = [target for _, target in explanation.used]
    ends = [
        answer.network.follow(before, [0.0, gap])[1][targets]
        for before, gap in zip(data.before, data.between, strict=True)
    ]
    after, change = data.after[:, targets], (data.after - data.before)[:, targets]
    error = ((ends - after) ** 2).sum()
    expected = 1 - error / ((change - change.mean(axis=0)) ** 2).sum()
    [found] = explanation.score([Overlay()])
    assert found.score == pytest.approx(expected, abs=1e-3)
    assert found.score > 0.98
    assert (explanation.part, explanation.num_transitions) == ("test", 12)


def test_edges_that_carry_their_targets_are_supported(answer):
    explanation = explain(answer, "R1")
    check = explanation.check()
    assert check.verdict == "SUPPORTED"
    assert check.rho_keep == pytest.approx(1)
    assert check.score_without == pytest.approx(check.score_empty)
    assert check.control.k == 20
    assert check.control.p95 < check.delta_remove


def test_an_edge_without_an_effect_is_not_supported(answer):
    explanation = explain(answer, "R2")
    weak = links(("R2", "T11"))
    check = explanation.check(weak)
    assert check.verdict == "NOT SUPPORTED"
    rises = explanation.rises
    assert rises[weak[0]].share == pytest.approx(0, abs=0.02)
    assert not rises[weak[0]].stands_out
    strong = rises[links(("R2", "T10"))[0]]
    assert strong.share > 1
    assert strong.stands_out


def test_the_smallest_set_leaves_out_the_edge_without_an_effect(answer):
    minimal = explain(answer, "R2").minimal
    assert minimal.reached
    assert links(("R2", "T11"))[0] in minimal.removed
    assert links(("R2", "T10"))[0] in minimal.items


def test_the_error_without_an_edge_is_that_of_the_target_alone(answer):
    explanation = explain(answer, "R2")
    link = links(("R2", "T7"))[0]
    [case] = [(link[1], frozenset([link[0]]))]
    data = answer.network.transitions("test")
    expected = answer.network.errors([case], data)[0] ** 0.5
    assert explanation.rises[link].without == pytest.approx(expected, rel=1e-3)


def test_a_regulator_without_edges_in_the_model_has_nothing_to_check(answer):
    explanation = explain(answer, "R4")
    assert not explanation.measurable
    assert [edge.kind for edge in explanation.shown] == ["refused", "refused"]
    assert explanation.used == []


def test_without_measurements_nothing_is_measured(home):
    question = Question("upload:unmeasured")
    toy.write(home / "trained", question.artifact, samples=[])
    found = grn.answer(question)
    assert not explain(found, "R1").measurable
    assert found.network.held_out == ""


def test_refused_edges_keep_some_places_of_the_drawing(answer):
    [one, *_] = answer.edges()
    used = [replace(one, target=row, influence=1 - row / 100) for row in range(40)]
    refused = [replace(one, target=100 + row, kind="refused") for row in range(10)]
    shown = choose_shown([*used, *refused])
    assert [edge.target for edge in shown] == [*range(19), *range(100, 106)]
    assert [edge.target for edge in choose_shown([*used[:20], *refused])] == [
        *range(19), *range(100, 106)
    ]  # fmt: skip
    assert len(choose_shown([*used[:3], *refused])) == 13
    assert len(choose_shown(used)) == 25


def test_what_is_not_measured_leaves_the_score_finite(home):
    question = Question("upload:gaps")
    samples = toy.knowledge()["samples"]
    for sample in samples:
        values = np.array(sample["values"])
        values[:, GENES.index("T1")] = np.nan
        sample["values"] = [[None if np.isnan(v) else v for v in row] for row in values.tolist()]
    toy.write(home / "trained", question.artifact, samples=samples)
    explanation = explain(grn.answer(question), "R1")
    assert explanation.check().verdict == "SUPPORTED"
    assert links(("R1", "T1"))[0] not in explanation.rises
