"""The network: how much was pruned, edges by class, regulators, and which one is open."""

from collections.abc import Callable

import streamlit as st

from core.serving import gene_regulation as grn
from core.serving import grn_compare, grn_job
from core.serving.gene_regulation import Answer, Regulator
from core.serving.grn_question import Question
from pages.components import frame, grn_state, job_status
from pages.components.rows import show_rows

NUM_LISTED = 12  # regulators in the table; the CSV has all edges of all
BY_TEXT = {Question: repr}
CELLS: dict[str, Callable[[Regulator], str]] = {
    "TF": lambda one: one.name,
    "Model": lambda one: str(one.in_model),
    "Kept": lambda one: str(one.counts["kept"]),
    "New": lambda one: str(one.counts["new"]),
    "Opposite": lambda one: str(one.counts["contradicted"]),
    "Refused": lambda one: str(one.counts["refused"]),
    "In runs": lambda one: "–" if one.selected is None else f"{one.selected:.2f}",
}


@st.cache_resource(show_spinner="Opening the network", max_entries=20, hash_funcs=BY_TEXT)
def _answer(question: Question, mark: str) -> Answer:  # noqa: ARG001 - the model may change
    return grn.answer(question)


def answer_of(question: Question) -> Answer:
    """The network of a question.

    Raises:
        ParsimonyError: it has none.
    """
    return _answer(question, grn_job.mark(question))


def show_job(question: Question) -> bool:
    """What there is of a question that has no network yet; returns whether that is so."""
    if grn_job.mark(question):
        return False
    job = grn_job.find(question)
    if job is None:
        st.info("No network yet for these data and settings. Press Infer network.")
        return True
    st.markdown("The network appears here once the job is done. Cancel pauses it; Resume goes on.")
    job_status.show_own(job, "The model is gone. Press Infer network.")
    return True


def show_heading(answer: Answer) -> None:
    """What was measured, what is left of the model, and edges by class."""
    kept, total = answer.weights
    counts = answer.counts
    st.markdown(f"**{frame.plain(answer.title)}** · {frame.plain(answer.summary)}")
    st.markdown(
        f"**{kept:,} of {total:,} weights kept ({1 - kept / total:.1%} pruned)**, "
        f"λ = {grn_compare.say_trust(answer.network.knowledge['trust'])}."
    )
    with st.container(key="grn_counts"):
        st.markdown(
            f"**{answer.num_edges:,} edges** = {counts['kept']:,} kept + {counts['refused']:,} "
            f"refused + {counts['new']:,} new + {counts['contradicted']:,} opposite to the prior"
        )
    found = grn_compare.agreement(answer)
    if found:
        st.markdown(
            ":small[Simulated: against the true network, balanced accuracy "
            f"{found['balanced_accuracy']:.3f}, precision {found['precision']:.3f}, right sign "
            f"{found['sign_accuracy']:.0%}.]"
        )


def show_regulators(answer: Answer) -> Regulator:
    """The table; returns the regulator that is open."""
    names = [one.name for one in answer.regulators]
    kept = st.session_state.get(grn_state.REGULATOR)
    chosen = answer.regulator(kept if kept in names else None)
    listed = _listed(answer, chosen)
    # columns without a figure give way in narrow windows
    hidden = {"Opposite"} if not answer.counts["contradicted"] else set()
    hidden |= set() if answer.network.resamples else {"In runs"}
    header = [name for name in CELLS if name not in hidden]
    with st.container(key="grn_rows"):
        show_rows(
            header, [[CELLS[name](one) for name in header] for one in listed], right=header[1:],
            limit=60,
        )  # fmt: skip
    st.markdown(
        f":small[{len(listed)} of {len(names)} regulators, the strongest first; the CSV has all "
        "edges. Model: edges in the model = kept from the prior + new"
        f"{'' if 'Opposite' in hidden else ' + opposite to the prior'}."
        f"{'' if 'In runs' in hidden else ' In runs: share of the resampled trainings with them.'}]"
    )
    st.session_state[grn_state.REGULATOR] = chosen.name
    name = st.selectbox(
        "Regulator that is open", names, key=grn_state.REGULATOR, filter_mode="contains"
    )
    return answer.regulator(name)


def _listed(answer: Answer, chosen: Regulator) -> list[Regulator]:
    """The strongest regulators, the open one among them."""
    listed = list(answer.regulators[:NUM_LISTED])
    return listed if chosen in listed else [*listed[:-1], chosen]
