"""Error by number of given ratings as a stand-alone picture, all methods in one."""

from collections.abc import Mapping, Sequence

from core.render.plot import BOTTOM, HEIGHT, TOP, Plot

DASHES = ("", "7 4", "2 3", "10 3 2 3", "4 4", "1 2", "12 4")
COLORS = ("kept", "added", "text", "removed")


def draw_curve(
    series: Mapping[str, Sequence[tuple[float, float]]],
    *,
    figure: str,
    num_given: int | None = None,
    theme: str = "light",
) -> str:
    """SVG: one line per method, with a key above the lines.

    Args:
        series: title of each method to (number of given ratings, value), ascending.
        figure: name of the value.
        num_given: ratings of the person, marked by a dashed line; None for no mark.
        theme: light or dark.
    """
    points = [point for values in series.values() for point in values]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low, high = min(ys), max(ys)
    room = 0.05 * (high - low) or 0.5
    key = (16 * len(series) + 8) / (HEIGHT - TOP - BOTTOM)  # share of the height
    top = high + (high - low + 2 * room) * key / (1 - key)
    plot = Plot(
        f"{figure} by number of given ratings", describe_curve(series, figure),
        x_range=(min(xs), max(xs)), y_range=(low - room, top), theme=theme,
    )  # fmt: skip
    plot.axes(
        "ratings given", figure,
        x_ticks=[(x, f"{x:g}") for x in sorted(set(xs))],
        y_ticks=[(low + share * (high - low), f"{low + share * (high - low):.2f}")
                 for share in (0, 0.25, 0.5, 0.75, 1)],
    )  # fmt: skip
    for number, (title, values) in enumerate(series.items()):
        color = COLORS[number % len(COLORS)]
        plot.line(values, color, dash=DASHES[number % len(DASHES)])
        for x, y in values:
            plot.dot(x, y, color, filled=number == 0, radius=2.5)
        plot.key(number, title, color, dash=DASHES[number % len(DASHES)])
    if num_given is not None:
        at = min(max(num_given, min(xs)), max(xs))
        plot.line([(at, low - room), (at, high + room)], "quiet", dash="2 4")
    return plot.to_svg()


def describe_curve(series: Mapping[str, Sequence[tuple[float, float]]], figure: str) -> str:
    """First and last value of each method, in words."""
    parts = [
        f"{title} {values[0][1]:.3g} with {values[0][0]:g} and {values[-1][1]:.3g} with "
        f"{values[-1][0]:g}"
        for title, values in series.items()
    ]
    return f"{figure}: {'; '.join(parts)}."
