"""Task cards of PACIA: an adapted task as a file, loaded in place of the known molecules."""

import streamlit as st

from core.errors import InputError
from core.serving import mol_evidence, mol_export
from core.serving import molecular_property as mol
from core.serving.mol_card import TaskCard
from pages.components import frame, mol_state
from pages.components.rows import show_rows

ERROR = "mol_card_error"


def choose() -> None:
    """Load a card, or say which is in use."""
    card: TaskCard | None = st.session_state[mol_state.CARD]
    if card is not None:
        st.markdown(f"In use: **{frame.plain(say_card(card))}**. The known molecules do not count.")
        st.button("Use the known molecules again", key="mol_card_drop", on_click=_drop)
        return
    st.markdown(
        "A card holds what PACIA made of known molecules, not the molecules themselves. Load one "
        "to predict without them."
    )
    file = st.file_uploader("Task card (JSON)", key="mol_card_file")
    if file is not None:
        st.button(
            "Use this card", key="mol_card_use", on_click=_use, args=(file.getvalue(),)
        )  # fmt: skip
    if error := st.session_state.pop(ERROR, None):
        frame.show_error(error)


def _use(content: bytes) -> None:
    try:
        text = content.decode("utf-8", "replace")
        st.session_state[mol_state.CARD] = TaskCard.loads(text)
    except InputError as error:
        st.session_state[ERROR] = error


def _drop() -> None:
    st.session_state[mol_state.CARD] = None


def say_card(card: TaskCard) -> str:
    """What a card is, in a few words."""
    title = card.title or "task card"
    return (
        f"{title}, {card.num_active} active and {card.num_inactive} inactive, "
        f"{card.num_adapted:,} adapted numbers"
    )


def show_depth(
    answer: mol.Answer, one: mol.Prediction, explanation: mol_evidence.Explanation
) -> None:
    """How many layers the hyper-network chose for this molecule, and the task as a file."""
    st.markdown(
        f"For this molecule the controller stops after layer **{one.depth}**, which has the "
        "largest share:"
    )
    with st.container(key="mol_depth"):
        show_rows(
            ("Layer", "Share", "Used"),
            [
                (str(layer), f"{share:.3f}", "yes" if layer == one.depth else "")
                for layer, share in enumerate(explanation.depth_scores, start=1)
            ],
            right=("Layer", "Share"),
        )
    card = mol_export.task_card(answer.question)
    content = card.dumps()
    st.markdown(
        f"This task as a card: **{card.num_adapted:,} adapted numbers**, "
        f"{len(content) / 1000:,.0f} kB as JSON. It ranks new candidates without the known "
        "molecules, which are not in it."
    )
    st.download_button(
        "Task card", content, file_name="task-card.json", mime="application/json",
        key="mol_card_download", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
