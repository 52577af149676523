"""One question about two drugs made ready: graph with its own facts, both ends, vote and model.

A new compound becomes one more node: edges to the drugs its structure resembles (Dice similarity of
radius-2 Morgan counts at least 0.5, as in Hetionet, and the grades of `core.data.resemblance`) and
the facts a person gives. Facts that only
this question has are numbered after those of the network, see `core.serving.ddi_networks`.

Source: Himmelstein et al., eLife 6:e26726, 2017 ("resembles"); Zhang et al., Nature Computational
Science 2023, which leaves compounds outside the network to future work.

Notation: D drugs, N entities, T interaction types, R = T + relations of the network.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from core import chemistry
from core.chemistry.structure import dice_to
from core.data.graph_table import printable
from core.data.resemblance import relatives
from core.errors import InputError
from core.knowledge.flow import EdgeList, FlowGraph, asked_as_new
from core.knowledge.similar_drugs import SimilarDrugVote, SimilarInteraction, tanimoto
from core.serving.ddi_networks import (
    Context,
    Interaction,
    Model,
    changed_vote,
    context,
    with_exponent,
)
from core.serving.ddi_search import (
    drug_row,
    entity_row,
    relation_row,
    same_molecule,
    unchanged,
)
from core.serving.flow import PairPaths, Steps

RESEMBLANCE = 0.5  # lowest Dice similarity of two structures that resemble each other
NEW_IDS = ("new:1", "new:2")  # ids of new compounds by their side of the question
MAX_NAME = 200

Fact = tuple[str, str, str]  # ids of head, relation or interaction type, tail


@dataclass(frozen=True)
class NewDrug:
    """A compound that is not in the network.

    Attributes:
        name: what a person calls it.
        smiles: structure, empty when there is none.
        facts: pairs of relation id and entity id (or gene symbol, or name).
    """

    name: str
    smiles: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Query:
    """A question about two drugs.

    Attributes:
        network: id, see `core.serving.ddi_networks.list_networks`.
        first: id of a drug, or a new compound.
        second: likewise.
        removed: facts that are left out; ids, ``new:1`` and ``new:2`` for new compounds.
        added: facts that are supposed.
    """

    network: str
    first: str | NewDrug
    second: str | NewDrug
    removed: tuple[Fact, ...] = ()
    added: tuple[Fact, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal query."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Query":
        """Inverse of `to_json`."""
        return cls(
            value["network"],
            drug_from_json(value["first"]),
            drug_from_json(value["second"]),
            tuple((fact[0], fact[1], fact[2]) for fact in value["removed"]),
            tuple((fact[0], fact[1], fact[2]) for fact in value["added"]),
        )


def drug_from_json(value: str | Mapping[str, Any]) -> str | NewDrug:
    """A drug of `Query.to_json`."""
    if isinstance(value, str):
        return value
    facts = tuple((relation, entity) for relation, entity in value["facts"])
    return NewDrug(value["name"], value["smiles"], facts)


@dataclass(frozen=True)
class Row:
    """One interaction type in one order.

    Attributes:
        type_id: interaction type.
        head_id: drug in place of #Drug1; for a symmetric type the order that scores higher.
        tail_id: drug in place of #Drug2.
        sentence: the type with both names.
        mechanism: class of mechanism, may be empty.
        direction: ``up``, ``down`` or empty.
        symmetric: whether both orders are in this row.
        probability: p(type | order) p(order); all rows sum to 1.
        path_probability: p(type | this order) by the path network alone.
        vote_share: part of the similar-drug vote of both orders; 0 without any vote.
        in_set: whether it is in the set of types.
        status: ``known``, ``held out`` (in the data set, hidden from the model) or ``new``.
    """

    type_id: str
    head_id: str
    tail_id: str
    sentence: str
    mechanism: str
    direction: str
    symmetric: bool
    probability: float
    path_probability: float
    vote_share: float
    in_set: bool
    status: str


@dataclass(frozen=True, eq=False)
class End:
    """One of the two drugs.

    Attributes:
        id: id of the drug, ``new:1`` or ``new:2``.
        name: for people.
        node: node in the graph.
        row: row of the drug, None for a new compound.
        smiles: structure, may be empty.
        bits: (1024,) uint8.
        known: whether the model may see interactions of it.
        as_new: (D,) weights of the similar known drugs.
        as_itself: (D,) weight 1 for itself if it is known, else `as_new`.
    """

    id: str
    name: str
    node: int
    row: int | None
    smiles: str
    bits: np.ndarray
    known: bool
    as_new: np.ndarray
    as_itself: np.ndarray


@dataclass(frozen=True, eq=False)
class OrderedScores:
    """Both orders of a pair; index 0 is first -> second.

    Attributes:
        path: (2, T) probabilities of the path network, given the order.
        plus: (2, T) probabilities of everything, given the order.
        votes: (2, T) similar-drug vote.
        order: (2,) probability of each order.
    """

    path: np.ndarray
    plus: np.ndarray
    votes: np.ndarray
    order: np.ndarray


@dataclass(frozen=True, eq=False)
class Case:
    """A question made ready: graph with the person's changes, both ends, vote and model.

    Attributes:
        query: the question.
        context: the network.
        ends: first and second drug.
        graph: with the edges of new compounds and the facts that are supposed.
        extra: (n, 3) rows of the facts that only this question has; number i of them is fact
            `context.graph.num_facts` + i.
        hidden: numbers of facts that are left out.
        vote: similar-drug vote with the same changes.
        model: what scores the pair.
        warnings: remarks on the drugs.
    """

    query: Query
    context: Context
    ends: tuple[End, End]
    graph: FlowGraph
    extra: np.ndarray
    hidden: tuple[int, ...]
    vote: SimilarDrugVote
    model: Model
    warnings: tuple[str, ...]

    @property
    def setting(self) -> str:
        """S0, S1 or S2: how many of the two drugs are new to the model."""
        return f"S{sum(not end.known for end in self.ends)}"

    @cached_property
    def paths(self) -> PairPaths:
        """Paths from the first to the second drug."""
        return PairPaths.between(self.graph, *(end.node for end in self.ends), self.hidden)

    @cached_property
    def _turned(self) -> PairPaths:
        first, second = self.ends
        return PairPaths.between(self.graph, second.node, first.node, self.hidden)

    @cached_property
    def joined_by_facts(self) -> bool:
        """Whether a path exists that needs no resemblance computed from structures."""
        paths, computed = self.paths, self.context.by_structure
        total = self.graph.num_relations

        def reached(steps: Steps) -> np.ndarray:
            found = np.zeros(self.graph.num_nodes, dtype=bool)
            found[steps.target[lasting(steps)]] = True
            return found

        def lasting(steps: Steps) -> np.ndarray:
            return (steps.relation == 2 * total) | ~computed[steps.relation % total]

        middle = lasting(paths.middle) & reached(paths.first)[paths.middle.source]
        return bool((middle & reached(paths.last)[paths.middle.target]).any())

    def ends_of(self, row: Row) -> tuple[End, End]:
        """The drugs in place of #Drug1 and #Drug2 of a row."""
        first, second = self.ends
        return (first, second) if row.head_id == first.id else (second, first)

    def paths_of(self, row: Row) -> PairPaths:
        """Paths in the order of a row; nodes and facts are the same in both orders."""
        return self.paths if row.head_id == self.ends[0].id else self._turned

    def fact(self, number: int) -> Interaction:
        """Head row, relation row in 0..R-1 and tail row of a fact of this question."""
        own = number - self.context.graph.num_facts
        if own < 0:
            return self.context.fact(number)
        head, relation, tail = map(int, self.extra[own])
        return head, relation, tail

    def fact_number(self, fact: Interaction) -> int | None:
        """Inverse of `fact`; None when there is no such fact."""
        found = self.context.fact_number(fact)
        if found is None:
            own = np.flatnonzero((self.extra == np.array(fact)).all(1))
            found = int(own[0]) + self.context.graph.num_facts if len(own) else None
        return found

    def fact_ids(self, number: int) -> Fact:
        """A fact in ids, as `Query.removed` takes it."""
        head, relation, tail = self.fact(number)
        return self.node_id(head), self.relation_id(relation), self.node_id(tail)

    def node_id(self, node: int) -> str:
        """Id of a drug, an entity or a new compound."""
        if node < self.context.network.num_entities:
            return self.context.network.entities[node]
        return next(end.id for end in self.ends if end.node == node)

    def node_name(self, node: int) -> str:
        """Its readable name."""
        if node < self.context.network.num_entities:
            return self.context.network.entity_names[node]
        return next(end.name for end in self.ends if end.node == node)

    def node_kind(self, node: int) -> str:
        """Its kind, such as ``Compound``."""
        network = self.context.network
        return network.kinds[node] if node < network.num_entities else network.kinds[0]

    def relation_id(self, relation: int) -> str:
        """Id of an interaction type or a relation, by row in 0..R-1."""
        network = self.context.network
        if relation < network.num_types:
            return network.types[relation].id
        return network.relations[relation - network.num_types].id

    def votes(self, head: End, tail: End) -> np.ndarray:
        """(T,) similar-drug vote of one order; an interaction of the pair itself never counts."""
        if head.known and tail.known:
            return self.vote.scores_for(head.as_new, tail.as_itself) + self.vote.scores_for(
                head.as_itself, tail.as_new
            )
        return self.vote.scores_for(head.as_itself, tail.as_itself)

    def similar(self, row: Row, limit: int) -> list[SimilarInteraction]:
        """Known interactions of similar drugs that speak for a row, heaviest first."""
        head, tail = self.ends_of(row)
        kind = [one.id for one in self.context.network.types].index(row.type_id)
        ways = (
            ((head.as_new, tail.as_itself), (head.as_itself, tail.as_new))
            if head.known and tail.known
            else ((head.as_itself, tail.as_itself),)
        )
        found = [one for way in ways for one in self.vote.evidence_for(*way, kind, limit)]
        return sorted(found, key=lambda one: -one.weight)[:limit]

    @cached_property
    def scores(self) -> OrderedScores:
        """The pair in both orders."""
        first, second = self.ends
        everything = np.ones((1, len(self.paths.facts)), dtype=bool)
        logits = self.model.flow.both(
            first.bits[None], second.bits[None], self.paths.overlays(everything)
        )[:, 0]
        votes = np.stack([self.votes(first, second), self.votes(second, first)])
        return OrderedScores(
            self.model.path_probabilities(logits),
            self.model.probabilities(logits, votes),
            votes,
            self.model.order_probabilities(logits, votes, self.context.network.directed),
        )


def open_case(query: Query) -> Case:
    """Make a question ready; cached.

    Raises:
        InputError: DD-E01 the same drug twice, E02 unknown drug or network, E03 a new compound
            without anything, E04 unknown entity or relation, E05 name and structure disagree,
            KG-E08 a change that cannot be made; MO-E01 to E10 for a structure.
        ArtifactError: no trained model, or one that does not fit.
        DataError: the network's files are not within reach.
    """
    return _open_case(query)


def check_query(query: Query) -> None:
    """Everything `open_case` checks, without model and graph.

    Raises:
        InputError, DataError: see `open_case`.
    """
    _begin(query)


@lru_cache(maxsize=32)
def _open_case(query: Query) -> Case:
    builder, drafts = _begin(query)
    return builder.finish(query, drafts)


def _begin(query: Query) -> tuple["_Builder", list["_Draft"]]:
    builder = _Builder(context(query.network))
    drugs = zip((query.first, query.second), NEW_IDS, strict=True)
    drafts = [builder.add_drug(drug, id_) for drug, id_ in drugs]
    _refuse_same(drafts)
    for fact in query.added:
        builder.add_fact(fact)
    for fact in query.removed:
        builder.remove_fact(fact)
    return builder, drafts


@dataclass(frozen=True, eq=False)
class Alone:
    """One drug ready to be asked with many partners.

    Attributes:
        id: id of the drug, or ``new:1``.
        name: for people.
        node: node in the graph.
        row: row of the drug, None for a new compound.
        bits: (1024,) uint8.
        known: whether the model may see interactions of it.
        similarity: (D,) Tanimoto coefficients to every drug.
        graph: with the edges of a new compound.
        warnings: remarks.
    """

    id: str
    name: str
    node: int
    row: int | None
    bits: np.ndarray
    known: bool
    similarity: np.ndarray
    graph: FlowGraph
    warnings: tuple[str, ...]

    def weights(self, vote: SimilarDrugVote) -> tuple[np.ndarray, np.ndarray]:
        """(D,) weights of the known drugs for it as a new drug, and as itself."""
        if self.row is None:
            found = vote.weights(self.similarity)
            return found, found
        return vote.as_new(self.row), vote.as_itself(self.row)


def open_alone(found: Context, drug: str | NewDrug) -> Alone:
    """Make one drug ready.

    Raises:
        InputError: as `open_case`.
    """
    builder = _Builder(found)
    draft = builder.add_drug(drug, NEW_IDS[0])
    extra = builder.extra_facts()
    row = draft.row
    return Alone(
        draft.id,
        draft.name,
        draft.node,
        row,
        draft.bits,
        row is not None and bool(found.known_drugs[row]),
        tanimoto(draft.bits[None], found.bits)[0],
        builder.graph(extra),
        (*found.warnings, *dict.fromkeys(builder.warnings)),
    )


@dataclass(frozen=True, eq=False)
class _Draft:
    """A drug before the vote is known; `row` is None for a new compound."""

    id: str
    name: str
    node: int
    row: int | None
    smiles: str
    bits: np.ndarray


class _Builder:
    """Collects drugs and changes, then makes the case."""

    def __init__(self, found: Context) -> None:
        self.context = found
        self.nodes: dict[str, int] = {}
        self.extra: dict[Interaction, None] = {}
        self.hidden: list[int] = []
        self.warnings: list[str] = []

    def add_drug(self, drug: str | NewDrug, new_id: str) -> _Draft:
        """A drug of the network, or a new compound with its edges."""
        network = self.context.network
        if isinstance(drug, str):
            row = drug_row(self.context, drug)
            name = network.entity_names[row]
            if not network.smiles[row]:
                self.warnings.append(f"No structure of {name} is known; similar drugs are not.")
            if not network.degrees[row]:
                self.warnings.append(f"This network holds no fact about {name}.")
            bits = self.context.bits[row]
            return _Draft(network.entities[row], name, row, row, network.smiles[row], bits)
        if not drug.smiles.strip() and not drug.facts:
            raise InputError(
                "DD-E03",
                "Nothing known about the new compound",
                "A new compound needs at least one fact (target, enzyme, transporter) or a "
                "structure. Without them nothing links it to other drugs.",
                "Draw or paste its structure, or add a fact.",
            )
        name = printable(drug.name.strip())[:MAX_NAME] or "New compound"
        node = network.num_entities + len(self.nodes)
        self.nodes[new_id] = node
        smiles, bits = "", np.zeros(chemistry.NUM_BITS, np.uint8)
        if drug.smiles.strip():
            smiles, bits = self._add_structure(drug.smiles, name, node)
        for relation, entity in drug.facts:
            self._add_role(node, relation, entity)
        return _Draft(new_id, name, node, None, smiles, bits)

    def _add_structure(self, text: str, name: str, node: int) -> tuple[str, np.ndarray]:
        """Check a structure, link it to the drugs it resembles; its SMILES and fingerprint."""
        found, network = self.context, self.context.network
        structure = chemistry.check(text)
        self.warnings += [f"{name}: {remark.text}" for remark in structure.warnings]
        bits, counts = chemistry.fingerprint(structure.smiles)
        named = found.synonyms.get(name.casefold())
        if named is not None and network.smiles[named]:
            self._compare_named(named, structure.smiles, name)
        for row in np.flatnonzero((found.bits == bits).all(1)):
            if row != named and same_molecule(network.smiles[row], structure.smiles):
                self.warnings.append(
                    f"The structure of {name} is that of {network.entity_names[row]}, which is in "
                    "this network with all its facts."
                )
        dice, types = dice_to(counts, found.counts), network.num_types
        if found.resembles is not None:
            for row in np.flatnonzero(dice >= RESEMBLANCE):
                self.extra[node, found.resembles + types, int(row)] = None
        if found.grades:
            for grade, row in relatives(dice):
                self.extra[node, found.grades[grade] + types, row] = None
        return structure.smiles, bits

    def _compare_named(self, row: int, smiles: str, name: str) -> None:
        """DD-E05 when a compound has the name of another molecule."""
        network = self.context.network
        same = same_molecule(network.smiles[row], smiles)
        known = network.entity_names[row]
        if same is None:
            self.warnings.append(f"{name} could not be compared with {known} of this network.")
        elif same:
            self.warnings.append(
                f"{known} is in this network with all its facts; here it is answered as new."
            )
        else:
            similarity = chemistry.compare(network.smiles[row], smiles).similarity
            raise InputError(
                "DD-E05",
                "Structure and name disagree",
                f'"{name}" with this SMILES is a different molecule (similarity {similarity:.2f}).',
                "Which one do you mean? Choose the drug from the list, or give the compound "
                "another name.",
            )

    def _add_role(self, node: int, relation: str, entity: str) -> None:
        """A fact of a new compound, in the direction the relation has."""
        found = self.context
        kind = relation_row(found, relation, roles_only=True)
        other = entity_row(found, entity)
        turned = found.drug_is_tail[kind - found.network.num_types]
        self.extra[(other, kind, node) if turned else (node, kind, other)] = None

    def _rows(self, fact: Fact) -> Interaction:
        head, tail = (
            self.nodes[id_] if id_ in self.nodes else entity_row(self.context, id_)
            for id_ in (fact[0], fact[2])
        )
        return head, relation_row(self.context, fact[1]), tail

    def add_fact(self, fact: Fact) -> None:
        """A fact that is supposed."""
        rows = self._rows(fact)
        if rows[0] == rows[2]:
            raise unchanged(fact, "links a thing to itself")
        if rows in self.extra or self.context.fact_number(rows) is not None:
            raise unchanged(fact, "is already a fact")
        self.extra[rows] = None

    def remove_fact(self, fact: Fact) -> None:
        """A fact that is left out."""
        rows = self._rows(fact)
        if rows in self.extra:
            del self.extra[rows]
            return
        number = self.context.fact_number(rows)
        if number is None:
            raise unchanged(fact, "is not a fact")
        self.hidden.append(number)

    def extra_facts(self) -> np.ndarray:
        """(n, 3) facts that only this question has."""
        return np.array(list(self.extra), np.int64).reshape(-1, 3)

    def finish(self, query: Query, drafts: list[_Draft]) -> Case:
        """The case."""
        found = self.context
        extra = self.extra_facts()
        vote = self._vote(extra)
        known = [one.row is not None and bool(vote.known[one.row]) for one in drafts]
        model = found.model_for(f"S{known.count(False)}")
        vote = with_exponent(vote, model.exponent)
        ends = []
        for one, is_known in zip(drafts, known, strict=True):
            if one.row is None:
                as_new = vote.weights(tanimoto(one.bits[None], found.bits)[0])
                as_itself = as_new
            else:
                as_new, as_itself = vote.as_new(one.row), vote.as_itself(one.row)
            ends.append(
                End(
                    one.id, one.name, one.node, one.row, one.smiles, one.bits, is_known,
                    as_new, as_itself,
                )
            )  # fmt: skip
        return Case(
            query,
            found,
            (ends[0], ends[1]),
            self.graph(extra),
            extra,
            (*self.hidden, *self._history(drafts, known)),
            vote,
            model,
            (*found.warnings, *dict.fromkeys(self.warnings)),
        )

    def _history(self, drafts: list[_Draft], known: list[bool]) -> list[int]:
        """Numbers of the interactions of the end that is asked as new, of two known ones."""
        if not all(known):
            return []
        found = self.context
        first, second = (one.node for one in drafts)
        [new], _ = asked_as_new(found.history, np.array([first]), np.array([second]))
        facts = found.split.train[:, [0, 2]]
        row = first if new else second
        self.warnings.append(
            f"{found.network.entity_names[row]} is asked as if it were new, because the path "
            "network learned from such pairs: its own interactions are hidden from it."
        )
        return (len(found.network.edges) + np.flatnonzero((facts == row).any(1))).tolist()

    def _vote(self, extra: np.ndarray) -> SimilarDrugVote:
        """The vote without the interactions left out and with those supposed."""
        found = self.context
        first = len(found.network.edges)
        dropped = [number - first for number in self.hidden if number >= first]
        between = (extra[:, [0, 2]] < found.network.num_drugs).all(1)
        supposed = extra[between & (extra[:, 1] < found.network.num_types)]
        if not dropped and not len(supposed):
            return found.vote
        return changed_vote(found.vote, dropped, supposed)

    def graph(self, extra: np.ndarray) -> FlowGraph:
        """The network's graph with more nodes and facts.

        An entity that is next to a drug only now brings its edges to other useful entities along;
        `FlowGraph.prepare` had left them out.
        """
        found, base = self.context, self.context.graph
        network, size = found.network, base.num_nodes + len(self.nodes)
        if not len(extra) and size == base.num_nodes:
            return base
        is_drug = np.arange(size) < network.num_drugs
        is_drug[network.num_entities :] = True
        useful = np.pad(found.useful, (0, len(self.nodes)), constant_values=True)
        touching = extra[is_drug[extra[:, 0]] | is_drug[extra[:, 2]]][:, [0, 2]].ravel()
        fresh = np.zeros(size, dtype=bool)
        fresh[touching] = True
        fresh &= ~useful
        lists = list(base.lists)
        if fresh.any():
            head, tail = network.edges[:, 0], network.edges[:, 2]
            inside = useful | fresh
            numbers = np.flatnonzero((fresh[head] | fresh[tail]) & inside[head] & inside[tail])
            facts = network.edges[numbers] + np.array([0, network.num_types, 0])
            edges = EdgeList.build(facts, size, base.num_relations)
            lists.append(replace(edges, fact=numbers[edges.fact]))
        drugs = np.append(base.drugs, np.arange(network.num_entities, size))
        graph = FlowGraph(lists, size, base.num_types, base.num_relations, drugs, base.num_facts)
        return graph.extended(extra)


def _refuse_same(drafts: list[_Draft]) -> None:
    """DD-E01 for one drug on both sides."""
    first, second = drafts
    both_new = first.row is None and second.row is None
    if first.node != second.node and not (both_new and first.smiles == second.smiles != ""):
        return
    raise InputError(
        "DD-E01",
        "Choose two different drugs",
        f"Both are {first.name}.",
        "Choose another drug on one side.",
    )
