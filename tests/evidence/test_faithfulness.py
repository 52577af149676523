"""The live check and minimal evidence against toy worlds whose reasons are known."""

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ArtifactError, ShapeError
from core.evidence.evidence import Outcome, Overlay
from core.evidence.faithfulness import (
    Thresholds,
    check_evidence,
    find_minimal,
    matched_controls,
    matched_share,
)


class NoisyOr:
    """Score = 1 − Π (1 − strength) over the paths whose facts are all usable; counts its calls."""

    def __init__(self, paths, world, base=0.0):
        self.paths, self.world, self.base = paths, frozenset(world), base
        self.calls, self.passes = 0, 0

    def value(self, usable):
        rest = 1 - self.base
        for facts, strength in self.paths.items():
            rest *= 1 - strength if facts <= usable else 1
        return 1 - rest

    def __call__(self, overlays):
        self.calls += 1
        self.passes += len(overlays)
        outcomes = []
        for overlay in overlays:
            usable = (self.world if overlay.keep is None else overlay.keep) - overlay.remove
            value = self.value(usable)
            outcomes.append(Outcome(value, 1 + math.floor(10 * (1 - value))))
        return outcomes


WORLD = frozenset(range(40))
BODY = frozenset({0, 1, 2})
ONE_RULE = {BODY: 0.9}


def kind(item):
    return item % 3


def controls(evidence, seed=0, num=20):
    return matched_controls(evidence, WORLD, kind, num, np.random.default_rng(seed))


def test_the_true_reason_is_supported_with_exact_numbers_in_one_call():
    score = NoisyOr(ONE_RULE, WORLD)
    check = check_evidence(score, BODY, controls(BODY), stratum=kind)
    assert score.calls == 1
    assert score.passes == 24
    assert check.verdict == "SUPPORTED"
    assert check.score_all == pytest.approx(0.9)
    assert check.score_without == check.score_empty == 0
    assert check.score_only == pytest.approx(0.9)
    assert check.delta_remove == pytest.approx(0.9)
    assert check.rho_keep == pytest.approx(1.0)
    assert (check.rank_all, check.rank_without, check.rank_only) == (1 + 0, 11, 1)
    assert (check.control.k, check.control.median, check.control.p95) == (20, 0, 0)
    assert (check.control.rank_median, check.control.rank_p95) == (1, 1)
    assert check.control.matched_share == 1
    assert check.required_drop == 0.05
    assert check.sentence == (
        "Removing these 3 facts costs 0.90; random facts of the same kind cost 0.00."
    )


def test_a_decoy_is_not_supported():
    decoy = frozenset({10, 11, 12})
    check = check_evidence(NoisyOr(ONE_RULE, WORLD), decoy, controls(decoy))
    assert check.verdict == "NOT SUPPORTED"
    assert (check.delta_remove, check.rho_keep) == (0, 0)
    assert check.sentence == (
        "Removing these 3 facts does not change the answer. Do not cite them as the reason."
    )
    one = check_evidence(NoisyOr(ONE_RULE, WORLD), frozenset({10}), controls({10}))
    assert one.sentence == (
        "Removing this fact does not change the answer. Do not cite it as the reason."
    )


def test_one_of_two_reasons_is_enough_but_not_necessary():
    two = NoisyOr({BODY: 0.9, frozenset({3, 4}): 0.9}, WORLD)
    check = check_evidence(two, BODY, controls(BODY))
    assert check.delta_remove == pytest.approx(0.09)
    alone = NoisyOr({BODY: 0.9, frozenset({3, 4}): 0.99}, WORLD)
    weaker = check_evidence(alone, BODY, [frozenset({20, 21, 22})])
    assert weaker.delta_remove == pytest.approx(0.009)
    assert weaker.rho_keep == pytest.approx(0.9 / 0.999)
    assert weaker.verdict == "PARTLY"
    assert "other facts can take the place" in weaker.sentence


def test_half_of_a_reason_is_necessary_but_not_enough():
    half = frozenset({0, 1})
    check = check_evidence(NoisyOr(ONE_RULE, WORLD), half, [frozenset({20, 21})])
    assert check.verdict == "PARTLY"
    assert check.delta_remove == pytest.approx(0.9)
    assert check.rho_keep == 0
    assert "brings back 0%" in check.sentence


def test_the_drop_must_reach_the_quantile_of_the_control():
    # each of ten facts carries a tenth of the score: nothing is special about the first
    score = NoisyOr({frozenset({fact}): 0.2 for fact in range(10)}, range(10))
    others = [frozenset({fact}) for fact in range(1, 10)]
    check = check_evidence(score, frozenset({0}), others)
    drop = (1 - 0.8**10) - (1 - 0.8**9)
    assert check.delta_remove == pytest.approx(drop)
    assert check.control.median == pytest.approx(drop)
    strong = {frozenset({fact}): 0.2 for fact in range(10)} | {frozenset({0}): 0.1}
    check = check_evidence(
        NoisyOr(strong, range(10)), frozenset({0}), others, Thresholds(necessity_floor=0.01)
    )
    assert check.required_drop == pytest.approx(0.9 * 0.8**8 - 0.9 * 0.8**9)
    assert check.delta_remove < check.required_drop
    assert check.verdict == "NOT SUPPORTED"
    assert "random facts of the same kind cost up to" in check.sentence


def test_the_quantile_of_the_thresholds_decides():
    drops = [0.0] * 9 + [0.5]

    def score(overlays):
        values = [0.9, 0.6, 0.9, 0.0, *(0.9 - drop for drop in drops)]
        assert len(overlays) == len(values)
        return [Outcome(value, 1) for value in values]

    sets = [frozenset({number}) for number in range(10)]
    strict = check_evidence(score, frozenset({99}), sets)
    assert strict.required_drop == pytest.approx(0.275)  # linear between 0.0 and 0.5
    assert strict.control.p95 == pytest.approx(0.275)
    assert strict.verdict == "SUPPORTED"
    stricter = check_evidence(score, frozenset({99}), sets, Thresholds(control_quantile=1.0))
    assert stricter.required_drop == pytest.approx(0.5)
    assert stricter.verdict == "PARTLY"


def test_the_limits_themselves_count_as_reached():
    def score(_):
        return [Outcome(value, 1) for value in (0.5, 0.25, 0.4, 0.0, 0.5)]

    limits = Thresholds(necessity_floor=0.25, sufficiency=0.8)
    check = check_evidence(score, frozenset({1}), [frozenset({2})], limits)
    assert (check.delta_remove, check.rho_keep) == (0.25, 0.8)
    assert check.verdict == "SUPPORTED"


@pytest.mark.parametrize(
    ("only", "expected"), [(0.9, 1.5), (0.5, 1.0), (0.3, 0.5), (0.1, 0.0), (0.0, 0.0)]
)
def test_the_ratio_is_measured_above_the_question_alone_and_clipped(only, expected):
    def score(_):
        return [Outcome(value, 1) for value in (0.5, 0.1, only, 0.1)]

    assert check_evidence(score, frozenset({1}), []).rho_keep == pytest.approx(expected)


def test_without_evidence_nothing_is_supported():
    check = check_evidence(NoisyOr(ONE_RULE, WORLD), frozenset(), [])
    assert check.verdict == "NOT SUPPORTED"
    assert check.sentence.startswith("There is no evidence to check")


def test_a_score_that_needs_no_fact_is_said_so():
    check = check_evidence(NoisyOr({}, WORLD, base=0.7), BODY, controls(BODY))
    assert check.verdict == "NOT SUPPORTED"
    assert check.rho_keep == 0
    assert "do not raise this score above what the question alone gives" in check.sentence


def test_without_a_control_the_verdict_is_partly_at_best_and_says_why():
    check = check_evidence(NoisyOr(ONE_RULE, BODY), BODY, [])
    assert check.verdict == "PARTLY"
    assert check.control.k == 0
    assert check.control.matched_share is None
    assert "No random facts of the same kind exist for comparison" in check.sentence
    assert all(not isinstance(v, float) or math.isfinite(v) for v in check.to_json().values())


def test_words_of_other_domains():
    check = check_evidence(
        NoisyOr(ONE_RULE, WORLD), frozenset({10, 11}), [frozenset({20, 21})],
        noun=("rating", "ratings"),
    )  # fmt: skip
    assert check.sentence.startswith("Removing these 2 ratings does not change")


def test_a_scorer_that_breaks_its_promise_is_refused():
    with pytest.raises(ShapeError, match="returned 1 outcomes for 5 overlays"):
        check_evidence(lambda _: [Outcome(1, 1)], BODY, [frozenset({9})])
    with pytest.raises(ArtifactError, match="not a finite number"):
        check_evidence(lambda x: [Outcome(math.nan, 1)] * len(x), BODY, [])
    with pytest.raises(ArtifactError, match="not a finite number"):
        check_evidence(lambda x: [Outcome(1, math.inf)] * len(x), BODY, [])


def test_the_json_of_a_check_has_the_fields_of_the_bundle():
    value = check_evidence(NoisyOr(ONE_RULE, WORLD), BODY, controls(BODY)).to_json()
    assert value["rank_remove"] == value["rank_without"] == 11
    assert {"delta_remove", "rho_keep", "verdict"} <= set(value)
    assert set(value["control"]) >= {"k", "median", "p05", "p95"}
    assert value["thresholds"] == {
        "necessity_floor": 0.05, "control_quantile": 0.95, "sufficiency": 0.8,
    }  # fmt: skip


def test_controls_are_matched_distinct_and_never_evidence():
    evidence = frozenset({0, 1, 3, 6})  # strata 0, 1, 0, 0
    sets = controls(evidence, num=30)
    assert len(set(sets)) == 30
    for items in sets:
        assert len(items) == 4
        assert not items & evidence
        assert Counter(map(kind, items)) == {0: 3, 1: 1}
    assert matched_share(evidence, sets, kind) == 1
    assert sets == controls(evidence, num=30)
    assert sets != controls(evidence, seed=1, num=30)


def test_controls_fill_a_short_stratum_from_the_nearest():
    # item = (relation, hop, number); only one look-alike of ("a", 1) is left
    near = [("a", 2, n) for n in range(3)]
    far = [("b", 2, n) for n in range(50)]
    evidence = frozenset({("a", 1, 0), ("a", 1, 1), ("a", 1, 2)})
    pool = [*evidence, ("a", 1, 9), *near, *far]
    sets = matched_controls(evidence, pool, lambda x: x[:2], 10, np.random.default_rng(0))
    assert {frozenset(items) for items in sets} == {
        frozenset({("a", 1, 9), *pair}) for pair in combinations(near, 2)
    }
    assert matched_share(evidence, sets, lambda x: x[:2]) == pytest.approx(1 / 3)


def test_controls_end_where_no_further_set_exists():
    sets = matched_controls({0}, range(4), lambda _: 0, 20, np.random.default_rng(0))
    assert sorted(map(tuple, sets)) == [(1,), (2,), (3,)]
    assert matched_controls({0, 1}, {0, 1, 2}, kind, 5, np.random.default_rng(0)) == []
    assert matched_controls(set(), WORLD, kind, 5, np.random.default_rng(0)) == []


def test_controls_do_not_depend_on_the_order_of_the_pool():
    names = [f"fact {number}" for number in range(30)]
    draw = [
        matched_controls({"fact 3"}, pool, len, 5, np.random.default_rng(4))
        for pool in (names, names[::-1], frozenset(names))
    ]
    assert draw[0] == draw[1] == draw[2]


@settings(max_examples=50, deadline=None)
@given(
    st.sets(st.integers(0, 60), max_size=12),
    st.sets(st.integers(0, 60), max_size=60),
    st.integers(1, 5),
)
def test_controls_always_keep_size_and_distance(evidence, pool, strata):
    sets = matched_controls(evidence, pool, lambda x: x % strata, 4, np.random.default_rng(0))
    assert len(sets) == len(set(sets)) <= 4
    assert bool(sets) == (bool(evidence) and len(pool - evidence) >= len(evidence))
    for items in sets:
        assert len(items) == len(evidence)
        assert items <= pool - evidence
        wanted, found = (Counter(x % strata for x in part) for part in (evidence, items))
        left = Counter(x % strata for x in pool - evidence)
        assert all(found[s] >= min(wanted[s], left[s]) for s in wanted)


def test_the_minimal_evidence_is_the_rule_body():
    score = NoisyOr(ONE_RULE, WORLD)
    found = find_minimal(score, range(14))
    assert set(found.items) == BODY
    assert found.reached
    assert set(found.removed) == set(range(3, 14))
    assert found.score == pytest.approx(0.9)
    assert found.scores == pytest.approx([0.9] * 11)
    assert found.required == pytest.approx(0.81)
    assert found.second is None
    assert found.num_passes == 3 + sum(range(3, 15)) + 1
    assert found.num_passes == score.passes
    assert score.calls == 1 + 12 + 1  # one call per step


def test_a_second_independent_reason_is_found():
    two = NoisyOr({frozenset({0, 1}): 0.8, frozenset({2, 3}): 0.78}, WORLD)
    found = find_minimal(two, range(8), level=0.8)
    assert set(found.items) == {0, 1}
    assert found.second == (2, 3)
    assert found.second_score == pytest.approx(0.78)
    both = find_minimal(two, range(8), level=0.9)
    assert set(both.items) == {0, 1, 2, 3}
    assert both.second is None


def test_ties_are_broken_by_the_given_order():
    either = NoisyOr({frozenset({1}): 0.9, frozenset({2}): 0.9}, WORLD)
    assert find_minimal(either, {1, 2}, order=[1, 2]).items == (1,)
    assert find_minimal(either, {1, 2}, order=[2, 1]).items == (2,)
    assert find_minimal(either, {1, 2}, order=[2]).items == (2,)
    assert find_minimal(either, {1, 2}).items == (1,)
    found = find_minimal(NoisyOr(ONE_RULE, WORLD), range(6), order=[5, 4, 3, 2, 1, 0])
    assert found.items == (2, 1, 0)
    assert found.removed == (3, 4, 5)


def test_the_level_is_measured_above_the_question_alone():
    facts = {frozenset({0}): 0.5, frozenset({1}): 0.1}
    score = NoisyOr(facts, WORLD, base=0.5)
    found = find_minimal(score, {0, 1}, level=0.95)  # 0.5 + .95 · (0.775 − 0.5) = 0.76125
    assert found.required == pytest.approx(0.76125)
    assert set(found.items) == {0, 1}
    assert set(find_minimal(score, {0, 1}, level=0.9).items) == {0}  # 0.75 ≥ 0.7475
    shifted = find_minimal(
        lambda x: [Outcome(o.score - 5, o.rank) for o in score(x)], {0, 1}, level=0.9
    )
    assert set(shifted.items) == {0}


def test_evidence_that_is_not_enough_is_returned_whole():
    found = find_minimal(NoisyOr(ONE_RULE, WORLD), {0, 1, 9})
    assert found.items == (0, 1, 9)
    assert not found.reached
    assert found.removed == ()
    assert found.num_passes == 3


def test_an_answer_that_needs_no_evidence_has_an_empty_minimal_set():
    found = find_minimal(NoisyOr({}, WORLD, base=0.7), {0, 1})
    assert (found.items, found.reached, found.score) == ((), True, pytest.approx(0.7))
    empty = find_minimal(NoisyOr({}, WORLD), set())
    assert (empty.items, empty.removed, empty.reached) == ((), (), True)


@settings(max_examples=40, deadline=None)
@given(
    st.dictionaries(
        st.frozensets(st.integers(0, 7), min_size=1, max_size=3), st.floats(0.3, 0.95), min_size=1,
        max_size=4,
    ),
    st.floats(0.5, 1.0),
)  # fmt: skip
def test_minimal_sets_are_enough_and_cannot_lose_a_member(paths, level):
    score = NoisyOr(paths, range(8))
    found = find_minimal(score, range(8), level)
    everything = score.value(frozenset(range(8)))
    for items in filter(None, (found.items, found.second)):
        assert score.value(frozenset(items)) >= level * everything - 2e-6
        for gone in items:
            assert score.value(frozenset(items) - {gone}) < level * everything
    assert not set(found.items) & set(found.second or ())
    check = check_evidence(score, frozenset(found.items), [])
    assert check.rho_keep >= level - 1e-5
    assert set(found.items) | set(found.removed) == set(range(8))


def test_planted_reasons_and_decoys_over_many_worlds():
    """≥ 95 % of true reasons SUPPORTED, ≥ 95 % of decoys NOT SUPPORTED, body found in ≥ 90 %."""
    rng = np.random.default_rng(7)
    supported = refused = exact = 0
    for _ in range(100):
        facts = rng.permutation(60)
        body, noise = frozenset(facts[:3].tolist()), facts[3:]
        paths = {body: 0.85}
        paths |= {frozenset(rng.choice(noise, 2, replace=False).tolist()): 0.04 for _ in range(8)}
        score = NoisyOr(paths, range(60))
        decoy = frozenset(rng.choice(noise, 3, replace=False).tolist())
        for evidence in (body, decoy):
            sets = matched_controls(evidence, range(60), kind, 20, rng)
            verdict = check_evidence(score, evidence, sets).verdict
            supported += evidence == body and verdict == "SUPPORTED"
            refused += evidence == decoy and verdict == "NOT SUPPORTED"
        shown = [*body, *rng.choice(noise, 8, replace=False).tolist()]
        exact += frozenset(find_minimal(score, shown).items) == body
    assert supported >= 95
    assert refused >= 95
    assert exact >= 90


def test_an_overlay_without_arguments_changes_nothing():
    assert Overlay() == Overlay(remove=frozenset(), keep=None)
    assert Overlay(keep=frozenset()) != Overlay()
