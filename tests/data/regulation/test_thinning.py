import numpy as np

from core.data.regulation.thinning import MAX_TIMES, mean_of_measured, thinned
from core.knowledge.regulation import Expression, Trajectory


def test_many_times_are_averaged_in_groups_of_neighbours():
    times = np.arange(4.0 * MAX_TIMES)
    values = np.random.default_rng(0).random((len(times), 2)).astype(np.float32)
    values[0, 0] = values[4:8, 1] = np.nan
    short = Trajectory(times[:9], values[:9])
    long, same = thinned(Expression(("A", "B"), (Trajectory(times, values), short))).samples
    assert same is short
    assert long.times.tolist() == (times[::4] + 1.5).tolist()
    np.testing.assert_allclose(long.values[0], [values[1:4, 0].mean(), values[:4, 1].mean()])
    assert np.isnan(long.values[1, 1])
    np.testing.assert_allclose(long.values[-1], values[-4:].mean(0), rtol=1e-6)


def test_times_that_become_equal_are_one():
    times = np.concatenate([np.nextafter(1, 2) ** np.arange(150), [2.0]])
    close = Trajectory(times, np.ones((151, 1), np.float32))
    found = thinned(Expression(("A",), (close,))).samples[0]
    assert (np.diff(found.times) > 0).all()


def test_mean_of_measured():
    values = np.array([[1, np.nan, 3], [2, np.nan, np.nan]])
    np.testing.assert_array_equal(mean_of_measured(values), [1.5, np.nan, 3])
