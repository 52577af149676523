"""How do we know that the check works? On planted rules the true reason is known."""

import streamlit as st

from core.serving import kg_reasoning as kg
from core.serving.graphs import find_graph, planted
from pages.components import frame
from pages.components.kg_answers import check_of
from pages.components.verdict import show_check

GRAPH = "planted"
NUM_OFFERED = 40


def show() -> None:
    """Check the true proof and a meaningless path for the same planted fact."""
    st.markdown(
        "In this made-up graph a fact holds exactly when the body of its planted rule holds. So "
        "the reason of every answer is known, and so is a decoy: a path just as long, between the "
        "same two entities, that means nothing. A check that deserves trust says SUPPORTED to the "
        "first and NOT SUPPORTED to the second."
    )
    graph = find_graph(GRAPH).load()
    for rule in planted().rules:
        st.markdown(f"Planted rule: {frame.plain(rule.text(graph))}")
    offered = planted().queries[:NUM_OFFERED]
    number = st.selectbox(
        "Held-back fact", range(len(offered)), key="kg_truth_fact", filter_mode="contains",
        format_func=lambda n: kg.fact_text(
            graph, (offered[n].head, offered[n].relation, offered[n].tail)
        ),
    )  # fmt: skip
    question = offered[number]
    query = kg.Query(GRAPH, graph.entities[question.head], graph.relations[question.relation])
    answer = graph.entities[question.tail]
    left, right = st.columns(2)
    sides = (
        (left, "kg_truth_reason", "The true reason", question.evidence),
        (right, "kg_truth_decoy", "The decoy", question.decoy),
    )
    for place, key, title, facts in sides:
        with place.container(border=True, key=key):
            st.markdown(f"**{title}**")
            for fact in sorted(facts):
                st.markdown(frame.plain(kg.fact_text(graph, fact)))
            show_check(check_of(query, answer, facts))
