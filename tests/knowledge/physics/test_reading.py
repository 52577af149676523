import pytest

from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.knowledge.physics.canonical import canonical
from core.knowledge.physics.reading import reading, with_interval
from tests.knowledge.physics.samples import law


@pytest.mark.parametrize(
    ("value", "half_width", "expected"),
    [
        (1.0042, 0.0123, "1.00 ± 0.01"),
        (0.8, 0.0096, "0.80 ± 0.01"),
        (1234.5, 20, "1234 ± 20"),
        (1.23456, 0.0, "1.235"),
        (1.23456, float("inf"), "1.235"),
        (-2.0, 0.3, "-2.0 ± 0.3"),
    ],
)
def test_intervals_are_written_with_one_uncertain_digit(value, half_width, expected):
    assert with_interval(value, half_width) == expected


def read(name, share=0.01):
    system = simulate(name, num_graphs=20)
    one = canonical(truth(name), system)
    intervals = [
        (value - share * abs(value), value + share * abs(value)) for value in one.constants
    ]
    return reading(one, system, intervals)


def test_springs():
    assert read("springs") == (
        "Each node adds up a message from each of its neighbours; the result is s.",
        "The message is proportional to k of the edge.",
        "The message grows linearly with the distance, zero at r = 1.00 ± 0.01 m.",
        "Above that it pulls towards the sender, below it pushes away from it.",
        "a is inversely proportional to m and is proportional to the sum s.",
    )


def test_gravity_pulls_and_the_social_force_pushes():
    lines = read("gravity")
    assert "The message is inversely proportional to the square of the distance." in lines
    assert "It pulls towards the sender." in lines
    assert lines[-1].endswith("the factor in front is 1.70 ± 0.02 m^3 kg^-1 s^-2.")
    lines = read("social-force")
    assert "It pushes away from the sender." in lines
    assert lines[1] == (
        "The message falls off exponentially with the distance, by a factor e over 0.500 ± 0.005 m."
    )


def test_intervals_are_carried_over_to_the_canonical_form():
    system = simulate("springs", num_graphs=5)
    raw = law("e edge* 2*k*(0.5*r - 0.6)", "s node sum(e)", "a node s/m")
    intervals = [(2, 2), (0.5, 0.5), (0.57, 0.63)]  # 0.6 / 0.5 = 1.20, its width 0.06
    assert "The message grows linearly with the distance, zero at r = 1.20 ± 0.06 m." in reading(
        raw, system, intervals
    )


def test_charges_do_both():
    line = "Where q has the same sign at both ends it pushes, else it pulls."
    assert line in read("charges")
    system = simulate("charges", num_graphs=5)
    lines = reading(law("e edge* sin(dq)", "a node sum(e)"), system)
    assert "It pulls towards the sender on some edges and pushes away on others." in lines


def test_kuramoto_and_hill():
    assert read("kuramoto")[1:] == (
        "The message follows the sine of theta of the sender minus theta of the receiver.",
        "dtheta_dt adds up 2 terms: omega; 0.800 ± 0.008 s^-1 times the sum s.",
    )
    assert read("hill")[1] == (
        "The message grows with c of the sender like a switch (power 2) and saturates, half at "
        "c_j = 1.000 ± 0.005."
    )


def test_means_constants_and_other_factors():
    system = simulate("heat", num_graphs=5)
    assert reading(law("y node 3"), system) == ("dT_dt has the same value everywhere, 3 K s^-1.",)
    lines = reading(law("e edge sqrt(k)*tanh(2*dT)/T_j^3", "y node mean(e)"), system)
    assert lines[0] == (
        "Each node takes the mean of the messages of its neighbours; the result is dT_dt."
    )
    assert set(lines[1:]) == {
        "The message grows with the square root of k of the edge.",
        "The message follows the hyperbolic tangent of 2 times T of the sender minus T of the "
        "receiver.",
        "The message is inversely proportional to the cube of T of the sender.",
    }


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_every_law_can_be_read(name):
    lines = read(name)
    assert lines
    assert all(line.endswith(".") and "#" not in line for line in lines)
