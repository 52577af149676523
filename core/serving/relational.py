"""RED-GNN's answers through ONNX Runtime: layers grown in numpy, one exported step per layer."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.knowledge.digraph import Layer, RelationalDigraph, grow_layer, keep_nodes
from core.knowledge.graph import Adjacency
from core.serving.artifact import Artifact
from core.serving.session import Session

FEEDS = ("pair_node", "pair_query", "pair_relation", "edge_pair", "edge_node", "previous")
LARGE_GRAPH = 300_000  # edges from which buffers are kept between runs
# Edge-layers of one batch: bounds what each visitor's check needs for a moment, and what the
# allocator keeps of it. On UMLS 1,500,000 need 215 MB more and 120,000 need 13 MB, in less time.
EDGES_PER_BATCH = 120_000


@dataclass(frozen=True, eq=False)
class Pass:
    """What one batched run gives.

    Attributes:
        logits: (B, N) float32, 0 for entities that were not reached.
        reached: (B, N) bool.
        digraph: the layers walked.
        attention: per layer (P_l,) float32, the attention of each (source, relation) pair.
    """

    logits: np.ndarray
    reached: np.ndarray
    digraph: RelationalDigraph
    attention: tuple[np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class RelationalModel:
    """An exported RelationalGNN step with its sizes.

    Attributes:
        session: the exported step.
        num_layers: L.
        hidden_dim: d.
        max_new_nodes: learned selection per layer, 0 keeps all.
    """

    session: Session
    num_layers: int
    hidden_dim: int
    max_new_nodes: int = 0

    @classmethod
    def of(cls, artifact: Artifact) -> "RelationalModel":
        """The model of an artifact."""
        known = artifact.knowledge
        sizes = known["num_layers"], known["hidden_dim"], known["max_new_nodes"]
        return cls(artifact.session, *sizes)

    def run(
        self,
        adjacency: Adjacency,
        heads: np.ndarray,
        relations: np.ndarray,
        active: np.ndarray | None = None,
    ) -> Pass:
        """Answer a batch of questions together.

        Args:
            adjacency: neighbour index of the message graph.
            heads: (B,) entities.
            relations: (B,) relation ids in 0..2R-1 in the model's vocabulary.
            active: (B, F) bool, facts each question may use; None allows all.
        """
        heads = np.asarray(heads, dtype=np.int64)
        relations = np.asarray(relations, dtype=np.int64)
        num_queries, num_entities = len(heads), adjacency.num_entities
        nodes = np.arange(num_queries) * num_entities + heads
        state = np.zeros((num_queries, self.hidden_dim), dtype=np.float32)
        score = np.zeros(num_queries, dtype=np.float32)
        layers, attentions = [], []
        for number in range(self.num_layers):
            layer = grow_layer(adjacency, nodes, num_queries, active)
            feeds = {name: getattr(layer, name) for name in FEEDS}
            feeds |= {"layer": np.array(number), "state": state, "query_relation": relations}
            state, attention, score, priority = self.session.run(
                feeds,
                ("next_state", "attention", "score", "priority"),
                keep_memory=adjacency.num_edges > LARGE_GRAPH,
            )
            if self.max_new_nodes:
                keep = best_new_nodes(layer, priority, len(nodes), num_entities, self.max_new_nodes)
                layer, state, score = keep_nodes(layer, keep), state[keep], score[keep]
            layers.append(layer)
            attentions.append(attention)
            nodes = layer.nodes
        logits = np.zeros(num_queries * num_entities, dtype=np.float32)
        reached = np.zeros(num_queries * num_entities, dtype=bool)
        logits[nodes], reached[nodes] = score, True
        shape = num_queries, num_entities
        return Pass(
            logits.reshape(shape),
            reached.reshape(shape),
            RelationalDigraph(heads, num_entities, tuple(layers)),
            tuple(attentions),
        )

    def run_overlays(
        self,
        adjacency: Adjacency,
        head: int,
        relation: int,
        actives: Sequence[np.ndarray],
        edges_per_pass: int,
    ) -> tuple[np.ndarray, np.ndarray]:
        """One question under several sets of allowed facts.

        Args:
            adjacency: neighbour index.
            head: entity asked about.
            relation: relation asked, 0..2R-1.
            actives: (F,) bool each.
            edges_per_pass: edge-layers of the unrestricted question; sizes the batches.

        Returns:
            logits (n, N) and reached (n, N).
        """
        size = max(1, EDGES_PER_BATCH // max(edges_per_pass, 1))
        logits = np.zeros((len(actives), adjacency.num_entities), dtype=np.float32)
        reached = np.zeros(logits.shape, dtype=bool)
        for start in range(0, len(actives), size):
            part = np.stack(actives[start : start + size])
            result = self.run(
                adjacency, np.full(len(part), head), np.full(len(part), relation), part
            )
            logits[start : start + size] = result.logits
            reached[start : start + size] = result.reached
        return logits, reached


def best_new_nodes(
    layer: Layer, priority: np.ndarray, num_before: int, num_entities: int, limit: int
) -> np.ndarray:
    """(n,) bool: earlier nodes and the `limit` new ones of highest priority of each question."""
    keep = layer.previous < num_before
    new = np.flatnonzero(~keep)
    query = layer.nodes[new] // num_entities
    order = np.lexsort((-priority[new], query))
    first = np.searchsorted(query[order], query[order])
    keep[new[order[np.arange(len(order)) - first < limit]]] = True
    return keep
