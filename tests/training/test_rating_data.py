from dataclasses import replace

import numpy as np
import pytest

from core.configs import ColdNasConfig
from core.data.films import load_films
from core.data.ratings.planted import planted
from core.export.artifact import write_artifact
from core.knowledge.rating_models import predict
from core.knowledge.ratings import Catalogue, Episode, Ratings
from core.methods.parsimony_on_model.coldnas import fit
from core.metrics import rating_summary
from core.serving.artifact import Card, DataState
from core.serving.rec_model import RecModel
from core.training.rating_data import SERVED, rating_data

CONFIG = ColdNasConfig(structure="released", num_epochs=1, given=(0, 3), folds=2, rivals=("none",))
STATE = DataState("toy", "Toy", "0" * 64, "own", "", "70/10/20")
WORDS = {"user": "entity", "item": "item", "rating": "score"}


@pytest.fixture(scope="module")
def data():
    return rating_data(planted(num_users=60, num_items=30, num_rated=(20, 28)), STATE, WORDS)


@pytest.fixture(scope="module")
def fitted(data):
    return fit(data.task, CONFIG, seed=0)


@pytest.fixture(scope="module")
def results(data, fitted):
    return data.test(fitted, "cpu")


def test_figures_of_a_closed_form_are_those_of_its_predictions(data, results):
    test = [one.shortened(3) for one in data.task.data.test]
    predicted = [predict(data.task.factors, "offset", one.support, one.query.item) for one in test]
    wanted = rating_summary([one.query.rating for one in test], predicted)
    found = results["test, N=3"]
    assert {name: found[f"offset {name}"] for name in wanted} == pytest.approx(wanted)
    assert list(results) == [*(f"test, N={num}" for num in (10, 5, 3, 1, 0)), SERVED]
    assert found["mse"] != found["none mse"] != found["popularity mse"]


def test_the_curve_has_every_method_and_number_of_ratings(fitted, results):
    curve = {(row["given"], row["method"]): row for row in fitted.knowledge["curve"]}
    methods = {"coldnas", "none", "popularity", "offset", "fold_in"}
    assert set(curve) == {(num, name) for num in (0, 1, 3, 5, 10) for name in methods}
    assert curve[5, "coldnas"]["mse"] == pytest.approx(results["test, N=5"]["mse"], abs=1e-4)


def test_intervals_hold_what_they_promise_on_the_users_they_were_made_from(data, fitted, results):
    same = replace(data, task=replace(data.task, data=replace(
        data.task.data, test=data.task.data.valid)))  # fmt: skip
    assert len(results) == 6
    again = replace(fitted, knowledge={})
    same.test(again, "cpu")
    for made, own in zip(fitted.knowledge["intervals"], again.knowledge["intervals"], strict=True):
        assert made["width"] == own["width"]
        assert 0.9 <= own["coverage"] <= 0.9 + 2 / own["num"] + 0.02
        assert 0.5 <= made["coverage"] <= 1


def test_an_artifact_serves_the_figures_of_its_card(data, fitted, results, tmp_path):
    exported = data.export(fitted)
    assert exported.parity <= 1e-4
    assert set(exported.more) == {"items.onnx", "scorer.onnx", "none.onnx"}
    card = Card(
        "coldnas-toy", "coldnas", "recommendation", "Toy", {}, STATE, (), 0, 1, 1.0, "here", {},
        (), {}, exported.parity, "2026-01-01",
    )  # fmt: skip
    artifact = write_artifact(
        tmp_path, {"model.onnx": exported.model, **exported.more}, exported.knowledge, card
    )
    assert data.served(artifact)[SERVED] == pytest.approx(results[SERVED], abs=1e-4)
    model = RecModel(artifact)
    assert [model.num_adapted(name) for name in ("none", "popularity", "fold_in")] == [1, 0, 17]
    assert [one["width"] for one in exported.knowledge["item_fields"]] == [1, 1, 1, 1]
    assert model.population.shape == (5, 4, sum(artifact.knowledge["widths"]))
    given = data.task.data.test[0].support
    candidates = np.arange(30)
    for method in ("offset", "fold_in", "popularity"):
        wanted = predict(data.task.factors, method, given, candidates)
        np.testing.assert_allclose(
            model.clip(model.score([given], candidates, method)[0]), wanted, atol=2e-3
        )


def test_an_artifact_of_films_keeps_the_known_films_only(fitted):
    films = load_films()
    titles = [films.titles[3], "Never Made (1999)", films.titles[0], "Neither (2001)"]
    base = planted(num_users=60, num_items=30, num_rated=(20, 28))
    titles += [f"Unknown {k} (1950)" for k in range(26)]
    catalogue = Catalogue(base.catalogue.ids, tuple(titles), base.catalogue.fields)
    base = replace(base, catalogue=catalogue)
    data = rating_data(base, STATE, WORDS, own_films=True)
    assert data.shown.tolist() == [2, 0]  # in the order of the films
    assert data.catalogue.titles == (films.titles[0], films.titles[3])
    knowledge = data.knowledge(fitted)
    assert knowledge["items"]["count"] == data.task.factors.count[[2, 0]].tolist()
    everyone = data.task.factors.to_json()["fold_in"]
    assert knowledge["fold_in"] == everyone  # of all films, not of those shown
    user = Episode(0, Ratings.of([0, 1], [5, 6]), Ratings.of([2, 5], [7, 8]))
    only = replace(data, task=replace(data.task, data=replace(base, test=(user,))))
    (served,) = only._served_episodes
    assert (served.support.item.tolist(), served.query.item.tolist()) == ([0], [2])
