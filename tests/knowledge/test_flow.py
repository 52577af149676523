"""Path subgraphs and their collapse against propagation over the whole network, written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ShapeError
from core.knowledge.flow import (
    FlowGraph,
    Neighbours,
    PairIndex,
    collapse,
    inverse,
)

D, N, F, K = 5, 11, 2, 3
R = F + K

networks = st.lists(
    st.tuples(st.integers(0, N - 1), st.integers(0, K - 1), st.integers(0, N - 1)), max_size=25
)
interactions = st.lists(
    st.tuples(st.integers(0, D - 1), st.integers(0, F - 1), st.integers(0, D - 1)), max_size=12
)


def rows(facts):
    return np.unique(np.array(facts, dtype=np.int64).reshape(-1, 3), axis=0)


def graph_of(edges, facts):
    graph = FlowGraph.prepare(rows(edges), N, F, K, D)
    return graph.extended(rows(facts))


def edges_of(edges, facts):
    """Every edge of the augmented network, loops included."""
    found = [(h, F + r, t) for h, r, t in rows(edges)] + [(h, r, t) for h, r, t in rows(facts)]
    both = found + [(t, r + R, h) for h, r, t in found]
    return both + [(x, 2 * R, x) for x in range(N)]


class Toy:
    """A network of three steps without biases, written as loops over edges."""

    def __init__(self, seed, dim=3):
        rng = np.random.default_rng(seed)
        self.start = rng.normal(size=dim)
        self.edge = rng.normal(size=(3, 2 * R + 1, dim))
        self.combine = rng.normal(size=(3, dim, dim))

    def step(self, level, summed):
        return np.maximum(summed @ self.combine[level].T, 0)

    def whole(self, edges, source, target):
        """State at the target after three steps over the whole network."""
        state = np.zeros((N, len(self.start)))
        state[source] = self.start
        for level in range(3):
            summed = np.zeros_like(state)
            for x, r, y in edges:
                summed[y] += state[x] * self.edge[level, r]
            state = self.step(level, summed)
        return state[target]

    def collapsed(self, flow, num_pairs):
        """The same from the collapsed lists."""
        dim = len(self.start)
        first = np.zeros((len(flow.signature_pair), dim))
        np.add.at(first, flow.first_signature, self.start * self.edge[0, flow.first_relation])
        first = self.step(0, first)
        message = first[flow.message_signature] * self.edge[1, flow.message_relation]
        node = np.zeros((len(flow.node_pair), dim))
        np.add.at(node, flow.middle_node, message[flow.middle_message] * flow.count[:, None])
        node = self.step(1, node)
        group = np.zeros((len(flow.group_pair), dim))
        np.add.at(group, flow.last_group, node[flow.last_node])
        last = np.zeros((num_pairs, dim))
        np.add.at(last, flow.group_pair, group * self.edge[2, flow.group_relation])
        return self.step(2, last)


@settings(max_examples=60, deadline=None)
@given(networks, interactions, st.integers(0, 1000))
def test_collapsed_paths_give_what_the_whole_network_gives(edges, facts, seed):
    toy = Toy(seed)
    heads, tails = np.nonzero(~np.eye(D, dtype=bool))
    paths = PairIndex(graph_of(edges, facts)).subgraphs(heads, tails)
    forth, back = collapse(paths)
    whole = edges_of(edges, facts)
    expected = [toy.whole(whole, u, v) for u, v in zip(heads, tails, strict=True)]
    np.testing.assert_allclose(toy.collapsed(forth, len(heads)), expected, atol=1e-9)
    expected = [toy.whole(whole, v, u) for u, v in zip(heads, tails, strict=True)]
    np.testing.assert_allclose(toy.collapsed(back, len(heads)), expected, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(networks, interactions, st.integers(0, 1000), st.booleans(), st.booleans())
def test_a_new_drug_is_a_drug_whose_interactions_are_not_there(edges, facts, seed, first, second):
    toy = Toy(seed)
    index = PairIndex(graph_of(edges, facts))
    for u, v in ((0, 1), (1, 0), (2, 4)):
        hidden = ({u} if first else set()) | ({v} if second else set())
        left = [fact for fact in facts if not hidden & {fact[0], fact[2]}]
        pair = np.array([u]), np.array([v])
        asked = index.subgraphs(*pair, np.array([first]), np.array([second]))
        whole = edges_of(edges, left)
        forth, back = collapse(asked)
        np.testing.assert_allclose(toy.collapsed(forth, 1)[0], toy.whole(whole, u, v), atol=1e-9)
        np.testing.assert_allclose(toy.collapsed(back, 1)[0], toy.whole(whole, v, u), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(networks, interactions)
def test_exchanging_the_drugs_exchanges_the_two_flows(edges, facts):
    toy, index = Toy(3), PairIndex(graph_of(edges, facts))
    heads, tails = np.array([0, 1, 2]), np.array([1, 3, 4])
    forth, back = collapse(index.subgraphs(heads, tails))
    forth_turned, back_turned = collapse(index.subgraphs(tails, heads))
    np.testing.assert_allclose(toy.collapsed(forth, 3), toy.collapsed(back_turned, 3))
    np.testing.assert_allclose(toy.collapsed(back, 3), toy.collapsed(forth_turned, 3))


def test_neighbours_reached_by_the_same_relations_share_a_signature():
    near = Neighbours.build(
        owner=np.array([0, 0, 0, 0, 1]),
        node=np.array([7, 8, 8, 7, 7]),
        relation=np.array([2, 2, 4, 4, 2]),
        num_owners=2,
    )
    assert near.pointer.tolist() == [0, 2, 3]
    assert near.node.tolist() == [7, 8, 7]
    assert near.signature[0] == near.signature[1] != near.signature[2]
    pointer, relation = near.signature_pointer, near.signature_relation
    both, one = near.signature[0], near.signature[2]
    assert relation[pointer[both] : pointer[both + 1]].tolist() == [2, 4]
    assert relation[pointer[one] : pointer[one + 1]].tolist() == [2]


def test_parallel_edges_are_merged_with_a_count():
    edges = [(0, 0, 5), (0, 0, 6), (5, 1, 7), (6, 1, 7), (1, 2, 7)]
    forth, _ = collapse(PairIndex(graph_of(edges, [])).subgraphs(np.array([0]), np.array([1])))
    assert forth.count.tolist() == [2.0]
    assert len(forth.signature_pair) == 1


def test_pairs_without_a_path_have_empty_lists():
    paths = PairIndex(graph_of([(0, 0, 5)], [])).subgraphs(np.array([0, 1]), np.array([1, 2]))
    assert not paths.joined.any()
    forth, back = collapse(paths)
    assert len(forth.count) == len(back.group_pair) == 0


def test_edges_that_cannot_lie_on_a_short_path_are_left_out():
    edges = rows([(0, 0, 5), (5, 1, 6), (8, 1, 9), (5, 1, 8)])
    kept = FlowGraph.prepare(edges, N, F, K, D).lists[0]
    assert sorted(set(kept.fact.tolist())) == [0]
    kept = FlowGraph.prepare(edges, N, F, K, 7).lists[0]  # 5 and 6 are drugs now
    assert sorted(set(kept.fact.tolist())) == [0, 1, 2]


def test_inverse_relations():
    assert inverse(np.array([0, R - 1, R, 2 * R - 1, 2 * R]), R).tolist() == [
        R, 2 * R - 1, 0, R - 1, 2 * R,
    ]  # fmt: skip


def test_pairs_must_have_two_ends():
    with pytest.raises(ShapeError, match="must agree"):
        PairIndex(graph_of([], [])).subgraphs(np.array([0, 1]), np.array([1]))
