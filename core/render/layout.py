"""Deterministic layered layout: layers along one axis, few crossings along the other.

Steps: edges that span several layers get a waypoint in each layer between; the order within layers
is found by barycentre sweeps and exchanges of neighbours from several first orders, of which the
one with the fewest crossings wins; coordinates follow by least squares (each node near the mean of
its neighbours, none closer than its size allows). Equal input gives equal output: every tie is
broken by the order in which nodes were given, and the shuffled first orders have fixed seeds.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

SWEEPS = 12
STARTS = 10  # first orders that are tried
MANY_LINKS = 80  # above this only the given order is tried
RELAXATIONS = 24
Key = str | tuple[str, int]  # a node id, or (edge id, layer) for a waypoint


@dataclass(frozen=True)
class Layered:
    """Result of `lay_out`.

    Attributes:
        across: node id → coordinate along the layers' own axis (order within the layer).
        waypoints: edge id → (layer, coordinate) of its waypoints, from source to target.
    """

    across: dict[str, float]
    waypoints: dict[str, list[tuple[int, float]]]


def lay_out(
    layers: Mapping[str, int],
    edges: Sequence[tuple[str, str, str]],
    extent: Mapping[str, float],
    waypoint_extent: float = 30.0,
) -> Layered:
    """Coordinates within the layers.

    Args:
        layers: node id → layer, in the order that breaks ties.
        edges: (edge id, source id, target id).
        extent: node id → room it needs along the layer.
        waypoint_extent: room of a passing edge.

    Returns:
        Coordinates, centred on 0.
    """
    columns: dict[int, list[Key]] = defaultdict(list)
    for node, layer in layers.items():
        columns[layer].append(node)
    links: list[tuple[Key, Key]] = []
    paths: dict[str, list[tuple[str, int]]] = {}
    level: dict[Key, int] = dict(layers)
    for edge, source, target in edges:
        first, last = layers[source], layers[target]
        step = 1 if last >= first else -1
        between = [(edge, layer) for layer in range(first + step, last, step)]
        for key in between:
            columns[key[1]].append(key)
            level[key] = key[1]
        paths[edge] = between
        if first != last:
            chain = [source, *between, target]
            links.extend(pairwise(chain))
    ordered = _best_order(dict(sorted(columns.items())), links, level)
    room = {key: extent[key] if isinstance(key, str) else waypoint_extent for key in level}
    across = _coordinates(ordered, links, level, room)
    return Layered(
        {node: across[node] for node in layers},
        {edge: [(key[1], across[key]) for key in keys] for edge, keys in paths.items() if keys},
    )


def _best_order(
    columns: dict[int, list[Key]], links: Sequence[tuple[Key, Key]], level: Mapping[Key, int]
) -> dict[int, list[Key]]:
    best, fewest = columns, _crossings(columns, links, level)
    for start in range(STARTS if len(links) <= MANY_LINKS else 1):
        if not fewest:
            break
        first = {layer: list(column) for layer, column in columns.items()}
        if start:
            shuffle = Random(start).shuffle
            for column in first.values():
                shuffle(column)
        order = _order(first, links, level)
        if (crossings := _crossings(order, links, level)) < fewest:
            best, fewest = order, crossings
    return best


def _order(
    columns: dict[int, list[Key]], links: Sequence[tuple[Key, Key]], level: Mapping[Key, int]
) -> dict[int, list[Key]]:
    best, fewest = columns, _crossings(columns, links, level)
    current = columns
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        side = _neighbours(links, level, before=forward)
        swept = dict(current)
        for layer in sorted(current, reverse=not forward):
            place = {key: row for column in swept.values() for row, key in enumerate(column)}
            old = {key: row for row, key in enumerate(swept[layer])}
            weight = {
                key: sum(place[other] for other in side[key]) / len(side[key])
                if side[key]
                else float(old[key])
                for key in swept[layer]
            }
            swept[layer] = sorted(swept[layer], key=lambda key: (weight[key], old[key]))
        current = swept
        current = _swap(current, links, level)
        if (crossings := _crossings(current, links, level)) < fewest:
            best, fewest = current, crossings
    return best


def _swap(
    columns: dict[int, list[Key]], links: Sequence[tuple[Key, Key]], level: Mapping[Key, int]
) -> dict[int, list[Key]]:
    """Exchange adjacent nodes of a layer as long as that removes crossings."""
    columns = {layer: list(column) for layer, column in columns.items()}
    place = {key: row for column in columns.values() for row, key in enumerate(column)}
    sides = [_neighbours(links, level, before=before) for before in (True, False)]
    better = True
    while better:  # ends: every exchange lowers the number of crossings
        better = False
        for column in columns.values():
            for row in range(len(column) - 1):
                one, two = column[row], column[row + 1]
                gain = sum(
                    (place[a] > place[b]) - (place[a] < place[b])
                    for side in sides
                    for a in side[one]
                    for b in side[two]
                )
                if gain > 0:
                    column[row], column[row + 1] = two, one
                    place[one], place[two] = row + 1, row
                    better = True
    return columns


def _neighbours(
    links: Sequence[tuple[Key, Key]], level: Mapping[Key, int], *, before: bool
) -> dict[Key, list[Key]]:
    found: dict[Key, list[Key]] = defaultdict(list)
    for one, two in links:
        low, high = (one, two) if level[one] < level[two] else (two, one)
        found[high if before else low].append(low if before else high)
    return found


def _crossings(
    columns: Mapping[int, Sequence[Key]],
    links: Sequence[tuple[Key, Key]],
    level: Mapping[Key, int],
) -> int:
    place = {key: row for column in columns.values() for row, key in enumerate(column)}
    gaps: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for one, two in links:
        low, high = (one, two) if level[one] < level[two] else (two, one)
        gaps[level[low]].append((place[low], place[high]))
    return sum(
        (a - c) * (b - d) < 0
        for pairs in gaps.values()
        for row, (a, b) in enumerate(pairs)
        for c, d in pairs[:row]
    )


def _coordinates(
    columns: Mapping[int, Sequence[Key]],
    links: Sequence[tuple[Key, Key]],
    level: Mapping[Key, int],
    room: Mapping[Key, float],
) -> dict[Key, float]:
    across: dict[Key, float] = {}
    offsets: dict[int, list[float]] = {}
    for layer, column in columns.items():
        offset, total = [], 0.0
        for row, key in enumerate(column):
            total += 0.0 if row == 0 else (room[column[row - 1]] + room[key]) / 2
            offset.append(total)
        offsets[layer] = offset
        across |= {key: value - total / 2 for key, value in zip(column, offset, strict=True)}
    both = defaultdict(list)
    for before in (True, False):
        for key, others in _neighbours(links, level, before=before).items():
            both[key].extend(others)
    for step in range(RELAXATIONS):
        for layer in sorted(columns, reverse=step % 2 == 1):
            column = columns[layer]
            wanted = [
                sum(across[other] for other in both[key]) / len(both[key])
                if both[key]
                else across[key]
                for key in column
            ]
            free = [want - off for want, off in zip(wanted, offsets[layer], strict=True)]
            fitted = _increasing(free)
            across |= {
                key: value + off
                for key, value, off in zip(column, fitted, offsets[layer], strict=True)
            }
    middle = (min(across.values()) + max(across.values())) / 2 if across else 0.0
    return {key: value - middle for key, value in across.items()}


def _increasing(values: Sequence[float]) -> list[float]:
    """The nearest non-decreasing sequence in least squares, by pooling adjacent violators."""
    pools: list[tuple[float, int]] = []
    for value in values:
        mean, size = value, 1
        while pools and pools[-1][0] > mean:
            before, count = pools.pop()
            mean, size = (mean * size + before * count) / (size + count), size + count
        pools.append((mean, size))
    return [mean for mean, size in pools for _ in range(size)]
