"""Answers about two drugs, computed once per server; the ranked list of interactions."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.evidence.faithfulness import Check, Minimal
from core.render.tables import to_safe_csv
from core.serving import ddi_evidence
from core.serving import drug_interaction as ddi
from pages.components import frame
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken, verdict_cell

NUM_CHECKED = 3  # rows whose evidence is checked before anybody asks
MIN_LISTED, MAX_LISTED = 5, 10  # rows shown at first: to the last of the set
MAX_SENTENCE = 300
SETTINGS = {
    "S0": "known–known",
    "S1": "new–known",
    "S2": "new–new",
}
STATUS = {
    "known": "known",
    "held out": "held out",
    "new": "new",
}
CSV_COLUMNS = (
    "rank", "drug_1", "drug_1_id", "drug_2", "drug_2_id", "type", "interaction", "mechanism",
    "direction", "probability", "in_set", "known", "evidence", "drop_without_evidence",
    "share_kept_by_evidence", "path_probability", "vote_share", "setting", "network", "model",
)  # fmt: skip

RowKey = tuple[str, str]
Facts = tuple[ddi_evidence.Fact, ...]


def key_of(row: ddi.Row) -> RowKey:
    """What tells a row from the others of its answer: type and #Drug1."""
    return row.type_id, row.head_id


def row_of(answer: ddi.Answer, key: RowKey | None) -> ddi.Row:
    """The row with this key, the first one where there is none.

    A symmetric type keeps its row when a change turns it round.
    """
    kind = key[0] if key else ""
    same = (row for row in answer.rows if key_of(row) == key)
    alike = (row for row in answer.rows if row.symmetric and row.type_id == kind)
    return next(same, None) or next(alike, answer.rows[0])


def answer_of(query: ddi.Query) -> ddi.Answer:
    """`core.serving.drug_interaction.answer`, once."""
    return _answer(query)


def explanation_of(query: ddi.Query, row: ddi.Row, ranking: str) -> ddi_evidence.Explanation:
    """`core.serving.ddi_evidence.explain`, once."""
    return _explain(query, row, ranking)


def check_of(query: ddi.Query, row: ddi.Row, facts: Facts) -> Check:
    """`core.serving.ddi_evidence.check`, once."""
    return _check(query, row, tuple(sorted(facts)))


def minimal_of(query: ddi.Query, row: ddi.Row, ranking: str) -> Minimal:
    """`core.serving.ddi_evidence.minimise` of the whole evidence, once."""
    return _minimise(query, row, ranking)


def changes_of(before: ddi.Query, after: ddi.Query) -> tuple[ddi_evidence.Change, ...]:
    """`core.serving.ddi_evidence.compare`, once."""
    return _compare(before, after)


_BY_TEXT = {ddi.Query: repr, ddi.Row: repr}


@st.cache_data(show_spinner=False, max_entries=500, hash_funcs=_BY_TEXT)
def _answer(query: ddi.Query) -> ddi.Answer:
    return ddi.answer(query)


@st.cache_data(show_spinner="Looking for the evidence", max_entries=500, hash_funcs=_BY_TEXT)
def _explain(query: ddi.Query, row: ddi.Row, ranking: str) -> ddi_evidence.Explanation:
    return ddi_evidence.explain(query, row, ranking=ranking)


@st.cache_data(show_spinner="Checking the evidence", max_entries=1000, hash_funcs=_BY_TEXT)
def _check(query: ddi.Query, row: ddi.Row, facts: Facts) -> Check:
    return ddi_evidence.check(query, row, frozenset(facts))


@st.cache_data(
    show_spinner="Looking for the smallest evidence", max_entries=500, hash_funcs=_BY_TEXT
)
def _minimise(query: ddi.Query, row: ddi.Row, ranking: str) -> Minimal:
    facts = _explain(query, row, ranking).facts
    return ddi_evidence.minimise(query, row, [item.fact for item in facts])


@st.cache_data(show_spinner="Comparing", max_entries=200, hash_funcs=_BY_TEXT)
def _compare(before: ddi.Query, after: ddi.Query) -> tuple[ddi_evidence.Change, ...]:
    return ddi_evidence.compare(before, after)


def show_heading(answer: ddi.Answer) -> None:
    """The pair, its setting with the measured accuracy, the set, and what one must know."""
    names = f"{answer.first_name} + {answer.second_name}"
    st.markdown(f"**{frame.plain(names)}** · setting: **{SETTINGS[answer.setting]}**")
    with st.container(key="ddi_setting"):
        st.markdown(frame.plain(answer.setting_note))
    kinds = {row.type_id for row in answer.rows}
    verb = "is" if answer.set_size == 1 else "are"
    st.markdown(
        f"**{answer.set_size}** of {len(answer.rows)} rows {verb} in the 90 % set (marked ●): on "
        f"test pairs the recorded type was in such a set {answer.coverage:.0%} of the time. "
        f"The network knows {len(kinds)} types of interaction."
    )
    with st.container(key="ddi_notices"):
        for notice in answer.notices:
            st.warning(
                f"**{frame.plain(notice.code)} · {frame.plain(notice.title)}**\n\n"
                f"{frame.plain(notice.text)}",
                icon=":material/info:",
            )
        for warning in answer.warnings:
            st.warning(frame.plain(warning), icon=":material/info:")


def show_rows_of(answer: ddi.Answer, opened: RowKey | None) -> dict[RowKey, Check]:
    """Draw the ranked list, at first without verdicts, then with those of the first rows.

    Args:
        answer: the answer.
        opened: key of a row to check beyond the first ones.

    Returns:
        The checks by row, those of rows opened before included.
    """
    checks: dict[RowKey, Check] = st.session_state.setdefault("ddi_checks", {}).setdefault(
        repr(answer.query), {}
    )
    place = st.empty()
    listed = answer.rows
    last = max((number for number, row in enumerate(listed, start=1) if row.in_set), default=0)
    few = min(max(last, MIN_LISTED), MAX_LISTED)
    if len(listed) > few and not st.checkbox(f"Show all {len(listed)} rows", key="ddi_all_rows"):
        listed = listed[:few]
    wanted = [row for row in answer.rows[:NUM_CHECKED] if answer.joined]
    wanted += [row for row in answer.rows if answer.joined and key_of(row) == opened]
    missing = [row for row in wanted if key_of(row) not in checks]
    if missing:
        with place.container(key="ddi_rows_waiting"):
            _draw(listed, checks, [key_of(row) for row in missing])
    for row in missing:
        facts = explanation_of(answer.query, row, "occlusion").facts
        checks[key_of(row)] = check_of(answer.query, row, tuple(item.fact for item in facts))
    with place.container(key="ddi_rows"):
        _draw(listed, checks)
    return checks


def _draw(
    rows: Sequence[ddi.Row], checks: Mapping[RowKey, Check], waiting: Sequence[RowKey] = ()
) -> None:
    show_rows(
        ("#", "Interaction", "Prob.", "Known?", "Evidence"),
        [
            (
                str(number), _say(row),
                unbroken("● " * row.in_set + show_score(row.probability)),
                unbroken(row.status),
                verdict_cell(checks.get(key_of(row)), waits=key_of(row) in waiting),
            )
            for number, row in enumerate(rows, start=1)
        ],
        right=("#", "Prob."),
        limit=MAX_SENTENCE,
    )  # fmt: skip
    st.markdown(
        "**Prob.** is calibrated on held-back pairs; over all rows it sums to 1; ● is in the 90 % "
        "set. **Known?** tells "
        "whether the data state the interaction (*known*), state it but keep it from the model for "
        "testing (*held out*), or do not state it (*new*). **Evidence** is checked when a row is "
        "opened; the number is the change of the path network's score without it. No row says that "
        "a combination is safe."
    )


def _say(row: ddi.Row) -> str:
    """The interaction and its class of mechanism."""
    return f"{row.sentence.rstrip('.')} · {row.mechanism}" if row.mechanism else row.sentence


def rows_csv(answer: ddi.Answer, checks: Mapping[RowKey, Check]) -> str:
    """All rows with hidden columns, safe to open in a spreadsheet."""
    names = {end.id: end.name for end in ddi.open_case(answer.query).ends}
    table = []
    for number, row in enumerate(answer.rows, start=1):
        check = checks.get(key_of(row))
        table.append((
            number, names[row.head_id], row.head_id, names[row.tail_id], row.tail_id, row.type_id,
            row.sentence, row.mechanism, row.direction, row.probability, row.in_set, row.status,
            check.verdict if check else None, check.delta_remove if check else None,
            check.rho_keep if check else None, row.path_probability, row.vote_share,
            answer.setting, answer.query.network, answer.model,
        ))  # fmt: skip
    return to_safe_csv(table, CSV_COLUMNS)
