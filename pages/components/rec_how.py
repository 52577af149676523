"""How it works: the method in words, the theorem to try, and a search whose truth is known."""

import operator
from collections.abc import Sequence

import streamlit as st

from core.knowledge.modulation import reduce
from core.serving.rec_model import METHODS, RecModel, available_models, open_model
from pages.components import frame, rec_structure
from pages.components.rows import show_rows

PLANTED = "planted"  # data set whose modulation is known
WORDS = """
1. **Items** become vectors: from what many earlier users rated, and from properties such as genres.
2. **Your ratings** go through one small network, are averaged, and become numbers φ. That is all
   that adapts to you: no gradient step, so a new user costs a millisecond. The average makes the
   order of your ratings irrelevant, and it works from zero ratings on.
3. **φ changes the predictor**: clamp, scale or shift of its hidden numbers. Which of them happens
   where was searched on users of the training data, not chosen by hand.
4. **The live checks** leave your ratings out and compare with random look-alikes.
"""
STEPS = {
    "max": "max with", "min": "min with", "multiply": "times", "divide": "divided by",
    "plus": "plus", "minus": "minus",
}  # fmt: skip
OPERATORS = {
    "max": max, "min": min, "multiply": operator.mul, "divide": operator.truediv,
    "plus": operator.add, "minus": operator.sub,
}  # fmt: skip
EXAMPLE = (("plus", 1.0), ("max", 0.5), ("multiply", 2.0), ("min", 3.0), ("minus", 1.0))
POINTS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def show() -> None:
    """Words, every method, the theorem, the planted data."""
    st.markdown(WORDS)
    show_rows(
        ("Method", "What it does with your ratings"),
        [(one.title, one.sentence) for one in METHODS.values()], limit=200,
    )  # fmt: skip
    st.subheader("Why four operations are enough", anchor=False)
    _show_theorem()
    st.subheader("A search whose truth is known", anchor=False)
    _show_planted()


def _show_theorem() -> None:
    """A chain of operations, and the clamp, scale and shift that equal it."""
    st.markdown(
        "Any chain of max, min, plus, minus, times and divided by (with positive factors) equals "
        "one clamp, one scale and one shift. So 65,536 structures stand for all chains. Try one:"
    )
    chain = []
    for number, (column, start) in enumerate(zip(st.columns(len(EXAMPLE)), EXAMPLE, strict=True)):
        with column:
            name = st.selectbox(
                f"Step {number + 1}", list(STEPS), list(STEPS).index(start[0]),
                key=f"rec_step_{number}", format_func=STEPS.get,
            )  # fmt: skip
            least = 0.1 if name in ("multiply", "divide") else -9.0
            value = st.number_input(
                f"Number {number + 1}", least, 9.0, max(least, start[1]), 0.5,
                key=f"rec_step_value_{number}_{least}",
            )  # fmt: skip
        chain.append((name, value))
    low, high, factor, shift = reduce(chain)
    sign = "+" if shift >= 0 else "−"
    said = f"min(max(h, {low:.3g}), {high:.3g}) · {factor:.3g} {sign} {abs(shift):.3g}"
    st.markdown(f"equals **{said.replace('-', '−').replace('inf', '∞')}**")
    with st.container(key="rec_theorem"):
        header = ("h", *(f"{h:g}".replace("-", "−") for h in POINTS))
        show_rows(
            header,
            [
                ("step by step", *(f"{_apply(chain, h):.3f}" for h in POINTS)),
                ("in one", *(f"{min(max(h, low), high) * factor + shift:.3f}" for h in POINTS)),
            ],
            right=header[1:],
        )


def _apply(chain: Sequence[tuple[str, float]], h: float) -> float:
    """The operations one after another."""
    for name, value in chain:
        h = OPERATORS[name](h, value)
    return h


def _show_planted() -> None:
    """What the search found on simulated data in which one modulation was planted."""
    model = _planted()
    if model is None:
        st.markdown(
            "Simulated users, items and scores with **one** planted operation are part of the "
            "program: `python -m core train planted --method coldnas` searches in them, and what "
            "it found then stands here. Measured: the gates do **not** reliably name the planted "
            "operation, because several operations can do the same work."
        )
        return
    st.markdown(
        "**Simulated data, not real people**: users differ by one operation on the traits of the "
        "items, a shift. The search did not know which, and its gates do **not** reliably name it: "
        "several operations can do the same work. A gate tells what the network uses, not what is "
        "true of people."
    )
    st.markdown(frame.plain(model.card.data.title))
    rec_structure.show_grid(model, key="rec_planted")


def _planted() -> RecModel | None:
    for entry in available_models():
        if not entry.problem and entry.id.endswith(f"-{PLANTED}"):
            return open_model(entry.id)
    return None
