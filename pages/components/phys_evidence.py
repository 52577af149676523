"""The evidence of one formula: parts, flow, check, predictions, residuals."""

from functools import partial

import streamlit as st

from core.evidence.bundle import Bundle
from core.render.scatter import agreement_chart, residual_chart
from core.render.tables import to_safe_csv
from core.serving import physics_bundle, physics_details, physics_export, physics_flow
from core.serving import symbolic_regression as laws
from core.serving.physics_question import Question
from core.serving.symbolic_regression import Answer, Formula
from pages.components import evidence_pane, evidence_view, frame
from pages.components.evidence_pane import Opened
from pages.components.exports import Export, download_row
from pages.components.phys_answers import BY_TEXT, answer_of, show_r2
from pages.components.phys_card import card_of
from pages.components.rows import show_rows

TABS = ("Dependences", "Graph", "Table", "Predictions", "Residuals", "Units")


@st.cache_resource(show_spinner="Taking dependences out", max_entries=200, hash_funcs=BY_TEXT)
def _flow(question: Question, number: int, state: str) -> physics_flow.Flow:  # noqa: ARG001
    train, _, test = laws.parts_of(question)
    return physics_flow.trace(answer_of(question).formula(number).law, train, test)


@st.cache_resource(show_spinner="Predicting", max_entries=50, hash_funcs=BY_TEXT)
def _agreement(
    question: Question, number: int, state: str,  # noqa: ARG001
) -> physics_details.Agreement:  # fmt: skip
    train, _, test = laws.parts_of(question)
    return physics_details.agree(answer_of(question).formula(number).law, train, test)


def flow_of(answer: Answer, formula: Formula) -> physics_flow.Flow:
    """Dependences of a formula."""
    return _flow(answer.question, formula.number, answer.mark)


def agreement_of(answer: Answer, formula: Formula) -> physics_details.Agreement:
    """Measured and predicted values."""
    return _agreement(answer.question, formula.number, answer.mark)


def bundle_of(answer: Answer, formula: Formula, created: str) -> Bundle:
    """The formula with its whole evidence."""
    flow = flow_of(answer, formula)
    return physics_bundle.bundle(answer, formula, flow, created=created)


def show(answer: Answer, formula: Formula, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    bundle = bundle_of(answer, formula, created)
    drawing, narrow = evidence_pane.draw(bundle, permalink)
    details = {
        "Dependences": lambda: show_dependences(flow_of(answer, formula)),
        "Graph": lambda: evidence_pane.show_graph(drawing, narrow, key="phys"),
        "Table": lambda: evidence_view.show_table(drawing, key="phys_evidence_table"),
        "Predictions": lambda: show_predictions(answer, formula),
        "Residuals": lambda: show_residuals(answer, formula),
        "Units": lambda: show_units(answer, formula),
    }
    tabs = dict(zip(TABS, st.tabs(TABS, key="phys_tabs", on_change="rerun"), strict=True))
    for name, tab in tabs.items():
        if tab.open:
            with tab, frame.show_errors():
                details[name]()
    return Opened(bundle, drawing)


def show_dependences(flow: physics_flow.Flow) -> None:
    """What each step reads, and what the law is worth without it."""
    labels = {part.id: part.label for part in flow.parts}
    with st.container(key="phys_dependences"):
        show_rows(
            ("Taken out", "Of", "R² without it", "R² lost", "Error grows"),
            [
                (
                    ", ".join(one.names), labels[one.target], show_r2(one.r2_without),
                    f"{one.loss:.4f}", growth(flow.r2, one.r2_without),
                )
                for one in sorted(flow.arrows, key=lambda one: -one.loss)
            ],
            right=("R² without it", "R² lost", "Error grows"), limit=90,
        )  # fmt: skip
    st.markdown(
        f"Each quantity was replaced by one fitted number in its place, all constants were fitted "
        f"again, and R² was measured on unseen graphs; with everything it is {show_r2(flow.r2)}. "
        "What costs nothing is not needed."
    )


def growth(whole: float, without: float) -> str:
    """By what factor the error grows."""
    left, then = 1 - whole, 1 - without
    if left < 1e-12:
        return "from none" if then > 1e-9 else "× 1.0"
    return f"× {(then / left) ** 0.5:.1f}"


def show_predictions(answer: Answer, formula: Formula) -> None:
    """Predicted against measured values of the test part."""
    found = agreement_of(answer, formula)
    if found.undefined:
        st.warning(f"The formula is not defined for {found.undefined:,} of the test rows.")
    if not found.measured:
        st.info("There is no row on which the formula is defined.")
        return
    rows, spec = agreement_chart(found.measured, found.predicted, found.name, theme=theme())
    st.vega_lite_chart(rows, spec, key="phys_agreement")
    header, cells = physics_export.prediction_cells(found)
    download_row(
        [Export("Predictions CSV", "predictions.csv", "text/csv",
                partial(to_safe_csv, cells, header))],
        key="phys_predictions",
    )  # fmt: skip


def show_residuals(answer: Answer, formula: Formula) -> None:
    """What is left over, against a quantity."""
    found = agreement_of(answer, formula)
    if not found.over or not found.measured:
        st.info("There is no quantity to compare the residuals with.")
        return
    name = st.selectbox("Residuals against", list(found.over), key="phys_residual_of")
    rows, spec = residual_chart(
        found.over[name], found.residual, name, trained=found.trained[name], unit=found.unit,
        theme=theme(),
    )  # fmt: skip
    st.vega_lite_chart(rows, spec, key="phys_residuals")
    st.markdown(
        "A cloud without a shape around zero is noise; a bow or a fan says that the formula lacks "
        "something there. Shaded: outside what it was trained on."
    )


def show_units(answer: Answer, formula: Formula) -> None:
    """The check of units, line by line."""
    card = card_of(answer, formula)
    st.markdown(f"**Units: {frame.plain(card.units)}.**")
    for line in card.unit_lines:
        st.markdown(f"- {frame.plain(line)}")


def theme() -> str:
    """Theme of the charts' colours."""
    return "dark" if st.context.theme.type == "dark" else "light"
