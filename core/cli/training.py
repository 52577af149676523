"""Training and its artifacts: train, export, evaluate, card."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_table
from core.settings import settings

if TYPE_CHECKING:
    from core.serving.artifact import Artifact

commands = typer.Typer()


@commands.command()
def train(
    data_set: Annotated[
        str,
        typer.Argument(help="A benchmark such as family, starter-S1 or tox21; planted; upload:ID."),
    ],
    method: Annotated[str, typer.Option(help="Method, such as redgnn, emergnn or par.")] = "redgnn",
    seeds: Annotated[str, typer.Option(help="Seeds, separated by commas.")] = "0",
    change: Annotated[
        list[str] | None, typer.Option("--set", help="Change a setting: name=value (JSON).")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of artifacts to write to.")] = None,
    name: Annotated[str, typer.Option(help="Name of the artifact.")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "",
) -> None:
    """Train, test, export and record; an interrupted run continues from its checkpoint."""
    from core.training.run import run

    overrides = _overrides(change)
    if method == "emergnn":
        data_set, name, overrides = _as_served(data_set, name, overrides)
    written = run(
        method, data_set, seeds=[int(seed) for seed in seeds.split(",")],
        overrides=overrides, device=device or settings().device, root=out, artifact=name,
        report=print_epoch,
    )  # fmt: skip
    _print_figures(written)


@commands.command()
def export(
    name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")],
    out: Annotated[Path | None, typer.Option(help="Folder of artifacts to write to.")] = None,
) -> None:
    """Write an artifact again from the checkpoints of its training."""
    from core.training.run import export_again

    _print_figures(export_again(name, out))


@commands.command()
def evaluate(
    name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")],
    data_set: Annotated[str, typer.Argument(help="Data set it was trained on.")],
) -> None:
    """Measure a served artifact again, through the runtime that serves answers."""
    from core.serving.kg_question import find_model
    from core.training.run import evaluate_served

    for split, figures in evaluate_served(find_model(name), data_set).items():
        print_table([(split, key, f"{value:.4f}") for key, value in figures.items()])


@commands.command()
def card(name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")]) -> None:
    """Print the card of an artifact: data, settings, figures with protocol, checksums."""
    from core.serving.kg_question import find_model

    typer.echo(json.dumps(find_model(name).card.to_json(), indent=1, ensure_ascii=False))


def _as_served(
    data_set: str, name: str, overrides: dict[str, object]
) -> tuple[str, str, dict[str, object]]:
    """Data set, artifact name and settings with which a network of drugs finds its model again.

    A person's own network is trained as its page trains it.
    """
    from core.serving.ddi_networks import SETTINGS, UPLOAD, artifact_names
    from core.serving.ddi_training import OVERRIDES, SETTING

    if data_set.startswith(UPLOAD):
        if not data_set.endswith(tuple(f"-{one}" for one in SETTINGS)):
            data_set = f"{data_set}-{SETTING}"
        overrides = OVERRIDES | overrides
    source, _, setting = data_set.rpartition("-")
    network = "drugbank" if source == "drugbank-random" else source
    return data_set, name or artifact_names(network).get(setting, ""), overrides


def _overrides(changes: list[str] | None) -> dict[str, object]:
    from core.errors import InputError

    found = {}
    for text in changes or []:
        key, _, value = text.partition("=")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError as error:
            if value.isidentifier() and value.lower() not in ("true", "false", "null", "none"):
                found[key] = value
                continue
            raise InputError(
                "TR-E01", "Unknown setting", f'"{text}" is not name=value.',
                "Write numbers, true, false and single words plainly, other texts in double "
                "quotes.",
            ) from error  # fmt: skip
    return found


def print_epoch(step: int, total: int, text: str = "", **values: float) -> None:
    """One line per epoch."""
    if values:
        figures = "  ".join(f"{key} {value:.4f}" for key, value in values.items())
        typer.echo(f"{step}/{total}  {text}  {figures}")


def _print_figures(artifact: "Artifact") -> None:
    rows = [("split", "metric", "value", "paper")]
    for metric in artifact.card.metrics:
        paper = "" if metric.paper is None else f"{metric.paper:.3f}"
        rows.append((metric.split, metric.name, f"{metric.value:.4f} ± {metric.std:.4f}", paper))
    print_table(rows)
    typer.echo(f"{artifact.folder}: {artifact.card.num_parameters:,} parameters")
