"""How two drugs may interact, also a compound without a history; see and check the reasons."""

from functools import partial

import streamlit as st

from core.serving import ddi_permalink
from core.serving.ddi_networks import UPLOAD
from pages.components import (
    answer_page,
    ddi_answers,
    ddi_edits,
    ddi_evidence,
    ddi_history,
    ddi_inputs,
    ddi_ledger,
    ddi_regimen,
    ddi_scan,
    ddi_state,
    ddi_upload,
    frame,
)
from pages.components.exports import Export

PAGE = "drug_interaction"


def address(link) -> dict[str, str]:
    """The network, or the question."""
    if link.query is None:
        return {"network": link.network}
    return ddi_permalink.to_parameters(link.query)


def show_answers(link) -> tuple | None:
    """Ranked interactions with verdicts; returns answer, checks and the row that is opened."""
    ddi_upload.show_report(st.session_state["ddi_network"])
    if link.query is None:
        st.info("No question yet. Choose two drugs, then press Predict.")
        return None
    answer = ddi_answers.answer_of(link.query)
    ddi_answers.show_heading(answer)
    checks = ddi_answers.show_rows_of(answer, st.session_state.get("ddi_row"))
    return answer, checks, ddi_evidence.choose_row(answer)


def show_evidence(link, answer, checks, row) -> None:
    """Evidence pane, exports and link."""
    key, first = ddi_answers.key_of(row), ddi_answers.key_of(answer.rows[0])
    ranking = ddi_evidence.choose_ranking() if answer.joined else "occlusion"
    opened = ("", "") if key == first else key
    start = ddi_answers.key_of(ddi_answers.row_of(answer, link.row))
    untouched = link.example and key == start and ranking == "occlusion"
    page.show_evidence(
        partial(ddi_evidence.show, answer, row, ranking),
        query=link.query,
        table=Export(
            "CSV", "interactions.csv", "text/csv", partial(ddi_answers.rows_csv, answer, checks)
        ),
        parameters=ddi_permalink.to_parameters(link.query, row=opened, ranking=ranking),
        short=ddi_state.example_parameters(link.network) if untouched else None,
    )


def scan(draft, pressed: str) -> None:
    """The other button: one drug against all."""
    ddi_scan.show(draft, pressed=pressed == "scan")


frame.guard(PAGE)
frame.page(
    "Drug interaction",
    "Foresee how two drugs may interact, even when one of them has no known interaction yet. Each "
    "prediction comes with the proteins and drugs it rests on, and a live test of whether they "
    "really carry it.",
    section="6, EmerGNN",
)
with st.container(key="ddi_research_use"):
    st.markdown(f"**{frame.RESEARCH_USE}** A missing interaction does not mean that two are safe.")
page = answer_page.AnswerPage(PAGE, ddi_state.STATE, ddi_state.commit, address)
link, found = page.ask_and_answer(
    "Prediction", ask=lambda shown: ddi_inputs.ask(shown.query), show=show_answers, also=scan
)

if found:
    with answer_page.section("Evidence"):
        show_evidence(link, *found)

st.header("More", anchor=False)
if link.query is not None:
    changed = bool(link.query.removed or link.query.added)
    with answer_page.folded("What if…", key="ddi_what_if", expanded=changed):
        ddi_edits.show(link.query, found[2] if found else None)
with answer_page.folded("Several drugs at once", key="ddi_regimen"):
    ddi_regimen.show(link.query, link.network)
with answer_page.folded("How it works, and what it cost", key="ddi_ledger"):
    ddi_ledger.show(link.network)
if link.network.startswith(UPLOAD):
    with answer_page.folded("A model for this network", key="ddi_training", expanded=True):
        ddi_upload.show_training(link.network)
with answer_page.folded("Use your own network", key="ddi_own_network"):
    ddi_upload.show_uploader()
with answer_page.folded("Earlier answers", key="ddi_history"):
    ddi_history.show()

frame.footer(found[0] if found else None)
