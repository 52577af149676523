"""Two models side by side: where they disagree most; the evidence of one tested on the other."""

from dataclasses import replace

import streamlit as st

from core.serving import kg_reasoning as kg
from core.serving.graphs import find_graph
from pages.components import frame, kg_inputs
from pages.components.kg_answers import changes_of, check_of, explanation_of
from pages.components.rows import show_rows
from pages.components.verdict import VERDICTS, show_change, show_score

SHOWN = 12


def show(query: kg.Query, entity: str | None) -> None:
    """Choose another model; draw both rankings and the test.

    Args:
        query: the shown question with its model.
        entity: the answer that is open.
    """
    first, own = kg.reasoner(query).engine, find_graph(query.graph).model
    titles = {
        name: title
        for name, title in kg_inputs.titles_of(query.graph).items()
        if (name or own) != first.name
    }
    if not titles:
        st.markdown("No other model on this server knows this graph. Train one, then compare.")
        return
    other = st.selectbox(
        "Compare with", list(titles), key="kg_compare", index=None, format_func=titles.get,
        placeholder="Choose a model",
    )  # fmt: skip
    if other is None:
        return
    rival = replace(query, model=other)
    second = kg.reasoner(rival).engine
    changes = sorted(changes_of(rival, query), key=lambda row: -_distance(row))[:SHOWN]
    with st.container(key="kg_compared"):
        show_rows(
            ("Answer", f"{first.name} #", "Score", f"{second.name} #", "Score "),
            [
                (
                    row.name, f"{row.rank_before:g}", show_score(row.score_before),
                    f"{row.rank_after:g}", show_score(row.score_after),
                )
                for row in changes
            ],
            right=(f"{first.name} #", "Score", f"{second.name} #", "Score "),
        )  # fmt: skip
    st.markdown("Answers whose places differ most come first.")
    if entity:
        _test(query, rival, entity)


def _distance(row: kg.Change) -> float:
    """How far apart two places are; a difference among the first ones weighs most."""
    return abs(1 / row.rank_before - 1 / row.rank_after)


def _test(query: kg.Query, rival: kg.Query, entity: str) -> None:
    """The facts one model rests on, taken away from the other."""
    first, second = kg.reasoner(query).engine, kg.reasoner(rival).engine
    for own, reader in ((query, rival), (rival, query)):
        mine, theirs = kg.reasoner(own).engine, kg.reasoner(reader).engine
        if not mine.reads_facts:
            continue
        if not theirs.reads_facts:
            st.markdown(
                f"**{frame.plain(theirs.name)}** reads no facts when it answers: taking those of "
                f"{frame.plain(mine.name)} away changes its score by 0.000."
            )
            continue
        check = check_of(reader, entity, explanation_of(own, entity, "deletion").items)
        st.markdown(
            f"The facts of **{frame.plain(mine.name)}** on **{frame.plain(theirs.name)}**: "
            f"{VERDICTS[check.verdict]}, score {show_change(-check.delta_remove)} without them, "
            f"{check.rho_keep:.0%} with nothing else."
        )
    if not first.reads_facts and not second.reads_facts:
        st.markdown("Neither model reads facts when it answers, so there are no facts to exchange.")
