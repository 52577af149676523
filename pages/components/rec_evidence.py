"""The evidence of one item: verdict, smallest set of ratings, and the details."""

import streamlit as st

from core.evidence.bundle import Bundle
from core.evidence.faithfulness import Check, Minimal
from core.serving import kg_bundle, rec_bundle, rec_evidence
from core.serving import recommendation as rec
from core.serving.rec_items import model_of
from core.serving.rec_question import Question
from pages.components import evidence_pane, evidence_view, frame, rec_details, rec_structure
from pages.components.evidence_pane import Opened
from pages.components.rec_answers import BY_TEXT, explanation_of, say_range
from pages.components.verdict import choose_size, show_check, show_verdict

NOUN = ("rating", "ratings")
RATING_TABS = ("Ratings", "Graph", "Table", "Check")  # not without any rating
CAVEAT = (
    "This checks the reason of the model, not whether you will like it. The score says how far the "
    "item stands out for you: 0.5 is like any other item, 1 is a whole scale above. The random "
    "look-alikes are as many of your other ratings."
)


@st.cache_resource(show_spinner="Checking the evidence", max_entries=500, hash_funcs=BY_TEXT)
def _check(question: Question, item: str, ids: tuple[str, ...]) -> Check:
    return rec_evidence.check(question, item, frozenset(ids))


@st.cache_resource(
    show_spinner="Looking for the smallest evidence", max_entries=500, hash_funcs=BY_TEXT
)
def _minimise(question: Question, item: str) -> Minimal:
    return rec_evidence.minimise(question, item)


def _reasons(explanation: rec_evidence.Explanation) -> tuple[str, ...]:
    """The ratings to be checked: those that are cited, all of them where none speaks for the item.

    That these do not carry the item is an answer too.
    """
    return explanation.cited or tuple(one.id for one in explanation.influences)


def bundle_of(answer: rec.Answer, row: rec.Row, created: str) -> Bundle:
    """The item with its whole evidence, checked and minimised."""
    question = answer.question
    explanation = explanation_of(question, row.item)
    reasons, check, minimal = _reasons(explanation), None, None
    if reasons:
        check = _check(question, row.item, reasons)
    if explanation.cited:
        minimal = _minimise(question, row.item)
    return rec_bundle.bundle(answer, row, explanation, check, minimal, created=created)


def show(answer: rec.Answer, row: rec.Row, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    question, model = answer.question, model_of(answer.question)
    _say_prediction(answer, row)
    explanation = explanation_of(question, row.item)
    bundle = shown = bundle_of(answer, row, created)
    reasons, cited, check = _reasons(explanation), explanation.cited, None
    if reasons:
        verdict = st.container(key="rec_verdict")
        if cited:
            minimal = _minimise(question, row.item)
            num_shown = choose_size(len(cited), minimal, key="rec", name=bundle.id, noun=NOUN)
            gone = set(minimal.removed[: max(0, len(cited) - num_shown)])
            reasons = cited = tuple(id_ for id_ in cited if id_ not in gone)
            shown = kg_bundle.show_remaining(bundle, num_shown)
        check = _check(question, row.item, reasons)
        with verdict:
            show_verdict(check)
    else:
        st.info(frame.plain(explanation.statement), icon=":material/info:")
    drawing, narrow = evidence_pane.draw(shown, permalink)
    names = [*(RATING_TABS if check else ()), "Operators", "You and others"]
    tabs = dict(zip(names, st.tabs(names, key="rec_tabs", on_change="rerun"), strict=True))
    details = {
        "Ratings": lambda: rec_details.show_ratings(model, explanation, cited),
        "Graph": lambda: evidence_pane.show_graph(drawing, narrow, key="rec"),
        "Table": lambda: evidence_view.show_table(drawing, key="rec_evidence_table"),
        "Check": lambda: show_check(check, noun=NOUN[0], caveat=CAVEAT),
        "Operators": lambda: rec_structure.show(model),
        "You and others": lambda: rec_details.show_numbers(question),
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab, frame.show_errors():
                details[name]()
    return Opened(bundle, drawing)


def _say_prediction(answer: rec.Answer, row: rec.Row) -> None:
    """Predicted rating, its range and its place, in words."""
    spread = "" if row.low is None else f" ({answer.level:.0%} range {say_range(row)})"
    st.markdown(
        f"**{frame.plain(row.title)}**: predicted **{row.rating:.2f}**{spread}, place "
        f"{row.rank:,} of {answer.num_candidates:,}; by popularity place {row.popularity_rank:,}"
    )
