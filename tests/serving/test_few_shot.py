"""Every method behind one interface, against numpy."""

import numpy as np
import pytest

from core import chemistry
from core.errors import InputError
from core.knowledge.molecules import MoleculeStore
from core.serving import few_shot
from core.serving.few_shot import Inputs, available_models, open_model
from tests.serving.toy_molecules import DIM, OF_BOND, OF_ELEMENT, serve_from, write_artifacts

SUPPORT = ["c1ccccc1", "Cc1ccccc1", "CCO", "OCCO", "CCCO"]
LABELS = np.array([1, 1, 0, 0, 0])
ASKED = ["c1ccccc1O", "CCCCO", "CC(=O)O"]
ALL = ("protonet-toy", "ridge-toy", "par-toy", "pacia-toy", "nearest-toy", "forest-toy")


@pytest.fixture(autouse=True, scope="module")
def artifacts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("trained")
        serve_from(write_artifacts(root, "protonet", "par", "pacia"), patch)
        yield root


def inputs(smiles):
    return Inputs.of(chemistry.read_many(smiles))


def embed(smiles):
    """The toy encoder, slowly."""
    found = []
    for molecule in chemistry.read_many(smiles):
        batch = MoleculeStore.of([molecule.graph]).take([0])
        state = OF_ELEMENT[batch.atoms[:, 0]] + batch.bonds @ OF_BOND
        found.append(np.maximum(state, 0).mean(0))
    return np.array(found)


def scores(model_id, rows=None, labels=LABELS, support=SUPPORT, asked=ASKED):
    prepared = open_model(model_id).prepare(inputs(support), inputs(asked))
    rows = np.arange(len(support)) if rows is None else rows
    return prepared.scores(rows, labels)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_prototypes_are_the_nearer_mean():
    given, asked = embed(SUPPORT), embed(ASKED)
    means = [given[label == LABELS].mean(0) for label in (0, 1)]
    away = [((asked - mean) ** 2).sum(1) for mean in means]
    np.testing.assert_allclose(
        scores("protonet-toy").probability, sigmoid(away[0] - away[1]), atol=1e-5
    )


def test_par_gets_its_arrays_and_returns_relations():
    given, asked = embed(SUPPORT), embed(ASKED)
    direction = given[LABELS == 1].mean(0) - given[LABELS == 0].mean(0)
    found = scores("par-toy")
    np.testing.assert_allclose(found.probability, sigmoid(4 * asked @ direction), atol=1e-5)
    np.testing.assert_allclose(found.relations, sigmoid(asked @ given.T), atol=1e-5)


def test_pacia_chooses_its_depth():
    given, asked = embed(SUPPORT), embed(ASKED)
    direction = given[LABELS == 1].mean(0) - given[LABELS == 0].mean(0)
    found = scores("pacia-toy")
    deep = asked[:, 0] > 0
    assert (found.depth == np.where(deep, 2, 1)).all()
    logit = 2 * asked @ direction * np.where(deep, 0.5, 1)
    np.testing.assert_allclose(found.probability, sigmoid(logit), atol=1e-5)
    np.testing.assert_allclose(found.depth_scores.sum(1), 1)
    np.testing.assert_allclose(found.relations, sigmoid(asked @ given.T), atol=1e-5)


@pytest.mark.parametrize("model_id", ALL)
def test_a_part_of_the_support_counts_alone(model_id):
    rows = np.array([1, 2, 2])
    part = scores(model_id, rows, LABELS[rows]).probability
    alone = scores(model_id, None, LABELS[rows], [SUPPORT[row] for row in rows]).probability
    np.testing.assert_allclose(part, alone, atol=1e-6)
    assert ((part >= 0) & (part <= 1)).all()


def test_pacia_relates_every_row_it_was_given():
    rows = np.array([4, 0, 4, 2])
    found = scores("pacia-toy", rows, np.array([0, 1, 0, 0]))
    given, asked = embed(SUPPORT), embed(ASKED)
    np.testing.assert_allclose(found.relations, sigmoid(asked @ given[rows].T), atol=1e-5)


@pytest.mark.parametrize("model_id", ALL)
def test_chunks_do_not_change_the_numbers(model_id, monkeypatch):
    whole = scores(model_id)
    monkeypatch.setattr(few_shot, "ENCODED", 2)
    monkeypatch.setattr(few_shot, "ASKED", 2)
    parts = scores(model_id)
    np.testing.assert_allclose(whole.probability, parts.probability, atol=1e-6)
    if whole.relations is not None:
        assert parts.relations.shape == (len(ASKED), len(SUPPORT))
        np.testing.assert_allclose(whole.relations, parts.relations, atol=1e-6)


def test_what_a_model_says_of_itself():
    model = open_model("protonet-toy")
    assert model.elements == {0, 5, 6, 7, 8, 15, 16}
    assert (model.num_parameters, model.num_adapted(10)) == (1_234, 2 * DIM)
    assert model.metric(8).split == "test 10-shot"
    assert model.metric(2).value == 0.6
    assert model.calibration(5).shots == 10
    ridge, nearest = open_model("ridge-toy"), open_model("nearest-toy")
    assert ridge.metric(10) is None
    assert nearest.metric(10).name == "auc, nearest neighbours"
    assert (nearest.num_parameters, nearest.num_adapted(7), nearest.task_bytes(7)) == (0, 7, 1_792)
    assert open_model("pacia-toy").num_adapted(10) == 2 * 2 * DIM
    assert open_model("par-toy").task_bytes(10) == 4 * 32


def test_models_are_listed_with_what_is_wrong_with_them(artifacts):
    found = {entry.id: entry for entry in available_models()}
    assert set(found) == set(ALL)
    assert found["ridge-toy"].artifact_name == "protonet-toy"
    assert found["par-toy"].title == "PAR · Toys"
    adapt = artifacts / "par-toy" / "adapt.onnx"
    content = adapt.read_bytes()
    try:
        adapt.write_bytes(b"broken")
        (entry,) = (one for one in available_models() if one.id == "par-toy")
        assert "does not match its card" in entry.problem
    finally:
        adapt.write_bytes(content)


@pytest.mark.parametrize("model_id", ["svm-toy", "par", ""])
def test_unknown_models_are_refused(model_id):
    with pytest.raises(InputError) as caught:
        open_model(model_id)
    assert caught.value.code == "MO-E15"
