"""What every evidence pane has: the drawing for wide and narrow windows, and free exploration."""

import json
from dataclasses import dataclass
from functools import partial

import streamlit as st

from core.evidence.bundle import Bundle
from core.render import exchange, svg
from core.render.bundle import draw_bundle, with_positions
from core.render.drawing import GraphDrawing
from pages.components import evidence_view, explore
from pages.components.exports import Export

SIZE = "more"


@dataclass(frozen=True)
class Opened:
    """The evidence as it is shown.

    Attributes:
        bundle: the whole evidence.
        drawing: what is drawn now.
    """

    bundle: Bundle
    drawing: GraphDrawing


def draw(bundle: Bundle, permalink: str) -> tuple[GraphDrawing, GraphDrawing]:
    """The evidence from left to right, and as narrow windows show it."""
    drawing, narrow = (
        draw_bundle(bundle, size=SIZE, orientation=way, permalink=permalink)
        for way in ("right", "down")
    )
    return drawing, min(narrow, drawing, key=lambda each: each.width)  # wide layers stay columns


def show_graph(drawing: GraphDrawing, narrow: GraphDrawing, *, key: str) -> str | None:
    """The picture; returns the id of what is selected in it."""
    return evidence_view.show_evidence(drawing, key=f"{key}_evidence_graph", narrow=narrow)


def show_explore(drawing: GraphDrawing, *, key: str) -> None:
    """The free arrangement, when asked for."""
    if st.toggle("Show nodes that can be dragged about", key=f"{key}_explore"):
        explore.show_explore(drawing)
    else:
        st.markdown(
            "A free arrangement of the same facts, for the mouse. The picture of "
            "record, with keyboard access and exports, is under **Graph**."
        )


def bundle_exports(shown: Bundle, drawing: GraphDrawing) -> list[Export]:
    """The evidence in the formats of other tools."""
    bundle = with_positions(shown, size=SIZE)
    json_type = "application/json"
    return [
        Export("JSON", "evidence-bundle.json", json_type, bundle.dumps),
        Export("GraphML", "evidence.graphml", "application/xml",
               partial(exchange.to_graphml, bundle)),
        Export("CX2", "evidence.cx2", json_type, lambda: json.dumps(exchange.to_cx2(bundle))),
        Export("Cytoscape", "evidence.cyjs", json_type,
               lambda: json.dumps(exchange.to_cytoscape(bundle))),
        Export("SIF", "evidence.sif", "text/plain", partial(exchange.to_sif, bundle)),
        Export("SVG", "evidence.svg", "image/svg+xml", partial(svg.draw_svg, drawing)),
    ]  # fmt: skip
