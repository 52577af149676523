"""A structure editor in the browser: JSME, served from this server's static folder."""

from functools import cache
from pathlib import Path

import streamlit as st

from core.data.assets import STATIC

FILES = Path(__file__).with_name("molecule_editor")
SCRIPT = "jsme/jsme.nocache.js"
HEIGHT = 400


@cache
def _read(name: str) -> str:
    return (FILES / name).read_text(encoding="utf-8")


def has_editor() -> bool:
    """Whether the editor's files are there."""
    return (STATIC / SCRIPT).is_file()


def static_address(name: str) -> str:
    """Address of a file of the static folder on this server."""
    base = st.get_option("server.baseUrlPath").strip("/")
    return f"{'/' if base else ''}{base}/app/static/{name}"


def draw_molecule(label: str, *, key: str, start: str = "") -> str:
    """Show the editor; return the SMILES of what is drawn, empty when nothing is.

    Args:
        label: what is drawn; name of the frame for screen readers.
        key: key of the component.
        start: SMILES shown when the editor opens.
    """
    renderer = st.components.v2.component(
        "parsimony_molecule_editor",
        html=_read("editor.html"),
        css=_read("editor.css"),
        js=_read("editor.js"),
    )
    result = renderer(
        key=key,
        data={
            "script": static_address(SCRIPT),
            "smiles": start,
            "height": HEIGHT,
            "title": f"Structure editor: {label}",
        },
        default={"smiles": start},
        on_smiles_change=lambda: None,
    )
    return result.smiles if isinstance(result.smiles, str) else ""
