"""Training of interaction methods and measuring them again, by command."""

import csv
import re
from pathlib import Path

import pytest

from core import jobs
from core.cli.training import _as_served
from core.data.starter_network import load_starter
from core.serving.artifact import load_artifact
from core.serving.ddi_training import submit_training


def test_an_own_network_is_trained_as_its_page_trains_it():
    params = jobs.find(submit_training("upload:abcdefghij", "mine")).params
    data, name, overrides = _as_served("upload:abcdefghij", "", {})
    assert (data, name, overrides) == (params["data"], params["artifact"], params["overrides"])


@pytest.mark.parametrize(
    ("data_set", "name", "expected"),
    [
        ("starter-S1", "", ("starter-S1", "emergnn-starter-s1")),
        ("drugbank-random-S2", "", ("drugbank-random-S2", "emergnn-drugbank-s2")),
        ("drugbank-random-S1", "mine", ("drugbank-random-S1", "mine")),
        ("drugbank-random-S0", "", ("drugbank-random-S0", "")),
        ("upload:a-b-S2", "", ("upload:a-b-S2", "emergnn-a-b-s2")),
    ],
)
def test_a_model_gets_the_name_under_which_its_network_looks_for_it(data_set, name, expected):
    assert _as_served(data_set, name, {})[:2] == expected


def test_settings_of_a_person_win():
    overrides = _as_served("upload:abc", "", {"num_epochs": 1})[2]
    assert overrides["num_epochs"] == 1
    assert overrides["hidden_dim"] == 32


def write_own_network(folder: Path) -> list[str]:
    """Tables with drugs, facts and training interactions of the starter network, other words."""
    starter = load_starter()
    network = starter.network
    ids = network.entities
    drugs = zip(ids, network.entity_names, network.smiles, strict=False)
    facts = ((ids[h], f"own {network.relations[r].id}", ids[t]) for h, r, t in network.edges)
    known = ((ids[h], network.types[k].id, ids[t]) for h, k, t in starter.split().train)
    tables = {
        "drugs.csv": [("id", "name", "smiles"), *drugs],
        "facts.csv": [("head", "relation", "tail"), *facts],
        "interactions.csv": [("drug1", "type", "drug2"), *known],
    }
    for name, rows in tables.items():
        with (folder / name).open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows(rows)
    return [str(folder / name) for name in tables]


def test_an_own_network_is_uploaded_trained_and_asked(core, tmp_path):
    uploaded = core("interaction", "upload", *write_own_network(tmp_path))
    network = uploaded.stdout.splitlines()[0]
    refused = core("interaction", "predict", network, "warfarin", "fluconazole")
    assert refused.returncode == 1
    trained = core("train", network, "--method", "emergnn", "--set", "num_epochs=1")
    assert trained.returncode == 0, trained.stderr
    assert re.search(r"^test S1 +plus accuracy +0\.\d{4}", trained.stdout, re.MULTILINE)
    assert network in core("interaction", "list", network).stdout
    found = core("interaction", "predict", network, "warfarin", "fluconazole")
    assert found.stdout.startswith("warfarin and fluconazole\n#"), found.stderr


def test_too_few_interactions_to_train_are_one_line(core, tmp_path):
    drugs, facts, _ = write_own_network(tmp_path)
    network = core("interaction", "upload", drugs, facts).stdout.splitlines()[0]
    refused = core("train", network, "--method", "emergnn")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert re.fullmatch(r"\w\w-E\d\d · .+\n", refused.stderr)


def test_a_served_interaction_model_is_measured_again(core):
    done = core("evaluate", "emergnn-starter-s1", "starter-S1")
    assert done.returncode == 0, done.stderr
    card = load_artifact("emergnn-starter-s1").card
    for name in ("accuracy", "plus accuracy", "plus f1", "vote accuracy"):
        (line,) = re.findall(rf"^test S1  {name} +(\S+)$", done.stdout, re.MULTILINE)
        metric = card.metric(name, "test S1")
        # the served seed is one of those averaged, which bounds how far it is from the mean
        bound = (len(metric.seeds) - 1) / len(metric.seeds) ** 0.5 * metric.std
        assert float(line) == pytest.approx(metric.value, abs=bound + 1e-3)


def test_an_unknown_method_and_setting_are_refused(core):
    unknown = core("train", "starter-S1", "--method", "emergn")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert unknown.stderr.startswith('TR-E02 · Unknown method. "emergn" ')
    setting = core("train", "starter", "--method", "emergnn")
    assert setting.stderr.startswith("TR-E04 · Unknown data set. ")
