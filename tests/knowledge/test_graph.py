import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError, UnknownName
from core.knowledge.graph import Adjacency, KnowledgeGraph, Source

FACTS = [("ann", "mother", "bob"), ("bob", "friend", "cid"), ("ann", "mother", "bob")]


@pytest.fixture
def graph():
    return KnowledgeGraph.from_facts(
        "small",
        FACTS,
        entity_names={"ann": "Ann"},
        relation_names={"mother": "is the mother of"},
        source=Source("a test", licence="none"),
    )


def test_from_facts_keeps_each_fact_once_in_order(graph):
    assert graph.entities == ("ann", "bob", "cid")
    assert graph.triples.tolist() == [[0, 0, 1], [1, 1, 2]]
    assert graph.entity_names == ("Ann", "bob", "cid")
    assert str(graph) == "small: 2 facts, 3 entities, 2 relations"
    assert graph.degree.tolist() == [1, 2, 1]


def test_json_round_trip_and_digest(graph):
    again = KnowledgeGraph.from_json(graph.to_json())
    assert again == graph
    assert again.digest == graph.digest
    assert graph.with_facts(remove=[(0, 0, 1)]).digest != graph.digest


def test_edits_leave_the_original_alone(graph):
    edited = graph.with_facts(add=[(2, 1, 0), (0, 0, 1)], remove=[(1, 1, 2)])
    assert edited.triples.tolist() == [[0, 0, 1], [2, 1, 0]]
    assert graph.num_facts == 2


def test_names_are_found_by_id_name_and_case(graph):
    assert graph.find_entity("ANN") == graph.find_entity("ann") == 0
    assert graph.find_relation("is the mother of") == 0
    with pytest.raises(
        UnknownName, match=r'KG-E03 .*"an" is not in this graph. Did you mean "Ann"'
    ):
        graph.find_entity("an")


def test_a_name_is_found_without_its_parenthesis_when_it_is_the_only_one():
    facts = [("v", "r", "a"), ("a", "r", "b")]
    names = {"v": "Victoria (1819)", "a": "Anne (1665)", "b": "Anne (1709)"}
    graph = KnowledgeGraph.from_facts("queens", facts, entity_names=names)
    assert graph.find_entity("victoria") == 0
    with pytest.raises(UnknownName, match="is not in this graph"):
        graph.find_entity("Anne")


def test_relation_phrases(graph):
    assert [graph.relation_phrase(r) for r in (0, 2, 4)] == [
        "is the mother of",
        "is the mother of (inverse)",
        "(wait)",
    ]


@pytest.mark.parametrize("triples", [[[0, 0, 3]], [[0, 2, 1]], [[-1, 0, 1]]])
def test_ids_outside_the_vocabulary_are_refused(triples):
    with pytest.raises(ShapeError, match="outside"):
        KnowledgeGraph("bad", ("a", "b", "c"), ("r", "s"), np.array(triples))


def test_names_of_wrong_length_are_refused():
    with pytest.raises(ShapeError, match="entity_names has 1 values; 2 are needed"):
        KnowledgeGraph("bad", ("a", "b"), ("r",), np.zeros((0, 3)), entity_names=("A",))


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_adjacency_lists_every_edge_once_in_each_direction(rows):
    triples = np.array(sorted(set(rows)), dtype=np.int64).reshape(-1, 3)
    index = Adjacency.from_triples(triples, 6, 3)
    found = {
        (v, int(index.relation[e]), int(index.target[e]), int(index.fact[e]))
        for v in range(6)
        for e in range(index.pointer[v], index.pointer[v + 1])
    }
    expected = {(v, 6, v, -1) for v in range(6)}
    for number, (h, r, t) in enumerate(triples.tolist()):
        expected |= {(h, r, t, number), (t, r + 3, h, number)}
    assert found == expected
    assert index.num_edges == 2 * len(triples) + 6


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 5)), max_size=30))
def test_pairs_group_edges_by_source_and_relation(rows):
    triples = np.array(sorted(set(rows)), dtype=np.int64).reshape(-1, 3)
    index = Adjacency.from_triples(triples, 6, 3)
    pairs = index.pairs
    found = {}
    for v in range(6):
        for p in range(pairs.owner[v], pairs.owner[v + 1]):
            edges = slice(pairs.pointer[p], pairs.pointer[p + 1])
            assert set(index.relation[edges].tolist()) == {int(pairs.relation[p])}
            found[v, int(pairs.relation[p])] = sorted(index.target[edges].tolist())
    expected = {(v, 6): [v] for v in range(6)}
    for h, r, t in triples.tolist():
        expected.setdefault((h, r), []).append(t)
        expected.setdefault((t, r + 3), []).append(h)
    assert found == {key: sorted(value) for key, value in expected.items()}
