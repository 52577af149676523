"""Few-shot methods on a benchmark of molecules, under both protocols."""

from typing import Annotated

import typer

from core.cli.printing import print_table
from core.settings import settings

commands = typer.Typer()


@commands.command("few-shot")
def few_shot(
    data_set: Annotated[str, typer.Argument(help="tox21, sider, muv or toxcast.")],
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas.")
    ] = "protonet,par,pacia",
    seeds: Annotated[str, typer.Option(help="Seeds of training, separated by commas.")] = "0",
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "",
) -> None:
    """Train and test on molecules nobody saw and as published, beside baselines."""
    from core.cli.training import print_epoch
    from core.training.molecule_data import PAPER
    from core.training.run import run

    rows = [("protocol", "method", "figure", "AUC")]
    for suffix, protocol in (("", "unseen scaffolds"), (PAPER, "paper")):
        for method in methods.split(","):
            written = run(
                method, data_set + suffix, seeds=[int(seed) for seed in seeds.split(",")],
                device=device or settings().device, report=print_epoch,
            )  # fmt: skip
            for metric in written.card.metrics:
                figure = f"{metric.split}, {metric.name}"
                if metric.name.startswith("auc"):
                    rows.append((protocol, method, figure, f"{metric.value:.3f}"))
    print_table(rows)
