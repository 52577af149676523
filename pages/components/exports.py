"""Downloads and permalinks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import streamlit as st


@dataclass(frozen=True)
class Export:
    """One file a person can take along.

    Attributes:
        label: text of the button, for example "CSV".
        file_name: name proposed to the browser.
        mime: media type, for example ``text/csv``.
        data: the content, or a function that makes it when the button is pressed.
    """

    label: str
    file_name: str
    mime: str
    data: bytes | str | Callable[[], bytes | str]


def download_row(exports: Sequence[Export], *, key: str = "export") -> None:
    """Draw one row of download buttons; pressing one does not rerun the page.

    Args:
        exports: the files, in the order of the buttons.
        key: prefix of the buttons' keys, which become ``<key>_<label>`` in lower case.
    """
    with st.container(key=f"{key}_row", horizontal=True):
        for export in exports:
            st.download_button(
                export.label,
                export.data,
                file_name=export.file_name,
                mime=export.mime,
                key=f"{key}_{export.label.lower().replace(' ', '_')}",
                on_click="ignore",
                icon=":material/download:",
            )


def permalink(page: str, parameters: Mapping[str, str | int | float | Sequence[str]]) -> str:
    """Address of an answer on this server, for example ``/kg_reasoning?graph=umls&head=3``.

    Args:
        page: the page's file name without ``.py``.
        parameters: identifiers and numbers; a sequence becomes a repeated parameter; empty values
            are left out.
    """
    kept = {name: value for name, value in parameters.items() if value not in ("", None, (), [])}
    query = urlencode(kept, doseq=True)
    return f"/{page}?{query}" if query else f"/{page}"


def copy_link(page: str, parameters: Mapping[str, str | int | float | Sequence[str]]) -> None:
    """Show the link to this answer as text, with a copy button.

    The part before the page's name is taken from the browser's address, so that the copied text
    works elsewhere too; without a browser the relative address is shown.
    """
    address = permalink(page, parameters)
    base = (st.context.url or "").rstrip("/").removesuffix(f"/{page}")
    with st.container(key="copy_link"):
        st.caption("Link to this answer")
        st.code(base + address, language=None, wrap_lines=True)
