"""A motion computed with the true law and with the found one, side by side, as SVG.

One frame is a still picture with the paths so far. The moving picture uses style sheets inside the
file: it plays once when a person asks for it and stands still where less motion is wanted.
"""

from collections.abc import Sequence
from xml.etree import ElementTree

from core.render.palette import KINDS, THEMES
from core.render.svg import FONT, NAMESPACE, add_shape, add_text, clean_xml

PANEL, GAP, MARGIN, HEAD = 300, 24, 14, 28
RADIUS = 6
NAMES = ("true law", "found law")

Frames = Sequence[Sequence[Sequence[float]]]  # (frames, nodes, 2 or 3), the third is not drawn


def draw_frame(true: Frames, found: Frames, frame: int, *, theme: str = "light") -> str:
    """Both motions at one moment.

    Args:
        true: (frames, nodes, 2) positions by the true law.
        found: positions by the found law, likewise.
        frame: number of the moment; the paths up to it are drawn.
        theme: light or dark.
    """
    words = f"Moment {frame + 1} of {len(true)}: positions by the true and by the found law."
    root, colors = _canvas(words, theme)
    scale = _scale(true, found)
    for panel, frames in enumerate((true, found)):
        for node in range(len(frames[0])):
            trail = [_place(frames[row][node], scale, panel) for row in range(frame + 1)]
            if len(trail) > 1:
                path = "L".join(f"{x:.1f} {y:.1f}" for x, y in trail)
                add_shape(
                    root, "path", d=f"M{path}", fill="none", stroke=colors["removed"],
                    stroke_width=1,
                )  # fmt: skip
            _body(root, node, trail[-1], colors)
    return ElementTree.tostring(root, encoding="unicode")


def draw_motion(true: Frames, found: Frames, seconds: float, *, theme: str = "light") -> str:
    """Both motions as one picture that moves once and stops.

    Args:
        true: see `draw_frame`.
        found: likewise.
        seconds: how long it plays.
        theme: light or dark.
    """
    root, colors = _canvas("Both motions, played once.", theme)
    scale, rules = _scale(true, found), []
    for panel, frames in enumerate((true, found)):
        for node in range(len(frames[0])):
            name = f"m{panel}-{node}"
            spots = [_place(frame[node], scale, panel) for frame in frames]
            last = max(1, len(spots) - 1)
            steps = "".join(
                f"{100 * row / last:.1f}%{{transform:translate({x:.1f}px,{y:.1f}px)}}"
                for row, (x, y) in enumerate(spots)
            )
            x, y = spots[-1]
            rules.append(
                f"@keyframes {name}{{{steps}}}"
                f"#{name}{{transform:translate({x:.1f}px,{y:.1f}px);"
                f"animation:{name} {seconds:g}s linear 1 both}}"
            )
            group = ElementTree.SubElement(root, "g", {"id": name})
            _body(group, node, (0.0, 0.0), colors)
    rules.append("@media (prefers-reduced-motion: reduce){g{animation:none !important}}")
    style = ElementTree.Element("style")
    style.text = "".join(rules)
    root.insert(2, style)
    return ElementTree.tostring(root, encoding="unicode")


def _canvas(words: str, theme: str) -> tuple[ElementTree.Element, dict[str, str]]:
    """The picture with two empty panels."""
    colors = THEMES[theme]
    width, height = 2 * PANEL + GAP, PANEL + HEAD
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": NAMESPACE, "width": str(width), "height": str(height),
            "viewBox": f"0 0 {width} {height}", "role": "img", "font-family": FONT,
        },
    )  # fmt: skip
    ElementTree.SubElement(root, "title").text = "Motion by the true and by the found law"
    ElementTree.SubElement(root, "desc").text = clean_xml(words)
    add_shape(root, "rect", x=0, y=0, width=width, height=height, fill=colors["background"])
    for panel, name in enumerate(NAMES):
        left = panel * (PANEL + GAP)
        add_text(root, name, left + 2, 18, 14, colors["text"], None, anchor="start", bold=True)
        add_shape(
            root, "rect", x=left + 0.5, y=HEAD + 0.5, width=PANEL - 1, height=PANEL - 1,
            fill="none", stroke=colors["removed"], stroke_width=1,
        )  # fmt: skip
    return root, colors


def _scale(true: Frames, found: Frames) -> tuple[float, float, float]:
    """Left, top and pixels per length, such that the true motion and the found one fit.

    A found motion that flies apart is cut at twice the extent of the true one.
    """

    def bounds(frames: Frames, axis: int) -> tuple[float, float]:
        values = [node[axis] for frame in frames for node in frame]
        return min(values), max(values)

    spans = []
    for axis in (0, 1):
        low, high = bounds(true, axis)
        room = (high - low or 1.0) / 2
        other_low, other_high = bounds(found, axis)
        spans.append(
            (max(min(low, other_low), low - room), min(max(high, other_high), high + room))
        )
    (left, right), (low, high) = spans
    size = max(right - left, high - low) or 1.0
    per_length = (PANEL - 2 * MARGIN) / size
    return (left + right) / 2 - size / 2, (low + high) / 2 + size / 2, per_length


def _place(
    point: Sequence[float], scale: tuple[float, float, float], panel: int
) -> tuple[float, float]:
    """Pixels of a position, kept inside its panel."""
    left, top, per_length = scale
    x = min(max((point[0] - left) * per_length + MARGIN, 0.0), float(PANEL))
    y = min(max((top - point[1]) * per_length + MARGIN, 0.0), float(PANEL))
    return x + panel * (PANEL + GAP), y + HEAD


def _body(
    root: ElementTree.Element, node: int, at: tuple[float, float], colors: dict[str, str]
) -> None:
    add_shape(
        root, "circle", cx=round(at[0], 1), cy=round(at[1], 1), r=RADIUS,
        fill=KINDS[node % len(KINDS)].fill, stroke=colors["ink"], stroke_width=1.5,
    )  # fmt: skip
