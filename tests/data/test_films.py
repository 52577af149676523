"""The curated films: plausible facts, unique names, and known to the public ratings."""

from collections import Counter

import numpy as np
import pytest

from core.data.films import (
    load_films,
    load_rows,
    match_films,
    normal_title,
    other_titles,
    title_and_year,
)
from core.data.ratings.sets import load_movietweetings
from core.knowledge.ratings import MISSING, Catalogue
from core.settings import settings

GENRES = {
    "Action", "Adventure", "Animation", "Biography", "Comedy", "Crime", "Documentary", "Drama",
    "Family", "Fantasy", "History", "Horror", "Music", "Mystery", "Romance", "Science fiction",
    "Sport", "Thriller", "War", "Western",
}  # fmt: skip


def test_every_film_has_plausible_facts():
    films = load_rows()
    for film in films:
        assert 1900 < film.year < 2014, film
        assert 1 <= len(film.genres) <= 3, film
        assert set(film.genres) <= GENRES, film
        assert len(set(film.genres)) == len(film.genres), film
        assert all(name and name == name.strip() for name in (film.title, *film.directors)), film
        assert all(" " in name for name in film.directors if name != "Banksy"), film
        assert normal_title(film.other_title) != normal_title(film.title), film
    assert list(films) == sorted(films, key=lambda film: (film.year, film.title.casefold()))


def test_no_film_twice():
    titles = Counter(
        (normal_title(title), film.year)
        for film in load_rows()
        for title in {film.title, film.other_title} - {""}
    )
    assert not [title for title, count in titles.items() if count > 1]


def test_wide_in_decades_countries_and_genres():
    films = load_rows()
    assert len(films) >= 320
    decades = Counter(film.year // 10 for film in films)
    assert all(decades[decade] >= 4 for decade in range(192, 202))
    assert max(decades.values()) < len(films) / 2
    genres = Counter(genre for film in films for genre in film.genres)
    assert set(genres) == GENRES
    assert min(genres.values()) >= 8
    foreign = {"Akira Kurosawa", "Ingmar Bergman", "Sergio Leone", "Hayao Miyazaki", "Bong Joon-ho"}
    assert foreign <= {name for film in films for name in film.directors}


@pytest.mark.parametrize(
    ("id", "directors", "genre"),
    [
        ("alien-1979", ("Ridley Scott",), "Science fiction"),
        ("seven-samurai-1954", ("Akira Kurosawa",), "Adventure"),
        ("the-matrix-1999", ("Lana Wachowski", "Lilly Wachowski"), "Action"),
        ("a-separation-2011", ("Asghar Farhadi",), "Drama"),
    ],
)
def test_catalogue_reads_back_known_facts(id, directors, genre):
    films = load_films()
    row = films.ids.index(id)
    genres, decade, director = films.fields
    assert films.titles[row].endswith(f"({id[-4:]})")
    assert set(director.of(row)) == set(directors)
    assert genre in genres.of(row)
    assert decade.of(row) == (f"{id[-4:-1]}0s",)


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Matrix, The", "the matrix"),
        ("Amélie", "amelie"),
        ("WALL·E", "wall e"),
        ("Harold & Maude", "harold and maude"),
        ("Schindler’s List", "schindlers list"),
        ("Сталкер", "сталкер"),
        ("...", ""),
    ],
)
def test_normal_title(text, normal):
    assert normal_title(text) == normal


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Alien (1979)", ("Alien", 1979)),
        ("2001: A Space Odyssey", ("2001: A Space Odyssey", None)),
        (" Alien  (79) ", ("Alien  (79)", None)),
    ],
)
def test_title_and_year(text, parts):
    assert title_and_year(text) == parts


def test_match_by_either_title_and_nearest_year():
    catalogue = Catalogue(
        tuple("abcdef"),
        ("Alien (1985)", "Shichinin no samurai (1955)", "Matrix, The (1998)", "Matrix, The (1999)",
         "Gladiator", "Seven (1995)"),
    )  # fmt: skip
    rows = dict(zip(load_films().ids, match_films(catalogue).tolist(), strict=True))
    assert {id: row for id, row in rows.items() if row != MISSING} == {
        "seven-samurai-1954": 1, "the-matrix-1999": 3, "seven-1995": 5,
    }  # fmt: skip


def test_users_of_movietweetings_rated_the_films():
    mirror = settings().mirror
    if mirror is None or not (mirror / "recommendation").is_dir():
        pytest.skip("the mirror folder with the tables of ratings is not here")
    rows = match_films(load_movietweetings().catalogue)
    found = rows[rows != MISSING]
    assert len(found) >= 0.95 * len(rows)
    assert len(found) >= 300
    assert len(np.unique(found)) == len(found)


def test_second_titles():
    assert other_titles()["spirited-away-2001"] == ("Sen to Chihiro no kamikakushi",)
    assert "alien-1979" not in other_titles()
