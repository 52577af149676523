import numpy as np
import pytest

from core.data.ratings import sets
from core.errors import DataError


def test_unknown_set():
    with pytest.raises(DataError, match=r"not one of these sets of ratings: movietweetings, "):
        sets.load("netflix")


@pytest.mark.usefixtures("files")
def test_movietweetings_core():
    data = sets.load("movietweetings")
    assert len(data.catalogue) == 1909
    assert len(data.warm) == 982
    assert (len(data.valid), len(data.test)) == (141, 281)
    num = sum(map(len, data.warm)) + sum(
        len(episode.support) + len(episode.query) for episode in data.valid + data.test
    )
    assert num == 42_189
    assert {len(episode.support) for episode in data.test} == {10}
    genre, decade, director = data.catalogue.fields
    row = data.catalogue.titles.index("Iron Man 3 (2013)")
    assert data.catalogue.ids[row] == "1300854"
    assert set(genre.of(row)) == {"Action", "Sci-Fi", "Thriller"}
    assert decade.of(row) == ("2010s",)
    assert "Adult" not in genre.values
    films = {title: row for row, title in enumerate(data.catalogue.titles)}
    assert director.of(films["Alien (1979)"]) == ("Ridley Scott",)
    assert len(director.of(films["The Matrix (1999)"])) == 2
    assert 500 <= sum(bool(director.of(row)) for row in range(1909)) <= 600  # films.csv only
    all_ratings = np.concatenate([ratings.rating for ratings in data.warm])
    assert (all_ratings.min(), all_ratings.max()) == (0, 10)


@pytest.mark.usefixtures("files")
def test_lastfm_has_the_released_episodes():
    data = sets.load("lastfm")
    parts = (data.train, data.valid, data.test)
    assert [len(part) for part in parts] == [248, 35, 66]
    assert [sum(len(one.query) for one in part) for part in parts] == [3544, 502, 939]
    assert {len(one.support) for part in parts for one in part} == {20}
    assert len(data.warm) == 1310
    assert len(data.catalogue) == 3846
    seen = np.concatenate([ratings.item for ratings in data.warm])
    asked = np.concatenate([one.query.item for one in data.test])
    assert np.isin(asked, seen).all()
    # the constant 0.5 is off by a half everywhere
    truth = np.concatenate([one.query.rating for one in data.test])
    assert set(truth.tolist()) == {0, 1}


@pytest.mark.slow
@pytest.mark.usefixtures("files")
def test_movielens_1m():
    data = sets.load("ml-1m")
    assert len(data.warm) == 4228
    assert (len(data.valid), len(data.test)) == (316, 597)
    sizes = {field.name: len(field.values) for field in data.catalogue.fields + data.user_fields}
    assert sizes == {
        "certificate": 6, "genre": 25, "director": 2186, "actor": 7978,
        "gender": 2, "age": 7, "occupation": 21, "zip code": 3402,
    }  # fmt: skip
    assert all(40 <= 20 + len(one.query) <= 200 for one in data.valid + data.test)
    row = data.catalogue.titles.index("Toy Story (1995)")
    assert data.catalogue.fields[2].of(row) == ("John Lasseter",)
    users = set(data.warm_users) | {one.user for one in data.valid + data.test}
    assert len(users) == 4228 + 316 + 597
