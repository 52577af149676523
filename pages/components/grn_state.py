"""What the page shows now, and the inputs that belong to it."""

import streamlit as st

from core.serving import gene_regulation as grn
from core.serving import grn_permalink
from core.serving.grn_permalink import Link
from core.serving.grn_question import EXAMPLE, UPLOAD, Question
from pages.components.link_state import LinkState

DATA = "grn_data"  # where the measurements come from
REGULATOR = "grn_regulator"  # name of the gene that is open
MINE = "grn_mine"  # ids of this session's uploads
LATEST = "grn_upload_id"  # the upload that the inputs speak of
DEFAULT_TRUST, DEFAULT_SPARSITY = 0.5, 0.9  # where the sliders begin


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    state, question = st.session_state, link.query
    state[REGULATOR] = link.regulator or None
    if question is None:
        state[DATA] = UPLOAD
        return
    state[DATA] = question.kind
    if question.kind == EXAMPLE:
        state["grn_example"] = question.name
    else:
        state[LATEST] = question.name
        if question.name not in state.setdefault(MINE, []):
            state[MINE].append(question.name)
    state["grn_set_trust"] = question.trust is not None
    state["grn_trust"] = DEFAULT_TRUST if question.trust is None else question.trust
    state["grn_set_sparsity"] = question.sparsity is not None
    state["grn_sparsity"] = DEFAULT_SPARSITY if question.sparsity is None else question.sparsity
    state["grn_resamples"], state["grn_seed"] = question.resamples, question.seed


def commit(question: Question) -> Link:
    """Show a new answer. The question is answered first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    grn.answer(question)
    link = Link(question, example=question.comes_along)
    STATE.keep(link, new=not question.comes_along)
    st.session_state[REGULATOR] = None
    return link


def begin(question: Question) -> None:
    """Show a question with its inputs; before the inputs are drawn."""
    show(Link(question, example=question.comes_along))
    STATE.keep(STATE.link, new=not question.comes_along)


def is_start(regulator: str) -> bool:
    """Whether the page shows what it shows at first: the first example, its first regulator."""
    link: Link = STATE.link
    first = next((one.question for one in grn.examples()), None)
    return link.example and link.query == first and not regulator


STATE = LinkState("grn", grn_permalink.from_parameters, show, DATA)
