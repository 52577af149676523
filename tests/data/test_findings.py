import pytest

from core.data.findings import Finding, Repair, blocking_first, plural, with_repair
from core.errors import InputError

WARNING = Finding("XX-E01", "Odd", "3 rows are odd.", "They are left out.")
BLOCKING = Finding("XX-E02", "Wrong", "No rows.", "Add rows.", True, (Repair("add", "Add"),))


def test_a_finding_is_an_error_too():
    assert WARNING.text == "XX-E01 · Odd. 3 rows are odd. They are left out."
    assert isinstance(BLOCKING.error, InputError)
    assert BLOCKING.error.code == "XX-E02"
    assert blocking_first([WARNING, BLOCKING, WARNING]) == (BLOCKING, WARNING, WARNING)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("b", {"a", "b", "unit:m"}),
        ("a", {"unit:m"}),  # taken back
        ("unit:cm", {"a", "unit:cm"}),  # in place of the other unit
        ("unit:m", {"a"}),
        ("fill:x", {"a", "unit:m", "fill:x"}),
    ],
)
def test_repairs_are_added_replaced_and_taken_back(key, expected):
    assert with_repair(frozenset({"a", "unit:m"}), key, ("unit",)) == expected


def test_plurals():
    assert (plural(1, "row"), plural(1200, "row")) == ("1 row", "1,200 rows")
    assert plural(2, "entry", "entries") == "2 entries"
