"""Published drug-interaction files in a person's own folder: EmerGNN, DDI-Bench, Hetionet.

Only text and JSON are read. Pickled fingerprints, as EmerGNN's archive has them, are never opened:
structures come from ``id2smiles.json`` or from a reference network.

Source: file layouts of the code of Zhang et al., Nature Computational Science 2023 (EmerGNN), Shen
et al., Bioinformatics 2025 (DDI-Bench) and Himmelstein et al., eLife 2017 (Hetionet).
Differs from them: rows are (head, type, tail); relations of the network are counted from 0; drugs
come first whatever their ids are.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.data import registry
from core.data.folder_files import (
    SAME_ARCHIVE,
    check_range,
    missing_file,
    read_cells,
    read_integers,
    read_names,
    read_object,
    read_text,
    row_problem,
    unknown_ids,
)
from core.data.graph_table import printable, shorten
from core.data.interactions import SYMMETRIC_RELATIONS, load_network
from core.data.kg import unique_names
from core.data.twosides import MultiLabelData, MultiLabelPairs
from core.knowledge.graph import Source
from core.knowledge.interactions import DrugNetwork, InteractionSplit, InteractionType, Relation

PARTS = ("train", "valid", "test")
KIND_LETTERS = {
    "Anatomy": "A", "Biological Process": "BP", "Cellular Component": "CC", "Compound": "C",
    "Disease": "D", "Gene": "G", "Molecular Function": "MF", "Pathway": "PW",
    "Pharmacologic Class": "PC", "Side Effect": "SE", "Symptom": "S",
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class EmerGnnFold:
    """A fold of EmerGNN's DrugBank data with the network of each stage.

    Attributes:
        split: interactions; parts are named as ``valid S1`` and ``test S1``. Its network has the
            edges of the test stage: all of them.
        train_edges: (e, 3) edges that training may see: none touches an emerging drug.
        valid_edges: (e, 3) edges that validation may see.
        num_duplicates: repeated edges, kept once.
    """

    split: InteractionSplit
    train_edges: np.ndarray
    valid_edges: np.ndarray
    num_duplicates: int


def list_folds(folder: Path) -> tuple[str, ...]:
    """Names of the folds in a data folder of EmerGNN, such as ``S0`` and ``S1_12``."""
    return tuple(sorted(path.parent.name for path in folder.glob("S[012]*/train_ddi.txt")))


def load_emergnn(folder: Path, fold: str, *, reference: DrugNetwork | None = None) -> EmerGnnFold:
    """One fold of EmerGNN's DrugBank data.

    Args:
        folder: has node2id.json, entity_drug.json, relation2id.json and the folders of the folds.
        fold: one of `list_folds`.
        reference: network that names and structures are taken from, by id.

    Raises:
        InputError: UP-E01, UP-E03, UP-E07, UP-E08 for a missing file, UP-E09 for a row or an id
            that does not fit.
    """
    vocabulary = _Vocabulary.of_drugbank(folder, reference)
    ddi = {part: read_integers(folder / fold / f"{part}_ddi.txt", 3) for part in PARTS}
    kg = {part: read_integers(folder / fold / f"{part}_KG.txt", 3) for part in PARTS}
    network, stages, num_duplicates = vocabulary.network(f"emergnn-{fold}", folder / fold, kg)
    parts = {}
    for part, rows in ddi.items():
        where = folder / fold / f"{part}_ddi.txt"
        heads, tails = (vocabulary.rows(rows[:, i], where, drugs=True) for i in (0, 1))
        check_range(rows[:, 2], network.num_types, "interaction type", where)
        parts[part] = np.stack([heads, rows[:, 2], tails], 1)
    known = np.zeros(network.num_drugs, dtype=bool)
    known[parts["train"][:, [0, 2]].ravel()] = True
    setting = fold.split("_")[0]
    held = {f"{part} {setting}": parts[part] for part in ("valid", "test")}
    split = InteractionSplit(network, network.name, parts["train"], held, known)
    return EmerGnnFold(split, stages["train"], stages["valid"], num_duplicates)


def load_emergnn_twosides(
    folder: Path, fold: str, *, reference: DrugNetwork | None = None
) -> MultiLabelData:
    """One fold of EmerGNN's TWOSIDES data: parts ``train``, ``valid S1``, ``test S1``.

    Args:
        folder: has id2drug.json, entity2id.json, relation2id.json and the folders of the folds.
        fold: one of `list_folds`.
        reference: network that names are taken from, by id.

    Raises:
        InputError: as `load_emergnn`.
    """
    vocabulary = _Vocabulary.of_twosides(folder, reference)
    kg = {part: read_integers(folder / fold / f"{part}_KG.txt", 3) for part in PARTS}
    network, _, _ = vocabulary.network(f"emergnn-twosides-{fold}", folder / fold, kg)
    setting = fold.split("_")[0]
    parts = {}
    for part in PARTS:
        path = folder / fold / f"{part}_ddi.txt"
        name = part if part == "train" else f"{part} {setting}"
        parts[name] = _couples(path, network, vocabulary)
    return MultiLabelData(network, parts)


def load_hetionet(nodes: Path, edges: Path, *, reference: DrugNetwork | None = None) -> DrugNetwork:
    """Hetionet from its own tables; its compounds are the drugs, without interactions.

    Args:
        nodes: hetionet-v1.0-nodes.tsv, columns id, name, kind.
        edges: hetionet-v1.0-edges.sif.gz or the unpacked file, columns source, metaedge, target.
        reference: network that structures are taken from, by id.

    Raises:
        InputError: UP-E01 to UP-E03, UP-E07 to UP-E09.
    """
    rows = read_cells(nodes, ("id", "name", "kind"))
    rows.sort(key=lambda row: row[2] != "Compound")  # stable: drugs first, else as in the file
    ids = [row[0] for row in rows]
    index = {entity: row for row, entity in enumerate(ids)}
    if len(index) < len(ids):
        raise row_problem(nodes, "an id stands in two rows", "Keep one row per node.")
    facts = read_cells(edges, ("source", "metaedge", "target"))
    relations = sorted({fact[1] for fact in facts})
    relation_index = {relation: row for row, relation in enumerate(relations)}
    unknown = [end for fact in facts for end in (fact[0], fact[2]) if end not in index]
    if unknown:
        raise unknown_ids(edges, unknown, "the nodes file")
    table = np.array([(index[h], relation_index[r], index[t]) for h, r, t in facts], np.int64)
    names = [row[1] or row[0] for row in rows]
    smiles = [_structure(reference, entity) for entity, _, kind in rows if kind == "Compound"]
    return DrugNetwork(
        name="hetionet",
        entities=tuple(ids),
        entity_names=unique_names(names, [row[2] for row in rows], ids),
        kinds=tuple(row[2] for row in rows),
        smiles=tuple(smiles),
        types=(),
        relations=_relations(relations),
        edges=_distinct(table.reshape(-1, 3), len(ids)),
        source=Source("Hetionet", "CC0 1.0 with the terms of its sources", "https://het.io"),
        notes={},
    )


def load_ddibench(folder: Path, network: DrugNetwork | None = None) -> InteractionSplit:
    """A split of DDI-Bench: train.txt, valid_S0.txt … test_S2.txt and train_set.txt.

    Args:
        folder: such as drugbank_random.
        network: network whose rows the ids are; `load_network` when None.

    Raises:
        InputError: UP-E01, UP-E03, UP-E07 to UP-E09.
        DataError: no network is given and its files are out of reach.
    """
    network = network or load_network()
    parts = {}
    for path in sorted(folder.glob("*.txt")):
        if not re.fullmatch(r"train|(valid|test)(_S[012])?", path.stem):
            continue
        rows = read_integers(path, 3)
        for column in (0, 1):
            check_range(rows[:, column], network.num_drugs, "drug", path)
        check_range(rows[:, 2], network.num_types, "interaction type", path)
        parts[path.stem.replace("_", " ")] = rows[:, [0, 2, 1]]
    if "train" not in parts:
        raise missing_file(folder / "train.txt")
    train = parts.pop("train")
    known = np.zeros(network.num_drugs, dtype=bool)
    known[train[:, [0, 2]].ravel()] = True
    listed = folder / "train_set.txt"
    if listed.is_file():
        drugs = np.array(re.findall(r"\d{1,9}", read_text(listed)), dtype=np.int64)
        check_range(drugs, network.num_drugs, "drug", listed)
        known = np.zeros(network.num_drugs, dtype=bool)
        known[drugs] = True
    return InteractionSplit(network, folder.name, train, parts, known)


@dataclass(frozen=True, eq=False)
class _Vocabulary:
    """Names of the numbers in a data folder of EmerGNN.

    `order` has the file's numbers by row, drugs first; `names` their ids, `smiles` the structures
    of the drugs, `relations` the text of a relation by its number in the file.
    """

    order: np.ndarray
    names: tuple[str, ...]
    smiles: tuple[str, ...]
    relations: Mapping[int, str]
    reference: DrugNetwork | None

    @classmethod
    def of_drugbank(cls, folder: Path, reference: DrugNetwork | None) -> "_Vocabulary":
        drugs = read_names(folder / "node2id.json")
        others = read_names(folder / "entity_drug.json")
        structures: dict[int, str] = {}
        if (folder / "id2smiles.json").is_file():
            structures = read_names(folder / "id2smiles.json")
        return cls._of(folder, drugs, others, structures, reference)

    @classmethod
    def of_twosides(cls, folder: Path, reference: DrugNetwork | None) -> "_Vocabulary":
        path = folder / "id2drug.json"
        drugs, structures = {}, {}
        for key, value in read_object(path).items():
            if not (key.isdecimal() and isinstance(value, dict)):
                raise row_problem(path, f'"{shorten(key)}" has no object', SAME_ARCHIVE)
            drugs[int(key)] = str(value.get("cid", key))
            structures[int(key)] = str(value.get("smiles", ""))
        others = read_names(folder / "entity2id.json")
        return cls._of(folder, drugs, others, structures, reference)

    @classmethod
    def _of(
        cls,
        folder: Path,
        drugs: Mapping[int, str],
        others: Mapping[int, str],
        structures: Mapping[int, str],
        reference: DrugNetwork | None,
    ) -> "_Vocabulary":
        order = sorted(drugs) + sorted(set(others) - set(drugs))
        names = tuple(drugs[number] if number in drugs else others[number] for number in order)
        if len(set(names)) < len(names):
            twice = next(name for i, name in enumerate(names) if name in names[:i])
            raise row_problem(
                folder, f'"{shorten(twice)}" has two numbers', "Give every entity one number."
            )
        smiles = tuple(
            structures.get(number) or _structure(reference, drugs[number])
            for number in sorted(drugs)
        )
        relations = read_names(folder / "relation2id.json")
        return cls(np.array(order, dtype=np.int64), names, smiles, relations, reference)

    def rows(self, numbers: np.ndarray, where: Path, *, drugs: bool = False) -> np.ndarray:
        """Rows of the file's numbers; raises UP-E09 for numbers without a name."""
        row_of = np.full(int(self.order.max()) + 1, -1, dtype=np.int64)
        row_of[self.order] = np.arange(len(self.order))
        inside = (numbers >= 0) & (numbers < len(row_of))
        rows = np.where(inside, row_of[np.where(inside, numbers, 0)], -1)
        wrong = (rows < 0) | (rows >= len(self.smiles)) if drugs else rows < 0
        if wrong.any():
            line = int(np.flatnonzero(wrong)[0]) + 1
            kind = "a drug" if drugs else "an entity"
            problem = f"{numbers[line - 1]} is not the number of {kind}"
            raise row_problem(where, problem, SAME_ARCHIVE, line, int(wrong.sum()))
        return rows

    def network(
        self, name: str, folder: Path, kg: Mapping[str, np.ndarray]
    ) -> tuple[DrugNetwork, dict[str, np.ndarray], int]:
        """The network of the test stage, the edges of each stage, and how many were repeated.

        The files of the validation and test stage hold what they add to the stage before.
        """
        used = np.unique(np.concatenate([rows[:, 2] for rows in kg.values()]))
        first = int(used[0]) if len(used) else max(self.relations, default=-1) + 1
        kg_numbers = sorted(number for number in self.relations if number >= first)
        texts = [self.relations[number] for number in kg_numbers]
        type_numbers = sorted(number for number in self.relations if number < first)
        if type_numbers != list(range(len(type_numbers))):
            raise row_problem(
                folder.parent / "relation2id.json",
                "interaction types are not numbered from 0 without gaps", SAME_ARCHIVE,
            )  # fmt: skip
        column = {number: row for row, number in enumerate(kg_numbers)}
        unknown = [str(number) for number in used.tolist() if number not in column]
        if unknown:
            raise unknown_ids(folder, unknown, "relation2id.json")
        edges, stages, num_rows = np.zeros((0, 3), dtype=np.int64), {}, 0
        for part in PARTS:
            where = folder / f"{part}_KG.txt"
            heads, tails = (self.rows(kg[part][:, i], where) for i in (0, 1))
            relation = np.searchsorted(np.array(kg_numbers), kg[part][:, 2])
            added = np.stack([heads, relation, tails], 1)
            edges = _distinct(np.concatenate([edges, added]), len(self.names))
            stages[part] = edges
            num_rows += len(added)
        kinds = [_kind(one, row < len(self.smiles)) for row, one in enumerate(self.names)]
        network = DrugNetwork(
            name=name,
            entities=self.names,
            entity_names=unique_names(
                [_readable(self.reference, one) for one in self.names], kinds, self.names
            ),
            kinds=tuple(kinds),
            smiles=self.smiles,
            types=tuple(
                InteractionType(str(number), sentence_of(self.relations[number]))
                for number in type_numbers
            ),
            relations=_relations(texts),
            edges=edges,
            source=Source(f'EmerGNN files in "{printable(folder.parent.name)}"', "not stated"),
            notes={},
        )
        return network, stages, num_rows - len(edges)


def _couples(path: Path, network: DrugNetwork, vocabulary: _Vocabulary) -> MultiLabelPairs:
    """Lines drug1, drug2, T comma-separated 0/1, flag 1/0; a negative follows each positive."""
    numbers, labels, positive = [], [], []
    for line, text in enumerate(read_text(path).splitlines(), 1):
        cells = text.strip().split("\t")
        flags = cells[2].split(",") if len(cells) == 4 else []
        usable = (
            len(flags) == network.num_types
            and set(flags) <= {"0", "1"}
            and cells[3] == "10"[(line - 1) % 2]
            and all(re.fullmatch(r"\d{1,9}", cell, re.ASCII) for cell in cells[:2])
        )
        if not usable:
            raise row_problem(
                path,
                f"two drug numbers, {network.num_types} flags and "
                f"{'1' if line % 2 else '0'} are expected",
                "Separate the four by tabs; a negative follows each positive.",
                line,
            )
        numbers.append((int(cells[0]), int(cells[1])))
        labels.append([flag == "1" for flag in flags])
        positive.append(cells[3] == "1")
    if len(numbers) % 2:
        raise row_problem(path, "the last positive has no negative", "Add its negative.")
    pairs = np.array(numbers, dtype=np.int64).reshape(-1, 2)
    both = [vocabulary.rows(pairs[:, column], path, drugs=True) for column in (0, 1)]
    table = np.array(labels, dtype=bool).reshape(-1, network.num_types)
    return MultiLabelPairs(np.stack(both, 1), table, np.array(positive, dtype=bool))


def _distinct(edges: np.ndarray, num_entities: int) -> np.ndarray:
    """Sorted distinct rows; one number per row sorts ten times faster than rows do."""
    width = int(edges[:, 1].max(initial=0)) + 1
    keys = np.unique((edges[:, 0] * width + edges[:, 1]) * num_entities + edges[:, 2])
    rest, tails = np.divmod(keys, num_entities)
    return np.stack([*np.divmod(rest, width), tails], 1)


# --- names and relations


def _structure(reference: DrugNetwork | None, entity: str) -> str:
    row = _reference_row(reference, entity)
    return reference.smiles[row] if reference and 0 <= row < reference.num_drugs else ""


def _readable(reference: DrugNetwork | None, entity: str) -> str:
    row = _reference_row(reference, entity)
    return reference.entity_names[row] if reference and row >= 0 else entity.split("::")[-1]


def _reference_row(reference: DrugNetwork | None, entity: str) -> int:
    """Row of an entity under its own id or as a compound of Hetionet; -1 when it is not there."""
    rows = reference.rows if reference else {}
    return rows.get(entity, rows.get(f"Compound::{entity}", -1))


def _kind(entity: str, is_drug: bool) -> str:
    kind = entity.split("::")[0] if "::" in entity else ""
    return "Compound" if is_drug else kind or "Entity"


def sentence_of(text: str) -> str:
    """The text of an interaction type; the two drugs are added when it does not name them."""
    return text if "#Drug1" in text and "#Drug2" in text else f"#Drug1 and #Drug2: {text}"


def _relations(texts: Sequence[str]) -> tuple[Relation, ...]:
    """Relations of Hetionet get its short ids; others keep their text."""
    phrases = registry.find("drugbank").relation_phrases
    relations = []
    for text in texts:
        short = _abbreviation(text)
        name = phrases.get(short.lower(), text)
        relations.append(Relation(short, name, short in SYMMETRIC_RELATIONS))
    return tuple(relations)


def _abbreviation(text: str) -> str:
    """``Gene > regulates > Gene`` to ``Gr>G``; any other text stays as it is."""
    parts = re.fullmatch(r"([\w ]+?) ([->]) (\w)\w* [->] ([\w ]+)", text)
    if not parts or not {parts[1], parts[4]} <= KIND_LETTERS.keys():
        return text
    mark = ">" if parts[2] == ">" else ""
    return f"{KIND_LETTERS[parts[1]]}{parts[3]}{mark}{KIND_LETTERS[parts[4]]}"
