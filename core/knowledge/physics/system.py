"""Measured systems: quantities on the nodes, the edges and the whole of many graphs, and a target.

All graphs of a data set are kept as one disjoint union. A quantity is a scalar or a vector in the
plane or in space, always an array with one row per node, edge or graph and one or D columns, so
that numpy's rules multiply a scalar by a vector as physics does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from core.errors import ShapeError

LEVELS = ("edge", "node", "graph")
ROLES = ("", "position", "velocity", "angle")  # "" is any other quantity
AXES = ("x", "y", "z")


@dataclass(frozen=True, eq=False)
class Quantity:
    """A measured quantity.

    Attributes:
        name: an identifier, as formulas write it.
        values: (rows, 1) or (rows, D) float64.
        unit: in SI symbols such as ``m s^-2``; ``1`` without a dimension, empty when not known.
        role: one of `ROLES`. Positions enter formulas as distances and directions only, angles as
            differences.
    """

    name: str
    values: np.ndarray
    unit: str = ""
    role: str = ""

    @property
    def is_vector(self) -> bool:
        """Whether it has several components."""
        return self.values.shape[1] > 1


@dataclass(frozen=True, eq=False)
class GraphSystem:
    """Samples of a system on graphs.

    Attributes:
        nodes: quantities of nodes by name, (N, 1|D).
        edges: quantities of edges by name, (E, 1|D).
        graphs: quantities of whole graphs by name, (S, 1|D).
        sender: (E,) node that a message comes from, j in formulas.
        receiver: (E,) node that it goes to, i in formulas. An undirected edge is there twice.
        node_graph: (N,) graph of each node, ascending.
        target: what is to be explained, (N|E|S, 1|D).
        level: where the target lives, one of `LEVELS`.
        num_graphs: S.
        period: length of a periodic box along each axis, None for open space.
        title: in words.
        notes: what a person should know of how it was measured or read.
    """

    nodes: Mapping[str, Quantity]
    edges: Mapping[str, Quantity]
    graphs: Mapping[str, Quantity]
    sender: np.ndarray
    receiver: np.ndarray
    node_graph: np.ndarray
    target: Quantity
    level: str
    num_graphs: int
    period: tuple[float, ...] | None = None
    title: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rows = {"node": len(self.node_graph), "edge": len(self.sender), "graph": self.num_graphs}
        if self.level not in rows:
            raise ShapeError(f"A target lives on one of {', '.join(LEVELS)}, not {self.level!r}.")
        named = [
            (level, one)
            for level, group in zip(LEVELS, (self.edges, self.nodes, self.graphs), strict=True)
            for one in group.values()
        ]
        for level, one in [*named, (self.level, self.target)]:
            if one.values.ndim != 2 or len(one.values) != rows[level]:
                raise ShapeError(
                    f"{one.name} has shape {one.values.shape}; {rows[level]} rows of a {level} "
                    "quantity are needed."
                )
        names = [one.name for _, one in named]
        if len(set(names)) != len(names):
            raise ShapeError("Two quantities have the same name.")

    @property
    def num_nodes(self) -> int:
        """N."""
        return len(self.node_graph)

    @property
    def num_edges(self) -> int:
        """E, each direction counted."""
        return len(self.sender)

    @cached_property
    def edge_graph(self) -> np.ndarray:
        """(E,) graph of each edge."""
        return self.node_graph[self.receiver]

    @property
    def position(self) -> Quantity | None:
        """The coordinates of the nodes, None where there are none."""
        return next((one for one in self.nodes.values() if one.role == "position"), None)

    @cached_property
    def separation(self) -> np.ndarray:
        """(E, D) from the receiver to the sender, by the shortest way in a periodic box."""
        position = self.position
        if position is None:
            raise ShapeError("This system has no positions.")
        apart = position.values[self.sender] - position.values[self.receiver]
        if self.period is not None:
            period = np.asarray(self.period)
            apart = apart - period * np.round(apart / period)
        return apart

    @cached_property
    def distance(self) -> np.ndarray:
        """(E, 1) length of the separation."""
        return np.linalg.norm(self.separation, axis=1, keepdims=True)

    @cached_property
    def direction(self) -> np.ndarray:
        """(E, D) unit vectors from the receiver to the sender; zero where both coincide."""
        return np.divide(
            self.separation, self.distance, out=np.zeros_like(self.separation),
            where=self.distance > 0,
        )  # fmt: skip

    def group_of(self, level: str) -> Mapping[str, Quantity]:
        """The quantities of a level by name."""
        return {"edge": self.edges, "node": self.nodes, "graph": self.graphs}[level]

    def pick(self, graphs: np.ndarray) -> "GraphSystem":
        """Some of the graphs, in their order.

        Args:
            graphs: (S,) bool, those to keep.
        """
        nodes, edges = graphs[self.node_graph], graphs[self.edge_graph]
        row = np.cumsum(nodes) - 1
        kept = {"node": nodes, "edge": edges, "graph": graphs}

        def cut(one: Quantity, level: str) -> Quantity:
            return Quantity(one.name, one.values[kept[level]], one.unit, one.role)

        return GraphSystem(
            {name: cut(one, "node") for name, one in self.nodes.items()},
            {name: cut(one, "edge") for name, one in self.edges.items()},
            {name: cut(one, "graph") for name, one in self.graphs.items()},
            row[self.sender[edges]],
            row[self.receiver[edges]],
            (np.cumsum(graphs) - 1)[self.node_graph[nodes]],
            cut(self.target, self.level),
            self.level,
            int(graphs.sum()),
            self.period,
            self.title,
            self.notes,
        )

    def split(self, shares: tuple[float, ...], seed: int) -> tuple["GraphSystem", ...]:
        """Disjoint parts by graph, so that no part sees a graph of another.

        Args:
            shares: share of the graphs in each part; what is left goes to the first.
            seed: of the random order.
        """
        order = np.random.default_rng(seed).permutation(self.num_graphs)
        sizes = [round(share * self.num_graphs) for share in shares[1:]]
        bounds = np.cumsum([0, self.num_graphs - sum(sizes), *sizes])
        parts = []
        for first, end in pairwise(bounds):
            mask = np.zeros(self.num_graphs, bool)
            mask[order[first:end]] = True
            parts.append(self.pick(mask))
        return tuple(parts)
