"""One against all, regimens, and the scan as a job: the same numbers as for single pairs."""

from dataclasses import asdict, replace

import numpy as np
import pytest

from core import jobs
from core.catalog import JOB_KINDS
from core.errors import InputError, JobError
from core.knowledge.flow import PairIndex, asked_as_new
from core.serving import ddi_scan
from core.serving.ddi_networks import context, find_network
from core.serving.ddi_scan import ScanTable, read_scan, regimen, scan, submit_scan
from core.serving.drug_interaction import NewDrug, Query, answer, open_case
from core.settings import settings
from tests.ddi_fixtures import forget, untrained_models, write_untrained  # noqa: F401

pytestmark = pytest.mark.usefixtures("untrained_models")

NEW = NewDrug("XY-1", "CNCCC(Oc1ccc(cc1)C(F)(F)Cl)c1ccccc1", (("inhibitor", "CYP2D6"),))
KINDS = {ddi_scan.KIND: "core.serving.ddi_scan:scan_job"}


def check_rows(drug, table, rows):
    """Rows of a scan against the answers of their pairs."""
    for row in rows:
        found = answer(Query(table.network, drug, row.partner_id))
        best = found.rows[0]
        assert (row.type_id, row.head_id, row.tail_id) == (best.type_id, best.head_id, best.tail_id)
        assert row.probability == pytest.approx(best.probability, abs=1e-5)
        assert (row.status, row.sentence) == (best.status, best.sentence)
        assert (row.set_size, row.setting) == (found.set_size, found.setting)
        assert row.joined == found.joined


@pytest.mark.parametrize("drug", ["fluoxetine", "warfarin", NEW])
def test_scan_agrees_with_every_single_answer(drug):
    table = scan(drug, "starter")
    others = context("starter").network.num_drugs - isinstance(drug, str)
    assert len({row.partner_id for row in table.rows}) == len(table.rows) == others
    check_rows(drug, table, table.rows)
    probabilities = [row.probability for row in table.rows]
    assert probabilities == sorted(probabilities, reverse=True)
    assert ScanTable.from_json(table.to_json()) == table


def test_of_two_known_drugs_one_is_asked_as_new():
    case = open_case(Query("starter", "fluoxetine", "metoprolol"))
    index = PairIndex(case.graph)
    heads, tails = (np.array([end.row]) for end in case.ends)
    new = asked_as_new(case.context.history, heads, tails)
    assert new[0][0] != new[1][0]
    one = case.paths.overlays(np.ones((1, len(case.paths.facts)), dtype=bool))
    bits = [end.bits[None].astype(np.float32) for end in case.ends]
    both_known, of_scan, of_answer = (
        case.model.flow.both(*bits, paths)[0]
        for paths in (index.subgraphs(heads, tails), index.subgraphs(heads, tails, *new), one)
    )
    assert np.allclose(of_scan, of_answer, atol=1e-6)
    assert not np.allclose(both_known, of_answer, atol=1e-6)


def test_scan_reports_and_can_be_stopped():
    seen = []

    def report(step, total, text):
        seen.append((step, total, text))
        if step > 50:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scan("fluoxetine", "starter", report)
    assert seen[0][0] == 0
    assert 50 < seen[-1][0] <= 50 + ddi_scan.BATCH
    assert "fluoxetine against 212 drugs" in seen[0][2]


def test_scan_of_an_unknown_drug():
    with pytest.raises(InputError, match="DD-E02"):
        submit_scan("fluoxetin", "starter")


def test_scan_as_a_job(monkeypatch):
    monkeypatch.setitem(JOB_KINDS, ddi_scan.KIND, KINDS[ddi_scan.KIND])
    for other in jobs.recent(200):  # left in the queue by other tests
        if other.active:
            jobs.cancel(other.id)
    job_id = submit_scan(NEW, "starter")
    with pytest.raises(JobError, match="no table"):
        read_scan(job_id)
    jobs.work(once=True, kinds=KINDS)
    job = jobs.find(job_id)
    assert (job.state, job.error) == ("done", None)
    assert job.title == "XY-1 against all drugs"
    table = read_scan(job_id)
    assert table == scan(NEW, "starter")
    assert job.result == {"drug": "XY-1", "rows": len(table.rows)}
    assert dict(zip(table.columns, table.cells[0], strict=True)) == asdict(table.rows[0])


def test_regimen_holds_every_pair():
    drugs = ["fluoxetine", "metoprolol", NEW, "warfarin"]
    found = regimen("starter", drugs)
    assert found.names == ("fluoxetine", "metoprolol", "XY-1", "warfarin")
    assert len(found.pairs) == 6
    assert found.answer_of(3, 1) is found.answer_of(1, 3)
    assert found.answer_of(1, 3).rows == answer(Query("starter", "metoprolol", "warfarin")).rows


@pytest.mark.parametrize(
    "drugs",
    [["warfarin"], ["warfarin", "digoxin", "warfarin"], ["warfarin"] * 13],
)
def test_regimens_that_cannot_be_asked(drugs):
    with pytest.raises(InputError, match="DD-E01"):
        regimen("starter", drugs)


@pytest.mark.skipif(settings().mirror is None, reason="no local mirror of the data sets")
def test_drugbank_scan_agrees_with_single_answers(monkeypatch, tmp_path):
    """Known, emerging and new drugs on the large network."""
    monkeypatch.setenv("PARSIMONY_TRAINED", str(tmp_path))
    forget()
    network = context("drugbank").network
    write_untrained(tmp_path, network, "emergnn-drugbank-s1", "S1")
    assert find_network("drugbank").available
    found = replace(NEW, facts=(("CbG", "CYP2D6"),))
    for drug in ("Compound::DB06204", found):  # emerging, new
        table = scan(drug, "drugbank")
        assert len(table.rows) == network.num_drugs - isinstance(drug, str)
        check_rows(drug, table, table.rows[::150])
