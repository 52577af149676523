"""The question: graph, subject, relation, direction, how many answers, model."""

import streamlit as st

from core.catalog import METHODS
from core.render.text import shorten
from core.serving import kg_permalink
from core.serving import kg_reasoning as kg
from core.serving.graphs import GraphEntry, embedded_graphs, find_graph
from core.serving.kg_rules import RULES
from pages.components import frame, inputs, kg_state


def ask(link: kg_permalink.Link) -> tuple[kg.Query, str]:
    """Draw the inputs.

    Args:
        link: what is shown now; its edits stay in force for the same graph.

    Returns:
        The question as the inputs state it; and what was pressed: ``predict`` or nothing.
    """
    entries = {entry.id: entry for entry in _entries()}
    graph_id = st.selectbox(
        "Graph", list(entries), format_func=lambda key: shorten(entries[key].title, 60),
        key="kg_graph", on_change=_change_graph,
    )  # fmt: skip
    entry = entries[graph_id]
    graph = entry.load()
    st.markdown(f"{frame.plain(entry.description)} {_sizes(graph)}")
    entity = inputs.choose_name(
        "Subject", names_of(graph_id), key="kg_entity", help="Type part of a name or an id."
    )
    relation = choose_relation("Relation", graph_id, key="kg_relation")
    # labels that change would make the browser lose the choice, so the sentences are captions
    inverse = st.radio(
        "Ask for", (False, True), key="kg_inverse",
        format_func=lambda inverse: "the head" if inverse else "the tail",
        captions=[_sentence(graph, entity, relation, inverse=way) for way in (False, True)],
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        top_k = st.number_input("Answers", 1, kg_permalink.MAX_TOP_K, key="kg_top_k", width=130)
        hide = st.checkbox("Hide facts already in the graph", key="kg_hide")
    model = _choose_model(entry)
    edits = link.query.edits if link.query and link.graph == graph_id else ()
    query = kg.Query(graph_id, entity or "", relation or "", inverse, top_k, hide, model, edits)
    pressed = st.button("Predict", type="primary", key="kg_predict", width="stretch")
    return query, "predict" if pressed else ""


def choose_relation(label: str, graph_id: str, *, key: str) -> str | None:
    """A relation by name, with the number of its facts."""
    names = _relations(graph_id)
    return st.selectbox(
        label, list(names), key=key, format_func=names.get, filter_mode="contains",
        placeholder="Type a relation",
    )  # fmt: skip


@st.cache_resource(show_spinner=False, max_entries=8)
def names_of(graph_id: str) -> dict[str, str]:
    """Readable names by entity id, in order of the names."""
    graph = find_graph(graph_id).load()
    names = zip(graph.entities, graph.entity_names, strict=True)
    return {key: shorten(name, 120) for key, name in sorted(names, key=lambda item: item[1])}


@st.cache_resource(show_spinner=False, max_entries=8)
def _relations(graph_id: str) -> dict[str, str]:
    """Readable name and number of facts by relation id."""
    graph = find_graph(graph_id).load()
    counts = [0] * graph.num_relations
    for relation in graph.triples[:, 1].tolist():
        counts[relation] += 1
    return {
        key: f"{shorten(name, 60)} ({count:,} fact{'' if count == 1 else 's'})"
        for key, name, count in zip(graph.relations, graph.relation_names, counts, strict=True)
    }


@st.cache_data(show_spinner=False, ttl=5, max_entries=50)
def models_of(graph_id: str) -> list[str]:
    """Models that fit a graph; the graph's own first."""
    entry = find_graph(graph_id)
    found = kg.fitting_models(entry.load())
    if entry.model:
        return ["", *(name for name in found if name != entry.model)]
    return sorted(found, key=lambda name: f"-{graph_id[:8]}-" not in name)


def titles_of(graph_id: str) -> dict[str, str]:
    """What each model of a graph is called; the graph's own is the empty name."""
    own = find_graph(graph_id).model
    return {name: _title(name or own) for name in models_of(graph_id)}


def _title(name: str) -> str:
    """Published name of the method, then that of the artifact."""
    if name == RULES:
        return "Path rules, counted on this graph"
    method = METHODS.get(name.partition("-")[0])
    return f"{method.title} · {name}" if method else name


def _choose_model(entry: GraphEntry) -> str:
    titles = titles_of(entry.id)
    if st.session_state.get("kg_model") not in titles:
        st.session_state["kg_model"] = next(iter(titles))
    return st.selectbox("Model", list(titles), key="kg_model", format_func=titles.get)


def _entries() -> list[GraphEntry]:
    own = [find_graph(graph_id) for graph_id in st.session_state[kg_state.UPLOADS]]
    return [*embedded_graphs(), *own]


def _change_graph() -> None:
    """Another graph: begin with its example, keep the number of answers."""
    link = kg_permalink.example_link(find_graph(st.session_state["kg_graph"]))
    query = link.query or kg.Query(link.graph, "", "")
    st.session_state["kg_entity"] = query.entity or None
    st.session_state["kg_relation"] = query.relation or None
    st.session_state["kg_inverse"] = query.inverse
    st.session_state["kg_model"] = ""
    st.session_state.pop("kg_entity_search", None)


def _sizes(graph) -> str:
    return (
        f"{graph.num_facts:,} facts, {graph.num_entities:,} entities, "
        f"{graph.num_relations:,} relations."
    )


def _sentence(graph, entity: str | None, relation: str | None, *, inverse: bool) -> str:
    name = "the subject" if entity is None else graph.entity_names[graph.entity_index[entity]]
    phrase = "…" if relation is None else graph.relation_names[graph.relation_index[relation]]
    name, phrase = shorten(name, 45), shorten(phrase, 45)
    return frame.plain(f"? {phrase} {name}" if inverse else f"{name} {phrase} ?")
