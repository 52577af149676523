"""The driver searched with a space of its own: which powers of x a polynomial has."""

import json
from dataclasses import dataclass

import numpy as np
import pytest

from core.errors import Cancelled, ParsimonyError
from core.training.search import SearchResult, Trial, best_trials, search

NUM_POWERS = 7


@dataclass(frozen=True)
class Polynomial:
    """Powers of x in any order; the order does not matter to the model."""

    powers: tuple[int, ...]

    def canonical(self):
        return frozenset(self.powers)

    def to_json(self):
        return list(self.powers)

    @classmethod
    def from_json(cls, value):
        return cls(tuple(value))

    def __str__(self):
        return " + ".join(f"x^{power}" for power in self.powers)


class OneTermMoreOrLess:
    """Adds a term to one of the ten best or takes one away; gives up after 200 draws."""

    def propose(self, trials, rng, num):
        best = best_trials(trials, 10)
        seen = {trial.candidate.canonical() for trial in trials} | {frozenset()}
        found = []
        for _ in range(200):
            powers = set(best[rng.integers(len(best))].candidate.powers)
            powers ^= {int(rng.integers(NUM_POWERS))}
            if powers not in seen:
                found.append(Polynomial(tuple(powers)))
        return found[:num]


class Regression:
    """Function space: coefficients by least squares; y = 2 x + x^3 - x^4 and a little noise."""

    def __init__(self):
        rng = np.random.default_rng(5)
        x = rng.uniform(-1, 1, 60)
        y = 2 * x + x**3 - x**4 + rng.normal(0, 0.001, 60)
        self.train, self.valid = (x[:30], y[:30]), (x[30:], y[30:])
        self.batches = []

    def __call__(self, candidates):
        self.batches.append(list(candidates))
        return [Trial(c, self.score(c), len(c.powers), 0.5) for c in candidates]

    def score(self, candidate):
        (x, y), (new_x, new_y) = self.train, self.valid
        powers = np.array(candidate.powers)
        weights = np.linalg.lstsq(x[:, None] ** powers, y, rcond=None)[0]
        return -float(np.abs(new_x[:, None] ** powers @ weights - new_y).max())

    @property
    def tried(self):
        return [candidate.canonical() for batch in self.batches for candidate in batch]


START = [Polynomial((0,)), Polynomial((2, 1)), Polynomial((1, 2))]
SETTINGS = {"start": START, "budget": 60, "batch": 4, "seed": 3}


def run(evaluate=None, **changes):
    evaluate = evaluate or Regression()
    return search(OneTermMoreOrLess(), evaluate, **{**SETTINGS, **changes}), evaluate


def test_the_terms_of_a_polynomial_are_found():
    result, evaluate = run(budget=120)  # of 127
    assert result.best.candidate.canonical() >= {1, 3, 4}
    assert result.best.score > -0.01
    terms = {trial.size: trial.candidate.canonical() for trial in result.pareto()}
    assert terms[3] == {1, 3, 4}
    assert [trial.candidate.canonical() for trial in result.trials] == evaluate.tried


def test_start_comes_first_once_and_the_search_never_ends_below_it():
    result, evaluate = run(budget=2)
    assert evaluate.batches == [START[:2]]  # the third is the second, written otherwise
    assert result.best.score == max(evaluate.score(candidate) for candidate in START)

    class Worse:
        def propose(self, _trials, _rng, _num):
            return [Polynomial((5,)), Polynomial((6,)), Polynomial((5,))]

    ended = search(Worse(), evaluate, **SETTINGS)
    assert [trial.candidate.powers for trial in ended.trials] == [(0,), (2, 1), (5,), (6,)]
    assert ended.best.score >= max(evaluate.score(candidate) for candidate in START)


@pytest.mark.parametrize(("budget", "batch"), [(11, 4), (12, 5), (3, 10)])
def test_budget_and_batches_are_respected(budget, batch):
    result, evaluate = run(budget=budget, batch=batch)
    sizes = [len(found) for found in evaluate.batches]
    assert sum(sizes) == len(result.trials) == budget
    assert sizes[0] == 2
    assert max(sizes) <= batch


def test_nothing_is_tried_twice_and_an_exhausted_space_ends_the_search():
    result, evaluate = run(budget=10_000, batch=200)
    assert len(set(evaluate.tried)) == len(evaluate.tried) == len(result.trials)
    assert 60 < len(result.trials) <= 2**NUM_POWERS - 1


def test_a_budget_below_the_start_is_refused():
    with pytest.raises(ParsimonyError, match="does not cover the 2 candidates"):
        run(budget=1)


def test_a_score_that_is_no_number_is_refused():
    with pytest.raises(ParsimonyError, match="not a finite number"):
        run(lambda found: [Trial(c, float("nan"), 1, 0.1) for c in found])


def test_one_seed_gives_one_search():
    assert run()[0] == run()[0]
    assert run()[0] != run(seed=4)[0]


class StopAt:
    """A report that cancels at a step and keeps what it was told."""

    def __init__(self, step=0):
        self.step, self.told = step, []

    def __call__(self, step, total, text="", **values):
        self.told.append((step, total, text, values))
        if step == self.step:
            raise Cancelled("A person has asked this job to stop.")


@pytest.mark.parametrize("step", [1, 7, 23])
def test_a_cancelled_search_goes_on_with_the_same_trials(tmp_path, step):
    expected, _ = run()
    path = tmp_path / "search.json"
    with pytest.raises(Cancelled):
        run(checkpoint=path, report=StopAt(step))
    rows = json.loads(path.read_text(encoding="utf-8"))
    assert step <= len(rows) < 60
    rest = Regression()
    result, _ = run(rest, checkpoint=path)
    assert result == expected
    assert len(rest.tried) == 60 - len(rows)
    again = Regression()
    assert run(again, checkpoint=path)[0] == expected
    assert again.tried == []


def test_a_training_that_is_cancelled_costs_only_its_batch(tmp_path):
    evaluate, path = Regression(), tmp_path / "search.json"
    expected, _ = run()

    def stopped(candidates):
        if len(evaluate.batches) == 3:
            raise Cancelled("A person has asked this job to stop.")
        return evaluate(candidates)

    with pytest.raises(Cancelled):
        run(stopped, checkpoint=path)
    assert len(json.loads(path.read_text(encoding="utf-8"))) == len(evaluate.tried) == 10
    assert run(checkpoint=path)[0] == expected
    assert list(tmp_path.iterdir()) == [path]


def test_every_trial_is_reported_with_the_best_so_far():
    report = StopAt()
    result, _ = run(report=report)
    assert [told[:2] for told in report.told] == [(n, 60) for n in range(1, 61)]
    scores = [told[3]["score"] for told in report.told]
    assert scores == [trial.score for trial in result.trials]
    bests = [told[3]["best"] for told in report.told]
    assert bests == list(np.maximum.accumulate(scores))
    assert report.told[0][2] == f"1 tried, best {scores[0]:.3f}: x^0"


def test_rank_decides_which_proposals_are_tried():
    asked = []

    class Counting(OneTermMoreOrLess):
        def propose(self, trials, rng, num):
            asked.append(num)
            return super().propose(trials, rng, num)

    def longest_first(trials, candidates, rng):
        assert len(trials) >= 2
        assert isinstance(rng, np.random.Generator)
        return sorted(candidates, key=lambda c: -len(c.powers))

    evaluate = Regression()
    search(Counting(), evaluate, **{**SETTINGS, "budget": 20}, rank=longest_first, pool=50)
    ranked = np.mean([len(powers) for powers in evaluate.tried[2:]])
    assert set(asked) == {50}
    plain = run(budget=20)[1]
    assert ranked > np.mean([len(powers) for powers in plain.tried[2:]])


def trial(name, score, size):
    return Trial(Polynomial((name,)), score, size, 0.0)


def test_best_and_pareto_by_hand():
    trials = [
        trial(0, 0.5, 4),
        trial(1, 0.9, 8),
        trial(2, 0.5, 4),  # equal to the first
        trial(3, 0.9, 6),  # as good as 1 and smaller
        trial(4, 0.4, 5),  # worse and larger than the first
        trial(5, 0.7, 6),
        trial(6, 0.3, 2),
    ]
    result = SearchResult(tuple(trials))
    assert result.best == trials[3]
    assert [found.candidate.powers[0] for found in result.pareto()] == [6, 0, 3]
    assert [found.candidate.powers[0] for found in best_trials(trials, 4)] == [3, 1, 5, 0]


def test_pareto_by_definition():
    rng = np.random.default_rng(1)
    for _ in range(30):
        trials = [trial(n, int(rng.integers(6)), int(rng.integers(6))) for n in range(12)]
        expected = {
            (a.score, a.size)
            for a in trials
            if not any(
                b.score >= a.score and b.size <= a.size and (b.score, b.size) != (a.score, a.size)
                for b in trials
            )
        }
        front = SearchResult(tuple(trials)).pareto()
        assert [(a.score, a.size) for a in front] == sorted(expected)
