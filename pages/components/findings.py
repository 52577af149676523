"""What was noticed in a person's files: each with what can be done about it."""

from collections.abc import Callable, Collection, Sequence

import streamlit as st

from core.data.findings import Finding
from pages.components import frame

MAX_FINDINGS = 12


def show_findings(
    findings: Sequence[Finding], *, prefix: str, repair: Callable[[str], None]
) -> None:  # fmt: skip
    """One box each, blocking ones in red; repairs are buttons.

    Args:
        findings: in the order of the boxes; the first 12 are shown.
        prefix: of the keys.
        repair: takes the key of a repair that was pressed.
    """
    for number, finding in enumerate(findings[:MAX_FINDINGS]):
        text = f"**{frame.plain(finding.code)} · {frame.plain(finding.title)}**\n\n"
        text += f"{frame.plain(finding.problem)} {frame.plain(finding.hint)}"
        if finding.blocking:
            st.error(text, icon=":material/error:")
        else:
            st.warning(text, icon=":material/info:")
        if finding.repairs:
            with st.container(horizontal=True, key=f"{prefix}_repairs_{number}"):
                for one in finding.repairs:
                    st.button(
                        frame.plain(one.label), key=f"{prefix}_repair_{number}_{one.key}",
                        on_click=repair, args=(one.key,),
                    )  # fmt: skip
    if len(findings) > MAX_FINDINGS:
        st.markdown(f"And {len(findings) - MAX_FINDINGS:,} more of the kind.")


def show_applied(
    repairs: Collection[str], *, prefix: str, repair: Callable[[str], None]
) -> None:  # fmt: skip
    """Repairs that were chosen; a button takes one back."""
    if repairs:
        with st.container(horizontal=True, key=f"{prefix}_applied"):
            st.markdown("Applied:")
            for key in sorted(repairs):
                st.button(
                    frame.plain(f"{key} (take back)"), key=f"{prefix}_applied_{key}",
                    on_click=repair, args=(key,),
                )  # fmt: skip
