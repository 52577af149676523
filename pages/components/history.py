"""Earlier answers of one page on this server, newest first; one click restores one."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from core.evidence.bundle import Bundle
from core.render.text import shorten
from core.store import Store
from pages.components import frame
from pages.components.link_state import LinkState

LIMIT = 10
SEARCHED = 60  # stored answers looked at: others' data and repeated questions are left out


def keep(state: LinkState, query: Any, bundle: Bundle) -> None:
    """Store an answer with its evidence, once per new question of the page."""
    if state.take_new():
        Store.open().save_prediction(
            domain=state.prefix, query=query.to_json(), bundle=bundle.to_json()
        )


def show(state: LinkState, *, allowed: Callable[[dict], bool]) -> None:
    """One button per earlier question of a page.

    Args:
        state: of the page; its prefix is the domain of the stored predictions.
        allowed: whether a stored query may be listed for this session.
    """
    found: dict[str, dict] = {}
    for entry in Store.open().recent_predictions(state.prefix, SEARCHED):
        if allowed(entry["query"]):
            found.setdefault(repr(entry["query"]), entry)
    if not found:
        st.markdown("Nothing yet. Answers to your own questions are listed here.")
    for entry in list(found.values())[:LIMIT]:
        st.button(
            frame.plain(_describe(entry)), key=f"{state.prefix}_history_{entry['id']}",
            type="tertiary", on_click=_restore, args=(state, entry["id"]),
        )  # fmt: skip


def _restore(state: LinkState, prediction_id: str) -> None:
    state.show(state.read({"result": prediction_id}))


def _describe(entry: dict) -> str:
    """Question, first answer, number of changed facts, time."""
    bundle = entry["bundle"]
    answer, edits = bundle["answer"], len(bundle.get("overlay", ()))
    when = f"{datetime.fromtimestamp(entry['created'], UTC):%Y-%m-%d %H:%M} UTC"
    changed = f", {edits} changed fact{'s' if edits > 1 else ''}" if edits else ""
    return (
        f"{shorten(bundle['query']['question'], 70)} → {shorten(answer['value'], 60)} "
        f"({answer['score']:.3f}{changed}) · {when}"
    )
