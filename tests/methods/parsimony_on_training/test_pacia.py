"""PACIA: opposite assays that only the support tells apart, and what the settings reach."""

import numpy as np
import pytest

from core.configs import PaciaConfig
from core.methods.parsimony_on_training import pacia
from core.training.few_shot import NetworkScorer
from tests.methods.parsimony_on_training.test_par import chains

CONFIG = PaciaConfig(
    hidden_dim=16, num_layers=2, dropout=0.0, potency_epochs=0, assay_epochs=2, batch_size=16,
    num_epochs=5, steps_per_epoch=8, tasks_per_step=2, shots=(3,), num_queries=6,
    learning_rate=3e-3, num_relation_layers=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return pacia.fit(chains(), CONFIG, seed=0)


def test_opposite_assays_are_told_apart_by_their_support(fitted):
    assert fitted.history.epochs[-1]["loss"] < 0.35  # log 2 = 0.69 without the support
    assert fitted.knowledge["encoder"] == {"hidden_dim": 16, "num_layers": 2}
    assert len(fitted.network.relations) == 2
    scorer = NetworkScorer(fitted.network, chains().store)
    support, query = np.array([0, 4, 8, 10, 14, 18]), np.array([2, 5, 12, 15])
    labels = np.array([1, 1, 1, 0, 0, 0])
    scores = scorer.scores(support, labels, query)
    assert scores[:2].min() > scores[2:].max()
    scores = scorer.scores(support, 1 - labels, query)
    assert scores[:2].max() < scores[2:].min()
