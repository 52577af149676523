"""The README's table of figures."""

from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import DataError
from core.settings import ROOT

if TYPE_CHECKING:
    from core.serving.artifact import Metric

commands = typer.Typer()


_FIGURES = ("<!-- figures -->\n", "<!-- /figures -->\n")
_MODULES = {
    "redgnn": ("RED-GNN, section 5.1", "core/methods/parsimony_on_interpretation/redgnn.py"),
    "autoblm": ("AutoBLM, section 3.1", "core/methods/parsimony_on_model/autoblm.py"),
    "coldnas": ("ColdNAS, section 3.2", "core/methods/parsimony_on_model/coldnas.py"),
    "gsr": ("GSR, section 5.2", "core/methods/parsimony_on_interpretation/gsr.py"),
    "dash": ("DASH", "core/methods/parsimony_on_model/dash.py"),
    "emergnn": ("EmerGNN, section 6", "core/methods/drug_development/emergnn.py"),
    "pacia": ("PACIA, section 4", "core/methods/parsimony_on_training/pacia.py"),
    "par": ("PAR, section 4", "core/methods/parsimony_on_training/par.py"),
    "protonet": ("rival: prototypes", "core/methods/parsimony_on_training/protonet.py"),
}
_PAGES = {
    "kg_reasoning": "KG reasoning",
    "drug_interaction": "Drug interaction",
    "molecular_property": "Few-shot molecular property",
    "symbolic_regression": "Symbolic regression",
    "gene_regulation": "Gene regulation",
    "recommendation": "Cold-start recommendation",
}
_FEW_SHOT = (("ROC-AUC", "auc"), ("with shuffled labels", "auc, labels of the support shuffled"))
_METRICS = {  # shown figures: words, name in the card
    "redgnn": (("MRR", "mrr"),),
    "autoblm": (("MRR", "mrr"),),
    "coldnas": (("MSE", "mse"), ("item mean and level of the user", "offset mse")),
    "gsr": (("R²", "r2"), ("of its network", "r2_network")),
    "dash": (("balanced accuracy", "balanced_accuracy"), ("sparsity", "sparsity")),
    "emergnn": (("accuracy", "accuracy"), ("with vote", "plus accuracy")),
    "pacia": _FEW_SHOT,
    "par": _FEW_SHOT,
    "protonet": _FEW_SHOT,
}


@commands.command()
def readme(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail when the table differs.")
    ] = False,
) -> None:
    """Write the README's table of figures from the cards of the artifacts."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(_FIGURES[0])
    after = rest.split(_FIGURES[1])[1]
    written = before + _FIGURES[0] + _figures_table() + _FIGURES[1] + after
    if written == text:
        typer.echo("README.md agrees with the cards.")
    elif check:
        raise DataError("README.md differs from the cards. Run `python -m core readme`.")
    else:
        path.write_text(written, encoding="utf-8")
        typer.echo("README.md written.")


def _figures_table() -> str:
    """Paper, code, page, artifact, our figure and the paper's, one row per served artifact.

    Raises:
        ArtifactError: an artifact does not match its card.
    """
    from core.errors import ArtifactError
    from core.serving.artifact import list_artifacts

    lines = [
        "| paper | code | page | artifact | test figure | the paper's |",
        "|---|---|---|---|---|---|",
    ]
    for name, artifact in list_artifacts(ROOT / "trained"):
        if isinstance(artifact, ArtifactError):
            raise artifact
        card = artifact.card
        title, module = _MODULES[card.method]
        split = card.metrics[0].split
        metrics = [(words, card.metric(key, split)) for words, key in _METRICS[card.method]]
        figures = "; ".join(f"{words} {_figure(metric)}" for words, metric in metrics)
        lines.append(
            f"| {title} | [`{module}`]({module}) | {_PAGES.get(card.task, 'none yet')} "
            f"| `{name}` | {figures} | {_paper_figure(metrics[0][1])} |"
        )
    return "\n".join(lines) + "\n"


def _figure(metric: "Metric | None") -> str:
    """Value, deviation and number of seeds: ``0.985 ± 0.002 (3 seeds)``."""
    if metric is None:
        return "none"
    num_seeds = len(metric.seeds)
    if num_seeds == 1:
        return f"{metric.value:.3f} (1 seed)"
    return f"{metric.value:.3f} ± {metric.std:.3f} ({num_seeds} seeds)"


def _paper_figure(metric: "Metric | None") -> str:
    """The published figure for the same cell, or a dash."""
    return "–" if metric is None or metric.paper is None else f"{metric.paper:.3f}"
