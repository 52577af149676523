"""Find a short formula for a system recorded on a graph; see and check what it rests on."""

from functools import partial

import streamlit as st

from core.render.tables import to_safe_csv
from core.serving import physics_export, physics_permalink
from pages.components import (
    answer_page,
    exports,
    frame,
    phys_answers,
    phys_card,
    phys_evidence,
    phys_inputs,
    phys_job,
    phys_more,
    phys_state,
)
from pages.components.exports import Export

PAGE = "symbolic_regression"


def address(link) -> dict[str, str]:
    """Query parameters of a question without an open formula."""
    return physics_permalink.to_parameters(link.query)


def show_answers(link) -> tuple | None:
    """Formulas with their front; returns the answer and the formula that is open."""
    if phys_job.show(link.query):
        return None
    answer = phys_answers.answer_of(link.query)
    phys_answers.show_heading(answer)
    if not answer.formulas:
        return None
    formula = phys_answers.show_formulas(answer)
    phys_card.show(answer, formula)
    return answer, formula


def show_evidence(answer, formula) -> None:
    """Evidence pane, exports and link."""
    number = 0 if formula.number == answer.suggested else formula.number
    header, rows = physics_export.front_cells(answer)
    page.show_evidence(
        partial(phys_evidence.show, answer, formula),
        query=answer.question,
        table=Export("CSV", "formulas.csv", "text/csv", partial(to_safe_csv, rows, header)),
        parameters=physics_permalink.to_parameters(answer.question, number),
        short={} if phys_state.is_start(number) else None,
    )
    more = [
        Export("Front SVG", "front.svg", "image/svg+xml",
               partial(phys_answers.front_svg, answer, formula)),
        Export("Record", "record.json", "application/json",
               partial(physics_export.record, answer, formula)),
    ]  # fmt: skip
    exports.download_row(more, key="phys_more_files")


frame.guard(PAGE)
frame.page(
    "Symbolic regression",
    "Find a short formula with the right units for a system recorded on a graph. Each formula "
    "comes with what it reads, and what it is worth without each part.",
    section="5.2, GSR",
)
page = answer_page.AnswerPage(PAGE, phys_state.STATE, phys_state.commit, address)
link, found = page.ask_and_answer(
    "Formulas", ask=phys_inputs.ask, show=show_answers, also=phys_job.start
)

if found:
    with answer_page.section("Evidence"):
        show_evidence(*found)

st.header("More", anchor=False)
if found:
    with answer_page.folded("Larger systems", key="phys_larger_part", waits=True) as unfolded:
        if unfolded:
            phys_more.show_larger(*found)
    with answer_page.folded(
        "Motion: true law and found law", key="phys_motion_part", waits=True
    ) as unfolded:
        if unfolded:
            phys_more.show_motion(*found)
    with answer_page.folded("Compare formulas and engines", key="phys_compare"):
        phys_more.show_compare(found[0])
with answer_page.folded("How it works, and what it cost", key="phys_ledger"):
    phys_more.show_ledger(found[0] if found else None)
with answer_page.folded("Earlier answers", key="phys_history"):
    phys_more.show_history()

frame.footer(found[0] if found else None)
