import random
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.data.ratings.histories import (
    InteractionChoices,
    example_interactions_file,
    read_interactions,
)
from core.data.ratings.history_columns import ROLES, find_scale
from core.errors import InputError


def table(num_users=220, num_items=40, num_rated=16, header="user,item,rating", row=None):
    """A long table: user u rates the items u, u + 1, ... with (u + item) mod 5 + 1."""
    row = row or (lambda user, item, rating: f"u{user},i{item},{rating}")
    lines = [header] if header else []
    for user in range(num_users):
        for k in range(num_rated):
            item = (user + k) % num_items
            lines.append(row(user, item, (user + item) % 5 + 1))
    return lines


def read(lines, *roles):
    content = lines if isinstance(lines, bytes) else "\n".join(lines).encode()
    return read_interactions("own.csv", content, InteractionChoices(roles))


def roles(reading):
    return [column.role for column in reading.columns]


def text_of(reading, code):
    (text,) = [finding.text for finding in reading.findings if finding.code == code]
    return text


def test_long_table():
    reading = read(table())
    data = reading.data
    assert reading.findings == ()
    assert reading.summary == "3,520 ratings of 40 items by 220 users, on a scale from 1 to 5."
    assert (len(data.warm), len(data.valid), len(data.test)) == (154, 22, 44)
    assert {len(one.support) for one in data.test} == {10}
    assert {len(one.query) for one in data.test} == {6}
    assert (data.name, data.scale.low, data.scale.high, data.scale.step) == ("own", 1, 5, 1)
    for user, ratings in zip(data.warm_users, data.warm, strict=True):
        items = [int(data.catalogue.ids[row][1:]) for row in ratings.item]
        assert ratings.rating.tolist() == [(user + item) % 5 + 1 for item in items]


def test_users_with_ten_ratings_give_five():
    data = read(table(num_rated=10)).data
    assert {(len(one.support), len(one.query)) for one in data.test} == {(5, 5)}


@pytest.mark.parametrize(
    ("header", "row", "expected"),
    [
        ("", lambda u, i, r: f"u{u},i{i},{r}", ["user", "item", "rating"]),
        ("rating\tuserId\tmovieId", lambda u, i, r: f"{r}\tu{u}\ti{i}", ["rating", "user", "item"]),
        ("lab;method;score", lambda u, i, r: f"u{u};i{i};{r},0", ["user", "item", "rating"]),
        ("chef,dish,taste", lambda u, i, r: f"u{u},i{i},{r}", ["user", "item", "rating"]),
        (
            "user,item,rating,time,title,remark",
            lambda u, i, r: f"u{u},i{i},{r},{u * i},Title {i},x{u} {i}",
            ["user", "item", "rating", "time", "title", "ignore"],
        ),
        (
            "user,movie_id,movie_name,stars,genres,colour,user_age,home",
            lambda u, i, r: f"u{u},i{i},Film {i},{r},a|b{i % 2},c{i % 3},{u},h{u % 3}",
            ["user", "item", "title", "rating", "item field", "item field", "user field",
             "user field"],
        ),
    ],
)  # fmt: skip
def test_columns_are_recognised(header, row, expected):
    reading = read(table(header=header, row=row))
    assert roles(reading) == expected
    assert reading.data is not None
    assert len(reading.data.warm) == 154


def test_words_of_the_file():
    lines = table(header="Lab ID;method;score", row=lambda u, i, r: f"u{u};i{i};{r}")
    assert read(lines).words == {"user": "lab", "item": "method", "rating": "score"}
    assert read(table(header="")).words == {"user": "user", "item": "item", "rating": "rating"}


@pytest.mark.parametrize(
    ("name", "word"),
    [("Dose level", "dose level"), ("material_id", "material"), ("![x](//a.b/c)", "item"),
     ("<b>", "item"), ("3", "item"), ("x" * 31, "item")],
)  # fmt: skip
def test_only_words_are_words(name, word):
    found = read(table(header=f"user,{name},rating"), (1, "item")).words
    assert found["item"] == word


def test_wide_table():
    rng = random.Random(0)
    lines = ["name," + ",".join(f"Film {k}" for k in range(30))]
    truth = {}
    for user in range(210):
        cells = [rng.choice(["", "NA", "1", "2,5", "5"]) for _ in range(30)]
        truth[user] = sum(cell not in ("", "NA") for cell in cells)
        lines.append(f"p{user}," + ",".join(f'"{cell}"' for cell in cells))
    lines[4] = lines[4].replace('"1"', '"good"', 2)
    truth[3] -= 2
    reading = read(lines)
    assert text_of(reading, "UP-E09").startswith(
        "2 entries are not used. Row 5 has no number as rating in "
    )
    assert reading.wide
    assert roles(reading) == ["user"] + ["item with ratings"] * 30
    assert (reading.data.scale.low, reading.data.scale.high, reading.data.scale.step) == (1, 5, 0.5)
    assert reading.data.catalogue.titles == tuple(f"Film {k}" for k in range(30))
    assert sorted(map(len, reading.data.warm)) == sorted(
        truth[user] for user in reading.data.warm_users
    )


def test_too_few_users():
    reading = read(table(num_users=14))
    assert reading.data is None
    assert text_of(reading, "RC-E06") == ("14 users; at least 200 with 10 ratings each are needed.")
    lines = table(num_users=150) + table(num_users=90, num_rated=3, header="",
                                         row=lambda u, i, r: f"v{u},i{i},{r}")  # fmt: skip
    assert text_of(read(lines), "RC-E06") == (
        "150 of 240 users have 10 ratings or more; at least 200 with 10 ratings each are needed."
    )


def test_ratings_beyond_the_scale_and_rows_without_any():
    lines = table()
    lines[7] = "u0,i6,99"
    lines[26] = "u1,i8,good"
    lines[42] = "u2,,3"
    lines[60] = "u3,i11"
    reading = read(lines)
    assert text_of(reading, "RC-E03") == "99 is not between 1 and 5 (row 8). 1 row is left out."
    assert text_of(reading, "UP-E09") == (
        "3 entries are not used. Row 27 has no number as rating: u1 | i8 | good"
    )
    assert [one.line for one in reading.problems] == [27, 43, 61]
    assert reading.problems[1].problem == "has no item"
    assert (
        sum(map(len, reading.data.warm))
        + sum(len(one.support) + len(one.query) for one in reading.data.valid + reading.data.test)
        == 220 * 16 - 4
    )


def test_every_unusable_row_is_counted_once():
    lines = table() + [",,bad"] * 12_000
    reading = read(lines)
    assert text_of(reading, "UP-E09").startswith(
        "12,000 entries are not used. Row 3522 has no user"
    )
    assert len(reading.problems) == 10_000


def test_same_item_twice():
    lines = [*table(), "u0,i3,1", "u1,i3,5"]  # before: 4 and 5
    reading = read(lines)
    assert text_of(reading, "RC-E04") == (
        "Row 5 and row 3522 rate item i3 differently (4 and 1). The later one is kept."
    )
    row = reading.data.catalogue.ids.index("i3")
    everyone = {
        **dict(zip(reading.data.warm_users, reading.data.warm, strict=True)),
        **{one.user: one.support for one in reading.data.valid + reading.data.test},
    }
    ratings = everyone[0]
    if 0 in reading.data.warm_users or row in ratings.item:
        assert ratings.rating[ratings.item == row] == 1


def test_the_newer_of_two_ratings_counts():
    lines = table(header="user,item,rating,time", row=lambda u, i, r: f"u{u},i{i},{r},2020-01-02")
    reading = read([*lines, "u0,i3,1,2019-12-31"])
    assert text_of(reading, "RC-E04") == (
        "Row 5 and row 3522 rate item i3 differently (4 and 1). The newer one is kept."
    )
    assert 1 not in {
        float(one.rating[k])
        for user, one in zip(reading.data.warm_users, reading.data.warm, strict=True)
        for k in np.flatnonzero(one.item == reading.data.catalogue.ids.index("i3"))
        if user == 0
    }


def test_attributes():
    def row(user, item, rating):
        age = "unknown" if user < 3 else 20 + user % 50
        return f"u{user},i{item},{rating},A{item % 3}|B{item % 2},{1990 + item},{age},text {item}"

    reading = read(table(header="user,item,rating,genres,item_year,age,blurb", row=row))
    fields = {field.name: field for field in reading.data.catalogue.fields}
    assert list(fields) == ["genres", "year"]
    k = reading.data.catalogue.ids.index("i5")
    assert set(fields["genres"].of(k)) == {"A2", "B1"}
    assert fields["year"].of(k) == ("1995 to 1999",)
    assert len(fields["year"].values) == 8
    (age,) = reading.data.user_fields
    assert age.of(0) == ()
    assert age.of(3) == ("20 to 26",)
    assert text_of(reading, "RC-E08") == (
        '"age" contains "unknown" in 48 rows; they are treated as missing.'
    )
    assert text_of(reading, "RC-E20") == (
        '"blurb" is empty or differs for nearly every one; it is left out.'
    )


def test_contradicting_attributes():
    lines = table(header="user,item,rating,genre", row=lambda u, i, r: f"u{u},i{i},{r},g{i % 3}")
    lines[1] = "u0,i0,1,g2"
    reading = read(lines)
    assert text_of(reading, "RC-E24") == (
        '"genre" differs between rows of the same one in 1 case; the first value counts.'
    )
    (genre,) = reading.data.catalogue.fields
    assert genre.of(reading.data.catalogue.ids.index("i0")) == ("g2",)


def test_columns_that_cannot_be_told_are_chosen():
    lines = table(header="a,b,c", row=lambda u, i, r: f"x{u}-{i},{r},{r}")
    reading = read(lines)
    assert reading.data is None
    assert text_of(reading, "UP-E04") == (
        "I need the columns user, item, rating; I found a, b, c. Choose which is which below."
    )
    lines = table(header="rating,user,item")  # names that mislead
    chosen = read(lines, (0, "user"), (1, "item"), (2, "rating"))
    assert roles(chosen) == ["user", "item", "rating"]
    assert len(chosen.data.catalogue) == 40
    twice = read(lines, (0, "user"), (1, "user"), (2, "rating"))
    assert text_of(twice, "UP-E04") == (
        "Two columns are taken for the user. Choose which is which below."
    )


def test_equal_ratings_teach_nothing():
    reading = read(table(row=lambda u, i, _: f"u{u},i{i},4"))
    assert reading.data is None
    assert text_of(reading, "RC-E05") == "All 3,520 ratings are 4; nothing can be learnt."
    nothing = read(table(header="user,item,rating", row=lambda u, i, _: f"u{u},i{i},bad"))
    assert text_of(nothing, "RC-E06").startswith("No row holds a rating; at least 200")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 1, 1], (0, 1, 1)),
        ([-1, 1], (-1, 1, 1)),
        ([1, 2, 5], (1, 5, 1)),
        ([2, 4, 5], (1, 5, 1)),
        ([0.5, 4, 5], (0.5, 5, 0.5)),
        ([0, 3, 5], (0, 5, 1)),
        ([1, 7], (1, 7, 1)),
        ([2.5, 10], (1, 10, 0.5)),
        ([0, 8, 10], (0, 10, 1)),
        ([0, 55.5, 100], (0, 100, 0.5)),
        ([0.37, 0.9], (0.37, 0.9, 0)),
        ([3, 14], (3, 14, 1)),
        ([1.1, 5], (1, 5, 0.1)),
        ([1, 2, 5] * 100 + [99], (1, 5, 1)),
    ],
)
def test_scale_is_found(values, expected):
    scale = find_scale(np.array(values, float))
    assert (scale.low, scale.high, scale.step) == expected
    assert find_scale(np.array(values[:1], float)) is None


def test_choices_survive_json():
    choices = InteractionChoices(((0, "user"), (3, "item field")))
    assert InteractionChoices.from_json(choices.to_json()) == choices


def test_example_file_is_valid():
    reading = read_interactions(*example_interactions_file())
    assert reading.findings == ()
    assert [field.name for field in reading.data.catalogue.fields] == ["trait 1", "trait 2"]
    assert len(reading.data.warm) == 168


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "UP-E05"),
        (b"PK\x03\x04xl/workbook", "UP-E02"),
        (b'[{"user": 5}]', "UP-E02"),
        (b"a,b,1\n" * 500_002, "UP-E06"),
        ((b"1," * 900 + b"1\n") * 6_000, "UP-E06"),
        (b"1," * 1_500 + b"1\n", "UP-E02"),
        (b"\x80\x04 pickle", "UP-E07"),
        (b"user,item,rating\na,b\nc,d,e,f\n", "UP-E09"),
    ],
)
def test_files_that_are_refused(content, code):
    with pytest.raises(InputError) as caught:
        read(content)
    assert caught.value.code == code


def test_fifty_thousand_rows_in_two_seconds():
    def row(user, item, rating):
        day = f"2020-01-{item % 28 + 1:02d}"
        return f"u{user},i{item},{rating},{day},{user % 60},g{item % 7}|h{item % 3},x{user * item}"

    lines = table(1000, 500, 50, "user,item,rating,date,user_age,genres,remark", row)
    content = "\n".join(lines).encode()
    start = time.process_time()
    reading = read(content)
    assert time.process_time() - start < 2
    assert len(reading.data.warm) == 700


CELLS = (
    "u1",
    "u2",
    "5",
    "4,5",
    "1e9",
    "9" * 400,
    "-1",
    "",
    "NA",
    "★★",
    "user",
    "item",
    "rating",
    "|",
)


@settings(max_examples=100, deadline=None)
@given(
    st.binary(max_size=200)
    | st.lists(
        st.lists(st.text(max_size=8) | st.sampled_from(CELLS), min_size=1, max_size=8), max_size=12
    ).map(lambda rows: "\n".join(";".join(row) for row in rows).encode("utf-8", "ignore")),
    st.lists(st.tuples(st.integers(-1, 8), st.sampled_from(ROLES)), max_size=4),
)
def test_hostile_bytes_are_read_or_refused(content, chosen):
    try:
        reading = read(content, *chosen)
    except InputError:
        return
    assert reading.data is None  # never 200 users
    assert reading.findings
    for finding in reading.findings:
        assert finding.text.encode("utf-8")
    assert all(column.role in ROLES for column in reading.columns)


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_hostile_cells_among_valid_rows(seed):
    rng = random.Random(seed)
    odd = ["", "NA", "99", "=cmd()", "<b>", "\u202e", "9" * 30, "-", "a|b|c", "0x1", "nan", "inf"]
    lines = table(header="user,item,rating,time,title,genres,user_age",
                  row=lambda u, i, r: f"u{u},i{i},{r},{u},T{i},a|b{i % 3},{u % 20}")  # fmt: skip
    for _ in range(60):
        row = rng.randrange(1, len(lines))
        cells = lines[row].split(",")
        cells[rng.randrange(len(cells))] = rng.choice(odd)
        lines[row] = ",".join(cells)
    reading = read(lines)
    assert reading.data is not None
    assert (reading.data.scale.low, reading.data.scale.high) == (1, 5)
    assert all(title.strip() for title in reading.data.catalogue.titles)
