"""The flow network against its equations written as loops; sizes; gradients."""

import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.flow import FlowGNN, FlowTensors
from core.knowledge.flow import FlowGraph, PairIndex, collapse

D, N, F, K, T = 6, 20, 3, 4, 5
R = F + K


@pytest.fixture(scope="module")
def world():
    rng = np.random.default_rng(0)
    edges = np.unique(rng.integers(0, [N, K, N], (60, 3)), axis=0)
    facts = np.unique(rng.integers(0, [D, F, D], (14, 3)), axis=0)
    graph = FlowGraph.prepare(edges, N, F, K, D).extended(facts)
    every = [(h, F + r, t) for h, r, t in edges] + [(h, r, t) for h, r, t in facts]
    every += [(t, r + R, h) for h, r, t in every] + [(x, 2 * R, x) for x in range(N)]
    bits = (rng.random((D, 1024)) < 0.05).astype(np.float32)
    heads, tails = np.array([0, 1, 2, 3]), np.array([1, 4, 5, 0])
    paths = PairIndex(graph).subgraphs(heads, tails)
    return every, torch.from_numpy(bits), heads, tails, collapse(paths)


def make(**changes):
    torch.manual_seed(0)
    network = FlowGNN(T, R, hidden_dim=8, **changes).eval()
    with torch.no_grad():  # so that differences show
        for parameter in network.parameters():
            parameter.mul_(3)
    return network


def flow_by_hand(network, every, source, target, start, attention):
    state = {source: start}
    for level in range(3):
        summed = {}
        for x, r, y in every:
            if x in state:
                message = attention[level][r] * state[x] * network.relation[level, r]
                summed[y] = summed.get(y, 0) + message
        state = {y: torch.relu(network.combine[level] @ total) for y, total in summed.items()}
    return state.get(target, torch.zeros(network.hidden_dim))


@torch.no_grad()
def test_logits_are_those_of_the_equations_over_the_whole_network(world):
    every, bits, heads, tails, flows = world
    network = make()
    logits = network(bits[heads], bits[tails], *(FlowTensors.of(flow) for flow in flows))
    for row, (u, v) in enumerate(zip(heads, tails, strict=True)):
        f_u, f_v = network.feature(bits[u]), network.feature(bits[v])
        attention = [torch.sigmoid(attend(torch.cat([f_u, f_v]))) for attend in network.attend]
        back = flow_by_hand(network, every, v, u, f_v, attention)
        forth = flow_by_hand(network, every, u, v, f_u, attention)
        expected = network.score(torch.cat([back, forth]))
        torch.testing.assert_close(logits[row], expected, atol=1e-5, rtol=1e-5)
    assert logits.std(0).max() > 0.1  # the pairs do differ


def test_gradients_are_those_of_plain_autograd(world):
    every, bits, heads, tails, flows = world
    network = make()
    logits = network(bits[heads], bits[tails], *(FlowTensors.of(flow) for flow in flows))
    logits[0].sum().backward()
    ours = {name: p.grad.clone() for name, p in network.named_parameters()}
    network.zero_grad()
    u, v = int(heads[0]), int(tails[0])
    f_u, f_v = network.feature(bits[u]), network.feature(bits[v])
    attention = [torch.sigmoid(attend(torch.cat([f_u, f_v]))) for attend in network.attend]
    back = flow_by_hand(network, every, v, u, f_v, attention)
    forth = flow_by_hand(network, every, u, v, f_u, attention)
    network.score(torch.cat([back, forth])).sum().backward()
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("hidden", "published"), [(64, 136_907), (32, 67_403)])
def test_parameters_for_drugbank(hidden, published):
    network = FlowGNN(86, 109, hidden_dim=hidden)
    assert sum(p.numel() for p in network.parameters()) == published


def test_free_vectors_take_part_in_the_score(world):
    *_, heads, tails, flows = world
    network = make(num_drugs=D)
    logits = network(
        torch.from_numpy(heads),
        torch.from_numpy(tails),
        *(FlowTensors.of(flow) for flow in flows),
    )
    assert logits.shape == (4, T)
    assert network.score.in_features == 4 * network.hidden_dim


def test_a_pair_without_paths_gets_the_bias(world):
    _, bits, *_ = world
    nothing = collapse(
        PairIndex(FlowGraph.prepare(np.zeros((0, 3), int), N, F, K, D)).subgraphs(
            np.array([0]), np.array([1])
        )
    )
    network = make()
    logits = network(bits[[0]], bits[[1]], *(FlowTensors.of(flow) for flow in nothing))
    torch.testing.assert_close(logits[0], network.score.bias)


def test_ends_must_agree(world):
    _, bits, *_, flows = world
    with pytest.raises(ShapeError, match="must agree"):
        make()(bits[[0]], bits[[1, 2]], *(FlowTensors.of(flow) for flow in flows))


@pytest.mark.gpu
def test_cuda_equals_cpu(world):
    _, bits, heads, tails, flows = world
    network = make()
    here = network(bits[heads], bits[tails], *(FlowTensors.of(flow) for flow in flows))
    there = network.cuda()(
        bits[heads].cuda(), bits[tails].cuda(), *(FlowTensors.of(flow, "cuda") for flow in flows)
    )
    torch.testing.assert_close(there.cpu(), here, atol=1e-4, rtol=1e-4)
