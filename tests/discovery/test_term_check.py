"""Parts of a law, what they are worth, and the law's terms among random ones."""

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.discovery.fitting import determination
from core.discovery.social_force import fit_social_force, social_force
from core.discovery.term_check import addends, parts, removals, single_terms, term_evidence
from core.errors import ShapeError
from core.evidence.evidence import Overlay
from core.evidence.faithfulness import SUPPORTED, check_evidence, matched_controls
from core.knowledge.physics.expression import evaluate, parse


@pytest.fixture(scope="module")
def springs():
    train, test = (simulate("springs", num_graphs=60, noise=0.05, seed=seed) for seed in (1, 2))
    return train, test


def test_every_part_of_the_spring_law_is_needed(springs):
    found = removals(truth("springs"), *springs)
    kinds = sorted((one.part.kind, one.part.text) for one in found)
    assert kinds == [
        ("direction", "n"), ("factor", "1 / m"), ("factor", "F"), ("factor", "k"), ("term", "-1"),
        ("term", "r"),
    ]  # fmt: skip
    whole = determination(truth("springs"), springs[1])
    assert all(one.r2 == whole and 0.03 < one.drop <= whole for one in found)
    assert [one.r2_without for one in found] == sorted(one.r2_without for one in found)
    assert found[0].r2_without < 0.05  # the direction or the sum


def test_parts_have_ids_of_their_own():
    ids = [part.id for part in parts(truth("mechanics-complex"))]
    assert len(set(ids)) == len(ids) > 8


@pytest.mark.parametrize(
    ("name", "count"),
    [("springs", 2), ("mechanics-complex", 4), ("thermology-complex", 2), ("social-force", 3)],
)
def test_single_terms_add_up_to_the_law(name, count):
    system = simulate(name, num_graphs=10, seed=3)
    singles = single_terms(truth(name))
    assert len(singles) == count
    total = sum(one.evaluate(system) for one in singles)
    np.testing.assert_allclose(total, truth(name).evaluate(system), atol=1e-9)


def test_products_of_sums_are_multiplied_out():
    names = ["a", "b", "c", "d"]
    expr = parse("-(a - b)*(c + d)/(1 + a)", names)
    values = {name: np.array([[value]]) for name, value in zip(names, (2.0, 5, 7, 11), strict=True)}
    found = addends(expr)
    assert len(found) == 4
    assert sum(evaluate(one, values)[0, 0] for one in found) == pytest.approx(
        evaluate(expr, values)[0, 0]
    )


@pytest.mark.parametrize("name", ["gravity", "kuramoto"])
def test_terms_of_the_law_are_the_reason_and_decoys_are_not(name):
    train, test = (simulate(name, num_graphs=60, noise=0.05, seed=seed) for seed in (1, 2))
    law = truth(name)
    prepared = term_evidence(law, train, test)
    assert len(prepared.decoys) >= 8
    controls = matched_controls(
        prepared.evidence, prepared.pool, lambda _item: 0, 10, np.random.default_rng(0)
    )
    check = check_evidence(prepared.score, prepared.evidence, controls, noun=("term", "terms"))
    assert check.verdict == SUPPORTED
    assert check.score_all == pytest.approx(determination(law, test), abs=0.01)
    assert check.score_empty == 0


def test_decoys_alone_explain_little():
    train, test = (simulate("circuit", num_graphs=80, seed=seed) for seed in (1, 2))
    prepared = term_evidence(truth("circuit"), train, test)
    all_of_it, decoys = prepared.score(
        [Overlay(keep=prepared.evidence), Overlay(remove=prepared.evidence)]
    )
    assert all_of_it.score > 0.999 > decoys.score


def test_social_force_model_is_fitted_to_its_own_data():
    system = simulate("social-force", num_graphs=40, noise=0.02, seed=1)
    law = fit_social_force(system)
    push, reach, speed, time = law.constants
    assert (push, reach) == (pytest.approx(3, rel=0.1), pytest.approx(0.5, rel=0.1))
    assert (speed, time) == (pytest.approx(1.34, rel=0.05), pytest.approx(0.5, rel=0.05))
    exact = social_force("v", "e", 1.34, 0.5, 3.0, 0.5)
    clean = simulate("social-force", num_graphs=20, seed=2)
    np.testing.assert_allclose(exact.evaluate(clean), clean.target.values, atol=1e-9)


def test_social_force_model_needs_pedestrians(springs):
    with pytest.raises(ShapeError, match="velocities"):
        fit_social_force(springs[0])
