"""The evidence of one regulator: its edges as a graph and a table, the check, expression."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import streamlit as st

from core.evidence.faithfulness import Check
from core.render.regulation import MODEL, WITHOUT, expression_chart
from core.render.tables import to_safe_csv
from core.serving import grn_bundle, grn_fit
from core.serving.gene_regulation import Answer, Edge, Regulator
from core.serving.grn_evidence import NOUN, PARTS, Explanation, Link
from core.serving.grn_question import Question
from pages.components import evidence_pane, frame
from pages.components.evidence_pane import Opened
from pages.components.exports import Export, download_row
from pages.components.grn_answers import BY_TEXT, answer_of
from pages.components.rows import show_rows
from pages.components.verdict import choose_size, show_check, show_verdict

CAVEAT = (
    "This checks the reason of the model, not the biology. The score is R² of the change of "
    "expression of the regulator's targets to the next time point, {}. An edge is "
    "taken out by holding the regulator at its mean where that target reads it; other regulators "
    "stay. The look-alikes are as many other genes held at their mean for the same targets."
)
UNMEASURED = (
    "Nothing can be checked here: "
    "{}. The edges are shown as the model has them."
)  # fmt: skip
MARKS = {"kept": "kept", "refused": "refused", "new": "new", "contradicted": "opposite"}


@st.cache_resource(show_spinner="Taking edges out", max_entries=200, hash_funcs=BY_TEXT)
def _explanation(question: Question, name: str, mark: str) -> Explanation:  # noqa: ARG001
    answer = answer_of(question)
    edges = answer.edges_of(answer.regulator(name))
    return Explanation(answer.network, edges, question.seed)


@st.cache_resource(show_spinner="Checking the edges", max_entries=200, hash_funcs=BY_TEXT)
def _check(question: Question, name: str, mark: str, links: tuple[Link, ...]) -> Check:
    return _explanation(question, name, mark).check(links)


def _mark(answer: Answer) -> str:
    return answer.network.artifact.card.files["knowledge.json"]


def explanation_of(answer: Answer, regulator: Regulator) -> Explanation:
    """Shown edges of a regulator, with what they are worth."""
    return _explanation(answer.question, regulator.name, _mark(answer))


def check_of(answer: Answer, regulator: Regulator, links: Sequence[Link]) -> Check:
    """The live check of some of its edges."""
    return _check(answer.question, regulator.name, _mark(answer), tuple(sorted(links)))


def show(answer: Answer, regulator: Regulator, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    explanation = explanation_of(answer, regulator)
    used, measurable = explanation.used, explanation.measurable
    whole = check_of(answer, regulator, used) if measurable else None
    bundle = grn_bundle.bundle(answer, regulator, explanation, whole, created=created)
    check, gone = whole, frozenset[Link]()
    with st.container(key="grn_verdict"):
        if measurable:
            verdict = st.container()
            minimal = explanation.minimal
            num = choose_size(len(used), minimal, key="grn", name=bundle.id, noun=NOUN)
            gone = frozenset(minimal.removed[: max(0, len(used) - num)])
            check = check_of(answer, regulator, [link for link in used if link not in gone])
            with verdict:
                show_verdict(check)
        else:
            why = "the measurements are not part of this model" if used else (
                "the model has no edge of this regulator"
            )  # fmt: skip
            st.info(UNMEASURED.format(why))
    left_out = {f"{regulator} {target}" for regulator, target in gone}
    drawn = replace(
        bundle, minimal=None,
        evidence=tuple(item for item in bundle.evidence if item.id not in left_out),
    )  # fmt: skip
    drawing, narrow = evidence_pane.draw(drawn, permalink)
    details = {
        "Graph": lambda: show_graph(answer, explanation, drawing, narrow),
        "Table": lambda: show_table(answer, explanation, gone),
        "Fit": lambda: show_fit(answer, explanation),
    }
    if check is not None:
        details["Check"] = lambda: show_check(
            check, noun=NOUN[0], caveat=CAVEAT.format(PARTS[explanation.part]), ranked=False
        )
    tabs = st.tabs(list(details), key="grn_tabs", on_change="rerun")
    for tab, draw in zip(tabs, details.values(), strict=True):
        if tab.open:
            with tab, frame.show_errors():
                draw()
    return Opened(bundle, drawing)


def show_graph(answer: Answer, explanation: Explanation, drawing, narrow) -> None:
    """The picture, and a sentence about what is selected in it."""
    selected = evidence_pane.show_graph(drawing, narrow, key="grn")
    if len(explanation.shown) < explanation.num_edges:
        st.markdown(
            f":small[{len(explanation.shown)} of {explanation.num_edges:,} edges of this "
            "regulator: the strongest of the model, and some of the refused ones.]"
        )
    edge = next((one for one in explanation.shown if _id(one) == selected), None)
    if edge is not None:
        with st.container(key="grn_selected"):
            st.markdown(frame.plain(describe(answer, explanation, edge)))


def _id(edge: Edge) -> str:
    return f"{edge.regulator} {edge.target}"


def describe(answer: Answer, explanation: Explanation, edge: Edge) -> str:
    """One edge in a sentence: class, influence, what it is worth."""
    genes = answer.network.genes
    words = (
        f"{genes[edge.regulator]} {edge.relation} {genes[edge.target]}: "
        f"{grn_bundle.WORDS[edge.kind]}"
    )
    rise = _rise(explanation, edge)
    if rise is not None:
        words += f"; without it the error of {genes[edge.target]} changes by {say_share(rise)}"
    return f"{words}."


def _rise(explanation: Explanation, edge: Edge) -> float | None:
    """By which share the error of the target rises, None where it is not measured."""
    link = edge.regulator, edge.target
    if not explanation.measurable or link not in explanation.rises:
        return None
    return explanation.rises[link].share


def say_share(share: float) -> str:
    """A signed share in per cent."""
    text = f"{share:+.0%}".replace("-", "−")
    return "0%" if text in ("+0%", "−0%") else text


def show_table(answer: Answer, explanation: Explanation, gone: frozenset[Link]) -> None:
    """The drawn edges, one line each: what the prior and what the data say."""
    network = answer.network
    shown = [one for one in explanation.shown if (one.regulator, one.target) not in gone]
    rises = explanation.rises if explanation.measurable else {}
    header = [
        "Target", "The data say", "The prior says", "Class", "Influence",
        *(["In runs"] if network.resamples else []), *(["Error without it"] if rises else []),
        *(["True"] if network.truth is not None else []),
    ]  # fmt: skip
    known = network.prior.matrix.any(axis=0)
    rows = [
        [
            network.genes[one.target],
            one.relation if one.in_model else "no edge",
            _say_prior(one, network.prior.signed) if known[one.target] else "nothing on this gene",
            MARKS[one.kind],
            f"{one.influence:+.3f}".replace("-", "−") if one.in_model else "–",
            *([] if one.frequency is None else [f"{one.frequency:.2f}"]),
            *([_say_rise(one, rises)] if rises else []),
            *([("yes" if one.true else "no")] if network.truth is not None else []),
        ]
        for one in shown
    ]
    with st.container(key="grn_edges"):
        show_rows(header, rows, right=("Influence", "In runs", "Error without it"), limit=60)
    if rises:
        st.markdown(
            ":small[Error without it: rise of the root mean square error of the target; • at "
            "least 1 %, and more than 95 % of random edges to the same target. Measured on the "
            f"{explanation.part} part, {explanation.num_transitions} pairs of time points.]"
        )


def _say_prior(edge: Edge, signed: bool) -> str:
    if edge.prior == 0:
        return "no edge"
    if not signed:
        return "edge"
    return "activates" if edge.prior > 0 else "represses"


def _say_rise(edge: Edge, rises) -> str:
    rise = rises.get((edge.regulator, edge.target))
    if rise is None:
        return "–"
    return f"{say_share(rise.share)}{' •' if rise.stands_out else ''}"


def show_fit(answer: Answer, explanation: Explanation) -> None:
    """Expression of a target as measured, and as the model goes on from the first time point."""
    network = answer.network
    samples = grn_fit.held_out(network)
    if not samples or not explanation.used:
        st.info("There is no measured expression to compare with.")
        return
    regulator = explanation.used[0][0]
    left, right = st.columns(2)
    with left:
        target = st.selectbox(
            "Target", [target for _, target in explanation.used], key="grn_target",
            format_func=lambda target: network.genes[target], filter_mode="contains",
        )  # fmt: skip
    with right:
        number = st.selectbox(
            "Sample", range(len(samples)), key="grn_sample",
            format_func=lambda row: f"{samples[row].name} ({samples[row].part})",
        )  # fmt: skip
    if target is None or number is None:
        return
    found = grn_fit.fit(network, regulator, target, samples[number])
    rows, spec = expression_chart(
        found.measured, {MODEL: found.model, WITHOUT: found.without}, found.gene,
        time_unit=network.knowledge["time_unit"], theme=frame.theme(),
    )  # fmt: skip
    st.vega_lite_chart(rows, spec, key="grn_fit")
    st.markdown(
        "The model starts from the first measured time alone. Dashed: the same target when it no "
        f"longer hears {frame.plain(network.genes[regulator])}."
    )
    header, cells = grn_fit.fit_cells(found)
    download_row(
        [Export("Fit CSV", "fit.csv", "text/csv", partial(to_safe_csv, cells, header))],
        key="grn_fit_files",
    )
