"""Rates and trajectories against arithmetic; the torch twin is compared in tests/function."""

import numpy as np
import pytest

from core.knowledge.dynamics import Dynamics, follow, num_steps


def test_rate_of_one_gene_and_one_neuron_by_hand():
    w = {"Ws": [[2.0]], "bs": [1.0], "Wp": [[3.0]], "bp": [0.5], "Cs": [[4.0]], "Cp": [[-1.0]],
         "v": [0.5]}  # fmt: skip
    dynamics = Dynamics({key: np.array(value) for key, value in w.items()})
    a = 0.25 / 1.25  # of expression .75
    expected = 0.5 * (4 * (2 * a + 1) - np.exp(3 * np.log(1 + a) + 0.5) - 0.75)
    np.testing.assert_allclose(dynamics.rate(np.array([[0.75]])), [[expected]])
    assert dynamics.effect() == pytest.approx(0.5 * (8 - 3))


def test_runge_kutta_is_of_fourth_order():
    times = np.array([0.0, 1.0, 3.0])
    errors = [
        np.abs(follow(lambda x: -x, np.ones((1, 1)), times, step)[:, 0, 0] - np.exp(-times)).max()
        for step in (0.5, 0.25)
    ]
    assert errors[0] < 1e-3
    assert 12 < errors[0] / errors[1] < 24
    assert [num_steps(gap, 0.1) for gap in (0.05, 0.3, 0.31)] == [1, 3, 4]
