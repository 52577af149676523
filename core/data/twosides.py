"""TWOSIDES: side effects of drug pairs, several per pair, with paired negatives.

Source: Tatonetti et al., Science Translational Medicine 2012; folds of Zhang et al., Nature
Computational Science 2023 (EmerGNN), as far as they are at hand: no training part, no S1 test.
Differs from EmerGNN: drugs with a DrugBank id take the place of their compound in Hetionet; and
negatives that keep the known drug can be drawn (`partner_matched_negatives`), because those of the
files change it, so that a count of the known drug's labels alone separates them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.data import registry
from core.data.interactions import load_network
from core.data.kg import unique_names
from core.errors import ShapeError
from core.knowledge.graph import Source
from core.knowledge.interactions import DrugNetwork, InteractionType


@dataclass(frozen=True, eq=False)
class MultiLabelPairs:
    """Pairs of drugs with any number of interaction types.

    Row 2k is a pair known to carry its labels, row 2k + 1 a pair that is not; both have the same
    labels.

    Attributes:
        pairs: (n, 2) int64, rows of the drugs.
        labels: (n, T) bool; of a negative, the labels of its positive.
        positive: (n,) bool, True in even rows.
    """

    pairs: np.ndarray
    labels: np.ndarray
    positive: np.ndarray

    def __post_init__(self) -> None:
        n = len(self.pairs)
        fitting = self.pairs.shape == (n, 2) and len(self.labels) == n == len(self.positive)
        if n % 2 or not fitting:
            raise ShapeError(
                f"pairs {self.pairs.shape}, labels {self.labels.shape} and positive "
                f"{self.positive.shape} do not describe couples of rows."
            )
        if not self.positive[0::2].all() or self.positive[1::2].any():
            raise ShapeError("rows must be a positive and its negative in turn.")
        if (self.labels[0::2] != self.labels[1::2]).any():
            raise ShapeError("a negative must have the labels of its positive.")

    @classmethod
    def from_positives(
        cls, pairs: np.ndarray, negatives: np.ndarray, labels: np.ndarray
    ) -> "MultiLabelPairs":
        """Couples from m positive pairs, their m negatives and (m, T) labels."""
        both = np.stack([pairs, negatives], 1).reshape(-1, 2)
        positive = np.arange(len(both)) % 2 == 0
        return cls(both, np.repeat(labels, 2, axis=0), positive)


@dataclass(frozen=True, eq=False)
class MultiLabelData:
    """Drug pairs of a multi-label benchmark and the network around the drugs.

    Attributes:
        network: drugs, types and biomedical network.
        parts: by name, such as ``valid S0`` or ``test S2_12`` (fold 12).
    """

    network: DrugNetwork
    parts: dict[str, MultiLabelPairs]

    @property
    def known_drugs(self) -> np.ndarray:
        """(D,) bool, drugs of the positives of the part ``train``; none without that part."""
        known = np.zeros(self.network.num_drugs, dtype=bool)
        if "train" in self.parts:
            known[self.parts["train"].pairs[self.parts["train"].positive]] = True
        return known

    def positives(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct positive pairs of all parts, (m, 2), and their labels, (m, T).

        Pairs are ordered, smaller row first; a pair with several rows gets all their labels.
        """
        pairs = np.concatenate([part.pairs[part.positive] for part in self.parts.values()])
        labels = np.concatenate([part.labels[part.positive] for part in self.parts.values()])
        distinct, index = np.unique(np.sort(pairs, 1), axis=0, return_inverse=True)
        merged = np.zeros((len(distinct), labels.shape[1]), dtype=bool)
        np.logical_or.at(merged, index.ravel(), labels)
        return distinct, merged


def load_twosides() -> MultiLabelData:
    """The 604 drugs, their pairs and Hetionet around the drugs that it knows.

    Raises:
        DataError: the files are neither here nor within reach.
    """
    data_set = registry.find("twosides-partial")
    contents = registry.read(data_set.name)
    drugs, types, rows = (
        [line.split("\t") for line in contents[name].decode("utf-8").rstrip("\n").split("\n")[1:]]
        for name in ("twosides_drugs.tsv", "twosides_relations.tsv", "twosides_partial.tsv")
    )
    network = _network(data_set, drugs, types)
    parts = {}
    for name in dict.fromkeys((split, setting) for setting, split, *_ in rows):
        chosen = [row for row in rows if (row[1], row[0]) == name]
        labels = np.zeros((len(chosen), len(types)), dtype=bool)
        carried = [np.array(row[5].split(","), dtype=np.int64) for row in chosen]
        row = np.repeat(np.arange(len(chosen)), [len(one) for one in carried])
        labels[row, np.concatenate(carried)] = True
        parts[" ".join(name)] = MultiLabelPairs(
            np.array([row[2:4] for row in chosen], dtype=np.int64),
            labels,
            np.array([row[4] == "1" for row in chosen]),
        )
    return MultiLabelData(network, parts)


def split_by_drugs(
    data: MultiLabelData, *, seed: int, valid_share: float = 0.1, test_share: float = 0.2
) -> MultiLabelData:
    """Hold drugs back at random and sort all positive pairs by them.

    The shares are those of EmerGNN (7:1:2). Negatives are partner-matched in every part. A pair of
    a validation and a test drug is in no part, nor is one of a drug that meets only new drugs.

    Args:
        data: pairs of whatever parts.
        seed: the same seed gives the same split.
        valid_share: share of the drugs that are new in validation.
        test_share: share of the drugs that are new in the test.

    Returns:
        Parts ``train``, ``valid S1``, ``valid S2``, ``test S1`` and ``test S2``.
    """
    rng = np.random.default_rng(seed)
    pairs, labels = data.positives()
    drugs = rng.permutation(np.unique(pairs))
    num_valid, num_test = (round(len(drugs) * share) for share in (valid_share, test_share))
    # 0 known, 1 new in validation, 2 new in the test, 3 in no part
    stage = np.zeros(data.network.num_drugs, dtype=np.int64)
    stage[drugs[:num_valid]] = 1
    stage[drugs[num_valid : num_valid + num_test]] = 2
    met = np.unique(pairs[(stage[pairs] == 0).all(1)])
    stage[np.setdiff1d(drugs[stage[drugs] == 0], met)] = 3  # all its pairs are with new drugs
    low, high = np.sort(stage[pairs], 1).T
    wanted = {
        "train": high == 0,
        "valid S1": (low == 0) & (high == 1),
        "valid S2": (low == 1) & (high == 1),
        "test S1": (low == 0) & (high == 2),
        "test S2": (low == 2) & (high == 2),
    }
    parts = {}
    for name, rows in wanted.items():
        chosen = pairs[rows]
        kept, negatives = partner_matched_negatives(chosen, stage > 0, rng, known=pairs)
        parts[name] = MultiLabelPairs.from_positives(chosen[kept], negatives, labels[rows][kept])
    return MultiLabelData(data.network, parts)


def partner_matched_negatives(
    pairs: np.ndarray,
    emerging: np.ndarray,
    rng: np.random.Generator,
    *,
    known: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """For every positive pair, a pair with the same partner that is not known to interact.

    In a pair with one emerging drug, the known drug is the partner and stays; in another pair,
    either drug by chance. The other one is replaced by a drug of `pairs` that is emerging exactly
    when it is. So whatever depends on the partner alone is equal within each couple.

    Args:
        pairs: (m, 2) positive pairs, rows of drugs.
        emerging: (D,) bool.
        rng: source of chance.
        known: (k, 2) further pairs that must not be drawn; the order within a pair is free.

    Returns:
        (n,) numbers of the positives for which such a pair exists, ascending, and their (n, 2)
        negatives, the partner in its old column.
    """
    num_drugs = len(emerging)
    taken = np.eye(num_drugs, dtype=bool)
    for one in (pairs, pairs[:0] if known is None else known):
        taken[one[:, 0], one[:, 1]] = taken[one[:, 1], one[:, 0]] = True
    used = np.unique(pairs)
    column = rng.integers(0, 2, len(pairs))  # of the drug that is replaced
    one_emerging = emerging[pairs[:, 0]] != emerging[pairs[:, 1]]
    column[one_emerging] = np.where(emerging[pairs[one_emerging, 0]], 0, 1)
    rows = np.arange(len(pairs))
    partner, replaced = pairs[rows, 1 - column], pairs[rows, column]
    drawn = np.full(len(pairs), -1, dtype=np.int64)
    groups, index = np.unique(partner * 2 + emerging[replaced], return_inverse=True)
    for number, group in enumerate(groups.tolist()):
        candidates = used[(emerging[used] == group % 2) & ~taken[group // 2, used]]
        members = np.flatnonzero(index.ravel() == number)
        if len(candidates):
            drawn[members] = rng.choice(candidates, len(members))
    kept = np.flatnonzero(drawn >= 0)
    negatives = pairs[kept].copy()
    negatives[np.arange(len(kept)), column[kept]] = drawn[kept]
    return kept, negatives


def _network(
    data_set: registry.DataSet, drugs: Sequence[Sequence[str]], types: Sequence[Sequence[str]]
) -> DrugNetwork:
    """Hetionet with the listed drugs first; a drug takes the row of its compound when it has one.

    Args:
        data_set: where the drugs come from.
        drugs: (D,) cells id, cid, DrugBank id, name, SMILES.
        types: (T,) cells id, UMLS concept, name.
    """
    base = load_network()
    compound = np.array([base.rows.get(f"Compound::{cells[2]}", -1) for cells in drugs])
    row_of = np.full(base.num_entities, -1, dtype=np.int64)
    row_of[compound[compound >= 0]] = np.flatnonzero(compound >= 0)
    others = np.flatnonzero(row_of < 0)
    row_of[others] = len(drugs) + np.arange(len(others))
    edges = np.stack([row_of[base.edges[:, 0]], base.edges[:, 1], row_of[base.edges[:, 2]]], 1)
    ids = [
        base.entities[row] if row >= 0 else f"Compound::{cells[1]}"
        for row, cells in zip(compound.tolist(), drugs, strict=True)
    ]
    names = [
        base.entity_names[row] if row >= 0 else cells[3] or cells[1]
        for row, cells in zip(compound.tolist(), drugs, strict=True)
    ]
    ids += [base.entities[row] for row in others.tolist()]
    names += [base.entity_names[row] for row in others.tolist()]
    return DrugNetwork(
        name="twosides",
        entities=tuple(ids),
        entity_names=unique_names(names, ids),
        kinds=("Compound",) * len(drugs) + tuple(base.kinds[row] for row in others.tolist()),
        smiles=tuple(cells[4] for cells in drugs),
        types=tuple(
            InteractionType(
                cells[1], f"#Drug1 taken with #Drug2 is reported with {cells[2]}.", symmetric=True
            )
            for cells in types
        ),
        relations=base.relations,
        edges=edges,
        source=Source(data_set.title, data_set.licence, data_set.files[0].origin),
        notes={
            (int(row_of[head]), relation, int(row_of[tail])): notes
            for (head, relation, tail), notes in base.notes.items()
        },
    )
