"""The question: example task, three lists of molecules, method and threshold."""

from pathlib import Path

import streamlit as st

from core.serving import mol_permalink
from core.serving.few_shot import METHODS, ModelEntry, available_models
from core.serving.molecular_property import Question
from core.serving.molecule_table import MAX_CANDIDATES, MAX_JOB, ROLES, Lists
from core.settings import settings
from pages.components import frame, mol_card, mol_files, mol_state
from pages.components.molecule_editor import draw_molecule, has_editor

LABELS = {
    "active": "Known active",
    "inactive": "Known inactive",
    "candidate": "To predict",
}
HEIGHTS = {"active": 120, "inactive": 120, "candidate": 160}
OWN = ""  # in place of an example


def ask(_link: mol_permalink.Link) -> tuple[Question | None, str]:
    """Draw the inputs; what they hold was filled in from the link already.

    Returns:
        The question as the inputs state it, None while no model is here; and what was pressed:
        ``predict``, ``job`` or nothing.
    """
    entries = {entry.id: entry for entry in list_models()}
    usable = [name for name, entry in entries.items() if not entry.problem]
    for entry in entries.values():
        if entry.problem:
            st.warning(frame.plain(f"{entry.title}: {entry.problem}"), icon=":material/info:")
    if not usable:
        st.info("No trained model is here. Restore the folder `trained/` from the release.")
        return None, ""
    _choose_example()
    st.markdown(":small[One molecule per line: SMILES, then a name.]")
    for role in ROLES:
        _list(role)
    with st.expander("From a file: CSV, SDF, SMILES", key="mol_file"), frame.show_errors():
        mol_files.show()
    with st.expander("Draw a molecule", key="mol_draw"), frame.show_errors():
        _draw()
    with st.expander("Standardising", key="mol_standardising"):
        strip = st.checkbox(
            "Strip salts: keep the largest part", key="mol_strip",
            help="Off: rows with several parts are refused (MO-E04).",
        )  # fmt: skip
        standardise = st.checkbox(
            "Standardise: split metal salts, neutralise charges", key="mol_standardise",
            help="What was changed is said for each row. Stereo marks and tautomers stay.",
        )  # fmt: skip
    model = st.selectbox(
        "Method", usable, key="mol_model", format_func=lambda name: entries[name].title
    )
    st.markdown(f":small[{frame.plain(METHODS[entries[model].method].sentence)}]")
    if entries[model].method == "pacia":
        with st.expander("Task card", key="mol_card_upload"), frame.show_errors():
            mol_card.choose()
    threshold = st.number_input(
        "Threshold: active from this probability", 0.05, 0.95, step=0.05, key="mol_threshold"
    )
    card = st.session_state[mol_state.CARD] if entries[model].method == "pacia" else None
    draft = Question(
        model, mol_state.lists_of_inputs(), strip, standardise, round(threshold, 2), card
    )
    large = len(draft.lists.candidate) > MAX_CANDIDATES
    with st.container(key="mol_buttons"):
        pressed = st.button(
            "Predict as a job" if large else "Predict", type="primary", key="mol_predict",
            width="stretch",
        )  # fmt: skip
        if large:
            st.markdown(
                f":small[More than {MAX_CANDIDATES:,} candidates (up to {MAX_JOB:,}) are predicted "
                "in the background; you may close the page.]"
            )
    return draft, ("job" if large else "predict") if pressed else ""


def list_models() -> tuple[ModelEntry, ...]:
    """The models of this server, looked for once a minute."""
    return _models(settings().trained)


@st.cache_data(show_spinner=False, ttl=60)
def _models(trained: Path) -> tuple[ModelEntry, ...]:
    return available_models(trained)


def _choose_example() -> None:
    """Fill the boxes with one of the example tasks; which one they hold is said."""
    examples = {example.id: example for example in mol_permalink.examples()}
    lists = mol_state.lists_of_inputs()
    held = (name for name, example in examples.items() if example.lists == lists)
    st.session_state["mol_example"] = next(held, OWN)
    chosen = st.selectbox(
        "Task", [*examples, OWN], key="mol_example", on_change=_begin,
        format_func=lambda name: examples[name].title if name else "My own molecules",
    )  # fmt: skip
    if chosen:
        st.markdown(f":small[{frame.plain(examples[chosen].sentence)}]")


def _begin() -> None:
    """Show an example with its answer; or empty the boxes, the answer stays."""
    name = st.session_state["mol_example"]
    if name:
        mol_state.show(mol_permalink.from_parameters({"example": name}))
    else:
        mol_state.fill(Lists())


def _list(role: str) -> None:
    """One of the three boxes, or what is kept in its place."""
    state = st.session_state
    with st.container(key=f"mol_{role}"):
        if state[f"mol_held_{role}"]:
            entries = getattr(state[mol_state.LISTS], role)
            with st.container(border=True):
                st.markdown(f"**{LABELS[role]}**: {len(entries):,} from a file")
                names = ", ".join(entry.name or entry.text[:30] for entry in entries[:3])
                st.markdown(f":small[{frame.plain(names)}{', …' if len(entries) > 3 else ''}]")
                st.button(
                    "Empty this list", key=f"mol_drop_{role}", on_click=mol_state.drop,
                    args=(role,), type="tertiary",
                )  # fmt: skip
            return
        st.text_area(
            LABELS[role], key=f"mol_text_{role}",
            height=HEIGHTS[role], placeholder="CC(=O)Oc1ccccc1C(=O)O aspirin",
        )  # fmt: skip


def _draw() -> None:
    """The editor, and the list the drawing goes to."""
    if not has_editor():
        st.info(
            "Drawing needs the editor JSME in the folder `static`: run `python -m core assets` "
            "once and load this page again.",
            icon=":material/draw:",
        )
        return
    drawn = draw_molecule("one more molecule", key="mol_editor")
    st.text_input("Drawn SMILES", drawn, disabled=True, key=f"mol_drawn_{drawn}")
    role = st.selectbox(
        "Add to", ROLES, index=ROLES.index("candidate"), key="mol_draw_role",
        format_func=LABELS.get,
    )  # fmt: skip
    st.button(
        "Add the drawing", key="mol_draw_add", disabled=not drawn, on_click=mol_state.append,
        args=(role, drawn),
    )  # fmt: skip
