"""Addresses of answers, and the earlier answers of this session."""

from datetime import UTC, datetime

import streamlit as st

from core.serving import mol_permalink
from core.serving import molecular_property as mol
from pages.components import history, mol_state
from pages.components.mol_answers import signature
from pages.components.mol_evidence import bundle_of

STORED = "mol_stored"  # id of the stored answer by signature of its question


def plain_address(link: mol_permalink.Link) -> dict[str, str]:
    """Query parameters of a question without evidence; none where it is too long."""
    return (link.query and mol_permalink.to_parameters(link.query)) or {}


def address(answer: mol.Answer, one: mol.Prediction, row: str) -> dict[str, str]:
    """Query parameters of an answer; lists too long for an address are stored."""
    question = answer.question
    parameters = mol_permalink.to_parameters(question, row)
    if parameters is not None:
        return parameters
    stored: dict[str, str] = st.session_state.setdefault(STORED, {})
    key = signature(question.to_json())
    if key not in stored:
        mol_state.STATE.take_new()  # it is kept here, once
        bundle = bundle_of(answer, one, datetime.now(UTC).isoformat(timespec="seconds"))
        stored[key] = mol_permalink.store(question, bundle.to_json())
    return {"result": stored[key]} | ({"row": row} if row else {})


def show() -> None:
    """One button per earlier question of this session; structures may be a secret."""
    mine = st.session_state.get(mol_state.MINE, [])
    history.show(mol_state.STATE, allowed=lambda query: signature(query) in mine)
