"""Scores in words, and the live check as a person reads it; shared by all pages with evidence."""

import streamlit as st

from core.evidence.faithfulness import Check, Minimal
from pages.components import frame

VERDICTS = {"SUPPORTED": "✓ supported", "PARTLY": "~ partly", "NOT SUPPORTED": "✗ not supported"}
BADGES = {
    "SUPPORTED": ("green", ":material/check:"),
    "PARTLY": ("orange", ":material/remove:"),
    "NOT SUPPORTED": ("red", ":material/close:"),
}
CAVEAT = (
    "This checks the reason of the model, not the truth of the answer. A graph without some of its "
    "facts is not what the model was trained on; the random look-alikes show how much of the fall "
    "comes from that alone."
)


def show_score(score: float) -> str:
    """Three digits; never a rounded 0 or 1."""
    if score < 0.0005:
        return "<0.001"
    return ">0.999" if score > 0.9995 else f"{score:.3f}"


def show_change(change: float) -> str:
    """A signed difference of scores."""
    if abs(change) < 0.0005:
        return "0.000"
    return f"{'−' if change < 0 else '+'}{abs(change):.3f}"


def unbroken(text: str) -> str:
    """Text that stays on one line of a narrow cell."""
    return text.replace(" ", "\u00a0")


def verdict_cell(check: Check | None, *, waits: bool) -> str:
    """The verdict and what taking the evidence away changes; a dash before anybody asked."""
    if waits:
        return "checking…"
    if check is None:
        return "–"
    return f"{unbroken(VERDICTS[check.verdict])} {show_change(-check.delta_remove)}"


def show_verdict(check: Check) -> None:
    """The verdict as a word with a sign, and its sentence."""
    color, icon = BADGES[check.verdict]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.badge(check.verdict, color=color, icon=icon)
        st.markdown(frame.plain(check.sentence))


def choose_size(
    total: int,
    minimal: Minimal,
    *,
    key: str,
    name: str,
    noun: tuple[str, str] = ("fact", "facts"),
) -> int:
    """The slider from all facts to the smallest set; returns the number of facts to show.

    Args:
        total: number of facts of the whole evidence.
        minimal: the smallest set.
        key: prefix of the keys.
        name: id of the evidence; another evidence begins with all facts again.
        noun: one item and several items of evidence in words.
    """
    one, several = noun
    least = len(minimal.items)
    if not minimal.reached:
        st.markdown(
            f"Even all {total} {several} together bring back less than {minimal.level:.0%} of the "
            "score, so no smaller set is offered."
        )
        return total
    if least == 0:
        st.markdown(f"**No {one} is needed**: the question alone gives this score.")
        return total
    level = f"{minimal.level:.0%} of the score"
    if least == total:
        words = f"The only {one} is" if total == 1 else f"All {total} {several} are"
        st.markdown(f"**{words} needed**: with one {one} less, less than {level} is left.")
        return total
    with st.container(key=f"{key}_minimal"):
        words = f"{several} is" if least == 1 else f"{several} are"
        second = ""
        if minimal.second:
            second = f" A second, independent set of {len(minimal.second)} is enough too."
        st.markdown(f"**{least} of {total} {words} enough**; they keep at least {level}.{second}")
        return st.slider(
            f"{several.capitalize()} shown, from the smallest set to all", least, total, total,
            key=f"{key}_size_{name}",
        )  # fmt: skip


def show_check(
    check: Check, *, noun: str = "fact", caveat: str = CAVEAT, ranked: bool = True
) -> None:
    """Four bars, the verdict, and what the check cannot say.

    Args:
        check: the check.
        noun: one item of evidence in words.
        caveat: what the check cannot say.
        ranked: whether the answer has a rank among others.
    """

    def rank(text: str) -> str:
        return text if ranked else ""

    _bar("Score with everything", check.score_all, rank(f"rank {check.rank_all:g}"))
    _bar("Without this evidence", check.score_without, rank(f"rank {check.rank_without:g}"))
    _bar("With only this evidence", check.score_only, rank(f"rank {check.rank_only:g}"))
    control = check.control
    if control.k:
        low, high = check.score_all - control.p95, check.score_all - control.p05
        _bar(
            f"Without {control.k} random look-alikes", check.score_all - control.median,
            f"5 to 95 %: {low:.3f} to {high:.3f}"
            + rank(f", rank {control.rank_p05:g} to {control.rank_p95:g}"),
        )  # fmt: skip
    show_verdict(check)
    st.markdown(
        f"The evidence keeps {check.rho_keep:.0%} of what all {noun}s add to the score "
        f"(ρ = {check.rho_keep:.2f}, needed {check.thresholds.sufficiency:.2f}); without it the "
        f"score falls by {check.delta_remove:.3f} (needed {check.required_drop:.3f}). "
        f"With no {noun} at all the score is {check.score_empty:.3f}."
    )
    st.markdown(caveat)


def _bar(label: str, score: float, note: str) -> None:
    note = f" · {note}" if note else ""
    st.progress(min(1.0, max(0.0, score)), text=f"{label}: **{show_score(score)}**{note}")
