"""The evidence of one answer: verdict, smallest set, and five views of the same facts."""

import streamlit as st

from core.evidence.bundle import Bundle
from core.serving import kg_bundle
from core.serving import kg_reasoning as kg
from pages.components import evidence_pane, evidence_view, frame
from pages.components.evidence_pane import Opened
from pages.components.kg_answers import check_of, explanation_of, minimal_of, show_rank
from pages.components.verdict import (
    choose_size,
    show_change,
    show_check,
    show_score,
    show_verdict,
)

RANKINGS = {
    "deletion": "deletion effect (measured)",
    "attention": "attention (not proof)",
}
SHOWN_WALKS = 4


def choose_answer(answer: kg.Answer) -> kg.Candidate:
    """Let a person pick the answer whose evidence is shown."""
    rows = {row.entity: row for row in answer.rows}
    ranks = [row.rank for row in answer.rows]
    if st.session_state.get("kg_answer") not in rows:
        st.session_state["kg_answer"] = answer.rows[0].entity
    entity = st.selectbox(
        "Evidence for", list(rows), key="kg_answer", filter_mode="contains",
        format_func=lambda key: f"{show_rank(rows[key].rank, ranks)} {rows[key].name}"[:120],
    )  # fmt: skip
    return rows[entity]


def choose_ranking(query: kg.Query) -> str:
    """Let a person pick how facts are chosen and what the width of an edge means.

    A model without attention offers no choice.
    """
    if not kg.reasoner(query).engine.has_attention:
        return "deletion"
    return st.radio(
        "Facts chosen, and width drawn, by", list(RANKINGS), key="kg_ranking", horizontal=True,
        format_func=RANKINGS.get,
    )  # fmt: skip


def show(
    answer: kg.Answer, candidate: kg.Candidate, ranking: str, *, created: str, permalink: str
) -> Opened:
    """Draw the evidence pane."""
    query = answer.query
    engine = kg.reasoner(query).engine
    explanation = explanation_of(query, candidate.entity, ranking)
    minimal = minimal_of(query, candidate.entity, ranking)
    everything = check_of(query, candidate.entity, explanation.items)
    bundle = kg_bundle.make_bundle(
        answer, candidate, explanation, created=created, check=everything, minimal=minimal
    )
    verdict = st.container(key="kg_verdict")
    num_shown = choose_size(
        len(explanation.facts), minimal, key="kg", name=bundle.id, noun=engine.noun
    )
    facts = kg_bundle.remaining_facts(explanation, minimal, num_shown)
    check = check_of(query, candidate.entity, frozenset(facts))
    with verdict:
        show_verdict(check)
    view = kg_bundle.show_remaining(bundle, num_shown)
    drawing, narrow = evidence_pane.draw(view, permalink)
    graph, table, paths, numbers, free = st.tabs(
        ["Graph", "Table", "Paths", "Check", "Explore"], key="kg_tabs"
    )
    with graph:
        selected = evidence_pane.show_graph(drawing, narrow, key="kg")
        _describe(bundle, explanation, selected, attention=engine.has_attention)
    with table:
        evidence_view.show_table(drawing, key="kg_evidence_table")
    with paths:
        if engine.reads_facts:
            show_paths(explanation)
        else:
            st.markdown("This model reads no facts when it answers, so there are no paths.")
    with numbers:
        show_check(check, noun=engine.noun[0])
    with free:
        evidence_pane.show_explore(drawing, key="kg")
    return Opened(bundle, drawing)


def _describe(
    bundle: Bundle, explanation: kg.Explanation, selected: str | None, *, attention: bool
) -> None:
    """The selected item in full: its weights and its source."""
    for item, fact in zip(bundle.evidence, explanation.facts, strict=True):
        if item.id == selected:
            origin = ", ".join(
                text for text in (item.provenance.source, item.provenance.licence) if text
            )
            st.markdown(
                f"**{frame.plain(item.label)}** · score {show_change(-fact.deletion)} without it · "
                + (f"{fact.flow:.0%} of the attention passes through it · " if attention else "")
                + f"source: {frame.plain(origin)}"
            )


def show_paths(explanation: kg.Explanation) -> None:
    """Each walk as a chain of facts, with its rule and what it is worth alone."""
    walks = explanation.walks
    if not walks:
        st.markdown("No chain of these facts leads to the answer.")
        return
    everything = len(walks) > SHOWN_WALKS and st.checkbox(
        f"Show all {len(walks)} paths", key="kg_all_paths"
    )
    for number, item in enumerate(walks if everything else walks[:SHOWN_WALKS], start=1):
        with st.container(border=True, gap="xsmall"):
            st.markdown(f"**{number}.** {frame.plain(item.sentence)}.")
            st.markdown(
                f"Score with only this path **{show_score(item.only)}**, without it "
                f"**{show_score(item.without)}** (with everything "
                f"{show_score(explanation.score)})."
            )
            st.markdown(f"Rule: {frame.plain(item.rule)}")
            kind = "on a random share of the graph" if item.count.sampled else "on this graph"
            st.markdown(
                f"Counted {kind}: it leads to {item.count.body:,} pairs and is right for "
                f"{item.count.support:,} of them (confidence {item.count.confidence:.0%})."
            )
