"""The live check of a law's terms, and the bundle that carries it."""

from dataclasses import replace

import pytest

from core.data.physics.simulators import truth
from core.evidence.bundle import Bundle
from core.evidence.faithfulness import NOT_SUPPORTED, SUPPORTED
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step
from core.serving import physics_bundle, physics_evidence, physics_flow
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws


@pytest.fixture(scope="module")
def springs():
    system = pq.load_system(pq.of_simulator("springs", num_graphs=60))
    return system.split((0.7, 0.3), 0)


def test_the_true_terms_are_the_reason(springs):
    found = physics_evidence.explain(truth("springs"), *springs)
    check = found.check()
    assert check.verdict == SUPPORTED
    assert check.score_all > 0.99
    assert check.score_without < 0.5
    assert len(found.minimal.items) == 2  # k r and k
    assert found.order[0] == max(found.losses, key=found.losses.get)


def test_a_term_without_effect_goes_first_and_a_law_of_such_terms_is_no_reason(springs):
    message, total, answer = truth("springs").steps
    idle = Step("idle", "node", aggregate="mean", of="k")
    wide = replace(answer, expression=parse("F / m + 0.001*idle", ["F", "m", "idle"]))
    found = physics_evidence.explain(Law((message, total, idle, wide)), *springs)
    name = next(name for name, text in found.found.terms.items() if "mean" in text)
    assert found.minimal.removed[0] == name
    assert found.losses[name] == pytest.approx(0, abs=0.01)
    only = replace(wide, expression=parse("2*idle", ["idle"]))
    alone = physics_evidence.explain(Law((idle, only)), *springs)
    assert alone.check().verdict == NOT_SUPPORTED


def test_the_bundle_is_valid_and_complete():
    answer = laws.answer(pq.of_simulator("heat", num_graphs=60))
    formula = answer.formula()
    train, _, test = laws.parts_of(answer.question)
    flow = physics_flow.trace(formula.law, train, test)
    explanation = physics_evidence.explain(formula.law, train, test)
    bundle = physics_bundle.bundle(
        answer, formula, flow, explanation, explanation.check(), created="2026-01-01T00:00:00+00:00"
    )
    assert Bundle.loads(bundle.dumps()) == bundle
    kinds = [item.kind for item in bundle.evidence]
    assert kinds.count("edge") == len(flow.arrows)
    assert kinds.count("term") == len(explanation.found.terms)
    assert kinds.count("operator") == len(explanation.removals)
    assert pq.Question.from_json(bundle.query) == answer.question
    assert bundle.answer.value == formula.text
    assert [place.role for place in bundle.layout].count("answer") == 1
    other = physics_bundle.bundle_id(answer.question, 2)
    assert other != bundle.id
