"""Structures and fingerprints against figures known from elsewhere."""

import csv
import lzma
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chemistry.structure import (
    CountTable,
    dice_to,
    many_morgan_bits,
    many_morgan_counts,
    morgan_bits,
    morgan_counts,
    read_structure,
)
from core.errors import InputError
from core.settings import settings

CAFFEINE = "Cn1c(=O)c2c(ncn2C)n(C)c1=O"
L_ALANINE = """alanine
  drawn

  6  5  0  0  1  0  0  0  0  0999 V2000
    0.0000    0.0000    0.0000 C   0  0
    0.8660    0.5000    0.0000 C   0  0
    0.8660    1.5000    0.0000 N   0  0
    1.7321    0.0000    0.0000 C   0  0
    2.5981    0.5000    0.0000 O   0  0
    1.7321   -1.0000    0.0000 O   0  0
  2  1  1  0
  2  3  1  WEDGE
  2  4  1  0
  4  5  1  0
  4  6  2  0
M  END
"""


@pytest.mark.parametrize(
    ("text", "formula", "weight", "charge"),
    [
        (CAFFEINE, "C8H10N4O2", 194.194, 0),
        ("C[N+](C)(C)CCO", "C5H14NO+", 104.173, 1),
        ("[O-]c1ccccc1", "C6H5O-", 93.105, -1),
        ("CNCCC(c1ccccc1)Oc1ccc(cc1)C(F)(F)F", "C17H18F3NO", 309.331, 0),
    ],
)
def test_formula_weight_and_charge(text, formula, weight, charge):
    found = read_structure(text)
    assert (found.formula, found.charge) == (formula, charge)
    assert found.weight == pytest.approx(weight, abs=0.01)


def test_stereo_marks_are_kept():
    left, right = (read_structure(text).smiles for text in ("C[C@H](N)O", "C[C@@H](N)O"))
    assert left != right
    assert read_structure("C/C=C\\C").smiles == "C/C=C\\C"
    up, down = (read_structure(L_ALANINE.replace("WEDGE", mark)) for mark in "16")
    assert {up.smiles, down.smiles} == {"C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"}
    assert read_structure(L_ALANINE.replace("WEDGE", "0")).smiles == "CC(N)C(=O)O"


def test_an_sdf_record_with_data_is_read():
    record = L_ALANINE.replace("WEDGE", "0") + ">  <name>\nalanine\n\n$$$$\n"
    assert read_structure(record).formula == "C3H7NO2"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("CC(C)(C)(C)C", "atom 2 (C) has 5 bonds"),
        ("c1cccc1", "alternating bonds"),
        # found by random mutation: passes the first check of RDKit and fails when taken apart
        ("CCN(CC)CC1=C(O)C=CC(NC2=Cs3C=CC(Cl)=CC3=NC=C2)=C1", "do not fit together"),
        ("C[Xx]C", "cannot be read"),
        ("*CC", "open position"),
        (L_ALANINE.replace(" C   0", " R#  0", 1).replace("WEDGE", "0"), "open position"),
        ("x\n\n\n  1  0 V2000\nnonsense\nM  END\n", "cannot be read"),
    ],
)
def test_chemistry_that_does_not_work(text, words):
    with pytest.raises(InputError) as caught:
        read_structure(text)
    assert caught.value.code == "MO-E01"
    assert words in caught.value.problem


def test_what_is_accepted_can_be_read_again():
    # 200 atoms of carbon-13 fit into a molfile, but need 7 characters each as SMILES
    atoms = [f"{n:10.4f}    0.0000    0.0000 C   1  0" for n in range(200)]
    bonds = [f"{n:3}{n + 1:3}  1  0" for n in range(1, 200)]
    head = "heavy\n\n\n200199  0  0  0  0  0  0  0  0999 V2000"
    with pytest.raises(InputError) as caught:
        read_structure("\n".join([head, *atoms, *bonds, "M  END\n"]))
    assert caught.value.code == "MO-E03"


def test_the_largest_organic_part_is_kept():
    assert read_structure("[Na+].CC(=O)[O-]").smiles == "CC(=O)[O-]"
    assert read_structure("F[P-](F)(F)(F)(F)F.CN").smiles == "CN"
    given_whole = read_structure("CCO.O.O")
    assert (given_whole.given, given_whole.num_fragments) == ("CCO.O.O", 3)


def test_a_rare_element_is_remarked_on_and_used():
    found = read_structure("N[Pt](N)(Cl)Cl")
    assert [remark.code for remark in found.warnings] == ["MO-E08"]
    assert found.warnings[0].text.startswith("Pt is rare")
    assert read_structure("[Na+].CC(=O)[O-]").warnings[0].code == "MO-E04"


def test_limits_hold_for_the_parsed_molecule_too():
    lines = [f"{n:10.4f}    0.0000    0.0000 C   0  0" for n in range(251)]
    block = "big\n\n\n251  0  0  0  0  0  0  0  0  0999 V2000\n" + "\n".join(lines) + "\nM  END\n"
    with pytest.raises(InputError) as caught:
        read_structure(block)
    assert caught.value.code == "MO-E02"
    assert "251 heavy atoms" in caught.value.problem


def test_fingerprints_do_not_depend_on_the_order_of_atoms():
    same = ["Cn1c(=O)c2c(ncn2C)n(C)c1=O", "CN1C=NC2=C1C(=O)N(C(=O)N2C)C"]
    bits = many_morgan_bits(same)
    assert bits.dtype == np.uint8
    assert bits.shape == (2, 1024)
    assert set(np.unique(bits)) == {0, 1}
    np.testing.assert_array_equal(bits[0], bits[1])
    assert morgan_counts(same[0]) == morgan_counts(same[1])


def test_counts_of_small_molecules_by_hand():
    # methane has one atom and no neighbour; ethane two equal carbons and, at radius 1, one
    # environment of both atoms
    assert sum(morgan_counts("C").values()) == 1
    assert sorted(morgan_counts("CC").values()) == [1, 2]
    assert morgan_bits("C").sum() == 1


def test_text_of_our_own_that_cannot_be_read_is_an_error():
    for text in ("", "C1CC"):
        with pytest.raises(InputError):
            many_morgan_bits(["CC", text])


def test_dice_by_hand():
    one, many = {7: 2, 9: 1}, [{7: 1}, {7: 5, 9: 1, 11: 2}, {11: 4}, {}]
    # 2·1/(3+1), 2·(2+1)/(3+8), nothing shared, empty
    np.testing.assert_allclose(dice_to(one, many), [0.5, 6 / 11, 0, 0])
    np.testing.assert_allclose(dice_to({}, many), [0, 0, 0, 0])
    assert dice_to(one, []).shape == (0,)


fingerprints = st.dictionaries(st.integers(0, 2**32 - 1), st.integers(1, 9), max_size=8)


@given(fingerprints, st.lists(fingerprints, max_size=6))
def test_dice_agrees_with_its_definition(one, many):
    expected = [
        2 * sum(min(n, other.get(key, 0)) for key, n in one.items()) / total if total else 0.0
        for other in many
        for total in [sum(one.values()) + sum(other.values())]
    ]
    np.testing.assert_allclose(dice_to(one, CountTable.of(many)), expected)


@pytest.fixture(scope="module")
def drugs():
    mirror = settings().mirror
    path = mirror / "ddi" / "drugs.tsv.xz" if mirror else None
    if path is None or not path.is_file():
        pytest.skip("the drugs of the DrugBank benchmark are not there")
    with lzma.open(path, "rt") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_all_benchmark_drugs_in_seconds(drugs):
    smiles = [row["smiles"] for row in drugs]
    start = time.process_time()
    bits, counts = many_morgan_bits(smiles), many_morgan_counts(smiles)
    assert time.process_time() - start < 3
    assert bits.shape == (1710, 1024)
    assert bits.any(1).all()
    assert len(counts) == 1710


def test_dice_rebuilds_the_resembles_edges_of_hetionet(drugs):
    mirror = settings().mirror / "ddi"
    with (mirror / "relations.tsv").open() as file:
        resembles = next(row[0] for row in csv.reader(file, delimiter="\t") if row[2] == "CrC")
    with lzma.open(mirror / "kg_edges.tsv.xz", "rt") as file:
        rows = [row for row in csv.reader(file, delimiter="\t") if row[2] == resembles]
    official = {tuple(sorted((int(head), int(tail)))) for head, tail, _ in rows}
    known = {drug for pair in official for drug in pair if drug < len(drugs)}
    official = {pair for pair in official if set(pair) <= known}
    order = sorted(known)
    counts = many_morgan_counts(drugs[drug]["smiles"] for drug in order)
    table = CountTable.of(counts)
    found = {
        (order[row], order[other])
        for row, one in enumerate(counts)
        for other in np.flatnonzero(dice_to(one, table) >= 0.5)
        if row < other
    }
    assert len(found & official) / len(found) > 0.97
    assert len(found & official) / len(official) > 0.95
