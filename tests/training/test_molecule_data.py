"""A benchmark of chains: train, test, export, serve and measure again."""

import numpy as np
import pytest

from core.chemistry.graphs import many_graphs
from core.configs import FewShotConfig
from core.data import registry
from core.data.molecules import Assays, PotencyTable
from core.errors import DataError, InputError
from core.export.artifact import today, write_artifact
from core.knowledge.molecules import MoleculeStore
from core.methods.parsimony_on_training import protonet
from core.serving.artifact import Card, DataState
from core.serving.session import Session
from core.training.episodes import FewShotTask
from core.training.few_shot import draw_questions
from core.training.molecule_data import MoleculeData, load_molecule_data, scale_potencies

TABLE = {
    "name": "chains", "title": "Chains", "licence": "none", "sha256": "0" * 64, "num_unreadable": 0,
}  # fmt: skip
CONFIG = FewShotConfig(
    hidden_dim=16, num_layers=2, dropout=0.0, assay_epochs=8, batch_size=16, num_epochs=4,
    steps_per_epoch=10, tasks_per_step=2, shots=(1, 3), num_queries=8,
)  # fmt: skip


@pytest.fixture(scope="module")
def data() -> MoleculeData:
    """Chains of carbons that end in O, N, F or Cl; two assays to learn, two to test."""
    smiles = tuple("C" * size + end for end in ("O", "N", "F", "Cl") for size in range(1, 31))
    ends = np.repeat(np.arange(4), 30)
    labels = np.stack([ends == 0, ends == 1, ends != 0, ends != 1], 1).astype(np.int8)
    held_out = np.tile(np.arange(30) >= 18, 4)
    store = MoleculeStore.of(many_graphs(smiles))
    assays = Assays(
        **TABLE, smiles=smiles, scaffolds=smiles, labels=labels,
        tasks=("O", "N", "not O", "not N"), meta_train=np.array([0, 1]), meta_test=np.array([2, 3]),
    )  # fmt: skip
    task = FewShotTask("chains", "chains", store, labels, assays.meta_train, ~held_out, _none)
    state = DataState("chains", "Chains", "0" * 64, "none", "", "by length")
    return MoleculeData(task, assays, held_out, state, "longer chains", range(2))


def _none() -> None:
    raise AssertionError("no potencies are asked for")


@pytest.fixture(scope="module")
def fitted(data):
    return protonet.fit(data.task, CONFIG, seed=0)


def test_figures_of_the_method_and_its_baselines_on_the_same_supports(data, fitted):
    results = data.test(fitted, "cpu")
    ten = results["test 10-shot"]
    assert ten["auc"] > 0.9
    others = ("ridge probe", "nearest neighbours", "random forest",
              "logistic regression on fingerprints")  # fmt: skip
    assert {f"auc, {name}" for name in others} <= set(ten)
    assert "auc, own label rate" not in ten  # labels of unseen molecules are not known
    known = fitted.knowledge
    assert set(known["calibration"]) == {"protonet", "ridge", "nearest", "forest"}
    assert {"1", "10"} == set(known["calibration"]["ridge"])
    assert sum(one["num"] for one in known["domain"]) == 2 * 2 * 48 - _in_support(data)


def _in_support(data: MoleculeData) -> int:
    """Questions that fell into the support, over the draws of the domain."""
    asked = data.asked.sum()
    return sum(
        asked - len(one.query)
        for seed in data.draws
        for one in draw_questions(data.assays.labels, data.assays.meta_test, data.asked, 10, seed)
    )


def test_what_is_served_is_what_was_measured(data, fitted, tmp_path):
    results = data.test(fitted, "cpu")
    exported = data.export(fitted)
    assert exported.parity < 1e-5
    assert exported.knowledge["elements"] == [5, 6, 7, 8, 16]
    assert all(count >= 5 for _, count in exported.knowledge["familiar"])
    assert Session(exported.model, "cpu").provider == "CPUExecutionProvider"
    card = Card(
        "protonet-chains", "protonet", "molecular_property", "Chains", {}, data.state, (), 0, 1,
        0.0, "", {}, (), {}, exported.parity, today(),
    )  # fmt: skip
    artifact = write_artifact(tmp_path, {"model.onnx": exported.model}, exported.knowledge, card)
    served = data.served(artifact)
    one = results["test 10-shot"]
    assert served["test 10-shot"]["auc, first supports"] == pytest.approx(
        one["auc, first supports"], abs=1e-6
    )


def test_potencies_are_scaled_within_their_target_and_lose_held_out_scaffolds(data):
    smiles = ("CCO", "CCN", "CCCCO", "CCCCCCCCCCCCCCCCCCCCO")
    rows = np.repeat(np.arange(4), 6)
    table = PotencyTable(
        **TABLE, smiles=smiles, scaffolds=smiles, targets=("A", "B"), molecule=rows,
        target=np.tile([0, 0, 0, 0, 0, 1], 4), value=np.linspace(4, 9, 24).astype(np.float32),
    )  # fmt: skip
    kept, target, value = scale_potencies(table, data.assays, data.asked)
    assert set(kept) == {0, 1, 2}  # the last chain is held out
    assert set(target) == {0}  # B keeps three values only
    assert value.mean() == pytest.approx(0, abs=1e-6)
    assert value.std() == pytest.approx(1, abs=1e-5)


def test_an_unknown_benchmark_is_refused():
    with pytest.raises(InputError, match="tox21"):
        load_molecule_data("tox22-paper")


def test_protocols_of_tox21():
    try:
        registry.get("tox21", progress=False)
    except DataError as error:
        pytest.skip(f"Tox21 is not here: {error}")
    own, paper, choice = (
        load_molecule_data(f"tox21{suffix}") for suffix in ("", "-paper", "-validation")
    )
    assert not (own.task.usable & own.asked).any()
    assert paper.task.usable.all()
    assert paper.asked.all()
    assert own.asked.mean() == pytest.approx(0.25, abs=0.01)
    assert not set(choice.assays.meta_test) & set(own.assays.meta_test)
    assert not set(choice.assays.meta_test) & set(choice.assays.meta_train)
