"""Charts about a pruned model: rows as given, marks by method, words for those who cannot see."""

from core.render.palette import THEMES
from core.render.regulation import (
    MODEL,
    WITHOUT,
    expression_chart,
    pruning_chart,
    trust_chart,
)


def test_methods_differ_by_colour_and_dash():
    points = [("DASH", 0.7, 0.3), ("DASH", 0.9, 0.1), ("random", 0.9, 0.4), ("magnitude", 0.9, 0.2)]
    rows, spec = pruning_chart(points, "test error", theme="dark")
    assert [(row["method"], row["sparsity"], row["value"]) for row in rows] == points
    encoding = spec["layer"][0]["encoding"]
    assert encoding["color"]["scale"]["domain"] == ["DASH", "magnitude", "random"]
    assert encoding["color"]["scale"]["range"][0] == THEMES["dark"]["kept"]
    looks = zip(encoding["color"]["scale"]["range"], encoding["strokeDash"]["scale"]["range"],
                strict=True)  # fmt: skip
    assert len({(color, tuple(dash)) for color, dash in looks}) == 3
    assert "DASH 0.1 at 90%" in spec["description"]


def test_what_prunes_nothing_is_a_level():
    points = [("DASH", 0.0, 0.3), ("DASH", 0.7, 0.2), ("DASH", 0.9, 0.1), ("not pruned", 0.0, 0.25)]
    rows, spec = pruning_chart(points, "test error")
    assert [(row["method"], row["sparsity"], row["value"]) for row in rows] == [
        ("DASH", 0.7, 0.2), ("DASH", 0.9, 0.1), ("not pruned", 0.7, 0.25), ("not pruned", 0.9, 0.25)
    ]  # fmt: skip
    assert "not pruned 0.25." in spec["description"]
    assert pruning_chart(points[3:], "test error")[0][1]["sparsity"] == 1.0


def test_the_shown_trust_is_filled():
    rows, spec = trust_chart([(0.0, 0.5), (0.5, 0.3)], "validation error", 0.5)
    assert [row["fill"] == THEMES["light"]["kept"] for row in rows] == [False, True]
    assert "Shown: λ = 0.5." in spec["description"]


def test_lines_and_dots_of_one_gene():
    lines = {MODEL: [(0, 0.2), (1, 0.3)], WITHOUT: [(0, 0.2), (1, 0.5)]}
    rows, spec = expression_chart([(0, 0.2)], lines, "T1", time_unit="h")
    assert [row["line"] for row in rows] == ["measured", MODEL, MODEL, WITHOUT, WITHOUT]
    assert spec["layer"][0]["encoding"]["x"]["title"] == "time (h)"
    assert spec["layer"][0]["encoding"]["color"]["scale"]["domain"] == ["measured", *lines]
