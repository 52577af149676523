"""Message-passing flows: the skeleton of a law, who depends on whom and which sums are taken.

Source: section 3.1 and appendix B of "Learning Symbolic Models for Graph-structured Physical
Mechanism" (GSR, ICLR 2023). A full block of a graph network has three layers, applied in turn: one
message per edge, one value per node, one per graph; a coarser layer reads finer ones summed up. A
search starts from full blocks and deletes in four stages: blocks, layers, inputs, embedding sizes.

Differs from the paper: an input is one named quantity (its two ends and their difference are three
inputs) instead of all of V, E or u at once, so that a flow says what a formula may mention; every
block also sees the measured quantities, not only what the block before made of them.
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np

from core.errors import ShapeError
from core.knowledge.physics.expression import variables
from core.knowledge.physics.law import AGGREGATES, Law, aggregate, inputs_of
from core.knowledge.physics.system import LEVELS, GraphSystem

__all__ = [
    "AGGREGATES", "ANY", "ENDS", "STAGES", "Input", "Key", "Layer", "MessageFlow", "Names",
    "flow_of", "full_flow", "measured",
]  # fmt: skip
ANY = "any"  # the network still weighs the three
STAGES = ("layers", "inputs", "sizes")
ENDS = ("_i", "_j")  # of an edge: receiver, sender
Key = tuple[str, str, str]  # level of the reader, name, aggregate
_LETTERS = {"edge": "e", "node": "v", "graph": "u"}
_SIGNS = {"sum": "Σ", "mean": "mean", "max": "max", ANY: "ρ"}


@dataclass(frozen=True, order=True)
class Input:
    """What a layer reads.

    Attributes:
        name: as formulas write it: a quantity, a difference of two ends, or an earlier layer.
        aggregate: how rows of a finer level become one, empty on the same or a coarser level.
    """

    name: str
    aggregate: str = ""

    def __str__(self) -> str:
        return f"{_SIGNS[self.aggregate]} {self.name}" if self.aggregate else self.name


@dataclass(frozen=True)
class Layer:
    """A function of the flow.

    Attributes:
        name: identifier of its output; at an edge, a node layer v is read as v_i and v_j.
        level: one of `LEVELS`.
        inputs: what it reads, ascending, without repetition.
        size: embedding size, the number of values (or vectors) it gives.
        vector: its values are vectors: on an edge along the line to the other end, elsewhere
            combinations of the vectors it reads.
    """

    name: str
    level: str
    inputs: tuple[Input, ...]
    size: int = 1
    vector: bool = False

    def without(self, inputs: Iterable[Input]) -> "Layer":
        """The layer without some inputs."""
        gone = set(inputs)
        return replace(self, inputs=tuple(one for one in self.inputs if one not in gone))

    def __str__(self) -> str:
        size = "" if self.size == 1 else f" [{self.size}]"
        return f"{self.name} = φ({', '.join(map(str, self.inputs))}){size}"


@dataclass(frozen=True)
class Names:
    """What layers may read of a system.

    Attributes:
        visible: level to names, without layers.
        source: a visible name to the quantity it is made of; "distance" for r.
        raw: level to the quantities that a coarser level may sum up without a layer.
    """

    visible: Mapping[str, tuple[str, ...]]
    source: Mapping[str, str]
    raw: Mapping[str, tuple[str, ...]]

    @classmethod
    def of(cls, system: GraphSystem, visible: Mapping[str, Iterable[str]]) -> "Names":
        """Names of a system.

        Args:
            system: the data.
            visible: level to names, as `core.knowledge.physics.law.visible_names` gives them.
        """
        quantities = {*system.nodes, *system.edges, *system.graphs}
        source = {name: _source(name, quantities) for names in visible.values() for name in names}
        nodes = (name for name, one in system.nodes.items() if one.role != "position")
        return cls(
            {level: tuple(visible.get(level, ())) for level in LEVELS},
            source,
            {"edge": tuple(system.edges), "node": tuple(nodes), "graph": tuple(system.graphs)},
        )


def _source(name: str, quantities: set[str]) -> str:
    """The quantity behind a derived name such as dT, T_i or dv_n."""
    if name in quantities:
        return name
    stem = name.removesuffix("_n").removesuffix("_t")
    for candidate in (stem, *(stem.removesuffix(end) for end in ENDS), stem[1:]):
        if candidate in quantities:
            return candidate
    return "distance" if name == "r" else name


@dataclass(frozen=True)
class MessageFlow:
    """Layers in order of application; the last one gives the target.

    Attributes:
        layers: every layer but the last is read by a later one.
    """

    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        names = [layer.name for layer in self.layers]
        if not names or len(set(names)) != len(names):
            raise ShapeError("A flow has layers with different names.")

    @property
    def output(self) -> Layer:
        """The layer that gives the target."""
        return self.layers[-1]

    @property
    def complexity(self) -> int:
        """Sum over layers of embedding size times number of inputs."""
        return sum(layer.size * len(layer.inputs) for layer in self.layers)

    @property
    def num_inputs(self) -> int:
        """Inputs of all layers."""
        return sum(len(layer.inputs) for layer in self.layers)

    @property
    def num_blocks(self) -> int:
        """Full blocks that hold it: edge, node and graph layers in turn."""
        order = [LEVELS.index(layer.level) for layer in self.layers]
        return 1 + sum(b <= a for a, b in pairwise(order))

    def count(self, stage: str) -> int:
        """What a stage of the search makes smaller."""
        return {
            "blocks": self.num_blocks,
            "layers": len(self.layers),
            "inputs": self.num_inputs,
            "sizes": sum(layer.size for layer in self.layers),
        }[stage]

    def layer(self, name: str) -> Layer:
        """The layer with this name."""
        return next(layer for layer in self.layers if layer.name == name)

    def made_by(self, name: str) -> Layer | None:
        """The layer that an input name stands for, None for a measured quantity."""
        for layer in self.layers:
            if name == layer.name:
                return layer
            if layer.level == "node" and name in (layer.name + end for end in ENDS):
                return layer
        return None

    def canonical(self) -> Hashable:
        """Equal for two flows exactly when they are the same but for names of layers."""
        number = {layer.name: f"{_LETTERS[layer.level]}{i}" for i, layer in enumerate(self.layers)}
        return tuple(
            (layer.level, layer.size, layer.vector, tuple(sorted(
                (_renamed(one.name, number), one.aggregate) for one in layer.inputs
            )))
            for layer in self.layers
        )  # fmt: skip

    def reads(self) -> dict[str, frozenset[str]]:
        """Layer to what it reads, layers by their level; says nothing of sizes and aggregates."""
        return {
            layer.name: frozenset(
                made.level if (made := self.made_by(one.name)) else one.name for one in layer.inputs
            )
            for layer in self.layers
        }

    def without(self, layer: str, inputs: Iterable[Input]) -> "MessageFlow":
        """The flow whose layer does not read some inputs; layers that nobody reads go as well."""
        return self._with(self.layer(layer).without(inputs))

    def with_size(self, layer: str, size: int) -> "MessageFlow":
        """The flow with another embedding size of a layer."""
        return self._with(replace(self.layer(layer), size=size))

    def with_aggregates(self, chosen: Mapping[tuple[str, str], str]) -> "MessageFlow":
        """The flow with the aggregate of each (layer, input name) that is in `chosen`."""
        return MessageFlow(tuple(
            replace(layer, inputs=tuple(sorted({
                replace(one, aggregate=chosen.get((layer.name, one.name), one.aggregate))
                for one in layer.inputs
            })))
            for layer in self.layers
        ))  # fmt: skip

    def without_layer(self, name: str, names: Names) -> "MessageFlow":
        """The flow without a layer: coarser layers then sum up the measured quantities."""
        gone = self.layer(name)
        rank = LEVELS.index(gone.level)
        kept = []
        for layer in self.layers:
            if layer is gone:
                continue
            read = {one for one in layer.inputs if self.made_by(one.name) is not gone}
            if len(read) < len(layer.inputs) and LEVELS.index(layer.level) > rank:
                read |= {Input(raw, ANY) for raw in names.raw[gone.level]}
            kept.append(replace(layer, inputs=tuple(sorted(read))))
        return MessageFlow(tuple(kept))._tidy()

    def deletions(self, stage: str, names: Names) -> "list[MessageFlow]":
        """The flows one step smaller.

        Args:
            stage: ``layers``: one layer less; ``inputs``: one input less, or all that is made of
                one quantity; ``sizes``: an embedding one smaller, or 1.
            names: of the system.
        """
        found: list[MessageFlow] = []
        for layer in self.layers:
            last = layer is self.output
            if stage == "layers" and not last:
                found.append(self.without_layer(layer.name, names))
            elif stage == "inputs":
                for group in _groups(layer.inputs, names):
                    if len(group) < len(layer.inputs):
                        found.append(self.without(layer.name, group))
                    elif not last:
                        found.append(self.without_layer(layer.name, names))
            elif stage == "sizes" and not last and layer.size > 1:
                for size in sorted({1, layer.size - 1}):
                    found.append(self.with_size(layer.name, size))
        different = {one.canonical(): one for one in found if one.output.inputs}
        return list(different.values())

    def _with(self, changed: Layer) -> "MessageFlow":
        layers = tuple(changed if one.name == changed.name else one for one in self.layers)
        return MessageFlow(layers)._tidy()

    def _tidy(self) -> "MessageFlow":
        """Drop layers that read nothing and layers that nobody reads, until none is left."""
        flow = self
        while True:
            read = {made.name for layer in flow.layers for one in layer.inputs
                    if (made := flow.made_by(one.name))}  # fmt: skip
            kept = [one for one in flow.layers[:-1] if one.inputs and one.name in read]
            gone = {one.name for one in flow.layers[:-1]} - {one.name for one in kept}
            if not gone:
                return flow
            layers = (
                replace(layer, inputs=tuple(
                    one for one in layer.inputs
                    if (made := flow.made_by(one.name)) is None or made.name not in gone
                ))
                for layer in (*kept, flow.output)
            )  # fmt: skip
            flow = MessageFlow(tuple(layers))

    def to_json(self) -> list[dict[str, Any]]:
        """Plain values; `from_json` restores an equal flow."""
        return [
            {
                "name": layer.name,
                "level": layer.level,
                "inputs": [[one.name, one.aggregate] for one in layer.inputs],
                "size": layer.size,
                "vector": layer.vector,
            }
            for layer in self.layers
        ]

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> "MessageFlow":
        """Inverse of `to_json`."""
        return cls(tuple(
            Layer(
                row["name"], row["level"], tuple(Input(*one) for one in row["inputs"]),
                row["size"], row["vector"],
            )
            for row in value
        ))  # fmt: skip

    def __str__(self) -> str:
        return "; ".join(map(str, self.layers))


def full_flow(
    names: Names, level: str, num_blocks: int, *, size: int = 3, vector: bool = False
) -> MessageFlow:
    """Full blocks: every layer reads all there is at its level and the layers before it.

    Args:
        names: of the system.
        level: of the target; what would come after it in the last block is left out.
        num_blocks: blocks.
        size: embedding size of every layer but the last.
        vector: layers give vectors.
    """
    layers: list[Layer] = []
    for block in range(1, num_blocks + 1):
        for at in LEVELS:
            rank = LEVELS.index(at)
            read = {Input(name) for name in names.visible[at]}
            for layer in layers:
                if vector and at == "edge":
                    continue  # a message is a number times a direction; numbers only go into it
                if layer.level == "node" and at == "edge":
                    read |= {Input(layer.name + end) for end in ENDS}
                else:
                    finer = LEVELS.index(layer.level) < rank
                    read.add(Input(layer.name, ANY if finer else ""))
            last = block == num_blocks and at == level
            new = not any(one.level == at and set(one.inputs) == read for one in layers)
            if read and (new or last):
                name = f"{_LETTERS[at]}{block}"
                width = 1 if last else size
                layers.append(Layer(name, at, tuple(sorted(read)), width, vector))
            if last:
                return MessageFlow(tuple(layers))._tidy()
    raise ShapeError(f"A target lives on one of {', '.join(LEVELS)}, not {level!r}.")


def flow_of(law: Law) -> MessageFlow:
    """The flow of a law: a layer for each expression, sums as parts of what reads them.

    A sum that is the answer, or that another level reads, is a layer of its own.
    """
    sums = {step.name: step for step in law.steps if step.expression is None}
    folded, others = set(), {law.steps[-1].name}
    for step in law.steps:
        read = variables(step.expression) if step.expression is not None else {step.of}
        for name in read:
            found = sums.get(name) or sums.get(name[:-2])
            if found is not None:
                here = step.expression is not None and found.level == step.level
                (folded if here else others).add(found.name)
    folded -= others
    layers = []
    for step in law.steps:
        if step.name in folded:
            continue
        if step.expression is None:
            read = {Input(step.of, step.aggregate)}
        else:
            read = {
                Input(sums[name].of, sums[name].aggregate) if name in folded else Input(name)
                for name in variables(step.expression)
            }
        layers.append(Layer(step.name, step.level, tuple(sorted(read)), 1, step.vector))
    return MessageFlow(tuple(layers))


def measured(system: GraphSystem, flows: Iterable[MessageFlow]) -> dict[Key, np.ndarray]:
    """Values of the measured quantities that flows read; of ``any`` aggregate all that exist.

    Returns:
        (level of the reader, name, aggregate) to (rows, 1|D).
    """
    wanted: dict[Key, None] = {}
    for flow in flows:
        for layer in flow.layers:
            for one in layer.inputs:
                if flow.made_by(one.name) is None:
                    hows = AGGREGATES if one.aggregate == ANY else (one.aggregate,)
                    wanted |= dict.fromkeys((layer.level, one.name, how) for how in hows)
    found = {}
    for level, name, how in wanted:
        if not how:
            found[level, name, how] = inputs_of(system, level, names=[name])[name]
            continue
        fine = "edge" if name in system.edges else "node"
        quantity = system.group_of(fine)[name]
        if quantity.is_vector and how == "max":
            continue
        if level == "node":
            index, rows = system.receiver, system.num_nodes
        else:
            index = system.edge_graph if fine == "edge" else system.node_graph
            rows = system.num_graphs
        found[level, name, how] = aggregate(how, quantity.values, index, rows)
    return found


def _groups(inputs: tuple[Input, ...], names: Names) -> list[tuple[Input, ...]]:
    """Each input alone, and those made of the same quantity together."""
    groups: dict[str, list[Input]] = {}
    for one in inputs:
        groups.setdefault(names.source.get(one.name, one.name), []).append(one)
    together = [tuple(group) for group in groups.values() if len(group) > 1]
    ends = [
        tuple(one for one in group if one.name.endswith(ENDS)) for group in together
    ]  # leaves the difference
    found = [*((one,) for one in inputs), *together, *(two for two in ends if len(two) > 1)]
    return list(dict.fromkeys(found))


def _renamed(name: str, number: Mapping[str, str]) -> str:
    for end in ("", *ENDS):
        stem = name.removesuffix(end) if end else name
        if name.endswith(end) and stem in number:
            return number[stem] + end
    return name
