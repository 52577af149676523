"""How it works and what it cost: figures of the model's card beside simple rivals, all measured."""

import streamlit as st

from core.serving import ddi_networks as networks
from core.serving.artifact import Card
from pages.components import frame
from pages.components.job_status import say_duration
from pages.components.rows import show_rows

WORDS = """
1. Both drugs stand in one network of proteins, effects and known interactions. Only paths of at
   most three steps between them count; what is recorded between the two themselves is left out.
2. **EmerGNN** passes messages along these paths from both ends; attention weighs each relation.
   A new compound needs no history: its structure and facts give it paths.
3. **EmerGNN+** adds a vote of similar drugs and a reading of the structures, weighed on held-back
   pairs, and is calibrated there.
4. The live check takes the shown facts away, keeps only them, and compares with random look-alikes.
"""
METHODS = {
    "plus": "EmerGNN+ (this page)",
    "": "EmerGNN alone",
    "vote": "similar-drug vote",
    "habit": "type habit",
    "majority": "most frequent type",
}
FIGURES = {"accuracy": "Accuracy", "f1": "F1 (macro)", "kappa": "Cohen's kappa"}
SETTINGS = {
    "test S0": "S0, known–known",
    "test S1": "S1, new–known",
    "test S2": "S2, new–new",
}


def show(network_id: str) -> None:
    """The method in words, then each model of the network with its measured figures."""
    st.markdown(WORDS)
    for setting, model in networks.context(network_id).models.items():
        card = model.artifact.card
        st.markdown(f"**{frame.plain(card.name)}**, trained for {setting}")
        st.markdown(
            f"{card.num_parameters:,} parameters · trained in {say_duration(card.training_s)} on "
            f"{frame.plain(card.hardware)} · {frame.plain(card.created)} · seed {card.seed}"
        )
        _show_figures(card)


def _show_figures(card: Card) -> None:
    """One row per method and setting; published figures where the card has them."""
    rows = []
    for split, words in SETTINGS.items():
        for method, label in METHODS.items():
            cells, published = [], []
            for figure in FIGURES:
                metric = card.metric(f"{method} {figure}".strip(), split)
                cells.append("–" if metric is None else f"{metric.value:.3f}")
                if metric is not None and metric.paper is not None:
                    published.append(f"{FIGURES[figure]} {metric.paper:g}")
            if any(cell != "–" for cell in cells):
                rows.append((words, label, *cells, ", ".join(published) or "–"))
    if not rows:
        st.markdown("The card of this model states no measured figure.")
        return
    with st.container(key=f"ddi_figures_{card.name}"):
        show_rows(
            ("Setting", "Method", *FIGURES.values(), "Published"), rows,
            right=tuple(FIGURES.values()),
        )  # fmt: skip
        for protocol in dict.fromkeys(metric.protocol for metric in card.metrics):
            st.markdown(f"Measured on: {frame.plain(protocol)}.")
        for source in dict.fromkeys(m.paper_source for m in card.metrics if m.paper is not None):
            st.markdown(f"Published figures: {frame.plain(source)}")
