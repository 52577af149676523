import numpy as np
import pytest

from core.data.regulation.published import load_sim350, load_sim350_prior
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
