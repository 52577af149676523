"""Finding drugs and entities of a network by what people write; errors with suggestions."""

from dataclasses import dataclass

import numpy as np

from core import chemistry
from core.chemistry.text import MAX_CHARACTERS
from core.data.graph_table import Limits
from core.data.upload_recognition import read_table
from core.data.uploads import RowProblem
from core.errors import InputError, UnknownName
from core.knowledge.similar_drugs import tanimoto
from core.serving.ddi_networks import Context, context

MAX_MATCHES = 20
MIN_TANIMOTO = 0.6  # of structures that are compared in full
MAX_COMPARED = 5
MAX_FACTS = 500  # of one new compound


@dataclass(frozen=True)
class DrugMatch:
    """A drug that fits a search.

    Attributes:
        id: as `Query` takes it.
        name: for people.
        label: id as people write it, such as ``DB00715``.
        how: ``name``, ``synonym``, ``structure`` or ``similar name``.
        matched: the synonym that fits, empty otherwise.
        is_new: the model has seen no interaction of it.
    """

    id: str
    name: str
    label: str
    how: str
    matched: str
    is_new: bool


@dataclass(frozen=True)
class EntityMatch:
    """An entity that fits a search."""

    id: str
    name: str
    kind: str


def find_drug(network: str, text: str, limit: int = MAX_MATCHES) -> list[DrugMatch]:
    """Drugs by id, name, synonym or structure, best first; else those with a similar name.

    Args:
        network: id of the network.
        text: what a person typed, or a SMILES.
        limit: how many at most.

    Returns:
        Exact names first, then names that begin with the text, then those that hold it. When
        nothing of this kind fits, drugs of the same structure, or names that are near.
    """
    found, wanted = context(network), text.strip().casefold()
    if not wanted:
        return []
    hits: dict[int, tuple[tuple[int, str], str]] = {}
    for spelling, row in found.synonyms.items():
        if wanted in spelling:
            rank = 0 if spelling == wanted else 1 if spelling.startswith(wanted) else 2
            best = hits.get(row)
            if best is None or (rank, spelling) < best[0]:
                hits[row] = (rank, spelling), spelling
    if hits:
        order = sorted(hits, key=lambda row: hits[row][0])[:limit]
        return [_match(found, row, hits[row][1]) for row in order]
    rows = _of_structure(found, text.strip())
    if rows:
        return [_match(found, row, "", "structure") for row in rows[:limit]]
    names = _unknown_drug(found, text).nearest
    return [_match(found, found.synonyms[n.casefold()], n, "similar name") for n in names][:limit]


def drug_row(found: Context, text: str) -> int:
    """Row of a drug by id, name or synonym.

    Raises:
        UnknownName: DD-E02, with the nearest names.
    """
    row = found.synonyms.get(text.strip().casefold())
    if row is None:
        raise _unknown_drug(found, text)
    return row


def role_relations(network: str) -> list[tuple[str, str]]:
    """Id and words of the relations a new compound may have, most frequent first.

    The computed relation between similar structures is left out: it follows from the structure.
    """
    found = context(network)
    edges, d = found.network.edges, found.network.num_drugs
    touching = (edges[:, 0] < d) | (edges[:, 2] < d)
    count = np.bincount(edges[touching, 1], minlength=found.network.num_relations)
    order = np.argsort(-count, kind="stable")
    return [
        (found.network.relations[row].id, found.network.relations[row].name)
        for row in order
        if count[row] and not found.by_structure[row + found.network.num_types]
    ]


def find_entities(
    network: str, relation: str, text: str, limit: int = MAX_MATCHES
) -> list[EntityMatch]:
    """Entities that a relation links to drugs, by id or name; all of them for an empty text.

    Raises:
        UnknownName: DD-E04, there is no such relation.
    """
    found, wanted = context(network), text.strip().casefold()
    names, ids = found.network.entity_names, found.network.entities
    kind = relation_row(found, relation, roles_only=True) - found.network.num_types
    edges = found.network.edges[found.network.edges[:, 1] == kind]
    column = 0 if found.drug_is_tail[kind] else 2
    rows = np.unique(edges[:, column]).tolist()
    texts = [(names[row].casefold(), ids[row].casefold(), row) for row in rows]
    fitting = sorted(
        (not name.startswith(wanted), name, row)
        for name, id_, row in texts
        if wanted in name or wanted in id_
    )
    return [EntityMatch(ids[row], names[row], found.network.kinds[row]) for *_, row in fitting][
        :limit
    ]


def entity_row(found: Context, text: str) -> int:
    """Row of an entity (drugs included) by id, name or gene symbol.

    Raises:
        UnknownName: DD-E04, with the nearest names.
    """
    row = found.entity_index.get(text.strip().casefold())
    if row is None:
        known = [*found.network.entity_names, *(one for one in found.network.entities)]
        raise UnknownName(
            "DD-E04", "Unknown protein", text, known, kind="this network",
            hint="Pick from the list or give a gene symbol.",
        )  # fmt: skip
    return row


def relation_row(found: Context, text: str, *, roles_only: bool = False) -> int:
    """Row in 0..R-1 of an interaction type or relation, by id.

    Raises:
        UnknownName: DD-E04, with the nearest ids.
    """
    kinds = [] if roles_only else [kind.id for kind in found.network.types]
    relations = [relation.id for relation in found.network.relations]
    if text in kinds:
        return kinds.index(text)
    if text in relations:
        return relations.index(text) + found.network.num_types
    raise UnknownName(
        "DD-E04", "Unknown relation", text, [*relations, *kinds], kind="this network",
        hint="Pick from the list.",
    )  # fmt: skip


def read_facts(
    network: str, name: str, content: bytes
) -> tuple[tuple[tuple[str, str], ...], tuple[RowProblem, ...]]:
    """Facts of a new compound from a table with the columns relation and entity.

    Args:
        network: id of the network.
        name: name of the file.
        content: its bytes; the first row names the columns.

    Returns:
        Distinct pairs of relation id and entity id, and the rows that could not be used.

    Raises:
        InputError: UP-E01 to UP-E07 for a file that is no such table, DD-E04 when no row fits.
    """
    found = context(network)
    table = read_table(name, content, Limits(num_facts=MAX_FACTS), header=True)
    columns = [column.strip().casefold() for column in table.columns]
    if not {"relation", "entity"} <= set(columns):
        raise InputError(
            "UP-E04", "Column missing",
            f"I need the columns relation and entity; I found {', '.join(table.columns)}.",
            "Rename the columns in the first row.",
        )  # fmt: skip
    facts: dict[tuple[str, str], None] = {}
    problems = []
    for line, cells in table.rows:
        if len(cells) != len(columns):
            problems.append(RowProblem(line, " | ".join(cells), "has too few or too many cells"))
            continue
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        try:
            relation_row(found, row["relation"], roles_only=True)
            entity = found.network.entities[entity_row(found, row["entity"])]
        except UnknownName as error:
            problems.append(RowProblem(line, " | ".join(cells), error.problem))
            continue
        facts[row["relation"], entity] = None
    if not facts:
        first = f" Line {problems[0].line}: {problems[0].problem}" if problems else ""
        raise InputError(
            "DD-E04", "No usable fact", f"No row of the file can be used.{first}",
            "Take relations and entities from the lists.",
        )  # fmt: skip
    return tuple(facts), tuple(problems)


def same_molecule(trusted: str, smiles: str) -> bool | None:
    """Whether two SMILES have the same skeleton; None when the first is beyond the limits."""
    if not trusted or len(trusted) > MAX_CHARACTERS:
        return None
    try:
        return chemistry.compare(trusted, smiles).same
    except InputError as error:
        if error.code in ("MO-E02", "MO-E03"):
            return None
        raise


def unchanged(fact: tuple[str, str, str], problem: str) -> InputError:
    """KG-E08: a fact that cannot be added or left out."""
    text = f'"{fact[1]}({fact[0]}, {fact[2]})"'
    return InputError("KG-E08", "Fact not changed", f"{text} {problem}.", "Choose another fact.")


def _match(found: Context, row: int, spelling: str, how: str = "") -> DrugMatch:
    id_, name = found.network.entities[row], found.network.entity_names[row]
    plain = spelling.casefold() in (name.casefold(), id_.casefold(), found.label(row).casefold())
    return DrugMatch(
        id_,
        name,
        found.label(row),
        how or ("name" if plain else "synonym"),
        "" if plain else spelling,
        not found.known_drugs[row],
    )


def _of_structure(found: Context, text: str) -> list[int]:
    """Drugs with the structure of a SMILES; none when the text is no SMILES."""
    try:
        smiles = chemistry.check(text).smiles
    except InputError as error:
        if error.code == "MO-E10":
            raise
        return []
    bits, _ = chemistry.fingerprint(smiles)
    similarity = tanimoto(bits[None], found.bits)[0]
    nearest = np.argsort(-similarity, kind="stable")[:MAX_COMPARED]
    return [
        int(row)
        for row in nearest
        if similarity[row] >= MIN_TANIMOTO and same_molecule(found.network.smiles[row], smiles)
    ]


def _unknown_drug(found: Context, text: str) -> UnknownName:
    names = [found.network.entity_names[row] for row in range(found.network.num_drugs)]
    return UnknownName(
        "DD-E02", "Drug not found", text, [*names, *found.synonyms], kind="this network",
        hint="Pick one from the list, or enter it as a new compound.",
    )  # fmt: skip
