import numpy as np
import pytest

from core.data.physics.rollout import follow, rollout
from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.errors import InputError

MOVING = [name for name, one in SIMULATORS.items() if one.moves]


@pytest.mark.parametrize("name", MOVING)
def test_the_true_law_follows_the_true_system(name):
    result = rollout(name, truth(name).evaluate, seconds=1.0, num_frames=20, seed=2)
    assert result.true.values.shape == (20, *result.system.nodes[result.moves].values.shape)
    assert np.ptp(result.true.values, axis=0).max() > 0.05  # something moves
    assert result.gap.max() < 1e-9


@pytest.mark.parametrize("name", ["gravity", "charges"])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_bodies_circle_and_keep_their_energy(name, seed):
    run = rollout(name, seed=seed).true
    assert len(run.values) == 120
    assert run.drift < 1e-4
    radius = np.linalg.norm(run.values - run.values[:, :1], axis=2)[:, 1:]
    assert (radius / radius[0]).min() > 0.5  # none falls in
    assert (radius / radius[0]).max() < 2  # none is lost


def test_two_bodies_on_a_spring_swing_at_the_known_frequency():
    system = simulate("springs", num_graphs=1, num_nodes=2)
    system.nodes["m"].values[:] = [[1.0], [3.0]]
    system.edges["k"].values[:] = 1.5
    system.nodes["x"].values[:] = [[0.0, 0.0], [1.2, 0.0]]
    times = np.linspace(0, 10, 200)
    rest = np.zeros((2, 2))
    states, velocities = follow(system, SIMULATORS["springs"].answer, "x", times, rest)
    frequency = np.sqrt(1.5 * (1 / 1 + 1 / 3))
    length = states[:, 1, 0] - states[:, 0, 0]
    np.testing.assert_allclose(length, 1 + 0.2 * np.cos(frequency * times), atol=1e-6)
    np.testing.assert_allclose(velocities[:, 0] + 3 * velocities[:, 1], 0, atol=1e-9)


def test_heat_spreads_evenly_and_is_kept():
    run = rollout("heat", seconds=30).true
    np.testing.assert_allclose(run.values.sum(1), run.values[0].sum())
    np.testing.assert_allclose(run.values[-1], run.values[0].mean(), atol=1e-3)
    assert run.energy is None
    assert run.drift is None


def test_a_law_that_blows_up_ends_its_run():
    result = rollout("heat", lambda system: 40 * system.nodes["T"].values)
    assert 1 < len(result.found.values) < 120
    assert np.isfinite(result.found.values).all()
    assert len(result.gap) == len(result.found.values)
    undefined = rollout("heat", lambda system: np.full((system.num_nodes, 1), np.nan))
    assert len(undefined.found.values) == 1


def test_what_stands_still_is_refused():
    with pytest.raises(InputError, match="PH-E12"):
        rollout("circuit")
