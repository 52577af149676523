"""Earlier answers about drug pairs."""

import streamlit as st

from core.serving.ddi_networks import UPLOAD
from pages.components import ddi_state, history


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

    history.show(ddi_state.STATE, allowed=allowed)
