"""Files of structures are recognised by content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chemistry.listing import MAX_ENTRIES, Entry, read_list
from core.errors import InputError

BLOCK = "ethanol\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n{:30} C   0  0\nM  END\n"


def test_a_smiles_list():
    content = b"smiles name\r\nCCO ethanol\r\n\r\nC[C@H](N)O\tan amine\r\nCC\r\n"
    assert read_list(content) == [
        Entry(2, "ethanol", "CCO"), Entry(4, "an amine", "C[C@H](N)O"), Entry(5, "", "CC"),
    ]  # fmt: skip
    assert read_list(b"CCO\tethanol\n") == [Entry(1, "ethanol", "CCO")]


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_table(mark):
    rows = [["ID", "Canonical SMILES", "dose"], ["a1", "CCO", "5"], ["", "", ""], ["a2", "CC"]]
    content = "\n".join(mark.join(row) for row in rows).encode("utf-8-sig")
    assert read_list(content) == [Entry(2, "a1", "CCO"), Entry(4, "a2", "CC")]


def test_quoted_cells():
    content = b'name,smiles\n"acid, sodium salt","CC(=O)[O-].[Na+]"\n'
    assert read_list(content) == [Entry(2, "acid, sodium salt", "CC(=O)[O-].[Na+]")]


def test_an_sdf():
    block = BLOCK.format("0.0 0.0 0.0")
    found = read_list(f"{block}> <x>\n1\n\n$$$$\n{block}$$$$\n".encode())
    assert [(one.row, one.name) for one in found] == [(1, "ethanol"), (2, "ethanol")]
    assert found[1].text == block
    assert read_list(block.replace("\n", "\r\n").encode())[0].text == block


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"C" * (5 * 2**20 + 1), "UP-E01"),
        (b"PK\x03\x04\x00\x00", "UP-E02"),
        (b"C\nC\xff", "UP-E03"),
        (b"name,value\na,1\n", "UP-E04"),
        (b" \n", "UP-E05"),
        (b"name,smiles\n", "UP-E05"),
        (b"C\n" * (MAX_ENTRIES + 1), "UP-E06"),
    ],
)
def test_what_is_refused(content, code):
    with pytest.raises(InputError) as caught:
        read_list(content)
    assert caught.value.code == code


@given(st.binary(max_size=300) | st.text("smile,;\t\"'\nCO \r$M ENDV2000").map(str.encode))
def test_whatever_the_bytes_only_input_errors_are_raised(content):
    codes = []
    try:
        found = read_list(content)
    except InputError as error:
        found = []
        codes.append(error.code)
    assert bool(found) != bool(codes)
