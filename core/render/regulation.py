"""Charts about a pruned model: figures over sparsity or trust, expression over time."""

from collections.abc import Sequence
from typing import Any

from core.render.palette import THEMES

HEIGHT = 320
LITTLE = 0.1  # share of pruned weights that counts as none
# by method in words: key of the theme's colours, dashes
LINES = {
    "DASH": ("kept", [1, 0]), "magnitude": ("added", [1, 0]), "prior only": ("added", [6, 4]),
    "random": ("removed", [2, 3]), "not pruned": ("ink", [2, 3]),
    "prior in the loss": ("ink", [6, 4]),
}  # fmt: skip
MEASURED, MODEL, WITHOUT = "measured", "model", "without the edge"


def pruning_chart(
    points: Sequence[tuple[str, float, float]], name: str, *, theme: str = "light"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A figure over the share of pruned weights, one line for each method.

    What a method is worth before it prunes anything is left out, so that the steps of pruning have
    room; a method that prunes nothing at all is a level across the chart.

    Args:
        points: method in words (a key of `LINES`), sparsity, value.
        name: of the figure.
        theme: light or dark.
    """
    colors = THEMES[theme]
    pruned = [point for point in points if point[1] >= LITTLE]
    steps = {method for method, _, _ in pruned}
    ends = [x for _, x, _ in pruned] or [0.0, 1.0]
    levels = [
        (method, x, y) for method, _, y in points if method not in steps
        for x in (min(ends), max(ends))
    ]  # fmt: skip
    rows = [{"method": method, "sparsity": x, "value": y} for method, x, y in [*pruned, *levels]]
    present = [method for method in LINES if method in {row["method"] for row in rows}]
    encoding = {
        "x": {"field": "sparsity", "type": "quantitative", "title": "share of weights pruned",
              "axis": {"format": "%"}, "scale": {"zero": False, "nice": False, "padding": 12}},
        "y": {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}},
        "color": {"field": "method", "type": "nominal", "title": None,
                  "legend": {"orient": "bottom", "columns": 3, "symbolType": "stroke"},
                  "scale": {"domain": present, "range": [colors[LINES[m][0]] for m in present]}},
        "strokeDash": {"field": "method", "type": "nominal", "title": None, "legend": None,
                       "scale": {"domain": present, "range": [LINES[m][1] for m in present]}},
    }  # fmt: skip
    last = {method: [row for row in rows if row["method"] == method][-1] for method in present}
    said = "; ".join(
        f"{method} {row['value']:.3g}" + (f" at {row['sparsity']:.0%}" if method in steps else "")
        for method, row in last.items()
    )
    return rows, {
        "description": f"{name} over the share of pruned weights. {said}.",
        "height": HEIGHT,
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 2, "aria": False}, "encoding": encoding},
            {"mark": {"type": "point", "size": 40, "filled": True, "aria": False,
                      "tooltip": True}, "encoding": {**encoding, "strokeDash": {"value": [1, 0]}}},
        ],
    }  # fmt: skip


def trust_chart(
    points: Sequence[tuple[float, float]], name: str, chosen: float, *, theme: str = "light"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A figure over the trust in the prior; the chosen trust is filled.

    Args:
        points: trust, value.
        name: of the figure.
        chosen: trust that is shown.
        theme: light or dark.
    """
    colors = THEMES[theme]
    rows = [
        {"trust": trust, "value": value,
         "fill": colors["kept" if trust == chosen else "background"]}
        for trust, value in points
    ]  # fmt: skip
    x = {"field": "trust", "type": "quantitative", "title": "trust in the prior (λ)",
         "scale": {"domain": [0, 1], "padding": 8}}  # fmt: skip
    y = {"field": "value", "type": "quantitative", "title": name, "scale": {"zero": False}}
    said = "; ".join(f"λ = {trust:g}: {value:.3g}" for trust, value in points)
    return rows, {
        "description": f"{name} over the trust in the prior. {said}. Shown: λ = {chosen:g}.",
        "height": 200,
        "layer": [
            {"mark": {"type": "line", "color": colors["kept"], "aria": False},
             "encoding": {"x": x, "y": y}},
            {"mark": {"type": "point", "size": 90, "stroke": colors["kept"], "opacity": 1,
                      "strokeWidth": 2, "aria": False, "tooltip": True},
             "encoding": {"x": x, "y": y,
                          "fill": {"field": "fill", "type": "nominal", "scale": None}}},
        ],
    }  # fmt: skip


def expression_chart(
    measured: Sequence[tuple[float, float]],
    curves: dict[str, Sequence[tuple[float, float]]],
    gene: str,
    *,
    time_unit: str = "",
    theme: str = "light",
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Expression of one gene over time: dots as measured, lines as predicted.

    Args:
        measured: time, expression.
        curves: by `MODEL` or `WITHOUT`, time and expression.
        gene: its name.
        time_unit: of the times, empty when not known.
        theme: light or dark.
    """
    colors = THEMES[theme]
    rows = [{"time": x, "value": y, "line": MEASURED} for x, y in measured]
    rows += [
        {"time": x, "value": y, "line": line} for line, points in curves.items() for x, y in points
    ]
    x = {
        "field": "time", "type": "quantitative", "scale": {"zero": False},
        "title": f"time ({time_unit})" if time_unit else "time",
    }  # fmt: skip
    y = {
        "field": "value", "type": "quantitative", "scale": {"zero": False},
        "title": f"{gene} (scaled)",
    }  # fmt: skip
    names = [MEASURED, *curves]
    ranges = {MEASURED: "ink", MODEL: "kept", WITHOUT: "added"}
    color = {
        "field": "line", "type": "nominal", "title": None,
        "legend": {"orient": "bottom", "symbolType": "circle", "symbolStrokeWidth": 0},
        "scale": {"domain": names, "range": [colors[ranges[name]] for name in names]},
    }  # fmt: skip
    dash = {
        "field": "line", "type": "nominal", "title": None, "legend": None,
        "scale": {"domain": [MODEL, WITHOUT], "range": [[1, 0], [6, 4]]},
    }  # fmt: skip
    return rows, {
        "description": f"Expression of {gene} over time: {len(measured)} measured values (dots), "
        f"predicted (lines): {', '.join(curves)}.",
        "height": HEIGHT,
        "layer": [
            {"transform": [{"filter": f"datum.line != '{MEASURED}'"}],
             "mark": {"type": "line", "strokeWidth": 2, "aria": False},
             "encoding": {"x": x, "y": y, "color": color, "strokeDash": dash}},
            {"transform": [{"filter": f"datum.line == '{MEASURED}'"}],
             "mark": {"type": "point", "size": 50, "filled": True, "aria": False,
                      "tooltip": True},
             "encoding": {"x": x, "y": y, "color": color}},
        ],
    }  # fmt: skip
