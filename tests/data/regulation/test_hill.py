import numpy as np
import pytest

from core.data.regulation.hill import MAX_STEP, HillSystem, read_equation
from core.errors import InputError
from core.knowledge.dynamics import follow

GENES = ("A", "B", "C", "D")
BOTH = "(((1 * fAct(A, 0.4, 1.5) * (1 - 1 * fAct(B, 0.5, 1.2)))) * 1 - 1 * C) / 1"
EITHER = (
    "((((1 - 1 * fAct(B, 0.45, 1.8)) + 1 * fAct(C, 0.5, 1.4) - (1 - 1 * fAct(B, 0.45, 1.8)) * "
    "1 * fAct(C, 0.5, 1.4))) * 1 - 1 * D) / 1"
)


@pytest.fixture(scope="module")
def system():
    return HillSystem(GENES, (read_equation("C", BOTH, GENES), read_equation("D", EITHER, GENES)))


def hill(x, half, exponent):
    """As the source writes it."""
    top = (half**exponent - 1) / (2 * half**exponent - 1)
    return top * x**exponent / (top - 1 + x**exponent)


def test_activation_is_half_at_its_half_and_one_at_one():
    genes = ("A", "B")
    one = HillSystem(genes, (read_equation("B", "(1 * fAct(A, 0.4, 1.5) - B) / 1", genes),))
    rate = one.rate(np.array([[0.4, 0.0], [1.0, 0.0], [0.0, 0.25]]))
    np.testing.assert_allclose(rate, [[0, 0.5], [0, 1.0], [0, -0.25]], atol=1e-12)


def test_rate_equals_the_equations_written_out(system):
    a, b, c, d = values = np.random.default_rng(0).random((4, 50))
    repressed = 1 - hill(b, 0.45, 1.8)
    active = hill(c, 0.5, 1.4)
    expected = [
        0 * a,
        0 * b,
        hill(a, 0.4, 1.5) * (1 - hill(b, 0.5, 1.2)) - c,
        repressed + active - repressed * active - d,
    ]
    np.testing.assert_allclose(system.rate(values.T), np.transpose(expected), atol=1e-12)


def test_equations_of_the_same_form_are_computed_together():
    genes = ("A", "B", "C")
    text = {"B": "fAct(A, 0.4, 1.5) - B", "C": "fAct(B, 0.5, 1.1) - C"}
    together = HillSystem(genes, tuple(read_equation(*one, genes) for one in text.items()))
    x = np.array([[0.3, 0.6, 0.1]])
    np.testing.assert_allclose(
        together.rate(x), [[0, hill(0.3, 0.4, 1.5) - 0.6, hill(0.6, 0.5, 1.1) - 0.1]]
    )


def test_constant_inputs_and_the_closed_form_of_a_decay(system):
    start = np.array([[0.0, 0.7, 0.9, 0.2]])  # A is silent: C only decays
    path = follow(system.rate, start, np.array([0.0, 0.5, 4.0]), MAX_STEP)
    assert path.shape == (3, 1, 4)
    np.testing.assert_allclose(path[:, 0, :2], [[0, 0.7]] * 3)
    np.testing.assert_allclose(path[:, 0, 2], 0.9 * np.exp([0, -0.5, -4.0]), atol=1e-5)


def test_starts_follow_the_rule_of_the_source(system):
    start = system.draw_start(4000, np.random.default_rng(0))
    assert start.min() >= 0
    assert start.max() <= 1
    mean = start[:, :2].mean(0)
    assert (start[:, :2].std(0) <= np.minimum(mean, 1 - mean) / 3).all()  # inputs vary little
    assert (start[:, 2:].std(0) > 0.15).all()  # Beta(2, 2): 0.22 without the cut at 0 and 1
    assert (abs(start[:, 2:].mean(0) - 0.5) < 0.27).all()


def test_noise_has_the_stated_spread_and_leaves_the_starts_alone(system):
    quiet, noisy = (
        system.simulate(300, np.random.default_rng(1), noise=noise) for noise in (0.0, 0.05)
    )
    apart = np.stack(
        [b.values - a.values for a, b in zip(quiet.samples, noisy.samples, strict=True)]
    )
    assert apart.std() == pytest.approx(0.05, rel=0.03)
    assert apart.shape == (300, 5, 4)


@pytest.mark.parametrize("text", ["__import__('os')", "fAct(A, 0.4, 1.5) - X", "2 ** (9 - B)", ""])
def test_what_is_no_equation_is_refused(text):
    with pytest.raises(InputError, match="PH-E09"):
        read_equation("B", text, ("A", "B"))
    with pytest.raises(ValueError, match="not in"):
        read_equation("B", "fAct(Z, 0.4, 1.5) - B", ("A", "B"))


def test_halving_the_step_changes_nothing_that_matters(system):
    start = system.draw_start(20, np.random.default_rng(0))
    whole, half = (
        follow(system.rate, start, np.array([0.0, 2.0, 9.0]), step)
        for step in (MAX_STEP, MAX_STEP / 2)
    )
    assert abs(whole - half).max() < 1e-4


def test_quiet_samples_are_of_the_same_kind(system):
    both = system.simulate(400, np.random.default_rng(1), noise=0.3, num_quiet=400)
    values = np.stack([sample.values for sample in both.samples])  # (800, T, n)
    inputs = values[:, :, :2]
    np.testing.assert_allclose(inputs[400:].std(1), 0, atol=1e-6)
    assert inputs[:400].std(1).min() > 0.01
    np.testing.assert_allclose(values[:400].mean(0), values[400:].mean(0), atol=0.06)
