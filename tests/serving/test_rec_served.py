"""The shipped model of films: exactness and speed of what is served."""

import time

import numpy as np
import pytest

from core.data.films import load_films
from core.knowledge.ratings import Ratings
from core.serving import rec_evidence, rec_permalink
from core.serving.rec_influence import influences
from core.serving.rec_model import open_model
from core.serving.recommendation import answer
from core.settings import settings

NAME = "coldnas-movietweetings"
pytestmark = pytest.mark.skipif(
    not (settings().trained / NAME / "card.json").is_file(),
    reason=f"the artifact {NAME} is not in the folder of trained models",
)


@pytest.fixture(scope="module")
def model():
    return open_model(NAME)


def users(model, num, num_given):
    rng = np.random.default_rng([num, num_given])
    scale = model.scale
    return [
        Ratings.of(
            rng.choice(len(model.catalogue), num_given, replace=False),
            rng.integers(int(scale.low), int(scale.high) + 1, num_given),
        )
        for _ in range(num)
    ]


def cpu_ms(run):
    """Least processor time of a few runs."""
    run()
    taken = []
    for _ in range(7):
        begun = time.process_time()
        run()
        taken.append(time.process_time() - begun)
    return 1000 * min(taken)


def test_order_padding_and_company_change_no_score(model):
    every = np.arange(len(model.catalogue))
    [longest] = users(model, 1, 40)
    for given in users(model, 8, 7):
        alone = model.score([given], every)[0]
        turned = given.take(np.arange(7)[::-1])
        np.testing.assert_allclose(model.score([turned], every)[0], alone, atol=1e-6)
        np.testing.assert_allclose(model.score([given, longest], every)[0], alone, atol=1e-6)
        back = model.score([given], every[::-1])[0][::-1]
        np.testing.assert_allclose(back, alone, atol=1e-6)


def test_two_thousand_candidates_take_less_than_fifty_milliseconds(model):
    [given] = users(model, 1, 10)
    candidates = np.resize(np.arange(len(model.catalogue)), 2_000)
    assert cpu_ms(lambda: model.score([given], candidates)) <= 50


def test_leaving_out_each_rating_takes_less_than_a_tenth_of_a_second(model):
    [given] = users(model, 1, 20)
    shown = np.arange(50)
    assert cpu_ms(lambda: influences(model, given, shown, "coldnas")) <= 100


def test_the_example_is_answered_with_evidence(model):
    assert set(model.catalogue.ids) <= set(load_films().ids)
    question = rec_permalink.example_question()
    assert question.model == NAME
    assert [model.title_of(item) for item, _ in question.given] == [
        title for title, _ in rec_permalink.EXAMPLE
    ]
    found = answer(question)
    assert found.notices == ()
    assert found.interval.level == 0.9
    assert abs(found.interval.coverage - 0.9) <= 0.03
    for row in found.rows[:2]:
        explanation = rec_evidence.explain(question, row.item)
        assert len(explanation.influences) == 5
        if explanation.cited:
            check = rec_evidence.check(question, row.item, explanation.cited)
            assert check.rank_all == row.rank
    assert bool(rec_evidence.modulation(question).cells) == bool(model.structure.size)
