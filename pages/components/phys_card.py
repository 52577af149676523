"""The formula that is open: as mathematics, with its constants and what it is like."""

import streamlit as st

from core.knowledge.physics.known_laws import KnownLaw
from core.serving import physics_card
from core.serving.physics_card import FormulaCard
from core.serving.physics_question import Question
from core.serving.symbolic_regression import Answer, Formula
from pages.components import frame
from pages.components.exports import Export, download_row
from pages.components.phys_answers import BY_TEXT, answer_of, show_r2
from pages.components.rows import show_rows


@st.cache_resource(show_spinner="Fitting the constants", max_entries=200, hash_funcs=BY_TEXT)
def _card(question: Question, number: int, state: str) -> FormulaCard:  # noqa: ARG001
    answer = answer_of(question)
    return physics_card.card(answer, answer.formula(number))


def card_of(answer: Answer, formula: Formula) -> FormulaCard:
    """Constants with intervals, units, reading, likeness to a known law."""
    return _card(answer.question, formula.number, answer.mark)


def show(answer: Answer, formula: Formula) -> None:
    """The card and its downloads."""
    card = card_of(answer, formula)
    with st.container(border=True, key="phys_card"):
        suggested = " · suggested" if formula.number == answer.suggested and answer.found else ""
        st.markdown(
            f"**Formula {formula.number}{suggested}** · R² {show_r2(formula.r2)} on unseen graphs "
            f"· size {formula.complexity}"
        )
        st.latex(card.latex)
        st.code(formula.text, language=None, wrap_lines=True)
        for sentence in card.reading:
            st.markdown(f"- {frame.plain(sentence)}")
        if card.known:
            _show_known(card.known)
        st.markdown(f"Units: {frame.plain(card.units)}")
        if card.constants:
            with st.container(key="phys_constants"):
                show_rows(
                    ("Constant", "Value", "95 % interval", "Unit"),
                    [(one.name, one.value, one.interval, one.unit) for one in card.constants],
                    right=("Value", "95 % interval"),
                )
        if len(card.blocks) > 1:
            with st.expander("Step by step", key="phys_blocks"):
                for words, latex in card.blocks:
                    st.markdown(frame.plain(words))
                    st.latex(latex)
    download_row(
        [Export(one.label, one.name, one.mime, one.content) for one in card.files],
        key="phys_code",
    )


def _show_known(known: KnownLaw) -> None:
    """The textbook law that the formula is, and how it differs."""
    with st.container(key="phys_known"):
        same = "It differs: " + known.difference if known.difference else "Exactly this form."
        st.markdown(
            f"**A known law: {frame.plain(known.name)}.** {frame.plain(known.about)} "
            f"{frame.plain(same)} Its usual form:"
        )
        st.latex(known.latex)
