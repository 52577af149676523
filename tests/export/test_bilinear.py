"""Exported once for this file: parity, and the served scores and terms."""

import numpy as np
import pytest
import torch

from core.export.bilinear import export_bilinear, parity_bilinear
from core.function.bilinear import BilinearModels
from core.knowledge.blocks import BlockStructure
from core.serving.bilinear import BilinearModel
from core.serving.session import Session

N, R, D = 50, 3, 16
STRUCTURE = BlockStructure(((0, 2, 0, 1), (-3, 0, 2, 0), (0, 3, 0, 0), (4, 0, 0, -4)))


def network(seed):
    torch.manual_seed(seed)
    found = BilinearModels(torch.from_numpy(STRUCTURE.tensor())[None], N, R, D)
    for weight in found.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    return found


@pytest.fixture(scope="module")
def session():
    return Session(export_bilinear(network(0)), "cpu")


@pytest.fixture(scope="module")
def model(session):
    entities = [f"e{i}" for i in range(N)]
    return BilinearModel(session, {"structure": STRUCTURE.to_json(), "entities": entities})


def test_parity_is_measured_and_small(session):
    assert parity_bilinear(network(0), session) <= 1e-5
    assert parity_bilinear(network(1), session) > 1e-2


def test_served_scores_equal_torch_in_both_directions(model):
    heads, relations = np.array([3, 3, 49]), np.array([0, 4, 5])
    with torch.inference_mode():
        [expected] = network(0).scores(torch.from_numpy(heads), torch.from_numpy(relations))
    np.testing.assert_allclose(model.scores(heads, relations), expected.numpy(), atol=1e-5)
    assert model.num_entities == N


@pytest.mark.parametrize("relation", [1, 1 + R])
def test_terms_stand_in_the_order_of_the_formula(model, relation):
    [terms, other] = model.terms(*np.array([[7, 7], [relation, 0], [9, 3]]))
    [row] = model.scores(np.array([7]), np.array([relation]))
    assert terms.shape == (STRUCTURE.num_blocks,)
    assert terms.sum() == pytest.approx(row[9], abs=1e-5)
    head, tail = (9, 7) if relation >= R else (7, 9)
    entities, [relations] = network(0).entities[0].detach(), network(0).relations.detach()
    h, r, t = entities[head].view(4, -1), relations[1].view(4, -1), entities[tail].view(4, -1)
    cells = [(i, a, j) for i, row in enumerate(STRUCTURE.cells) for j, a in enumerate(row) if a]
    expected = [np.sign(a) * (h[i] * r[abs(a) - 1] * t[j]).sum().item() for i, a, j in cells]
    np.testing.assert_allclose(terms, expected, atol=1e-5)
    assert other.sum() == pytest.approx(model.scores(np.array([7]), np.array([0]))[0, 3], abs=1e-5)


def test_a_question_alone_is_the_question_among_others(model):
    heads, relations = np.array([1, 2, 3]), np.array([5, 0, 2])
    together = model.scores(heads, relations)
    for row in range(3):
        alone = model.scores(heads[row : row + 1], relations[row : row + 1])
        np.testing.assert_allclose(alone[0], together[row], atol=1e-6)


def test_no_questions_have_no_scores_and_no_terms(model):
    none = np.zeros(0, dtype=np.int64)
    assert model.scores(none, none).shape == (0, N)
    assert model.terms(none, none, none).shape == (0, STRUCTURE.num_blocks)
