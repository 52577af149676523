"""Every benchmark runs on a small case and prints its table; its own comparison can fail."""

import importlib
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import expansion, messages, recommendation, regulation
from benchmarks.measurement import graphs, timing
from core.configs import dash_config

ROOT = Path(__file__).resolve().parents[1]
NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py"))


def run(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [name, "--quick"])
    importlib.import_module(f"benchmarks.{name}").main()
    return capsys.readouterr().out.splitlines()


def cells(line):
    return re.split(r" {2,}", line.strip())


def test_there_is_one_file_per_comparison():
    assert NAMES == [
        "evidence",
        "expansion",
        "few_shot",
        "flow_search",
        "interaction_baselines",
        "interactions",
        "kg_models",
        "laws",
        "memory",
        "messages",
        "molecule_baselines",
        "recommendation",
        "regulation",
        "runtime",
    ]


@pytest.mark.parametrize("name", ["expansion", "messages", "runtime", "evidence"])
def test_quick_run_prints_one_row_and_says_measured(name, monkeypatch, capsys):
    title, machine, columns, rule, row, *notes = run(name, monkeypatch, capsys)
    assert title
    assert machine.startswith("measured on ")
    assert set(rule) == {"-", " "}
    assert len(cells(columns)) == len(cells(row)) == len(cells(rule))
    assert cells(row)[0] == "umls"
    assert cells(row)[1] == ("random" if name == "evidence" else "generated")
    assert any("target" in note or "live tensors" in note for note in notes)


def test_memory_is_read_in_a_process_without_torch(monkeypatch, capsys):
    lines = run("memory", monkeypatch, capsys)
    steps = [cells(line) for line in lines[4:-1]]
    assert [step[0] for step in steps] == [
        "streamlit's server",
        "modules of all pages",
        "1 graphs and models, one answer each",
        "one explanation and live check each",
    ]
    assert 40 < int(steps[0][1]) <= int(steps[-1][1]) < 400
    assert lines[-1] == "torch absent; target 400 MB; random weights: random-umls"


@pytest.mark.parametrize(
    ("module", "function"), [(expansion, "_plain_layer"), (messages.Step, "per_edge")]
)
def test_sides_that_differ_are_not_compared(module, function, monkeypatch, capsys):
    right = getattr(module, function)

    def wrong(*args):
        result = right(*args)
        if isinstance(result, torch.Tensor):
            return result * 1.001
        return messages.replace(result, answers=(result.answers + 1) % result.num_entities)

    monkeypatch.setattr(module, function, wrong)
    with pytest.raises(SystemExit, match="the two sides differ by"):
        run("expansion" if module is expansion else "messages", monkeypatch, capsys)


def test_peak_memory_counts_live_tensors_only():
    class Ten:
        def train(self, _network):
            for _ in range(10):
                torch.ones(1_000_000)
            kept = [torch.ones(1_000_000), torch.ones(500_000)]
            assert len(kept) == 2

    assert messages.peak_memory(None, Ten()) == 6_000_000


def test_generated_graph_has_the_asked_shape():
    shape = graphs.Shape(50, 4, 300, 0.5)
    graph = graphs.generate("toy", shape, np.random.default_rng(0))
    assert (graph.num_entities, graph.num_relations, graph.num_facts) == (50, 4, 300)
    assert len(np.unique(graph.triples, axis=0)) == 300
    assert (graph.triples[:, 0] != graph.triples[:, 2]).all()


def test_a_data_set_is_used_only_when_it_may_be():
    here = graphs.find_case("umls", 6, quick=False, generated=False)  # read from an installed wheel
    assert (here.origin, here.graph.num_facts) == ("data set", 5216)
    assert (here.relations < 46).tolist() == [True, False] * 3
    drawn = graphs.find_case("umls", 6, quick=False, generated=True)
    assert (drawn.origin, drawn.graph.num_facts) == ("generated", 5216)


def test_ratios_are_medians_over_rounds():
    pair = timing.Pair(
        (timing.Timing(2, 3), timing.Timing(4, 3), timing.Timing(90, 3)),
        (timing.Timing(1, 1), timing.Timing(1, 2), timing.Timing(2, 1)),
    )
    assert pair.wall == (4, 1)
    assert (pair.wall_ratio, pair.cpu_ratio) == (4, 3)


def test_sides_take_turns():
    calls = []
    pair = timing.alternate(lambda: calls.append("A"), lambda: calls.append("B"), 3)
    assert "".join(calls) == "ABABAB"
    assert len(pair.first) == len(pair.second) == 3


def test_table_is_aligned():
    assert timing.table(("name", "n"), [("a", "10"), ("long name", "9")]) == (
        "name        n\n---------  --\na          10\nlong name   9"
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0012345, "1.23"), (1.2345, "1,230"), (0.0456, "45.6")]
)
def test_milliseconds_have_three_digits(seconds, text):
    assert timing.milliseconds(seconds) == text


def test_three_ways_of_computing_par_agree(monkeypatch, capsys):
    title, machine, columns, rule, *rows, note = run("few_shot", monkeypatch, capsys)
    assert "20 known" in title
    assert machine.startswith("measured on ")
    assert [cells(row)[0] for row in rows] == ["plain, shared", "plain, served", "shared, served"]
    assert len(cells(columns)) == len(cells(rule)) == len(cells(rows[0]))
    assert "first / second" in note


def test_flow_search_is_compared_with_networks_without_a_search(monkeypatch, capsys):
    title, machine, columns, rule, row, note = run("flow_search", monkeypatch, capsys)
    assert "without a search" in title
    assert machine.startswith("measured on ")
    assert len(cells(columns)) == len(cells(rule)) == len(cells(row))
    assert cells(row)[:2] == ["heat", "1"]
    assert "CPU s of GSR" in note


def test_served_recommendations_are_those_of_eager_torch():
    rows = recommendation.measure_serving(60, 1)
    assert [row[0] for row in rows] == ["60 candidates", "50 shown, 10 ratings left out in turn"]
    assert all(len(row) == len(recommendation.SERVING) for row in rows)
    assert all(float(row[-1]) < 1e-4 for row in rows)


@pytest.mark.slow
def test_methods_of_recommendation_stand_side_by_side(monkeypatch, capsys):
    lines = run("recommendation", monkeypatch, capsys)
    accuracy, costs, serving = "\n".join(lines).split("\n\n")
    methods = {"coldnas", "film", "none", "melu", "popularity", "offset", "fold_in"}
    figures = [cells(line) for line in accuracy.splitlines()[4:]]
    assert {row[0] for row in figures} == methods
    assert {row[1] for row in figures} == {"0", "1", "3", "5", "10"}
    assert {cells(line)[0] for line in costs.splitlines()[2:]} == methods
    assert "left out in turn" in serving


def test_guided_pruning_is_measured_beside_its_rivals(monkeypatch, capsys):
    title, machine, columns, rule, *rows, note = run("regulation", monkeypatch, capsys)
    assert "pruned" in title
    assert machine.startswith("measured on ")
    assert [cells(row)[2] for row in rows] == ["dash", "imp", "prior", "random", "dense", "pinn"]
    assert len(cells(columns)) == len(cells(rule)) == len(cells(rows[0]))
    assert [cells(row)[4] == "0.000" for row in rows] == [False] * 4 + [True, False]
    assert "chosen by validation error" in note


def test_a_training_of_an_interrupted_measurement_is_not_repeated(tmp_path):
    config = dash_config("", num_epochs=1, num_neurons=4)
    asked = ("small", 0.1, "imp", (0.0, 0.0), 1)
    first = regulation.Bench(config, tmp_path / "state").train(*asked)
    again = regulation.Bench(config, tmp_path / "state")
    assert again.train(*asked) == first  # processor seconds included
    assert again.train(*asked[:-1], 2) != first
    assert len((tmp_path / "state").read_text().splitlines()) == 2
