"""The evidence of one row: verdict, smallest set, the flow between the drugs, and its details."""

from dataclasses import replace

import streamlit as st

from core.evidence.bundle import Bundle
from core.serving import ddi_bundle, kg_bundle
from core.serving import ddi_evidence as evidence
from core.serving import drug_interaction as ddi
from pages.components import ddi_details, evidence_pane, evidence_view, frame
from pages.components.ddi_answers import (
    check_of,
    explanation_of,
    key_of,
    minimal_of,
    row_of,
)
from pages.components.evidence_pane import Opened
from pages.components.verdict import choose_size, show_change, show_check, show_score, show_verdict

RANKINGS = {
    "occlusion": "occlusion (measured)",
    "attention": "attention, as in the paper (not proof)",
}
TABS = (
    "Graph", "Table", "What changes it", "Attention paths", "Path kinds", "Shared proteins",
    "Similar drugs", "Check", "Molecules", "Explore",
)  # fmt: skip
NOT_CITED = (
    "**Score** here is the path network's own probability of this type, given who acts on whom. "
    "The probability in the table above also counts similar drugs, which are no "
    "facts of the network and cannot be taken away."
)


def choose_row(answer: ddi.Answer) -> ddi.Row:
    """Let a person pick the row whose evidence is shown."""
    rows = {key_of(row): row for row in answer.rows}
    numbers = {key: number for number, key in enumerate(rows, start=1)}
    if st.session_state.get("ddi_row") not in rows:
        st.session_state["ddi_row"] = key_of(row_of(answer, st.session_state.get("ddi_row")))
    key = st.selectbox(
        "Evidence for", list(rows), key="ddi_row", filter_mode="contains",
        format_func=lambda key: f"{numbers[key]} {rows[key].sentence}"[:120],
    )  # fmt: skip
    return row_of(answer, key)


def choose_ranking() -> str:
    """Let a person pick how facts are chosen and what the width of an edge means."""
    return st.radio(
        "Facts chosen, and width drawn, by", list(RANKINGS), key="ddi_ranking", horizontal=True,
        format_func=RANKINGS.get,
    )  # fmt: skip


def show(answer: ddi.Answer, row: ddi.Row, ranking: str, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    query = answer.query
    explanation = explanation_of(query, row, ranking)
    facts = tuple(item.fact for item in explanation.facts)
    minimal = minimal_of(query, row, ranking)
    everything = check_of(query, row, facts)
    bundle = ddi_bundle.bundle(
        query, answer, row, explanation, everything, minimal, created=created
    )
    bundle = _with_stars(bundle, query)
    if explanation.notice:
        st.info(frame.plain(explanation.notice), icon=":material/info:")
    verdict = st.container(key="ddi_verdict")
    num_shown = choose_size(len(facts), minimal, key="ddi", name=bundle.id)
    gone = set(minimal.removed[: max(0, len(facts) - num_shown)])
    kept = tuple(fact for fact in facts if fact not in gone)
    check = check_of(query, row, kept)
    with verdict:
        show_verdict(check)
    view = _filter(kg_bundle.show_remaining(bundle, num_shown), explanation)
    drawing, narrow = evidence_pane.draw(view, permalink)
    tabs = dict(zip(TABS, st.tabs(TABS, key="ddi_tabs", on_change="rerun"), strict=True))
    with tabs["Graph"]:
        if tabs["Graph"].open:
            selected = evidence_pane.show_graph(drawing, narrow, key="ddi")
            _describe(bundle, explanation, selected)
    details = {
        "Table": lambda: evidence_view.show_table(drawing, key="ddi_evidence_table"),
        "What changes it": lambda: ddi_details.show_occlusion(row, explanation),
        "Attention paths": lambda: ddi_details.show_paths(explanation_of(query, row, "attention")),
        "Path kinds": lambda: ddi_details.show_kinds(explanation),
        "Shared proteins": lambda: ddi_details.show_shared(answer, row, explanation),
        "Similar drugs": lambda: ddi_details.show_similar(answer, row, explanation),
        "Check": lambda: _show_numbers(check),
        "Molecules": lambda: ddi_details.show_molecules(answer),
        "Explore": lambda: evidence_pane.show_explore(drawing, key="ddi"),
    }
    for name, draw in details.items():
        if tabs[name].open:
            with tabs[name], frame.show_errors():
                draw()
    return Opened(bundle, drawing)


def _with_stars(bundle: Bundle, query: ddi.Query) -> Bundle:
    """The two drugs told apart: known to the model (existing) or not (emerging)."""
    types = {
        f"n{end.node}": "existing drug" if end.known else "emerging drug"
        for end in ddi.open_case(query).ends
    }
    layout = tuple(replace(one, type=types.get(one.id, one.type)) for one in bundle.layout)
    return replace(bundle, layout=layout)


def _show_numbers(check) -> None:
    show_check(check)
    st.markdown(NOT_CITED)


def _filter(bundle: Bundle, explanation: evidence.Explanation) -> Bundle:
    """The part of the evidence that a person wants to see; filters only hide, they prove nothing.

    Places without an edge disappear, the two drugs stay.
    """
    between = {place.id: place.label for place in bundle.layout if place.role == "other"}
    relations = sorted({item.relation for item in bundle.evidence})
    with st.container(horizontal=True, key="ddi_filters"):
        node = st.selectbox(
            "Only through", ["", *between], key=f"ddi_through_{bundle.id}",
            format_func=lambda key: between.get(key, "any node"), filter_mode="contains",
        )  # fmt: skip
        shown = st.multiselect(
            "Relations", relations, key=f"ddi_relations_{bundle.id}",
            placeholder="All", select_all=False, filter_mode="contains",
        )  # fmt: skip
    kept = set(_on_paths_through(bundle, explanation, node))
    items = tuple(
        item
        for number, item in enumerate(bundle.evidence)
        if (not node or number in kept) and (not shown or item.relation in shown)
    )
    if len(items) == len(bundle.evidence):
        return bundle
    ends = {end for item in items for end in (item.source, item.target)}
    ids = {item.id for item in items}
    minimal = bundle.minimal and replace(
        bundle.minimal,
        ids=tuple(id_ for id_ in bundle.minimal.ids if id_ in ids),
        removed=tuple(id_ for id_ in bundle.minimal.removed if id_ in ids),
    )
    layout = tuple(place for place in bundle.layout if place.role != "other" or place.id in ends)
    return replace(bundle, evidence=items, layout=layout, minimal=minimal)


def _on_paths_through(bundle: Bundle, explanation: evidence.Explanation, node: str) -> list[int]:
    """Positions of the facts on evidence paths through a node."""
    touching = {
        explanation.facts[number].fact
        for number, item in enumerate(bundle.evidence)
        if node in (item.source, item.target)
    }
    found = {
        fact for path in explanation.paths if touching & set(path.facts) for fact in path.facts
    }
    return [
        number
        for number, item in enumerate(explanation.facts)
        if item.fact in found or item.fact in touching
    ]


def _describe(bundle: Bundle, explanation: evidence.Explanation, selected: str | None) -> None:
    """The selected fact in full: both weights and where it can be read."""
    for item, fact in zip(bundle.evidence, explanation.facts, strict=True):
        if item.id != selected:
            continue
        origin = item.provenance
        words = ", ".join(text for text in (origin.source, origin.licence, origin.accessed) if text)
        st.markdown(
            f"**{frame.plain(item.label)}** · score {show_change(-fact.deletion)} without it · "
            f"attention {show_score(fact.attention)} · source: {frame.plain(words) or 'unknown'}"
        )
        if origin.url:
            st.code(origin.url, language=None, wrap_lines=True)
