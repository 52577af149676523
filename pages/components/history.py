"""Earlier answers of one page on this server, newest first; one click restores one."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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


def signature(query: Mapping[str, Any]) -> str:
    """Equal for equal stored questions."""
    return json.dumps(query, sort_keys=True)


@dataclass(frozen=True)
class OwnHistory:
    """Addresses and earlier answers of a page whose questions may be a secret.

    Attributes:
        state: of the page; its links have `query`.
        to_parameters: from a question and the id of what is open to query parameters; None where
            they do not fit into an address.
        store: keeps such a question with its bundle; returns the id for ``result``.
        opened: name of the parameter for what is open.
    """

    state: LinkState
    to_parameters: Callable[..., dict[str, str] | None]
    store: Callable[[Any, Mapping[str, object]], str]
    opened: str

    def note(self, question: Any) -> None:
        """A question of this session: it may be listed here."""
        self._of_session("mine").setdefault(signature(question.to_json()), None)

    def plain_address(self, link: Any) -> dict[str, str]:
        """Query parameters of a question without evidence; none where it is too long."""
        return (link.query and self.to_parameters(link.query)) or {}

    def address(self, question: Any, opened: str, bundle: Callable[[str], Bundle]) -> dict:
        """Query parameters of an answer; a question too long for an address is stored.

        Args:
            question: the question.
            opened: id of what is open, empty for the first.
            bundle: makes the evidence, given the time.
        """
        parameters = self.to_parameters(question, opened)
        if parameters is not None:
            return parameters
        stored, key = self._of_session("stored"), signature(question.to_json())
        if key not in stored:
            self.state.take_new()  # it is kept here, once
            made = bundle(datetime.now(UTC).isoformat(timespec="seconds"))
            stored[key] = self.store(question, made.to_json())
        return {"result": stored[key]} | ({self.opened: opened} if opened else {})

    def show(self) -> None:
        """One button per earlier question of this session."""
        mine = self._of_session("mine")
        show(self.state, allowed=lambda query: signature(query) in mine)

    def _of_session(self, name: str) -> dict[str, Any]:
        return st.session_state.setdefault(f"{self.state.prefix}_{name}", {})
