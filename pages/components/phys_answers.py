"""The formulas: accuracy against size, the table beside it, and which one is open."""

import hashlib
import json
import re

import streamlit as st

from core.render.front import FrontPoint, draw_front, front_chart, picked
from core.serving import symbolic_regression as laws
from core.serving.physics_question import Question
from core.serving.symbolic_regression import Answer, Formula
from pages.components import frame, phys_repairs
from pages.components.rows import show_rows

NUM_LISTED = 8  # formulas in the table; the CSV has all
HEADER = ("#", "Formula", "Size", "Error", "R²", "Found by", "Units")
UNITS = {
    "consistent": "✓ fit",
    "needs constants with units": "~ with constants",
    "inconsistent": "✗ do not fit",
    "not known": "– unknown",
}
BREAKS = re.compile(r"(?<=[\[(/*])(?=\S)")  # where a long formula may go on in the next line


def signature(question: Question) -> str:
    """Equal for equal questions."""
    text = json.dumps(question.to_json(), sort_keys=True)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


BY_TEXT = {Question: signature}


@st.cache_resource(show_spinner="Searching", max_entries=100, hash_funcs=BY_TEXT)
def _answer(question: Question, state: str) -> Answer:  # noqa: ARG001 - what a job has left
    return laws.answer(question)


def answer_of(question: Question) -> Answer:
    """The formulas of a question, kept until the job behind it has found more.

    Raises:
        ParsimonyError: the question has no answer.
    """
    return _answer(question, laws.state_of(question))


def show_heading(answer: Answer) -> None:
    """What was measured, and whether a law was found."""
    st.markdown(f"**{frame.plain(answer.title)}** · {frame.plain(answer.summary)}")
    if not answer.found:
        with st.container(key="phys_no_law"):
            frame.show_error(answer.verdict)
            st.markdown(
                "This is an answer too. What was tried is listed below; none of it beats the same "
                "search on a shuffled target."
            )
            phys_repairs.offer(answer.verdict.code)


def show_formulas(answer: Answer) -> Formula:
    """Chart and table; returns the formula that is open."""
    chosen = _chosen(answer)
    show_front(answer, chosen.number, key="phys_front")
    show_table(answer, chosen.number)
    numbers = [one.number for one in answer.formulas]
    texts = {one.number: f"{one.number} · {one.text}"[:90] for one in answer.formulas}
    st.session_state["phys_formula"] = chosen.number
    number = st.selectbox(
        "Formula that is open", numbers, key="phys_formula", filter_mode="contains",
        format_func=lambda number: texts.get(number, str(number)),
    )  # fmt: skip
    return answer.formula(number)


def _chosen(answer: Answer) -> Formula:
    """The formula of the session, the suggested one where it has none of this answer."""
    kept = st.session_state.get("phys_formula")
    return answer.formula(kept if kept in {one.number for one in answer.formulas} else None)


def points_of(answer: Answer) -> list[FrontPoint]:
    """The formulas as dots of the chart."""
    return [
        FrontPoint(
            one.number, one.complexity, one.valid_error, one.text[:120], one.on_front,
            one.number == answer.suggested,
        )
        for one in answer.formulas
    ]  # fmt: skip


def show_front(answer: Answer, chosen: int, *, key: str) -> None:
    """The chart; a click opens a formula."""
    name = f"{key}_{signature(answer.question)[:12]}_{len(answer.formulas)}"

    def pick() -> None:
        if number := picked(st.session_state[name].get("selection")):
            st.session_state["phys_formula"] = number

    rows, spec = front_chart(points_of(answer), chosen, floor=answer.noise, theme=frame.theme())
    with st.container(key=key):
        st.vega_lite_chart(rows, spec, key=name, on_select=pick)
    noise = " Dashed: what noise alone leaves." if answer.noise else ""
    st.markdown(
        ":small[Each dot is a formula; a click opens it, and so does the list below the table. "
        f"Ringed: the best trade between error and size. Filled: open. Grey: dominated.{noise}]"
    )


def show_table(answer: Answer, chosen: int) -> None:
    """The same as a table, from small to large."""
    listed = _listed(answer, chosen)
    with st.container(key="phys_rows"):
        show_rows(
            HEADER,
            [
                (
                    f"{one.number}{' ◉' if one.number == answer.suggested else ''}",
                    BREAKS.sub("\u200b", one.text.partition(" = ")[2]), str(one.complexity),
                    f"{show_error_size(one.valid_error)} / {show_error_size(one.test_error)}",
                    show_r2(one.r2), one.found_by, UNITS[one.units],
                )
                for one in listed
            ],
            right=("Size", "R²"),
            limit=110,
        )  # fmt: skip
    st.markdown(
        ":small[Error: validation / test, in standard deviations of the target. R²: on unseen test "
        f"graphs. {len(listed)} of {len(answer.formulas)} formulas; the CSV has all.]"
    )


def _listed(answer: Answer, chosen: int) -> list[Formula]:
    """The front, the open formula, then others up to the limit; by number."""
    order = sorted(
        answer.formulas, key=lambda one: (one.number != chosen, not one.on_front, one.number)
    )
    return sorted(order[:NUM_LISTED], key=lambda one: one.number)


def show_error_size(error: float) -> str:
    """Three digits of an error in standard deviations."""
    return f"{error:.3g}" if error == 0 or error >= 1e-6 else "<0.000001"


def show_r2(value: float) -> str:
    """Four digits; never a rounded 1."""
    if value > 0.99995:
        return ">0.9999"
    return f"{value:.4f}".replace("-", "−") if value > -9 else "<−9"


def front_svg(answer: Answer, chosen: Formula) -> str:
    """The front as a file."""
    return draw_front(
        points_of(answer), chosen.number, title=f"Formulas for {answer.title}", floor=answer.noise
    )
