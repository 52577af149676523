"""Degree histograms: ranges that double, and their sentence."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from core.render.histogram import Bin, bin_degrees, describe_degrees


def test_ranges_double():
    assert bin_degrees([1, 1, 2, 3, 4, 4, 5, 8, 9, 16, 17]) == (
        Bin(1, 1, 2), Bin(2, 2, 1), Bin(3, 4, 3), Bin(5, 8, 2), Bin(9, 16, 2), Bin(17, 32, 1),
    )  # fmt: skip


def test_empty_ranges_between_are_kept_and_none_outside():
    assert bin_degrees([0, 3]) == (Bin(0, 0, 1), Bin(1, 1, 0), Bin(2, 2, 0), Bin(3, 4, 1))
    assert bin_degrees([7, 6]) == (Bin(5, 8, 2),)
    assert bin_degrees([]) == ()


def test_labels():
    assert [one.label for one in bin_degrees([1, 4, 1500])][:3] == ["1", "2", "3–4"]
    assert bin_degrees([1500])[0].label == "1,025–2,048"


def test_the_sentence():
    assert describe_degrees([1, 1, 2, 9]) == (
        "Half of the entities have 1 fact or fewer; the best connected has 9 facts."
    )
    assert describe_degrees([3, 1200, 2]) == (
        "Half of the entities have 3 facts or fewer; the best connected has 1,200 facts."
    )
    assert describe_degrees([]) == ""


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_every_entity_is_counted_once_in_the_range_of_its_degree(degrees):
    bins = bin_degrees(degrees)
    assert sum(one.count for one in bins) == len(degrees)
    for one in bins:
        assert one.count == sum(one.low <= degree <= one.high for degree in degrees)
    assert all(after.low == before.high + 1 for before, after in pairwise(bins))
