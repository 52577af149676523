"""The whole search: choice, verdict, state on disk, cancellation."""

import json
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.discovery import library, workers
from core.discovery.discover import Discovery, discover, formulas_so_far
from core.discovery.options import BUDGETS, Budget, Knowledge
from core.errors import Cancelled, InputError, ParsimonyError
from core.knowledge.physics.system import Quantity

INSTANT = BUDGETS["instant"]


def shuffled(system, seed=0):
    rows = np.random.default_rng(seed).permutation(len(system.target.values))
    return replace(system, target=Quantity("y", system.target.values[rows], system.target.unit))


@pytest.fixture(scope="module")
def springs():
    return simulate("springs", num_graphs=60, noise=0.05, seed=1)


@pytest.fixture(scope="module")
def found(springs):
    return discover(springs, budget=INSTANT)


def test_law_of_the_springs_is_chosen(found):
    fresh = simulate("springs", num_graphs=20, seed=9)
    wanted = truth("springs").evaluate(fresh)
    assert np.abs(found.law.evaluate(fresh) - wanted).max() < 0.05 * wanted.std()
    assert found.r2["test"] == pytest.approx(1 - 0.05**2, abs=3e-3)
    assert found.sizes == (36, 12, 12)
    assert found.verdict.startswith("answer = ")
    assert found.front >= 3
    assert found.chosen < found.front


def test_every_constant_has_an_interval(found):
    assert len(found.intervals) == len(found.law.constants) > 0
    for (low, high), value in zip(found.intervals, found.law.constants, strict=True):
        assert low < value < high < low + 0.05


def test_discovery_survives_json(found):
    assert Discovery.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_two_searches_find_the_same(springs, found):
    again = discover(springs, budget=INSTANT)
    assert again.candidates == found.candidates
    assert again.data == found.data != discover(shuffled(springs), budget=INSTANT).data


@pytest.mark.parametrize("name", ["springs", "circuit", "heat"])
def test_shuffled_target_has_no_law(name):
    result = discover(shuffled(simulate(name, num_graphs=60, seed=1)), budget=INSTANT)
    assert result.chosen is None
    assert result.law is None
    assert result.verdict.startswith("PH-E08 · No formula fits better than a constant")
    assert result.r2 == {}


@pytest.mark.parametrize("name", ["charges", "kuramoto", "thermology-complex"])
def test_strong_noise_does_not_hide_a_law(name):
    system = simulate(name, num_graphs=80, noise=0.2, seed=1)
    assert discover(system, budget=INSTANT).law is not None


def engine(calls, candidates=()):
    def find(train, valid, _options, seed, report, deadline):
        assert deadline > time.monotonic()
        calls.append((train.num_graphs, valid.num_graphs, seed))
        report(0, 1, "working")
        return list(candidates)

    return find


def test_further_engines_add_to_the_front(springs):
    calls = []
    truth_found = library.candidate(truth("springs"), springs, springs, "flow")
    result = discover(
        springs, budget=INSTANT, seed=0, engines={"flow": engine(calls, [truth_found])}
    )
    assert calls == [(36, 12, 0)]
    assert "flow" in {one.engine for one in result.candidates}
    assert [stage.name for stage in result.stages] == ["library", "flow"]


def test_a_stopped_search_keeps_its_formulas_and_goes_on(springs, tmp_path, monkeypatch):
    state = tmp_path / "state.json"

    def stopping(*_args):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        discover(springs, budget=INSTANT, state=state, engines={"flow": stopping})
    assert len(formulas_so_far(state)) >= 3
    monkeypatch.setattr(library, "search", None)  # a second call would fail
    calls = []
    result = discover(springs, budget=INSTANT, state=state, engines={"flow": engine(calls)})
    assert len(calls) == 1
    assert result.law is not None


def test_state_of_another_question_is_not_used(springs, tmp_path):
    state = tmp_path / "state.json"
    discover(springs, budget=INSTANT, state=state)
    calls = []
    discover(springs, budget=INSTANT, state=state, seed=1, engines={"flow": engine(calls)})
    assert calls == [(36, 12, 1)]
    assert formulas_so_far(tmp_path / "none.json") == []


def test_progress_is_told_and_may_cancel(springs):
    told = []

    def report(step, total, text, **values):
        told.append((step, total, text, values))

    discover(springs, budget=INSTANT, report=report)
    assert told[-1][:2] == (100, 100)
    assert [step for step, *_ in told] == sorted(step for step, *_ in told)
    assert told[-1][3]["best"] > 0.99

    def stop(*_args, **_values):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        discover(springs, budget=INSTANT, report=stop)


def test_largest_size_is_kept(springs):
    result = discover(springs, Knowledge(max_complexity=9), INSTANT)
    assert max(one.complexity for one in result.candidates) <= 9


def test_runs_in_child_processes_hand_over_their_formulas(tmp_path):
    system = simulate("heat", num_graphs=40, noise=0.1, seed=1)
    budget = Budget("short", 60, 2, 1500)
    result = discover(system, budget=budget, state=tmp_path / "state.json")
    assert [one.name for one in result.stages] == ["library", "genetic-0", "genetic-1"]
    assert all(one.complete and one.found for one in result.stages)
    assert "genetic" in {one.engine for one in result.candidates}


def test_cancelling_ends_the_child_processes():
    system = simulate("heat", num_graphs=40, noise=0.1, seed=1)

    def stop():
        raise Cancelled("stop")

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        workers.run_seeds(
            system, system, Knowledge(), [0, 1], 10**9, begun + 100, lambda *_: None, stop
        )
    assert time.monotonic() - begun < 20


def test_options_are_refused_with_words():
    for bad in (
        lambda: Budget.of("long"),
        lambda: Knowledge(operators=("gamma",)),
        lambda: Knowledge(pair="odd"),
    ):
        with pytest.raises(InputError, match="PH-E13"):
            bad()
    knowledge = Knowledge(guess=(truth("springs").steps[0].expression,))
    assert Knowledge.from_json(json.loads(json.dumps(knowledge.to_json()))) == knowledge


def test_formulas_that_violate_units_are_not_listed(springs):
    free = discover(springs, Knowledge(use_units=False), INSTANT)
    strict = Knowledge(allow_constant_units=False)
    bound = discover(springs, strict, INSTANT)
    assert any(not library.is_consistent(one.law, springs, strict) for one in free.candidates)
    assert bound.candidates
    for one in bound.candidates:
        assert library.is_consistent(one.law, springs, strict)
    listed = discover(springs, Knowledge(), INSTANT)
    assert all(library.is_consistent(one.law, springs, Knowledge()) for one in listed.candidates)
    assert listed.law is not None


def test_units_that_cannot_match_are_said_at_once(springs):
    wrong = replace(springs, target=replace(springs.target, unit="m s^^2"))
    with pytest.raises(InputError, match="PH-E01"):
        discover(wrong, budget=INSTANT)
    lacking = replace(springs, target=replace(springs.target, unit="A"))
    with pytest.raises(InputError, match="PH-E02"):
        discover(lacking, Knowledge(allow_constant_units=False), INSTANT)


def test_targets_without_a_search_are_said():
    with pytest.raises(InputError, match="PH-E07"):
        discover(simulate("springs", num_graphs=1, seed=1), budget=INSTANT)
    springs = simulate("springs", num_graphs=10, seed=1)
    still = replace(springs, target=replace(springs.target, values=springs.target.values * 0 + 1))
    result = discover(still, budget=INSTANT)
    assert result.law is None
    assert "best R² 0.00" in result.verdict


def test_runs_that_all_die_are_an_error_and_no_silence(monkeypatch):
    monkeypatch.setattr(workers, "_run", sys.exit)  # the child ends before it says anything
    system = simulate("springs", num_graphs=20, noise=0.05, seed=0)
    kept = []
    with pytest.raises(ParsimonyError, match="All 2 runs of the genetic search"):
        workers.run_seeds(
            system, system, Knowledge(), [0, 1], 100, time.monotonic() + 30,
            keep=lambda *told: kept.append(told), report=lambda: None,
        )  # fmt: skip
    assert [(place, found, complete) for place, found, _, complete in sorted(kept)] == [
        (0, [], False),
        (1, [], False),
    ]
