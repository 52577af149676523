"""Drug-drug interaction benchmarks to knowledge objects: network, roles of proteins, splits.

Ids follow the EmerGNN files: drugs are rows 0..1709, other entities follow, interaction type t of
a file is row t of the network's types. The EmerGNN paper numbers the types from 1.

Source: Zhang et al., Nature Computational Science 2023 (network, S0); Shen et al., Bioinformatics
2025 (DDI-Bench: random, cluster, Real Scene); Zhu et al., EMNLP 2023 (TextDDI).
Differs from them: 4 of the 23 relations have no edges here (see the data set's note); none of them
lies on a path of three steps between two drugs.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.data import registry
from core.data.kg import unique_names
from core.errors import DataError
from core.knowledge.graph import Source
from core.knowledge.interactions import (
    DrugNetwork,
    EdgeNote,
    InteractionSplit,
    InteractionType,
    Relation,
)

NETWORKS = ("drugbank",)
HETIONET_NETWORKS = ("drugbank", "twosides", "hetionet")  # their relations are Hetionet's
SPLITS = (
    "drugbank-random", "drugbank-cluster", "drugbank-s0", "drugbank-textddi", "drugbank-realscene",
)  # fmt: skip
# Types whose files name the affected drug first, contrary to their sentence. Among the training
# pairs of DDI-Bench's random split in which exactly one drug inhibits an enzyme or transporter that
# the other is a substrate of, the inhibitor comes second in 8,605 of 8,758 (46), 22 of 23 (71) and
# 2,895 of 3,475 (72); types 3, 10, 74 and 76 agree with their sentences. The others have the drugs
# whose effect is named first: warfarin is the first drug of 294 pairs of type 5 (anticoagulant) and
# the second of 9; so with sulfonylureas (8), coumarins (11), neuromuscular blockers (20),
# antihypertensives (36), a diagnostic agent (44), statins (47), opioids (51, 68), stimulants (60),
# iron (66).
REVERSED_TYPES = frozenset(
    ("5", "8", "11", "20", "36", "44", "46", "47", "51", "60", "66", "68", "71", "72")
)
SYMMETRIC_RELATIONS = frozenset(("CrC", "DrD", "GcG", "GiG"))


# where Hetionet took the edges of a relation from, and on which terms
RELATION_SOURCES: Mapping[str, tuple[str, str]] = {
    "AdG": ("Hetionet: Bgee", "none stated"),
    "AeG": ("Hetionet: Bgee, TISSUES", "differs by source"),
    "AuG": ("Hetionet: Bgee", "none stated"),
    "CbG": ("Hetionet: BindingDB, DrugBank, DrugCentral", "differs by edge, mostly CC BY-NC 4.0"),
    "CcSE": ("Hetionet: SIDER 4", "CC BY-NC-SA 4.0"),
    "CdG": ("Hetionet: LINCS L1000", "terms of LINCS L1000"),
    "CpD": ("Hetionet: PharmacotherapyDB", "CC0 1.0"),
    "CrC": ("Hetionet: similarity of the structures", "CC0 1.0"),
    "CtD": ("Hetionet: PharmacotherapyDB", "CC0 1.0"),
    "CuG": ("Hetionet: LINCS L1000", "terms of LINCS L1000"),
    "DaG": ("Hetionet: DISEASES, DisGeNET, DOAF, GWAS Catalog", "differs by source"),
    "DdG": ("Hetionet: STARGEO", "CC0 1.0"),
    "DlA": ("Hetionet: co-occurrence in MEDLINE", "CC0 1.0"),
    "DpS": ("Hetionet: co-occurrence in MEDLINE", "CC0 1.0"),
    "DrD": ("Hetionet: co-occurrence in MEDLINE", "CC0 1.0"),
    "DuG": ("Hetionet: STARGEO", "CC0 1.0"),
    "GcG": ("Hetionet: evolutionary rate covariation", "none stated"),
    "GiG": ("Hetionet: human interactome data sets", "none stated"),
    "GpPW": ("Hetionet: WikiPathways, Reactome, Pathway Interaction Database", "differs by source"),
    "Gr>G": ("Hetionet: LINCS L1000", "terms of LINCS L1000"),
    "PCiC": ("Hetionet: DrugCentral", "CC BY 4.0"),
}


@dataclass(frozen=True)
class Role:
    """What a protein and a drug do to each other.

    Attributes:
        drug: row of the drug.
        gene: row of the protein's gene.
        category: ``target``, ``enzyme``, ``transporter`` or ``carrier``; ``binding`` when a source
            measured binding and states no more.
        actions: words such as ``substrate``, ``inhibitor``, ``inducer``; may be empty.
        pubmed_ids: articles.
        source: titles of the data bases.
        licence: their terms.
        affinity_nm: binding constant in nmol/l, nan when unknown.
        url: page of the source, empty when there is none.
    """

    drug: int
    gene: int
    category: str
    actions: tuple[str, ...]
    pubmed_ids: tuple[str, ...]
    source: str
    licence: str
    affinity_nm: float = math.nan
    url: str = ""

    @property
    def note(self) -> EdgeNote:
        """The role as a note of an edge; the address leads to the articles when there are any."""
        words = ", ".join(self.actions)
        text = f"{words} ({self.category})" if words else self.category
        if not math.isnan(self.affinity_nm):
            text += f", {self.affinity_nm:.3g} nM"
        return EdgeNote(
            text, self.source, pubmed_url(self.pubmed_ids) or self.url, "", self.licence
        )


def pubmed_url(ids: Sequence[str]) -> str:
    """Address that shows these articles, the first 50 at most; empty without articles."""
    if not ids:
        return ""
    terms = ids[0] if len(ids) == 1 else "?term=" + "+".join(ids[:50])
    return f"https://pubmed.ncbi.nlm.nih.gov/{terms}"


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
        InteractionType(row[0], _sentence(row[0], row[3]), row[4], row[5], row[6] == "1")
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
    rows = {entity: row for row, entity in enumerate(ids)}
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
        notes=_notes(relations, edges, _roles(rows)),
    )


def _sentence(kind: str, text: str) -> str:
    """A type's sentence with the drugs in the order in which the files name them."""
    if kind not in REVERSED_TYPES:
        return text
    return text.replace("#Drug1", "\0").replace("#Drug2", "#Drug1").replace("\0", "#Drug2")


def load_roles(network: DrugNetwork) -> list[Role]:
    """Roles of the proteins of a network's drugs, as far as it has the drug and the gene.

    Two sources: the role table of DrugBank 4.2, then Hetionet's list of binding evidence, of which
    rows that rest on DrugBank alone are left out because they repeat the first.

    Args:
        network: one with the entity ids of Hetionet, such as ``Compound::DB00472``.

    Raises:
        DataError: the files are neither here nor within reach.
    """
    return [role for role in _roles(network.rows) if role.drug < network.num_drugs]


def edge_notes(network: DrugNetwork, edge: tuple[int, int, int]) -> tuple[EdgeNote, ...]:
    """What is known about an edge: its notes, or where the edges of its relation come from."""
    notes = network.notes.get(edge)
    if notes:
        return notes
    relation = network.relations[edge[1]]
    if network.name in HETIONET_NETWORKS and relation.id in RELATION_SOURCES:
        title, licence = RELATION_SOURCES[relation.id]
        return (EdgeNote(relation.name, title, "https://het.io", "", licence),)
    source = network.source
    return (EdgeNote(relation.name, source.title, source.url, source.accessed, source.licence),)


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


def _roles(rows: Mapping[str, int]) -> list[Role]:
    data_set = registry.find("drug-roles")
    contents = registry.read(data_set.name)
    roles = []
    for drug, category, _, gene, _, _, actions, articles, _ in _rows(contents["drug_proteins.tsv"]):
        pair = rows.get(f"Compound::{drug}"), rows.get(f"Gene::{gene}")
        if pair[0] is not None and pair[1] is not None:
            listed = _split_list(actions), _split_list(articles)
            roles.append(Role(*pair, category, *listed, "DrugBank 4.2", "CC BY-NC 4.0"))
    for drug, gene, sources, articles, actions, affinity, licence, urls in _rows(
        contents["cbg_binding_evidence.tsv"]
    ):
        pair = rows.get(f"Compound::{drug}"), rows.get(f"Gene::{gene}")
        titles = _split_list(sources)
        alone = all(title.startswith("DrugBank (") for title in titles)
        if pair[0] is not None and pair[1] is not None and not alone:
            roles.append(
                Role(
                    *pair,
                    "binding",
                    _split_list(actions),
                    _split_list(articles),
                    ", ".join(titles),
                    licence or "not stated",
                    float(affinity or math.nan),
                    next(iter(_split_list(urls)), ""),
                )
            )
    return roles


def _notes(
    relations: Sequence[Relation], edges: np.ndarray, roles: Sequence[Role]
) -> dict[tuple[int, int, int], tuple[EdgeNote, ...]]:
    """Notes of the edges that say that a compound binds the protein of a gene."""
    binds = next(row for row, relation in enumerate(relations) if relation.id == "CbG")
    notes: dict[tuple[int, int, int], tuple[EdgeNote, ...]] = {
        (head, binds, tail): () for head, _, tail in edges[edges[:, 1] == binds].tolist()
    }
    for role in roles:
        edge = (role.drug, binds, role.gene)
        if edge in notes:
            notes[edge] += (role.note,)
    return {edge: found for edge, found in notes.items() if found}


def _split_list(cell: str) -> tuple[str, ...]:
    """Distinct items of a cell with bars, in their order."""
    return tuple(dict.fromkeys(item.strip() for item in cell.split("|") if item.strip()))


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
