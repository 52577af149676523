"""The command line: every action of the pages, with the same names, limits, messages and numbers.

One module per group of commands. Commands import what they need inside their body: `predict` must
not wait for torch, and `--help` must not wait for anything.
"""

import sys

import typer

from core.cli import (
    data,
    graphs,
    interactions,
    jobs,
    molecules,
    physics,
    readme,
    recommendation,
    regulation,
    server,
    training,
)
from core.errors import ParsimonyError

app = typer.Typer(
    name="parsimony",
    help="Predictions with evidence that is checked live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (server, graphs, training, recommendation, readme):
    app.add_typer(group.commands)
app.add_typer(interactions.commands, name="interaction")
app.add_typer(molecules.commands, name="molecules")
app.add_typer(physics.commands, name="law")
app.add_typer(regulation.commands, name="network")
app.add_typer(data.commands, name="data")
app.add_typer(jobs.commands, name="jobs")


def main() -> None:
    """Run one command; an error meant for a person becomes one line and exit code 1."""
    try:
        app()
    except ParsimonyError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
