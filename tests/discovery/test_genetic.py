"""The genetic search: its arithmetic against our own evaluation, and laws that it finds."""

from itertools import product

import numpy as np
import pytest

from core.data.physics.simulators import simulate, truth
from core.discovery.candidate import Front, knee
from core.discovery.fitting import error, refit
from core.discovery.genetic import (
    Breeder,
    Judge,
    Site,
    find,
    ranks,
    split_factors,
    tidy,
    to_expression,
)
from core.discovery.options import Knowledge
from core.discovery.terms import Term, multiply, to_law
from core.errors import Cancelled
from core.knowledge.physics.expression import Apply, Number, evaluate, parse, to_text
from core.knowledge.physics.law import inputs_of


def judge_of(name, num_graphs=40, **options):
    system = simulate(name, num_graphs=num_graphs, seed=1, **options)
    return Judge(Site.of(system, Knowledge(), mean=False))


def values_at(site):
    values = inputs_of(site.system, site.level)
    return {**values, "": np.empty((len(site.values), 1))}


def test_trees_mean_the_same_in_our_form():
    judge = judge_of("springs")
    values = values_at(judge.site)
    plain = Knowledge(operators=("add", "sub", "mul", "div", "square"))  # sin of much is rounding
    trees = Breeder(judge, plain, 3).first(60)
    compared = 0
    for tree, wanted in zip(trees, evaluated(judge, trees), strict=True):
        expr = to_expression(tree, judge.variables)
        number, rest = tidy(expr)
        for got in (evaluate(expr, values), number * evaluate(rest, values)):
            usable = np.isfinite(wanted) & (np.abs(wanted) < 1e3)
            np.testing.assert_allclose(got[usable, 0], wanted[usable], rtol=1e-2, atol=1e-3)
            compared += usable.sum()
    assert compared > 20_000


def evaluated(judge, trees):
    import pyoperon

    values = np.empty((len(trees), len(judge.site.values)), np.float32)
    pyoperon.EvaluateTrees(trees, judge.data, judge.rows, values, 1)
    return values


@pytest.mark.parametrize("name", ["springs", "circuit", "kuramoto"])
def test_judged_error_is_that_of_the_fitted_law(name):
    judge = judge_of(name, noise=0.1)
    site = judge.site
    trees = Breeder(judge, Knowledge(), 5).first(40)
    errors = judge.errors(trees)
    checked = 0
    for tree, judged in zip(trees, errors, strict=True):
        _, rest = tidy(to_expression(tree, judge.variables))
        if not judged < 0.99 or rest == Number(1.0):
            continue
        terms = [Term(site.level, rest, (), None, site.vector, site.aggregate), *site.terms]
        law = to_law(terms, np.ones(len(terms)), site.system, site.steps)
        linear = best_linear(terms, site)
        assert judged == pytest.approx(linear, rel=1e-2, abs=1e-4)
        assert law.level == site.system.level
        checked += 1
    assert checked >= 3


def best_linear(terms, site):
    from core.discovery.library import known_steps
    from core.discovery.terms import columns

    matrix = columns(terms, site.system, known_steps(site.steps, site.system))
    answer = site.system.target.values.ravel()
    left = answer - matrix @ np.linalg.lstsq(matrix, answer, rcond=None)[0]
    return left @ left / np.sum((answer - answer.mean()) ** 2)


def test_fronts_are_those_of_pairwise_comparison():
    rng = np.random.default_rng(0)
    errors, lengths = rng.random(60).round(1), rng.integers(1, 8, 60)
    pairs = list(zip(errors, lengths, strict=True))
    keep = [k for k, one in enumerate(pairs) if one not in pairs[:k]]  # the search has no twins
    errors, lengths = errors[keep], lengths[keep]
    rank, _ = ranks(errors, lengths)
    for a, b in product(range(len(keep)), repeat=2):
        if a != b and errors[a] <= errors[b] and lengths[a] <= lengths[b]:
            assert rank[a] < rank[b]
    for b in np.flatnonzero(rank > 0):
        assert any(
            rank[a] == rank[b] - 1 and errors[a] <= errors[b] and lengths[a] <= lengths[b]
            for a in range(len(keep))
        )


@pytest.mark.parametrize(
    ("text", "number", "rest"),
    [
        ("k*(2*r - 3)*5", 10, "k*(r - 1.5)"),
        ("(2*k)*(3*k)", 6, "k^2"),
        ("k*(1/r)", 1, "k/r"),
        ("-(4*r)/(2*k)", -2, "r/k"),
        ("(0 - 2*k)^2", 4, "k^2"),
        ("sin(0 - 3*r)", -1, "sin(3*r)"),
        ("5 + 2*r", 2, "r + 2.5"),
    ],
)
def test_numbers_move_to_the_front(text, number, rest):
    got = tidy(parse(text, ["k", "r"]))
    assert got[0] == pytest.approx(number)
    assert to_text(got[1]) == to_text(parse(rest, ["k", "r"]))


def test_products_fall_apart_into_factors():
    base, factors = split_factors(parse("q_i*q_j*(r - 1)/(m_i*r^2)", ["q_i", "q_j", "r", "m_i"]))
    assert dict(factors) == {"q_i": 1, "q_j": 1, "m_i": -1}
    values = {name: np.array([[value]]) for name, value in
              {"q_i": 2.0, "q_j": 3.0, "m_i": 5.0, "r": 1.5}.items()}  # fmt: skip
    assert evaluate(multiply(base, factors), values)[0, 0] == pytest.approx(
        2 * 3 * 0.5 / (5 * 1.5**2)
    )


def chosen(name, seed, evaluations, **options):
    system = simulate(name, seed=1, **options)
    train, valid = system.split((0.7, 0.3), 0)
    found = find(train, valid, Knowledge(), seed, evaluations=evaluations)
    return knee(Front.of(found).candidates, valid.target.values.size).law


def test_the_law_of_the_circuit_is_found():
    law = chosen("circuit", 0, 6000, num_graphs=80)
    fresh = simulate("circuit", num_graphs=20, seed=9)
    assert error(law, fresh) < 1e-6


def test_equal_seeds_give_equal_laws():
    one, two, other = (chosen("springs", seed, 2000, num_graphs=30) for seed in (1, 1, 2))
    assert one == two
    assert one != other


def test_report_can_end_the_search():
    def report(done, *_args, **_values):
        if done > 1000:
            raise Cancelled("enough")

    system = simulate("heat", num_graphs=20, noise=0.1, seed=1)
    with pytest.raises(Cancelled):
        find(system, system, Knowledge(), 0, report)


def test_formulas_of_the_moment_are_given_out(monkeypatch):
    monkeypatch.setattr("core.discovery.genetic.PARTIAL_S", 0.0)
    seen = []
    system = simulate("heat", num_graphs=20, noise=0.1, seed=1)
    find(system, system, Knowledge(), 0, evaluations=1500, partial=seen.append)
    assert seen
    assert all(one.engine == "genetic" for some in seen for one in some)


def test_a_law_is_not_made_worse_by_its_refit():
    system = simulate("charges", num_graphs=30, noise=0.1, seed=1)
    start = truth("charges").with_constants([-0.7])
    assert error(refit(start, system), system) < error(start, system)


def test_operators_that_are_not_allowed_do_not_grow():
    judge = judge_of("springs")
    trees = Breeder(judge, Knowledge(operators=("add", "mul")), 0).first(100)
    seen = {node.op for tree in trees for node in nodes(to_expression(tree, judge.variables))}
    assert seen <= {"add", "mul"}


def nodes(expr):
    if isinstance(expr, Apply):
        yield expr
        for arg in expr.args:
            yield from nodes(arg)
