"""The instant engine: laws that are sums of a few terms of a library.

Terms are evaluated on all edges, brought to the target's level and chosen together by best-subset
regression, so that a law takes a fraction of a second; the constants inside the functions of the
best sets are then fitted with all others. Works when the terms are in the library.

Source: best subsets and information criteria as in PySINDy's habit of regression on a library
(Brunton et al., PNAS 2016), here on messages after aggregation.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from scipy.optimize import least_squares

from core.discovery.candidate import Candidate
from core.discovery.fitting import BROKEN, MAX_VALUES, error, fewer
from core.discovery.options import Knowledge
from core.discovery.subsets import Regression, best_subsets, distinct
from core.discovery.terms import (
    Term,
    columns,
    edge_terms,
    level_of,
    node_terms,
    overviews,
    to_law,
)
from core.knowledge.physics.expression import (
    Apply,
    Number,
    constants,
    variables,
    with_constants,
)
from core.knowledge.physics.law import Law, Step
from core.knowledge.physics.system import GraphSystem
from core.knowledge.physics.units import check_units

Report = Callable[..., None]
NAME = "library"
EXACT = 1 - 1e-10  # share explained by a law without noise; longer ones are splits of it
LARGEST = 5  # terms of a law
VALUES = 2500  # of the target, for choosing terms; the constants are fitted on all
EDGES = 12_000
TERMS = 1000
BEST = 10  # sets of each size whose constants are fitted


def quiet(*_args: object, **_values: object) -> None:
    """A report that goes nowhere."""


@dataclass(frozen=True)
class Library:
    """Terms and their columns on a part of the data.

    Attributes:
        terms: the distinct ones, the short ones first.
        steps: earlier steps that they use.
        matrix: (values of the target, terms).
        system: that part.
    """

    terms: tuple[Term, ...]
    steps: tuple[Step, ...]
    matrix: np.ndarray
    system: GraphSystem

    @property
    def answer(self) -> np.ndarray:
        """(values of the target,)."""
        return self.system.target.values.ravel()


def known_steps(steps: Sequence[Step], system: GraphSystem) -> dict[str, tuple[str, np.ndarray]]:
    """Values of earlier steps, for `inputs_of`."""
    return {step.name: (step.level, Law((step,)).evaluate(system)) for step in steps}


def all_terms(system: GraphSystem, knowledge: Knowledge) -> tuple[list[Step], list[Term]]:
    """Every term that the knowledge allows, the short ones first, and the steps they need."""
    level = system.level
    steps, terms = overviews(system, knowledge)
    for guess in knowledge.guess:
        where = level_of(variables(guess), system)
        far = where != level
        along = far and where == "edge" and system.target.is_vector
        terms.append(Term(where, guess, vector=along, aggregate="sum" if far else ""))
    if system.num_edges:
        ways = ("",) if level == "edge" else ("sum", "mean")
        terms += edge_terms(system, knowledge, ways, 3)
    if level == "node":
        terms += node_terms(system, knowledge, "node", ("",), 2 if system.num_edges else 3, {})
    if level == "graph":
        terms += node_terms(system, knowledge, "graph", ("",), 2, {})
        terms += node_terms(system, knowledge, "node", ("sum", "mean"), 2, {})
    unique = {term: term.complexity for term in terms if term.complexity < knowledge.max_complexity}
    if knowledge.use_units:
        unique = _with_fitting_units(unique, steps, system, knowledge)
    return steps, sorted(unique, key=lambda term: unique[term])


def _with_fitting_units(
    terms: dict[Term, int], steps: Sequence[Step], system: GraphSystem, knowledge: Knowledge
) -> dict[Term, int]:
    """Terms that can stand in a law whose units match: no sine of a mass.

    Where constants may have units, the coefficient makes up for all but the function inside, so
    each function is looked at once; otherwise each term is.
    """
    verdicts: dict[object, bool] = {}

    def fits(term: Term) -> bool:
        if not knowledge.allow_constant_units:
            return is_consistent(to_law([term], [1.0], system, steps), system, knowledge)
        key = (term.level, term.base)
        if key not in verdicts:
            free = Apply("mul", (Number(2.0), term.base))
            law = Law((Step("answer", term.level, free),))
            verdicts[key] = is_consistent(law, system, knowledge)
        return verdicts[key]

    return {term: size for term, size in terms.items() if fits(term)}


def is_consistent(law: Law, system: GraphSystem, knowledge: Knowledge) -> bool:
    """Whether nothing contradicts the declared units."""
    report = check_units(law, system, knowledge.allow_constant_units)
    return report.verdict != "inconsistent"


def build(system: GraphSystem, knowledge: Knowledge) -> Library:
    """The library of a system, on as many graphs as choosing needs."""
    some = fewer(system, VALUES)
    if some.num_edges > EDGES:
        some = fewer(some, max(50, int(some.target.values.size * EDGES / some.num_edges)))
    steps, terms = all_terms(system, knowledge)
    terms = terms[: 3 * TERMS]
    matrix = columns(terms, some, known_steps(steps, some))
    kept = distinct(matrix, np.arange(len(terms)))[:TERMS]
    return Library(tuple(terms[k] for k in kept), tuple(steps), matrix[:, kept], some)


def find(
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    seed: int,
    report: Report = quiet,
    deadline: float = float("inf"),
) -> list[Candidate]:
    """Laws that are sums of library terms.

    Args:
        train: data that terms and constants are chosen on.
        valid: data that errors are measured on.
        options: what is allowed.
        seed: not used; the search is not random.
        report: called for each size with the best error; may raise Cancelled.
        deadline: `time.monotonic()` after which nothing more is started.

    Returns:
        Candidates, several for each number of terms.
    """
    del seed
    return search(build(train, options), train, valid, options, report, deadline)


def search(
    library: Library,
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    report: Report = quiet,
    deadline: float = float("inf"),
) -> list[Candidate]:
    """Laws that are sums of these terms; see `find`."""
    if not library.terms:
        return []
    problem = Regression.of(library.matrix, library.answer)
    report(0, LARGEST, f"{len(library.terms)} terms")
    levels = best_subsets(problem, LARGEST, check=lambda: report(0, LARGEST, "best subsets"))
    found: list[Candidate] = []
    for size, sets in enumerate(levels, start=1):
        fitted = [
            candidate(law, train, valid)
            for law in _fitted(library, sets, train, deadline, partial(report, size, LARGEST))
            if law.complexity <= options.max_complexity
        ]
        found += fitted
        best = min((one.train_error for one in found), default=float("inf"))
        report(size, LARGEST, f"{size} terms", best=best)
        if 1 - best**2 > EXACT or time.monotonic() > deadline:
            break
    return found


def candidate(law: Law, train: GraphSystem, valid: GraphSystem, engine: str = NAME) -> Candidate:
    """A law with its errors."""
    return Candidate(law, error(law, train), error(law, valid), law.complexity, engine)


def _shape(term: Term) -> Term:
    """The term without the constants inside: those of one shape differ by their grid only."""
    if not term.is_bent:
        return term
    return replace(term, base=with_constants(term.base, [1.0] * len(constants(term.base))))


def fit_terms(
    terms: Sequence[Term], steps: Sequence[Step], system: GraphSystem
) -> tuple[list[Term], np.ndarray]:
    """The constants inside terms and their coefficients, by least squares on the target.

    The coefficients follow from the constants in closed form, so only those are searched.
    """
    system = fewer(system, MAX_VALUES)
    known = known_steps(steps, system)
    answer = system.target.values.ravel()
    bent = [place for place, term in enumerate(terms) if term.is_bent]
    counts = [len(constants(terms[place].base)) for place in bent]
    matrix = columns(terms, system, known)

    def turned(values: np.ndarray) -> list[Term]:
        rest = iter(values)
        new = list(terms)
        for place, count in zip(bent, counts, strict=True):
            base = with_constants(terms[place].base, [float(next(rest)) for _ in range(count)])
            new[place] = replace(terms[place], base=base)
        return new

    def rest_of(values: np.ndarray) -> np.ndarray:
        new = turned(values)
        matrix[:, bent] = columns([new[place] for place in bent], system, known)
        if not np.isfinite(matrix).all():
            return np.full(len(answer), BROKEN)
        return answer - matrix @ np.linalg.lstsq(matrix, answer, rcond=1e-12)[0]

    best = list(terms)
    if bent:
        start = np.array([value for place in bent for value in constants(terms[place].base)])
        fit = least_squares(
            rest_of, start, x_scale=np.maximum(np.abs(start), 0.1), max_nfev=15, xtol=1e-10
        )
        best = turned(fit.x)
        matrix[:, bent] = columns([best[place] for place in bent], system, known)
    return best, np.linalg.lstsq(matrix, answer, rcond=1e-12)[0]


def _fitted(
    library: Library,
    sets: Sequence[tuple[int, ...]],
    train: GraphSystem,
    deadline: float,
    report: Report,
) -> list[Law]:
    """The laws of the best sets, one for each shape, their constants fitted."""
    seen: set[frozenset[Term]] = set()
    laws = []
    for chosen in sets:
        terms = [library.terms[k] for k in chosen]
        shape = frozenset(_shape(term) for term in terms)
        if shape in seen or (laws and time.monotonic() > deadline):
            continue
        seen.add(shape)
        report("fitting constants")
        terms, coefficients = fit_terms(terms, library.steps, train)
        laws.append(to_law(terms, coefficients, train, library.steps))
        if len(laws) == BEST:
            break
    return laws


def shuffled_ceiling(
    library: Library, seed: int, check: Callable[[], None] = lambda: None, draws: int = 8
) -> float:
    """R² that the best pair of terms reaches on a target that has lost its meaning.

    Args:
        library: terms and data.
        seed: of the shuffles.
        check: called before every shuffle; may raise.
        draws: shuffles; the largest R² counts.
    """
    if len(library.terms) < 2:
        return 0.0
    rng = np.random.default_rng(seed)
    values = library.system.target.values
    apart = float(np.sum((values - values.mean(axis=0)) ** 2)) or 1.0
    problem = Regression.of(library.matrix, library.answer)
    unit = library.matrix / problem.length
    reached = []
    for _ in range(draws):
        check()
        mixed = values[rng.permutation(len(values))].ravel()
        shuffled = replace(problem, pull=unit.T @ (mixed / problem.target))
        pair = best_subsets(shuffled, 2, 1)[-1][0]
        left = (1 - shuffled.explained(pair)) * problem.target**2
        reached.append(1 - left / apart)
    return float(max(reached))
