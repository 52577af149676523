"""The drug network that comes with the package: curated by hand, interactions derived by rules.

The tables in `starter/` hold facts of textbook level, compiled by hand on 2026-11-21 from general
knowledge of public-domain documents of the US Food and Drug Administration: its table of
substrates, inhibitors and inducers, its table of pharmacogenetic associations, its drug safety
communications and the prescribing information it approved. Each row names the document in which it
can be checked. The documents were not opened again while compiling, therefore the column `accessed`
of `sources.csv` is empty; whoever re-reads one writes the date there. Formulas were written down
apart from the structures and are compared with them by a test. No table of another data base was
copied.

Grades follow the FDA: strong, moderate and weak inhibitors raise the area under the curve of a
sensitive substrate at least 5, 2 and 1.25 times; strong, moderate and weak inducers lower it by at
least 80, 50 and 20 %. "sensitive" and "moderately sensitive" substrates are those which a strong
inhibitor raises at least 5 and 2 times.

Interactions come from two places, the first decides where both speak:

1. `interactions.csv`: pairs documented in prescribing information.
2. `RULES`, from the roles. Of two rules the one listed first decides, so an ordered pair has one
   type at most: a lost activation, then metabolism, transport and absorption, then opposite and
   shared effects. A symmetric type is kept once, lower row first, and only when neither direction
   has another label.

A rule is a mechanism, not a measurement: what it yields says "can", and pairs known not to follow
it stand in `NOT_BY_RULE`. Absence of a label does not mean that a combination is safe.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np

from core.chemistry.structure import CountTable, dice_to, many_morgan_counts
from core.knowledge.graph import Source
from core.knowledge.interactions import (
    DrugNetwork,
    EdgeNote,
    InteractionSplit,
    InteractionType,
    Relation,
    hold_out,
)

COMPILED_ON = "2026-11-21"
LICENCE = "public domain (US government work)"
RESEMBLES = 0.5  # Dice similarity from which two structures resemble each other

Interaction = tuple[int, int, int]

# words between drug and entity, "head NAME tail" reads as a sentence
RELATIONS = (
    Relation("substrate-sensitive", "is a sensitive substrate of"),
    Relation("substrate-moderate", "is a moderately sensitive substrate of"),
    Relation("substrate", "is metabolised by"),
    Relation("activated", "is activated by"),
    Relation("inhibitor-strong", "is a strong inhibitor of"),
    Relation("inhibitor-moderate", "is a moderate inhibitor of"),
    Relation("inhibitor-weak", "is a weak inhibitor of"),
    Relation("inhibitor", "is an inhibitor of"),
    Relation("inducer-strong", "is a strong inducer of"),
    Relation("inducer-moderate", "is a moderate inducer of"),
    Relation("inducer-weak", "is a weak inducer of"),
    Relation("inducer", "is an inducer of"),
    Relation("transported", "is transported by"),
    Relation("transported-partly", "is partly transported by"),
    Relation("transport-inhibitor", "inhibits transport by"),
    Relation("transport-inducer", "induces transport by"),
    Relation("activates", "activates"),
    Relation("partly-activates", "partly activates"),
    Relation("blocks", "blocks"),
    Relation("inhibits", "acts by inhibiting"),
    Relation("effect", "can cause"),
    Relation("needs-acid", "is absorbed less with"),
    Relation("class", "belongs to"),
    Relation("similar-structure", "has a structure like", symmetric=True),
)

# interaction type, effect that both drugs have, what they do together; in order of precedence
SHARED_EFFECTS = (
    ("serotonin-syndrome", "serotonergic", "raise the risk of serotonin syndrome"),
    ("hypertension", "hypertension", "raise the risk of hypertension"),
    ("qt-prolongation", "qt", "raise the risk of QT prolongation"),
    ("bleeding", "bleeding", "raise the risk of bleeding"),
    ("hyperkalaemia", "hyperkalaemia", "raise the risk of hyperkalaemia"),
    ("cns-depression", "cns-depression", "deepen depression of the central nervous system"),
    ("hypotension", "hypotension", "raise the risk of hypotension"),
    ("bradycardia", "bradycardia", "raise the risk of bradycardia"),
    ("myopathy", "myopathy", "raise the risk of myopathy"),
    ("hypoglycaemia", "hypoglycaemia", "raise the risk of hypoglycaemia"),
    ("kidney-injury", "kidney-injury", "raise the risk of kidney injury"),
    ("marrow-suppression", "marrow-suppression", "suppress the bone marrow more"),
    ("anticholinergic", "anticholinergic", "have more anticholinergic effects"),
)

INTERACTION_TYPES = (
    InteractionType(
        "activation-lost", "#Drug1 can keep #Drug2 from being turned into its active form.",
        "PK metabolism", "down",
    ),
    InteractionType(
        "metabolism-decreased", "#Drug1 can slow the metabolism of #Drug2.",
        "PK metabolism", "down",
    ),
    InteractionType(
        "metabolism-increased", "#Drug1 can speed up the metabolism of #Drug2.",
        "PK metabolism", "up",
    ),
    InteractionType(
        "transport-increased",
        "#Drug1 can raise the serum concentration of #Drug2 by inhibiting its transport.",
        "PK exposure", "up",
    ),
    InteractionType(
        "transport-decreased",
        "#Drug1 can lower the serum concentration of #Drug2 by inducing its transport.",
        "PK exposure", "down",
    ),
    InteractionType(
        "absorption-decreased", "#Drug1 can lower the absorption of #Drug2.",
        "PK absorption", "down",
    ),
    InteractionType(
        "excretion-decreased", "#Drug1 can slow the excretion of #Drug2.", "PK excretion", "down"
    ),
    InteractionType(
        "effect-counteracted", "#Drug1 can counteract the effect of #Drug2.", "PD effect", "down"
    ),
    *(
        InteractionType(id, f"#Drug1 and #Drug2 together {words}.", "PD effect", "up", True)
        for id, _, words in SHARED_EFFECTS
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Rule:
    """Two drugs with these relations to one entity interact.

    Attributes:
        type: id of the interaction type.
        heads: relations of #Drug1 to the entity.
        tails: relations of #Drug2 to the same entity.
        entities: ids of the entities it holds for, empty for all.
    """

    type: str
    heads: frozenset[str]
    tails: frozenset[str]
    entities: frozenset[str] = frozenset()


_ANY_SUBSTRATE = frozenset(("substrate-sensitive", "substrate-moderate", "substrate"))
_SENSITIVE = frozenset(("substrate-sensitive", "substrate-moderate"))

# in order of precedence
RULES = (
    Rule(
        "activation-lost",
        frozenset(("inhibitor-strong", "inhibitor-moderate", "inhibitor")),
        frozenset(("activated",)),
    ),
    Rule("metabolism-decreased", frozenset(("inhibitor-strong", "inhibitor")), _ANY_SUBSTRATE),
    Rule("metabolism-decreased", frozenset(("inhibitor-moderate",)), _SENSITIVE),
    Rule("metabolism-increased", frozenset(("inducer-strong", "inducer")), _ANY_SUBSTRATE),
    Rule("metabolism-increased", frozenset(("inducer-moderate",)), _SENSITIVE),
    Rule("transport-increased", frozenset(("transport-inhibitor",)), frozenset(("transported",))),
    Rule("transport-decreased", frozenset(("transport-inducer",)), frozenset(("transported",))),
    Rule(
        "absorption-decreased",
        frozenset(("effect",)), frozenset(("needs-acid",)), frozenset(("acid-suppression",)),
    ),
    Rule(
        "effect-counteracted",
        frozenset(("blocks",)), frozenset(("activates",)), frozenset(("ADRB2", "DRD2", "OPRM1")),
    ),
    *(
        Rule(id, frozenset(("effect",)), frozenset(("effect",)), frozenset((effect,)))
        for id, effect, _ in SHARED_EFFECTS
    ),
)  # fmt: skip

# (drug, type, drug): the rule holds and the outcome is another one
NOT_BY_RULE = frozenset((
    # exposure to rosuvastatin falls a little with erythromycin
    ("erythromycin", "transport-increased", "rosuvastatin"),
    # one dose of rifampin inhibits uptake into the liver, lasting treatment induces clearance
    *(
        ("rifampin", "transport-increased", drug)
        for drug in ("bosentan", "glyburide", "nateglinide", "pravastatin", "rosuvastatin")
    ),
    # two triptans: the concern is vasospasm
    ("eletriptan", "serotonin-syndrome", "rizatriptan"),
    ("eletriptan", "serotonin-syndrome", "sumatriptan"),
    ("rizatriptan", "serotonin-syndrome", "sumatriptan"),
    # neither lowers blood glucose too far without an insulin secretagogue
    ("pioglitazone", "hypoglycaemia", "rosiglitazone"),
))  # fmt: skip


@dataclass(frozen=True)
class Drug:
    """One row of `drugs.csv`.

    Attributes:
        id: stable slug, such as ``valproic-acid``.
        name: US name in lower case.
        drug_class: class or use in a few words.
        synonyms: brand and other names.
        formula: molecular formula in Hill order.
        smiles: structure; racemates and mixtures of isomers are written without stereochemistry.
    """

    id: str
    name: str
    drug_class: str
    synonyms: tuple[str, ...]
    formula: str
    smiles: str


@dataclass(frozen=True, eq=False)
class StarterNetwork:
    """The starter network with its interactions.

    Attributes:
        network: drugs, types and network; every edge has a note.
        interactions: (n, 3) int64, rows (head, type, tail), sorted, one type per ordered pair;
            a symmetric type once, lower row first.
        interaction_notes: interaction to why and by which document.
        reasons: interaction to the rows of the entities through which it comes about, sorted;
            empty for a documented interaction whose mechanism the network does not hold.
        documented: interactions listed in prescribing information, the others follow from a rule.
        synonyms: case-folded name, brand name or id to the row of the drug.
    """

    network: DrugNetwork
    interactions: np.ndarray
    interaction_notes: Mapping[Interaction, EdgeNote]
    reasons: Mapping[Interaction, tuple[int, ...]]
    documented: frozenset[Interaction]
    synonyms: Mapping[str, int]

    def rule_reason(self, head: int, type_row: int, tail: int) -> tuple[int, ...]:
        """Rows of the entities an interaction rests on; empty when it is none or has none."""
        return self.reasons.get((head, type_row, tail), ())

    def split(self, seed: int = 0, share: float = 0.1) -> InteractionSplit:
        """Hold out emerging drugs; see `core.knowledge.interactions.hold_out`."""
        return hold_out(self.network, self.interactions, seed=seed, share=share)


def load_drugs() -> tuple[Drug, ...]:
    """The drugs in the order of their rows, by id."""
    return tuple(
        Drug(
            row["id"], row["name"], row["class"],
            tuple(row["synonyms"].split(";")) if row["synonyms"] else (),
            row["formula"], row["smiles"],
        )
        for row in _table("drugs")
    )  # fmt: skip


@cache
def load_starter() -> StarterNetwork:
    """The starter network; read once, in well under a second."""
    drugs = load_drugs()
    network = _network(drugs)
    relation_rows = {relation.id: row for row, relation in enumerate(network.relations)}
    type_rows = {kind.id: row for row, kind in enumerate(network.types)}
    labels = _Labels(network)
    for row in _table("interactions"):
        head, tail = network.rows[row["drug1"]], network.rows[row["drug2"]]
        labels.add_documented(
            (head, type_rows[row["type"]], tail),
            sorted(network.rows[entity] for entity in row["reason"].split(";") if entity),
            _note(row["note"] or "documented combination", row["source"]),
        )
    holders = _holders(network, relation_rows)
    for type_id in dict.fromkeys(rule.type for rule in RULES):
        pairs = _pairs_of((rule for rule in RULES if rule.type == type_id), network, holders)
        labels.add_type(type_rows[type_id], pairs)
    return StarterNetwork(
        network,
        np.array(sorted(labels.notes), np.int64).reshape(-1, 3),
        labels.notes,
        labels.reasons,
        frozenset(labels.documented),
        _synonyms(drugs),
    )


def _network(drugs: tuple[Drug, ...]) -> DrugNetwork:
    members: dict[str, list[int]] = {}
    for row, drug in enumerate(drugs):
        members.setdefault(drug.drug_class, []).append(row)
    classes = {name: rows for name, rows in sorted(members.items()) if len(rows) > 1}
    others = list(_table("entities"))
    ids = [*(d.id for d in drugs), *(e["id"] for e in others), *(f"class:{c}" for c in classes)]
    names = [
        *(drug.name for drug in drugs),
        *(f"{e['id']} ({e['name']})" if e["kind"] == "Gene" else e["name"] for e in others),
        *classes,
    ]
    kinds = [
        *("Compound" for _ in drugs),
        *(e["kind"] for e in others),
        *("Class" for _ in classes),
    ]
    rows = {entity: row for row, entity in enumerate(ids)}
    relation_rows = {relation.id: row for row, relation in enumerate(RELATIONS)}
    notes: dict[Interaction, tuple[EdgeNote, ...]] = {}
    for role in _table("roles"):
        edge = rows[role["drug"]], relation_rows[role["relation"]], rows[role["entity"]]
        notes[edge] = (_note(role["note"], role["source"], drugs[edge[0]].name),)
    for name, drug_rows in classes.items():
        for row in drug_rows:
            edge = row, relation_rows["class"], rows[f"class:{name}"]
            notes[edge] = (_note(name, "label", drugs[row].name),)
    for head, tail, similarity in _resembling(drugs):
        note = EdgeNote(f"Dice similarity {similarity:.2f}", "computed from the two structures")
        notes[head, relation_rows["similar-structure"], tail] = (note,)
    return DrugNetwork(
        name="starter",
        entities=tuple(ids),
        entity_names=tuple(names),
        kinds=tuple(kinds),
        smiles=tuple(drug.smiles for drug in drugs),
        types=INTERACTION_TYPES,
        relations=RELATIONS,
        edges=np.array(sorted(notes), np.int64),
        source=Source(
            title=f"Starter drug network, compiled by hand on {COMPILED_ON} from general knowledge "
            "of FDA tables, labels and safety communications",
            licence="facts, no licence needed",
        ),
        notes=notes,
    )


def _resembling(drugs: tuple[Drug, ...]) -> Iterator[tuple[int, int, float]]:
    """Pairs of rows, lower first, whose structures resemble each other, and how much."""
    counts = many_morgan_counts(drug.smiles for drug in drugs)
    table = CountTable.of(counts)
    for head, one in enumerate(counts):
        similarity = dice_to(one, table)
        for tail in np.flatnonzero(similarity >= RESEMBLES):
            if tail > head:
                yield head, int(tail), float(similarity[tail])


Holders = Mapping[tuple[int, str], list[int]]


def _holders(network: DrugNetwork, relation_rows: Mapping[str, int]) -> Holders:
    """From entity row and relation id to the drugs that have this relation to it."""
    ids = {row: relation for relation, row in relation_rows.items()}
    holders: dict[tuple[int, str], list[int]] = {}
    for head, relation, tail in network.edges.tolist():
        holders.setdefault((tail, ids[relation]), []).append(head)
    return holders


# one ordered pair of drugs to the (entity, relation of the head, relation of the tail) behind it
Grounds = dict[tuple[int, int], list[tuple[int, str, str]]]


def _pairs_of(rules: Iterable[Rule], network: DrugNetwork, holders: Holders) -> Grounds:
    """What rules of one type yield."""
    pairs: Grounds = {}
    for rule in rules:
        for entity in range(network.num_drugs, network.num_entities):
            if rule.entities and network.entities[entity] not in rule.entities:
                continue
            for one, other in product(sorted(rule.heads), sorted(rule.tails)):
                heads, tails = holders.get((entity, one), ()), holders.get((entity, other), ())
                for head, tail in product(heads, tails):
                    excluded = (network.entities[head], rule.type, network.entities[tail])
                    if head != tail and excluded not in NOT_BY_RULE:
                        pairs.setdefault((head, tail), []).append((entity, one, other))
    return pairs


class _Labels:
    """Interactions collected in order of precedence."""

    def __init__(self, network: DrugNetwork) -> None:
        self.network = network
        self.relations = {relation.id: row for row, relation in enumerate(network.relations)}
        self.type_of: dict[tuple[int, int], int] = {}
        self.notes: dict[Interaction, EdgeNote] = {}
        self.reasons: dict[Interaction, tuple[int, ...]] = {}
        self.documented: set[Interaction] = set()

    def add_documented(self, label: Interaction, reasons: list[int], note: EdgeNote) -> None:
        head, kind, tail = label
        if self.network.types[kind].symmetric and head > tail:
            head, tail = tail, head
        self.type_of[head, tail] = kind
        self.notes[head, kind, tail] = note
        self.reasons[head, kind, tail] = tuple(reasons)
        self.documented.add((head, kind, tail))

    def add_type(self, kind: int, pairs: Grounds) -> None:
        """Label the pairs that have no label yet; documented ones of this type gain reasons."""
        symmetric = self.network.types[kind].symmetric
        for (head, tail), grounds in sorted(pairs.items()):
            if symmetric and head > tail:
                continue
            label = head, kind, tail
            taken = self.type_of.get((head, tail))
            if symmetric and taken is None:
                taken = self.type_of.get((tail, head))
            if taken is not None and label not in self.documented:
                continue
            known = self.reasons.get(label, ())
            self.type_of[head, tail] = kind
            self.reasons[label] = tuple(sorted({*known, *(entity for entity, _, _ in grounds)}))
            if label not in self.documented:
                self.notes[label] = self._explain(head, tail, grounds)

    def _explain(self, head: int, tail: int, grounds: list[tuple[int, str, str]]) -> EdgeNote:
        """The facts behind a label in words, with the documents of both."""
        names, relations = self.network.entity_names, self.network.relations
        facts, sources = [], {}
        for entity, one, other in grounds:
            for drug, relation in ((head, one), (tail, other)):
                row = self.relations[relation]
                facts.append(f"{names[drug]} {relations[row].name} {names[entity]}")
                for note in self.network.notes[drug, row, entity]:
                    sources[note.source] = note
        first = next(iter(sources.values()))
        text = "; ".join(dict.fromkeys(facts))
        return EdgeNote(text, "; ".join(sources), first.url, first.accessed, LICENCE)


def _synonyms(drugs: tuple[Drug, ...]) -> dict[str, int]:
    return {
        name.casefold(): row
        for row, drug in enumerate(drugs)
        for name in (drug.id, *drug.synonyms, drug.name)
    }


def _note(text: str, source: str, drug: str = "") -> EdgeNote:
    """A note; `source` is an id of `sources.csv`, ``label:drug`` for another drug's label."""
    key, _, named = source.partition(":")
    row = _sources()[key]
    title = row["title"].replace("{drug}", named.replace("-", " ") or drug)
    return EdgeNote(text, title, row["url"], row["accessed"], LICENCE)


@cache
def _sources() -> dict[str, dict[str, str]]:
    return {row["id"]: row for row in _table("sources")}


def _table(name: str) -> Iterator[dict[str, str]]:
    """Rows of one of the tables that come with the package."""
    path = Path(__file__).with_name("starter") / f"{name}.csv"
    with path.open(encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)
