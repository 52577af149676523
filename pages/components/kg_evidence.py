"""The evidence of one answer: verdict, smallest set, and five views of the same facts."""

from dataclasses import dataclass

import streamlit as st

from core.evidence.bundle import Bundle
from core.evidence.faithfulness import Check, Minimal
from core.render.graph import GraphDrawing, draw_bundle
from core.serving import kg_bundle
from core.serving import kg_reasoning as kg
from pages.components import evidence_view, explore, frame
from pages.components.kg_answers import (
    check_of,
    explanation_of,
    minimal_of,
    show_change,
    show_rank,
    show_score,
)

RANKINGS = {
    "deletion": "deletion effect (measured)",
    "attention": "attention (not proof)",
}
BADGES = {
    "SUPPORTED": ("green", ":material/check:"),
    "PARTLY": ("orange", ":material/remove:"),
    "NOT SUPPORTED": ("red", ":material/close:"),
}
SHOWN_WALKS = 4
CAVEAT = (
    "This checks the reason of the model, not the truth of the answer. A graph without some of its "
    "facts is not what the model was trained on; the random look-alikes show how much of the fall "
    "comes from that alone."
)


@dataclass(frozen=True)
class Opened:
    """The evidence as it is shown.

    Attributes:
        bundle: the whole evidence.
        drawing: what is drawn now.
    """

    bundle: Bundle
    drawing: GraphDrawing


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


def choose_ranking() -> str:
    """Let a person pick how facts are chosen and what the width of an edge means."""
    return st.radio(
        "Facts chosen, and width drawn, by", list(RANKINGS), key="kg_ranking", horizontal=True,
        format_func=RANKINGS.get,
    )  # fmt: skip


def show(
    answer: kg.Answer, candidate: kg.Candidate, ranking: str, *, created: str, permalink: str
) -> Opened:
    """Draw the evidence pane."""
    query = answer.query
    explanation = explanation_of(query, candidate.entity, ranking)
    minimal = minimal_of(query, candidate.entity, ranking)
    everything = check_of(query, candidate.entity, explanation.items)
    bundle = kg_bundle.make_bundle(
        answer, candidate, explanation, created=created, check=everything, minimal=minimal
    )
    verdict = st.container(key="kg_verdict")
    num_shown = _choose_size(explanation, minimal, f"{bundle.id}")
    facts = kg_bundle.remaining_facts(explanation, minimal, num_shown)
    check = check_of(query, candidate.entity, frozenset(facts))
    with verdict:
        show_verdict(check)
    view = kg_bundle.show_remaining(bundle, num_shown)
    drawing, narrow = (
        draw_bundle(view, size="more", orientation=way, permalink=permalink)
        for way in ("right", "down")
    )
    narrow = min(narrow, drawing, key=lambda each: each.width)  # wide layers stay columns
    graph, table, paths, numbers, free = st.tabs(
        ["Graph", "Table", "Paths", "Check", "Explore"], key="kg_tabs"
    )
    with graph:
        selected = evidence_view.show_evidence(drawing, key="kg_evidence_graph", narrow=narrow)
        _describe(bundle, explanation, selected)
    with table:
        evidence_view.show_table(drawing, key="kg_evidence_table")
    with paths:
        show_paths(explanation)
    with numbers:
        show_check(check)
    with free:
        if st.toggle("Show nodes that can be dragged about", key="kg_explore"):
            explore.show_explore(drawing)
        else:
            st.markdown(
                "A free arrangement of the same facts, for the mouse. The picture of "
                "record, with keyboard access and exports, is under **Graph**."
            )
    return Opened(bundle, drawing)


def show_verdict(check: Check) -> None:
    """The verdict as a word with a sign, and its sentence."""
    color, icon = BADGES[check.verdict]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(check.verdict, color=color, icon=icon)
        st.markdown(frame.plain(check.sentence))


def _choose_size(explanation: kg.Explanation, minimal: Minimal, name: str) -> int:
    """The slider from all facts to the smallest set; returns the number of facts to show."""
    total, least = len(explanation.facts), len(minimal.items)
    if not minimal.reached:
        st.markdown(
            f"Even all {total} facts together bring back less than {minimal.level:.0%} of the "
            "score, so no smaller set is offered."
        )
        return total
    level = f"{minimal.level:.0%} of the score"
    if least == total:
        noun = "The only fact is" if total == 1 else f"All {total} facts are"
        st.markdown(f"**{noun} needed**: with one fact less, less than {level} is left.")
        return total
    with st.container(key="kg_minimal"):
        words = "fact is" if least == 1 else "facts are"
        second = ""
        if minimal.second:
            second = f" A second, independent set of {len(minimal.second)} is enough too."
        st.markdown(f"**{least} of {total} {words} enough**; they keep at least {level}.{second}")
        return st.slider(
            "Facts shown, from the smallest set to all", least, total, total,
            key=f"kg_size_{name}",
        )  # fmt: skip


def _describe(bundle: Bundle, explanation: kg.Explanation, selected: str | None) -> None:
    """The selected fact in full: both weights and its source."""
    for item, fact in zip(bundle.evidence, explanation.facts, strict=True):
        if item.id == selected:
            origin = ", ".join(
                text for text in (item.provenance.source, item.provenance.licence) if text
            )
            st.markdown(
                f"**{frame.plain(item.label)}** · score {show_change(-fact.deletion)} without it · "
                f"{fact.flow:.0%} of the attention passes through it · source: "
                f"{frame.plain(origin)}"
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


def show_check(check: Check) -> None:
    """Four bars, the verdict, and what the check cannot say."""
    _bar("Score with everything", check.score_all, f"rank {check.rank_all:g}")
    _bar("Without this evidence", check.score_without, f"rank {check.rank_without:g}")
    _bar("With only this evidence", check.score_only, f"rank {check.rank_only:g}")
    control = check.control
    if control.k:
        low, high = check.score_all - control.p95, check.score_all - control.p05
        _bar(
            f"Without {control.k} random look-alikes", check.score_all - control.median,
            f"5 to 95 %: {low:.3f} to {high:.3f}, rank {control.rank_p05:g} to "
            f"{control.rank_p95:g}",
        )  # fmt: skip
    show_verdict(check)
    st.markdown(
        f"The evidence keeps {check.rho_keep:.0%} of what all facts add to the score "
        f"(ρ = {check.rho_keep:.2f}, needed {check.thresholds.sufficiency:.2f}); without it the "
        f"score falls by {check.delta_remove:.3f} (needed {check.required_drop:.3f}). "
        f"With no fact at all the score is {check.score_empty:.3f}."
    )
    st.markdown(CAVEAT)


def _bar(label: str, score: float, note: str) -> None:
    st.progress(min(1.0, max(0.0, score)), text=f"{label}: **{show_score(score)}** · {note}")
