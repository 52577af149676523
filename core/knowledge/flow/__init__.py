"""Flow between two drugs: every path of three steps that joins them, and nothing else.

Source: Zhang, Yao et al., "Emerging drug interaction prediction enabled by a flow-based graph
neural network with biomedical network", Nature Computational Science 2023, Methods; section 6 of
the parsimony paper.

The augmented network has an edge for every fact and its inverse and a loop at every node. Relation
ids: interaction types 0..F-1, relations of the network F..R-1, inverses R..2R-1, loop 2R. A path of
three steps u -> x -> y -> v passes only through x next to u and y next to v (loops let x = u and
y = v, which covers shorter paths). So the path subgraph of a pair is

    N[u] with the relations from u,   the edges between N[u] and N[v],   N[v] with its relations,

thousands of edges instead of millions, with the same result, because the layers carry no bias.
Nodes that u reaches by the same *set* of relations hold the same state after the first step: they
are merged into one *signature*, and parallel edges into one with a count (`collapse`). Exact.

Differs from the paper: both reductions; the published code propagates over the whole network.

`network` holds the edges, `pairs` finds the path subgraphs, `collapsed` merges their signatures.
"""

from core.knowledge.flow.collapsed import FLOW_INPUTS, Flow, collapse, flow_feeds
from core.knowledge.flow.network import EdgeList, FlowGraph, inverse
from core.knowledge.flow.pairs import (
    Neighbours,
    PairIndex,
    PathSubgraphs,
    asked_as_new,
    count_interactions,
)

NUM_STEPS = 3

__all__ = [
    "FLOW_INPUTS",
    "NUM_STEPS",
    "EdgeList",
    "Flow",
    "FlowGraph",
    "Neighbours",
    "PairIndex",
    "PathSubgraphs",
    "asked_as_new",
    "collapse",
    "count_interactions",
    "flow_feeds",
    "inverse",
]
