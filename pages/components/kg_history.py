"""Earlier answers about knowledge graphs: kept, listed, restored."""

import streamlit as st

from core.evidence.bundle import Bundle
from core.serving import kg_permalink, kg_reasoning
from core.serving.graphs import embedded_graphs
from core.store import Store
from pages.components import history, kg_state


def keep(query: kg_reasoning.Query, bundle: Bundle) -> None:
    """Store an answer with its evidence, once per new question."""
    if st.session_state.pop(kg_state.UNSAVED, False):
        Store.open().save_prediction(domain="kg", query=query.to_json(), bundle=bundle.to_json())


def show() -> None:
    """One button per earlier question about a graph of this session."""
    allowed = {entry.id for entry in embedded_graphs()} | set(st.session_state[kg_state.UPLOADS])
    history.show("kg", key="kg", allowed=lambda query: query["graph"] in allowed, restore=_restore)


def _restore(prediction_id: str) -> None:
    kg_state.show(kg_permalink.from_parameters({"result": prediction_id}))
