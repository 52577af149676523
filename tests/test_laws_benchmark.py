"""The benchmark of laws: its comparison with the truth can fail."""

import re
import sys

import numpy as np
import pytest

from benchmarks import laws
from core.data.physics.simulators import simulate, truth
from core.knowledge.physics.canonical import same_structure


@pytest.mark.parametrize("case", laws.CASES, ids=lambda case: case.name)
def test_parameters_are_those_of_the_true_law(case):
    fresh = simulate(case.name, num_graphs=20, seed=1)
    np.testing.assert_allclose(
        case.parameters.evaluate(fresh), truth(case.name).evaluate(fresh), atol=1e-9
    )
    assert laws.apart(case, truth(case.name), fresh) == pytest.approx(0, abs=1e-6)


def test_wrong_constants_and_structures_are_seen():
    case = laws.CASES[0]
    fresh = simulate("springs", num_graphs=20, seed=1)
    wrong = truth("springs").with_constants([1.1])
    assert laws.apart(case, wrong, fresh) == pytest.approx(0.1, abs=1e-6)
    assert not same_structure(truth("gravity"), truth("springs"), fresh)


def test_flattened_rows_hold_all_edges():
    system = simulate("heat", num_graphs=10, seed=1)
    features, target = laws.flattened(system)
    assert len(features) == len(target) == system.num_nodes
    degree = np.bincount(system.receiver, minlength=system.num_nodes)
    assert (np.count_nonzero(features[:, 1:], axis=1) <= 4 * degree).all()
    rate = features[:, 1:].reshape(len(target), -1, 4)  # T_i, T_j, dT, k of each edge
    np.testing.assert_allclose(np.sum(rate[..., 2] * rate[..., 3], axis=1), target, atol=1e-12)


def test_quick_run_prints_its_rows(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["laws", "--quick"])
    laws.main()
    title, machine, columns, _, *rows = capsys.readouterr().out.splitlines()
    assert title == "Laws found again"
    assert machine.startswith("measured on ")
    cells = [re.split(r" {2,}", row.strip()) for row in rows[:3]]
    assert [row[0] for row in cells] == ["springs", "springs, shuffled", "springs, 20 nodes"]
    assert [row[3] for row in cells] == ["1/1", "1/1", "1/1"]
    assert len(cells[0]) == len(re.split(r" {2,}", columns.strip()))
