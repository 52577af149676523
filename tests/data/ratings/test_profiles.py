import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.ratings.profiles import ProfileChoices, example_profile_file, read_profile
from core.errors import InputError
from core.knowledge.ratings import Catalogue, Scale

FILMS = ("Alien (1979)", "Titanic (1997)", "Heat (1995)", "Memento (2000)", "Stalker (1979)",
         "The Thing (1982)", "The Thing (2011)", "The Good, the Bad and the Ugly (1966)",
         "Solaris (1972)", "Blade Runner (1982)")  # fmt: skip
CATALOGUE = Catalogue(tuple(f"f{k}" for k in range(len(FILMS))), FILMS)
CELLS = (*FILMS, "5", "0", "1e9", "9" * 400, "★★", "")
TEN, STARS = Scale(0, 10), Scale(1, 5)


def read(text, scale=STARS, **choices):
    content = text if isinstance(text, bytes) else text.encode()
    return read_profile("own.csv", content, CATALOGUE, scale, ProfileChoices(**choices))


def codes(reading):
    return [finding.code for finding in reading.findings]


def text_of(reading, code):
    (text,) = [finding.text for finding in reading.findings if finding.code == code]
    return text


@pytest.mark.parametrize(
    "text",
    [
        "title,rating\nAlien,5\nHeat (1995),2\n",
        "\ufefftitle;rating\r\nAlien;5\r\nHeat;2\r\n",
        "rating\ttitle\n5\tAlien\n2\tHeat\n",
        "Alien,5\nHeat,2",
        '"title","rating"\n"Alien","5"\n"Heat","2"\n',
        "item,rating\nf0,5\nf2,2\n",
        "Name,Year,My Rating\nAlien,1979,★★★★★\nHeat,1995,★★☆☆☆\n",
        "film;rating\nAlien;5/5\nHeat;2 stars\n",
    ],
)
def test_files_in_many_forms(text):
    reading = read(text)
    assert reading.given == (("f0", 5.0), ("f2", 2.0))
    assert reading.summary == "2 of 2 rows give a rating."
    assert reading.findings == ()


def test_titles_with_commas_in_a_file_with_semicolons():
    reading = read("title;rating\nThe Good, the Bad and the Ugly;4,5\nGood, the Bad and the Ugly, "
                   "The;3\nSolaris;2\n", Scale(0.5, 5, 0.5))  # fmt: skip
    assert reading.given == (("f7", 3.0), ("f8", 2.0))
    assert text_of(reading, "RC-E04") == (
        "Row 2 and row 3 rate The Good, the Bad and the Ugly (1966) differently (4,5 and 3). The "
        "later one is kept."
    )


def test_titles_with_commas_that_nobody_quoted():
    reading = read(
        "title,rating\nAlien,4\nGood, the Bad and the Ugly, The,5\nHeat,3\nSolaris,4,5\n"
    )
    assert reading.given == (("f0", 4.0), ("f7", 5.0), ("f2", 3.0))
    assert reading.rows[-1].problem.text == "It has 3 columns; the others have 2."  # 4,5 or 4 and 5


def test_unknown_item():
    reading = read("title,rating\nAlein,5\nXyzzy,2\nAlien,3\n")
    first, second, _ = reading.rows
    assert (first.status, first.item, first.used) == ("unknown", "", False)
    assert first.problem.text == '"Alein" – did you mean "Alien (1979)"?'
    assert first.alternatives[0] == ("f0", "Alien (1979)")
    assert second.problem.text == '"Xyzzy" is not in this catalogue.'
    assert text_of(reading, "RC-E02").startswith("2 rows are not in this catalogue and not used: ")
    assert reading.given == (("f0", 3.0),)
    assert reading.summary == "1 of 3 rows give a rating; 2 are not used."


def test_rating_outside_the_scale_and_no_rating():
    rows = "".join(f"{title},{k % 5 + 1}\n" for k, title in enumerate(FILMS[:5]))
    reading = read("title,rating\n" + rows + "Solaris,good\nBlade Runner,11\nThe Thing (2011),\n")
    refused = {row.line: row.problem for row in reading.rows if row.status == "refused"}
    assert refused[8].text == "11 is not between 1 and 5 (row 8)."
    assert refused[8].code == "RC-E03"
    assert refused[7].text == '"good" is no number (row 7).'
    assert refused[9].text == "nothing is no number (row 9)."
    assert refused[9].code == "RC-E18"
    assert text_of(reading, "RC-E03") == (
        "1 row has a rating outside the scale: 11 is not between 1 and 5 (row 8)."
    )
    assert len(reading.given) == 5


def test_same_item_twice():
    text = "title,rating\nHeat,5\nAlien,3\nHEAT,2\nStalker,4\nstalker (1979),4\n"
    later, first = read(text), read(text, keep="first")
    assert dict(later.given) == {"f2": 2.0, "f0": 3.0, "f4": 4.0}
    assert dict(first.given) == {"f2": 5.0, "f0": 3.0, "f4": 4.0}
    assert text_of(later, "RC-E04") == (
        "Row 2 and row 4 rate Heat (1995) differently (5 and 2). The later one is kept."
    )
    assert text_of(first, "RC-E04").endswith("The first one is kept.")
    alike = next(row for row in later.rows if row.line == 5)
    assert alike.problem.text == "Row 5 and row 6 rate Stalker (1979) alike."


def test_times_decide_what_is_newest():
    reading = read("title,rating,date\nHeat,5,2013-04-02\nAlien,3,2013-01-09\nheat,1,2012-12-31\n")
    assert reading.given == (("f0", 3.0), ("f2", 5.0))


def test_equal_ratings_and_more_than_a_new_user_has():
    reading = read("title,rating\nHeat,5\nAlien,5\nStalker,5\n")
    assert text_of(reading, "RC-E05") == (
        "I cannot learn a preference from 3 identical ratings; the list will be by popularity and "
        "marked so."
    )
    assert codes(read("title,rating\nHeat,5\nAlien,5\n")) == []
    many = Catalogue(tuple(map(str, range(30))), tuple(f"Film {k} (2000)" for k in range(30)))
    text = "".join(f"{title},{k % 5 + 1}\n" for k, title in enumerate(many.titles))
    reading = read_profile("x.csv", text.encode(), many, STARS)
    assert len(reading.given) == 30
    assert text_of(reading, "RC-E07") == (
        "This user has 30 ratings; I use the 20 newest. Change this under Options."
    )


@pytest.mark.parametrize(
    ("ratings", "scale", "conversion", "given"),
    [
        ((5, 1, 3), TEN, "1-5", (10, 2, 6)),
        ((4.5, 0.5, 2), TEN, "0.5-5", (9, 1, 4)),
        ((5, 0, 3), TEN, "0-5", (10, 0, 6)),
        ((1, 0, 1), TEN, "0-1", (9, 3, 9)),
        ((1, -1, 1), STARS, "-1-1", (5, 2, 5)),
        ((9, 1, 7), STARS, "1-10", (5, 1, 4)),
        ((9, 0, 7), STARS, "0-10", (5, 1, 4)),
        ((95, 10, 50), STARS, "0-100", (5, 1, 3)),
        ((8, 3, 10), TEN, "same", (8, 3, 10)),
        ((4, 1, 5), STARS, "same", (4, 1, 5)),
        ((1, 1, 1), STARS, "same", (1, 1, 1)),
        ((1, 2, 1), TEN, "same", (1, 2, 1)),
    ],
)
def test_scale_of_the_file(ratings, scale, conversion, given):
    text = "".join(f"{title};{x}\n" for title, x in zip(FILMS, ratings, strict=False))
    reading = read(text, scale)
    assert reading.conversion == conversion
    assert tuple(rating for _, rating in reading.given) == given
    assert ("RC-E19" in codes(reading)) == (conversion != "same")
    assert reading.conversion in reading.conversions


def test_the_person_may_choose_another_scale():
    text = "Alien;5\nHeat;1\nStalker;3\n"
    guessed, chosen = read(text, TEN), read(text, TEN, conversion="same")
    assert text_of(guessed, "RC-E19") == (
        "The ratings lie between 1 and 5; they are read as 1 to 5, times 2. Choose another reading "
        "if that is wrong."
    )
    assert chosen.given == (("f0", 5.0), ("f2", 1.0), ("f4", 3.0))
    assert chosen.findings == ()
    assert read(text, TEN, conversion="0-1").conversion == "1-5"  # none of those on offer


def test_the_person_may_choose_items():
    text = "title,rating\nThe Thing,5\nAlein,2\nHeat,1\n"
    before = read(text)
    assert [row.status for row in before.rows] == ["unsure", "unknown", "ok"]
    assert before.rows[0].title == "The Thing (2011)"
    assert before.summary == "2 of 3 rows give a rating; 1 of them to be checked; 1 is not used."
    after = read(text, items=((2, "f5"), (3, "f0"), (4, "")))
    assert after.given == (("f5", 5.0), ("f0", 2.0))
    assert [row.status for row in after.rows] == ["chosen", "chosen", "left out"]
    assert ("f6", "The Thing (2011)") in after.rows[0].alternatives


def test_columns_that_cannot_be_told():
    text = "what,how,why\nAlien,a,b\nHeat,c,d\n"
    reading = read(text)
    assert text_of(reading, "UP-E04") == (
        "I need the columns item, rating; I found what, how, why. Choose which is which below."
    )
    assert (reading.given, reading.columns) == ((), ("what", "how", "why"))
    assert reading.conversion in reading.conversions
    chosen = read("a,b,c\n3,Alien,4\n9,Heat,5\n", columns=(("item", 1), ("rating", 2)))
    assert chosen.given == (("f0", 4.0), ("f2", 5.0))


def test_ragged_rows_are_reported():
    reading = read("title,rating\nAlien,5\nHeat\nStalker,2\n")
    assert [row.line for row in reading.rows] == [2, 3, 4]
    assert reading.rows[1].problem.text == "It has 1 column; the others have 2."
    assert len(reading.given) == 2


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UP-E05"),
        (b"title,rating\n", "UP-E05"),
        (b"PK\x03\x04xl/workbook", "UP-E02"),
        (b'{"title": 5}', "UP-E02"),
        (b"<html></html>", "UP-E02"),
        ("title,rating\nAmélie,5".encode("latin-1"), "UP-E03"),
        (b"a,1\n" * 6000, "UP-E06"),
        (b",".join([b"1"] * 1300) + b"\n", "UP-E02"),
        (b"\x93NUMPY", "UP-E07"),
        (b"x" * (21 * 2**20), "UP-E01"),
    ],
)
def test_files_that_are_refused(content, code):
    with pytest.raises(InputError) as caught:
        read(content)
    assert caught.value.code == code


@pytest.mark.parametrize("scale", [TEN, STARS, Scale(0, 1), Scale(0, 10, 0)])
def test_example_file_is_valid(scale):
    name, content = example_profile_file(CATALOGUE, scale)
    reading = read_profile(name, content, CATALOGUE, scale)
    assert len(reading.given) == 6
    assert {row.status for row in reading.rows} == {"ok"}
    assert reading.conversion == "same"
    assert reading.findings == ()


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.lists(st.text(max_size=12) | st.sampled_from(CELLS), min_size=1, max_size=4),
            max_size=8,
        ).map(lambda rows: "\n".join(",".join(row) for row in rows).encode("utf-8", "ignore")),
    ),
    st.sampled_from(["later", "first"]),
)  # fmt: skip
def test_hostile_bytes_are_read_or_refused(content, keep):
    try:
        reading = read(content, TEN, keep=keep)
    except InputError:
        return
    assert all(TEN.contains(rating) and item in CATALOGUE.ids for item, rating in reading.given)
    assert len(dict(reading.given)) == len(reading.given)
    assert sum(row.used for row in reading.rows) == len(reading.given)
    assert reading.conversion in reading.conversions
    assert reading.summary.encode("utf-8")
