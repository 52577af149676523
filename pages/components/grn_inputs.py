"""The question: measurements with their prior, and how much the prior is trusted."""

from dataclasses import replace

import streamlit as st

from core import jobs
from core.serving import gene_regulation as grn
from core.serving import grn_job, grn_uploads
from core.serving.grn_permalink import MAX_SEED, Link
from core.serving.grn_question import (
    EXAMPLE,
    MAX_RESAMPLES,
    MAX_SPARSITY,
    MIN_SPARSITY,
    UPLOAD,
    Question,
    require_learning,
)
from pages.components import frame, grn_state, grn_upload

CHOSEN = "Otherwise the value with the smallest validation error is taken."
SOURCES = {EXAMPLE: "Example", UPLOAD: "My own data"}


def ask(link: Link) -> tuple[Question | None, str]:  # noqa: ARG001 - the inputs hold its values
    """Draw the inputs; what they hold was filled in from the link already.

    Returns:
        The question as the inputs state it, None while there are no data; and what was pressed:
        ``predict``, ``job`` or nothing.
    """
    with st.container(key="grn_step_data"):
        st.subheader("Data and prior", anchor=False)
        source = st.radio(
            "Data from", list(SOURCES), key=grn_state.DATA, format_func=SOURCES.get,
            horizontal=True,
        )  # fmt: skip
        draft = _choose_example() if source == EXAMPLE else _choose_own()
    if draft is None:
        return None, ""
    with st.container(key="grn_step_pruning"):
        st.subheader("Pruning", anchor=False)
        draft = _choose_pruning(draft)
    ready = False
    with frame.show_errors():
        require_learning(draft)
        ready = True
    trained = ready and grn.find_artifact(draft) is not None
    pressed = st.button(
        "Infer network", type="primary", key="grn_infer", width="stretch", disabled=not ready
    )
    if ready and not trained:
        st.markdown(":small[Runs in the background; you may close the page.]")
    return draft, ("predict" if trained else "job") if pressed else ""


def start(draft: Question | None, pressed: str) -> None:
    """Queue the pruning when its button was pressed.

    Raises:
        ParsimonyError: there is nothing to learn, or too many jobs wait.
    """
    if draft is not None and pressed == "job":
        job = grn_job.find(draft)
        if job is None or not job.active:
            grn_job.submit(draft)
        jobs.ensure_workers()
        grn_state.STATE.show_later(Link(draft))


def _choose_example() -> Question | None:
    examples = {one.name: one for one in grn.examples()}
    if not examples:
        st.info("No trained network is here. Restore the folder `trained/` from the release.")
        return None
    if st.session_state.get("grn_example") not in examples:
        st.session_state["grn_example"] = next(iter(examples))
    chosen = st.selectbox(
        "Example", list(examples), key="grn_example", on_change=_begin_example,
        format_func=lambda name: examples[name].title,
    )  # fmt: skip
    return Question(f"{EXAMPLE}:{chosen}")


def _begin_example() -> None:
    """Show an example with its answer."""
    chosen = st.session_state["grn_example"]
    grn_state.show(grn_state.STATE.read({EXAMPLE: chosen}))


def _choose_own() -> Question | None:
    upload = st.session_state.get(grn_state.LATEST)
    title = "Other files" if upload else "Files"
    with st.expander(title, key="grn_files", expanded=not upload), frame.show_errors():
        grn_upload.show()
    if not upload:
        return None
    with st.container(key="grn_own"), frame.show_errors():
        kept = grn_uploads.load(upload)
        st.markdown(f"**{frame.plain(kept.name)}**: {frame.plain(kept.summary)}")
    return Question(f"{UPLOAD}:{upload}")


def _choose_pruning(draft: Question) -> Question:
    """Trust, sparsity, resamples and seed; what validation chooses is None."""
    state = st.session_state
    defaults = {
        "grn_set_trust": False, "grn_trust": grn_state.DEFAULT_TRUST,
        "grn_set_sparsity": False, "grn_sparsity": grn_state.DEFAULT_SPARSITY,
        "grn_resamples": draft.resamples, "grn_seed": draft.seed,
    }  # fmt: skip
    for key, value in defaults.items():
        state.setdefault(key, value)
    trust = sparsity = None
    if st.checkbox(
        "Set the trust in the prior by hand", key="grn_set_trust", help=CHOSEN
    ):  # fmt: skip
        trust = st.slider(
            "Trust in the prior (λ)", 0.0, 1.0, step=0.05, key="grn_trust",
            help="0: the data alone; 1: the prior alone.",
        )  # fmt: skip
    if st.checkbox("Set the sparsity by hand", key="grn_set_sparsity", help=CHOSEN):
        sparsity = st.slider(
            "Share of weights to prune", MIN_SPARSITY, MAX_SPARSITY, step=0.01, key="grn_sparsity"
        )
    with st.popover("Resamples and seed", key="grn_options", width="stretch"):
        resamples = st.number_input(
            "Trainings on resampled measurements", 0, MAX_RESAMPLES, key="grn_resamples", step=1,
            help="Each counts which edges it keeps: the selection frequency.",
        )  # fmt: skip
        seed = st.number_input("Seed", 0, MAX_SEED, key="grn_seed", step=1)
    return replace(
        draft, trust=trust, sparsity=sparsity, resamples=int(resamples), seed=int(seed)
    )  # fmt: skip
