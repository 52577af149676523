"""Graph networks of many message-passing flows, trained side by side in one tensor.

Source: section 3.1 of "Learning Symbolic Models for Graph-structured Physical Mechanism" (GSR, ICLR
2023): every layer of a flow is a multilayer perceptron of four layers of 16 units; while flows are
searched, an aggregate is a softmax-weighted combination of sum, mean and maximum.

Differs from the paper: (1) edges see differences and distances, and a message of a vector law is a
scalar times the unit vector to the other node, other vector layers combine the vectors they read
with scalar weights, so that a network keeps its form when the world is moved or turned; (2) a
positive quantity also enters as its logarithm, which makes quotients and powers easy to learn; (3)
a linear path runs beside every perceptron, which makes a sum or a product with a constant easy.

Notation: F flows, E edges, N nodes, S graphs, H hidden units, D components of a vector, 1 for a
scalar law.
"""

import math
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ShapeError
from core.knowledge.physics.message_flow import (
    AGGREGATES,
    ANY,
    ENDS,
    Input,
    Key,
    Layer,
    MessageFlow,
    measured,
)
from core.knowledge.physics.system import LEVELS, GraphSystem

HIDDEN = 16  # units of a layer; paper
DEPTH = 4  # layers of units; paper
PREFERENCE = 1.0  # of the sum before training: where all nodes have as many neighbours, sum and
# mean cannot be told apart, and the sum is the physical one
GAIN = 1.7  # of the initial weights, keeps the spread of values through SiLU
START = 0.3  # of what a perceptron gives at first: with 1, two blocks of vectors started so far off
# that 500 steps left an error of 1.59 (springs under forces, validation); with 0.3, 0.13
SMALL = 1e-30


@dataclass(frozen=True)
class Scale:
    """How the values of an input are brought to a common size.

    Attributes:
        shift: mean, 0 for a vector.
        scale: standard deviation, of a vector the root mean square.
        log: mean and deviation of the logarithm of a positive quantity, None for others.
        vector: several components.
    """

    shift: float
    scale: float
    log: tuple[float, float] | None = None
    vector: bool = False

    @classmethod
    def of(cls, values: np.ndarray) -> "Scale":
        """Of (rows, 1) numbers or (rows, D) vectors; at least one row."""
        if values.shape[1] > 1:
            return cls(0.0, float(np.sqrt(np.mean(values**2))) or 1.0, vector=True)
        mean, deviation = float(values.mean()), float(values.std())
        log = None
        if values.min() > 0 and deviation > 1e-9 * mean:
            logs = np.log(values)
            log = float(logs.mean()), float(logs.std())
        return cls(mean, deviation if deviation > 1e-9 * abs(mean) else 1.0, log)

    @property
    def width(self) -> int:
        """Columns of a scalar."""
        return 1 if self.log is None else 2

    def apply(self, values: Tensor) -> Tensor:
        """(rows, 1) numbers to (rows, width), (rows, D) vectors to the same shape."""
        scaled = (values - self.shift) / self.scale
        if self.log is None:
            return scaled
        logs = (values.clamp_min(SMALL).log() - self.log[0]) / self.log[1]
        return torch.cat([scaled, logs], 1)


@dataclass(frozen=True)
class Scales:
    """Scales of every input and of the target, measured on training data.

    Attributes:
        inputs: of what some flows read.
        target: of the target; a vector is not shifted.
        degree: mean number of finer rows in a coarser row, by both levels; a network divides sums
            by it.
    """

    inputs: Mapping[Key, Scale]
    target: Scale
    degree: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, system: GraphSystem, flows: Iterable[MessageFlow]) -> "Scales":
        """Of all that some flows read of a system."""
        rows = {"edge": system.num_edges, "node": system.num_nodes, "graph": system.num_graphs}
        target = Scale.of(system.target.values)
        return cls(
            {key: Scale.of(one) for key, one in measured(system, flows).items()},
            Scale(target.shift, target.scale, vector=target.vector),
            {
                (fine, coarse): max(rows[fine], 1) / max(rows[coarse], 1)
                for fine in LEVELS
                for coarse in LEVELS
            },
        )


def _group(rows: "GraphSystem | FlowTables", fine: str, coarse: str) -> np.ndarray | Tensor:
    """(rows of fine,) the coarse row that each belongs to."""
    if coarse == "node":
        return rows.receiver
    return rows.edge_graph if fine == "edge" else rows.node_graph


@dataclass(frozen=True, eq=False)
class FlowTables:
    """What networks read of a system, scaled.

    Attributes:
        inputs: (rows, width) of each measured scalar, (rows, D) of a vector.
        direction: (E, D) unit vectors, (E, 0) without positions.
        sender: (E,).
        receiver: (E,).
        edge_graph: (E,).
        node_graph: (N,).
        num_graphs: S.
        target: (rows, 1|D), scaled.
    """

    inputs: Mapping[Key, Tensor]
    direction: Tensor
    sender: Tensor
    receiver: Tensor
    edge_graph: Tensor
    node_graph: Tensor
    num_graphs: int
    target: Tensor

    @classmethod
    def of(cls, system: GraphSystem, flows: Iterable[MessageFlow], scales: Scales) -> "FlowTables":
        """Tables of all that some flows read of a system."""
        values = measured(system, flows)
        has_space = system.position is not None
        direction = system.direction if has_space else np.zeros((system.num_edges, 0))
        return cls(
            {key: scales.inputs[key].apply(torch.from_numpy(values[key])).float()
             for key in values},
            torch.from_numpy(direction).float(),
            *(torch.from_numpy(np.asarray(index)) for index in (
                system.sender, system.receiver, system.edge_graph, system.node_graph,
            )),
            system.num_graphs,
            scales.target.apply(torch.from_numpy(system.target.values)).float(),
        )  # fmt: skip

    def num_rows(self, level: str) -> int:
        """Rows of a level."""
        return {"edge": len(self.sender), "node": len(self.node_graph)}.get(level, self.num_graphs)


class Perceptrons(nn.Module):
    """F multilayer perceptrons with a linear path, side by side.

    Args:
        present: (F, number of inputs) which input each flow reads.
        widths: columns of each input by its name.
        outputs: columns of the result.
        seeds: (F) of the initial weights, together with the inputs' names: a flow starts the same
            in whatever company it is trained.
    """

    mask: Tensor

    def __init__(
        self, present: Tensor, widths: Mapping[str, int], outputs: int, seeds: Sequence[str]
    ) -> None:
        super().__init__()
        if not widths:  # a layer that only combines vectors: its weights are constants
            present, widths = torch.zeros(len(present), 1), {"": 1}
        columns = torch.tensor(list(widths.values()), dtype=torch.long)
        self.register_buffer("mask", present.float().repeat_interleave(columns, 1)[:, :, None])
        fan_in = self.mask.sum(1, keepdim=True).clamp_min(1).sqrt()  # (F, 1, 1)

        def drawn(name: str, rows: int, columns: int) -> Tensor:
            return torch.stack([_uniform(f"{seed}/{name}", rows, columns) for seed in seeds])

        def first(kind: str, columns: int) -> Tensor:
            parts = (drawn(f"{kind}/{name}", width, columns) for name, width in widths.items())
            return torch.cat([torch.zeros(len(seeds), 0, columns), *parts], 1)

        inner = GAIN * math.sqrt(3 / HIDDEN)
        self.first = nn.Parameter(GAIN * first("first", HIDDEN) / fan_in)
        self.linear = nn.Parameter(START * first("linear", outputs) / fan_in)
        hidden = [drawn(f"hidden {i}", HIDDEN, HIDDEN) for i in range(DEPTH - 1)]
        self.hidden = nn.Parameter(inner * torch.stack(hidden, 1))  # (F, DEPTH - 1, H, H)
        self.last = nn.Parameter(START * inner * drawn("last", HIDDEN, outputs))
        biases = [drawn(f"bias {i}", 1, HIDDEN) for i in range(DEPTH)]
        self.biases = nn.Parameter(torch.stack(biases, 1))  # (F, DEPTH, 1, H)
        self.offset = nn.Parameter(torch.zeros(len(present), 1, outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(F, rows, columns) to (F, rows, outputs)."""
        first_bias, *biases = self.biases.unbind(1)
        hidden = torch.baddbmm(first_bias, x, self.first * self.mask)
        for bias, weight in zip(biases, self.hidden.unbind(1), strict=True):
            hidden = torch.baddbmm(bias, functional.silu(hidden), weight)
        straight = torch.baddbmm(self.offset, x, self.linear * self.mask)
        return torch.baddbmm(straight, functional.silu(hidden), self.last)


@dataclass(frozen=True, eq=False)
class Computed:
    """What the layers of networks gave.

    Attributes:
        values: (F, rows, size) of each layer, (F, rows, size, D) when it gives vectors.
        factors: (F, rows, size, K) weights of the K vectors that a layer combines, or (F, E, size)
            of the unit vectors.
        inputs: (F, rows, columns) scalar inputs of each layer, scaled.
    """

    values: dict[str, Tensor]
    factors: dict[str, Tensor]
    inputs: dict[str, Tensor]


class FlowNetworks(nn.Module):
    """One graph network per flow; flows share nothing but the computation.

    Args:
        flows: with the same layers by name, level and kind, in the same order; inputs and sizes
            may differ.
        scales: of training data that have all that the flows read.
        seeds: (F) of the initial weights.

    Raises:
        ShapeError: the flows have different layers.
    """

    def __init__(self, flows: Sequence[MessageFlow], scales: Scales, seeds: Sequence[int]) -> None:
        super().__init__()
        if len({same_layers(flow) for flow in flows}) != 1:
            raise ShapeError("Flows that are trained side by side have the same layers.")
        self.flows, self.scales, self.seeds = tuple(flows), scales, tuple(seeds)
        self.union = MessageFlow(tuple(
            Layer(
                one.name, one.level,
                tuple(sorted({read for flow in flows for read in flow.layers[i].inputs})),
                max(flow.layers[i].size for flow in flows), one.vector,
            )
            for i, one in enumerate(flows[0].layers)
        ))  # fmt: skip
        self.perceptrons, self.weights = nn.ModuleDict(), nn.ParameterDict()
        for i, layer in enumerate(self.union.layers):
            self._prepare(layer, [flow.layers[i] for flow in flows])

    def _prepare(self, layer: Layer, own: Sequence[Layer]) -> None:
        """Weights and masks of a layer; `own` is that layer of each flow."""

        def present(reads: Sequence[Input]) -> Tensor:
            rows = [[one in mine.inputs for one in reads] for mine in own]
            return torch.tensor(rows, dtype=torch.float32).reshape(len(own), len(reads))

        combined = self.combined(layer)
        self.perceptrons[layer.name] = Perceptrons(
            present(self.scalars(layer)),
            {str(one): self.width(layer, one) for one in self.scalars(layer)},
            layer.size * max(1, len(combined)),
            [f"{seed}/{layer.name}" for seed in self.seeds],
        )
        kept = torch.arange(layer.size) < torch.tensor([mine.size for mine in own])[:, None]
        self.register_buffer(f"size_{layer.name}", kept.float()[:, None])  # (F, 1, size)
        there = present([one for one, _ in combined])
        self.register_buffer(f"reads_{layer.name}", there[:, None, None])  # (F, 1, 1, K)
        for one in layer.inputs:
            if one.aggregate == ANY:
                start = [PREFERENCE * (how == "sum") for how in self._ways(layer, one)]
                self.weights[_place(layer, one)] = nn.Parameter(torch.tensor([start] * len(own)))

    def is_vector(self, layer: Layer, one: Input) -> bool:
        """Whether an input of a layer is a vector."""
        made = self.union.made_by(one.name)
        if made is not None:
            return made.vector
        how = "sum" if one.aggregate == ANY else one.aggregate
        return self.scales.inputs[layer.level, one.name, how].vector

    def scalars(self, layer: Layer) -> list[Input]:
        """Inputs of a layer's perceptron."""
        return [one for one in layer.inputs if not self.is_vector(layer, one)]

    def combined(self, layer: Layer) -> list[tuple[Input, int]]:
        """The vectors that a layer combines, each an input and the number of the vector in it."""
        vectors = (one for one in layer.inputs if self.is_vector(layer, one))
        made = ((one, self.union.made_by(one.name)) for one in vectors)
        return [(one, k) for one, source in made for k in range(source.size if source else 1)]

    def width(self, layer: Layer, one: Input) -> int:
        """Columns of a scalar input."""
        made = self.union.made_by(one.name)
        if made is not None:
            return made.size
        hows = self._ways(layer, one) if one.aggregate == ANY else (one.aggregate,)
        return min(self.scales.inputs[layer.level, one.name, how].width for how in hows)

    def _ways(self, layer: Layer, one: Input) -> tuple[str, ...]:
        """Aggregates between which an input is weighed; vectors have no maximum."""
        return AGGREGATES[:2] if self.is_vector(layer, one) else AGGREGATES

    def aggregates(self, number: int) -> dict[tuple[str, str], str]:
        """(layer, input name) to the aggregate with the largest weight in one flow."""
        found = {}
        for layer in self.flows[number].layers:
            for one in layer.inputs:
                if one.aggregate == ANY:
                    weights = self.weights[_place(layer, one)][number]
                    found[layer.name, one.name] = AGGREGATES[int(weights.argmax())]
        return found

    def forward(self, tables: FlowTables) -> Tensor:
        """(F, rows, 1|D) the target by each flow, scaled."""
        values = self.compute(tables).values[self.union.output.name]
        return values[:, :, 0] if self.union.output.vector else values

    def compute(self, tables: FlowTables) -> Computed:
        """What every layer gives."""
        done = Computed({}, {}, {})
        for layer in self.union.layers:
            rows = tables.num_rows(layer.level)
            parts = [
                self.read(layer, one, tables, done).expand(len(self.flows), -1, -1)
                for one in self.scalars(layer)
            ]
            parts = parts or [tables.direction.new_zeros(len(self.flows), rows, 1)]
            x = torch.cat(parts, 2)
            y = self.perceptrons[layer.name](x)
            size = getattr(self, f"size_{layer.name}")
            done.inputs[layer.name] = x
            if not layer.vector:
                done.values[layer.name] = y * size
            elif layer.level == "edge":
                done.factors[layer.name] = y * size
                done.values[layer.name] = (y * size)[..., None] * tables.direction[:, None]
            else:
                factors = y.unflatten(2, (layer.size, -1)) * getattr(self, f"reads_{layer.name}")
                factors = factors * size[..., None]  # (F, rows, size, K)
                done.factors[layer.name] = factors
                done.values[layer.name] = factors @ self.vectors(layer, tables, done)
        return done

    def vectors(self, layer: Layer, tables: FlowTables, done: Computed) -> Tensor:
        """(F, rows, K, D) the vectors that a layer combines."""
        found = []
        for one in layer.inputs:
            if self.is_vector(layer, one):
                values = self.read(layer, one, tables, done)
                found.append(values.expand(len(self.flows), *values.shape[1:]))
        return torch.cat(found, 2)

    def read(self, layer: Layer, one: Input, tables: FlowTables, done: Computed) -> Tensor:
        """(F|1, rows, width) of a scalar input, (F|1, rows, k, D) of vectors."""
        made = self.union.made_by(one.name)
        weights = None
        if one.aggregate == ANY:
            weights = self.weights[_place(layer, one)].softmax(1)  # (F, ways)
        if made is None:
            vector = self.is_vector(layer, one)
            hows = (one.aggregate,) if weights is None else self._ways(layer, one)
            ways = [tables.inputs[layer.level, one.name, how][None] for how in hows]
            ways = [way[:, :, None] if vector else way[..., : self.width(layer, one)]
                    for way in ways]  # fmt: skip
            return ways[0] if weights is None else _weighed(ways, weights)
        values = done.values[made.name]
        if one.aggregate:
            hows = (one.aggregate,) if weights is None else self._ways(layer, one)
            index = _group(tables, made.level, layer.level)
            ways = _aggregated(
                values, index, tables.num_rows(layer.level), hows,
                self.scales.degree[made.level, layer.level],
            )  # fmt: skip
            return ways[0] if weights is None else _weighed(ways, weights)
        if made.level == layer.level:
            return values
        if made.level == "graph":
            return values.index_select(1, tables.edge_graph if layer.level == "edge"
                                       else tables.node_graph)  # fmt: skip
        end = tables.receiver if one.name.endswith(ENDS[0]) else tables.sender
        return values.index_select(1, end)

    def alone(self, number: int) -> "FlowNetworks":
        """A copy of one network, where all are of the same flow."""
        copy = FlowNetworks([self.flows[number]], self.scales, [self.seeds[number]])
        copy.load_state_dict(
            {name: value[number : number + 1] for name, value in self.state_dict().items()}
        )
        return copy


@torch.inference_mode()
def predict(network: FlowNetworks, system: GraphSystem) -> np.ndarray:
    """(rows, 1|D) the target by the first flow, in its own unit."""
    target = network.scales.target
    tables = FlowTables.of(system, network.flows[:1], network.scales)
    return network(tables)[0].double().numpy() * target.scale + target.shift


def r2_of(network: FlowNetworks, system: GraphSystem) -> float:
    """R² of the first flow over all rows and components."""
    values = system.target.values
    rest = np.sum((predict(network, system) - values) ** 2)
    return float(1 - rest / np.sum((values - values.mean(0)) ** 2))


def _uniform(seed: str, rows: int, columns: int) -> Tensor:
    """Uniform in -1..1 from a text."""
    generator = torch.Generator().manual_seed(zlib.crc32(seed.encode()))
    return torch.empty(rows, columns).uniform_(-1, 1, generator=generator)


def same_layers(flow: MessageFlow) -> tuple[tuple[str, str, bool], ...]:
    """Equal for flows that can be trained side by side."""
    return tuple((layer.name, layer.level, layer.vector) for layer in flow.layers)


def _place(layer: Layer, one: Input) -> str:
    """Key of the weights of an input's aggregates."""
    return f"{layer.name}-{one.name}"


def _weighed(ways: Sequence[Tensor], weights: Tensor) -> Tensor:
    """Weighted sum; each way (F|1, rows, ...), weights (F, ways)."""
    shape = (-1, *[1] * (ways[0].dim() - 1))
    return sum(way * weights[:, i].view(shape) for i, way in enumerate(ways))


def _aggregated(
    values: Tensor, index: Tensor, rows: int, hows: Sequence[str], degree: float
) -> list[Tensor]:
    """(F, rows, ...) of (F, finer rows, ...) in each of some ways; sums divided by `degree`."""
    flat = values.flatten(2)  # (F, finer rows, columns)
    zeros = flat.new_zeros(len(flat), rows, flat.shape[2])
    total = zeros.index_add(1, index, flat)
    found = []
    for how in hows:
        if how == "sum":
            way = total / degree
        elif how == "mean":
            count = torch.zeros(rows).index_add(0, index, torch.ones(len(index)))
            way = total / count.clamp_min(1)[:, None]
        else:
            place = index[None, :, None].expand_as(flat)
            way = torch.full_like(zeros, -math.inf).scatter_reduce(1, place, flat, "amax")
            way = torch.where(way.isinf(), zeros, way)
        found.append(way.view(len(flat), rows, *values.shape[2:]))
    return found
