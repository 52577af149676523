"""The network against a slow, dense, per-edge version written from the equations."""

import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.relational import GraphTensors, RelationalGNN, StepInput
from core.knowledge.digraph import grow_layer
from core.knowledge.graph import Adjacency

N, R = 30, 4


@pytest.fixture(scope="module")
def graph():
    rng = np.random.default_rng(0)
    triples = np.unique(rng.integers(0, [N - 3, R, N - 3], (90, 3)), axis=0)
    return Adjacency.from_triples(triples, N, R)


def network(**changes):
    torch.manual_seed(3)
    sizes = {"num_layers": 3, "hidden_dim": 8, "attention_dim": 3, "activation": "tanh"}
    return RelationalGNN(R, **(sizes | changes)).eval()


def dense_scores(net, graph, head, relation):
    """All entities and all edges in every layer; a visited mask decides what counts."""
    source = np.repeat(np.arange(N), np.diff(graph.pointer))
    state = torch.zeros(N, net.hidden_dim)
    visited = torch.zeros(N, dtype=torch.bool)
    visited[head] = True
    for layer in range(net.num_layers):
        table = net.relation[layer]
        summed = torch.zeros(N, net.hidden_dim)
        after = torch.zeros(N, dtype=torch.bool)
        for s, r, t in zip(source, graph.relation, graph.target, strict=True):
            if not visited[s]:
                continue
            hidden = (
                net.attend_source[layer] @ state[s]
                + net.attend_relation[layer] @ table[r]
                + net.attend_query[layer] @ table[relation]
                + net.attend_bias[layer]
            )
            alpha = torch.sigmoid(
                net.attend_out[layer] @ torch.relu(hidden) + net.attend_out_bias[layer]
            )
            summed[t] += alpha * (state[s] + table[r])
            after[t] = True
        update = torch.tanh(summed @ net.combine[layer].T)
        gate = net.gate
        x = update @ gate.weight_ih.T + gate.bias_ih
        g = state @ gate.weight_hh.T + gate.bias_hh
        reset, keep = (
            torch.sigmoid(a + b) for a, b in zip(x.chunk(3, 1)[:2], g.chunk(3, 1)[:2], strict=True)
        )
        new = torch.tanh(x.chunk(3, 1)[2] + reset * g.chunk(3, 1)[2])
        state = ((1 - keep) * new + keep * state) * after.unsqueeze(1)
        visited = after
    return (state @ net.score.weight.T).squeeze(1), visited


@torch.inference_mode()
def test_growing_form_equals_dense_form(graph):
    net = network()
    heads, relations = torch.tensor([0, 5, N - 1]), torch.tensor([1, 6, 0])
    scores, reached = net(GraphTensors(graph), heads, relations)
    for row, (head, relation) in enumerate(zip(heads.tolist(), relations.tolist(), strict=True)):
        expected, visited = dense_scores(net, graph, head, relation)
        assert (scores[row] - expected).abs().max() <= 1e-5
        assert (reached[row] == visited).all()
    assert (scores[~reached] == 0).all()
    assert reached[2].sum() == 1  # an entity without facts reaches itself only


def test_relabelling_entities_permutes_scores(graph):
    net = network()
    order = np.random.default_rng(1).permutation(N)
    source = np.repeat(np.arange(N), np.diff(graph.pointer))
    forward = (graph.relation < R).nonzero()[0]
    triples = np.stack(
        [order[source[forward]], graph.relation[forward], order[graph.target[forward]]], 1
    )
    with torch.inference_mode():
        one, _ = net(GraphTensors(graph), torch.tensor([2]), torch.tensor([3]))
        other, _ = net(
            GraphTensors(Adjacency.from_triples(triples, N, R)),
            torch.tensor([int(order[2])]),
            torch.tensor([3]),
        )
    torch.testing.assert_close(other[0, order], one[0], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("relations", "sizes", "expected"),
    [
        (12, {"num_layers": 3, "hidden_dim": 48, "attention_dim": 5}, 26_865),  # Family
        (46, {"num_layers": 4, "hidden_dim": 48, "attention_dim": 5}, 44_156),  # UMLS
        (237, {"num_layers": 4, "hidden_dim": 48, "attention_dim": 5}, 117_500),  # FB15k-237
    ],
)
def test_number_of_parameters(relations, sizes, expected):
    net = RelationalGNN(relations, **sizes)
    assert sum(p.numel() for p in net.parameters()) == expected


def test_layers_grown_in_torch_equal_those_grown_in_numpy(graph):
    tensors = GraphTensors(graph)
    nodes = np.array([0, N + 5, 2 * N + 5])
    for _ in range(3):
        there = tensors.grow_layer(torch.from_numpy(nodes), 3)
        here = grow_layer(graph, nodes, 3)
        for name in ("pair_node", "pair_query", "pair_relation", "nodes", "previous"):
            assert getattr(there, name).tolist() == getattr(here, name).tolist()
        edges = zip(there.edge_pair.tolist(), there.edge_node.tolist(), strict=True)
        assert sorted(edges) == sorted(
            zip(here.edge_pair.tolist(), here.edge_node.tolist(), strict=True)
        )
        assert (torch.diff(there.edge_pair) >= 0).all()
        nodes = here.nodes


def test_step_does_not_depend_on_the_order_of_edges(graph):
    net = network()
    layer = grow_layer(graph, np.array([4]), 1)
    by_target = StepInput.from_layer(layer)
    by_source = GraphTensors(graph).grow_layer(torch.tensor([4]), 1)
    state, asked = torch.randn(1, 8), torch.tensor([2])
    with torch.no_grad():
        one, _ = net.step(1, state, asked, by_target)
        other, _ = net.step(torch.tensor(1), state, asked, by_source)
    torch.testing.assert_close(one, other, atol=1e-6, rtol=0)


def test_gradient_of_the_loss_against_finite_differences(graph):
    net = network(num_layers=2).double()
    tensors = GraphTensors(graph)

    def loss():
        nodes, state = torch.tensor([3]), torch.zeros(1, 8, dtype=torch.double)
        for layer in range(2):
            data = tensors.grow_layer(nodes, 1)
            state, _ = net.step(layer, state, torch.tensor([1]), data)
            nodes = data.nodes
        return net.score(state).pow(2).sum()

    loss().backward()
    for parameter in (net.relation, net.attend_source, net.attend_query, net.combine):
        place = parameter.grad.abs().argmax()
        flat = parameter.data.view(-1)
        step, original = 1e-6, flat[place].item()
        values = []
        for sign in (1, -1):
            flat[place] = original + sign * step
            values.append(loss().item())
        flat[place] = original
        slope = (values[0] - values[1]) / (2 * step)
        assert parameter.grad.view(-1)[place].item() == pytest.approx(slope, rel=1e-5)


def test_selection_keeps_earlier_nodes_and_a_limited_number_of_new_ones(graph):
    net = network(max_new_nodes=2)
    with torch.inference_mode():
        _, reached = net(GraphTensors(graph), torch.tensor([0, 7]), torch.tensor([1, 2]))
    assert (reached.sum(1) <= 1 + 3 * 2).all()
    assert reached[0, 0]
    assert reached[1, 7]
    full = network()
    with torch.inference_mode():
        _, everything = full(GraphTensors(graph), torch.tensor([0, 7]), torch.tensor([1, 2]))
    assert everything.sum() > reached.sum()


def test_selection_learns(graph):
    net = network(max_new_nodes=3).train()
    scores, _ = net(GraphTensors(graph), torch.tensor([0]), torch.tensor([1]))
    torch.nn.functional.cross_entropy(scores, torch.tensor([3])).backward()
    assert net.choose.weight.grad.abs().sum() > 0


def test_questions_of_different_length_are_refused(graph):
    with pytest.raises(ShapeError, match="same length"):
        network()(GraphTensors(graph), torch.tensor([0]), torch.tensor([0, 1]))


@torch.inference_mode()
@pytest.mark.parametrize("size", [1, 7])
def test_nodes_updated_in_blocks_equal_nodes_updated_at_once(graph, monkeypatch, size):
    net = network()
    question = GraphTensors(graph), torch.tensor([0, 3]), torch.tensor([1, 6])
    at_once, reached = net(*question)
    assert reached.sum() > 14
    monkeypatch.setattr("core.function.relational.NODES_PER_BLOCK", size)
    np.testing.assert_allclose(net(*question)[0].numpy(), at_once.numpy(), atol=1e-6)
