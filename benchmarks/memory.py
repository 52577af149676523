"""Resident memory of a process that holds what the web server holds, without torch.

The process imports Streamlit's server and every module that the pages import, then loads all
embedded graphs with their models, answers one question on each, explains and checks it. It is read
after each step; the sessions of visitors come on top.
"""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.measurement.artifacts import served_models
from benchmarks.measurement.timing import arguments, heading, table
from core.serving.graphs import embedded_graphs

ROOT = Path(__file__).resolve().parents[1]
TARGET = 400  # MB
COLUMNS = ("after", "resident MB")


def measure(models: dict[str, str]) -> list[dict[str, object]]:
    """Steps and megabytes of a fresh process.

    Raises:
        SystemExit: the process failed, for instance because torch was imported.
    """
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.measurement.resident"],
        input=json.dumps({"models": models}),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


def main() -> None:
    """Print the table."""
    options = arguments(__doc__)
    entries = embedded_graphs()
    if options.quick:
        entries = tuple(entry for entry in entries if entry.id == "umls")
    with served_models(entries, quick=options.quick) as models:
        steps = measure(models)
    rows = [(str(step["step"]), f"{step['megabytes']:.0f}") for step in steps]
    print(heading("Resident memory of the web process"))
    print(table(COLUMNS, rows))
    random = sorted(name for name in models.values() if name.startswith("random-"))
    print(f"torch absent; target {TARGET} MB; random weights: {', '.join(random) or 'none'}")


if __name__ == "__main__":
    main()
