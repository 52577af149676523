"""The few-shot molecular property page without a browser, on small hand-made models."""

import csv
import io
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.example_assays import load_example_assays
from core.serving import few_shot, mol_evidence, mol_export, mol_permalink
from core.serving import molecular_property as mol
from core.serving.molecule_table import example_file, read_file
from core.settings import settings
from pages.components import mol_answers, mol_state, mol_table
from pages.components.verdict import show_score
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, plain, table, written
from tests.serving.toy_molecules import ASKED, NITRO, PLAIN, lists_of, write_artifacts

METHODS = ("par", "pacia", "protonet")
BAD = "\n".join((
    "C1CC( broken", "C" * 412 + " large", "C" * 2_000 + " long", "CCO.[Na+].[Cl-] salt",
    "O=[N+]([O-])c1ccccc1 repeated", "[Pt](Cl)Cl metal", "aspirin", "CCN fine",
))  # fmt: skip


@pytest.fixture(scope="session")
def toys(tmp_path_factory):
    return write_artifacts(tmp_path_factory.mktemp("trained"), *METHODS)


@pytest.fixture(autouse=True)
def served(home, toys, monkeypatch):
    """Toy artifacts in place of the trained ones, nothing kept from other tests."""
    monkeypatch.setenv("PARSIMONY_TRAINED", str(toys))
    settings.cache_clear()
    few_shot._artifact.cache_clear()
    mol._answer.cache_clear()
    mol._first.cache_clear()
    yield home
    settings.cache_clear()
    few_shot._artifact.cache_clear()
    mol._answer.cache_clear()
    mol._first.cache_clear()


open_page = partial(steps.open_page, "molecular_property")


def type_lists(app: AppTest, active=NITRO, inactive=PLAIN, candidate=ASKED) -> AppTest:
    for role, text in (("active", active), ("inactive", inactive), ("candidate", candidate)):
        app.text_area(key=f"mol_text_{role}").set_value(text)
    return check(app.run())


def predict(app: AppTest) -> AppTest:
    return check(app.button(key="mol_predict").click().run())


def own(model="protonet-toy", **change) -> mol.Question:
    return mol.Question(model, lists_of(NITRO, PLAIN, ASKED), **change)


def warnings(app: AppTest) -> str:
    return "\n".join(plain(box.value) for box in app.warning)


def shown(app: AppTest) -> list[str]:
    """Titles offered in the list of evidence, in the order of the ranks."""
    return [plain(text).partition(" · ")[2] for text in app.selectbox(key="mol_row").options]


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["mol_tabs"] = name
    return check(app.run())


def test_a_first_answer_stands_where_the_whole_one_takes_long(monkeypatch):
    seen = []
    monkeypatch.setattr(mol_answers, "_show_first", seen.append)
    app = open_page(model="pacia-toy")
    [first] = seen
    assert first.shuffle is None
    assert [one.probability for one in first.ranked] == [
        one.probability for one in mol.answer(first.question).ranked
    ]
    check(app.run())
    check(open_page(model="protonet-toy"))
    assert len(seen) == 1


def test_a_molecule_says_when_the_training_molecules_are_not_here():
    app = open_tab(open_page(model="protonet-toy"), "Molecule")
    assert "the data set is not on this server. `python -m core data get toy`" in written(app)
    assert "Nearest training molecule" not in written(
        open_tab(open_page(model="nearest-toy"), "Molecule")
    )


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["Few-shot molecular property"]
    assert "This is an example" in app.info[0].value
    expected = mol.answer(mol_permalink.example_question())
    assert shown(app) == [one.row.title for one in expected.ranked]
    first = expected.ranked[0]
    assert f"P(active) **{show_score(first.probability)}**" in written(app)
    assert expected.shuffle.sentence in written(app)
    assert "Research use only." in written(app)
    assert addresses(app) == {}
    assert errors(app) == []


def test_three_pasted_lists_are_ranked_and_explained():
    app = predict(type_lists(open_page(model="protonet-toy")))
    answer = mol.answer(own())
    assert shown(app) == [one.row.title for one in answer.ranked]
    assert mol_permalink.from_parameters(addresses(app)).query == own()
    explanation = mol_evidence.explain(own(), answer.ranked[0].row.id)
    assert explanation.statement in written(app)
    verdict = mol_evidence.check(own(), answer.ranked[0].row.id, explanation.cited)
    assert verdict.sentence in written(app)
    assert verdict.verdict in written(app)


def test_a_changed_input_leaves_the_answer_and_marks_it_out_of_date():
    app = open_page()
    before = shown(app)
    app = type_lists(app)
    assert "Out of date" in warnings(app)
    assert shown(app) == before
    check(app.button(key="update_answer").click().run())
    assert set(shown(app)) == {"chloro", "sugar", "phenyl", "ether"}


def test_every_bad_row_has_its_code_and_the_others_are_predicted():
    app = predict(type_lists(open_page(model="protonet-toy"), candidate=BAD))
    rows = {row[0]: row[2] for row in table(app, "What is wrong")}
    assert rows == {
        "C1": "MO-E01", "C2": "MO-E02", "C3": "MO-E03", "C4": "MO-E04", "C5": "MO-E07",
        "C6": "MO-E08", "C7": "MO-E09",
    }  # fmt: skip
    assert set(shown(app)) == {"salt", "metal", "fine"}
    app.radio(key="mol_view").set_value(mol_answers.VIEWS[1])
    check(app.run())
    every = table(app, "Codes")
    assert [row[1] for row in every] == [
        "broken", "large", "long", "salt", "repeated", "metal", "C7", "fine"
    ]  # fmt: skip
    assert [row[2] for row in every][3:6] == ["fixed", "known, not scored", "ok"]


def test_a_class_without_molecules_is_refused_and_the_answer_stays():
    app = open_page()
    before = shown(app)
    app = predict(type_lists(app, inactive=""))
    assert "MO-E06" in errors(app)[0]
    assert shown(app) == before


def test_a_molecule_in_both_classes_is_named():
    app = predict(type_lists(open_page(), active=f"{NITRO}\nCCO both", inactive=f"{PLAIN}\nOCC"))
    assert {row[2] for row in table(app, "What is wrong")} == {"MO-E05"}


@pytest.mark.parametrize("model", ["par-toy", "pacia-toy", "ridge-toy", "nearest-toy"])
def test_every_method_answers(model):
    app = open_page(**mol_permalink.to_parameters(own(model)))
    assert shown(app) == [one.row.title for one in mol.answer(own(model)).ranked]
    assert errors(app) == []


@pytest.mark.parametrize(
    ("tab", "text"),
    [
        ("Known molecules", "measured by leaving it out"),
        ("Check", "Fewer known molecules are a harder task"),
        ("Atoms", "Blue halo"),
        ("Same scaffold", "Murcko scaffold"),
        ("Molecule", "InChIKey"),
        ("Depth", "adapted numbers"),
    ],
)
def test_every_view_of_the_evidence(tab, text):
    app = open_tab(open_page(model="pacia-toy"), tab)
    assert text in written(app)
    assert errors(app) == []


def test_a_task_card_predicts_without_the_known_molecules():
    made = mol_export.task_card(own("pacia-toy"))
    app = open_page(**mol_permalink.to_parameters(own("pacia-toy")))
    before = mol.answer(own("pacia-toy"))
    app.session_state[mol_state.CARD] = made
    app.text_area(key="mol_text_active").set_value("")
    app.text_area(key="mol_text_inactive").set_value("")
    app = predict(check(app.run()))
    assert errors(app) == []
    found = mol_state_answer(app)
    assert [one.probability for one in found.predictions] == pytest.approx(
        [one.probability for one in before.predictions]
    )
    assert "The task comes from a card" in written(app) + warnings(app)


def mol_state_answer(app: AppTest) -> mol.Answer:
    return mol.answer(app.session_state["mol_link"].query)


def test_methods_side_by_side_disagreements_first():
    app = open_page(**mol_permalink.to_parameters(own()))
    models = ["protonet-toy", "nearest-toy"]
    check(app.multiselect(key="mol_compare_models").set_value(models).run())
    check(app.button(key="mol_compare").click().run())
    rows = table(app, "Disagreement")
    expected = mol.compare(own(), models)
    assert [row[0] for row in rows] == [one.row.title for one in expected.rows]
    falls = [float(row[-1]) for row in rows]
    assert falls == sorted(falls, reverse=True)


def test_a_flipped_label_changes_ranks_and_becomes_the_question():
    app = open_page(**mol_permalink.to_parameters(own()))
    check(app.button(key="mol_what_if_ask").click().run())
    rows = table(app, "Rank before")
    assert {row[0] for row in rows} == {"chloro", "sugar", "phenyl", "ether"}
    check(app.button(key="mol_what_if_apply").click().run())
    lists = app.session_state["mol_link"].query.lists
    assert (len(lists.active), len(lists.inactive)) == (3, 5)
    assert "Out of date" not in warnings(app)


def test_salts_may_be_refused_instead_of_stripped():
    salt = "CC[NH3+].[Cl-] salt\nCCO fine"
    app = predict(type_lists(open_page(model="protonet-toy"), candidate=salt))
    assert set(shown(app)) == {"salt", "fine"}
    app.checkbox(key="mol_strip").uncheck()
    app = predict(app)
    assert shown(app) == ["fine"]


def test_a_row_that_is_opened_is_in_the_address_and_comes_back():
    second = mol.answer(own()).ranked[1].row.id
    parameters = mol_permalink.to_parameters(own(), second)
    app = open_page(**parameters)
    assert app.selectbox(key="mol_row").value == second
    assert addresses(app) == parameters


def test_a_tampered_address_is_told_and_taken_out():
    app = open_page(model="<script>", threshold="9", colour="red")
    assert "model, threshold, colour" in warnings(app)
    assert addresses(app) == {}


def test_lists_too_long_for_an_address_are_stored():
    many = "\n".join(f"{'C' * 60}{'C' * (n % 7)}O chain-{n:03d}-{'x' * 100}" for n in range(60))
    app = predict(type_lists(open_page(model="nearest-toy"), candidate=many))
    kept = addresses(app)
    assert set(kept) == {"result"}
    again = open_page(**kept)
    assert again.session_state["mol_link"].query == app.session_state["mol_link"].query


def test_earlier_answers_are_those_of_the_session_alone():
    app = predict(type_lists(open_page()))
    [button] = [one for one in app.button if one.key.startswith("mol_history_")]
    stranger = open_page()
    assert not [one for one in stranger.button if one.key.startswith("mol_history_")]
    check(app.selectbox(key="mol_example").set_value(mol_permalink.examples()[0].id).run())
    check(app.button(key=button.key).click().run())
    assert set(shown(app)) == {"chloro", "sugar", "phenyl", "ether"}


def test_the_csv_has_every_row_and_no_formula():
    bad = f"{BAD}\nCCCO =HYPERLINK(1)"
    answer = mol.answer(mol.Question("protonet-toy", lists_of(NITRO, PLAIN, bad)))
    from core.render.tables import to_safe_csv

    header, rows = mol_export.cells(answer)
    found = list(csv.DictReader(io.StringIO(to_safe_csv(rows, header))))
    assert len(found) == 9
    assert found[-1]["name"] == "'=HYPERLINK(1)"


def test_more_than_the_page_takes_is_a_job():
    many = "\n".join(f"{'C' * (n % 30 + 1)}O a{n}" for n in range(1_001))
    app = type_lists(open_page(model="nearest-toy"), candidate=many)
    assert app.button(key="mol_predict").label == "Predict as a job"
    app = predict(app)
    assert "place 1 in the queue" in written(app)
    jobs.work(once=True)
    check(app.run())
    assert "1,001 rows; the CSV has all" in written(app)


def test_the_ledger_shows_both_protocols_with_baselines():
    app = open_page(model="pacia-toy")
    rows = {row[0]: row[1:] for row in table(app, "Measured on this server")}
    ledger = mol.answer(mol_permalink.from_parameters({"model": "pacia-toy"}).query).ledger
    assert rows["Adapted to this task"] == [f"{ledger.adapted:,}"]
    assert "PACIA (served)" in written(app)
    assert "nearest neighbours" in written(app)


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "[a](javascript:alert(1))"])
def test_hostile_names_are_text(name):
    app = predict(type_lists(open_page(), candidate=f"CCO {name}"))
    assert errors(app) == []
    assert f"**{name}**" in written(app)


def test_the_file_of_the_example_fills_the_boxes():
    lists = read_file(example_file())
    first = next(one for one in load_example_assays()[0].support if one.active)
    assert mol_state.say_entries(lists.active).splitlines()[0] == f"{first.smiles} {first.name}"
    assert mol_state.say_entries(lists_of("", "", "C\n" * 501).candidate) is None


def test_the_table_builds_its_cells_without_reading_html():
    script = "".join(path.read_text() for path in mol_table.FILES.iterdir())
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(",
                 "srcdoc", "fetch(", "http://", "https://", "@import"):  # fmt: skip
        assert word not in script, word
