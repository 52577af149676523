"""PAR: a property it must learn from few molecules, and what the settings reach."""

import numpy as np
import pytest
import torch

from core.chemistry.graphs import many_graphs
from core.configs import ParConfig
from core.knowledge.molecules import MoleculeStore
from core.methods.parsimony_on_training import par
from core.training.episodes import FewShotTask
from core.training.few_shot import NetworkScorer

CONFIG = ParConfig(
    hidden_dim=16, num_layers=2, dropout=0.0, potency_epochs=0, assay_epochs=2, batch_size=16,
    num_epochs=5, steps_per_epoch=8, tasks_per_step=2, shots=(3,), num_queries=6,
    learning_rate=3e-3,
)  # fmt: skip


def chains():
    """Carbon chains ending in O or N; one assay asks for O, its opposite for N."""
    smiles = ["C" * size + end for end in "ON" for size in range(1, 11)]
    ends = np.repeat([0, 1], 10)
    labels = np.stack([ends == 0, ends == 1], 1).astype(np.int8)

    def no_potencies():
        raise AssertionError("not asked for")

    return FewShotTask(
        "chains", "chains", MoleculeStore.of(many_graphs(smiles)), labels, np.array([0, 1]),
        np.ones(len(smiles), dtype=bool), no_potencies,
    )  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return par.fit(chains(), CONFIG, seed=0)


def test_opposite_assays_are_told_apart_by_their_support(fitted):
    losses = [epoch["loss"] for epoch in fitted.history.epochs]
    assert losses[-1] < 0.35  # log 2 = 0.69 and more, the relations' part, without the support
    assert fitted.knowledge["encoder"] == {"hidden_dim": 16, "num_layers": 2}


def test_encoder_and_relations_are_trained_through_the_step(fitted):
    still = par.fit(
        chains(),
        ParConfig(**{**vars(CONFIG), "num_epochs": 1, "steps_per_epoch": 1, "learning_rate": 0.0}),
        seed=0,
    )
    before = still.network.state_dict()
    for name, value in fitted.network.state_dict().items():
        if value.is_floating_point() and name.startswith(("encoder.mlp", "head.")):
            assert not torch.equal(value, before[name]), name


def test_the_inner_rate_is_that_of_the_setting(fitted):
    assert fitted.network.head.inner_rate == 0.1
    support, query = np.array([0, 1, 12, 13]), np.array([3, 8, 16])
    labels = np.array([1, 1, 0, 0])
    scores = NetworkScorer(fitted.network, chains().store).scores(support, labels, query)
    fitted.network.head.inner_rate = 0.0
    unadapted = NetworkScorer(fitted.network, chains().store).scores(support, labels, query)
    fitted.network.head.inner_rate = 0.1
    assert np.abs(scores - unadapted).max() > 1e-3
