"""Many candidates as a job: the same numbers as on the page, in parcels, resumable, cancellable."""

import json

import pytest

from core import jobs
from core.catalog import JOB_KINDS
from core.errors import Cancelled, InputError, JobError
from core.serving import mol_job
from core.serving.mol_job import COLUMNS, RANK, SCORE, predict_job, read, submit
from core.serving.molecular_property import Question, answer
from core.serving.molecule_table import Lists, parse_text, read_file
from core.settings import settings
from core.store import Store
from tests.serving.toy_molecules import NITRO, PLAIN, lists_of, serve_from, write_artifacts

MANY = "\n".join(["C1CC(", "OCCO", *("C" * n + "O" for n in range(4, 11)), "c1ccccc1Cl"])


@pytest.fixture(autouse=True, scope="module")
def artifacts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("trained")
        serve_from(write_artifacts(root, "protonet", "par", "pacia"), patch)
        yield root


class Context:
    """Keeps reports; stops at the given one."""

    def __init__(self, folder, stop_at=None):
        self.folder, self.stop_at, self.reports = folder, stop_at, []

    def report(self, step, total, text):
        self.reports.append((step, total, text))
        if step == self.stop_at:
            raise Cancelled("A person has asked this job to stop.")


def question(model="protonet-toy", candidate=MANY):
    return Question(model, lists_of(NITRO, PLAIN, candidate))


def params(asked):
    content = json.dumps(asked.to_json()).encode()
    return {"question": Store.open().save_upload(
        name="x", content=content, kind=mol_job.KIND, summary={})}  # fmt: skip


def result(context):
    return json.loads((context.folder / "result.json").read_text())


@pytest.mark.parametrize("model", ["protonet-toy", "par-toy", "pacia-toy"])
def test_a_job_gives_the_numbers_of_the_page(model, tmp_path, monkeypatch):
    monkeypatch.setattr(mol_job, "PARCEL", 4)
    context = Context(tmp_path)
    told = predict_job(params(question(model)), context)
    assert told == {"rows": 10, "scored": 7, "model": model}
    rows = result(context)["rows"]
    page = answer(question(model))
    assert [row[COLUMNS.index("id")] for row in rows] == [f"C{n}" for n in range(1, 11)]
    for row, one in zip(rows, page.predictions, strict=True):
        assert row[COLUMNS.index("status")] == one.row.status
        assert row[RANK] == one.rank
        if one.probability is not None:
            assert row[SCORE] == pytest.approx(one.probability, abs=1e-5)
    assert [step for step, _, _ in context.reports] == [0, 4, 8, 10]


def test_a_cancelled_job_continues_behind_the_last_parcel(tmp_path, monkeypatch):
    monkeypatch.setattr(mol_job, "PARCEL", 3)
    asked, context = params(question()), Context(tmp_path, stop_at=6)
    with pytest.raises(Cancelled):
        predict_job(asked, context)
    parts = sorted(path.name for path in tmp_path.glob("part-*"))
    assert parts == ["part-000000.json", "part-000003.json"]
    calls = []
    real = mol_job.open_part
    monkeypatch.setattr(mol_job, "open_part", lambda *one: calls.append(one[2]) or real(*one))
    context.stop_at = None
    predict_job(asked, context)
    assert calls == [7, 10]
    again = Context(tmp_path / "whole")
    again.folder.mkdir()
    predict_job(asked, again)
    assert result(again) == result(context)


def test_a_file_keeps_its_columns_and_row_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr(mol_job, "PARCEL", 1)
    content = b"smiles,label,note\nCCO,0,\nc1ccccc1,1,\nCCN,,x\nCCCN,,\n"
    context = Context(tmp_path)
    predict_job(params(Question("protonet-toy", read_file(content))), context)
    found = result(context)
    assert found["header"] == [*COLUMNS, "label", "note"]
    assert [row[0] for row in found["rows"]] == [4, 5]
    assert [row[-1] for row in found["rows"]] == ["x", ""]


def test_ranks_over_parcels_share_equal_scores():
    rows = [[None] * len(COLUMNS) for _ in range(4)]
    for row, score in zip(rows, (0.2, None, 0.7, 0.2), strict=True):
        row[SCORE] = score
    assert [row[RANK] for row in mol_job._with_ranks(rows)] == [2, None, 1, 2]


def test_what_cannot_be_asked_is_refused_at_once(monkeypatch):
    with pytest.raises(InputError, match="Nothing to predict"):
        submit(question(candidate=""))
    with pytest.raises(InputError, match="Need both classes"):
        submit(Question("protonet-toy", Lists(candidate=parse_text(MANY))))
    monkeypatch.setattr(mol_job, "MAX_JOB", 5)
    with pytest.raises(InputError, match="the limit here is 5"):
        submit(question())


def test_a_job_through_the_queue(artifacts, monkeypatch):
    monkeypatch.setenv("PARSIMONY_TRAINED", str(artifacts))  # for the job's own process
    for other in jobs.recent(200):  # left in the queue by other tests
        if other.active:
            jobs.cancel(other.id)
    job_id = submit(question())
    with pytest.raises(JobError, match="no table"):
        read(job_id)
    jobs.work(once=True, kinds={mol_job.KIND: JOB_KINDS[mol_job.KIND]})
    job = jobs.find(job_id)
    assert (job.state, job.error) == ("done", None)
    assert job.title == "Predict 10 molecules with Prototypes"
    found = read(job_id)
    assert (found.num_scored, len(found.rows)) == (7, 10)
    assert found.best[0][RANK] == 1
    assert found.question == question()
    assert found.sentence.startswith("Your 8 labels")
    assert settings().home in jobs.find_folder(job_id).parents
