"""Colours, shapes and tags of evidence drawings, for both themes.

Fills are distinct under protan, deutan and tritan vision (minimum CIEDE2000 15.4) and carry dark
text at 7:1 or better; status colours pass 3:1 on white and on the dark background.
"""

import math
from dataclasses import dataclass

Point = tuple[float, float]

STATUSES = {  # of edges
    "shown": "ink", "kept": "kept", "removed": "removed", "added": "added",
    # edges of a regulatory network beside a prior
    "prior kept": "kept", "refused": "removed", "new": "added", "contradicted": "added",
}  # fmt: skip
DASHES = {"removed": "6 4", "refused": "6 4", "against": "2 4"}
DOUBLE = frozenset({"added", "new"})
TEXT_ON_FILL = "#1B1B1F"
HALO = "#FFCC00"
THEMES: dict[str, dict[str, str]] = {
    "light": {
        "background": "#FFFFFF",
        "text": "#1B1B1F",
        "quiet": "#55565E",
        "ink": "#424242",
        "kept": "#0072B2",
        "removed": "#767676",
        "added": "#A34700",
        "halo": HALO,
        "text_on_fill": TEXT_ON_FILL,
    },
    "dark": {
        "background": "#0E1117",
        "text": "#FAFAFA",
        "quiet": "#B4B6C0",
        "ink": "#C9C9D1",
        "kept": "#0072B2",
        "removed": "#767676",
        "added": "#A34700",
        "halo": HALO,
        "text_on_fill": TEXT_ON_FILL,
    },
}


@dataclass(frozen=True)
class Kind:
    """How nodes of one type look.

    Attributes:
        name: type in words.
        tag: two letters.
        shape: name of the outline.
        fill: colour.
        words: type words that mean this kind.
    """

    name: str
    tag: str
    shape: str
    fill: str
    words: frozenset[str]


def _kind(name: str, tag: str, shape: str, fill: str, words: str) -> Kind:
    return Kind(name, tag, shape, fill, frozenset(words.split()))


KINDS = (
    _kind("Drug", "Dr", "circle", "#FBDC34", "drug compound chemical molecule item substance"),
    _kind("Gene", "Ge", "box", "#7DA4FC", "gene protein variable enzyme"),
    _kind("Disease", "Di", "diamond", "#D79950", "disease effect target disorder"),
    _kind("Pathway", "Pw", "hexagon", "#77E9FF", "pathway process operator function"),
    _kind("Anatomy", "An", "square", "#AFBCA1", "anatomy cell user tissue organ"),
    _kind("Side effect", "Se", "triangle", "#B2A1B2", "side phenotype constant symptom"),
    _kind("Class", "Cl", "octagon", "#FBFEBE", "class rule group"),
)
# the two drugs of a pair: stars, as in the figures of the EmerGNN paper
ASKED_DRUGS = (
    _kind("Existing drug", "Dr", "star", "#FBDC34", "existing"),
    _kind("Emerging drug", "Em", "star", "#FFB3C7", "emerging"),
)
# parts of a law on graphs, with the letters of the GSR paper
LAW_PARTS = (
    _kind("Quantity of nodes", "V", "circle", "#7DA4FC", "nodequantity"),
    _kind("Quantity of edges", "E", "circle", "#FBDC34", "edgequantity"),
    _kind("Quantity of the graph", "u", "circle", "#AFBCA1", "graphquantity"),
    _kind("Function", "φ", "box", "#77E9FF", "lawfunction"),
    _kind("Sum, mean or maximum", "Σ", "octagon", "#FBFEBE", "aggregation"),
)
# a recommended item, the items that a person rated, and what they share
RATED_ITEMS = (
    _kind("Rated", "Ra", "circle", "#FBDC34", "rated"),
    _kind("Proposed", "Re", "box", "#7DA4FC", "recommended"),
    _kind("Shared", "Pr", "octagon", "#FBFEBE", "property"),
)
OTHER = _kind("Entity", "En", "ellipse", "#E4FFF4", "entity")
ALL_KINDS = (*ASKED_DRUGS, *KINDS, *LAW_PARTS, *RATED_ITEMS, OTHER)


def find_kind(type_word: str) -> Kind:
    """The look of a type word; unknown words are entities.

    The first word that a kind knows decides ("side effect" is a side effect, not an effect).
    """
    for word in type_word.casefold().replace("_", " ").replace("-", " ").split():
        for kind in ALL_KINDS:
            if word in kind.words:
                return kind
    return OTHER


def outline(shape: str, radius: float) -> list[Point]:
    """Corners of a shape around the origin; curved shapes are given by 48 points.

    Args:
        shape: a shape of `KINDS`.
        radius: distance from the centre to the outline, about.
    """
    if shape in ("circle", "ellipse"):
        wide, high = (radius, radius) if shape == "circle" else (1.25 * radius, 0.82 * radius)
        angles = [2 * math.pi * step / 48 for step in range(48)]
        return [(wide * math.cos(angle), high * math.sin(angle)) for angle in angles]
    if shape in ("box", "square"):
        wide, high = (1.15 * radius, 0.8 * radius) if shape == "box" else (0.88 * radius,) * 2
        return [(-wide, -high), (wide, -high), (wide, high), (-wide, high)]
    if shape == "triangle":
        return [
            (0.0, -1.12 * radius),
            (1.14 * radius, 0.82 * radius),
            (-1.14 * radius, 0.82 * radius),
        ]
    if shape == "star":
        angles = [math.pi * (step / 5 - 0.5) for step in range(10)]
        sizes = [(0.82 if step % 2 else 1.4) * radius for step in range(10)]
        return [
            (size * math.cos(angle), size * math.sin(angle))
            for size, angle in zip(sizes, angles, strict=True)
        ]
    corners, turn, size = {
        "diamond": (4, 0.0, 1.14),
        "hexagon": (6, 0.0, 1.1),
        "octagon": (8, math.pi / 8, 1.05),
    }[shape]
    angles = [turn + 2 * math.pi * step / corners for step in range(corners)]
    return [(size * radius * math.cos(angle), size * radius * math.sin(angle)) for angle in angles]


def outline_path(shape: str, centre: Point, radius: float, grow: float = 0.0) -> str:
    """SVG path of a shape.

    Args:
        shape: a shape of `KINDS`.
        centre: its centre.
        radius: see `outline`.
        grow: distance by which the outline is moved outwards.
    """
    x, y = centre
    if shape in ("circle", "ellipse"):
        wide, high = (radius, radius) if shape == "circle" else (1.25 * radius, 0.82 * radius)
        wide, high = wide + grow, high + grow
        return (
            f"M{x - wide:.1f} {y:.1f}a{wide:.1f} {high:.1f} 0 1 0 {2 * wide:.1f} 0"
            f"a{wide:.1f} {high:.1f} 0 1 0 {-2 * wide:.1f} 0Z"
        )
    if shape == "box":
        wide, high, round_ = 1.15 * radius + grow, 0.8 * radius + grow, 8 + grow / 2
        return (
            f"M{x - wide + round_:.1f} {y - high:.1f}h{2 * (wide - round_):.1f}"
            f"q{round_:.1f} 0 {round_:.1f} {round_:.1f}v{2 * (high - round_):.1f}"
            f"q0 {round_:.1f} {-round_:.1f} {round_:.1f}h{-2 * (wide - round_):.1f}"
            f"q{-round_:.1f} 0 {-round_:.1f} {-round_:.1f}v{-2 * (high - round_):.1f}"
            f"q0 {-round_:.1f} {round_:.1f} {-round_:.1f}Z"
        )
    points = _grown(outline(shape, radius), grow)
    return "M" + "L".join(f"{x + dx:.1f} {y + dy:.1f}" for dx, dy in points) + "Z"


def _grown(points: list[Point], grow: float) -> list[Point]:
    """Corners of a polygon whose sides are moved outwards by `grow`."""
    moved = []
    for row, (x, y) in enumerate(points):
        before, after = points[row - 1], points[(row + 1) % len(points)]
        one, two = _normal(before, (x, y)), _normal((x, y), after)
        scale = grow / (1 + one[0] * two[0] + one[1] * two[1])
        moved.append((x + scale * (one[0] + two[0]), y + scale * (one[1] + two[1])))
    return moved


def _normal(start: Point, end: Point) -> Point:
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = math.hypot(dx, dy)
    return dy / length, -dx / length
