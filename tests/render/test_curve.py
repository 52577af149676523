"""Curves of edges: geometry by hand."""

import math
from itertools import pairwise

import pytest

from core.render import curve

SQUARE = [(-10, -10), (10, -10), (10, 10), (-10, 10)]


def test_a_straight_edge_is_cut_at_both_outlines():
    far = [(x + 100, y) for x, y in SQUARE]
    (cubic,) = curve.trimmed(curve.through([(0, 0), (100, 0)]), SQUARE, far)
    assert cubic[0] == pytest.approx((10, 0), abs=1)
    assert cubic[3] == pytest.approx((90, 0), abs=1)
    (short,) = curve.shortened([cubic], 12)
    assert short[3] == pytest.approx((78, 0), abs=1)
    assert short[0] == cubic[0]


def test_a_bow_bends_by_its_height_to_its_side():
    (right,) = curve.bowed((0, 0), (100, 0), 20)
    assert curve.at(right, 0.5) == pytest.approx((50, 20))
    (left,) = curve.bowed((0, 0), (100, 0), -20)
    assert curve.at(left, 0.5) == pytest.approx((50, -20))
    (straight,) = curve.bowed((0, 0), (0, 90), 0)
    assert curve.at(straight, 0.25) == pytest.approx((0, 22.5))


def test_a_chain_passes_through_its_points():
    points = [(0, 0), (50, 40), (100, -10), (150, 0)]
    chain = curve.through(points)
    assert [c[0] for c in chain] + [chain[-1][3]] == points
    for before, after in pairwise(chain):  # no corner at the joints
        into = (before[3][0] - before[2][0], before[3][1] - before[2][1])
        out = (after[1][0] - after[0][0], after[1][1] - after[0][1])
        assert into[0] * out[1] == pytest.approx(into[1] * out[0])


def test_along_measures_length():
    line = [(0, 0), (10, 0), (10, 30)]
    assert curve.along(line, 0.0) == (0, 0)
    assert curve.along(line, 0.25) == pytest.approx((10, 0))
    assert curve.along(line, 0.5) == pytest.approx((10, 10))
    assert curve.along(line, 1.0) == (10, 30)


def test_inside_a_polygon():
    assert curve.inside(SQUARE, (9.9, 0))
    assert not curve.inside(SQUARE, (10.1, 0))
    assert not curve.inside([(0, 0), (4, 0), (4, 4)], (1, 3))


def test_sampling_keeps_the_ends_and_lies_on_the_curve():
    chain = curve.bowed((0, 0), (100, 0), 20)
    points = curve.sample(chain)
    assert (points[0], points[-1]) == ((0, 0), (100, 0))
    assert max(y for _, y in points) == pytest.approx(20)
    assert len(points) == 33


def test_arrowheads():
    assert curve.arrowhead((0, 0), (10, 0), 1.0, "none") == ""
    assert curve.arrowhead((0, 0), (10, 0), 5.0, "forward") == "M10.0 0.0L0.0 8.0L0.0 -8.0Z"
    bar = curve.arrowhead((6, 0), (10, 0), 5.0, "bar")
    assert bar == "M10.0 8.0L10.0 -8.0L6.5 -8.0L6.5 8.0Z"


def test_a_loop_leaves_upwards_and_returns():
    (cubic,) = curve.loop((5, 5), 40)
    assert cubic[0] == cubic[3] == (5, 5)
    assert curve.at(cubic, 0.5)[1] == pytest.approx(5 - 60)
    assert math.isclose(curve.at(cubic, 0.5)[0], 5)
