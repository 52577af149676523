"""Which relation holds between two entities: all of them, ranked."""

import streamlit as st

from core.serving import kg_reasoning as kg
from core.serving import kg_relations
from pages.components import frame, inputs, kg_inputs
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken

SHOWN = 10


@st.cache_data(
    show_spinner="Asking every relation", max_entries=200,
    hash_funcs={kg.Query: lambda query: repr(query.to_json())},
)  # fmt: skip
def _rank(query: kg.Query, tail: str) -> tuple[kg_relations.RelationAnswer, ...]:
    return kg_relations.rank_relations(query, tail)


def show(query: kg.Query, tail: str | None) -> None:
    """The subject of the question and another entity; then every relation between them.

    Args:
        query: the shown question; its entity is the head.
        tail: the answer that is open, offered first.
    """
    names = kg_inputs.names_of(query.graph)
    st.markdown(f"Head: **{frame.plain(names[query.entity])}**, the subject above.")
    chosen = inputs.choose_name("Tail", names, key="kg_relation_tail", default=tail)
    if st.button("Rank the relations", key="kg_relations", disabled=chosen is None):
        st.session_state["kg_relations_of"] = query.entity, chosen
    if chosen is None or st.session_state.get("kg_relations_of") != (query.entity, chosen):
        return
    found = _rank(query, chosen)
    rows = [
        (
            row.name,
            show_score(row.score),
            f"{row.rank:g}",
            unbroken("known" if row.known else "new"),
        )
        for row in found[:SHOWN]
    ]
    with st.container(key="kg_relations_rows"):
        show_rows(("Relation", "Score", "Rank of the tail", "Fact?"), rows,
                  right=("Score", "Rank of the tail"))  # fmt: skip
    st.markdown(
        f"{len(rows)} of {len(found)} relations. The score is the probability of this tail among "
        "all tails of the same head and relation; a fact that is known is scored without itself."
    )
