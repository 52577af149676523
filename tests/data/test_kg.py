from collections import Counter, defaultdict
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data import kg, registry
from core.data.genealogy import RELATION_NAMES
from core.errors import DataError
from core.knowledge.graph import KnowledgeGraph
from core.settings import settings as app_settings

needs_mirror = pytest.mark.skipif(
    app_settings().mirror is None, reason="the mirror folder with the data sets' files is not here"
)
split_of = cache(kg.load_split)
inductive_of = cache(kg.load_inductive)


def facts(graph, rows):
    return {(graph.entities[h], graph.relations[r], graph.entities[t]) for h, r, t in rows.tolist()}


def names_of(graph, *ids):
    return [graph.entity_names[graph.entity_index[text]] for text in ids]


# --- sets that need no mirror


@pytest.mark.parametrize(
    ("name", "train", "valid", "test", "entities", "relations"),
    [
        ("umls", 5216, 652, 661, 135, 46),
        ("umls-conve", 5216, 652, 661, 135, 46),
        ("kinship", 8544, 1068, 1074, 104, 25),
        ("nations", 1592, 199, 201, 14, 55),
    ],
)
def test_counts_of_packaged_sets(name, train, valid, test, entities, relations):
    split = split_of(name)
    assert (split.train.num_facts, len(split.valid), len(split.test)) == (train, valid, test)
    assert (split.train.num_entities, split.train.num_relations) == (entities, relations)
    assert split.facts is None
    assert len(split.known) == train + valid + test
    assert len(np.unique(split.known, axis=0)) == train + valid + test


def test_umls_rows_and_words():
    split = split_of("umls")
    lines = registry.read("umls")["test.txt"].decode().splitlines()
    assert facts(split.train, split.test) == {tuple(line.split("\t")) for line in lines}
    assert split.train.relations == tuple(sorted(split.train.relations))
    assert split.train.entities == tuple(sorted(split.train.entities))
    assert names_of(split.train, "acquired_abnormality") == ["acquired abnormality"]
    assert split.train.relation_names[split.train.relation_index["isa"]] == "is a"
    assert split.train.relation_names[split.train.relation_index["part_of"]] == "is a part of"
    assert all("_" not in name for name in split.train.relation_names)
    assert split.train.source.licence == "TimDettmers/ConvE and the PyKEEN wheel (both MIT)"


def test_nations_and_kinship_words():
    nations = split_of("nations").train
    found = nations.relation_names[nations.relation_index["militaryalliance"]]
    assert found == "is in a military alliance with"
    kinship = split_of("kinship").train
    assert kinship.relation_names[kinship.relation_index["term6"]] == "is related by term 6 to"
    assert names_of(kinship, "person100") == ["person 100"]


@pytest.mark.parametrize("name", ["umls", "kinship", "nations"])
def test_names_are_unique(name):
    graph = split_of(name).train
    assert len(set(graph.entity_names)) == graph.num_entities
    assert len(set(graph.relation_names)) == graph.num_relations


def test_unknown_split_lists_the_known_ones():
    with pytest.raises(DataError, match=r'"umsl" is not one of these splits: family, umls, '):
        kg.load_split("umsl")
    with pytest.raises(DataError, match=r'"umls" is not .* WN18RR_v1, .* nell_v4\.'):
        kg.load_inductive("umls")


def test_a_row_without_three_columns_is_refused():
    with pytest.raises(DataError, match=r"train, line 2: 2 columns, 3 expected"):
        kg._facts(b"a\tr\tb\na\tr\n", "train")


# --- benchmarks from the mirror


@needs_mirror
@pytest.mark.parametrize(
    ("name", "train", "valid", "test", "entities", "relations", "shipped", "unseen"),
    [
        ("family", 23483, 2038, 2835, 3007, 12, 17615, 18),
        ("umls-drum", 5327, 569, 633, 135, 46, 4006, 0),
        ("WN18RR", 86835, 3034, 3134, 40943, 11, None, 210),
        ("FB15k-237", 272115, 17535, 20466, 14541, 237, None, 28),
        ("NELL-995", 149678, 543, 2818, 74536, 200, 112258, 0),
    ],
)
def test_counts(name, train, valid, test, entities, relations, shipped, unseen):
    split = kg.load_split(name)
    graph = split.train
    assert (graph.num_facts, len(split.valid), len(split.test)) == (train, valid, test)
    assert (graph.num_entities, graph.num_relations) == (entities, relations)
    assert (None if split.facts is None else len(split.facts)) == shipped
    seen = set(graph.triples[:, [0, 2]].reshape(-1).tolist())
    assert sum(h not in seen or t not in seen for h, _, t in split.test.tolist()) == unseen
    assert len(set(graph.entity_names)) == entities
    assert len(set(graph.relation_names)) == relations


@needs_mirror
@pytest.mark.parametrize(
    ("name", "doubled", "joined"),
    [("family", 0.823, 0.841), ("umls-drum", 0.622, 0.630), ("WN18RR", 0.345, 0.350)],
)
def test_known_leakage(name, doubled, joined):
    """Shares of pairs, in either direction, that another training fact links."""
    split = split_of(name)
    pairs = Counter(frozenset((h, t)) for h, _, t in split.train.triples.tolist())
    train = [pairs[frozenset((h, t))] > 1 for h, _, t in split.train.triples.tolist()]
    test = [frozenset((h, t)) in pairs for h, _, t in split.test.tolist()]
    assert np.mean(train) == pytest.approx(doubled, abs=0.0006)
    assert np.mean(test) == pytest.approx(joined, abs=0.0006)


@needs_mirror
def test_family_directions():
    """What `RELATION_NAMES` says is what the facts say, for all twelve relations."""
    split = split_of("family")
    graph = split.train
    pairs = defaultdict(set)
    for head, relation, tail in facts(graph, split.known):
        pairs[relation].add((head, tail))
    assert set(pairs) == set(RELATION_NAMES)
    for parent in ("father", "mother"):
        assert max(Counter(tail for _, tail in pairs[parent]).values()) == 1
        assert max(Counter(head for head, _ in pairs[parent]).values()) > 1
    male = {h for r in ("father", "husband", "son", "brother", "uncle", "nephew")
            for h, _ in pairs[r]}  # fmt: skip
    female = {h for r in ("mother", "wife", "daughter", "sister", "aunt", "niece")
              for h, _ in pairs[r]}  # fmt: skip
    assert not male & female

    def inverse(some):
        return {(b, a) for a, b in some}

    parent = pairs["father"] | pairs["mother"]
    sibling = pairs["brother"] | pairs["sister"]
    assert pairs["son"] | pairs["daughter"] < inverse(parent)
    assert pairs["husband"] == inverse(pairs["wife"])
    assert pairs["nephew"] | pairs["niece"] < inverse(pairs["uncle"] | pairs["aunt"])
    siblings_of, children_of = defaultdict(set), defaultdict(set)
    for a, b in sibling:
        siblings_of[a].add(b)
    for a, b in parent:
        children_of[a].add(b)
    by_blood = {(a, c) for a, found in siblings_of.items() for b in found for c in children_of[b]}
    assert pairs["uncle"] | pairs["aunt"] <= by_blood
    father = dict(inverse(pairs["father"]))
    mother = dict(inverse(pairs["mother"]))
    for a, b in sibling:
        shared = [side[a] == side[b] for side in (father, mother) if a in side and b in side]
        assert shared
        assert all(shared)
    assert RELATION_NAMES["father"] == "is the father of"
    assert graph.relation_names[graph.relation_index["niece"]] == "is a niece of"
    assert names_of(graph, "1482") == ["person 1482"]
    assert set(graph.entity_types) == {"person"}


@needs_mirror
def test_both_umls_splits_hold_the_same_facts():
    def all_facts(name):
        split = split_of(name)
        return {tuple(text.lower() for text in fact) for fact in facts(split.train, split.known)}

    assert all_facts("umls-drum") == all_facts("umls")
    assert len(all_facts("umls")) == 6529
    drum, conve = split_of("umls-drum").train, split_of("umls").train
    assert set(drum.entity_names) == set(conve.entity_names)
    assert set(drum.relation_names) == set(conve.relation_names)


@needs_mirror
def test_readable_names_of_wordnet_and_nell():
    wordnet = split_of("WN18RR").train
    assert names_of(wordnet, "00590383") == ["chieftainship"]
    stool = names_of(wordnet, "14854262")[0]
    assert stool == "stool (solid excretory product evacuated from the bowels)"
    head = wordnet.relation_names[wordnet.relation_index["_hypernym"]]
    assert head == "is a kind of"
    nell = kg.load_inductive("nell_v1").train.train
    row = nell.entity_index["concept:county:detroit"]
    assert nell.entity_names[row].startswith("detroit")
    assert nell.entity_types[row] == "county"
    assert nell.relation_names[nell.relation_index["concept:worksfor"]] == "worksfor"


@needs_mirror
def test_readable_names_of_freebase():
    graph = inductive_of("fb237_v4").train.train
    assert names_of(graph, "/m/0105y2") == ["Lubbock, Texas"]
    football = "/american_football/football_team/current_roster./sports/sports_team_roster/position"
    name = graph.relation_names[graph.relation_index[football]]
    assert name == "current roster - position (american football)"


@needs_mirror
@pytest.mark.parametrize(
    ("name", "relations", "train", "inference"),
    [
        ("WN18RR_v1", 9, (2746, 5410, 630, 638), (922, 1618, 185, 188)),
        ("WN18RR_v2", 10, (6954, 15262, 1838, 1868), (2757, 4011, 411, 441)),
        ("WN18RR_v3", 11, (12078, 25901, 3097, 3152), (5084, 6327, 538, 605)),
        ("WN18RR_v4", 9, (3861, 7940, 934, 968), (7084, 12334, 1394, 1429)),
        ("fb237_v1", 180, (1594, 4245, 489, 492), (1093, 1993, 206, 205)),
        ("fb237_v2", 200, (2608, 9739, 1166, 1180), (1660, 4145, 469, 478)),
        ("fb237_v3", 215, (3668, 17986, 2194, 2214), (2501, 7406, 866, 865)),
        ("fb237_v4", 219, (4707, 27203, 3352, 3361), (3051, 11714, 1416, 1424)),
        ("nell_v1", 14, (3103, 4687, 414, 439), (225, 833, 101, 100)),
        ("nell_v2", 88, (2564, 8219, 922, 968), (2086, 4586, 459, 476)),
        ("nell_v3", 142, (4647, 16393, 1851, 1873), (3566, 8048, 811, 809)),
        ("nell_v4", 76, (2092, 7546, 876, 867), (2795, 7073, 716, 731)),
    ],
)
def test_inductive_counts(name, relations, train, inference):
    split = inductive_of(name)
    for side, expected in ((split.train, train), (split.inference, inference)):
        graph = side.train
        found = (graph.num_entities, graph.num_facts, len(side.valid), len(side.test))
        assert found == expected
    assert split.train.train.num_relations == relations
    assert split.inference.train.relations == split.train.train.relations
    assert list(split.train.train.relations) == sorted(split.train.train.relations)
    used = {r for _, r, _ in split.train.known.tolist()}
    assert used == set(range(relations))


def test_inference_graph_with_a_new_relation_is_refused(monkeypatch):
    contents = {
        f"{side}/{part}.txt": b"a\tknows\tb\n"
        for side in ("train", "inference")
        for part in ("train", "valid", "test")
    }
    contents["inference/test.txt"] = b"c\towes\td\n"
    monkeypatch.setattr(registry, "read", lambda _: contents)
    with pytest.raises(DataError, match=r"relations that the training graph lacks: owes\."):
        kg.load_inductive("nell_v1")


# --- splitting an own graph

graphs = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 3), st.integers(0, 7)), max_size=60, unique=True
).map(
    lambda rows: KnowledgeGraph(
        "own",
        tuple("abcdefgh"),
        tuple("wxyz"),
        np.array(rows, dtype=np.int64).reshape(-1, 3),
    )
)


@given(graphs, st.integers(0, 5), st.sampled_from([(0.1, 0.1), (0.3, 0.2), (0.0, 0.5), (0, 0)]))
@settings(max_examples=200, deadline=None)
def test_split_keeps_every_name_in_training(graph, seed, shares):
    split = kg.split_triples(graph, seed=seed, valid_share=shares[0], test_share=shares[1])
    rows = [tuple(row) for row in split.known.tolist()]
    assert sorted(rows) == sorted(map(tuple, graph.triples.tolist()))
    assert split.train.entities == graph.entities
    for column in (0, 2):
        seen = set(split.train.triples[:, [0, 2]].reshape(-1).tolist())
        assert set(graph.triples[:, column].tolist()) <= seen
    assert set(graph.triples[:, 1].tolist()) == set(split.train.triples[:, 1].tolist())
    assert len(split.valid) <= round(graph.num_facts * shares[0]) + 1
    again = kg.split_triples(graph, seed=seed, valid_share=shares[0], test_share=shares[1])
    assert np.array_equal(again.known, split.known)


def test_split_reaches_the_asked_shares_on_a_dense_graph():
    split = kg.split_triples(split_of("umls").train, seed=3)
    assert (split.train.num_facts, len(split.valid), len(split.test)) == (4172, 522, 522)
    other = kg.split_triples(split_of("umls").train, seed=4)
    assert not np.array_equal(split.test, other.test)


def test_split_of_a_tree_holds_nothing_back():
    star = KnowledgeGraph.from_facts("star", [("a", f"r{i}", f"b{i}") for i in range(20)])
    split = kg.split_triples(star, seed=0)
    assert (split.train.num_facts, split.valid.shape, split.test.shape) == (20, (0, 3), (0, 3))


# --- names


def test_unique_names_use_the_first_detail_that_helps():
    names = ["bank", "bank", "bank", "river"]
    found = kg.unique_names(names, ["money", "shore", "shore", "-"], ["1", "2", "3", "4"])
    assert found == ("bank (money)", "bank (2)", "bank (3)", "river")


@given(st.lists(st.sampled_from(["a", "a (1)", "a (2)", "b"]), max_size=8))
def test_unique_names_are_unique(names):
    ids = [str(i) for i in range(len(names))]
    found = kg.unique_names(names, ids)
    assert len(set(found)) == len(names)
    assert all(new.startswith(old) for new, old in zip(found, names, strict=True))
