"""Training jobs: list, show, cancel, resume."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.printing import print_table

if TYPE_CHECKING:
    from core.jobs import Job

commands = typer.Typer(help="Training jobs: list, show, cancel, resume.", no_args_is_help=True)


@commands.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, help="How many of the latest.")] = 20,
) -> None:
    """List the latest jobs, newest first."""
    from core.jobs import recent

    found = recent(limit)
    if not found:
        typer.echo("There are no jobs.")
        return
    print_table(
        [("id", "state", "progress", "title")]
        + [(job.id, job.state, _progress_of(job), job.title) for job in found]
    )


@commands.command("show")
def show_job(job_id: Annotated[str, typer.Argument(help="Id from `jobs list`.")]) -> None:
    """Show one job: state, progress, parameters, result or error."""
    from core.jobs import find

    job = find(job_id)
    print_table(
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


@commands.command("cancel")
def cancel_job(job_id: Annotated[str, typer.Argument(help="Id from `jobs list`.")]) -> None:
    """Stop a job: at once when it waits, within 5 s when it runs."""
    from core.jobs import cancel

    cancel(job_id)
    typer.echo("Asked to stop.")


@commands.command("resume")
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
