"""Edges as chains of cubic Bézier curves: building, cutting, sampling."""

import math
from collections.abc import Sequence
from itertools import pairwise

from core.render.palette import Point

Cubic = tuple[Point, Point, Point, Point]
STEPS = 32


def through(points: Sequence[Point]) -> list[Cubic]:
    """Smooth chain through two or more points (Catmull-Rom); two points give a straight line."""
    padded = [points[0], *points, points[-1]]
    return [
        (
            padded[row],
            _ahead(padded[row], padded[row - 1], padded[row + 1]),
            _ahead(padded[row + 1], padded[row + 2], padded[row]),
            padded[row + 1],
        )
        for row in range(1, len(points))
    ]


def _ahead(point: Point, before: Point, after: Point) -> Point:
    if before == point:  # an end: aim straight at the neighbour
        return (point[0] + (after[0] - point[0]) / 3, point[1] + (after[1] - point[1]) / 3)
    return (point[0] + (after[0] - before[0]) / 6, point[1] + (after[1] - before[1]) / 6)


def bowed(start: Point, end: Point, bow: float) -> list[Cubic]:
    """One curve whose middle lies `bow` to the right of the straight line (y points down)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy) or 1.0
    aside = (-dy / length * bow * 4 / 3, dx / length * bow * 4 / 3)
    return [
        (
            start,
            (start[0] + dx / 3 + aside[0], start[1] + dy / 3 + aside[1]),
            (start[0] + dx * 2 / 3 + aside[0], start[1] + dy * 2 / 3 + aside[1]),
            end,
        )
    ]


def loop(centre: Point, size: float) -> list[Cubic]:
    """A curve that leaves a node upwards and comes back to it."""
    x, y = centre
    return [(centre, (x - size, y - 2 * size), (x + size, y - 2 * size), centre)]


def at(cubic: Cubic, t: float) -> Point:
    """Point at parameter t in 0..1."""
    s = 1 - t
    weights = (s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t)
    return (
        sum(w * p[0] for w, p in zip(weights, cubic, strict=True)),
        sum(w * p[1] for w, p in zip(weights, cubic, strict=True)),
    )


def sample(chain: Sequence[Cubic]) -> list[Point]:
    """Points along the chain, both ends included."""
    points = [chain[0][0]]
    for cubic in chain:
        points.extend(at(cubic, step / STEPS) for step in range(1, STEPS + 1))
    return points


def along(points: Sequence[Point], share: float) -> Point:
    """Point at a share (0..1) of the length of a polyline."""
    lengths = [math.dist(one, two) for one, two in pairwise(points)]
    left = share * sum(lengths)
    for (one, two), length in zip(pairwise(points), lengths, strict=True):
        if left <= length and length:
            part = left / length
            return (one[0] + part * (two[0] - one[0]), one[1] + part * (two[1] - one[1]))
        left -= length
    return points[-1]


def inside(polygon: Sequence[Point], point: Point) -> bool:
    """Whether a point lies in a polygon (even-odd rule)."""
    x, y = point
    odd = False
    for (x1, y1), (x2, y2) in pairwise([*polygon, polygon[0]]):
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            odd = not odd
    return odd


def trimmed(chain: Sequence[Cubic], first: Sequence[Point], last: Sequence[Point]) -> list[Cubic]:
    """The part of the chain between the polygon it starts in and the polygon it ends in."""
    chain = list(chain)
    steps = [step / 128 for step in range(1, 128)]
    cut = next((t for t in steps if not inside(first, at(chain[0], t))), 0.0)
    chain[0] = _split(chain[0], cut)[1]
    cut = next((t for t in reversed(steps) if not inside(last, at(chain[-1], t))), 1.0)
    chain[-1] = _split(chain[-1], cut)[0]
    return chain


def shortened(chain: Sequence[Cubic], by: float) -> list[Cubic]:
    """The chain without its last `by` pixels (room for an arrowhead)."""
    end = chain[-1][3]
    steps = [step / 128 for step in range(127, 0, -1)]
    cut = next((t for t in steps if math.dist(at(chain[-1], t), end) >= by), 1.0)
    return [*chain[:-1], _split(chain[-1], cut)[0]]


def _split(cubic: Cubic, t: float) -> tuple[Cubic, Cubic]:
    """De Casteljau."""
    a, b, c, d = cubic
    ab, bc, cd = _mix(a, b, t), _mix(b, c, t), _mix(c, d, t)
    abc, bcd = _mix(ab, bc, t), _mix(bc, cd, t)
    middle = _mix(abc, bcd, t)
    return (a, ab, abc, middle), (middle, bcd, cd, d)


def _mix(one: Point, two: Point, t: float) -> Point:
    return (one[0] + t * (two[0] - one[0]), one[1] + t * (two[1] - one[1]))


def path(chain: Sequence[Cubic]) -> str:
    """SVG path data."""
    start = chain[0][0]
    curves = "".join("C" + " ".join(f"{x:.1f} {y:.1f}" for x, y in cubic[1:]) for cubic in chain)
    return f"M{start[0]:.1f} {start[1]:.1f}{curves}"


def arrowhead(base: Point, tip: Point, width: float, arrow: str) -> str:
    """SVG path data of ▶ (``forward``) or ⊣ (``bar``) from base to tip; empty for ``none``."""
    if arrow == "none":
        return ""
    dx, dy = tip[0] - base[0], tip[1] - base[1]
    length = math.hypot(dx, dy) or 1.0
    half = 4.0 + 0.8 * width
    side = (-dy / length * half, dx / length * half)
    if arrow == "bar":
        deep = (dx / length * 3.5, dy / length * 3.5)
        corners = [
            (tip[0] + side[0], tip[1] + side[1]),
            (tip[0] - side[0], tip[1] - side[1]),
            (tip[0] - side[0] - deep[0], tip[1] - side[1] - deep[1]),
            (tip[0] + side[0] - deep[0], tip[1] + side[1] - deep[1]),
        ]
    else:
        corners = [
            tip,
            (base[0] + side[0], base[1] + side[1]),
            (base[0] - side[0], base[1] - side[1]),
        ]
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in corners) + "Z"
