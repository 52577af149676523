"""Well-known films, curated by hand: what a visitor can rate when the application starts.

`films.csv` holds public facts written down on 2026-11-21 from general knowledge: the title under
which English-speaking audiences know a film, the year of its first release, one to three of 20
genres, the credited directors (co-directors whom the credits list apart are left out),
and a second title where people know the film under two, such as the original one. No row was copied
from a data set; films were chosen such that the users of MovieTweetings rated them often enough for
a model to know them.
"""

import csv
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from core.knowledge.ratings import MISSING, Catalogue, Field

YEARS_APART = 1  # lists differ where a film ran at a festival before its release


@dataclass(frozen=True)
class Film:
    """A row of `films.csv`.

    Attributes:
        title: English, as commonly known.
        year: of the first release.
        genres: one to three.
        directors: at least one.
        other_title: original or otherwise known title; empty for most.
    """

    title: str
    year: int
    genres: tuple[str, ...]
    directors: tuple[str, ...]
    other_title: str

    @property
    def id(self) -> str:
        """Readable and stable, such as alien-1979."""
        return f"{normal_title(self.title).replace(' ', '-')}-{self.year}"


@cache
def load_rows() -> tuple[Film, ...]:
    """All films, oldest first."""
    with (Path(__file__).parent / "films.csv").open(encoding="utf-8", newline="") as table:
        return tuple(
            Film(
                row["title"],
                int(row["year"]),
                tuple(row["genres"].split(";")),
                tuple(row["directors"].split(";")),
                row["other_title"],
            )
            for row in csv.DictReader(table)
        )


@cache
def load_films() -> Catalogue:
    """The films as items to rate; titles carry the year, fields are genre, decade and director."""
    films = load_rows()
    return Catalogue(
        tuple(film.id for film in films),
        tuple(f"{film.title} ({film.year})" for film in films),
        (
            Field.from_rows("genre", [film.genres for film in films]),
            Field.from_rows("decade", [[f"{film.year // 10}0s"] for film in films]),
            Field.from_rows("director", [film.directors for film in films]),
        ),
    )


@cache
def other_titles() -> Mapping[str, tuple[str, ...]]:
    """Second titles by id, of the films that have one."""
    return {film.id: (film.other_title,) for film in load_rows() if film.other_title}


def normal_title(text: str) -> str:
    """A title without case, accents and punctuation, its article in front: "The Matrix".

    "Matrix, The", "the matrix" and "The Mátrix!" become the same; "&" becomes "and". Letters of
    other scripts stay.
    """
    text = re.sub(r"^(.+), (the|a|an|le|la|les|l'|il|el|das|der|die)$", r"\2 \1", text.casefold())
    plain = unicodedata.normalize("NFKD", text.replace("&", " and "))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", re.sub(r"['’]", "", plain)))


def title_and_year(text: str) -> tuple[str, int | None]:
    """Title and year of "Alien (1979)"; the year is None where the text ends with none."""
    found = re.fullmatch(r"(.*\S)\s*\((\d{4})\)\s*", text)
    return (found[1], int(found[2])) if found else (text.strip(), None)


def match_films(catalogue: Catalogue) -> np.ndarray:
    """Where each film stands in the catalogue of a data set.

    A film and an item are the same if a title is the same in its normal form and the years differ
    by `YEARS_APART` at most; of several the nearest in time counts.

    Args:
        catalogue: its titles end with the year in brackets.

    Returns:
        (num_films,) int64 rows of `catalogue`, `MISSING` for films it has not.
    """
    found: dict[str, list[tuple[int, int]]] = {}
    for row, text in enumerate(catalogue.titles):
        title, year = title_and_year(text)
        if year is not None:
            found.setdefault(normal_title(title), []).append((year, row))
    rows = np.full(len(load_rows()), MISSING, np.int64)
    for place, film in enumerate(load_rows()):
        near = [
            (abs(year - film.year), row)
            for title in filter(None, (film.title, film.other_title))
            for year, row in found.get(normal_title(title), ())
            if abs(year - film.year) <= YEARS_APART
        ]
        if near:
            rows[place] = min(near)[1]
    return rows
