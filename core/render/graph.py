"""Evidence graphs as drawings: from nodes and weighted edges to a specification ready to paint.

The specification holds every path and position, so that the picture in the page, the exported SVG
and the PNG are the same. Queries are left, answers right, one column per hop (`orientation` "down"
turns this by 90° for narrow windows). Distances are pixels at a scale of 1, y points down.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.evidence.bundle import Bundle, Place
from core.render import curve
from core.render.layout import lay_out
from core.render.palette import ASKED_DRUGS, KINDS, OTHER, Point, find_kind, outline, outline_path

SIZES = {"default": (15, 25), "more": (35, 70), "all": (75, 150)}
MAX_LABEL = 18  # characters of a name on one line, or of the first of two lines
MAX_SECOND_LINE = 24
MAX_EDGE_LABEL = 24
RADIUS = 21.0
NAME_FONT = 13
NAME_LINE = 16.0  # from one line of a name to the next
EDGE_FONT = 12
MARGIN = 26.0
MIN_WIDTH, MAX_WIDTH = 1.0, 6.0
STAGGER = 54.0
FAN = 40.0  # between parallel edges
OBSTACLE_STEP = 4  # of the points along an edge that a label avoids
CELL = 24.0  # of the grid in which these points are kept
SHARES = (0.5, *(0.5 + side * step / 100 for step in range(4, 37, 4) for side in (-1, 1)))
ROUNDS = 3  # of placing every label among the others
FLAT = 0.3  # slope below which a label stands above its edge
STATUSES = {"shown": "ink", "kept": "kept", "removed": "removed", "added": "added"}
STATUS_WORDS = {
    "kept": "solid blue = enough on its own",
    "removed": "dashed grey = not needed",
    "added": "double brown = added by you",
}
DASHES = {"removed": "6 4", "against": "2 4"}
AGAINST = "dotted = the path goes against the arrow"
WEIGHT_WORDS = {
    "deletion effect": "width = how much the score falls without this edge",
    "attention": "width = attention (not proof)",
}


@dataclass(frozen=True)
class Node:
    """A node to draw.

    Attributes:
        id: unique.
        label: full name.
        type: type word, see `palette.find_kind`.
        layer: hop, 0 for the query.
        role: query, answer or other.
        mark: "?" for a predicted answer, "✓" for a known one, empty otherwise.
    """

    id: str
    label: str
    type: str = ""
    layer: int = 0
    role: str = "other"
    mark: str = ""


@dataclass(frozen=True)
class Edge:
    """An edge to draw, from source to target as the fact states it.

    Attributes:
        id: unique.
        source: node id.
        target: node id.
        label: name of the relation.
        weight: its size gives the width.
        status: shown, kept, removed or added.
        arrow: forward, bar (repression) or none.
        origin: where the fact comes from, for the table.
        against: whether the path goes from its target to its source.
    """

    id: str
    source: str
    target: str
    label: str
    weight: float = 0.0
    status: str = "shown"
    arrow: str = "forward"
    origin: str = ""
    against: bool = False


@dataclass(frozen=True)
class DrawnNode:
    """A node with its geometry.

    `name` is what a screen reader says, `short` fits one line, `lines` are drawn below each other.
    """

    id: str
    label: str
    short: str
    lines: tuple[str, ...]
    name: str
    kind: str
    tag: str
    fill: str
    role: str
    mark: str
    layer: int
    x: float
    y: float
    path: str
    ring: str
    ring_width: float
    label_x: float
    label_y: float
    anchor: str


@dataclass(frozen=True)
class DrawnEdge:
    """An edge with its geometry.

    `color` is a key of `palette.THEMES`; a label that does not stand above its line covers it.
    """

    id: str
    source: str
    target: str
    label: str
    short: str
    name: str
    weight: float
    status: str
    color: str
    dash: str
    double: bool
    width: float
    path: str
    head: str
    label_x: float
    label_y: float
    label_width: float
    label_above: bool


@dataclass(frozen=True)
class LegendEntry:
    """One sign of the legend: a node kind (shape path around 0, 0) or a line style."""

    text: str
    path: str = ""
    fill: str = ""
    tag: str = ""
    color: str = ""
    dash: str = ""
    double: bool = False
    ring_width: float = 0.0


@dataclass(frozen=True)
class GraphDrawing:
    """A picture of evidence, ready to paint, with its equivalent in words and as a table.

    Attributes:
        title: short title.
        summary: accessible name: counts and the strongest edge.
        notice: "Showing the 25 strongest of 1,204 edges." or empty.
        width_note: what the width of an edge means.
        left: smallest x of the picture.
        top: smallest y of the picture.
        width: pixels.
        height: pixels.
        orientation: right or down.
        nodes: in reading order.
        edges: strongest last, so that they are painted on top.
        legend: signs that occur.
        rows: the table twin, one row per drawn edge, strongest first.
        permalink: address of the answer, empty when there is none.
        data_version: name and digest of the data.
    """

    title: str
    summary: str
    notice: str
    width_note: str
    left: int
    top: int
    width: int
    height: int
    orientation: str
    nodes: tuple[DrawnNode, ...]
    edges: tuple[DrawnEdge, ...]
    legend: tuple[LegendEntry, ...]
    rows: tuple[Mapping[str, Any], ...]
    permalink: str = ""
    data_version: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


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
        weight_kind: what the weight is; a key of `WEIGHT_WORDS` or any words.
        orientation: right or down.
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
    centres, bends = _place(chosen_nodes, chosen_edges, orientation)
    if positions and all(node.id in positions for node in chosen_nodes):
        centres = {node.id: positions[node.id] for node in chosen_nodes}
    chains = _route(chosen_nodes, chosen_edges, centres, bends)
    painted = sorted(chosen_edges, key=lambda edge: abs(edge.weight))
    widths = _widths(chosen_edges)
    drawn_nodes = _draw_nodes(chosen_nodes, chosen_edges, centres, orientation)
    drawn_edges = _draw_edges(painted, chains, widths, drawn_nodes)
    left, top, right, bottom = _bounds(drawn_nodes, drawn_edges, chains)
    return GraphDrawing(
        title=title,
        summary=_summary(title, chosen_nodes, chosen_edges, notice),
        notice=notice,
        width_note=_width_note(chosen_edges, weight_kind),
        left=math.floor(left - MARGIN),
        top=math.floor(top - MARGIN),
        width=math.ceil(right - left + 2 * MARGIN),
        height=math.ceil(bottom - top + 2 * MARGIN),
        orientation=orientation,
        nodes=drawn_nodes,
        edges=drawn_edges,
        legend=_legend(chosen_nodes, chosen_edges),
        rows=_rows(chosen_nodes, chosen_edges, weight_kind),
        permalink=permalink,
        data_version=data_version,
    )


def draw_bundle(
    bundle: Bundle, *, size: str = "default", orientation: str = "right", permalink: str = ""
) -> GraphDrawing:
    """Draw the edges of an Evidence Bundle.

    Minimal evidence, where computed, is shown as kept and the rest of it as removed; edges of the
    overlay are shown as added. Stored positions are used for the orientation "right".
    """
    mark = {True: "✓", False: "?", None: ""}[bundle.answer.known]
    nodes = [
        Node(
            place.id, place.label, place.type, place.layer, place.role,
            mark if place.role == "answer" else "",
        )
        for place in bundle.layout
    ]  # fmt: skip
    layers = {place.id: place.layer for place in bundle.layout}
    added = {edit.fact for edit in bundle.overlay if edit.op == "add"}
    kept = set(bundle.minimal.ids) if bundle.minimal else set()
    removed = set(bundle.minimal.removed) if bundle.minimal else set()
    edges = [
        Edge(
            item.id,
            item.source,
            item.target,
            item.relation,
            item.weight or 0.0,
            "added" if item.fact and item.fact in added
            else "kept" if item.id in kept
            else "removed" if item.id in removed
            else "shown",
            origin=item.provenance.source,
            against=bundle.domain == "ddi" and layers[item.source] > layers[item.target],
        )
        for item in bundle.evidence
        if item.source and item.target
    ]  # fmt: skip
    stored = {
        place.id: (place.x, place.y)
        for place in bundle.layout
        if place.x is not None and place.y is not None
    }
    kinds = Counter(item.weight_kind for item in bundle.evidence if item.weight_kind)
    return draw_graph(
        nodes,
        edges,
        title=f"Evidence for {shorten(bundle.answer.value, 60)}",
        size=size,
        weight_kind=kinds.most_common(1)[0][0] if kinds else "deletion effect",
        orientation=orientation,
        positions=stored if orientation == "right" and stored else None,
        permalink=permalink,
        data_version=" ".join(
            word
            for word in (bundle.data.name, bundle.data.version, bundle.data.sha256[:12])
            if word
        ),
    )


def with_positions(bundle: Bundle, *, size: str = "default") -> Bundle:
    """The bundle with the positions of its drawn nodes stored in the layout."""
    bare = replace(bundle, layout=tuple(replace(p, x=None, y=None) for p in bundle.layout))
    drawing = draw_bundle(bare, size=size)
    found = {node.id: (node.x, node.y) for node in drawing.nodes}

    def moved(place: Place) -> Place:
        x, y = found.get(place.id, (None, None))
        return replace(place, x=x, y=y)

    return replace(bundle, layout=tuple(map(moved, bare.layout)))


def shorten(text: str, limit: int = MAX_LABEL) -> str:
    """At most `limit` characters on one line; a cut is marked by an ellipsis."""
    line = " ".join(text.split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def split_name(text: str) -> tuple[str, ...]:
    """A name on one or two lines, cut between words where it can be."""
    line = " ".join(text.split())
    if len(line) <= MAX_LABEL:
        return (line,)
    cut = line.rfind(" ", 1, MAX_LABEL + 1)
    cut = MAX_LABEL if cut < 0 else cut
    return line[:cut], shorten(line[cut:], MAX_SECOND_LINE)


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


def _text_width(text: str, font: float) -> float:
    """Estimated width: wide scripts take a full em, others 0.53 em."""
    return font * sum(1.0 if ord(letter) > 0x2E80 else 0.53 for letter in text)


def _place(
    nodes: Sequence[Node], edges: Sequence[Edge], orientation: str
) -> tuple[dict[str, Point], dict[str, list[Point]]]:
    layers = {node.id: node.layer for node in nodes}
    names = {node.id: _name_width(split_name(node.label)) for node in nodes}
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
                _text_width(shorten(edge.label, MAX_EDGE_LABEL), EDGE_FONT)
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


def _route(
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


def _widths(edges: Sequence[Edge]) -> dict[str, float]:
    top = max((abs(edge.weight) for edge in edges), default=0.0)
    span = MAX_WIDTH - MIN_WIDTH
    return {
        edge.id: round(MIN_WIDTH + (span * abs(edge.weight) / top if top else 0.0), 2)
        for edge in edges
    }


def _width_note(edges: Sequence[Edge], weight_kind: str) -> str:
    """What the width is, and the value of the widest edge: widths are relative to it."""
    note = WEIGHT_WORDS.get(weight_kind, f"width = {weight_kind}")
    if not edges:
        return note
    top = max(abs(edge.weight) for edge in edges)
    return f"{note}; thickest: {show_weight(top)}"


def show_weight(weight: float) -> str:
    """Three digits; a small weight is never a rounded 0."""
    if weight and abs(weight) < 0.0005:
        return "<0.001" if weight > 0 else ">−0.001"
    return f"{weight:.3f}".replace("-", "−")


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
        below = orientation == "right"
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
                label_y=y + RADIUS + 22 if below else y + 4.5 - NAME_LINE / 2 * (len(lines) - 1),
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
    spots = _label_spots(edges, chains, widths, boxes)
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
                short=shorten(edge.label, MAX_EDGE_LABEL),
                name=f"{shorten(names[edge.source], 200)} {shorten(edge.label, 200)} "
                f"{shorten(names[edge.target], 200)}, weight {edge.weight:.2f}{status}",
                weight=edge.weight,
                status=edge.status,
                color=STATUSES[edge.status],
                dash=DASHES.get(edge.status, DASHES["against"] if edge.against else ""),
                double=edge.status == "added",
                width=width,
                path=curve.path(body),
                head=curve.arrowhead(body[-1][3], tip, width, edge.arrow),
                label_x=spot.x,
                label_y=spot.y,
                label_width=spot.size,
                label_above=spot.above,
            )
        )
    return tuple(drawn)


Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class _Spot:
    """A place for a label: its middle, its width, whether it stands above its line, its price."""

    x: float
    y: float
    size: float
    above: bool
    price: float

    @property
    def box(self) -> Box:
        return _label_box(self.x, self.y, self.size)


def _name_width(lines: Sequence[str]) -> float:
    return max(_text_width(line, NAME_FONT) for line in lines)


def _node_boxes(node: DrawnNode) -> list[Box]:
    reach = 1.25 * RADIUS + 2
    text = _name_width(node.lines)
    left = node.label_x - (text / 2 if node.anchor == "middle" else 0)
    bottom = node.label_y + NAME_LINE * (len(node.lines) - 1) + 4
    return [
        (node.x - reach, node.y - reach, node.x + reach, node.y + reach),
        (left, node.label_y - NAME_FONT, left + text, bottom),
    ]


def _label_spots(
    edges: Sequence[Edge],
    chains: Mapping[str, Sequence[curve.Cubic]],
    widths: Mapping[str, float],
    nodes: Sequence[Box],
) -> dict[str, _Spot]:
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
    chosen: dict[str, _Spot] = {}
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
) -> list[_Spot]:
    """Places along the edge: above flat parts, on steep ones, priced by what lies below them."""
    size = _text_width(shorten(edge.label, MAX_EDGE_LABEL), EDGE_FONT)
    found = []
    for share in SHARES:
        x, y = curve.along(points, share)
        before, after = curve.along(points, share - 0.05), curve.along(points, share + 0.05)
        above = abs(after[1] - before[1]) < FLAT * abs(after[0] - before[0])
        y -= 9 + width / 2 if above else 0
        spot = _Spot(x, y, size, above, 0.0)
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


def _hidden(spot: _Spot, box: Box) -> float:
    """The price of covering a part of a box."""
    return 60.0 * _overlap(spot.box, box) / (18 * (spot.size + 6))


def _label_box(x: float, y: float, size: float) -> Box:
    return (x - size / 2 - 3, y - 9, x + size / 2 + 3, y + 9)


def _overlap(one: Box, two: Box) -> float:
    wide = min(one[2], two[2]) - max(one[0], two[0])
    high = min(one[3], two[3]) - max(one[1], two[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _summary(title: str, nodes: Sequence[Node], edges: Sequence[Edge], notice: str) -> str:
    counts = (
        f"{len(nodes)} node{'' if len(nodes) == 1 else 's'}, "
        f"{len(edges)} edge{'' if len(edges) == 1 else 's'}"
    )
    parts = [f"{title}: {counts}"]
    if edges:
        names = {node.id: shorten(node.label, 60) for node in nodes}
        top = max(edges, key=lambda edge: abs(edge.weight))
        parts.append(
            f"strongest edge {names[top.source]} {shorten(top.label, 60)} {names[top.target]} "
            f"({top.weight:.2f})"
        )
    return "; ".join(parts) + "." + (f" {notice}" if notice else "")


def _legend(nodes: Sequence[Node], edges: Sequence[Edge]) -> tuple[LegendEntry, ...]:
    entries = []
    roles = {node.role for node in nodes}
    if "query" in roles:
        entries.append(LegendEntry("query", outline_path("circle", (0, 0), 5), ring_width=1.5))
    if "answer" in roles:
        entries.append(LegendEntry("answer", outline_path("circle", (0, 0), 5), ring_width=4.0))
    present = {find_kind(node.type) for node in nodes}
    entries += [
        LegendEntry(kind.name, outline_path(kind.shape, (0, 0), 9), kind.fill, kind.tag)
        for kind in (*ASKED_DRUGS, *KINDS, OTHER)
        if kind in present
    ]
    statuses = {edge.status for edge in edges}
    entries += [
        LegendEntry(words, color=status, dash=DASHES.get(status, ""), double=status == "added")
        for status, words in STATUS_WORDS.items()
        if status in statuses
    ]
    if any(edge.against for edge in edges):
        entries.append(LegendEntry(AGAINST, color="ink", dash=DASHES["against"]))
    return tuple(entries)


def _rows(
    nodes: Sequence[Node], edges: Sequence[Edge], weight_kind: str
) -> tuple[dict[str, Any], ...]:
    by_id = {node.id: node for node in nodes}
    ordered = sorted(edges, key=lambda edge: -abs(edge.weight))
    return tuple(
        {
            "No.": row,
            "From": by_id[edge.source].label,
            "Relation": edge.label,
            "To": by_id[edge.target].label,
            "Hop": max(by_id[edge.source].layer, by_id[edge.target].layer),
            weight_kind.capitalize(): edge.weight,
            "Status": edge.status,
            "Source": edge.origin,
        }
        for row, edge in enumerate(ordered, start=1)
    )


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
