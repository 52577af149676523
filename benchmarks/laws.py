"""Laws that are found again: simulated systems, three noises, three seeds, beside other programs.

Found means the structure of the true law, after both are brought into canonical form. The constants
are compared in the true law's own parameters: those are fitted to what the found law predicts of
fresh inputs; the largest relative difference counts. R² is that of the found law on fresh graphs
without noise; for "20 nodes" on graphs of 20 nodes after learning from graphs of 5.

pyoperon, gplearn and PySINDy see flattened data, one row for each node or graph: its own quantities
and those of all its edges one after the other, vectors by their first component. They are given 20
seconds. What is not installed is left out, and the table says so.

Pedestrians: mean over three folds; the column of constants holds how far a pedestrian who follows
the formula is from the recorded place after 1 s and 4 s.
"""

import argparse
import importlib.util
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from benchmarks.measurement.timing import heading, table
from core.data.physics.pedestrians import (
    FOLDS,
    NUM_FRAMES,
    WINDOWS,
    Pedestrians,
    displacement_errors,
    load_pedestrians,
    split_by_pedestrian,
)
from core.data.physics.simulators import simulate, truth
from core.discovery import library
from core.discovery.candidate import Front, pool
from core.discovery.discover import Discovery, Engine, discover
from core.discovery.fitting import determination, refit
from core.discovery.options import BUDGETS, OPERATORS, Budget, Knowledge
from core.discovery.social_force import fit_social_force
from core.knowledge.physics.canonical import same_structure
from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step, inputs_of
from core.knowledge.physics.system import GraphSystem, Quantity

SEEDS = (1, 2, 3)
NUM_GRAPHS = 300
STARTS = 5  # moments at which pedestrians begin to follow a formula
FRESH = 1000  # added to the seed for graphs that nobody has learned from
RIVAL_S = 20
COLUMNS = ("system", "noise", "method", "found", "constants", "R²", "seconds", "formula of seed 1")


@dataclass(frozen=True)
class Case:
    """A system and what has to be reached on it.

    Attributes:
        name: of the simulator.
        parameters: the true law with every constant that counts written as a number.
        bounds: largest relative difference of a constant, for each noise.
        least: R² that has to be reached instead of the structure, 1 where the structure counts.
    """

    name: str
    parameters: Law
    bounds: dict[float, float]
    least: float = 1.0


def _law(*steps: tuple[str, str, str], vector: bool = False) -> Law:
    """Steps from (name, level, formula); ``sum:x`` is the sum of x."""
    names = "m_i m_j q_i q_j r k T_i T_j dT dV R alpha dtheta omega m q F f Q T force mass rate "
    names += "message I I_i I_j w c c_j e v"
    made = []
    for name, level, text in steps:
        how, _, of = text.partition(":")
        if of:
            made.append(Step(name, level, aggregate=how, of=of))
        else:
            made.append(Step(name, level, parse(text, names.split()),
                             vector=vector and level == "edge"))  # fmt: skip
    return Law(tuple(made))


SUM = ("F", "node", "sum:message")
CASES = (
    Case(
        "springs",
        _law(("message", "edge", "1*k*(r - 1)"), SUM, ("a", "node", "F/m"), vector=True),
        {0.0: 0.02, 0.05: 0.02, 0.2: 0.05},
    ),
    Case("gravity", _law(("message", "edge", "1.7*m_j/r^2"), SUM, vector=True),
         {0.0: 0.02, 0.05: 0.02}),
    Case(
        "charges",
        _law(("message", "edge", "-1.3*q_i*q_j/r^2"), SUM, ("a", "node", "F/m"), vector=True),
        {0.0: 0.02, 0.05: 0.02},
    ),
    Case("heat", _law(("message", "edge", "1*k*dT"), SUM), {0.0: 0.02, 0.05: 0.02, 0.2: 0.02}),
    Case(
        "circuit",
        _law(("message", "edge", "0.5*dV^2/R"), ("P", "graph", "sum:message")),
        {0.0: 0.02, 0.05: 0.02, 0.2: 0.02},
    ),
    Case(
        "kuramoto",
        _law(("message", "edge", "0.8*sin(dtheta)"), SUM, ("rate", "node", "F + 1*omega")),
        {0.0: 0.02, 0.05: 0.02},
    ),
    Case(
        "thermology-complex",
        _law(
            ("message", "edge", "1*alpha*dT"), SUM,
            ("rate", "node", "(F + 1*Q)/T"), ("answer", "graph", "sum:rate"),
        ),
        {0.0: 0.02},
        0.99,
    ),
    Case(
        "mechanics-complex",
        _law(
            ("message", "edge", "1*k*(r - 1)"), SUM,
            ("force", "graph", "sum:f"), ("mass", "graph", "sum:m"),
            ("a", "node", "(F + 1*f)/m - 1*force/mass"), vector=True,
        ),
        {0.0: 0.02},
        0.95,
    ),
    Case(
        "hill",
        _law(("message", "edge", "2*c_j^2/(1^2 + c_j^2)"), SUM, ("rate", "node", "F - 1*c")),
        {0.0: 0.02, 0.05: 0.05},
    ),
    Case(
        "social-force",
        _law(
            ("message", "edge", "-3*exp(-r/0.5)"), SUM,
            ("a", "node", "2.68*e - 2*v + F"), vector=True,
        ),
        {0.0: 0.02, 0.05: 0.05},
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one search reached.

    Attributes:
        found: whether the structure is that of the true law.
        apart: largest relative difference of a constant, nan without a law.
        r2: on fresh graphs without noise.
        seconds: of processor time of this process, wall time where children work.
        text: the formula.
    """

    found: bool
    apart: float
    r2: float
    seconds: float
    text: str


def search(case: Case, noise: float, seed: int, budget: Budget, graphs: int,
           engines: dict[str, Engine] | None = None) -> Run:  # fmt: skip
    """One discovery and how near it came to the truth."""
    system = simulate(case.name, num_graphs=graphs, noise=noise, seed=seed)
    cpu, wall = time.process_time(), time.perf_counter()
    result = discover(system, budget=budget, seed=seed, engines=engines)
    alone = not budget.seeds
    spent = time.process_time() - cpu if alone else time.perf_counter() - wall
    return compare(case, result, seed, spent)


def compare(case: Case, result: Discovery, seed: int, spent: float) -> Run:
    """A discovery beside the true law."""
    fresh = simulate(case.name, num_graphs=100, seed=seed + FRESH)
    law = result.law
    if law is None:
        return Run(False, float("nan"), 0.0, spent, result.verdict)
    found = same_structure(law, truth(case.name), fresh)
    return Run(found, apart(case, law, fresh), determination(law, fresh), spent, law.text(3))


def apart(case: Case, law: Law, fresh: GraphSystem) -> float:
    """Largest relative difference of the true law's constants, fitted to the found law."""
    said = replace(fresh, target=Quantity("y", law.evaluate(fresh)))
    if not np.isfinite(said.target.values).all():
        return float("nan")
    wanted = np.asarray(case.parameters.constants)
    return float(np.max(np.abs(np.asarray(refit(case.parameters, said).constants) / wanted - 1)))


def summary(name: str, noise: float, method: str, runs: list[Run], least: float) -> tuple[str, ...]:
    """A row of the table from the runs of all seeds."""
    good = sum(one.found or one.r2 >= least for one in runs)
    return (
        name, f"{noise:.0%}", method, f"{good}/{len(runs)}",
        f"{max(one.apart for one in runs):.1%}", f"{min(one.r2 for one in runs):.5f}",
        f"{np.median([one.seconds for one in runs]):.1f}", runs[0].text,
    )  # fmt: skip


# ------------------------------------------------------------------ what must not be found


def shuffled(system: GraphSystem, seed: int) -> GraphSystem:
    """The same inputs with answers of other rows."""
    rows = np.random.default_rng(seed).permutation(len(system.target.values))
    return replace(system, target=Quantity("y", system.target.values[rows], system.target.unit))


def control_row(case: Case, seeds: tuple[int, ...], budget: Budget, graphs: int) -> tuple[str, ...]:
    """How often a shuffled target is said to have no law."""
    refused, seconds = 0, []
    for seed in seeds:
        system = shuffled(simulate(case.name, num_graphs=graphs, seed=seed), seed)
        begun = time.perf_counter()
        refused += discover(system, budget=budget, seed=seed).law is None
        seconds.append(time.perf_counter() - begun)
    return (
        f"{case.name}, shuffled", "-", "no law found", f"{refused}/{len(seeds)}", "-", "-",
        f"{np.median(seconds):.1f}", "-",
    )  # fmt: skip


def larger_row(seeds: tuple[int, ...], graphs: int) -> tuple[str, ...]:
    """Springs learned from 5 nodes, asked about 20."""
    scores, seconds, text = [], [], ""
    for seed in seeds:
        begun = time.process_time()
        result = discover(
            simulate("springs", num_graphs=graphs, seed=seed), budget=BUDGETS["instant"], seed=seed
        )
        seconds.append(time.process_time() - begun)
        large = simulate("springs", num_graphs=50, num_nodes=20, seed=seed + FRESH)
        scores.append(determination(result.law, large) if result.law else 0.0)
        text = result.law.text(3) if result.law else "-"
    good = sum(score >= 0.999 for score in scores)
    return (
        "springs, 20 nodes", "0%", "library", f"{good}/{len(seeds)}", "-", f"{min(scores):.5f}",
        f"{np.median(seconds):.1f}", text,
    )  # fmt: skip


# ------------------------------------------------------------------ other programs


def flattened(system: GraphSystem) -> tuple[np.ndarray, np.ndarray]:
    """(rows, features) and (rows,): own quantities, then those of every edge, zeros where none."""
    level = system.level
    own = [values[:, :1] for values in inputs_of(system, level).values()]
    index = system.receiver if level == "node" else system.edge_graph
    seen = [values[:, :1] for values in inputs_of(system, "edge").values()]
    if system.position is not None:
        seen.append(system.separation)
    messages = np.concatenate(seen, axis=1)
    rows = len(system.target.values)
    order = np.argsort(index, kind="stable")
    first = np.searchsorted(index[order], np.arange(rows))
    place = np.arange(len(index)) - first[index[order]]
    wide = np.zeros((rows, place.max(initial=0) + 1, messages.shape[1]))
    wide[index[order], place] = messages[order]
    return np.concatenate([*own, wide.reshape(rows, -1)], axis=1), system.target.values[:, 0]


def fit_pyoperon(x: np.ndarray, y: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """Pyoperon's own regressor."""
    from pyoperon.sklearn import SymbolicRegressor

    model = SymbolicRegressor(
        allowed_symbols="add,sub,mul,div,square,exp,sin,constant,variable",
        objectives=["r2", "length"], optimizer_iterations=5, max_length=40, population_size=500,
        generations=10_000, max_evaluations=10**8, max_time=RIVAL_S, random_state=1, n_threads=1,
    ).fit(x, y)  # fmt: skip
    return model.predict, model.get_model_string(model.model_, 3)


def fit_gplearn(x: np.ndarray, y: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """Gplearn's regressor."""
    from gplearn.genetic import SymbolicRegressor

    model = SymbolicRegressor(
        population_size=1000, generations=30, function_set=("add", "sub", "mul", "div", "sin"),
        random_state=1,
    ).fit(x, y)  # fmt: skip
    return model.predict, str(model._program)


def fit_pysindy(x: np.ndarray, y: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], str]:
    """PySINDy's thresholded regression on polynomials of the second degree."""
    import pysindy

    library = pysindy.PolynomialLibrary(degree=2)
    terms = np.asarray(library.fit_transform(x))
    fit = pysindy.STLSQ(threshold=0.05).fit(terms, y[:, None])
    kept = int(np.count_nonzero(fit.coef_))
    return (lambda new: np.asarray(library.transform(new)) @ fit.coef_[0]), f"{kept} terms"


RIVALS = {"pyoperon": fit_pyoperon, "gplearn": fit_gplearn, "pysindy": fit_pysindy}


def rival_rows(case: Case, noise: float, graphs: int) -> Iterator[tuple[str, ...]]:
    """Every other program that is installed, on one seed."""
    train = simulate(case.name, num_graphs=graphs, noise=noise, seed=SEEDS[0])
    fresh = simulate(case.name, num_graphs=graphs, seed=SEEDS[0] + FRESH)
    (x, y), (new, wanted) = flattened(train), flattened(fresh)
    width = max(x.shape[1], new.shape[1])  # graphs differ in how many edges a node can have
    x, new = (np.pad(one, ((0, 0), (0, width - one.shape[1]))) for one in (x, new))
    for name, fit in RIVALS.items():
        if importlib.util.find_spec(name) is None:
            continue
        begun = time.process_time()
        predict, text = fit(x, y)
        spent = time.process_time() - begun
        with np.errstate(all="ignore"):
            r2 = 1 - np.mean((predict(new) - wanted) ** 2) / wanted.var()
        yield (case.name, f"{noise:.0%}", f"{name}, flattened", "-", "-",
               f"{r2:.5f}" if np.isfinite(r2) else "-", f"{spent:.1f}", text[:60])  # fmt: skip


# ------------------------------------------------------------------ pedestrians


def pedestrian_rows(names: list[str]) -> Iterator[tuple[str, ...]]:
    """Formula and social force model on recorded pedestrians, by run and window.

    The protocol of `core.data.physics.pedestrians`: three folds by pedestrian. The formula is
    chosen among the library's and the social force model on other pedestrians of the learning
    part, the shortest within 1 % of the least squared error; only then is it fitted to the
    whole part and tested.
    """
    options = Knowledge(operators=(*OPERATORS, "sign"), rotation=False)
    for name, window in product(names, WINDOWS):
        run, scores, text = load_pedestrians(name, window), defaultdict(list), ""
        begun = time.process_time()
        for fold in range(FOLDS):
            learning, testing = split_by_pedestrian(run, fold)
            train, test = learning.system, testing.system
            everybody, _ = split_by_pedestrian(run, fold, num_frames=10**6)
            law, model = choose_formula(everybody, options), fit_social_force(train)
            law = model if law is None else refit(law, train, 20, 1e-8)
            steps = np.unique(testing.motion.step)[:: NUM_FRAMES // STARTS][:STARTS]
            for method, one in (("social force", model), ("library", law)):
                gaps = displacement_errors(run, one.evaluate, steps)
                scores[method].append((determination(one, test), *gaps))
            text = law.text(3)
        spent = time.process_time() - begun
        for method, values in scores.items():
            r2, *gaps = np.nanmean(values, axis=0)
            shown = f"{gaps[0]:.2f} m, {gaps[1]:.2f} m"
            yield (
                f"{name}, {window:g} s", "-", method, "-", shown, f"{r2:.4f}", f"{spent:.0f}",
                text if method == "library" else "-",
            )  # fmt: skip


def choose_formula(learning: Pedestrians, options: Knowledge) -> Law | None:
    """A formula chosen without a look at the testing part; None for the social force model."""
    inner = [split_by_pedestrian(learning, fold, 120) for fold in range(FOLDS)]
    one, other = max(inner, key=lambda parts: min(len(part.heading) for part in parts))
    train, valid = one.system, other.system
    model = library.candidate(fit_social_force(train), train, valid, "social force")
    front = Front.of(pool([model, *library.find(train, valid, options, 0)])).candidates
    least = min(one.valid_error for one in front)
    near = [one for one in front if one.valid_error**2 <= 1.01 * least**2]
    chosen = min(near, key=lambda one: one.complexity)
    return None if chosen.engine == model.engine else chosen.law


# ------------------------------------------------------------------ the table


def rows_of(options: argparse.Namespace) -> Iterator[tuple[str, ...]]:
    """All rows asked for."""
    seeds = SEEDS[:1] if options.quick else SEEDS
    graphs = 60 if options.quick else NUM_GRAPHS
    budget = BUDGETS[options.budget]
    wanted = options.only.split(",") if options.only else [case.name for case in CASES]
    cases = [case for case in CASES if case.name in wanted]
    if options.pedestrians:
        yield from pedestrian_rows(options.pedestrians.split(","))
        return
    for case in cases[:1] if options.quick else cases:
        for noise in [0.05] if options.quick else case.bounds:
            runs = [search(case, noise, seed, budget, graphs) for seed in seeds]
            yield summary(case.name, noise, options.budget, runs, case.least)
        if options.rivals:
            yield from rival_rows(case, 0.05, graphs)
    for case in cases[:1] if options.quick else cases:
        yield control_row(case, seeds, budget, graphs)
    yield larger_row(seeds, graphs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="springs only, one seed")
    parser.add_argument("--generated", action="store_true", help="no effect: all is simulated")
    parser.add_argument("--budget", default="instant", choices=list(BUDGETS))
    parser.add_argument("--only", default="", help="systems, separated by commas")
    parser.add_argument("--rivals", action="store_true", help="other programs on flattened data")
    parser.add_argument("--pedestrians", default="", help="recorded runs, separated by commas")
    options = parser.parse_args()
    print(heading("Laws found again"))
    print(table(COLUMNS, list(rows_of(options))))
    absent = [name for name in RIVALS if importlib.util.find_spec(name) is None]
    print(
        "found: structure of the true law (or R², where that is asked), of all seeds; constants: "
        "largest difference; R²: smallest, without noise"
    )
    if absent:
        print(f"left out, not installed: {', '.join(absent)}")


if __name__ == "__main__":
    main()
