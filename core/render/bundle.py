"""Evidence Bundles as drawings."""

from collections import Counter
from dataclasses import replace

from core.evidence.bundle import Bundle, Place
from core.render.drawing import Edge, GraphDrawing, Node
from core.render.graph import draw_graph
from core.render.text import shorten

REPRESSES = "represses"  # the relation that ends in a bar
REGULATION = {
    "kept": "prior kept", "refused": "refused", "new": "new", "contradicted": "contradicted",
}  # fmt: skip


def draw_bundle(
    bundle: Bundle, *, size: str = "default", orientation: str = "right", permalink: str = ""
) -> GraphDrawing:
    """Draw the edges of an Evidence Bundle.

    Minimal evidence, where computed, is shown as kept and the rest of it as removed; edges of the
    overlay are shown as added. Stored positions are used for the orientation "right". Edges of a
    regulator show instead what became of them beside the prior; its targets stand around it, and
    for "down" in one column.
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
    regulates = bundle.domain == "grn"
    edges = [
        Edge(
            item.id,
            item.source,
            item.target,
            item.relation,
            item.weight or 0.0,
            REGULATION[item.group] if regulates
            else "added" if item.fact and item.fact in added
            else "kept" if item.id in kept
            else "removed" if item.id in removed
            else "shown",
            arrow="bar" if regulates and item.relation == REPRESSES else "forward",
            origin=item.provenance.source,
            against=bundle.domain == "ddi" and layers[item.source] > layers[item.target],
            bare=regulates,
        )
        for item in bundle.evidence
        if item.source and item.target
    ]  # fmt: skip
    stored = {
        place.id: (place.x, place.y)
        for place in bundle.layout
        if place.x is not None and place.y is not None
    }
    way = {"right": "around", "down": "right"}[orientation] if regulates else orientation
    kinds = Counter(
        item.weight_kind
        for item in bundle.evidence
        if item.weight_kind and item.source and item.target
    )
    return draw_graph(
        nodes,
        edges,
        title=f"Evidence for {shorten(bundle.answer.value, 60)}",
        size=size,
        weight_kind=kinds.most_common(1)[0][0] if kinds else "deletion effect",
        orientation=way,
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
