"""What if a fact were not true, or one more were? Changes for one pair, and what they do."""

from dataclasses import replace

import streamlit as st

from core.render.text import shorten
from core.serving import drug_interaction as ddi
from core.serving.ddi_networks import context
from pages.components import ddi_new_drug, ddi_state, frame
from pages.components.ddi_answers import MAX_SENTENCE, answer_of, changes_of, explanation_of
from pages.components.inputs import choose_name
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_score

MAX_ROWS = 10


def show(query: ddi.Query, row: ddi.Row | None) -> None:
    """Draw the changes in force, the ways to make another, and the differences.

    Args:
        query: the shown question with its changes.
        row: the row whose evidence is offered first; None when there is no answer.
    """
    st.markdown("Changes hold for your questions and links only; the network stays as it is.")
    add = st.radio(
        "Change", (False, True), key="ddi_edit_op", horizontal=True,
        format_func=lambda add: "Add a fact" if add else "Remove a fact",
    )  # fmt: skip
    changed = bool(query.removed or query.added)
    with frame.show_errors():
        fact = _choose_addition(query) if add else _choose_removal(query, row)
        with st.container(horizontal=True, key="ddi_edit_buttons"):
            label = "Add this fact" if add else "Remove this fact"
            if st.button(label, key="ddi_edit_apply", disabled=fact is None):
                _apply(_with_change(query, fact, add=add))
            if st.button("Undo", key="ddi_edit_undo", disabled=not changed):
                _apply(_undone(query), undo=True)
            if st.button("Reset", key="ddi_edit_reset", disabled=not changed):
                _apply(replace(query, removed=(), added=()))
        if changed:
            _show_differences(query)


def _apply(query: ddi.Query, *, undo: bool = False) -> None:
    ddi_state.edit(query, undo=undo)
    st.rerun()


def _with_change(query: ddi.Query, fact: ddi.Fact, *, add: bool) -> ddi.Query:
    """One more change; taking back an earlier one simply drops it."""
    if add and fact in query.removed:
        return replace(query, removed=tuple(one for one in query.removed if one != fact))
    if not add and fact in query.added:
        return replace(query, added=tuple(one for one in query.added if one != fact))
    if add:
        return replace(query, added=(*query.added, fact))
    return replace(query, removed=(*query.removed, fact))


def _undone(query: ddi.Query) -> ddi.Query:
    """The question before the latest change; in a link opened afresh, without its last fact."""
    earlier: list[ddi.Query] = st.session_state.get(ddi_state.EARLIER, [])
    if earlier:
        return earlier[-1]
    name = "added" if query.added else "removed"
    return replace(query, **{name: getattr(query, name)[:-1]})


def _choose_removal(query: ddi.Query, row: ddi.Row | None) -> ddi.Fact | None:
    facts = explanation_of(query, row, "occlusion").facts if row else ()
    if not facts:
        st.markdown("No fact joins the two drugs, so there is none to remove.")
        return None
    offered = {item.ids: item.sentence for item in facts}
    if st.session_state.get("ddi_edit_fact") not in offered:
        st.session_state["ddi_edit_fact"] = next(iter(offered))
    return st.selectbox(
        "Fact of the evidence", list(offered), key="ddi_edit_fact", filter_mode="contains",
        format_func=lambda fact: shorten(offered.get(fact, ""), 160),
    )  # fmt: skip


def _choose_addition(query: ddi.Query) -> ddi.Fact | None:
    case = ddi.open_case(query)
    ids = [end.id for end in case.ends]
    names = {end.id: shorten(end.name, 60) for end in case.ends}
    if st.session_state.get("ddi_edit_drug") not in ids:
        st.session_state["ddi_edit_drug"] = ids[0]
    left, right = st.columns([1, 2])
    with left:
        drug = st.selectbox("Drug", ids, key="ddi_edit_drug", format_func=names.get)
    with right:
        chosen = choose_name(
            "Fact to suppose", ddi_new_drug.offered_facts(query.network), key="ddi_edit_new",
            with_ids=False,
        )  # fmt: skip
    if not chosen:
        return None
    relation, entity = ddi_new_drug.fact_of(chosen)
    found = context(query.network)
    rows = [one.id for one in found.network.relations]
    if found.drug_is_tail.tolist()[rows.index(relation)]:
        return entity, relation, drug
    return drug, relation, entity


def _show_differences(query: ddi.Query) -> None:
    base = replace(query, removed=(), added=())
    for word, facts in (("Removed", query.removed), ("Added", query.added)):
        for fact in facts:
            st.markdown(f"{word}: {frame.plain(_sentence(query, fact))}")
    paths = _path_scores(base), _path_scores(query)
    rows = []
    for change in changes_of(base, query)[:MAX_ROWS]:
        key = change.type_id, change.head_id, change.tail_id
        old, new = (scores.get(key) for scores in paths)
        rows.append((
            change.sentence, _rank(change.rank_before), _rank(change.rank_after),
            _score(change.before), _score(change.after), show_change(change.difference),
            "–" if old is None or new is None else show_change(new - old),
        ))  # fmt: skip
    with st.container(key="ddi_differences"):
        numbers = (
            "Rank before", "Rank now", "Prob. before", "Prob. now", "Difference", "Network alone",
        )  # fmt: skip
        show_rows(("Interaction", *numbers), rows, right=numbers, limit=MAX_SENTENCE)
        st.markdown(
            "**Network alone** is the change of the path network's own score, given who acts on "
            "whom; the probability also counts similar drugs, which may carry it."
        )


def _path_scores(query: ddi.Query) -> dict[tuple[str, str, str], float]:
    """Score of the path network alone by interaction type, #Drug1 and #Drug2."""
    return {
        (row.type_id, row.head_id, row.tail_id): row.path_probability
        for row in answer_of(query).rows
    }


def _sentence(query: ddi.Query, fact: ddi.Fact) -> str:
    """A changed fact in words."""
    case = ddi.open_case(replace(query, removed=(), added=()))
    network = case.context.network
    ends = {end.id: end.name for end in case.ends}
    head, tail = (
        ends.get(id_) or network.entity_names[network.rows[id_]] for id_ in (fact[0], fact[2])
    )
    for kind in network.types:
        if kind.id == fact[1]:
            return kind.sentence(head, tail)
    names = {relation.id: relation.name for relation in network.relations}
    return f"{head} {names[fact[1]]} {tail}"


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _score(score: float | None) -> str:
    return "–" if score is None else show_score(score)
