"""Cold-start recommendation: methods side by side on one data set, and what serving costs.

Accuracy: one training and test. ColdNAS searches its structure; FiLM, no modulation and MeLU are
trained on the same users in the same way; popularity, item and user, and fold-in are fitted on the
same users in closed form. All choices are made on validation users; every figure is of the same
test users after N of their ratings. MovieTweetings, or planted ratings where it is not here and in
a quick run.

Serving: 2,000 candidates after ten ratings, and the 50 shown items without each rating in turn, by
ONNX Runtime on one thread, leaving out in one call; against the obvious alternative, the same
network eagerly in torch, one call per rating left out. Random weights of the served sizes.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.measurement.timing import (
    alternate,
    arguments,
    heading,
    milliseconds,
    table,
)
from core.configs import coldnas_config
from core.data.ratings.sets import load
from core.errors import DataError
from core.export.ratings import OUTPUTS, CatalogueStep, export_catalogue
from core.function.modulation import ColdNas, ItemTables
from core.knowledge.modulation import RELEASED
from core.knowledge.rating_models import NUM_FACTORS
from core.knowledge.ratings import Field, Ratings, Scale
from core.methods.parsimony_on_model.coldnas import fit
from core.serving.rec_model import pad
from core.serving.session import Session
from core.training.rating_data import load_rating_data

DATA, GENERATED = "movietweetings", "planted"
RIVALS = {"rivals": ["none", "film", "melu"]}
QUICK = {"search_epochs": 1, "trials": 1, "trial_epochs": 1, "num_epochs": 1}
FIGURES = ("mse", "mae", "ndcg@3", "ndcg@5", "recall@10", "coverage", "popularity_bias")
ACCURACY = ("method", "N", "MSE", "MAE", "nDCG@3", "nDCG@5", "recall@10", "coverage", "pop. bias")
COSTS = ("method", "parameters", "adapted", "training s", "adaptation ms")
SERVING = ("compared", "eager ms", "served ms", "ratio", "CPU ratio", "largest difference")
NUM_GIVEN, NUM_CANDIDATES, NUM_SHOWN = 10, 2_000, 50
LIMIT = 1e-4


def measure_methods(name: str, overrides: Mapping[str, Any]) -> dict[str, list[dict]]:
    """What a training and its test find out: ``curve`` and ``rivals``, seed 0."""
    data = load_rating_data(name)
    fitted = fit(data.task, coldnas_config(name, **overrides), seed=0)
    data.test(fitted, "cpu")
    return fitted.knowledge


def random_network(num_items: int) -> ColdNas:
    """ColdNAS of the served sizes over items with fields like those of films."""
    rng = np.random.default_rng(0)
    config = coldnas_config(DATA)
    torch.manual_seed(0)
    fields = tuple(
        Field(name, tuple(map(str, range(num))), rng.integers(0, num, (num_items, width)))
        for name, num, width in (("genre", 20, 3), ("decade", 10, 1), ("director", 333, 2))
    )
    numbers = rng.normal(size=(num_items, 1 + NUM_FACTORS)).astype(np.float32)
    items = ItemTables(fields, numbers, numbers.mean(0), numbers.std(0))
    return ColdNas(
        items, (), RELEASED, Scale(0, 10), field_dim=config.field_dim,
        number_dim=config.number_dim, residual=True,
    ).eval()  # fmt: skip


def measure_serving(num_items: int, rounds: int) -> list[tuple[str, ...]]:
    """A whole list, and leaving out every rating of a shown list.

    Raises:
        SystemExit: the two sides differ by more than 1e-4.
    """
    network = random_network(num_items)
    rows = np.arange(num_items)
    model, _ = export_catalogue(network, rows)
    step = CatalogueStep(network, rows).eval()
    session = Session(model, "cpu")
    rng = np.random.default_rng(1)
    given = Ratings.of(rng.permutation(num_items)[:NUM_GIVEN], rng.integers(0, 11, NUM_GIVEN))
    everyone = np.arange(NUM_GIVEN)
    left_out = [given, *(given.take(everyone[everyone != one]) for one in everyone)]

    def feeds(users: list[Ratings], candidates: np.ndarray) -> dict[str, np.ndarray]:
        asked = np.tile(candidates, (len(users), 1))
        return {**pad(users), "candidate_item": asked}

    def served(users: list[Ratings], candidates: np.ndarray) -> np.ndarray:
        return session.run(feeds(users, candidates), OUTPUTS[:1])[0]

    @torch.inference_mode()
    def eager(users: list[Ratings], candidates: np.ndarray) -> np.ndarray:
        calls = (feeds([one], candidates) for one in users)
        return np.concatenate(
            [step(**{k: torch.from_numpy(v) for k, v in one.items()}, lists=())[0].numpy()
             for one in calls]
        )  # fmt: skip

    return [
        _compare(f"{num_items:,} candidates", rounds, eager, served, [given], rows),
        _compare(
            f"{NUM_SHOWN} shown, {NUM_GIVEN} ratings left out in turn", rounds, eager, served,
            left_out, rows[:NUM_SHOWN],
        ),
    ]  # fmt: skip


Side = Callable[[list[Ratings], np.ndarray], np.ndarray]


def _compare(
    name: str, rounds: int, eager: Side, served: Side, users: list[Ratings], candidates: np.ndarray
) -> tuple[str, ...]:
    difference = float(np.abs(eager(users, candidates) - served(users, candidates)).max())
    if not difference <= LIMIT:
        raise SystemExit(f"{name}: the two sides differ by {difference:.1e}.")
    pair = alternate(lambda: eager(users, candidates), lambda: served(users, candidates), rounds)
    return (
        name, *map(milliseconds, pair.wall), f"{pair.wall_ratio:.2f}", f"{pair.cpu_ratio:.2f}",
        f"{difference:.0e}",
    )  # fmt: skip


def find_data(*, generated: bool) -> str:
    """The data set, or planted ratings where it is not here or not wanted."""
    if generated:
        return GENERATED
    try:
        load(DATA)
    except DataError:
        return GENERATED
    return DATA


def main() -> None:
    """Print the tables."""
    options = arguments(__doc__)
    torch.set_num_threads(1)
    name = find_data(generated=options.quick or options.generated)
    found = measure_methods(name, RIVALS | (QUICK if options.quick else {}))
    print(heading(f"Cold-start recommendation on {name}: test users after N ratings"))
    rows = [
        (str(one["method"]), str(one["given"]), *(f"{one[figure]:.3f}" for figure in FIGURES))
        for one in found["curve"]
    ]
    print(table(ACCURACY, rows))
    print()
    costs = [
        (one["method"], f"{one['parameters']:,}", f"{one['adapted']:,}",
         f"{one['training_s']:.1f}", f"{one['adapt_ms']:.2f}")
        for one in found["rivals"]
    ]  # fmt: skip
    print(table(COSTS, costs))
    print()
    print(table(SERVING, measure_serving(NUM_CANDIDATES, 1 if options.quick else 15)))
    print("adapted: numbers that differ from user to user; ratio: eager / served")


if __name__ == "__main__":
    main()
