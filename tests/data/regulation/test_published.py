import numpy as np
import pytest

from core.data.regulation.published import (
    load_breast_cancer,
    load_haematopoiesis,
    load_sim350,
    load_sim350_prior,
    load_yeast,
)
from core.settings import settings

pytestmark = pytest.mark.skipif(
    settings().mirror is None, reason="the mirror folder with the data sets' files is not here"
)


@pytest.fixture(scope="module")
def sim350():
    return load_sim350(num_train=12, noise=0.05, wrong=0.1)


def test_sin3_stands_at_another_place_in_the_published_matrices(sim350):
    np.testing.assert_array_equal(load_sim350_prior("0.0").matrix, sim350.truth.matrix)
    wrong = {}
    for level in ("0.025", "0.05", "0.1"):
        prior = load_sim350_prior(level)
        assert prior.genes == sim350.truth.genes
        wrong[level] = np.count_nonzero(sim350.truth.matrix[prior.matrix == 0])
    assert wrong == {"0.025": 27, "0.05": 55, "0.1": 110}
    assert sim350.truth.genes.index("SIN3") == 47


def test_sim350_as_published(sim350):
    truth = sim350.truth
    assert truth.num_edges == 550
    assert len(truth.genes) == 350
    assert (~truth.matrix.any(axis=0)).sum() == 73
    first = truth.genes.index("A1_ALPHA2")
    assert truth.matrix[first, truth.genes.index("FUS1")] == -1
    assert truth.matrix[truth.genes.index("GAL11"), first] == 1
    test = np.stack([sample.values for sample in sim350.test.samples])
    assert test.shape == (10, 5, 350)
    moves = (test[:, 0] != test[:, 4]).any(0)
    assert {truth.genes[k] for k in np.flatnonzero(truth.matrix.any(axis=0) & ~moves)} == {"SIN3"}
    assert not moves[~truth.matrix.any(axis=0)].any()


def test_sim350_prior_and_noise(sim350):
    assert np.count_nonzero(sim350.truth.matrix[sim350.prior.matrix == 0]) == 55
    train = np.stack([sample.values for sample in sim350.train.samples])
    inputs = ~sim350.truth.matrix.any(axis=0)
    apart = train[:, :, inputs] - train[:, :, inputs].mean(1, keepdims=True)
    assert apart.std() == pytest.approx(0.05 * np.sqrt(4 / 5), rel=0.05)
    assert sim350.train.samples[0].times.tolist() == [0, 2, 3, 7, 9]


def test_yeast():
    data = load_yeast()
    assert len(data.train.genes) == 500
    assert [len(part.samples) for part in (data.train, data.valid)] == [1, 1]
    train, valid = data.train.samples[0], data.valid.samples[0]
    assert train.times[[0, 1, 20, 21]].tolist() == [0, 5, 100, 110]
    assert train.values.min(0) == pytest.approx(np.zeros(500))
    assert train.values.max(0) == pytest.approx(np.ones(500))
    assert np.corrcoef(train.values.ravel(), valid.values.ravel())[0, 1] > 0.5
    gene = data.train.genes.index("CLN3")
    low, high = data.scaling.low[gene], data.scaling.high[gene]
    assert low + train.values[0, gene] * (high - low) == pytest.approx(0.095959, abs=1e-6)
    regulators = {data.prior.genes[k] for k in np.flatnonzero(data.prior.matrix.any(1))}
    assert regulators == {"ACE2", "FKH1", "TEC1", "FKH2", "TYE7", "YOX1"}
    assert data.prior.num_edges == 1146
    assert not data.prior.signed


def test_breast_cancer():
    data = load_breast_cancer()
    assert data.train.samples[0].values.shape == (178, 500)
    assert data.test.samples[0].times.tolist()[:2] == [0.5, 0.5051]
    assert not set(data.test.samples[0].times) & set(data.train.samples[0].times)
    assert data.prior.num_edges == 7732
    assert data.reference.num_edges == 1586
    assert data.reference.matrix.any(1).sum() == 7
    np.testing.assert_array_equal(data.partners.matrix, data.partners.matrix.T)
    assert data.partners.num_edges == 45 + 2 * 268


def test_haematopoiesis():
    data = load_haematopoiesis("B")
    assert [len(one.times) for one in data.train.samples] == [482, 168]
    assert [len(one.times) for one in data.test.samples] == [391, 1005, 48]
    assert not any(np.isnan(one.values).any() for one in data.test.samples)
    assert data.prior.num_edges == 31030
    mono = load_haematopoiesis("mono")
    assert [len(one.times) for one in mono.train.samples] == [998, 824]
    assert mono.test is None
