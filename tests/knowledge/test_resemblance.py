import numpy as np
import pytest

from core.knowledge.ratings import Field
from core.knowledge.resemblance import resemblance


def test_shared_values_count_by_their_share_of_both_sets():
    genre = Field.from_rows("genre", [["a", "b"], ["b", "c", "d"], [], ["a", "b"]])
    director = Field.from_rows("director", [["x"], ["x"], ["y"], []])
    first, rest = np.array([0]), np.array([1, 2, 3])
    found = resemblance(
        [0.6, 2.0], [genre.take(first), director.take(first)],
        [genre.take(rest), director.take(rest)],
    )  # fmt: skip
    # one genre of two and three in common, and the director; nothing; both genres, no director
    assert found.tolist() == [pytest.approx([0.6 * 1 / 6 + 2.0, 0.0, 0.6])]


def test_items_without_any_value_resemble_nothing():
    empty = Field.from_rows("genre", [[], []])
    assert resemblance([1.0], [empty], [empty]).tolist() == [[0, 0], [0, 0]]
