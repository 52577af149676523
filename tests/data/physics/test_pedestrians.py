import numpy as np
import pytest

from core.data.physics.pedestrians import (
    FOLDS,
    RUNS,
    Pedestrians,
    Run,
    displacement_errors,
    load_pedestrians,
    split_by_pedestrian,
)
from core.data.physics.tracks import Motion
from core.errors import DataError
from core.settings import settings

needs_mirror = pytest.mark.skipif(
    settings().mirror is None, reason="the mirror folder with the recordings is not here"
)
RATE = 10.0


def walking(number=30, frames=60, gap=25, turn=0.0):
    """Pedestrians who enter one after the other and walk at 1.2 m/s along x."""
    step = np.concatenate([gap * one + np.arange(frames) for one in range(number)])
    track = np.repeat(np.arange(number), frames)
    time = np.tile(np.arange(frames), number) / RATE
    heading = np.where(track % 2, -1.0, 1.0)
    place = np.stack([heading * 1.2 * time, 0.5 * track % 3 + turn * time**2 / 2], axis=1)
    velocity = np.stack([1.2 * heading, turn * time], axis=1)
    acceleration = np.stack([0 * time, turn + 0 * time], axis=1)
    order = np.lexsort((track, step))
    parts = (step, track, place, velocity, acceleration, np.zeros((len(step), 0)))
    run = Run("test", "Test", "none", "none", RATE, 1.0, 0)
    return Pedestrians(run, 1.6, Motion(*(one[order] for one in parts)), heading[order])


def test_no_pedestrian_is_in_both_parts():
    walkers = walking()
    tested = []
    for fold in range(FOLDS):
        train, test = split_by_pedestrian(walkers, fold, 1000)
        both = set(train.motion.track) & set(test.motion.track)
        assert not both
        assert len(train.motion.step) > len(test.motion.step) > 100
        tested += sorted(set(test.motion.track))
    assert len(set(tested)) == len(tested) == 30  # every one is tested once
    few, _ = split_by_pedestrian(walkers, 0, 12)
    assert few.system.num_graphs == 12


def test_quantities_of_the_system():
    system = walking().system
    assert {name: one.role for name, one in system.nodes.items()} == {
        "x": "position", "v": "velocity", "e": "",
    }  # fmt: skip
    np.testing.assert_allclose(system.nodes["v"].values, 1.2 * system.nodes["e"].values)
    assert system.distance.max() <= 5
    assert system.level == "node"


def test_displacement_errors_of_known_laws():
    walkers = walking(turn=0.3)
    steps = np.array([30, 130, 310])

    def straight_on(system):
        return np.zeros_like(system.target.values)

    def turning(system):
        return np.broadcast_to([0.0, 0.3], system.target.values.shape)

    wrong = displacement_errors(walkers, straight_on, steps, (1.0, 3.0))
    np.testing.assert_allclose(wrong, [0.3 / 2, 0.3 * 9 / 2], rtol=1e-6)
    right = displacement_errors(walkers, turning, steps, (1.0, 3.0))
    np.testing.assert_allclose(right, [0.3 * 0.05, 0.3 * 0.15], rtol=1e-6)  # of Euler's method
    assert np.isnan(displacement_errors(walkers, turning, steps, (1.0, 60.0))).all()


def test_an_unknown_run():
    with pytest.raises(DataError, match="Known: uo-050-180-180"):
        load_pedestrians("uo-1")


@needs_mirror
@pytest.mark.parametrize(
    ("name", "speed"),
    [
        ("uni-corr-500", 1.45),
        pytest.param("bo-360-050-050", 1.3, marks=pytest.mark.slow),  # all runs are unpacked
    ],
)
def test_recorded_pedestrians_walk_where_they_want(name, speed):
    walkers = load_pedestrians(name)
    system = walkers.system
    forward = (system.nodes["v"].values * system.nodes["e"].values).sum(1)
    assert forward.mean() == pytest.approx(speed, abs=0.15)  # m/s
    assert (forward > 0).mean() > 0.98
    ways = np.unique(walkers.heading)
    assert len(ways) == (1 if RUNS[name].name.startswith("u") else 2)
