"""A molecule on the page: flat picture with facts, alerts, shape in space, two side by side.

The pictures are SVG of our own chemistry worker, shown as images, so nothing in them can run. The
view in space uses 3Dmol.js from this server's static folder and asks no other host.
"""

import py3Dmol
import streamlit as st

from core import chemistry
from core.chemistry import Structure
from core.data.assets import STATIC
from core.errors import InputError
from core.render.molecule import describe_molecule, draw_missing, list_facts, say_comparison
from core.render.palette import THEMES
from pages.components import frame
from pages.components.molecule_editor import static_address
from pages.components.rows import show_rows

SPACE_HEIGHT = 320
SPACE_SCRIPT = "3Dmol-min.js"


def show_molecule(
    structure: Structure, name: str, *, key: str, like: str = "", in_space: bool = True
) -> None:
    """A card: picture, facts, alerts with the atoms they mean, and the shape in space on demand.

    Args:
        structure: a checked structure.
        name: how the page calls it; may be empty.
        key: prefix of the widgets' keys.
        like: SMILES whose orientation the picture takes over.
        in_space: whether to offer the 3-D view.
    """
    with st.container(key=key):
        found = _find_alerts(structure)
        marked = bool(found) and st.session_state.get(f"{key}_alerts", False)
        atoms = sorted({atom for alert in found for atom in alert.atoms}) if marked else []
        show_flat(structure, name, highlight=tuple(atoms), like=like)
        facts = [f"{label} **{frame.plain(value)}**" for label, value in list_facts(structure)]
        st.markdown(" · ".join(facts))
        if found:
            words = f"{len(found)} structural alert{'s' if len(found) > 1 else ''}"
            st.toggle(f"Mark {words}", key=f"{key}_alerts")
        if marked:
            show_rows(["Alert", "List"], [[alert.name, alert.family] for alert in found])
            st.markdown(
                ":small[An alert is a reason to look, not a verdict: many approved drugs have one.]"
            )
        if in_space and st.toggle("3-D view", key=f"{key}_space"):
            with frame.show_errors():
                show_space(structure, name)


def show_flat(
    structure: Structure, name: str, *, highlight: tuple[int, ...] = (), like: str = ""
) -> None:
    """The flat picture alone; a grey box with the reason where it cannot be drawn."""
    dark = _is_dark()
    try:
        svg = chemistry.depict(structure.smiles, name, dark=dark, highlight=highlight, like=like)
    except InputError as error:
        frame.show_error(error)
        svg = draw_missing(dark=dark)
    st.image(svg, alt=describe_molecule(structure, name))


def show_pair(first: Structure, second: Structure, names: tuple[str, str], *, key: str) -> None:
    """Two molecules side by side, turned alike where they have a common core, and how alike."""
    left, right = st.columns(2)
    with left:
        st.markdown(f"**{frame.plain(names[0])}**")
        show_molecule(first, names[0], key=f"{key}_first")
    with right:
        st.markdown(f"**{frame.plain(names[1])}**")
        show_molecule(second, names[1], key=f"{key}_second", like=first.smiles)
    with frame.show_errors():
        comparison = chemistry.compare(first.smiles, second.smiles)
        st.markdown(frame.plain(say_comparison(*names, comparison)))


def show_space(structure: Structure, name: str) -> None:
    """The shape in space, which a person can turn.

    Raises:
        InputError: no conformer, see `core.chemistry.conformer`.
    """
    if not (STATIC / SPACE_SCRIPT).is_file():
        st.info(
            "The 3-D view needs 3Dmol.js in the folder `static`: run `python -m core assets` once "
            "and load this page again.",
            icon=":material/view_in_ar:",
        )
        return
    block = chemistry.conformer(structure.smiles)
    st.iframe(
        _space_page(block),
        height=SPACE_HEIGHT + 10,
        alt=f"3-D model of {describe_molecule(structure, name)}",
    )
    st.markdown(
        ":small[Drag to turn, scroll to come closer. One computed shape of many (ETKDG, MMFF94), "
        "not a measured one.]"
    )


def _space_page(block: str) -> str:
    """A document for the frame; `block` comes from the worker and holds no markup."""
    view = py3Dmol.view(width="100%", height=SPACE_HEIGHT, js=static_address(SPACE_SCRIPT))
    view.addModel(block.replace("<", " "), "mol")
    view.setStyle({"stick": {"radius": 0.14}, "sphere": {"scale": 0.22}})
    view.setBackgroundColor(THEMES["dark" if _is_dark() else "light"]["background"])
    view.zoomTo()
    return (
        '<!DOCTYPE html><html lang="en"><head><title>3-D model</title>'
        f"<style>body{{margin:0}}</style></head><body>{view.write_html()}</body></html>"
    )


def _find_alerts(structure: Structure) -> tuple[chemistry.Alert, ...]:
    """Alerts; none, with the reason shown, when they cannot be computed."""
    with frame.show_errors():
        return chemistry.alerts(structure.smiles)
    return ()


def _is_dark() -> bool:
    return st.context.theme.type == "dark"
