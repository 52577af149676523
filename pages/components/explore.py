"""Explore mode: nodes that can be dragged about, through streamlit-agraph.

The component writes a node's `title` into the page as HTML and opens it as an address on a double
click. So this adapter is the only place that uses it, and it passes no `title`, generated ids
only, and labels in which every sign with a meaning in HTML is replaced by one that looks alike.
The picture of record is `evidence_view`.
"""

from streamlit_agraph import Config, Edge, Node, agraph

from core.render.drawing import GraphDrawing
from core.render.palette import THEMES
from pages.components import frame

LOOK_ALIKES = str.maketrans({"<": "‹", ">": "›", '"': "″", "'": "′", "&": "＆"})
MAX_LABEL = 60
NOTHING_TO_OPEN = {"innerHTML": ""}  # what a double click would open as an address
HEIGHT = 480


def safe_label(text: str) -> str:
    """One line of at most 60 characters without signs that HTML could read."""
    line = " ".join(text.split())
    line = line if len(line) <= MAX_LABEL else line[: MAX_LABEL - 1] + "…"
    return line.translate(LOOK_ALIKES)


def safe_graph(drawing: GraphDrawing, theme: str) -> tuple[list[Node], list[Edge]]:
    """Nodes and edges for the component, without `title`, with ids n1, n2, …"""
    colors = THEMES[theme]
    ids = {node.id: f"n{number}" for number, node in enumerate(drawing.nodes, start=1)}
    nodes = [
        Node(
            id=ids[node.id],
            label=safe_label(node.label),
            shape="dot",
            size=18,
            color={"background": node.fill, "border": colors["ink"]},
            borderWidth={"query": 3, "answer": 6}.get(node.role, 1),
            font={"color": colors["text"], "size": 14},
            x=node.x * 1.2,
            y=node.y * 1.2,
            div=NOTHING_TO_OPEN,
        )
        for node in drawing.nodes
    ]
    edges = [
        Edge(
            source=ids[edge.source],
            target=ids[edge.target],
            label=safe_label(edge.label),
            color=colors[edge.color],
            width=edge.width,
            dashes=edge.status == "removed",
            font={
                "color": colors["text"],
                "size": 12,
                "strokeWidth": 4,
                "strokeColor": colors["background"],
            },
        )
        for edge in drawing.edges
    ]
    for item in (*nodes, *edges):
        vars(item).pop("title", None)
    return nodes, edges


def show_explore(drawing: GraphDrawing) -> str | None:
    """Show the draggable graph; return the id of the selected node, None if none is."""
    theme = frame.theme()
    nodes, edges = safe_graph(drawing, theme)
    config = Config(height=HEIGHT, directed=True, physics=False)
    config.width = "100%"
    config.groups = {}  # the default null is refused by the drawing library
    selected = agraph(nodes=nodes, edges=edges, config=config)
    back = {f"n{number}": node.id for number, node in enumerate(drawing.nodes, start=1)}
    return back.get(selected) if isinstance(selected, str) else None
