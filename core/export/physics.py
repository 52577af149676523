"""Laws, the networks they were distilled from and the functions of these as ONNX models.

A law is exported in double precision, since its answers span many orders of magnitude; a network in
single precision, as it was trained. Feeds are those of `core.serving.physics_model`. Edges come in
ascending order of their receiver, and sums are scatter-adds.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from core.export.onnx import parity, to_onnx
from core.function.graph_network import FlowNetworks, FlowTables
from core.knowledge.physics.expression import OPS, Expression, Number, Variable, variables
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem
from core.serving.physics_model import (
    LAW_FILE,
    NETWORK_FILE,
    OUTPUT,
    feed_name,
    feeds_of,
    in_order,
    inputs_of_law,
    inputs_of_network,
    phi_file,
)
from core.serving.session import Session

INFIX = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div, "neg": torch.neg,
         "pow": torch.pow}  # fmt: skip
Named = Mapping[str, Tensor]


@dataclass(frozen=True)
class ExportedLaw:
    """ONNX files of a law, and of its network where there is one.

    Attributes:
        files: content by file name; the law is ``model.onnx``.
        inputs: by file name, what it reads, for `core.serving.physics_model.feeds_of`.
        parity: largest difference between ONNX Runtime and the law or network.
    """

    files: Mapping[str, bytes]
    inputs: Mapping[str, list[str]]
    parity: float


class LawModule(nn.Module):
    """A law as a torch module in double precision.

    Args:
        law: what is computed.
        inputs: names of the feeds, in the order in which they are given.
    """

    def __init__(self, law: Law, inputs: Sequence[str]) -> None:
        super().__init__()
        self.law, self.inputs = law, tuple(inputs)

    def forward(self, lists: tuple[Tensor, ...]) -> Tensor:
        """(rows, 1|D) answers from the feeds."""
        fed = dict(zip(self.inputs, lists, strict=True))
        known: dict[str, tuple[str, Tensor]] = {}
        for step in self.law.steps:
            value = self._sum(step, fed, known)
            if step.expression is not None:
                value = _value(step.expression, self._names(step, fed, known), _ones(step, fed))
                if step.vector:
                    value = value * fed["direction"]
            known[step.name] = step.level, value
        return known[self.law.steps[-1].name][1]

    def _names(
        self, step: Step, fed: Named, known: Mapping[str, tuple[str, Tensor]]
    ) -> dict[str, Tensor]:
        """Values of the names of a step's expression."""
        found = {}
        for name in variables(step.expression):
            key = feed_name(step.level, name)
            if key in fed:
                found[name] = fed[key]
                continue
            end = "" if name in known else name[-2:]
            level, values = known[name.removesuffix(end) if end else name]
            if level == step.level:
                found[name] = values
            elif level == "graph":
                rows = fed["edge_graph" if step.level == "edge" else "node_graph"]
                found[name] = values.index_select(0, rows)
            else:
                found[name] = values.index_select(0, fed["receiver" if end == "_i" else "sender"])
        return found

    def _sum(self, step: Step, fed: Named, known: Mapping[str, tuple[str, Tensor]]) -> Tensor:
        """The value of an aggregate; nothing for an expression."""
        if step.expression is not None:
            return torch.empty(0)
        if step.of in known:
            fine, values = known[step.of]
        else:
            fine = "edge" if step.level == "node" else "node"
            values = fed[feed_name(fine, step.of)]
        index = fed["receiver" if step.level == "node" else f"{fine}_graph"]
        zeros = values.new_zeros(_rows(step.level, fed), values.shape[1])
        if step.aggregate == "max":
            place = index[:, None].expand_as(values)
            largest = torch.full_like(zeros, -torch.inf).scatter_reduce(0, place, values, "amax")
            return torch.where(largest.isinf(), zeros, largest)
        total = zeros.index_add(0, index, values)
        if step.aggregate == "sum":
            return total
        ones = torch.ones_like(values[:, :1])
        return total / zeros[:, :1].index_add(0, index, ones).clamp_min(1)


def _rows(level: str, fed: Named) -> int:
    return len(fed["node_graph"] if level == "node" else fed["graph"])


def _ones(step: Step, fed: Named) -> Tensor:
    """(rows, 1) ones of a step's level, which give a constant its rows."""
    index = {"edge": "receiver", "node": "node_graph", "graph": "graph"}[step.level]
    return torch.ones_like(fed[index], dtype=torch.float64)[:, None]


def _value(expr: Expression, names: Named, ones: Tensor) -> Tensor:
    if isinstance(expr, Variable):
        return names[expr.name]
    if isinstance(expr, Number):
        # as a tensor: the exporter would round a plain number to single precision
        return torch.tensor(expr.value, dtype=torch.float64) * ones
    if expr.op == "pow":
        return torch.pow(_value(expr.args[0], names, ones), expr.args[1].value)
    function = INFIX.get(expr.op) or getattr(torch, OPS[expr.op].torch.removeprefix("torch."))
    return function(*(_value(one, names, ones) for one in expr.args))


class NetworkModule(nn.Module):
    """The network of one flow, from measured values to the answer in its own unit."""

    def __init__(self, network: FlowNetworks, inputs: Sequence[str]) -> None:
        super().__init__()
        self.network, self.inputs = network, tuple(inputs)

    def forward(self, lists: tuple[Tensor, ...]) -> Tensor:
        """(rows, 1|D) answers from the feeds."""
        fed = dict(zip(self.inputs, lists, strict=True))
        scales = self.network.scales
        tables = FlowTables(
            {key: scale.apply(fed[feed_name(*key)]) for key, scale in scales.inputs.items()
             if feed_name(*key) in fed},
            fed["direction"] if "direction" in fed else torch.zeros(len(fed["sender"]), 0),
            fed["sender"], fed["receiver"], fed["edge_graph"], fed["node_graph"],
            len(fed["graph"]), torch.empty(0),
        )  # fmt: skip
        return self.network(tables)[0] * scales.target.scale + scales.target.shift


class PhiModule(nn.Module):
    """One function of a network: scaled scalar inputs to its values, (rows, outputs)."""

    def __init__(self, network: FlowNetworks, layer: str) -> None:
        super().__init__()
        self.perceptrons = network.perceptrons[layer]

    def forward(self, inputs: Tensor) -> Tensor:
        """(rows, outputs) of (rows, columns)."""
        return self.perceptrons(inputs[None])[0]


def export_law(law: Law, system: GraphSystem, network: FlowNetworks | None = None) -> ExportedLaw:
    """The files of a law.

    Args:
        law: becomes ``model.onnx``.
        system: data to compare on.
        network: of one flow with fixed aggregates; becomes ``network.onnx`` and a file per layer.
    """
    system = in_order(system)
    inputs = {LAW_FILE: inputs_of_law(law)}
    files: dict[str, bytes] = {}
    module = LawModule(law, inputs[LAW_FILE]).eval()
    files[LAW_FILE] = _export(module, system, inputs[LAW_FILE], np.float64)
    cases = [system, *(system.pick(np.arange(system.num_graphs) % 3 == k) for k in range(2))]
    worst = _parity(module, files[LAW_FILE], cases, inputs[LAW_FILE], np.float64)
    session = Session(files[LAW_FILE], "cpu")
    for case in cases:
        (served,) = session.run(feeds_of(case, inputs[LAW_FILE], np.float64), [OUTPUT])
        worst = max(worst, float(np.abs(served - law.evaluate(case)).max()))
    if network is not None:
        inputs[NETWORK_FILE] = inputs_of_network(network.flows[0], system)
        module = NetworkModule(network, inputs[NETWORK_FILE]).eval()
        files[NETWORK_FILE] = _export(module, system, inputs[NETWORK_FILE], np.float32)
        apart = _parity(module, files[NETWORK_FILE], cases, inputs[NETWORK_FILE], np.float32)
        worst = max(worst, apart / network.scales.target.scale)
        for layer in network.flows[0].layers:
            name = phi_file(layer.name)
            files[name], apart = _export_phi(PhiModule(network, layer.name).eval())
            inputs[name] = [str(one) for one in network.scalars(layer)]
            worst = max(worst, apart)
    return ExportedLaw(files, inputs, worst)


def _export_phi(module: PhiModule) -> tuple[bytes, float]:
    rng, columns = np.random.default_rng(0), module.perceptrons.mask.shape[1]

    def drawn(rows: int) -> dict[str, Any]:
        return {"inputs": rng.standard_normal((rows, columns)).astype(np.float32)}

    content = to_onnx(module, drawn(5), [OUTPUT], dynamic={"inputs": (0,)})
    return content, parity(module, Session(content, "cpu"), map(drawn, (1, 7, 300)), [OUTPUT])


def _export(
    module: nn.Module, system: GraphSystem, inputs: Sequence[str], kind: type[np.floating]
) -> bytes:
    some = system.pick(np.arange(system.num_graphs) < 3)
    example = feeds_of(some, inputs, kind)
    return to_onnx(module, example, [OUTPUT], dynamic=dict.fromkeys(inputs, (0,)))


def _parity(
    module: nn.Module, content: bytes, cases: Iterable[GraphSystem], inputs: Sequence[str],
    kind: type[np.floating],
) -> float:  # fmt: skip
    feeds = (feeds_of(case, inputs, kind) for case in cases)
    return parity(module, Session(content, "cpu"), feeds, [OUTPUT])
