"""Evidence graphs as drawings: from nodes and weighted edges to a specification ready to paint.

The specification holds every path and position, so that the picture in the page, the exported SVG
and the PNG are the same. Queries are left, answers right, one column per hop (`orientation` "down"
turns this by 90° for narrow windows, "around" puts all nodes around the first one). Distances are
pixels at a scale of 1, y points down.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from core.render import captions, curve
from core.render.drawing import DrawnEdge, DrawnNode, Edge, GraphDrawing, Node
from core.render.labels import Box, label_spots
from core.render.palette import DASHES, DOUBLE, STATUSES, Point, find_kind, outline_path
from core.render.placement import RADIUS, place, route
from core.render.text import (
    MAX_EDGE_LABEL,
    NAME_FONT,
    NAME_LINE,
    name_width,
    shorten,
    split_name,
)

SIZES = {"default": (15, 25), "more": (35, 70), "all": (75, 150)}
MARGIN = 26.0
MIN_WIDTH, MAX_WIDTH = 1.0, 6.0


def draw_graph(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    *,
    title: str = "Evidence",
    size: str = "default",
    total: int | None = None,
    weight_kind: str = "deletion effect",
    orientation: str = "right",
    positions: Mapping[str, Point] | None = None,
    permalink: str = "",
    data_version: str = "",
) -> GraphDrawing:
    """Lay out and draw.

    Args:
        nodes: unique ids; order breaks ties.
        edges: unique ids between given nodes.
        title: short title.
        size: default (≤ 15 nodes, ≤ 25 edges), more (35, 70) or all (75, 150).
        total: number of edges before the caller's own selection, for the notice.
        weight_kind: what the weight is; a key of `captions.WEIGHT_WORDS` or any words.
        orientation: right, down or around.
        positions: node id → centre; where given for every drawn node, the layout is not computed.
        permalink: kept in exports.
        data_version: kept in exports.

    Returns:
        The drawing; without nodes an empty one of the smallest size.
    """
    chosen_nodes, chosen_edges = select_strongest(nodes, edges, *SIZES[size])
    total = max(total or 0, len(edges))
    notice = ""
    if len(chosen_edges) < total:
        notice = f"Showing the {len(chosen_edges)} strongest of {total:,} edges."
    centres, bends = place(chosen_nodes, chosen_edges, orientation)
    if positions and all(node.id in positions for node in chosen_nodes):
        centres = {node.id: positions[node.id] for node in chosen_nodes}
    chains = route(chosen_nodes, chosen_edges, centres, bends)
    painted = sorted(chosen_edges, key=lambda edge: abs(edge.weight))
    widths = _widths(chosen_edges)
    drawn_nodes = _draw_nodes(chosen_nodes, chosen_edges, centres, orientation)
    drawn_edges = _draw_edges(painted, chains, widths, drawn_nodes)
    left, top, right, bottom = _bounds(drawn_nodes, drawn_edges, chains)
    return GraphDrawing(
        title=title,
        summary=captions.summary(title, chosen_nodes, chosen_edges, notice),
        notice=notice,
        width_note=captions.width_note(chosen_edges, weight_kind),
        left=math.floor(left - MARGIN),
        top=math.floor(top - MARGIN),
        width=math.ceil(right - left + 2 * MARGIN),
        height=math.ceil(bottom - top + 2 * MARGIN),
        orientation=orientation,
        nodes=drawn_nodes,
        edges=drawn_edges,
        legend=captions.legend(chosen_nodes, chosen_edges),
        rows=captions.rows(chosen_nodes, chosen_edges, weight_kind),
        permalink=permalink,
        data_version=data_version,
    )


def select_strongest(
    nodes: Sequence[Node], edges: Sequence[Edge], max_nodes: int, max_edges: int
) -> tuple[list[Node], list[Edge]]:
    """The strongest edges that fit, their nodes, and every query and answer.

    Args:
        nodes: all nodes.
        edges: all edges; equal weights keep their order.
        max_nodes: limit, queries and answers included.
        max_edges: limit.

    Returns:
        Nodes and edges in the given order.
    """
    room = {node.id for node in nodes if node.role != "other"}
    if len(nodes) <= max_nodes:
        room = {node.id for node in nodes}
    chosen: set[str] = set()
    for edge in sorted(edges, key=lambda edge: -abs(edge.weight)):
        ends = {edge.source, edge.target}
        if len(chosen) < max_edges and len(room | ends) <= max_nodes:
            room |= ends
            chosen.add(edge.id)
    return [n for n in nodes if n.id in room], [e for e in edges if e.id in chosen]


def _widths(edges: Sequence[Edge]) -> dict[str, float]:
    top = max((abs(edge.weight) for edge in edges), default=0.0)
    span = MAX_WIDTH - MIN_WIDTH
    return {
        edge.id: round(MIN_WIDTH + (span * abs(edge.weight) / top if top else 0.0), 2)
        for edge in edges
    }


def _draw_nodes(
    nodes: Sequence[Node],
    edges: Sequence[Edge],
    centres: Mapping[str, Point],
    orientation: str,
) -> tuple[DrawnNode, ...]:
    degree = Counter(end for edge in edges for end in {edge.source, edge.target})
    drawn = []
    for node in sorted(nodes, key=lambda node: (node.layer, centres[node.id][::-1])):
        kind = find_kind(node.type)
        lines = split_name(node.label)
        x, y = centres[node.id]
        below = orientation != "down"
        above = orientation == "around" and y < 0  # so that its edge does not cross its name
        ring_width = {"query": 1.5, "answer": 4.0}.get(node.role, 0.0)
        gap = {"query": 4.0, "answer": 5.0}.get(node.role, 0.0)
        lead = {"query": "Query, ", "answer": f"Answer {node.mark}".strip() + ", "}.get(
            node.role, ""
        )
        count = degree[node.id]
        drawn.append(
            DrawnNode(
                id=node.id,
                label=node.label,
                short=shorten(node.label),
                lines=lines,
                name=f"{lead}{node.type or kind.name} {shorten(node.label, 200)}, "
                f"hop {node.layer}, {count} edge{'' if count == 1 else 's'}",
                kind=kind.name,
                tag=kind.tag,
                fill=kind.fill,
                role=node.role,
                mark=node.mark,
                layer=node.layer,
                x=x,
                y=y,
                path=outline_path(kind.shape, (x, y), RADIUS),
                ring=outline_path(kind.shape, (x, y), RADIUS, gap) if gap else "",
                ring_width=ring_width,
                label_x=x if below else x + 1.25 * RADIUS + 12,
                label_y=y - RADIUS - 9 - NAME_LINE * (len(lines) - 1)
                if above
                else y + RADIUS + 22
                if below
                else y + 4.5 - NAME_LINE / 2 * (len(lines) - 1),
                anchor="middle" if below else "start",
            )
        )
    return tuple(drawn)


def _draw_edges(
    edges: Sequence[Edge],
    chains: Mapping[str, list[curve.Cubic]],
    widths: Mapping[str, float],
    nodes: Sequence[DrawnNode],
) -> tuple[DrawnEdge, ...]:
    names = {node.id: node.label for node in nodes}
    boxes = [box for node in nodes for box in _node_boxes(node)]
    spots = label_spots(
        [replace(edge, label="") if edge.bare else edge for edge in edges], chains, widths, boxes
    )
    drawn = []
    for edge in edges:
        width = widths[edge.id]
        tip = chains[edge.id][-1][3]
        long = 0.0 if edge.arrow == "none" else 3.0 if edge.arrow == "bar" else 8.0 + 1.4 * width
        body = curve.shortened(chains[edge.id], long) if long else chains[edge.id]
        spot = spots[edge.id]
        status = "" if edge.status == "shown" else f", {edge.status}"
        drawn.append(
            DrawnEdge(
                id=edge.id,
                source=edge.source,
                target=edge.target,
                label=edge.label,
                short="" if edge.bare else shorten(edge.label, MAX_EDGE_LABEL),
                name=f"{shorten(names[edge.source], 200)} {shorten(edge.label, 200)} "
                f"{shorten(names[edge.target], 200)}, weight {edge.weight:.2f}{status}",
                weight=edge.weight,
                status=edge.status,
                color=STATUSES[edge.status],
                dash=DASHES.get(edge.status, DASHES["against"] if edge.against else ""),
                double=edge.status in DOUBLE,
                width=width,
                path=curve.path(body),
                head=curve.arrowhead(body[-1][3], tip, width, edge.arrow),
                label_x=spot.x,
                label_y=spot.y,
                label_width=spot.size,
                label_above=spot.above or edge.bare,
            )
        )
    return tuple(drawn)


def _node_boxes(node: DrawnNode) -> list[Box]:
    reach = 1.25 * RADIUS + 2
    text = name_width(node.lines)
    left = node.label_x - (text / 2 if node.anchor == "middle" else 0)
    bottom = node.label_y + NAME_LINE * (len(node.lines) - 1) + 4
    return [
        (node.x - reach, node.y - reach, node.x + reach, node.y + reach),
        (left, node.label_y - NAME_FONT, left + text, bottom),
    ]


def _bounds(
    nodes: Sequence[DrawnNode],
    edges: Sequence[DrawnEdge],
    chains: Mapping[str, Sequence[curve.Cubic]],
) -> Box:
    boxes = [box for node in nodes for box in _node_boxes(node)]
    for edge in edges:
        half = edge.label_width / 2
        boxes.append((edge.label_x - half, edge.label_y - 9, edge.label_x + half, edge.label_y + 9))
        boxes.extend((x, y, x, y) for x, y in curve.sample(chains[edge.id]))
    if not boxes:
        return (0.0, 0.0, 0.0, 0.0)
    return (
        min(box[0] for box in boxes),
        min(box[1] for box in boxes),
        max(box[2] for box in boxes),
        max(box[3] for box in boxes),
    )
