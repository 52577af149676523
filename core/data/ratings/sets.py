"""Data sets of ratings as cold-start questions: public ones, and simulated scores.

BookCrossing and Douban Book are left out on purpose. Most entries of BookCrossing are books that
somebody had without rating them, so that errors on it say little about taste. The licence of Douban
Book is not stated.

Sources: Dooms et al., CrowdRec 2013 (MovieTweetings); Cantador et al., HetRec 2011 with the split
and episodes released with ColdNAS, Wu et al., WWW 2023 (Last.fm); Harper and Konstan, TiiS 2015
with the fields of Lee et al., "MeLU", KDD 2019 (MovieLens-1M). Differs from ColdNAS: its split of
MovieLens-1M is not published, so ours is another.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from core.data import registry
from core.data.films import load_rows, match_films
from core.data.ratings.planted import planted
from core.data.ratings.splits import cold_start, group_by_user, keep_core
from core.errors import DataError
from core.knowledge.ratings import MISSING, Catalogue, ColdStart, Episode, Field, Ratings, Scale

TEN_POINTS = Scale(0, 10)
FIVE_STARS = Scale(1, 5)
YES_NO = Scale(0, 1)


def load(name: str) -> ColdStart:
    """One of `SETS`.

    Raises:
        DataError: there is no such set, or its files are neither here nor within reach.
    """
    if name not in SETS:
        raise DataError(f'"{name}" is not one of these sets of ratings: {", ".join(SETS)}.')
    return SETS[name]()


def load_movietweetings(seed: int = 0) -> ColdStart:
    """Films rated from 0 to 10; users with 15 ratings or more, films with 5 or more.

    Both are counted before the users are split, as is common. Films tagged Adult are left out.
    Fields of a film: genres and decade. Test users give 10 ratings.

    Args:
        seed: of the split of the users and of what they give.

    Raises:
        DataError: its files are neither here nor within reach.
    """
    contents = registry.read("movietweetings")
    films = [
        (number, title, year, _parts(genres))
        for number, title, year, genres in _rows(contents["items.tsv"])
        if "Adult" not in _parts(genres)
    ]
    row_of = {int(film[0]): row for row, film in enumerate(films)}
    table = _numbers(contents["ratings.tsv"])
    table = table[np.isin(table[:, 1], list(row_of))]
    table[:, 1] = [row_of[number] for number in table[:, 1].tolist()]
    table = table[keep_core(table[:, 0], table[:, 1], 15, 5)]
    kept, table[:, 1] = np.unique(table[:, 1], return_inverse=True)
    films = [films[row] for row in kept]
    catalogue = Catalogue(
        tuple(number for number, *_ in films),
        tuple(f"{title} ({year})" for _, title, year, _ in films),
        (
            Field.from_rows("genre", [genres for *_, genres in films]),
            Field.from_rows("decade", [[f"{year[:3]}0s"] for _, _, year, _ in films]),
        ),
    )
    catalogue = replace(catalogue, fields=(*catalogue.fields, _directors(catalogue)))
    return cold_start(
        "movietweetings", catalogue, TEN_POINTS, group_by_user(*table.T), num_given=10, seed=seed
    )


def _directors(catalogue: Catalogue) -> Field:
    """Directors of the films that `core.data.films` has, nothing for the others."""
    found: list[tuple[str, ...]] = [()] * len(catalogue)
    for film, row in zip(load_rows(), match_films(catalogue), strict=True):
        if row != MISSING:
            found[row] = film.directors
    return Field.from_rows("director", found)


def load_lastfm() -> ColdStart:
    """Artists that people listened to, 1, or that were drawn as others, 0; fixed episodes.

    20 ratings are given. Items of the queries of validation and test users are among those of the
    training users.

    Raises:
        DataError: its files are neither here nor within reach.
    """
    contents = registry.read("lastfm")
    artists = list(_rows(contents["items.tsv"]))
    catalogue = Catalogue(
        tuple(number for _, number, _ in artists), tuple(name for *_, name in artists)
    )
    part_of = {int(user): part for user, part, _ in _rows(contents["user_split.tsv"])}
    table = _numbers(contents["interactions.tsv"])
    table = table[[part_of[user] == "train" for user in table[:, 0].tolist()]]
    warm = tuple(group_by_user(*table.T))
    sides: dict[tuple[str, int], dict[str, list[tuple[int, int]]]] = {}
    for part, number, role, _, _, item, label in _rows(contents["episodes.tsv"]):
        episode = sides.setdefault((part, int(number)), {"support": [], "query": []})
        episode[role].append((int(item), int(label)))
    parts: dict[str, list[Episode]] = {"train": [], "valid": [], "test": []}
    for (part, _), side in sides.items():
        support, query = (
            Ratings.of(*zip(*side[role], strict=True)) for role in ("support", "query")
        )
        parts[part].append(Episode(0, support, query))
    return ColdStart(
        "lastfm",
        catalogue,
        YES_NO,
        (),
        warm,
        (0,) * len(warm),
        *(tuple(parts[part]) for part in ("train", "valid", "test")),
    )


def load_movielens_1m(seed: int = 0) -> ColdStart:
    """Films rated from 1 to 5; test users have 40 to 200 ratings and give 20.

    Fields of a film: certificate, genres, directors, actors; of a user: gender, age, occupation,
    zip code (its first five characters). Training users have any number of ratings. Of a pair that
    occurs twice the last rating counts.

    Args:
        seed: of the split of the users and of what they give.

    Raises:
        DataError: its files are neither here nor within reach.
    """
    contents = registry.read("ml-1m")
    films = list(_rows(contents["items.tsv"]))
    people = list(_rows(contents["users.tsv"]))
    lists = {"genre": 4, "director": 6, "actor": 7}
    catalogue = Catalogue(
        tuple(film[0] for film in films),
        tuple(film[1] for film in films),
        (
            Field.from_rows("certificate", [[film[3]] for film in films]),
            *(
                Field.from_rows(name, [_parts(film[place]) for film in films])
                for name, place in lists.items()
            ),
        ),
    )
    row_of = np.zeros(max(int(film[0]) for film in films) + 1, np.int64)
    row_of[[int(film[0]) for film in films]] = np.arange(len(films))
    user, item, rating = _numbers(contents["ratings.tsv"]).T
    return cold_start(
        "ml-1m",
        catalogue,
        FIVE_STARS,
        group_by_user(user, row_of[item], rating),
        num_given=20,
        seed=seed,
        least=40,
        most=200,
        user_fields=tuple(
            Field.from_rows(name, [[person[place][:5]] for person in people])
            for place, name in enumerate(("gender", "age", "occupation", "zip code"), 1)
        ),
    )


def _rows(content: bytes) -> list[list[str]]:
    """Cells of the lines after the header."""
    return [line.split("\t") for line in content.decode("utf-8").rstrip("\n").split("\n")[1:]]


def _parts(cell: str) -> list[str]:
    """Values of a cell with bars."""
    return [part for part in cell.split("|") if part]


def _numbers(content: bytes) -> np.ndarray:
    """(rows, 3) int64 of the first three columns of a table with a header."""
    return np.loadtxt(io.BytesIO(content), np.int64, delimiter="\t", skiprows=1, usecols=(0, 1, 2))


SETS: Mapping[str, Callable[[], ColdStart]] = {
    "movietweetings": load_movietweetings,
    "lastfm": load_lastfm,
    "ml-1m": load_movielens_1m,
    "planted": planted,
}
