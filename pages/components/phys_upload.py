"""A person's own measurements: files, how their columns are understood, what looks wrong."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from core.data.physics import uploads as physics_uploads
from core.data.physics.findings import ID_ROLES, TRACK_ROLES, VALUE_ROLES, Choices, Preview, Reading
from core.serving import physics_question, physics_tables
from core.serving.physics_question import UPLOAD, Question
from pages.components import findings, frame, phys_state

CHOICES = "phys_choices"  # by digest of the files
KINDS = {
    "tables": "tables of nodes, edges and targets", "trajectory": "a trajectory",
    "wide": "rows for plain regression",
}  # fmt: skip
LENGTHS = ("m", "cm", "mm")
MAX_COLUMNS = 40
LAYOUT = (
    "nodes.csv (sample, node, quantities), edges.csv (sample, source, target, quantities), "
    "targets.csv (sample, node, target); or one table with a column named target; or a trajectory "
    "(id, time, x, y); or NPZ. Units may stand in the header: mass [kg]."
)


def show() -> None:
    """Uploader, columns, findings with their repairs, and the button that uses the data."""
    st.markdown(f":small[{LAYOUT}]")
    files = st.file_uploader(
        "Files with measurements", key="phys_upload", accept_multiple_files=True
    )
    example = physics_tables.example_file()
    st.download_button(
        "Download a valid example", example.content, file_name=example.name, mime=example.mime,
        key="phys_upload_example", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if files:
        contents = [(file.name, file.getvalue()) for file in files]
        digest = hashlib.sha256(repr([hashlib.sha256(c).hexdigest() for _, c in contents]).encode())
        with st.container(key="phys_upload_read"), frame.show_errors():
            _show_files(contents, digest.hexdigest()[:16])


@st.cache_resource(show_spinner="Reading the files", max_entries=20)
def _read(digest: str, choices: str, _files: Sequence[tuple[str, bytes]]) -> Reading:  # noqa: ARG001
    return physics_uploads.read_measurements(_files, Choices.from_json(json.loads(choices)))


def _show_files(files: list[tuple[str, bytes]], digest: str) -> None:
    kept: dict[str, Choices] = st.session_state.setdefault(CHOICES, {})
    choices = kept.setdefault(digest, Choices())
    reading = _read(digest, json.dumps(choices.to_json(), sort_keys=True), files)
    st.markdown(f"Read as **{KINDS[reading.kind]}**.")
    if reading.kind == "trajectory":
        _choose_motion(choices, digest)
    _show_columns(reading, choices, digest)
    repair = partial(_repair, digest)
    findings.show_applied(choices.repairs, prefix="phys", repair=repair)
    findings.show_findings(reading.findings, prefix="phys", repair=repair)
    if reading.preview:
        _show_preview(reading.preview)
    if reading.system is not None:
        st.markdown(frame.plain(physics_tables.describe(reading.system)))
    st.button(
        "Use these data", key="phys_upload_use", type="primary", disabled=reading.system is None,
        on_click=_use, args=(reading, files[0][0]),
    )  # fmt: skip


def _use(reading: Reading, name: str) -> None:
    """Keep the system and ask about it."""
    kept = physics_question.keep_upload(reading.need(), name)
    phys_state.begin(Question(f"{UPLOAD}:{kept}"))


def _choose(digest: str, change: dict) -> None:
    kept: dict[str, Choices] = st.session_state[CHOICES]
    kept[digest] = replace(kept[digest], **change)


def _show_columns(reading: Reading, choices: Choices, digest: str) -> None:
    """How every column is understood, to be corrected."""
    with st.popover(f"Columns ({len(reading.columns)})", width="stretch"):
        for column in reading.columns[:MAX_COLUMNS]:
            roles = ID_ROLES if column.role in ID_ROLES else VALUE_ROLES
            roles = TRACK_ROLES if reading.kind == "trajectory" else roles
            options = list(dict.fromkeys((column.role, *roles, "ignore")))
            key = f"phys_column_{digest}_{column.key}"
            left, right = st.columns([3, 2])
            with left:
                role = st.selectbox(
                    f"Role of {frame.plain(column.key)}", options, key=f"{key}_{column.role}"
                )
            with right:
                unit = st.text_input(
                    f"Unit of {frame.plain(column.key)}", column.unit, max_chars=60,
                    key=f"{key}_unit_{column.unit}", disabled=column.role in ID_ROLES,
                ).strip()  # fmt: skip
            if role != column.role:
                _choose(digest, {"roles": {**choices.roles, column.key: role}})
                st.rerun()
            if unit != column.unit:
                _choose(digest, {"units": {**choices.units, column.key: unit}})
                st.rerun()


def _repair(digest: str, key: str) -> None:
    kept: dict[str, Choices] = st.session_state[CHOICES]
    kept[digest] = kept[digest].with_repair(key)


def _choose_motion(choices: Choices, digest: str) -> None:
    """What a trajectory needs besides its columns."""
    left, right = st.columns(2)
    with left:
        rate = st.number_input(
            "Frames per second", 0.0, 10_000.0, choices.frame_rate, key=f"phys_rate_{digest}",
            help="0 when the table has times.",
        )  # fmt: skip
        window = st.number_input(
            "Smoothed over (s)", 0.05, 60.0, choices.window, key=f"phys_window_{digest}"
        )
        radius = st.number_input(
            "Neighbours within (m)", 0.01, 10_000.0, choices.radius, key=f"phys_radius_{digest}"
        )
    with right:
        unit = st.selectbox(
            "Length unit", ("", *LENGTHS), key=f"phys_length_{digest}",
            index=("", *LENGTHS).index(choices.length_unit),
            format_func=lambda unit: unit or "as in the file",
        )  # fmt: skip
        frames = st.number_input(
            "Frames used", 10, 2000, choices.num_frames, key=f"phys_frames_{digest}"
        )
        nearest = st.number_input(
            "Or so many nearest", 0, 50, choices.nearest, key=f"phys_nearest_{digest}"
        )
    change = {
        "frame_rate": rate, "window": window, "radius": radius, "length_unit": unit,
        "num_frames": int(frames), "nearest": int(nearest),
    }  # fmt: skip
    if any(getattr(choices, name) != value for name, value in change.items()):
        _choose(digest, change)
        st.rerun()


def _show_preview(previews: Sequence[Preview]) -> None:
    """Measured and smoothed coordinate of one object."""
    rows = physics_tables.preview_rows(previews[0])
    st.markdown(f"First coordinate of {frame.plain(previews[0].name)}, measured and smoothed:")
    st.vega_lite_chart(
        rows,
        {
            "description": "First coordinate over time, measured (dots) and smoothed (line).",
            "height": 180,
            "layer": [
                {"mark": {"type": "circle", "color": "#767676", "size": 14, "aria": False},
                 "encoding": {"x": {"field": "s", "type": "quantitative", "title": "time (s)"},
                              "y": {"field": "measured", "type": "quantitative",
                                    "title": "x (m)", "scale": {"zero": False}}}},
                {"mark": {"type": "line", "color": "#0072B2", "aria": False},
                 "encoding": {"x": {"field": "s", "type": "quantitative"},
                              "y": {"field": "smooth", "type": "quantitative"}}},
            ],
        },
        key="phys_preview",
    )  # fmt: skip
