"""Commands about interactions of drugs, answered by the shipped model of the starter network."""

import csv
import re

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.data.interaction_uploads import example_network_files
from core.errors import InputError
from core.serving.ddi_networks import context
from core.serving.ddi_scan import scan
from core.serving.drug_interaction import NewDrug, Query, answer

FLUOXETINE = "CNCCC(Oc1ccc(cc1)C(F)(F)F)c1ccccc1"
NEW = ("--new", "XY-123", "--smiles", FLUOXETINE, "--fact", "inhibitor-strong=CYP2D6")
COMPOUND = NewDrug("XY-123", FLUOXETINE, (("inhibitor-strong", "CYP2D6"),))


def ask(*words: str) -> list[str]:
    """Lines that `python -m core interaction` prints; its errors are raised."""
    done = CliRunner().invoke(app, ["interaction", *words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def probabilities(lines: list[str]) -> list[float]:
    """Column "probability" of a table that begins with the row's number."""
    found = [re.match(r"\d+ +(\d\.\d{4}) ", line) for line in lines]
    return [float(one[1]) for one in found if one]


def refused(*words: str) -> InputError:
    with pytest.raises(InputError) as caught:
        ask(*words)
    return caught.value


def test_a_prediction_is_that_of_the_page_whatever_a_drug_is_called():
    found = answer(Query("starter", "fluconazole", "warfarin"))
    lines = ask("predict", "starter", "Fluconazole", "Coumadin", "--top", "5")
    assert lines[0] == "fluconazole and warfarin"
    expected = [round(row.probability, 4) for row in found.rows[:5]]
    assert probabilities(lines) == pytest.approx(expected)
    assert found.rows[0].sentence in lines[2]
    assert lines[2].split()[:6] == [
        "1", f"{found.rows[0].probability:.4f}", f"{found.rows[0].path_probability:.4f}",
        f"{found.rows[0].vote_share:.0%}", "in", "held",
    ]  # fmt: skip
    assert f"S1: {found.setting_note}" in lines
    assert re.search(r"right in \d+%; similar drugs alone reach \d+%", found.setting_note)
    assert lines[7].startswith(f"{found.set_size} of {len(found.rows)} are in the set")


def test_a_known_pair_is_said_to_be_known():
    lines = ask("predict", "starter", "fluoxetine", "metoprolol")
    assert any(line.startswith("DD-E06 · Already known. ") for line in lines)


def test_a_new_compound_takes_the_place_of_the_first_drug():
    found = answer(Query("starter", COMPOUND, "metoprolol"))
    lines = ask("predict", "starter", "metoprolol", *NEW)
    assert lines[0] == "XY-123 and metoprolol"
    assert found.rows[0].sentence in lines[2]
    expected = [round(row.probability, 4) for row in found.rows[:10]]
    assert probabilities(lines) == pytest.approx(expected)


def test_two_new_compounds_and_facts_from_a_file(tmp_path):
    table = tmp_path / "facts.csv"
    table.write_text("relation,entity\ninhibitor-strong,CYP2D6\nblocks,nothing\n")
    words = ("--second-new", "B", "--second-fact", "substrate-sensitive=CYP2D6")
    done = CliRunner().invoke(
        app,
        ["interaction", "predict", "starter", "--new", "A", "--facts", str(table), *words],
        catch_exceptions=False,
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "A and B"
    first = NewDrug("A", "", (("inhibitor-strong", "CYP2D6"),))
    second = NewDrug("B", "", (("substrate-sensitive", "CYP2D6"),))
    expected = answer(Query("starter", first, second))
    assert probabilities(lines)[0] == pytest.approx(expected.rows[0].probability, abs=1e-4)
    assert any(line.startswith("DD-E07 · New–new pair. ") for line in lines)
    assert done.stderr.startswith('line 3 left out: "nothing" is not in this network.')


def test_a_fact_can_be_left_out_and_another_supposed():
    changes = (
        "--edit", "remove|quinidine|inhibitor-strong|CYP2D6",
        "--edit", "add|quinidine|inhibitor-strong|CYP3A4",
    )  # fmt: skip
    query = Query(
        "starter", "quinidine", "nebivolol",
        (("quinidine", "inhibitor-strong", "CYP2D6"),),
        (("quinidine", "inhibitor-strong", "CYP3A4"),),
    )  # fmt: skip
    changed = probabilities(ask("predict", "starter", "quinidine", "nebivolol", *changes))
    expected = [round(row.probability, 4) for row in answer(query).rows[:10]]
    assert changed == pytest.approx(expected)
    assert changed != probabilities(ask("predict", "starter", "quinidine", "nebivolol"))


def test_an_explanation_ends_with_a_verdict_and_the_smallest_evidence():
    text = "\n".join(
        ask("explain", "starter", "fluconazole", "warfarin", "--type", "metabolism-decreased")
    )
    assert text.startswith("fluconazole can slow the metabolism of warfarin. Probability 0.")
    parts = [part.splitlines() for part in text.split("\n\n")]
    heads = [part[0].split("  ")[0] for part in parts[1:]]
    assert heads == [
        "fall", "protein", "disease or effect", "known drug", "only", "paths", "shared", "share",
        "score with everything",
    ]  # fmt: skip
    facts, nodes, shared, check = parts[1], parts[2], parts[7], parts[9]
    assert any("|CYP2C9" in line for line in facts)
    assert nodes[1].startswith("CYP2C9")
    assert re.search(r"CYP2C9.*Gene.*moderate inhibitor of \(FDA.+S-warfarin \(FDA", shared[1])
    assert re.match(r"(SUPPORTED|PARTLY|NOT SUPPORTED): ", check[4])
    assert re.match(r"\d+ of \d+ facts are enough:", check[5])
    enough = int(check[5].split()[0])
    assert 0 < enough <= len(facts) - 1
    assert len(check) == 6 + enough


def test_another_row_is_explained_on_request():
    rows = answer(Query("starter", "fluconazole", "warfarin")).rows
    assert ask("explain", "starter", "fluconazole", "warfarin", "--row", "3")[0].startswith(
        rows[2].sentence
    )
    assert refused("explain", "starter", "fluconazole", "warfarin", "--row", "999").code == "DD-E04"
    error = refused("explain", "starter", "fluconazole", "warfarin", "--type", "bleading")
    assert 'Did you mean "bleeding"' in str(error)


def test_nothing_is_checked_where_no_path_joins_the_drugs():
    lines = ask("explain", "starter", "warfarin", "--new", "X", "--smiles", "C")
    assert any(line.startswith("No path of at most 3 steps joins X and warfarin") for line in lines)
    assert not any("SUPPORTED" in line for line in lines)


def test_a_scan_is_printed_and_written(tmp_path):
    file = tmp_path / "scan.csv"
    lines = ask("scan", "starter", "warfarin", "--top", "3", "--csv", str(file))
    table = scan("warfarin", "starter")
    expected = [round(row.probability, 4) for row in table.rows[:3]]
    assert probabilities(lines) == pytest.approx(expected)
    assert lines[-1] == f"{file}: {len(table.rows)} rows"
    with file.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == context("starter").network.num_drugs - 1
    assert [row["partner_id"] for row in rows] == [row.partner_id for row in table.rows]
    fresh = ask("scan", "starter", *NEW, "--top", "1")
    assert fresh[-1].startswith(f"XY-123 against {len(rows) + 1} drugs")


def test_several_drugs_are_predicted_in_pairs():
    lines = ask("regimen", "starter", "warfarin", "fluconazole", "metoprolol", *NEW)
    assert len(lines) == 7
    scores = [float(re.search(r"  (\d\.\d{4})  ", line)[1]) for line in lines[1:]]
    assert scores == sorted(scores, reverse=True)
    assert any(line.startswith("XY-123 + metoprolol  ") for line in lines)


def test_networks_relations_and_drugs_are_found():
    rows = {line.split()[0]: line.split() for line in ask("list")}
    network = context("starter").network
    assert rows["starter"][1:4] == [str(network.num_drugs), str(network.num_types), "yes"]
    shown = ask("show", "starter")
    assert any(re.match(r"inhibitor-strong +is a strong inhibitor of +CYP", one) for one in shown)
    assert any(line.startswith("bleeding ") and "#Drug1" in line for line in shown)
    assert ask("find", "starter", "coumad")[1].split(None, 2)[0] == "warfarin"
    assert "structure" in ask("find", "starter", FLUOXETINE)[1]
    proteins = ask("find", "starter", "CYP2D", "--relation", "inhibitor-strong")
    assert [line.split()[0] for line in proteins[1:]] == ["CYP2D6"]
    assert ask("find", "starter", "CYP1", "--relation", "effect") == [
        'Nothing in this network fits "CYP1".'
    ]


def test_an_own_network_is_kept_and_asked(tmp_path):
    paths = []
    for name, content in example_network_files().values():
        paths.append(tmp_path / name)
        paths[-1].write_bytes(content)
    paths[1].write_bytes(paths[1].read_bytes() + b"D3,inhibits\n")
    done = CliRunner().invoke(
        app, ["interaction", "upload", *map(str, paths)], catch_exceptions=False
    )
    network, summary, hint = done.stdout.splitlines()
    assert re.fullmatch(r"upload:[\w-]+", network)
    assert summary.startswith("4 drugs, 4 facts about 6 entities, 1 interactions of 1 types read.")
    assert done.stderr.startswith("facts, line 6 left out: ")
    assert f"`python -m core train {network} --method emergnn`" in hint
    assert any(line.split()[:4] == [network, "4", "1", "no"] for line in ask("list", network))
    assert ask("find", network, "fluox")[1].split()[0] == "D1"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("predict", "starter", "warfarin"), "DD-E01"),
        (("predict", "starter", "warfarin", "metoprolol", *NEW), "DD-E01"),
        (("predict", "starter", "warfarin", "Coumadin"), "DD-E01"),
        (("predict", "starter", "warfarinn", "metoprolol"), "DD-E02"),
        (("predict", "nowhere", "warfarin", "metoprolol"), "DD-E02"),
        (("predict", "starter", "warfarin", "--new", "X"), "DD-E03"),
        (("predict", "starter", "warfarin", "--new", "X", "--fact", "inhibitor"), "DD-E04"),
        (("predict", "starter", "warfarin", "--new", "X", "--fact", "inhibitor=P53X"), "DD-E04"),
        (("predict", "starter", "warfarin", "--new", "X", "--smiles", "c1ccc"), "MO-E01"),
        (("predict", "starter", "quinidine", "nebivolol", "--edit", "drop|a|b"), "KG-E08"),
        (("scan", "starter"), "DD-E01"),
        (("regimen", "starter", "warfarin"), "DD-E01"),
    ],
)
def test_questions_that_cannot_be_asked_are_refused(words, code):
    assert refused(*words).code == code


def test_errors_are_one_line_and_exit_code_one(core, tmp_path):
    done = core("interaction", "predict", "starter", "warfarinn", "metoprolol")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        'DD-E02 · Drug not found. "warfarinn" is not in this network. Did you mean "warfarin"? '
        "Pick one from the list, or enter it as a new compound.\n"
    )
    missing = core("interaction", "upload", str(tmp_path / "a.csv"), str(tmp_path / "b.csv"))
    assert (missing.returncode, missing.stderr) == (1, f"There is no file {tmp_path / 'a.csv'}.\n")
    nowhere = core("interaction", "scan", "starter", "warfarin", "--csv", str(tmp_path / "x" / "y"))
    assert (nowhere.returncode, nowhere.stdout) == (1, "")
    assert nowhere.stderr == f"There is no folder {tmp_path / 'x'}.\n"
