"""Earlier answers of this server, newest first; one click restores one."""

from datetime import UTC, datetime

import streamlit as st

from core.evidence.bundle import Bundle
from core.render.graph import shorten
from core.serving import kg_permalink, kg_reasoning
from core.serving.graphs import embedded_graphs
from core.store import Store
from pages.components import frame, kg_state

LIMIT = 10
SEARCHED = 60  # stored answers looked at: others' graphs and repeated questions are left out


def keep(query: kg_reasoning.Query, bundle: Bundle) -> None:
    """Store an answer with its evidence, once per new question."""
    if st.session_state.pop(kg_state.UNSAVED, False):
        Store.open().save_prediction(domain="kg", query=query.to_json(), bundle=bundle.to_json())


def show() -> None:
    """One button per earlier question."""
    found = _recent()
    if not found:
        st.markdown("Nothing yet. Answers to your own questions are listed here.")
    for entry in found:
        answer = entry["bundle"]["answer"]
        when = f"{datetime.fromtimestamp(entry['created'], UTC):%Y-%m-%d %H:%M} UTC"
        edits = len(entry["query"]["edits"])
        changed = f", {edits} changed fact{'s' if edits > 1 else ''}" if edits else ""
        st.button(
            frame.plain(
                f"{shorten(entry['bundle']['query']['question'], 70)} → "
                f"{shorten(answer['value'], 40)} ({answer['score']:.3f}{changed}) · {when}"
            ),
            key=f"kg_history_{entry['id']}", type="tertiary", on_click=_restore,
            args=(entry["id"],),
        )  # fmt: skip


def _recent() -> list[dict]:
    allowed = {entry.id for entry in embedded_graphs()} | set(st.session_state[kg_state.UPLOADS])
    found: dict[str, dict] = {}
    for entry in Store.open().recent_predictions("kg", SEARCHED):
        if entry["query"]["graph"] in allowed:
            found.setdefault(repr(entry["query"]), entry)
    return list(found.values())[:LIMIT]


def _restore(prediction_id: str) -> None:
    kg_state.show(kg_permalink.from_parameters({"result": prediction_id}))
