"""What a page shows now: one link, kept in the session and in the address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Generic, TypeVar

import streamlit as st

from pages.components import frame

LinkT = TypeVar("LinkT")
REPLACED_S = 5.0  # an address this session left a moment ago may still come back by itself


@dataclass(frozen=True)
class LinkState(Generic[LinkT]):
    """The link of one page.

    Attributes:
        prefix: of the keys in the session, such as ``kg``.
        read: from query parameters to a link; never fails.
        show: gives the input widgets the values of a link.
        widget: key of an input; it is gone from the session when another page was shown.
    """

    prefix: str
    read: Callable[[Mapping[str, str]], LinkT]
    show: Callable[[LinkT], None]
    widget: str

    @property
    def link(self) -> LinkT:
        """The link that is shown."""
        return st.session_state[f"{self.prefix}_link"]

    def keep(self, link: LinkT, *, new: bool = False) -> None:
        """Show this link from now on; the inputs stay as they are.

        Args:
            link: to show.
            new: whether its answer belongs among the earlier answers, see `take_new`.
        """
        st.session_state[f"{self.prefix}_link"] = link
        if new:
            st.session_state[f"{self.prefix}_new"] = True

    def take_new(self) -> bool:
        """Whether a new answer is shown; True once for each."""
        return st.session_state.pop(f"{self.prefix}_new", False)

    def arrive(self) -> LinkT:
        """The link to show: of the session, or of the address when it was changed from outside."""
        if pending := st.session_state.pop(f"{self.prefix}_pending", None):
            self.show(pending)
            return pending
        parameters = st.query_params.to_dict()
        kept = st.session_state.get(f"{self.prefix}_link")
        if kept is None or self._comes_from_outside(parameters):
            kept = self.read(parameters)
            self.show(kept)
        elif self.widget not in st.session_state:
            self.show(kept)
        return kept

    def show_later(self, link: LinkT) -> None:
        """Show a link in a new run, when the inputs of this one are already drawn."""
        st.session_state[f"{self.prefix}_pending"] = link
        st.rerun()

    def write_address(self, parameters: dict[str, str]) -> None:
        """Bring the browser's address in line with what is shown."""
        if st.query_params.to_dict() != parameters:
            st.query_params.from_dict(parameters)
        last = st.session_state.get(f"{self.prefix}_address")
        if last != parameters:
            st.session_state.setdefault(f"{self.prefix}_replaced", []).append((monotonic(), last))
        st.session_state[f"{self.prefix}_address"] = parameters

    def _comes_from_outside(self, parameters: dict[str, str]) -> bool:
        """Whether an address was typed or followed, and is not one that this session just left.

        A person may change an input before the browser knows the address of the change before:
        that run still brings the old address, which must not bring back the old inputs.
        """
        key = f"{self.prefix}_replaced"
        since = monotonic() - REPLACED_S
        replaced = [one for one in st.session_state.get(key, ()) if one[0] >= since]
        st.session_state[key] = replaced
        known = [st.session_state.get(f"{self.prefix}_address"), *(one for _, one in replaced)]
        return bool(parameters) and parameters not in known


def show_link_state(link, draft, commit: Callable) -> None:
    """Example, left-out parts of the address, inputs that differ from the answer below.

    Args:
        link: what is shown, with `example`, `ignored` and `query`.
        draft: the question in the inputs, None while it is incomplete.
        commit: takes the draft when the person presses Update.
    """
    if link.example:
        frame.example_banner()
    if link.ignored:
        names = frame.plain(", ".join(link.ignored[:10]))
        st.warning(f"Left out of the address, because it does not fit: {names}.")
    stale = link.query is not None and draft is not None and draft != link.query
    if stale and frame.stale_banner():
        with frame.show_errors():
            commit(draft)
            st.rerun()
