"""Where the labels of edges stand so that they hide least."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from core.render import curve
from core.render.drawing import Edge
from core.render.palette import Point
from core.render.text import EDGE_FONT, MAX_EDGE_LABEL, shorten, text_width

OBSTACLE_STEP = 4  # of the points along an edge that a label avoids
CELL = 24.0  # of the grid in which these points are kept
SHARES = (0.5, *(0.5 + side * step / 100 for step in range(4, 37, 4) for side in (-1, 1)))
ROUNDS = 3  # of placing every label among the others
FLAT = 0.3  # slope below which a label stands above its edge
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class Spot:
    """A place for a label: its middle, its width, whether it stands above its line, its price."""

    x: float
    y: float
    size: float
    above: bool
    price: float

    @property
    def box(self) -> Box:
        """What the label covers."""
        return _label_box(self.x, self.y, self.size)


def label_spots(
    edges: Sequence[Edge],
    chains: Mapping[str, Sequence[curve.Cubic]],
    widths: Mapping[str, float],
    nodes: Sequence[Box],
) -> dict[str, Spot]:
    """Edge id → where its label hides least.

    Labels are placed one after the other, then again among all others, as long as that helps.
    """
    samples = {edge.id: curve.sample(chains[edge.id]) for edge in edges}
    grid: dict[tuple[int, int], list[tuple[float, float, str]]] = defaultdict(list)
    for key, points in samples.items():
        for x, y in points[::OBSTACLE_STEP]:
            grid[math.floor(x / CELL), math.floor(y / CELL)].append((x, y, key))
    offers = {
        edge.id: _offers(edge, samples[edge.id], widths[edge.id], nodes, grid) for edge in edges
    }
    chosen: dict[str, Spot] = {}
    for _ in range(ROUNDS):
        before = dict(chosen)
        for edge in edges:
            others = [spot.box for key, spot in chosen.items() if key != edge.id]
            chosen[edge.id] = min(
                offers[edge.id],
                key=lambda spot: spot.price + sum(_hidden(spot, box) for box in others),
            )
        if chosen == before:
            break
    return chosen


def _offers(
    edge: Edge,
    points: Sequence[Point],
    width: float,
    nodes: Sequence[Box],
    grid: Mapping[tuple[int, int], Sequence[tuple[float, float, str]]],
) -> list[Spot]:
    """Places along the edge: above flat parts, on steep ones, priced by what lies below them."""
    size = text_width(shorten(edge.label, MAX_EDGE_LABEL), EDGE_FONT)
    found = []
    for share in SHARES:
        x, y = curve.along(points, share)
        before, after = curve.along(points, share - 0.05), curve.along(points, share + 0.05)
        above = abs(after[1] - before[1]) < FLAT * abs(after[0] - before[0])
        y -= 9 + width / 2 if above else 0
        spot = Spot(x, y, size, above, 0.0)
        left, top, right, bottom = spot.box
        price = abs(share - 0.5) * 2 + sum(_hidden(spot, box) for box in nodes)
        price += 0.5 * sum(
            left < px < right and top < py < bottom and key != edge.id
            for column in range(math.floor(left / CELL), math.floor(right / CELL) + 1)
            for row in range(math.floor(top / CELL), math.floor(bottom / CELL) + 1)
            for px, py, key in grid.get((column, row), ())
        )
        found.append(replace(spot, price=price))
    return found


def _hidden(spot: Spot, box: Box) -> float:
    """The price of covering a part of a box."""
    return 60.0 * _overlap(spot.box, box) / (18 * (spot.size + 6))


def _label_box(x: float, y: float, size: float) -> Box:
    return (x - size / 2 - 3, y - 9, x + size / 2 + 3, y + 9)


def _overlap(one: Box, two: Box) -> float:
    wide = min(one[2], two[2]) - max(one[0], two[0])
    high = min(one[3], two[3]) - max(one[1], two[1])
    return wide * high if wide > 0 and high > 0 else 0.0
