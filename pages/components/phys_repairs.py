"""What can be done about a problem, as buttons that change the inputs."""

from collections.abc import Callable

import streamlit as st

from core.discovery.options import OPERATORS
from core.errors import InputError
from core.knowledge.physics.expression import OPS
from core.serving import symbolic_regression as laws
from core.serving.physics_question import Question
from pages.components import frame

UNIT = "phys_unit_"  # prefix of the keys of the inputs of units


def _forget_units() -> None:
    for name in [name for name in st.session_state if str(name).startswith(UNIT)]:
        del st.session_state[name]


def _set(**values: object) -> Callable[[], None]:
    def change() -> None:
        st.session_state.update(values)

    return change


# code of the problem: label and what the button does
REPAIRS: dict[str, tuple[tuple[str, str, Callable[[], None]], ...]] = {
    "PH-E01": (("Back to the given units", "given_units", _forget_units),),
    "PH-E02": (
        ("Allow constants with units", "constant_units", _set(phys_constant_units=True)),
        ("Do not use units", "no_units", _set(phys_use_units=False)),
        ("Back to the given units", "given_units", _forget_units),
    ),
    "PH-E08": (
        ("Allow all operators", "all_operators", _set(phys_operators=list(OPS))),
        ("Usual operators", "usual_operators", _set(phys_operators=list(OPERATORS))),
        ("Search for 1 minute", "longer", _set(phys_budget="standard")),
    ),
}


def offer(code: str) -> None:
    """The repairs of a problem; nothing where there are none."""
    if code in REPAIRS:
        with st.container(horizontal=True, key=f"phys_repairs_{code}"):
            for label, key, repair in REPAIRS[code]:
                st.button(label, key=f"phys_repair_{key}", on_click=repair)


def check_units(draft: Question) -> None:
    """Say at once when units cannot be read or cannot match."""
    try:
        laws.require_units(draft)
    except InputError as error:
        frame.show_error(error)
        offer(error.code)
