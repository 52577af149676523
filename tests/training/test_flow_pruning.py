import math
import time

import pytest

from core.configs import gsr_config
from core.knowledge.physics.message_flow import Input, Names, full_flow
from core.training.flow_pruning import Pruning, is_sound
from core.training.search import Trial, search

NAMES = Names(
    {"edge": ("V_i", "V_j", "dV", "R"), "node": ("V",), "graph": ()},
    {"V_i": "V", "V_j": "V", "dV": "V", "R": "R", "V": "V"},
    {"edge": ("R",), "node": ("V",), "graph": ()},
)
BLOCKS = [full_flow(NAMES, "graph", num) for num in (1, 2)]
CONFIG = gsr_config()


def error_of(flow):
    """Small where the power of a circuit can be computed; a little larger with every idle part."""
    reads = flow.reads()
    edge = set().union(*(read for name, read in reads.items() if name.startswith("e")), set())
    knows = "R" in edge and ("dV" in edge or {"V_i", "V_j"} <= edge)
    return (0.02 if knows else 0.5) + 1e-4 * flow.complexity


def run(deadline=math.inf, blocks=BLOCKS, error=error_of):
    pruning = Pruning(blocks, NAMES, frozenset(), CONFIG, 1000, deadline)
    result = search(
        pruning,
        lambda flows: [Trial(flow, -error(flow), flow.complexity, 0.0) for flow in flows],
        start=[blocks[0]], budget=200, batch=16, seed=0,
    )  # fmt: skip
    return pruning.beam(result.trials), result


def test_the_smallest_sufficient_flow_is_found_among_all():
    beam, result = run()
    assert str(beam[0].candidate) == "e1 = φ(R, dV); u1 = φ(ρ e1)"
    assert len(beam) == CONFIG.beam
    assert {trial.candidate.num_blocks for trial in result.trials} == {1}


def test_a_second_block_is_tried_where_one_leaves_more_than_lambda():
    def needs_two(flow):
        return error_of(flow) if flow.num_blocks == 2 else 0.9

    beam, _ = run(error=needs_two)
    assert beam[0].candidate.num_blocks == 2


def test_a_deletion_that_costs_more_than_lambda_is_never_kept():
    beam, _ = run(error=lambda flow: 0.02 if "V_i" in flow.reads().get("e1", ()) else 0.13)
    assert all("V_i" in one.candidate.reads()["e1"] for one in beam)


def test_after_the_deadline_nothing_is_proposed():
    beam, result = run(deadline=time.monotonic() - 1)
    assert len(result.trials) == 1
    assert beam[0].candidate == BLOCKS[0]


def test_a_layer_that_combines_vectors_needs_one():
    vector = full_flow(NAMES, "node", 1, vector=True)
    assert is_sound(vector, frozenset())
    alone = vector.without("v1", [Input("e1", "any")])
    assert not is_sound(alone, frozenset())
    assert is_sound(alone, frozenset({"V"}))


@pytest.mark.parametrize("stage", ["layers", "inputs", "sizes"])
def test_beam_holds_no_flow_that_could_still_lose_a_part(stage):
    best = run()[0][0]
    for child in best.candidate.deletions(stage, NAMES):
        assert error_of(child) - error_of(best.candidate) > CONFIG.complexity_weight
