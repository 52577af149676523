import pytest

from core.errors import ShapeError
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.message_flow import (
    Input,
    Layer,
    MessageFlow,
    Names,
    flow_of,
    full_flow,
)

NAMES = Names(
    {"edge": ("V_i", "V_j", "dV", "R"), "node": ("V",), "graph": ()},
    {"V_i": "V", "V_j": "V", "dV": "V", "R": "R", "V": "V"},
    {"edge": ("R",), "node": ("V",), "graph": ()},
)


def flow(*layers):
    return MessageFlow(tuple(
        Layer(name, level, tuple(sorted(inputs)), size) for name, level, inputs, size in layers
    ))  # fmt: skip


POWER = flow(("e1", "edge", [Input("R"), Input("dV")], 1), ("u1", "graph", [Input("e1", "sum")], 1))


def test_full_block_of_a_circuit_is_the_papers_without_what_the_target_does_not_need():
    full = full_flow(NAMES, "graph", 1)
    assert [layer.level for layer in full.layers] == ["edge", "node", "graph"]
    assert full.layer("u1").inputs == (Input("e1", "any"), Input("v1", "any"))
    assert full.layer("v1").inputs == (Input("V"), Input("e1", "any"))
    assert full.complexity == 3 * 4 + 3 * 2 + 2  # the paper's example, with V as three inputs
    assert full_flow(NAMES, "edge", 1).complexity == 4
    assert full_flow(NAMES, "node", 2).num_blocks == 2


def test_complexity_of_the_papers_four_stages():
    # two classes of inputs, V and E: 14 -> 8 -> 7 -> 3
    names = Names({"edge": ("V", "E"), "node": (), "graph": ()}, {}, {})
    full = flow(
        ("e", "edge", [Input("V"), Input("E")], 3),
        ("v", "node", [Input("e", "sum"), Input("V")], 3),
        ("u", "graph", [Input("v", "sum"), Input("e", "sum")], 1),
    )  # fmt: skip
    raw = Names(names.visible, {}, {"edge": ("E",), "node": ("V",), "graph": ()})
    layers = full.without_layer("v", raw)
    assert [full.complexity, layers.complexity] == [14, 8]
    inputs = layers.without("u", [Input("V", "any")])
    assert [inputs.complexity, inputs.with_size("e", 1).complexity] == [7, 3]


def test_a_deleted_layer_leaves_sums_of_measured_quantities_to_coarser_layers():
    gone = POWER.without_layer("e1", NAMES)
    assert gone.layers == (Layer("u1", "graph", (Input("R", "any"),)),)


def test_deletions_of_each_stage():
    full = full_flow(NAMES, "graph", 1, size=2)
    assert {tuple(one.name for one in flow.layers) for flow in full.deletions("layers", NAMES)} == {
        ("v1", "u1"), ("e1", "u1"),
    }  # fmt: skip
    made = {flow.reads()["e1"] for flow in full.deletions("inputs", NAMES) if "e1" in flow.reads()}
    assert {"R"} in made  # the potential goes as a whole
    assert {"R", "dV"} in made  # or only at both ends
    sizes = {flow.layers[0].size for flow in full.deletions("sizes", NAMES)}
    assert sizes == {1, 2}
    assert POWER.deletions("sizes", NAMES) == []


def test_deleting_the_last_input_of_a_layer_deletes_the_layer_and_its_only_readers():
    chain = flow(
        ("e1", "edge", [Input("R")], 1), ("v1", "node", [Input("e1", "sum")], 1),
        ("u1", "graph", [Input("v1", "sum"), Input("V", "sum")], 1),
    )  # fmt: skip
    assert [one.name for one in chain.without("e1", [Input("R")]).layers] == ["u1"]
    assert [one.name for one in chain.without("u1", [Input("v1", "sum")]).layers] == ["u1"]


def test_names_of_layers_do_not_matter_and_inputs_do():
    renamed = flow(
        ("m", "edge", [Input("R"), Input("dV")], 1), ("P", "graph", [Input("m", "sum")], 1)
    )
    assert renamed.canonical() == POWER.canonical()
    assert POWER.without("e1", [Input("R")]).canonical() != POWER.canonical()
    mean = POWER.with_aggregates({("u1", "e1"): "mean"})
    assert mean.canonical() != POWER.canonical()
    assert str(mean) == "e1 = φ(R, dV); u1 = φ(mean e1)"


def test_json_restores_an_equal_flow():
    full = full_flow(NAMES, "node", 2, vector=True)
    assert MessageFlow.from_json(full.to_json()) == full


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ShapeError, match="different names"):
        MessageFlow((POWER.layers[0], POWER.layers[0]))


def test_flow_of_a_law_folds_sums_into_what_reads_them():
    law = Law((
        Step("p", "edge", parse("dV ^ 2 / R", ["dV", "R"])),
        Step("P", "graph", aggregate="sum", of="p"),
    ))  # fmt: skip
    read = flow_of(law)
    assert str(read) == "p = φ(R, dV); P = φ(Σ p)"
    assert read.canonical() == POWER.canonical()
    half = Law((*law.steps, Step("Q", "graph", parse("P / 2", ["P"]))))
    assert str(flow_of(half)) == "p = φ(R, dV); Q = φ(Σ p)"


def test_flow_of_a_law_keeps_a_sum_that_another_level_reads():
    law = Law((
        Step("F", "graph", aggregate="sum", of="f"),
        Step("a", "node", parse("f / m - F", ["f", "m", "F"])),
    ))  # fmt: skip
    assert str(flow_of(law)) == "F = φ(Σ f); a = φ(F, f, m)"
