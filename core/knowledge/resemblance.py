"""How much items share: the values of their fields, each field with a weight.

    resemblance(q, v) = sum over fields of weight * cosine(values of q, values of v)^2

The cosine of two sets is their common number of values over the root of the product of their sizes.
"""

from collections.abc import Sequence

import numpy as np

from core.knowledge.ratings import Field


def resemblance(
    weights: Sequence[float], asked: Sequence[Field], given: Sequence[Field]
) -> np.ndarray:
    """(m, n) resemblance of m items to n others; fields of both use the same numbers for values.

    Args:
        weights: of the fields.
        asked: fields of the m items.
        given: fields of the n items, in the same order.
    """
    shape = len(asked[0].table), len(given[0].table)
    found = np.zeros(shape)
    for weight, one, other in zip(weights, asked, given, strict=True):
        a, b = _indicators(one), _indicators(other)  # (m, values), (n, values)
        sizes = a.sum(1)[:, None] * b.sum(1)
        found += weight * (a @ b.T) ** 2 / np.maximum(sizes, 1)
    return found


def _indicators(field: Field) -> np.ndarray:
    """(rows, values) 1 where a row has the value."""
    found = np.zeros((len(field.table), len(field.values) + 1))
    np.put_along_axis(found, field.table, 1.0, 1)  # a missing value falls into the last column
    return found[:, :-1]
