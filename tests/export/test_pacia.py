"""PACIA's two exported models: parity at other sizes, repetition, the card between them."""

import numpy as np
import pytest
import torch

from core.export.pacia import OUTPUTS, TASK_OUTPUTS, export_pacia, parity_pacia
from core.function.gin import GinEncoder, GraphTensors
from core.function.pacia import PaciaNetwork
from core.knowledge.molecules import MoleculeGraph, MoleculeStore
from core.serving.session import Session

D, L, DEPTHS = 12, 2, 3


def chain(size: int, element: int) -> MoleculeGraph:
    """A chain of carbons that ends in an element; one atom has no bond."""
    atoms = np.full((size, 2), [5, 0], np.uint8)
    atoms[-1, 0] = element
    forth = np.array([(i, i + 1, 0, 0) for i in range(size - 1)], np.int16).reshape(-1, 4)
    return MoleculeGraph(atoms, np.concatenate([forth, forth[:, [1, 0, 2, 3]]]))


GRAPHS = [chain(size, element) for element in (6, 7, 8, 16) for size in range(1, 41)]
STORE = MoleculeStore.of(GRAPHS)


@pytest.fixture(scope="module")
def exported():
    torch.manual_seed(0)
    network = PaciaNetwork(GinEncoder(D, L), num_relation_layers=DEPTHS)
    with torch.no_grad():  # so that differences show
        for parameter in network.parameters():
            parameter.mul_(1.5)
        for norm in network.encoder.norm:
            norm.running_mean.uniform_(-1, 1)
            norm.running_var.uniform_(0.5, 2)
    task, queries = export_pacia(network)
    return network, Session(task, "cpu"), Session(queries, "cpu")


def served(exported, support, labels, query, times=None):
    """Card and outputs, as serving runs the two files."""
    _, task, queries = exported
    counts = np.eye(2, dtype=np.float32)[labels]
    if times is not None:
        counts *= times[:, None]
    feeds = STORE.take(np.array(support)).feeds() | {"counts": counts}
    card = dict(zip(TASK_OUTPUTS, task.run(feeds, TASK_OUTPUTS), strict=True))
    feeds = STORE.take(np.array(query)).feeds() | card | {"counts": counts}
    return card, queries.run(feeds, OUTPUTS)


def test_onnx_runtime_equals_torch_at_other_sizes(exported):
    _, (logits, _, _) = served(exported, range(20), np.arange(20) % 2, range(20, 80))
    assert parity_pacia(*exported) <= 1e-5 * max(1.0, np.abs(logits).max())  # they are enlarged


@pytest.mark.parametrize("size", [2, 11, 128])
def test_both_files_together_are_the_network(exported, size):
    network = exported[0]
    rng = np.random.default_rng(size)
    order = rng.permutation(len(STORE))
    support, query = order[:size], [0, 40, 79, *order[-4:]]  # 0 and 40: one atom, no bond
    labels = np.arange(size) % 3 % 2
    card, (logits, shares, relations) = served(exported, support, labels, query)
    assert card["adapter"].shape == (L, 2, D)
    assert logits.shape == (7, 2)
    assert shares.shape == (7, DEPTHS)
    assert relations.shape == (7, size)
    with torch.inference_mode():
        graph, asked = (GraphTensors.of(STORE.take(np.array(rows))) for rows in (support, query))
        state = network.adapt(graph, torch.eye(2)[labels])
        answer = network.answer(state, asked).numpy()
        expected = network.predict(state, asked)
    np.testing.assert_allclose(shares, expected.depth.softmax(-1).numpy(), atol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(logits[:, 0] - logits[:, 1])), answer, atol=1e-5)
    used = expected.relations.numpy()[np.arange(7), shares.argmax(1)]
    np.testing.assert_allclose(relations, used, atol=1e-5)
    k = max(1, np.bincount(labels).min())
    ranked = -np.sort(-relations, axis=1)  # what ties with the k-th is kept too
    least = np.where(relations > 0, relations, 1).min(1)
    assert ((relations > 0).sum(1) >= k).all()
    np.testing.assert_allclose(least, ranked[:, k - 1], atol=1e-4)


def test_the_labels_are_part_of_the_card(exported):
    support, query = [3, 45, 86, 130], [7, 60]
    card, (logits, *_) = served(exported, support, [0, 1, 0, 1], query)
    turned, (others, *_) = served(exported, support, [1, 0, 1, 0], query)
    assert np.abs(card["adapter"] - turned["adapter"]).max() > 1e-3
    assert np.abs(logits - others).max() > 1e-3


def test_repeats_are_counted(exported):
    support, labels, query = np.array([3, 45, 86, 130]), np.array([0, 1, 0, 1]), [7, 60]
    times = np.array([1, 3, 2, 1])
    merged, outputs = served(exported, support, labels, query, times)
    apart, others = served(exported, support.repeat(times), labels.repeat(times), query)
    np.testing.assert_allclose(merged["adapter"], apart["adapter"], atol=1e-5)
    for ours, theirs in zip(outputs[:2], others[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)  # they are enlarged
    np.testing.assert_allclose(outputs[2].repeat(times, axis=1), others[2], atol=1e-5)


def test_repeated_runs_are_identical(exported):
    support, query = list(range(0, 120, 9)), list(range(5, 160, 11))
    labels = [0, 1] * 7
    card, first = served(exported, support, labels, query)
    for _ in range(50):
        again, outputs = served(exported, support, labels, query)
        for name in TASK_OUTPUTS:
            np.testing.assert_array_equal(again[name], card[name])
        for one, other in zip(first, outputs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_a_query_does_not_depend_on_the_others(exported):
    support, labels, query = [3, 45, 86, 130], [0, 1, 0, 1], [0, 7, 60, 159]
    together = served(exported, support, labels, query)[1]
    for row, one in enumerate(query):
        alone = served(exported, support, labels, [one])[1]
        for ours, theirs in zip(alone, together, strict=True):
            np.testing.assert_allclose(ours, theirs[[row]], atol=1e-5)
