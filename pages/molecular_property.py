"""Which candidates are active, judged from a few known molecules; see and check the reasons."""

from functools import partial

import streamlit as st

from core.render.tables import to_safe_csv
from core.serving import mol_export
from pages.components import (
    answer_page,
    exports,
    frame,
    mol_answers,
    mol_compare,
    mol_evidence,
    mol_inputs,
    mol_job,
    mol_ledger,
    mol_series,
    mol_state,
    mol_what_if,
)
from pages.components.exports import Export

PAGE = "molecular_property"


def show_answers(link) -> tuple | None:
    """Ranked candidates; returns the answer and the candidate that is opened."""
    mol_job.show()
    if link.query is None:
        st.info("No question yet. Give known and unknown molecules, then press Predict.")
        return None
    answer = mol_answers.answer_of(link.query)
    mol_answers.show_heading(answer)
    mol_answers.show_rows_of(answer, mol_evidence.opened_row(answer))
    sdf = partial(mol_export.to_sdf, answer)
    exports.download_row(
        [Export("SDF", "predictions.sdf", "chemical/x-mdl-sdfile", sdf)], key="mol_structures"
    )
    chosen = mol_evidence.choose_row(answer)
    return (answer, chosen) if chosen else None


def rows_csv(answer) -> str:
    """All candidates in input order, safe to open in a spreadsheet."""
    header, rows = mol_export.cells(answer)
    return to_safe_csv(rows, header)


def show_evidence(answer, chosen) -> None:
    """Evidence pane, exports and link."""
    first = answer.ranked[0].row.id
    row = "" if chosen.row.id == first else chosen.row.id
    page.show_evidence(
        partial(mol_evidence.show, answer, chosen),
        query=answer.question,
        table=Export("CSV", "predictions.csv", "text/csv", partial(rows_csv, answer)),
        parameters=mol_state.HISTORY.address(
            answer.question, row, partial(mol_evidence.bundle_of, answer, chosen)
        ),
        short={} if mol_state.is_start(row) else None,
    )


frame.guard(PAGE)
frame.page(
    "Few-shot molecular property",
    "Rank candidate molecules from a few known active and inactive ones of one assay. Each "
    "prediction comes with the known molecules and the atoms it rests on, and a live test of "
    "whether they really carry it.",
    section="4, PAR and PACIA",
)
with st.container(key="mol_research_use"):
    st.markdown(
        f"**{frame.RESEARCH_USE}** A low probability does not mean that a compound is safe. "
        "Molecules stay on this server."
    )
page = answer_page.AnswerPage(
    PAGE, mol_state.STATE, mol_state.commit, mol_state.HISTORY.plain_address
)
link, found = page.ask_and_answer(
    "Prediction", ask=mol_inputs.ask, show=show_answers, also=mol_job.start
)

if found:
    with answer_page.section("Evidence"):
        show_evidence(*found)

st.header("More", anchor=False)
if found:
    with answer_page.folded("Compare methods", key="mol_comparison"):
        mol_compare.show(link.query)
    with answer_page.folded("What if a label were different?", key="mol_what_if"):
        mol_what_if.show(found[0])
    with answer_page.folded("Candidates by scaffold", key="mol_series"):
        mol_series.show(found[0])
with answer_page.folded("How it works, and what it cost", key="mol_ledger"):
    mol_ledger.show(found[0] if found else None)
with answer_page.folded("Earlier answers", key="mol_history"):
    mol_state.HISTORY.show()

frame.footer(found[0] if found else None)
