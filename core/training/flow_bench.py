"""The function space of GSR: flows trained side by side on one system, and their errors.

What differs from the paper is said in `core.methods.parsimony_on_interpretation.gsr`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.configs import GsrConfig
from core.errors import ShapeError
from core.function.graph_network import FlowNetworks, FlowTables, Scales, same_layers
from core.knowledge.physics.law import inputs_of, visible_names
from core.knowledge.physics.message_flow import (
    ANY,
    Input,
    Layer,
    MessageFlow,
    Names,
    full_flow,
)
from core.knowledge.physics.system import LEVELS, GraphSystem
from core.training.flow_pruning import Flows, is_sound
from core.training.loop import Report, train
from core.training.search import Trial

EPOCH_STEPS = 50  # steps between two looks at the learning rate


@dataclass(frozen=True)
class Jump:
    """What the chosen flow loses without one of its parts.

    Attributes:
        layer: whose part it is.
        inputs: names it no longer reads; empty when the layer itself is missing.
        error: validation error of the flow without it, trained anew.
        ratio: that error by the flow's own.
    """

    layer: str
    inputs: tuple[str, ...]
    error: float
    ratio: float


def names_of(system: GraphSystem) -> Names:
    """What flows may read: numbers; in a vector law also the vectors of nodes and graphs."""
    vector = system.target.is_vector
    visible = {}
    for level in LEVELS:
        values = inputs_of(system, level, names=visible_names(system, level))
        visible[level] = tuple(
            name
            for name, one in values.items()
            if one.shape[1] == 1 or (vector and level != "edge")
        )
    return Names.of(system, visible)


class FlowBench:
    """Data, cut into batches, and the trainings on it."""

    def __init__(
        self, train_part: GraphSystem, valid_part: GraphSystem, config: GsrConfig, seed: int,
        report: Report,
    ) -> None:  # fmt: skip
        if train_part.target.is_vector and train_part.position is None:
            raise ShapeError("A flow for a vector target needs positions, which give directions.")
        self.config, self.seed, self.report = config, seed, report
        self.names, self.level = names_of(train_part), train_part.level
        self.vector = train_part.target.is_vector
        self.vectors = frozenset(
            name
            for level in ("node", "graph")
            for name, one in train_part.group_of(level).items()
            if one.is_vector
        )
        self.blocks = [
            full_flow(self.names, self.level, num, size=config.size, vector=self.vector)
            for num in range(1, config.max_blocks + 1)
        ]
        every = [*self.blocks, _all_sums(self.names)]
        self.scales = Scales.of(train_part, every)
        self.num_valid = valid_part.num_graphs
        size = max(
            1, round(config.batch_edges / max(1, train_part.num_edges) * train_part.num_graphs)
        )
        order = np.random.default_rng(seed).permutation(train_part.num_graphs)
        num = max(1, train_part.num_graphs // size)
        self.parts = []
        for first in range(num):
            mask = np.zeros(train_part.num_graphs, bool)
            mask[order[first::num]] = True
            self.parts.append(FlowTables.of(train_part.pick(mask), every, self.scales))
        self.valid = FlowTables.of(valid_part, every, self.scales)

    def train(self, flows: Flows, seeds: Sequence[int], steps: int) -> tuple[FlowNetworks, Tensor]:
        """Networks of flows with the same layers, and their (F,) validation errors."""
        training = _Training(self, flows, seeds, steps)
        epochs = max(1, steps // EPOCH_STEPS)
        train(training, num_epochs=epochs, patience=epochs, gradient_clip=float("inf"),
              report=self._alive)  # fmt: skip
        return training.network, self.errors(training.network)

    def _alive(self, *_step: object, **_values: float) -> None:
        self.report(0, 0, "training flows")

    @torch.inference_mode()
    def errors(self, network: FlowNetworks) -> Tensor:
        """(F,) RMSE on the validation part in standard deviations of the training target."""
        return ((network(self.valid) - self.valid.target) ** 2).mean((1, 2)).sqrt()

    def trials(self, flows: Flows) -> list[Trial[MessageFlow]]:
        """Train each flow; those with the same layers side by side."""
        made: dict[MessageFlow, Trial[MessageFlow]] = {}
        groups: dict[object, list[MessageFlow]] = {}
        for flow in flows:
            groups.setdefault(same_layers(flow), []).append(flow)
        for group in groups.values():
            start = time.process_time()
            _, errors = self.train(group, [self.seed] * len(group), self.config.steps)
            seconds = (time.process_time() - start) / len(group)
            for flow, error in zip(group, errors.tolist(), strict=True):
                made[flow] = Trial(flow, -error, flow.complexity, seconds)
        return [made[flow] for flow in flows]

    def hardened(self, flow: MessageFlow) -> MessageFlow:
        """The flow with the aggregate that weighs most after a training."""
        if not any(one.aggregate == ANY for layer in flow.layers for one in layer.inputs):
            return flow
        network, _ = self.train([flow], [self.seed], self.config.steps)
        return flow.with_aggregates(network.aggregates(0))

    def train_to_the_end(self, flow: MessageFlow) -> tuple[FlowNetworks, float]:
        """The best of some long trainings, and its validation error."""
        seeds = [self.seed + number for number in range(self.config.restarts)]
        networks, errors = self.train([flow] * len(seeds), seeds, self.config.final_steps)
        best = int(errors.argmin())
        return networks.alone(best), float(errors[best])

    def jumps(self, flow: MessageFlow) -> tuple[Jump, ...]:
        """Errors without each part, every flow trained as in the search."""
        parts: dict[tuple[str, tuple[str, ...]], MessageFlow] = {}
        for layer in flow.layers:
            for one in layer.inputs:
                parts[layer.name, (one.name,)] = flow.without(layer.name, [one])
            if layer is not flow.output:
                parts[layer.name, ()] = flow.without_layer(layer.name, self.names)
        sound = {part: one for part, one in parts.items()
                 if one.output.inputs and is_sound(one, self.vectors)}  # fmt: skip
        trials = self.trials(list(dict.fromkeys([flow, *sound.values()])))
        errors = {trial.candidate: -trial.score for trial in trials}
        return tuple(
            Jump(layer, inputs, errors[one], errors[one] / max(errors[flow], 1e-9))
            for (layer, inputs), one in sound.items()
        )


class _Training:
    """Flows side by side for `core.training.loop.train`; the last epoch is kept."""

    def __init__(self, bench: FlowBench, flows: Flows, seeds: Sequence[int], steps: int) -> None:
        self.bench, self.epoch = bench, 0
        self.network = FlowNetworks(flows, bench.scales, seeds)
        rate, epochs = bench.config.learning_rate, max(1, steps // EPOCH_STEPS)
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)
        self.scheduler = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer,
            lambda epoch: min(1.0, 0.3 + epoch) * (1 + np.cos(np.pi * epoch / epochs)) / 2,
        )

    def batches(self, epoch: int) -> Iterator[FlowTables]:
        """Batches in turn."""
        self.epoch, parts = epoch, self.bench.parts
        for step in range(epoch * EPOCH_STEPS, (epoch + 1) * EPOCH_STEPS):
            yield parts[step % len(parts)]

    def loss(self, batch: FlowTables) -> Tensor:
        """Sum over the flows, so that none feels how many there are."""
        return ((self.network(batch) - batch.target) ** 2).mean((1, 2)).sum()

    def validate(self) -> dict[str, float]:
        """The last epoch is always the best."""
        return {"selection": float(self.epoch)}


def _all_sums(names: Names) -> MessageFlow:
    """A flow that reads every sum of measured quantities that any flow may read."""
    raw = {level: {Input(name, ANY) for name in names.raw[level]} for level in LEVELS}
    return MessageFlow((
        Layer("sums_of_edges", "node", tuple(sorted(raw["edge"]))),
        Layer("sums", "graph", tuple(sorted(raw["edge"] | raw["node"]))),
    ))  # fmt: skip
