"""EmerGNN as an ONNX model."""

from collections.abc import Iterator

import numpy as np

from core.export.onnx import parity, to_onnx
from core.function.flow import FINGERPRINT_BITS, FlowGNN, FlowStep
from core.knowledge.flow import FLOW_INPUTS, FlowGraph, PairIndex, collapse, flow_feeds
from core.serving.session import Session


def export_flow(network: FlowGNN) -> bytes:
    """A path network over fingerprints, for any number of pairs and edges."""
    network = network.cpu().eval()
    return to_onnx(
        FlowStep(network).eval(),
        _feeds(network, num_nodes=60, num_edges=600, num_pairs=5),
        FlowStep.OUTPUTS,
        dynamic=dict.fromkeys(("head", "tail", *FLOW_INPUTS), (0,)),
    )


def parity_flow(network: FlowGNN, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime over sizes that were not exported.

    Sizes: one pair; pairs that no path joins; many pairs; a hub with thousands of neighbours.
    """
    network = network.cpu().eval()
    return parity(FlowStep(network).eval(), session, _cases(network), FlowStep.OUTPUTS)


def _cases(network: FlowGNN) -> Iterator[dict[str, np.ndarray]]:
    yield _feeds(network, num_nodes=30, num_edges=200, num_pairs=1)
    yield _feeds(network, num_nodes=30, num_edges=0, num_pairs=3)
    yield _feeds(network, num_nodes=300, num_edges=4000, num_pairs=64)
    yield _feeds(network, num_nodes=5000, num_edges=6000, num_pairs=2, hub=True)


def _feeds(
    network: FlowGNN, *, num_nodes: int, num_edges: int, num_pairs: int, hub: bool = False
) -> dict[str, np.ndarray]:
    """Random fingerprints and pairs of a random network whose first ten nodes are drugs."""
    rng = np.random.default_rng(num_nodes + num_edges)
    facts = rng.integers(0, [num_nodes, network.num_relations, num_nodes], (num_edges, 3))
    if hub:
        facts[:, 0] = rng.integers(0, 3, num_edges)
    graph = FlowGraph.prepare(np.unique(facts, axis=0), num_nodes, 0, network.num_relations, 10)
    pairs = rng.permuted(np.tile(np.arange(10), (num_pairs, 1)), axis=1)[:, :2].T
    flows = collapse(PairIndex(graph).subgraphs(*pairs))
    bits = (rng.random((2, num_pairs, FINGERPRINT_BITS)) < 0.05).astype(np.float32)
    return {"head": bits[0], "tail": bits[1], **flow_feeds(*flows)}
