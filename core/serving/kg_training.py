"""Models for a graph as jobs: submit one, say how long it takes, find it again."""

from core.jobs import Job
from core.knowledge.graph import KnowledgeGraph
from core.serving import trainings
from core.serving.graphs import embedded_graphs

START_S = 15.0  # starting a worker and loading torch
FACT_S = 8e-4  # seconds per fact and epoch: Family on one processor core, validation included
DEFAULT_EPOCHS = 20
MAX_EPOCHS = 200
TRAINING, SEARCH = "redgnn", "autoblm"  # methods
FINAL = 60  # structures a final training costs as much as
TRIPLE_S = 2.5e-4  # seconds per fact and structure of a search: UMLS on one processor core
DEFAULT_BUDGET, MIN_BUDGET, MAX_BUDGET = 60, 10, 500  # structures


def estimate_s(graph: KnowledgeGraph, num_epochs: int) -> float:
    """Expected seconds of a training on one processor core; rough."""
    return START_S + FACT_S * graph.num_facts * num_epochs


def artifact_name(graph_id: str, num_epochs: int) -> str:
    """Name of the model of an upload; holds too little of its id to open the upload."""
    return f"redgnn-{graph_id[:8]}-{num_epochs}"


def estimate_search_s(graph: KnowledgeGraph, budget: int) -> float:
    """Expected seconds of a search on one processor core, final training included; rough."""
    return START_S + TRIPLE_S * graph.num_facts * (budget + FINAL)


def submit_training(graph_id: str, title: str, num_epochs: int) -> str:
    """Queue the training of RED-GNN on an uploaded graph; returns the id of the job.

    Args:
        graph_id: id of the upload.
        title: name of the graph, for the list of jobs.
        num_epochs: passes over the facts.
    """
    return trainings.submit(
        TRAINING, _data(graph_id), artifact_name(graph_id, num_epochs),
        f"Train RED-GNN on {title}", {"num_epochs": num_epochs},
    )  # fmt: skip


def submit_search(graph_id: str, title: str, budget: int) -> str:
    """Queue the search of a scoring function for a graph; returns the id of the job.

    Args:
        graph_id: embedded graph, or id of an upload.
        title: name of the graph, for the list of jobs.
        budget: structures to try.
    """
    return trainings.submit(
        SEARCH, _data(graph_id), f"{SEARCH}-{graph_id[:8]}-{budget}",
        f"Search a scoring function for {title}", {"budget": budget},
    )  # fmt: skip


def find_training(graph_id: str, method: str = TRAINING) -> Job | None:
    """The latest training of a method on a graph, None when there was none."""
    return trainings.find(method, _data(graph_id))


def _data(graph_id: str) -> str:
    """The graph as the training driver names it."""
    embedded = {entry.id for entry in embedded_graphs()}
    return graph_id if graph_id in embedded else f"upload:{graph_id}"
