"""The command line: every action of the pages, with the same names, limits, messages and numbers.

Commands import what they need inside their body: `predict` must not wait for torch, and `--help`
must not wait for anything.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.errors import DataError, ParsimonyError
from core.settings import PROCESS_ENVIRONMENT, ROOT, settings

if TYPE_CHECKING:
    from core.jobs import Job
    from core.serving.artifact import Artifact, Metric
    from core.serving.kg_question import Query

app = typer.Typer(
    name="parsimony",
    help="Predictions with evidence that is checked live.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
data = typer.Typer(help="Data sets: list, fetch, verify.", no_args_is_help=True)
jobs = typer.Typer(help="Training jobs: list, show, cancel, resume.", no_args_is_help=True)
app.add_typer(data, name="data")
app.add_typer(jobs, name="jobs")


def main() -> None:
    """Run one command; an error meant for a person becomes one line and exit code 1."""
    try:
        app()
    except ParsimonyError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)


# --- serving ---------------------------------------------------------------------------------


@app.command()
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


@app.command()
def work() -> None:
    """Run jobs until stopped; `serve` starts this by itself."""
    from core.jobs import work as work_loop

    work_loop()


@app.command()
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


# --- data sets -------------------------------------------------------------------------------


@data.command("list")
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
        rows.append((data_set.name, lines, here, _shorten(data_set.licence, 40), data_set.title))
    _print_table(rows)


@data.command("get")
def get_data(names: Annotated[list[str], typer.Argument(help="Data sets to fetch.")]) -> None:
    """Fetch and verify data sets; an interrupted download continues where it stopped."""
    from core.data import registry

    for name in names:
        typer.echo(f"{name}: {registry.get(name)}")


@data.command("verify")
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
    _print_table([(name, state.name, state.state) for name, state in states])
    bad = [state for _, state in states if state.state != "ok"]
    if bad:
        raise DataError(
            f"{len(bad)} of {len(states)} files are missing or damaged. "
            "Fetch them with `python -m core data get NAME`."
        )


# --- jobs ------------------------------------------------------------------------------------


@jobs.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest.")] = 20,
) -> None:
    """List the latest jobs, newest first."""
    from core.jobs import recent

    found = recent(limit)
    if not found:
        typer.echo("There are no jobs.")
        return
    _print_table(
        [("id", "state", "progress", "title")]
        + [(job.id, job.state, _progress_of(job), job.title) for job in found]
    )


@jobs.command("show")
def show_job(job_id: Annotated[str, typer.Argument(help="Id from `jobs list`.")]) -> None:
    """Show one job: state, progress, parameters, result or error."""
    from core.jobs import find

    job = find(job_id)
    _print_table(
        [
            ("title", job.title),
            ("kind", job.kind),
            ("state", job.state),
            ("progress", f"{_progress_of(job)} {job.text}".strip()),
            ("attempts", str(job.attempts)),
            ("params", json.dumps(job.params)),
            ("result", json.dumps(job.result)),
            ("error", job.error or "none"),
        ]
    )


@jobs.command("cancel")
def cancel_job(job_id: Annotated[str, typer.Argument(help="Id from `jobs list`.")]) -> None:
    """Stop a job: at once when it waits, within 5 s when it runs."""
    from core.jobs import cancel

    cancel(job_id)
    typer.echo("Asked to stop.")


@jobs.command("resume")
def resume_job(job_id: Annotated[str, typer.Argument(help="Id from `jobs list`.")]) -> None:
    """Put an interrupted, failed or cancelled job back into the queue, from its checkpoint."""
    from core.jobs import resume

    resume(job_id)
    typer.echo("In the queue again.")


def _progress_of(job: "Job") -> str:
    """Steps done, and seconds left when known."""
    if job.queue_position is not None:
        return f"place {job.queue_position}"
    done = f"{job.step}/{job.total}" if job.total else str(job.step)
    return done if job.eta_s is None else f"{done}, {job.eta_s:.0f} s left"


# --- the database ----------------------------------------------------------------------------


@app.command()
def backup(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet.")],
) -> None:
    """Copy database, uploads and results of jobs while the application goes on working."""
    from core.store import Store, back_up

    typer.echo(f"Backup written to {back_up(Store.open(), folder)}.")


@app.command()
def restore(folder: Annotated[Path, typer.Argument(help="A folder written by `backup`.")]) -> None:
    """Put a backup in place of the database; the replaced one is kept beside it."""
    from core import store

    kept = store.restore(folder)
    typer.echo(f"Restored from {folder}.")
    if kept is not None:
        typer.echo(f"The replaced database is {kept}.")


# --- answers about graphs --------------------------------------------------------------------

GraphId = Annotated[
    str, typer.Argument(help="royals, umls, planted, a benchmark, or the id of an upload.")
]
EntityName = Annotated[str, typer.Argument(help="Id or name of the given entity.")]
RelationName = Annotated[str, typer.Argument(help="Id or name of the relation.")]
AnswerName = Annotated[str, typer.Argument(help="Id or name of the answer to explain.")]
Inverse = Annotated[bool, typer.Option("--inverse", help="Ask (?, relation, entity).")]
ModelName = Annotated[str, typer.Option(help="Artifact; the graph's own when empty.")]
Edits = Annotated[
    list[str] | None,
    typer.Option("--edit", help='Change a fact first: "remove|HEAD|RELATION|TAIL" or "add|…".'),
]
Ranking = Annotated[str, typer.Option(help="How evidence is chosen: deletion or attention.")]


@app.command()
def predict(
    graph: GraphId, entity: EntityName, relation: RelationName, inverse: Inverse = False,
    top: Annotated[int, typer.Option(min=1, help="Answers shown.")] = 10,
    known: Annotated[bool, typer.Option("--known", help="List facts of the graph too.")] = False,
    model: ModelName = "", edit: Edits = None,
) -> None:  # fmt: skip
    """Rank the answers of a question about a graph."""
    from core.serving.kg_reasoning import answer

    query = _query(graph, entity, relation, inverse, model, edit, top, not known)
    found = answer(query)
    typer.echo(found.question)
    _print_table(
        [("#", "score", "status", "id", "name")]
        + [
            (f"{row.rank:g}", f"{row.score:.4f}", row.status, row.entity, row.name)
            for row in found.rows
        ]
    )
    typer.echo(
        f"{found.num_reached:,} of {found.num_candidates:,} entities within reach; "
        f"{found.model} on {found.provider}, {found.seconds * 1000:.0f} ms"
    )


@app.command()
def explain(
    graph: GraphId, entity: EntityName, relation: RelationName, answer: AnswerName,
    inverse: Inverse = False, ranking: Ranking = "deletion", model: ModelName = "",
    edit: Edits = None,
) -> None:  # fmt: skip
    """Show the facts and paths an answer rests on."""
    from core.serving import kg_reasoning as kg
    from core.serving.kg_question import fact_text, reasoner

    query = _query(graph, entity, relation, inverse, model, edit)
    facts = reasoner(query).graph
    found = kg.explain(query, facts.entities[facts.find_entity(answer)], ranking=ranking)
    rows = [("hop", "deletion", "flow", "fact")]
    for item in found.facts:
        text = fact_text(facts, item.fact)
        rows.append((str(item.hop), f"{item.deletion:+.4f}", f"{item.flow:.4f}", text))
    _print_table(rows)
    for walk in found.walks:
        counted = f"{walk.count.support} of {walk.count.body}" + " (sampled)" * walk.count.sampled
        typer.echo(f"{walk.only:.4f} alone  {walk.rule}  holds {counted}")


@app.command()
def check(
    graph: GraphId, entity: EntityName, relation: RelationName, answer: AnswerName,
    inverse: Inverse = False, ranking: Ranking = "deletion", model: ModelName = "",
    edit: Edits = None,
    seed: Annotated[int, typer.Option(help="Seed of the random look-alikes.")] = 0,
) -> None:  # fmt: skip
    """Test the evidence of an answer: with all, without it, with only it, and look-alikes."""
    from core.serving import kg_reasoning as kg
    from core.serving.kg_question import reasoner

    query = _query(graph, entity, relation, inverse, model, edit)
    facts = reasoner(query).graph
    target = facts.entities[facts.find_entity(answer)]
    evidence = kg.explain(query, target, ranking=ranking)
    found = kg.check(query, target, evidence.items, seed=seed)
    minimal = kg.minimise(query, target, [item.fact for item in evidence.facts])
    _print_table(
        [
            ("score with everything", f"{found.score_all:.4f}", f"rank {found.rank_all:g}"),
            ("without this evidence", f"{found.score_without:.4f}", f"rank {found.rank_without:g}"),
            ("with only this evidence", f"{found.score_only:.4f}", f"rank {found.rank_only:g}"),
            (f"drop without {found.control.k} look-alikes", f"{found.control.median:.4f}",
             f"5 to 95 %: {found.control.p05:.4f} to {found.control.p95:.4f}"),
        ]
    )  # fmt: skip
    typer.echo(f"{found.verdict}: {found.sentence}")
    typer.echo(f"{len(minimal.items)} of {len(evidence.facts)} facts are enough.")


@app.command()
def audit(
    graph: GraphId,
    num: Annotated[int, typer.Option(min=1, help="Held-out questions to sample.")] = 200,
    model: ModelName = "",
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
) -> None:
    """Measure how often the evidence of right held-out answers is SUPPORTED."""
    from core.serving.audit import audit as run_audit
    from core.serving.audit import audit_planted

    rows = [("evidence by", "asked", "right", "SUPPORTED", "PARTLY", "NOT SUPPORTED", "facts")]
    for ranking in ("deletion", "attention"):
        found = run_audit(graph, ranking=ranking, num=num, seed=seed, model=model)
        shares = [f"{found.share(verdict):.1%}" for verdict in rows[0][3:6]]
        rows.append(
            (ranking, str(found.num_asked), str(found.num_right), *shares,
             f"{found.mean_facts:.1f}")
        )  # fmt: skip
    _print_table(rows)
    if graph == "planted":
        known = audit_planted()
        typer.echo(
            f"{known.num} questions with a known reason: the reason is SUPPORTED in "
            f"{known.evidence_supported:.1%}, a decoy is NOT SUPPORTED in "
            f"{known.decoy_refused:.1%}, minimal evidence is the reason in "
            f"{known.minimal_is_proof:.1%}."
        )


@app.command()
def upload(
    file: Annotated[Path, typer.Argument(help="A graph: table, N-Triples, GraphML, CX2.")],
) -> None:
    """Keep a graph file on this server and print the id under which it can be asked."""
    from core.serving.graphs import find_graph, keep_upload

    if not file.is_file():
        raise DataError(f"There is no file {file}.")
    key = keep_upload(file.name, file.read_bytes(), None)
    typer.echo(f"{key}\n{find_graph(key).load()}")


def _query(
    graph: str, entity: str, relation: str, inverse: bool, model: str,
    edits: list[str] | None, top: int = 10, hide_known: bool = True,
) -> "Query":  # fmt: skip
    from core.errors import InputError
    from core.serving.graphs import find_graph
    from core.serving.kg_question import Edit, Query

    facts = find_graph(graph).load()
    changes = []
    for text in edits or []:
        parts = text.split("|")
        if len(parts) != 4 or parts[0] not in ("add", "remove"):
            raise InputError(
                "KG-E08", "Fact not changed", f'"{text}" is not a change.',
                'Write "remove|HEAD|RELATION|TAIL" or "add|HEAD|RELATION|TAIL".',
            )  # fmt: skip
        changes.append(
            Edit(parts[0], facts.entities[facts.find_entity(parts[1])],
                 facts.relations[facts.find_relation(parts[2])],
                 facts.entities[facts.find_entity(parts[3])])
        )  # fmt: skip
    return Query(
        graph, facts.entities[facts.find_entity(entity)] if entity.strip() else "",
        facts.relations[facts.find_relation(relation)] if relation.strip() else "",
        inverse, top, hide_known, model, tuple(changes),
    )  # fmt: skip


# --- training --------------------------------------------------------------------------------


@app.command()
def train(
    data_set: Annotated[str, typer.Argument(help="A benchmark, planted, or upload:ID.")],
    method: Annotated[str, typer.Option(help="Method of the catalogue.")] = "redgnn",
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

    written = run(
        method, data_set, seeds=[int(seed) for seed in seeds.split(",")],
        overrides=_overrides(change), device=device or settings().device, root=out, artifact=name,
        report=_print_epoch,
    )  # fmt: skip
    _print_figures(written)


@app.command()
def export(
    name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")],
    out: Annotated[Path | None, typer.Option(help="Folder of artifacts to write to.")] = None,
) -> None:
    """Write an artifact again from the checkpoints of its training."""
    from core.training.run import export_again

    _print_figures(export_again(name, out))


@app.command()
def evaluate(
    name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")],
    data_set: Annotated[str, typer.Argument(help="Data set it was trained on.")],
) -> None:
    """Measure a served artifact again, through the runtime that serves answers."""
    from core.serving.kg_question import find_model
    from core.training.run import evaluate_served

    for split, figures in evaluate_served(find_model(name), data_set).items():
        _print_table([(split, key, f"{value:.4f}") for key, value in figures.items()])


@app.command()
def card(name: Annotated[str, typer.Argument(help="Artifact, such as redgnn-family.")]) -> None:
    """Print the card of an artifact: data, settings, figures with protocol, checksums."""
    from core.serving.kg_question import find_model

    typer.echo(json.dumps(find_model(name).card.to_json(), indent=1, ensure_ascii=False))


def _overrides(changes: list[str] | None) -> dict[str, object]:
    from core.errors import InputError

    found = {}
    for text in changes or []:
        key, _, value = text.partition("=")
        try:
            found[key] = json.loads(value)
        except json.JSONDecodeError as error:
            raise InputError(
                "TR-E01", "Unknown setting", f'"{text}" is not name=value.',
                "Write numbers and true or false plainly, texts in double quotes.",
            ) from error  # fmt: skip
    return found


def _print_epoch(step: int, total: int, text: str = "", **values: float) -> None:
    """One line per epoch."""
    if values:
        figures = "  ".join(f"{key} {value:.4f}" for key, value in values.items())
        typer.echo(f"{step}/{total}  {text}  {figures}")


def _print_figures(artifact: "Artifact") -> None:
    rows = [("split", "metric", "value", "paper")]
    for metric in artifact.card.metrics:
        paper = "" if metric.paper is None else f"{metric.paper:.3f}"
        rows.append((metric.split, metric.name, f"{metric.value:.4f} ± {metric.std:.4f}", paper))
    _print_table(rows)
    typer.echo(f"{artifact.folder}: {artifact.card.num_parameters:,} parameters")


# --- documentation ---------------------------------------------------------------------------

_FIGURES = ("<!-- figures -->\n", "<!-- /figures -->\n")
_MODULES = {
    "redgnn": ("RED-GNN, section 5.1", "core/methods/parsimony_on_interpretation/redgnn.py"),
    "emergnn": ("EmerGNN, section 6", "core/methods/drug_development/emergnn.py"),
}
_PAGES = {"kg_reasoning": "KG reasoning", "drug_interaction": "Drug interaction"}
_METRICS = {  # shown figures: words, name in the card
    "redgnn": (("MRR", "mrr"),),
    "emergnn": (("accuracy", "accuracy"), ("with vote", "plus accuracy")),
}


@app.command()
def readme(
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail when the table differs.")
    ] = False,
) -> None:
    """Write the README's table of figures from the cards of the artifacts."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    before, rest = text.split(_FIGURES[0])
    after = rest.split(_FIGURES[1])[1]
    written = before + _FIGURES[0] + _figures_table() + _FIGURES[1] + after
    if written == text:
        typer.echo("README.md agrees with the cards.")
    elif check:
        raise DataError("README.md differs from the cards. Run `python -m core readme`.")
    else:
        path.write_text(written, encoding="utf-8")
        typer.echo("README.md written.")


def _figures_table() -> str:
    """Paper, code, page, artifact, our figure and the paper's, one row per served artifact.

    Raises:
        ArtifactError: an artifact does not match its card.
    """
    from core.errors import ArtifactError
    from core.serving.artifact import list_artifacts

    lines = [
        "| paper | code | page | artifact | test figure | the paper's |",
        "|---|---|---|---|---|---|",
    ]
    for name, artifact in list_artifacts(ROOT / "trained"):
        if isinstance(artifact, ArtifactError):
            raise artifact
        card = artifact.card
        title, module = _MODULES[card.method]
        split = card.metrics[0].split
        metrics = [(words, card.metric(key, split)) for words, key in _METRICS[card.method]]
        figures = "; ".join(f"{words} {_figure(metric)}" for words, metric in metrics)
        lines.append(
            f"| {title} | [`{module}`]({module}) | {_PAGES.get(card.task, 'none yet')} "
            f"| `{name}` | {figures} | {_paper_figure(metrics[0][1])} |"
        )
    return "\n".join(lines) + "\n"


def _figure(metric: "Metric | None") -> str:
    """Value, deviation and number of seeds: ``0.985 ± 0.002 (3 seeds)``."""
    if metric is None:
        return "none"
    num_seeds = len(metric.seeds)
    if num_seeds == 1:
        return f"{metric.value:.3f} (1 seed)"
    return f"{metric.value:.3f} ± {metric.std:.3f} ({num_seeds} seeds)"


def _paper_figure(metric: "Metric | None") -> str:
    """The published figure for the same cell, or a dash."""
    return "–" if metric is None or metric.paper is None else f"{metric.paper:.3f}"


# --- printing --------------------------------------------------------------------------------


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Print rows in aligned columns; the last column is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        typer.echo("  ".join([*cells, row[-1]]).rstrip())


def _shorten(text: str, length: int) -> str:
    """`text`, cut to `length` characters with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"
