"""Candidates by scaffold: one row per ring system, best first."""

from collections import defaultdict

import streamlit as st

from core import chemistry
from core.errors import InputError
from core.render.molecule import draw_missing
from core.serving import molecular_property as mol
from pages.components.mol_table import Cell, Column, Line, show_table
from pages.components.verdict import show_score

NUM_LISTED = 20
CHAIN = "open chain"


def show(answer: mol.Answer) -> None:
    """Scaffolds with the number of candidates, the best of them, and the known molecules."""
    found: dict[str, list[mol.Prediction]] = defaultdict(list)
    for one in answer.ranked:
        found[one.row.molecule.scaffold].append(one)
    known: dict[str, list[str]] = defaultdict(list)
    for row in answer.support:
        known[row.molecule.scaffold].append(row.id)
    columns = [
        Column("structure", "Scaffold"),
        Column("number", "Candidates", number=True),
        Column("best", "Best"),
        Column("probability", "P(active)", number=True),
        Column("known", "Known molecules"),
    ]
    lines = []
    for number, (scaffold, members) in enumerate(list(found.items())[:NUM_LISTED], start=1):
        best = members[0]  # ranked already
        cells = (
            _picture(scaffold),
            Cell(f"{len(members):,}"),
            Cell(f"{best.row.title}, # {best.rank}"),
            Cell(show_score(best.probability)),
            Cell(", ".join(known[scaffold]) or "none"),
        )
        lines.append(Line(str(number), cells))
    caption = f"{min(len(found), NUM_LISTED):,} of {len(found):,} scaffolds, best candidate first"
    with st.container(key="mol_series_rows"):
        show_table(caption, columns, lines, key="mol_series_table")
    st.markdown(
        "A scaffold is the ring systems with what links them (Bemis and Murcko, 1996). One that "
        "no known molecule has is new ground for the model."
    )


def _picture(scaffold: str) -> Cell:
    dark = st.context.theme.type == "dark"
    if not scaffold:
        return Cell(CHAIN)
    try:
        return Cell(f"Scaffold {scaffold}", chemistry.depict(scaffold, dark=dark))
    except InputError:
        return Cell(f"Scaffold {scaffold}", draw_missing(dark=dark))
