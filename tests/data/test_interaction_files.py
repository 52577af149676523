import gzip
import json
from dataclasses import replace

import numpy as np
import pytest

from core.data.interaction_files import (
    list_folds,
    load_ddibench,
    load_emergnn,
    load_emergnn_twosides,
    load_hetionet,
)
from core.errors import InputError
from core.knowledge.graph import Source
from core.knowledge.interactions import DrugNetwork, InteractionType

REFERENCE = DrugNetwork(
    name="reference",
    entities=("Compound::DB1", "Compound::DB2", "Gene::7"),
    entity_names=("Alpha", "Beta", "CYP9Z9"),
    kinds=("Compound", "Compound", "Gene"),
    smiles=("CO", "CC"),
    types=(InteractionType("0", "#Drug1 helps #Drug2."),),
    relations=(),
    edges=np.zeros((0, 3), dtype=np.int64),
    source=Source("test"),
    notes={},
)


def refusal(read, *arguments):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


def write_lines(path, *lines):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


@pytest.fixture
def emergnn(tmp_path):
    """Four drugs, three other entities, two types, relations numbered from 2."""
    folder = tmp_path / "data"
    folder.mkdir()
    drugs = {f"DB{i + 1}": i for i in range(4)}
    others = {"Gene::7": 4, "Disease::D": 5, "Compound::DB99": 6}
    relations = {
        "0": "The metabolism of #Drug2 can be decreased when combined with #Drug1.",
        "1": "unclear",
        "2": "Compound - binds - Gene",
        "3": "Gene > regulates > Gene",
        "4": "Compound - resembles - Compound",
        "5": "smells like",
    }
    for name, value in (
        ("node2id", drugs), ("entity_drug", drugs | others), ("relation2id", relations),
    ):  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value))
    (folder / "DB_molecular_feats.pkl").write_bytes(b"\x80\x04.")
    write_lines(folder / "S1_12" / "train_ddi.txt", "0 1 0", "1 0 1")
    write_lines(folder / "S1_12" / "valid_ddi.txt", "2 0 0")
    write_lines(folder / "S1_12" / "test_ddi.txt", "3 1 1", "0 3 0")
    write_lines(folder / "S1_12" / "train_KG.txt", "0 4 2", "1 4 2", "0 1 4", "0 4 2")
    write_lines(folder / "S1_12" / "valid_KG.txt", "2 4 2")
    write_lines(folder / "S1_12" / "test_KG.txt", "3 5 5")
    return folder


# --- EmerGNN, DrugBank


def test_emergnn_fold(emergnn):
    assert list_folds(emergnn) == ("S1_12",)
    fold = load_emergnn(emergnn, "S1_12")
    split, network = fold.split, fold.split.network
    assert network.entities == (
        "DB1",
        "DB2",
        "DB3",
        "DB4",
        "Gene::7",
        "Disease::D",
        "Compound::DB99",
    )
    assert network.kinds == ("Compound",) * 4 + ("Gene", "Disease", "Compound")
    assert network.num_drugs == 4
    assert [one.text for one in network.types] == [
        "The metabolism of #Drug2 can be decreased when combined with #Drug1.",
        "#Drug1 and #Drug2: unclear",
    ]
    assert [(one.id, one.name, one.symmetric) for one in network.relations] == [
        ("CbG", "binds", False),
        ("Gr>G", "regulates", False),
        ("CrC", "resembles", True),
        ("smells like", "smells like", False),
    ]
    assert split.train.tolist() == [[0, 0, 1], [1, 1, 0]]
    assert {name: rows.tolist() for name, rows in split.parts.items()} == {
        "valid S1": [[2, 0, 0]],
        "test S1": [[3, 1, 1], [0, 0, 3]],
    }
    assert split.known_drugs.tolist() == [True, True, False, False]


def test_later_stages_see_the_edges_of_earlier_ones(emergnn):
    fold = load_emergnn(emergnn, "S1_12")
    assert fold.train_edges.tolist() == [[0, 0, 4], [0, 2, 1], [1, 0, 4]]
    assert fold.valid_edges.tolist() == [[0, 0, 4], [0, 2, 1], [1, 0, 4], [2, 0, 4]]
    assert fold.split.network.edges.tolist() == [*fold.valid_edges.tolist(), [3, 3, 5]]
    assert fold.num_duplicates == 1


def test_names_and_structures_come_from_the_reference_or_the_folder(emergnn):
    assert load_emergnn(emergnn, "S1_12").split.network.smiles == ("", "", "", "")
    network = load_emergnn(emergnn, "S1_12", reference=REFERENCE).split.network
    assert network.entity_names[:5] == ("Alpha", "Beta", "DB3", "DB4", "CYP9Z9")
    assert network.smiles == ("CO", "CC", "", "")
    (emergnn / "id2smiles.json").write_text(json.dumps({"0": "N", "3": "O"}))
    network = load_emergnn(emergnn, "S1_12", reference=REFERENCE).split.network
    assert network.smiles == ("N", "CC", "", "O")


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("train_ddi.txt", "4 0 0", "train_ddi.txt, line 1: 4 is not the number of a drug."),
        ("test_ddi.txt", "0 1 2", "line 1: interaction type 2 is not one of the 2 known."),
        ("train_KG.txt", "0 99 2", "train_KG.txt, line 1: 99 is not the number of an entity."),
        ("train_KG.txt", "0 4 9", "1 ids are not in relation2id.json: 9."),
        ("valid_KG.txt", "0 4", 'valid_KG.txt, line 1: "0 4" is not 3 whole numbers.'),
    ],
)
def test_rows_that_do_not_fit_are_named(emergnn, file, line, words):
    write_lines(emergnn / "S1_12" / file, line)
    message = refusal(load_emergnn, emergnn, "S1_12")
    assert message.startswith("UP-E09 · Row does not fit. ")
    assert words in message


def test_incomplete_folders_are_refused(emergnn):
    assert '"train_ddi.txt" is not in "S2_1"' in refusal(load_emergnn, emergnn, "S2_1")
    (emergnn / "entity_drug.json").write_text('{"DB1": 4}')
    assert '"DB1" has two numbers' in refusal(load_emergnn, emergnn, "S1_12")


# --- EmerGNN, TWOSIDES


@pytest.fixture
def emergnn_twosides(tmp_path):
    folder = tmp_path / "twosides"
    folder.mkdir()
    drugs = {str(i): {"cid": f"CID{i}", "smiles": "C" * (i + 1)} for i in range(3)}
    relations = {"0": "C001", "1": "C002", "2": "Compound - binds - Gene"}
    for name, value in (
        ("id2drug", drugs), ("entity2id", {"Gene::7": 3}), ("relation2id", relations),
    ):  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(value))
    for part in ("train", "valid", "test"):
        write_lines(folder / "S0" / f"{part}_ddi.txt", "0\t1\t1,0\t1", "2\t1\t1,0\t0")
        write_lines(folder / "S0" / f"{part}_KG.txt", "0 3 2")
    return folder


def test_emergnn_twosides_fold(emergnn_twosides):
    data = load_emergnn_twosides(emergnn_twosides, "S0")
    assert list(data.parts) == ["train", "valid S0", "test S0"]
    train = data.parts["train"]
    assert train.pairs.tolist() == [[0, 1], [2, 1]]
    assert train.labels.tolist() == [[True, False], [True, False]]
    assert train.positive.tolist() == [True, False]
    assert data.network.smiles == ("C", "CC", "CCC")
    assert data.network.edges.tolist() == [[0, 0, 3]]
    assert data.network.num_types == 2


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (["0\t1\t1,0\t0", "0\t2\t1,0\t1"], "line 1: two drug numbers, 2 flags and 1 are expected."),
        (["0\t1\t1,0\t1", "0\t2\t1\t0"], "line 2: two drug numbers, 2 flags and 0 are expected."),
        (["0\t1\t1,0\t1"], "the last positive has no negative"),
        (["0\t3\t1,0\t1", "0\t2\t1,0\t0"], "line 1: 3 is not the number of a drug"),
    ],
)
def test_couples_that_do_not_fit_are_named(emergnn_twosides, lines, words):
    write_lines(emergnn_twosides / "S0" / "train_ddi.txt", *lines)
    assert words in refusal(load_emergnn_twosides, emergnn_twosides, "S0")


# --- Hetionet


@pytest.fixture
def hetionet(tmp_path):
    nodes, edges = tmp_path / "nodes.tsv", tmp_path / "edges.sif.gz"
    write_lines(
        nodes, "id\tname\tkind", "Gene::7\tCYP9Z9\tGene", "Compound::DB1\tAlpha\tCompound",
        "Disease::D\tache\tDisease", "Compound::DB2\tAlpha\tCompound",
    )  # fmt: skip
    rows = ["source\tmetaedge\ttarget", "Compound::DB1\tCbG\tGene::7",
        "Compound::DB2\tCtD\tDisease::D", "Compound::DB1\tCbG\tGene::7"]  # fmt: skip
    edges.write_bytes(gzip.compress("".join(f"{row}\n" for row in rows).encode()))
    return nodes, edges


def test_hetionet_puts_compounds_first(hetionet):
    network = load_hetionet(*hetionet, reference=REFERENCE)
    assert network.entities == ("Compound::DB1", "Compound::DB2", "Gene::7", "Disease::D")
    assert network.entity_names == (
        "Alpha (Compound::DB1)", "Alpha (Compound::DB2)", "CYP9Z9", "ache",
    )  # fmt: skip
    assert network.smiles == ("CO", "CC")
    assert [relation.name for relation in network.relations] == ["binds", "treats"]
    assert network.edges.tolist() == [[0, 0, 2], [1, 1, 3]]


def test_hetionet_edges_with_unknown_ends(hetionet):
    nodes, edges = hetionet
    write_lines(nodes, "id\tname\tkind", "Gene::7\tCYP9Z9\tGene")
    message = refusal(load_hetionet, nodes, edges)
    assert "3 ids are not in the nodes file: Compound::DB1, Compound::DB2, Disease::D." in message
    write_lines(nodes, "id\tname", "Gene::7\tCYP9Z9")
    assert "I need the columns id, name, kind" in refusal(load_hetionet, nodes, edges)


# --- DDI-Bench


def test_ddibench_split(tmp_path):
    folder = tmp_path / "drugbank_random"
    network = replace(REFERENCE, smiles=("CO", "CC", "N"))
    write_lines(folder / "train.txt", "0 1 0")
    write_lines(folder / "test_S1.txt", "2 0 0", "1 2 0")
    write_lines(folder / "notes.txt", "not a part")
    split = load_ddibench(folder, network)
    assert (split.name, list(split.parts)) == ("drugbank_random", ["test S1"])
    assert split.train.tolist() == [[0, 0, 1]]
    assert split.parts["test S1"].tolist() == [[2, 0, 0], [1, 0, 2]]
    assert split.known_drugs.tolist() == [True, True, False]
    write_lines(folder / "train_set.txt", "[0, 2]")
    assert load_ddibench(folder, network).known_drugs.tolist() == [True, False, True]
    write_lines(folder / "test_S1.txt", "2 0 0", "1 3 0")
    message = refusal(load_ddibench, folder, network)
    assert "test_S1.txt, line 2: drug 3 is not one of the 3 known" in message
    (folder / "train.txt").unlink()
    write_lines(folder / "test_S1.txt", "2 0 0")
    assert '"train.txt" is not in "drugbank_random"' in refusal(load_ddibench, folder, network)
