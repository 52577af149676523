"""Example assays: structures, classes and sources that contradict none of each other."""

import csv
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from core.data import example_assays
from core.data.example_assays import load_example_assays
from core.data.molecules import load_assays
from core.data.starter_network import load_drugs
from core.settings import settings


def table(name):
    path = Path(example_assays.__file__).with_name("examples") / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def assays():
    return {assay.id: assay for assay in load_example_assays()}


def test_structures_agree_with_the_formulas():
    for row in table("structures"):
        molecule = Chem.MolFromSmiles(row["smiles"])
        assert molecule is not None, row["id"]
        assert CalcMolFormula(molecule) == row["formula"], row["id"]


# standard InChIKeys of molecules with stereo marks, as published
KEYS = {
    "corticosterone": "OMFXVFTZEKFJBZ-HJTSIMOOSA-N",
    "cycloheximide": "YPHMISFOHDHNIV-FSZOTQKASA-N",
    "dexamethasone": "UREBDLICKHMUKA-CXSFZGCWSA-N",
    "diethylstilbestrol": "RGLYKWWBQGJZGM-ISLYRVAYSA-N",
    "estradiol": "VOXZDWNPVJITMN-ZBRFXRBCSA-N",
    "estrone": "DNXHEGUUPJUMQT-CBZIJGRNSA-N",
    "finasteride": "DBEPLOCGEIEOCV-WSBQPABSSA-N",
    "galantamine": "ASUTZQLVASHGKV-JDFRZJQESA-N",
    "4-hydroxytamoxifen": "TXUZVZSFRXZGTL-QPLCGJKRSA-N",
    "levothyroxine": "XUIIKFGFIJCVMT-LBPRGKRZSA-N",
    "norethynodrel": "ICTXHFFSOAJUMG-SLHNCBLASA-N",
    "physostigmine": "PIJVFDBKTWXHHD-HIFRSBDPSA-N",
    "reserpine": "QEVHRUUCFGRFIF-MDEJGZGSSA-N",
    "rivastigmine": "XSVMFMHYUFZWBK-NSHDSACASA-N",
    "zearalenone": "MBMQEIFVQACCCH-QBODLPLBSA-N",
}


def test_stereo_marks_are_the_published_ones():
    found = {
        row["id"]: Chem.MolToInchiKey(Chem.MolFromSmiles(row["smiles"]))
        for row in table("structures")
        if any(mark in row["smiles"] for mark in "@/\\")
    }
    assert found == KEYS


def test_no_structure_is_there_twice():
    rows = table("structures")
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    drugs = load_drugs()
    assert not set(ids) & {drug.id for drug in drugs}
    flat = [
        Chem.MolToSmiles(Chem.MolFromSmiles(smiles), isomericSmiles=False)
        for smiles in [row["smiles"] for row in rows] + [drug.smiles for drug in drugs]
    ]
    twice = [smiles for smiles, number in Counter(flat).items() if number > 1]
    # citalopram and escitalopram, omeprazole and esomeprazole
    assert len(twice) == 2
    assert set(ids) <= {row["molecule"] for row in table("molecules")}


def test_every_assay_is_large_enough_and_asks_about_other_molecules(assays):
    assert len(assays) == 3
    for assay in assays.values():
        classes = Counter(molecule.active for molecule in assay.support)
        assert classes == {True: 10, False: 10}
        assert [molecule.active for molecule in assay.support] == [True] * 10 + [False] * 10
        asked = Counter(molecule.active for molecule in assay.candidates)
        assert 12 <= asked.total() <= 20
        assert min(asked.values()) >= 5
        names = [molecule.name for molecule in assay.support + assay.candidates]
        assert len(set(names)) == len(names)
        assert assay.title
        assert "Active: " in assay.sentence
        assert "Inactive: " in assay.sentence


def test_every_class_names_its_document(assays):
    for assay in assays.values():
        for molecule in assay.support + assay.candidates:
            assert molecule.note, molecule.name
            assert len(molecule.source) > 20
            assert "{" not in molecule.source
    used = {row["source"] for row in table("molecules")}
    assert used == {row["id"] for row in table("sources")}


def test_candidates_do_not_come_sorted_by_class(assays):
    for assay in assays.values():
        classes = [molecule.active for molecule in assay.candidates]
        assert sum(a != b for a, b in pairwise(classes)) >= 4


# facts known well enough to be written down a second time
@pytest.mark.parametrize(
    ("assay", "name", "active", "source"),
    [
        ("acetylcholinesterase", "donepezil", True, "prescribing information of donepezil"),
        ("acetylcholinesterase", "propoxur", True, "N-methyl Carbamate"),
        ("acetylcholinesterase", "memantine", False, "prescribing information of memantine"),
        ("oestrogen-receptor", "bisphenol A", True, "ICCVAM"),
        ("oestrogen-receptor", "atrazine", False, "ICCVAM"),
        ("torsade", "terfenadine", True, "CiPA"),
        ("torsade", "fexofenadine", False, "prescribing information of fexofenadine"),
    ],
)
def test_well_known_facts(assay, name, active, source, assays):
    everything = assays[assay].support + assays[assay].candidates
    (found,) = [molecule for molecule in everything if molecule.name == name]
    assert found.active is active
    assert source in found.source


def test_only_documents_that_were_read_have_a_day():
    days = {row["id"]: row["accessed"] for row in table("sources") if row["accessed"]}
    assert days == {"epa-carbamates": "2026-11-21"}


@pytest.mark.slow  # InChIKeys of all of Tox21
@pytest.mark.skipif(
    settings().mirror is None or not (settings().mirror / "molecules").is_dir(),
    reason="the mirror folder with the molecule tables is not here",
)
def test_remarks_about_tox21_are_true_and_its_labels_agree(assays):
    tox21 = load_assays("tox21")
    rows = {}
    for row, smiles in enumerate(tox21.smiles):
        rows.setdefault(skeleton(smiles), []).append(row)
    seen = {
        assay.id: [one for one in assay.support + assay.candidates if skeleton(one.smiles) in rows]
        for assay in assays.values()
    }
    share = {name: len(found) / 35 for name, found in seen.items()}
    assert share["oestrogen-receptor"] == 1
    assert share["acetylcholinesterase"] > 0.9
    assert 0.8 < share["torsade"] < 1
    for task in ("NR-ER", "NR-ER-LBD"):
        column = tox21.tasks.index(task)
        assert column in tox21.meta_train
        agree = []
        for one in seen["oestrogen-receptor"]:
            labels = {int(tox21.labels[row, column]) for row in rows[skeleton(one.smiles)]} - {-1}
            agree += [one.active == (max(labels) == 1)] if labels else []
        assert len(agree) >= 25
        assert sum(agree) > 0.9 * len(agree)


def skeleton(smiles):
    """Atoms and bonds of the largest part, without stereo marks and charges."""
    largest = max(smiles.split("."), key=len)
    return Chem.MolToInchiKey(Chem.MolFromSmiles(largest)).partition("-")[0]
