"""Predicted against measured values, and what is left over: Vega-Lite charts with few dots."""

from collections.abc import Sequence
from typing import Any

from core.render.palette import THEMES

MAX_DOTS = 600
HEIGHT = 300


def thin(num: int, limit: int = MAX_DOTS) -> list[int]:
    """Row numbers spread evenly over `num` rows, at most `limit`."""
    if num <= limit:
        return list(range(num))
    return [row * num // limit for row in range(limit)]


def agreement_chart(
    measured: Sequence[float], predicted: Sequence[float], name: str, *, theme: str = "light"
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """Predicted over measured values with the line on which both are equal.

    Args:
        measured: (rows,) values.
        predicted: (rows,) of the formula.
        name: of the target, with its unit.
        theme: light or dark.
    """
    rows = [{"measured": measured[i], "predicted": predicted[i]} for i in thin(len(measured))]
    ends = [min(row[key] for row in rows for key in row), max(row[key] for row in rows for key in
            row)] if rows else [0.0, 1.0]  # fmt: skip
    axis = {"type": "quantitative", "scale": {"zero": False, "domain": ends, "nice": True}}
    x = {"field": "measured", "title": f"{name}, measured", **axis}
    y = {"field": "predicted", "title": f"{name}, predicted", **axis}
    colors = THEMES[theme]
    diagonal = [{"measured": end, "predicted": end} for end in ends]
    return rows, {
        "description": f"Predicted against measured {name}, {len(rows)} test values; dots on the "
        "dashed line are predicted exactly.",
        "height": HEIGHT,
        "layer": [
            {"mark": _dots(colors), "encoding": {"x": x, "y": y}},
            {
                "data": {"values": diagonal},
                "mark": {"type": "line", "strokeDash": [6, 4], "color": colors["ink"],
                         "aria": False},
                "encoding": {"x": x, "y": y},
            },
        ],
    }  # fmt: skip


def residual_chart(
    over: Sequence[float],
    residual: Sequence[float],
    name: str,
    *,
    trained: tuple[float, float],
    unit: str = "",
    theme: str = "light",
) -> tuple[list[dict[str, float]], dict[str, Any]]:
    """What the formula leaves over, against a quantity; values outside the training are shaded.

    Args:
        over: (rows,) the quantity.
        residual: (rows,) measured minus predicted.
        name: of the quantity, with its unit.
        trained: smallest and largest value in the training part.
        unit: of the target.
        theme: light or dark.
    """
    rows = [{"over": over[i], "residual": residual[i]} for i in thin(len(over))]
    colors = THEMES[theme]
    low, high = min(row["over"] for row in rows), max(row["over"] for row in rows)
    outside = [
        {"from": start, "to": end}
        for start, end in ((low, min(trained[0], high)), (max(trained[1], low), high))
        if end > start
    ]
    x = {"field": "over", "type": "quantitative", "title": name, "scale": {"zero": False}}
    y = {"field": "residual", "type": "quantitative",
         "title": "measured − predicted" + (f" ({unit})" if unit else "")}  # fmt: skip
    shade = {
        "data": {"values": outside},
        "mark": {"type": "rect", "color": colors["removed"], "opacity": 0.18, "aria": False},
        "encoding": {
            "x": {"field": "from", "type": "quantitative"}, "x2": {"field": "to"},
        },
    }  # fmt: skip
    zero = {
        "data": {"values": [{"residual": 0}]},
        "mark": {"type": "rule", "strokeDash": [6, 4], "color": colors["ink"], "aria": False},
        "encoding": {"y": y},
    }
    dots = {"mark": _dots(colors), "encoding": {"x": x, "y": y}}
    return rows, {
        "description": f"Residuals of {len(rows)} test values against {name}."
        + (" Shaded: outside the range of the training." if outside else ""),
        "height": HEIGHT,
        "layer": [*([shade] if outside else []), dots, zero],
    }


def _dots(colors: dict[str, str]) -> dict[str, Any]:
    return {"type": "circle", "size": 26, "opacity": 0.6, "color": colors["kept"], "aria": False,
            "tooltip": True}  # fmt: skip
