"""The driver from a user's graph to a served artifact, once for this file."""

import json

import pytest
import torch

from core.errors import DataError, InputError
from core.serving.graphs import keep_upload
from core.serving.kg_question import Query
from core.serving.kg_reasoning import answer
from core.settings import settings
from core.store import Store
from core.training import run as driver

SMALL = {"num_epochs": 4, "hidden_dim": 8, "num_layers": 2, "dropout": 0.0}


def families(num=15):
    rows = ["head\trelation\ttail"]
    for n in range(num):
        rows += [f"a{n}\tparent\tb{n}", f"b{n}\tparent\tc{n}", f"b{n}\tparent\td{n}"]
        rows += [f"a{n}\tgrandparent\tc{n}", f"a{n}\tgrandparent\td{n}"]
    return "\n".join(rows).encode()


@pytest.fixture(scope="module")
def upload():
    return keep_upload("families.tsv", families(), None)


@pytest.fixture(scope="module")
def trained(upload):
    lines = []
    artifact = driver.run(
        "redgnn", f"upload:{upload}", seeds=(0, 1), overrides=SMALL, device="cpu",
        artifact="redgnn-families", report=lambda *a, **v: v and lines.append((a, v)),
    )  # fmt: skip
    return artifact, lines


def test_card_says_what_was_done(trained, upload):
    card = trained[0].card
    assert card.name == "redgnn-families"
    assert card.config["hidden_dim"] == 8
    assert card.seed in (0, 1)
    assert card.metric("mrr").seeds == (0, 1)
    assert 0 < card.metric("mrr").value <= 1
    assert card.metric("mrr").paper is None
    assert "filtered" in card.metric("mrr").protocol
    assert card.data.name == f"upload:{upload}" or card.data.licence == "a user's own file"
    assert card.parity <= 1e-4
    assert card.versions["torch"] == torch.__version__
    assert trained[0].knowledge["relations"] == ["parent", "grandparent"]


def test_epochs_of_all_seeds_are_reported_as_one_run(trained):
    steps = [(args[0], args[1]) for args, _ in trained[1]]
    assert steps == [(n, 8) for n in range(1, 9)]
    assert {"loss", "valid_mrr"} <= set(trained[1][0][1])


def test_served_figures_are_those_of_the_card(trained, upload):
    artifact = trained[0]
    found = driver.evaluate_served(artifact, f"upload:{upload}")["test"]
    again = driver.export_again("redgnn-families")
    assert again.card.metrics == artifact.card.metrics
    assert again.card.seed == artifact.card.seed
    per_seed = artifact.card.metric("mrr")
    assert abs(found["mrr"] - per_seed.value) <= per_seed.std * 1.5 + 1e-6
    with pytest.raises(InputError, match="another vocabulary"):
        driver.evaluate_served(artifact, "planted")


def test_the_trained_graph_can_be_asked(trained, upload):
    found = answer(Query(upload, "a0", "grandparent", hide_known=False, model="redgnn-families"))
    assert {row.status for row in found.rows} >= {"known"}
    assert found.model == trained[0].name


def test_runs_and_artifacts_are_recorded(trained):
    [record, *_] = Store.open().recent_artifacts("redgnn-families")
    assert record["sha256"] == trained[0].card.files["model.onnx"]
    run = Store.open().find_run(record["run"])
    assert run["method"] == "redgnn"
    assert run["config"]["num_epochs"] == 4


def test_an_artifact_without_checkpoints_cannot_be_exported_again():
    with pytest.raises(DataError, match="no checkpoints of redgnn-none"):
        driver.export_again("redgnn-none")


def test_names_and_devices_that_do_not_exist(monkeypatch):
    with pytest.raises(InputError, match=r"TR-E02 .*\"transe\" is not a method"):
        driver.run("transe", "planted")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"TR-E03 .*no CUDA device"):
        driver.resolve_device("cuda")
    assert driver.resolve_device("auto") == "cpu"


def test_a_job_leaves_its_artifact_and_figures(upload):
    class Context:
        job_id = None
        folder = settings().home / "jobs" / "by-hand"

        @staticmethod
        def report(*_args, **_values):
            return None

    Context.folder.mkdir(parents=True)
    params = {"method": "redgnn", "data": f"upload:{upload}", "artifact": "redgnn-byhand"}
    params["overrides"] = SMALL
    result = driver.run_job(json.loads(json.dumps(params)), Context)
    assert result["artifact"] == "redgnn-byhand"
    assert set(result["metrics"]) >= {"mrr", "hits_at_10"}
    assert (Context.folder / "redgnn-byhand-0.pt").is_file()


@pytest.mark.slow
@pytest.mark.skipif(settings().mirror is None, reason="no local mirror of the data sets")
def test_inductive_wn18rr_v1_reaches_its_figure_in_minutes(tmp_path):
    artifact = driver.run(
        "redgnn", "WN18RR_v1", overrides={"num_epochs": 8}, device="cpu", root=tmp_path,
        checkpoints=tmp_path,
    )  # fmt: skip
    assert artifact.card.metric("mrr").value >= 0.66
