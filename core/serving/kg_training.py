"""RED-GNN for a person's own graph: submit the job, say how long it takes, find it again."""

from core import jobs
from core.jobs import Job
from core.knowledge.graph import KnowledgeGraph

KIND = "train"
START_S = 15.0  # starting a worker and loading torch
FACT_S = 8e-4  # seconds per fact and epoch: Family on one processor core, validation included
DEFAULT_EPOCHS = 20
MAX_EPOCHS = 200


def estimate_s(graph: KnowledgeGraph, num_epochs: int) -> float:
    """Expected seconds of a training on one processor core; rough."""
    return START_S + FACT_S * graph.num_facts * num_epochs


def artifact_name(graph_id: str, num_epochs: int) -> str:
    """Name of the model of an upload; holds too little of its id to open the upload."""
    return f"redgnn-{graph_id[:8]}-{num_epochs}"


def submit_training(graph_id: str, title: str, num_epochs: int) -> str:
    """Queue the training of an uploaded graph; returns the id of the job.

    Args:
        graph_id: id of the upload.
        title: name of the graph, for the list of jobs.
        num_epochs: passes over the facts.
    """
    return jobs.submit(
        KIND,
        {
            "method": "redgnn",
            "data": f"upload:{graph_id}",
            "artifact": artifact_name(graph_id, num_epochs),
            "seed": 0,
            "overrides": {"num_epochs": num_epochs},
        },
        title=f"Train RED-GNN on {title}",
    )


def find_training(graph_id: str) -> Job | None:
    """The latest training of an upload, None when there was none."""
    found = [
        job for job in jobs.recent(200)
        if job.kind == KIND and job.params.get("data") == f"upload:{graph_id}"
    ]  # fmt: skip
    return found[0] if found else None
