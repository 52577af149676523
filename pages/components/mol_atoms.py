"""Which atoms the prediction rests on: a coloured picture, its table, and the same live check."""

import streamlit as st

from core import chemistry
from core.evidence.faithfulness import Check
from core.render.molecule import describe_molecule
from core.serving import mol_evidence
from core.serving import molecular_property as mol
from pages.components import frame
from pages.components.mol_answers import BY_TEXT
from pages.components.rows import show_rows
from pages.components.verdict import show_change, show_verdict

SHOWN_GROUPS = 10


@st.cache_resource(show_spinner="Masking atoms", max_entries=200, hash_funcs=BY_TEXT)
def _effects(question: mol.Question, row_id: str) -> mol_evidence.AtomEffects:
    return mol_evidence.atoms(question, row_id)


@st.cache_resource(show_spinner="Checking the atoms", max_entries=200, hash_funcs=BY_TEXT)
def _check(question: mol.Question, row_id: str, atoms: tuple[int, ...]) -> Check:
    return mol_evidence.check_atoms(question, row_id, frozenset(atoms))


def show(answer: mol.Answer, one: mol.Prediction) -> None:
    """Picture, legend, table of groups, verdict."""
    found = _effects(answer.question, one.row.id)
    dark = st.context.theme.type == "dark"
    left, right = st.columns([4, 5])
    with left, st.container(key="mol_atom_map"):
        picture = chemistry.atom_picture(
            found.smiles, found.effects, one.row.title, dark=dark, width=440, height=330
        )
        described = describe_molecule(one.row.molecule.structure, one.row.title)
        st.image(picture, alt=f"Atom map of {described}. {found.statement}")
        st.markdown(
            ":small[Blue halo: the atom raises P(active); orange: it lowers it; none: no effect. "
            "The strongest atom has the full colour; the table has the signs and numbers.]"
        )
    with right:
        st.markdown(frame.plain(found.statement))
        if found.cited:
            show_verdict(_check(answer.question, one.row.id, found.cited))
        with st.container(key="mol_atom_groups"):
            show_rows(
                ("Atoms", "Effect", "Direction"),
                [
                    (
                        group.name, show_change(group.effect),
                        "towards active" if group.effect > 0 else "against",
                    )
                    for group in found.groups[:SHOWN_GROUPS]
                ],
                right=("Effect",),
            )  # fmt: skip
