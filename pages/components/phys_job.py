"""A search in the background: progress, formulas as they come, pause, resume and stop."""

from dataclasses import replace

import streamlit as st

from core import jobs
from core.jobs import Job
from core.serving import physics_job
from core.serving.physics_permalink import Link
from core.serving.physics_question import Question
from pages.components import frame, job_status, phys_state
from pages.components.phys_answers import show_error_size
from pages.components.rows import show_rows

REFRESH_S = 1.0
NUM_LISTED = 8


def start(draft: Question | None, pressed: str) -> None:
    """Start a search when its button was pressed.

    Raises:
        ParsimonyError: the data cannot be used, or too many jobs wait.
    """
    if draft is not None and pressed == "job":
        job_id = physics_job.submit(draft)
        jobs.ensure_workers()
        st.session_state.pop(phys_state.PAUSED, None)
        phys_state.STATE.show_later(Link(replace(draft, job=job_id)))


def show(question: Question) -> bool:
    """The search behind a question; returns whether its formulas are still awaited.

    A search that runs or is paused has no answer yet, only formulas so far.
    """
    if not question.job:
        return False
    job = jobs.find(question.job)
    waits = job.active or st.session_state.get(phys_state.PAUSED) == job.id
    if waits or job.state in ("failed", "interrupted"):
        draw = st.fragment(_draw, run_every=REFRESH_S if job.active else None)
        draw(job.id, job.state)
        return waits or not physics_job.read_interim(job.id)
    if job.state == "cancelled":
        _offer_more(job)
    return False


def _draw(job_id: str, state: str) -> None:
    with frame.show_errors(), st.container(border=True, key="phys_job"):
        job = jobs.find(job_id)
        if job.state != state:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            if job.state == "cancelled":
                st.badge("Paused", color="orange")
            else:
                job_status.show_state(job)
            st.markdown(f"**{frame.plain(job.title)}**")
        job_status.show_progress(job)
        _show_buttons(job)
        if job.error:
            st.error(frame.plain(job.error), icon=":material/error:")
        _show_formulas(job_id)
        st.markdown(":small[You may close this page; its link and the Jobs page find it again.]")


def _show_buttons(job: Job) -> None:
    """What can be done with a search in its state."""
    with st.container(horizontal=True, key="phys_job_buttons"):
        if job.active:
            st.button(
                "Pause", key="phys_pause", disabled=job.cancelling, on_click=_pause,
                args=(job.id, True), icon=":material/pause:",
            )  # fmt: skip
        elif job.resumable:
            st.button(
                "Resume", key="phys_resume", on_click=_resume, args=(job.id,),
                icon=":material/play_arrow:",
            )  # fmt: skip
        st.button(
            "Stop, keep the formulas", key="phys_stop", on_click=_pause, args=(job.id, False),
            disabled=job.cancelling, icon=":material/stop:",
        )  # fmt: skip


def _pause(job_id: str, paused: bool) -> None:
    """Let a search rest; a paused one has no answer until it is resumed or stopped."""
    if paused:
        st.session_state[phys_state.PAUSED] = job_id
    else:
        st.session_state.pop(phys_state.PAUSED, None)
    if jobs.find(job_id).active:
        jobs.cancel(job_id)


def _resume(job_id: str) -> None:
    st.session_state.pop(phys_state.PAUSED, None)
    jobs.resume(job_id)
    jobs.ensure_workers()


def _show_formulas(job_id: str) -> None:
    """The best formulas so far, small ones first."""
    found = physics_job.read_interim(job_id)
    if not found:
        st.markdown("No formula so far.")
        return
    st.markdown(f"**{len(found)} formulas so far**, each the best of its size:")
    with st.container(key="phys_so_far"):
        show_rows(
            ("Formula", "Size", "Error (validation)"),
            [
                (
                    one.law.text().partition(" = ")[2], str(one.complexity),
                    show_error_size(one.valid_error),
                )
                for one in found[-NUM_LISTED:]
            ],
            right=("Size", "Error (validation)"), limit=110,
        )  # fmt: skip


def _offer_more(job: Job) -> None:
    """A search that was stopped can go on."""
    with st.container(key="phys_stopped", horizontal=True, vertical_alignment="center"):
        st.info("This search was stopped; its formulas so far are below.", icon=":material/stop:")
        st.button(
            "Continue from here", key="phys_continue", on_click=_resume, args=(job.id,),
            icon=":material/play_arrow:",
        )  # fmt: skip
