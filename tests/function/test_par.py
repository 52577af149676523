"""PAR against its equations written graph by graph; second-order gradients; symmetries."""

import pytest
import torch
from torch.nn import functional

from core.errors import ShapeError
from core.function.par import WIDTH, ParHead, Relation, keep_largest

D = 12


def make(*, training=False):
    torch.manual_seed(0)
    head = ParHead(D, property_dropout=0.0, relation_dropout=0.0).double().train(training)
    with torch.no_grad():  # so that differences show
        for parameter in head.parameters():
            parameter.mul_(2)
    return head


def episode(*shots, queries=5, size=None):
    """Tasks with (inactive, active) support molecules in mixed order, padded to one size."""
    torch.manual_seed(1)
    size = size or max(map(sum, shots))
    classes = torch.zeros(len(shots), size, 2, dtype=torch.double)
    for task, (inactive, active) in enumerate(shots):
        places = torch.randperm(size)
        classes[task, places[:inactive], 0] = 1
        classes[task, places[inactive : inactive + active], 1] = 1
    support = torch.randn(len(shots), size, D, dtype=torch.double)
    query = torch.randn(len(shots), queries, D, dtype=torch.double)
    return support, classes, query, torch.randint(2, (len(shots), queries))


# The plain form: one task, one graph at a time, all pairs, padding cut off.


def adapted_parameters(head):
    return {
        name: value
        for name, value in head.named_parameters()
        if name.startswith(("aware.", "classifier."))
    }


def plain_embed(p, g, means):
    tokens = torch.stack([g, *means])
    query, key, value = (tokens @ part.T for part in p["aware.attend.weight"].chunk(3))
    b = (torch.softmax(query @ key.T / D**0.5, -1) @ value)[0]
    hidden = functional.linear(torch.cat([b, g]), p["aware.mix.0.weight"], p["aware.mix.0.bias"])
    hidden = functional.leaky_relu(hidden)
    return functional.linear(hidden, p["aware.mix.3.weight"], p["aware.mix.3.bias"])


def plain_graph(head, p, support, labels, query):
    """Logits of all nodes and the last adjacency; the query is last, if there is one."""
    means = [support[labels == label].mean(0) for label in (0, 1)]
    molecules = [*support] if query is None else [*support, query]
    h = torch.stack([plain_embed(p, g, means) for g in molecules])
    k = min((labels == 0).sum(), (labels == 1).sum())
    for layer in head.relations:
        rows = []
        for i in range(len(h)):
            similar = torch.stack([torch.exp(-(h[i] - h[j]).abs()) for j in range(len(h))])
            row = torch.sigmoid(layer.edge(similar)[:, 0])
            row = row * (torch.arange(len(h)) != i)
            kept = torch.zeros_like(row)
            kept[row.topk(k).indices] = 1
            rows.append(row * kept)
        adjacency = torch.stack(rows)
        received = adjacency / adjacency.sum(1, keepdim=True) @ h
        h = functional.leaky_relu(torch.cat([h, received], 1) @ layer.node.weight.T)
    hidden = functional.linear(h, p["classifier.1.weight"], p["classifier.1.bias"])
    hidden = functional.leaky_relu(hidden)
    return functional.linear(hidden, p["classifier.3.weight"], p["classifier.3.bias"]), adjacency


def equality(left, right):
    return (left[:, None] == right).double()


def plain_adapt(head, support, labels, anchors, *, second_order=True):
    p, n = adapted_parameters(head), len(support)
    graphs = [plain_graph(head, p, support, labels, g) for g in (anchors or [None])]
    entropy = torch.stack([functional.cross_entropy(x[:n], labels) for x, _ in graphs]).mean()
    relations = torch.stack([a[:n, :n] for _, a in graphs]).mean(0)
    same = equality(labels, labels) - torch.eye(n)
    loss = entropy + functional.mse_loss(relations, same)
    slopes = torch.autograd.grad(loss, list(p.values()), create_graph=second_order)
    return {
        name: value - 0.1 * slope for (name, value), slope in zip(p.items(), slopes, strict=True)
    }


def real_part(support, classes):
    real = classes.sum(1) > 0
    return support[real], classes[real].argmax(1)


def plain_predict(head, support, classes, query, anchors):
    given, labels = real_part(support, classes)
    p = plain_adapt(head, given, labels, [*anchors])
    graphs = [plain_graph(head, p, given, labels, g) for g in query]
    return (
        torch.stack([logits[-1] for logits, _ in graphs]),
        torch.stack([adjacency[-1, :-1] for _, adjacency in graphs]),
    )


def plain_loss(head, support, classes, query, labels, mask, *, second_order=True):
    losses = []
    for task in range(len(support)):
        given, known = real_part(support[task], classes[task])
        asked, truth = query[task][mask[task] > 0], labels[task][mask[task] > 0]
        p = plain_adapt(head, given, known, [*asked], second_order=second_order)
        each = []
        for g, label in zip(asked, truth, strict=True):
            logits, adjacency = plain_graph(head, p, given, known, g)
            misfit = functional.mse_loss(adjacency[-1, :-1], (known == label).double())
            each.append(functional.cross_entropy(logits[-1:], label[None]) + misfit)
        losses.append(torch.stack(each).mean())
    return torch.stack(losses).mean()


def test_parameters_are_the_published_ones():
    head = ParHead(300)
    assert head.num_adapted == 380_210
    assert sum(p.numel() for p in adapted_parameters(head).values()) == 380_210
    assert sum(p.numel() for p in head.relations.parameters()) == 196_866
    assert sum(p.numel() for p in head.parameters()) == 380_210 + 196_866


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("num_anchors", [0, 3])
def test_answers_are_those_of_one_graph_per_query(training, num_anchors):
    head = make(training=training)
    support, classes, query, _ = episode((3, 3), (2, 4), (1, 1))
    anchors = torch.randn(3, num_anchors, D, dtype=torch.double)
    logits, relations = head(support, classes, query, anchors)
    for task in range(3):
        expected = plain_predict(head, support[task], classes[task], query[task], anchors[task])
        real = classes[task].sum(1) > 0
        torch.testing.assert_close(logits[task], expected[0], atol=1e-6, rtol=0)
        torch.testing.assert_close(relations[task][:, real], expected[1], atol=1e-6, rtol=0)
        assert not relations[task][:, ~real].any()
    assert logits.std(1).max() > 1e-3  # the queries do differ


@pytest.mark.parametrize("training", [False, True])
def test_the_loss_has_the_second_order_gradient_of_plain_autograd(training):
    head = make(training=training)
    support, classes, query, labels = episode((2, 2), (1, 3), queries=4)
    mask = torch.tensor([[1, 1, 1, 1], [1, 0, 1, 0]]).double()
    inputs = [support.requires_grad_(), query.requires_grad_(), *head.parameters()]
    value = head.loss(support, classes, query, labels, mask)
    expected = plain_loss(head, support, classes, query, labels, mask)
    torch.testing.assert_close(value, expected, atol=1e-6, rtol=0)
    ours = torch.autograd.grad(value, inputs)
    theirs = torch.autograd.grad(expected, inputs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
    first = plain_loss(head, support, classes, query, labels, mask, second_order=False)
    first_order = torch.autograd.grad(first, inputs)
    assert max((a - b).abs().max() for a, b in zip(ours, first_order, strict=True)) > 1e-3


def test_the_order_of_molecules_does_not_matter():
    head = make()
    support, classes, query, _ = episode((4, 3), queries=6)
    anchors = torch.randn(1, 3, D, dtype=torch.double)
    support[0, 2] = support[0, 5]  # a molecule given twice: relations that tie
    logits, relations = head(support, classes, query, anchors)
    at, ask = torch.randperm(7), torch.randperm(6)
    again = head(support[:, at], classes[:, at], query[:, ask], anchors[:, [2, 0, 1]])
    torch.testing.assert_close(again.logits, logits[:, ask], atol=1e-9, rtol=0)
    torch.testing.assert_close(again.relations, relations[:, ask][:, :, at], atol=1e-9, rtol=0)


def test_a_query_does_not_depend_on_the_others():
    head = make()
    support, classes, query, _ = episode((3, 3), queries=6)
    state = head.adapt(support[0], classes[0])
    together = head.answer(state, query[0])
    alone = torch.cat([head.answer(state, query[0, [row]]) for row in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-9, rtol=0)
    expected = head(support, classes, query).logits.softmax(-1)[0, :, 1]
    torch.testing.assert_close(together, expected, atol=1e-9, rtol=0)


def test_padding_changes_nothing():
    head = make(training=True)
    support, classes, query, labels = episode((2, 3), queries=4)
    mask = torch.ones(1, 4, dtype=torch.double)
    value = head.loss(support, classes, query, labels, mask)
    more = torch.full((1, 3, D), 7.0).double()
    padded = head.loss(
        torch.cat([more, support], 1),
        functional.pad(classes, (0, 0, 3, 0)),
        torch.cat([query, more], 1),
        functional.pad(labels, (0, 3)),
        functional.pad(mask, (0, 3)),
    )
    torch.testing.assert_close(padded, value, atol=1e-9, rtol=0)


def test_adaptation_follows_the_labels():
    head = make()
    support, classes, query, _ = episode((5, 5), queries=8)
    state, turned = (head.adapt(support[0], x) for x in (classes[0], classes[0].flip(1)))
    change = head.answer(state, query[0]) - head.answer(turned, query[0])
    assert change.abs().max() > 1e-3


def test_dropout_works_only_while_training():
    torch.manual_seed(0)
    head = ParHead(D)
    support, classes, query, labels = (
        x.float() if x.is_floating_point() else x for x in episode((3, 3))
    )
    mask = torch.ones(1, 5)
    values = {head.loss(support, classes, query, labels, mask).item() for _ in range(3)}
    assert len(values) == 3
    head.eval()
    assert torch.equal(head(support, classes, query).logits, head(support, classes, query).logits)


def test_relations_that_tie_with_the_last_are_kept():
    row = torch.tensor([[30.0, 32.0, 30.0, 29.0, 31.0, 40.0]])  # all 1 after the sigmoid
    there = torch.tensor([[1.0, 1.0, 1.0, 1.0, 1.0, 0.0]])
    assert keep_largest(row, there, torch.tensor(1)).tolist() == [[0, 1, 0, 0, 0, 0]]
    assert keep_largest(row, there, torch.tensor(3)).tolist() == [[1, 1, 1, 0, 1, 0]]
    assert keep_largest(row, there, torch.tensor(6)).tolist() == there.tolist()


def test_support_and_classes_must_agree():
    with pytest.raises(ShapeError, match="must agree"):
        make().adapt(torch.zeros(4, D).double(), torch.zeros(5, 2).double())


@pytest.mark.gpu
def test_cuda_equals_cpu():
    head = make(training=True)
    support, classes, query, labels = episode((3, 3), (2, 4))
    tensors = (support, classes, query, labels, torch.ones(2, 5).double())
    value = head.loss(*tensors)
    value.backward()
    slopes = [p.grad.clone() for p in head.parameters()]
    head.zero_grad()
    there = head.cuda().loss(*(x.cuda() for x in tensors))
    there.backward()
    torch.testing.assert_close(there.cpu(), value, atol=1e-6, rtol=0)
    for parameter, slope in zip(head.parameters(), slopes, strict=True):
        torch.testing.assert_close(parameter.grad.cpu(), slope, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("n", [2, 3, 6, 7])
def test_pairs_scored_once_are_those_scored_in_both_orders(n):
    torch.manual_seed(n)
    layer, nodes = Relation().double(), torch.randn(2, 3, n, WIDTH).double().requires_grad_()
    weight = torch.randn(2, 3, n, n).double()
    once, twice = layer.among(nodes), layer.between(nodes, nodes)
    torch.testing.assert_close(once, twice, atol=1e-9, rtol=0)
    slopes = [torch.autograd.grad((x * weight).sum(), nodes)[0] for x in (once, twice)]
    torch.testing.assert_close(*slopes, atol=1e-9, rtol=0)


def test_a_relation_that_counts_twice_takes_two_places():
    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]])
    for size, kept in ((1, 1), (2, 1), (3, 2), (4, 3), (9, 4)):
        found = keep_largest(logits, torch.tensor([2, 1, 1, 1]), torch.tensor(size))
        assert (found > 0).sum() == kept
    found = keep_largest(logits, torch.tensor([2, 0, 1, 1]), torch.tensor(3))
    torch.testing.assert_close(found, torch.sigmoid(logits) * torch.tensor([1, 0, 1, 0]))
