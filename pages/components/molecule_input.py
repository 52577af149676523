"""A field for one structure: paste it, upload it, or draw it."""

import streamlit as st
from streamlit_ketcher import st_ketcher

from core import chemistry
from core.chemistry import Structure, listing
from core.errors import InputError
from pages.components import frame

PASTE, UPLOAD, DRAW = "Paste", "Upload", "Draw"
EDITOR_HEIGHT = 420


def choose_molecule(label: str, *, key: str, default: str = "") -> Structure | None:
    """Let a person give one structure; return it checked, None while there is none.

    What is wrong is said below the field; the caller keeps its previous answer then.

    Args:
        label: visible label, such as "Structure of the new drug".
        key: prefix of the widgets' keys.
        default: SMILES in the field at first.
    """
    with st.container(key=key):
        way = st.radio(label, [PASTE, UPLOAD, DRAW], key=f"{key}_way", horizontal=True)
        with frame.show_errors():
            text = {PASTE: _paste, UPLOAD: _upload, DRAW: _draw}[way](key, default)
            if text.strip():
                strip = "." not in text or st.checkbox(
                    "Keep only the largest part (strip salts)", True, key=f"{key}_strip"
                )
                structure = _check(text, strip, key)
                _show_remarks(structure, key)
                return structure
    return None


def _paste(key: str, default: str) -> str:
    return st.text_input(
        "SMILES", default, key=f"{key}_smiles",
        placeholder="For example CC(=O)Oc1ccccc1C(=O)O",
    )  # fmt: skip


def _upload(key: str, default: str) -> str:  # noqa: ARG001
    file = st.file_uploader(
        "File with structures (.smi, .csv with a column smiles, .mol, .sdf)", key=f"{key}_file"
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


def _draw(key: str, default: str) -> str:  # noqa: ARG001
    st.markdown(":small[Draw, then press **Apply** below the editor.]")
    return st_ketcher(height=EDITOR_HEIGHT, key=f"{key}_editor") or ""


def _check(text: str, strip: bool, key: str) -> Structure:
    """Check once per text: a structure that took too long is not tried again at every click."""
    memory, asked = f"{key}_outcome", (text, strip)
    if st.session_state.get(memory, (None,))[0] != asked:
        try:
            outcome = chemistry.check(text, strip_salts=strip)
        except InputError as error:
            outcome = error
        st.session_state[memory] = asked, outcome
    outcome = st.session_state[memory][1]
    if isinstance(outcome, InputError):
        raise InputError(outcome.code, outcome.title, outcome.problem, outcome.hint, outcome.where)
    return outcome


def _show_remarks(structure: Structure, key: str) -> None:
    with st.container(key=f"{key}_remarks"):
        for remark in structure.warnings:
            st.warning(
                f"**{frame.plain(remark.code)} · {frame.plain(remark.title)}**\n\n"
                f"{frame.plain(remark.text)}",
                icon=":material/info:",
            )
