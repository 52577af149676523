"""Titles as people write them, found in a catalogue.

First by the same letters, whatever the case, accents, punctuation and place of the article; then by
likeness of the words. A likeness is never taken for the same where the numbers differ: "Toy Story
2" is not "Toy Story 3".
"""

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from core.data.films import YEARS_APART, normal_title, title_and_year
from core.knowledge.ratings import Catalogue

SURE = 0.95  # score from which a match needs no second look
ACCEPTED = 0.85  # from which it is used all the same
SIMILAR = 0.5  # from which it is worth a suggestion
NUM_ALTERNATIVES = 3
SHORTEST_BEGINNING = 5  # letters that may stand for a longer title
LONGEST = 200  # letters that are compared
YEAR_AT_END = re.compile(r"(.*[^\s,(\[])[\s,]*[\s,(\[]((?:18|19|20)\d\d)[)\]]?\s*", re.DOTALL)
ROMAN = re.compile(r"(?=[ivx])(x{0,2})(i[vx]|v?i{0,3})")


@dataclass(frozen=True)
class Match:
    """What a text stands for.

    Attributes:
        text: as written.
        row: of the catalogue, None where nothing is like enough.
        score: 1 the same, `SURE` or more no second look, 0 nothing alike.
        alternatives: further rows, most alike first; the best ones where `row` is None.
    """

    text: str
    row: int | None
    score: float
    alternatives: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Entry:
    """A title of an item; an item may have several."""

    row: int
    name: str
    year: int | None


class TitleIndex:
    """A catalogue, ready to be searched for titles."""

    def __init__(
        self, catalogue: Catalogue, other_titles: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Prepare the search.

        Args:
            catalogue: titles may end with a year in brackets.
            other_titles: further titles by id of the item.
        """
        self.entries = []
        for row, (item, text) in enumerate(zip(catalogue.ids, catalogue.titles, strict=True)):
            title, year = title_and_year(text)
            for one in (title, *(other_titles or {}).get(item, ())):
                self.entries.append(_Entry(row, _name(one), year))
        self.row_of_id = {item: row for row, item in enumerate(catalogue.ids)}
        self.same: dict[str, list[_Entry]] = {}
        places: dict[str, list[int]] = {}
        for place, entry in enumerate(self.entries):
            self.same.setdefault(entry.name, []).append(entry)
            for part in _parts(entry.name):
                places.setdefault(part, []).append(place)
        self.places = {part: np.array(found) for part, found in places.items()}
        self.sizes = np.array([len(_parts(entry.name)) for entry in self.entries])

    def find_same(self, text: str) -> Match | None:
        """The item with this id, or with this title whatever its spelling; None without one."""
        if text in self.row_of_id:
            return Match(text, self.row_of_id[text], 1.0)
        title, year = _split_year(text)
        whole = self.same.get(_name(text))
        found, year = (whole, None) if whole else (self.same.get(_name(title)), year)
        if not found:
            return None
        if year is None:
            found = sorted(found, key=lambda entry: -(entry.year or 0))  # the newest first
        else:
            found = sorted(found, key=lambda entry: abs((entry.year or year) - year))
        rows = tuple(dict.fromkeys(entry.row for entry in found))
        apart = abs((found[0].year or year) - year) if year is not None else 0
        if apart > YEARS_APART or (year is None and len(rows) > 1):
            return Match(text, rows[0], ACCEPTED, rows[1 : NUM_ALTERNATIVES + 1])
        return Match(text, rows[0], SURE if apart else 1.0)

    def find_similar(self, text: str) -> Match:
        """The item with the most similar title."""
        title, year = _split_year(text)
        name = _name(title)
        scored: dict[int, float] = {}
        for place in self._nearest(name):
            entry = self.entries[place]
            score = _likeness(name, entry.name)
            if year is not None and entry.year is not None and abs(year - entry.year) > YEARS_APART:
                score = min(score, ACCEPTED - 0.1)
            scored[entry.row] = max(score, scored.get(entry.row, 0))
        best = sorted(scored, key=lambda row: (-scored[row], row))
        best = [row for row in best if scored[row] >= SIMILAR]
        if not best:
            return Match(text, None, 0.0)
        first = scored[best[0]]
        equals = len(best) > 1 and scored[best[1]] == first
        if first >= ACCEPTED and not equals:
            return Match(text, best[0], first, tuple(best[1 : NUM_ALTERNATIVES + 1]))
        return Match(text, None, first, tuple(best[:NUM_ALTERNATIVES]))

    def _nearest(self, name: str, num: int = 12) -> list[int]:
        """Entries that share the largest part of their letter triples."""
        parts = _parts(name)
        found = [self.places[part] for part in parts if part in self.places]
        if not found:
            return []
        shared = np.bincount(np.concatenate(found), minlength=len(self.entries))
        dice = 2 * shared / (len(parts) + self.sizes)
        inside = shared / len(parts)  # a beginning is wholly inside the longer title
        best = np.argsort(-np.maximum(dice, 0.9 * inside), kind="stable")[:num]
        return [int(place) for place in best if shared[place]]


def match_titles(texts: Sequence[str], index: TitleIndex, most_similar: int = 1000) -> list[Match]:
    """What each text stands for.

    Args:
        texts: ids or titles, with or without a year in brackets.
        index: of the catalogue.
        most_similar: distinct texts that are compared by likeness; further ones that are in no way
            the same as a title stay without a match.
    """
    found: dict[str, Match] = {}
    num_compared = 0
    for text in texts:
        if text in found:
            continue
        match = index.find_same(text)
        if match is None and num_compared < most_similar:
            num_compared += 1
            match = index.find_similar(text)
        found[text] = match or Match(text, None, 0.0)
    return [found[text] for text in texts]


def _name(title: str) -> str:
    """What titles are compared by; titles of signs only keep their signs."""
    return (normal_title(title) or title.casefold().strip())[:LONGEST]


def _split_year(text: str) -> tuple[str, int | None]:
    """Title and year of "Alien (1979)", "Alien [1979]" or "Alien, 1979"; None without a year."""
    found = YEAR_AT_END.fullmatch(text)
    return (found[1], int(found[2])) if found else (text, None)


def _likeness(one: str, other: str) -> float:
    """How alike two normal titles are, 0 to 1; less than `ACCEPTED` where their numbers differ."""
    score = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
    short, long = sorted((one, other), key=len)
    if len(short) >= SHORTEST_BEGINNING and long.startswith(short + " "):
        score = max(score, ACCEPTED)
    if _numbers(one) != _numbers(other):
        score = min(score, ACCEPTED - 0.05)
    return min(score, SURE - 0.01)  # never beyond a second look


def _numbers(name: str) -> Counter[str]:
    return Counter(
        word for word in name.split() if word.isdigit() or (word != "i" and ROMAN.fullmatch(word))
    )


def _parts(name: str) -> set[str]:
    """Letter triples, words marked by blanks at both ends."""
    padded = f" {name} "
    return set(chain(padded[k : k + 3] for k in range(max(len(padded) - 2, 1))))
