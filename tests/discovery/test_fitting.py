"""Errors, refits and intervals against closed forms."""

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.discovery.candidate import Candidate, Front, knee, pool
from core.discovery.fitting import determination, error, intervals, refit
from core.discovery.polish import shrink
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step


@pytest.fixture
def noisy():
    return simulate("gravity", num_graphs=60, noise=0.1, seed=3)


def test_error_is_in_standard_deviations_of_the_target(noisy):
    law = truth("gravity")
    apart = law.evaluate(noisy) - noisy.target.values
    spread = np.sqrt(np.mean((noisy.target.values - noisy.target.values.mean(axis=0)) ** 2))
    assert error(law, noisy) == pytest.approx(np.sqrt(np.mean(apart**2)) / spread)
    assert determination(law, noisy) == pytest.approx(1 - error(law, noisy) ** 2)


def test_an_undefined_law_has_infinite_error(noisy):
    broken = Law((Step("answer", "node", parse("log(-m)", ["m"])),))
    assert error(broken, noisy) == np.inf


def test_refit_of_a_factor_is_least_squares(noisy):
    start = truth("gravity").with_constants([0.3])
    shape = truth("gravity").with_constants([1.0]).evaluate(noisy).ravel()
    target = noisy.target.values.ravel()
    assert refit(start, noisy).constants[0] == pytest.approx(shape @ target / (shape @ shape))


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    inside = 0
    for seed in range(40):
        system = simulate("gravity", num_graphs=40, noise=0.3, seed=seed)
        (bound,) = intervals(refit(truth("gravity"), system), system, num=200)
        inside += bound.low <= 1.7 <= bound.high
    assert inside >= 33  # 95 % of 40 is 38; fewer than 33 has a probability below 1 %


def test_parts_that_do_nothing_are_taken_out(noisy):
    names = ["m_j", "r"]
    clumsy = Law(
        (
            Step("message", "edge", parse("1.01*(1.7*m_j/r^2 + 0.0001*r)", names), vector=True),
            Step("answer", "node", aggregate="sum", of="message"),
        )
    )
    shorter = shrink(refit(clumsy, noisy), noisy)
    assert shorter.complexity == truth("gravity").complexity
    np.testing.assert_allclose(shorter.constants, [1.7], rtol=0.03)


def candidate(complexity, error, train=None):
    law = Law((Step("answer", "node", parse("m", ["m"])),))
    return Candidate(law, train or error, error, complexity, "library")


def test_front_has_no_dominated_candidate():
    some = [candidate(5, 0.2), candidate(3, 0.5), candidate(6, 0.3), candidate(9, 0.1)]
    assert [one.complexity for one in Front.of(some).candidates] == [3, 5, 9]


def test_knee_ignores_ornaments_and_takes_the_law():
    some = [candidate(3, 0.9), candidate(8, 0.0501), candidate(30, 0.05)]
    assert knee(some, 1000).complexity == 8


def test_equal_laws_of_several_seeds_are_counted():
    pooled = pool([candidate(5, 0.2), candidate(5, 0.2 + 1e-12), candidate(5, 0.3)])
    assert [one.seeds for one in pooled] == [2, 1]


def test_candidate_survives_json():
    one = candidate(5, 0.25)
    assert Candidate.from_json(one.to_json()) == one
