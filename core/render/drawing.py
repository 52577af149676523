"""What a drawing of evidence is made of: nodes and edges to draw, and the same with geometry."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


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
        status: a key of `palette.STATUSES`.
        arrow: forward, bar (repression) or none.
        origin: where the fact comes from, for the table.
        against: whether the path goes from its target to its source.
        bare: whether the label is left to the table and the accessible name.
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
    bare: bool = False


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
        orientation: right, down or around.
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
