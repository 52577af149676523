"""The table of all models on one graph: one protocol, and PyKEEN's models ranked by our code."""

import contextlib
import io
import re
import sys

import numpy as np
import pytest
import torch

from benchmarks import kg_models
from benchmarks.measurement.rivals import Rival
from benchmarks.measurement.timing import Stopwatch
from core.configs import AutoBlmConfig
from core.data.kg import KgSplit
from core.knowledge.graph import KnowledgeGraph


def small_case():
    """r is not symmetric; s is its inverse."""
    pairs = [(f"e{i}", f"e{(3 * i + 1) % 11}") for i in range(11)]
    facts = [(a, "r", b) for a, b in pairs] + [(b, "s", a) for a, b in pairs]
    graph = KnowledgeGraph.from_facts("small", facts)
    held = graph.triples[[2, 15]]
    return kg_models.Case(
        KgSplit("small", graph.with_facts(remove=held.tolist()), held[:1], held[1:])
    )


@pytest.fixture(scope="module")
def lines():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["kg_models", "--quick"])
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            kg_models.main()
    return printed.getvalue().splitlines()


def cells(line):
    return re.split(r" {2,}", line.strip())


def test_quick_run_prints_every_model_once_and_pykeen_beside_ours(lines):
    title, machine, columns, _, *rows = lines
    assert "filtered, realistic ties, both directions" in title
    assert machine.startswith("measured on ")
    rows = [cells(row) for row in rows[:10]]
    assert {len(row) for row in rows} == {len(cells(columns))}
    names = [re.sub(r" \(.*", "", row[0]) for row in rows]
    assert names == [
        *("path rules", "searched", "DistMult", "PyKEEN DistMult", "ComplEx", "PyKEEN ComplEx"),
        *("SimplE", "Analogy", "CP", "PyKEEN RotatE"),
    ]
    against = [cells(line) for line in lines if len(cells(line)) == len(kg_models.AGAINST)]
    assert [row[0] for row in against[2:]] == ["DistMult", "ComplEx"]
    assert all(0 < float(row[4]) < float(row[5]) for row in against[2:])


def test_pykeen_has_our_width_and_scores_both_directions_as_it_defines_them():
    """PyKEEN keeps relation r in row 2r and its inverse in row 2r + 1."""
    case = small_case()
    for name in kg_models.RIVALS:
        rival = Rival(name, case.task, AutoBlmConfig(dim=8, batch_size=4), 0.0, seed=0)
        assert rival.num_parameters == 11 * 8 + 4 * 8  # inverse relations have their own vectors
        heads, relations = np.array([0, 3, 5]), np.array([1, 2, 3])
        scores, reached = rival.score(heads, relations)
        assert reached.all()
        if name == "DistMult":
            entities = rival.model.entity_representations[0](indices=None).detach().numpy()
            rows = rival.model.relation_representations[0](indices=None).detach().numpy()[[2, 1, 3]]
            assert scores == pytest.approx((entities[heads] * rows) @ entities.T, rel=1e-5)


def test_pykeen_learns_epoch_by_epoch_and_keeps_the_best():
    case = small_case()
    rival = Rival("ComplEx", case.task, AutoBlmConfig(dim=16, batch_size=8), 0.0, seed=0)
    for _ in range(10):
        kg_models.train_rival(case, rival)
    assert len(rival.watch.epochs) == rival.num_epochs == 10
    before = case.rank(rival.score, case.task.facts)["mrr"]
    assert before > 0.9  # the training facts are memorised
    best = {name: value.clone() for name, value in rival.model.state_dict().items()}
    rival.keep_if_best(2.0)
    rival.epoch()
    rival.restore_best()
    for name, value in rival.model.state_dict().items():
        assert torch.equal(value, best[name])


def test_stopwatch_leaves_out_what_lies_between_epochs(monkeypatch):
    clock = iter([0.0, 1.0, 2.0, 50.0, 52.0, 54.0])
    monkeypatch.setattr("time.perf_counter", lambda: next(clock))
    watch = Stopwatch()
    for _ in range(2):
        for _ in range(3):
            watch.lap()
        watch.end_epoch()
    assert [epoch.wall for epoch in watch.epochs] == [3.0, 6.0]


def test_rules_of_a_quick_graph_are_chosen_on_validation_alone():
    case = small_case()
    row = kg_models.measure_rules(case, seed=0)
    assert row.test["mrr"] == 1.0  # s is the inverse of r
    assert row.size.endswith(" rules")
    chosen = row.model
    case.split = KgSplit("small", case.graph, case.split.valid, case.split.test[::-1])
    assert kg_models.measure_rules(case, seed=0).model == chosen
