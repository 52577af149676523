"""The measured side of `benchmarks.memory`: a process that loads what the web server loads.

Reads ``{"models": {graph id: model}}`` from standard input; writes one JSON line per step with the
resident megabytes. Fails when torch was imported.
"""

import ast
import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.measurement.questions import questions_of
from core.serving import kg_reasoning as kg
from core.serving.graphs import embedded_graphs

ROOT = Path(__file__).resolve().parents[2]
BARRED = ("torch", "torch_geometric", "onnx", "pykeen")


def imported_names() -> Iterator[str]:
    """Modules that the entry script and the pages import."""
    for path in (ROOT / "app.py", *sorted(ROOT.glob("pages/**/*.py"))):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module
                if node.module.startswith("core"):
                    yield from (f"{node.module}.{alias.name}" for alias in node.names)


def is_module(name: str) -> bool:
    """A module or package of this project, or anything from outside it."""
    place = ROOT.joinpath(*name.split("."))
    return not name.startswith("core") or place.is_dir() or place.with_suffix(".py").is_file()


def report(step: str) -> None:
    """Write the resident memory reached."""
    megabytes = psutil.Process().memory_info().rss / 1e6
    sys.stdout.write(json.dumps({"step": step, "megabytes": megabytes}) + "\n")


def main() -> None:
    """Import, load, answer, explain and check; report after each."""
    models = json.load(sys.stdin)["models"]
    importlib.import_module("streamlit.web.bootstrap")
    report("streamlit's server")
    for name in sorted(set(imported_names())):
        if is_module(name) and not name.startswith("pages"):
            importlib.import_module(name)
    report("modules of all pages")
    questions = []
    for entry in embedded_graphs():
        if entry.id in models:
            questions += questions_of(entry, models[entry.id], 1)
    answers = [kg.answer(query) for query in questions]
    report(f"{len(models)} graphs and models, one answer each")
    for query, answer in zip(questions, answers, strict=True):
        if answer.rows:
            best = answer.rows[0].entity
            kg.check(query, best, kg.explain(query, best).items)
    report("one explanation and live check each")
    if found := sorted(set(BARRED) & set(sys.modules)):
        raise SystemExit(f"The web process must not import {', '.join(found)}.")


if __name__ == "__main__":
    main()
