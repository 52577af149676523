"""Laws of measured systems on graphs: list, find, show, export, simulate."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_progress, print_table
from core.errors import DataError, InputError

if TYPE_CHECKING:
    from core.discovery.discover import Discovery
    from core.serving.physics_question import Question

commands = typer.Typer(help="Laws of measured systems on graphs.", no_args_is_help=True)

Found = Annotated[
    str, typer.Argument(help="A served law such as springs, a job's id, or a file of `law find`.")
]
FORMATS = ("text", "latex", "python", "torch", "sympy", "c", "json")


@commands.command("list")
def list_laws() -> None:
    """List the systems that can be simulated, and the law found for each."""
    from core.data.physics.simulators import SIMULATORS
    from core.serving.artifact import Artifact, list_artifacts
    from core.serving.physics_model import PREFIX, LawModel

    found = {
        name.removeprefix(PREFIX): one for name, one in list_artifacts() if name.startswith(PREFIX)
    }
    rows = [("name", "true law", "found", "R² test")]
    for name, simulator in SIMULATORS.items():
        one = found.get(name)
        law, figure = "", ""
        if isinstance(one, Artifact):
            metric = one.card.metric("r2")
            chosen = LawModel(one).discovery.law
            law = "no law" if chosen is None else chosen.text()
            figure = f"{metric.value:.4f}" if metric else ""
        rows.append((name, simulator.law, law, figure))
    print_table(rows)


@commands.command("find")
def find_law(
    source: Annotated[
        str, typer.Argument(help="A simulator, an upload's id, or a CSV, ZIP or NPZ file.")
    ],
    graphs: Annotated[int, typer.Option(min=10, help="Simulated graphs.")] = 300,
    nodes: Annotated[int, typer.Option(help="Nodes of each; 0: as usual.")] = 0,
    noise: Annotated[float, typer.Option(min=0, help="Of the target, as a share.")] = 0.05,
    budget: Annotated[str, typer.Option(help="instant, standard or thorough.")] = "instant",
    seed: Annotated[int, typer.Option(help="Of the search.")] = 0,
    out: Annotated[Path | None, typer.Option(help="File for all that was found (JSON).")] = None,
) -> None:
    """Find a law; prints formulas, each with no smaller one as accurate, * the chosen one."""
    question = _question(source, graphs, nodes, noise, budget, seed)
    found = _search(question)
    if out is not None:
        record = {"question": question.to_json(), "discovery": found.to_json()}
        out.write_text(json.dumps(record), encoding="utf-8")
    _print(question, found)


@commands.command("show")
def show_law(law: Found) -> None:
    """Show the formulas that were found, the chosen one with the intervals of its constants."""
    _print(*_read(law))


@commands.command("export")
def export(
    law: Found,
    style: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "python",
    number: Annotated[int, typer.Option(min=0, help="Row of `law show`; 0: the chosen one.")] = 0,
) -> None:
    """Print a law as text, LaTeX, code or JSON."""
    from core.knowledge.physics import code
    from core.serving.physics_question import load_system

    question, found = _read(law)
    if not found.candidates or number > found.front:
        raise InputError(
            "PH-E21", "No such formula", f"There are {found.front} formulas.",
            "Take a number of `law show`.",
        )  # fmt: skip
    chosen = found.candidates[number - 1 if number else found.chosen or 0].law
    system = load_system(question)
    writers = {
        "text": lambda: chosen.text(),
        "latex": lambda: code.to_latex(chosen, system),
        "python": lambda: code.to_python(chosen, system),
        "torch": lambda: code.to_torch(chosen, system),
        "sympy": lambda: code.to_sympy(chosen),
        "c": lambda: code.to_c(chosen, system),
        "json": lambda: json.dumps(chosen.to_json()),
    }
    if style not in writers:
        raise InputError(
            "PH-E21", "Unknown format", f'"{style}" is not a format.',
            f"Known: {', '.join(FORMATS)}.",
        )  # fmt: skip
    typer.echo(writers[style]())


@commands.command()
def simulate(
    name: Annotated[str, typer.Argument(help="Simulator, as listed by `law list`.")],
    out: Annotated[Path, typer.Argument(help="File to write, .zip (CSV tables) or .npz.")],
    graphs: Annotated[int, typer.Option(min=1, help="Graphs.")] = 300,
    nodes: Annotated[int, typer.Option(help="Nodes of each; 0: as usual.")] = 0,
    noise: Annotated[float, typer.Option(min=0, help="Of the target, as a share.")] = 0.0,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Write simulated measurements in the form in which own measurements can be uploaded."""
    from core.data.physics.files import to_npz, to_zip
    from core.data.physics.simulators import simulate as draw

    writers = {".zip": to_zip, ".npz": to_npz}
    if out.suffix not in writers:
        raise DataError(f"{out} ends neither in .zip nor in .npz.")
    system = draw(name, num_graphs=graphs, num_nodes=nodes or None, noise=noise, seed=seed)
    out.write_bytes(writers[out.suffix](system))
    typer.echo(f"{out}: {system.num_graphs:,} graphs, {system.num_nodes:,} nodes")


def _question(
    source: str, graphs: int, nodes: int, noise: float, budget: str, seed: int
) -> "Question":
    from dataclasses import replace

    from core.data.physics.simulators import SIMULATORS
    from core.data.physics.uploads import read_measurements
    from core.discovery.options import Budget
    from core.serving import physics_question as questions

    if source in SIMULATORS:
        settings = {"num_graphs": graphs, "noise": noise} | ({"num_nodes": nodes} if nodes else {})
        question = questions.of_simulator(source, **settings)
    elif Path(source).is_file():
        reading = read_measurements([(Path(source).name, Path(source).read_bytes())])
        reading.need()
        kept = questions.keep_upload(reading.system, Path(source).name)
        question = questions.Question(f"{questions.UPLOAD}:{kept}")
    else:
        question = questions.Question(f"{questions.UPLOAD}:{source}")
    return replace(question, budget=Budget.of(budget).name, seed=seed)


def _search(question: "Question") -> "Discovery":
    """The search of a page or of its job; only a thorough one needs torch."""
    from core.discovery.discover import discover
    from core.discovery.options import Budget
    from core.serving.physics_question import load_system

    if question.budget == "thorough":
        from core.training.laws import search_law

        return search_law(question, report=print_progress)
    system, budget = load_system(question), Budget.of(question.budget)
    return discover(system, question.knowledge, budget, question.seed, print_progress)


def _read(law: str) -> "tuple[Question, Discovery]":
    """A question and its answer from an artifact, a job or a file."""
    from core.discovery.discover import Discovery
    from core.jobs import find
    from core.serving import physics_job
    from core.serving.artifact import list_artifacts
    from core.serving.physics_model import PREFIX, open_law
    from core.serving.physics_question import Question

    path = Path(law)
    if path.is_file():
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return (
                Question.from_json(record["question"]), Discovery.from_json(record["discovery"])
            )  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{law} was not written by `law find` ({error}).") from error
    if f"{PREFIX}{law.removeprefix(PREFIX)}" in dict(list_artifacts()):
        model = open_law(law)
        return model.question, model.discovery
    question = physics_job.question_of(find(law))
    found = physics_job.read(law) if question else None
    if question is None or found is None:
        raise DataError(f"{law} is no search for a law that has come to its end.")
    return question, found


def _print(question: "Question", found: "Discovery") -> None:
    from core.discovery.discover import SHARES
    from core.discovery.fitting import determination
    from core.serving.physics_question import load_system

    test = load_system(question).split(SHARES, question.seed)[2]
    rows = [("#", "size", "error", "R² test", "found by", "formula")]
    for number, one in enumerate(found.candidates[: found.front], start=1):
        mark = "*" if number - 1 == found.chosen else ""
        share = determination(one.law, test)
        rows.append((f"{number}{mark}", str(one.complexity), f"{one.valid_error:.5f}",
                     f"{share:.5f}", one.engine, one.law.text()))  # fmt: skip
    print_table(rows)
    if found.law is not None:
        pairs = zip(found.law.constants, found.intervals, strict=True)
        for value, (low, high) in pairs:
            typer.echo(f"{value:.6g}, 95 %: {low:.6g} to {high:.6g}")
    typer.echo(found.verdict)
