"""What the page shows now, and the ratings in its editor."""

from collections.abc import Iterable
from dataclasses import replace

import streamlit as st

from core.serving import rec_permalink
from core.serving.rec_items import model_of
from core.serving.rec_permalink import Link
from core.serving.rec_question import Question
from core.serving.recommendation import answer
from pages.components.history import OwnHistory
from pages.components.link_state import LinkState

ITEMS = "rec_items"  # ids of the items in the editor, in the order they were added
BEFORE = "rec_before"  # the question whose list stood here before
ITEM = "rec_item"  # id of the item whose evidence is open
OWN_ITEMS = "rec_own_items"  # upload whose items are ranked, empty for the catalogue
ASKED = "rec_ask"  # key of the button that asks


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    state, question = st.session_state, link.query
    state[BEFORE] = None
    state[ITEM] = link.item or None
    state[ITEMS], state[OWN_ITEMS] = [], ""
    if question is None:
        return
    state["rec_model"] = question.model
    state["rec_method"] = question.method
    state["rec_hide"] = question.hide_rated
    state["rec_length"] = question.length
    state[OWN_ITEMS] = question.items
    state["rec_newest"] = question.newest
    state["rec_kinds"] = list(question.kinds)
    model, user = model_of(question), dict(question.user)
    if model.years:
        state["rec_years"] = question.years or model.years
    for number, field in enumerate(model.user_fields):
        state[f"rec_user_{number}"] = user.get(field.name)
    fill(question.given)


def fill(given: Iterable[tuple[str, float]]) -> None:
    """Put these ratings into the editor, in place of all others."""
    st.session_state[ITEMS] = []
    for item, rating in given:
        put(item, rating)


def put(item: str, rating: float | None = None) -> None:
    """One item into the editor, at its end; one that is there is moved."""
    drop(item)
    st.session_state[ITEMS].append(item)
    st.session_state[rating_key(item)] = rating


def drop(item: str) -> None:
    """One item out of the editor."""
    items = st.session_state[ITEMS]
    if item in items:
        items.remove(item)


def take_items(upload_id: str = "") -> None:
    """Rank the items of an upload, or again those of the catalogue; ratings of own items go."""
    state = st.session_state
    state[OWN_ITEMS] = upload_id
    known = model_of(Question(state["rec_model"], items=upload_id))
    state[ITEMS] = [item for item in state[ITEMS] if item in known.row_of]
    if known.years:
        state["rec_years"] = known.years


def rating_key(item: str) -> str:
    """Key of the control that rates an item."""
    return f"rec_rate_{item}"


def given() -> tuple[tuple[str, float], ...]:
    """What the editor says: items with a rating, the newest last."""
    ratings = ((item, st.session_state.get(rating_key(item))) for item in st.session_state[ITEMS])
    return tuple((item, rating) for item, rating in ratings if rating is not None)


def commit(question: Question) -> Link:
    """Show a new list. It is computed first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    answer(question)
    state, last = st.session_state, STATE.link.query
    if last is not None and _same_filters(last, question) != question:
        state[BEFORE] = last if last.model == question.model else None
    link = Link(question)
    STATE.keep(link, new=bool(state.get(ASKED)))
    HISTORY.note(question)
    return link


def before(question: Question) -> Question | None:
    """What stood here before the ratings or the method changed, asked with the same filters."""
    last = st.session_state[BEFORE]
    return None if last is None else _same_filters(last, question)


def _same_filters(one: Question, other: Question) -> Question:
    """One question with the filters and the length of another."""
    return replace(
        one, years=other.years, kinds=other.kinds, hide_rated=other.hide_rated, length=other.length
    )


def change(question: Question) -> None:
    """Show another question with its inputs, in a new run; also from below the answers.

    Raises:
        ParsimonyError: the question has no answer.
    """
    link = commit(question)
    STATE.keep(link, new=True)
    STATE.show_later(link)


def is_start(item: str) -> bool:
    """Whether the page shows what it shows at first: the example, its first item."""
    link: Link = STATE.link
    return link.example and link.query == rec_permalink.example_question() and not item


STATE = LinkState("rec", rec_permalink.from_parameters, show, "rec_model")
HISTORY = OwnHistory(STATE, rec_permalink.to_parameters, rec_permalink.store, "item")
