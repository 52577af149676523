"""A discovered law, and the network it was distilled from, through ONNX Runtime.

A file reads values by name: ``edge_r``, ``node_m`` as formulas see them, ``node_f_sum`` for a sum
that a network reads, ``direction`` for unit vectors, and the links as indices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from core.discovery.discover import Discovery
from core.errors import ArtifactError
from core.knowledge.physics.expression import variables
from core.knowledge.physics.law import Law, inputs_of, visible_names
from core.knowledge.physics.message_flow import (
    AGGREGATES,
    Input,
    Layer,
    MessageFlow,
    measured,
)
from core.knowledge.physics.system import LEVELS, GraphSystem, Quantity
from core.serving.artifact import Artifact, load_artifact
from core.serving.physics_question import Question

LAW_FILE, NETWORK_FILE, OUTPUT = "model.onnx", "network.onnx", "answer"
INDICES = ("sender", "receiver", "edge_graph", "node_graph", "graph")
PREFIX = "gsr-"


def phi_file(layer: str) -> str:
    """File of a layer's function."""
    return f"phi-{layer}.onnx"


def feed_name(level: str, name: str, aggregate: str = "") -> str:
    """Name of a feed."""
    return "_".join(part for part in (level, name, aggregate) if part)


def inputs_of_law(law: Law) -> list[str]:
    """Feeds that a law needs."""
    found = {"graph": None}
    own = {step.name for step in law.steps}
    own |= {name + end for name in own for end in ("_i", "_j")}
    for step in law.steps:
        if step.expression is None:
            found |= dict.fromkeys(("receiver", "node_graph", "edge_graph"))
            if step.of not in own:
                fine = "edge" if step.level == "node" else "node"
                found[feed_name(fine, step.of)] = None
            continue
        rows = {"edge": "receiver", "node": "node_graph", "graph": "graph"}[step.level]
        found[rows] = None
        for name in sorted(variables(step.expression)):
            if name in own:
                found |= dict.fromkeys(("sender", "receiver", "edge_graph", "node_graph"))
            else:
                found[feed_name(step.level, name)] = None
        if step.vector:
            found["direction"] = None
    return list(found)


def inputs_of_network(flow: MessageFlow, system: GraphSystem) -> list[str]:
    """Feeds that the network of a flow needs."""
    found = dict.fromkeys(INDICES)
    if system.position is not None and any(layer.vector for layer in flow.layers):
        found["direction"] = None
    found |= dict.fromkeys(feed_name(*key) for key in measured(system, [flow]))
    return list(found)


def in_order(system: GraphSystem) -> GraphSystem:
    """The same system with edges in ascending order of their receiver, as models need them."""
    if (np.diff(system.receiver) >= 0).all():
        return system
    order = np.argsort(system.receiver, kind="stable")

    def sorted_(one: Quantity) -> Quantity:
        return replace(one, values=one.values[order])

    return replace(
        system,
        edges={name: sorted_(one) for name, one in system.edges.items()},
        sender=system.sender[order],
        receiver=system.receiver[order],
        target=sorted_(system.target) if system.level == "edge" else system.target,
    )


def feeds_of(
    system: GraphSystem, names: Sequence[str], kind: type[np.floating]
) -> dict[str, np.ndarray]:
    """Values of feeds.

    Args:
        system: with edges in order.
        names: of the feeds.
        kind: of numbers.

    Raises:
        ArtifactError: a quantity is missing in the system.
    """
    known: dict[str, Any] = {
        "sender": system.sender,
        "receiver": system.receiver,
        "edge_graph": system.edge_graph,
        "node_graph": system.node_graph,
        "graph": np.arange(system.num_graphs),
    }
    if "direction" in names and system.position is not None:
        known["direction"] = system.direction.astype(kind)
    open_ = [name for name in names if name not in known]
    for name in open_:
        known[name] = _value(system, name).astype(kind)
    return {
        name: known[name].astype(np.int64) if name in INDICES else known[name] for name in names
    }


def _value(system: GraphSystem, feed: str) -> np.ndarray:
    level, _, name = feed.partition("_")
    visible = visible_names(system, level, absolute=True) if level in LEVELS else ()
    if name in visible or (level == "edge" and name in ("n", "n_t")):
        return inputs_of(system, level, names=[name])[name]
    stem, _, how = name.rpartition("_")
    if how in AGGREGATES and any(stem in group for group in (system.edges, system.nodes)):
        flow = MessageFlow((Layer("sum", level, (Input(stem, how),)),))
        return measured(system, [flow])[level, stem, how]
    raise ArtifactError(f'This law needs "{name}" of every {level}, which these data do not have.')


class LawModel:
    """A served law.

    Args:
        artifact: of the method GSR.
    """

    def __init__(self, artifact: Artifact) -> None:
        self.artifact = artifact
        self._inputs: Mapping[str, list[str]] = artifact.knowledge["inputs"]
        self.question = Question.from_json(artifact.knowledge["question"])
        self.discovery = Discovery.from_json(artifact.knowledge["discovery"])
        self.search: Mapping[str, Any] | None = artifact.knowledge["flow"]

    @property
    def has_network(self) -> bool:
        """Whether the network is there as well."""
        return NETWORK_FILE in self._inputs

    def predict(self, system: GraphSystem) -> np.ndarray:
        """(rows, 1|D) the answer of the law."""
        return self._run(LAW_FILE, system, np.float64)

    def predict_by_network(self, system: GraphSystem) -> np.ndarray:
        """(rows, 1|D) the answer of the network.

        Raises:
            ArtifactError: there is none.
        """
        if not self.has_network:
            raise ArtifactError(f"{self.artifact.name} was found without a network.")
        return self._run(NETWORK_FILE, system, np.float32)

    def _run(self, file: str, system: GraphSystem, kind: type[np.floating]) -> np.ndarray:
        ordered = in_order(system)
        feeds = feeds_of(ordered, self._inputs[file], kind)
        (answer,) = self.artifact.open(file).run(feeds, [OUTPUT])
        if ordered is system or system.level != "edge":
            return answer
        back = np.empty_like(answer)
        back[np.argsort(system.receiver, kind="stable")] = answer
        return back


def open_law(name: str) -> LawModel:
    """A served law by the name of its artifact, with or without ``gsr-``.

    Raises:
        ArtifactError: it does not exist or is damaged.
    """
    return LawModel(load_artifact(name if name.startswith(PREFIX) else PREFIX + name))
