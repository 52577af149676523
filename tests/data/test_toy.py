from collections import Counter, defaultdict

import numpy as np
import pytest

from core.data.toy import MIN_ENTITIES, planted_graph
from core.errors import ShapeError

SIZES = [(100, 0), (200, 1), (300, 0), (300, 7)]


def named(planted):
    """Facts by words."""
    graph = planted.graph
    return {
        (graph.entity_names[h], graph.relation_names[r], graph.entity_names[t]): (h, r, t)
        for h, r, t in graph.triples.tolist()
    }


def proofs_by_hand(planted):
    """The closure of the three rules, written out as nested loops over the facts.

    Returns:
        From (head, target relation, tail) in words to the list of its proofs.
    """
    by_relation = defaultdict(list)
    rows = named(planted)
    for head, relation, tail in rows:
        by_relation[relation].append((head, tail))
    found = defaultdict(list)

    def add(head, target, tail, *facts):
        found[head, target, tail].append(frozenset(rows[fact] for fact in facts))

    for x, y, z in join(by_relation["deputises for"], by_relation["reports to"]):
        add(x, "may sign for", z, (x, "deputises for", y), (y, "reports to", z))
    for x, y, z in join([(x, y) for y, x in by_relation["assists"]], by_relation["was hired by"]):
        add(x, "has a reference from", z, (y, "assists", x), (y, "was hired by", z))
    for x, y, z in join(by_relation["wrote with"], [(y, z) for z, y in by_relation["reviewed"]]):
        add(x, "was advised by", z, (x, "wrote with", y), (z, "reviewed", y))
    return {fact: proofs for fact, proofs in found.items() if is_stated(fact)}


def join(first, second):
    return [(a, b, c) for a, b in first for b2, c in second if b == b2]


def is_stated(fact):
    """Nobody signs for themselves: a body that leads back to its start states nothing."""
    return fact[0] != fact[2]


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}-{size[1]}", scope="module")
def planted(request):
    return planted_graph(num_entities=request.param[0], seed=request.param[1])


def test_targets_hold_exactly_when_a_body_holds(planted):
    targets = {"may sign for", "has a reference from", "was advised by"}
    stated = {fact for fact in named(planted) if fact[1] in targets}
    assert stated == set(proofs_by_hand(planted))
    assert {fact[1] for fact in stated} == targets


def test_rules_say_what_was_planted(planted):
    assert [rule.text(planted.graph) for rule in planted.rules] == [
        "may sign for ← deputises for → reports to",
        "has a reference from ← assists (inverse) → was hired by",
        "was advised by ← wrote with → reviewed (inverse)",
    ]
    assert [len(rule.twin) for rule in planted.rules] == [2, 2, 2]


def test_evidence_is_the_only_proof(planted):
    rows = {row: words for words, row in named(planted).items()}
    proofs = proofs_by_hand(planted)
    assert planted.queries
    for query in planted.queries:
        fact = rows[query.head, query.relation, query.tail]
        assert proofs[fact] == [query.evidence]


def test_every_test_fact_with_one_proof_and_a_twin_path_is_a_question(planted):
    proofs = proofs_by_hand(planted)
    rows = {row: words for words, row in named(planted).items()}
    single = {row for row in map(tuple, planted.split.test.tolist()) if len(proofs[rows[row]]) == 1}
    asked = {(query.head, query.relation, query.tail) for query in planted.queries}
    assert asked <= single
    assert len(asked) == len(planted.queries)


def test_decoys_join_the_same_ends_and_prove_nothing(planted):
    proof_facts = {fact for found in proofs_by_hand(planted).values() for p in found for fact in p}
    train = set(map(tuple, planted.split.train.triples.tolist()))
    kinds = {rule.target: rule for rule in planted.rules}
    num_relations = planted.graph.num_relations
    for query in planted.queries:
        assert len(query.decoy) == len(query.evidence)
        assert query.decoy <= train
        assert query.evidence <= train
        assert not query.decoy & proof_facts
        twin = Counter(relation % num_relations for relation in kinds[query.relation].twin)
        assert Counter(relation for _, relation, _ in query.decoy) == twin
        ends = Counter(end for head, _, tail in query.decoy for end in (head, tail))
        odd = {end for end, count in ends.items() if count % 2}
        assert odd == {query.head, query.tail}


def test_twins_never_repeat_a_pair_of_a_body(planted):
    pairs = defaultdict(set)
    for head, relation, tail in named(planted):
        pairs[relation].add((head, tail))
    for body, twin in (
        ("deputises for", "has lunch with"),
        ("reports to", "sits next to"),
        ("assists", "plays chess with"),
        ("was hired by", "lives near"),
        ("wrote with", "follows"),
        ("reviewed", "danced with"),
    ):
        assert pairs[twin]
        assert not pairs[body] & pairs[twin]


def test_twin_paths_say_little_about_the_targets():
    """Being joined by twins must not give the answer away."""
    planted = planted_graph(num_entities=300, seed=0)
    pairs = defaultdict(set)
    for head, relation, tail in named(planted):
        pairs[relation].add((head, tail))
    joined = {
        (x, z) for x, y in pairs["has lunch with"] for y2, z in pairs["sits next to"] if y == y2
    }
    graph = planted.split.train
    sign, rows = graph.relation_index["may_sign_for"], graph.triples
    names = graph.entity_names
    learned = {(names[h], names[t]) for h, r, t in rows.tolist() if r == sign}
    assert len(joined & learned) / len(joined) < 0.02  # chance is 0.2 %


def test_split_is_60_20_20_of_the_targets(planted):
    split = planted.split
    targets = {rule.target for rule in planted.rules}
    train = Counter(relation for _, relation, _ in split.train.triples.tolist())
    for part in (split.valid, split.test):
        assert {relation for _, relation, _ in part.tolist()} == targets
    for target in targets:
        num = Counter(planted.graph.triples[:, 1].tolist())[target]
        assert train[target] == round(0.6 * num)
        assert np.sum(split.valid[:, 1] == target) == round(0.8 * num) - round(0.6 * num)
    rows = [tuple(row) for row in split.known.tolist()]
    assert len(rows) == len(set(rows)) == planted.graph.num_facts
    background = set(map(tuple, split.facts.tolist()))
    assert {row for row in rows if row[1] not in targets} == background


def test_size_and_names_for_a_minute_of_training():
    planted = planted_graph(num_entities=300, seed=0)
    assert planted.graph.num_entities == 300
    assert 3500 <= planted.graph.num_facts <= 6000
    assert len(planted.queries) >= 150
    assert {query.relation for query in planted.queries} == {r.target for r in planted.rules}
    assert len(set(planted.graph.entity_names)) == 300
    assert planted.graph.entity_names[0] == "Ada Alder"
    assert set(planted.graph.entity_types) == {"person"}
    # a hub: the first person is known by many
    knows = planted.graph.relation_index["knows"]
    known = Counter(t for _, r, t in planted.graph.triples.tolist() if r == knows)
    assert known[0] == max(known.values()) > 10


def test_most_targets_have_one_proof():
    counts = Counter(len(p) for p in proofs_by_hand(planted_graph(num_entities=300)).values())
    assert counts[1] / sum(counts.values()) > 0.95


def test_the_seed_decides():
    first, again = planted_graph(num_entities=120, seed=3), planted_graph(num_entities=120, seed=3)
    assert first.graph == again.graph
    assert first.queries == again.queries
    assert np.array_equal(first.split.test, again.split.test)
    assert first.graph != planted_graph(num_entities=120, seed=4).graph


def test_too_small():
    with pytest.raises(ShapeError, match=r"num_entities is 99; at least 100 are needed\."):
        planted_graph(num_entities=MIN_ENTITIES - 1)
