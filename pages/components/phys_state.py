"""What the page shows now, and the inputs that belong to it."""

import streamlit as st

from core.serving import physics_permalink
from core.serving import symbolic_regression as laws
from core.serving.physics_permalink import Link
from core.serving.physics_question import SIMULATOR, Question
from pages.components.link_state import LinkState
from pages.components.phys_answers import answer_of

EXAMPLE, OWN = "example", "upload"  # and SIMULATOR: where the data come from
DATA = "phys_data"
FORMULA = "phys_formula"  # number of the formula that is open
MINE = "phys_mine"  # ids of this session's uploads
LATEST = "phys_upload_id"  # the upload that the inputs speak of
PAUSED = "phys_paused"  # id of the job that this person has paused


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    fill_form(link.query)
    st.session_state[FORMULA] = link.formula or None


def fill_form(question: Question) -> None:
    """Give the input widgets the values of a question."""
    state = st.session_state
    known = laws.example_of(question)
    if question.kind == SIMULATOR:
        state[DATA] = EXAMPLE if known else SIMULATOR
        fill_simulator(question)
    else:
        state[DATA] = OWN
        state[LATEST] = question.name
        if question.name not in state.setdefault(MINE, []):
            state[MINE].append(question.name)
    if known:
        state["phys_example"] = known.id
    fill_knowledge(question)
    state["phys_budget"], state["phys_seed"] = question.budget, question.seed


def fill_simulator(question: Question) -> None:
    """Give the inputs of the simulator the settings of a question."""
    st.session_state["phys_system"] = question.name
    for name, value in question.settings:
        st.session_state[f"phys_set_{name}"] = value


def fill_knowledge(question: Question) -> None:
    """Give the inputs of step 2 what a question knows beforehand."""
    state, knowledge = st.session_state, question.knowledge
    state["phys_operators"] = list(knowledge.operators)
    state["phys_size"] = knowledge.max_complexity
    state["phys_pair"] = knowledge.pair
    state["phys_rotation"] = knowledge.rotation
    state["phys_use_units"] = knowledge.use_units
    state["phys_constant_units"] = knowledge.allow_constant_units
    state["phys_guess"] = "\n".join(laws.say_guesses(knowledge))
    for name in [name for name in state if str(name).startswith(("phys_unit_", "phys_use_q_"))]:
        del state[name]
    for name, unit in question.units:
        state[f"phys_unit_{name}"] = unit
    for name in question.left_out:
        state[f"phys_use_q_{name}"] = False


def commit(question: Question) -> Link:
    """Show a new answer. The question is answered first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    answer_of(question)
    link = Link(question)
    STATE.keep(link, new=True)
    st.session_state[FORMULA] = None
    return link


def begin(question: Question) -> None:
    """Show a question with its inputs; before the inputs are drawn."""
    link = Link(question)
    show(link)
    STATE.keep(link, new=True)


def is_start(number: int) -> bool:
    """Whether the page shows what it shows at first: the first example, the suggested formula."""
    link: Link = STATE.link
    return link.example and link.query == laws.examples()[0].question and not number


STATE = LinkState("phys", physics_permalink.from_parameters, show, DATA)
