"""Evidence Bundles as drawings: reduction, edits, stored positions."""

from dataclasses import replace

from core.evidence.bundle import (
    Answer,
    Bundle,
    Data,
    Edit,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.render.bundle import draw_bundle, with_positions
from tests.render.royals import EDGES, NODES


def bundle(**changes):
    value = Bundle(
        id="x", domain="kg", created="2026-11-21T03:00:00Z", query={},
        answer=Answer("Nicholas II", "entity", 0.9, known=False),
        model=Model("redgnn-family"), data=Data("family", "2", "ab" * 32),
        evidence=tuple(
            EvidenceItem(e.id, "edge", e.label, e.source, e.target, e.label, e.weight,
                         "attention", Provenance("Family"), fact=(e.source, e.label, e.target))
            for e in EDGES
        ),
        layout=tuple(Place(n.id, n.label, n.type, n.role, n.layer) for n in NODES),
    )  # fmt: skip
    return replace(value, **changes)


def test_a_bundle_is_drawn_with_its_reduction_and_its_edits():
    value = bundle(
        minimal=Reduced(("e1", "e3"), 0.9, removed=("e2",)),
        overlay=(Edit("add", EDGES[3] and ("b", "uncle of", "z")),),
    )
    drawing = draw_bundle(value, permalink="https://example.org/?id=x")
    assert {edge.id: edge.status for edge in drawing.edges} == {
        "e1": "kept", "e3": "kept", "e2": "removed", "e4": "added",
    }  # fmt: skip
    assert drawing.title == "Evidence for Nicholas II"
    assert drawing.data_version == "family 2 abababababab"
    assert drawing.permalink == "https://example.org/?id=x"
    assert drawing.width_note == "width = attention (not proof); thickest: 0.900"
    assert drawing.rows[0]["Source"] == "Family"
    marks = {node.id: node.mark for node in drawing.nodes}
    assert marks == {"q": "", "a": "", "b": "", "z": "?"}
    known = draw_bundle(replace(value, answer=replace(value.answer, known=True)))
    assert {node.mark for node in known.nodes} == {"", "✓"}


def test_stored_positions_give_the_same_picture_and_are_obeyed():
    plain = bundle()
    stored = with_positions(plain)
    assert all(place.x is not None for place in stored.layout)
    assert draw_bundle(stored) == draw_bundle(plain)
    moved = replace(
        stored, layout=tuple(replace(p, x=p.x + (50 if p.id == "z" else 0)) for p in stored.layout)
    )
    x = {node.id: node.x for node in draw_bundle(moved).nodes}
    before = {node.id: node.x for node in draw_bundle(stored).nodes}
    assert x["z"] == before["z"] + 50
    assert x["q"] == before["q"]
    assert draw_bundle(moved, orientation="down") == draw_bundle(plain, orientation="down")


def test_a_path_between_drugs_that_goes_against_an_arrow_is_dotted():
    found = bundle(domain="ddi")
    layers = {place.id: place.layer for place in found.layout}
    against = {e.id for e in found.evidence if layers[e.source] > layers[e.target]}
    turned = replace(found.evidence[0], id="turned", source=found.evidence[0].target,
                     target=found.evidence[0].source)  # fmt: skip
    drawing = draw_bundle(replace(found, evidence=(*found.evidence, turned)))
    dotted = {edge.id for edge in drawing.edges if edge.dash == "2 4"}
    assert dotted == against | {"turned"}
    assert any(entry.text.startswith("dotted = ") for entry in drawing.legend)
    assert not any(edge.dash for edge in draw_bundle(bundle()).edges)
