"""The right-hand side of a model of gene expression as an ONNX model.

Input ``x`` (b, n) float32 expression, output ``change`` (b, n) dx/dt per unit of the user's time.
"""

import numpy as np
from torch import Tensor, nn

from core.export.onnx import parity, to_onnx
from core.function.dynamics import PhoenixNetwork
from core.serving.grn_model import INPUT, OUTPUT
from core.serving.session import Session


class _Rate(nn.Module):
    """The network with its masks applied for good, so that no mask is shipped."""

    def __init__(self, network: PhoenixNetwork) -> None:
        super().__init__()
        self.network = network
        self.weights = nn.ParameterList(one.detach() for one in network.left())

    def forward(self, x: Tensor) -> Tensor:
        """dx/dt (b, n)."""
        return self.network.rate(x, tuple(self.weights))


def export_dynamics(network: PhoenixNetwork) -> tuple[bytes, float]:
    """The model and its largest difference from torch, over batches of several sizes."""
    rng, genes = np.random.default_rng(0), len(network.v)

    def drawn(rows: int) -> dict[str, np.ndarray]:
        return {INPUT: rng.random((rows, genes)).astype(np.float32)}

    module = _Rate(network).eval()
    content = to_onnx(module, drawn(5), [OUTPUT], dynamic={INPUT: (0,)})
    return content, parity(module, Session(content, "cpu"), map(drawn, (1, 7, 300)), [OUTPUT])
