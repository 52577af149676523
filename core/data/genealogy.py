"""European royal families: people curated by hand, and twelve kinship relations derived by code.

`royal_families.csv` holds one row per person: parents, marriages, sex, years, dynasty and the title
of the encyclopedia article under which the row can be checked (`source`). The rows are public
facts about historic persons, compiled by hand on 2026-11-21; among the living only heads of state,
former ones, heirs and their spouses or siblings appear, and `death` is empty for them. Parentage is
the legal one, marriages include annulled and dissolved ones, children born out of wedlock are left
out. Disputed birth years carry "c. ".

Derivation, in the convention of the Family benchmark; (head, relation, tail) reads "head is the
RELATION of tail":

* father, mother, son, daughter: from the parent columns; husband, wife: from the marriages.
* brother, sister: both parents are the same. Where one parent is unknown for both, the known one
  decides. Half-siblings are not siblings: none of the 944 pairs of Family with one common and one
  different parent is listed.
* uncle, aunt: a brother or sister of a parent, by blood only. No husband of an aunt and no wife of
  an uncle is listed in Family unless related by blood as well.
* nephew, niece: the same pairs read from the child's side.

Applied to the parents and marriages of Family itself (all 28,356 facts), these rules find every
listed fact (recall 1 for each relation); precision is 1 for eight relations and at least 0.995 for
nephew, 0.998 for aunt and niece, 0.999 for sister. The surplus comes from siblings of whom one
parent is unknown.
"""

import csv
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.knowledge.graph import KnowledgeGraph, Source

CURATED_ON = "2026-11-21"

Fact = tuple[str, str, str]

# Written so that "head NAME tail" reads as a sentence; alphabetical, the order of the graph's rows.
# Also the names of the twelve relations of Family, whose direction was measured on its files: every
# tail has at most one father and one mother; a child's father and mother appear as (child, son or
# daughter, parent); husband is the inverse of wife; niece and nephew are the inverse of uncle and
# aunt; uncles and aunts are siblings of a parent, never their spouses; siblings share all known
# parents, and nobody stands both on the male and on the female side.
RELATION_NAMES: Mapping[str, str] = {
    "aunt": "is an aunt of",
    "brother": "is a brother of",
    "daughter": "is a daughter of",
    "father": "is the father of",
    "husband": "is the husband of",
    "mother": "is the mother of",
    "nephew": "is a nephew of",
    "niece": "is a niece of",
    "sister": "is a sister of",
    "son": "is a son of",
    "uncle": "is an uncle of",
    "wife": "is the wife of",
}


@dataclass(frozen=True)
class Person:
    """One row of `royal_families.csv`.

    Attributes:
        id: stable slug, such as ``queen-victoria``.
        name: usual English name with regnal number or title, unique.
        sex: ``f`` or ``m``.
        birth: year of birth.
        birth_is_approximate: whether sources disagree on the year.
        death: year of death, None for the living.
        dynasty: house of birth, empty when it is none of those the file follows.
        father: id, None when not in the file.
        mother: id, None when not in the file.
        spouses: ids, in alphabetical order.
        source: title of the encyclopedia article under which the row can be checked.
    """

    id: str
    name: str
    sex: str
    birth: int
    birth_is_approximate: bool
    death: int | None
    dynasty: str
    father: str | None
    mother: str | None
    spouses: tuple[str, ...]
    source: str

    @property
    def label(self) -> str:
        """Name with years, such as ``Queen Victoria (1819–1901)``."""
        birth = f"c. {self.birth}" if self.birth_is_approximate else str(self.birth)
        years = f"born {birth}" if self.death is None else f"{birth}–{self.death}"
        return f"{self.name} ({years})"


@dataclass(frozen=True)
class ExampleQuestion:
    """A question whose answer `held_out_facts()` withholds, so that it has to be reasoned out.

    Attributes:
        entity: id of the known person.
        relation: one of the twelve.
        inverse: False asks for the tail of (entity, relation, ?), True for the head of
            (?, relation, entity).
        text: the question in words.
    """

    entity: str
    relation: str
    inverse: bool
    text: str


EXAMPLE_QUESTIONS = (
    ExampleQuestion(
        "marie-antoinette", "husband", True, "Who is the husband of Marie Antoinette?"
    ),
    ExampleQuestion("george-vi", "uncle", True, "Who is an uncle of George VI?"),
    ExampleQuestion(
        "grand-duchess-anastasia-nikolaevna-of-russia", "father", True,
        "Who is the father of Anastasia Nikolaevna of Russia?",
    ),
    ExampleQuestion("wilhelm-ii", "uncle", False, "Of whom is Wilhelm II of Germany an uncle?"),
    ExampleQuestion("elizabeth-i", "aunt", True, "Who is an aunt of Elizabeth I?"),
    ExampleQuestion(
        "constantine-i-of-greece", "nephew", False, "Of whom is Constantine I of Greece a nephew?"
    ),
    ExampleQuestion(
        "alexander-iii-of-russia", "wife", True, "Who is the wife of Alexander III of Russia?"
    ),
    ExampleQuestion("george-vi", "sister", True, "Who is a sister of George VI?"),
    ExampleQuestion("henry-viii", "daughter", True, "Who is a daughter of Henry VIII?"),
    ExampleQuestion("louis-xviii", "nephew", True, "Who is a nephew of Louis XVIII?"),
)  # fmt: skip


@cache
def load_people() -> tuple[Person, ...]:
    """Read the people that come with the package, ordered by year of birth."""
    path = Path(__file__).with_name("royal_families.csv")
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(_parse_person(row) for row in csv.DictReader(file))


def _parse_person(row: Mapping[str, str]) -> Person:
    return Person(
        id=row["id"],
        name=row["name"],
        sex=row["sex"],
        birth=int(row["birth"].removeprefix("c. ")),
        birth_is_approximate=row["birth"].startswith("c. "),
        death=int(row["death"]) if row["death"] else None,
        dynasty=row["dynasty"],
        father=row["father"] or None,
        mother=row["mother"] or None,
        spouses=tuple(row["spouses"].split(";")) if row["spouses"] else (),
        source=row["source"],
    )


def family_facts(people: Iterable[Person]) -> list[Fact]:
    """Derive the twelve relations from parents, sex and marriages.

    Args:
        people: persons whose parents and spouses are among them.

    Returns:
        Sorted (head id, relation, tail id) without duplicates; empty for no people. The rules are
        those of the module's docstring.
    """
    by_id = {person.id: person for person in people}
    siblings = _siblings(by_id.values())
    facts: set[Fact] = set()

    def add(head: str, relation_of_woman: str, relation_of_man: str, tail: str) -> None:
        relation = relation_of_woman if by_id[head].sex == "f" else relation_of_man
        facts.add((head, relation, tail))

    for person in by_id.values():
        for spouse in person.spouses:
            add(person.id, "wife", "husband", spouse)
            add(spouse, "wife", "husband", person.id)
        for sibling in siblings[person.id]:
            add(person.id, "sister", "brother", sibling)
        for parent in (person.father, person.mother):
            if parent is None:
                continue
            add(parent, "mother", "father", person.id)
            add(person.id, "daughter", "son", parent)
            for sibling in siblings[parent]:
                add(sibling, "aunt", "uncle", person.id)
                add(person.id, "niece", "nephew", sibling)
    return sorted(facts)


def _siblings(people: Iterable[Person]) -> dict[str, list[str]]:
    """From id to the ids of those with the same two parents (an unknown parent equals unknown)."""
    children: dict[tuple[str | None, str | None], list[str]] = defaultdict(list)
    parents = {person.id: (person.father, person.mother) for person in people}
    for child, couple in parents.items():
        children[couple].append(child)
    return {
        child: [other for other in children[couple] if other != child] if any(couple) else []
        for child, couple in parents.items()
    }


def royal_graph(without: Collection[Fact] = ()) -> KnowledgeGraph:
    """The royal families as a knowledge graph named ``royals``.

    Args:
        without: facts to leave out, for instance `held_out_facts()`; the vocabulary stays whole.

    Returns:
        Entities in the order of `load_people`, the twelve relations in alphabetical order;
        `entity_types` holds the dynasty, or ``person`` where there is none.
    """
    people = load_people()
    hidden = set(without)
    return KnowledgeGraph.from_facts(
        "royals",
        (fact for fact in family_facts(people) if fact not in hidden),
        entities=[person.id for person in people],
        relations=list(RELATION_NAMES),
        entity_names={person.id: person.label for person in people},
        relation_names=RELATION_NAMES,
        entity_types={person.id: person.dynasty or "person" for person in people},
        source=Source(
            title=f"European royal families, compiled by hand on {CURATED_ON} from public facts",
            licence="facts, no licence needed",
        ),
    )


def held_out_facts(seed: int = 0, share: float = 0.1) -> list[Fact]:
    """Facts to withhold, so that a question about them cannot be answered by looking it up.

    Whole pairs are withheld: with (h, father, t) goes (t, son, h), otherwise the inverse would be
    the answer. A pair is spared when one of the two would be left with fewer than two neighbours.

    Args:
        seed: equal seeds give equal facts.
        share: part of the related pairs to withhold, 0 to 1.

    Returns:
        Sorted facts of the drawn pairs, of all twelve relations when `share` is not tiny.
    """
    facts_of: dict[tuple[str, str], list[Fact]] = defaultdict(list)
    for head, relation, tail in family_facts(load_people()):
        facts_of[min(head, tail), max(head, tail)].append((head, relation, tail))
    num_neighbours: dict[str, int] = defaultdict(int)
    for pair in facts_of:
        for person in pair:
            num_neighbours[person] += 1
    pairs = sorted(facts_of)
    wanted = round(share * len(pairs))
    held_out: list[Fact] = []
    for row in np.random.default_rng(seed).permutation(len(pairs)):
        if wanted == 0:
            break
        pair = pairs[row]
        if min(num_neighbours[person] for person in pair) <= 2:
            continue
        for person in pair:
            num_neighbours[person] -= 1
        held_out += facts_of[pair]
        wanted -= 1
    return sorted(held_out)


def royal_split(seed: int = 0, share: float = 0.1) -> tuple[KnowledgeGraph, list[Fact]]:
    """The graph without the held-out facts, and those facts."""
    held_out = held_out_facts(seed, share)
    return royal_graph(without=held_out), held_out
