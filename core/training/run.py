"""The driver: method name + data set + seeds -> trained, evaluated, exported and recorded artifact.

Methods and the loaders of their data are reached through the entry points of `core.catalog`, so
that training depends on none.
"""

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from core import catalog
from core.errors import DataError, InputError
from core.export.artifact import hardware, today, versions, write_artifact
from core.serving.artifact import Artifact, Card, Metric
from core.settings import settings
from core.store import Store
from core.training.data import Results, TrainingData
from core.training.fitted import Fitted
from core.training.loop import Report, quiet

if TYPE_CHECKING:
    from core.jobs import JobContext


def run(
    method: str,
    data_set: str,
    *,
    seeds: Sequence[int] = (0,),
    overrides: Mapping[str, Any] | None = None,
    device: str = "auto",
    root: Path | None = None,
    artifact: str = "",
    checkpoints: Path | None = None,
    report: Report = quiet,
    job: str | None = None,
) -> Artifact:
    """Train with every seed, test, export the seed that validated best, record the run.

    Args:
        method: catalogue id.
        data_set: as the loader of the method's task knows it.
        seeds: one training each; metrics are means over them.
        overrides: configuration fields that differ from the published setting.
        device: ``cpu``, ``cuda`` or ``auto``.
        root: where the artifact is written; the application's own folder when None.
        artifact: its name; ``<method>-<data set>`` when empty.
        checkpoints: folder of checkpoints; an interrupted run continues from there, a finished one
            is exported again without training.
        report: progress; may raise Cancelled.
        job: id of the job that asked for it.
    """
    if method not in catalog.METHODS:
        raise InputError(
            "TR-E02",
            "Unknown method",
            f'"{method}" is not a method of this version.',
            f"Known: {', '.join(catalog.METHODS)}.",
        )
    entry = catalog.METHODS[method]
    config = load(entry.config)(data_set, **(overrides or {}))
    data = load(entry.data)(data_set)
    device = resolve_device(device)
    name = artifact or f"{method}-{data_set}".replace(":", "-")
    folder = checkpoints or settings().home / "checkpoints"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(
        json.dumps(
            {
                "method": method,
                "data_set": data_set,
                "seeds": list(seeds),
                "overrides": dict(overrides or {}),
            }
        )
    )
    fitted: dict[int, Fitted] = {}
    results: list[Results] = []
    start = time.time()
    for number, seed in enumerate(seeds):
        fitted[seed] = load(entry.entry)(
            data.task,
            config,
            seed=seed,
            device=device,
            report=_shifted(report, number, len(seeds), seed),
            checkpoint=folder / f"{name}-{seed}.pt",
        )
        results.append(data.test(fitted[seed], device))
    best = max(
        seeds,
        key=lambda seed: fitted[seed].history.epochs[fitted[seed].history.best_epoch - 1][
            "selection"
        ],
    )
    exported = data.export(fitted[best])
    card = Card(
        name=name,
        method=method,
        task=entry.task,
        title=f"{entry.title} on {data.state.title}",
        config=asdict(config),
        data=data.state,
        metrics=tuple(_metrics(results, tuple(seeds), data, entry.citation)),
        seed=best,
        num_parameters=fitted[best].num_parameters,
        training_s=sum(one.history.seconds for one in fitted.values()),
        hardware=hardware(device),
        versions=versions(),
        citations=(entry.citation,),
        files={},
        parity=exported.parity,
        created=today(),
    )
    written = write_artifact(
        root or settings().home / "trained",
        {"model.onnx": exported.model, **exported.more},
        exported.knowledge,
        card,
    )
    _record(written, data_set, config, best, time.time() - start, job)
    return written


def export_again(name: str, root: Path | None = None) -> Artifact:
    """Write an artifact again from the checkpoints that `run` left; nothing is trained.

    Raises:
        DataError: there are no finished checkpoints under this name.
    """
    folder = settings().home / "checkpoints"
    files = sorted(folder.glob(f"{name}-*.pt"))
    record = folder / f"{name}.json"
    if not files or not record.is_file():
        raise DataError(
            f"There are no checkpoints of {name} in {folder}. Train it again with "
            "`python -m core train`, or restore trained/ from the release."
        )
    return run(**json.loads(record.read_text()), root=root, artifact=name)


def run_job(params: dict[str, Any], context: "JobContext") -> dict[str, Any]:
    """A training job from the page or the command line.

    Args:
        params: ``method``, ``data``, ``artifact``, ``seed``, ``overrides``.
        context: progress, folder for checkpoints, cancel.
    """
    artifact = run(
        params["method"],
        params["data"],
        seeds=(params.get("seed", 0),),
        overrides=params.get("overrides", {}),
        device=settings().device,
        artifact=params["artifact"],
        checkpoints=context.folder,
        report=context.report,
        job=context.job_id,
    )
    figures = {metric.name: metric.value for metric in artifact.card.metrics}
    return {"artifact": artifact.name, "metrics": figures, "seconds": artifact.card.training_s}


def evaluate_served(artifact: Artifact, data_set: str) -> Results:
    """The reported metrics again, through the code and the runtime that serve answers."""
    return load(catalog.METHODS[artifact.card.method].data)(data_set).served(artifact)


def load(entry: str) -> Callable[..., Any]:
    """The object behind a ``module:name`` entry point."""
    module, name = entry.split(":")
    return getattr(import_module(module), name)


def resolve_device(device: str) -> str:
    """``auto`` means CUDA when torch sees a GPU.

    Raises:
        InputError: CUDA was asked for and there is none.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError(
            "TR-E03",
            "No GPU",
            "torch sees no CUDA device.",
            "Choose the device cpu or auto, or train on a machine with an NVIDIA GPU.",
        )
    return device


def _shifted(report: Report, number: int, total: int, seed: int) -> Report:
    """Progress of one of several seeds as progress of the whole run."""

    def shifted(step: int, steps: int, text: str = "", **values: float) -> None:
        label = text if total == 1 else f"seed {seed} ({number + 1} of {total}), {text}"
        report(number * steps + step, total * steps, label, **values)

    return shifted


def _metrics(
    results: Sequence[Results], seeds: tuple[int, ...], data: TrainingData, citation: str
) -> list[Metric]:
    found = []
    for split, names in results[0].items():
        for name in names:
            values = [row[split][name] for row in results]
            paper = data.published(split, name)
            found.append(
                Metric(
                    name,
                    split,
                    statistics.fmean(values),
                    statistics.stdev(values) if len(values) > 1 else 0.0,
                    seeds,
                    data.protocol,
                    paper[0] if paper else None,
                    f"{citation} {paper[1]}" if paper else "",
                )
            )
    return found


def _record(
    artifact: Artifact, data_set: str, config: object, seed: int, seconds: float, job: str | None
) -> None:
    store = Store.open()
    run_id = store.save_run(
        method=artifact.card.method,
        dataset=data_set,
        config=asdict(config),
        seed=seed,
        metrics={f"{m.split} {m.name}": m.value for m in artifact.card.metrics},
        seconds=seconds,
        job=job,
    )
    store.save_artifact(
        name=artifact.name,
        path=str(artifact.folder),
        sha256=artifact.card.files["model.onnx"],
        card=artifact.card.to_json(),
        run=run_id,
    )
