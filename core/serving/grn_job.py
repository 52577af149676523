"""Pruning a model for a person's measurements: a training job, found again by its question."""

from typing import Any

from core.jobs import Job
from core.serving import gene_regulation as grn
from core.serving import trainings
from core.serving.artifact import load_artifact
from core.serving.grn_question import EXAMPLE, METHOD, UPLOAD, Question, require_learning
from core.settings import settings


def submit(question: Question) -> str:
    """Queue the pruning; returns the id of the job.

    Args:
        question: with its settings.

    Raises:
        InputError: GR-E07 when there is nothing to learn.
        JobError: too many jobs wait already.
    """
    require_learning(question)
    title = grn.title_of(question)
    return trainings.submit(
        METHOD, _data(question), question.artifact, f"Infer network: {title}"[:120],
        overrides(question), seed=question.seed,
    )  # fmt: skip


def find(question: Question) -> Job | None:
    """The latest job of a question, None when there was none."""
    if question.comes_along:
        return None
    return trainings.find(METHOD, _data(question), question.artifact)


def _data(question: Question) -> str:
    """The measurements as the training driver names them."""
    if question.kind == UPLOAD:
        return question.source
    example = Question(question.source)
    return load_artifact(example.artifact, settings().trained).card.data.name


def overrides(question: Question) -> dict[str, Any]:
    """Settings of the training that differ from the usual ones."""
    found: dict[str, Any] = {"num_resamples": question.resamples}
    if question.kind == EXAMPLE:  # its studies and repeated rivals come with the application
        found |= {"study": False, "num_seeds": 1}
    if question.trust is not None:
        found["trust"] = [question.trust, question.trust]
    if question.sparsity is not None:
        found["target_sparsity"] = question.sparsity
    return found


def mark(question: Question) -> str:
    """Changes whenever the model of a question does."""
    artifact = grn.find_artifact(question)
    return "" if artifact is None else artifact.card.files["knowledge.json"]
