from dataclasses import replace

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.knowledge.physics.canonical import same_structure
from core.knowledge.physics.known_laws import KNOWN, match
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import Quantity
from tests.knowledge.physics.samples import law, system_of

NAMES = {
    "springs": "Hooke's law",
    "gravity": "Newton's law of gravitation",
    "charges": "Coulomb's law",
    "heat": "Fourier's law of heat conduction",
    "circuit": "Joule's law",
    "current": "Ohm's law",
    "balance": "Ohm's law",
    "kuramoto": "Kuramoto model",
    "thermology": "Entropy production of heat conduction",
    "thermology-complex": "Entropy production of heat conduction",
    "sis": "SIS epidemic",
    "hill": "Hill kinetics",
    "social-force": "Social force model",
}


@pytest.mark.parametrize("name", sorted(NAMES))
def test_laws_of_textbooks_are_recognised_whatever_their_constants(name):
    system = simulate(name, num_graphs=10)
    fitted = truth(name).with_constants([1.03 * one for one in truth(name).constants])
    found = match(fitted, system)
    assert found is not None
    assert (found.name, found.difference) == (NAMES[name], "")


def test_every_known_law_has_a_name_of_its_own():
    assert len({one.name for one in KNOWN}) == len(KNOWN)
    assert set(NAMES.values()) <= {one.name for one in KNOWN}


def test_laws_that_are_not_known_are_not_named():
    system = simulate("springs", num_graphs=10)
    for lines in (
        ("e edge* k*r^2", "s node sum(e)", "a node s/m"),
        ("e edge* k*(r - 1)", "s node max(e)", "a node s/m"),
        ("a node m",),
    ):
        assert match(law(*lines), system) is None


def test_what_a_law_adds_to_a_known_one_is_said():
    system = simulate("mechanics-complex", num_graphs=10)
    found = match(truth("mechanics-complex"), system)
    assert found.name == "Hooke's law"
    assert found.difference.startswith(
        "Its messages add up to s; the law goes on: answer = (f + s)"
    )


def test_units_and_signs_tell_laws_of_one_form_apart():
    system = simulate("gravity", num_graphs=10)
    pull, push = truth("gravity"), truth("gravity").with_constants([-1.7])
    assert match(pull, system).name == "Newton's law of gravitation"
    assert match(push, system) is None
    heat = simulate("heat", num_graphs=10)
    values = heat.nodes["T"].values
    moles = replace(heat, nodes={"T": Quantity("T", values, "mol m^-3")})
    assert match(truth("heat"), moles).name == "Diffusion (Fick's law)"
    unknown = replace(heat, nodes={"T": Quantity("T", values)})
    assert match(truth("heat"), unknown).name == "Fourier's law of heat conduction"


def test_other_names_make_no_difference():
    system = system_of(np.random.default_rng(0))
    stiff = replace(system, edges={"stiffness": Quantity("stiffness", system.edges["k"].values)})
    found = match(
        law("e edge* stiffness*(r - 2)/m_i", "a node sum(e)"), stiff
    )  # fmt: skip
    assert found.name == "Hooke's law"


def test_the_forms_of_one_known_law_differ():
    system = system_of(np.random.default_rng(0))
    with_mass = law("e edge* k*(r - 1)", "s node sum(e)", "a node s/m")
    without = Law(with_mass.steps[:-1])
    assert not same_structure(with_mass, without, system)
    assert match(without, system).name == match(with_mass, system).name == "Hooke's law"
