import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ShapeError
from core.knowledge.modulation import (
    FILM,
    NAMED,
    NONE,
    NUM_POSITIONS,
    OPERATIONS,
    RELEASED,
    Structure,
    modulate,
    reduce,
    top,
)

CELLS = st.frozensets(
    st.tuples(st.integers(0, NUM_POSITIONS - 1), st.sampled_from(OPERATIONS)), max_size=16
)
NUMBERS = st.floats(-3, 3)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(("max", "min", "plus", "minus")), NUMBERS),
        st.tuples(st.sampled_from(("multiply", "divide")), st.floats(0.5, 2)),
    ),
    max_size=12,
)
APPLY = {
    "max": max, "min": min, "plus": lambda h, a: h + a, "minus": lambda h, a: h - a,
    "multiply": lambda h, a: h * a, "divide": lambda h, a: h / a,
}  # fmt: skip


@given(STEPS, NUMBERS)
def test_every_sequence_of_operations_is_a_clamp_a_scale_and_a_shift(steps, h):
    expected = h
    for operation, value in steps:
        expected = APPLY[operation](expected, value)
    found = modulate(np.array(h), *reduce(steps), np.ones(4))
    assert found == pytest.approx(expected, abs=1e-6)


def test_reducing_by_hand():
    # max(2 h + 1, 5) - 1 = 2 max(h, 2)
    assert reduce([("multiply", 2), ("plus", 1), ("max", 5), ("minus", 1)]) == (2, math.inf, 2, 0)
    assert reduce([]) == (-math.inf, math.inf, 1, 0)


@pytest.mark.parametrize("step", [("multiply", 0.0), ("divide", -1.0), ("power", 2.0)])
def test_what_cannot_be_reduced_is_refused(step):
    with pytest.raises(ShapeError, match=r"must be positive|is not max, min"):
        reduce([step])


@given(CELLS)
def test_json_and_mask_name_the_same_cells(kept):
    structure = Structure(kept)
    assert Structure.from_json(structure.to_json()) == structure
    assert structure.mask().sum() == structure.size
    for position, operation in kept:
        assert structure.mask()[position, OPERATIONS.index(operation)] == 1


@pytest.mark.parametrize(
    "value", [None, [[0] * 4] * 3, [[0] * 3] * 4, [[0, 0, 0, 2]] * 4, [1, 1, 1, 1], {"a": 1}]
)
def test_other_json_is_refused(value):
    with pytest.raises(ShapeError, match="four rows of four"):
        Structure.from_json(value)


def test_cells_outside_the_grid_are_refused():
    with pytest.raises(ShapeError, match=r"\(4, plus\)"):
        Structure(frozenset({(4, "plus")}))


def test_modulation_keeps_the_order_and_leaves_out_the_rest():
    h, row = np.array([-2.0, 0.0, 5.0]), np.array
    assert modulate(h, -1, 3, 2, 1, row([1, 1, 1, 1])).tolist() == [-1.0, 1.0, 7.0]
    assert modulate(h, -1, 3, 2, 1, row([0, 1, 0, 1])).tolist() == [-1.0, 1.0, 4.0]
    assert modulate(h, -1, 3, 2, 1, row([0, 0, 0, 0])).tolist() == h.tolist()
    # crossed bounds: the upper one wins
    assert modulate(h, 4, 3, 1, 0, row([1, 1, 0, 0])).tolist() == [3.0, 3.0, 3.0]


def test_structures_in_words_and_formulas():
    assert RELEASED.words(2) == "clamp from below, then shift"
    assert RELEASED.words(3) == "unchanged"
    assert RELEASED.formula(2) == "max(h, φ₁) + φ₄"
    assert RELEASED.formula(3) == "h"
    assert RELEASED.latex(2) == r"\max(h, \varphi_1) + \varphi_4"
    every = Structure.from_json([[1, 1, 1, 1]] + [[0] * 4] * 3)
    assert every.formula(0) == "min(max(h, φ₁), φ₂) · φ₃ + φ₄"
    assert str(RELEASED) == "0 {plus}, 1 {plus}, 2 {max, plus}"
    assert str(NONE) == "no modulation"


def test_the_difference_of_two_structures_in_words():
    assert RELEASED.differs_from(RELEASED) == ""
    assert RELEASED.differs_from(FILM) == (
        "adds clamp from below at 2; leaves out scale at 0, 1, 2, 3; leaves out shift at 3"
    )
    assert NAMED[FILM.name] == FILM
    assert FILM.size == 8
    assert Structure(frozenset({(0, "max")})).name == ""


def test_the_largest_gates_are_kept_and_ties_go_to_the_earlier():
    gates = np.zeros((4, 4))
    gates[2, 3], gates[1, 0], gates[3, 2] = 0.9, 0.8, 0.7
    assert top(gates, 2) == Structure(frozenset({(2, "plus"), (1, "max")}))
    assert top(np.zeros((4, 4)), 2) == Structure(frozenset({(0, "max"), (0, "min")}))
    assert top(gates, 0) == NONE


def test_neighbours_differ_in_one_cell():
    found = FILM.neighbours()
    assert len(set(found)) == 16
    assert all(len(one.kept ^ FILM.kept) == 1 for one in found)
