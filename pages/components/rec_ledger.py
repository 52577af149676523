"""What each method costs: size, numbers that adapt, times and measured error."""

from collections.abc import Collection

import streamlit as st

from core.serving import rec_ledger
from core.serving import recommendation as rec
from core.serving.rec_model import open_model
from core.serving.rec_question import Question
from pages.components import frame
from pages.components.job_status import say_duration
from pages.components.rec_answers import BY_TEXT
from pages.components.rows import show_rows

HEADER = (
    "Method", "Parameters", "Adapted to you", "Adapting", "A list here", "Training",
    "Squared error",
)  # fmt: skip


@st.cache_resource(show_spinner="Measuring on this server", max_entries=50, hash_funcs=BY_TEXT)
def _costs(question: Question) -> tuple[rec_ledger.Cost, ...]:
    return rec_ledger.costs(question)


def show(answer: rec.Answer) -> None:
    """Costs of every method that answers here or was measured."""
    methods = {one.method for one in _costs(answer.question)}
    show_costs(answer.question, methods, key="rec_costs")


def show_costs(question: Question, methods: Collection[str], *, key: str) -> None:
    """One row per method; a dash where nothing was measured."""
    found = [one for one in _costs(question) if one.method in methods]
    with st.container(key=key):
        show_rows(HEADER, [_cells(one) for one in found], right=HEADER[1:])
    given = next((one.given for one in found if one.given is not None), None)
    figure = "" if given is None else f" **Squared error**: of test users with {given} given."
    st.markdown(
        "**A list here**: median and 95 % quantile of all candidates of this question, measured on "
        f"this server now.{figure}"
    )
    places = dict.fromkeys(one.measured_on for one in found if one.measured_on)
    if places:
        st.markdown(f":small[The other times were measured on {frame.plain(', '.join(places))}.]")
    protocols = dict.fromkeys(one.protocol for one in open_model(question.model).card.metrics)
    for protocol in filter(None, protocols):
        st.markdown(f":small[The error was measured on: {frame.plain(protocol)}.]")


def _cells(cost: rec_ledger.Cost) -> tuple[str, ...]:
    here = "–"
    if cost.here_ms is not None:
        here = f"{cost.here_ms:.2f} ms ({cost.here_p95_ms:.2f})"
    return (
        cost.title,
        "–" if cost.parameters is None else f"{cost.parameters:,}",
        "–" if cost.adapted is None else f"{cost.adapted:,}",
        "–" if cost.adapt_ms is None else f"{cost.adapt_ms:.2f} ms",
        here,
        "–" if cost.training_s is None else say_duration(cost.training_s),
        "–" if cost.error is None else f"{cost.error:.3f}",
    )
