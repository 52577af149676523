"""Standardised molecules, their environments and their SDF."""

import numpy as np
import pytest
from rdkit import Chem

from core.chemistry.preparation import find_environments, prepare, prepare_many, write_sdf
from core.chemistry.structure import morgan_bits, morgan_counts
from core.chemistry.values import MOLECULE_BITS, Molecule, bit_array

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


def read(text, *, strip_salts=True, standardise=True):
    return Molecule.from_json(prepare(text, strip_salts, standardise))


@pytest.mark.parametrize(
    ("text", "smiles", "changes"),
    [
        ("OC(=O)c1ccccc1OC(C)=O", ASPIRIN, ()),
        ("C[C@H](N)C(=O)[O-].[Na+]", "C[C@H](N)C(=O)O", ("charge neutralised (−1 to 0)",)),
        ("[NH3+]CC(=O)[O-]", "NCC(=O)O", ("opposite charges neutralised",)),
        (
            "CC(=O)O[Na]", "CC(=O)O",
            ("bonds to a metal cut and the largest part kept", "charge neutralised (−1 to 0)"),
        ),
        ("CC[N](=O)=O", "CC[N+](=O)[O-]", ()),
        ("CS(C)=O", "CS(C)=O", ()),
        ("O=S(=O)(O)c1ccc(C[N+](C)(C)C)cc1C(=O)[O-]",
         "O=S(=O)([O-])c1ccc(C[N+](C)(C)C)cc1C(=O)O", ("the strongest acid ionised first",)),
        ("C[N+](C)(C)C", "C[N+](C)(C)C", ()),  # nothing to take away
        ("N[Pt](N)(Cl)Cl", "N[Pt](N)(Cl)Cl", ()),  # cutting its bonds would leave the metal
    ],
)  # fmt: skip
def test_standardising_says_what_changed(text, smiles, changes):
    found = read(text)
    assert found.structure.smiles == Chem.CanonSmiles(smiles)
    assert found.changes == changes


def test_standardising_can_be_switched_off():
    found = read("C[C@H](N)C(=O)[O-]", standardise=False)
    assert (found.structure.smiles, found.changes) == ("C[C@H](N)C(=O)[O-]", ())


def test_a_molecule_has_its_key_scaffold_fingerprint_and_graph():
    found = read(ASPIRIN)
    assert found.key == found.identity == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"
    assert found.scaffold == "c1ccccc1"
    np.testing.assert_array_equal(found.bit_array(), morgan_bits(ASPIRIN, size=MOLECULE_BITS))
    assert set(found.features) == set(morgan_counts(ASPIRIN))
    assert found.graph.atoms[:4, 0].tolist() == [5, 5, 7, 7]
    assert [alert.name for alert in found.alerts] == ["phenol ester"]
    assert read("CCO").scaffold == ""


@pytest.mark.parametrize(
    ("smiles", "num"),
    [("CC(N)C(=O)O", 1), ("C[C@H](N)C(=O)O", 0), ("CC=CC", 1), ("C/C=C/C", 0), (ASPIRIN, 0)],
)
def test_stereo_without_a_mark_is_counted(smiles, num):
    assert read(smiles).unspecified == num


def test_rows_are_refused_one_by_one():
    good, bad = prepare_many([ASPIRIN, "C1CC("], True, True)
    assert good["value"]["key"].startswith("BSYNRYMUTXBXSQ")
    assert bad["error"]["code"] == "MO-E01"


def test_the_fingerprint_without_an_atom_follows_from_the_environments():
    found = find_environments(ASPIRIN)
    assert {bit for bit, _ in found} == set(np.flatnonzero(bit_array(read(ASPIRIN).bits)))
    single = sorted(atoms for _, atoms in found if len(atoms) == 1)
    assert single == [[atom] for atom in range(13)]
    widest = max((atoms for _, atoms in found if 5 in atoms), key=len)
    mol = Chem.MolFromSmiles(ASPIRIN)
    distance = Chem.GetDistanceMatrix(mol)
    assert any((distance[center, widest] <= 2).all() for center in widest)


def test_an_sdf_can_be_read_back_and_hostile_fields_stay_text():
    fields = [("score", "0.7"), ("note", "a\n$$$$\nb"), ("$$$$", "$$$$"), ("<x>", "> <y>")]
    text = write_sdf([
        {"smiles": ASPIRIN, "name": "as\npirin", "fields": fields},
        {"smiles": "C[C@H](N)O", "name": "", "fields": []},
    ])  # fmt: skip
    supplier = Chem.SDMolSupplier()
    supplier.SetData(text)
    first, second = supplier
    assert (Chem.MolToSmiles(first), first.GetProp("_Name")) == (ASPIRIN, "as pirin")
    assert first.GetProp("score") == "0.7"
    assert first.GetProp("note") == "a $$$$ b"
    assert set(first.GetPropNames()) >= {"score", "note", "(x)"}
    assert Chem.MolToSmiles(second) == "C[C@H](N)O"
