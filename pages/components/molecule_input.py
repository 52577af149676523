"""A field for one structure: paste it, upload it, or draw it."""

import streamlit as st

from core import chemistry
from core.chemistry import Structure, listing
from core.errors import InputError
from pages.components import frame
from pages.components.molecule_editor import draw_molecule, has_editor

PASTE, UPLOAD, DRAW = "Paste", "Upload", "Draw"


def choose_molecule(label: str, *, key: str, default: str = "") -> Structure | None:
    """Let a person give one structure; return it checked, None while there is none.

    What is wrong is said below the field; the caller keeps its previous answer then. A structure
    goes along when the person changes between pasting and drawing.

    Args:
        label: visible label, such as "Structure of the new drug".
        key: prefix of the widgets' keys.
        default: SMILES in the field at first.
    """
    with st.container(key=key):
        way = st.radio(
            label, [PASTE, UPLOAD, DRAW], key=f"{key}_way", horizontal=True,
            on_change=_carry_over, args=(key,),
        )  # fmt: skip
        start = st.session_state.get(f"{key}_start", default)
        with frame.show_errors():
            if way == PASTE:
                text = _paste(key, start)
            elif way == UPLOAD:
                text = _upload(key)
            else:
                text = _draw(label, key, start)
            if text.strip():
                return _read(text, key)
    return None


def _carry_over(key: str) -> None:
    """The last good structure is where the next way starts."""
    if f"{key}_last" in st.session_state:
        st.session_state[f"{key}_start"] = st.session_state[f"{key}_last"]


def _paste(key: str, start: str) -> str:
    return st.text_input(
        "SMILES", start, key=f"{key}_smiles", placeholder="For example CC(=O)Oc1ccccc1C(=O)O"
    )


def _upload(key: str) -> str:
    file = st.file_uploader(
        "File with structures: SMILES list, CSV with a column smiles, molfile or SDF",
        key=f"{key}_file",
    )
    if file is None:
        return ""
    entries = listing.read_list(file.getvalue())
    if len(entries) == 1:
        return entries[0].text
    chosen = st.selectbox(
        f"{len(entries):,} structures in this file; use", range(len(entries)),
        format_func=lambda number: _say_entry(entries[number]), key=f"{key}_entry",
        filter_mode="contains",
    )  # fmt: skip
    return entries[chosen].text


def _say_entry(entry: listing.Entry) -> str:
    """Number and name of an entry, or the beginning of its text."""
    return f"{entry.row}: {(entry.name or entry.text)[:60]}"


def _draw(label: str, key: str, start: str) -> str:
    if has_editor():
        return draw_molecule(label, key=f"{key}_editor", start=start)
    st.info(
        "Drawing needs the editor JSME in the folder `static`: run `python -m core assets` once "
        "and load this page again.",
        icon=":material/draw:",
    )
    return ""


def _read(text: str, key: str) -> Structure:
    """The checked structure, with what should be known about it."""
    structure = _check(text, key)
    if structure.num_fragments > 1 and not st.checkbox(
        "Keep only the largest part (strip salts)", True, key=f"{key}_strip"
    ):
        structure = chemistry.check(text, strip_salts=False)
    st.session_state[f"{key}_last"] = structure.smiles
    with st.container(key=f"{key}_remarks"):
        for remark in structure.warnings:
            st.warning(
                f"**{frame.plain(remark.code)} · {frame.plain(remark.title)}**\n\n"
                f"{frame.plain(remark.text)}",
                icon=":material/info:",
            )
    return structure


def _check(text: str, key: str) -> Structure:
    """Check once per text: a structure that took too long is not tried again at every click."""
    memory = f"{key}_outcome"
    if st.session_state.get(memory, (None,))[0] != text:
        try:
            outcome = chemistry.check(text)
        except InputError as error:
            outcome = error
        st.session_state[memory] = text, outcome
    outcome = st.session_state[memory][1]
    if isinstance(outcome, InputError):
        raise InputError(outcome.code, outcome.title, outcome.problem, outcome.hint, outcome.where)
    return outcome
