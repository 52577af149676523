"""One message per (source, relation) pair against one message per edge, in a training step.

Both sides are the same network on the same grown layers with the same segment sums; on the second
side every edge is given a pair of its own. Growth is part of neither side. Loss and gradients must
agree. Memory is the highest sum of live tensors during the step, counted by torch's profiler.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from benchmarks.measurement.graphs import Case, find_case, random_network
from benchmarks.measurement.timing import alternate, arguments, heading, milliseconds, table
from core.function.relational import GraphTensors, RelationalGNN, StepInput

QUESTIONS = {"umls": 20, "FB15k-237": 1}
LIMIT = 1e-4
COLUMNS = (
    "graph", "source", "questions", "edges", "edges/pair", "per edge ms", "per pair ms", "ratio",
    "ratio cpu", "per edge MB", "per pair MB", "difference",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Step:
    """Grown layers and what is asked of them.

    Attributes:
        layers: pairs and edges.
        relations: (B,) relations asked.
        answers: (B,) true answers.
        num_entities: N.
    """

    layers: tuple[StepInput, ...]
    relations: Tensor
    answers: Tensor
    num_entities: int

    @classmethod
    def from_case(cls, case: Case, num_layers: int) -> "Step":
        """Grow the layers of all questions."""
        graph, num_queries = GraphTensors(case.graph.adjacency), len(case.heads)
        nodes = torch.arange(num_queries) * graph.num_entities + torch.from_numpy(case.heads)
        layers = []
        for _ in range(num_layers):
            layers.append(graph.grow_layer(nodes, num_queries))
            nodes = layers[-1].nodes
        asked, answers = torch.from_numpy(case.relations), torch.from_numpy(case.answers)
        return cls(tuple(layers), asked, answers, graph.num_entities)

    def per_edge(self) -> "Step":
        """The same edges, each with a pair of its own."""
        return replace(
            self,
            layers=tuple(
                replace(
                    layer,
                    pair_node=layer.pair_node[layer.edge_pair],
                    pair_query=layer.pair_query[layer.edge_pair],
                    pair_relation=layer.pair_relation[layer.edge_pair],
                    edge_pair=torch.arange(len(layer.edge_pair)),
                )
                for layer in self.layers
            ),
        )

    def train(self, network: RelationalGNN) -> Tensor:
        """Forward, cross entropy, backward; returns the loss."""
        network.zero_grad(set_to_none=True)
        num_queries = len(self.relations)
        state = torch.zeros(num_queries, network.hidden_dim)
        for number, layer in enumerate(self.layers):
            state, _ = network.step(number, state, self.relations, layer)
        scores = torch.zeros(num_queries * self.num_entities)
        scores = scores.index_put((self.layers[-1].nodes,), network.score(state).squeeze(1))
        loss = functional.cross_entropy(scores.view(num_queries, -1), self.answers)
        loss.backward()
        return loss.detach()


def peak_memory(network: RelationalGNN, step: Step) -> int:
    """Highest number of bytes in tensors created during one training step."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        step.train(network)
    events = recorded.profiler.kineto_results.events()
    changes = [event for event in events if event.name() == "[memory]"]
    live = peak = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        live += event.nbytes()
        peak = max(peak, live)
    return peak


def largest_difference(network: RelationalGNN, first: Step, second: Step) -> float:
    """Between the losses and all gradients of two steps, relative to the largest gradient."""
    loss = first.train(network)
    expected = [parameter.grad.clone() for parameter in network.parameters()]
    worst = float((second.train(network) - loss).abs())
    size = max(float(gradient.abs().max()) for gradient in expected)
    for parameter, gradient in zip(network.parameters(), expected, strict=True):
        worst = max(worst, float((parameter.grad - gradient).abs().max()) / size)
    return worst


def compare(case: Case, *, quick: bool) -> tuple[str, ...]:
    """One row of the table."""
    network = random_network(case, quick=quick).train()
    per_pair = Step.from_case(case, network.num_layers)
    per_edge = per_pair.per_edge()
    difference = largest_difference(network, per_edge, per_pair)
    if not difference <= LIMIT:
        raise SystemExit(f"{case.name}: the two sides differ by {difference:.1e}.")
    pair = alternate(
        lambda: per_edge.train(network), lambda: per_pair.train(network), 2 if quick else 7
    )
    edges = sum(len(layer.edge_pair) for layer in per_pair.layers)
    pairs = sum(len(layer.pair_node) for layer in per_pair.layers)
    edge_s, pair_s = pair.wall
    return (
        case.name,
        case.origin,
        str(len(case.heads)),
        f"{edges:,}",
        f"{edges / pairs:.1f}",
        milliseconds(edge_s),
        milliseconds(pair_s),
        f"{pair.wall_ratio:.2f}",
        f"{pair.cpu_ratio:.2f}",
        f"{peak_memory(network, per_edge) / 1e6:,.1f}",
        f"{peak_memory(network, per_pair) / 1e6:,.1f}",
        f"{difference:.0e}",
    )


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    names = ("umls",) if options.quick else tuple(QUESTIONS)
    rows = [
        compare(
            find_case(name, QUESTIONS[name], quick=options.quick, generated=options.generated),
            quick=options.quick,
        )
        for name in names
    ]
    print(heading("Training step (forward and backward): messages per edge against per pair"))
    print(table(COLUMNS, rows))
    print("ratio: per edge / per pair; MB: highest sum of live tensors during the step")


if __name__ == "__main__":
    main()
