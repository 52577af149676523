"""One ordered pair and one interaction type, ready to have facts taken away.

Score: the path network's probability of the type, given which drug is #Drug1, with its
temperature; the similar-drug vote has no facts to take away. Item: a fact,
rows of head, relation and tail, where relation rows are those of the graph: interaction types
0..T-1, then the relations of the network. Only facts on a path of at most three steps between the
two drugs are items, because no other fact reaches the score. Interactions of the two drugs with
each other are never used: they are what is asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from core.data.interactions import Role, edge_notes
from core.evidence.evidence import Outcome, Overlay
from core.knowledge.flow import FlowGraph
from core.knowledge.interactions import DrugNetwork, EdgeNote, InteractionType
from core.knowledge.similar_drugs import SimilarInteraction
from core.serving.ddi_paths import Cuts, SimplePaths, Walks
from core.serving.flow import FlowModel, PairPaths, Steps

Fact = tuple[int, int, int]


@dataclass(frozen=True)
class Newcomer:
    """A drug that the network does not have: its row follows the network's last entity."""

    id: str
    name: str
    smiles: str = ""


@dataclass(frozen=True, eq=False)
class Asked:
    """One ordered pair, one type and the model that answers.

    Attributes:
        network: names, relations and notes.
        graph: the facts the model may use, interactions included.
        model: the path network.
        head: row of #Drug1; at least N for a newcomer.
        tail: row of #Drug2.
        head_bits: (1024,) fingerprint.
        tail_bits: likewise.
        type: row of the interaction type.
        hidden: numbers of facts left out of the graph.
        newcomers: drugs of the rows N, N+1.
        origins: notes of facts that the network does not have, interactions included.
        interactions_from: where interactions without such a note come from.
        similar: known interactions of similar drugs for this type and order, heaviest first, given
            how many at most.
        num_votes: weight of all of them together.
        drug_bits: (D, 1024) fingerprints of the network's drugs.
        roles: role table beyond the notes of the network's edges.
    """

    network: DrugNetwork
    graph: FlowGraph
    model: FlowModel
    head: int
    tail: int
    head_bits: np.ndarray
    tail_bits: np.ndarray
    type: int
    hidden: tuple[int, ...] = ()
    newcomers: tuple[Newcomer, ...] = ()
    origins: Mapping[Fact, EdgeNote] = field(default_factory=dict)
    interactions_from: EdgeNote | None = None
    similar: Callable[[int], Sequence[SimilarInteraction]] | None = None
    num_votes: float = 0.0
    drug_bits: np.ndarray | None = None
    roles: Sequence[Role] = ()

    @cached_property
    def paths(self) -> PairPaths:
        """Every edge between the drugs."""
        return PairPaths.between(self.graph, self.head, self.tail, self.hidden)

    @cached_property
    def walks(self) -> Walks:
        """Every walk of three steps."""
        return Walks.of(self.paths)

    @cached_property
    def simple(self) -> SimplePaths:
        """Every path."""
        return SimplePaths.of(self.paths, self.walks)

    @cached_property
    def cuts(self) -> Cuts:
        """Answers with paths cut."""
        return Cuts(self.model, self.head_bits, self.tail_bits, self.paths)

    @cached_property
    def attention(self) -> np.ndarray:
        """(3, 2R+1) weight of each relation in each step."""
        whole = self.paths.overlays(np.ones((1, len(self.paths.facts)), dtype=bool))
        return self.model.attention(self.head_bits[None], self.tail_bits[None], whole)[0]

    @cached_property
    def path_attention(self) -> np.ndarray:
        """(P, 2) mean attention of each path, both directions."""
        return self.simple.attention(self.walks, self.attention, self.paths.num_relations)

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Facts by their position in `paths.facts`."""
        table = np.zeros((len(self.paths.facts), 3), dtype=np.int64)
        for steps in (self.paths.first, self.paths.middle, self.paths.last):
            real = steps.fact >= 0
            forward = steps.relation < self.paths.num_relations
            head = np.where(forward, steps.source, steps.target)
            tail = np.where(forward, steps.target, steps.source)
            relation = steps.relation % self.paths.num_relations
            table[steps.fact[real]] = np.stack([head, relation, tail], 1)[real]
        return tuple((head, relation, tail) for head, relation, tail in table.tolist())

    @cached_property
    def positions(self) -> dict[Fact, list[int]]:
        """Fact to its positions; more than one when it was stated twice."""
        found: dict[Fact, list[int]] = {}
        for position, fact in enumerate(self.facts):
            found.setdefault(fact, []).append(position)
        return found

    def place(self, fact: Fact) -> str:
        """Where on the paths a fact lies: ``head``, ``tail`` or ``middle``."""
        if self.head in (fact[0], fact[2]):
            return "head"
        return "tail" if self.tail in (fact[0], fact[2]) else "middle"

    def name(self, row: int) -> str:
        """Readable name of an entity or newcomer."""
        known = self.network.num_entities
        return self.newcomers[row - known].name if row >= known else self.network.entity_names[row]

    def id(self, row: int) -> str:
        """Id of an entity or newcomer."""
        known = self.network.num_entities
        return self.newcomers[row - known].id if row >= known else self.network.entities[row]

    def kind(self, row: int) -> str:
        """Kind of an entity; newcomers are of the drugs' kind."""
        known = row < self.network.num_entities
        return self.network.kinds[row if known else 0]

    def relation_name(self, relation: int) -> str:
        """Words between head and tail."""
        types = self.graph.num_types
        if relation >= types:
            return self.network.relations[relation - types].name
        return type_words(self.network.types[relation])

    def fact_text(self, fact: Fact) -> str:
        """A fact as a sentence."""
        head, relation, tail = fact
        if relation < self.graph.num_types:
            text = self.network.types[relation].sentence(self.name(head), self.name(tail))
            return text.rstrip(".")
        return f"{self.name(head)} {self.relation_name(relation)} {self.name(tail)}"

    def fact_ids(self, fact: Fact) -> tuple[str, str, str]:
        """Ids of head, relation and tail."""
        head, relation, tail = fact
        types = self.graph.num_types
        listed = (
            self.network.types[relation]
            if relation < types
            else self.network.relations[relation - types]
        )
        return self.id(head), listed.id, self.id(tail)

    def notes(self, fact: Fact) -> tuple[EdgeNote, ...]:
        """Where a fact comes from."""
        if fact in self.origins:
            return (self.origins[fact],)
        head, relation, tail = fact
        types = self.graph.num_types
        if relation >= types:
            return edge_notes(self.network, (head, relation - types, tail))
        return (self.interactions_from,) if self.interactions_from else ()

    @property
    def sentence(self) -> str:
        """The interaction in words."""
        return self.network.types[self.type].sentence(self.name(self.head), self.name(self.tail))

    def outcomes(self, logits: np.ndarray) -> list[Outcome]:
        """Probability and rank of the type for rows of logits (B, T)."""
        shifted = np.exp((logits - logits.max(1, keepdims=True)).astype(np.float64))
        share = shifted[:, self.type] / shifted.sum(1)
        own = logits[:, [self.type]]
        rank = 1 + (logits > own).sum(1) + ((logits == own).sum(1) - 1) / 2
        return [Outcome(float(p), float(r)) for p, r in zip(share, rank, strict=True)]

    def log_odds(self, logits: np.ndarray) -> np.ndarray:
        """(B,) of the type against all others."""
        others = np.delete(logits.astype(np.float64), self.type, axis=1)
        top = others.max(1)
        return logits[:, self.type] - top - np.log(np.exp(others - top[:, None]).sum(1))

    @cached_property
    def everything(self) -> np.ndarray:
        """(1, T) logits with all facts."""
        active = np.ones((1, len(self.paths.facts)), dtype=bool)
        return self.model.overlaid(self.head_bits, self.tail_bits, self.paths, active)

    def __call__(self, overlays: Sequence[Overlay]) -> list[Outcome]:
        """The scorer of `core.evidence`."""
        return self.outcomes(self.logits(overlays))

    def logits(self, overlays: Sequence[Overlay]) -> np.ndarray:
        """(B, T) under each overlay; facts that lie on no path are ignored."""
        found = np.empty((len(overlays), self.everything.shape[1]), dtype=np.float32)
        kept = [i for i, overlay in enumerate(overlays) if overlay.keep is not None]
        rest = [i for i, overlay in enumerate(overlays) if overlay.keep is None]
        if kept:
            sets = [overlays[i].keep - overlays[i].remove for i in kept]
            found[kept] = self._only(sets)
        cuts = {i: self._cut_by(self.rows_of(overlays[i].remove)) for i in rest}
        whole = [i for i in rest if cuts[i] is not None]
        if whole:
            found[whole] = self.cuts.without([cuts[i] for i in whole])
        rest = [i for i in rest if cuts[i] is None]
        if rest:
            active = np.ones((len(rest), len(self.paths.facts)), dtype=bool)
            for row, i in enumerate(rest):
                active[row, self.rows_of(overlays[i].remove)] = False
            found[rest] = self.model.overlaid(self.head_bits, self.tail_bits, self.paths, active)
        return found

    def _cut_by(self, rows: Sequence[int]) -> np.ndarray | None:
        """Middle edges that no walk passes without these facts, which is all that changes.

        None where a neighbour of a drug loses some of its relations to it, but not all: then its
        state changes too, and the subgraph must be made again.
        """
        gone = np.zeros(len(self.paths.facts) + 1, dtype=bool)
        gone[rows] = True
        middle = self.paths.middle
        cut = gone[middle.fact]
        for steps, ends in ((self.paths.first, middle.source), (self.paths.last, middle.target)):
            lost = np.zeros(self.graph.num_nodes, dtype=bool)
            lost[steps.target[gone[steps.fact]]] = True
            if (lost[steps.target] & ~gone[steps.fact]).any():
                return None
            cut |= lost[ends]
        return np.flatnonzero(cut)

    def rows_of(self, facts: Iterable[Fact]) -> list[int]:
        """Positions of the facts that lie on a path."""
        return [row for fact in facts for row in self.positions.get(fact, ())]

    def _only(self, sets: Sequence[frozenset[Fact]]) -> np.ndarray:
        """Logits with nothing but these facts; the other edges are dropped beforehand."""
        rows = [self.rows_of(facts) for facts in sets]
        union = np.unique(np.array([row for part in rows for row in part], dtype=np.int64))
        small = _part(self.paths, union)
        active = np.zeros((len(sets), len(union)), dtype=bool)
        for number, part in enumerate(rows):
            active[number, np.searchsorted(union, part)] = True
        return self.model.overlaid(self.head_bits, self.tail_bits, small, active)


def type_words(kind: InteractionType) -> str:
    """An interaction type in a few words, such as ``metabolism decreased``."""
    text = kind.text.rstrip(".")
    if found := re.fullmatch(r"The (.+) of #Drug\d can be (\w+) when .*", text):
        return f"{found[1]} {found[2]}"
    if found := re.fullmatch(r"#Drug\d may (increase|decrease) the (.+) of #Drug\d", text):
        return f"{found[2]} {found[1]}d"
    return " ".join(re.sub(r"#Drug\d( and #Drug\d)?", "", text).split())


def _part(paths: PairPaths, facts: np.ndarray) -> PairPaths:
    """The pair with these facts alone (ascending positions)."""
    place = np.full(len(paths.facts) + 1, -2)
    place[facts] = np.arange(len(facts))
    place[-1] = -1
    near = [paths.head, paths.tail]
    for steps in (paths.first, paths.middle, paths.last):
        chosen = place[steps.fact] >= 0
        near += [*steps.source[chosen].tolist(), *steps.target[chosen].tolist()]

    def restrict(steps: Steps) -> Steps:
        fact = place[steps.fact]
        keep = (fact >= 0) | (fact == -1) & np.isin(steps.source, near)
        return Steps(steps.source[keep], steps.relation[keep], steps.target[keep], fact[keep])

    first, last, middle = (restrict(s) for s in (paths.first, paths.last, paths.middle))
    middle_keep = np.isin(middle.source, first.target) & np.isin(middle.target, last.target)
    middle = Steps(
        *(getattr(middle, n)[middle_keep] for n in ("source", "relation", "target", "fact"))
    )
    return PairPaths(
        paths.head, paths.tail, first, middle, last, paths.facts[facts], paths.num_relations
    )
