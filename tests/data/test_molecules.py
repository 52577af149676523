"""Assays and potencies as published, minus what cannot be read, and their splits."""

import csv
import io
from collections import Counter

import numpy as np
import pytest
from rdkit import Chem

from core.data import molecules, registry
from core.data.molecules import Assays
from core.errors import DataError
from core.settings import settings

needs_files = pytest.mark.skipif(
    settings().mirror is None or not (settings().mirror / "molecules").is_dir(),
    reason="the mirror folder with the molecule tables is not here",
)


def toy(scaffolds):
    empty = np.array([], np.int64)
    return Assays(
        "tox21", "", "", "", tuple(f"{row}" for row in range(len(scaffolds))), tuple(scaffolds), 0,
        np.zeros((len(scaffolds), 1), np.int8), ("a",), np.arange(9), empty,
    )  # fmt: skip


@pytest.fixture(scope="module")
def tox21():
    return molecules.load_assays("tox21")


# --- without the files


def test_repeats_say_together_what_each_says_and_nothing_where_they_differ():
    labels = np.array([[1, 0, -1, 1], [0, 0, 0, 0], [1, -1, 0, 0]], np.int8)
    smiles, merged = molecules.merge_repeats(["CC", "CO", "CC"], labels)
    assert smiles == ["CC", "CO"]
    assert merged.tolist() == [[1, 0, 0, -1], [0, 0, 0, 0]]
    assert merged.dtype == np.int8


@pytest.mark.parametrize(
    ("smiles", "scaffold"),
    [
        ("Cc1ccccc1CC(=O)O", "c1ccccc1"),
        ("CCO", "CCO"),
        ("OCC", "CCO"),
        ("C[C@H](N)C(=O)O", "CC(N)C(=O)O"),
        ("CCN.Cl", "CCN"),
        ("OC(=O)c1ccccc1.NCCN", "c1ccccc1"),
        ("c1ccc(cc1)CC2CCNCC2", "c1ccc(CC2CCNCC2)cc1"),
    ],
)
def test_scaffold_is_that_of_the_largest_part(smiles, scaffold):
    assert molecules.scaffold_of(Chem.MolFromSmiles(smiles)) == scaffold


def test_held_out_are_whole_scaffolds_without_the_large_ones():
    large, middle = ["L"] * 60, [f"m{row % 20}" for row in range(80)]
    single = [f"s{row}" for row in range(60)]
    assays = toy(large + middle + single)
    held = molecules.held_out_scaffolds(assays)
    outside = {s for s, out in zip(assays.scaffolds, held, strict=True) if out}
    inside = {s for s, out in zip(assays.scaffolds, held, strict=True) if not out}
    assert not outside & inside
    assert "L" in inside
    assert 50 <= held.sum() <= 53  # a quarter of 200; the last scaffold taken has four at most
    other = molecules.held_out_scaffolds(assays, seed=1)
    assert (held != other).any()
    assert (held == molecules.held_out_scaffolds(assays, seed=0)).all()


def test_a_share_larger_than_the_small_scaffolds_takes_them_all():
    assays = toy(["L"] * 90 + ["a", "b"] * 5)
    assert molecules.held_out_scaffolds(assays, share=0.5).sum() == 10


def test_validation_assays_are_spread_and_few():
    assert molecules.validation_assays(toy(["a"])).tolist() == [2, 6]


def test_unknown_set_is_refused():
    with pytest.raises(DataError, match=r'"tox12" is not one of these sets of assays: tox21, sid'):
        molecules.load_assays("tox12")


# --- the files


@needs_files
@pytest.mark.parametrize(
    ("name", "num", "unreadable", "shape", "split"),
    [("tox21", 7823, 8, 12, (9, 3)), ("sider", 1427, 0, 27, (21, 6))],
)
def test_sizes_as_published(name, num, unreadable, shape, split):
    assays = molecules.load_assays(name)
    assert (len(assays), assays.num_unreadable) == (num, unreadable)
    assert assays.labels.shape == (num, shape)
    assert len(assays.tasks) == shape
    assert (len(assays.meta_train), len(assays.meta_test)) == split
    assert not set(assays.meta_train) & set(assays.meta_test)
    assert len(set(assays.smiles)) == num
    validation = molecules.validation_assays(assays)
    assert len(set(validation)) == molecules.NUM_VALIDATION[name]
    assert set(validation) <= set(assays.meta_train)


@needs_files
def test_labels_agree_with_a_plain_reading_of_the_table(tox21):
    content = registry.read("tox21")["tox21.csv"].decode()
    rows = {row["smiles"]: row for row in csv.DictReader(io.StringIO(content))}
    assert tox21.tasks == tuple(next(iter(rows.values())))[2:]
    for number, smiles in enumerate(tox21.smiles):
        given = [rows[smiles][task] for task in tox21.tasks]
        assert [{"": -1}.get(cell) or int(cell) for cell in given] == tox21.labels[number].tolist()
    refused = set(rows) - set(tox21.smiles)
    assert len(refused) == 8
    assert all("[AlH3]" in smiles for smiles in refused)


@needs_files
def test_a_quarter_of_whole_scaffolds_is_held_out_and_benzene_never(tox21):
    held = molecules.held_out_scaffolds(tox21)
    assert 0.25 <= held.mean() < 0.26
    sizes = Counter(tox21.scaffolds)
    assert sizes["c1ccccc1"] > 0.05 * len(tox21)
    outside = {s for s, out in zip(tox21.scaffolds, held, strict=True) if out}
    assert "c1ccccc1" not in outside
    assert sum(sizes[scaffold] for scaffold in outside) == held.sum()


@needs_files
def test_graphs_are_those_of_the_molecules_and_are_kept(monkeypatch):
    store = molecules.molecule_store("sider")
    assays = molecules.load_assays("sider")
    for row in range(0, len(assays), 100):
        atoms = Chem.MolFromSmiles(assays.smiles[row]).GetAtoms()
        elements = [atom.GetAtomicNum() - 1 for atom in atoms]
        assert store.graph(row).atoms[:, 0].tolist() == elements
    monkeypatch.setattr(molecules, "many_graphs", None)
    monkeypatch.setattr(molecules, "scaffold_of", None)
    again = molecules.molecule_store("sider")
    assert (again.bonds == store.bonds).all()
    assert (molecules.load_assays("sider").labels == assays.labels).all()
    kept = registry.find("sider").folder.glob("*.npz")
    assert sorted(path.name.split("-")[0] for path in kept) == ["assays", "graphs"]
    assert registry.verify("sider")[0].state == "ok"


@needs_files
@pytest.mark.slow
def test_the_large_sets():
    toxcast = molecules.load_assays("toxcast")
    assert (len(toxcast), toxcast.num_unreadable) == (8579, 18)
    assert toxcast.labels.shape == (8579, 617)
    assert (len(toxcast.meta_train), len(toxcast.meta_test)) == (362, 156)
    assert len(molecules.validation_assays(toxcast)) == 40
    assert "FAIL" not in toxcast.smiles
    muv = molecules.load_assays("muv")
    assert len(muv) == len(molecules.molecule_store("muv")) == 93087
    assert int((muv.labels >= 0).sum()) == 249886
    potencies = molecules.load_potencies()
    assert (len(potencies), len(potencies.targets), len(potencies.value)) == (85271, 672, 162727)
    assert len(molecules.molecule_store("chembl-potency")) == 85271
