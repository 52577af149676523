import json

import numpy as np
import pytest

from core.errors import ArtifactError, ShapeError
from core.knowledge.calibration import (
    CalibrationReport,
    PredictionSets,
    Temperature,
    fit_prediction_sets,
    fit_temperature,
    measure_calibration,
    negative_log_likelihood,
    reliability,
    softmax,
)


def drawn(num, sharpness=1.0, seed=0):
    """Logits, and labels drawn from the softmax of the logits times the sharpness."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(num, 6)) * 2
    cumulated = softmax(logits * sharpness).cumsum(1)
    return logits, (rng.random(num)[:, None] > cumulated).sum(1)


def test_softmax_survives_large_logits():
    found = softmax(np.array([[1e4, 1e4, -1e4]]))
    assert found == pytest.approx(np.array([[0.5, 0.5, 0]]))


@pytest.mark.parametrize("sharpness", [0.4, 1.0, 2.5])
def test_temperature_recovers_the_one_that_made_the_labels(sharpness):
    logits, labels = drawn(20_000, sharpness)
    found = fit_temperature(logits, labels)
    assert found.value == pytest.approx(1 / sharpness, rel=0.05)
    assert found.nll_after <= found.nll_before
    assert found.num_pairs == 20_000


def test_temperature_is_the_minimum_of_a_fine_grid():
    logits, labels = drawn(300, 0.5)
    found = fit_temperature(logits, labels)
    grid = [negative_log_likelihood(logits / t, labels) for t in np.geomspace(0.05, 20, 500)]
    assert found.nll_after <= min(grid) + 1e-12
    assert found.nll_after == pytest.approx(min(grid), abs=1e-4)
    own = found.probabilities(logits)[np.arange(300), labels]
    assert found.nll_after == pytest.approx(-np.log(own).mean())


def test_labels_without_a_best_temperature_take_the_end_of_the_range():
    logits = np.array([[1.0, 0.0], [0.0, 1.0]])
    assert fit_temperature(logits, np.array([0, 1])).value == pytest.approx(1e-3)
    assert fit_temperature(logits, np.array([1, 0])).value == pytest.approx(1e3)


def test_reliability_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    found = reliability(probabilities, np.array([0, 1, 1, 1]), num_bins=5)
    assert found.count == (0, 0, 1, 1, 2)  # 0.8 belongs to the bin that ends at 0.8
    assert found.confidence == pytest.approx((0, 0, 0.5, 0.8, 0.9))
    assert found.accuracy == (0, 0, 0.0, 1.0, 0.5)
    assert found.error == pytest.approx((0.5 + 0.2 + 2 * 0.4) / 4)
    assert json.loads(json.dumps(found.to_json()))["count"] == [0, 0, 1, 1, 2]


def test_scaling_lowers_the_calibration_error():
    logits, labels = drawn(20_000, 0.4)
    scaled = fit_temperature(*drawn(5_000, 0.4, seed=1)).probabilities(logits)
    before, after = reliability(softmax(logits), labels), reliability(scaled, labels)
    assert before.error > 0.2
    assert after.error < 0.02


def test_sets_by_hand():
    own = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.15])
    probabilities = np.stack([own, 1 - own], 1)
    labels = np.zeros(9, int)
    # rank 9 of (9 + 1) * 0.9: the lowest; rank 5 of (9 + 1) * 0.5: the fifth highest
    assert fit_prediction_sets(probabilities, labels, 0.9).threshold == pytest.approx(0.15)
    assert fit_prediction_sets(probabilities, labels, 0.5).threshold == pytest.approx(0.5)
    everything = fit_prediction_sets(probabilities, labels, 0.95)  # nine pairs promise no 95 %
    assert everything.threshold == 0
    assert everything.members(probabilities).all()


def test_no_set_is_empty():
    sets = PredictionSets(0.5, 0.6, 10)
    found = sets.members(np.array([[0.4, 0.35, 0.25], [0.7, 0.2, 0.1], [0.0, 0.4, 0.6]]))
    assert found.tolist() == [[True, False, False], [True, False, False], [False, False, True]]


@pytest.mark.parametrize("level", [0.8, 0.9, 0.95])
def test_coverage_is_what_was_asked_for_and_sets_are_not_wasteful(level):
    coverages, sizes = [], []
    for seed in range(30):
        fitted, labels = drawn(400, seed=seed)
        sets = fit_prediction_sets(softmax(fitted), labels, level)
        others, truth = drawn(2_000, seed=1_000 + seed)
        found = measure_calibration(softmax(others), truth, sets)
        coverages.append(found.coverage)
        sizes.append(found.set_size)
    assert level - 0.01 < np.mean(coverages) < level + 0.02
    assert 1 <= np.mean(sizes) < 4


def test_report_by_hand():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.7, 0.3, 0.0], [0.1, 0.1, 0.8], [1, 0, 0]])
    found = measure_calibration(probabilities, np.array([0, 1, 0, 0]), PredictionSets(0.9, 0.25, 9))
    assert found.coverage == 0.75
    assert found.set_size == 5 / 4  # one, two, one, one
    assert found.coverage_by_type == pytest.approx((2 / 3 + 1) / 2)
    assert found.nll == pytest.approx(-np.log([0.7, 0.3, 0.1, 1]).mean())
    assert CalibrationReport(**json.loads(json.dumps(found.to_json()))) == found
    impossible = measure_calibration(
        np.array([[1.0, 0.0]]), np.array([1]), PredictionSets(0.9, 0.5, 9)
    )
    assert impossible.nll == pytest.approx(-np.log(1e-12))


def test_what_was_fitted_is_written_and_read():
    logits, labels = drawn(50)
    temperature = fit_temperature(logits, labels)
    sets = fit_prediction_sets(softmax(logits), labels)
    assert Temperature.from_json(json.loads(json.dumps(temperature.to_json()))) == temperature
    assert PredictionSets.from_json(json.loads(json.dumps(sets.to_json()))) == sets


def test_impossible_values_are_refused():
    with pytest.raises(ArtifactError, match="above 0"):
        Temperature(0.0, 1, 1.0, 1.0)
    with pytest.raises(ArtifactError, match="between 0 and 1"):
        PredictionSets(1.0, 0.5, 1)
    none = np.zeros((0, 3)), np.zeros(0, int)
    for logits, labels in [(np.zeros((2, 3)), np.zeros(3, int)), none]:
        with pytest.raises(ShapeError, match="n >= 1"):
            fit_temperature(logits, labels)
    with pytest.raises(ShapeError, match=r"0\.\.2"):
        fit_temperature(np.zeros((2, 3)), np.array([0, 3]))
