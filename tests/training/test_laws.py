import json

import numpy as np
import pytest

from core.discovery.discover import Discovery, formulas_so_far
from core.errors import Cancelled, UnknownName
from core.serving import physics_job, physics_question
from core.training.laws import LawData, discover_job, load_law_data


class Context:
    """What a job's function gets, without a database; stops when told to."""

    def __init__(self, folder, stop_after=None):
        self.folder, self.stop_after, self.steps = folder, stop_after, []

    def report(self, step, _total, _text="", **values):
        self.steps.append((step, values))
        if self.stop_after is not None and values.get("formulas", 0) >= self.stop_after:
            raise Cancelled("A person has asked this job to stop.")


def params():
    question = physics_question.of_simulator("heat", num_graphs=60, noise=0.05)
    return {"question": question.to_json()}


def test_a_job_leaves_its_discovery(tmp_path):
    context = Context(tmp_path)
    result = discover_job(params(), context)
    record = json.loads((tmp_path / physics_job.RESULT).read_text())
    found = Discovery.from_json(record)
    assert result["verdict"] == found.verdict
    assert found.r2["test"] > 0.99
    assert context.steps[-1][0] == 100


def test_a_cancelled_job_keeps_its_formulas_and_a_resumed_one_ends(tmp_path):
    with pytest.raises(Cancelled):
        discover_job(params(), Context(tmp_path, stop_after=1))
    kept = formulas_so_far(tmp_path / physics_job.STATE)
    assert kept
    assert not (tmp_path / physics_job.RESULT).exists()
    discover_job(params(), Context(tmp_path))
    assert (tmp_path / physics_job.RESULT).is_file()


def test_larger_systems_are_other_graphs_of_the_same_law():
    data = LawData("heat")
    larger = data.larger()
    assert larger.num_nodes == 4 * 5 * larger.num_graphs
    assert not np.isin(larger.target.values, data.task.system.target.values).any()
    assert data.published("test", "r2") is None
    assert LawData("circuit").published("test", "r2") == (1.0, "table of R², without noise")


def test_unknown_systems_are_refused():
    with pytest.raises(UnknownName, match="PH-E10"):
        load_law_data("sprinsg")
