"""Small plots as stand-alone SVG: axes, lines and dots; no scripts, no outside addresses."""

import math
from collections.abc import Sequence
from xml.etree import ElementTree

from core.render.palette import THEMES, Point
from core.render.svg import FONT, NAMESPACE, add_shape, add_text, clean_xml

WIDTH, HEIGHT = 640, 400
LEFT, RIGHT, TOP, BOTTOM = 78, 18, 40, 56
FONT_SIZE = 12
MAX_DECADES = 9  # labelled ones of a logarithmic axis


class Plot:
    """One plot.

    Args:
        title: above the picture, and its accessible name.
        description: in words.
        x_range: smallest and largest x.
        y_range: smallest and largest y.
        theme: light or dark.
    """

    def __init__(
        self, title: str, description: str, *, x_range: Point, y_range: Point, theme: str = "light"
    ) -> None:
        self.colors = THEMES[theme]
        self.x_range, self.y_range = _wide(x_range), _wide(y_range)
        self.root = ElementTree.Element(
            "svg",
            {
                "xmlns": NAMESPACE, "width": str(WIDTH), "height": str(HEIGHT),
                "viewBox": f"0 0 {WIDTH} {HEIGHT}", "role": "img", "font-family": FONT,
            },
        )  # fmt: skip
        ElementTree.SubElement(self.root, "title").text = clean_xml(title)
        ElementTree.SubElement(self.root, "desc").text = clean_xml(description)
        add_shape(
            self.root, "rect", x=0, y=0, width=WIDTH, height=HEIGHT, fill=self.colors["background"]
        )
        add_text(
            self.root, title, LEFT, 22, 14, self.colors["text"], None, anchor="start", bold=True
        )

    def axes(
        self, x_title: str, y_title: str, *, x_ticks: Sequence[tuple[float, str]],
        y_ticks: Sequence[tuple[float, str]],
    ) -> None:  # fmt: skip
        """Frame, ticks with their labels, and titles."""
        ink, quiet = self.colors["ink"], self.colors["quiet"]
        bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
        add_shape(
            self.root, "path", d=f"M{LEFT} {TOP}V{bottom}H{right}", fill="none", stroke=ink,
            stroke_width=1,
        )  # fmt: skip
        for value, label in x_ticks:
            x, _ = self.place(value, self.y_range[0])
            add_shape(self.root, "path", d=f"M{x:.1f} {bottom}v5", stroke=ink, stroke_width=1)
            add_text(self.root, label, x, bottom + 19, FONT_SIZE, quiet, None)
        for value, label in y_ticks:
            _, y = self.place(self.x_range[0], value)
            add_shape(self.root, "path", d=f"M{LEFT - 5} {y:.1f}h5", stroke=ink, stroke_width=1)
            add_text(self.root, label, LEFT - 9, y + 4, FONT_SIZE, quiet, None, anchor="end")
        middle = (LEFT + right) / 2
        add_text(self.root, x_title, middle, HEIGHT - 14, FONT_SIZE, self.colors["text"], None)
        turned = ElementTree.SubElement(
            self.root, "g", {"transform": f"translate(18 {(TOP + bottom) / 2:.1f}) rotate(-90)"}
        )
        add_text(turned, y_title, 0, 0, FONT_SIZE, self.colors["text"], None)

    def place(self, x: float, y: float) -> Point:
        """Pixels of a point."""
        across = (x - self.x_range[0]) / (self.x_range[1] - self.x_range[0])
        up = (y - self.y_range[0]) / (self.y_range[1] - self.y_range[0])
        return (
            LEFT + across * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - up * (HEIGHT - TOP - BOTTOM),
        )

    def line(self, points: Sequence[Point], color: str, *, dash: str = "") -> None:
        """A chain of straight lines; `color` is a key of the theme."""
        path = "L".join("{:.1f} {:.1f}".format(*self.place(x, y)) for x, y in points)
        add_shape(
            self.root, "path", d=f"M{path}", fill="none", stroke=self.colors[color],
            stroke_width=1.5, stroke_dasharray=dash,
        )  # fmt: skip

    def key(self, number: int, words: str, color: str, *, dash: str = "") -> None:
        """A line of the legend in the upper right corner: a stroke and what it stands for."""
        y = TOP + 8 + 16 * number
        add_shape(
            self.root, "path", d=f"M{WIDTH - RIGHT - 30} {y}h28", fill="none",
            stroke=self.colors[color], stroke_width=1.5, stroke_dasharray=dash,
        )  # fmt: skip
        add_text(
            self.root, words, WIDTH - RIGHT - 36, y + 4, FONT_SIZE, self.colors["text"], None,
            anchor="end",
        )  # fmt: skip

    def dot(
        self, x: float, y: float, color: str, *, filled: bool, radius: float, clear: bool = False
    ) -> None:
        """A circle; one that is not filled hides what is behind it unless it is `clear`."""
        left, down = self.place(x, y)
        hollow = "none" if clear else self.colors["background"]
        add_shape(
            self.root, "circle", cx=round(left, 1), cy=round(down, 1), r=radius,
            fill=self.colors[color] if filled else hollow, stroke=self.colors[color],
            stroke_width=2,
        )  # fmt: skip

    def to_svg(self) -> str:
        """Well-formed XML."""
        return ElementTree.tostring(self.root, encoding="unicode")


def log_ticks(low: float, high: float) -> list[tuple[float, str]]:
    """Whole powers of ten between two logarithms, at most nine; the ends where there are none."""
    powers = list(range(math.ceil(low), math.floor(high) + 1))
    if len(powers) < 2:
        return [(low, f"{10**low:.2g}"), (high, f"{10**high:.2g}")] if high > low else [
            (low, f"{10**low:.2g}")
        ]  # fmt: skip
    return [
        (float(power), f"{10.0**power:g}") for power in powers[:: len(powers) // MAX_DECADES + 1]
    ]


def _wide(bounds: Point) -> Point:
    """The range, widened where both ends are equal."""
    low, high = bounds
    return (low, high) if high > low else (low - 0.5, high + 0.5)
