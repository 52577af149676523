"""What one interaction answer rests on, measured by taking it away; see `core.serving.ddi_asked`.

How strong a node is: the fall of the log-odds of the type when every path through it is cut.
Log-odds are used because probabilities near 1 hide what matters. Falls do not add up.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    SUPPORTED,
    Check,
    Minimal,
    check_evidence,
    find_minimal,
    matched_controls,
)
from core.evidence.reasons import find_reasons
from core.knowledge.interactions import EdgeNote
from core.knowledge.similar_drugs import SimilarInteraction, tanimoto
from core.serving.ddi_asked import Asked, Fact
from core.serving.ddi_paths import PathGroup, groups_of, most_attended

NUM_CONTROLS = 20
LEVEL = 0.9  # share of the score that a reason and minimal evidence must keep
NEEDED_DROP = 0.25  # share of the score whose loss ends the search for further reasons
MAX_NODES = 150  # nodes cut one by one
MAX_ROWS = 400_000  # merged edges recomputed for them; bounds the time of pairs with many paths
MIN_NODES = 40  # cut even when they exceed MAX_ROWS
MAX_GROUPS = 24  # groups of paths cut one by one
TRIED_PATHS = 96  # paths tried in each step of the search for a reason
PATHS_PER_GROUP = 12
PROTEIN = "Gene"  # kind of proteins in Hetionet and in the starter network
NUM_SHOWN_PATHS = 12
NUM_SHOWN_NODES = 30
NUM_SIMILAR = 10
MIN_GAIN = 1e-3  # log-odds by which a further path must raise the answer


@dataclass(frozen=True)
class NodeEffect:
    """What one node between the drugs does for the answer.

    Attributes:
        row: of the entity.
        id: of the entity.
        name: readable name.
        kind: such as ``Gene``.
        fall: fall of the log-odds when every path through it is cut.
        without: probability then.
        only: probability when nothing but the paths through it is left.
        num_paths: paths through it.
    """

    row: int
    id: str
    name: str
    kind: str
    fall: float
    without: float
    only: float
    num_paths: int


@dataclass(frozen=True)
class EvidenceFact:
    """A fact offered as evidence.

    Attributes:
        fact: rows of head, relation of the graph, tail.
        ids: ids of head, interaction type or relation, tail, as `Query.removed` takes them.
        sentence: the fact in words.
        place: ``head``, ``middle`` or ``tail``: next to #Drug1, between, next to #Drug2.
        deletion: fall of the probability when only this fact is taken away.
        attention: mean attention of the most attended path through it.
    """

    fact: Fact
    ids: tuple[str, str, str]
    sentence: str
    place: str
    deletion: float
    attention: float


@dataclass(frozen=True)
class PathStep:
    """One step of a path, in the direction from #Drug1 to #Drug2.

    Attributes:
        fact: the fact.
        source: row before.
        target: row after.
        inverse: whether the fact is walked against its direction.
    """

    fact: Fact
    source: int
    target: int
    inverse: bool


@dataclass(frozen=True)
class EvidencePath:
    """A path from #Drug1 to #Drug2.

    Attributes:
        steps: at most three.
        sentence: the facts in words.
        kind: relations in words, the same for all paths of its group.
        attention: mean attention over the steps, the larger of both directions.
        parallel: paths with the same relations, this one included; attention cannot tell them
            apart.
        only: probability when the network sees nothing but this path.
        without: probability when all its facts are taken away.
    """

    steps: tuple[PathStep, ...]
    sentence: str
    kind: str
    attention: float
    parallel: int
    only: float
    without: float

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Its facts in order."""
        return tuple(step.fact for step in self.steps)


@dataclass(frozen=True)
class PathKind:
    """All paths with the same relations.

    Attributes:
        text: relations in words.
        num_paths: how many.
        attention: mean attention of one of them, the larger of both directions.
        fall: fall of the log-odds when all of them are cut.
        only: probability with nothing but them.
        example: one of them in words, through the nodes that matter most.
    """

    text: str
    num_paths: int
    attention: float
    fall: float
    only: float
    example: str


@dataclass(frozen=True)
class SharedRole:
    """What one drug and a shared entity have to do with each other.

    Attributes:
        relation: words of the relation, empty where only the role table knows of it.
        note: role and origin.
    """

    relation: str
    note: EdgeNote


@dataclass(frozen=True)
class SharedEntity:
    """An entity that both drugs have a relation to.

    Attributes:
        row: of the entity.
        id: of the entity.
        name: readable name.
        kind: such as ``Gene``.
        first: roles of #Drug1.
        second: roles of #Drug2.
        fall: as in `NodeEffect`; None when it was not measured or the network has no such path.
    """

    row: int
    id: str
    name: str
    kind: str
    first: tuple[SharedRole, ...]
    second: tuple[SharedRole, ...]
    fall: float | None


@dataclass(frozen=True)
class SimilarPair:
    """A known interaction of the same type between drugs that resemble the two asked about.

    Attributes:
        head: id of the known drug in place of #Drug1; its own id where it speaks for itself.
        tail: likewise for #Drug2.
        head_name: readable name.
        tail_name: likewise.
        head_similarity: Tanimoto coefficient, 1 where it is the drug itself.
        tail_similarity: likewise.
        head_smiles: structures to draw side by side with those of the two drugs.
        tail_smiles: likewise.
        share: part of all votes for the type that this interaction carries.
        sentence: the argument in words.
    """

    head: str
    tail: str
    head_name: str
    tail_name: str
    head_similarity: float
    tail_similarity: float
    head_smiles: str
    tail_smiles: str
    share: float
    sentence: str


@dataclass(frozen=True)
class Explanation:
    """What an answer rests on.

    Attributes:
        ranking: ``occlusion`` or ``attention``: how facts and paths were chosen.
        sentence: the interaction in words.
        nodes: proteins, effects, diseases and the like, by fall, largest first.
        drugs: known drugs on the paths, by fall; most are there because they resemble one of the
            two, which is another kind of evidence than a shared protein.
        facts: the evidence, strongest first.
        paths: paths made of evidence facts, strongest first.
        kinds: groups of paths by fall, largest first.
        shared: proteins, effects, diseases that both drugs are linked to.
        similar: known interactions of similar drugs, heaviest first.
        score: probability with everything.
        empty: probability without any fact.
        num_paths: paths between the drugs.
        num_facts: facts on them.
        num_nodes: nodes on them.
        num_measured: of these, cut one by one; the others carry less flow.
        notice: what a reader must know before reading on; empty when nothing.
    """

    ranking: str
    sentence: str
    nodes: tuple[NodeEffect, ...]
    drugs: tuple[NodeEffect, ...]
    facts: tuple[EvidenceFact, ...]
    paths: tuple[EvidencePath, ...]
    kinds: tuple[PathKind, ...]
    shared: tuple[SharedEntity, ...]
    similar: tuple[SimilarPair, ...]
    score: float
    empty: float
    num_paths: int
    num_facts: int
    num_nodes: int
    num_measured: int
    notice: str = ""

    @property
    def ranked(self) -> tuple[tuple[str, tuple[NodeEffect, ...]], ...]:
        """Title and nodes of each list, empty lists left out.

        A shared protein is a mechanism; a shared disease mostly tells what both drugs are for.
        """
        proteins = tuple(node for node in self.nodes if node.kind == PROTEIN)
        others = tuple(node for node in self.nodes if node.kind != PROTEIN)
        lists = ("Protein", proteins), ("Disease or effect", others), ("Known drug", self.drugs)
        return tuple(one for one in lists if one[1])

    @property
    def items(self) -> frozenset[Fact]:
        """The evidence as a set."""
        return frozenset(item.fact for item in self.facts)


def explain_pair(asked: Asked, *, ranking: str = "occlusion", size: int = 25) -> Explanation:
    """Find what an answer rests on.

    ``occlusion``: small sets of facts that alone keep the score are searched, one after the other,
    until taking them all away changes the answer (`core.evidence.reasons`). Where no set of `size`
    facts keeps it, the facts that bring back most of it are taken or, if leaving these out costs
    more, those of the paths through the strongest nodes. ``attention``: facts of the most attended
    groups of paths, as in the paper; of paths that tie, those through the nodes of the largest fall
    come first.

    Args:
        asked: pair, type and model.
        ranking: ``occlusion`` or ``attention``.
        size: most facts.
    """
    base = asked.outcomes(asked.everything)[0]
    common = {
        "ranking": ranking,
        "sentence": asked.sentence,
        "similar": similar_pairs(asked),
        "score": base.score,
        "num_paths": len(asked.simple),
        "num_facts": len(asked.facts),
        "num_nodes": len(asked.paths.between_nodes),
    }
    if not len(asked.simple):
        return Explanation(
            nodes=(), drugs=(), facts=(), paths=(), kinds=(), shared=shared_entities(asked, {}),
            empty=base.score, num_measured=0, notice=no_path_text(asked), **common,
        )  # fmt: skip
    falls = node_falls(asked)
    groups = groups_of(asked.simple, asked.path_attention)
    strength = _path_strength(asked, falls)
    if ranking == "attention":
        chosen = _attended(asked, groups, strength, size)
        facts = list(dict.fromkeys(fact for path in chosen for fact in _facts_of(asked, path)))
    else:
        facts = _occluded(asked, strength, size)
        chosen = _paths_within(asked, facts, strength)
    is_drug = {node: asked.kind(node) == asked.network.kinds[0] for node in falls}
    return Explanation(
        nodes=_nodes(asked, [node for node in falls if not is_drug[node]], falls),
        drugs=_nodes(asked, [node for node in falls if is_drug[node]], falls),
        facts=_evidence(asked, facts, by_attention=ranking == "attention"),
        paths=_described(asked, chosen[:NUM_SHOWN_PATHS], groups, ranking),
        kinds=_kinds(asked, groups, strength),
        shared=shared_entities(asked, falls),
        empty=asked([Overlay(keep=frozenset())])[0].score,
        num_measured=len(falls),
        **common,
    )


def no_path_text(asked: Asked) -> str:
    """Why there is no evidence."""
    return (
        f"No path of at most 3 steps joins {asked.name(asked.head)} and {asked.name(asked.tail)} "
        "in this network, so there is no fact to show or to check. The score rests on the "
        "structures and on similar drugs alone."
    )


def node_falls(asked: Asked) -> dict[int, float]:
    """Fall of the log-odds when every path through a node is cut, largest first.

    Where there are more than `MAX_NODES` nodes, or cutting them all is expensive, those that carry
    most attention-weighted flow are cut, of every kind of entity in turn: a few proteins are not
    crowded out by hundreds of drugs and side effects.
    """
    nodes = asked.paths.between_nodes
    if not len(nodes):
        return {}
    flow = asked.walks.node_flow(asked.attention, asked.paths)
    turns: dict[str, int] = {}
    places = []
    for row in np.lexsort((nodes, -flow)).tolist():
        kind = asked.kind(int(nodes[row]))
        turns[kind] = turns.get(kind, 0) + 1
        places.append((turns[kind], len(places), int(nodes[row])))
    order = [node for _, _, node in sorted(places)]
    cuts, rows = [], 0
    for node in order[:MAX_NODES]:
        edges = asked.cuts.touching(node)
        rows += asked.cuts.cost(edges)
        if rows > MAX_ROWS and len(cuts) >= MIN_NODES:
            break
        cuts.append(edges)
    base = asked.log_odds(asked.everything)[0]
    falls = base - asked.log_odds(asked.cuts.without(cuts))
    measured = zip(order[: len(cuts)], falls.tolist(), strict=True)
    return dict(sorted(measured, key=lambda pair: (-pair[1], pair[0])))


def only_through_node(asked: Asked, node: int) -> Outcome:
    """The answer when nothing but the paths through one node is left."""
    return asked.outcomes(asked.cuts.only([asked.cuts.touching(node)]))[0]


def check_pair(
    asked: Asked, facts: frozenset[Fact], *, seed: int = 0, k: int = NUM_CONTROLS
) -> Check:
    """The live check: with all, without, with only the evidence, and random look-alikes.

    Look-alikes are other facts on the paths of this pair with the same relation, at the same place
    (next to #Drug1, next to #Drug2, between).
    """

    def stratum(fact: Fact) -> tuple[int, str]:
        return fact[1], asked.place(fact)

    controls = matched_controls(facts, asked.facts, stratum, k, np.random.default_rng(seed))
    return check_evidence(asked, facts, controls, stratum=stratum)


def minimise_pair(asked: Asked, facts: Sequence[Fact]) -> Minimal:
    """The smallest part of the evidence that keeps 90 % of what facts add to the score.

    Args:
        asked: pair, type and model.
        facts: evidence, strongest first.
    """
    return find_minimal(asked, frozenset(facts), LEVEL, order=list(facts))


def verdict_text(explanation: Explanation, check: Check) -> str:
    """The check in words about this interaction; says so where there is nothing to check."""
    if not explanation.num_paths:
        return f"Not applicable. {explanation.notice}"
    drop = f"from {_percent(check.score_all)} to {_percent(check.score_without)}"
    what = f'the network\'s probability that "{explanation.sentence.rstrip(".")}"'
    facts = "this fact" if check.num_items == 1 else f"these {check.num_items} facts"
    if not check.num_items or check.score_all - check.score_empty <= 0:
        return check.sentence
    if check.verdict == SUPPORTED:
        return (
            f"Without {facts} {what} falls {drop}; with nothing else it is "
            f"{_percent(check.score_only)}. Random facts of the same kind take away "
            f"{_percent(max(check.control.median, 0.0))}."
        )
    return f"Without {facts} {what} goes {drop}. {check.sentence}"


def _percent(share: float) -> str:
    """Three digits at most; never a rounded 0 or 1."""
    if share < 0.001:
        return "below 0.1 %"
    if share > 0.999:
        return "above 99.9 %"
    return f"{100 * share:.3g} %"


def similar_pairs(asked: Asked, limit: int = NUM_SIMILAR) -> tuple[SimilarPair, ...]:
    """Known interactions of similar drugs that speak for the type, heaviest first."""
    if asked.similar is None or asked.drug_bits is None:
        return ()
    found = asked.similar(limit)
    return tuple(_similar_pair(asked, one) for one in found)


def _similar_pair(asked: Asked, one: SimilarInteraction) -> SimilarPair:
    network, parts, likeness = asked.network, [], []
    for row, itself, bits in (
        (one.head, asked.head, asked.head_bits),
        (one.tail, asked.tail, asked.tail_bits),
    ):
        same = row == itself
        alike = 1.0 if same else float(tanimoto(bits[None], asked.drug_bits[[row]])[0, 0])
        likeness.append(alike)
        if not same:
            parts.append(f"{asked.name(itself)} resembles {asked.name(row)} ({alike:.2f})")
    known = network.types[asked.type].sentence(asked.name(one.head), asked.name(one.tail))
    return SimilarPair(
        asked.id(one.head), asked.id(one.tail), asked.name(one.head), asked.name(one.tail),
        *likeness, network.smiles[one.head], network.smiles[one.tail],
        one.weight / asked.num_votes if asked.num_votes else 0.0,
        f"{' and '.join(parts)}; it is known: {known}",
    )  # fmt: skip


def shared_entities(asked: Asked, falls: Mapping[int, float]) -> tuple[SharedEntity, ...]:
    """Entities other than drugs that both drugs have a relation to, or a role in the role table.

    Args:
        asked: pair, type and model.
        falls: of `node_falls`.
    """
    listed: dict[int, dict[int, list[SharedRole]]] = {asked.head: {}, asked.tail: {}}
    for steps in (asked.paths.first, asked.paths.last):
        for row in np.flatnonzero(steps.fact >= 0).tolist():
            fact, node = asked.facts[steps.fact[row]], int(steps.target[row])
            if fact[1] >= asked.graph.num_types and node >= asked.network.num_drugs:
                roles = listed[int(steps.source[row])].setdefault(node, [])
                name = asked.relation_name(fact[1])
                roles += [SharedRole(name, note) for note in asked.notes(fact)]
    for role in asked.roles:
        if role.drug in listed:
            roles = listed[role.drug].setdefault(role.gene, [])
            if all(known.note != role.note for known in roles):
                roles.append(SharedRole("", role.note))
    first, second = listed[asked.head], listed[asked.tail]
    found = [
        SharedEntity(
            node, asked.id(node), asked.name(node), asked.kind(node),
            tuple(dict.fromkeys(first[node])), tuple(dict.fromkeys(second[node])),
            falls.get(node),
        )
        for node in first.keys() & second.keys()
        if node < asked.network.num_entities
    ]  # fmt: skip
    return tuple(sorted(found, key=lambda one: (-falls.get(one.row, -1e9), one.kind, one.name)))


def _facts_of(asked: Asked, path: int) -> list[Fact]:
    return [asked.facts[row] for row in asked.simple.facts_of(path)]


def _path_strength(asked: Asked, falls: Mapping[int, float]) -> np.ndarray:
    """(P,) mean fall of the nodes of each path; direct paths have none and come first."""
    size = max(int(asked.simple.nodes.max(initial=0)), asked.network.num_entities) + 2
    fall = np.zeros(size)
    fall[list(falls)] = list(falls.values())
    there = asked.simple.nodes >= 0
    total = np.where(there, fall[asked.simple.nodes], 0).sum(1)
    count = there.sum(1)
    return np.where(count == 0, np.inf, total / np.maximum(count, 1))


def _attended(
    asked: Asked, groups: Sequence[PathGroup], strength: np.ndarray, size: int
) -> list[int]:
    """Paths of the most attended groups, one of each group in turn, while the facts fit."""
    ranked = [
        sorted(np.flatnonzero(asked.simple.group == group.number).tolist(),
               key=lambda path: (-strength[path], path))
        for group in most_attended(groups)
    ]  # fmt: skip
    chosen, facts = [], set()
    for turn in range(PATHS_PER_GROUP):
        for members in ranked:
            if turn < len(members) and len(chosen) < NUM_SHOWN_PATHS:
                more = facts | set(asked.simple.facts_of(members[turn]))
                if len(more) <= size:
                    chosen.append(members[turn])
                    facts = more
    return chosen


def _occluded(asked: Asked, strength: np.ndarray, size: int) -> list[Fact]:
    """Facts of the reasons found, or those that bring back most of the score."""
    search = _Search(asked, strength, size)
    reasons = find_reasons(asked, search, level=LEVEL, drop=NEEDED_DROP, size=size)
    if reasons:
        return [fact for reason in reasons for fact in reason]
    raising = list(search(frozenset())[:size])
    strongest = _filled(asked, np.lexsort((np.arange(len(strength)), -strength)), size)
    without = asked([Overlay(remove=frozenset(facts)) for facts in (raising, strongest)])
    return min(zip(without, (raising, strongest), strict=True), key=lambda one: one[0].score)[1]


def _filled(asked: Asked, paths: Iterable[int], size: int) -> list[Fact]:
    """Facts of the first paths that fit."""
    facts: dict[Fact, None] = {}
    for path in paths:
        more = facts | dict.fromkeys(_facts_of(asked, path))
        if len(more) > size:
            break
        facts = more
    return list(facts)


class _Search:
    """Candidates for a reason: paths are added one by one, each time the one that raises most.

    A set of three facts is scored in microseconds, so trying costs little; ordering single facts
    by attention or flow would separate the two facts of one path.
    """

    def __init__(self, asked: Asked, strength: np.ndarray, size: int) -> None:
        self.asked, self.size = asked, size
        simple = asked.simple
        order = np.lexsort((np.arange(len(simple)), -strength))
        place = np.empty(len(order), dtype=np.int64)  # rank within the group
        by_group = order[np.argsort(simple.group[order], kind="stable")]
        start = np.searchsorted(simple.group[by_group], simple.group[by_group])
        place[by_group] = np.arange(len(by_group)) - start
        self.order, self.place = order, place
        self._found: dict[frozenset[Fact], tuple[Fact, ...]] = {}

    def __call__(self, taken: frozenset[Fact]) -> tuple[Fact, ...]:
        """Facts in the order in which they were added, without those taken away."""
        if taken not in self._found:
            self._found[taken] = tuple(self._grow(taken))
        return self._found[taken]

    def _grow(self, taken: frozenset[Fact]) -> list[Fact]:
        asked = self.asked
        pool = self._pool(taken)
        [present] = asked([Overlay(remove=taken)])
        kept: dict[Fact, None] = {}
        best = asked.log_odds(asked.logits([Overlay(keep=frozenset())]))[0]
        while pool and len(kept) < self.size:
            sets = [frozenset(kept) | frozenset(path) for path in pool]
            logits = asked.logits([Overlay(keep=facts) for facts in sets])
            odds = asked.log_odds(logits)
            odds[[len(facts) > self.size for facts in sets]] = -np.inf
            winner = int(odds.argmax())
            if odds[winner] <= best + MIN_GAIN:
                break
            best = odds[winner]
            kept |= dict.fromkeys(pool[winner])
            if asked.outcomes(logits[[winner]])[0].score >= LEVEL * present.score:
                break
            pool = [path for path in pool if not set(path) <= kept.keys()]
        return list(kept)

    def _pool(self, taken: frozenset[Fact]) -> list[list[Fact]]:
        """Facts of the strongest paths, a few of each group."""
        gone = np.zeros(len(self.asked.facts) + 1, dtype=bool)
        gone[self.asked.rows_of(taken)] = True
        simple = self.asked.simple
        free = ~gone[simple.facts].any(1) & (self.place < PATHS_PER_GROUP + len(taken))
        paths = self.order[free[self.order]][:TRIED_PATHS]
        return [_facts_of(self.asked, path) for path in paths.tolist()]


def _paths_within(asked: Asked, facts: Iterable[Fact], strength: np.ndarray) -> list[int]:
    """Paths made of these facts alone, strongest first."""
    there = np.zeros(len(asked.facts) + 1, dtype=bool)
    there[asked.rows_of(facts)] = True
    there[-1] = True
    paths = np.flatnonzero(there[asked.simple.facts].all(1)).tolist()
    return sorted(paths, key=lambda path: (-strength[path], path))


def _evidence(
    asked: Asked, facts: Sequence[Fact], *, by_attention: bool
) -> tuple[EvidenceFact, ...]:
    [everything] = asked.outcomes(asked.everything)
    singles = asked([Overlay(remove=frozenset({fact})) for fact in facts]) if facts else []
    attended = np.full(len(asked.facts) + 1, 0.0)
    weights = np.repeat(asked.path_attention.max(1), 3)
    np.maximum.at(attended, asked.simple.facts.ravel(), weights)
    items = [
        EvidenceFact(
            fact, asked.fact_ids(fact), asked.fact_text(fact), asked.place(fact),
            everything.score - outcome.score,
            float(attended[asked.positions[fact]].max()),
        )
        for fact, outcome in zip(facts, singles, strict=True)
    ]  # fmt: skip
    items.sort(key=lambda item: -(item.attention if by_attention else item.deletion))
    return tuple(items)


def _described(
    asked: Asked, chosen: Sequence[int], groups: Sequence[PathGroup], ranking: str
) -> tuple[EvidencePath, ...]:
    sets = [frozenset(_facts_of(asked, path)) for path in chosen]
    only = asked([Overlay(keep=facts) for facts in sets]) if sets else []
    without = asked([Overlay(remove=facts) for facts in sets]) if sets else []
    found = []
    for path, alone, gone in zip(chosen, only, without, strict=True):
        group = groups[asked.simple.group[path]]
        steps = _steps(asked, path)
        found.append(
            EvidencePath(
                steps, "; ".join(asked.fact_text(step.fact) for step in steps),
                _kind_text(asked, group), group.attention, group.size, alone.score, gone.score,
            )
        )  # fmt: skip
    if ranking == "attention":
        return tuple(sorted(found, key=lambda path: -path.attention))
    return tuple(sorted(found, key=lambda path: path.without))


def _steps(asked: Asked, path: int) -> tuple[PathStep, ...]:
    nodes = [asked.head, *asked.simple.nodes_of(path), asked.tail]
    relations = asked.simple.relations[path]
    return tuple(
        PathStep(fact, nodes[i], nodes[i + 1], bool(relations[i] >= asked.paths.num_relations))
        for i, fact in enumerate(_facts_of(asked, path))
    )


def _kind_text(asked: Asked, group: PathGroup) -> str:
    """Relations with arrows in the direction of the facts, such as ``—binds→ ←binds—``."""
    total = asked.paths.num_relations
    words = [(asked.relation_name(r % total), r >= total) for r in group.relations]
    return " ".join(f"←{word}—" if inverse else f"—{word}→" for word, inverse in words)


def _nodes(
    asked: Asked, nodes: Sequence[int], falls: Mapping[int, float]
) -> tuple[NodeEffect, ...]:
    shown = nodes[:NUM_SHOWN_NODES]
    if not shown:
        return ()
    cuts = [asked.cuts.touching(node) for node in shown]
    without = asked.outcomes(asked.cuts.without(cuts))
    only = asked.outcomes(asked.cuts.only(cuts))
    visited = np.bincount(asked.simple.nodes[asked.simple.nodes >= 0], minlength=max(shown) + 1)
    return tuple(
        NodeEffect(
            node, asked.id(node), asked.name(node), asked.kind(node), falls[node],
            gone.score, alone.score, int(visited[node]),
        )
        for node, gone, alone in zip(shown, without, only, strict=True)
    )  # fmt: skip


def _kinds(asked: Asked, groups: Sequence[PathGroup], strength: np.ndarray) -> tuple[PathKind, ...]:
    """Groups of the largest flow, cut one by one."""
    simple, walks = asked.simple, asked.walks
    there = np.flatnonzero(simple.walk >= 0)
    group_of = simple.group[simple.walk[there]]
    flow = np.zeros(len(groups))
    for weights in walks.weights(asked.attention, asked.paths.num_relations):
        flow += np.bincount(group_of, weights[there].prod(1), minlength=len(groups))
    chosen = np.argsort(-flow, kind="stable")[:MAX_GROUPS].tolist()
    cuts = [walks.middle[there[group_of == number]] for number in chosen]
    cuts = [np.unique(edges) for edges in cuts]
    base = asked.log_odds(asked.everything)[0]
    falls = base - asked.log_odds(asked.cuts.without(cuts))
    only = asked.outcomes(asked.cuts.only(cuts))
    found = []
    for number, fall, alone in zip(chosen, falls.tolist(), only, strict=True):
        members = np.flatnonzero(simple.group == number)
        best = int(members[strength[members].argmax()])
        example = "; ".join(asked.fact_text(fact) for fact in _facts_of(asked, best))
        group = groups[number]
        found.append(
            PathKind(
                _kind_text(asked, group), group.size, group.attention, fall, alone.score, example
            )
        )
    return tuple(sorted(found, key=lambda kind: -kind.fall))
