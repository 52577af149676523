"""Predicted against measured values, and residuals."""

from core.render.scatter import MAX_DOTS, agreement_chart, residual_chart, thin


def test_rows_are_spread_over_the_whole():
    assert thin(3) == [0, 1, 2]
    found = thin(10 * MAX_DOTS)
    assert len(found) == MAX_DOTS
    assert found[:2] == [0, 10]


def test_the_diagonal_reaches_over_both_axes():
    rows, spec = agreement_chart([0.0, 1.0], [0.5, 2.0], "force (N)")
    assert rows == [{"measured": 0.0, "predicted": 0.5}, {"measured": 1.0, "predicted": 2.0}]
    assert spec["layer"][1]["data"]["values"] == [
        {"measured": 0.0, "predicted": 0.0}, {"measured": 2.0, "predicted": 2.0}
    ]  # fmt: skip


def test_what_lies_outside_the_training_is_shaded():
    _, spec = residual_chart([0.0, 1.0, 3.0], [0.1, 0.0, -0.2], "r (m)", trained=(0.5, 2.0))
    assert spec["layer"][0]["data"]["values"] == [
        {"from": 0.0, "to": 0.5},
        {"from": 2.0, "to": 3.0},
    ]
    assert "Shaded" in spec["description"]
    _, spec = residual_chart([0.6, 1.0], [0.1, 0.0], "r (m)", trained=(0.5, 2.0))
    assert len(spec["layer"]) == 2


def test_a_test_set_that_is_wholly_outside_is_shaded_as_a_whole():
    _, spec = residual_chart([3.0, 4.0], [0.1, 0.0], "r (m)", trained=(0.5, 2.0))
    assert spec["layer"][0]["data"]["values"] == [{"from": 3.0, "to": 4.0}]
