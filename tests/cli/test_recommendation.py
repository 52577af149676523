"""Recommendations by command are those of the page, with a small model made by hand."""

import csv

import pytest
from typer.testing import CliRunner

from core.cli import app
from core.errors import InputError
from core.serving.recommendation import Question, answer
from tests.serving import toy_ratings as toy

GIVEN = (("f03", 9.0), ("f08", 2.0), ("f14", 7.0))
WORDS = ("Film 03 (1973)=9", "film 08=2", "f14=7,0")


@pytest.fixture(autouse=True)
def _serve(tmp_path, monkeypatch):
    toy.serve_from(toy.write_artifact_at(tmp_path), monkeypatch)


def run(*words):
    return CliRunner().invoke(app, ["recommend", *map(str, words), "--model", toy.NAME])


def test_the_list_is_that_of_the_page():
    found = run(*WORDS, "--num", 5)
    assert found.exit_code == 0, found.output
    page = answer(Question(toy.NAME, GIVEN, length=5))
    lines = found.output.splitlines()
    for line, row in zip(lines[1:6], page.rows, strict=True):
        assert line.split()[:2] == [str(row.rank), f"{row.rating:.4f}"]
        assert row.title in line
        assert f"{row.low:.1f} to {row.high:.1f}" in line
    assert page.statement in lines
    assert page.coverage_note in lines


def test_nothing_given_is_answered_and_said():
    found = run("--num", 3)
    assert found.exit_code == 0, found.output
    assert "RC-E01" in found.output
    best = max(range(toy.NUM), key=lambda row: toy.BIAS[row])
    assert toy.TITLES[best] in found.output.splitlines()[1]


def test_filters_and_rated_items():
    found = run(*WORDS, "--rated", "--years", "1970-1973", "--kind", "Comedy", "--num", 24)
    titles = [line for line in found.output.splitlines() if line.split()[1:] and "Film" in line]
    comedies = [row for row in range(4) if 0 in (row % 4, (row // 4) % 4)]
    assert len(titles) == len(comedies)
    assert all(any(toy.TITLES[row] in line for line in titles) for row in comedies)


def test_an_item_is_explained_and_checked(tmp_path):
    file = tmp_path / "list.csv"
    page = answer(Question(toy.NAME, GIVEN))
    found = run(*WORDS, "--why", page.rows[0].title, "--csv", file)
    assert found.exit_code == 0, found.output
    assert "Film 08 (1978)=2" in found.output
    assert "with only this evidence" in found.output
    rows = list(csv.DictReader(file.open(encoding="utf-8", newline="")))
    assert [row["title"] for row in rows] == [row.title for row in page.rows]


def test_ratings_from_a_file_and_one_changed_by_hand(tmp_path):
    file = tmp_path / "own.csv"
    file.write_text("title,rating\nFilm 03,9\nFilm 08,2\nNo such film,5\n", encoding="utf-8")
    found = run("--file", file, "Film 08=8")
    assert found.exit_code == 0, found.output
    assert "No such film=5" in found.output
    page = answer(Question(toy.NAME, (("f03", 9.0), ("f08", 8.0))))
    assert f"{page.rows[0].rating:.4f}" in found.output
    missing = run("--file", tmp_path / "none.csv")
    assert "cannot be read" in str(missing.exception)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (("Flim 03 (1973)=9",), "RC-E02", 'Did you mean "Film 03 (1973)"'),
        (("Film 03 (1990)=9",), "RC-E02", "not in this catalogue"),
        (("Film 03",), "RC-E15", "does not end with = and a number"),
        (("Film 03=99",), "RC-E03", "99 is not between 1 and 10"),
        (("--years", "sixties"), "RC-E17", "not a year"),
    ],
)
def test_wrong_words_are_explained(words, code, text):
    found = run(*words)
    assert found.exit_code == 1
    assert isinstance(found.exception, InputError)
    assert found.exception.code == code
    assert text in str(found.exception)


def test_a_title_of_two_items_needs_its_year(tmp_path, monkeypatch):
    known = toy.knowledge()["catalogue"]
    titles = ["Twice (1970)", "Twice (1971)", *known["titles"][2:]]
    root = toy.write_artifact_at(tmp_path / "twice", catalogue=known | {"titles": titles})
    toy.serve_from(root, monkeypatch)
    found = run("Twice=9")
    assert found.exception.code == "RC-E16"
    assert "Twice (1971), Twice (1970)" in str(found.exception)
    assert run("Twice (1971)=9").exit_code == 0
