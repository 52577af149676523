"""Beside the network: rivals, degrees of trust, wrong priors, two networks, cost, history."""

from collections.abc import Mapping

import streamlit as st

from core.render.regulation import pruning_chart, trust_chart
from core.serving import grn_compare
from core.serving.gene_regulation import Answer
from core.serving.grn_compare import View
from core.serving.grn_question import EXAMPLE
from pages.components import frame, grn_state, history
from pages.components.rows import show_rows

FIGURES = {
    "test_mse": "test error (MSE)", "valid_mse": "validation error (MSE)",
    "balanced_accuracy": "balanced accuracy", "sparsity": "pruned",
}  # fmt: skip
COMPARED = {
    "sparsity": "pruned, of all weights", "valid_mse": "error (MSE), the validation part",
    "balanced_accuracy": "balanced accuracy, the true network",
    "seconds": "one training (s), the machine that ran it",
}  # fmt: skip
DRAWN = ("test_mse", "balanced_accuracy", "valid_mse")  # the first two that were measured
WORDS = """
1. A small network learns how fast each gene's expression changes, from the measured time points:
   an additive and a multiplicative block of neurons, each gene with its own rate.
2. While it learns, weights are **pruned** step by step. Each weight is judged by its size *and* by
   how well it fits the prior; λ is the trust in the prior: 0 is plain magnitude pruning, 1 keeps
   what the prior says.
3. What is left is read out as a gene-to-gene effect. An edge of the prior that is left is *kept*,
   one that is gone is *refused*, an edge that the prior did not have is *new*.
4. The training is repeated on resampled measurements; *selected in runs* is the share of them that
   keep an edge.
"""


def show_rivals(answer: Answer) -> None:
    """Error and accuracy over sparsity, every method with the same seeds."""
    figures = [name for name in DRAWN if grn_compare.curve(answer, name)]
    if not figures:
        st.markdown("No rival was trained on these measurements.")
        return
    for figure, side in zip(figures[:2], st.columns(2), strict=False):
        rows, spec = pruning_chart(
            [(one.method, one.sparsity, one.value) for one in grn_compare.curve(answer, figure)],
            FIGURES[figure], theme=frame.theme(),
        )  # fmt: skip
        with side:
            st.vega_lite_chart(rows, spec, key=f"grn_curve_{figure}")
    names = [name for name in FIGURES if name in figures or name == "sparsity"]
    with st.container(key="grn_rivals"):
        show_rows(
            ("At the last step", *(FIGURES[name] for name in names)),
            [
                (method, *(say(name, found.get(name)) for name in names))
                for method, found in grn_compare.at_the_end(answer)
            ],
            right=[FIGURES[name] for name in names],
        )  # fmt: skip
    seeds = {one.method: one.seeds for one in grn_compare.curve(answer, "valid_mse")}
    listed = ", ".join(f"{method} {number}" for method, number in seeds.items())
    st.markdown(
        f":small[Means over seeds ({listed}). Magnitude: pruned without the prior; prior only: "
        "pruned by the prior alone."
        + (
            " Balanced accuracy: edges against the true network of the simulation."
            if "balanced_accuracy" in figures
            else ""
        )
        + "]"
    )


def say(name: str, value: float | None) -> str:
    """One figure for a table."""
    if value is None:
        return "–"
    if name == "sparsity":
        return f"{value:.1%}"
    if name == "seconds":
        return f"{value:.1f}"
    return f"{value:.3f}" if name == "balanced_accuracy" else f"{value:.2e}"


def show_trust(answer: Answer) -> None:
    """The same measurements with other degrees of trust, and with other shares of wrong edges."""
    views = grn_compare.trust_views(answer)
    if views:
        _show_trust(views)
    wrong = grn_compare.corruption(answer)
    if wrong:
        share = st.select_slider(
            "Share of wrong edges in the prior", list(wrong), key="grn_wrong",
            format_func=lambda share: f"{share:.0%}",
        )  # fmt: skip
        with st.container(key="grn_corruption"):
            show_rows(
                ("Method", "Balanced accuracy", "Test error (MSE)"),
                [
                    (method, say("balanced_accuracy", accuracy), say("test_mse", error))
                    for method, accuracy, error in wrong[share]
                ],
                right=("Balanced accuracy", "Test error (MSE)"),
            )
    if not views and not wrong:
        st.markdown("Only the built-in example was trained with every degree of trust.")


def _show_trust(views: list[View]) -> None:
    by_trust = {view.trust: view for view in views}
    chosen = st.select_slider(
        "Trust in the prior (λ), trained beforehand", list(by_trust), key="grn_trust_shown",
        format_func=lambda trust: f"{trust:g}",
    )  # fmt: skip
    view = by_trust[chosen]
    counts, figures = view.counts, view.figures
    with st.container(key="grn_trust_counts"):
        st.markdown(
            f"**{view.name}**: {sum(counts.values()):,} edges = {counts['kept']:,} kept + "
            f"{counts['refused']:,} refused + {counts['new']:,} new + "
            f"{counts['contradicted']:,} opposite; "
            + ", ".join(f"{FIGURES[name]} {say(name, figures.get(name))}"
                        for name in ("sparsity", "valid_mse", "balanced_accuracy"))
        )  # fmt: skip
    for name, side in zip(("valid_mse", "balanced_accuracy"), st.columns(2), strict=True):
        points = [(one.trust, one.figures[name]) for one in views if name in one.figures]
        if points:
            rows, spec = trust_chart(points, FIGURES[name], chosen, theme=frame.theme())
            with side:
                st.vega_lite_chart(rows, spec, key=f"grn_trust_{name}")


def show_compare(answer: Answer) -> None:
    """Two networks side by side, where they disagree most."""
    views = {view.name: view for view in grn_compare.views(answer)}
    chosen = st.multiselect(
        "Two networks", list(views), key="grn_compare_names", max_selections=2,
        select_all=False, placeholder="Choose two",
    )  # fmt: skip
    if len(chosen) < 2 or not set(chosen) <= set(views):
        return
    one, other = (views[name] for name in chosen)
    with st.container(key="grn_disagreement"):
        show_rows(
            ("Edge", *chosen),
            [
                (f"{edge.regulator} → {edge.target}", *(_signed(value) for value in edge.values))
                for edge in grn_compare.disagree(answer, one, other)
            ],
            right=chosen, limit=60,
        )  # fmt: skip
    st.markdown(
        ":small[Influence as a share of the largest one of each network, the largest difference "
        "first; 0 is no edge.]"
    )
    with st.container(key="grn_compared"):
        show_rows(
            ("Measured on", *chosen),
            [
                *((word, f"{one.counts[kind]:,}", f"{other.counts[kind]:,}")
                  for kind, word in (("kept", "Edges kept from the prior"), ("refused", "refused"),
                                     ("new", "new"), ("contradicted", "opposite"))),
                *((words, say(name, one.figures.get(name)), say(name, other.figures.get(name)))
                  for name, words in COMPARED.items()
                  if name in one.figures or name in other.figures),
            ],
            right=chosen, limit=60,
        )  # fmt: skip


def _signed(value: float) -> str:
    return "0" if value == 0 else f"{value:+.2f}".replace("-", "−")


def show_ledger(answer: Answer | None) -> None:
    """How it works, and what it cost."""
    st.markdown(WORDS)
    if answer is not None:
        with st.container(key="grn_costs"):
            show_rows(
                ("Measured", "Value"), grn_compare.costs(answer), right=("Value",), limit=90
            )  # fmt: skip


def show_history() -> None:
    """One button per earlier question of this session; measured data may be a secret."""
    mine = st.session_state.get(grn_state.MINE, [])

    def allowed(query: Mapping[str, object]) -> bool:
        kind, _, name = str(query["source"]).partition(":")
        return kind == EXAMPLE or name in mine

    history.show(grn_state.STATE, allowed=allowed)
