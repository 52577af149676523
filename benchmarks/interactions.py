"""EmerGNN: one pair from its path subgraph against the whole network, and what evidence costs.

Both sides are one network with the same weights (random, hidden size 64). The whole network is
propagated as published: three steps over every edge and its inverse, both directions, written
independently here with sparse matrices; it is prepared beforehand. The path side starts from the
graph: subgraph, merging and ONNX Runtime. Logits must agree.

The second table is what a person waits for: prediction; cutting nodes one by one; prediction,
search for evidence, at least ten paths or all there are scored alone and left out, and the live
check; one drug against all others. It uses the trained model where there is one.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from scipy import sparse

from benchmarks.measurement.timing import (
    arguments,
    heading,
    measure,
    milliseconds,
    percentiles,
    table,
)
from core.errors import ArtifactError, DataError
from core.export.flow import export_flow
from core.function.flow import FINGERPRINT_BITS, FlowGNN
from core.knowledge.flow import FlowGraph, PairIndex, count_interactions
from core.knowledge.graph import Source
from core.knowledge.interactions import DrugNetwork, InteractionType, Relation
from core.serving.ddi_asked import Asked
from core.serving.ddi_explanation import check_pair, explain_pair, node_falls
from core.serving.ddi_networks import context
from core.serving.flow import FlowModel, PairPaths
from core.serving.session import Session

LIMIT = 1e-4
PARTS = ("test S1", "test S2", "test S0")
SPEED = (
    "network", "source", "pairs", "part", "edges in all", "on paths", "whole ms", "paths p50",
    "p95", "ratio", "difference",
)  # fmt: skip
WAITING = (
    "network", "model", "part", "pairs", "nodes", "predict p50", "p95", "cut nodes p50", " p95",
    "evidence p50", " p95 ", "one against all s",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """A network with pairs to ask.

    Attributes:
        name: of the network.
        origin: ``data set`` or ``generated``.
        network: drugs and edges.
        train: (n, 3) interactions in the graph.
        parts: (m, 3) interactions asked about, by name of the part.
        graph: both together.
        bits: (D, 1024) fingerprints.
        trained: by part, None where there is no trained model.
    """

    name: str
    origin: str
    network: DrugNetwork
    train: np.ndarray
    parts: dict[str, np.ndarray]
    graph: FlowGraph
    bits: np.ndarray
    trained: dict[str, FlowModel | None]

    @property
    def facts(self) -> np.ndarray:
        """(n, 3) head, relation of the graph, tail."""
        edges = self.network.edges + np.array([0, self.network.num_types, 0])
        return np.concatenate([edges, self.train])


class WholeNetwork:
    """Propagation over every edge, without any reduction."""

    def __init__(self, gnn: FlowGNN, facts: np.ndarray, num_nodes: int) -> None:
        self.gnn, self.num_nodes = gnn, num_nodes
        loop = 2 * gnn.num_relations
        head, relation, tail = facts.T
        nodes = np.arange(num_nodes)
        source = np.concatenate([head, tail, nodes])
        target = np.concatenate([tail, head, nodes])
        kind = np.concatenate([relation, relation + gnn.num_relations, np.full(num_nodes, loop)])
        self.num_edges = len(kind)
        self.matrices = []
        for one in np.unique(kind).tolist():
            chosen = kind == one
            rows, columns = target[chosen], source[chosen]
            start, column = np.unique(columns, return_inverse=True)
            shape = num_nodes, len(start)
            values = np.ones(len(rows), dtype=np.float32)
            self.matrices.append((one, start, sparse.csr_matrix((values, (rows, column)), shape)))

    def logits(self, head: int, tail: int, bits: np.ndarray) -> np.ndarray:
        """(T,) for one pair."""
        gnn = self.gnn
        with torch.no_grad():
            features = gnn.feature(torch.from_numpy(bits[[head, tail]]).float())
            both = features.reshape(1, -1)
            attention = [torch.sigmoid(attend(both))[0].numpy() for attend in gnn.attend]
        f_head, f_tail = features.numpy()
        states = (
            self._flow(tail, head, f_tail, attention),
            self._flow(head, tail, f_head, attention),
        )
        with torch.no_grad():
            return gnn.score(torch.from_numpy(np.concatenate(states))).numpy()

    def _flow(
        self, start: int, end: int, feature: np.ndarray, attention: list[np.ndarray]
    ) -> np.ndarray:
        state = np.zeros((self.num_nodes, len(feature)), dtype=np.float32)
        state[start] = feature
        for step, weight in enumerate(attention):
            vectors = self.gnn.relation[step].detach().numpy() * weight[:, None]
            arrived = np.zeros_like(state)
            for kind, sources, matrix in self.matrices:
                arrived += matrix @ (state[sources] * vectors[kind])
            state = np.maximum(arrived @ self.gnn.combine[step].detach().numpy().T, 0)
        return state[end]


def asked_of(case: Case, model: FlowModel, row: np.ndarray) -> Asked:
    """One interaction as a question, nothing of it computed yet."""
    head, kind, tail = (int(one) for one in row)
    return Asked(
        case.network, case.graph, model, head, tail, case.bits[head], case.bits[tail], kind
    )


def predict(case: Case, model: FlowModel, head: int, tail: int) -> np.ndarray:
    """(1, T) from the path subgraph."""
    paths = PairPaths.between(case.graph, head, tail)
    everything = np.ones((1, len(paths.facts)), dtype=bool)
    return model.overlaid(case.bits[head], case.bits[tail], paths, everything)


def strangers(case: Case, part: str) -> list[tuple[int, int]]:
    """Pairs of a part without an interaction of any kind in the graph.

    The path side leaves such interactions out, the whole network would use them.
    """
    known = {(head, tail) for head, _, tail in case.train.tolist()}
    return [
        (head, tail)
        for head, _, tail in case.parts[part].tolist()
        if not {(head, tail), (tail, head)} & known
    ]


def compare(case: Case, part: str, num_pairs: int, *, quick: bool) -> tuple[str, ...]:
    """One row of the first table."""
    torch.manual_seed(0)
    gnn = FlowGNN(
        case.network.num_types, case.graph.num_relations, hidden_dim=8 if quick else 64
    ).eval()
    model = FlowModel(Session(export_flow(gnn), "cpu"))
    whole = WholeNetwork(gnn, case.facts, case.graph.num_nodes)
    seconds: tuple[list[float], list[float]] = ([], [])
    worst, sizes = 0.0, []
    for head, tail in strangers(case, part)[:num_pairs]:
        results = []
        for side, action in enumerate(
            (
                partial(whole.logits, head, tail, case.bits),
                partial(predict, case, model, head, tail),
            )
        ):
            seconds[side].append(measure(lambda act=action, to=results: to.append(act())).wall)
        size = max(float(np.abs(results[0]).max()), 1.0)
        worst = max(worst, float(np.abs(results[0] - results[1][0]).max()) / size)
        sizes.append(len(PairPaths.between(case.graph, head, tail).middle))
    if not worst <= LIMIT:
        raise SystemExit(f"{case.name}: the two sides differ by {worst:.1e}.")
    half, most = percentiles(seconds[1])
    ratio = float(np.median(np.array(seconds[0]) / np.array(seconds[1])))
    return (
        case.name,
        case.origin,
        str(len(sizes)),
        part,
        f"{whole.num_edges:,}",
        f"{int(np.median(sizes)):,}",
        milliseconds(percentiles(seconds[0])[0]),
        milliseconds(half),
        milliseconds(most),
        f"{ratio:,.0f}",
        f"{worst:.0e}",
    )


def wait(case: Case, part: str, num_pairs: int, *, quick: bool) -> tuple[str, ...]:
    """One row of the second table."""
    model = case.trained[part]
    name = "trained" if model else "random"
    if model is None:
        torch.manual_seed(0)
        gnn = FlowGNN(
            case.network.num_types, case.graph.num_relations, hidden_dim=8 if quick else 64
        )
        model = FlowModel(Session(export_flow(gnn), "cpu"))
    times: dict[str, list[float]] = {"predict": [], "cut": [], "evidence": []}
    nodes = []

    def with_evidence(row: np.ndarray) -> None:
        asked = asked_of(case, model, row)
        check_pair(asked, explain_pair(asked).items)

    for row in case.parts[part][:num_pairs]:
        asked = asked_of(case, model, row)
        nodes.append(len(asked.paths.between_nodes))
        head, _, tail = row.tolist()
        predict(case, model, head, tail)
        times["predict"].append(
            measure(lambda head=head, tail=tail: predict(case, model, head, tail)).wall
        )
        times["cut"].append(measure(lambda asked=asked: node_falls(asked)).wall)
        times["evidence"].append(measure(lambda row=row: with_evidence(row)).wall)
    index = PairIndex(case.graph)
    head = int(case.parts[part][0, 0])
    others = np.delete(np.arange(case.network.num_drugs), head)
    heads = np.full(len(others), head)
    history = count_interactions(case.train, case.network.num_drugs)
    scan = measure(lambda: model.screen(case.bits, index, heads, others, history)).wall
    cells = [milliseconds(one) for values in times.values() for one in percentiles(values)]
    return (
        case.name, name, part, str(len(nodes)), f"{int(np.median(nodes)):,}", *cells,
        f"{scan:.2f}",
    )  # fmt: skip


def load_case(*, quick: bool, generated: bool) -> Case:
    """DrugBank's network where its files are here, else a generated one of the same sizes."""
    if not quick and not generated:
        try:
            found = context("drugbank")
        except DataError:
            return generate(quick=False)
        parts = {}
        for part in PARTS:
            rows = found.split.parts[part]
            parts[part] = rows[np.random.default_rng(0).permutation(len(rows))]
        return Case(
            "DrugBank", "data set", found.network, found.split.train, parts, found.graph,
            found.bits, {part: _trained(part[-2:]) for part in PARTS},
        )  # fmt: skip
    return generate(quick=quick)


def _trained(setting: str) -> FlowModel | None:
    try:
        return context("drugbank").model_for(setting).flow
    except ArtifactError:
        return None


def generate(*, quick: bool) -> Case:
    """Random edges and interactions; entities of a kind are as popular as real ones are uneven."""
    rng = np.random.default_rng(0)
    drugs, nodes, kinds, num_types = (30, 90, 4, 3) if quick else (1710, 34_124, 23, 86)
    num_edges, num_known = (1500, 200) if quick else (990_000, 99_000)
    popular = np.minimum(rng.zipf(1.4, nodes), nodes).astype(float)
    popular /= popular.sum()
    edges = np.stack(
        [
            rng.choice(nodes, num_edges, p=popular),
            rng.integers(0, kinds, num_edges),
            rng.choice(nodes, num_edges, p=popular),
        ],
        1,
    )
    edges = np.unique(edges[edges[:, 0] != edges[:, 2]], axis=0)
    known = rng.integers(0, [drugs, num_types, drugs], (2 * num_known, 3))
    known = np.unique(known[known[:, 0] != known[:, 2]], axis=0)
    known = known[rng.permutation(len(known))]
    asked, train = known[:60], known[60 : 60 + num_known]
    names = tuple(f"{'drug' if row < drugs else 'entity'} {row}" for row in range(nodes))
    network = DrugNetwork(
        "generated",
        names,
        names,
        ("Compound",) * drugs + ("Gene",) * (nodes - drugs),
        ("C",) * drugs,
        tuple(InteractionType(str(n), f"#Drug1 does {n} to #Drug2.") for n in range(num_types)),
        tuple(Relation(str(n), f"relation {n}") for n in range(kinds)),
        edges,
        Source("generated"),
        {},
    )
    graph = FlowGraph.prepare(edges, nodes, num_types, kinds, drugs).extended(train)
    bits = (rng.random((drugs, FINGERPRINT_BITS)) < 0.03).astype(np.uint8)
    parts = dict.fromkeys(PARTS[-1:], asked)
    return Case(
        "small" if quick else "DrugBank's sizes", "generated", network, train, parts, graph, bits,
        dict.fromkeys(parts),
    )  # fmt: skip


def main() -> None:
    """Print both tables."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    case = load_case(quick=options.quick, generated=options.generated)
    few, many = (2, 2) if options.quick else (5, 30)
    print(heading("One pair: path subgraph against the whole network, milliseconds"))
    print(table(SPEED, [compare(case, part, few, quick=options.quick) for part in case.parts]))
    print()
    print(heading("Prediction and evidence, milliseconds"))
    print(table(WAITING, [wait(case, part, many, quick=options.quick) for part in case.parts]))
    print(
        "targets: prediction 50 ms, evidence with ten checked paths 1,000 ms, one against all 10 s"
    )


if __name__ == "__main__":
    main()
