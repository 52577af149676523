"""The picture of error by number of given ratings."""

from xml.etree import ElementTree

import pytest

from core.render.support_curve import describe_curve, draw_curve

SERIES = {"ColdNAS": [(0, 2.5), (5, 2.2), (10, 2.0)], "Popularity": [(0, 2.6), (10, 2.6)]}
SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_dots_and_key(theme):
    root = ElementTree.fromstring(draw_curve(SERIES, figure="Squared error", theme=theme))
    assert root.find(f"{SVG}title").text == "Squared error by number of given ratings"
    assert len(root.findall(f"{SVG}circle")) == 5
    words = {text.text for text in root.iter(f"{SVG}text")}
    assert {"ColdNAS", "Popularity", "0", "5", "10", "2.00", "2.60"} <= words
    dots = [(float(one.get("cx")), float(one.get("cy"))) for one in root.findall(f"{SVG}circle")]
    assert dots[0][0] < dots[1][0] < dots[2][0]
    assert dots[0][1] < dots[1][1] < dots[2][1]  # a smaller error lies lower


def test_the_person_is_marked_within_the_measured_numbers():
    plain = ElementTree.fromstring(draw_curve(SERIES, figure="Squared error"))
    marked = ElementTree.fromstring(draw_curve(SERIES, figure="Squared error", num_given=30))
    assert len(list(marked.iter(f"{SVG}path"))) == len(list(plain.iter(f"{SVG}path"))) + 1
    last = [one.get("d") for one in marked.iter(f"{SVG}path")][-1]
    assert last.startswith("M622.0 ")


def test_in_words():
    assert describe_curve(SERIES, "Squared error") == (
        "Squared error: ColdNAS 2.5 with 0 and 2 with 10; Popularity 2.6 with 0 and 2.6 with 10."
    )
