"""What if a rating were different? One rating changed or taken out: old and new list."""

import streamlit as st

from core.serving import recommendation as rec
from core.serving.rec_items import model_of
from core.serving.rec_question import Question
from pages.components import rec_state
from pages.components.rec_answers import BY_TEXT, say_move, say_rating
from pages.components.rec_inputs import ratings_of
from pages.components.rows import show_rows
from pages.components.verdict import show_change

OUT = "out"  # in place of a rating


@st.cache_resource(show_spinner="Asking again", max_entries=100, hash_funcs=BY_TEXT)
def _changes(before: Question, after: Question) -> tuple[rec.Change, ...]:
    return rec.changes(before, after)


def show(answer: rec.Answer) -> None:
    """Choose a rating and its change; the differences; apply it or not."""
    question, model = answer.question, model_of(answer.question)
    given = dict(question.given)
    if not given:
        st.markdown(f"There is no {model.words.rating} yet that could be different.")
        return
    if st.session_state.get("rec_what_if_item") not in given:
        st.session_state["rec_what_if_item"] = question.given[-1][0]
    left, right = st.columns([2, 1])
    with left:
        item = st.selectbox(
            f"Your {model.words.rating} of", list(given), key="rec_what_if_item",
            filter_mode="contains",
            format_func=lambda item: f"{model.title_of(item)} · {say_rating(given[item])}"
            if item in given else item,
        )  # fmt: skip
    others = [OUT, *(one for one in ratings_of(model.scale)[1:] if one != given[item])]
    with right:
        rating = st.selectbox(
            "Instead", others, key=f"rec_what_if_rating_{item}_{given[item]}",
            format_func=lambda one: "leave it out" if one == OUT else say_rating(one),
        )  # fmt: skip
    after = question.with_rating(item, None if rating == OUT else rating)
    with st.container(horizontal=True):
        if st.button("Show what changes", key="rec_what_if_ask"):
            st.session_state["rec_what_if"] = after
        if st.button("Make this my question", key="rec_what_if_apply"):
            rec_state.change(after)
    if st.session_state.get("rec_what_if") == after:
        _show_changes(_changes(question, after), question.length)


def _show_changes(changes: tuple[rec.Change, ...], length: int) -> None:
    numbers = ("Rank before", "Rank then", "Before", "Then", "Difference")
    with st.container(key="rec_differences"):
        show_rows(
            ("Item", *numbers, "Move"),
            [
                (
                    one.title, _rank(one.rank_before), _rank(one.rank_after),
                    _rating(one.before), _rating(one.after),
                    "–" if None in (one.before, one.after) else show_change(one.after - one.before),
                    say_move(one.rank_before, one.rank_after),
                )
                for one in changes
            ],
            right=numbers,
        )  # fmt: skip
    st.markdown(f"Items that are among the first {length} before or then, in the new order.")


def _rank(rank: int | None) -> str:
    return "–" if rank is None else f"{rank:,}"


def _rating(rating: float | None) -> str:
    return "–" if rating is None else f"{rating:.2f}"
