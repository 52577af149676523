"""Words and stand-in pictures of molecules."""

from xml.etree import ElementTree

from core.chemistry.values import Comparison, Structure
from core.render.molecule import (
    describe_molecule,
    draw_missing,
    list_facts,
    say_comparison,
    say_domain,
    say_set,
)

CHOLINE = Structure(
    smiles="C[N+](C)(C)CCO", formula="C5H14NO+", weight=104.173, num_heavy_atoms=7, num_rings=0,
    charge=1, num_fragments=1, given="C[N+](C)(C)CCO",
)  # fmt: skip


def test_the_accessible_name():
    assert describe_molecule(CHOLINE, "choline") == "choline, C5H14NO+, SMILES C[N+](C)(C)CCO"
    assert describe_molecule(CHOLINE) == "C5H14NO+, SMILES C[N+](C)(C)CCO"


def test_facts_have_units_and_a_sign():
    assert dict(list_facts(CHOLINE)) == {
        "Formula": "C5H14NO+", "Weight": "104.17 g/mol", "Heavy atoms": "7", "Rings": "0",
        "Charge": "+1",
    }  # fmt: skip


def test_a_comparison_in_one_sentence():
    assert say_comparison("A", "B", Comparison(True, 1.0)) == "A and B are the same molecule."
    assert "are very similar: similarity 0.70" in say_comparison("A", "B", Comparison(False, 0.7))
    assert "are similar: similarity 0.40" in say_comparison("A", "B", Comparison(False, 0.4))
    assert "are hardly alike" in say_comparison("A", "B", Comparison(False, 0.39))


def test_the_picture_in_place_of_a_picture():
    light = ElementTree.fromstring(draw_missing("<b> & \x00"))
    assert light[0].text == "<b> & \ufffd"
    assert light.get("role") == "img"
    assert 'fill="#0E1117"' in draw_missing(dark=True)
    assert "structure could not be drawn" in draw_missing()


def test_sets_and_domains_in_words():
    assert say_set(("active", "inactive")) == "active or inactive"
    assert say_set(()) == "neither"
    assert say_domain("border") == "at the border of the model's experience"
