"""Expression and networks as files, in the form in which own ones can be uploaded."""

import csv
import io
from collections.abc import Iterable, Sequence

import numpy as np

from core.data.regulation.dataset import RegulationData
from core.data.regulation.simulate import simulate
from core.knowledge.regulation import Expression, Network

EXPRESSION, PRIOR, PARTNERS = "expression.csv", "prior.csv", "partners.csv"
EXAMPLE_SAMPLES = 20


def to_expression_csv(expression: Expression) -> bytes:
    """One row for each sample and time: sample, time, one column for each gene."""
    rows = (
        [f"S{number:03}", f"{time:g}", *("" if np.isnan(one) else f"{one:.5g}" for one in values)]
        for number, sample in enumerate(expression.samples, 1)
        for time, values in zip(sample.times, sample.values, strict=True)
    )
    return _csv(["sample", "time", *expression.genes], rows)


def to_network_csv(network: Network) -> bytes:
    """One row for each edge: regulator, target, and its sign and strength."""
    rows = (
        [network.genes[i], network.genes[j], f"{network.matrix[i, j]:g}"]
        for i, j in network.edges()
    )
    return _csv(["regulator", "target", "weight"], rows)


def to_partners_csv(network: Network) -> bytes:
    """One row for each pair of proteins, each pair once."""
    rows = (
        [network.genes[i], network.genes[j], f"{network.matrix[i, j]:g}"]
        for i, j in network.edges()
        if i <= j
    )
    return _csv(["protein1", "protein2", "weight"], rows)


def to_files(data: RegulationData) -> dict[str, bytes]:
    """Contents by name: the measurements to learn and to choose from, the prior, the partners."""
    samples = data.train.samples + (data.valid.samples if data.valid else ())
    files = {
        EXPRESSION: to_expression_csv(Expression(data.train.genes, samples)),
        PRIOR: to_network_csv(data.prior),
    }
    if data.partners is not None:
        files[PARTNERS] = to_partners_csv(data.partners)
    return files


def example_files() -> dict[str, bytes]:
    """A simulated network as an upload."""
    return to_files(simulate(num_samples=EXAMPLE_SAMPLES))


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue().encode()
