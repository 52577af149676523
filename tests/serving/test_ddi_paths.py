from collections import Counter
from itertools import product

import numpy as np
import pytest

from core.knowledge.flow import FlowGraph
from core.serving.ddi_paths import Cuts, SimplePaths, Walks, groups_of, most_attended
from core.serving.flow import PairPaths
from tests.serving import toy_drugs as toy

# two drugs, 0 and 1; 2 is a third drug; 3 and 4 proteins; R = 3: interaction 0, binds 1, like 2
EDGES = np.array([(0, 0, 3), (1, 0, 3), (0, 0, 4), (2, 0, 4), (1, 1, 2)])
INTERACTIONS = np.array([(0, 0, 2), (1, 0, 0)])  # the second is what is asked


@pytest.fixture
def paths():
    graph = FlowGraph.prepare(EDGES, 5, 1, 2, 3).extended(INTERACTIONS)
    return PairPaths.between(graph, 0, 1)


def parts(paths):
    walks = Walks.of(paths)
    return walks, SimplePaths.of(paths, walks)


def brute_walks(paths):
    """All chains of three edges, from the lists of the pair alone."""
    loop = 2 * paths.num_relations

    def edges(steps):
        return list(zip(steps.source, steps.relation, steps.target, strict=True))

    found = Counter()
    for one, two, three in product(edges(paths.first), edges(paths.middle), edges(paths.last)):
        if one[2] == two[0] and two[2] == three[2]:
            last = three[1] if three[1] == loop else (three[1] + loop // 2) % loop
            found[int(one[2]), int(two[2]), int(one[1]), int(two[1]), int(last)] += 1
    return found


def test_walks_are_all_chains_of_three_edges(paths):
    walks, _ = parts(paths)
    found = Counter(
        (*between, *relations)
        for between, relations in zip(walks.between.tolist(), walks.relations.tolist(), strict=True)
    )
    assert found == brute_walks(paths)


def test_walks_that_differ_by_waiting_are_one_path_and_no_node_comes_twice(paths):
    _, simple = parts(paths)
    chains = {
        (simple.nodes_of(row), tuple(r for r in simple.relations[row].tolist() if r >= 0))
        for row in range(len(simple))
    }
    # 0 binds 3, bound by 1; 0 interacts with 2, which 1 is like; 0 binds 4, bound by 2, like 1
    assert chains == {((3,), (1, 4)), ((2,), (0, 5)), ((4, 2), (1, 4, 5))}
    assert len(simple) == 3
    facts = {simple.facts_of(row) for row in range(len(simple))}
    assert {tuple(paths.facts[list(one)].tolist()) for one in facts} == {(0, 1), (5, 4), (2, 3, 4)}


def test_attention_is_read_in_the_direction_of_the_message(paths):
    walks, simple = parts(paths)
    row = next(r for r in range(len(simple)) if simple.nodes_of(r) == (4, 2))
    attention = np.zeros((3, 7))
    attention[0, 1], attention[1, 4], attention[2, 5] = 0.3, 0.6, 0.9  # binds, bound by, like^-1
    attention[0, 2], attention[1, 1], attention[2, 4] = 0.1, 0.2, 0.3  # like, binds, bound by
    forth, back = simple.attention(walks, attention, 3)[row]
    assert forth == pytest.approx(0.6)
    assert back == pytest.approx(0.2)


def test_a_short_path_waits_where_attention_is_highest(paths):
    walks, simple = parts(paths)
    row = next(r for r in range(len(simple)) if simple.nodes_of(r) == (3,))
    attention = np.zeros((3, 7))
    attention[0, 6], attention[1, 1], attention[2, 4] = 0.9, 0.6, 0.3  # waits first
    attention[0, 1], attention[1, 4], attention[2, 6] = 0.1, 0.1, 0.1  # waits last
    assert simple.attention(walks, attention, 3)[row, 0] == pytest.approx(0.6)


def test_paths_with_equal_relations_tie_and_are_one_group():
    edges = np.array([(0, 0, 3), (1, 0, 3), (0, 0, 4), (1, 0, 4), (0, 1, 2), (2, 1, 1)])
    paths = PairPaths.between(FlowGraph.prepare(edges, 5, 0, 2, 3), 0, 1)
    walks, simple = parts(paths)
    attention = np.random.default_rng(0).random((3, 5))
    weights = simple.attention(walks, attention, 2)
    groups = groups_of(simple, weights)
    assert {(group.relations, group.size) for group in groups} >= {((0, 2), 2), ((1, 1), 1)}
    twins = [row for row in range(len(simple)) if len(simple.nodes_of(row)) == 1]
    by_group = {simple.group[row]: weights[row] for row in twins}
    assert all((weights[row] == by_group[simple.group[row]]).all() for row in twins)
    assert sum(group.size for group in groups) == len(simple)


def test_the_best_of_each_end_are_kept_once_best_first():
    asked = toy.ask(0, 13, 0)
    groups = groups_of(asked.simple, asked.path_attention)
    best = most_attended(groups, 2)
    assert 2 <= len(best) <= 4
    assert len({group.number for group in best}) == len(best)
    assert best == sorted(best, key=lambda group: -group.attention)
    assert best[0].attention == max(group.attention for group in groups)
    assert max(groups, key=lambda group: group.forth) in best
    assert max(groups, key=lambda group: group.back) in best


def test_node_flow_is_the_share_of_walks_when_attention_is_even(paths):
    walks, _ = parts(paths)
    flow = walks.node_flow(np.ones((3, 7)), paths)
    nodes = paths.between_nodes.tolist()
    total = len(walks)
    assert nodes == [2, 3, 4]
    for node, share in zip(nodes, flow, strict=True):
        through = sum(node in between for between in walks.between.tolist())
        assert share == pytest.approx(through / total)


@pytest.mark.parametrize(("head", "tail"), [(0, 13), (2, 4), (1, 21)])
def test_cutting_a_node_is_the_same_as_hiding_all_its_facts(head, tail):
    asked = toy.ask(head, tail, 0)
    paths = asked.paths
    nodes = paths.between_nodes.tolist()
    assert len(nodes) > 5
    cut = asked.cuts.without([asked.cuts.touching(node) for node in nodes])
    hidden = np.stack([~paths.facts_at(node) for node in nodes])
    expected = asked.model.overlaid(asked.head_bits, asked.tail_bits, paths, hidden)
    np.testing.assert_allclose(cut, expected, rtol=1e-4, atol=1e-4)
    assert np.abs(cut - asked.everything).max() > 0.1


def test_without_any_cut_and_with_everything_kept_nothing_changes():
    asked = toy.ask(0, 13, 0)
    all_edges, none = np.arange(len(asked.paths.middle)), np.array([], dtype=np.int64)
    for logits in (asked.cuts.without([none]), asked.cuts.only([all_edges])):
        np.testing.assert_allclose(logits, asked.everything, rtol=1e-5, atol=1e-5)
    empty = asked.cuts.only([none])
    np.testing.assert_allclose(asked.cuts.without([all_edges]), empty, rtol=1e-5)
    hidden = np.zeros((1, len(asked.paths.facts)), dtype=bool)
    expected = asked.model.overlaid(asked.head_bits, asked.tail_bits, asked.paths, hidden)
    np.testing.assert_allclose(empty, expected, atol=1e-5)


def test_many_cuts_are_split_into_runs(monkeypatch):
    asked = toy.ask(0, 13, 0)
    cuts = [asked.cuts.touching(node) for node in asked.paths.between_nodes]
    together = asked.cuts.without(cuts)
    monkeypatch.setattr("core.serving.ddi_paths.MERGED_EDGES_PER_RUN", 1)
    one_by_one = Cuts(asked.model, asked.head_bits, asked.tail_bits, asked.paths).without(cuts)
    np.testing.assert_allclose(one_by_one, together, rtol=1e-4, atol=1e-4)


def test_only_the_walks_through_a_node():
    asked = toy.ask(0, 13, 0)
    node = 44
    kept = asked.cuts.only([asked.cuts.touching(node)])
    middle = asked.paths.middle
    edges = np.flatnonzero((middle.source == node) | (middle.target == node))
    rest = np.setdiff1d(np.arange(len(middle)), edges)
    np.testing.assert_allclose(kept, asked.cuts.without([rest]), rtol=1e-4, atol=1e-4)
    assert asked.outcomes(kept)[0].score > 0.9
