"""What a new user may like, judged from a few ratings; see and check which of them caused it."""

from functools import partial

import streamlit as st

from core.render.tables import to_safe_csv
from core.serving import rec_export, recommendation
from core.serving.rec_items import model_of
from pages.components import (
    answer_page,
    frame,
    rec_answers,
    rec_compare,
    rec_curve,
    rec_evidence,
    rec_how,
    rec_inputs,
    rec_items,
    rec_ledger,
    rec_next,
    rec_profile,
    rec_state,
    rec_upload,
    rec_what_if,
)
from pages.components.exports import Export

PAGE = "recommendation"


def show_answers(link) -> tuple | None:
    """The list; returns the answer and the item that is opened."""
    if link.query is None:
        st.info("No question yet. Add an item on the left and rate it.")
        return None
    answer = recommendation.answer(link.query, rec_state.before(link.query))
    rec_answers.show_heading(answer)
    rec_answers.show_list(answer, rec_answers.opened_item(answer))
    chosen = rec_answers.choose_row(answer)
    return (answer, chosen) if chosen else None


def rows_csv(answer) -> str:
    """The list with every column, safe to open in a spreadsheet."""
    header, rows = rec_export.cells(answer)
    return to_safe_csv(rows, header)


def show_evidence(answer, chosen) -> None:
    """Evidence pane, exports and link."""
    item = "" if chosen.item == answer.rows[0].item else chosen.item
    page.show_evidence(
        partial(rec_evidence.show, answer, chosen),
        query=answer.question,
        table=Export("CSV", "list.csv", "text/csv", partial(rows_csv, answer)),
        parameters=rec_state.HISTORY.address(
            answer.question, item, partial(rec_evidence.bundle_of, answer, chosen)
        ),
        short={} if rec_state.is_start(item) else None,
    )


frame.guard(PAGE)
frame.page(
    "Cold-start recommendation",
    "A new user gave a few ratings: what next, how sure, and which of the ratings caused it. Items "
    "can be films, books, protocols or materials; no training is needed for a new user.",
    section="3.2, ColdNAS",
)
page = answer_page.AnswerPage(
    PAGE, rec_state.STATE, rec_state.commit, rec_state.HISTORY.plain_address
)
link, found = page.ask_and_answer("Recommended", ask=rec_inputs.ask, show=show_answers)

if found:
    with answer_page.section("Evidence"):
        show_evidence(*found)

st.header("More", anchor=False)
if link.query is not None:
    model = model_of(link.query)
    if found:
        with answer_page.folded("What if a rating were different?", key="rec_what_if_part"):
            rec_what_if.show(found[0])
    with answer_page.folded("Ask me: what to rate next", key="rec_next", waits=True) as unfolded:
        if unfolded:
            rec_next.show(link.query)
    with answer_page.folded("Compare methods", key="rec_comparison"):
        rec_compare.show(link.query)
    with answer_page.folded("How many ratings are enough?", key="rec_curve"):
        rec_curve.show(model, len(link.query.given))
    with answer_page.folded("Own ratings from a file", key="rec_profile"):
        rec_profile.show(model)
    with answer_page.folded("Own items that nobody has rated", key="rec_items_part"):
        rec_items.show(model)
with answer_page.folded("Own data: train a model on your ratings", key="rec_own_data"):
    rec_upload.show()
with answer_page.folded("How it works", key="rec_how", waits=True) as unfolded:
    if unfolded:
        rec_how.show()
if found:
    with answer_page.folded("What it cost", key="rec_ledger", waits=True) as unfolded:
        if unfolded:
            rec_ledger.show(found[0])
with answer_page.folded("Earlier answers", key="rec_history"):
    rec_state.HISTORY.show()

frame.footer(found[0] if found else None)
