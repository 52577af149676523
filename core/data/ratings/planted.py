"""Simulated scores whose users differ in exactly one way of adapting, which is known.

Items have traits. Each user changes every trait by one and the same operation with numbers of their
own, then the changed traits are bent and added up:

    score(user, item) = Σ_j w_j LeakyReLU(trait_j ∘ number_j)

with ∘ one of ``max`` (a floor), ``min`` (a ceiling), ``multiply`` (how much a trait counts) and
``plus`` (where it begins to count). Nothing else tells users apart. No user and no item exists.

That the operation is known does not mean that a search can name it: in a network that is wide
enough the operations imitate one another, since a shift in front of a kink is a floor.
"""

import numpy as np

from core.data.ratings.splits import cold_start
from core.errors import ShapeError
from core.knowledge.ratings import Catalogue, ColdStart, Field, Ratings, Scale

OPERATIONS = {
    "max": np.maximum,
    "min": np.minimum,
    "multiply": np.multiply,
    "plus": np.add,
}
LEVELS = np.linspace(-1.5, 1.5, 7)  # of a trait
REACH = 1.8  # of the users' numbers: beyond the levels, so that some have no floor or ceiling
LEAK = 0.01  # slope of LeakyReLU below 0
TENTHS = Scale(0, 10, 0.1)


def planted(
    operation: str = "plus",
    seed: int = 0,
    *,
    num_users: int = 500,
    num_items: int = 200,
    num_traits: int = 4,
    num_rated: tuple[int, int] = (25, 60),
    noise: float = 0.5,
) -> ColdStart:
    """Scores from 0 to 10 by users who adapt by one operation only; 10 are given.

    Args:
        operation: one of `OPERATIONS`.
        seed: of everything that is drawn.
        num_users: of all parts together.
        num_items: size of the catalogue.
        num_traits: of an item, each one a field with `LEVELS`.
        num_rated: fewest and most scores of a user.
        noise: standard deviation, in units of the scale.

    Raises:
        ShapeError: there is no such operation, or users score more items than there are.
    """
    if operation not in OPERATIONS or not 11 <= num_rated[0] <= num_rated[1] <= num_items:
        raise ShapeError(
            f'operation "{operation}" must be one of {", ".join(OPERATIONS)}, and users score '
            f"between 11 and all {num_items} items."
        )
    rng = np.random.default_rng(seed)
    level = rng.integers(len(LEVELS), size=(num_items, num_traits))
    number = rng.uniform(-REACH, REACH, (num_users, 1, num_traits))
    if operation == "multiply":
        number = np.exp(number)  # positive, as in the search space
    changed = OPERATIONS[operation](LEVELS[level], number)  # (users, items, traits)
    weight = rng.uniform(0.5, 1.5, num_traits) * rng.choice([-1, 1], num_traits)
    score = np.where(changed > 0, changed, LEAK * changed) @ weight
    score = 10 * (score - score.min()) / np.ptp(score)
    score += rng.normal(0, noise, score.shape)
    score = np.clip(score, TENTHS.low, TENTHS.high).round(1)
    histories = []
    for row in score:
        item = rng.permutation(num_items)[: rng.integers(num_rated[0], num_rated[1] + 1)]
        histories.append(Ratings.of(item, row[item]))
    catalogue = Catalogue(
        tuple(f"item-{k}" for k in range(1, num_items + 1)),
        tuple(f"Simulated item {k}" for k in range(1, num_items + 1)),
        tuple(
            Field.from_rows(f"trait {j}", [[f"{LEVELS[k]:+.1f}"] for k in column])
            for j, column in enumerate(level.T, 1)
        ),
    )
    return cold_start("planted", catalogue, TENTHS, histories, num_given=10, seed=seed)
