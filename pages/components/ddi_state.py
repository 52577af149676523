"""What the page shows now, and the inputs that belong to it."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import streamlit as st

from core.serving import ddi_permalink
from core.serving import drug_interaction as ddi
from core.serving.ddi_networks import UPLOAD, find_network
from core.serving.ddi_permalink import Link
from pages.components.ddi_answers import answer_of
from pages.components.link_state import LinkState

UPLOADS = "ddi_uploads"  # ids of the networks of this session, without the prefix
REPORT = "ddi_upload_report"  # id of a network that was just uploaded
MINE = "ddi_mine"  # signatures of this session's questions
EARLIER = "ddi_earlier"  # questions before each change, to undo it
WAYS = LISTED, NEW = "From the list", "New compound"
SIDES = ("first", "second")


def show(link: Link) -> None:
    """Make this the link that is shown, inputs included; before the inputs are drawn."""
    STATE.keep(link)
    uploads = st.session_state.setdefault(UPLOADS, [])
    if link.network.startswith(UPLOAD) and link.network.removeprefix(UPLOAD) not in uploads:
        uploads.append(link.network.removeprefix(UPLOAD))
    st.session_state["ddi_network"] = link.network
    for side in SIDES:
        drug = getattr(link.query, side) if link.query else ""
        fill_drug(side, drug)
    st.session_state["ddi_ranking"] = link.ranking
    st.session_state["ddi_row"] = link.row if all(link.row) else None
    st.session_state[EARLIER] = []


def fill_drug(side: str, drug: str | ddi.NewDrug) -> None:
    """Give the inputs of one drug its values."""
    state, key = st.session_state, f"ddi_{side}_new"
    new = drug if isinstance(drug, ddi.NewDrug) else ddi.NewDrug("")
    state[f"ddi_{side}_way"] = NEW if isinstance(drug, ddi.NewDrug) else LISTED
    state[f"ddi_{side}"] = drug if isinstance(drug, str) and drug else None
    state[f"{key}_name"] = new.name
    state[f"{key}_facts"] = list(new.facts)
    state[f"{key}_default"] = new.smiles
    for old in [name for name in state if name.startswith(f"{key}_molecule")]:
        del state[old]


def begin(network_id: str) -> Link:
    """A network with its example; without a question while it cannot be asked."""
    entry = find_network(network_id)
    return ddi_permalink.example_link(entry) if entry.available else Link(None, network_id)


def change_network() -> None:
    """Another network: begin with its example."""
    link = begin(st.session_state["ddi_network"])
    for side in SIDES:
        fill_drug(side, getattr(link.query, side) if link.query else "")


def commit(query: ddi.Query) -> Link:
    """Show a new answer. The question is answered first, so that an error changes nothing.

    Raises:
        ParsimonyError: the question has no answer.
    """
    answer_of(query)
    link = Link(query, query.network, ranking=STATE.link.ranking)
    STATE.keep(link, new=True)
    _remember(query)
    st.session_state["ddi_row"] = None
    st.session_state[EARLIER] = []
    return link


def edit(query: ddi.Query, *, undo: bool = False) -> None:
    """Show the question with other changes, the same row open.

    Args:
        query: with its changes.
        undo: whether this takes back the latest change.
    """
    answer_of(query)
    earlier: list[ddi.Query] = st.session_state.setdefault(EARLIER, [])
    if not undo:
        earlier.append(STATE.link.query)
    elif earlier:
        earlier.pop()
    STATE.keep(replace(STATE.link, query=query, example=False), new=True)
    _remember(query)


def signature(query: Mapping[str, Any]) -> str:
    """Equal for equal stored questions."""
    return json.dumps(query, sort_keys=True)


def _remember(query: ddi.Query) -> None:
    st.session_state.setdefault(MINE, []).append(signature(query.to_json()))


STATE = LinkState("ddi", ddi_permalink.from_parameters, show, "ddi_network")


def example_parameters(network_id: str) -> dict[str, str]:
    """Address of a network's example; that of the starter network is the bare page."""
    return {} if network_id == "starter" else {"network": network_id}
