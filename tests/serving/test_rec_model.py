"""Scores of batches of users, with a model whose numbers can be worked out by hand."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from core.errors import ArtifactError, InputError
from core.knowledge.modulation import RELEASED
from core.knowledge.ratings import Ratings
from core.serving import rec_model
from tests.serving.toy_ratings import (
    BIAS,
    NAME,
    NUM,
    TASTE,
    expected,
    knowledge,
    serve_from,
    write_artifact_at,
)

EVERY = np.arange(NUM)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return write_artifact_at(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def model(root, monkeypatch):
    serve_from(root, monkeypatch)
    return rec_model.open_model(NAME)


def test_a_batch_of_users_with_different_numbers_of_ratings(model):
    given = [((), ()), ((3,), (9,)), ((1, 7, 20), (2, 10, 6))]
    found = model.score([Ratings.of(*one) for one in given], EVERY)
    assert found.shape == (3, NUM)
    for row, (items, ratings) in zip(found, given, strict=True):
        np.testing.assert_allclose(row, expected(items, ratings, EVERY), atol=1e-5)
    np.testing.assert_allclose(found[0], BIAS, atol=1e-6)


def test_neither_order_nor_padding_nor_other_users_change_a_score(model):
    one, turned = Ratings.of([1, 7, 20], [2, 10, 6]), Ratings.of([20, 1, 7], [6, 2, 10])
    alone = model.score([one], EVERY)[0]
    longer = Ratings.of(range(12), [5] * 12)
    for other in (model.score([turned], EVERY)[0], model.score([longer, one], EVERY)[1],
                  model.score([one], EVERY[::-1])[0][::-1]):  # fmt: skip
        np.testing.assert_allclose(other, alone, atol=1e-6)


def test_large_batches_are_cut_and_put_together(model, monkeypatch):
    given = [Ratings.of([row], [row % 10 + 1]) for row in range(9)]
    whole = model.score(given, EVERY)
    monkeypatch.setattr(rec_model, "MAX_PAIRS", 2 * NUM)
    np.testing.assert_allclose(model.score(given, EVERY), whole, atol=1e-6)


def test_scores_beyond_the_scale_keep_their_order_and_are_shown_at_its_end(model):
    score = model.score([Ratings.of([0, 1], [10, 10])], EVERY)[0]
    assert score.max() > 10
    assert model.clip(score).max() == 10
    assert len(np.unique(score)) == NUM


def test_phi_is_what_the_network_adapts(model):
    phi = model.phi([Ratings.of([4], [8])])
    np.testing.assert_allclose(phi[0], np.tile((8 - BIAS[4]) * TASTE[4], (4, 1)), atol=1e-5)


def test_the_network_without_modulation_is_another_file(model):
    none = model.score([Ratings.of([4], [8])], EVERY, "none")[0]
    np.testing.assert_allclose(none, BIAS + 8 - BIAS[4], atol=1e-5)
    with pytest.raises(InputError, match="RC-E11"):
        model.score([Ratings.of([4], [8])], EVERY, "film")
    assert "film" not in model.methods


def test_methods_without_a_network(model):
    given = Ratings.of([4, 9], [10, 9])
    residual = given.rating - BIAS[[4, 9]]
    offset = residual.sum() / (2 + 2.0)
    np.testing.assert_allclose(model.score([given], EVERY, "popularity")[0], BIAS, atol=1e-6)
    np.testing.assert_allclose(model.score([given], EVERY, "offset")[0], BIAS + offset, atol=1e-5)
    fold_in = model.score([given], EVERY, "fold_in")[0]
    assert np.corrcoef(fold_in - BIAS, TASTE @ (residual @ TASTE[[4, 9]]))[0, 1] > 0.5
    assert fold_in.max() > 10
    assert len(np.unique(fold_in)) == NUM
    assert model.methods == ("coldnas", "none", "fold_in", "offset", "popularity")


def test_what_the_page_asks_of_a_model(model):
    assert model.years == (1970, 1993)
    assert model.kinds == ("genres", ("Comedy", "Drama", "Horror", "Sci-Fi"))
    assert model.kinds_of(5) == ("Drama",)
    assert model.structure == RELEASED
    assert model.words.items == "films"
    assert [model.interval(num).width for num in (0, 2, 3, 9, 10, 50)] == [3, 3, 2.5, 2.5, 2, 2]


@pytest.mark.parametrize(
    ("word", "several"),
    [("film", "films"), ("entity", "entities"), ("assay", "assays"), ("box", "boxes"),
     ("dish", "dishes"), ("gas", "gases")],
)  # fmt: skip
def test_words_for_several(word, several):
    assert rec_model.plural(word) == several


def test_many_threads_get_the_numbers_of_one(model):
    given = [Ratings.of([row, row + 1], [3, 9]) for row in range(NUM - 1)]
    alone = [model.score([one], EVERY) for one in given]
    with ThreadPoolExecutor(8) as pool:
        for _ in range(5):
            together = list(pool.map(lambda one: model.score([one], EVERY), given))
            for one, other in zip(alone, together, strict=True):
                np.testing.assert_array_equal(one, other)


def test_models_by_name(root, monkeypatch, tmp_path):
    serve_from(root, monkeypatch)
    assert [(one.id, one.problem) for one in rec_model.available_models()] == [(NAME, "")]
    for name in ("coldnas-nowhere", "../secret", ""):
        with pytest.raises(InputError, match="RC-E12"):
            rec_model.open_model(name)
    write_artifact_at(tmp_path)
    (tmp_path / NAME / "knowledge.json").write_text("{}")
    serve_from(tmp_path, monkeypatch)
    with pytest.raises(ArtifactError, match="does not match its card"):
        rec_model.open_model(NAME)
    [entry] = rec_model.available_models()
    assert "does not match its card" in entry.problem


def test_a_model_trained_here_is_found_behind_the_shipped_ones(root, monkeypatch):
    serve_from(root, monkeypatch)
    write_artifact_at(root / "home" / "trained", "coldnas-own")
    assert [(one.id, one.own) for one in rec_model.available_models()] == [
        (NAME, False), ("coldnas-own", True),
    ]  # fmt: skip
    assert rec_model.open_model("coldnas-own").id == "coldnas-own"


def test_the_model_of_an_upload_is_listed_for_its_owner_only(root, monkeypatch):
    serve_from(root, monkeypatch)
    secret = "coldnas-own-5e884898da28"
    write_artifact_at(root / "home" / "trained", secret)
    assert secret not in {one.id for one in rec_model.available_models()}
    assert secret in {one.id for one in rec_model.available_models([secret])}
    assert rec_model.open_model(secret).id == secret


def test_properties_of_users_become_numbers():
    field = rec_model.UserField("job", ("chemist", "nurse", "pilot"), 2)
    assert field.row((("job", "pilot"), ("age", "30"))) == [2, -1]
    assert field.row((("job", "pilot"), ("job", "chemist"), ("job", "nurse"))) == [2, 0]
    assert field.row((("job", "clown"),)) == [-1, -1]


def test_users_without_kept_quantiles_have_no_population(tmp_path, monkeypatch):
    value = knowledge()
    del value["population"]
    write_artifact_at(tmp_path, population={})
    serve_from(tmp_path, monkeypatch)
    assert rec_model.open_model(NAME).population is None
