"""Best subsets against the slow way: least squares of every set."""

from itertools import combinations

import numpy as np
import pytest

from core.discovery.subsets import Regression, best_subsets, distinct


def explained(matrix, target, chosen):
    part = matrix[:, list(chosen)]
    left = target - part @ np.linalg.lstsq(part, target, rcond=None)[0]
    return 1 - left @ left / (target @ target)


@pytest.fixture
def case():
    rng = np.random.default_rng(3)
    matrix = rng.standard_normal((80, 9)) * np.logspace(-2, 2, 9)
    return matrix, matrix @ rng.standard_normal(9) + rng.standard_normal(80)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sets_are_those_of_exhaustive_least_squares(case, size):
    matrix, target = case
    every = sorted(
        combinations(range(9), size), key=lambda chosen: -explained(matrix, target, chosen)
    )
    found = best_subsets(Regression.of(matrix, target), 3)[size - 1]
    assert found[:5] == every[:5]


def test_coefficients_and_share_are_those_of_least_squares(case):
    matrix, target = case
    problem = Regression.of(matrix, target)
    chosen = (1, 4, 8)
    wanted = np.linalg.lstsq(matrix[:, list(chosen)], target, rcond=None)[0]
    np.testing.assert_allclose(problem.coefficients(chosen), wanted, rtol=1e-8)
    assert problem.explained(chosen) == pytest.approx(explained(matrix, target, chosen), abs=1e-12)


def test_a_pair_is_found_that_greedy_selection_misses():
    rng = np.random.default_rng(0)
    r = rng.uniform(1, 2, 500)
    weak = rng.standard_normal(500)
    target = r - 1.5  # r and 1 together, each hardly alone
    matrix = np.column_stack([r, np.ones(500), target + 0.8 * weak, weak + 5])
    problem = Regression.of(matrix, target)
    levels = best_subsets(problem, 2)
    assert levels[0][0] == (2,)
    assert levels[1][0] == (0, 1)
    assert problem.explained((0, 1)) > 1 - 1e-12


def test_columns_that_say_the_same_are_kept_once():
    x = np.linspace(1, 2, 30)
    matrix = np.column_stack([x, -2 * x, np.zeros(30), x**2, np.full(30, np.inf)])
    assert distinct(matrix, np.array([1, 0, 2, 3, 4])).tolist() == [1, 3]
