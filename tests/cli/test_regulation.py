import csv

import pytest

from core.serving.artifact import load_artifact
from core.settings import settings

needs_network = pytest.mark.skipif(
    not (settings().trained / "dash-planted" / "card.json").is_file(),
    reason="trained/dash-planted is not here",
)


@pytest.fixture
def toy(core, tmp_path):
    made = core("network", "simulate", str(tmp_path / "toy"), "--genes", "12", "--samples", "8")
    assert made.returncode == 0, made.stderr
    return tmp_path / "toy"


def test_simulated_files_are_those_of_the_network(toy):
    prior, truth = (list(csv.reader((toy / name).open())) for name in ("prior.csv", "truth.csv"))
    assert prior[0] == truth[0] == ["regulator", "target", "weight"]
    assert len(prior) == len(truth) > 8
    table = list(csv.reader((toy / "expression.csv").open()))
    assert table[0][:4] == ["sample", "time", "TF01", "TF02"]
    assert len(table) == 1 + 8 * 8


def test_findings_come_with_their_repairs(core, toy):
    table = toy / "expression.csv"
    header, first, *more = table.read_text().splitlines()
    table.write_text("\n".join([header, *more, first]))
    asked = core("network", "infer", str(table), str(toy / "prior.csv"))
    assert asked.returncode == 1
    assert "GR-E02 · Times do not increase" in asked.stderr
    assert "  --repair times:sort  (Sort by time)" in asked.stderr
    useless = core("network", "infer", str(table), str(toy / "prior.csv"), "--trust", "1")
    assert "GR-E07" in useless.stderr
    gone = core("network", "show", "0123456789")
    assert (gone.returncode, "GR-E31" in gone.stderr) == (1, True)
    wrong = core("network", "simulate", str(toy), "--genes", "5")
    assert (wrong.returncode, "GR-E10" in wrong.stderr) == (1, True)


@needs_network
def test_a_network_is_shown_and_exported(core):
    shown = core("network", "show", "planted").stdout.splitlines()
    assert shown[0].split() == [
        "regulator", "in", "model", "kept", "new", "refused", "contradicted", "selected",
    ]  # fmt: skip
    name = shown[1].split()[0]
    edges = core("network", "show", "planted", "--regulator", name).stdout.splitlines()[1:]
    assert len(edges) == int(shown[1].split()[1]) + int(shown[1].split()[4])
    table = list(csv.DictReader(core("network", "export", "planted").stdout.splitlines()))
    sif = core("network", "export", "planted", "--format", "sif").stdout.splitlines()
    total = int(shown[-1].split()[0])
    assert len(table) == len(sif) == total
    found = load_artifact("dash-planted", settings().trained).knowledge
    assert sum(row["class"] in ("kept", "new", "contradicted") for row in table) == len(
        found["effect"]
    )
    wrong = core("network", "export", "planted", "--format", "word")
    assert (wrong.returncode, "GR-E27" in wrong.stderr) == (1, True)


@pytest.mark.slow
def test_a_network_is_inferred_and_found_again(core, toy):
    files = (str(toy / "expression.csv"), str(toy / "prior.csv"))
    made = core("network", "infer", *files, "--trust", "0.8", "--resamples", "0")
    assert made.returncode == 0, made.stderr
    first, *table = made.stdout.splitlines()
    again = core("network", "show", first.split()[1], "--trust", "0.8", "--resamples", "0")
    assert again.stdout.splitlines() == table
    assert table[-1].endswith("weights kept")
