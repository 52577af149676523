"""Ask a knowledge graph for a missing fact; see, check and change the facts behind each answer."""

from functools import partial

import streamlit as st

from core.serving import kg_permalink
from pages.components import (
    answer_page,
    frame,
    kg_answers,
    kg_compare,
    kg_edits,
    kg_evidence,
    kg_function,
    kg_history,
    kg_inputs,
    kg_ledger,
    kg_relations,
    kg_state,
    kg_truth,
    kg_upload,
)
from pages.components.exports import Export

PAGE = "kg_reasoning"


def address(link) -> dict[str, str]:
    """The graph, or the question."""
    if link.query is None:
        return {"graph": link.graph}
    return kg_permalink.to_parameters(link.query)


def show_answers(link) -> tuple | None:
    """Ranked answers with verdicts; returns answer, checks and the answer that is opened."""
    kg_upload.show_report(st.session_state["kg_graph"])
    if link.query is None:
        st.info("No question yet. Pick a subject and a relation, then press Predict.")
        return None
    answer = kg_answers.answer_of(link.query)
    st.markdown(f"**{frame.plain(answer.question)}**")
    if not answer.rows:
        st.info("Every reachable answer is already a fact. Untick “Hide facts”.")
        return None
    checks = kg_answers.show_answers(answer, st.session_state.get("kg_answer"))
    return answer, checks, kg_evidence.choose_answer(answer)


def show_evidence(link, answer, checks, candidate) -> None:
    """Evidence pane, exports and link."""
    ranking, top = kg_evidence.choose_ranking(answer.query), answer.rows[0].entity
    opened = "" if candidate.entity == top else candidate.entity
    untouched = link.example and candidate.entity == (link.answer or top) and ranking == "deletion"
    page.show_evidence(
        partial(kg_evidence.show, answer, candidate, ranking),
        query=link.query,
        table=Export(
            "CSV", "answers.csv", "text/csv", partial(kg_answers.ranking_csv, answer, checks)
        ),
        parameters=kg_permalink.to_parameters(link.query, answer=opened, ranking=ranking),
        short=kg_state.example_parameters(link.graph) if untouched else None,
    )


frame.guard(PAGE)
frame.page(
    "KG reasoning",
    "Ask a knowledge graph for a missing fact. Each answer comes with the few facts it rests on, "
    "and a live test of whether they really carry it.",
    section="5.1, RED-GNN; section 3.1, AutoBLM",
)
page = answer_page.AnswerPage(PAGE, kg_state.STATE, kg_state.commit, address)
link, found = page.ask_and_answer("Answers", ask=kg_inputs.ask, show=show_answers)

if found:
    with answer_page.section("Evidence"):
        show_evidence(link, *found)

st.header("More", anchor=False)
if link.query is not None:
    opened = found[2].entity if found else None
    with answer_page.folded("What if…", key="kg_what_if", expanded=bool(link.query.edits)):
        kg_edits.show(link.query, opened)
    with answer_page.folded("Another model beside it", key="kg_compare_models"):
        kg_compare.show(link.query, opened)
    with answer_page.folded("What the models cost", key="kg_ledger"):
        kg_ledger.show(link.query)
    with answer_page.folded("Which relation?", key="kg_which_relation"):
        kg_relations.show(link.query, opened)
graph_id = st.session_state["kg_graph"]
with answer_page.folded("The scoring function of this graph", key="kg_function"):
    kg_function.show(graph_id, link.query)
if graph_id in st.session_state[kg_state.UPLOADS]:
    with answer_page.folded("A model for this graph", key="kg_training", expanded=True):
        kg_upload.show_training(graph_id)
with answer_page.folded("Use your own graph", key="kg_own_graph"):
    kg_upload.show_uploader()
if graph_id == kg_truth.GRAPH:
    with answer_page.folded("How do we know?", key="kg_truth"):
        kg_truth.show()
with answer_page.folded("Earlier answers", key="kg_history"):
    kg_history.show()

frame.footer(found[0] if found else None)
