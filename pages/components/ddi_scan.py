"""One drug against all others: the job, and its table when it is done."""

import streamlit as st

from core import jobs
from core.render.tables import to_safe_csv
from core.serving import ddi_permalink, ddi_scan
from core.serving import drug_interaction as ddi
from pages.components import ddi_state, frame, job_status
from pages.components.ddi_answers import MAX_SENTENCE
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken

JOB = "ddi_scan_job"  # id of the scan that is shown
NUM_LISTED = 20
CSV_COLUMNS = (
    "rank", "drug", "partner", "partner_id", "type", "interaction", "drug_1_id", "drug_2_id",
    "mechanism", "direction", "probability", "set_size", "setting", "known", "joined", "network",
    "models",
)  # fmt: skip


def show(draft: ddi.Query | None, *, pressed: bool) -> None:
    """Start a scan when the button was pressed; show the latest one of this session.

    Args:
        draft: the question as the inputs state it; its first drug is scanned.
        pressed: whether "Scan" was pressed.
    """
    if pressed and draft is not None:
        st.session_state[JOB] = ddi_scan.submit_scan(draft.first, draft.network)
        jobs.ensure_workers()
    job_id = st.session_state.get(JOB)
    if job_id is None:
        return
    with st.container(border=True, key="ddi_scan_result"):
        job_status.show_job(job_id)
        with st.container(horizontal=True):
            frame.link("jobs", "All jobs")
            if st.button("Hide this scan", key="ddi_scan_hide"):
                del st.session_state[JOB]
                st.rerun()
        if jobs.find(job_id).state == "done":
            _show_table(_read(job_id))


@st.cache_data(show_spinner="Reading the table", max_entries=20)
def _read(job_id: str) -> ddi_scan.ScanTable:
    return ddi_scan.read_scan(job_id)


def _show_table(table: ddi_scan.ScanTable) -> None:
    st.markdown(
        f"**{frame.plain(table.drug_name)}** against {len(table.rows):,} drugs, surest first; per "
        "partner the first row."
    )
    for warning in table.warnings:
        st.warning(frame.plain(warning), icon=":material/info:")
    text = st.text_input(
        "Filter by partner, mechanism or words", key="ddi_scan_filter", max_chars=100
    )
    wanted = text.strip().casefold()
    rows = [
        (rank, row)
        for rank, row in enumerate(table.rows, start=1)
        if wanted in f"{row.partner_name} {row.mechanism} {row.sentence} {row.status}".casefold()
    ]
    shown = rows[:NUM_LISTED]
    with st.container(key="ddi_scan_rows"):
        show_rows(
            ("#", "Partner", "Interaction", "Prob.", "Set", "Known?", "Path"),
            [
                (
                    str(rank), row.partner_name, row.sentence, show_score(row.probability),
                    str(row.set_size), unbroken(row.status), "yes" if row.joined else "none",
                )
                for rank, row in shown
            ],
            right=("#", "Prob.", "Set"),
            limit=MAX_SENTENCE,
        )  # fmt: skip
    st.markdown(
        f"{len(shown):,} of {len(rows):,} rows shown; the CSV has all {len(table.rows):,}. **Set** "
        "is the number of rows in the 90 % set: the fewer, the surer. Without a path the score is "
        "a guess from the structures."
    )
    partners = {row.partner_id: row for _, row in rows}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox(
            "Open a pair", list(partners), key="ddi_scan_partner", filter_mode="contains",
            format_func=lambda key: partners[key].partner_name if key in partners else key,
        )  # fmt: skip
        if st.button("Open with evidence", key="ddi_scan_open", disabled=chosen is None):
            query = ddi.Query(table.network, table.drug, chosen)
            ddi_state.STATE.show_later(ddi_permalink.Link(query, table.network))
        st.download_button(
            "Scan as CSV", lambda: scan_csv(table), file_name="scan.csv", mime="text/csv",
            key="ddi_scan_csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def scan_csv(table: ddi_scan.ScanTable) -> str:
    """The whole table, safe to open in a spreadsheet."""
    rows = [
        (
            rank, table.drug_name, row.partner_name, row.partner_id, row.type_id, row.sentence,
            row.head_id, row.tail_id, row.mechanism, row.direction, row.probability, row.set_size,
            row.setting, row.status, row.joined, table.network, " ".join(table.model),
        )
        for rank, row in enumerate(table.rows, start=1)
    ]  # fmt: skip
    return to_safe_csv(rows, CSV_COLUMNS)
