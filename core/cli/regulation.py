"""Networks of gene regulation: infer, show, export, simulate."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_progress, print_table
from core.errors import InputError

if TYPE_CHECKING:
    from core.data.regulation.reading import Reading
    from core.serving.gene_regulation import Answer
    from core.serving.grn_question import Question

commands = typer.Typer(help="Networks of gene regulation.", no_args_is_help=True)

FORMATS = ("csv", "sif", "graphml", "cx2", "card")
Source = Annotated[
    str, typer.Argument(help="A network that comes along, such as planted, or an upload's id.")
]
Trust = Annotated[
    float | None, typer.Option(min=0, max=1, help="In the prior; chosen on validation if left out.")
]
Sparsity = Annotated[
    float | None, typer.Option(min=0.5, max=0.99, help="Share of weights to prune.")
]
Resamples = Annotated[int, typer.Option(min=0, max=30, help="Trainings on resampled data.")]
Seed = Annotated[int, typer.Option(help="Of the training.")]


@commands.command()
def infer(
    expression: Annotated[Path, typer.Argument(help="Table of expression over time.")],
    prior: Annotated[Path, typer.Argument(help="Edges (regulator, target, sign), or a matrix.")],
    partners: Annotated[Path | None, typer.Option(help="Pairs of interacting proteins.")] = None,
    repair: Annotated[
        list[str] | None, typer.Option(help="What to do about a finding, such as negative:log.")
    ] = None,
    trust: Trust = None,
    sparsity: Sparsity = None,
    resamples: Resamples = 10,
    seed: Seed = 0,
) -> None:
    """Prune a model of own measurements guided by a prior; prints the network and its id."""
    from core.serving import grn_uploads
    from core.serving.grn_job import overrides
    from core.serving.grn_question import METHOD, UPLOAD, Question, require_learning

    require_learning(Question("", trust, sparsity, resamples, seed))
    reading = _read(expression, prior, partners, repair or [])
    from core.training.run import run  # torch: not before the files are known to be usable

    kept = grn_uploads.keep(reading, expression.name)
    question = Question(f"{UPLOAD}:{kept}", trust, sparsity, resamples, seed)
    run(
        METHOD, question.source, seeds=(seed,), overrides=overrides(question),
        artifact=question.artifact, report=print_progress,
    )  # fmt: skip
    typer.echo(f"upload {kept}")
    _print(_answer(question))


@commands.command()
def show(
    source: Source,
    regulator: Annotated[str, typer.Option(help="List its edges instead of all genes.")] = "",
    trust: Trust = None,
    sparsity: Sparsity = None,
    resamples: Resamples = 10,
    seed: Seed = 0,
) -> None:
    """Show which edges of the prior were kept or refused, and which are new, by regulator."""
    answer = _answer(_question(source, trust, sparsity, resamples, seed))
    if not regulator:
        _print(answer)
        return
    genes = answer.network.genes
    rows = [("target", "influence", "class", "selected", "relation")]
    rows += [
        (genes[edge.target], f"{edge.influence:.4f}", edge.kind, _share(edge.frequency),
         edge.relation)
        for edge in answer.edges_of(answer.regulator(regulator))
    ]  # fmt: skip
    print_table(rows)


@commands.command("export")
def export(
    source: Source,
    style: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "csv",
    trust: Trust = None,
    sparsity: Sparsity = None,
    resamples: Resamples = 10,
    seed: Seed = 0,
) -> None:
    """Print all edges of a network for other tools, or the card of its model."""
    from core.render import exchange
    from core.render.tables import to_safe_csv
    from core.serving import grn_bundle, grn_compare

    answer = _answer(_question(source, trust, sparsity, resamples, seed))
    header, rows = grn_compare.edge_cells(answer)
    network = grn_bundle.network_bundle(
        answer, created=datetime.now(UTC).isoformat(timespec="seconds")
    )
    writers = {
        "csv": lambda: to_safe_csv(rows, header),
        "sif": lambda: exchange.to_sif(network),
        "graphml": lambda: exchange.to_graphml(network),
        "cx2": lambda: json.dumps(exchange.to_cx2(network)),
        "card": lambda: json.dumps(answer.network.artifact.card.to_json(), indent=1),
    }
    if style not in writers:
        raise InputError(
            "GR-E27", "Unknown format", f'"{style}" is not a format.',
            f"Known: {', '.join(FORMATS)}.",
        )  # fmt: skip
    typer.echo(writers[style]().rstrip("\r\n"))


@commands.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder to write to.")],
    genes: Annotated[int, typer.Option(help="Genes, three tenths of them regulators.")] = 40,
    samples: Annotated[int, typer.Option(help="Samples with times of their own.")] = 20,
    noise: Annotated[float, typer.Option(help="Standard deviation; expression is 0 to 1.")] = 0.05,
    wrong: Annotated[float, typer.Option(help="Share of wrong edges in the prior.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Write simulated expression, a partly wrong prior and the true network as CSV files."""
    from core.data.regulation.files import to_files, to_network_csv
    from core.data.regulation.simulate import simulate as draw

    data = draw(genes, num_samples=samples, noise=noise, wrong=wrong, seed=seed)
    files = to_files(data) | {"truth.csv": to_network_csv(data.truth)}
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (out / name).write_bytes(content)
    typer.echo(f"{out}: {', '.join(files)}; {data.truth.num_edges:,} true edges")


def _read(expression: Path, prior: Path, partners: Path | None, repairs: list[str]) -> "Reading":
    """The measurements; what was noticed goes to the error stream with its repairs."""
    from core.data.regulation.reading import Choices
    from core.data.regulation.uploads import read_measurements

    files = [
        None if path is None else (path.name, path.read_bytes())
        for path in (expression, prior, partners)
    ]
    reading = read_measurements(*files, Choices(frozenset(repairs)))
    for finding in reading.findings:
        typer.echo(finding.text, err=True)
        for one in finding.repairs:
            typer.echo(f"  --repair {one.key}  ({one.label})", err=True)
    return reading.need()


def _question(
    source: str, trust: float | None, sparsity: float | None, resamples: int, seed: int
) -> "Question":
    from core.serving.gene_regulation import examples
    from core.serving.grn_question import EXAMPLE, UPLOAD, Question

    kind = EXAMPLE if source in {one.name for one in examples()} else UPLOAD
    return Question(f"{kind}:{source}", trust, sparsity, resamples, seed)


def _answer(question: "Question") -> "Answer":
    from core.serving.gene_regulation import answer

    return answer(question)


def _print(answer: "Answer") -> None:
    """Regulators with their edges by class."""
    kinds = ("kept", "new", "refused", "contradicted")
    rows = [("regulator", "in model", *kinds, "selected")]
    rows += [
        (one.name, str(one.in_model), *(str(one.counts[kind]) for kind in kinds),
         _share(one.selected))
        for one in answer.regulators
    ]  # fmt: skip
    print_table(rows)
    kept, number = answer.weights
    counts = ", ".join(f"{answer.counts[kind]:,} {kind}" for kind in kinds)
    typer.echo(f"{answer.title}: {answer.summary}")
    typer.echo(f"{answer.num_edges:,} edges: {counts}; {kept:,} of {number:,} weights kept")


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
