"""A bilinear function from the driver to its served figures, once for this file."""

import pytest

from core import catalog
from core.errors import InputError
from core.serving.bilinear import BilinearModel
from core.serving.graphs import embedded_graphs
from core.training import run as driver
from core.training.links import load_fixed_link_data, load_link_data

SMALL = {"structure": "ComplEx", "n3_weights": [0.01], "num_epochs": 3, "dim": 16}


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    folder = tmp_path_factory.mktemp("autoblm")
    return driver.run(
        "autoblm", "planted", overrides=SMALL, device="cpu", root=folder, checkpoints=folder
    )


def test_served_figures_are_those_of_the_card(artifact):
    served = driver.evaluate_served(artifact, "planted")["test"]
    for name, value in served.items():
        assert artifact.card.metric(name).value == pytest.approx(value, abs=1e-6)
    assert served["reach"] == 1
    assert artifact.card.parity <= 1e-5


def test_the_artifact_knows_its_entities_and_its_formula(artifact):
    graph = load_link_data("planted").vocabulary
    model = BilinearModel(artifact.session, artifact.knowledge)
    assert artifact.knowledge["entities"] == list(graph.entities)
    assert artifact.knowledge["relations"] == list(graph.relations)
    assert model.structure.num_blocks == 8
    assert artifact.knowledge["nearest"] == {"name": "ComplEx", "cells_that_differ": 0}
    assert artifact.card.num_parameters == 16 * (graph.num_entities + graph.num_relations)


def test_another_graph_is_refused(artifact):
    with pytest.raises(InputError, match="another vocabulary"):
        driver.evaluate_served(artifact, "nations")


def test_each_method_stands_beside_its_own_published_figure():
    for name, load in (("redgnn", load_link_data), ("autoblm", load_fixed_link_data)):
        data = load("umls-drum")
        expected = catalog.RED_GNN_PAPER["umls-drum"] if name == "redgnn" else None
        found = data.published("test", "mrr")
        assert (found and found[0]) == expected
        assert data.published("test", "hits_at_1") is None


def test_every_embedded_graph_can_be_searched():
    for entry in embedded_graphs():
        data = load_fixed_link_data(entry.id)
        assert set(data.vocabulary.entities) == set(entry.load().entities)
        assert len(data.task.valid) > 0
        assert len(data.tests[0].triples) > 0
