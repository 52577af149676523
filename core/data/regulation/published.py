"""Published expression over time with prior networks, out of the registry.

The priors of measured data come from motifs in promoters, which know no direction: the signs in the
files are arbitrary (the yeast file holds exactly the edges of a motif list without signs) and are
dropped.
"""

import csv
import io

import numpy as np

from core.data import registry
from core.data.regulation.dataset import RegulationData
from core.data.regulation.hill import HillSystem, read_equation
from core.data.regulation.scaling import Scaling
from core.errors import DataError
from core.knowledge.regulation import Expression, Network, Trajectory

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
        seed: of the samples, the noise and, apart from them, the moved edges.

    Raises:
        DataError: the data set is not here.
    """
    files = registry.read("sim350")
    system = _read_system(files)
    truth = _read_true_network(files)
    started, moved = np.random.SeedSequence(seed).spawn(2)
    samples = system.simulate(
        num_train, np.random.default_rng(started), noise=noise, num_quiet=NUM_TEST
    )
    return RegulationData(
        "SIM350, simulated anew",
        samples.take(range(num_train)),
        truth.relocated(wrong, np.random.default_rng(moved)),
        test=samples.take(range(num_train, num_train + NUM_TEST)),
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


def load_yeast() -> RegulationData:
    """Yeast cell cycle: 500 genes at 24 times, in minutes; log ratios, scaled gene by gene.

    `valid` is the second replicate of the same experiment.

    Raises:
        DataError: the data set is not here.
    """
    files = registry.read("yeast-cycle")
    rows = _rows(files["yeast_pramila500_gene_names.csv"])[1:]
    genes = tuple(system if name == "None" else name for system, name in rows)
    train = _read_samples(files["yeast_pramila_500genes_1sample_24T.csv"], genes)
    valid = _read_samples(files["yeast_pramila_500genes_1VALsample_24T.csv"], genes)
    scaling = Scaling.fit(train)
    return RegulationData(
        "Yeast cell cycle, 500 genes",
        scaling.apply(train),
        _read_motifs(files["yeast_edge_prior_matrix_pramila_500.csv"], genes),
        valid=scaling.apply(valid),
        scaling=scaling,
    )


def load_breast_cancer() -> RegulationData:
    """Breast cancer: 500 genes at 178 points of a pseudotime, and 8 held out in the middle.

    The reference are ChIP-seq edges of 7 regulators; partners are protein interactions, weights
    within (0, 1].

    Raises:
        DataError: the data set is not here.
    """
    files = registry.read("breast-cancer")
    genes = tuple(row[0] for row in _rows(files["brca_desmedt_gene_names_500.csv"])[1:])
    every = [row[0] for row in _rows(files["brca_desmedt_gene_names_11165.csv"])[1:]]
    partners = [
        (every[int(first) - 1], every[int(second) - 1], float(weight))
        for first, second, weight in _rows(files["brca_PPI_matrix_desmedt_11165.csv"])
    ]
    partners += [(second, first, weight) for first, second, weight in partners]
    bound = [(*row, 1.0) for row in _rows(files["brca_validation_network.csv"])[1:]]
    known = frozenset(genes)
    within = [
        [edge for edge in edges if edge[0] in known and edge[1] in known]
        for edges in (partners, bound)
    ]
    return RegulationData(
        "Breast cancer, 500 genes",
        _read_samples(files["brca_desmedt_500genes_1sample_178T.csv"], genes),
        _read_motifs(files["brca_edge_prior_matrix_desmedt_500.csv"], genes),
        test=_read_samples(files["brca_desmedt_500genes_1TESTsample_8middleT.csv"], genes),
        partners=Network.from_edges(genes, within[0], signed=False),
        reference=Network.from_edges(genes, within[1], signed=False),
    )


def load_haematopoiesis(lineage: str) -> RegulationData:
    """Blood formation: 529 genes in single cells, ordered by a pseudotime.

    Args:
        lineage: ``B`` with three test samples, or ``mono``, of which none was published.

    Raises:
        DataError: the data set is not here.
        KeyError: there is no such lineage.
    """
    files = registry.read("haematopoiesis")
    genes = tuple(row[0] for row in _rows(files["hema_gene_names_529.csv"])[1:])
    test = files.get(f"hema_{lineage}_529genes_3testsamples.csv")
    return RegulationData(
        f"Blood formation, {'B cells' if lineage == 'B' else 'monocytes'}",
        _read_samples(files[f"hema_{lineage}_529genes_2samples.csv"], genes),
        _read_motifs(files["edge_prior_matrix_hema_529.csv"], genes),
        test=None if test is None else _read_samples(test, genes),
    )


def _read_samples(content: bytes, genes: tuple[str, ...]) -> Expression:
    """Expression in the PHOENIX layout.

    The first row holds the numbers of genes and samples; each sample has one row per gene and then
    its times. Samples may be of different lengths: what is missing at the end is empty.
    """
    rows = _rows(content)
    num_genes, num_samples = (int(cell) for cell in rows[0][:2])
    if num_genes != len(genes):
        raise DataError(f"The file has {num_genes} genes, the list of names {len(genes)}.")
    samples = []
    for first in range(1, 1 + num_samples * (num_genes + 1), num_genes + 1):
        block = np.array(
            [[float(cell or "nan") for cell in row] for row in rows[first : first + num_genes + 1]]
        )
        block = block[:, ~np.isnan(block[-1])]
        samples.append(Trajectory(block[-1], block[:-1].T.astype(np.float32)))
    return Expression(genes, tuple(samples))


def _read_motifs(content: bytes, genes: tuple[str, ...]) -> Network:
    matrix = _read_matrix(content)
    return Network(genes, (matrix != 0).astype(np.float32), signed=False)


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
