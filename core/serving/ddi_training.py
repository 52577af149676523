"""EmerGNN for a person's own network: submit the job, say how long it takes, find it again."""

from core.jobs import Job
from core.serving import trainings
from core.serving.ddi_networks import UPLOAD, artifact_names

METHOD = "emergnn"
SETTING = "S1"  # one drug is new: the question the page is for
START_S = 25.0  # starting a worker, loading torch, exporting
PAIR_S = 2e-3  # seconds per interaction and epoch on one processor core, validation included
NUM_EPOCHS = 20
OVERRIDES = {"hidden_dim": 32, "num_epochs": NUM_EPOCHS, "patience": NUM_EPOCHS}


def estimate_s(num_interactions: int) -> float:
    """Expected seconds of a training on one processor core; rough."""
    return START_S + PAIR_S * num_interactions * NUM_EPOCHS


def submit_training(network_id: str, title: str) -> str:
    """Queue the training on an uploaded network; returns the id of the job.

    Args:
        network_id: ``upload:<id>``.
        title: name of the network, for the list of jobs.
    """
    return trainings.submit(
        METHOD, f"{network_id}-{SETTING}", artifact_names(network_id)[SETTING],
        f"Train EmerGNN on {title}", OVERRIDES,
    )  # fmt: skip


def find_training(network_id: str) -> Job | None:
    """The latest training on an uploaded network, None when there was none."""
    if not network_id.startswith(UPLOAD):
        return None
    return trainings.find(METHOD, f"{network_id}-{SETTING}")
