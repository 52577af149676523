"""The list, computed once per server: heading, notices, and one row per item."""

import streamlit as st

from core.errors import Remark
from core.render.text import shorten
from core.serving import rec_evidence
from core.serving import recommendation as rec
from core.serving.rec_items import model_of
from core.serving.rec_model import METHODS, RecModel, open_model
from core.serving.rec_question import Question
from pages.components import frame
from pages.components.history import signature
from pages.components.mol_table import Cell, Column, Line, Track, show_table

MAX_BECAUSE = 34  # characters of a title in the last column
NOT_RATED = "not rated"


def say_rating(rating: float | None) -> str:
    """A rating as it is written everywhere on the page."""
    return NOT_RATED if rating is None else f"{rating:.4g}"


def say_range(row: rec.Row) -> str:
    """The interval of a predicted rating, empty where there is none."""
    return "" if row.low is None else f"{row.low:.3g} to {row.high:.3g}"


def _mark(question: Question) -> str:
    """Equal for equal questions to the same files: a model may be trained anew under its name."""
    return signature(question.to_json()) + repr(open_model(question.model).card.files)


BY_TEXT = {Question: _mark}


@st.cache_resource(show_spinner="Leaving out each rating", max_entries=500, hash_funcs=BY_TEXT)
def explanation_of(question: Question, item: str) -> rec_evidence.Explanation:
    """`core.serving.rec_evidence.explain`, once."""
    return rec_evidence.explain(question, item)


def show_heading(answer: rec.Answer) -> None:
    """What the list rests on, and what should be known about it."""
    words = model_of(answer.question).words
    rated = f"{answer.num_given:,} {words.rating if answer.num_given == 1 else words.ratings}"
    st.markdown(
        f"**{rated}** · the first {len(answer.rows):,} of {answer.num_candidates:,} "
        f"{words.items} · {METHODS[answer.method].title}"
    )
    with st.container(key="rec_notices"):
        for notice in answer.notices:
            warn(notice)
    if answer.statement:
        st.markdown(frame.plain(answer.statement))


def warn(remark: Remark) -> None:
    """Something to know that is no error."""
    st.warning(
        f"**{frame.plain(remark.code)} · {frame.plain(remark.title)}**\n\n"
        f"{frame.plain(remark.text)}",
        icon=":material/info:",
    )


def show_list(answer: rec.Answer, opened: str) -> None:
    """The list as a table.

    Args:
        answer: the answer.
        opened: id of the item whose evidence is shown.
    """
    model = model_of(answer.question)
    moved = any(row.rank_before is not None for row in answer.rows)
    columns = [
        Column("rank", "#", number=True),
        Column("name", model.words.item.capitalize()),
        Column("rating", "Predicted", number=True),
        Column("popularity", "Popularity #", number=True),
        *([Column("change", "Change", words=True)] if moved else ()),
        Column("because", "Because of"),
    ]
    lines = [_line(model, answer, row, moved, opened) for row in answer.rows]
    caption = f"{len(answer.rows):,} {model.words.items}, best first"
    with st.container(key="rec_rows"):
        show_table(caption, columns, lines, key="rec_list", on_open=_open)
    spread = "" if answer.interval is None else ", below it its 90 % range"
    changed = "**Change**: places since the last list. " if moved else ""
    st.markdown(
        f":small[**Predicted**{spread}. **Popularity #**: place in the list that everybody gets. "
        f"{changed}**Because of**: how far a {model.words.rating} lifts this "
        f"{model.words.item} more than others. Press a title for its evidence. "
        f"{frame.plain(answer.coverage_note)}]"
    )


def _line(model: RecModel, answer: rec.Answer, row: rec.Row, moved: bool, opened: str) -> Line:
    ends = (None if end is None else _share(model, end) for end in (row.low, row.high))
    notes = [", ".join(row.kinds)] if row.kinds else []
    if row.rated is not None:
        notes.append(f"you rated it {say_rating(row.rated)}")
    return Line(
        row.item,
        (
            Cell(str(row.rank)),
            Cell(row.title, note=" · ".join(notes), opens=True),
            Cell(
                f"{row.rating:.2f}",
                note=say_range(row),
                track=Track(_share(model, row.rating), *ends, limit=None),
            ),
            Cell(f"{row.popularity_rank:,}"),
            *([Cell(say_move(row.rank_before, row.rank))] if moved else ()),
            Cell(_say_because(answer, row)),
        ),
        row.item == opened,
    )


def _share(model: RecModel, rating: float) -> float:
    """Where a rating lies on the scale, 0 to 1."""
    return min(1.0, max(0.0, (rating - model.scale.low) / model.scale.span))


def say_move(before: int | None, now: int | None) -> str:
    """Places up or down, in words that need no colour."""
    if now is None:
        return "out of the list"
    if before is None:
        return "new"
    if before == now:
        return "="
    return f"{'▲' if now < before else '▼'} {abs(before - now):,} (was {before:,})"


def _say_because(answer: rec.Answer, row: rec.Row) -> str:
    if not answer.num_given:
        return "no rating yet"
    parts = [f"{shorten(title, MAX_BECAUSE)} (+{change:.2f})" for title, change in row.because]
    return ", ".join(parts) or "your level alone"


def _open(item: str) -> None:
    st.session_state["rec_item"] = item


def opened_item(answer: rec.Answer) -> str:
    """Id of the item whose evidence is shown; empty when the list is empty."""
    found = [row.item for row in answer.rows]
    kept = st.session_state.get("rec_item")
    return kept if kept in found else next(iter(found), "")


def choose_row(answer: rec.Answer) -> rec.Row | None:
    """Let a person pick the item whose evidence is shown; None when the list is empty."""
    rows = {row.item: row for row in answer.rows}
    if not rows:
        return None
    st.session_state["rec_item"] = opened_item(answer)
    chosen = st.selectbox(
        "Evidence for", list(rows), key="rec_item", filter_mode="contains",
        format_func=lambda item: f"{rows[item].rank} · {rows[item].title}"[:80]
        if item in rows else item,
    )  # fmt: skip
    return rows[chosen]
