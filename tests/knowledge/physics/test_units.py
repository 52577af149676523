from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.errors import InputError
from core.knowledge.physics.canonical import canonical
from core.knowledge.physics.system import Quantity
from core.knowledge.physics.units import (
    BASE,
    PREFIXES,
    SYMBOLS,
    Unit,
    check_units,
    parse_unit,
    require_reachable,
)
from tests.knowledge.physics.samples import law


def base(**exponents):
    return tuple(Fraction(exponents.get(name, 0)) for name in BASE)


@pytest.mark.parametrize(
    ("text", "exponents", "factor"),
    [
        ("kg m s^-2", {"kg": 1, "m": 1, "s": -2}, 1),
        ("kg*m/s^2", {"kg": 1, "m": 1, "s": -2}, 1),
        ("kg·m·s⁻²", {"kg": 1, "m": 1, "s": -2}, 1),
        ("m s-1", {"m": 1, "s": -1}, 1),
        ("m/s/s", {"m": 1, "s": -2}, 1),
        ("J/(kg K)", {"m": 2, "s": -2, "K": -1}, 1),
        ("J/kg K", {"m": 2, "s": -2, "K": 1}, 1),
        ("1/(m/s)", {"m": -1, "s": 1}, 1),
        ("cm²", {"m": 2}, 1e-4),
        ("mm", {"m": 1}, 1e-3),
        ("min", {"s": 1}, 60),
        ("mmol/L", {"mol": 1, "m": -3}, 1),
        ("µV", {"kg": 1, "m": 2, "s": -3, "A": -1}, 1e-6),
        ("Ω", {"kg": 1, "m": 2, "s": -3, "A": -2}, 1),
        ("m^0.5", {"m": Fraction(1, 2)}, 1),
        ("m^(1/2)", {"m": Fraction(1, 2)}, 1),
        ("km/h", {"m": 1, "s": -1}, 1 / 3.6),
        ("1", {}, 1),
        ("rad", {}, 1),
    ],
)
def test_si_symbols(text, exponents, factor):
    unit = parse_unit(text)
    assert unit.exponents == base(**exponents)
    assert unit.factor == pytest.approx(factor)


@pytest.mark.parametrize(
    "text",
    ["kg*m/ss", "", "furlong", "m^", "m^x", "(m", "m)", "m/", "2 m", "m^999", "m" * 61, "1e3 m",
     "__import__('os')", "m;s", "10"],
)  # fmt: skip
def test_other_units_are_refused(text):
    with pytest.raises(InputError, match="PH-E01 · Unit not understood") as caught:
        parse_unit(text)
    assert caught.value.hint == "Use SI symbols such as kg m s^-2."


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["", *PREFIXES]), st.sampled_from(sorted(SYMBOLS)), st.integers(-3, 3)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_units_survive_being_written(parts):
    expected = Unit()
    for _, symbol, power in parts:
        expected *= parse_unit(symbol) ** power
    text = " ".join(f"{symbol}^{power}" for _, symbol, power in parts)
    assert parse_unit(text).exponents == expected.exponents
    assert parse_unit(str(expected)).exponents == expected.exponents


@pytest.mark.parametrize(
    ("name", "constant_units"),
    [
        ("springs", ["m"]),
        ("gravity", [str(parse_unit("m^3 kg^-1 s^-2"))]),
        ("charges", [str(parse_unit("N m^2 C^-2"))]),
        ("circuit", ["1"]),
        ("current", []),
        ("kuramoto", ["s^-1"]),
    ],
)
def test_true_laws_match_and_say_the_units_of_their_constants(name, constant_units):
    system = simulate(name, num_graphs=3)
    report = check_units(truth(name), system)
    assert [str(one) for one in report.constant_units] == constant_units
    needs = any(one != "1" for one in constant_units)
    assert report.verdict == ("needs constants with units" if needs else "consistent")


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_no_true_law_is_called_inconsistent(name):
    system = simulate(name, num_graphs=3)
    for one in (truth(name), canonical(truth(name), system)):
        assert check_units(one, system).verdict != "inconsistent"


def test_wrong_laws_do_not_match():
    system = simulate("springs", num_graphs=3)
    for lines in (
        ("e edge* k*(r - 1)", "a node sum(e)"),
        ("e edge* k*(r - m_i)", "s node sum(e)", "a node s/m"),
        ("e edge* k*exp(r)", "s node sum(e)", "a node s/m"),
        ("e edge* k*r^2", "s node sum(e)", "a node s/m"),
    ):
        report = check_units(law(*lines), system)
        assert report.verdict == "inconsistent"
        assert report.constant_units is None
    assert check_units(law("e edge* k*(r - m_i)", "a node sum(e)"), system).lines == (
        "r - m_i: m is not kg.",
    )
    scaled = check_units(law("e edge* 3*k*r/0.5", "a node sum(e)"), system)
    assert scaled.verdict == "needs constants with units"
    assert check_units(truth("springs"), system, allow_constants=False).verdict == "inconsistent"


def test_functions_need_pure_numbers():
    system = simulate("springs", num_graphs=3)
    report = check_units(law("e edge* k*exp(-r/0.3)*0.2", "s node sum(e)", "a node s/m"), system)
    assert [str(one) for one in report.constant_units] == ["m", "m"]
    assert "The constant 0.3 is in m." in report.lines


def test_missing_units_are_not_called_wrong():
    system = simulate("springs", num_graphs=3)
    edges = {"k": Quantity("k", system.edges["k"].values)}
    unknown = replace(system, edges=edges)
    one = law("e edge* k*r", "s node sum(e)", "a node s/m")
    assert check_units(one, unknown).verdict == "not known"
    wrong = law("e edge* k*(r - m_i)", "a node sum(e)")
    assert check_units(wrong, unknown).verdict == "inconsistent"


def test_unreachable_targets_are_refused():
    system = simulate("heat", num_graphs=3)
    bare = replace(system, edges={}, target=Quantity("F", system.target.values, "kg m s^-2"))
    with pytest.raises(InputError, match="PH-E02 · Units cannot match") as caught:
        require_reachable(bare, allow_constants=False)
    assert caught.value.problem == "No combination of {K} gives N."
    assert caught.value.hint == "Add a mass-like column or allow a constant with units."
    require_reachable(bare)
    require_reachable(system, allow_constants=False)
    odd = replace(system, target=Quantity("F", system.target.values, "kgg"))
    with pytest.raises(InputError, match="PH-E01"):
        require_reachable(odd)
