"""Earlier answers about drug pairs: kept, listed, restored."""

import streamlit as st

from core.evidence.bundle import Bundle
from core.serving import ddi_permalink
from core.serving import drug_interaction as ddi
from core.serving.ddi_networks import UPLOAD
from core.store import Store
from pages.components import ddi_state, history


def keep(query: ddi.Query, bundle: Bundle) -> None:
    """Store an answer with its evidence, once per new question."""
    if st.session_state.pop(ddi_state.UNSAVED, False):
        Store.open().save_prediction(domain="ddi", query=query.to_json(), bundle=bundle.to_json())


def show() -> None:
    """One button per earlier question about a network of this session.

    Questions with a new compound are for those who have the link: its structure may be a secret.
    """
    own = {f"{UPLOAD}{upload}" for upload in st.session_state[ddi_state.UPLOADS]}
    mine = st.session_state.get(ddi_state.MINE, [])

    def allowed(query: dict) -> bool:
        network = query["network"]
        if network.startswith(UPLOAD) and network not in own:
            return False
        listed = isinstance(query["first"], str) and isinstance(query["second"], str)
        return listed or ddi_state.signature(query) in mine

    history.show("ddi", key="ddi", allowed=allowed, restore=_restore)


def _restore(prediction_id: str) -> None:
    ddi_state.show(ddi_permalink.from_parameters({"result": prediction_id}))
