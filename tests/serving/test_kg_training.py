import pytest

from core import jobs
from core.knowledge.graph import KnowledgeGraph
from core.serving import kg_training


def chain(num: int) -> KnowledgeGraph:
    return KnowledgeGraph.from_facts("own", [(f"e{n}", "r", f"e{n + 1}") for n in range(num)])


def test_the_time_grows_with_facts_and_epochs():
    assert kg_training.estimate_s(chain(1000), 20) == pytest.approx(15 + 0.0008 * 1000 * 20)
    assert kg_training.estimate_s(chain(2), 1) == pytest.approx(15.0016)


def test_the_name_of_the_model_does_not_give_the_upload_away():
    name = kg_training.artifact_name("abcdefgh-rest-of-the-secret", 7)
    assert name == "redgnn-abcdefgh-7"


def test_the_job_holds_what_the_training_needs_and_is_found_by_its_graph():
    assert kg_training.find_training("graph-one") is None
    first = kg_training.submit_training("graph-one", "one.csv", 3)
    other = kg_training.submit_training("graph-two", "two.csv", 3)
    assert kg_training.find_training("graph-one").id == first
    second = kg_training.submit_training("graph-one", "one.csv", 9)
    found = kg_training.find_training("graph-one")
    assert found.id == second
    assert found.params == {
        "method": "redgnn",
        "data": "upload:graph-one",
        "artifact": "redgnn-graph-on-9",
        "seed": 0,
        "overrides": {"num_epochs": 9},
    }
    assert (found.kind, found.title) == ("train", "Train RED-GNN on one.csv")
    assert kg_training.find_training("graph-two").id == other
    for job in (first, second, other):
        jobs.cancel(job)
