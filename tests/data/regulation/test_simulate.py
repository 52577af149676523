import numpy as np
import pytest

from core.data.regulation.simulate import plant, simulate
from core.errors import InputError


def values(expression):
    return np.stack([sample.values for sample in expression.samples])


def test_planted_edges_are_those_of_the_equations():
    system, truth = plant(40, np.random.default_rng(3))
    x = np.random.default_rng(0).uniform(0.2, 0.8, (30, 40))
    for regulator in range(40):
        more = x.copy()
        more[:, regulator] += 0.01
        change = system.rate(more) - system.rate(x)
        change[:, regulator] = 0  # a gene's own decay is no edge
        for target in range(40):
            sign = truth.matrix[regulator, target]
            assert (np.sign(change[:, target]) == sign).all()


def test_network_has_inputs_regulators_and_targets():
    data = simulate(50, num_samples=5, seed=1)
    truth = data.truth.matrix
    assert data.truth.genes[:2] == ("TF01", "TF02")
    assert data.truth.genes[-1] == "G35"
    assert not truth[15:].any()  # G.. regulate nothing
    assert not truth[:, :6].any()  # inputs
    assert (np.count_nonzero(truth, axis=0)[6:] >= 1).all()
    assert not truth.diagonal().any()
    assert {-1, 0, 1} == set(truth.reshape(-1).tolist())


def test_smallest_networks_have_enough_regulators():
    for seed in range(5):
        _, truth = plant(10, np.random.default_rng(seed))
        assert (np.count_nonzero(truth.matrix, axis=0)[1:] >= 1).all()
        assert not truth.matrix.diagonal().any()


def test_parts_of_the_data():
    data = simulate(num_samples=20, times=(0, 1, 2.5), noise=0.05, wrong=0.25)
    assert [len(part.samples) for part in (data.train, data.valid, data.test)] == [16, 4, 10]
    assert all(sample.times.tolist() == [0, 1, 2.5] for sample in data.train.samples)
    moved = np.count_nonzero((data.truth.matrix != 0) & (data.prior.matrix == 0))
    assert moved == round(0.25 * data.truth.num_edges)
    assert data.prior.num_edges == data.truth.num_edges
    assert values(data.test).min() >= 0  # without noise
    assert values(data.test).max() <= 1


def test_seed_decides_everything_and_noise_nothing_else():
    first, again, other = (simulate(num_samples=5, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(values(first.train), values(again.train))
    np.testing.assert_array_equal(first.prior.matrix, again.prior.matrix)
    assert (first.truth.matrix != other.truth.matrix).any()
    quiet = simulate(num_samples=5, seed=5, noise=0.0)
    np.testing.assert_array_equal(quiet.truth.matrix, first.truth.matrix)
    np.testing.assert_array_equal(values(quiet.test), values(first.test))
    assert abs(values(quiet.train) - values(first.train)).max() < 0.4


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_genes": 9}, "9 genes cannot be simulated."),
        ({"num_genes": 501}, "501 genes cannot be simulated."),
        ({"num_samples": 4}, "4 samples of 40 genes cannot be simulated."),
        ({"num_samples": 10**7}, "10,000,000 samples of 40 genes cannot be simulated."),
        ({"times": (0, 2, 2)}, "The times 0, 2, 2 do not increase."),
        ({"times": (0, float("nan"))}, "The times 0, nan do not increase."),
        ({"times": (0, 1e9)}, "A time of 1e+09 is too long to simulate."),
        ({"noise": -0.1}, "Noise of -0.1 cannot be drawn."),
        ({"wrong": 1.5}, "A share of 1.5 of the prior cannot be wrong."),
    ],
)
def test_what_cannot_be_simulated_is_refused(options, problem):
    with pytest.raises(InputError) as caught:
        simulate(**options)
    assert caught.value.code == "GR-E10"
    assert problem in str(caught.value)
