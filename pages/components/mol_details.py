"""Details of the evidence: known molecules, scaffold, the molecule itself, depth."""

from collections.abc import Collection

import streamlit as st

from core.serving import mol_evidence, mol_training
from core.serving import molecular_property as mol
from core.serving.few_shot import open_model
from core.serving.molecule_table import TableRow
from pages.components import frame
from pages.components.mol_answers import STATUS
from pages.components.mol_table import Cell, Column, Line, Track, picture_cell, show_table
from pages.components.molecule_view import show_molecule
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_score


def show_support(
    one: mol.Prediction, explanation: mol_evidence.Explanation, kept: Collection[str]
) -> None:
    """The known molecules, each with what leaving it out changes.

    Args:
        one: the candidate.
        explanation: its evidence.
        kept: ids of the molecules that are shown as evidence now.
    """
    st.markdown(frame.plain(explanation.statement))
    largest = max((abs(effect.effect) for effect in explanation.support), default=0.0) or 1.0
    weighted = any(effect.relation is not None for effect in explanation.support)
    columns = [
        Column("id", "Row", words=True),
        Column("structure", "Structure"),
        Column("name", "Name"),
        Column("label", "Label", words=True),
        Column("effect", "Effect", number=True),
        Column("similarity", "Similarity", number=True),
        Column("evidence", "Evidence", words=True),
    ]
    if weighted:
        columns.insert(5, Column("relation", "Relation", number=True))
    lines = []
    for effect in explanation.support:
        row = effect.row
        cells = [
            Cell(row.id),
            picture_cell(row, like=one.row.smiles),
            Cell(row.title),
            Cell(f"{'●' if row.role == 'active' else '○'} {row.role}"),
            Cell(show_change(effect.effect), track=Track(effect.effect / largest, signed=True)),
            Cell(f"{effect.similarity:.2f}"),
            Cell("cited" if row.id in kept else "–"),
        ]
        if weighted:
            cells.insert(5, Cell(f"{effect.relation:.3f}"))
        lines.append(Line(row.id, tuple(cells)))
    with st.container(key="mol_support"):
        show_table("Known molecules, strongest effect first", columns, lines, key="mol_support_of")
    words = " **Relation** is the weight the model learned (not proof)." if weighted else ""
    st.markdown(
        "**Effect**: how much having this molecule changes P(active), measured by leaving it out; "
        f"blue raises it, orange lowers it.{words} **Similarity**: Tanimoto, ECFP4."
    )


def show_scaffold(answer: mol.Answer, one: mol.Prediction) -> None:
    """Molecules with the same Murcko scaffold, known and predicted."""
    scaffold = one.row.molecule.scaffold
    if not scaffold:
        st.markdown("An open chain: it has no ring system to be grouped by.")
        return
    st.markdown("Ring system of this molecule (Murcko scaffold):")
    st.code(scaffold, language=None, wrap_lines=True)
    known = [row for row in answer.support if row.molecule.scaffold == scaffold]
    others = [
        each for each in answer.ranked
        if each.row.molecule.scaffold == scaffold and each.row.id != one.row.id
    ]  # fmt: skip
    if not known and not others:
        st.markdown("No other molecule of these lists has it.")
        return
    lines = [_series_line(row, f"known {row.role}") for row in known]
    lines += [
        _series_line(each.row, f"P(active) {show_score(each.probability)}, # {each.rank}")
        for each in others[:10]
    ]
    columns = [
        Column("id", "Row", words=True), Column("structure", "Structure"), Column("name", "Name"),
        Column("value", "Label or prediction"),
    ]  # fmt: skip
    with st.container(key="mol_scaffold"):
        caption = f"{len(known) + len(others):,} with the same scaffold"
        show_table(caption, columns, lines, key="mol_scaffold_of")


def _series_line(row: TableRow, value: str) -> Line:
    return Line(row.id, (Cell(row.id), picture_cell(row), Cell(row.title), Cell(value)))


def show_molecule_of(answer: mol.Answer, one: mol.Prediction) -> None:
    """The molecule as it was read, as it was given, and what the training had that is like it."""
    row = one.row
    left, right = st.columns([3, 4])
    with left:
        show_molecule(row.molecule.structure, row.title, key=f"mol_card_{row.id}")
    with right:
        facts = [
            ("Row", f"{row.place}, {row.id}"),
            ("Status", STATUS[row.status]),
            ("As given", row.text.strip().split("\n", 1)[0]),
            ("Standardised", row.smiles),
            ("InChIKey", row.molecule.key or "–"),
            ("Changed", "; ".join(row.molecule.changes) or "nothing"),
            ("Scaffold", row.molecule.scaffold or "open chain"),
            *row.fields,
        ]
        with st.container(key="mol_facts"):
            show_rows(("What", "Value"), facts, limit=200)
        _show_trained(answer, row)


def _show_trained(answer: mol.Answer, row: TableRow) -> None:
    """The nearest training molecule, or that the data set is not here."""
    model = open_model(answer.model)
    if not model.neural:
        return
    with st.spinner("Comparing with the training molecules"):
        found = mol_training.nearest(model, row.molecule)
    if found is None:
        data = model.artifact.card.data
        command = f"python -m core data get {data.name.removesuffix(mol_training.PAPER)}"
        st.markdown(
            "Nearest training molecule: not known, the data set is not on this server. "
            f"`{command}` brings it."
        )
        return
    with st.container(key="mol_trained"):
        show_rows(
            ("Nearest training molecule", "Similarity", "Active in training assays"),
            [(found.smiles, f"{found.similarity:.2f}",
              f"{found.num_active} of {found.num_measured} measured")],
            right=("Similarity",), limit=200,
        )  # fmt: skip
    st.markdown(
        "The nearer it is, the more of the prediction may be memory of its labels in other assays."
    )
