"""Our neighbour expansion and forward pass against the straightforward ones of public code.

Straightforward: the edges that leave a set of nodes come from a sparse product of a facts x
entities matrix with an entities x questions matrix of ones and its nonzero positions; nodes are the
distinct (question, entity) rows; every edge gathers its own source, relation and question vectors,
and messages are summed with index_add. Both sides use the same weights. In double precision their
scores must agree to 1e-5; in single precision, which is timed, sums over thousands of edges differ
in the order of their terms, and the difference is printed.
Distinct rows are found with numpy.unique(axis=0), and for a second comparison with torch.unique.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from scipy import sparse
from torch import Tensor

from benchmarks.measurement.graphs import Case, find_case, random_network
from benchmarks.measurement.timing import alternate, arguments, heading, milliseconds, table
from core.function.relational import GraphTensors, RelationalGNN

BATCHES = {"family": 50, "umls": 20, "WN18RR": 10, "FB15k-237": 1}
LIMIT = 1e-5
COLUMNS = (
    "graph", "source", "questions", "edges", "plain ms", "ours ms", "ratio", "ratio cpu",
    "torch.unique", "expansion", "difference", "in double",
)  # fmt: skip

Unique = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def unique_numpy(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct rows and the position of each row among them."""
    found, position = np.unique(rows, axis=0, return_inverse=True)
    return found, position.reshape(-1)


def unique_torch(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same by torch."""
    found, position = torch.unique(torch.from_numpy(rows), dim=0, return_inverse=True)
    return found.numpy(), position.numpy()


@dataclass(frozen=True, eq=False)
class PlainGraph:
    """The edges as rows, with their incidence matrix.

    Attributes:
        edges: (E, 3) head, relation, tail: facts, inverses, identities.
        incidence: (E, N) sparse, one where an edge leaves an entity.
    """

    edges: np.ndarray
    incidence: sparse.csr_matrix

    @classmethod
    def from_case(cls, case: Case) -> "PlainGraph":
        """Index a graph."""
        graph = case.graph
        head, relation, tail = graph.triples.T
        everyone = np.arange(graph.num_entities)
        edges = np.concatenate(
            [
                graph.triples,
                np.stack([tail, relation + graph.num_relations, head], 1),
                np.stack([everyone, np.full_like(everyone, 2 * graph.num_relations), everyone], 1),
            ]
        )
        ones = np.ones(len(edges))
        shape = len(edges), graph.num_entities
        return cls(edges, sparse.csr_matrix((ones, (np.arange(len(edges)), edges[:, 0])), shape))

    def neighbours(
        self, nodes: np.ndarray, num_queries: int, unique: Unique
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Edges (question, head, relation, tail) out of nodes (n, 2) and the nodes they reach.

        Returns:
            edges (E, 4), nodes (m, 2), and for every edge the position of its source among the
            distinct sources and of its target among the nodes.
        """
        shape = self.incidence.shape[1], num_queries
        one_hot = sparse.csr_matrix((np.ones(len(nodes)), (nodes[:, 1], nodes[:, 0])), shape)
        number, question = self.incidence.dot(one_hot).nonzero()
        edges = np.concatenate([question[:, None], self.edges[number]], 1).astype(np.int64)
        _, source = unique(edges[:, [0, 1]])
        after, target = unique(edges[:, [0, 3]])
        return edges, after, source, target


@torch.inference_mode()
def plain_forward(
    network: RelationalGNN,
    graph: PlainGraph,
    heads: np.ndarray,
    relations: np.ndarray,
    unique: Unique = unique_numpy,
) -> tuple[Tensor, int]:
    """Scores (B, N) and the number of edges."""
    num_queries, num_entities = len(heads), graph.incidence.shape[1]
    nodes = np.stack([np.arange(num_queries), heads], 1)
    asked = torch.from_numpy(relations)
    state = torch.zeros(num_queries, network.hidden_dim)
    num_edges = 0
    for layer in range(network.num_layers):
        edges, nodes, source, target = graph.neighbours(nodes, num_queries, unique)
        state = _plain_layer(network, layer, state, asked, edges, source, target, len(nodes))
        num_edges += len(edges)
    scores = torch.zeros(num_queries, num_entities)
    scores[nodes[:, 0], nodes[:, 1]] = network.score(state).squeeze(1)
    return scores, num_edges


def _plain_layer(
    network: RelationalGNN,
    layer: int,
    state: Tensor,
    asked: Tensor,
    edges: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    num_nodes: int,
) -> Tensor:
    table_rows = network.relation[layer]
    question, relation = torch.from_numpy(edges[:, 0]), torch.from_numpy(edges[:, 2])
    source_row, target_row = torch.from_numpy(source), torch.from_numpy(target)
    from_source, from_relation = state[source_row], table_rows[relation]
    from_query = table_rows[asked][question]
    logits = (
        from_source @ network.attend_source[layer].T
        + from_relation @ network.attend_relation[layer].T
        + from_query @ network.attend_query[layer].T
        + network.attend_bias[layer]
    )
    weight = torch.relu(logits) @ network.attend_out[layer] + network.attend_out_bias[layer]
    message = torch.sigmoid(weight).unsqueeze(1) * (from_source + from_relation)
    summed = torch.zeros(num_nodes, network.hidden_dim).index_add(0, target_row, message)
    update = network.activation(summed @ network.combine[layer].T)
    waiting = relation == 2 * network.num_relations
    before = torch.zeros(num_nodes, network.hidden_dim)
    before[target_row[waiting]] = state[source_row[waiting]]
    return network.gate(update, before)


def plain_growth(graph: PlainGraph, heads: np.ndarray, num_layers: int) -> None:
    """The neighbour search alone."""
    nodes = np.stack([np.arange(len(heads)), heads], 1)
    for _ in range(num_layers):
        _, nodes, _, _ = graph.neighbours(nodes, len(heads), unique_numpy)


def growth(graph: GraphTensors, heads: Tensor, num_layers: int) -> None:
    """The same by our index."""
    nodes = torch.arange(len(heads)) * graph.num_entities + heads
    for _ in range(num_layers):
        nodes = graph.grow_layer(nodes, len(heads)).nodes


@torch.inference_mode()
def double_precision_difference(
    network: RelationalGNN, ours: GraphTensors, plain: PlainGraph, case: Case
) -> float:
    """Largest difference of scores when both sides compute in double precision."""
    torch.set_default_dtype(torch.float64)
    exact = deepcopy(network).double()
    scores, _ = exact(ours, torch.from_numpy(case.heads), torch.from_numpy(case.relations))
    expected, _ = plain_forward(exact, plain, case.heads, case.relations)
    torch.set_default_dtype(torch.float32)
    return float((scores - expected).abs().max())


def compare(case: Case, *, quick: bool) -> tuple[str, ...]:
    """One row of the table."""
    network = random_network(case, quick=quick)
    ours, plain = GraphTensors(case.graph.adjacency), PlainGraph.from_case(case)
    heads, relations = torch.from_numpy(case.heads), torch.from_numpy(case.relations)

    @torch.inference_mode()
    def run_ours() -> Tensor:
        return network(ours, heads, relations)[0]

    def run_plain(unique: Unique = unique_numpy) -> tuple[Tensor, int]:
        return plain_forward(network, plain, case.heads, case.relations, unique)

    exact = double_precision_difference(network, ours, plain, case)
    if not exact <= LIMIT:
        raise SystemExit(f"{case.name}: the two sides differ by {exact:.1e}.")
    expected, num_edges = run_plain()
    difference = float((run_ours() - expected).abs().max())
    rounds = 2 if quick else 5
    numpy_pair = alternate(run_plain, run_ours, rounds)
    growth_pair = alternate(
        lambda: plain_growth(plain, case.heads, network.num_layers),
        lambda: growth(ours, heads, network.num_layers),
        rounds,
    )
    torch_pair = alternate(lambda: run_plain(unique_torch), run_ours, rounds)
    plain_s, ours_s = numpy_pair.wall
    return (
        case.name,
        case.origin,
        str(len(case.heads)),
        f"{num_edges:,}",
        milliseconds(plain_s),
        milliseconds(ours_s),
        f"{numpy_pair.wall_ratio:.1f}",
        f"{numpy_pair.cpu_ratio:.1f}",
        f"{torch_pair.wall_ratio:.1f}",
        f"{growth_pair.wall_ratio:.1f}",
        f"{difference:.0e}",
        f"{exact:.0e}",
    )


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    names = ("umls",) if options.quick else tuple(BATCHES)
    rows = [
        compare(
            find_case(
                name,
                4 if options.quick else BATCHES[name],
                quick=options.quick,
                generated=options.generated,
            ),
            quick=options.quick,
        )
        for name in names
    ]
    print(heading("Expansion and forward pass: plain scipy/numpy/torch against ours"))
    print(table(COLUMNS, rows))
    print("ratio: plain / ours (target 5); torch.unique: the same with torch's distinct rows")
    print("expansion: the ratio without the network, whose node update costs both sides the same")


if __name__ == "__main__":
    main()
