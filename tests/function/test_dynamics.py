"""The network of expression: torch against numpy, effects against finite differences, masks."""

import numpy as np
import pytest
import torch

from core.errors import ShapeError
from core.function.dynamics import PhoenixNetwork
from core.knowledge.dynamics import MATRICES, Dynamics, follow


@pytest.fixture
def network():
    torch.manual_seed(0)
    found = PhoenixNetwork(7, 4)
    with torch.no_grad():
        for name in ("Ws", "Wp", "bs", "bp"):
            found.get_parameter(name).normal_()
        found.v[2] = -0.5  # a gene that follows nothing
    return found


def expression(rows=5, seed=0):
    return np.random.default_rng(seed).random((rows, 7)).astype(np.float32)


def jacobian(dynamics, x, size=1e-3):
    """(n, n) central differences; entry [i, j] is the change of gene j's rate with gene i."""
    steps = size * np.eye(len(x))
    return (dynamics.rate(x + steps) - dynamics.rate(x - steps)) / (2 * size)


def test_torch_and_numpy_agree(network):
    x = expression()
    np.testing.assert_allclose(
        network(torch.from_numpy(x)).detach().numpy(), network.dynamics().rate(x), atol=1e-6
    )
    between = np.array([1.0, 0.2, 3.7, 2.0, 0.5], np.float32)
    later = network.step(torch.from_numpy(x), torch.from_numpy(between)).detach().numpy()
    slow = [follow(network.dynamics().rate, x[k : k + 1], [0, between[k]], between[k] / 4)[1, 0]
            for k in range(5)]  # fmt: skip
    np.testing.assert_allclose(later, slow, atol=1e-5)


def test_effect_is_the_jacobian_at_one_half_without_decay_and_biases(network):
    with torch.no_grad():
        network.bp.zero_()
    dynamics = network.dynamics()
    found = jacobian(dynamics, np.full(7, 0.5)) + np.diag(np.maximum(dynamics.weights["v"], 0))
    np.testing.assert_allclose(dynamics.effect(), found, atol=2e-3)
    assert not dynamics.effect()[:, 2].any()


def test_effect_differs_from_the_jacobian_elsewhere(network):
    dynamics = network.dynamics()
    found = jacobian(dynamics, np.full(7, 0.9)) + np.diag(np.maximum(dynamics.weights["v"], 0))
    assert np.abs(dynamics.effect() - found).max() > 0.1


def test_masked_weights_are_zero_and_get_no_gradient(network):
    mask = torch.rand(4, 7) < 0.5
    network.set_mask("Ws", mask)
    assert not network.Ws[~mask].any()
    assert network.sparsity() == pytest.approx(int((~mask).sum()) / (4 * 28))
    with torch.no_grad():
        network.Ws.add_(1)  # as a step of momentum would
    network(torch.from_numpy(expression())).square().sum().backward()
    assert not network.Ws.grad[~mask].any()
    assert network.Ws.grad[mask].any()
    assert not network.dynamics().weights["Ws"][~mask.numpy()].any()


def test_start_values():
    torch.manual_seed(0)
    network = PhoenixNetwork(200, 40)
    zeros = [float((network.get_parameter(name) == 0).float().mean()) for name in ("Ws", "Wp")]
    assert zeros == pytest.approx([0.95, 0.95], abs=0.01)
    np.testing.assert_allclose((network.Cs.T @ network.Cs).detach(), np.eye(40), atol=1e-5)
    assert 0.5 <= network.v.min() < network.v.max() <= 1


def test_every_gene_can_start_on_its_way_to_its_mean():
    torch.manual_seed(0)
    network = PhoenixNetwork(7, 4)
    mean, rates = torch.linspace(0.1, 0.9, 7), torch.linspace(0, 1, 7)
    network.start_at(mean, rates)
    x = torch.full((1, 7), 0.5)
    torch.testing.assert_close(network(x)[0], rates * (mean - 0.5), atol=1e-6, rtol=0)


def test_kept_weights_are_counted(network):
    network.set_mask("Cp", torch.rand(7, 4) < 0.3)
    weights = network.dynamics().weights
    kept = sum(np.count_nonzero(weights[key]) for key in MATRICES)
    silent = sum(np.count_nonzero(weights[key][2]) for key in ("Cs", "Cp"))
    assert (network.dynamics().num_weights, network.dynamics().num_kept) == (112, kept - silent)
    with pytest.raises(ShapeError, match="must agree"):
        Dynamics(dict(weights) | {"bs": np.zeros(3)})
