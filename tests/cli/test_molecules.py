"""Few-shot molecules by command, with the models that ship."""

import csv

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.serving.molecule_table import example_file


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "assay.csv"
    path.write_bytes(example_file() + b"broken,C1CC(,\n")
    return path


def run(*words: object):
    return CliRunner().invoke(app, ["molecules", *map(str, words)])


def test_models_are_listed_with_their_figures():
    lines = run("models").output.splitlines()
    assert lines[0].split()[0] == "model"
    figures = {line.split()[0]: float(line.split()[1]) for line in lines[1:]}
    assert {"par-tox21", "pacia-tox21", "protonet-tox21", "nearest-tox21"} <= set(figures)
    assert all(0.5 < value < 1 for value in figures.values())


def test_a_table_is_ranked_and_written(table, tmp_path):
    csv_file, sdf_file = tmp_path / "out.csv", tmp_path / "out.sdf"
    found = run(
        "predict", table, "--model", "nearest-tox21", "--csv", csv_file, "--sdf", sdf_file,
        "--top", 3,
    )  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "MO-E01" in found.output
    rows = list(csv.DictReader(csv_file.open(encoding="utf-8")))
    assert rows[-1]["name"] == "broken"
    assert rows[-1]["status"] == "refused"
    best = min((row for row in rows if row["rank"]), key=lambda row: int(row["rank"]))
    assert found.output.splitlines()[1].split()[1] == best["id"]
    assert sdf_file.read_text(encoding="utf-8").count("$$$$") == len(rows) - 1


def test_reasons_are_checked(table):
    found = run("explain", table, "C1", "--model", "nearest-tox21")
    assert found.exit_code == 0, found.output
    assert "with only this evidence" in found.output
    assert "SUPPORTED" in found.output or "PARTLY" in found.output


def test_a_file_that_is_not_there_and_a_folder_that_is_not_there(table, tmp_path):
    missing = run("predict", tmp_path / "none.csv")
    assert missing.exit_code == 1
    assert "cannot be read" in str(missing.exception)
    nowhere = run("predict", table, "--csv", tmp_path / "no" / "out.csv")
    assert "There is no folder" in str(nowhere.exception)
