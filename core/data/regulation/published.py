"""Published expression over time with prior networks, out of the registry."""

import csv
import io

import numpy as np

from core.data import registry
from core.data.regulation.dataset import RegulationData
from core.data.regulation.hill import HillSystem, read_equation
from core.knowledge.regulation import Network

NUM_TEST = 10  # trajectories


def load_sim350(
    *, num_train: int = 150, noise: float = 0.05, wrong: float = 0.1, seed: int = 0
) -> RegulationData:
    """SIM350, simulated anew from its equations.

    The published trajectories are not used: the equations do not give them exactly. Three of the
    550 published edges (REB1 to SIN3, GLN3 to FUR4, UME6 to GAL1) are in no equation, so that no
    data can show them; they stay in the truth, which is then the published one.

    Args:
        num_train: samples to learn from, the part to choose on included.
        noise: standard deviation on their expression; the 10 test samples have none.
        wrong: share of the prior's edges that are moved to random places.
        seed: of the samples, the noise and the moved edges.

    Raises:
        DataError: the data set is not here.
    """
    files = registry.read("sim350")
    system = _read_system(files)
    truth = _read_true_network(files)
    started, tested, moved = np.random.SeedSequence(seed).spawn(3)
    return RegulationData(
        "SIM350, simulated anew",
        system.simulate(num_train, np.random.default_rng(started), noise=noise),
        truth.relocated(wrong, np.random.default_rng(moved)),
        test=system.simulate(NUM_TEST, np.random.default_rng(tested)),
        truth=truth,
    )


def load_sim350_prior(level: str) -> Network:
    """A published prior of SIM350, its genes in the order of `load_sim350`.

    Args:
        level: ``0.0``, ``0.025``, ``0.05`` or ``0.1``, as the file is named; 0, 27, 55 or 110 of
            the 550 edges are at wrong places.

    Raises:
        DataError: the data set is not here.
    """
    files = registry.read("sim350")
    genes = _gene_names(files)
    # the matrices count SIN3 among the regulated genes, the names among the inputs
    order = [gene for gene in genes if gene != "SIN3"]
    order.insert(90, "SIN3")
    matrix = _read_matrix(files[f"sim350_edge_prior_matrix_noise_{level}.csv"])
    return Network(tuple(order), matrix).in_order(genes)


def _rows(content: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode())))


def _read_matrix(content: bytes) -> np.ndarray:
    return np.loadtxt(io.BytesIO(content), np.float32, delimiter=",")


def _gene_names(files: dict[str, bytes]) -> tuple[str, ...]:
    names = (row[0] for row in _rows(files["sim350_gene_names.csv"])[1:])
    return tuple(name.removesuffix("_input") for name in names)


def _read_system(files: dict[str, bytes]) -> HillSystem:
    genes = _gene_names(files)
    rows = _rows(files["sim350_ode_system_functions.csv"])[1:]
    equations = [read_equation(*row, genes) for row in rows if row[1] != "input gene"]
    return HillSystem(genes, tuple(equations))


def _read_true_network(files: dict[str, bytes]) -> Network:
    rows = _rows(files["sim350_edge_properties.csv"])[1:]
    edges = [(row[0], row[1], 1.0 if row[3] == "TRUE" else -1.0) for row in rows]
    return Network.from_edges(_gene_names(files), edges)
