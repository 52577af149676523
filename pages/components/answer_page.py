"""What every page with a question has: question, answers, evidence, downloads, folded parts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import streamlit as st

from pages.components import evidence_pane, exports, frame, history
from pages.components.evidence_pane import Opened
from pages.components.exports import Export
from pages.components.link_state import LinkState, show_link_state


@dataclass(frozen=True)
class AnswerPage:
    """A page that answers questions.

    Attributes:
        name: file name without ``.py``, as in addresses.
        state: what the page shows now; its prefix begins the keys of the page's parts.
        commit: from a question to the link with its answer; an error changes nothing.
        address: from a link without open evidence to query parameters.
    """

    name: str
    state: LinkState
    commit: Callable[[Any], Any]
    address: Callable[[Any], dict[str, str]]

    def ask_and_answer(
        self,
        title: str,
        *,
        ask: Callable[[Any], tuple[Any, str]],
        show: Callable[[Any], tuple | None],
        also: Callable[[Any, str], None] | None = None,
    ) -> tuple[Any, tuple | None]:
        """The question on the left, its answers on the right.

        Args:
            title: heading of the answers.
            ask: draws the inputs of a link; returns the question they state, None while it is
                incomplete, and what was pressed: ``predict``, another button's name or nothing.
            show: draws the answers of a link; returns what the evidence needs, None without it.
            also: what other buttons of `ask` do; given the question and what was pressed.

        Returns:
            The link that is shown, and what `show` returned.
        """
        link, draft, pressed, found = self.state.arrive(), None, "", None
        question_side, answer_side = st.columns([2, 5], gap="medium")
        with (
            question_side,
            st.container(key=f"{self.state.prefix}_question"),
            section("Question"),
        ):
            draft, pressed = ask(link)
        with answer_side, st.container(key=f"{self.state.prefix}_result"):
            with section(title):
                link = self.commit(draft) if pressed == "predict" else link
            if also:
                with frame.show_errors():
                    also(draft, pressed)
            show_link_state(link, draft, self.commit)
            with frame.show_errors():
                found = show(link)
        if found is None:
            self.state.write_address(self.address(link))
        return link, found

    def show_evidence(
        self,
        show: Callable[..., Opened],
        *,
        query: Any,
        table: Export,
        parameters: Mapping[str, str],
        short: Mapping[str, str] | None = None,
    ) -> None:
        """Evidence pane, downloads and the link to this answer.

        Args:
            show: draws the evidence; called with its time ``created`` and its ``permalink``.
            query: the question, kept with its evidence among the earlier answers.
            table: the answers as a download.
            parameters: query parameters of this answer with this evidence.
            short: the browser's address instead, for an example as it opens.
        """
        self.state.write_address(dict(parameters if short is None else short))
        created = datetime.now(UTC).isoformat(timespec="seconds")
        shown = show(created=created, permalink=exports.permalink(self.name, parameters))
        history.keep(self.state, query, shown.bundle)
        files = [table, *evidence_pane.bundle_exports(shown.bundle, shown.drawing)]
        exports.download_row(files, key=f"{self.state.prefix}_export")
        exports.copy_link(self.name, parameters)


@contextmanager
def section(title: str) -> Iterator[None]:
    """A part of the page below its heading; an error is shown and ends the part."""
    st.header(title, anchor=False)
    with frame.show_errors():
        yield


@contextmanager
def folded(title: str, *, key: str, expanded: bool = False, waits: bool = False) -> Iterator[bool]:
    """A part of the page that a person unfolds; an error is shown and ends the part.

    Gives whether to draw it: what `waits` is drawn once it is unfolded.
    """
    change = {"on_change": "rerun"} if waits else {}
    with st.expander(title, key=key, expanded=expanded, **change) as part, frame.show_errors():
        yield part.open if waits else True
