"""Motions by the true and the found law."""

import re
from xml.etree import ElementTree

from core.render.motion import PANEL, draw_frame, draw_motion

TRUE = [[[0.0, 0.0], [1.0, 1.0]], [[0.5, 0.0], [1.0, 0.5]], [[1.0, 0.0], [1.0, 0.0]]]
FOUND = [[[0.0, 0.0], [1.0, 1.0]], [[0.5, 0.1], [1.0, 0.4]], [[90.0, 0.0], [1.0, -0.1]]]


def test_a_frame_shows_each_body_twice_with_its_path():
    root = ElementTree.fromstring(draw_frame(TRUE, FOUND, 1))
    assert len(root.findall(".//{*}circle")) == 4
    assert len(root.findall(".//{*}path")) == 4
    assert len(ElementTree.fromstring(draw_frame(TRUE, FOUND, 0)).findall(".//{*}path")) == 0


def test_equal_moments_stand_at_equal_places_of_both_panels():
    root = ElementTree.fromstring(draw_frame(TRUE, FOUND, 0))
    left, _, right, _ = root.findall(".//{*}circle")
    assert float(right.get("cx")) - float(left.get("cx")) == PANEL + 24
    assert left.get("cy") == right.get("cy")


def test_a_motion_that_flies_apart_stays_in_its_panel():
    root = ElementTree.fromstring(draw_frame(TRUE, FOUND, 2))
    for circle in root.findall(".//{*}circle"):
        assert 0 <= float(circle.get("cx")) <= float(root.get("width"))


def test_it_plays_once_and_not_at_all_where_less_motion_is_wanted():
    root = ElementTree.fromstring(draw_motion(TRUE, FOUND, 4))
    style = root.find("{*}style").text
    assert "4s linear 1 both" in style
    assert re.search(r"prefers-reduced-motion: reduce\)\{g\{animation:none", style)
    assert style.count("@keyframes") == 4
    assert not root.findall(".//{*}script")
