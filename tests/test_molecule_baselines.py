"""The measurement of few-shot baselines finds what was planted and the known label rates."""

import re
import sys
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import molecule_baselines as baselines
from core.data.molecules import held_out_scaffolds, load_assays
from core.knowledge.few_shot import label_rate_scores
from core.settings import settings


@pytest.fixture
def few_draws(monkeypatch):
    monkeypatch.setattr(baselines, "DRAWS", range(3))


@pytest.mark.usefixtures("few_draws")
def test_quick_run_prints_what_the_planted_families_allow(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["molecule_baselines", "--quick"])
    baselines.main()
    _, machine, columns, _, *lines = capsys.readouterr().out.splitlines()
    assert machine.startswith("measured on ")
    rows = [re.split(r" {2,}", line.strip()) for line in lines[:-1]]
    assert len(rows) == 1 + 2 * len(baselines.CLASSIFIERS)
    assert {len(row) for row in rows} == {len(re.split(r" {2,}", columns))}
    for row in rows:
        ten, one = (float(cell.split()[0]) for cell in row[4:6])
        if row[3] != baselines.LABEL_RATE:
            assert ten > max(one, 0.65), row
    assert "deviation over ten supports" in lines[-1]


@pytest.mark.usefixtures("few_draws")
def test_only_unseen_molecules_are_asked_and_their_label_rate_is_not():
    case = baselines.generate(np.random.default_rng(1))
    assert baselines.LABEL_RATE in dict(case.scorers(unseen=False))
    assert baselines.LABEL_RATE not in dict(case.scorers(unseen=True))
    asked = []

    class Spy:
        def scores(self, _support, _labels, query):
            asked.append(set(query.tolist()))
            return np.zeros(len(query))

    assert case.measure(Spy(), 10, unseen=True).auc == 0.5
    assert all(case.held_out[list(rows)].all() for rows in asked)
    assert any(first != second for first, second in pairwise(asked))


@pytest.mark.skipif(
    settings().mirror is None or not (settings().mirror / "molecules").is_dir(),
    reason="the mirror folder with the molecule tables is not here",
)
@pytest.mark.usefixtures("few_draws")
@pytest.mark.parametrize(("name", "auc"), [("tox21", 0.834), ("sider", 0.844)])
def test_label_rate_alone_reaches_its_figures(name, auc):
    assays = load_assays(name)
    case = baselines.Case(
        name, "data set", np.zeros((len(assays), 1), np.uint8), assays.labels, assays.meta_train,
        assays.meta_test, held_out_scaffolds(assays),
    )  # fmt: skip
    rates = baselines.LabelRate(label_rate_scores(assays.labels[:, assays.meta_train]))
    assert case.measure(rates, 10, unseen=False).auc == pytest.approx(auc, abs=0.002)
