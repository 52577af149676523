import pytest

from core.data.physics.simulators import SIMULATORS, simulate, truth
from core.knowledge.physics.canonical import canonical
from core.knowledge.physics.notation import descriptions, law_latex, step_latex, symbol
from tests.knowledge.physics.samples import law


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("T", "T"),
        ("theta", r"\theta"),
        ("k_max", r"k_{\mathrm{max}}"),
        ("x_1", "x_{1}"),
        ("mass", r"\mathrm{mass}"),
        ("dtheta_dt", r"\frac{\mathrm{d} \theta}{\mathrm{d} t}"),
        (r"\input{/etc/passwd}", r"\mathrm{inputetcpasswd}"),
        ("$", "?"),
    ],
)
def test_symbols_are_latex_and_safe(name, expected):
    assert symbol(name) == expected


def test_springs():
    system = simulate("springs", num_graphs=3)
    assert law_latex(truth("springs"), system) == (
        r"\mathbf{a}_{i} = \frac{\sum_{j \in N(i)} k_{ij} \, \left(r_{ij} - 1\right) \, "
        r"\hat{\mathbf{n}}_{ij}}{m_{i}}"
    )
    assert [name for name, _ in step_latex(truth("springs"), system)] == ["message", "F", "answer"]
    assert step_latex(truth("springs"), system)[1][1] == (
        r"\mathbf{F}_{i} = \sum_{j \in N(i)} \mathbf{message}_{ij}"
    )
    described = descriptions(system, "edge")["m_j"]
    assert (described.symbol, described.words, described.unit) == ("m_{j}", "m of the sender", "kg")


def test_differences_are_written_out_and_sums_bracketed():
    system = simulate("heat", num_graphs=3)
    assert law_latex(law("e edge dT*k", "s node sum(e)", "y node s*T + s^2"), system).endswith(
        r"= T_{i} \, \sum_{j \in N(i)} k_{ij} \, \left(T_{j} - T_{i}\right) + "
        r"\left(\sum_{j \in N(i)} k_{ij} \, \left(T_{j} - T_{i}\right)\right)^{2}"
    )
    assert law_latex(law("e edge dT - k", "y node max(e)"), system).endswith(
        r"= \max_{j \in N(i)} \left(T_{j} - T_{i} - k_{ij}\right)"
    )


def test_steps_seen_from_edges_are_defined_once():
    system = simulate("heat", num_graphs=3)
    twice = law("e edge k*dT", "s node sum(e)", "g edge s_j - s_i", "y node sum(g)")
    assert law_latex(twice, system) == (
        r"\frac{\mathrm{d} T_{i}}{\mathrm{d} t} = \sum_{j \in N(i)} \left(s_{j} - s_{i}\right), "
        r"\quad s_{i} = \sum_{j \in N(i)} k_{ij} \, \left(T_{j} - T_{i}\right)"
    )


@pytest.mark.parametrize("name", sorted(SIMULATORS))
def test_every_law_can_be_written(name):
    system = simulate(name, num_graphs=3)
    for one in (truth(name), canonical(truth(name), system)):
        text = law_latex(one, system)
        assert text.count("{") == text.count("}")
        assert text.count(r"\left") == text.count(r"\right")
        assert "@" not in text
