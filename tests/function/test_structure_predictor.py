import numpy as np
import pytest
import torch

from core.function import structure_predictor
from core.function.structure_predictor import rank_structures
from core.knowledge.blocks import FOUR_BLOCK, NAMED, propose_evolution, propose_progressive

START = [*FOUR_BLOCK, NAMED["ComplEx"], NAMED["Analogy"]]


@pytest.fixture(scope="module")
def proposals():
    rng = np.random.default_rng(2)
    return propose_progressive(START, START, rng, 60) + propose_evolution(START, START, rng, 60)


def test_all_networks_are_ordinary_two_layer_networks():
    torch.manual_seed(0)
    networks = structure_predictor._Networks(20)
    features = torch.rand(6, 20)
    predicted = networks(features)
    assert predicted.shape == (5, 6)
    for i in range(5):
        plain = torch.nn.Sequential(torch.nn.Linear(20, 2), torch.nn.ReLU(), torch.nn.Linear(2, 1))
        plain[0].weight.data, plain[0].bias.data = networks.first[i].T, networks.first_bias[i, 0]
        plain[2].weight.data, plain[2].bias.data = networks.second[i].T, networks.second_bias[i, 0]
        assert torch.allclose(plain(features).squeeze(1), predicted[i])
    own = features.expand(5, 6, 20)
    assert torch.allclose(networks(own), predicted)
    assert networks.first.abs().max() <= 20**-0.5
    assert networks.first.std() > 0.5 * 20**-0.5


def test_predictions_come_close_to_the_labels():
    torch.manual_seed(0)
    features = structure_predictor._features(START[:1])
    networks = structure_predictor._fit(features, torch.tensor([0.8]))
    assert networks(features).mean().item() == pytest.approx(0.8, abs=0.05)


def test_what_helped_before_is_put_first(proposals):
    def helps(found):
        return found.can_be_skew

    tried, unseen = START + proposals[::2], proposals[1::2]
    num = sum(map(helps, unseen))
    assert 3 <= num <= len(unseen) // 2
    rng = np.random.default_rng(0)
    scores = [0.5 + 0.3 * helps(found) + rng.normal(0, 0.02) for found in tried]
    share = [
        np.mean([helps(found) for found in rank_structures(tried, scores, unseen, rng)[:num]])
        for _ in range(5)
    ]
    assert np.mean(share) > 2 * num / len(unseen)


def test_all_proposals_come_back_and_the_generator_decides(proposals):
    before = torch.get_rng_state()
    scores = [0.6, 0.7, 0.5, 0.6, 0.7, 0.9, 0.8]
    first, again, other = (
        rank_structures(START, scores, proposals, np.random.default_rng(seed)) for seed in (0, 0, 1)
    )
    assert first == again != other
    assert sorted(found.cells for found in first) == sorted(found.cells for found in proposals)
    assert torch.equal(torch.get_rng_state(), before)
