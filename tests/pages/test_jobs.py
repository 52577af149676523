import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.store import Store

PAGE = str(Path(__file__).parents[2] / "pages" / "jobs.py")
HOSTILE = '<img src=x onerror="alert(1)"> ![a](http://example.invalid/x.png) **b** :red[c] $d$'


pytestmark = pytest.mark.usefixtures("home")


def submit(title: str = "Train on my graph") -> str:
    return jobs.submit("train", {"dim": 48}, title=title)


def change(job_id: str, assignments: str, *values) -> None:
    with Store.open().transaction() as db:
        db.execute(f"UPDATE jobs SET {assignments} WHERE id = ?", [*values, job_id])


def open_page(job_id: str | None = None) -> AppTest:
    app = AppTest.from_file(PAGE, default_timeout=30)
    if job_id is not None:
        app.query_params["job"] = job_id
    return check(app.run())


def check(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(element.value for element in app.markdown).replace("\\", "")


def keys(app: AppTest) -> set[str]:
    return {button.key for button in app.button}


def test_without_jobs_the_page_says_how_one_starts():
    app = open_page()
    assert app.title[0].value == "Jobs"
    assert [box.value for box in app.info] == [
        "No job yet. Training a model on your own data starts one."
    ]
    assert keys(app) == set()


def test_the_table_shows_state_progress_place_and_the_fitting_buttons():
    running, waiting, failed, done = (submit(f"Number {n}") for n in range(4))
    change(running, "state='running', worker='w', started=1.7e9, step=3, total=12, eta_s=200.0")
    change(failed, "state='failed', started=1.7e9, finished=1.7e9 + 8, error='No rows.'")
    change(done, "state='done', started=1.7e9, finished=1.7e9 + 7500, step=5, total=5")
    app = open_page()
    assert keys(app) == {
        f"job_open_{running}", f"job_cancel_{running}", f"job_open_{waiting}",
        f"job_cancel_{waiting}", f"job_open_{failed}", f"job_resume_{failed}",
        f"job_open_{done}",
    }  # fmt: skip
    shown = texts(app)
    assert [shown.index(f"**Number {n}**") for n in (3, 2, 1, 0)] == sorted(
        shown.index(f"**Number {n}**") for n in range(4)
    )  # newest first
    assert "step 3 of 12 · about 3 min 20 s left · running for" in shown
    assert "place 1 in the queue" in shown
    assert "took 8 s" in shown
    assert "step 5 of 5 · took 2 h 5 min" in shown
    for word in ("Running", "Waiting", "Failed", "Done"):
        assert f"badge[{word}]" in shown
    assert "Started 2023-11-14 22:13 UTC" in [caption.value for caption in app.caption]
    assert [box.value for box in app.warning] == [
        "No worker is alive, so jobs only wait. Start one with `python -m core work`."
    ]


def test_cancel_and_resume_from_the_table():
    job_id = submit()
    app = open_page()
    check(app.button(key=f"job_cancel_{job_id}").click().run())
    assert jobs.find(job_id).state == "cancelled"
    assert keys(app) == {f"job_open_{job_id}", f"job_resume_{job_id}"}
    check(app.button(key=f"job_resume_{job_id}").click().run())
    assert jobs.find(job_id).state == "queued"
    assert keys(app) == {f"job_open_{job_id}", f"job_cancel_{job_id}"}


def test_a_running_job_asked_to_stop_says_so():
    job_id = submit()
    change(job_id, "state='running', worker='w', started=1.7e9")
    app = open_page(job_id)
    check(app.button(key=f"job_cancel_{job_id}").click().run())
    assert jobs.find(job_id).cancelling
    assert "badge[Stopping]" in texts(app)
    assert app.button(key=f"job_cancel_{job_id}").disabled


def test_a_job_that_ended_meanwhile_is_not_an_exception():
    job_id = submit()
    app = open_page(job_id)
    change(job_id, "state='done', result='{}', finished=1.7e9")
    check(app.button(key=f"job_cancel_{job_id}").click().run())
    assert "badge[Done]" in texts(app)


def test_open_leads_to_the_address_of_the_job_and_back():
    first, second = submit("First"), submit("Second")
    app = open_page()
    check(app.button(key=f"job_open_{first}").click().run())
    assert app.query_params["job"] in (first, [first])
    assert "**First**" in texts(app)
    assert "**Second**" not in texts(app)
    check(app.button(key="jobs_all").click().run())
    assert "job" not in app.query_params
    assert {f"job_open_{first}", f"job_open_{second}"} <= keys(app)


def test_the_address_of_a_running_job_shows_progress_and_curves():
    job_id = submit()
    change(job_id, "state='running', worker='w', started=1.7e9, step=2, total=8, text='Epoch 2'")
    with Store.open().transaction() as db:
        db.table("job_trace").insert_all(
            [
                {"job": job_id, "step": 1, "numbers": '{"loss": 0.5}'},
                {"job": job_id, "step": 2, "numbers": '{"loss": 0.25, "mrr": 0.125}'},
            ]
        )
    app = open_page(job_id)
    shown = texts(app)
    assert "step 2 of 8 · Epoch 2 · running for" in shown
    assert "loss, last value 0.25" in shown
    assert "mrr, last value 0.125" in shown
    specs = [json.loads(chart.proto.spec) for chart in app.get("vega_lite_chart")]
    assert [spec["description"] for spec in specs] == [
        "loss over the steps of the job",
        "mrr over the steps of the job",
    ]
    assert [bar.proto.value for bar in app.get("progress")] == [25]
    assert "You may close this page" in shown


def test_a_failed_job_shows_its_error_log_and_record(home):
    job_id = submit()
    change(
        job_id, "state='failed', error=?, traceback=?", "ValueError: too [few](x)", "Traceback: 1"
    )
    folder = home / "jobs" / job_id
    folder.mkdir(parents=True)
    (folder / "log.txt").write_text("epoch 1\n")
    app = open_page(job_id)
    assert app.error[0].value.replace("\\", "").replace("\u2060", "") == "ValueError: too [few](x)"
    assert "\\[few\\]\\(x\\)" in app.error[0].value  # shown literally, not as a link
    assert [code.value for code in app.code] == ['{\n  "dim": 48\n}', "epoch 1", "Traceback: 1"]
    assert f"job_resume_{job_id}" in keys(app)


def test_an_unknown_address_is_answered_kindly():
    app = open_page("../../etc/passwd")
    assert app.error[0].value.replace("\\", "") == (
        "There is no job with this id. Open the Jobs page to see those that exist."
    )
    assert keys(app) == {"jobs_all"}


def test_a_title_is_shown_letter_by_letter():
    job_id = submit(HOSTILE)
    for app in (open_page(), open_page(job_id)):
        written = [element.value for element in app.markdown if "onerror" in element.value]
        assert written
        for value in written:
            assert "![" not in value
            assert "\\<img" in value
            assert ":red[" not in value


def test_more_than_one_page_of_jobs():
    for number in range(21):
        job_id = submit(f"Number {number}")
        change(job_id, "state='done'")
    app = open_page()
    assert "**Number 0**" not in texts(app)
    check(app.button(key="jobs_more").click().run())
    assert "**Number 0**" in texts(app)
    assert "jobs_more" not in keys(app)
