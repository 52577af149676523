"""The gene regulation page without a browser, on a small network that is its own truth."""

from functools import partial

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.data.regulation.files import EXPRESSION, PRIOR, example_files
from core.data.regulation.uploads import read_measurements
from core.serving import gene_regulation as grn
from core.serving import grn_job, grn_uploads
from core.serving.grn_question import Question
from core.settings import settings
from tests.pages import steps
from tests.pages.steps import addresses, check, errors, plain, table, written
from tests.serving import toy_regulation as toy

open_page = partial(steps.open_page, "gene_regulation")
HOSTILE = ("<img src=x onerror=alert(1)>", "=HYPERLINK(1)", "javascript:alert(1)", "x" * 5000)


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """A folder with the toy network as the only example."""
    folder = tmp_path_factory.mktemp("examples")
    toy.write(folder, "dash-planted")
    return folder


@pytest.fixture(autouse=True)
def only_toys(home, examples, monkeypatch):  # noqa: ARG001 - a home of its own
    monkeypatch.setenv("PARSIMONY_TRAINED", str(examples))
    settings.cache_clear()


@pytest.fixture
def upload() -> str:
    files = example_files()
    reading = read_measurements((EXPRESSION, files[EXPRESSION]), (PRIOR, files[PRIOR]))
    return grn_uploads.keep(reading, "mine.csv")


def open_tab(app: AppTest, name: str) -> AppTest:
    app.session_state["grn_tabs"] = name
    return check(app.run())


def infer(app: AppTest) -> AppTest:
    return check(app.button(key="grn_infer").click().run())


def regulators(app: AppTest) -> list[list[str]]:
    return table(app, "Refused")


def test_the_page_opens_answered_with_its_example():
    app = open_page()
    assert [title.value for title in app.title] == ["Gene regulation"]
    assert "This is an example" in app.info[0].value
    assert regulators(app)[0] == ["R1", "6", "6", "0", "0", "0", "0.90"]
    text = written(app)
    assert "51 of 512 weights kept (90.0% pruned)" in text
    assert "15 edges** = 10 kept + 2 refused + 2 new + 1 opposite" in text
    assert "SUPPORTED" in text
    assert app.selectbox(key="grn_regulator").value == "R1"
    assert (addresses(app), errors(app)) == ({}, [])


def test_counts_of_the_regulators_add_up_to_the_shown_total():
    rows = regulators(open_page())
    sums = [sum(int(row[column]) for row in rows) for column in range(1, 6)]
    assert sums == [13, 10, 2, 1, 2]
    assert all(int(row[1]) == sum(map(int, row[2:5])) for row in rows)


def test_another_regulator_is_opened_and_its_address_says_so():
    app = open_page()
    app = check(app.selectbox(key="grn_regulator").set_value("R3").run())
    assert addresses(app) == {"example": "planted", "regulator": "R3"}
    app = open_tab(app, "Table")
    rows = {row[0]: row for row in table(app, "The prior says")}
    assert rows["T9"][1:4] == ["represses", "activates", "opposite"]
    again = open_page(**addresses(app))
    assert again.selectbox(key="grn_regulator").value == "R3"
    assert regulators(again) == regulators(app)


def test_the_table_says_what_data_and_prior_say_of_each_edge():
    app = open_tab(open_page(regulator="R2"), "Table")
    rows = {row[0]: row for row in table(app, "The prior says")}
    assert rows["T10"][1:4] == ["activates", "nothing on this gene", "new"]
    assert rows["T7"][3] == "kept"
    assert rows["T7"][6].endswith("•")
    assert not rows["T11"][6].endswith("•")
    refused = open_tab(open_page(regulator="R4"), "Table")
    assert [row[1:4] for row in table(refused, "The prior says")] == [
        ["no edge", "activates", "refused"]
    ] * 2
    assert "the model has no edge of this regulator" in written_all(refused)


def written_all(app: AppTest) -> str:
    return "\n".join([written(app), *(plain(box.value) for box in app.info)])


def test_the_smallest_set_of_edges_is_shown_and_checked_again():
    app = open_page(regulator="R2")
    assert "4 of 5 edges are enough" in written(app)
    [slider] = [one for one in app.slider if "Edges shown" in one.label]
    app = open_tab(check(slider.set_value(4).run()), "Table")
    assert "T11" not in [row[0] for row in table(app, "The prior says")]
    assert "these 4 edges" in written(app)
    app = open_tab(app, "Check")
    assert "The look-alikes are as many other genes" in written(app)


def test_expression_is_followed_with_and_without_the_edge():
    app = open_tab(open_page(regulator="R2"), "Fit")
    assert errors(app) == []
    assert app.selectbox(key="grn_target").options[:2] == ["T10", "T7"]
    assert "no longer hears R2" in written(app)
    check(app.selectbox(key="grn_sample").set_value(1).run())


def test_other_settings_wait_for_a_job_and_its_network_appears(home):
    app = open_page()
    app = check(app.checkbox(key="grn_set_trust").check().run())
    app = check(app.slider(key="grn_trust").set_value(0.25).run())
    assert "Out of date" in app.warning[0].value
    app = infer(app)
    question = Question("example:planted", 0.25)
    job = grn_job.find(question)
    assert job.state == "queued"
    assert job.params["data"] == "toy"
    assert addresses(app) == {"example": "planted", "trust": "0.25"}
    assert "appears here once the job is done" in written(app)
    app = check(app.button(key=f"job_cancel_{job.id}").click().run())
    assert jobs.find(job.id).state == "cancelled"
    app = check(app.button(key=f"job_resume_{job.id}").click().run())
    assert jobs.find(job.id).state == "queued"
    toy.write(home / "trained", question.artifact, trust=[0.25, 0.25])
    app = open_page(**addresses(app))
    assert "λ = 0.25" in written(app)
    assert not [box for box in app.info if "This is an example" in box.value]
    jobs.cancel(job.id)


def test_the_prior_alone_has_nothing_to_learn():
    app = open_page(example="planted", trust="1")
    assert any("GR-E07" in text for text in errors(app))
    assert app.button(key="grn_infer").disabled


def test_own_measurements_are_asked_and_listed_for_their_owner_alone(home, upload):
    question = Question(f"upload:{upload}")
    app = open_page(upload=upload)
    assert "No network yet" in written_all(app)
    app = infer(app)
    job = grn_job.find(question)
    assert job.title == "Infer network: mine.csv"
    jobs.cancel(job.id)
    toy.write(home / "trained", question.artifact)
    app = open_page(upload=upload)
    assert regulators(app)[0][0] == "R1"
    app = infer(app)
    assert addresses(app) == {"upload": upload}
    listed = [one for one in app.button if str(one.key).startswith("grn_history_")]
    assert len(listed) == 1
    assert "Which genes does R1 regulate?" in plain(listed[0].label)
    app = check(app.selectbox(key="grn_regulator").set_value("R2").run())
    app = check(next(one for one in app.button if one.key == listed[0].key).click().run())
    assert addresses(app) == {"upload": upload}
    stranger = open_page()
    assert not [one for one in stranger.button if str(one.key).startswith("grn_history_")]


def test_names_are_shown_as_text(home, upload):
    question = Question(f"upload:{upload}", seed=9)
    toy.write(home / "trained", question.artifact, genes=[*HOSTILE, *toy.GENES[4:]])
    app = open_page(upload=upload, seed="9")
    assert errors(app) == []
    names = [row[0] for row in regulators(app)]
    assert names[:2] == list(HOSTILE[:2])
    assert names[3].endswith("…")
    [raw] = [box.value for box in app.markdown if "Refused |" in box.value]
    assert "<img" not in raw.replace("\\<", "")
    header, rows = table_of(app)
    assert header[0] == "TF"
    assert not [line for line in rows if line.startswith(("=", "<=", "\t"))]


def table_of(app: AppTest) -> tuple[list[str], list[str]]:
    """Header and lines of the CSV behind the download button."""
    from core.render.tables import to_safe_csv
    from core.serving.grn_compare import edge_cells

    question = Question(f"upload:{addresses(app)['upload']}", seed=9)
    header, rows = edge_cells(grn.answer(question))
    first, *lines = to_safe_csv(rows, header).splitlines()
    return first.split(","), lines


def test_two_networks_are_compared_where_they_disagree_most():
    app = open_page()
    names = app.multiselect(key="grn_compare_names").options
    assert names[:2] == ["DASH, λ = 0.5 / 0.75", "Prior"]
    app = check(app.multiselect(key="grn_compare_names").set_value(names[:2]).run())
    apart = table(app, "Edge")
    assert apart[0] == ["R3 → T9", "−1.00", "+1.00"] or apart[0][0] == "R3 → T9"
    figures = {row[0]: row[1:] for row in table(app, "Measured on")}
    assert figures["new"] == ["2", "0"]
    assert figures["balanced accuracy, the true network"][0] == "1.000"


def test_trust_and_wrong_priors_are_shown_from_trainings_made_beforehand():
    app = open_page()
    app.session_state["grn_trust_part"] = True
    app = check(app.run())
    shown = {one.key: one for one in app.select_slider}
    app = check(shown["grn_trust_shown"].set_value(1.0).run())
    assert "λ = 1 (prior only)" in written(app)
    app = check({one.key: one for one in app.select_slider}["grn_wrong"].set_value(0.4).run())
    assert table(app, "Balanced accuracy")[0] == ["DASH", "0.820", "4.80e-03"]


def test_a_network_without_measurements_and_rivals_says_so(home, upload):
    question = Question(f"upload:{upload}", seed=4)
    toy.write(home / "trained", question.artifact, samples=[], curves=[], trust_runs=[],
              corruption=[], truth=None)  # fmt: skip
    app = open_page(upload=upload, seed="4")
    assert "the measurements are not part of this model" in written_all(app)
    for key in ("grn_trust_part", "grn_rivals_part"):
        app.session_state[key] = True
    app = check(app.run())
    assert "No rival was trained on these measurements." in written(app)
    assert "Only the built-in example" in written(app)
    assert errors(app) == []


def test_values_of_the_address_that_do_not_fit_are_named():
    app = open_page(example="planted", trust="7", regulator="nobody")
    assert "Left out of the address" in app.warning[0].value
    assert "trust" in app.warning[0].value
    assert addresses(app) == {}


def test_a_server_without_models_says_so(monkeypatch, tmp_path):
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    settings.cache_clear()
    app = open_page()
    assert app.radio(key="grn_data").value == "upload"
    assert errors(app) == []
