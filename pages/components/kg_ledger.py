"""What each model of a graph cost and how right it is: from its card, and measured here."""

from dataclasses import replace
from statistics import median

import streamlit as st

from core.serving import kg_reasoning as kg
from core.serving.graphs import find_graph
from core.serving.kg_question import find_model
from core.serving.kg_rules import RULES
from pages.components import frame, kg_inputs
from pages.components.job_status import say_duration
from pages.components.rows import show_rows

REPEATS = 5
METRICS = {"mrr": "MRR", "hits_at_1": "Hits@1", "hits_at_10": "Hits@10"}


def show(query: kg.Query) -> None:
    """One row per model; latency is measured when asked for."""
    titles = kg_inputs.titles_of(query.graph)
    own = find_graph(query.graph).model
    measured = st.session_state.get("kg_latency", {}).get(query.graph, {})
    header = ("Model", "Parameters", "Training", *METRICS.values(), "Answer, median of 5")
    rows, protocols = [], {}
    for name, title in titles.items():
        cells, protocol = _figures(name or own)
        latency = measured.get(name)
        rows.append((title, *cells, "–" if latency is None else f"{latency * 1000:.1f} ms"))
        if protocol:
            protocols.setdefault(protocol, title)
    with st.container(key="kg_costs"):
        show_rows(header, rows, right=header[1:])
    if st.button("Measure the answers on this server", key="kg_measure"):
        st.session_state.setdefault("kg_latency", {})[query.graph] = {
            name: _latency(replace(query, model=name)) for name in titles
        }
        st.rerun()
    st.markdown(
        "Figures are those of each model's card, on the test part of what it was trained on; only "
        "figures of the same data and protocol can be compared. Rules are counted on the graph "
        "when it is opened and have no card."
    )
    for protocol, title in protocols.items():
        st.markdown(f":small[{frame.plain(title)}: {frame.plain(protocol)}.]")


def _figures(name: str) -> tuple[tuple[str, ...], str]:
    """Cells of the table from the card of a model, and data and protocol behind them."""
    if name == RULES:
        return ("0", "counted", *("–" for _ in METRICS)), ""
    card = find_model(name).card
    found = {key: card.metric(key, "test") for key in METRICS}
    cells = (
        f"{card.num_parameters:,}",
        say_duration(card.training_s),
        *("–" if metric is None else f"{metric.value:.3f}" for metric in found.values()),
    )
    protocols = [metric.protocol for metric in found.values() if metric is not None]
    return cells, f"{card.data.title}, {card.data.split}; {protocols[0]}" if protocols else ""


def _latency(query: kg.Query) -> float:
    """Median seconds of an answer, the first not counted."""
    kg.answer(query)
    return median(kg.answer(query).seconds for _ in range(REPEATS))
