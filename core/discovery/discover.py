"""The whole search: split, engines, pooled front, choice, constants with intervals, verdict.

Order: the library in about a second; the genetic search with several seeds in two processes unless
the library's law leaves nothing to explain; further engines that the caller passes. Errors that
choose are measured on graphs that no engine was fitted to; the test graphs are looked at once, for
the chosen law. After every stage the formulas found so far are written, so a stopped search keeps
them and a search that is started again goes on.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.discovery import library
from core.discovery.candidate import Candidate, Front, knee, pool
from core.discovery.fitting import determination, fewer, intervals, refit
from core.discovery.options import BUDGETS, Budget, Knowledge
from core.discovery.polish import shrink
from core.errors import InputError
from core.knowledge.physics.canonical import canonical, structure
from core.knowledge.physics.law import Law
from core.knowledge.physics.system import GraphSystem
from core.knowledge.physics.units import require_reachable

SHARES = (0.6, 0.2, 0.2)  # of the graphs for training, validation and test
LEAST = 0.02  # R² on validation below which a law is none
SHRUNK = 2  # candidates that are shortened
COMPARED = 22  # largest laws whose structures are compared; larger ones can take seconds
MOST_COMPARED = 14  # candidates, the front first
ALIKE = 1.005  # errors of one structure whose ratio is below this are equal
PATIENCE = 60  # times the budget that the library may take on a busy machine; it needs less than 1
Report = Callable[..., None]


class Engine(Protocol):
    """What looks for laws, such as `library.find`."""

    def __call__(
        self,
        train: GraphSystem,
        valid: GraphSystem,
        options: Knowledge,
        seed: int,
        report: Report,
        deadline: float,
    ) -> list[Candidate]:
        """Candidates with their errors in standard deviations of the training target."""


@dataclass(frozen=True)
class Stage:
    """What one engine did.

    Attributes:
        name: of the engine and its seed.
        seconds: how long it took.
        found: how many formulas.
        complete: False where time ran out before it was through.
    """

    name: str
    seconds: float
    found: int
    complete: bool


@dataclass(frozen=True)
class Discovery:
    """What a search found.

    Attributes:
        candidates: formulas, those of the front first from short to long.
        front: how many of them are the front.
        chosen: number of the chosen one, None when no law was found.
        verdict: one sentence; begins with ``PH-E08`` when no law was found.
        intervals: (low, high), 95 %, of each constant of the chosen law.
        r2: of the chosen law on the parts "train", "valid" and "test".
        ceiling: R² that the same search reaches on a shuffled target.
        stages: what each engine did.
        seconds: of the whole search.
        sizes: graphs for training, validation and test.
        refused: candidates left out because they violate the units.
        seed: of everything random.
        budget: name of the budget.
        knowledge: what was assumed.
        data: hash of the data.
    """

    candidates: tuple[Candidate, ...]
    front: int
    chosen: int | None
    verdict: str
    intervals: tuple[tuple[float, float], ...]
    r2: Mapping[str, float]
    ceiling: float
    stages: tuple[Stage, ...]
    seconds: float
    sizes: tuple[int, int, int]
    refused: int
    seed: int
    budget: str
    knowledge: Knowledge
    data: str

    @property
    def law(self) -> Law | None:
        """The chosen law."""
        return None if self.chosen is None else self.candidates[self.chosen].law

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        record = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return record | {
            "candidates": [one.to_json() for one in self.candidates],
            "intervals": [list(one) for one in self.intervals],
            "r2": dict(self.r2),
            "stages": [vars(one) for one in self.stages],
            "sizes": list(self.sizes),
            "knowledge": self.knowledge.to_json(),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Discovery":
        """The discovery of `to_json`."""
        return cls(
            **{
                **record,
                "candidates": tuple(Candidate.from_json(one) for one in record["candidates"]),
                "intervals": tuple((one[0], one[1]) for one in record["intervals"]),
                "stages": tuple(Stage(**one) for one in record["stages"]),
                "sizes": tuple(record["sizes"]),
                "knowledge": Knowledge.from_json(record["knowledge"]),
            }
        )


def fingerprint(system: GraphSystem) -> str:
    """Hash of all values, names, units and links of a system."""
    digest = hashlib.sha256()
    for group in (system.nodes, system.edges, system.graphs, {"": system.target}):
        for one in group.values():
            digest.update(f"{one.name}|{one.unit}|{one.role}|{one.values.shape}".encode())
            digest.update(np.ascontiguousarray(one.values).tobytes())
    for links in (system.sender, system.receiver, system.node_graph):
        digest.update(np.ascontiguousarray(links, np.int64).tobytes())
    return digest.hexdigest()[:16]


@dataclass
class _State:
    """Stages that are done, on disk after each."""

    path: Path | None
    key: str
    done: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def at(cls, path: Path | None, key: str) -> "_State":
        if path is not None and path.exists():
            record = json.loads(path.read_text(encoding="utf-8"))
            if record.get("key") == key:
                return cls(path, key, record["stages"])
        return cls(path, key)

    def keep(
        self, name: str, found: Sequence[Candidate], seconds: float, *, complete: bool
    ) -> None:
        self.done[name] = {
            "found": [one.to_json() for one in found],
            "seconds": seconds,
            "complete": complete,
        }
        if self.path is not None:
            draft = self.path.with_suffix(".part")
            text = json.dumps({"key": self.key, "stages": self.done})
            draft.write_text(text, encoding="utf-8")
            draft.replace(self.path)

    def found(self, name: str) -> list[Candidate]:
        return [Candidate.from_json(one) for one in self.done.get(name, {}).get("found", ())]

    @property
    def names(self) -> list[str]:
        """Stages in an order that does not depend on which ended first."""
        return sorted(self.done, key=lambda name: (name != "library", "genetic" not in name, name))

    @property
    def everything(self) -> list[Candidate]:
        return [one for name in self.names for one in self.found(name)]

    def is_complete(self, name: str) -> bool:
        return bool(self.done.get(name, {}).get("complete"))


def formulas_so_far(path: Path) -> list[Candidate]:
    """The front of a search that is running or was stopped, from its state file."""
    if not path.exists():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    found = [
        Candidate.from_json(one) for stage in record["stages"].values() for one in stage["found"]
    ]
    return list(Front.of(found).candidates)


def discover(
    system: GraphSystem,
    knowledge: Knowledge | None = None,
    budget: Budget = BUDGETS["standard"],
    seed: int = 0,
    report: Report = library.quiet,
    state: Path | None = None,
    engines: Mapping[str, Engine] | None = None,
) -> Discovery:
    """Search for the law behind a target.

    Args:
        system: data with a target.
        knowledge: what is allowed.
        budget: how much is tried.
        seed: of the split and of all engines.
        report: `report(percent, 100, text, formulas=…, best=…)`, at least each second; `best` is R²
            on validation. May raise Cancelled, which passes through after the state was written.
        state: file of the formulas found so far; a search with the same data, knowledge, budget and
            seed goes on from it.
        engines: further engines by name, after our own.

    Returns:
        The discovery; without a chosen law when none is clearly better than a constant.

    Raises:
        InputError: PH-E07 if there are too few graphs; where units are used, PH-E01 if one cannot
            be read and PH-E02 if no formula can have the target's.
    """
    search = _Search(
        system, knowledge or Knowledge(), budget, seed, report, state, dict(engines or {})
    )
    return search.run()


class _Search:
    """One run of `discover`."""

    def __init__(
        self,
        system: GraphSystem,
        knowledge: Knowledge,
        budget: Budget,
        seed: int,
        report: Report,
        state: Path | None,
        engines: dict[str, Engine],
    ) -> None:
        self.system, self.knowledge, self.budget, self.seed = system, knowledge, budget, seed
        self.engines, self._report = engines, report
        self.train, self.valid, self.test = system.split(SHARES, seed)
        if not all(part.target.values.size for part in (self.train, self.valid, self.test)):
            raise InputError(
                "PH-E07",
                "Too few samples",
                f"{system.num_graphs} graphs cannot be parted into training, validation and test.",
                "At least 3 are needed, better 30.",
            )
        self.started = time.monotonic()
        self.data = fingerprint(system)
        question = [self.data, knowledge.to_json(), budget.name, seed, sorted(engines)]
        key = hashlib.sha256(json.dumps(question).encode()).hexdigest()
        self.state = _State.at(state, key)

    def until(self, share: float) -> float:
        """The moment when this share of the time is over; a quick search waits for its turn."""
        patience = PATIENCE if not self.budget.seeds else 1
        return self.started + patience * share * self.budget.seconds

    def report(self, text: str) -> None:
        """Tell how far the search is and what it has."""
        share = min(0.99, (time.monotonic() - self.started) / self.budget.seconds)
        found = self.state.everything
        values = {"formulas": float(len(found))}
        if found:
            values["best"] = 1 - min(one.valid_error for one in found) ** 2
        self._report(int(100 * share), 100, text, **values)

    def run(self) -> Discovery:
        if self.knowledge.use_units:
            require_reachable(self.system, self.knowledge.allow_constant_units)
        self.stage("library", self.find_in_library, 0.6 if not self.budget.seeds else 0.2)
        if not self.is_explained:
            if self.budget.seeds:
                self.genetic(0.4 if self.engines else 0.7)
            for name, engine in self.engines.items():
                self.stage(name, engine, 0.85)
        return self.finish()

    @property
    def is_explained(self) -> bool:
        """Whether a law leaves nothing but rounding."""
        errors = [one.valid_error for one in self.state.everything]
        return bool(errors) and 1 - min(errors) ** 2 > library.EXACT

    def stage(self, name: str, engine: Engine, share: float) -> None:
        """Run an engine unless its formulas are there from an earlier start."""
        if self.state.is_complete(name):
            return
        begun = time.monotonic()
        self.report(name)
        found = engine(
            self.train,
            self.valid,
            self.knowledge,
            self.seed,
            lambda *args, **_: self.report(f"{name}: {args[2]}" if len(args) > 2 else name),
            self.until(share),
        )
        complete = time.monotonic() < self.until(share)
        self.state.keep(name, found, time.monotonic() - begun, complete=complete)
        self.report(name)

    def genetic(self, share: float) -> None:
        """Genetic search with several seeds, two at a time."""
        from core.discovery import workers  # loads pyoperon only where it is used

        names = [f"genetic-{number}" for number in range(self.budget.seeds)]
        open_ = [number for number, name in enumerate(names) if not self.state.is_complete(name)]
        workers.run_seeds(
            self.train,
            self.valid,
            self.knowledge,
            [1000 * self.seed + number for number in open_],
            self.budget.evaluations,
            self.until(share),
            keep=lambda place, found, seconds, complete: self.state.keep(
                names[open_[place]], found, seconds, complete=complete
            ),
            report=lambda: self.report("genetic search"),
        )

    # -------------------------------------------------------------- the end

    def finish(self) -> Discovery:
        """Pool, shorten, leave out what violates units, choose, measure."""
        self.report("choosing")
        pooled = pool(self.state.everything)
        listed = [one for one in pooled if self.is_listed(one.law)]
        refused = len(pooled) - len(listed)
        listed = self.counted(self.shortened(listed))
        ceiling = self.ceiling()
        front = Front.of(listed).candidates
        rest = [one for one in listed if one not in front]
        listed = [*front, *rest]
        constant = not np.ptp(self.system.target.values)
        best = 0.0 if constant else max((1 - one.valid_error**2 for one in listed), default=0.0)
        chosen, bounds, r2 = None, (), {}
        one = knee(front, self.valid.target.values.size) if front else None
        if (
            one is not None
            and not constant
            and 1 - max(one.train_error, one.valid_error) ** 2 >= max(LEAST, ceiling)
        ):
            chosen = listed.index(one)
            bounds = tuple((b.low, b.high) for b in intervals(one.law, self.train, seed=self.seed))
            r2 = {
                "train": 1 - one.train_error**2,
                "valid": 1 - one.valid_error**2,
                "test": determination(one.law, self.test),
            }
            verdict = (
                f"{one.law.text()} explains {r2['test']:.4f} of the variance of unseen graphs."
            )
        else:
            verdict = (
                f"PH-E08 · No formula fits better than a constant (best R² {max(best, 0):.2f}). "
                "Check the target column, or allow more operators."
            )
        stages = tuple(
            Stage(name, one["seconds"], len(one["found"]), one["complete"])
            for name, one in ((name, self.state.done[name]) for name in self.state.names)
        )
        self._report(100, 100, "done", formulas=float(len(listed)), best=best)
        return Discovery(
            tuple(listed),
            len(front),
            chosen,
            verdict,
            bounds,
            r2,
            ceiling,
            stages,
            time.monotonic() - self.started,
            (self.train.num_graphs, self.valid.num_graphs, self.test.num_graphs),
            refused,
            self.seed,
            self.budget.name,
            self.knowledge,
            self.data,
        )

    def is_listed(self, law: Law) -> bool:
        """Whether the knowledge allows a law."""
        return law.complexity <= self.knowledge.max_complexity and (
            not self.knowledge.use_units or library.is_consistent(law, self.system, self.knowledge)
        )

    def shortened(self, candidates: list[Candidate]) -> list[Candidate]:
        """The candidates, and shorter forms of the best of them."""
        new, num = list(candidates), self.valid.target.values.size
        open_ = list(Front.of(candidates).candidates)
        some = fewer(self.train, 4000)
        for _ in range(SHRUNK):
            if not open_ or time.monotonic() > self.until(0.95):
                break
            one = knee(open_, num)
            open_.remove(one)
            self.report("shortening")
            law = shrink(one.law, some, self.until(0.9), lambda: self.report("shortening"))
            if law.complexity < one.complexity and self.is_listed(law):
                law = refit(law, self.train)
                new.append(library.candidate(law, self.train, self.valid, one.engine))
        return pool(new)

    def counted(self, candidates: list[Candidate]) -> list[Candidate]:
        """One candidate for each structure, in its shorter form, with the runs that found it."""
        runs: dict[str, set[str]] = defaultdict(set)
        for name in self.state.names:
            for one in Front.of(self.state.found(name)).candidates:
                if one.complexity <= COMPARED:
                    runs[structure(one.law, self.train)].add(name)
        best: dict[str, Candidate] = {}
        for number, one in enumerate(candidates):
            self.report("comparing")
            if one.complexity > COMPARED or number >= MOST_COMPARED:
                best[str(number)] = one
                continue
            law = canonical(one.law, self.train)
            shorter = law.complexity < one.complexity and self.is_listed(law)
            shape = structure(one.law, self.train)
            new = replace(
                one,
                law=law if shorter else one.law,
                complexity=law.complexity if shorter else one.complexity,
                seeds=max(1, len(runs[shape])),
            )
            same = best.get(shape, new)
            least = min(same.valid_error, new.valid_error) * ALIKE
            best[shape] = min(
                (same, new),
                key=lambda two, least=least: (two.valid_error > least, two.complexity),
            )
        return list(best.values())

    def ceiling(self) -> float:
        """What the library explains of a shuffled target."""
        return library.shuffled_ceiling(self.terms, self.seed, lambda: self.report("comparing"))

    @cached_property
    def terms(self) -> library.Library:
        """Terms and their columns on the training part."""
        return library.build(self.train, self.knowledge)

    def find_in_library(
        self,
        train: GraphSystem,
        valid: GraphSystem,
        options: Knowledge,
        _seed: int,
        report: Report,
        deadline: float,
    ) -> list[Candidate]:
        """`library.find` on terms that are needed once more later."""
        return library.search(self.terms, train, valid, options, report, deadline)
