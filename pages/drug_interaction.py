"""How two drugs may interact, also a compound without a history; see and check the reasons."""

from datetime import UTC, datetime
from functools import partial

import streamlit as st

from core.serving import ddi_permalink
from core.serving.ddi_networks import UPLOAD
from pages.components import (
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
    evidence_pane,
    exports,
    frame,
    link_state,
)
from pages.components.exports import Export

PAGE = "drug_interaction"


def show_ranking(link) -> tuple | None:
    """Ranked interactions with verdicts; returns answer, checks and the row that is opened."""
    if link.query is None:
        st.info("No question yet. Choose two drugs, then press Predict.")
        return None
    with frame.show_errors():
        answer = ddi_answers.answer_of(link.query)
        ddi_answers.show_heading(answer)
        checks = ddi_answers.show_rows_of(answer, st.session_state.get("ddi_row"))
        return answer, checks, ddi_evidence.choose_row(answer)
    return None


def show_evidence(link, answer, checks, row) -> None:
    """Evidence pane, exports and link."""
    key, first = ddi_answers.key_of(row), ddi_answers.key_of(answer.rows[0])
    ranking = ddi_evidence.choose_ranking() if answer.joined else "occlusion"
    opened = ("", "") if key == first else key
    parameters = ddi_permalink.to_parameters(link.query, row=opened, ranking=ranking)
    start = ddi_answers.key_of(ddi_answers.row_of(answer, link.row))
    untouched = link.example and key == start and ranking == "occlusion"
    ddi_state.STATE.write_address(
        ddi_state.example_parameters(link.network) if untouched else parameters
    )
    csv = Export(
        "CSV", "interactions.csv", "text/csv", partial(ddi_answers.rows_csv, answer, checks)
    )
    shown = ddi_evidence.show(
        answer, row, ranking, created=datetime.now(UTC).isoformat(timespec="seconds"),
        permalink=exports.permalink(PAGE, parameters),
    )  # fmt: skip
    ddi_history.keep(link.query, shown.bundle)
    exports.download_row(
        [csv, *evidence_pane.bundle_exports(shown.bundle, shown.drawing)], key="ddi_export"
    )
    exports.copy_link(PAGE, parameters)


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
link, draft, pressed, found = ddi_state.STATE.arrive(), None, "", None
question_side, answer_side = st.columns([2, 5], gap="medium")

with question_side, st.container(key="ddi_question"), frame.show_errors():
    st.header("Question", anchor=False)
    draft, pressed = ddi_inputs.ask(link.query)

with answer_side, st.container(key="ddi_result"):
    st.header("Prediction", anchor=False)
    with frame.show_errors():
        link = ddi_state.commit(draft) if pressed == "predict" else link
    with frame.show_errors():
        ddi_scan.show(draft, pressed=pressed == "scan")
    link_state.show_link_state(link, draft, ddi_state.commit)
    ddi_upload.show_report(st.session_state["ddi_network"])
    found = show_ranking(link)

if found:
    st.header("Evidence", anchor=False)
    with frame.show_errors():
        show_evidence(link, *found)
else:
    ddi_state.STATE.write_address(
        {"network": link.network} if link.query is None else ddi_permalink.to_parameters(link.query)
    )

st.header("More", anchor=False)
if link.query is not None:
    with st.expander(
        "What if…", expanded=bool(link.query.removed or link.query.added), key="ddi_what_if"
    ):
        ddi_edits.show(link.query, found[2] if found else None)
with st.expander("Several drugs at once", key="ddi_regimen"), frame.show_errors():
    ddi_regimen.show(link.query, link.network)
with st.expander("How it works, and what it cost", key="ddi_ledger"), frame.show_errors():
    ddi_ledger.show(link.network)
if link.network.startswith(UPLOAD):
    with (
        st.expander("A model for this network", expanded=True, key="ddi_training"),
        frame.show_errors(),
    ):
        ddi_upload.show_training(link.network)
with st.expander("Use your own network", key="ddi_own_network"):
    ddi_upload.show_uploader()
with st.expander("Earlier answers", key="ddi_history"), frame.show_errors():
    ddi_history.show()

frame.footer(found[0] if found else None)
