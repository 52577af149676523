"""The measurement of baselines without training finds what was planted and what was published."""

import re
import sys

import numpy as np
import pytest

from benchmarks import interaction_baselines as baselines
from core.settings import settings


def test_quick_run_prints_what_the_planted_rule_allows(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["interaction_baselines", "--quick"])
    baselines.main()
    _, machine, columns, rule, *lines = capsys.readouterr().out.splitlines()
    assert machine.startswith("measured on ")
    rows = [re.split(r" {2,}", line.strip()) for line in lines[:6]]
    assert {len(row) for row in rows} == {len(re.split(r" {2,}", columns)), len(rule.split())}
    accuracy = {
        row[2]: [float(cell.split(" / ")[1]) for cell in row[4:] if cell != "-"] for row in rows
    }
    assert len(accuracy[baselines.KNOWN_HABIT]) == 1
    assert max(accuracy["majority type"]) < 40
    for method in ("similar-drug vote, sixth power", "vote, fourth power, and habits"):
        assert min(accuracy[method]) > 80  # one pair in ten has a type at random
    assert lines[-1].startswith("exponent chosen: best macro-F1 on the validation part")


def test_generated_parts_are_what_their_names_say():
    case = baselines.generate(np.random.default_rng(1))
    seen = {tuple(row) for row in case.train.tolist()}
    for name, part in case.parts.items():
        new = (~case.known[part[:, [0, 2]]]).sum(1)
        assert len(part)
        assert (new == int(name[-1])).all()
        assert not seen & {tuple(row) for row in part.tolist()}


def test_exponent_is_chosen_on_validation_alone():
    case = baselines.generate(np.random.default_rng(0))
    chosen = baselines.choose_exponents(case)
    for setting in baselines.SETTINGS:
        case.parts[f"test {setting}"] = case.parts[f"test {setting}"][:0]
    assert baselines.choose_exponents(case) == chosen
    assert set(chosen.values()) <= set(baselines.EXPONENTS)


@pytest.mark.skipif(
    settings().mirror is None, reason="the mirror folder with the data sets' files is not here"
)
def test_vote_reaches_its_figures_on_ddi_bench():
    """F1, accuracy, kappa in per cent over all test pairs, within half a point."""
    expected = {
        ("drugbank-random", "S1"): (61.9, 72.6, 66.8),
        ("drugbank-random", "S2"): (28.9, 45.2, 28.8),
        ("drugbank-cluster", "S1"): (34.7, 56.0, 47.6),
        ("drugbank-cluster", "S2"): (10.0, 26.3, 7.5),
    }
    cases = {case.name: case for case in baselines.find_cases(generated=False)}
    for (name, setting), figures in expected.items():
        case = cases[name]
        heads, _, tails = case.parts[f"test {setting}"].T
        found = case.measure(f"test {setting}", case.vote(6.0).scores(heads, tails))
        assert 100 * np.array(list(found.values())) == pytest.approx(figures, abs=0.5)
