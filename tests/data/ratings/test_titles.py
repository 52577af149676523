import time

import pytest

from core.data.films import load_films
from core.data.ratings.titles import ACCEPTED, SURE, TitleIndex, match_titles
from core.knowledge.ratings import Catalogue

FILMS = (
    "Alien (1979)", "Aliens (1986)", "The Matrix (1999)", "Amélie (2001)", "Toy Story 2 (1999)",
    "The Thing (1982)", "The Thing (2011)", "Star Wars: Episode IV - A New Hope (1977)",
    "Star Wars: Episode V - The Empire Strikes Back (1980)", "2001: A Space Odyssey (1968)",
    "Blade Runner 2049 (2017)", "Borat: Cultural Learnings (2006)", "Heat (1995)", "!!!",
    "Rocky II (1979)", "Spirited Away (2001)",
)  # fmt: skip
CATALOGUE = Catalogue(tuple(f"f{k}" for k in range(len(FILMS))), FILMS)
INDEX = TitleIndex(CATALOGUE, {"f15": ["Sen to Chihiro no kamikakushi"]})


def found(text):
    (match,) = match_titles([text], INDEX)
    return match, None if match.row is None else FILMS[match.row]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("Alien (1979)", "Alien (1979)"),
        ("alien", "Alien (1979)"),
        ("  ALIEN ", "Alien (1979)"),
        ("Alien, 1979", "Alien (1979)"),
        ("Alien [1979]", "Alien (1979)"),
        ("Alien (1980)", "Alien (1979)"),  # lists differ by a year
        ("f0", "Alien (1979)"),
        ("Matrix, The", "The Matrix (1999)"),
        ("Amelie", "Amélie (2001)"),
        ("Ame\u0301lie", "Amélie (2001)"),
        ("2001: A Space Odyssey", "2001: A Space Odyssey (1968)"),
        ("2001 a space odyssey 1968", "2001: A Space Odyssey (1968)"),
        ("Blade Runner 2049", "Blade Runner 2049 (2017)"),
        ("The Thing (2011)", "The Thing (2011)"),
        ("the thing 1982", "The Thing (1982)"),
        ("!!!", "!!!"),
        ("Sen to Chihiro no Kamikakushi", "Spirited Away (2001)"),
    ],
)
def test_the_same_title_in_other_spellings(text, title):
    match, matched = found(text)
    assert matched == title
    assert match.score >= SURE


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("The Thing", "The Thing (2011)"),  # two of them: the newest, to be checked
        ("The Thing (1951)", "The Thing (1982)"),  # none of that year
        ("The Matrixx", "The Matrix (1999)"),
        ("Borat", "Borat: Cultural Learnings (2006)"),  # the beginning of one title only
    ],
)
def test_likely_titles_are_used_but_to_be_checked(text, title):
    match, matched = found(text)
    assert matched == title
    assert ACCEPTED <= match.score < SURE


@pytest.mark.parametrize(
    ("text", "suggestion"),
    [
        ("Alein", "Alien (1979)"),
        ("Toy Story 3", "Toy Story 2 (1999)"),  # another number is another film
        ("Rocky III", "Rocky II (1979)"),
        ("Star Wars", "Star Wars: Episode IV - A New Hope (1977)"),  # several begin like this
        ("The Matrix Revolutions (2003)", "The Matrix (1999)"),
    ],
)
def test_similar_titles_are_suggested_only(text, suggestion):
    match, _ = found(text)
    assert match.row is None
    assert FILMS[match.alternatives[0]] == suggestion


@pytest.mark.parametrize("text", ["", "  ", "???", "qqqqqqqq", "\x00", "(1979)", "🎬" * 300])
def test_nothing_alike(text):
    match, _ = found(text)
    assert (match.row, match.alternatives) == (None, ())


def test_every_film_is_found_by_its_own_title():
    films = load_films()
    matches = match_titles(films.titles, TitleIndex(films))
    assert [match.row for match in matches] == list(range(len(films)))
    assert {match.score for match in matches} == {1.0}


def test_many_unknown_titles_take_bounded_time():
    films = load_films()
    texts = [f"{title[:-7]}x {k}" for k in range(4) for title in films.titles]
    start = time.process_time()
    matches = match_titles(texts, TitleIndex(films), most_similar=300)
    assert time.process_time() - start < 2
    assert len(matches) == len(texts)
    assert all(match.row is None and not match.alternatives for match in matches[300:])
