"""What the search found: which operations adapt the network, where, and how sure the search was."""

import json

import streamlit as st

from core.knowledge.modulation import FILM, NUM_POSITIONS, OPERATIONS, WORDS, Structure
from core.serving.rec_model import RecModel
from pages.components.job_status import say_duration
from pages.components.rows import show_rows
from pages.components.verdict import unbroken

PLACES = ("input", "layer 1", "layer 2", "layer 3")
NUM_TRIALS = 12
WHAT = (
    "A person's ratings become numbers φ, which change every hidden number h of the predictor: "
    "clamp it from below and above, scale it, shift it. The search decides which of the four "
    "happens where; the rest of the network is the same for everybody."
)


def show(model: RecModel) -> None:
    """The grid of positions and operations in words, the formulas, and the search behind it."""
    st.markdown(WHAT)
    show_grid(model, key="rec_structure")
    _show_search(model)


def show_grid(model: RecModel, *, key: str) -> None:
    """Positions and operations in words, with the gates of the search.

    Args:
        model: the model.
        key: key of the table.
    """
    with st.container(key=key):
        show_rows(
            ("Position", *(WORDS[name].capitalize() for name in OPERATIONS), "Reading"),
            [
                (
                    PLACES[position],
                    *(_cell(model, position, name) for name in OPERATIONS),
                    f"{model.structure.words(position)}: {model.structure.formula(position)}",
                )
                for position in range(NUM_POSITIONS)
            ],
        )
    st.markdown(
        ":small[● kept, · left out; the number is the gate of the search, 0 to 1. FiLM keeps scale "
        f"and shift everywhere. {_say_difference(model.structure)}]"
    )


def _cell(model: RecModel, position: int, operation: str) -> str:
    gate = model.gates[position, OPERATIONS.index(operation)]
    sign = "● kept" if (position, operation) in model.structure.kept else "·"
    return unbroken(f"{sign} {gate:.2f}")


def _say_difference(structure: Structure) -> str:
    difference = structure.differs_from(FILM)
    return f"Against FiLM, this one {difference}." if difference else "This structure is FiLM."


def _show_search(model: RecModel) -> None:
    """Structures that were trained anew to choose among them, best first."""
    trials = sorted(model.search.get("trials", ()), key=lambda trial: trial["valid_mse"])
    if not trials:
        st.markdown("This structure was given, not searched.")
        return
    chosen = model.structure
    st.markdown(
        f"**Search**: {say_duration(model.search['seconds'])} in all; {len(trials):,} structures "
        "were trained from scratch and compared on validation users:"
    )
    with st.container(key="rec_trials"):
        show_rows(
            ("Structure", "Operations", "Squared error", "Time"),
            [
                (
                    f"{Structure.from_json(trial['structure'])}"
                    + (" (chosen)" if Structure.from_json(trial["structure"]) == chosen else ""),
                    str(trial["size"]), f"{trial['valid_mse']:.4f}",
                    say_duration(trial["seconds"]),
                )
                for trial in trials[:NUM_TRIALS]
            ],
            right=("Operations", "Squared error", "Time"), limit=120,
        )  # fmt: skip
    st.download_button(
        "Structure", to_json(model), file_name="structure.json", mime="application/json",
        key="rec_structure_file", on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def to_json(model: RecModel) -> str:
    """The structure with its gates, as a file."""
    found = {
        "operations": OPERATIONS, "kept": model.structure.to_json(),
        "gates": model.gates.tolist(), "model": model.id,
    }  # fmt: skip
    return json.dumps(found, indent=1)
