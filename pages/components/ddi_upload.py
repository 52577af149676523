"""A person's own drug network: three tables, a report, then questions."""

import streamlit as st

from core import jobs
from core.data.interaction_uploads import example_network_files
from core.render.tables import problems_csv
from core.render.text import shorten
from core.serving import ddi_networks as networks
from core.serving import ddi_training
from pages.components import ddi_state, frame, job_status

TABLES = {
    "drugs": "Drugs: id, name, SMILES",
    "facts": "Facts: head, relation, tail",
    "interactions": "Interactions: drug1, type, drug2 (may be left out)",
}


def show_uploader() -> None:
    """From three files to a network that can be asked."""
    st.markdown(
        "Three tables with column names in the first row, CSV or TSV, at most 20 MB each. A model "
        "is then trained on them, which this page starts; it takes minutes."
    )
    files = {}
    for name, label in TABLES.items():
        with st.container(key=f"ddi_upload_{name}"):
            file = st.file_uploader(label, key=f"ddi_upload_{name}_file")
            file_name, content = example_network_files()[name]
            st.download_button(
                f"Download valid example {name}", content, file_name=file_name,
                mime="text/csv", key=f"ddi_upload_{name}_example", on_click="ignore",
                icon=":material/download:",
            )  # fmt: skip
        if file is not None:
            files[name] = (file.name, file.getvalue())
    ready = {"drugs", "facts"} <= files.keys()
    if st.button("Use this network", type="primary", key="ddi_upload_use", disabled=not ready):
        with frame.show_errors():
            upload = networks.keep_network(
                files["drugs"], files["facts"], files.get("interactions")
            )
            st.session_state[ddi_state.REPORT] = upload
            ddi_state.STATE.show_later(ddi_state.begin(f"{networks.UPLOAD}{upload}"))


def show_report(network_id: str) -> None:
    """What happened to the rows of a network that was just uploaded."""
    upload = st.session_state.get(ddi_state.REPORT)
    if upload is None or network_id != f"{networks.UPLOAD}{upload}":
        return
    own = networks.own_network(upload)
    with st.container(key="ddi_upload_report"):
        st.markdown(frame.plain(own.summary))
        for table, problems in own.problems.items():
            if problems:
                st.download_button(
                    f"Download the skipped rows of {table}", problems_csv(problems),
                    file_name=f"skipped-{table}.csv", mime="text/csv",
                    key=f"ddi_upload_problems_{table}", on_click="ignore",
                    icon=":material/download:",
                )  # fmt: skip


def show_training(network_id: str) -> None:
    """For a network of a person: train a model on it, watch the training, begin to ask."""
    job = ddi_training.find_training(network_id)
    if job is not None:
        job_status.show_job(job.id)
        frame.link("jobs", "All jobs")
        if job.state == "done":
            st.markdown("The model is ready: choose two drugs, then press **Predict**.")
    if job is not None and job.active:
        return
    own = networks.own_network(network_id.removeprefix(networks.UPLOAD))
    about = job_status.say_duration(ddi_training.estimate_s(len(own.interactions)))
    st.markdown(
        f"About {about} on one processor core. Some drugs are held back as new ones to choose the "
        "epoch, to calibrate and to measure."
    )
    if st.button("Train EmerGNN on this network", key="ddi_train"):
        title = networks.find_network(network_id).title
        ddi_training.submit_training(network_id, shorten(title, 60))
        jobs.ensure_workers()
        st.rerun()
