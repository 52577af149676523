"""Which parts of a law are the reason of its fit: measured by taking them away.

Two questions. `removals`: how much of the variance of unseen graphs is explained when one term, one
factor or the direction is gone and all other constants are fitted again. `term_evidence`: are the
law's terms the reason at all? The model then is a regression on the law's terms and on as many
random terms again ("decoys"); scores are R² on unseen graphs for any subset of them, in the form
that `core.evidence.faithfulness.check_evidence` asks for.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import NamedTuple, Protocol

import numpy as np

from core.discovery.fitting import MAX_VALUES, determination, fewer, refit
from core.discovery.library import build, known_steps
from core.discovery.options import Knowledge
from core.discovery.terms import columns
from core.knowledge.physics.expression import (
    Apply,
    Expression,
    Number,
    Variable,
    to_text,
    variables,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem

MOST_TERMS = 30  # a product of sums is not multiplied out further
ALIKE = 0.5  # correlation with a law's term from which a random term is no decoy


@dataclass(frozen=True)
class Part:
    """Something that can be taken out of a law.

    Attributes:
        id: short id, stable for the same law.
        kind: "term", "factor" or "direction".
        text: what it is, as a formula.
        step: name of the step that it belongs to.
        without: the law without it.
    """

    id: str
    kind: str
    text: str
    step: str
    without: Law


@dataclass(frozen=True)
class Removal:
    """What a part is worth.

    Attributes:
        part: what was taken out.
        r2: of the whole law on unseen graphs.
        r2_without: of the law without it, all constants fitted again; not below 0.
    """

    part: Part
    r2: float
    r2_without: float

    @property
    def drop(self) -> float:
        """R² that the part is worth."""
        return self.r2 - self.r2_without


def parts(law: Law) -> list[Part]:
    """Terms, factors and directions of a law, step by step.

    Numbers are no factors; what would leave nothing of a law is not listed.
    """
    found: list[Part] = []
    for place, step in enumerate(law.steps):
        if step.expression is None:
            continue
        if step.vector:
            scaled = Apply("mul", (Number(1.0), step.expression))
            bare = replace(step, expression=scaled, vector=False)
            found.append(
                Part(f"{step.name}.n", "direction", "n", step.name, _with(law, place, bare))
            )
        for number, (kind, part, rest) in enumerate(_removable(step.expression)):
            scaled = Apply("mul", (Number(1.0), rest))  # what is left may become larger
            without = _with(law, place, replace(step, expression=scaled))
            found.append(Part(f"{step.name}.{number}", kind, to_text(part, 3), step.name, without))
    return found


def _with(law: Law, place: int, step: Step) -> Law:
    return Law((*law.steps[:place], step, *law.steps[place + 1 :]))


Cut = tuple[str, Expression, Expression]


def _removable(expr: Expression) -> Iterator[Cut]:
    """Kind, part and the expression without it, for every part with a name in it."""
    if not isinstance(expr, Apply):
        return
    op, args = expr.op, expr.args
    if op in ("add", "sub"):
        yield from _cuts_of_sum(op, *args)
    elif op == "mul":
        yield from _cuts_of_product(*args)
    elif op == "div":
        yield from _cuts_of_quotient(*args)
    for place, arg in enumerate(args):
        if op == "pow" or (op == "div" and place == 1):
            continue
        for kind, part, rest in _removable(arg):
            yield kind, part, Apply(op, (*args[:place], rest, *args[place + 1 :]))


def _cuts_of_sum(op: str, left: Expression, right: Expression) -> Iterator[Cut]:
    turned = right if op == "add" else Apply("neg", (right,))
    yield "term", left, turned
    yield "term", turned, left


def _cuts_of_product(*args: Expression) -> Iterator[Cut]:
    for part, rest in (args, args[::-1]):
        product_of_more = isinstance(part, Apply) and part.op in ("mul", "div")
        if variables(part) and not _is_sum(part) and not product_of_more:
            yield "factor", part, rest


def _cuts_of_quotient(above: Expression, below: Expression) -> Iterator[Cut]:
    one_over = Apply("div", (Number(1.0), below))
    if variables(below) and not _is_sum(below):
        yield "factor", one_over, above
    if isinstance(above, Variable):
        yield "factor", above, one_over


def _is_sum(expr: Expression) -> bool:
    return isinstance(expr, Apply) and expr.op in ("add", "sub")


def removals(law: Law, train: GraphSystem, test: GraphSystem) -> list[Removal]:
    """What each part is worth, the dearest first.

    Args:
        law: fitted to the training data.
        train: what the rest is fitted to again.
        test: graphs that R² is measured on.
    """
    whole = determination(law, test)
    some = fewer(train, MAX_VALUES // 4)
    worth = [
        Removal(part, whole, max(0.0, determination(refit(part.without, some, 30, 1e-8), test)))
        for part in parts(law)
    ]
    return sorted(worth, key=lambda one: one.r2_without)


# ------------------------------------------------------------------ terms against decoys


class Score(NamedTuple):
    """R² on unseen graphs; there is no ranking of answers, so the rank is 1."""

    score: float
    rank: float = 1.0


class Subset(Protocol):
    """`core.evidence.evidence.Overlay`: what to take away, and what alone to keep."""

    remove: frozenset
    keep: frozenset | None


@dataclass(frozen=True)
class TermEvidence:
    """A law's terms among decoys.

    Attributes:
        terms: text of each term of the law by its id.
        decoys: text of each decoy by its id.
        score: R² on unseen graphs of regressions on subsets of both.
    """

    terms: dict[str, str]
    decoys: dict[str, str]
    score: Callable[[Sequence[Subset]], list[Score]]

    @property
    def evidence(self) -> frozenset[str]:
        """Ids of the law's terms."""
        return frozenset(self.terms)

    @property
    def pool(self) -> frozenset[str]:
        """Ids of all items."""
        return frozenset({**self.terms, **self.decoys})


def single_terms(law: Law) -> list[Law]:
    """Laws of one term each that add up to a law; sums inside functions stay whole."""
    by_name = {step.name: step for step in law.steps}

    def ways(step: Step) -> list[dict[str, Step]]:
        """The ways to take one term of a step and of what it is the sum of."""
        if step.expression is None:
            if step.aggregate == "max" or step.of not in by_name:
                return [_whole(step)]
            return [{**way, step.name: step} for way in ways(by_name[step.of])]
        found = []
        for term in addends(step.expression):
            linear = [name for name in _numerator(term) if name in by_name]
            others = [name for name in variables(term) & set(by_name) if name not in linear[:1]]
            kept: dict[str, Step] = {}
            for name in others:
                kept |= _whole(by_name[name])
            own = replace(step, expression=term)
            for way in ways(by_name[linear[0]]) if linear else [{}]:
                found.append({**kept, **way, step.name: own})
        return found

    def _whole(step: Step) -> dict[str, Step]:
        needed = {step.of} if step.expression is None else variables(step.expression)
        found: dict[str, Step] = {}
        for name in needed & set(by_name):
            found |= _whole(by_name[name])
        return {**found, step.name: step}

    laws = [
        Law(tuple(way[step.name] for step in law.steps if step.name in way))
        for way in ways(law.steps[-1])
    ]
    return laws if len(laws) <= MOST_TERMS else [law]


def addends(expr: Expression) -> list[Expression]:
    """Terms that add up to an expression, products of sums multiplied out."""
    if not isinstance(expr, Apply):
        return [expr]
    if expr.op in ("add", "sub"):
        right = addends(expr.args[1])
        if expr.op == "sub":
            right = [Apply("neg", (one,)) for one in right]
        return [*addends(expr.args[0]), *right]
    if expr.op == "neg":
        return [Apply("neg", (one,)) for one in addends(expr.args[0])]
    if expr.op == "mul":
        pairs = product(addends(expr.args[0]), addends(expr.args[1]))
        return [Apply("mul", pair) for pair in pairs]
    if expr.op == "div":
        return [Apply("div", (one, expr.args[1])) for one in addends(expr.args[0])]
    return [expr]


def _numerator(expr: Expression) -> list[str]:
    """Names that a term is proportional to."""
    if isinstance(expr, Variable):
        return [expr.name]
    if isinstance(expr, Apply) and expr.op in ("mul", "neg"):
        return [name for arg in expr.args for name in _numerator(arg)]
    if isinstance(expr, Apply) and expr.op == "div":
        return _numerator(expr.args[0])
    return []


def term_evidence(
    law: Law, train: GraphSystem, test: GraphSystem, seed: int = 0, num_decoys: int = 12
) -> TermEvidence:
    """Prepare the check of a law's terms against random terms of the library.

    Args:
        law: fitted to the training data.
        train: what coefficients are fitted to.
        test: graphs that R² is measured on.
        seed: of the choice of decoys.
        num_decoys: how many, fewer where the library has no more that differ from the law's terms.

    Returns:
        Items and their scorer; coefficients are fitted again for every subset.
    """
    train, test = fewer(train, MAX_VALUES // 2), fewer(test, MAX_VALUES // 2)
    singles = single_terms(law)
    wide = train.target.values.shape
    own = [np.broadcast_to(one.evaluate(train), wide).ravel() for one in singles]
    library = build(train, Knowledge())
    known = {part: known_steps(library.steps, part) for part in (train, test)}
    order = np.random.default_rng(seed).permutation(len(library.terms))[: 4 * num_decoys]
    drawn = [library.terms[k] for k in order]
    matrix = columns(drawn, train, known[train])
    alike = np.abs(_correlations(matrix, np.column_stack(own))).max(axis=1)
    picked = [k for k in range(len(drawn)) if alike[k] < ALIKE][:num_decoys]
    drawn = [drawn[k] for k in picked]
    terms = {f"term {k + 1}": one.text(3) for k, one in enumerate(singles)}
    decoys = {
        f"decoy {k + 1}": to_text(one.expression, 3) + (" n" if one.vector else "")
        for k, one in enumerate(drawn)
    }
    here = np.column_stack([*own, matrix[:, picked]])
    other = np.broadcast_to(np.empty((1, 1)), test.target.values.shape).shape
    there = np.column_stack(
        [
            *(np.broadcast_to(one.evaluate(test), other).ravel() for one in singles),
            columns(drawn, test, known[test]),
        ]
    )
    place = {name: k for k, name in enumerate((*terms, *decoys))}
    target, wanted = train.target.values.ravel(), test.target.values.ravel()
    apart = float(np.sum((test.target.values - test.target.values.mean(axis=0)) ** 2)) or 1.0

    def score(subsets: Sequence[Subset]) -> list[Score]:
        results = []
        for one in subsets:
            kept = set(place) if one.keep is None else set(one.keep)
            chosen = sorted(place[name] for name in kept - set(one.remove))
            said = np.zeros(len(wanted))
            if chosen:
                fit = np.linalg.lstsq(here[:, chosen], target, rcond=1e-10)[0]
                said = there[:, chosen] @ fit
            r2 = 1 - float(np.sum((said - wanted) ** 2)) / apart
            results.append(Score(max(0.0, r2) if np.isfinite(r2) else 0.0))
        return results

    return TermEvidence(terms, decoys, score)


def _correlations(matrix: np.ndarray, others: np.ndarray) -> np.ndarray:
    """(K, L) cosines of columns; 1 where one is not finite or 0, so that it is left out."""
    with np.errstate(all="ignore"):
        left = matrix / np.linalg.norm(matrix, axis=0)
        right = others / np.linalg.norm(others, axis=0)
        return np.nan_to_num(left.T @ right, nan=1.0, posinf=1.0, neginf=1.0)
