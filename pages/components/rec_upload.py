"""A person's own data: file, columns, what was found, then a training as a job and its model."""

import hashlib

import streamlit as st

from core import jobs
from core.data.ratings import histories
from core.data.ratings.histories import InteractionChoices, InteractionReading
from core.data.ratings.history_columns import IS_ITEM, ROLES
from core.render.tables import problems_csv
from core.render.text import shorten
from core.serving import rec_permalink, rec_training
from pages.components import frame, job_status, rec_state
from pages.components.rec_answers import warn
from pages.components.rec_inputs import UPLOADS
from pages.components.rows import show_rows

CHOICES = "rec_upload_choices"  # by digest of the file
MAX_CELL, MAX_COLUMNS = 40, 10  # of the preview
LAYOUT = (
    "One rating per row: user, item, rating; a title, a time, and properties of items or users may "
    "follow. Or one row per user and one column per item. Users, items and ratings can be anything "
    "that is scored: labs and methods, patients and doses, materials and tests."
)


def show() -> None:
    """Uploader, preview, findings, training, and the model when it is there."""
    st.markdown(LAYOUT)
    st.markdown(
        f":small[CSV, TSV or semicolons; at most 20 MB and {histories.MAX_RATINGS:,} ratings; at "
        f"least {histories.MIN_USERS} users with {histories.MIN_PER_USER} ratings each.]"
    )
    file = st.file_uploader("File with ratings of many users", key="rec_upload")
    name, content = histories.example_interactions_file()
    st.download_button(
        "Download a valid example file", content, file_name=name, mime="text/csv",
        key="rec_upload_example", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if file is not None:
        with st.container(key="rec_upload_read"), frame.show_errors():
            _show_file(file.name, file.getvalue())
    for upload_id, title in reversed(list(st.session_state.get(UPLOADS, {}).items())):
        with frame.show_errors():
            _show_training(upload_id, title)


@st.cache_resource(show_spinner="Reading the file", max_entries=10)
def _read(
    name: str, _content: bytes, digest: str, choices: InteractionChoices  # noqa: ARG001
) -> InteractionReading:  # fmt: skip
    return histories.read_interactions(name, _content, choices)


def _show_file(name: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()[:12]
    kept: dict[str, InteractionChoices] = st.session_state.setdefault(CHOICES, {})
    reading = _read(name, content, digest, kept.get(digest, InteractionChoices()))
    with st.container(key="rec_upload_preview"):
        header = [shorten(column.name, MAX_CELL) for column in reading.columns[:MAX_COLUMNS]]
        cells = [[shorten(cell, MAX_CELL) for cell in row[:MAX_COLUMNS]] for row in reading.preview]
        show_rows(header, cells)
    if reading.wide:
        num = sum(column.role == IS_ITEM for column in reading.columns)
        st.markdown(f"Read as one row per user and one column per item: {num:,} items.")
    else:
        _choose_roles(reading, digest)
    for finding in reading.findings:
        warn(finding)
    if reading.problems:
        st.download_button(
            "Download the list of skipped rows", problems_csv(reading.problems),
            file_name="skipped-rows.csv", mime="text/csv", key="rec_upload_problems",
            on_click="ignore", icon=":material/download:",
        )  # fmt: skip
    if reading.data is None:
        st.error("These data cannot be trained on yet; the reason stands above.")
        return
    st.markdown(frame.plain(reading.summary))
    structure = st.selectbox(
        "Structure of the modulation", list(rec_training.STRUCTURES), key="rec_train_structure",
        format_func=rec_training.STRUCTURES.get,
    )  # fmt: skip
    about = job_status.say_duration(rec_training.estimate_s(reading.data, structure))
    st.markdown(
        f"About {about} on one processor core. 70 % of the users are learnt from, 10 % choose, "
        "20 % give the test figures."
    )
    if st.button("Train ColdNAS on these data", key="rec_train", type="primary"):
        choices = kept.get(digest, InteractionChoices())
        upload_id = rec_training.keep_upload(name, content, choices)
        rec_training.submit(upload_id, shorten(name, 60), structure)
        jobs.ensure_workers()
        st.session_state.setdefault(UPLOADS, {})[upload_id] = shorten(name, 60)
        st.rerun()


def _choose_roles(reading: InteractionReading, digest: str) -> None:
    """How every column is understood, to be corrected."""
    roles = {}
    with st.popover(f"Columns ({len(reading.columns)})", width="stretch"):
        for number, column in enumerate(reading.columns):
            roles[number] = st.selectbox(
                f"Role of {frame.plain(shorten(column.name, MAX_CELL))}", ROLES,
                ROLES.index(column.role), key=f"rec_role_{digest}_{number}_{column.role}",
            )  # fmt: skip
    changed = {
        number: role for number, role in roles.items() if role != reading.columns[number].role
    }
    if changed:
        st.session_state[CHOICES][digest] = InteractionChoices(tuple(sorted(roles.items())))
        st.rerun()


def _show_training(upload_id: str, title: str) -> None:
    """The job of one upload; when it is done, its model can be asked."""
    job = rec_training.find(upload_id)
    if job is None:
        return
    st.markdown(f"**{frame.plain(title)}**")
    job_status.show_own(job, "The model is ready.")
    if job.state == "done":
        link = rec_permalink.from_parameters({"model": rec_training.artifact_name(upload_id)})
        if st.button("Ask this model", key=f"rec_ask_own_{upload_id[:8]}", type="primary"):
            rec_state.STATE.show_later(link)
