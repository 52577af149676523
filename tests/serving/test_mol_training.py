"""The training molecule most like a candidate."""

import numpy as np

from core import chemistry
from core.data.molecules import Assays
from core.serving.few_shot import open_model
from core.serving.mol_training import TrainingMolecule, is_here, nearest, pool_of
from tests.serving.toy_molecules import serve_from, write_artifacts

SMILES = ("CCO", "c1ccccc1O", "c1ccccc1OC", "CCCCCC")
LABELS = np.array([[1, 0, 1], [1, -1, 1], [0, 1, 0], [0, 0, 0]], np.int8)


def test_the_nearest_of_those_that_were_seen_with_its_training_labels():
    assays = Assays(
        "toy", "Toys", "none", "0" * 64, SMILES, SMILES, 0, LABELS, ("a", "b", "c"),
        np.array([0, 1]), np.array([2]),
    )  # fmt: skip
    (phenol,) = chemistry.read_many(["Oc1ccccc1"])
    everyone = pool_of(assays, np.ones(4, bool)).nearest(phenol)
    assert everyone == TrainingMolecule("c1ccccc1O", 1.0, 1, 1)
    seen = pool_of(assays, np.array([True, False, True, True])).nearest(phenol)
    assert (seen.smiles, seen.num_active, seen.num_measured) == ("c1ccccc1OC", 1, 2)
    assert 0 < seen.similarity < 1


def test_without_the_data_set_nothing_is_said(tmp_path, monkeypatch):
    serve_from(write_artifacts(tmp_path, "protonet"), monkeypatch)
    (ethanol,) = chemistry.read_many(["CCO"])
    assert nearest(open_model("protonet-toy"), ethanol) is None
    assert not is_here("toy")
