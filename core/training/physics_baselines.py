"""Graph networks without a search, which GSR is measured against.

Sources: SymDL: Cranmer et al., "Discovering Symbolic Models from Deep Learning with Inductive
Biases", NeurIPS 2020: messages of edges, a sum, an update of nodes; three layers of 300 ReLU, L1
loss, messages as wide as the answer, positions moved at random. FullGN: one full block of the GSR
paper (ICLR 2023) without a search.
Both see the measured columns as they are, positions included.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import InputError
from core.knowledge.physics.system import GraphSystem

MOVED = 3.0  # standard deviation of the random translation; Cranmer et al.
CHECK = 50  # steps between two validations
PACE = 10  # steps timed to see how many fit into the budget


@dataclass(frozen=True)
class Baseline:
    """One of the two.

    Attributes:
        name: in tables.
        hidden: units of a layer.
        depth: hidden layers.
        learning_rate: of Adam; falls to 0 along a cosine.
        searches_sums: weighs sum, mean and maximum instead of the sum alone, and uses the whole
            graph's level.
    """

    name: str
    hidden: int
    depth: int
    learning_rate: float
    searches_sums: bool


SYM_DL = Baseline("SymDL", 300, 3, 1e-3, searches_sums=False)
FULL_GN = Baseline("FullGN", 16, 4, 3e-3, searches_sums=True)


@dataclass(frozen=True, eq=False)
class _Columns:
    """What a baseline sees of a system, scaled by the training part."""

    nodes: Tensor
    edges: Tensor
    graphs: Tensor
    system: GraphSystem
    target: Tensor
    moves: Tensor  # (node columns,) size of a unit of length where the column is a coordinate

    @classmethod
    def of(cls, system: GraphSystem, like: GraphSystem) -> "_Columns":
        groups, moves = [], []
        for level, rows in (("node", system.num_nodes), ("edge", system.num_edges),
                            ("graph", system.num_graphs)):  # fmt: skip
            parts = [np.empty((rows, 0))]
            for name, one in like.group_of(level).items():
                deviation = one.values.std() or 1.0
                parts.append((system.group_of(level)[name].values - one.values.mean()) / deviation)
                if level == "node":
                    moves += [1 / deviation * (one.role == "position")] * one.values.shape[1]
            groups.append(torch.from_numpy(np.concatenate(parts, axis=1)).float())
        target = (system.target.values - like.target.values.mean(0)) / like.target.values.std()
        return cls(*groups, system, torch.from_numpy(target).float(), torch.tensor(moves).float())


class PlainNetwork(nn.Module):
    """One block: messages of edges, updates of nodes, and of the graph where it is asked."""

    def __init__(self, baseline: Baseline, like: GraphSystem) -> None:
        super().__init__()
        wide = {
            level: sum(one.values.shape[1] for one in like.group_of(level).values())
            for level in ("node", "edge", "graph")
        }
        dim = like.target.values.shape[1]
        self.baseline, self.level = baseline, like.level
        message = dim if like.level == "node" else 3
        top = wide["graph"] if baseline.searches_sums else 0
        self.edge = self._perceptron(2 * wide["node"] + wide["edge"] + top, message)
        self.node = self._perceptron(
            wide["node"] + message + top, dim if like.level == "node" else 3
        )
        self.graph = self._perceptron(message + 3 + top, dim) if like.level == "graph" else None
        self.weights = nn.Parameter(torch.zeros(3, 3))  # by sum and aggregate

    def _perceptron(self, inputs: int, outputs: int) -> nn.Sequential:
        sizes = [inputs, *[self.baseline.hidden] * self.baseline.depth]
        layers: list[nn.Module] = []
        for a, b in pairwise(sizes):
            layers += [nn.Linear(a, b), nn.ReLU()]
        return nn.Sequential(*layers, nn.Linear(sizes[-1], outputs))

    def forward(self, at: _Columns) -> Tensor:
        """(rows, D) the scaled target."""
        here = at.system
        sender, receiver, edge_graph, node_graph = map(
            torch.from_numpy, (here.sender, here.receiver, here.edge_graph, here.node_graph)
        )
        nodes = at.nodes
        if self.training and not self.baseline.searches_sums:
            nodes = nodes + MOVED * torch.randn(nodes.shape[1]) * at.moves
        use = self.baseline.searches_sums
        on_edges = [at.graphs[edge_graph]] if use else []
        message = self.edge(torch.cat([nodes[receiver], nodes[sender], at.edges, *on_edges], 1))
        summed = self._sum(message, receiver, here.num_nodes, 0)
        on_nodes = [at.graphs[node_graph]] if use else []
        update = self.node(torch.cat([nodes, summed, *on_nodes], 1))
        if self.graph is None:
            return update
        total = self._sum(message, edge_graph, here.num_graphs, 1)
        every = self._sum(update, node_graph, here.num_graphs, 2)
        return self.graph(torch.cat([total, every, *([at.graphs] if use else [])], 1))

    def _sum(self, values: Tensor, index: Tensor, rows: int, place: int) -> Tensor:
        zeros = values.new_zeros(rows, values.shape[1])
        total = zeros.index_add(0, index, values)
        if not self.baseline.searches_sums:
            return total
        count = zeros[:, :1].index_add(0, index, torch.ones_like(values[:, :1])).clamp_min(1)
        largest = torch.full_like(zeros, -math.inf).scatter_reduce(
            0, index[:, None].expand_as(values), values, "amax"
        )
        largest = torch.where(largest.isinf(), zeros, largest)
        weights = self.weights[place].softmax(0)
        return weights[0] * total + weights[1] * total / count + weights[2] * largest


def fit_baseline(
    baseline: Baseline,
    parts: Sequence[GraphSystem],
    *,
    seconds: float,
    seed: int,
    batch_graphs: int = 64,
) -> tuple[float, float]:
    """R² on the test part, and the processor seconds that were used.

    Args:
        baseline: which one.
        parts: training, validation (keeps the best state) and test.
        seconds: processor time, validation included.
        seed: of weights and batches.
        batch_graphs: graphs per step.

    Raises:
        InputError: SymDL cannot answer about whole graphs.
    """
    train, valid, test = parts
    if train.level != "node" and not baseline.searches_sums:
        raise InputError(
            "PH-E23", "Not applicable", f"{baseline.name} answers about nodes only.",
            "Take a target of nodes.",
        )  # fmt: skip
    torch.manual_seed(seed)
    order = np.random.default_rng(seed).permutation(train.num_graphs)
    num = max(1, train.num_graphs // batch_graphs)
    batches = []
    for first in range(num):
        mask = np.zeros(train.num_graphs, bool)
        mask[order[first::num]] = True
        batches.append(_Columns.of(train.pick(mask), train))
    at_valid, at_test = _Columns.of(valid, train), _Columns.of(test, train)
    network = PlainNetwork(baseline, train)
    optimizer = torch.optim.Adam(network.parameters(), lr=baseline.learning_rate)
    loss = nn.L1Loss() if baseline is SYM_DL else nn.MSELoss()
    start, best, kept = time.process_time(), math.inf, network.state_dict()
    steps, step = PACE, 0
    while step < steps:
        rate = baseline.learning_rate * (1 + math.cos(math.pi * step / max(steps, 1))) / 2
        optimizer.param_groups[0]["lr"] = baseline.learning_rate if steps == PACE else rate
        network.train()
        batch = batches[step % num]
        optimizer.zero_grad()
        loss(network(batch), batch.target).backward()
        optimizer.step()
        step += 1
        used = time.process_time() - start
        if step == PACE:
            steps = max(PACE, int(seconds / max(used, 1e-6) * PACE))
        if step % CHECK == 0 or step == steps or used > seconds:
            error = _error(network, at_valid)
            if error < best:
                best = error
                kept = {name: value.clone() for name, value in network.state_dict().items()}
        if used > seconds:
            break
    network.load_state_dict(kept)
    spread = float(((at_test.target - at_test.target.mean(0)) ** 2).mean())
    return 1 - _error(network, at_test) / spread, time.process_time() - start


@torch.inference_mode()
def _error(network: PlainNetwork, at: _Columns) -> float:
    network.eval()
    return float(((network(at) - at.target) ** 2).mean())
