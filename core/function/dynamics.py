"""A neural model of gene expression over time whose weights can be masked.

Source: PHOENIX and DASH; equations, notation and references are those of `core.knowledge.dynamics`,
the same function in numpy. Start values: 95 % of Ws and Wp zero, the others with deviation .05; Cs
and Cp orthogonal.

Differs from the paper: (1) the classical Runge-Kutta method with steps of at most a given length
instead of an adaptive one, so that a batch of transitions is one computation; (2) υ starts uniform
in ½ to 1, not in 0 to 1: a gene whose υ falls below 0 has no gradient any more and never follows
its regulators again.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softsign

from core.knowledge.dynamics import MATRICES, MIDDLE, Dynamics, advance

START_ZEROS, START_SD = 0.95, 0.05  # of Ws and Wp; published


class PhoenixNetwork(nn.Module):
    """dx/dt of n genes by h neurons.

    Args:
        num_genes: n.
        num_neurons: h of each of the two blocks.

    Attributes:
        Ws, Wp: (h, n) parameters.
        Cs, Cp: (n, h) parameters.
        bs, bp: (h,) parameters.
        v: (n,) parameter υ.
        mask_Ws, mask_Wp, mask_Cs, mask_Cp: bool buffers, weights that are left.
    """

    def __init__(self, num_genes: int, num_neurons: int) -> None:
        super().__init__()
        n, h = num_genes, num_neurons
        for name in MATRICES:
            empty = torch.zeros((h, n) if name.startswith("W") else (n, h))
            if name.startswith("W"):
                nn.init.sparse_(empty, START_ZEROS, START_SD)
            else:
                nn.init.orthogonal_(empty)
            self.register_parameter(name, nn.Parameter(empty))
            self.register_buffer(f"mask_{name}", torch.ones_like(empty, dtype=torch.bool))
        self.bs, self.bp = nn.Parameter(torch.zeros(h)), nn.Parameter(torch.zeros(h))
        self.v = nn.Parameter(0.5 + torch.rand(n) / 2)

    @torch.no_grad()
    def start_at(self, mean: Tensor, rates: Tensor) -> None:
        """Drive every gene towards a constant at first.

        Args:
            mean: (n,) expression that each gene is driven to where all are at one half.
            rates: (n,) υ.
        """
        self.v.copy_(rates)
        missing = mean - self.produced(torch.full_like(mean, MIDDLE)[None])[0]
        self.Cp.add_((missing / len(self.bp))[:, None])  # p is 1 there

    def forward(self, x: Tensor) -> Tensor:
        """dx/dt (B, n) at expression (B, n)."""
        return self.rate(x, self.left())

    def step(self, x: Tensor, between: Tensor, max_step: float = 1.0) -> Tensor:
        """Expression some time later, as `core.knowledge.dynamics.advance`.

        Args:
            x: (B, n) expression.
            between: (B,) time to pass, in the unit of υ.
            max_step: longest step.

        Returns:
            (B, n).
        """
        left = self.left()
        return advance(lambda state: self.rate(state, left), x, between, max_step)

    def produced(self, x: Tensor) -> Tensor:
        """Cs s + Cp p (B, n): what each gene is driven towards."""
        return self._produced(x, self.left())

    def mask(self, name: str) -> Tensor:
        """The mask of a matrix."""
        return self.get_buffer(f"mask_{name}")

    @torch.no_grad()
    def set_mask(self, name: str, mask: Tensor) -> None:
        """Keep only these entries of a matrix; the others become and stay 0."""
        self.mask(name).copy_(mask)
        self.get_parameter(name).mul_(mask)

    def sparsity(self) -> float:
        """Share of the four matrices' entries that are masked."""
        masks = [self.mask(name) for name in MATRICES]
        return 1 - sum(int(one.sum()) for one in masks) / sum(one.numel() for one in masks)

    def dynamics(self) -> Dynamics:
        """The function in numpy."""
        vectors = {"bs": self.bs, "bp": self.bp, "v": self.v}
        weights = dict(zip(MATRICES, self.left(), strict=True)) | vectors
        return Dynamics({key: one.detach().cpu().numpy() for key, one in weights.items()})

    def left(self) -> tuple[Tensor, ...]:
        """Ws, Wp, Cs, Cp, masked; once per step, because masking costs as much as a product."""
        return tuple(self.get_parameter(name) * self.mask(name) for name in MATRICES)

    def rate(self, x: Tensor, left: tuple[Tensor, ...]) -> Tensor:
        """dx/dt (B, n) with the matrices of `left`."""
        return torch.relu(self.v) * (self._produced(x, left) - x)

    def _produced(self, x: Tensor, left: tuple[Tensor, ...]) -> Tensor:
        ws, wp, cs, cp = left
        a = softsign(x - MIDDLE)  # (B, n)
        s = torch.addmm(self.bs, a, ws.T)  # (B, h)
        p = torch.addmm(self.bp, torch.log1p(a), wp.T).exp()  # (B, h)
        return s @ cs.T + p @ cp.T
