"""The benchmark of interactions runs on a small case; sides that differ are not compared."""

import re
import sys

import numpy as np
import pytest

from benchmarks import interactions


def run(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["interactions", "--quick"])
    interactions.main()
    return capsys.readouterr().out.splitlines()


def cells(line):
    return re.split(r" {2,}", line.strip())


def test_quick_run_prints_both_tables(monkeypatch, capsys):
    lines = run(monkeypatch, capsys)
    title, machine, columns, rule, row = lines[:5]
    assert "whole network" in title
    assert machine.startswith("measured on ")
    assert len(cells(columns)) == len(cells(row)) == len(cells(rule)) == len(interactions.SPEED)
    assert cells(row)[:3] == ["small", "generated", "2"]
    assert float(cells(row)[-1]) <= interactions.LIMIT
    columns, _, row = lines[8:11]
    assert len(cells(columns)) == len(cells(row)) == len(interactions.WAITING)
    assert cells(row)[:3] == ["small", "random", "test S0"]
    assert all(float(cell) > 0 for cell in cells(row)[5:11])
    assert lines[-1].startswith("targets: ")


def test_pairs_with_a_known_interaction_are_not_compared():
    case = interactions.generate(quick=True)
    known = {frozenset((head, tail)) for head, _, tail in case.train.tolist()}
    pairs = interactions.strangers(case, "test S0")
    assert 0 < len(pairs) < len(case.parts["test S0"])
    assert not {frozenset(pair) for pair in pairs} & known


def test_sides_that_differ_end_the_run(monkeypatch):
    right = interactions.predict
    monkeypatch.setattr(interactions, "predict", lambda *args: right(*args) + np.float32(0.01))
    case = interactions.generate(quick=True)
    with pytest.raises(SystemExit, match="the two sides differ by"):
        interactions.compare(case, "test S0", 1, quick=True)
