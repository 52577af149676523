"""The evidence of one formula: parts, flow, check, predictions, residuals."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from core.evidence.faithfulness import Check
from core.render.scatter import agreement_chart, residual_chart
from core.render.tables import to_safe_csv
from core.serving import (
    physics_bundle,
    physics_details,
    physics_evidence,
    physics_export,
    physics_flow,
    physics_network,
)
from core.serving import symbolic_regression as laws
from core.serving.physics_evidence import Explanation
from core.serving.physics_network import NetworkFlow
from core.serving.physics_question import Question
from core.serving.symbolic_regression import Answer, Formula
from pages.components import evidence_pane, evidence_view, frame
from pages.components.evidence_pane import Opened
from pages.components.exports import Export, download_row
from pages.components.phys_answers import BY_TEXT, answer_of, show_r2
from pages.components.phys_card import card_of
from pages.components.rows import show_rows
from pages.components.verdict import choose_size, show_check, show_verdict

CAVEAT = (
    "This checks the reason of the formula's fit, not the truth of the law. The score is R² on "
    "unseen graphs of a regression on the formula's terms and on random terms of the library; the "
    "look-alikes are as many random terms."
)


@st.cache_resource(show_spinner="Taking parts out", max_entries=200, hash_funcs=BY_TEXT)
def _explanation(question: Question, number: int, state: str) -> Explanation:  # noqa: ARG001
    train, _, test = laws.parts_of(question)
    return physics_evidence.explain(
        answer_of(question).formula(number).law, train, test, question.seed
    )


@st.cache_resource(show_spinner="Checking the terms", max_entries=200, hash_funcs=BY_TEXT)
def _check(question: Question, number: int, state: str, ids: tuple[str, ...]) -> Check:
    return _explanation(question, number, state).check(ids)


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


def explanation_of(answer: Answer, formula: Formula) -> Explanation:
    """Parts and terms of a formula."""
    return _explanation(answer.question, formula.number, answer.mark)


def check_of(answer: Answer, formula: Formula, ids: Sequence[str]) -> Check:
    """The live check of some of its terms."""
    return _check(answer.question, formula.number, answer.mark, tuple(sorted(ids)))


def show(answer: Answer, formula: Formula, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    explanation = explanation_of(answer, formula)
    terms = explanation.order
    bundle = physics_bundle.bundle(
        answer, formula, flow_of(answer, formula), explanation,
        check_of(answer, formula, terms), created=created,
    )  # fmt: skip
    verdict = st.container(key="phys_verdict")
    minimal = explanation.minimal
    num_shown = choose_size(
        len(terms), minimal, key="phys", name=bundle.id, noun=physics_evidence.NOUN
    )
    gone = set(minimal.removed[: max(0, len(terms) - num_shown)])
    check = check_of(answer, formula, [term for term in terms if term not in gone])
    with verdict:
        show_verdict(check)
    drawing, narrow = evidence_pane.draw(replace(bundle, minimal=None), permalink)
    details = {
        "Parts": lambda: show_parts(explanation, gone),
        "Dependences": lambda: show_dependences(flow_of(answer, formula)),
        "Check": lambda: show_check(
            check, noun=physics_evidence.NOUN[0], caveat=CAVEAT, ranked=False
        ),
        "Graph": lambda: evidence_pane.show_graph(drawing, narrow, key="phys"),
        "Table": lambda: evidence_view.show_table(drawing, key="phys_evidence_table"),
        "Predictions": lambda: show_predictions(answer, formula),
        "Residuals": lambda: show_residuals(answer, formula),
        "Units": lambda: show_units(answer, formula),
    }
    network = physics_network.find_network(answer.question)
    if network is not None:
        details["Network"] = lambda: show_network(network)
    tabs = dict(zip(details, st.tabs(list(details), key="phys_tabs", on_change="rerun"),
                    strict=True))  # fmt: skip
    for name, tab in tabs.items():
        if tab.open:
            with tab, frame.show_errors():
                details[name]()
    return Opened(bundle, drawing)


def show_parts(explanation: Explanation, gone: Collection[str]) -> None:
    """Terms that add up to the law; then every factor and direction taken out."""
    with st.container(key="phys_terms"):
        show_rows(
            ("Term", "R² lost without it", "Shown as evidence"),
            [
                (explanation.words(name), f"{explanation.losses[name]:.4f}",
                 "no" if name in gone else "yes")
                for name in explanation.order
            ],
            right=("R² lost without it",), limit=90,
        )  # fmt: skip
    with st.container(key="phys_parts"):
        show_rows(
            ("Part", "Kind", "Of", "R² without it", "Error grows"),
            [
                (one.part.text, one.part.kind, one.part.step, show_r2(one.r2_without),
                 growth(one.r2, one.r2_without))
                for one in explanation.removals
            ],
            right=("R² without it", "Error grows"), limit=90,
        )  # fmt: skip
    st.markdown(
        "Each part was taken out alone, all constants were fitted again, and R² was measured on "
        "unseen graphs. What costs nothing is not needed."
    )


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
    rows, spec = agreement_chart(found.measured, found.predicted, found.name, theme=frame.theme())
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
        theme=frame.theme(),
    )  # fmt: skip
    st.vega_lite_chart(rows, spec, key="phys_residuals")
    st.markdown(
        "A cloud without a shape around zero is noise; a bow or a fan says that the formula lacks "
        "something there. Shaded: outside what it was trained on."
    )


def show_network(found: NetworkFlow) -> None:
    """The network that the law was distilled from, and what its parts are worth."""
    st.markdown("The message flow that was left when no more could be taken out:")
    st.code(found.text, language=None, wrap_lines=True)
    if found.warning:
        st.warning(frame.plain(found.warning))
    with st.container(key="phys_jumps"):
        show_rows(
            ("Taken out of the network", "Error (validation)", "Error grows"),
            [(one.part, f"{one.error:.4f}", f"× {one.ratio:.1f}") for one in found.jumps],
            right=("Error (validation)", "Error grows"), limit=60,
        )  # fmt: skip
    r2 = "" if found.test_r2 is None else f" Its R² on unseen graphs is {show_r2(found.test_r2)}."
    st.markdown(
        f"Complexity {found.complexity} (sizes times inputs); error {found.valid_error:.4f}, with "
        f"nothing taken out {found.full_error:.4f}; {found.tried} flows were trained.{r2}"
    )
    if found.alternatives:
        st.markdown("Other flows that fit about as well:")
        for text in found.alternatives:
            st.code(text, language=None, wrap_lines=True)


def show_units(answer: Answer, formula: Formula) -> None:
    """The check of units, line by line."""
    card = card_of(answer, formula)
    st.markdown(f"**Units: {frame.plain(card.units)}.**")
    for line in card.unit_lines:
        st.markdown(f"- {frame.plain(line)}")
