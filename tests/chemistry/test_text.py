"""Limits and words for text, before any chemistry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chemistry.text import check_text
from core.errors import InputError


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("C1CC(", "MO-E01", '"C1CC(" – a ring or bracket is not closed at character 5.'),
        ("C1CCC", "MO-E01", "not closed at character 2"),
        ("CC[NH3+", "MO-E01", "not closed at character 3"),
        ("C%12CC", "MO-E01", "not closed at character 2"),
        ("CC)C", "MO-E01", "closes at character 3 but none is open"),
        ("CCX", "MO-E01", 'the sign "X" at character 3'),
        ("CC~C", "MO-E01", 'the sign "~" at character 3'),
        ("InChI=1S/CH4/h1H4", "MO-E01", "this is an InChI"),
        (" \n ", "MO-E01", "There is no text"),
        ("C" * 251, "MO-E02", "It has 251 heavy atoms; the limit is 250."),
        ("C1CC1" * 61, "MO-E02", "It has 61 rings; the limit is 60."),
        ("C" * 20_000, "MO-E03", "It has 20,000 characters; the limit is 1,000."),
        ("C" * 300_000, "MO-E03", "It has 300,000 characters"),
        ("CC\nCO", "MO-E04", "The text has 2 lines"),
        ("aspirin", "MO-E09", '"aspirin" is read as a name'),
        ("ASPIRIN", "MO-E09", "read as a name"),
        ("acetic acid", "MO-E09", '"acetic acid"'),
        ("5-fluorouracil", "MO-E09", "read as a name"),
    ],
)
def test_what_is_refused(text, code, words):
    with pytest.raises(InputError) as caught:
        check_text(text)
    assert caught.value.code == code
    assert words in caught.value.problem


@pytest.mark.parametrize(
    "text",
    [
        "C" * 250,
        "C1CC1" * 60,
        "[H]" * 300 + "C",  # hydrogens are not counted
        "C[C@H](N)C(=O)O",
        "F/C=C\\F",
        "[13CH4]",
        "c1ccc2[nH]ccc2c1",
        "C%12CC%12",
        "[Cu+2].[O-]S(=O)(=O)[O-]",
        "N->[Pt](<-N)(Cl)Cl",
    ],
)
def test_what_may_pass(text):
    assert check_text(text).text == text


def test_a_name_after_the_smiles_is_left_out():
    assert check_text("  CCO ethanol \n").text == "CCO"
    assert check_text("CCO\tethanol").text == "CCO"


BLOCK = """ethanol
  drawn

  3  2  0  0  0  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    1.2990    0.7500    0.0000 C   0  0
    2.5981   -0.0000    0.0000 O   0  0
  1  2  1  0
  2  3  1  0
M  END
"""


def test_a_molfile_is_recognised():
    assert check_text(BLOCK).is_block
    assert check_text(BLOCK.replace("\n", "\r\n") + "$$$$\r\n").text == BLOCK
    assert not check_text("CCO").is_block


def test_a_molfile_is_limited_too():
    with pytest.raises(InputError) as caught:
        check_text(BLOCK + "$$$$\n" + BLOCK + "$$$$\n")
    assert (caught.value.code, "holds 2 molecules" in caught.value.problem) == ("MO-E04", True)
    with pytest.raises(InputError) as caught:
        check_text(
            "x\n\n\n  0  0  0     0  0            999 V3000\nM  V30 COUNTS 5000 1 0 0 0\nM  END"
        )
    assert caught.value.code == "MO-E02"
    with pytest.raises(InputError) as caught:
        check_text("x\n\n\nno counts here V2000\nM  END")
    assert caught.value.code == "MO-E01"


@given(st.text(max_size=200) | st.text("CNO()[]123=#%@+-.cn \n", max_size=80))
def test_whatever_the_text_only_input_errors_are_raised(text):
    refused = ""
    try:
        found = check_text(text).text
    except InputError as error:
        found, refused = "", error.code
    assert bool(found) != bool(refused)
    assert refused in {"", "MO-E01", "MO-E02", "MO-E03", "MO-E04", "MO-E09"}
