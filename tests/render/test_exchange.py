"""Exports read back with the same nodes and edges."""

import csv
import io
import json
from dataclasses import replace

import networkx
import pytest

from core.evidence.bundle import (
    Answer,
    Bundle,
    Data,
    EvidenceItem,
    Model,
    Place,
    Provenance,
    Reduced,
)
from core.render.bundle import with_positions
from core.render.exchange import to_csv, to_cx2, to_cytoscape, to_graphml, to_sif

HOSTILE = "<img src=x onerror=document.title='X'>"


def example() -> Bundle:
    return with_positions(
        Bundle(
            id="x", domain="kg", created="2026-11-21T03:00:00Z", query={},
            answer=Answer("C", "entity", 0.9), model=Model("m", "1"),
            data=Data("d", "2", "ab", "MIT"),
            evidence=(
                EvidenceItem("e1", "edge", "A likes B", "n1", "n2", "likes", 0.5, "attention",
                             Provenance("Set", "MIT", "u", "2026-01-01"), "p", 1, ("A", "l", "B")),
                EvidenceItem("e2", "edge", "A knows B", "n1", "n2", "=knows", -0.25,
                             fact=(1, 2, 3)),
                EvidenceItem("e3", "edge", "B likes C", "n2", "n3", "likes"),
                EvidenceItem("e4", "rating", "five stars"),
            ),
            layout=(
                Place("n1", HOSTILE, "person", "query", 0),
                Place("n2", "=B \x07", "", "other", 1),
                Place("n3", "C & é", "drug", "answer", 2),
            ),
            minimal=Reduced(("e1", "e3"), 0.9),
        )
    )  # fmt: skip


def test_graphml_reads_back():
    graph = networkx.parse_graphml(to_graphml(example()))
    assert (graph.number_of_nodes(), graph.number_of_edges()) == (3, 3)
    assert graph.nodes["n1"]["name"] == HOSTILE
    assert graph.nodes["n2"]["name"] == "=B \ufffd"
    assert graph.nodes["n3"]["layer"] == 2
    edges = {key: (*ends, data) for *ends, key, data in graph.edges(keys=True, data=True)}
    assert set(edges) == {"e1", "e2", "e3"}
    assert edges["e2"][2]["weight"] == -0.25
    assert edges["e1"][2]["interaction"] == "likes"
    assert edges["e1"][2]["minimal"] is True
    assert edges["e2"][2]["minimal"] is False
    assert graph.graph["licence"] == "MIT"
    assert graph.graph["prediction"] == "x"


def test_cx2_has_the_structure_of_the_format():
    bundle = example()
    document = json.loads(json.dumps(to_cx2(bundle), allow_nan=False))
    assert document[0] == {"CXVersion": "2.0", "hasFragments": False}
    assert document[-1] == {"status": [{"success": True}]}
    assert all(len(aspect) == 1 for aspect in document[1:])
    aspects = {name: value for aspect in document[1:] for name, value in aspect.items()}
    assert list(aspects) == [
        "metaData", "attributeDeclarations", "networkAttributes", "nodes", "edges", "status",
    ]  # fmt: skip
    counts = {entry["name"]: entry["elementCount"] for entry in aspects["metaData"]}
    for name, count in counts.items():
        assert len(aspects[name]) == count
    assert (counts["nodes"], counts["edges"]) == (3, 3)
    (declared,) = aspects["attributeDeclarations"]
    kinds = {"string": str, "double": float, "integer": int, "boolean": bool}
    ids = [node["id"] for node in aspects["nodes"]]
    assert ids == [0, 1, 2]
    for name in ("nodes", "edges"):
        for element in aspects[name]:
            for key, value in element["v"].items():
                assert type(value) is kinds[declared[name][key]["d"]], key
    for key, value in aspects["networkAttributes"][0].items():
        assert declared["networkAttributes"][key] == {"d": "string"}
        assert isinstance(value, str)
    for node in aspects["nodes"]:
        assert isinstance(node["x"], float)
    assert [(e["id"], e["s"], e["t"]) for e in aspects["edges"]] == [
        (0, 0, 1),
        (1, 0, 1),
        (2, 1, 2),
    ]
    assert aspects["edges"][1]["v"]["interaction"] == "=knows"
    assert aspects["edges"][0]["v"]["minimal"] is True


def test_cytoscape_json():
    document = json.loads(json.dumps(to_cytoscape(example()), allow_nan=False))
    nodes, edges = document["elements"]["nodes"], document["elements"]["edges"]
    assert [node["data"]["id"] for node in nodes] == ["n1", "n2", "n3"]
    assert nodes[0]["data"]["name"] == HOSTILE
    assert set(nodes[0]["position"]) == {"x", "y"}
    assert [(e["data"]["source"], e["data"]["target"]) for e in edges] == [
        ("n1", "n2"), ("n1", "n2"), ("n2", "n3"),
    ]  # fmt: skip
    assert edges[1]["data"]["weight"] == -0.25
    assert document["data"]["name"] == "Evidence for C"


def test_sif_has_a_line_for_each_edge_by_names_on_one_line():
    assert to_sif(example()).splitlines() == [
        f"{HOSTILE}\tlikes\t=B \ufffd", f"{HOSTILE}\t=knows\t=B \ufffd", "=B \ufffd\tlikes\tC & é",
    ]  # fmt: skip
    bundle = example()
    places = (replace(bundle.layout[0], label="a\tb\nc"), *bundle.layout[1:])
    assert to_sif(replace(bundle, layout=places)).startswith("a b c\tlikes\t")
    places = tuple(replace(place, label="same") for place in bundle.layout)
    items = tuple(replace(item, relation=" ") for item in bundle.evidence)
    assert to_sif(replace(bundle, layout=places, evidence=items)).splitlines() == [
        "n1\trelated\tn2", "n1\trelated\tn2", "n2\trelated\tn3",
    ]  # fmt: skip


def test_formats_without_positions_and_without_reduction():
    bundle = example()

    bare = replace(
        bundle, minimal=None, layout=tuple(replace(p, x=None, y=None) for p in bundle.layout)
    )
    assert "position" not in to_cytoscape(bare)["elements"]["nodes"][0]
    assert "minimal" not in to_cytoscape(bare)["elements"]["edges"][0]["data"]
    cx2 = to_cx2(bare)
    assert set(cx2[4]["nodes"][0]) == {"id", "v"}
    assert networkx.parse_graphml(to_graphml(bare)).number_of_edges() == 3


def test_csv_lists_every_item_and_is_safe_in_spreadsheets():
    text = to_csv(example())
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["id"] for row in rows] == ["e1", "e2", "e3", "e4"]
    assert rows[0]["source"] == HOSTILE
    assert rows[0]["weight"] == "0.5"
    assert rows[1]["weight"] == "-0.25"
    assert rows[1]["relation"] == "'=knows"
    assert rows[0]["target"].startswith("'=B")
    assert (rows[0]["head_id"], rows[0]["relation_id"], rows[0]["tail_id"]) == ("A", "l", "B")
    assert [row["in_minimal_set"] for row in rows] == ["yes", "no", "yes", "no"]
    assert rows[3]["hop"] == rows[3]["weight"] == ""


@pytest.mark.parametrize("export", [to_graphml, to_cx2, to_cytoscape])
def test_a_bundle_without_evidence_exports(export):

    assert export(replace(example(), evidence=(), minimal=None, layout=()))
