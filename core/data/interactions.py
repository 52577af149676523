"""Drug-drug interaction benchmarks to knowledge objects: network, roles of proteins, splits.

Ids follow the EmerGNN files: drugs are rows 0..1709, other entities follow, interaction type t of
a file is row t of the network's types. The EmerGNN paper numbers the types from 1.

Source: Zhang et al., Nature Computational Science 2023 (network, S0); Shen et al., Bioinformatics
2025 (DDI-Bench: random, cluster, Real Scene); Zhu et al., EMNLP 2023 (TextDDI).
Differs from them: 4 of the 23 relations have no edges here (see the data set's note); none of them
lies on a path of three steps between two drugs.
"""

import re
from collections.abc import Iterator

import numpy as np

from core.data import registry
from core.data.kg import unique_names
from core.errors import DataError
from core.knowledge.graph import Source
from core.knowledge.interactions import (
    DrugNetwork,
    InteractionSplit,
    InteractionType,
    Relation,
)

NETWORKS = ("drugbank",)
SPLITS = (
    "drugbank-random", "drugbank-cluster", "drugbank-s0", "drugbank-textddi", "drugbank-realscene",
)  # fmt: skip
SYMMETRIC_RELATIONS = frozenset(("CrC", "DrD", "GcG", "GiG"))


def load_network(name: str = "drugbank") -> DrugNetwork:
    """Drugs, interaction types and the biomedical network; about 1 M edges in about a second.

    Raises:
        DataError: there is no such network, or its files are neither here nor within reach.
    """
    if name not in NETWORKS:
        raise DataError(f'"{name}" is not one of these networks: {", ".join(NETWORKS)}.')
    data_set = registry.find(name)
    contents = registry.read(name)
    drugs = list(_rows(contents["drugs.tsv"]))
    entities = list(_rows(contents["entities.tsv"]))
    listed = list(_rows(contents["relations.tsv"]))
    ids = tuple(row[1] for row in entities)
    kinds = tuple(row[3] for row in entities)
    types = tuple(
        InteractionType(row[0], row[3], row[4], row[5], row[6] == "1")
        for row in listed
        if row[1] == "ddi"
    )
    relations = tuple(
        Relation(row[2], data_set.relation_phrases[row[2].lower()], row[2] in SYMMETRIC_RELATIONS)
        for row in listed
        if row[1] == "kg"
    )
    edges = _numbers(contents["kg_edges.tsv"])[:, [0, 2, 1]]
    edges[:, 1] -= len(types)
    return DrugNetwork(
        name=name,
        entities=ids,
        entity_names=unique_names([row[2] for row in entities], kinds, ids),
        kinds=kinds,
        smiles=tuple(row[6] for row in drugs),
        types=types,
        relations=relations,
        edges=edges,
        source=Source(data_set.title, data_set.licence, data_set.files[0].origin),
        notes={},
    )


def load_split(name: str, network: DrugNetwork | None = None) -> InteractionSplit:
    """A DrugBank benchmark, one of `SPLITS`.

    Args:
        name: id of the data set.
        network: the network when it is loaded already.

    Returns:
        Parts are named ``valid S0`` to ``test S2`` for the splits by drugs, ``valid`` and ``test``
        for the others. In Real Scene `train` is the first of three periods; the others are the
        parts ``train 2``, ``valid 2`` and so on. Rows are those of the files; five of the cluster
        split's ``test S1`` have two emerging drugs.

    Raises:
        DataError: there is no such split, or its files are neither here nor within reach.
    """
    if name not in SPLITS:
        raise DataError(f'"{name}" is not one of these splits: {", ".join(SPLITS)}.')
    network = network or load_network()
    contents = registry.read(name)
    table = next(key for key in contents if not key.endswith("_drugsets.tsv"))
    parts = dict(_parts(contents[table]))
    train = parts.pop("train") if "train" in parts else parts.pop("train 1")
    known = np.zeros(network.num_drugs, dtype=bool)
    sets = [content for key, content in contents.items() if key.endswith("_drugsets.tsv")]
    if sets:
        known[[int(drug) for part, drug in _rows(sets[0]) if part == "train"]] = True
    else:
        known[train[:, [0, 2]].ravel()] = True
    return InteractionSplit(network, name, train, parts, known)


def _rows(content: bytes) -> Iterator[list[str]]:
    """Cells of the lines after the header."""
    lines = content.decode("utf-8").removesuffix("\n").split("\n")
    return (line.split("\t") for line in lines[1:])


def _numbers(content: bytes) -> np.ndarray:
    """(rows, columns) int64 of a table of whole numbers with a header."""
    header, _, body = content.partition(b"\n")
    flat = np.fromstring(body.decode("ascii"), dtype=np.int64, sep=" ")  # any blank separates
    return flat.reshape(-1, header.count(b"\t") + 1)


def _parts(content: bytes) -> Iterator[tuple[str, np.ndarray]]:
    """Rows (head, type, tail) by the name in the first column, such as ``valid_S1``."""
    names = sorted(set(re.findall(rb"^([a-z]+(?:_\w+)?)\t\d", content, re.MULTILINE)))
    header, _, body = content.partition(b"\n")
    for number, name in enumerate(names):
        body = body.replace(name + b"\t", b"%d\t" % number)
    table = _numbers(header + b"\n" + body)
    for number, name in enumerate(names):
        part = table[table[:, 0] == number][:, [1, 3, 2]]
        yield name.decode("ascii").replace("_", " "), np.ascontiguousarray(part)
