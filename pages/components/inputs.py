"""Input widgets shared by the pages."""

from collections.abc import Mapping

import streamlit as st

MAX_OPTIONS = 2000
MAX_MATCHES = 50


def choose_name(
    label: str,
    names: Mapping[str, str],
    *,
    key: str,
    default: str | None = None,
    help: str | None = None,
    with_ids: bool = True,
) -> str | None:
    """Let a person pick one thing by name or id.

    Up to 2,000 things are offered in one list that filters while typing. Beyond that the list
    would be sent to the browser at every click, so a search field narrows it to 50 matches first.

    Args:
        label: visible label.
        names: display name by id, in the order of the list.
        key: key of the widget that holds the id; the search field's is ``<key>_search``.
        default: id chosen at first.
        help: tooltip.
        with_ids: whether the id is shown behind the name.

    Returns:
        The chosen id, or None when nothing is chosen or nothing matches.
    """
    options = list(names)
    if len(options) > MAX_OPTIONS:
        query = st.text_input(
            f"{label}: search",
            value=names.get(default, ""),
            key=f"{key}_search",
            help=help,
            placeholder="Part of a name or id",
            max_chars=200,
        )
        options = match_names(query, names)
        if not options:
            st.caption("No name or id contains this text.")
    chosen = st.selectbox(
        label,
        options,
        index=options.index(default) if default in options else (0 if options else None),
        format_func=lambda identifier: (
            show_name(identifier, names) if with_ids else names.get(identifier, identifier)
        ),
        key=key,
        help=help,
        placeholder="Type a name or an id",
        filter_mode="contains",
    )
    return chosen if chosen in names else None


def match_names(query: str, names: Mapping[str, str], limit: int = MAX_MATCHES) -> list[str]:
    """Ids whose name or id contains `query`, best first.

    Order: exact, then beginning with it, then containing it; within each as in `names`. The empty
    query matches everything.

    Args:
        query: text, compared without regard to case.
        names: display name by id.
        limit: most ids returned.
    """
    wanted = query.strip().casefold()
    exact, beginning, containing = [], [], []
    for identifier, name in names.items():
        texts = identifier.casefold(), name.casefold()
        if wanted in texts:
            exact.append(identifier)
        elif any(text.startswith(wanted) for text in texts):
            beginning.append(identifier)
        elif any(wanted in text for text in texts):
            containing.append(identifier)
    return (exact + beginning + containing)[:limit]


def show_name(identifier: str, names: Mapping[str, str]) -> str:
    """``Name (id)``, or the id alone where the two are equal."""
    name = names.get(identifier, identifier)
    return name if name == identifier else f"{name} ({identifier})"
