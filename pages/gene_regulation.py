"""Prune a model of expression dynamics guided by a prior network; see which links the data kept."""

import json
from datetime import UTC, datetime
from functools import partial

import streamlit as st

from core.render import exchange
from core.render.tables import to_safe_csv
from core.serving import grn_bundle, grn_compare, grn_permalink
from pages.components import (
    answer_page,
    exports,
    frame,
    grn_answers,
    grn_evidence,
    grn_inputs,
    grn_more,
    grn_state,
)
from pages.components.exports import Export

PAGE = "gene_regulation"


def address(link) -> dict[str, str]:
    """Query parameters of a question without an answer."""
    return {} if link.query is None else grn_permalink.to_parameters(link.query)


def show_answers(link) -> tuple | None:
    """Network and regulators; returns the answer and the regulator that is open."""
    if link.query is None or grn_answers.show_job(link.query):
        return None
    answer = grn_answers.answer_of(link.query)
    grn_answers.show_heading(answer)
    return answer, grn_answers.show_regulators(answer)


def show_evidence(answer, regulator) -> None:
    """Evidence pane, exports and link."""
    opened = "" if regulator == answer.regulator() else regulator.name
    page.show_evidence(
        partial(grn_evidence.show, answer, regulator),
        query=answer.question,
        table=Export("CSV", "edges.csv", "text/csv", partial(edges_csv, answer)),
        parameters=grn_permalink.to_parameters(answer.question, opened),
        short={} if grn_state.is_start(opened) else None,
    )
    folder = answer.network.artifact.folder
    more = [
        Export("Network SIF", "network.sif", "text/plain",
               lambda: exchange.to_sif(network_of(answer))),
        Export("Network GraphML", "network.graphml", "application/xml",
               lambda: exchange.to_graphml(network_of(answer))),
        Export("Network CX2", "network.cx2", "application/json",
               lambda: json.dumps(exchange.to_cx2(network_of(answer)))),
        Export("Model card", "card.json", "application/json", (folder / "card.json").read_bytes),
        Export("ONNX", "model.onnx", "application/octet-stream",
               (folder / "model.onnx").read_bytes),
    ]  # fmt: skip
    exports.download_row(more, key="grn_more_files")


def edges_csv(answer) -> str:
    """All edges, once they are asked for: there may be many thousands."""
    header, rows = grn_compare.edge_cells(answer)
    return to_safe_csv(rows, header)


def network_of(answer):
    """All edges as a bundle, likewise."""
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return grn_bundle.network_bundle(answer, created=created)


frame.guard(PAGE)
frame.page(
    "Gene regulation",
    "Prune a model of expression dynamics guided by a prior network; see which links the data "
    "kept, refused and added, and what a gene's prediction is worth without each.",
)
st.markdown(
    f":small[DASH ([arXiv 2403.04805](https://arxiv.org/abs/2403.04805)), beside section 3 of "
    f"[Beyond Scaleup: parsimony learning]({frame.PAPER})]"
)
page = answer_page.AnswerPage(PAGE, grn_state.STATE, grn_state.commit, address)
link, found = page.ask_and_answer(
    "Network", ask=grn_inputs.ask, show=show_answers, also=grn_inputs.start
)

if found:
    with answer_page.section("Evidence"):
        show_evidence(*found)

st.header("More", anchor=False)
if found:
    with answer_page.folded(
        "Accuracy and error over sparsity: DASH and its rivals", key="grn_rivals_part", waits=True
    ) as unfolded:
        if unfolded:
            grn_more.show_rivals(found[0])
    with answer_page.folded(
        "More or less trust, and a wrong prior", key="grn_trust_part", waits=True
    ) as unfolded:
        if unfolded:
            grn_more.show_trust(found[0])
    with answer_page.folded("Compare two networks", key="grn_compare"):
        grn_more.show_compare(found[0])
with answer_page.folded("How it works, and what it cost", key="grn_ledger"):
    grn_more.show_ledger(found[0] if found else None)
with answer_page.folded("Earlier answers", key="grn_history"):
    grn_more.show_history()

frame.footer(found[0] if found else None)
