"""ColdNAS for a person's own ratings of many users: keep the file, submit the job, find it again.

The driver loads the data of the job through `load_upload`. The model's name follows from the id of
the upload, cannot be guessed, and does not give the upload away.
"""

import hashlib

from core.data.ratings.histories import InteractionChoices, InteractionReading, read_interactions
from core.errors import InputError
from core.jobs import Job
from core.knowledge.ratings import ColdStart
from core.serving import trainings
from core.serving.rec_items import unknown_upload
from core.serving.rec_model import OWN
from core.store import Store

METHOD = "coldnas"
KIND = "ratings"  # of the upload
START_S = 25.0  # starting a worker, loading torch, exporting
EPOCHS = 160  # of search, trials and final training together, when none stops early
GIVEN_EPOCHS = 40  # of a given structure: nothing is searched or tried
USER_S = 2e-3  # seconds per training user and epoch: MovieTweetings on one processor core
SEARCHED = ""
STRUCTURES = {
    SEARCHED: "search for it",
    "film": "scale and shift everywhere (FiLM)",
    "released": "as published for Last.fm",
}  # what `structure` of the configuration may be here


def estimate_s(data: ColdStart, structure: str = SEARCHED) -> float:
    """Expected seconds of a training on one processor core; rough, and at the upper end.

    Args:
        data: ratings.
        structure: key of `STRUCTURES`.
    """
    return START_S + USER_S * len(data.warm) * (GIVEN_EPOCHS if structure else EPOCHS)


def artifact_name(upload_id: str) -> str:
    """Name of the model of an upload."""
    return f"{OWN}{hashlib.sha256(upload_id.encode()).hexdigest()[:24]}"


def keep_upload(name: str, content: bytes, choices: InteractionChoices) -> str:
    """Store a file with ratings that can be trained on; returns its id.

    Args:
        name: name of the file.
        content: its bytes.
        choices: what the person decided about its columns.

    Raises:
        InputError: the file cannot be used (UP-E01 to UP-E07, RC-E06, RC-E08).
    """
    reading = read_interactions(name, content, choices)
    if reading.data is None:
        finding = reading.findings[0]
        raise InputError(finding.code, finding.title, finding.text, "Correct the file.")
    summary = choices.to_json() | {"summary": reading.summary}
    return Store.open().save_upload(name=name, content=content, kind=KIND, summary=summary)


def load_upload(upload_id: str) -> InteractionReading:
    """A stored file, read again with the same choices.

    Raises:
        InputError: RC-E21, there is no such upload.
    """
    found = Store.open().find_upload(upload_id)
    if found is None or found.kind != KIND:
        raise unknown_upload()
    choices = InteractionChoices.from_json(found.summary)
    return read_interactions(found.name, found.path.read_bytes(), choices)


def submit(upload_id: str, title: str, structure: str = SEARCHED) -> str:
    """Queue search and training on an upload; returns the id of the job.

    Args:
        upload_id: result of `keep_upload`.
        title: name of the data, for the list of jobs.
        structure: key of `STRUCTURES`.

    Raises:
        JobError: too many jobs wait already.
    """
    return trainings.submit(
        METHOD, f"upload:{upload_id}", artifact_name(upload_id), f"Train ColdNAS on {title}",
        {"structure": structure} if structure else {},
    )  # fmt: skip


def find(upload_id: str) -> Job | None:
    """The latest training on an upload, None when there was none."""
    return trainings.find(METHOD, f"upload:{upload_id}")
