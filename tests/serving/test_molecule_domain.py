"""Whether a molecule is inside the model's experience."""

import pytest

from core import chemistry
from core.serving.molecule_domain import describe_domains
from core.serving.molecule_table import Lists, parse_text, read_table

KNOWN = read_table(Lists(active=parse_text("c1ccccc1CCO\nCCCCCC"))).rows
BINS = [
    {"low": 0.4, "high": 1.0, "auc": 0.8},
    {"low": 0.25, "high": 0.4, "auc": None},
    {"low": 0.0, "high": 0.25, "auc": 0.6},
]


def describe(smiles, support=KNOWN, **knowledge):
    return describe_domains(chemistry.read_many([smiles]), support, knowledge)[0]


@pytest.mark.parametrize(
    ("smiles", "flag", "nearest", "auc"),
    [
        ("c1ccccc1CCO", "inside", "A1", 0.8),
        ("CCCCCCO", "inside", "A2", 0.8),
        ("c1ccccc1C(=O)O", "border", "A1", None),
        ("N#N", "outside", "A1", 0.6),
    ],
)
def test_likeness_to_the_known_molecules(smiles, flag, nearest, auc):
    found = describe(smiles, domain=BINS)
    assert (found.flag, found.nearest, found.auc) == (flag, nearest, auc)
    assert found.familiar is None
    assert f"{nearest}, similarity {found.similarity:.2f}" in found.reason


def test_an_element_without_precedent_is_outside_whatever_else():
    found = describe("c1ccccc1CC[Se]C", elements=[5, 7])
    assert found.flag == "outside"
    assert found.reason == "The model has never seen the element Se."


def test_familiar_substructures():
    (molecule,) = chemistry.read_many(["c1ccccc1CCO"])
    half = molecule.features[: len(molecule.features) // 2]
    share = len(half) / len(molecule.features)
    familiar = [[feature, 9] for feature in half]
    found = describe("c1ccccc1CCO", familiar=familiar)
    assert found.familiar == share
    assert f"{share:.0%} of its substructures occur in training." in found.reason
    alone = describe("c1ccccc1CCO", support=(), familiar=familiar)
    assert (alone.flag, alone.similarity, alone.nearest) == (
        "border" if share >= 0.5 else "outside", None, "",
    )  # fmt: skip
    everything = [[feature, 9] for feature in molecule.features]
    assert describe("c1ccccc1CCO", support=(), familiar=everything).flag == "inside"
    assert describe("CCO", support=()).flag == "border"
