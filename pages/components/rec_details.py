"""What each rating does to one item, and the person's numbers beside those of others."""

from collections.abc import Collection

import streamlit as st

from core.knowledge.modulation import WORDS
from core.serving import rec_evidence
from core.serving.rec_evidence import Explanation, Modulation
from core.serving.rec_model import RecModel
from core.serving.rec_question import Question
from pages.components import frame
from pages.components.mol_table import Cell, Column, Line, Track, show_table
from pages.components.rec_answers import BY_TEXT, say_rating
from pages.components.rec_structure import PLACES
from pages.components.rows import show_rows
from pages.components.verdict import show_change

NUM_DEVIATIONS = 8


def show_ratings(model: RecModel, explanation: Explanation, cited: Collection[str]) -> None:
    """One bar per given rating: the change when it is left out, split in two parts.

    Args:
        model: the model.
        explanation: of the item.
        cited: ids of the ratings that are shown as evidence now.
    """
    st.markdown(frame.plain(explanation.statement))
    found, words = explanation.influences, model.words
    if not found:
        return
    widest = max(abs(part) for one in found for part in (one.total, one.level, one.own)) or 1.0

    def bar(change: float) -> Cell:
        return Cell(show_change(change), track=Track(change / widest, signed=True))

    def move(rank: int) -> str:
        return f"{explanation.rank:,} → {rank:,}"

    columns = [
        Column("name", words.item.capitalize()),
        Column("rating", f"Your {words.rating}", number=True),
        Column("total", "Effect", number=True),
        Column("level", "Level part", number=True),
        Column("own", "Own part", number=True),
        Column("without", "Rank without it", number=True),
        Column("flipped", "Rank if turned round", number=True),
        Column("evidence", "Evidence", words=True),
    ]
    lines = [
        Line(
            one.id,
            (
                Cell(one.title),
                Cell(say_rating(one.rating)),
                *(bar(change) for change in (one.total, one.level, one.own)),
                Cell(move(one.rank_without)),
                Cell(move(one.rank_flipped), note=f"rated {say_rating(one.flipped)}"),
                Cell("cited" if one.id in cited else "–"),
            ),
        )
        for one in found
    ]
    with st.container(key="rec_influences"):
        show_table(
            f"{len(found):,} {words.ratings}, strongest own part first", columns, lines,
            key="rec_influence_table",
        )  # fmt: skip
    st.markdown(
        f":small[**Effect**: predicted {words.rating} with it minus without it. **Level part**: "
        f"what it does to all {words.items} alike, which cannot change the order. **Own part**: "
        "the rest, the only one that speaks for or against this one; blue lifts it, orange lowers "
        "it.]"
    )


@st.cache_resource(show_spinner="Comparing with others", max_entries=200, hash_funcs=BY_TEXT)
def _modulation(question: Question) -> Modulation:
    return rec_evidence.modulation(question)


def show_numbers(question: Question) -> None:
    """Which of the person's numbers lie outside the middle 90 % of test users."""
    found = _modulation(question)
    st.markdown(frame.plain(found.statement))
    if not found.cells:
        return
    with st.container(key="rec_modulation"):
        show_rows(
            ("Position", "Operation", "Numbers", "Outside 5 to 95 %"),
            [
                (PLACES[one.position], WORDS[one.operation], f"{one.num:,}", f"{one.outside:.0%}")
                for one in found.cells
            ],
            right=("Numbers", "Outside 5 to 95 %"),
        )
    st.markdown("**Largest deviations**")
    with st.container(key="rec_deviations"):
        numbers = ("You", "Others, 5 %", "Median", "95 %")
        show_rows(
            ("Number", *numbers),
            [
                (
                    f"{PLACES[one.position]}, {WORDS[one.operation]}, feature {one.feature}",
                    *(f"{value:.3f}" for value in (one.value, one.low, one.median, one.high)),
                )
                for one in found.deviations[:NUM_DEVIATIONS]
            ],
            right=numbers,
        )
    st.markdown(
        ":small[Numbers of operations that were left out change nothing and are not listed. A "
        "hidden feature has no meaning by itself; what counts is how far yours lie from others'.]"
    )
