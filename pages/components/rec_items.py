"""A person's own items: a file with titles and what the model reads of an item, then ranked."""

import hashlib

import streamlit as st

from core.serving import rec_items
from core.serving.rec_items import ItemReading
from core.serving.rec_model import RecModel, open_model
from pages.components import frame, rec_state
from pages.components.rec_answers import warn
from pages.components.rows import show_rows

MAX_COLUMNS = 8  # of the preview


def show(model: RecModel) -> None:
    """Uploader, preview, findings, and the button that ranks the items."""
    words = model.words
    if not model.reads_items:
        st.markdown(
            f"This model knows its {words.items} by their {words.ratings} only, so it cannot rank "
            "others. Train one on your own data below."
        )
        return
    fields = ", ".join(field.name for field in model.item_fields)
    st.markdown(
        f"New {words.items}, which no training has seen, are ranked by what the model reads of "
        f"them: a table with the columns title and {frame.plain(fields)}; several values of one "
        "field are separated by semicolons. It is a guess by kind, without a measured range."
    )
    file = st.file_uploader("File with items", key="rec_items_file")
    name, content = rec_items.example_items_file(model)
    st.download_button(
        "Download a valid example file", content, file_name=name, mime="text/csv",
        key="rec_items_example", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    if file is not None:
        with st.container(key="rec_items_read"), frame.show_errors():
            _show_file(open_model(model.id), file.name, file.getvalue())


@st.cache_resource(show_spinner="Reading the file", max_entries=10)
def _read(_model: RecModel, name: str, _content: bytes, digest: str) -> ItemReading:  # noqa: ARG001
    return rec_items.read_items(name, _content, _model)


def _show_file(model: RecModel, name: str, content: bytes) -> None:
    digest = hashlib.sha256(content + model.id.encode()).hexdigest()[:12]
    reading = _read(model, name, content, digest)
    st.markdown(f"**{len(reading.items):,} {model.words.items}** were read. The first of them:")
    with st.container(key="rec_items_preview"):
        show_rows(
            reading.columns[:MAX_COLUMNS], [row[:MAX_COLUMNS] for row in reading.preview], limit=40
        )
    for finding in reading.findings:
        warn(finding)
    st.button(
        f"Rank these {model.words.items}", key="rec_items_use", type="primary", on_click=_use,
        args=(model, name, content),
    )  # fmt: skip


def _use(model: RecModel, name: str, content: bytes) -> None:
    rec_state.take_items(rec_items.keep_items(name, content, model))
