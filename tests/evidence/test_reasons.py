"""Search for reasons on scorers whose reasons are known."""

from itertools import combinations

import numpy as np
import pytest

from core.evidence.evidence import Outcome
from core.evidence.reasons import find_reasons, find_sufficient, strongest

ALL = frozenset(range(40))


def proofs_scorer(*proofs, weight=0.9):
    """Noisy-or of proofs: each complete proof raises the score."""

    def one(overlay):
        seen = (ALL if overlay.keep is None else overlay.keep) - overlay.remove
        rest = 1.0
        for proof in proofs:
            rest *= 1 - weight * (frozenset(proof) <= seen)
        return Outcome(0.01 + 0.99 * (1 - rest), 1.0)

    calls = []

    def score(overlays):
        calls.append(len(overlays))
        return [one(overlay) for overlay in overlays]

    score.calls = calls
    return score


def order(taken):
    return [item for item in range(40) if item not in taken]


def search(score, **changes):
    return find_reasons(score, order, **({"level": 0.9, "drop": 0.5, "size": 25} | changes))


def test_a_single_proof_is_found_exactly():
    assert search(proofs_scorer([31, 7])) == [(7, 31)]


def test_further_proofs_are_cut_at_one_item_until_the_answer_changes():
    proofs = [(3, 35), (12, 20, 38), (5,)]
    first, *others = search(proofs_scorer(*proofs))
    assert first in proofs
    assert [len(other) for other in others] == [1, 1]
    cut = [next(p for p in proofs if other[0] in p) for other in others]
    assert sorted([first, *cut]) == sorted(proofs)


def test_the_item_shared_by_several_proofs_is_cut_first():
    [first, other] = search(proofs_scorer([1], [7, 30], [8, 30], [9, 30]), drop=0.9)
    assert (first, other) == ((1,), (30,))


def test_no_reason_without_influence():
    assert search(lambda overlays: [Outcome(0.3, 1.0)] * len(overlays)) == []


def test_the_size_limit_ends_the_search():
    reasons = search(proofs_scorer([0, 1, 2], [10, 11], [20, 21], [30, 31]), size=4, drop=1.0)
    assert list(map(len, reasons)) == [3, 1]


def test_an_answer_that_needs_more_than_the_limit_has_no_small_reason():
    assert search(proofs_scorer(range(30)), size=8) == []


def test_strongest_items_are_those_that_cost_most():
    costs = {4: 0.3, 9: 0.5, 2: 0.1}

    def score(overlays):
        return [Outcome(1 - sum(costs.get(i, 0) for i in o.remove), 1.0) for o in overlays]

    assert strongest(score, range(40), 2) == (9, 4)
    assert strongest(score, [], 2) == ()


def test_no_candidates_no_reason():
    assert find_reasons(proofs_scorer([1]), lambda _: [], level=0.9, drop=0.5, size=5) == []
    assert find_sufficient(proofs_scorer([1]), [], 0.5) == ()


@pytest.mark.parametrize("seed", range(5))
def test_a_sufficient_set_cannot_be_made_smaller_by_one(seed):
    rng = np.random.default_rng(seed)
    proof = sorted(rng.choice(40, 6, replace=False).tolist())
    score = proofs_scorer(proof)
    items = rng.permutation(40).tolist()
    found = find_sufficient(score, items, 0.85)
    assert sorted(found) == proof
    assert sum(score.calls) < 400  # far below the 40 * 41 / 2 of one at a time


def test_nothing_is_returned_when_no_part_reaches_the_score():
    assert find_sufficient(proofs_scorer([1]), [5, 2, 8], 0.9) == ()


def test_every_found_set_is_within_the_candidates():
    for pair in combinations(range(6), 2):
        [reason] = search(proofs_scorer(pair))
        assert set(reason) == set(pair)
