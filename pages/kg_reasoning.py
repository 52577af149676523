"""Ask a knowledge graph for a missing fact; see, check and change the facts behind each answer."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from core.serving import kg_permalink
from pages.components import (
    evidence_pane,
    exports,
    frame,
    kg_answers,
    kg_edits,
    kg_evidence,
    kg_history,
    kg_inputs,
    kg_state,
    kg_truth,
    kg_upload,
    link_state,
)
from pages.components.exports import Export

PAGE = "kg_reasoning"


def show_ranking(link) -> tuple | None:
    """Ranked answers with verdicts; returns answer, checks and the answer that is opened."""
    if link.query is None:
        st.info("No question yet. Pick a subject and a relation, then press Predict.")
        return None
    with frame.show_errors():
        answer = kg_answers.answer_of(link.query)
        st.markdown(f"**{frame.plain(answer.question)}**")
        if not answer.rows:
            st.info("Every reachable answer is already a fact. Untick “Hide facts”.")
            return None
        checks = kg_answers.show_answers(answer, st.session_state.get("kg_answer"))
        return answer, checks, kg_evidence.choose_answer(answer)
    return None


def show_evidence(link, answer, checks, candidate) -> None:
    """Evidence pane, exports and link."""
    ranking = kg_evidence.choose_ranking()
    first = link.answer or answer.rows[0].entity
    opened = "" if candidate.entity == answer.rows[0].entity else candidate.entity
    parameters = kg_permalink.to_parameters(link.query, answer=opened, ranking=ranking)
    untouched = link.example and candidate.entity == first and ranking == "deletion"
    kg_state.STATE.write_address(
        kg_state.example_parameters(link.graph) if untouched else parameters
    )
    shown = kg_evidence.show(
        answer, candidate, ranking, created=datetime.now(UTC).isoformat(timespec="seconds"),
        permalink=exports.permalink(PAGE, parameters),
    )  # fmt: skip
    kg_history.keep(link.query, shown.bundle)
    exports.download_row(make_exports(answer, checks, shown), key="kg_export")
    exports.copy_link(PAGE, parameters)


def make_exports(answer, checks, shown) -> list[Export]:
    """The ranking, and the evidence in the formats of other tools."""
    return [
        Export("CSV", "answers.csv", "text/csv", partial(kg_answers.ranking_csv, answer, checks)),
        *evidence_pane.bundle_exports(shown.bundle, shown.drawing),
    ]


frame.guard(PAGE)
frame.page(
    "KG reasoning",
    "Ask a knowledge graph for a missing fact. Each answer comes with the few facts it rests on, "
    "and a live test of whether they really carry it.",
    section="5.1, RED-GNN",
)
link, draft, asked, found = kg_state.STATE.arrive(), None, False, None
question_side, answer_side = st.columns([2, 5], gap="medium")

with question_side, st.container(key="kg_question"), frame.show_errors():
    st.header("Question", anchor=False)
    draft, asked = kg_inputs.ask(link)

with answer_side, st.container(key="kg_result"):
    st.header("Answers", anchor=False)
    with frame.show_errors():
        link = kg_state.commit(draft) if asked else link
    link_state.show_link_state(link, draft, kg_state.commit)
    kg_upload.show_report(st.session_state["kg_graph"])
    found = show_ranking(link)

if found:
    st.header("Evidence", anchor=False)
    with frame.show_errors():
        show_evidence(link, *found)
else:
    kg_state.STATE.write_address(
        {"graph": link.graph} if link.query is None else kg_permalink.to_parameters(link.query)
    )

st.header("More", anchor=False)
if link.query is not None:
    with st.expander("What if…", expanded=bool(link.query.edits), key="kg_what_if"):
        kg_edits.show(link.query, found[2].entity if found else None)
graph_id = st.session_state["kg_graph"]
if graph_id in st.session_state[kg_state.UPLOADS]:
    with (
        st.expander("A model for this graph", expanded=True, key="kg_training"),
        frame.show_errors(),
    ):
        kg_upload.show_training(graph_id)
with st.expander("Use your own graph", key="kg_own_graph"):
    kg_upload.show_uploader()
if graph_id == kg_truth.GRAPH:
    with st.expander("How do we know?", key="kg_truth"), frame.show_errors():
        kg_truth.show()
with st.expander("Earlier answers", key="kg_history"), frame.show_errors():
    kg_history.show()

frame.footer(found[0] if found else None)
