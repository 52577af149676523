"""Earlier answers of one domain on this server, newest first; one click restores one."""

from collections.abc import Callable
from datetime import UTC, datetime

import streamlit as st

from core.render.graph import shorten
from core.store import Store
from pages.components import frame

LIMIT = 10
SEARCHED = 60  # stored answers looked at: others' data and repeated questions are left out


def show(
    domain: str, *, key: str, allowed: Callable[[dict], bool], restore: Callable[[str], None]
) -> None:
    """One button per earlier question.

    Args:
        domain: of the stored predictions, such as ``kg``.
        key: prefix of the buttons' keys.
        allowed: whether a stored query may be listed for this session.
        restore: called with the id of the chosen prediction, before the page runs again.
    """
    found: dict[str, dict] = {}
    for entry in Store.open().recent_predictions(domain, SEARCHED):
        if allowed(entry["query"]):
            found.setdefault(repr(entry["query"]), entry)
    if not found:
        st.markdown("Nothing yet. Answers to your own questions are listed here.")
    for entry in list(found.values())[:LIMIT]:
        st.button(
            frame.plain(_describe(entry)), key=f"{key}_history_{entry['id']}", type="tertiary",
            on_click=restore, args=(entry["id"],),
        )  # fmt: skip


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
