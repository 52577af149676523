"""The scoring function of a graph: its structure, what it can express, how it was searched."""

import streamlit as st

from core import jobs
from core.render.blocks import table_latex
from core.render.text import shorten
from core.serving import graphs, kg_training
from core.serving import kg_reasoning as kg
from core.serving.kg_function import FunctionEngine, Tried
from pages.components import frame, job_status
from pages.components.rows import show_rows

WORDS = (
    "A bilinear function cuts the vectors of head, relation and tail into four parts and adds up "
    "signed products of parts. Which products make a good score depends on the graph, so they can "
    "be searched: structures are proposed, each is trained on most of the facts, and facts kept "
    "for validation decide. The search starts from the named functions and never ends below them "
    "on these facts. It reads no facts when it answers: its evidence is the terms of its formula."
)
TABLE = "Rows: parts of the head. Columns: parts of the tail. Entry: signed part of the relation."


def show(graph_id: str, query: kg.Query | None) -> None:
    """The function in use, if the model is one; and a search for this graph."""
    st.markdown(WORDS)
    engine = kg.reasoner(query).engine if query else None
    if isinstance(engine, FunctionEngine):
        _show_structure(engine)
        _show_trace(engine)
    _show_search(graph_id)


def _show_structure(engine: FunctionEngine) -> None:
    """The table beside the nearest named one, the formula, and what it can express."""
    name, different = engine.nearest
    own, other = st.columns(2)
    with own, st.container(key="kg_structure"):
        st.markdown(f"**{frame.plain(engine.name)}**")
        st.latex(table_latex(engine.structure))
    with other:
        like = "the same function" if not different else f"{different} of 16 cells differ"
        st.markdown(f"**{name}**, the nearest named function: {like}")
        st.latex(table_latex(engine.nearest_structure))
    st.markdown(f"{TABLE} A dot is an empty cell. Numbering and signs of parts are conventions.")
    st.latex(rf"f(h, r, t) = {engine.structure.formula(latex=True)}")
    able = [
        f"{'✓ can' if can else '✗ cannot'} be {kind}"
        for can, kind in (
            (engine.structure.can_be_symmetric, "symmetric (such as *is a sibling of*)"),
            (engine.structure.can_be_skew, "skew-symmetric (such as *is older than*)"),
        )
    ]
    st.markdown(f"A relation of this function {' and '.join(able)}.")


def _show_trace(engine: FunctionEngine) -> None:
    """Best validation MRR over the structures tried; the named ones; the smallest good ones."""
    trials = engine.trials
    if not trials:
        st.markdown("This structure was given by name; nothing was searched.")
        return
    named = max((one for one in trials if one.name), key=lambda one: one.valid_mrr)
    best, points = 0.0, []
    for number, one in enumerate(trials, start=1):
        best = max(best, one.valid_mrr)
        points.append({"structures tried": number, "best so far": best})
    st.markdown(
        f"{len(trials)} structures were tried in {job_status.say_duration(engine.search_s)}. Best "
        f"validation MRR **{best:.3f}**; best named function, {named.name}, "
        f"{named.valid_mrr:.3f}. Trained to the end:"
    )
    with st.container(key="kg_finalists"):
        _show_tried("Validation MRR at the end", engine.finalists)
    st.vega_lite_chart(
        points,
        {
            "description": f"Best validation MRR over {len(trials)} structures, {best:.3f} at the "
            f"end; {named.name} reaches {named.valid_mrr:.3f}",
            "height": 200,
            "layer": [
                {
                    "mark": {"type": "line", "interpolate": "step-after", "aria": False},
                    "encoding": {
                        "x": {"field": "structures tried", "type": "quantitative"},
                        "y": {
                            "field": "best so far", "type": "quantitative",
                            "scale": {"zero": False},
                        },
                    },
                },
                {
                    "mark": {
                        "type": "rule", "strokeDash": [4, 4], "color": "#888888", "aria": False,
                    },
                    "encoding": {"y": {"datum": named.valid_mrr}},
                },
            ],
        },
        key="kg_search_trace",
    )  # fmt: skip
    st.markdown(f":small[Dashed: {named.name}, the best of the named functions.]")
    st.markdown("The best structure of each size that no smaller one beats:")
    with st.container(key="kg_pareto"):
        _show_tried("Validation MRR in the search", engine.pareto)


def _show_tried(label: str, tried: tuple[Tried, ...]) -> None:
    show_rows(
        ("Structure", "Terms", label),
        [(one.name or one.formula, str(one.num_blocks), f"{one.valid_mrr:.3f}") for one in tried],
        right=("Terms", label), limit=200,
    )  # fmt: skip


def _show_search(graph_id: str) -> None:
    """Search a function for a graph as a job, and watch it."""
    entry = graphs.find_graph(graph_id)
    if job_status.show_own(
        kg_training.find_training(graph_id, kg_training.SEARCH),
        "The function is ready: choose it under **Model**, then press **Predict**.",
    ):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        budget = st.number_input(
            "Structures to try", kg_training.MIN_BUDGET, kg_training.MAX_BUDGET,
            kg_training.DEFAULT_BUDGET, key="kg_search_budget", width=150,
        )  # fmt: skip
        pressed = st.button("Search a function for this graph", key="kg_search")
    about = job_status.say_duration(kg_training.estimate_search_s(entry.load(), budget))
    st.markdown(
        f"About {about} on one processor core. 80 % of the facts are learnt from, 10 % decide, "
        "10 % give the test figure."
    )
    if pressed:
        kg_training.submit_search(graph_id, shorten(entry.title, 60), budget)
        jobs.ensure_workers()
        st.rerun()
