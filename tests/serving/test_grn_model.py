"""The served dynamics against their own equations in numpy, with small steps."""

import numpy as np
import pytest

from core.knowledge import regulation
from core.serving.grn_model import RegulationModel, Transitions
from tests.serving import toy_regulation as toy
from tests.serving.toy_regulation import GENES


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> RegulationModel:
    return RegulationModel(toy.write(tmp_path_factory.mktemp("trained")))


def place(name: str) -> int:
    return GENES.index(name)


def slow(x, gap, right_hand_side, steps=4000):
    """Many Euler steps with the same length."""
    for _ in range(steps):
        x = x + gap / steps * right_hand_side(x)
    return x


def test_the_right_hand_side_is_that_of_the_file(model):
    x = np.random.default_rng(0).uniform(0, 1, (5, len(GENES))).astype(np.float32)
    assert model.change(x) == pytest.approx(toy.change(x), abs=1e-6)


def test_trajectories_agree_with_many_small_steps(model):
    start = np.random.default_rng(1).uniform(0, 1, len(GENES)).astype(np.float32)
    found = model.follow(start, [0.0, 0.3, 2.0])
    assert found[0] == pytest.approx(start)
    assert found[1] == pytest.approx(slow(start, 0.3, lambda x: toy.change(x[None])[0]), abs=1e-4)
    assert found[2] == pytest.approx(slow(start, 2.0, lambda x: toy.change(x[None])[0]), abs=1e-3)


def test_an_unknown_start_is_the_mean_of_the_gene(model):
    start = np.full(len(GENES), 0.3, np.float32)
    start[place("T1")] = np.nan
    assert model.follow(start, [0.0])[0][place("T1")] == pytest.approx(
        model.knowledge["means"][place("T1")]
    )


@pytest.mark.parametrize(("regulator", "target"), [("R1", "T1"), ("R2", "T6"), ("R3", "R3")])
def test_an_edge_is_taken_out_by_holding_its_regulator_at_its_mean(model, regulator, target):
    i, j = place(regulator), place(target)
    means, whole = np.array(model.knowledge["means"]), toy.weights()
    gone = toy.weights()
    gone[i, j] = 0
    held = (means[i] - 0.5) / (1 + abs(means[i] - 0.5)) * whole[i, j]

    def without(x):
        full = toy.change(x[None])[0]
        shifted = x - 0.5
        heard = (shifted / (1 + abs(shifted))) @ gone[:, j] + held
        return toy.RATES[j] * (0.5 + heard - x[j]), full

    x = np.random.default_rng(2).uniform(0, 1, len(GENES))
    own, state = x[j], x.copy()
    for _ in range(4000):
        seen = state.copy()
        seen[j] = own
        own_change, _ = without(seen)
        own += 1.5 / 4000 * own_change
        state = state + 1.5 / 4000 * toy.change(state[None])[0]
    found = model.follow_without((j, frozenset([i])), x, [0.0, 1.5])
    assert found[1] == pytest.approx(own, abs=1e-3)
    assert model.follow_without((j, frozenset()), x, [0.0, 1.5])[1] == pytest.approx(
        model.follow(x, [0.0, 1.5])[1][j], abs=1e-4
    )


def test_errors_are_those_of_the_trajectories_one_by_one(model):
    data = model.transitions("test")
    assert len(data) == 12
    cases = [(place("T1"), frozenset()), (place("T1"), frozenset([place("R1")]))]
    found = model.errors(cases, data)
    for (target, held), error in zip(cases, found, strict=True):
        ends = [
            model.follow_without((target, held), before, [0.0, float(gap)])[1]
            for before, gap in zip(data.before, data.between, strict=True)
        ]
        assert error == pytest.approx(np.mean((ends - data.after[:, target]) ** 2), rel=1e-2)
    assert found[0] < 5 * toy.NOISE**2
    assert found[1] > 10 * found[0]


def test_measurements_that_are_missing_count_for_nothing(model):
    data = model.transitions("test")
    after = data.after.copy()
    after[1:, place("T1")] = np.nan
    after[:, place("T2")] = np.nan
    cases = [(place("T1"), frozenset()), (place("T2"), frozenset())]
    one, none = model.errors(cases, Transitions(data.before, after, data.between))
    first = Transitions(data.before[:1], data.after[:1], data.between[:1])
    assert one == pytest.approx(model.errors(cases[:1], first)[0], abs=1e-8)
    assert np.isnan(none)


def test_parts_and_classes(model):
    assert model.held_out == "test"
    assert len(model.transitions("valid")) == 6
    assert len(model.transitions("elsewhere")) == 0
    assert len(model.transitions("test").thin(5)) == 5
    counts = {
        name: int((model.classes == name).sum())
        for name in (regulation.KEPT, regulation.REFUSED, regulation.NEW, regulation.CONTRADICTED)
    }
    assert counts == {"kept": 10, "refused": 2, "new": 2, "contradicted": 1}
    assert model.frequency[place("R1"), place("T1")] == pytest.approx(0.9)
    assert model.truth.num_edges == len(toy.EDGES)
