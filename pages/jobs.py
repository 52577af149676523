"""Long work: what waits, runs and has ended; ``?job=<id>`` shows one job."""

from datetime import UTC, datetime

import streamlit as st

from core import jobs
from core.jobs import Job
from pages.components import frame, job_status

PAGE_SIZE = 20


def show_table() -> None:
    """All jobs, newest first; refreshed while one of them is active."""
    limit = st.session_state.setdefault("jobs_shown", PAGE_SIZE)
    active = any(job.active for job in jobs.recent(limit))
    run_every = job_status.REFRESH_S if active else None
    st.fragment(draw_table, run_every=run_every)(limit, active)


def draw_table(limit: int, was_active: bool) -> None:
    """One row per job."""
    with frame.show_errors(), st.container(key="jobs_table"):
        found = jobs.recent(limit)
        if any(job.active for job in found) != was_active:
            st.rerun()
        if not found:
            st.info("No job yet. Training a model on your own data starts one.")
        if was_active and not jobs.count_workers():
            st.warning(
                "No worker is alive, so jobs only wait. Start one with `python -m core work`."
            )
        for job in found:
            draw_row(job)
        if len(found) == limit and st.button("Show more", key="jobs_more"):
            st.session_state["jobs_shown"] = limit + PAGE_SIZE
            st.rerun()


def draw_row(job: Job) -> None:
    """Title, state and start; progress; buttons."""
    with st.container(border=True, key=f"job_{job.id}"):
        name, progress, buttons = st.columns([4, 4, 3], vertical_alignment="center")
        with name:
            st.markdown(f"**{frame.plain(job.title)}**")
            job_status.show_state(job)
            st.caption(say_start(job))
        with progress:
            job_status.show_progress(job)
        with buttons:
            job_status.show_buttons(job, opens=True)


def say_start(job: Job) -> str:
    """When a job was started, or submitted if it has not started."""
    word, moment = ("Submitted", job.created) if job.started is None else ("Started", job.started)
    return f"{word} {datetime.fromtimestamp(moment, UTC):%Y-%m-%d %H:%M} UTC"


frame.guard("jobs")
frame.page(
    "Jobs",
    "Long work runs outside this page: close the browser or restart the server, and it goes on.",
)
with frame.show_errors():
    if "job" in st.query_params:
        if st.button("All jobs", key="jobs_all", icon=":material/arrow_back:"):
            del st.query_params["job"]
            st.rerun()
        job_status.show_job(st.query_params["job"])
    else:
        show_table()
frame.footer()
