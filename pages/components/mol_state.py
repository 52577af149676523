"""What the page shows now, and the inputs that belong to it."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.chemistry.listing import Entry
from core.serving import mol_permalink
from core.serving.few_shot import available_models
from core.serving.mol_permalink import Link
from core.serving.molecular_property import Question
from core.serving.molecule_table import ROLES, Lists, parse_text
from pages.components.history import OwnHistory
from pages.components.link_state import LinkState
from pages.components.mol_answers import first_of

LISTS = "mol_lists"  # as they were filled in; a box that was not touched stands for its list here
CARD = "mol_card"  # task card in use
ROW = "mol_row"  # id of the row whose evidence is open
MAX_TYPED = 500  # longer lists are not put into a box


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    question = link.query
    state = st.session_state
    state["mol_model"] = question.model if question else _first_model()
    state["mol_strip"] = question.strip_salts if question else True
    state["mol_standardise"] = question.standardise if question else True
    state["mol_threshold"] = question.threshold if question else 0.5
    state[CARD] = question.card if question else None
    fill(question.lists if question else Lists())
    state[ROW] = link.row or None


def _first_model() -> str | None:
    return next((entry.id for entry in available_models() if not entry.problem), None)


def fill(lists: Lists) -> None:
    """Give the three boxes their lists; one that no box can hold is kept beside it."""
    st.session_state[LISTS] = lists
    for role in ROLES:
        text = say_entries(getattr(lists, role))
        st.session_state[f"mol_held_{role}"] = text is None
        st.session_state[f"mol_shown_{role}"] = text or ""
        st.session_state[f"mol_text_{role}"] = text or ""


def say_entries(entries: Sequence[Entry]) -> str | None:
    """A list as a person would type it; None where lines cannot say all of it."""
    one_line = all("\n" not in entry.text and entry.text for entry in entries)
    if len(entries) > MAX_TYPED or not one_line:
        return None
    return "\n".join(f"{entry.text} {entry.name}".strip() for entry in entries)


def drop(role: str) -> None:
    """Empty one list, so that something can be typed."""
    fill(lists_of_inputs().with_role(role, ()))


def append(role: str, text: str) -> None:
    """One more structure at the end of a list."""
    lists = lists_of_inputs()
    entries = getattr(lists, role)
    row = max((entry.row for entry in entries), default=0) + 1
    fill(lists.with_role(role, (*entries, Entry(row, "", text))))


def lists_of_inputs() -> Lists:
    """The three lists as the inputs state them.

    Raises:
        InputError: a box holds too much.
    """
    state = st.session_state
    lists: Lists = state[LISTS]
    for role in ROLES:
        typed = state.get(f"mol_text_{role}", state[f"mol_shown_{role}"])
        if not state[f"mol_held_{role}"] and typed != state[f"mol_shown_{role}"]:
            fields = {(one.text, one.name): one.fields for one in getattr(lists, role)}
            lists = lists.with_role(
                role,
                [
                    replace(one, fields=fields.get((one.text, one.name), ()))
                    for one in parse_text(typed)
                ],
            )
    return lists


def commit(question: Question) -> Link:
    """Show a new answer. The question is answered first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    link = _keep(question)
    st.session_state[ROW] = None
    return link


def change(question: Question) -> None:
    """Show another question with its inputs, in a new run; also from below the answers.

    Raises:
        ParsimonyError: the question has no answer.
    """
    STATE.show_later(_keep(question))


def _keep(question: Question) -> Link:
    first_of(question)
    link = Link(question)
    STATE.keep(link, new=True)
    HISTORY.note(question)
    return link


def is_start(row: str) -> bool:
    """Whether the page shows what it shows at first: the first example, its first row."""
    link: Link = STATE.link
    return link.example and link.query == mol_permalink.example_question() and not row


STATE = LinkState("mol", mol_permalink.from_parameters, show, "mol_model")
HISTORY = OwnHistory(STATE, mol_permalink.to_parameters, mol_permalink.store, "row")
