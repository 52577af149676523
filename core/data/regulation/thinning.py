"""Samples of very many time points, as of single cells, averaged in groups of neighbours."""

import numpy as np

from core.knowledge.regulation import Expression, Trajectory

MAX_TIMES = 100  # of a sample


def thinned(expression: Expression) -> Expression:
    """At most `MAX_TIMES` times per sample, each the mean of neighbouring ones."""
    samples = []
    for sample in expression.samples:
        if len(sample.times) <= MAX_TIMES:
            samples.append(sample)
            continue
        groups = np.array_split(np.arange(len(sample.times)), MAX_TIMES)
        times = np.array([sample.times[rows].mean() for rows in groups])
        values = np.stack([mean_of_measured(sample.values[rows]) for rows in groups])
        apart = np.diff(times, prepend=-np.inf) > 0  # rounding may make close ones equal
        samples.append(Trajectory(times[apart], values[apart].astype(np.float32)))
    return Expression(expression.genes, tuple(samples))


def mean_of_measured(values: np.ndarray) -> np.ndarray:
    """(columns,) mean over the rows in which something was measured, NaN where nothing was."""
    known = ~np.isnan(values)
    total = np.where(known, values, 0).sum(axis=0)
    return np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
