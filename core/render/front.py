"""The Pareto front of formulas: error against size, as a chart to click and as a file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from core.render.palette import THEMES
from core.render.plot import Plot, log_ticks

SMALLEST = 1e-9  # errors below it are drawn there: a logarithm has no zero
PICK = "pick"  # name of the selection; a click gives the field ``formula``
HEIGHT = 320


@dataclass(frozen=True)
class FrontPoint:
    """One formula.

    Attributes:
        number: its row in the table, 1 is the smallest formula.
        complexity: size.
        error: on validation, in standard deviations of the target.
        text: the formula on one line.
        on_front: whether no smaller formula is as accurate.
        knee: whether it is the suggested one.
    """

    number: int
    complexity: int
    error: float
    text: str
    on_front: bool = True
    knee: bool = False


def front_chart(
    points: Sequence[FrontPoint], chosen: int, *, floor: float | None = None, theme: str = "light"
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows and Vega-Lite specification of the chart.

    Args:
        points: formulas.
        chosen: number of the one that is open.
        floor: error that noise alone leaves, None where it is not known.
        theme: light or dark.

    Returns:
        Rows of the data, and the specification with the selection `PICK`.
    """
    colors = THEMES[theme]
    rows = [
        {
            "formula": point.number,
            "size": point.complexity,
            "error": max(point.error, SMALLEST),
            "text": point.text,
            "kind": "on the front" if point.on_front else "dominated",
            "color": colors["kept"] if point.on_front else colors["removed"],
            "fill": colors["kept"] if point.number == chosen else colors["background"],
            "knee": point.knee,
        }
        for point in points
    ]
    x = {
        "field": "size",
        "type": "quantitative",
        "title": "size (symbols)",
        "axis": {"tickMinStep": 1, "format": "d"},
        "scale": {"zero": False, "padding": 12},
    }
    y = {
        "field": "error",
        "type": "quantitative",
        "title": "validation error (standard deviations)",
        "axis": {"format": "~g"},
        "scale": {"type": "log", "padding": 12},
    }
    plain = {"tooltip": False, "aria": False}
    layers: list[dict[str, Any]] = [
        {
            "transform": [{"filter": "datum.kind == 'on the front'"}],
            "mark": {"type": "line", "interpolate": "step-after", "color": colors["kept"],
                     "strokeWidth": 1.5, **plain},
            "encoding": {"x": x, "y": y},
        },
        {
            "transform": [{"filter": "datum.knee"}],
            "mark": {"type": "point", "size": 420, "filled": False, "strokeWidth": 2,
                     "color": colors["added"], **plain},
            "encoding": {"x": x, "y": y},
        },
    ]  # fmt: skip
    if floor is not None:
        layers.append({
            "transform": [{"aggregate": [{"op": "count", "as": "num"}]}],
            "mark": {"type": "rule", "strokeDash": [6, 4], "color": colors["removed"], **plain},
            "encoding": {"y": {"datum": max(floor, SMALLEST)}},
        })  # fmt: skip
    layers.append({
        "name": "points",
        "mark": {"type": "point", "size": 130, "filled": False, "opacity": 1, "strokeWidth": 2,
                 "cursor": "pointer", "aria": False},
        "encoding": {
            "x": x, "y": y,
            "stroke": {"field": "color", "type": "nominal", "scale": None},
            "fill": {"field": "fill", "type": "nominal", "scale": None},
            "tooltip": [{"field": name, "type": kind, "title": title} for name, kind, title in (
                ("formula", "ordinal", "formula"), ("text", "nominal", "reads"),
                ("size", "quantitative", "size"), ("error", "quantitative", "error"),
                ("kind", "nominal", "is"),
            )],
        },
    })  # fmt: skip
    spec = {
        "description": describe_front(points, chosen),
        "height": HEIGHT,
        "params": [
            {"name": PICK, "select": {"type": "point", "fields": ["formula"]}, "views": ["points"]}
        ],
        "layer": layers,
    }
    return rows, spec


def describe_front(points: Sequence[FrontPoint], chosen: int) -> str:
    """The chart in words: the front from small to large, the suggested and the open formula."""
    front = sorted((one for one in points if one.on_front), key=lambda one: one.complexity)
    parts = [f"{one.complexity} symbols: error {one.error:.3g}" for one in front]
    knee = next((one.number for one in points if one.knee), None)
    said = f"{len(points)} formulas, {len(front)} on the front. {'; '.join(parts)}."
    if knee is not None:
        said += f" Formula {knee} is suggested."
    return f"{said} Formula {chosen} is open."


def picked(selection: object) -> int | None:
    """Number of the formula that was clicked in the chart, None when none is."""
    points = selection.get(PICK) if isinstance(selection, dict) else None
    if not isinstance(points, list) or not points or not isinstance(points[0], dict):
        return None
    number = points[0].get("formula")
    return int(number) if isinstance(number, int | float) else None


def draw_front(
    points: Sequence[FrontPoint], chosen: int, *, title: str, floor: float | None = None,
    permalink: str = "", theme: str = "light",
) -> str:  # fmt: skip
    """The chart as a stand-alone SVG file.

    Args:
        points: formulas, at least one.
        chosen: number of the one that is open.
        title: of the picture.
        floor: error that noise alone leaves, None where it is not known.
        permalink: address of the answer, kept in the description.
        theme: light or dark.
    """
    sizes = [point.complexity for point in points]
    errors = [max(point.error, SMALLEST) for point in points]
    errors += [] if floor is None else [max(floor, SMALLEST)]
    low, high = math.log10(min(errors)), math.log10(max(errors))
    plot = Plot(
        title, describe_front(points, chosen) + (f"\nAnswer: {permalink}" if permalink else ""),
        x_range=(min(sizes) - 1, max(sizes) + 1), y_range=(low - 0.2, high + 0.2), theme=theme,
    )  # fmt: skip
    plot.axes(
        "size (symbols)", "validation error (standard deviations)",
        x_ticks=_integers(min(sizes), max(sizes)), y_ticks=log_ticks(low, high),
    )  # fmt: skip

    def at(point: FrontPoint) -> tuple[float, float]:
        return point.complexity, math.log10(max(point.error, SMALLEST))

    front = sorted(at(point) for point in points if point.on_front)
    steps = front[:1]
    for (_, before), (x, y) in pairwise(front):
        steps += [(x, before), (x, y)]
    plot.line(steps, "kept")
    if floor is not None:
        plot.line(
            [(min(sizes) - 1, math.log10(max(floor, SMALLEST))),
             (max(sizes) + 1, math.log10(max(floor, SMALLEST)))], "removed", dash="6 4",
        )  # fmt: skip
    for point in points:
        color = "kept" if point.on_front else "removed"
        plot.dot(*at(point), color, filled=point.number == chosen, radius=5)
        if point.knee:
            plot.dot(*at(point), "added", filled=False, radius=10, clear=True)
    return plot.to_svg()


def _integers(low: int, high: int) -> list[tuple[float, str]]:
    step = max(1, (high - low) // 8)
    return [(float(value), str(value)) for value in range(low, high + 1, step)]
