"""Expression as transitions, parts without leaks, figures by hand, and an artifact from a run."""

import json

import numpy as np
import pytest

from core.data.regulation.dataset import RegulationData
from core.data.regulation.scaling import Scaling
from core.errors import InputError
from core.knowledge.regulation import Expression, Network, Trajectory
from core.serving import grn_uploads
from core.serving.artifact import DataState
from core.serving.grn_model import RegulationModel
from core.store import Store
from core.training.fitted import Fitted
from core.training.loop import History
from core.training.regulation import (
    PLANTED,
    RegulationTraining,
    divide,
    load_regulation_data,
    transitions_of,
)
from core.training.regulation_study import corrupted, corruption, curves
from core.training.run import run

QUICK = {"num_neurons": 4, "num_epochs": 2, "first_epoch": 1, "every": 9, "batch_size": 400,
         "trust_grid": [0.5], "rivals": ["imp"], "num_seeds": 1, "num_resamples": 1,
         "study": False}  # fmt: skip


def sample(num_times, genes=3, seed=0):
    rng = np.random.default_rng(seed)
    times = np.cumsum(rng.uniform(0.5, 2, num_times))
    return Trajectory(times, rng.random((num_times, genes)).astype(np.float32))


def expression(*samples):
    return Expression(tuple("ABC"), samples)


def test_whole_samples_are_resampled_together_and_one_sample_by_transition():
    many = transitions_of([sample(4, seed=k) for k in range(6)], np.zeros(3))
    np.testing.assert_array_equal(many.group, np.repeat(np.arange(6), 3))
    assert len(set(transitions_of([sample(9)], np.zeros(3)).group)) == 8


def test_parts_share_no_sample():
    parts = divide(expression(*(sample(4, seed=k) for k in range(20))))
    assert {name: len(found) for name, found in parts.items()} == {
        "train": 16, "valid": 2, "test": 2
    }  # fmt: skip
    assert len({id(one) for found in parts.values() for one in found}) == 20


def test_few_samples_leave_enough_to_choose_on():
    sizes = {
        num: {name: len(found) for name, found in divide(
            expression(*(sample(4, seed=k) for k in range(num)))
        ).items()}
        for num in (5, 8, 12)
    }  # fmt: skip
    assert sizes == {
        5: {"train": 4, "valid": 1}, 8: {"train": 6, "valid": 2},
        12: {"train": 9, "valid": 2, "test": 1},
    }  # fmt: skip


@pytest.mark.parametrize("num_times", [5, 6, 11, 12, 23, 24, 60, 100])
def test_stretches_of_one_sample_share_no_time_point(num_times):
    whole = sample(num_times)
    parts = divide(expression(whole))
    assert ("test" in parts) == (num_times >= 24)
    found = [one for stretches in parts.values() for one in stretches]
    assert sorted(t for one in found for t in one.times) == whole.times.tolist()
    assert min(len(one.times) for one in found) >= 2
    steps = sum(len(one.times) - 1 for one in parts["train"])
    assert steps >= 0.45 * (num_times - 1)
    for one in found:
        rows = np.searchsorted(whole.times, one.times)
        np.testing.assert_array_equal(one.values, whole.values[rows])
        assert (np.diff(rows) == 1).all()


def test_parts_of_several_samples_with_short_ones():
    parts = divide(expression(sample(3), sample(9, seed=1)))
    assert [len(one.times) for one in parts["train"]] == [3, 7]
    assert [len(one.times) for one in parts["valid"]] == [2]


def decaying():
    """Genes that fall by half of themselves per unit of time, and a model that knows it."""
    times = np.array([0.0, 1.0, 3.0])
    starts = np.array([[0.8, 0.4, 0.2], [0.6, 1.0, 0.5]])
    samples = [
        Trajectory(times, (one * np.exp(-0.5 * times)[:, None]).astype(np.float32))
        for one in starts
    ]
    truth = Network.from_edges("ABC", [("A", "B", 1), ("B", "C", -1)])
    data = RegulationData(
        "", expression(samples[0]), truth, valid=expression(samples[0]),
        test=expression(samples[1]), truth=truth,
    )  # fmt: skip
    return RegulationTraining(
        data, DataState("sim350", "", "", "", "", ""), shown=True, simulated=True
    )


class Decay:
    """Stands in for a network."""

    def __call__(self, x):
        return -0.5 * x

    def dynamics(self):
        return self

    def effect(self):
        return np.array([[0, 2, 0], [0, 0, 0], [1, 0, 5.0]])


def test_figures_of_a_model_that_is_right():
    found = decaying().test(Fitted(Decay(), {"max_step": 0.1, "sparsity": 0.5}, History()), "cpu")
    assert list(found) == ["test", "valid"]
    assert found["test"]["mse"] == pytest.approx(0, abs=1e-10)
    assert found["test"]["mse_course"] == pytest.approx(0, abs=1e-10)
    assert found["test"]["balanced_accuracy"] == pytest.approx((1 / 2 + 3 / 4) / 2)
    assert (found["test"]["sparsity"], found["test"]["out_degree"]) == (0.5, 1.0)
    assert decaying().published("test", "balanced_accuracy")[0] == 0.907
    assert decaying().published("test", "mse") is None


def test_a_corrupted_prior_is_the_same_for_the_same_seed():
    rng = np.random.default_rng(0)
    truth = Network(tuple("ABCDEFGH"), (rng.random((8, 8)) < 0.3).astype(np.float32))
    one, other = corrupted(truth, 0.4, 1), corrupted(truth, 0.4, 1)
    np.testing.assert_array_equal(one.matrix, other.matrix)
    gone = int(((truth.matrix != 0) & (one.matrix == 0)).sum())
    assert gone == round(0.4 * truth.num_edges)


class Trained:
    def __init__(self, error, figure):
        self.valid_mse = error
        row = {"sparsity": 0.9, "valid_mse": error, "test_mse": 1.0, "balanced_accuracy": figure}
        self.history = History([{"valid_mse": 9.0}, row], 2)

    def effect(self):
        return np.zeros((3, 3))


def test_studies_choose_by_validation_and_say_what_was_measured():
    asked = []

    def train(task, changes, trust, seed, _label):
        asked.append((dict(changes), trust, seed))
        # the truth likes full trust, validation likes .5
        return Trained(abs(trust[1] - 0.5), trust[1] + task.prior.matrix[0, 1])

    task = decaying().task
    rows = list(curves(train, task, ("imp", "random"), (0.9, 0.9), (0, 1)))
    assert [(row["method"], row["seed"]) for row in rows] == [
        ("imp", 0), ("imp", 1), ("random", 0), ("random", 1)
    ]  # fmt: skip
    assert asked[2] == ({"pruning": "random"}, (0.0, 0.0), 0)
    assert rows[0]["test_mse"] == 1.0
    worse = list(corruption(train, task, ((0.5, 0.5), (0.9, 0.9)), (0,)))
    clean = {row["method"]: row["balanced_accuracy"] for row in worse if row["share"] == 0}
    assert clean == {"imp": 1.0, "prior": 2.0, "dash": 1.5}


def test_an_unknown_set_is_refused():
    with pytest.raises(InputError, match="Known: planted-network, sim350"):
        load_regulation_data("mouse")


def test_a_run_writes_an_artifact_that_is_served(tmp_path):
    artifact = run("dash", PLANTED, overrides=QUICK, root=tmp_path / "trained", device="cpu")
    known = artifact.knowledge
    assert json.loads(json.dumps(known, allow_nan=False)) == known
    model = RegulationModel(artifact)
    assert (len(model.genes), len(model.samples), model.truth.num_edges) == (40, 70, 67)
    assert artifact.card.parity < 1e-5
    served = load_regulation_data(PLANTED).served(artifact)
    for metric in artifact.card.metrics:
        assert served[metric.split][metric.name] == pytest.approx(metric.value, abs=1e-4)


def test_an_upload_can_be_learned_from():
    prior = Network.from_edges("ABC", [("A", "B", 1)])
    upload = grn_uploads.Upload(
        "own.csv", expression(*(sample(4, seed=k) for k in range(7))), prior, None,
        Scaling(np.zeros(3), np.ones(3)), "h",
    )  # fmt: skip
    name = Store.open().save_upload(
        name="own.csv", content=grn_uploads.pack(upload), kind=grn_uploads.KIND, summary={}
    )
    data = load_regulation_data(f"upload:{name}")
    assert (data.state.title, data.time_unit, data.shown, data.simulated) == (
        "own.csv", "h", True, False
    )  # fmt: skip
    assert {part: len(found) for part, found in data.parts.items()} == {"train": 6, "valid": 1}
    assert data.task.truth is None
