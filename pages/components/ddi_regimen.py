"""Several drugs at once: the first prediction of every pair as a matrix and as a list."""

import streamlit as st

from core.render.tables import to_safe_csv
from core.render.text import shorten
from core.serving import ddi_permalink, ddi_scan
from core.serving import drug_interaction as ddi
from pages.components import ddi_inputs, ddi_state
from pages.components.ddi_answers import MAX_SENTENCE
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken

SHOWN = "ddi_regimen_shown"  # network and drugs of the matrix on display
CSV_COLUMNS = (
    "drug_a", "drug_b", "interaction", "type", "mechanism", "probability", "set_size", "setting",
    "known", "joined",
)  # fmt: skip

Drugs = tuple[str | ddi.NewDrug, ...]


def show(query: ddi.Query | None, network_id: str) -> None:
    """Choose drugs, then every pair of them.

    Args:
        query: the shown question; its new compounds can take part.
        network_id: whose drugs are offered.
    """
    st.markdown(
        f"{ddi_scan.MIN_DRUGS} to {ddi_scan.MAX_DRUGS} drugs taken together; every pair is "
        "predicted for itself. Interactions of three drugs are not."
    )
    labels = ddi_inputs.names_of(network_id)
    chosen = st.multiselect(
        "Drugs", list(labels), key="ddi_regimen_drugs", format_func=labels.get,
        max_selections=ddi_scan.MAX_DRUGS, filter_mode="contains", placeholder="Type a name",
        select_all=False,
    )  # fmt: skip
    drugs: Drugs = tuple(chosen)
    new = [] if query is None else [query.first, query.second]
    for number, drug in enumerate(one for one in new if isinstance(one, ddi.NewDrug)):
        if st.checkbox(f"With {shorten(drug.name, 40)}", key=f"ddi_regimen_new_{number}"):
            drugs = (drug, *drugs)
    if st.button("Predict all pairs", key="ddi_regimen_predict"):
        st.session_state[SHOWN] = network_id, drugs
    network, asked = st.session_state.get(SHOWN, ("", ()))
    if network == network_id:
        _show_matrix(network, _regimen(network, asked))


@st.cache_data(show_spinner="Predicting all pairs", max_entries=50, hash_funcs={ddi.NewDrug: repr})
def _regimen(network: str, drugs: Drugs) -> ddi_scan.Regimen:
    return ddi_scan.regimen(network, drugs)


def _show_matrix(network: str, regimen: ddi_scan.Regimen) -> None:
    names = [shorten(name, 16) for name in regimen.names]
    with st.container(key="ddi_regimen_matrix"):
        show_rows(
            ("", *names),
            [
                (name, *(_cell(regimen, row, column) for column in range(len(names))))
                for row, name in enumerate(names)
            ],
        )
    pairs = sorted(regimen.pairs, key=lambda pair: -pair[2].rows[0].probability)
    with st.container(key="ddi_regimen_list"):
        show_rows(
            ("Pair", "First prediction", "Prob.", "Set", "Known?"),
            [
                (
                    f"{found.first_name} + {found.second_name}", found.rows[0].sentence,
                    show_score(found.rows[0].probability), str(found.set_size),
                    unbroken(found.rows[0].status),
                )
                for _, _, found in pairs
            ],
            right=("Prob.", "Set"),
            limit=MAX_SENTENCE,
        )  # fmt: skip
    st.markdown(
        "A cell names the mechanism of the likeliest interaction and its probability; ▲ and ▼ tell "
        "whether it raises or lowers something, “guess” that no path joins the two."
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        number = st.selectbox(
            "Open a pair", range(len(pairs)), key="ddi_regimen_pair", filter_mode="contains",
            format_func=lambda row: f"{pairs[row][2].first_name} + {pairs[row][2].second_name}",
        )  # fmt: skip
        if st.button("Open with evidence", key="ddi_regimen_open"):
            query = pairs[number][2].query
            ddi_state.STATE.show_later(ddi_permalink.Link(query, network))
        st.download_button(
            "Pairs as CSV", lambda: regimen_csv(regimen), file_name="pairs.csv", mime="text/csv",
            key="ddi_regimen_csv", on_click="ignore", icon=":material/download:",
        )  # fmt: skip


def _cell(regimen: ddi_scan.Regimen, row: int, column: int) -> str:
    if row == column:
        return "–"
    answer = regimen.answer_of(row, column)
    first = answer.rows[0]
    sign = {"up": "▲", "down": "▼"}.get(first.direction, "")
    words = [first.mechanism or "interaction", sign, show_score(first.probability)]
    if not answer.joined:
        words.append("guess")
    return " ".join(word for word in words if word)


def regimen_csv(regimen: ddi_scan.Regimen) -> str:
    """One row per pair, safe to open in a spreadsheet."""
    rows = [
        (
            found.first_name, found.second_name, found.rows[0].sentence, found.rows[0].type_id,
            found.rows[0].mechanism, found.rows[0].probability, found.set_size, found.setting,
            found.rows[0].status, found.joined,
        )
        for _, _, found in regimen.pairs
    ]  # fmt: skip
    return to_safe_csv(rows, CSV_COLUMNS)
