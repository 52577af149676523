"""A file of molecules: what is in it, which column is which, then into the lists."""

import streamlit as st

from core.errors import InputError
from core.serving.molecule_table import FilePreview, example_file, preview_file, read_file
from pages.components import frame, mol_state
from pages.components.rows import show_rows

NONE = ""
GOALS = {
    "candidate": "to predict",
    "active": "known active",
    "inactive": "known inactive",
}
MEANINGS = {**GOALS, "": "not understood, refused (MO-E14)"}
MAX_VALUES = 6
ERROR = "mol_file_error"


def show() -> None:
    """Uploader, preview with guessed columns, and the button that fills the lists."""
    file = st.file_uploader("File with molecules", key="mol_upload")
    st.download_button(
        "Download a valid example file", example_file(), file_name="molecules.csv",
        mime="text/csv", key="mol_example_file", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if file is None:
        return
    content = file.getvalue()
    preview = preview_file(content)
    name = f"{file.name}_{file.size}"
    st.markdown(f"**{preview.num_rows:,} rows** · {_say_kind(preview)}")
    _show_first(preview)
    columns = _choose(preview, name)
    role = "candidate"
    if not columns.get("label"):
        role = st.selectbox(
            "These molecules are", list(GOALS), format_func=GOALS.get, key="mol_file_role"
        )
    st.button(
        "Use this file", type="primary", key="mol_file_use",
        on_click=_use, args=(content, columns, role),
    )  # fmt: skip
    if error := st.session_state.pop(ERROR, None):
        frame.show_error(error)


def _use(content: bytes, columns: dict[str, str], role: str) -> None:
    """Into the lists: all three when the file has labels, one otherwise."""
    try:
        found = read_file(content, **columns, role=role)
    except InputError as error:
        st.session_state[ERROR] = error
        return
    if not columns["label"]:
        found = mol_state.lists_of_inputs().with_role(role, getattr(found, role))
    mol_state.fill(found)


def _say_kind(preview: FilePreview) -> str:
    return {"table": "table", "list": "SMILES list", "sdf": "SDF"}[preview.kind]


def _show_first(preview: FilePreview) -> None:
    header = preview.columns if preview.kind == "table" else ("Structure", "Name")
    with st.container(key="mol_preview"):
        show_rows(header, preview.rows, limit=30)


def _choose(preview: FilePreview, name: str) -> dict[str, str]:
    """Which column is which; the guesses stand there at first."""
    chosen = {"smiles": preview.smiles or NONE, "name": preview.name or NONE}
    if preview.kind == "table":
        for key, label in (("smiles", "Column of structures"), ("name", "Column of names")):
            chosen[key] = _column(label, key, preview.columns, chosen[key], name)
    chosen["label"] = NONE
    if preview.columns:
        chosen["label"] = _column(
            "Column of labels", "label", preview.columns, preview.label or NONE, name
        )
    if chosen["label"] and chosen["label"] == preview.label:
        for text, role, count in preview.values[:MAX_VALUES]:
            st.markdown(f"- {frame.plain(repr(text))}: {count:,} {MEANINGS[role]}")
    return chosen


def _column(label: str, key: str, columns: tuple[str, ...], guess: str, name: str) -> str:
    options = [NONE, *columns]
    return st.selectbox(
        label, options, index=options.index(guess), key=f"mol_column_{key}_{name}",
        format_func=lambda column: column or "none",
    )  # fmt: skip
