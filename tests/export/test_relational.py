"""Exported once for this file: parity, structure, artifact writing."""

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch

from core.errors import ArtifactError
from core.export.artifact import add_figures, versions, write_artifact
from core.export.relational import export_relational, parity_relational
from core.function.relational import GraphTensors, RelationalGNN
from core.knowledge.graph import Adjacency
from core.serving.artifact import Card, DataState, Metric
from core.serving.relational import EDGES_PER_BATCH, RelationalModel
from core.serving.session import Session

R = 3


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return RelationalGNN(
        R, num_layers=3, hidden_dim=16, attention_dim=4, activation="relu", max_new_nodes=4
    ).eval()


@pytest.fixture(scope="module")
def model(network):
    return export_relational(network)


@pytest.fixture
def card():
    return Card(
        name="redgnn-test",
        method="redgnn",
        task="kg_reasoning",
        title="a test",
        config={"d": 16},
        data=DataState("toy", "Toy", "0" * 64, "none", "", "all"),
        metrics=(Metric("mrr", "test", 0.5, 0.0, (0,), "filtered", 0.6, "a paper"),),
        seed=0,
        num_parameters=1,
        training_s=1.0,
        hardware="test",
        versions=versions(),
        citations=("A. Author",),
        files={},
        parity=1e-6,
        created="2026-01-01",
    )


def test_parity_at_sizes_that_were_not_exported(network, model):
    assert parity_relational(network, Session(model, "cpu")) <= 1e-4


def test_parity_is_measured_and_not_assumed(model):
    other = RelationalGNN(R, num_layers=3, hidden_dim=16, attention_dim=4, max_new_nodes=4).eval()
    assert parity_relational(other, Session(model, "cpu")) > 1e-2


def test_every_scatter_adds_and_none_is_the_slow_kind(model):
    nodes = [n for n in onnx.load_from_string(model).graph.node if n.op_type.startswith("Scatter")]
    assert [n.op_type for n in nodes] == ["ScatterND"]
    assert [a.s for a in nodes[0].attribute if a.name == "reduction"] == [b"add"]


def test_served_scores_equal_torch_with_and_without_selection(network, model):
    rng = np.random.default_rng(0)
    graph = Adjacency.from_triples(np.unique(rng.integers(0, [40, R, 40], (200, 3)), axis=0), 40, R)
    heads, relations = rng.integers(0, 40, 6), rng.integers(0, 2 * R, 6)
    with torch.inference_mode():
        expected, reached = network(
            GraphTensors(graph), torch.from_numpy(heads), torch.from_numpy(relations)
        )
    served = RelationalModel(Session(model, "cpu"), 3, 16, 4).run(graph, heads, relations)
    np.testing.assert_allclose(served.logits, expected.numpy(), atol=1e-5)
    assert (served.reached == reached.numpy()).all()
    assert served.reached.sum(1).max() <= 1 + 3 * 4
    full = RelationalModel(Session(model, "cpu"), 3, 16, 0).run(graph, heads, relations)
    assert full.reached.sum() > served.reached.sum()


def test_overlays_equal_a_rebuilt_graph(model, monkeypatch):
    rng = np.random.default_rng(1)
    triples = np.unique(rng.integers(0, [25, R, 25], (90, 3)), axis=0)
    graph, served = Adjacency.from_triples(triples, 25, R), RelationalModel(Session(model), 3, 16)
    masks = [rng.random(len(triples)) < share for share in (0.0, 0.3, 0.8, 1.0)]
    sizes, run = [], RelationalModel.run

    def note_size(self, adjacency, heads, *others):
        sizes.append(len(heads))
        return run(self, adjacency, heads, *others)

    with monkeypatch.context() as patch:
        patch.setattr(RelationalModel, "run", note_size)
        logits, reached = served.run_overlays(graph, 4, 2, masks, EDGES_PER_BATCH // 3)
    assert sizes == [3, 1]
    for row, mask in enumerate(masks):
        rebuilt = Adjacency.from_triples(triples[mask], 25, R)
        alone = served.run(rebuilt, np.array([4]), np.array([2]))
        np.testing.assert_allclose(logits[row], alone.logits[0], atol=1e-6)
        assert (reached[row] == alone.reached[0]).all()


def test_written_artifact_is_verified_and_replaces_the_earlier_one(tmp_path, model, card):
    first = write_artifact(tmp_path, {"model.onnx": model}, {"relations": ["a"]}, card)
    assert first.card.metric("mrr").paper == 0.6
    again = replace(card, title="again")
    second = write_artifact(tmp_path, {"model.onnx": model}, {"relations": ["b"]}, again)
    assert second.knowledge == {"relations": ["b"]}
    assert second.card.title == "again"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["redgnn-test"]
    assert set(second.card.files) == {"model.onnx", "knowledge.json"}


def test_figures_of_another_training_stand_beside_its_own(tmp_path, model, card):
    first = write_artifact(tmp_path, {"model.onnx": model, "more.onnx": model}, {"a": 1}, card)
    for _ in range(2):  # again: replaced, not repeated
        first = add_figures(first, card, "other")
    assert [one.split for one in first.card.metrics] == [
        *(one.split for one in card.metrics), *(f"other, {one.split}" for one in card.metrics),
    ]  # fmt: skip
    assert first.knowledge == {"a": 1}
    assert set(first.card.files) == {"model.onnx", "more.onnx", "knowledge.json"}


@pytest.mark.parametrize("parity", [2e-4, float("nan")])
def test_a_model_that_differs_from_torch_is_not_written(tmp_path, model, card, parity):
    with pytest.raises(ArtifactError, match="differs from torch"):
        write_artifact(tmp_path, {"model.onnx": model}, {}, replace(card, parity=parity))
    assert not list(tmp_path.iterdir())
