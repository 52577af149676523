"""How many ratings are enough: measured error by number of given ratings, beside the baselines."""

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from core.render.support_curve import draw_curve
from core.serving.rec_ledger import title_of
from core.serving.rec_model import METHODS, RecModel
from pages.components import frame
from pages.components.rows import show_rows

FIGURES = {
    "mse": "Squared error (smaller is better)",
    "mae": "Absolute error (smaller is better)",
    "ndcg@5": "nDCG@5 of rated items (larger is better)",
    "recall@10": "Recall@10 in the whole catalogue (larger is better)",
}
COLORS = {
    "light": ("#0072B2", "#A34700", "#4B6B2F", "#7A4B8C", "#55565E", "#8A6D00", "#1B1B1F"),
    "dark": ("#56A8E8", "#F0894D", "#9CC27A", "#C79BDC", "#B4B6C0", "#E0C050", "#FAFAFA"),
}


def show(model: RecModel, num_given: int) -> None:
    """Chart and table of one figure; where this person stands is a dashed line.

    Args:
        model: the model.
        num_given: ratings of the question that is shown.
    """
    offered = [name for name in FIGURES if all(name in row for row in model.curve)]
    if not model.curve or not offered:
        st.markdown("The files of this model hold no such measurement.")
        return
    figure = st.selectbox("Figure", offered, key="rec_curve_figure", format_func=FIGURES.get)
    methods = list(dict.fromkeys(row["method"] for row in model.curve))
    ordered = sorted(methods, key=lambda name: (name not in METHODS, [*METHODS, name].index(name)))
    _draw(model.curve, ordered, figure, num_given)
    _tabulate(model.curve, ordered, figure)
    st.markdown(
        f"Measured on users whom no training saw. Dotted: your {num_given:,} ratings. With few "
        "ratings most of the gain is the **level**: whether somebody rates high or low. The order "
        "of the list changes less."
    )
    st.download_button(
        "Download the picture", picture(model, figure, num_given, frame.theme()),
        file_name="error-by-ratings.svg", mime="image/svg+xml", key="rec_curve_svg",
        on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def picture(model: RecModel, figure: str, num_given: int, theme: str) -> str:
    """The chart as SVG."""
    lines: dict[str, list[tuple[float, float]]] = {}
    for row in model.curve:
        lines.setdefault(title_of(row["method"]), []).append((row["given"], row[figure]))
    name = FIGURES[figure].partition(" (")[0]
    return draw_curve(lines, figure=name, num_given=num_given, theme=theme)


def _draw(rows: Sequence[Mapping[str, Any]], methods: list[str], figure: str, num: int) -> None:
    colors = COLORS[frame.theme()]
    titles = [title_of(name) for name in methods]
    points = [
        {"given": row["given"], "value": row[figure], "method": title_of(row["method"])}
        for row in rows
    ]
    most = max(row["given"] for row in rows)
    x = {
        "field": "given", "type": "quantitative", "title": "ratings given",
        "axis": {"tickMinStep": 1}, "scale": {"domain": [0, most]},
    }  # fmt: skip
    series = {
        "field": "method", "type": "nominal", "title": None, "sort": titles,
        "scale": {"domain": titles, "range": list(colors[: len(titles)])},
        "legend": {"orient": "bottom", "columns": 4, "symbolType": "stroke", "symbolSize": 300},
    }  # fmt: skip
    st.vega_lite_chart(
        points,
        {
            "description": f"{FIGURES[figure]} by number of given ratings for {', '.join(titles)}.",
            "height": 300,
            "layer": [
                {
                    "mark": {"type": "line", "point": True, "tooltip": True, "aria": False},
                    "encoding": {
                        "x": x,
                        "y": {"field": "value", "type": "quantitative", "scale": {"zero": False},
                              "title": FIGURES[figure].partition(" (")[0]},
                        "color": series,
                        "strokeDash": {
                            **series,
                            "scale": {"domain": titles,
                                      "range": [[1, 0], *[[6, 3]] * (len(titles) - 1)]},
                        },
                    },
                },
                {
                    "data": {"values": [{"given": min(num, most)}]},
                    "mark": {"type": "rule", "strokeDash": [2, 4], "color": colors[-1],
                             "aria": False},
                    "encoding": {"x": {**x, "title": "ratings given"}},
                },
            ],
        },
        key="rec_curve_chart",
    )  # fmt: skip


def _tabulate(rows: Sequence[Mapping[str, Any]], methods: list[str], figure: str) -> None:
    values = {(row["method"], row["given"]): row[figure] for row in rows}
    numbers = sorted({row["given"] for row in rows})
    header = ("Method", *(f"{number} given" for number in numbers))
    with st.container(key="rec_curve_rows"):
        show_rows(
            header,
            [
                (
                    title_of(name),
                    *(
                        f"{values[name, number]:.3f}" if (name, number) in values else "–"
                        for number in numbers
                    ),
                )
                for name in methods
            ],
            right=header[1:],
        )
