"""One job as a person sees it: state, progress, time left, curves, log, and its buttons."""

import json
from typing import Any

import streamlit as st

from core import jobs
from core.jobs import Job
from pages.components import frame

REFRESH_S = 2
LABELS = {
    "queued": ("Waiting", "gray"),
    "running": ("Running", "blue"),
    "done": ("Done", "green"),
    "failed": ("Failed", "red"),
    "cancelled": ("Cancelled", "gray"),
    "interrupted": ("Interrupted", "orange"),
}


def show_job(job_id: str) -> None:
    """Show one job; while it is active the part refreshes itself, without the rest of the page.

    When the job becomes active or ends, the whole page runs again, so that it can use the result.

    Args:
        job_id: id of the job.

    Raises:
        JobError: if there is no job with this id.
    """
    active = jobs.find(job_id).active
    st.fragment(_draw, run_every=REFRESH_S if active else None)(job_id, active)


def show_own(job: Job | None, ready: str) -> bool:
    """Show the job that makes something for a page; returns whether it is still at work.

    Args:
        job: the job, None when there was none.
        ready: what to do when it is done.
    """
    if job is None:
        return False
    show_job(job.id)
    frame.link("jobs", "All jobs")
    if job.state == "done":
        st.markdown(ready)
    return job.active


def _draw(job_id: str, was_active: bool) -> None:
    with frame.show_errors(), st.container(border=True, key="job_status"):
        job = jobs.find(job_id)
        if job.active != was_active:
            st.rerun()
        with st.container(horizontal=True, vertical_alignment="center"):
            show_state(job)
            st.markdown(f"**{frame.plain(job.title)}**")
        show_progress(job)
        show_buttons(job)
        if job.active:
            st.markdown(
                "You may close this page: the job goes on, and the Jobs page finds it again."
            )
        if job.error:
            st.error(frame.plain(job.error), icon=":material/error:")
        _draw_curves(jobs.trace(job_id))
        _draw_details(job)


def show_state(job: Job) -> None:
    """Write the state as a word on a badge."""
    label, color = LABELS[job.state]
    st.badge("Stopping" if job.cancelling else label, color=color)


def show_progress(job: Job) -> None:
    """Write how far a job is, as a sentence and as a bar when the number of steps is known."""
    st.markdown(frame.plain(describe(job)))
    if job.total and job.state != "queued":
        st.progress(min(1.0, job.step / job.total))


def show_buttons(job: Job, *, opens: bool = False) -> None:
    """Offer what can be done with a job in its state.

    Args:
        job: the job.
        opens: whether to offer "Open", which puts the job's id into the address.
    """
    with st.container(horizontal=True, key=f"job_buttons_{job.id}"):
        if opens and st.button("Open", key=f"job_open_{job.id}"):
            st.query_params["job"] = job.id
            st.rerun()
        if job.active and st.button("Cancel", key=f"job_cancel_{job.id}", disabled=job.cancelling):
            with frame.show_errors():
                jobs.cancel(job.id)
                st.rerun()
        if job.resumable and st.button("Resume", key=f"job_resume_{job.id}"):
            with frame.show_errors():
                jobs.resume(job.id)
                jobs.ensure_workers()
                st.rerun()


def describe(job: Job) -> str:
    """Say in one line what a job is doing and for how long."""
    parts = []
    if job.queue_position is not None:
        parts.append(f"place {job.queue_position} in the queue")
    if job.total:
        parts.append(f"step {job.step:,} of {job.total:,}")
    if job.text:
        parts.append(job.text)
    if job.eta_s is not None:
        parts.append(f"about {say_duration(job.eta_s)} left")
    if job.duration_s is not None and job.queue_position is None:
        parts.append(f"{'running for' if job.active else 'took'} {say_duration(job.duration_s)}")
    return " · ".join(parts) or "has not started"


def say_duration(seconds: float) -> str:
    """Write a duration with one or two units: ``8 s``, ``3 min 20 s``, ``2 h 5 min``."""
    total = round(seconds)
    if total < 60:
        return f"{total} s"
    if total < 3600:
        return f"{total // 60} min {total % 60} s"
    return f"{total // 3600} h {total % 3600 // 60} min"


def _draw_curves(points: list[dict[str, float]]) -> None:
    """Draw each reported value over the steps, two charts to a row."""
    names = sorted({name for point in points for name in point} - {"step"})
    for first in range(0, len(names), 2):
        for column, name in zip(st.columns(2), names[first : first + 2], strict=False):
            present = [point for point in points if name in point]
            with column:
                st.markdown(f"{frame.plain(name)}, last value {present[-1][name]:.4g}")
                st.vega_lite_chart(
                    [{"step": point["step"], "value": point[name]} for point in present],
                    _curve(name),
                )


def _curve(name: str) -> dict[str, Any]:
    """Return the Vega-Lite specification of one line; the chart as a whole carries its name."""
    return {
        # st.line_chart would leave a mark without a name, which a screen reader stumbles over
        "description": f"{name} over the steps of the job",
        "height": 220,
        "mark": {"type": "line", "tooltip": True, "aria": False},
        "encoding": {
            "x": {"field": "step", "type": "quantitative", "axis": {"tickMinStep": 1}},
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": name,
                "scale": {"zero": False},
            },
        },
    }


def _draw_details(job: Job) -> None:
    """Show parameters, result, log and the technical record of a failure."""
    with st.expander("Details", key=f"job_details_{job.id}"):
        st.markdown(f"Kind {frame.plain(job.kind)}, attempt {max(1, job.attempts)}. Parameters:")
        st.code(_lay_out(job.params), language=None)
        if job.result is not None:
            st.markdown("Result:")
            st.code(_lay_out(job.result), language=None)
        log = jobs.read_log(job.id)
        if log:
            st.markdown("Log:")
            st.code(log, language=None)
        if job.traceback:
            st.markdown("Technical record of the failure:")
            st.code(job.traceback, language=None)


def _lay_out(values: dict[str, Any]) -> str:
    """Write values as indented JSON."""
    return json.dumps(values, indent=2, ensure_ascii=False)
