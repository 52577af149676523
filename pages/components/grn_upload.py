"""A person's own measurements: expression, prior, partners; how they are read, what looks wrong."""

import hashlib
import json
from collections.abc import Mapping

import streamlit as st

from core.data.regulation import files as regulation_files
from core.data.regulation.reading import EXPRESSION_ROLES, PRIOR_ROLES, Choices, Reading
from core.data.regulation.uploads import read_measurements
from core.serving import grn_uploads
from core.serving.grn_question import UPLOAD, Question
from pages.components import findings, frame, grn_state
from pages.components.rows import show_rows

CHOICES = "grn_choices"  # by digest of the files
MAX_COLUMNS = 40
NUM_TIMES = 3  # of the preview; more do not fit beside the answer
TABLES = {
    "expression": ("Expression over time", regulation_files.EXPRESSION),
    "prior": ("Prior network", regulation_files.PRIOR),
    "partners": ("Protein interactions (may be left out)", regulation_files.PARTNERS),
}
LAYOUT = (
    "Expression: genes × times or times × genes, or one row per gene, time and value; several "
    "samples with a column sample. Prior: regulator, target and, if known, a weight with its "
    "sign; or a matrix. CSV or TSV."
)


def show() -> None:
    """Uploaders, preview, columns, findings with their repairs, and the button to use the data."""
    st.markdown(f":small[{LAYOUT}]")
    contents = {}
    for name, (label, example) in TABLES.items():
        with st.container(key=f"grn_upload_{name}"):
            file = st.file_uploader(label, key=f"grn_upload_{name}_file")
            _offer_example(name, example)
        if file is not None:
            contents[name] = (file.name, file.getvalue())
    if {"expression", "prior"} <= contents.keys():
        digest = hashlib.sha256(repr(sorted(
            (name, hashlib.sha256(content).hexdigest()) for name, (_, content) in contents.items()
        )).encode()).hexdigest()[:16]  # fmt: skip
        with st.container(key="grn_upload_read"), frame.show_errors():
            _show_files(contents, digest)


@st.cache_data(show_spinner=False)
def _examples() -> dict[str, bytes]:
    return regulation_files.example_files()


def _offer_example(name: str, file: str) -> None:
    content = _examples().get(file)
    if content is not None:
        st.download_button(
            f"Download valid example {name}", content, file_name=file, mime="text/csv",
            key=f"grn_upload_{name}_example", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


@st.cache_resource(show_spinner="Reading the files", max_entries=20)
def _read(digest: str, choices: str, _files: Mapping[str, tuple[str, bytes]]) -> Reading:  # noqa: ARG001
    return read_measurements(
        _files["expression"], _files["prior"], _files.get("partners"),
        Choices.from_json(json.loads(choices)),
    )  # fmt: skip


def _show_files(files: Mapping[str, tuple[str, bytes]], digest: str) -> None:
    kept: dict[str, Choices] = st.session_state.setdefault(CHOICES, {})
    choices = kept.setdefault(digest, Choices())
    reading = _read(digest, json.dumps(choices.to_json(), sort_keys=True), files)
    if reading.layout:
        st.markdown(f"Read as **{frame.plain(reading.layout)}**.")
    _show_columns(reading, digest)

    def repair(key: str) -> None:
        kept[digest] = kept[digest].with_repair(key)

    findings.show_applied(choices.repairs, prefix="grn", repair=repair)
    findings.show_findings(reading.findings, prefix="grn", repair=repair)
    if reading.preview:
        with st.container(key="grn_preview"):
            header = list(reading.preview[0])[: 1 + NUM_TIMES]
            show_rows(
                header,
                [[_say(row.get(name, "")) for name in header] for row in reading.preview],
                right=header[1:], limit=30,
            )  # fmt: skip
    if reading.summary:
        st.markdown(f"**{frame.plain(reading.summary)}**")
    st.button(
        "Use these data", key="grn_upload_use", type="primary",
        disabled=reading.expression is None, on_click=_use,
        args=(reading, files["expression"][0]),
    )  # fmt: skip


def _say(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _use(reading: Reading, name: str) -> None:
    """Keep the measurements and ask about them."""
    grn_state.begin(Question(f"{UPLOAD}:{grn_uploads.keep(reading, name)}"))


def _show_columns(reading: Reading, digest: str) -> None:
    """How every column is understood, to be corrected."""
    if not reading.columns:
        return
    kept: dict[str, Choices] = st.session_state[CHOICES]
    with st.popover("Columns", key="grn_columns", width="stretch"):
        for file, columns in reading.columns.items():
            roles = EXPRESSION_ROLES if file == "expression" else PRIOR_ROLES
            for header, role in list(columns.items())[:MAX_COLUMNS]:
                chosen = st.selectbox(
                    f"{file}: {frame.plain(header)}", list(dict.fromkeys((role, *roles))),
                    key=f"grn_column_{digest}_{file}_{header}_{role}",
                )  # fmt: skip
                if chosen != role:
                    kept[digest] = kept[digest].with_role(f"{file}/{header}", chosen)
                    st.rerun()
