import json

import networkx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

GRAPHML = "http://graphml.graphdrawing.org/xmlns"


@pytest.mark.parametrize("attribute", ["relation", "label", "type", "predicate", "interaction"])
def test_graphml_written_by_networkx(parse, facts, attribute):
    graph = networkx.MultiDiGraph()
    graph.add_node("n1", label="Ann <Lee>")
    graph.add_node("n2", label="Bob")
    graph.add_node("alone", label="Nobody")
    graph.add_edge("n1", "n2", **{attribute: "knows & likes", "weight": 0.5})
    graph.add_edge("n1", "n2", **{attribute: "hates", "weight": 1.5})
    text = "\n".join(networkx.generate_graphml(graph))
    upload = parse(text, "g.xml")
    assert upload.kind == "graphml"
    assert facts(upload) == [("n1", "knows & likes", "n2"), ("n1", "hates", "n2")]
    assert upload.graph.entities == ("n1", "n2", "alone")
    assert upload.graph.entity_names == ("Ann <Lee>", "Bob", "Nobody")
    assert upload.preview.columns[:2] == ("source", "target")


def test_graphml_keys_of_a_multigraph_and_chosen_attribute(parse, facts):
    graph = networkx.MultiDiGraph()
    graph.add_edge("a", "b", key="knows", since="1990")
    graph.add_edge("b", "c", key="knows", since="1991")
    text = "<!-- made by hand -->\n" + "\n".join(networkx.generate_graphml(graph))
    assert facts(parse(text)) == [("a", "knows", "b"), ("b", "knows", "c")]
    chosen = parse(text, columns={"relation": "since"})
    assert facts(chosen) == [("a", "1990", "b"), ("b", "1991", "c")]


def test_graphml_defaults_and_missing_values(parse, facts):
    text = (
        f'<?xml version="1.0" encoding="utf-16"?><graphml xmlns="{GRAPHML}">'
        '<key id="d0" for="edge" attr.name="relation"><default>knows</default></key>'
        '<graph edgedefault="undirected"><node id="a"/><node id="b"/>'
        '<edge source="a" target="b"/><edge source="b" target="a"><data key="d0">hates</data>'
        '</edge><edge source="" target="b"/></graph></graphml>'
    )
    upload = parse(text)
    assert facts(upload) == [("a", "knows", "b"), ("b", "hates", "a")]
    assert upload.problems[0].line == 3
    assert str(upload.notice).startswith("KG-E05 · Not a triple. Edge 3 has no name as head.")


def test_edges_without_a_relation_ask_for_one(refusal):
    graph = networkx.DiGraph()
    graph.add_edge("a", "b", weight=1.0)
    text = "\n".join(networkx.generate_graphml(graph))
    assert refusal(text) == (
        "UP-E04 · Column missing. I need the columns head, relation, tail; I found source, target, "
        "weight. Choose which is which below."
    )


CX2 = [
    {"CXVersion": "2.0", "hasFragments": False},
    {
        "attributeDeclarations": [
            {
                "nodes": {"name": {"a": "n", "d": "string"}},
                "edges": {"interaction": {"a": "i", "v": "binds"}},
            }
        ]
    },
    {"nodes": [{"id": 0, "x": 1.5, "v": {"n": "A"}}, {"id": 1, "v": {"n": "B"}}]},
    {"edges": [{"id": 0, "s": 0, "t": 1, "v": {}}, {"id": 1, "s": 1, "t": 0, "v": {"i": "cuts"}}]},
    {"status": [{"success": True}]},
]


def test_cx2_with_short_names_and_defaults(parse, facts):
    upload = parse(json.dumps(CX2), "net.txt")
    assert upload.kind == "cx2"
    assert facts(upload) == [("0", "binds", "1"), ("1", "cuts", "0")]
    assert upload.graph.entity_names == ("A", "B")


def test_older_cx(parse, facts):
    text = json.dumps(
        [
            {"nodes": [{"@id": 5, "n": "A"}, {"@id": 6, "n": "B"}]},
            {"edges": [{"@id": 7, "s": 5, "t": 6, "i": "binds"}]},
        ]
    )
    upload = parse(text)
    assert facts(upload) == [("5", "binds", "6")]
    assert upload.graph.entity_names == ("A", "B")


@pytest.mark.parametrize("flat", [True, False])
def test_cytoscape_network(parse, facts, flat):
    nodes = [{"data": {"id": "1", "name": "A"}}, {"data": {"id": "2", "label": "B"}}]
    edges = [{"data": {"id": "e", "source": "1", "target": "2", "interaction": "binds"}}]
    elements = nodes + edges if flat else {"nodes": nodes, "edges": edges}
    upload = parse(json.dumps({"elements": elements}, indent=1))
    assert upload.kind == "cytoscape"
    assert facts(upload) == [("1", "binds", "2")]
    assert upload.graph.entity_names == ("A", "B")


def test_lone_surrogates_of_json_never_reach_the_graph(parse, facts):
    edges = [
        {"data": {"source": "\ud800", "target": "b", "interaction": "r", "\udc00": "x"}},
        {"data": {"source": "a", "target": "b", "interaction": "r"}},
    ]
    upload = parse(json.dumps({"elements": edges}))
    assert facts(upload) == [("a", "r", "b")]
    json.dumps(upload.preview.columns + upload.preview.rows[0], ensure_ascii=False).encode()


names = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=8)


@given(st.lists(st.tuples(names, names, names), min_size=1, max_size=8, unique=True))
@settings(max_examples=200, deadline=None)
def test_what_networkx_and_json_write_is_read_back(parse, facts, rows):
    graph = networkx.MultiDiGraph()
    for head, relation, tail in rows:
        graph.add_edge(head, tail, relation=relation)
    assert set(facts(parse("\n".join(networkx.generate_graphml(graph))))) == set(rows)
    edges = [{"data": {"source": h, "target": t, "relation": r}} for h, r, t in rows]
    assert facts(parse(json.dumps({"elements": edges}))) == rows
