"""The symbolic regression page without a browser, on small simulated systems."""

import csv
import io
from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.physics.files import to_tables
from core.render.tables import to_safe_csv
from core.serving import physics_export, physics_job, physics_permalink
from core.serving import physics_question as pq
from core.serving import symbolic_regression as laws
from core.serving.physics_permalink import from_parameters
from pages.components import phys_answers, phys_state
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, plain, table, written

open_page = partial(steps.open_page, "symbolic_regression")
SMALL = {"system": "heat", "graphs": "60"}
pytestmark = pytest.mark.usefixtures("home")


def find(app: AppTest) -> AppTest:
    return check(app.button(key="phys_find").click().run())


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["phys_tabs"] = name
    return check(app.run())


def formulas(app: AppTest) -> list[list[str]]:
    return table(app, "Found by")


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["Symbolic regression"]
    assert "This is an example" in app.info[0].value
    answer = laws.answer(laws.examples()[0].question)
    assert len(formulas(app)) >= 3
    suggested = answer.formula()
    assert f"Formula {suggested.number} · suggested" in written(app)
    assert app.selectbox(key="phys_formula").value == suggested.number
    assert r"\mathbf{a}_{i} = \frac{\sum_{j \in N(i)}" in app.latex[0].value
    assert addresses(app) == {}
    assert errors(app) == []


def test_a_simulated_system_is_asked_and_the_law_is_found():
    app = open_page(**SMALL)
    app.number_input(key="phys_set_noise").set_value(0.0)
    app = check(app.run())
    assert "Out of date" in app.warning[0].value
    app = find(app)
    found = from_parameters(addresses(app)).query
    assert dict(found.settings)["noise"] == 0.0
    answer = laws.answer(found)
    assert answer.found
    assert answer.formula().r2 > 1 - 1e-9
    assert "k * dT" in answer.formula().text
    assert not app.warning


def test_another_formula_is_opened_and_its_address_says_so():
    app = open_page(**SMALL)
    numbers = [int(row[0].split()[0]) for row in formulas(app)]
    other = next(n for n in numbers if n != app.selectbox(key="phys_formula").value)
    app = check(app.selectbox(key="phys_formula").set_value(other).run())
    assert f"Formula {other}" in written(app)
    assert addresses(app)["formula"] == str(other)
    again = open_page(**addresses(app))
    assert again.selectbox(key="phys_formula").value == other
    assert formulas(again) == formulas(app)


def test_the_table_of_dependences_says_what_each_is_worth():
    app = open_tab(open_page(**SMALL), "Dependences")
    rows = table(app, "R² lost")
    assert {row[0] for row in rows} >= {"dT", "k"}
    losses = [float(row[3]) for row in rows]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 0.5
    for name in ("Check", "Graph", "Table", "Predictions", "Residuals", "Units"):
        app = open_tab(app, name)
        assert errors(app) == []
        shown = "Residuals against" in [box.label for box in app.selectbox]
        assert shown == (name == "Residuals")


def test_two_formulas_are_compared_where_they_disagree_most():
    app = open_page(**SMALL)
    app = check(app.multiselect(key="phys_compare_numbers").set_value([1, 2]).run())
    apart = [float(row[-1]) for row in table(app, "Apart")]
    assert apart == sorted(apart, reverse=True)
    assert [row[0] for row in table(app, "Measured on this server")][:2] == [
        "R² on unseen graphs", "Size"
    ]  # fmt: skip


def test_every_example_opens_with_its_answer():
    app = open_page()
    for example in laws.examples()[1:3]:
        app = check(app.selectbox(key="phys_example").set_value(example.id).run())
        assert example.sentence[:40] in written(app)
        assert addresses(app) == {"example": example.id}
        assert "This is an example" in app.info[0].value


def test_a_quantity_that_is_left_out_is_in_no_formula():
    app = open_page(**SMALL)
    app = find(check(app.checkbox(key="phys_use_q_k").uncheck().run()))
    assert addresses(app)["without"] == "k"
    answer = laws.answer(from_parameters(addresses(app)).query)
    assert all("k" not in one.text.split(" = ")[1].replace("k_", "") for one in answer.formulas)


def test_a_guess_that_is_no_formula_is_refused_and_the_button_waits():
    app = open_page(**SMALL)
    app = check(app.text_area(key="phys_guess").set_value("__import__('os')").run())
    assert any("PH-E09" in text for text in errors(app))
    assert app.button(key="phys_find").disabled
    app = check(app.text_area(key="phys_guess").set_value("2*k*dT").run())
    assert errors(app) == []
    app = find(app)
    assert from_parameters(addresses(app)).query.knowledge.guess


def test_a_target_without_a_law_is_an_answer():
    app = open_page(system="springs", graphs="40", noise="10", operators="add")
    assert any("PH-E08" in text for text in errors(app))
    assert "This is an answer too." in written(app)


def test_values_of_the_address_that_do_not_fit_are_named():
    app = open_page(**SMALL, pair="odd")
    assert "Left out of the address" in app.warning[0].value
    assert "pair" in app.warning[0].value
    assert "pair" not in addresses(app)


def test_the_csv_has_all_formulas_and_no_formula_for_a_spreadsheet():
    answer = laws.answer(from_parameters(SMALL).query)
    header, rows = physics_export.front_cells(answer)
    found = list(csv.DictReader(io.StringIO(to_safe_csv(rows, header))))
    assert [int(row["number"]) for row in found] == [one.number for one in answer.formulas]
    assert [row["suggested"] for row in found].count("yes") == 1
    assert float(found[0]["validation error"]) == answer.formulas[0].valid_error


def test_a_longer_search_is_a_job_with_pause_resume_and_stop(monkeypatch):
    monkeypatch.setitem(jobs.queue.JOB_KINDS, physics_job.KIND, "nowhere:nothing")
    app = open_page(**SMALL)
    app.radio(key="phys_budget").set_value("standard")
    app = find(check(app.run()))
    job = addresses(app)["job"]
    assert jobs.find(job).state == "queued"
    assert "No formula so far." in written(app)
    app = check(app.button(key="phys_pause").click().run())
    assert jobs.find(job).state == "cancelled"
    assert [badge for badge in ("Paused",) if badge in written(app)]
    app = check(app.button(key="phys_resume").click().run())
    assert jobs.find(job).state == "queued"
    app = check(app.button(key="phys_stop").click().run())
    assert jobs.find(job).state == "cancelled"
    assert any("PH-E21" in text for text in errors(app))
    assert not [button for button in app.button if button.key == "phys_pause"]
    again = open_page(job=job)
    assert [button for button in again.button if button.key == "phys_continue"]


def test_files_of_a_person_are_read_and_asked():
    system = pq.load_system(pq.of_simulator("heat", num_graphs=40, seed=3))
    kept = pq.keep_upload(system, "mine")
    app = open_page(upload=kept)
    assert errors(app) == []
    assert app.radio(key=phys_state.DATA).value == "upload"
    assert addresses(app)["upload"] == kept
    assert len(formulas(app)) >= 3
    assert sorted(to_tables(system)) == ["edges.csv", "nodes.csv", "targets.csv"]


def test_a_click_in_the_chart_opens_a_formula():
    points = phys_answers.points_of(laws.answer(from_parameters(SMALL).query))
    assert [one.number for one in points] == list(range(1, len(points) + 1))
    assert [one.knee for one in points].count(True) == 1


def test_earlier_answers_are_listed_newest_first_and_come_back():
    app = open_page(**SMALL)
    for noise in (0.1, 0.2):
        app.number_input(key="phys_set_noise").set_value(noise)
        app = find(check(app.run()))
    listed = [button for button in app.button if str(button.key).startswith("phys_history_")]
    assert len(listed) == 2
    app = check(listed[1].click().run())
    assert dict(from_parameters(addresses(app)).query.settings)["noise"] == 0.1
    assert plain(app.number_input(key="phys_set_noise").label) == "Noise"
    question = from_parameters(addresses(app)).query
    assert physics_permalink.to_parameters(question) == addresses(app)
