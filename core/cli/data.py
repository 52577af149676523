"""Data sets: list, fetch, verify."""

from typing import Annotated

import typer

from core.cli.printing import print_table, shorten
from core.errors import DataError

commands = typer.Typer(help="Data sets: list, fetch, verify.", no_args_is_help=True)


@commands.command("list")
def list_data() -> None:
    """List the data sets with their size, licence and whether they are here."""
    from core.data import registry

    rows = [("name", "lines", "here", "licence", "title")]
    for data_set in registry.list_sets():
        states = {state.state for state in registry.verify(data_set.name)}
        here = "yes" if states == {"ok"} else "damaged" if "damaged" in states else "no"
        if here == "no" and all(file.package for file in data_set.files):
            here = "packaged"  # read from an installed package, nothing to fetch
        lines = f"{sum(file.num_rows for file in data_set.files):,}"
        rows.append((data_set.name, lines, here, shorten(data_set.licence, 40), data_set.title))
    print_table(rows)


@commands.command("get")
def get_data(names: Annotated[list[str], typer.Argument(help="Data sets to fetch.")]) -> None:
    """Fetch and verify data sets; an interrupted download continues where it stopped."""
    from core.data import registry

    for name in names:
        typer.echo(f"{name}: {registry.get(name)}")


@commands.command("verify")
def verify_data(
    names: Annotated[
        list[str] | None, typer.Argument(help="Data sets to check; those that are here if none.")
    ] = None,
) -> None:
    """Compare every file with its checksum; exit code 1 when one is damaged or missing."""
    from core.data import registry

    chosen = names or [one.name for one in registry.list_sets() if one.folder.is_dir()]
    if not chosen:
        typer.echo("No data set is here yet. Fetch one with `python -m core data get NAME`.")
        return
    states = [(name, state) for name in chosen for state in registry.verify(name)]
    print_table([(name, state.name, state.state) for name, state in states])
    bad = [state for _, state in states if state.state != "ok"]
    if bad:
        raise DataError(
            f"{len(bad)} of {len(states)} files are missing or damaged. "
            "Fetch them with `python -m core data get NAME`."
        )
