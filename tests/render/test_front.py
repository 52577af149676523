"""The Pareto front as a chart and as a file."""

from xml.etree import ElementTree

import pytest

from core.render.front import FrontPoint, describe_front, draw_front, front_chart, picked

POINTS = (
    FrontPoint(1, 1, 0.9, "1.2"),
    FrontPoint(2, 3, 0.4, "k*r"),
    FrontPoint(3, 5, 0.5, "k*r*r", on_front=False),
    FrontPoint(4, 7, 1e-14, "k*(r - 1)/m", knee=True),
)


def test_each_formula_is_one_row_and_only_the_open_one_is_filled():
    rows, spec = front_chart(POINTS, 2)
    assert [(row["formula"], row["kind"]) for row in rows] == [
        (1, "on the front"), (2, "on the front"), (3, "dominated"), (4, "on the front")
    ]  # fmt: skip
    assert [row["fill"] == row["color"] for row in rows] == [False, True, False, False]
    assert rows[3]["error"] == 1e-9  # a logarithm has no zero
    assert len(spec["layer"]) == 3
    assert len(front_chart(POINTS, 2, floor=0.05)[1]["layer"]) == 4


def test_the_chart_is_said_in_words():
    words = describe_front(POINTS, 2)
    assert words.startswith("4 formulas, 3 on the front. 1 symbols: error 0.9; 3 symbols: error")
    assert words.endswith("Formula 4 is suggested. Formula 2 is open.")


@pytest.mark.parametrize(
    ("selection", "number"),
    [
        ({"pick": [{"formula": 3}]}, 3), ({"pick": []}, None), ({}, None), (None, None),
        ({"pick": [{"formula": "x"}]}, None), ({"pick": {"formula": 3}}, None),
    ],
)  # fmt: skip
def test_a_click_gives_a_number_or_nothing(selection, number):
    assert picked(selection) == number


def test_the_file_is_well_formed_and_steps_between_the_sizes():
    text = draw_front(POINTS, 4, title="<b>front</b> & more", permalink="/symbolic_regression?x=1")
    root = ElementTree.fromstring(text)
    assert root.find("{*}title").text == "<b>front</b> & more"
    assert "Answer: /symbolic_regression?x=1" in root.find("{*}desc").text
    assert not root.findall(".//{*}script")
    circles = root.findall(".//{*}circle")
    assert len(circles) == len(POINTS) + 1  # and the ring around the knee
    line = next(p for p in root.findall(".//{*}path") if p.get("stroke") == "#0072B2")
    assert line.get("d").count("L") == 4  # two steps of two lines


def test_one_formula_alone_has_a_picture_too():
    root = ElementTree.fromstring(draw_front(POINTS[:1], 1, title="one"))
    assert len(root.findall(".//{*}circle")) == 1
    assert "nan" not in ElementTree.tostring(root, encoding="unicode")
