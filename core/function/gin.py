"""The molecule encoder: a graph isomorphism network over atoms and bonds.

Source: Xu et al., "How Powerful are Graph Neural Networks?", ICLR 2019, equation (4.1), with bond
features as Hu et al. (ICLR 2020) add them; the encoder of PAR and PACIA.

    h_0(v) = E_atom[element of v] + E_chirality[v]
    m_l(v) = sum over u in N(v) and v itself of (h_{l-1}(u) + E_type_l[uv] + E_direction_l[uv])
    h_l(v) = batch norm(MLP_l(m_l(v))), ReLU except in the last layer, MLP d -> 2d -> d
    g      = mean of h_L over the atoms

The bond vectors of a sum do not depend on the state, so that they are one product of the atom's
counts of bond kinds with the table of the layer; nothing of size edges times d is stored for them.
With d = 300 and five layers 1,857,900 parameters, as published.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.function.segment import sum_rows
from core.knowledge.molecules import (
    NUM_BOND_DIRECTIONS,
    NUM_BOND_TYPES,
    NUM_CHIRALITIES,
    NUM_ELEMENTS,
    MoleculeBatch,
)


@dataclass(frozen=True, eq=False)
class GraphTensors:
    """The arrays of `core.knowledge.molecules.MoleculeBatch` as tensors."""

    atoms: Tensor
    bonds: Tensor
    source: Tensor
    target: Tensor
    molecule: Tensor
    sizes: Tensor

    @classmethod
    def of(cls, batch: MoleculeBatch, device: torch.device | str = "cpu") -> "GraphTensors":
        """Copy to a device."""
        return cls(*(torch.from_numpy(x).to(device) for x in batch.feeds().values()))


class GinEncoder(nn.Module):
    """Embeddings of molecules.

    Args:
        hidden_dim: d.
        num_layers: L.
        dropout: share of each layer's outputs hidden while training.
    """

    def __init__(self, hidden_dim: int = 300, num_layers: int = 5, dropout: float = 0.5) -> None:
        super().__init__()
        d = hidden_dim
        self.hidden_dim, self.num_layers, self.dropout = d, num_layers, dropout
        self.element = nn.Embedding(NUM_ELEMENTS, d)
        self.chirality = nn.Embedding(NUM_CHIRALITIES, d)
        self.bond = nn.ParameterList(
            torch.empty(NUM_BOND_TYPES + NUM_BOND_DIRECTIONS, d) for _ in range(num_layers)
        )
        self.mlp = nn.ModuleList(
            nn.Sequential(nn.Linear(d, 2 * d), nn.ReLU(), nn.Linear(2 * d, d))
            for _ in range(num_layers)
        )
        self.norm = nn.ModuleList(nn.BatchNorm1d(d) for _ in range(num_layers))
        for table in (self.element.weight, self.chirality.weight):
            nn.init.xavier_uniform_(table)
        for table in self.bond:
            nn.init.xavier_uniform_(table[:NUM_BOND_TYPES])
            nn.init.xavier_uniform_(table[NUM_BOND_TYPES:])

    def forward(self, graph: GraphTensors) -> Tensor:
        """Embeddings (M, d)."""
        h = self.embed(graph)
        for number in range(self.num_layers):
            h = self.layer(number, h, graph)
        return self.pool(h, graph)

    def embed(self, graph: GraphTensors) -> Tensor:
        """States of the atoms before the first layer, (A, d)."""
        return self.element(graph.atoms[:, 0]) + self.chirality(graph.atoms[:, 1])

    def layer(self, number: int, h: Tensor, graph: GraphTensors) -> Tensor:
        """States (A, d) after one layer, counted from 0."""
        around = sum_rows(h, graph.source, graph.target, h.shape[0], target_ascending=True)
        h = self.norm[number](self.mlp[number](h + around + graph.bonds @ self.bond[number]))
        if number < self.num_layers - 1:
            h = torch.relu(h)
        return functional.dropout(h, self.dropout, self.training)

    def pool(self, h: Tensor, graph: GraphTensors) -> Tensor:
        """Mean (M, d) of the states (A, d) of each molecule's atoms."""
        every = torch.arange(h.shape[0], device=h.device)
        total = sum_rows(
            h,
            every,
            graph.molecule,
            graph.sizes.shape[0],
            source_ascending=True,
            target_ascending=True,
        )
        return total / graph.sizes.unsqueeze(1)
