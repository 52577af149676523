"""More candidates than the page answers at once: one job, and its table when it is done."""

import streamlit as st

from core import jobs
from core.render.tables import to_safe_csv
from core.serving import mol_job
from core.serving.molecular_property import Question
from pages.components import frame, job_status
from pages.components.rows import show_rows

JOB = "mol_job"  # id of the job that is shown
NUM_LISTED = 20


def start(draft: Question | None, pressed: str) -> None:
    """Start a job when its button was pressed.

    Raises:
        InputError: the question could not be answered as a job either.
    """
    if draft is not None and pressed == "job":
        st.session_state[JOB] = mol_job.submit(draft)
        jobs.ensure_workers()


def show() -> None:
    """The latest job of this session."""
    job_id = st.session_state.get(JOB)
    if job_id is None:
        return
    with st.container(border=True, key="mol_job_result"):
        job_status.show_job(job_id)
        with st.container(horizontal=True):
            frame.link("jobs", "All jobs")
            if st.button("Hide this job", key="mol_job_hide"):
                del st.session_state[JOB]
                st.rerun()
        if jobs.find(job_id).state == "done":
            _show_table(_read(job_id))


@st.cache_resource(show_spinner="Reading the table", max_entries=10)
def _read(job_id: str) -> mol_job.BatchResult:
    return mol_job.read(job_id)


def _show_table(found: mol_job.BatchResult) -> None:
    """First rows by probability; all of them in the CSV."""
    rows = [dict(zip(found.header, row, strict=True)) for row in found.rows]
    scored = [row for row in rows if row["probability"] is not None]
    best = sorted(scored, key=lambda row: -row["probability"])[:NUM_LISTED]
    with st.container(key="mol_job_rows"):
        show_rows(
            ("Name", "P(active)", "Set", "Domain"),
            [
                (
                    row["name"] or row["row"], f"{row['probability']:.3f}", str(row["set"]),
                    str(row["domain"]),
                )
                for row in best
            ],
            right=("P(active)",),
        )  # fmt: skip
    st.markdown(f"The {len(best):,} most probable of {len(rows):,} rows; the CSV has all.")
    st.download_button(
        "All rows as CSV", lambda: to_safe_csv(found.rows, found.header),
        file_name="predictions.csv", mime="text/csv", key="mol_job_csv", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
