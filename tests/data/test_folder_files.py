import gzip
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as options
from hypothesis import strategies as st

from core.data import folder_files
from core.data.folder_files import read_cells, read_integers, read_names, read_text
from core.errors import InputError


def write(folder, content, name="a.txt"):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def refusal(read, *arguments):
    with pytest.raises(InputError) as caught:
        read(*arguments)
    return str(caught.value)


# --- numbers


def test_numbers_with_any_blanks(tmp_path):
    path = write(tmp_path, "1 2 3\n4\t5 6 \r\n 7  8 9\n\n")
    assert read_integers(path, 3).tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 9]]


def test_no_numbers(tmp_path):
    assert read_integers(write(tmp_path, " \n"), 3).shape == (0, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1 2 3\n1 2\n1 2 3 4\n", 'line 2: "1 2" is not 3 whole numbers (2 such lines)'),
        ("1 2 3\n\n1 2 3\n", 'line 2: "" is not 3 whole numbers.'),
        ("1 2 -3\n", 'line 1: "1 2 -3" is not 3'),
        ("1 2 3.0\n", 'line 1: "1 2 3.0" is not 3'),
        ("1 2 x\n", 'line 1: "1 2 x" is not 3'),
        ("1 2 9999999999999999999\n", "line 1"),
        ("1\u00a02 3\n", "line 1"),
        ("1 2 ٣\n", "line 1"),
    ],
)
def test_lines_that_are_no_row_are_named(tmp_path, text, words):
    message = refusal(read_integers, write(tmp_path, text), 3)
    assert message.startswith("UP-E09 · Row does not fit. a.txt, ")
    assert words in message


@given(st.text(alphabet="01 9\t\n\r\x00\x0b\x1c\u2028\u0663x-.", max_size=40))
@options(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_text_is_read_right_or_refused(tmp_path, text):
    path = write(tmp_path, text)
    try:
        table, code = read_integers(path, 2).tolist(), ""
    except InputError as error:
        table, code = [], error.code
    assert code in ("", "UP-E02", "UP-E09")
    if code:
        return
    expected = [[int(cell) for cell in line.split()] for line in text.split("\n") if line.split()]
    assert table == expected


def test_too_many_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_files, "MAX_ROWS", 2)
    message = refusal(read_integers, write(tmp_path, "1 2\n3 4\n5 6\n"), 2)
    assert message.startswith('UP-E06 · Too many rows. "a.txt": 3 rows; the limit is 2.')


# --- text


def test_gzip_is_unpacked_only_as_far_as_allowed(tmp_path, monkeypatch):
    path = write(tmp_path, gzip.compress(b"abc"), "a.txt.gz")
    assert read_text(path) == "abc"
    monkeypatch.setattr(folder_files, "MAX_BYTES", 1000)
    assert "UP-E01" in refusal(read_text, write(tmp_path, gzip.compress(b"x" * 9999), "b.gz"))
    assert "UP-E02" in refusal(read_text, write(tmp_path, gzip.compress(b"abc")[:-4], "c.gz"))
    assert "UP-E02" in refusal(read_text, write(tmp_path, b"abc", "d.gz"))


@pytest.mark.parametrize("name", ["a.pkl", "a.PKL", "a.pt", "a.npy", "a.txt"])
def test_pickled_files_are_never_opened(tmp_path, name):
    content = b"\x80\x04\x95\x15\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x8c\x06system\x93."
    message = refusal(read_text, write(tmp_path, content, name))
    assert message == (
        "UP-E07 · This kind of file is refused. Model and Python files (.pkl, .pt, .npy with "
        "objects) can run code and are never opened. Export a table instead."
    )


def test_missing_binary_and_foreign_text(tmp_path):
    message = refusal(read_text, tmp_path / "x.txt")
    assert message.startswith('UP-E08 · File missing. "x.txt" is not in "')
    assert "an SQLite database" in refusal(read_text, write(tmp_path, b"SQLite format 3\x00"))
    assert "first problem in line 2" in refusal(read_text, write(tmp_path, b"a\n\xe9"))


# --- tables and JSON


def test_cells(tmp_path):
    columns = ("id", "name")
    path = write(tmp_path, "id\tname\n1\ta b\n2\tc\n")
    assert read_cells(path, columns) == [("1", "a b"), ("2", "c")]
    message = refusal(read_cells, write(tmp_path, "id\ttitle\n1\ta\n"), columns)
    assert "I need the columns id, name; I found id\ttitle." in message
    assert "line 3: 2 cells" in refusal(read_cells, write(tmp_path, "id\tname\n1\ta\n2\n"), columns)
    assert "UP-E05" in refusal(read_cells, write(tmp_path, "id\tname\n"), columns)


def test_names_by_number_in_either_direction(tmp_path):
    for value in ({"a": 0, "b": 1}, {"0": "a", "1": "b"}):
        path = write(tmp_path, json.dumps(value), "n.json")
        assert read_names(path) == {0: "a", 1: "b"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 0, "b": 0}', '"0" has two names'),
        ('{"a": "x"}', "is no number"),
        ("[1]", "JSON that is no object"),
        ("{", "no JSON that can be read"),
        ("[" * 100_000, "no JSON that can be read"),
    ],
)
def test_json_that_gives_no_names(tmp_path, text, words):
    assert words in refusal(read_names, write(tmp_path, text, "n.json"))


def test_numbers_are_64_bit(tmp_path):
    table = read_integers(write(tmp_path, "999999999999999999 0"), 2)
    assert table.dtype == np.int64
    assert table[0, 0] == 999999999999999999
