"""PACIA against its equations written molecule by molecule; symmetries; sizes."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from torch.nn import functional

from core.chemistry.graphs import many_graphs
from core.errors import ShapeError
from core.function.gin import GinEncoder, GraphTensors
from core.function.pacia import PaciaNetwork
from core.knowledge.molecules import MoleculeStore

D, L, DEPTHS = 10, 2, 2
SMILES = (
    "CCO", "C", "c1ccccc1O", "F/C=C/F", "[Na+]", "CC(=O)N", "C[C@H](N)O", "CCCC", "c1ccncc1", "CS",
    "C1CCC1", "N#CC", "O=C=O", "CCBr", "Oc1ccccc1C", "CC(C)C", "NCCO", "ClCCl", "CCOCC", "C=CC=C",
)  # fmt: skip
STORE = MoleculeStore.of(many_graphs(SMILES))


def make(*, training=False, dropout=0.0):
    torch.manual_seed(0)
    network = PaciaNetwork(
        GinEncoder(D, L, dropout), num_relation_layers=DEPTHS, relation_dropout=dropout
    ).double()
    with torch.no_grad():  # so that differences show
        for parameter in network.parameters():
            parameter.mul_(1.5)
        for norm in network.encoder.norm:
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
    return network.train(training)


def graph_of(rows, device="cpu"):
    graph = GraphTensors.of(STORE.take(np.asarray(rows)), device)
    return GraphTensors(
        *(x.double() if x.is_floating_point() else x
          for x in (getattr(graph, field.name) for field in fields(graph)))
    )  # fmt: skip


def episode(*shots, queries=4):
    """Tasks with (inactive, active) support molecules in mixed order, padded to one size."""
    rng = np.random.default_rng(1)
    size = max(map(sum, shots))
    rows, classes = [], torch.zeros(len(shots), size, 2).double()
    for task, (inactive, active) in enumerate(shots):
        rows += rng.permutation(len(SMILES))[: size + queries].tolist()
        places = rng.permutation(size)
        classes[task, places[:inactive], 0] = 1
        classes[task, places[inactive : inactive + active], 1] = 1
    place = torch.randperm(len(rows)).reshape(len(shots), -1)  # molecules of tasks lie mixed
    at = np.empty(len(rows), int)
    at[place.flatten()] = rows
    labels = torch.from_numpy(rng.integers(0, 2, (len(shots), queries)))
    return at, place[:, :size], classes, place[:, size:], labels


# The plain form: one task, one molecule, one graph at a time, padding cut off.


def plain_hyper(hyper, vectors, labels):
    first, *residuals = hyper.each[0], hyper.each[2].linear, hyper.each[3].linear
    z = []
    for x, label in zip(vectors, labels, strict=True):
        one_hot = torch.eye(2).double()[label]
        state = functional.leaky_relu(first(torch.cat([x, one_hot])))
        for linear in residuals:
            state = state + functional.leaky_relu(linear(state))
        z.append(state)
    state = torch.cat(plain_means(z, labels))
    state = functional.leaky_relu(hyper.both[0](state))
    state = state + functional.leaky_relu(hyper.both[2].linear(state))
    return hyper.both[3](state)


def plain_means(vectors, labels):
    chosen = [[x for x, y in zip(vectors, labels, strict=True) if y == label] for label in (0, 1)]
    return [sum(part) / len(part) for part in chosen]


def plain_mlp(layers, x):
    x = functional.leaky_relu(layers[0](x))
    for linear in (layers[2].linear, layers[3].linear):
        x = x + functional.leaky_relu(linear(x))
    return layers[4](x)


def plain_task(network, rows, labels, asked):
    """Adapter (L, 2, d), logits (Q, D, 2), scores (Q, D), relations (Q, D, S) of one task."""
    encoder, count = network.encoder, len(rows)
    graphs = [graph_of([row]) for row in [*rows, *asked]]
    h, adapter = [encoder.embed(graph) for graph in graphs], []
    for number in range(L):
        h = [encoder.layer(number, x, graph) for x, graph in zip(h, graphs, strict=True)]
        layer = torch.eye(L).double()[number]
        given = [torch.cat([x.mean(0), layer]) for x in h[:count]]
        a, b = (plain_hyper(one, given, labels) for one in (network.scale, network.shift))
        a, b = a / a.norm(), b / b.norm()
        adapter.append(torch.stack([a, b]))
        h = [torch.stack([atom * (1 + a) + b for atom in x]) for x in h]
    first, second = network.project[0], network.project[2]
    nodes = [second(functional.leaky_relu(first(x.mean(0)))) for x in h]
    answers = [plain_query(network, nodes[:count], labels, node) for node in nodes[count:]]
    return torch.stack(adapter), *(torch.stack(part) for part in zip(*answers, strict=True))


def plain_query(network, support, labels, query):
    n, k = [*support, query], min(labels.count(0), labels.count(1))
    logits, scores, relations = [], [], []
    for layer in network.relations:
        rows = []
        for i in range(len(n)):
            row = torch.stack([layer.edge(torch.exp(-(n[i] - x).abs()))[0] for x in n]).sigmoid()
            row = row * (torch.arange(len(n)) != i)
            rows.append(row * torch.zeros_like(row).index_fill(0, row.topk(k).indices, 1))
        received = [sum(a * x for a, x in zip(row / row.sum(), n, strict=True)) for row in rows]
        n = [
            functional.leaky_relu(layer.node.weight @ torch.cat([x, m]))
            for x, m in zip(n, received, strict=True)
        ]
        means = plain_means(n[:-1], labels)
        logits.append(torch.stack(
            [n[-1] @ plain_mlp(network.weight, p) + plain_mlp(network.bias, p)[0] for p in means]
        ))  # fmt: skip
        state = torch.cat([plain_hyper(network.context, n[:-1], labels), n[-1]])
        for residual in network.control[:2]:
            state = state + functional.leaky_relu(residual.linear(state))
        scores.append(network.control[2](state)[0])
        relations.append(rows[-1][:-1])
    return torch.stack(logits), torch.stack(scores), torch.stack(relations)


def plain_episode(network, at, support, classes, query):
    for task in range(len(support)):
        real = classes[task].sum(1) > 0
        labels = classes[task][real].argmax(1).tolist()
        yield real, plain_task(network, at[support[task][real]], labels, at[query[task]])


@torch.no_grad()
def test_answers_and_adapter_are_those_of_one_molecule_at_a_time():
    network = make()
    at, support, classes, query, _ = episode((2, 3), (1, 1), queries=3)
    output = network.episodes(graph_of(at), support, classes, query)
    chosen = network(graph_of(at), support, classes, query)
    for task, (real, expected) in enumerate(plain_episode(network, at, support, classes, query)):
        adapter, logits, scores, relations = expected
        card = network.adapt(graph_of(at[support[task]]), classes[task])
        torch.testing.assert_close(card.adapter, adapter, atol=1e-6, rtol=0)
        torch.testing.assert_close(output.logits[task], logits, atol=1e-6, rtol=0)
        torch.testing.assert_close(output.depth[task], scores, atol=1e-6, rtol=0)
        torch.testing.assert_close(output.relations[task][..., real], relations, atol=1e-6, rtol=0)
        assert not output.relations[task][..., ~real].any()
        best = logits[torch.arange(len(logits)), scores.argmax(1)]
        torch.testing.assert_close(chosen[task], best, atol=1e-6, rtol=0)
    assert output.logits.std(1).max() > 1e-3  # the queries do differ


def test_the_loss_and_its_gradients_are_those_of_plain_autograd():
    network = make()
    at, support, classes, query, labels = episode((2, 2), (1, 2), queries=3)
    mask = torch.tensor([[1, 1, 1], [1, 0, 1]]).double()
    value = network.loss(graph_of(at), support, classes, query, labels, mask)
    ours = torch.autograd.grad(value, list(network.parameters()))
    total = 0
    for task, (_, found) in enumerate(plain_episode(network, at, support, classes, query)):
        _, logits, scores, _ = found
        for row in range(3):
            shares = scores[row].exp() / scores[row].exp().sum()
            for share, of_depth in zip(shares, logits[row], strict=True):
                label = labels[task, row]
                entropy = torch.log(1 + torch.exp(of_depth[1 - label] - of_depth[label]))
                total = total + mask[task, row] * share * entropy
    torch.testing.assert_close(value, total / 5, atol=1e-6, rtol=0)
    theirs = torch.autograd.grad(total / 5, list(network.parameters()))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


@torch.no_grad()
def test_a_card_answers_as_the_whole_episode():
    network = make()
    at, support, classes, query, _ = episode((3, 3), (2, 4))
    expected = network.episodes(graph_of(at), support, classes, query)
    for task in range(2):
        card = network.adapt(graph_of(at[support[task]]), classes[task])
        assert card.adapter.numel() == network.num_adapted
        output = network.predict(card, graph_of(at[query[task]]))
        for ours, theirs in zip(output, expected, strict=True):
            torch.testing.assert_close(ours, theirs[task], atol=1e-9, rtol=0)
        alone = torch.cat([network.answer(card, graph_of([at[row]])) for row in query[task]])
        together = expected.at_chosen(expected.logits)[task].softmax(-1)[:, 1]
        torch.testing.assert_close(alone, together, atol=1e-9, rtol=0)


@torch.no_grad()
def test_many_queries_are_answered_in_parts(monkeypatch):
    network, graph = make(), graph_of(range(5))
    whole = network.answer(card_of(network), graph)
    monkeypatch.setattr("core.function.pacia.AT_ONCE", 2)
    torch.testing.assert_close(network.answer(card_of(network), graph), whole, atol=1e-9, rtol=0)


@torch.no_grad()
def test_the_order_of_molecules_does_not_matter():
    network = make()
    at, support, classes, query, _ = episode((4, 3), queries=5)
    at[support[0, 2]] = at[support[0, 5]]  # a molecule given twice: relations that tie
    output = network.episodes(graph_of(at), support, classes, query)
    turn, ask = torch.randperm(7), torch.randperm(5)
    again = network.episodes(graph_of(at), support[:, turn], classes[:, turn], query[:, ask])
    torch.testing.assert_close(again.logits, output.logits[:, ask], atol=1e-9, rtol=0)
    torch.testing.assert_close(again.depth, output.depth[:, ask], atol=1e-9, rtol=0)
    relations = output.relations[:, ask][..., turn]
    torch.testing.assert_close(again.relations, relations, atol=1e-9, rtol=0)


@torch.no_grad()
def test_a_molecule_given_several_times_counts_as_often():
    network = make()
    at, support, counts, query, _ = episode((3, 2))
    times = torch.tensor([3, 1, 2, 1, 2])
    repeated = support[0].repeat_interleave(times)
    asked = graph_of(at[query[0]])
    apart = network.adapt(graph_of(at[repeated]), counts[0].repeat_interleave(times, 0))
    merged = network.adapt(graph_of(at[support[0]]), counts[0] * times[:, None])
    torch.testing.assert_close(merged.adapter, apart.adapter, atol=1e-9, rtol=0)
    one, other = network.predict(merged, asked), network.predict(apart, asked)
    torch.testing.assert_close(one.logits, other.logits, atol=1e-9, rtol=0)
    torch.testing.assert_close(one.depth, other.depth, atol=1e-9, rtol=0)
    spread_out = one.relations.repeat_interleave(times, -1)
    torch.testing.assert_close(spread_out, other.relations, atol=1e-9, rtol=0)
    once = network.predict(network.adapt(graph_of(at[support[0]]), counts[0]), asked)
    assert (once.logits - one.logits).abs().max() > 1e-3


def test_padding_changes_nothing():
    network = make()
    at, support, classes, query, labels = episode((2, 3))
    mask = torch.ones(1, 4).double()
    value = network.loss(graph_of(at), support, classes, query, labels, mask)
    more = torch.arange(3) + len(at)
    padded = network.loss(
        graph_of([*at, 2, 4, 0]),
        torch.cat([more[None, :2], support], 1),
        functional.pad(classes, (0, 0, 2, 0)),
        torch.cat([query, more[None, 2:]], 1),
        functional.pad(labels, (0, 1)),
        functional.pad(mask, (0, 1)),
    )
    torch.testing.assert_close(padded, value, atol=1e-9, rtol=0)


@torch.no_grad()
def test_an_adapter_has_unit_vectors_and_follows_labels_and_layers():
    network = make()
    at, support, classes, *_ = episode((3, 3))
    graph = graph_of(at[support[0]])
    card, turned = (network.adapt(graph, x) for x in (classes[0], classes[0].flip(1)))
    assert card.adapter.shape == (L, 2, D)
    torch.testing.assert_close(card.adapter.norm(dim=-1), torch.ones(L, 2).double())
    assert (card.adapter - turned.adapter).abs().max() > 1e-3
    pooled = network.encoder(graph)
    first, second = (network._adapt(number, pooled, classes[0]) for number in range(L))
    assert (first - second).abs().max() > 1e-3


def test_depths_are_chosen_by_the_largest_score():
    output = make().predict(card_of(make()), graph_of([0, 1, 2]))
    depth = torch.tensor([[0.0, 2.0], [3.0, 2.0], [0.0, 1.0]])
    output = output._replace(depth=depth)
    best = output.at_chosen(output.relations)  # (Q, S)
    expected = [output.relations[row, number] for row, number in enumerate((1, 0, 1))]
    torch.testing.assert_close(best, torch.stack(expected))


def card_of(network):
    at, support, classes, *_ = episode((2, 2))
    return network.adapt(graph_of(at[support[0]]), classes[0])


def test_training_reaches_every_weight():
    network = make(training=True, dropout=0.3)
    at, support, classes, query, labels = episode((3, 3), (2, 2))
    arguments = graph_of(at), support, classes, query, labels, torch.ones(2, 4).double()
    values = {network.loss(*arguments).item() for _ in range(3)}
    assert len(values) == 3  # dropout
    network.loss(*arguments).backward()
    for name, parameter in network.named_parameters():
        if parameter.dim() > 1:  # some biases shift both classes or all depths alike
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("layers", "count"), [(5, 4_036_171), (1, 3_642_439)])
def test_parameters(layers, count):
    network = PaciaNetwork(GinEncoder(), num_relation_layers=layers)
    assert sum(p.numel() for p in network.parameters()) == count
    assert network.num_adapted == 3_000


def test_a_molecule_belongs_to_one_task():
    network = make()
    at, support, classes, query, _ = episode((2, 2), (2, 2))
    shared = support.clone()
    shared[1, 0] = shared[0, 0]
    for graph, rows in ((graph_of(at), shared), (graph_of([*at, 0]), support)):
        with pytest.raises(ShapeError, match="exactly one task"):
            network(graph, rows, classes, query)


@pytest.mark.gpu
def test_cuda_equals_cpu():
    network = make()
    at, support, classes, query, labels = episode((3, 3), (2, 4))
    rest = support, classes, query, labels, torch.ones(2, 4).double()
    value = network.loss(graph_of(at), *rest)
    value.backward()
    slopes = [p.grad.clone() for p in network.parameters()]
    network.zero_grad()
    there = network.cuda().loss(graph_of(at, "cuda"), *(x.cuda() for x in rest))
    there.backward()
    torch.testing.assert_close(there.cpu(), value, atol=1e-6, rtol=0)
    for parameter, slope in zip(network.parameters(), slopes, strict=True):
        torch.testing.assert_close(parameter.grad.cpu(), slope, atol=1e-6, rtol=1e-5)
