"""Where nodes stand and how edges run between their outlines.

One column per hop, one row for the orientation "down", an ellipse for "around".
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence

from core.render import curve
from core.render.drawing import Edge, Node
from core.render.layout import lay_out
from core.render.palette import Point, find_kind, outline
from core.render.text import (
    EDGE_FONT,
    MAX_EDGE_LABEL,
    name_width,
    shorten,
    split_name,
    text_width,
)

RADIUS = 21.0
STAGGER = 54.0
FAN = 40.0  # between parallel edges
STAR = (430.0, 300.0)  # half axes of the ellipse around a node
CROWD = 12  # nodes on one ellipse


def place(
    nodes: Sequence[Node], edges: Sequence[Edge], orientation: str
) -> tuple[dict[str, Point], dict[str, list[Point]]]:
    """Node id → centre, and edge id → points where an edge over several layers bends."""
    if orientation == "around":
        return around(nodes), {}
    layers = {node.id: node.layer for node in nodes}
    names = {node.id: name_width(split_name(node.label)) for node in nodes}
    right = orientation == "right"
    # down: names stand beside their nodes and neighbours are staggered, so two share the room
    widest: dict[int, float] = defaultdict(lambda: 40.0)
    for key, layer in layers.items():
        widest[layer] = max(widest[layer], names[key])
    fans = _fans(edges)
    extent = {
        key: 106.0 + 0.75 * FAN * (fans[key] - 1)
        if right
        else 1.25 * RADIUS + widest[layer] / 2 + 14 + 0.75 * FAN * (fans[key] - 1)
        for key, layer in layers.items()
    }
    found = lay_out(layers, [(e.id, e.source, e.target) for e in edges], extent, FAN)
    along = _columns(nodes, edges, names) if right else _lines(nodes, edges)
    shift = {} if right else _stagger(layers, found.across)

    def point(layer: int, across: float, extra: float = 0.0) -> Point:
        return (along[layer], across) if right else (across, along[layer] + extra)

    centres = {
        node: point(layer, found.across[node], shift.get(node, 0.0))
        for node, layer in layers.items()
    }
    bends = {
        edge: [point(layer, across) for layer, across in points if layer in along]
        for edge, points in found.waypoints.items()
    }
    return centres, bends


def around(nodes: Sequence[Node]) -> dict[str, Point]:
    """Node id → centre, with the first node in the middle and the others on an ellipse around it.

    More than twelve others stand on two ellipses in turn. No node stands straight above the middle,
    where an edge from the first node to itself has its place.
    """
    wide, high = STAR
    others = nodes[1:]
    grown = max(1.0, len(others) / 26) * (1.0 if len(others) > CROWD else 0.72)
    found = {node.id: (0.0, 0.0) for node in nodes[:1]}
    for row, node in enumerate(others):
        angle = 2 * math.pi * (row + 0.5) / len(others) - math.pi / 2
        reach = grown * (0.58 if len(others) > CROWD and row % 2 else 1.0)
        found[node.id] = (reach * wide * math.cos(angle), reach * high * math.sin(angle))
    return found


def _fans(edges: Sequence[Edge]) -> dict[str, int]:
    """Node id → the most edges that join it to one other node, at least 1."""
    pairs = Counter(frozenset((edge.source, edge.target)) for edge in edges)
    found: dict[str, int] = defaultdict(lambda: 1)
    for pair, number in pairs.items():
        for node in pair:
            found[node] = max(found[node], number)
    return found


def _stagger(layers: Mapping[str, int], across: Mapping[str, float]) -> dict[str, float]:
    """Every second node of a crowded row moves down."""
    rows: dict[int, list[str]] = defaultdict(list)
    for node in sorted(layers, key=lambda node: across[node]):
        rows[layers[node]].append(node)
    return {
        node: STAGGER * (place % 2)
        for row in rows.values()
        if len(row) > 1
        for place, node in enumerate(row)
    }


def _columns(
    nodes: Sequence[Node], edges: Sequence[Edge], names: Mapping[str, float]
) -> dict[int, float]:
    """Layer → x, with room for the names below the nodes and the labels on the edges."""
    layers = sorted({node.layer for node in nodes})
    where = {node.id: node.layer for node in nodes}
    half = {
        layer: max([RADIUS + 6, *(names[n.id] / 2 for n in nodes if n.layer == layer)])
        for layer in layers
    }
    x, found = 0.0, {}
    for row, layer in enumerate(layers):
        if row:
            before = layers[row - 1]
            labels = [
                text_width(shorten(edge.label, MAX_EDGE_LABEL), EDGE_FONT)
                for edge in edges
                if {where[edge.source], where[edge.target]} == {before, layer}
            ]
            crowd = min(120.0, 12.0 * max(0, len(labels) - 5))  # labels get room beside each other
            x += max(
                2 * RADIUS + max(labels, default=0) + 58 + crowd, half[before] + half[layer] + 18
            )
        found[layer] = x
    return found


def _lines(nodes: Sequence[Node], edges: Sequence[Edge]) -> dict[int, float]:
    """Layer → y, with room for a staggered row and for the labels of many edges."""
    sizes = Counter(node.layer for node in nodes)
    where = {node.id: node.layer for node in nodes}
    leaving = Counter(min(where[edge.source], where[edge.target]) for edge in edges)
    y, found = 0.0, {}
    for layer in sorted(sizes):
        found[layer] = y
        y += 112.0 + (STAGGER if sizes[layer] > 1 else 0.0)
        y += min(100.0, 8.0 * max(0, leaving[layer] - 5))
    return found


def route(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    centres: Mapping[str, Point],
    bends: Mapping[str, Sequence[Point]],
) -> dict[str, list[curve.Cubic]]:
    """Edge id → curve between the outlines; parallel edges are fanned."""
    polygons = {}
    for node in nodes:
        x, y = centres[node.id]
        clear = RADIUS + (9.0 if node.role != "other" else 4.0)
        shape = outline(find_kind(node.type).shape, clear)
        polygons[node.id] = [(x + dx, y + dy) for dx, dy in shape]
    bundles: dict[tuple[str, str], list[Edge]] = defaultdict(list)
    for edge in edges:
        bundles[tuple(sorted((edge.source, edge.target)))].append(edge)
    layer = {node.id: node.layer for node in nodes}
    chains = {}
    for (first, _), group in bundles.items():
        for row, edge in enumerate(group):
            offset = (row - (len(group) - 1) / 2) * FAN
            start, end = centres[edge.source], centres[edge.target]
            side = 1 if edge.source == first else -1
            if edge.source == edge.target:
                chain = curve.loop(start, 44.0 + 16.0 * row)
            elif bends.get(edge.id):
                chain = curve.through([start, *bends[edge.id], end])
            else:
                same = 0.0
                if layer[edge.source] == layer[edge.target]:  # around the nodes between
                    same = max(46.0, 0.3 * math.dist(start, end))
                chain = curve.bowed(start, end, side * (offset + same))
            chains[edge.id] = curve.trimmed(chain, polygons[edge.source], polygons[edge.target])
    return chains
