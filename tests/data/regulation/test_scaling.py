import numpy as np
import pytest

from core.data.regulation.scaling import Scaling
from core.knowledge.regulation import Expression, Trajectory

NAN = float("nan")


def expression(*samples):
    times = np.arange(len(samples[0]), dtype=float)
    made = tuple(Trajectory(times, np.array(one, np.float32)) for one in samples)
    return Expression(tuple("ABCD"[: len(samples[0][0])]), made)


def test_every_gene_runs_from_zero_to_one():
    raw = expression([[-2, 5, NAN], [2, 5, NAN]], [[0, NAN, NAN], [6, 5, NAN]])
    scaling = Scaling.fit(raw)
    first, second = (sample.values for sample in scaling.apply(raw).samples)
    np.testing.assert_allclose(first, [[0, 0.5, NAN], [0.5, 0.5, NAN]])
    np.testing.assert_allclose(second, [[0.25, NAN, NAN], [1, 0.5, NAN]])
    later = scaling.apply(expression([[10, 7, 3]]))  # by the same rule, not by its own range
    np.testing.assert_allclose(later.samples[0].values, [[1.5, 0.5, 0.5]])


def test_logarithm_comes_first():
    scaling = Scaling.fit(expression([[0.0], [7.0], [1.0]]), log=True)
    assert scaling.high == pytest.approx(3)
    scaled = scaling.apply(expression([[0.0], [7.0], [1.0]]))
    np.testing.assert_allclose(scaled.samples[0].values, [[0], [1], [1 / 3]], rtol=1e-6)
    assert scaling.to_json() == {"low": [0.0], "high": [3.0], "log": True}
