"""The server and its database: serve, work, assets, backup, restore."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from core.errors import DataError
from core.settings import PROCESS_ENVIRONMENT, ROOT, settings

commands = typer.Typer()


@commands.command()
def serve() -> None:
    """Serve the pages and run the workers until Ctrl-C or SIGTERM."""
    if not (ROOT / "app.py").is_file():
        raise DataError(f"There is no app.py in {ROOT}. Start the server from a checkout.")
    web = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port"]
    worker = [sys.executable, "-m", "core", "work"]
    code = _supervise([*web, str(settings().port)], [worker] * settings().num_workers)
    raise typer.Exit(code)


def _supervise(web: list[str], workers: list[list[str]], pause_s: float = 0.5) -> int:
    """Keep one web process and its workers alive; stop all when the web process ends.

    A worker that dies is started again, at most once in `_RESTART_S` seconds.

    Returns:
        The web process's exit code, 0 after Ctrl-C or SIGTERM.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    # the children run in the checkout, so a relative home must be settled here; the pages need not
    # start workers of their own
    environment = (
        PROCESS_ENVIRONMENT
        | os.environ
        | {"PARSIMONY_HOME": str(settings().home), "PARSIMONY_WORKERS": "0"}
    )

    def start(command: list[str]) -> subprocess.Popen:
        return subprocess.Popen(command, cwd=ROOT, env=environment)

    running: list[subprocess.Popen] = []
    try:
        running = [start(command) for command in [web, *workers]]
        started = [time.monotonic()] * len(running)
        while running[0].poll() is None:
            for index, command in enumerate(workers, start=1):
                ended = running[index].poll() is not None
                if ended and time.monotonic() - started[index] >= _RESTART_S:
                    running[index], started[index] = start(command), time.monotonic()
            time.sleep(pause_s)
        return running[0].returncode
    except KeyboardInterrupt:
        return 0
    finally:
        _stop(running)


_RESTART_S = 5.0
_GRACE_S = 10.0


def _stop(processes: list[subprocess.Popen]) -> None:
    """Ask all to end, then end those that have not within the time of grace."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + _GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@commands.command()
def work() -> None:
    """Run jobs until stopped; `serve` starts this by itself."""
    from core.jobs import work as work_loop

    work_loop()


@commands.command()
def assets(
    archive: Annotated[
        list[Path] | None,
        typer.Option(help="An npm package file fetched elsewhere, instead of the network."),
    ] = None,
) -> None:
    """Place the third-party front-end files (3Dmol.js, JSME) in ./static."""
    from core.data.assets import ASSETS, fetch_asset, integrity_of, is_placed, place_asset

    for file in archive or ():
        if not file.is_file():
            raise DataError(f"There is no file {file}.")
    given = {integrity_of(file): file for file in archive or ()}
    unknown = [str(file) for key, file in given.items() if key not in {a.integrity for a in ASSETS}]
    if unknown:
        raise DataError(
            f"{', '.join(unknown)} is none of the expected packages: "
            f"{', '.join(f'{asset.package} {asset.version}' for asset in ASSETS)}."
        )
    for asset in ASSETS:
        if is_placed(asset):
            typer.echo(f"{asset.package} {asset.version} is in place.")
            continue
        if asset.integrity in given:
            place_asset(asset, given[asset.integrity])
        elif given:
            typer.echo(f"{asset.package} {asset.version} is not among the files given.")
            continue
        else:
            fetch_asset(asset)
        typer.echo(f"{asset.package} {asset.version} placed ({asset.licence}).")


@commands.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Copy database, uploads and results of jobs while the application goes on working."""
    from core.store import Store, back_up

    typer.echo(f"Backup written to {back_up(Store.open(), folder)}.")


@commands.command()
def restore(folder: Annotated[Path, typer.Argument(help="A folder written by `backup`.")]) -> None:
    """Put a backup in place of the database; the replaced one is kept beside it."""
    from core import store

    kept = store.restore(folder)
    typer.echo(f"Restored from {folder}.")
    if kept is not None:
        typer.echo(f"The replaced database is {kept}.")
