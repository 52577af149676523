"""Expression of one target over time: measured, predicted, and predicted without one edge."""

from dataclasses import dataclass

import numpy as np

from core.serving.grn_model import RegulationModel, Sample

NUM_POINTS = 40  # of a predicted line
Series = list[tuple[float, float]]


@dataclass(frozen=True)
class Fit:
    """One target in one sample; pairs of time and expression in the units of the model.

    Attributes:
        gene: name of the target.
        measured: what was measured.
        model: as the model goes on from the first measured time alone.
        without: likewise, without the edge.
    """

    gene: str
    measured: Series
    model: Series
    without: Series


def held_out(network: RegulationModel) -> list[Sample]:
    """Samples that no training saw, as far as there are any."""
    return [sample for sample in network.samples if sample.part == network.held_out]


def fit(network: RegulationModel, regulator: int, target: int, sample: Sample) -> Fit:
    """Predicted from the first time point of a sample to its last one."""
    times, values = sample.trajectory.times, sample.trajectory.values
    grid = np.union1d(np.linspace(times[0], times[-1], NUM_POINTS), times).tolist()
    whole = network.follow(values[0], grid)[:, target]
    without = network.follow_without((target, frozenset([regulator])), values[0], grid)
    return Fit(
        network.genes[target],
        [(float(t), float(v)) for t, v in zip(times, values[:, target], strict=True)
         if np.isfinite(v)],
        _series(grid, whole),
        _series(grid, without),
    )  # fmt: skip


def _series(grid: list[float], values: np.ndarray) -> Series:
    return [(t, float(v)) for t, v in zip(grid, values, strict=True)]


def fit_cells(found: Fit) -> tuple[tuple[str, ...], list[tuple[float | None, ...]]]:
    """The lines and dots as a table."""
    measured = dict(found.measured)
    rows = [
        (time, measured.get(time), value, without)
        for (time, value), (_, without) in zip(found.model, found.without, strict=True)
    ]
    return ("time", "measured", "model", "without the edge"), rows
