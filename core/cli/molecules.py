"""Few-shot molecular property: models, predictions from a table, their reasons, benchmarks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_check, print_table
from core.errors import DataError
from core.settings import settings

if TYPE_CHECKING:
    from core.serving.molecular_property import Question

commands = typer.Typer(help="Few-shot molecular property.", no_args_is_help=True)

Table = Annotated[
    Path,
    typer.Argument(
        help="CSV, SMILES list or SDF with a label per row: 1, 0, empty for candidates."
    ),
]
Model = Annotated[str, typer.Option(help="Model, as listed by `molecules models`.")]
DEFAULT = "pacia-tox21"


@commands.command()
def models() -> None:
    """List the models, with their ROC-AUC on assays and molecules that no training saw."""
    from core.serving.few_shot import available_models, open_model

    rows = [("model", "ten known per class", "one known per class", "title")]
    for entry in available_models():
        if entry.problem:
            rows.append((entry.id, "not usable", "", entry.problem))
            continue
        found = (open_model(entry.id).metric(shots) for shots in (10, 1))
        figures = (f"{metric.value:.3f}" if metric else "" for metric in found)
        rows.append((entry.id, *figures, entry.title))
    print_table(rows)


@commands.command()
def predict(
    table: Table,
    model: Model = DEFAULT,
    csv: Annotated[Path | None, typer.Option(help="File to write the whole table to.")] = None,
    sdf: Annotated[Path | None, typer.Option(help="File to write molecules and fields to.")] = None,
    top: Annotated[int, typer.Option(min=1, help="Rows shown.")] = 20,
) -> None:
    """Rank the candidates of a table by the known molecules in it."""
    from core.render.tables import to_safe_csv
    from core.serving import mol_export
    from core.serving.molecular_property import answer

    for path in (csv, sdf):
        if path is not None and not path.absolute().parent.is_dir():
            raise DataError(f"There is no folder {path.absolute().parent}.")
    found = answer(_question(table, model))
    rows = [("#", "id", "probability", "5 to 95 %", "set", "domain", "name")]
    for one in found.ranked[:top]:
        spread = "" if one.low is None else f"{one.low:.2f} to {one.high:.2f}"
        rows.append(
            (str(one.rank), one.row.id, f"{one.probability:.3f}", spread, " or ".join(one.classes),
             one.domain.flag, one.row.title)
        )  # fmt: skip
    print_table(rows)
    typer.echo(found.table.summary)
    for row in found.table.problems:
        for remark in row.remarks:
            typer.echo(f"{remark.code} {row.place}: {remark.text}")
    if found.shuffle:
        typer.echo(found.shuffle.sentence)
    if csv is not None:
        header, cells = mol_export.cells(found)
        csv.write_text(to_safe_csv(cells, header), encoding="utf-8")
    if sdf is not None:
        sdf.write_text(mol_export.to_sdf(found), encoding="utf-8")


@commands.command()
def explain(
    table: Table,
    candidate: Annotated[str, typer.Argument(help="Id of a candidate in `predict`, such as C1.")],
    model: Model = DEFAULT,
    seed: Annotated[int, typer.Option(help="Seed of the random look-alikes.")] = 0,
) -> None:
    """Show which known molecules and atoms a prediction rests on, and check it."""
    from core.serving import mol_evidence

    question = _question(table, model)
    found = mol_evidence.explain(question, candidate)
    typer.echo(found.statement)
    print_table(
        [
            ("effect", "similarity", "known molecule"),
            *(
                (f"{one.effect:+.4f}", f"{one.similarity:.2f}",
                 f"{one.row.id} {one.row.title} ({one.row.role})")
                for one in found.support
            ),
        ]
    )  # fmt: skip
    atoms = mol_evidence.atoms(question, candidate)
    typer.echo(atoms.statement)
    check = mol_evidence.check(question, candidate, found.cited, seed=seed)
    print_check(check)
    typer.echo(f"{check.verdict}: {check.sentence}")


@commands.command()
def benchmark(
    data_set: Annotated[str, typer.Argument(help="tox21, sider, muv or toxcast.")],
    methods: Annotated[
        str, typer.Option(help="Methods, separated by commas.")
    ] = "protonet,par,pacia",
    seeds: Annotated[str, typer.Option(help="Seeds of training, separated by commas.")] = "0",
    out: Annotated[Path | None, typer.Option(help="Folder of artifacts to write to.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "",
) -> None:
    """Train and test on molecules nobody saw and as published, beside baselines.

    The card of the first, which is what pages serve, gets the figures of both.
    """
    from core.cli.training import print_epoch
    from core.export.artifact import add_figures
    from core.training.molecule_data import PAPER
    from core.training.run import run

    rows = [("protocol", "method", "figure", "value")]
    for method in methods.split(","):
        unseen, paper = (
            run(
                method, data_set + suffix, seeds=[int(seed) for seed in seeds.split(",")],
                root=out, device=device or settings().device, report=print_epoch,
            )
            for suffix in ("", PAPER)
        )  # fmt: skip
        rows += [
            (protocol, method, f"{metric.split}, {metric.name}", f"{metric.value:.3f}")
            for protocol, written in (("unseen scaffolds", unseen), ("paper", paper))
            for metric in written.card.metrics
        ]
        add_figures(unseen, paper.card, "paper protocol")
    print_table(rows)


def _question(table: Path, model: str) -> "Question":
    from core.serving.molecular_property import Question
    from core.serving.molecule_table import read_file

    try:
        content = table.read_bytes()
    except OSError as error:
        raise DataError(f"{table} cannot be read: {error.strerror}.") from error
    return Question(model, read_file(content))
