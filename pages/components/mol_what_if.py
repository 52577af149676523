"""What if a label were different? One known molecule changed, and what that does to the ranks."""

from dataclasses import replace

import streamlit as st

from core.serving import molecular_property as mol
from core.serving.molecule_table import Lists, TableRow
from pages.components import frame, mol_state
from pages.components.mol_answers import BY_TEXT
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_score

NUM_LISTED = 10
OUT = "leave it out"
OTHER = {"active": "inactive", "inactive": "active"}


@st.cache_resource(show_spinner="Asking again", max_entries=100, hash_funcs=BY_TEXT)
def _changes(before: mol.Question, after: mol.Question) -> tuple[mol.Change, ...]:
    return mol.changes(before, after)


def show(answer: mol.Answer) -> None:
    """Choose a known molecule and a change; the differences; apply it or not."""
    question = answer.question
    if question.card is not None:
        st.markdown("A task card holds no labels that could be changed.")
        return
    rows = {row.id: row for row in answer.support}
    if st.session_state.get("mol_what_if_row") not in rows:
        st.session_state["mol_what_if_row"] = next(iter(rows))
    left, right = st.columns([2, 1])
    with left:
        chosen = rows[
            st.selectbox(
                "Known molecule", list(rows), key="mol_what_if_row", filter_mode="contains",
                format_func=lambda key: f"{key} · {rows[key].title} · {rows[key].role}"
                if key in rows else key,
            )
        ]  # fmt: skip
    with right:
        way = st.radio(
            "Change", ("flip", "out"), key="mol_what_if_way",
            format_func=lambda way: OUT if way == "out" else f"count as {OTHER[chosen.role]}",
        )  # fmt: skip
    after = replace(question, lists=_changed(question.lists, chosen, way))
    with st.container(horizontal=True):
        if st.button("Show what changes", key="mol_what_if_ask"):
            st.session_state["mol_what_if"] = after
        if st.button("Make this my question", key="mol_what_if_apply"):
            mol_state.change(after)
    if st.session_state.get("mol_what_if") != after:
        return
    changes = _changes(question, after)
    with st.container(key="mol_differences"):
        numbers = ("Rank before", "Rank then", "P before", "P then", "Difference")
        show_rows(
            ("Candidate", *numbers),
            [
                (
                    change.row.title, _rank(change.rank_before), _rank(change.rank_after),
                    show_score(change.before), show_score(change.after),
                    show_change(change.after - change.before),
                )
                for change in changes[:NUM_LISTED]
            ],
            right=numbers,
        )  # fmt: skip
    st.markdown(
        f"The {min(NUM_LISTED, len(changes)):,} of {len(changes):,} candidates that change most. "
        f"{frame.plain(chosen.title)} itself is not a candidate."
    )


def _changed(lists: Lists, row: TableRow, way: str) -> Lists:
    """The lists with one known molecule moved to the other class, or taken out."""
    place = int(row.id[1:]) - 1
    entries = getattr(lists, row.role)
    entry, rest = entries[place], (*entries[:place], *entries[place + 1 :])
    changed = lists.with_role(row.role, rest)
    if way == "out":
        return changed
    other = OTHER[row.role]
    return changed.with_role(other, (*getattr(lists, other), entry))


def _rank(rank: int | None) -> str:
    return "–" if rank is None else str(rank)
