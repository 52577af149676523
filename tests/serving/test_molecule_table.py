"""Lists of molecules: every row is kept and says what became of it."""

import pytest

from core.chemistry.listing import Entry
from core.data.example_assays import load_example_assays
from core.errors import InputError
from core.serving import molecule_table as tables
from core.serving.molecule_table import Lists, parse_text, preview_file, read_file, read_table

ORGANIC = {0, 5, 6, 7, 8, 15, 16}


def codes(row):
    return [remark.code for remark in row.remarks]


def read(active="CCO", inactive="CCC", candidate="CCN", **options):
    lists = Lists(parse_text(active), parse_text(inactive), parse_text(candidate))
    return read_table(lists, **options)


def test_the_rows_of_the_error_table():
    bad = [
        "C1CC(", "C" * 251, "C" * 20_000, "CC(=O)[O-].[Na+]", "CCO", "C1CC1 ring", "N[Pt](N)(Cl)Cl",
        "aspirin", "c1ccccc1 benzene",
    ]  # fmt: skip
    table = read("c1ccccc1C toluene\nOC1CC1", "CCC\nC1CC1O", "\n".join(bad), elements=ORGANIC)
    found = {row.id: (row.status, codes(row)) for row in table.rows}
    assert found == {
        "A1": ("ok", []),
        "A2": ("refused", ["MO-E05"]),
        "I1": ("ok", []),
        "I2": ("refused", ["MO-E05"]),
        "C1": ("refused", ["MO-E01"]),
        "C2": ("refused", ["MO-E02"]),
        "C3": ("refused", ["MO-E03"]),
        "C4": ("changed", ["MO-E04", "MO-N02"]),
        "C5": ("ok", []),
        "C6": ("ok", []),
        "C7": ("ok", ["MO-E08"]),
        "C8": ("refused", ["MO-E09"]),
        "C9": ("ok", []),
    }
    said = {row.id: row.remarks[0].text for row in table.problems}
    assert said["C1"].startswith('Candidate row 1: "C1CC(" – a ring or bracket is not closed')
    assert said["A2"] == '(active row 2 and inactive row 2, "OC1CC1"). Remove one.'
    assert said["C7"] == '"Pt" in candidate row 7. The prediction is marked "outside".'
    assert said["C4"].endswith('Uncheck "strip salts" to refuse such rows instead.')
    assert said["C8"].startswith('Candidate row 8: "aspirin" is read as a name. Paste its SMILES')
    assert table.summary == "4 ok · 1 fixed · 4 refused"
    assert [row.id for row in table.support] == ["A1", "I1"]
    assert [row.title for row in table.candidates] == ["C4", "C5", "ring", "C7", "benzene"]
    assert table.error is None


def test_repeats_and_candidates_of_the_support():
    table = read("CCO a1\nOCC again", "CCC", "C(C)O\nCCN\nNCC\nC(C)C")
    status = {row.id: row.status for row in table.rows}
    assert status == {
        "A1": "ok", "A2": "duplicate", "I1": "ok", "C1": "known", "C2": "ok", "C3": "duplicate",
        "C4": "known",
    }  # fmt: skip
    assert [row.id for row in table.support] == ["A1", "I1"]
    assert [row.id for row in table.candidates] == ["C2", "C3"]  # a repeat is predicted as well
    assert table.find("C1").remarks[-1].text.startswith("C1 = active A1 (candidate row 1).")
    assert "active row 1 (a1)" in table.find("A2").remarks[-1].text
    with pytest.raises(InputError, match='no row "C9"'):
        table.find("C9")


def test_a_contradiction_in_the_support_is_not_a_known_candidate():
    table = read("CCO\nC", "OCC\nCC", "CCO")
    assert [row.status for row in table.rows] == ["refused", "ok", "refused", "ok", "known"]
    assert "both active and inactive" in table.find("C1").remarks[-1].text


def test_stereo_isomers_are_different_molecules_and_missing_marks_are_told():
    table = read("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O", "CC(N)C(=O)O")
    assert [row.status for row in table.rows] == ["ok", "ok", "ok"]
    assert codes(table.find("C1")) == ["MO-N01"]


@pytest.mark.parametrize(
    ("lists", "code", "words"),
    [
        (("CCO", "", "CC"), "MO-E06", "You gave 1 actives and 0 inactives"),
        (("C1CC", "CCO", "CC"), "MO-E06", "You gave 0 actives and 1 inactives"),
        (("\n".join("C" * n for n in range(1, 67)), "O", "N"), "MO-E12", "You gave 66 actives"),
    ],
)
def test_lists_that_cannot_be_asked(lists, code, words):
    error = read(*lists).error
    assert error.code == code
    assert words in error.problem


def test_salts_and_charges_can_be_left_alone():
    kept = read(candidate="CC[NH3+]", standardise=False).find("C1")
    assert (kept.status, kept.smiles) == ("ok", "CC[NH3+]")
    assert read(candidate="CC[NH3+]").find("C1").status == "changed"
    refused = read(candidate="CCN.Cl", strip_salts=False).find("C1")
    assert (refused.status, codes(refused)) == ("refused", ["MO-E04"])


FILE = b"""id;SMILES;Activity;assay
m1;CCO;Active;x
m2;CCC;0;y
m3;CCN;;z
m4;CCCC;maybe;
m5;;1;
"""


def test_a_file_is_sorted_by_its_labels_and_keeps_every_row():
    preview = preview_file(FILE)
    assert (preview.kind, preview.num_rows) == ("table", 5)
    assert (preview.smiles, preview.name, preview.label) == ("SMILES", "id", "Activity")
    assert preview.rows[0] == ("m1", "CCO", "Active", "x")
    assert set(preview.values) == {
        ("Active", "active", 1), ("0", "inactive", 1), ("", "candidate", 1), ("maybe", "", 1),
        ("1", "active", 1),
    }  # fmt: skip
    table = read_table(read_file(FILE))
    assert [(row.number, row.id, row.name, row.status) for row in table.rows] == [
        (2, "A1", "m1", "ok"), (3, "I1", "m2", "ok"), (4, "C1", "m3", "ok"),
        (5, "U1", "m4", "refused"), (6, "A2", "m5", "refused"),
    ]  # fmt: skip
    assert codes(table.find("U1")) == ["MO-E14"]
    assert table.find("A2").remarks[0].text.startswith("Row 6: There is no text")
    assert dict(table.find("A1").fields)["assay"] == "x"


def test_a_file_without_labels_goes_to_one_list():
    lists = read_file(FILE, label="", role="inactive")
    assert [entry.name for entry in lists.inactive] == ["m1", "m2", "m3", "m4", "m5"]
    assert not lists.from_file
    with pytest.raises(InputError, match="I need a column outcome"):
        read_file(FILE, label="outcome")


@pytest.mark.parametrize(
    ("label", "role"),
    [("+", "active"), (" HIT ", "active"), ("1.0", "active"), ("-", "inactive"), ("0", "inactive"),
     ("False", "inactive"), ("?", "candidate"), ("", "candidate"), ("12", None)],
)  # fmt: skip
def test_words_for_labels(label, role):
    assert tables.role_of(label) == role


def test_lists_survive_json_and_the_example_is_valid():
    lists = read_file(tables.example_file())
    assert Lists.from_json(lists.to_json()) == lists
    table = read_table(lists)
    assert table.error is None
    assert {row.status for row in table.rows} <= {"ok", "changed"}
    assay = load_example_assays()[0]
    assert len(table.support) == len(assay.support)
    assert len(table.candidates) == len(assay.candidates)


@pytest.mark.parametrize("assay", load_example_assays(), ids=lambda assay: assay.id)
def test_the_embedded_assays_can_be_asked(assay):
    table = read_table(tables.example_lists(assay))
    assert table.error is None
    assert [(row.title, row.remarks) for row in table.problems] == []
    assert len(table.candidates) == len(assay.candidates)
    assert {dict(row.fields)["known class"] for row in table.of("active")} == {"active"}


def test_a_pasted_sdf_is_split():
    block = "ethanol\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n" \
        "    0.0000    0.0000    0.0000 C   0  0\nM  END\n$$$$\n"  # fmt: skip
    first, second = parse_text(block * 2)
    assert (first.row, first.name, second.row) == (1, "ethanol", 2)
    assert read_table(Lists(candidate=(first,))).find("C1").smiles == "C"
    assert parse_text("") == ()


def test_hostile_names_stay_one_line_of_text():
    entry = Entry(1, "<img src=x>\n\x00" + "é" * 5_000, "CCO")
    (row,) = read_table(Lists(candidate=(entry,))).rows
    assert row.name.startswith("<img src=x> é")
    assert len(row.name) == tables.MAX_NAME
