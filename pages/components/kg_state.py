"""What the page shows now: one link, kept in the session and in the address."""

from dataclasses import replace

import streamlit as st

from core.serving import kg_permalink
from core.serving.graphs import embedded_graphs
from core.serving.kg_permalink import Link
from core.serving.kg_reasoning import Query
from pages.components.kg_answers import answer_of
from pages.components.link_state import LinkState

UPLOADS = "kg_uploads"  # ids of the graphs of this session
FORM = ("kg_graph", "kg_entity", "kg_relation", "kg_inverse", "kg_top_k", "kg_hide", "kg_model")


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    uploads = st.session_state.setdefault(UPLOADS, [])
    embedded = [entry.id for entry in embedded_graphs()]
    if link.graph not in (*embedded, *uploads):
        uploads.append(link.graph)
    fill_form(link)


def commit(query: Query) -> Link:
    """Show a new answer. The question is answered first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    answer_of(query)
    link = Link(query.graph, query, "", STATE.link.ranking)
    STATE.keep(link, new=True)
    st.session_state["kg_answer"] = None
    return link


def edit(query: Query) -> None:
    """Show the question with other edits, the same answer open."""
    answer_of(query)
    STATE.keep(replace(STATE.link, query=query, example=False), new=True)


def fill_form(link: Link) -> None:
    """Give the input widgets the values of a link."""
    query = link.query or Query(link.graph, "", "")
    values = (
        link.graph, query.entity or None, query.relation or None, query.inverse, query.top_k,
        query.hide_known, query.model,
    )  # fmt: skip
    for key, value in zip(FORM, values, strict=True):
        st.session_state[key] = value
    st.session_state.pop("kg_entity_search", None)
    st.session_state["kg_ranking"] = link.ranking
    st.session_state["kg_answer"] = link.answer or None


def example_parameters(graph_id: str) -> dict[str, str]:
    """Address of a graph's example; that of the first graph is the bare page."""
    return {} if graph_id == embedded_graphs()[0].id else {"graph": graph_id}


STATE = LinkState("kg", kg_permalink.from_parameters, show, "kg_graph")
