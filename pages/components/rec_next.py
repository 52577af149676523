"""Ask me: the items whose rating would tell most, to be rated next."""

import streamlit as st

from core.serving import rec_next
from core.serving.rec_items import model_of
from core.serving.rec_question import Question
from pages.components import frame, rec_state
from pages.components.rec_answers import BY_TEXT
from pages.components.rows import show_rows

NUM_ASKED = 6


@st.cache_resource(show_spinner="Looking for good questions", max_entries=100, hash_funcs=BY_TEXT)
def _next(question: Question) -> tuple[rec_next.NextItem, ...]:
    return rec_next.next_items(question, NUM_ASKED)


def show(question: Question) -> None:
    """The items with why they are asked for; a button puts each into the editor."""
    model = model_of(question)
    words, kinds = model.words, model.kinds
    found = _next(question)
    st.markdown(
        f"Known to many, and telling: ordered by how many rated the {words.item} times how far "
        f"your own {words.rating} of it would move {words.items} of the list against each other. "
        "Add those you know."
    )
    with st.container(key="rec_next_rows"):
        show_rows(
            (
                words.item.capitalize(), kinds[0].capitalize() if kinds else "Kind",
                "Popularity #", "Would move the list by", "Worth asking",
            ),
            [
                (
                    one.title, ", ".join(one.kinds) or "–", f"{one.popularity_rank:,}",
                    f"{one.change:.3f}", f"{one.score:.3f}",
                )
                for one in found
            ],
            right=("Popularity #", "Would move the list by", "Worth asking"),
        )  # fmt: skip
    with st.container(horizontal=True, key="rec_next_buttons"):
        for one in found:
            st.button(
                frame.plain(f"Rate {one.title[:60]}"), key=f"rec_next_{one.item}",
                on_click=rec_state.put, args=(one.item,),
            )  # fmt: skip
