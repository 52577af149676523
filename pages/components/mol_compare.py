"""Several methods side by side: the rows they disagree on most come first."""

import streamlit as st

from core.render.tables import to_safe_csv
from core.serving import molecular_property as mol
from pages.components import mol_ledger
from pages.components.mol_answers import BY_TEXT
from pages.components.mol_inputs import list_models
from pages.components.rows import show_rows
from pages.components.verdict import show_score

NUM_LISTED = 15


@st.cache_resource(show_spinner="Asking each method", max_entries=50, hash_funcs=BY_TEXT)
def _compare(question: mol.Question, models: tuple[str, ...]) -> mol.Comparison:
    return mol.compare(question, models)


def show(question: mol.Question) -> None:
    """Choose methods, then both columns and what each cost."""
    titles = {entry.id: entry.title for entry in list_models() if not entry.problem}
    chosen = st.multiselect(
        "Methods", list(titles), key="mol_compare_models", format_func=titles.get,
        placeholder="Choose at least two", max_selections=6, select_all=False,
    )  # fmt: skip
    if st.button("Compare", key="mol_compare", disabled=len(chosen) < 2):
        st.session_state["mol_compared"] = tuple(chosen)
    models = st.session_state.get("mol_compared", ())
    if not models or any(model not in titles for model in models):
        return
    if question.card is not None:
        st.info("A task card speaks for PACIA alone: compare with known molecules instead.")
        return
    found = _compare(question, models)
    names = [titles[model].partition(" · ")[0] for model in models]
    header = ("Candidate", *(f"{name}{word}" for name in names for word in ("", " #")),
              "Disagreement")  # fmt: skip
    rows = [
        (
            one.row.title,
            *(
                text
                for probability, rank in zip(one.probabilities, one.ranks, strict=True)
                for text in (_score(probability), "–" if rank is None else str(rank))
            ),
            f"{one.disagreement:.3f}",
        )
        for one in found.rows
    ]
    with st.container(key="mol_compared_rows"):
        show_rows(header, rows[:NUM_LISTED], right=header[1:])
    st.markdown(
        f"{min(NUM_LISTED, len(rows)):,} of {len(rows):,} candidates, largest disagreement first."
    )
    st.download_button(
        "Comparison as CSV", lambda: to_safe_csv(rows, header), file_name="comparison.csv",
        mime="text/csv", key="mol_compare_csv", on_click="ignore", icon=":material/download:",
    )  # fmt: skip
    mol_ledger.show_costs(found.answers, key="mol_compared_costs")


def _score(probability: float | None) -> str:
    return "–" if probability is None else show_score(probability)
