"""Files of structures are recognised by content."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chemistry.listing import MAX_ENTRIES, Entry, read_list, split_file, split_lines
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


def test_the_columns_of_a_table_are_guessed_and_may_be_chosen():
    content = b"code,SMILES,Activity,dose,dose\nx1,CCO,active,5,6\nx2,,0\n"
    found = split_file(content)
    assert found.kind == "table"
    assert found.columns == ("code", "SMILES", "Activity", "dose", "dose (5)")
    assert (found.smiles, found.name, found.label) == ("SMILES", "", "Activity")
    first, second = found.choose(name="code")
    assert (first.row, first.name, first.text) == (2, "x1", "CCO")
    assert first.fields == (("Activity", "active"), ("dose", "5"), ("dose (5)", "6"))
    assert (second.text, dict(second.fields)["Activity"]) == ("", "0")  # kept: it needs attention
    assert [entry.text for entry in found.choose(smiles="code")] == ["x1", "x2"]
    with pytest.raises(InputError, match="I found code, SMILES") as caught:
        found.choose(smiles="structure")
    assert caught.value.code == "UP-E04"


def test_data_fields_of_an_sdf_are_kept():
    block = BLOCK.format("0.0 0.0 0.0")
    data = "> <pIC50>\n7.2\n\n>  <note> (1)\ntwo\nlines\n\n$$$$\n"
    found = split_file(f"{block}{data}{block}> <activity>\n1\n\n$$$$\n".encode())
    assert (found.kind, found.label) == ("sdf", "activity")
    assert found.columns == ("pIC50", "note", "activity")
    assert found.entries[0].fields == (("pIC50", "7.2"), ("note", "two lines"))
    assert [entry.name for entry in found.choose(name="pIC50")] == ["7.2", "ethanol"]


def test_a_pasted_list_may_have_names_behind_commas():
    assert split_lines(["CCO, ethanol", "CC;ethane", " "]) == [
        Entry(1, "ethanol", "CCO"), Entry(2, "ethane", "CC"),
    ]  # fmt: skip
