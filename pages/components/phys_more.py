"""Beyond the test part: larger systems, motion, engines side by side, cost, earlier answers."""

import streamlit as st

from core.render.motion import draw_frame, draw_motion
from core.serving import physics_details, physics_ledger
from core.serving import symbolic_regression as laws
from core.serving.physics_question import Question
from core.serving.symbolic_regression import Answer, Formula
from pages.components import frame, history, phys_state
from pages.components.phys_answers import (
    BY_TEXT,
    answer_of,
    show_error_size,
    show_r2,
)
from pages.components.rows import show_rows

SECONDS = 5.0
WORDS = """
1. **Library**: terms such as k·r, m_j/r² or sin(T_j − T_i) are computed on every edge, added up to
   the target's level, and the best few are chosen together. One to two seconds, no training.
2. **Genetic search** builds formulas freely and is judged by the target *after* the sums are
   taken; several runs from different seeds, constants fitted for each formula.
3. **Graph network (GSR)**: a network is trained, parts of its message flow are taken out one by one
   while the loss does not jump, and each part that is left is replaced by a formula.
4. All formulas are pooled and their constants fitted again on the training graphs; the choice is
   made on validation graphs, and the test graphs are looked at once.
"""


@st.cache_resource(show_spinner="Simulating larger systems", max_entries=50, hash_funcs=BY_TEXT)
def _larger(
    question: Question, number: int, state: str,  # noqa: ARG001
) -> list[physics_details.Larger]:  # fmt: skip
    return physics_details.enlarge(question, answer_of(question).formula(number).law)


def show_larger(answer: Answer, formula: Formula) -> None:
    """The same law on systems of 10 and 20 nodes that no part of the search has seen."""
    found = _larger(answer.question, formula.number, answer.mark)
    if not found:
        st.markdown("Only simulated systems can be made larger: upload larger graphs to compare.")
        return
    with st.container(key="phys_larger"):
        show_rows(
            ("Nodes of each graph", "Graphs", "R²", "Error"),
            [
                (str(one.num_nodes), f"{one.num_graphs:,}", show_r2(one.r2),
                 show_error_size(one.error))
                for one in found
            ],
            right=("Nodes of each graph", "Graphs", "R²", "Error"),
        )  # fmt: skip
    st.markdown(
        "New systems with the noise of the data. A formula that has found the interaction holds at "
        "any size; one that has learnt the size of the graphs does not."
    )


@st.cache_resource(show_spinner="Following the motion", max_entries=50, hash_funcs=BY_TEXT)
def _motion(
    question: Question, number: int, state: str, seed: int, num_nodes: int,  # noqa: ARG001
) -> physics_details.Motion:  # fmt: skip
    law = answer_of(question).formula(number).law
    return physics_details.follow(question, law, seed=seed, num_nodes=num_nodes)


def show_motion(answer: Answer, formula: Formula) -> None:
    """The true law and the found one from the same start, side by side."""
    question = answer.question
    if not physics_details.moves(question):
        st.markdown("This system has no motion that could be followed.")
        return
    left, right = st.columns(2)
    with left:
        num_nodes = st.slider("Nodes", 2, 20, 5, key="phys_motion_nodes")
    with right:
        seed = st.number_input("Seed of the start", 0, 1000, 0, key="phys_motion_seed")
    found = _motion(question, formula.number, answer.mark, int(seed), num_nodes)
    end = min(len(found.true), len(found.found)) - 1
    if end < len(found.times) - 1:
        st.warning(f"The found law flies apart after {found.times[end]:.2g} s.")
    if found.flat:
        _show_plane(found, end)
    else:
        _show_lines(found, end)
    words = f"After {found.times[end]:.3g} s both are {found.gap[end]:.2g} apart"
    if found.drift_true is not None and found.drift_found is not None:
        words += (
            f"; the energy changes by {found.drift_true:.1%} (true law) and "
            f"{found.drift_found:.1%} (found law)"
        )
    st.markdown(frame.plain(f"{words}."))


def _show_plane(found: physics_details.Motion, end: int) -> None:
    """Positions at one moment with their paths; moving when asked."""
    if st.toggle(f"Play once ({SECONDS:.0f} s)", key="phys_motion_play"):
        picture = draw_motion(
            found.true[: end + 1], found.found[: end + 1], SECONDS, theme=frame.theme()
        )
        words = "Both motions played once; choose a moment for still pictures."
    else:
        at = st.slider("Moment", 0, max(end, 1), max(end, 1), key="phys_motion_frame")
        at = min(at, end)
        picture = draw_frame(found.true, found.found, at, theme=frame.theme())
        words = f"Positions after {found.times[at]:.3g} s by the true and by the found law"
    with st.container(key="phys_motion_picture"):
        st.image(picture, alt=words, width="content")


def _show_lines(found: physics_details.Motion, end: int) -> None:
    """The quantity of each node over time."""
    rows = [
        {"seconds": found.times[row], "value": frames[row][node][0], "law": law,
         "line": f"{law} {node}"}
        for law, frames in (("true", found.true), ("found", found.found))
        for row in range(end + 1)
        for node in range(len(frames[0]))
    ]  # fmt: skip
    st.vega_lite_chart(
        rows,
        {
            "description": f"{found.moves} of each node over time, by the true law (solid) and by "
            "the found law (dashed).",
            "height": 300,
            "mark": {"type": "line", "aria": False, "strokeWidth": 1.5},
            "encoding": {
                "x": {"field": "seconds", "type": "quantitative", "title": "time (s)"},
                "y": {"field": "value", "type": "quantitative", "title": found.moves,
                      "scale": {"zero": False}},
                "detail": {"field": "line", "type": "nominal"},
                "color": {"field": "law", "type": "nominal", "title": "law",
                          "scale": {"domain": ["true", "found"], "range": ["#767676", "#0072B2"]}},
                "strokeDash": {"field": "law", "type": "nominal", "title": "law",
                               "scale": {"domain": ["true", "found"], "range": [[1, 0], [6, 4]]}},
            },
        },
        key="phys_motion_lines",
    )  # fmt: skip


def show_compare(answer: Answer) -> None:
    """Two formulas side by side, then the best formula of each engine."""
    _compare_two(answer)
    st.markdown("**The best formula of each engine**")
    best = laws.best_by_engine(answer)
    with st.container(key="phys_engines"):
        show_rows(
            ("Engine", "Best formula", "#", "Size", "Error (validation)", "R² (test)"),
            [
                (engine, one.text, str(one.number), str(one.complexity),
                 show_error_size(one.valid_error), show_r2(one.r2))
                for engine, one in best.items()
            ],
            right=("#", "Size", "Error (validation)", "R² (test)"), limit=90,
        )  # fmt: skip
    _show_networks(answer)
    missing = [name for name in ("library", "genetic", "flow") if name not in best]
    if missing:
        st.markdown(
            f"Without a formula in this answer: {', '.join(missing)}. The instant search uses the "
            "library alone; longer searches use all engines unless one has explained everything."
        )


def _compare_two(answer: Answer) -> None:
    """Where two formulas disagree most, and what each costs."""
    texts = {one.number: f"{one.number} · {one.text}"[:90] for one in answer.formulas}
    chosen = st.multiselect(
        "Two formulas", list(texts), key="phys_compare_numbers", max_selections=2,
        format_func=lambda number: texts.get(number, str(number)), select_all=False,
        placeholder="Choose two",
    )  # fmt: skip
    if len(chosen) < 2 or not set(chosen) <= set(texts):
        return
    one, other = (answer.formula(number) for number in chosen)
    train, _, test = laws.parts_of(answer.question)
    names = tuple(f"Formula {number}" for number in chosen)
    with st.container(key="phys_disagreement"):
        show_rows(
            ("Test value", "Measured", *names, "Apart"),
            [
                (found.place, f"{found.measured:.4g}", *(f"{p:.4g}" for p in found.predicted),
                 f"{found.size:.3g}")
                for found in physics_details.disagree(one.law, other.law, test)
            ],
            right=("Measured", *names, "Apart"),
        )  # fmt: skip
    with st.container(key="phys_compared_costs"):
        show_rows(
            ("Measured on this server", *names),
            [
                ("R² on unseen graphs", show_r2(one.r2), show_r2(other.r2)),
                ("Size", str(one.complexity), str(other.complexity)),
                ("Fitted constants", *(str(len(each.law.constants)) for each in (one, other))),
                (
                    f"Time for {train.num_graphs:,} graphs",
                    *(f"{1000 * physics_ledger.seconds_of(each.law, train):.2f} ms"
                      for each in (one, other)),
                ),
            ],
            right=names,
        )  # fmt: skip


def _show_networks(answer: Answer) -> None:
    """The law beside the networks it was distilled from, by the card of the example."""
    rows = physics_ledger.figures(answer)
    if rows:
        with st.container(key="phys_networks"):
            show_rows(
                ("Measured on", "R² of the law", "R² of the network"), rows,
                right=("R² of the law", "R² of the network"), limit=60,
            )  # fmt: skip


def show_ledger(answer: Answer | None) -> None:
    """How the search works, what it took, and the size of the formula beside a network's."""
    st.markdown(WORDS)
    if answer is None:
        return
    found = answer.discovery
    if found.stages:
        with st.container(key="phys_stages"):
            show_rows(
                ("Stage", "Seconds", "Formulas", "Came to its end"),
                [
                    (one.name, f"{one.seconds:.1f}", str(one.found), "yes" if one.complete
                     else "no, time was over")
                    for one in found.stages
                ],
                right=("Seconds", "Formulas"),
            )  # fmt: skip
    with st.container(key="phys_costs"):
        show_rows(("Measured", "Value"), physics_ledger.costs(answer), right=("Value",), limit=60)


def show_history() -> None:
    """One button per earlier question of this session; measured data may be a secret."""
    mine = st.session_state.get(phys_state.MINE, [])
    history.show(
        phys_state.STATE,
        allowed=lambda query: laws.is_simulated(query) or laws.name_of(query) in mine,
    )
