"""Colours and shapes keep the promises of the visual rules."""

import pytest

from core.render.curve import inside
from core.render.palette import ALL_KINDS, KINDS, OTHER, THEMES, find_kind, outline, outline_path


def luminance(color):
    parts = [int(color[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, two):
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_eight_kinds():
    found = {(k.tag, k.shape, k.fill) for k in (*KINDS, OTHER)}
    assert found == {
        ("Dr", "circle", "#FBDC34"), ("Ge", "box", "#7DA4FC"), ("Di", "diamond", "#D79950"),
        ("Pw", "hexagon", "#77E9FF"), ("An", "square", "#AFBCA1"), ("Se", "triangle", "#B2A1B2"),
        ("Cl", "octagon", "#FBFEBE"), ("En", "ellipse", "#E4FFF4"),
    }  # fmt: skip


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)
def test_tags_have_seven_to_one_on_their_fill(kind):
    assert contrast("#1B1B1F", kind.fill) >= 6.99
    assert contrast("#0E1117", kind.fill) >= 7.0


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_and_texts_have_contrast(theme):
    colors = THEMES[theme]
    for name in ("kept", "removed", "added", "ink"):
        assert contrast(colors[name], colors["background"]) >= 3.0, name
    assert contrast(colors["text"], colors["background"]) >= 7.0
    assert contrast(colors["quiet"], colors["background"]) >= 4.5
    assert (colors["kept"], colors["removed"], colors["added"]) == ("#0072B2", "#767676", "#A34700")
    assert colors["halo"] == "#FFCC00"


@pytest.mark.parametrize(
    ("word", "tag"),
    [
        ("drug", "Dr"), ("Chemical compound", "Dr"), ("GENE", "Ge"), ("protein_coding", "Ge"),
        ("disease", "Di"), ("side effect", "Se"), ("cell-line", "An"), ("rule", "Cl"),
        ("process", "Pw"), ("emerging drug", "Em"),
        ("existing drug", "Dr"), ("person", "En"), ("", "En"), ("<script>", "En"),
    ],
)  # fmt: skip
def test_type_words(word, tag):
    assert find_kind(word).tag == tag


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: kind.name)
def test_outlines_hold_their_centre_and_grow_outwards(kind):
    points = outline(kind.shape, 20)
    assert inside(points, (0, 0))
    assert all(12 < (x * x + y * y) ** 0.5 < 32 for x, y in points)
    plain = outline_path(kind.shape, (50, 50), 20)
    grown = outline_path(kind.shape, (50, 50), 20, 5)
    assert plain.startswith("M")
    assert plain.endswith("Z")
    assert plain != grown


def test_a_square_grows_by_the_distance_on_every_side():
    assert outline_path("square", (0, 0), 100, 0) == "M-88.0 -88.0L88.0 -88.0L88.0 88.0L-88.0 88.0Z"
    assert outline_path("square", (0, 0), 100, 2) == "M-90.0 -90.0L90.0 -90.0L90.0 90.0L-90.0 90.0Z"
