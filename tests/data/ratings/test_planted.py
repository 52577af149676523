import numpy as np
import pytest

from core.data.ratings.planted import planted
from core.errors import ShapeError
from core.knowledge.rating_models import choose, predict

SMALL = {"num_users": 120, "num_items": 60, "num_rated": (25, 40)}


def traits(data):
    return np.column_stack(
        [[float(field.of(row)[0]) for row in range(len(data.catalogue))]
         for field in data.catalogue.fields]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("operation", "low_end_rises", "high_end_flat", "same_top", "same_slope"),
    [
        ("max", False, False, True, True),  # a floor
        ("min", False, True, True, True),  # a ceiling
        ("multiply", False, False, None, False),  # how steep
        ("plus", True, False, False, True),  # where it begins
    ],
)
def test_users_differ_by_the_operation_only(
    operation, low_end_rises, high_end_flat, same_top, same_slope
):
    data = planted(operation, seed=3, noise=0.0, num_traits=1, num_users=400, num_items=60)
    level = traits(data)[:, 0]
    curves = []
    for ratings in data.warm:
        of_level = {}
        for item, score in zip(ratings.item, ratings.rating.tolist(), strict=True):
            assert of_level.setdefault(level[item], score) == score  # nothing but the trait counts
        curve = [of_level[x] for x in sorted(of_level)]
        if len(curve) == 7:
            curves.append(curve)
    curves = np.array(curves)
    steps = np.abs(np.diff(curves))
    full = steps.max()
    steep = steps[:, -1] > full - 0.15  # at the top end as steep as anywhere
    assert (steps[:, 0] > 0.8 * full).any() == low_end_rises
    assert ((steps[:, -1] < 0.1 * full) & (steps.max(1) > 0.8 * full)).any() == high_end_flat
    assert same_top in (None, np.ptp(curves[steep, -1]) < 0.35)
    steepest = steps.max(1)
    assert (np.mean(steepest[steepest > 0.15] > 0.8 * full) > 0.5) == same_slope


def test_the_same_seed_gives_the_same_scores():
    first, again, other = (
        planted(seed=1, **SMALL),
        planted(seed=1, **SMALL),
        planted(seed=2, **SMALL),
    )
    assert (first.warm[5].rating == again.warm[5].rating).all()
    assert (
        first.warm[5].rating.shape != other.warm[5].rating.shape
        or not (first.warm[5].rating == other.warm[5].rating).all()
    )


def test_shape_of_the_data():
    data = planted(**SMALL)
    assert (len(data.warm), len(data.valid), len(data.test)) == (84, 12, 24)
    assert [field.name for field in data.catalogue.fields] == [f"trait {j}" for j in (1, 2, 3, 4)]
    scores = np.concatenate([ratings.rating for ratings in data.warm])
    assert (scores.min() >= 0) & (scores.max() <= 10)
    assert 1 < scores.std() < 3
    assert all(title.startswith("Simulated item ") for title in data.catalogue.titles)
    assert {len(episode.support) for episode in data.test} == {10}


def test_users_differ_by_more_than_their_level():
    data = planted("multiply", num_users=300, num_items=60)
    fitted = choose(data.warm, 60, data.scale, data.valid, num_factors=4)
    off = {
        method: np.mean([
            np.mean((predict(fitted, method, one.support, one.query.item) - one.query.rating) ** 2)
            for one in data.test
        ])
        for method in ("offset", "fold_in")
    }  # fmt: skip
    assert off["fold_in"] < 0.8 * off["offset"]


def test_only_the_four_operations():
    with pytest.raises(ShapeError, match='operation "divide" must be one of max, min, multiply'):
        planted("divide")
    with pytest.raises(ShapeError, match="between 11 and all 20 items"):
        planted(num_items=20)
