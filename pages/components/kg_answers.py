"""Answers, explanations and checks, computed once per server; the ranked list."""

from collections.abc import Mapping, Sequence

import streamlit as st

from core.evidence.faithfulness import Check, Minimal
from core.render.tables import to_safe_csv
from core.serving import kg_reasoning as kg
from pages.components.rows import show_rows
from pages.components.verdict import show_score, unbroken, verdict_cell

NUM_CHECKED = 3  # answers whose evidence is checked before anybody asks

CSV_COLUMNS = (
    "rank", "id", "name", "score", "known", "evidence", "drop_without_evidence", "logit",
    "share_kept_by_evidence", "question", "graph", "model",
)  # fmt: skip


def answer_of(query: kg.Query) -> kg.Answer:
    """`core.serving.kg_reasoning.answer`, once."""
    return _answer(query)


def explanation_of(query: kg.Query, entity: str, ranking: str) -> kg.Explanation:
    """`core.serving.kg_reasoning.explain`, once."""
    return _explain(query, entity, ranking)


def check_of(query: kg.Query, entity: str, facts: frozenset[kg.Fact]) -> Check:
    """`core.serving.kg_reasoning.check`, once."""
    return _check(query, entity, tuple(sorted(facts)))


def minimal_of(query: kg.Query, entity: str, ranking: str) -> Minimal:
    """`core.serving.kg_reasoning.minimise` of the whole evidence, once."""
    return _minimise(query, entity, ranking)


def changes_of(query: kg.Query, before: kg.Query) -> tuple[kg.Change, ...]:
    """`core.serving.kg_reasoning.compare`, once."""
    return _compare(before, query)


_BY_JSON = {kg.Query: lambda query: repr(query.to_json())}


@st.cache_data(show_spinner=False, max_entries=500, hash_funcs=_BY_JSON)
def _answer(query: kg.Query) -> kg.Answer:
    return kg.answer(query)


@st.cache_data(show_spinner="Looking for the evidence", max_entries=500, hash_funcs=_BY_JSON)
def _explain(query: kg.Query, entity: str, ranking: str) -> kg.Explanation:
    return kg.explain(query, entity, ranking=ranking)


@st.cache_data(show_spinner="Checking the evidence", max_entries=1000, hash_funcs=_BY_JSON)
def _check(query: kg.Query, entity: str, facts: tuple[kg.Fact, ...]) -> Check:
    return kg.check(query, entity, frozenset(facts))


@st.cache_data(
    show_spinner="Looking for the smallest evidence", max_entries=500, hash_funcs=_BY_JSON
)
def _minimise(query: kg.Query, entity: str, ranking: str) -> Minimal:
    facts = _explain(query, entity, ranking).facts
    return kg.minimise(query, entity, [item.fact for item in facts])


@st.cache_data(show_spinner="Comparing", max_entries=200, hash_funcs=_BY_JSON)
def _compare(before: kg.Query, after: kg.Query) -> tuple[kg.Change, ...]:
    return kg.compare(before, after)


def show_answers(answer: kg.Answer, opened: str | None) -> dict[str, Check]:
    """Draw the ranked list, at first without verdicts, then with those of the first answers.

    Args:
        answer: the ranking.
        opened: id of an answer to check beyond the first ones.

    Returns:
        The checks by answer, those of answers opened before included.
    """
    checks: dict[str, Check] = st.session_state.setdefault("kg_checks", {}).setdefault(
        repr(answer.query.to_json()), {}
    )
    place = st.empty()
    wanted = [row.entity for row in answer.rows[:NUM_CHECKED]]
    wanted += [row.entity for row in answer.rows if row.entity == opened]
    missing = [entity for entity in wanted if entity not in checks]
    if missing:
        with place.container(key="kg_answers_waiting"):
            _draw(answer, checks, waiting=missing)
    for entity in missing:
        items = explanation_of(answer.query, entity, "deletion").items
        checks[entity] = check_of(answer.query, entity, items)
    with place.container(key="kg_answers"):
        _draw(answer, checks)
    return checks


def _draw(answer: kg.Answer, checks: Mapping[str, Check], waiting: tuple | list = ()) -> None:
    rows = []
    ranks = [row.rank for row in answer.rows]
    for row in answer.rows:
        rows.append((
            show_rank(row.rank, ranks), row.name, show_score(row.score), unbroken(row.status),
            verdict_cell(checks.get(row.entity), waits=row.entity in waiting),
        ))  # fmt: skip
    show_rows(("#", "Answer", "Score", "Fact?", "Evidence"), rows, right=("#", "Score"))
    st.markdown(
        "**Fact?** tells whether the graph states it already (*known*), keeps it back for testing "
        "(*held out*) or not at all (*new*). **Evidence** is checked when an answer is opened; the "
        "number is the change of the score when the evidence is taken away."
        + (" Answers with the same score share a place, marked *=*." if _ties(ranks) else "")
    )


def _ties(ranks: Sequence[float]) -> bool:
    return any(show_rank(rank, ranks).endswith("=") for rank in ranks)


def show_rank(rank: float, ranks: Sequence[float]) -> str:
    """The place of an answer; tied answers share the first of their places, ``5=``.

    Args:
        rank: mean place of the tied answers.
        ranks: of all listed answers; where the list ends within a tie, half a place tells it.
    """
    tied = max(sum(other == rank for other in ranks), 1 if rank == int(rank) else 2)
    first = rank - (tied - 1) / 2
    return f"{rank:g}" if tied == 1 else f"{int(first)}="


def ranking_csv(answer: kg.Answer, checks: Mapping[str, Check]) -> str:
    """The ranked list with its hidden columns, safe to open in a spreadsheet."""
    rows = []
    for row in answer.rows:
        check = checks.get(row.entity)
        rows.append((
            row.rank, row.entity, row.name, row.score, row.status,
            check.verdict if check else None, check.delta_remove if check else None, row.logit,
            check.rho_keep if check else None, answer.question, answer.query.graph, answer.model,
        ))  # fmt: skip
    return to_safe_csv(rows, CSV_COLUMNS)
