"""A person's own graph: file, preview, columns, report; then a model that fits, or a training."""

import hashlib

import streamlit as st

from core import jobs
from core.data import uploads
from core.render.histogram import bin_degrees, describe_degrees
from core.render.tables import problems_csv
from core.render.text import shorten
from core.serving import graphs, kg_permalink, kg_training
from core.serving.kg_rules import RULES
from pages.components import frame, job_status, kg_inputs, kg_state
from pages.components.rows import show_rows

FORMATS = "TSV, CSV, N-Triples, GraphML, CX2 or Cytoscape JSON; at most 20 MB and 500,000 facts."
REPORT = "kg_upload_report"
TABLE = "table"  # the kind of file whose first row may name the columns


def show_uploader() -> None:
    """From a file to a graph that can be asked."""
    st.markdown(f"One fact per row: head, relation, tail. {FORMATS}")
    name, content = uploads.example_graph_file()
    file = st.file_uploader("File with facts", key="kg_upload")
    st.download_button(
        "Download a valid example file", content, file_name=name, mime="text/csv",
        key="kg_upload_example", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if file is not None:
        # one place for the error, so that the next file's takes the place of the last one's
        message, preview = st.container(key="kg_upload_message"), st.container()
        with message, frame.show_errors(), preview:
            _show_file(file.name, file.getvalue())


def _show_file(name: str, content: bytes) -> None:
    digest = hashlib.sha256(content).hexdigest()
    preview = _preview(name, digest, content, None)
    header = _choose_header(preview, digest[:8])
    if header != preview.header:
        preview = _preview(name, digest, content, header)
    mark = f", separated by {preview.delimiter}" if preview.delimiter else ""
    st.markdown(
        f"**{frame.plain(preview.name)}** was read as {preview.kind}, {preview.encoding}{mark}: "
        f"{preview.num_rows:,} rows. The first of them:"
    )
    with st.container(key="kg_upload_preview"):
        show_rows(*_cut(preview))
    columns = _choose_columns(preview, f"{digest[:8]}_{header:d}")
    if st.button("Use this graph", key="kg_upload_use", type="primary"):
        named = header if preview.kind == TABLE else None
        parsed = uploads.parse_graph_upload(name, content, columns=columns, header=named)
        graph_id = graphs.keep_upload(name, content, columns, header=named)
        st.session_state[REPORT] = graph_id, parsed
        kg_state.STATE.show_later(kg_permalink.Link(graph_id, None))


def _cut(preview: uploads.UploadPreview) -> tuple[list[str], list[list[str]]]:
    """Columns and rows with short cells, so that three columns fit a narrow window."""
    first, *rows = [[shorten(cell, 40) for cell in row] for row in (preview.columns, *preview.rows)]
    return first, rows


@st.cache_data(show_spinner="Reading the file", max_entries=20)
def _preview(
    name: str,
    digest: str,  # noqa: ARG001
    _content: bytes,
    header: bool | None,
) -> uploads.UploadPreview:
    return uploads.preview_upload(name, _content, header=header)


def _choose_header(preview: uploads.UploadPreview, digest: str) -> bool:
    """Whether the first row of a table names the columns: guessed, to be corrected."""
    if preview.kind != TABLE:
        return preview.header
    return st.checkbox(
        "The first row names the columns", preview.header, key=f"kg_upload_header_{digest}"
    )


def _choose_columns(preview: uploads.UploadPreview, digest: str) -> dict[str, int]:
    """The guessed column of each role, to be corrected."""
    columns = {}
    numbers = range(len(preview.columns))
    for place, role in zip(st.columns(3), uploads.ROLES, strict=True):
        with place:
            chosen = st.selectbox(
                f"{role.capitalize()} is in", numbers, index=preview.roles.get(role),
                key=f"kg_upload_{role}_{digest}", placeholder="Choose a column",
                format_func=lambda number: shorten(preview.columns[number], 40),
            )  # fmt: skip
        if chosen is not None:
            columns[role] = chosen
    return columns


def show_report(graph_id: str) -> None:
    """What happened to the rows of a graph that was just uploaded."""
    reported, parsed = st.session_state.get(REPORT, ("", None))
    if reported != graph_id:
        return
    with st.container(key="kg_upload_report"):
        st.markdown(frame.plain(f"{parsed.summary} Pick a subject."))
        _show_degrees(parsed.graph.degree.tolist())
        if parsed.notice:
            frame.show_error(parsed.notice)
            st.download_button(
                "Download the list of skipped rows", problems_csv(parsed.problems),
                file_name="skipped-rows.csv", mime="text/csv", key="kg_upload_problems",
                on_click="ignore", icon=":material/download:",
            )  # fmt: skip


def _show_degrees(degrees: list[int]) -> None:
    """How well connected the entities are: a histogram, and the same in words."""
    st.markdown(f"**Facts per entity.** {describe_degrees(degrees)}")
    bins = bin_degrees(degrees)
    st.vega_lite_chart(
        [{"facts": one.label, "entities": one.count} for one in bins],
        {
            "description": "Number of entities by number of facts. "
            + ", ".join(f"{one.label} facts: {one.count:,} entities" for one in bins),
            "height": 180,
            "mark": {"type": "bar", "tooltip": True, "aria": False},
            "encoding": {
                "x": {
                    "field": "facts", "type": "ordinal", "sort": None, "title": "facts",
                    "axis": {"labelAngle": 0},
                },
                "y": {
                    "field": "entities", "type": "quantitative", "title": "entities",
                    "axis": {"tickMinStep": 1},
                },
            },
        },
        key="kg_upload_degrees",
    )  # fmt: skip


def show_training(graph_id: str) -> None:
    """For a graph of a person: which models fit, train one, watch it."""
    entry = graphs.find_graph(graph_id)
    graph = entry.load()
    if job_status.show_own(
        kg_training.find_training(graph_id),
        "The model is ready: choose it under **Model**, then press **Predict**.",
    ):
        return
    fitting = [name for name in kg_inputs.models_of(graph_id) if name != RULES]
    trained = (
        f"So can {len(fitting)} trained model{'s' if len(fitting) > 1 else ''} of this server that "
        f"know{'' if len(fitting) > 1 else 's'} all its relations. "
        if fitting else ""
    )  # fmt: skip
    st.markdown(
        "Path rules, counted on this graph, can be asked at once. "
        f"{trained}Training on the graph itself takes longer and may answer better."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        epochs = st.number_input(
            "Epochs", 1, kg_training.MAX_EPOCHS, kg_training.DEFAULT_EPOCHS, key="kg_train_epochs",
            width=130,
        )  # fmt: skip
        pressed = st.button("Train RED-GNN on this graph", key="kg_train")
    about = job_status.say_duration(kg_training.estimate_s(graph, epochs))
    st.markdown(
        f"About {about} on one processor core. 80 % of the facts are learnt from, 10 % choose the "
        "epoch, 10 % give the test figure."
    )
    if pressed:
        kg_training.submit_training(graph_id, shorten(entry.title, 60), epochs)
        jobs.ensure_workers()
        st.rerun()
