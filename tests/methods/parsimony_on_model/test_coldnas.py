import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.configs import ColdNasConfig, coldnas_config
from core.data.ratings.planted import planted
from core.errors import Cancelled, InputError
from core.knowledge.modulation import FILM, NONE, RELEASED, Structure
from core.knowledge.rating_models import fit_factors
from core.knowledge.ratings import ColdStart, Episode, Ratings
from core.methods.parsimony_on_model.coldnas import _Neighbours, fit, read_structure
from core.training.ratings import RatingTask, score_batch
from core.training.search import Trial

SMALL = ColdNasConfig(
    search_epochs=2, trials=3, trial_epochs=1, num_epochs=2, given=(0, 3), folds=2, batch_size=16,
    least_steps=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def task():
    data = planted(num_users=60, num_items=40, num_rated=(15, 20))
    return RatingTask(data, fit_factors(data.warm, 40, data.scale, num_factors=2))


def error(fitted, task, episodes):
    batch = task.batch(episodes)
    with torch.no_grad():
        return batch.mean_error(score_batch(fitted.network, batch)).item()


def taste(num_users, rng):
    """Two kinds of people who like opposite halves of twelve items; means say nothing."""
    found = []
    for user in range(num_users):
        items = rng.permutation(12)
        found.append(Ratings.of(items, np.where((items < 6) == (user % 2 == 0), 5, 1)))
    return found


def test_it_memorises_who_likes_what_from_three_ratings_and_not_without_modulation():
    rng = np.random.default_rng(0)
    base = planted(num_users=30, num_items=30, num_rated=(15, 20))
    histories = taste(64, rng)
    catalogue = replace(base.catalogue.take(np.arange(12)), fields=())
    parts = [np.arange(3), np.arange(3, 12)]
    episodes = tuple(Episode(0, *(one.take(part) for part in parts)) for one in histories)
    data = ColdStart("taste", catalogue, base.scale, (), (), (), episodes, episodes, episodes)
    task = RatingTask(data, fit_factors(histories, 12, base.scale, num_factors=1, ridge=1.0))
    config = ColdNasConfig(given=(), learning_rate=1e-2, batch_size=16, num_epochs=20)
    found = {
        name: error(fit(task, replace(config, structure=name), seed=0), task, episodes)
        for name in ("film", "none")
    }
    assert found["film"] <= 0.1
    assert found["none"] >= 3.5  # two opposite tastes leave a variance of 4


def test_a_search_keeps_the_best_of_its_trials_and_tells_what_it_tried(task):
    fitted = fit(task, SMALL, seed=0)
    search = fitted.knowledge["search"]
    best = min(search["trials"], key=lambda row: row["valid_mse"])
    assert fitted.knowledge["structure"] == best["structure"]
    assert len({json.dumps(row["structure"]) for row in search["trials"]}) == SMALL.trials
    assert np.array(search["gate_history"]).shape == (SMALL.search_epochs, 16)
    gates = np.array(fitted.knowledge["gates"])
    assert gates.min() > 0
    assert gates.max() < 1
    # four steps; with the rate of the weights they could not have moved by more than .001
    assert np.abs(gates - 0.5).max() > 0.01
    assert fitted.history.seconds >= search["seconds"] > 0
    again = fit(task, SMALL, seed=0)
    assert again.knowledge["gates"] == fitted.knowledge["gates"]
    assert error(again, task, task.data.test) == error(fitted, task, task.data.test)


def test_an_interrupted_run_ends_with_the_same_numbers(task, tmp_path):
    whole = fit(task, SMALL, seed=1, checkpoint=tmp_path / "whole-1.pt")
    calls = []

    def stops(step, total, text="", **_values):
        calls.append(text)
        assert 0 <= step <= total
        if text.startswith("training, epoch 2"):
            raise Cancelled("asked")

    with pytest.raises(Cancelled):
        fit(task, SMALL, seed=1, checkpoint=tmp_path / "part-1.pt", report=stops)
    rest = fit(task, SMALL, seed=1, checkpoint=tmp_path / "part-1.pt")
    assert any(text.startswith("training gates") for text in calls)
    assert rest.knowledge["structure"] == whole.knowledge["structure"]
    assert error(rest, task, task.data.test) == error(whole, task, task.data.test)


def test_rivals_are_trained_beside_it(task):
    config = replace(SMALL, structure="released", rivals=("none", "melu"))
    fitted = fit(task, config, seed=0)
    assert fitted.knowledge["structure"] == RELEASED.to_json()
    assert fitted.knowledge["search"]["trials"] == []
    none, melu = fitted.rivals["none"], fitted.rivals["melu"]
    assert none.network.scorer.predictor.structure == NONE
    assert none.network.num_adapted == 1  # the level
    assert melu.network.num_adapted > fitted.network.num_adapted
    width = fitted.network.item_encoder.out_dim
    assert fitted.network.num_adapted == 1 + width + 128 + 2 * 64
    for one in (none, melu):
        assert error(one, task, task.data.test) < 20


def test_structures_are_read_by_name_or_as_a_table():
    assert read_structure("film") == FILM
    assert read_structure(json.dumps(RELEASED.to_json())) == RELEASED
    for text in ("films", "[[1]]", "[[2,0,0,0],[0,0,0,0],[0,0,0,0],[0,0,0,0]]"):
        with pytest.raises(InputError, match="TR-E07"):
            read_structure(text)


def test_neighbours_begin_with_the_change_that_the_gates_speak_for():
    gates = np.full((4, 4), 0.5)
    gates[0, 3], gates[1, 3], gates[2, 0] = 0.9, 0.1, 0.8
    best = Structure(frozenset({(0, "plus"), (1, "plus")}))
    trials = [Trial(best, -1.0, 2, 1.0), Trial(NONE, -2.0, 0, 1.0)]
    rng = np.random.default_rng(0)
    first = Structure(best.kept - {(1, "plus")})  # a closed gate that is kept
    assert _Neighbours(gates).propose(trials, rng, 1) == [first]
    trials.append(Trial(first, -3.0, 1, 1.0))
    second = Structure(best.kept | {(2, "max")})  # an open gate that is not
    assert _Neighbours(gates).propose(trials, rng, 1) == [second]


def test_settings_of_data_sets_and_lists_from_json():
    assert coldnas_config("lastfm").item_ids
    assert not coldnas_config("lastfm").residual
    found = coldnas_config("upload:1", given=[0, 5], rivals=["none"], structure=[[1]])
    assert (found.given, found.rivals, found.structure) == ((0, 5), ("none",), "[[1]]")
    with pytest.raises(InputError, match="TR-E01"):
        coldnas_config("lastfm", gates=3)
