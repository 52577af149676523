import json


def test_a_law_is_found_shown_and_exported(core, tmp_path):
    file = tmp_path / "found.json"
    made = core("law", "find", "heat", "--graphs", "60", "--out", str(file))
    assert made.returncode == 0, made.stderr
    assert "R² test" in made.stdout
    record = json.loads(file.read_text())
    shown = core("law", "show", str(file))
    assert shown.stdout == made.stdout
    assert record["discovery"]["verdict"] in shown.stdout
    code = core("law", "export", str(file), "--format", "python")
    assert "def " in code.stdout
    assert core("law", "export", str(file), "--format", "word").returncode == 1


def test_systems_are_listed_and_simulated(core, tmp_path):
    listed = core("law", "list")
    assert "springs" in listed.stdout
    made = core("law", "simulate", "heat", str(tmp_path / "heat.zip"), "--graphs", "40")
    assert "40 graphs" in made.stdout
    found = core("law", "find", str(tmp_path / "heat.zip"))
    assert found.returncode == 0, found.stderr
    assert "dT" in found.stdout.splitlines()[-1]
    wrong = core("law", "simulate", "heat", str(tmp_path / "heat.txt"))
    assert (wrong.returncode, "neither" in wrong.stderr) == (1, True)


def test_unknown_names_are_explained(core):
    assert "PH-E10" in core("law", "simulate", "sprinsg", "x.zip").stderr
    assert core("law", "show", "nothing").returncode == 1
