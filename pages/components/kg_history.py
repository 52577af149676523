"""Earlier answers about knowledge graphs."""

import streamlit as st

from core.serving.graphs import embedded_graphs
from pages.components import history, kg_state


def show() -> None:
    """One button per earlier question about a graph of this session."""
    allowed = {entry.id for entry in embedded_graphs()} | set(st.session_state[kg_state.UPLOADS])
    history.show(kg_state.STATE, allowed=lambda query: query["graph"] in allowed)
