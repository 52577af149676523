"""How it works and what it cost: measured on this server, beside the baselines of the card."""

from collections.abc import Sequence

import streamlit as st

from core.serving import few_shot
from core.serving import molecular_property as mol
from core.serving.artifact import Metric
from pages.components import frame
from pages.components.job_status import say_duration
from pages.components.rows import show_rows

WORDS = """
1. A graph network that has seen many other assays turns each molecule into numbers.
2. **PAR** relates the candidate to your molecules and takes one gradient step on their labels;
   **PACIA** writes a few thousand numbers from them in one forward pass, without a gradient;
   **prototypes** and the **ridge probe** adapt nothing but class means or one line.
3. **Nearest neighbours** and the **random forest** use fingerprints and your labels alone: if they
   do as well, no network is needed.
4. The live checks leave your molecules, or atoms, out and compare with random look-alikes; the
   check of labels shuffles them. What does not react is not the reason.
"""
MB = 1e6
AUC = "auc"
DEVIATION = "auc, deviation over supports"


def show(answer: mol.Answer | None) -> None:
    """The method in words, this answer's cost, and the measured figures of each model."""
    st.markdown(WORDS)
    if answer is not None:
        show_costs([answer], key="mol_costs")
    for name in dict.fromkeys(
        entry.artifact_name for entry in few_shot.available_models() if not entry.problem
    ):
        _show_card(name)


def show_costs(answers: Sequence[mol.Answer], *, key: str) -> None:
    """One column per answer, one row per cost."""
    header = ["Measured on this server", *(_title(answer) for answer in answers)]
    ledgers = [answer.ledger for answer in answers]
    rows = [
        ("Trained parameters", *(f"{one.parameters:,}" for one in ledgers)),
        ("Adapted to this task", *(f"{one.adapted:,}" for one in ledgers)),
        ("Labels used", *(str(one.labels) for one in ledgers)),
        ("Adapting", *(_say_ms(one.adapt_s) for one in ledgers)),
        ("Predicting", *(_say_ms(one.predict_s) for one in ledgers)),
        ("Per molecule", *(f"{one.per_molecule_ms:.2f} ms" for one in ledgers)),
        ("Model file", *(f"{one.model_bytes / MB:.1f} MB" for one in ledgers)),
        ("Task alone", *(f"{one.task_bytes / 1000:,.1f} kB" for one in ledgers)),
        ("Training", *(say_duration(one.training_s) for one in ledgers)),
        ("Trained on", *(one.hardware or "–" for one in ledgers)),
    ]
    with st.container(key=key):
        show_rows(header, rows, right=tuple(header[1:]))
    st.markdown("Times are those of this answer, measured on this server; training is the card's.")


def _title(answer: mol.Answer) -> str:
    return few_shot.METHODS[answer.question.model.partition("-")[0]].title


def _say_ms(seconds: float | None) -> str:
    return "–" if seconds is None else f"{seconds * 1000:,.0f} ms"


def _show_card(name: str) -> None:
    """Figures of one artifact: the method beside its baselines, by number of known molecules."""
    card = few_shot.open_model(name).artifact.card
    method = few_shot.METHODS[card.method].title
    st.markdown(f"**{method}** · {frame.plain(card.data.title)} · {frame.plain(card.data.split)}")
    figures = {(one.name, one.split): one for one in card.metrics if one.name.startswith(AUC)}
    if not figures:
        st.markdown("The card of this model states no measured figure.")
        return
    splits = dict.fromkeys(split for _, split in figures)
    rows = [
        (
            name.removeprefix(AUC).lstrip(", ") or f"{method} (served)",
            *(
                _say(figures.get((name, split)), figures.get((DEVIATION, split)))
                for split in splits
            ),
        )
        for name in dict.fromkeys(name for name, _ in figures)
        if name != DEVIATION
    ]
    with st.container(key=f"mol_figures_{card.name}"):
        show_rows(("ROC-AUC", *splits), rows, right=tuple(splits))
    for protocol in dict.fromkeys(one.protocol for one in figures.values() if one.protocol):
        st.markdown(f":small[Measured on: {frame.plain(protocol)}.]")


def _say(metric: Metric | None, deviation: Metric | None) -> str:
    """A figure with the deviation over supports, and the published one where there is one."""
    if metric is None:
        return "–"
    said = f"{metric.value:.3f}"
    if metric.name == AUC and deviation is not None:
        said += f" ± {deviation.value:.3f}"
    return said if metric.paper is None else f"{said} (published {metric.paper:.3f})"
