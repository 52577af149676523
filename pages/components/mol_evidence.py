"""The evidence of one candidate: verdict, smallest set of known molecules, and the details."""

from collections.abc import Sequence
from dataclasses import replace

import streamlit as st

from core.evidence.bundle import Bundle
from core.evidence.faithfulness import Check, Minimal
from core.render.graph import GraphDrawing
from core.render.molecule import say_set
from core.serving import kg_bundle, mol_bundle, mol_evidence
from core.serving import molecular_property as mol
from pages.components import evidence_pane, evidence_view, frame, mol_atoms, mol_card, mol_details
from pages.components.evidence_pane import Opened
from pages.components.mol_answers import BY_TEXT, explanation_of
from pages.components.verdict import choose_size, show_check, show_score, show_verdict

SUPPORT_TABS = ("Known molecules", "Graph", "Table", "Check")  # not with a task card
NOUN = ("molecule", "molecules")
EFFECT = "effect of leaving it out (measured)"
RELATION = "learned relation, as in the paper (not proof)"
NUM_RELATED = 12
CAVEAT = (
    "This checks the reason of the model, not the truth of the answer. Fewer known molecules are a "
    "harder task for any model; the random look-alikes show how much of the fall comes from that "
    "alone. The score is the probability of the predicted class."
)
EXPERIENCE = {
    "inside": "● Inside the model's experience",
    "border": "◐ At the border of the model's experience",
    "outside": "○ Outside the model's experience",
}
TABS = ("Atoms", "Same scaffold", "Molecule")


@st.cache_resource(show_spinner="Checking the evidence", max_entries=500, hash_funcs=BY_TEXT)
def _check(question: mol.Question, row_id: str, ids: tuple[str, ...]) -> Check:
    return mol_evidence.check(question, row_id, frozenset(ids))


@st.cache_resource(
    show_spinner="Looking for the smallest evidence", max_entries=500, hash_funcs=BY_TEXT
)
def _minimise(question: mol.Question, row_id: str) -> Minimal:
    return mol_evidence.minimise(question, row_id, explanation_of(question, row_id).cited)


def choose_row(answer: mol.Answer) -> mol.Prediction | None:
    """Let a person pick the candidate whose evidence is shown; None when none is scored."""
    rows = {one.row.id: one for one in answer.ranked}
    if not rows:
        st.info("No candidate could be predicted, so there is nothing to explain.")
        return None
    if st.session_state.get("mol_row") not in rows:
        st.session_state["mol_row"] = answer.ranked[0].row.id
    chosen = st.selectbox(
        "Evidence for", list(rows), key="mol_row", filter_mode="contains",
        format_func=lambda key: f"{rows[key].rank} · {rows[key].row.title}"[:80],
    )  # fmt: skip
    return rows[chosen]


def opened_row(answer: mol.Answer) -> str:
    """Id of the candidate whose evidence is shown; empty when none is scored."""
    found = {one.row.id for one in answer.ranked}
    kept = st.session_state.get("mol_row")
    return kept if kept in found else next((one.row.id for one in answer.ranked), "")


def bundle_of(answer: mol.Answer, one: mol.Prediction, created: str) -> Bundle:
    """The candidate with its whole evidence, checked and minimised."""
    question, row_id = answer.question, one.row.id
    explanation = explanation_of(question, row_id)
    check = minimal = None
    if explanation.support:
        check = _check(question, row_id, explanation.cited)
        minimal = _minimise(question, row_id)
    return mol_bundle.bundle(answer, one, explanation, check, minimal, created=created)


def show(answer: mol.Answer, one: mol.Prediction, *, created: str, permalink: str) -> Opened:
    """Draw the evidence pane."""
    question, row_id = answer.question, one.row.id
    _say_prediction(answer, one)
    explanation = explanation_of(question, row_id)
    bundle = bundle_of(answer, one, created)
    cited, check = explanation.cited, None
    if explanation.support:
        minimal = _minimise(question, row_id)
        verdict = st.container(key="mol_verdict")
        num_shown = choose_size(len(cited), minimal, key="mol", name=bundle.id, noun=NOUN)
        gone = set(minimal.removed[: max(0, len(cited) - num_shown)])
        cited = tuple(id_ for id_ in cited if id_ not in gone)
        check = _check(question, row_id, cited)
        with verdict:
            show_verdict(check)
        shown = kg_bundle.show_remaining(_only(bundle, explanation.cited), num_shown)
    else:
        st.info(frame.plain(explanation.statement), icon=":material/info:")
        shown = bundle
    drawing, narrow = evidence_pane.draw(shown, permalink)
    names = [*(SUPPORT_TABS if check else ()), *TABS]
    if explanation.depth_scores:
        names.append("Depth")
    tabs = dict(zip(names, st.tabs(names, key="mol_tabs", on_change="rerun"), strict=True))
    details = {
        "Known molecules": lambda: mol_details.show_support(one, explanation, cited),
        "Atoms": lambda: mol_atoms.show(answer, one),
        "Graph": lambda: _show_graph(drawing, narrow, bundle, explanation, permalink),
        "Table": lambda: evidence_view.show_table(drawing, key="mol_evidence_table"),
        "Check": lambda: show_check(check, noun=NOUN[0], caveat=CAVEAT),
        "Same scaffold": lambda: mol_details.show_scaffold(answer, one),
        "Molecule": lambda: mol_details.show_molecule_of(answer, one),
        "Depth": lambda: mol_card.show_depth(answer, one, explanation),
    }
    for name, tab in tabs.items():
        if tab.open:
            with tab, frame.show_errors():
                details[name]()
    return Opened(bundle, drawing)


def _only(bundle: Bundle, ids: Sequence[str]) -> Bundle:
    """The bundle with some of its known molecules alone."""
    return replace(
        bundle,
        evidence=tuple(item for item in bundle.evidence if item.id in ids),
        layout=tuple(one for one in bundle.layout if one.role == "query" or one.id in ids),
    )


def _show_graph(
    drawing: GraphDrawing,
    narrow: GraphDrawing,
    bundle: Bundle,
    explanation: mol_evidence.Explanation,
    permalink: str,
) -> None:
    """Known molecules and candidate, joined by measured effects or by learned relations."""
    relations = {
        one.row.id: one.relation for one in explanation.support if one.relation is not None
    }
    by_relation = relations and st.radio(
        "Molecules chosen, and width drawn, by", (False, True), key="mol_relations",
        horizontal=True, format_func=lambda learned: RELATION if learned else EFFECT,
    )  # fmt: skip
    if by_relation:
        strongest = sorted(relations, key=relations.get, reverse=True)[:NUM_RELATED]
        learned = _only(mol_bundle.relations(bundle, explanation), strongest)
        drawing, narrow = evidence_pane.draw(learned, permalink)
    evidence_pane.show_graph(drawing, narrow, key="mol")


def _say_prediction(answer: mol.Answer, one: mol.Prediction) -> None:
    """The three signals in words: probability and range, set, domain."""
    spread = ""
    if one.low is not None:
        spread = f" (5 to 95 % over re-drawn known molecules: {one.low:.2f} to {one.high:.2f})"
    st.markdown(
        f"**{frame.plain(one.row.title)}**: P(active) **{show_score(one.probability)}**{spread}, "
        f"place {one.rank:,} of {len(answer.ranked):,} · set: **{say_set(one.classes)}**"
    )
    if one.domain is not None:
        st.markdown(f"{EXPERIENCE[one.domain.flag]}: {frame.plain(one.domain.reason)}")
    for remark in (*one.row.remarks, *one.flags):
        st.markdown(f":small[{frame.plain(remark.code)} · {frame.plain(remark.text)}]")
