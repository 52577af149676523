"""RED-GNN's step as an ONNX model."""

from collections.abc import Iterator

import numpy as np

from core.export.onnx import parity, to_onnx
from core.function.relational import RelationalGNN, RelationalStep
from core.knowledge.digraph import grow_layer
from core.knowledge.graph import Adjacency
from core.serving.relational import FEEDS
from core.serving.session import Session


def export_relational(network: RelationalGNN) -> bytes:
    """One step of a RelationalGNN as an ONNX model with dynamic sizes."""
    network = network.cpu().eval()
    adjacency = Adjacency.from_triples(np.array([[0, 0, 1], [1, 0, 2]]), 4, network.num_relations)
    inputs = _feeds(network, adjacency, np.array([0, 1]), layer=0)
    return to_onnx(
        RelationalStep(network).eval(),
        {name: inputs[name] for name in RelationalStep.INPUTS},
        RelationalStep.OUTPUTS,
        dynamic={name: (0,) for name in inputs if name != "layer"},
    )


def parity_relational(network: RelationalGNN, session: Session) -> float:
    """Largest difference between torch and ONNX Runtime over sizes that were not exported.

    Sizes: one node without facts; no pairs and no edges at all; a random graph with several
    questions; a hub with more than 10,000 incoming edges.
    """
    network = network.cpu().eval()
    step = RelationalStep(network).eval()
    return parity(step, session, _parity_cases(network), RelationalStep.OUTPUTS)


def _parity_cases(network: RelationalGNN) -> Iterator[dict[str, np.ndarray]]:
    rng = np.random.default_rng(0)
    num_relations = network.num_relations
    none = np.zeros((0, 3), dtype=np.int64)
    alone = _feeds(network, Adjacency.from_triples(none, 1, num_relations), np.array([0]), 0)
    yield alone
    empty = {name: value[:0] for name, value in alone.items() if name in FEEDS}
    yield {**alone, **empty}
    facts = rng.integers(0, [50, num_relations, 50], (400, 3))
    graph = Adjacency.from_triples(np.unique(facts, axis=0), 50, num_relations)
    for layer in range(network.num_layers):
        yield _feeds(network, graph, rng.integers(0, 50, 7), layer, warm_up=2)
    spokes = np.stack(
        [np.arange(1, 12_001), rng.integers(0, num_relations, 12_000), np.zeros(12_000, int)], 1
    )
    hub = Adjacency.from_triples(spokes, 12_001, num_relations)
    yield _feeds(network, hub, np.array([0]), 0, warm_up=1)


def _feeds(
    network: RelationalGNN, adjacency: Adjacency, heads: np.ndarray, layer: int, warm_up: int = 0
) -> dict[str, np.ndarray]:
    """Inputs of one step after `warm_up` grown layers, with random states and questions."""
    rng = np.random.default_rng(layer)
    nodes = np.arange(len(heads)) * adjacency.num_entities + heads
    for _ in range(warm_up):
        nodes = grow_layer(adjacency, nodes, len(heads)).nodes
    grown = grow_layer(adjacency, nodes, len(heads))
    return {
        "layer": np.array(layer),
        "state": rng.normal(size=(len(nodes), network.hidden_dim)).astype(np.float32),
        "query_relation": rng.integers(0, 2 * network.num_relations, len(heads)),
        **{name: getattr(grown, name) for name in FEEDS},
    }
