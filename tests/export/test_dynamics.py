"""The exported right-hand side agrees with the numpy twin and holds no pruned weight."""

import numpy as np
import torch

from core.export.dynamics import export_dynamics
from core.function.dynamics import PhoenixNetwork
from core.knowledge.dynamics import MATRICES
from core.serving.session import Session


def test_exported_rates_are_those_of_the_masked_network():
    torch.manual_seed(0)
    network = PhoenixNetwork(9, 4)
    for name in MATRICES:
        network.set_mask(name, torch.rand_like(network.get_parameter(name)) < 0.4)
    with torch.no_grad():
        network.Ws.add_(0.5)  # pruned weights must stay out whatever they hold
    content, apart = export_dynamics(network)
    assert apart < 1e-5
    x = np.random.default_rng(0).random((3, 9)).astype(np.float32)
    (served,) = Session(content, "cpu").run({"x": x}, ["change"])
    np.testing.assert_allclose(served, network.dynamics().rate(x), atol=1e-5)
