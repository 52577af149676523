"""Graphs with a known answer to "why?": rules are planted, so the evidence of a fact is known.

A target relation holds between two people exactly when the body of its rule holds:

    may sign for(X, Z)          <-  deputises for(X, Y), reports to(Y, Z)
    has a reference from(X, Z)  <-  assists(Y, X), was hired by(Y, Z)            first step backward
    was advised by(X, Z)        <-  wrote with(X, Y), reviewed(Z, Y)            second step backward

Everybody is of one kind and every step is drawn at random, so that nothing but the rule tells who
the answer is. The first step of every body joins one person to one other, so that a rule has no
shortcut over a colleague's known answers. Every body relation has a twin that means nothing. For
every held-back fact a path of twins is planted that joins the same question and answer: the decoy,
as long as the rule's body and without influence. No such path is planted for a training fact, so
that no model can learn to take twins for a sign. A few people are known by many (hubs).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.data.kg import KgSplit
from core.errors import ShapeError
from core.knowledge.graph import KnowledgeGraph, Source

Fact = tuple[int, int, int]

MIN_ENTITIES = 100


@dataclass(frozen=True)
class PlantedRule:
    """target(X, Z) holds exactly when a path of `body` leads from X to Z.

    Attributes:
        target: relation of the conclusion.
        body: relations of the path; r + R is relation r read backward.
        twin: the meaningless relations between the same kinds of entities, step by step.
    """

    target: int
    body: tuple[int, ...]
    twin: tuple[int, ...]

    def text(self, graph: KnowledgeGraph) -> str:
        """The rule in words."""
        steps = " → ".join(graph.relation_phrase(relation) for relation in self.body)
        return f"{graph.relation_phrase(self.target)} ← {steps}"


@dataclass(frozen=True)
class PlantedQuery:
    """A held-back fact with exactly one proof.

    Attributes:
        head: row of the question's entity.
        relation: row of the target relation.
        tail: row of the answer.
        evidence: the facts of the only proof.
        decoy: as many facts on a planted path of twins from head to tail; without influence.
    """

    head: int
    relation: int
    tail: int
    evidence: frozenset[Fact]
    decoy: frozenset[Fact]


@dataclass(frozen=True, eq=False)
class PlantedGraph:
    """A planted graph, its split and its questions.

    Attributes:
        graph: all facts.
        split: of the target facts 60 % are in `train`, 20 % in `valid`, 20 % in `test`; all other
            facts are in `train` and, by themselves, in `facts`.
        rules: one per target relation.
        queries: test facts with one proof and a decoy.
    """

    graph: KnowledgeGraph
    split: KgSplit
    rules: tuple[PlantedRule, ...]
    queries: tuple[PlantedQuery, ...]


STEMS = (
    "Alder", "Ash", "Aspen", "Beech", "Birch", "Cedar", "Clover", "Elder", "Elm", "Fern", "Hazel",
    "Heather", "Holly", "Ivy", "Juniper", "Larch", "Laurel", "Linden", "Maple", "Myrtle", "Oak",
    "Pine", "Poplar", "Rowan", "Sorrel", "Thorn", "Willow", "Yarrow", "Yew",
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Boris", "Clara", "David", "Elif", "Felix", "Greta", "Hugo", "Ines", "Jonas", "Kira",
    "Leo", "Mara", "Nils", "Olga", "Pavel", "Rosa", "Simon", "Tara", "Viktor", "Wanda", "Yusuf",
    "Zoe",
)  # fmt: skip

# body relations: words, tails per head on average; 0 pairs everybody with one other person
BODIES = (
    ("deputises for", 0.0),
    ("reports to", 1.3),
    ("assists", 0.0),
    ("was hired by", 1.3),
    ("wrote with", 0.0),
    ("reviewed", 1.3),
)
TWINS = (
    "has lunch with", "sits next to", "plays chess with", "lives near",
    "follows", "danced with",
)  # fmt: skip
TWIN_MEAN = 0.5
# target and body; "^" reads a relation backward; the twin of a step is the twin of its relation
RULES = (
    ("may sign for", ("deputises for", "reports to")),
    ("has a reference from", ("^assists", "was hired by")),
    ("was advised by", ("wrote with", "^reviewed")),
)
NOISE = "knows"


def planted_graph(*, num_entities: int = 300, seed: int = 0) -> PlantedGraph:
    """Draw a planted graph.

    Args:
        num_entities: 300 give about 5,000 facts.
        seed: the same seed gives the same graph.

    Raises:
        ShapeError: fewer than `MIN_ENTITIES` entities are asked for.
    """
    if num_entities < MIN_ENTITIES:
        raise ShapeError(f"num_entities is {num_entities}; at least {MIN_ENTITIES} are needed.")
    rng = np.random.default_rng(seed)
    words = [*(name for name, _ in BODIES), *TWINS, NOISE, *(target for target, _ in RULES)]
    taken: set[tuple[int, int]] = set()
    bodies = [
        (head, number, tail)
        for number, (_, mean) in enumerate(BODIES)
        for head, tail in _draw(mean, num_entities, taken, rng)
    ]
    noise = [(head, words.index(NOISE), tail) for head, tail in _acquaintances(num_entities, rng)]
    twins = [
        (head, words.index(twin), tail)
        for twin in TWINS
        for head, tail in _draw(TWIN_MEAN, num_entities, taken, rng)
    ]
    rules = tuple(_rule(words, *rule) for rule in RULES)
    parts: dict[str, list[Fact]] = {"train": [], "valid": [], "test": []}
    queries: list[PlantedQuery] = []
    for rule in rules:
        proofs = _paths(bodies, rule.body, len(words))
        pairs = sorted(pair for pair in proofs if pair[0] != pair[1])
        pairs = [pairs[i] for i in rng.permutation(len(pairs))]
        targets: list[Fact] = [(head, rule.target, tail) for head, tail in pairs]
        first, second = round(0.6 * len(pairs)), round(0.8 * len(pairs))
        parts["train"] += targets[:first]
        parts["valid"] += targets[first:second]
        parts["test"] += targets[second:]
        for pair in pairs[second:]:
            decoy = _plant(pair, rule.twin, len(words), num_entities, taken, rng)
            twins += sorted(decoy)
            if len(proofs[pair]) == 1:
                queries.append(PlantedQuery(pair[0], rule.target, pair[1], proofs[pair][0], decoy))

    background = bodies + noise + twins
    names = tuple(_name(i) for i in range(num_entities))
    train = KnowledgeGraph(
        f"planted-{num_entities}-{seed}",
        tuple(f"person-{i}" for i in range(num_entities)),
        tuple(word.replace(" ", "_") for word in words),
        np.array(background + parts["train"], dtype=np.int64),
        entity_names=names,
        relation_names=tuple(words),
        source=Source("planted rules, invented by this program", "CC0"),
        entity_types=("person",) * num_entities,
    )
    valid, test = (np.array(parts[part], dtype=np.int64) for part in ("valid", "test"))
    split = KgSplit(train.name, train, valid, test, np.array(background, dtype=np.int64))
    return PlantedGraph(replace(train, triples=split.known), split, rules, tuple(queries))


def _name(i: int) -> str:
    """The i-th name; neighbours differ in both words, and no two names are equal."""
    lap, place = divmod(i, len(FIRST_NAMES) * len(STEMS))
    turn, stem = divmod(place, len(STEMS))
    name = f"{FIRST_NAMES[(stem + turn) % len(FIRST_NAMES)]} {STEMS[stem]}"
    return f"{name} {lap + 1}" if lap else name


def _draw(
    mean: float, num: int, taken: set[tuple[int, int]], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Pairs of a relation; none that another relation has already, so that twins stay apart."""
    if mean == 0:
        ring = rng.permutation(num)
        drawn = zip(ring.tolist(), np.roll(ring, 1).tolist(), strict=True)
    else:
        drawn = [
            (head, int(tail))
            for head in range(num)
            for tail in rng.choice(
                num, size=int(mean) + int(rng.random() < mean % 1), replace=False
            )
        ]
    pairs = sorted({pair for pair in drawn if pair[0] != pair[1]} - taken)
    taken.update(pairs)
    return pairs


def _plant(
    pair: tuple[int, int],
    twin: Sequence[int],
    num_relations: int,
    num: int,
    taken: set[tuple[int, int]],
    rng: np.random.Generator,
) -> frozenset[Fact]:
    """A fresh path of twin relations between two people, over people drawn at random."""
    while True:
        stops = [pair[0], *rng.choice(num, size=len(twin) - 1).tolist(), pair[1]]
        facts = []
        for relation, left, right in zip(twin, stops, stops[1:], strict=False):
            backward = relation >= num_relations
            head, tail = (right, left) if backward else (left, right)
            facts.append((head, relation % num_relations, tail))
        ends = {(head, tail) for head, _, tail in facts}
        if len(set(stops)) == len(stops) and not ends & taken:
            taken.update(ends)
            return frozenset(facts)


def _acquaintances(num: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Two acquaintances per person, drawn by popularity: the first persons are hubs."""
    weight = 1.0 / np.arange(1, num + 1)
    known = rng.choice(num, size=(num, 2), p=weight / weight.sum())
    return sorted(
        {
            (head, tail)
            for head, tails in enumerate(known.tolist())
            for tail in tails
            if head != tail
        }
    )


def _rule(words: Sequence[str], target: str, body: Sequence[str]) -> PlantedRule:
    steps = tuple(
        words.index(word.removeprefix("^")) + len(words) * word.startswith("^") for word in body
    )
    return PlantedRule(words.index(target), steps, tuple(step + len(BODIES) for step in steps))


def _paths(
    facts: Sequence[Fact], body: Sequence[int], num_relations: int
) -> dict[tuple[int, int], list[frozenset[Fact]]]:
    """Every path of the relations `body`, by its two ends, as the set of its facts."""
    steps: dict[tuple[int, int], list[tuple[int, Fact]]] = {}
    for fact in facts:
        head, relation, tail = fact
        steps.setdefault((head, relation), []).append((tail, fact))
        steps.setdefault((tail, relation + num_relations), []).append((head, fact))

    def walk(entity: int, rest: Sequence[int]) -> Iterator[tuple[int, tuple[Fact, ...]]]:
        if not rest:
            yield entity, ()
            return
        for following, fact in steps.get((entity, rest[0]), ()):
            for end, path in walk(following, rest[1:]):
                yield end, (fact, *path)

    found: dict[tuple[int, int], list[frozenset[Fact]]] = {}
    for start in sorted({entity for entity, relation in steps if relation == body[0]}):
        for end, path in walk(start, body):
            found.setdefault((start, end), []).append(frozenset(path))
    return found
