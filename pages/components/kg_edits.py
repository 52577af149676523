"""What if a fact were not true, or one more were? Edits for one question, and what they change."""

from dataclasses import replace

import streamlit as st

from core.serving import kg_reasoning as kg
from core.serving.graphs import find_graph
from pages.components import frame, inputs, kg_inputs, kg_state
from pages.components.kg_answers import changes_of, explanation_of
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_score


def show(query: kg.Query, entity: str | None) -> None:
    """Draw the edits in force, the ways to make another, and the differences.

    Args:
        query: the shown question with its edits.
        entity: the answer whose evidence is offered first; None when there is no answer.
    """
    engine = kg.reasoner(query).engine
    if not engine.reads_facts:
        st.markdown(
            f"**{frame.plain(engine.name)}** reads no facts when it answers: what it learned is in "
            "its vectors, and a changed fact would change nothing until it is trained again. "
            "Choose RED-GNN or the path rules under **Model** to change facts."
        )
        return
    st.markdown("Changes hold for your questions and links only; the graph itself stays as it is.")
    add = st.radio(
        "Change", (False, True), key="kg_edit_op", horizontal=True,
        format_func=lambda add: "Add a fact" if add else "Remove a fact",
    )  # fmt: skip
    with frame.show_errors():
        edit = _choose_addition(query) if add else _choose_removal(query, entity)
        with st.container(horizontal=True, key="kg_edit_buttons"):
            label = "Add this fact" if add else "Remove this fact"
            if st.button(label, key="kg_edit_apply", disabled=edit is None):
                _apply(kg.without_fact(query, edit))
            if st.button("Undo", key="kg_edit_undo", disabled=not query.edits):
                _apply(replace(query, edits=query.edits[:-1]))
            if st.button("Reset", key="kg_edit_reset", disabled=not query.edits):
                _apply(replace(query, edits=()))
        if query.edits:
            _show_differences(query)


def _apply(query: kg.Query) -> None:
    kg_state.edit(query)
    st.rerun()


def _choose_removal(query: kg.Query, entity: str | None) -> kg.Edit | None:
    graph = kg.reasoner(query).graph
    facts = explanation_of(query, entity, "deletion").facts if entity else ()
    offered = {_key(item.fact): item.fact for item in facts}
    if not offered or st.checkbox("Choose among all facts", key="kg_edit_all"):
        sentences = _all_facts(query.graph)
        chosen = inputs.choose_name("Fact", sentences, key="kg_edit_any")
        fact = _fact(chosen) if chosen else None
    else:
        if st.session_state.get("kg_edit_fact") not in offered:
            st.session_state["kg_edit_fact"] = next(iter(offered))
        chosen = st.selectbox(
            "Fact of the evidence", list(offered), key="kg_edit_fact", filter_mode="contains",
            format_func=lambda key: kg.fact_text(graph, offered[key])[:200],
        )  # fmt: skip
        fact = offered[chosen]
    return _edit("remove", query, fact) if fact else None


def _choose_addition(query: kg.Query) -> kg.Edit | None:
    names = kg_inputs.names_of(query.graph)
    for key, value in (("kg_edit_head", query.entity), ("kg_edit_relation", query.relation)):
        st.session_state.setdefault(key, value)
    left, middle, right = st.columns(3)
    with left:
        head = inputs.choose_name("Head", names, key="kg_edit_head")
    with middle:
        relation = kg_inputs.choose_relation(
            "Relation of the fact", query.graph, key="kg_edit_relation"
        )
    with right:
        tail = inputs.choose_name("Tail", names, key="kg_edit_tail")
    return kg.Edit("add", head, relation, tail) if head and relation and tail else None


def _show_differences(query: kg.Query) -> None:
    graph = find_graph(query.graph).load()
    for edit in query.edits:
        ids = graph.entity_index[edit.head], graph.relation_index[edit.relation]
        text = kg.fact_text(graph, (*ids, graph.entity_index[edit.tail]))
        st.markdown(f"{'Added' if edit.op == 'add' else 'Removed'}: {frame.plain(text)}")
    changes = changes_of(query, replace(query, edits=()))
    rows = [
        (
            change.name, _rank(change.rank_before), _rank(change.rank_after),
            _score(change.score_before), _score(change.score_after),
            show_change((change.score_after or 0.0) - (change.score_before or 0.0)),
        )
        for change in changes
    ]  # fmt: skip
    with st.container(key="kg_differences"):
        numbers = ("Rank before", "Rank now", "Score before", "Score now", "Difference")
        show_rows(("Answer", *numbers), rows, right=numbers)


@st.cache_resource(show_spinner="Reading the facts", max_entries=4)
def _all_facts(graph_id: str) -> dict[str, str]:
    """Every fact as a sentence."""
    graph = find_graph(graph_id).load()
    facts = [tuple(row) for row in graph.triples.tolist()]
    return {_key(fact): kg.fact_text(graph, fact) for fact in facts}


def _edit(op: str, query: kg.Query, fact: kg.Fact) -> kg.Edit:
    graph = kg.reasoner(query).graph
    head, relation, tail = fact
    return kg.Edit(op, graph.entities[head], graph.relations[relation], graph.entities[tail])


def _key(fact: kg.Fact) -> str:
    return "-".join(map(str, fact))


def _fact(key: str) -> kg.Fact:
    head, relation, tail = map(int, key.split("-"))
    return head, relation, tail


def _rank(rank: float | None) -> str:
    return "–" if rank is None else f"{rank:g}"


def _score(score: float | None) -> str:
    return "–" if score is None else show_score(score)
