"""Shorter forms of a law: parts that do nothing are taken out, and the rest is fitted again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from core.discovery.fitting import refit, residuals, spread
from core.knowledge.physics.expression import Apply, Expression, Number, Variable
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem

NEAR_ONE = 0.03  # a factor this close to 1 may be 1
EXACT = 1e-18  # mean squared error, in the target's variance, that is rounding


def shrink(
    law: Law,
    system: GraphSystem,
    deadline: float = float("inf"),
    check: Callable[[], None] = lambda: None,
) -> Law:
    """Take out parts while the error does not rise by more than they are worth.

    A part is worth its size times the logarithm of the number of values, as in the Bayesian
    information criterion. Tried are: a factor near 1 away, an operation replaced by one of its
    arguments, an addend away.

    Args:
        law: fitted.
        system: data with a target.
        deadline: `time.monotonic()` after which nothing more is tried.
        check: called before every trial; may raise.

    Returns:
        The shortest law reached, fitted.
    """
    scale = spread(system)
    num = system.target.values.size

    def loss(one: Law) -> float:
        return max(float(np.mean(residuals(one, system, scale) ** 2)), EXACT)

    now = loss(law)
    tried: set[str] = set()
    improved = True
    while improved and time.monotonic() < deadline:
        improved = False
        for shorter in _shorter(law):
            check()
            key = shorter.text(3)
            if key in tried or time.monotonic() > deadline:
                continue
            tried.add(key)
            saved = (law.complexity - shorter.complexity) * np.log(num)
            fitted = refit(shorter, system, 10, 1e-6)
            after = loss(fitted)
            if num * np.log(after / now) < saved and after < max(1.02 * now, 10 * EXACT):
                law, now, improved = fitted, min(after, now), True
                break
    return refit(law, system)


def _shorter(law: Law) -> Iterator[Law]:
    """The law with one part less."""
    for place, step in enumerate(law.steps):
        if step.expression is None:
            continue
        for smaller in _smaller(step.expression):
            steps = list(law.steps)
            steps[place] = replace(step, expression=smaller)
            yield _without_idle(Law(tuple(steps)))


def _without_idle(law: Law) -> Law:
    """Without a last step that only repeats the one before it."""
    last = law.steps[-1]
    if (
        isinstance(last.expression, Variable)
        and len(law.steps) > 1
        and law.steps[-2].name == last.expression.name
        and law.steps[-2].level == last.level
    ):
        return Law(law.steps[:-1])
    return law


def _smaller(expr: Expression) -> Iterator[Expression]:
    """The expression with one part less, big parts first."""
    if not isinstance(expr, Apply):
        return
    op, args = expr.op, expr.args
    if op == "mul":
        yield from (args[1 - k] for k in (0, 1) if _is_free(args[k]))
        for k in (0, 1):
            if isinstance(args[k], Number) and abs(args[k].value + 1) < NEAR_ONE:
                yield Apply("neg", (args[1 - k],))
    elif op == "div":
        if _is_free(args[1]):
            yield args[0]
    elif op in ("add", "sub"):
        yield args[0]
        yield args[1] if op == "add" else Apply("neg", (args[1],))
    elif op != "pow" and not isinstance(args[0], Number):
        yield args[0]
    for place, arg in enumerate(args):
        if op == "pow" and place == 1:
            continue
        for smaller in _smaller(arg):
            yield Apply(op, (*args[:place], smaller, *args[place + 1 :]))


def _is_free(expr: Expression) -> bool:
    """A number that may be left out of a product."""
    return isinstance(expr, Number) and abs(expr.value - 1) < NEAR_ONE
