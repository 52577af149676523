"""Several methods side by side: the items they disagree on most come first, then their costs."""

from functools import partial

import streamlit as st

from core.render.tables import to_safe_csv
from core.serving import recommendation as rec
from core.serving.rec_items import model_of
from core.serving.rec_model import METHODS, RecModel
from core.serving.rec_question import Question
from pages.components import rec_ledger
from pages.components.rec_answers import BY_TEXT
from pages.components.rows import show_rows

FIRST = ("coldnas", "offset", "popularity")


@st.cache_resource(show_spinner="Asking each method", max_entries=50, hash_funcs=BY_TEXT)
def _compare(question: Question, methods: tuple[str, ...]) -> rec.Comparison:
    return rec.compare(question, methods)


def show(question: Question) -> None:
    """Choose methods, then a column for each and what each cost."""
    model = model_of(question)
    chosen = st.multiselect(
        "Methods", model.methods, [name for name in FIRST if name in model.methods],
        key="rec_compare_methods", format_func=lambda name: METHODS[name].title,
        placeholder="Choose at least two", select_all=False,
    )  # fmt: skip
    if st.button("Compare", key="rec_compare", disabled=len(chosen) < 2):
        st.session_state["rec_compared"] = tuple(chosen)
    methods = st.session_state.get("rec_compared", ())
    if not methods or any(name not in model.methods for name in methods):
        return
    _show(model, _compare(question, methods), methods)
    rec_ledger.show_costs(question, methods, key="rec_compared_costs")


def _show(model: RecModel, found: rec.Comparison, methods: tuple[str, ...]) -> None:
    names = [METHODS[name].title for name in methods]
    header = (model.words.item.capitalize(), *names, "Disagreement")
    with st.container(key="rec_compared_rows"):
        show_rows(
            header,
            [
                (
                    row.title,
                    *(
                        f"# {rank:,} · {rating:.2f}"
                        for rank, rating in zip(row.ranks, row.ratings, strict=True)
                    ),
                    f"{row.disagreement:.3f}",
                )
                for row in found.rows
            ],
            right=header[1:],
        )
    likeness = ", ".join(
        f"{name} {value:.2f}" for name, value in zip(names[1:], found.correlations[1:], strict=True)
    )
    st.markdown(
        f"The first items of each list, largest disagreement first: difference of ranks as a share "
        f"of the candidates. Rank correlation with {names[0]}: {likeness}."
    )
    st.download_button(
        "Comparison as CSV", partial(_csv, found, names), file_name="comparison.csv",
        mime="text/csv", key="rec_compare_csv", on_click="ignore", icon=":material/download:",
    )  # fmt: skip


def _csv(found: rec.Comparison, names: list[str]) -> str:
    """One row per item: rank and predicted rating by each method."""
    header = ("item", "title", *(f"{name}, {what}" for name in names for what in ("#", "rating")))
    return to_safe_csv(
        [
            (
                row.item, row.title,
                *(text for pair in zip(row.ranks, row.ratings, strict=True) for text in pair),
                row.disagreement,
            )
            for row in found.rows
        ],
        (*header, "disagreement"),
    )  # fmt: skip
