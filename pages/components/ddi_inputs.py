"""The question: network, two drugs from the list or new, pair or scan."""

import streamlit as st

from core.render.text import shorten
from core.serving import ddi_networks as networks
from core.serving import drug_interaction as ddi
from pages.components import ddi_new_drug, ddi_state, frame

LABELS = {"first": "Drug A", "second": "Drug B"}
MAX_SYNONYMS = 3
MAX_SUGGESTIONS = 5


def ask(query: ddi.Query | None) -> tuple[ddi.Query | None, str]:
    """Draw the inputs.

    Args:
        query: what is shown now; its changes stay in force for the same two drugs.

    Returns:
        The question as the inputs state it, None while it is incomplete; and what was pressed:
        ``predict``, ``scan`` or nothing.
    """
    entries = {entry.id: entry for entry in list_entries()}
    network_id = st.selectbox(
        "Network", list(entries), format_func=lambda key: shorten(entries[key].title, 60),
        key="ddi_network", on_change=ddi_state.change_network,
    )  # fmt: skip
    entry = entries[network_id]
    types = f", {entry.num_types:,} types of interaction" if entry.num_types else ""
    st.markdown(f"{entry.num_drugs:,} drugs{types}. {frame.plain(entry.source)}.")
    if not entry.available:
        st.info(frame.plain(entry.reason), icon=":material/inventory_2:")
        return None, ""
    first, second = (_choose_drug(side, network_id) for side in ddi_state.SIDES)
    changed = (
        (query.removed, query.added)
        if query and (query.network, query.first, query.second) == (network_id, first, second)
        else ((), ())
    )
    draft = ddi.Query(network_id, first, second, *changed)
    pressed = ""
    with st.container(key="ddi_buttons", gap="small"):
        if st.button("Predict", type="primary", key="ddi_predict", width="stretch"):
            pressed = "predict"
        name = shorten(name_of(network_id, first), 24) or "Drug A"
        if st.button(
            f"Scan all drugs with {frame.plain(name)}", key="ddi_scan", width="stretch",
            help="One job: drug A against every known drug of the network.",
        ):  # fmt: skip
            pressed = "scan"
    return draft, pressed


def list_entries() -> list[networks.NetworkEntry]:
    """The networks of this session."""
    return networks.list_networks(tuple(st.session_state[ddi_state.UPLOADS]))


def name_of(network_id: str, drug: str | ddi.NewDrug) -> str:
    """Readable name of a drug of a question."""
    if isinstance(drug, ddi.NewDrug):
        return drug.name or "New compound"
    return names_of(network_id).get(drug, drug)


def _choose_drug(side: str, network_id: str) -> str | ddi.NewDrug:
    with st.container(border=True, key=f"ddi_{side}_drug"):
        way = st.radio(LABELS[side], ddi_state.WAYS, key=f"ddi_{side}_way", horizontal=True)
        if way == ddi_state.NEW:
            return ddi_new_drug.enter(side, network_id)
        labels = _labels(network_id)
        chosen = st.selectbox(
            f"{LABELS[side]}: name, synonym or id", list(labels), key=f"ddi_{side}",
            format_func=lambda key: labels.get(key, key), filter_mode="contains",
            accept_new_options=True, placeholder="Type a name; a SMILES works too",
        )  # fmt: skip
        return _resolve(side, network_id, chosen or "")


def _resolve(side: str, network_id: str, text: str) -> str:
    """The drug behind a typed text where exactly one fits; else the text, with suggestions."""
    if not text or text in names_of(network_id):
        return text
    with frame.show_errors():
        found = ddi.find_drug(network_id, text)
        exact = [one for one in found if text.casefold() in (one.name.casefold(), one.matched)]
        if exact or (len(found) == 1 and found[0].how != "similar name"):
            return (exact or found)[0].id
        with st.container(key=f"ddi_{side}_suggestions", gap="xxsmall"):
            names = {one.id: one.name for one in found}  # several spellings lead to one drug
            for number, (drug, name) in enumerate(list(names.items())[:MAX_SUGGESTIONS]):
                st.button(
                    f"Take {frame.plain(name)}", key=f"ddi_{side}_suggestion_{number}",
                    type="tertiary", on_click=_take, args=(side, drug),
                )  # fmt: skip
    return text


def _take(side: str, drug: str) -> None:
    st.session_state[f"ddi_{side}"] = drug


@st.cache_resource(show_spinner="Reading the network", max_entries=8)
def names_of(network_id: str) -> dict[str, str]:
    """Readable names by drug id, in order of the names."""
    network = networks.context(network_id).network
    names = zip(network.entities, network.entity_names[: network.num_drugs], strict=False)
    return {key: shorten(name, 120) for key, name in sorted(names, key=lambda item: item[1])}


@st.cache_resource(show_spinner=False, max_entries=8)
def _labels(network_id: str) -> dict[str, str]:
    """Name, other names and id, all of which the list is searched for."""
    found = networks.context(network_id)
    ids = found.network.entities
    others: dict[str, list[str]] = {}
    for text, row in sorted(found.synonyms.items()):
        name = found.network.entity_names[row]
        if text not in (name.casefold(), ids[row].casefold()):
            others.setdefault(ids[row], []).append(text)
    return {
        key: f"{name} · {', '.join(others[key][:MAX_SYNONYMS])}" if key in others else name
        for key, name in names_of(network_id).items()
    }
