"""Answers about systems on graphs: formulas from small to large, one of them suggested.

An answer comes from one of three places. An example has been searched beforehand: its formulas lie
in an artifact ``gsr-*``. A short search runs while a person waits, with the library of terms alone.
Everything else is a job, whose formulas are read as soon as it has written some.
"""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from core.data.physics import examples as physics_examples
from core.data.physics.examples import EXAMPLES
from core.data.physics.simulators import SIMULATORS
from core.discovery.candidate import Candidate, knee
from core.discovery.discover import SHARES, Discovery, discover
from core.discovery.fitting import determination, error
from core.discovery.options import Budget, Knowledge
from core.errors import InputError
from core.knowledge.physics import expression
from core.knowledge.physics.law import Law, visible_names
from core.knowledge.physics.system import LEVELS, GraphSystem
from core.knowledge.physics.units import check_units, parse_unit, require_reachable
from core.serving import physics_job, physics_question
from core.serving.artifact import Artifact, list_artifacts
from core.serving.physics_details import with_unit
from core.serving.physics_question import SIMULATOR, Question

PREFIX = "gsr-"
FIRST = "springs"  # the example that is shown when nothing is asked
MAX_FORMULAS = 24
NO_LAW = "PH-E08"
PROVIDER = "CPUExecutionProvider"


@dataclass(frozen=True)
class Example:
    """A question that comes with its answer.

    Attributes:
        id: in addresses.
        title: in words.
        sentence: what is measured, and the true law.
        question: with all settings.
    """

    id: str
    title: str
    sentence: str
    question: Question


@dataclass(frozen=True)
class Formula:
    """One row of the table.

    Attributes:
        number: 1 is the smallest formula.
        candidate: law, errors, size, engine.
        text: on one line.
        test_error: on the test part, in standard deviations of its target.
        r2: on the test part.
        found_by: first engine, and how many of the runs found a law of this form.
        units: verdict of the check of units.
        on_front: whether no smaller formula is as accurate on validation.
    """

    number: int
    candidate: Candidate
    text: str
    test_error: float
    r2: float
    found_by: str
    units: str
    on_front: bool

    @property
    def law(self) -> Law:
        """With its constants."""
        return self.candidate.law

    @property
    def complexity(self) -> int:
        """Size."""
        return self.candidate.complexity

    @property
    def valid_error(self) -> float:
        """Error on the validation part."""
        return self.candidate.valid_error


@dataclass(frozen=True)
class Answer:
    """Formulas of a question.

    Attributes:
        question: what was asked.
        title: of the system.
        summary: how much was measured.
        discovery: what the search has left; of a search that was stopped, its formulas alone.
        finished: whether the search came to its end.
        formulas: from small to large.
        suggested: number of the suggested one, of the best one where no law was found.
        verdict: None when a law was found, otherwise PH-E08.
        noise: error that noise alone leaves, None where it is not known.
        model: who has found them.
        provider: where it ran.
        seconds: how long this answer took on this server.
        mark: changes when the job behind it has found more.
    """

    question: Question
    title: str
    summary: str
    discovery: Discovery
    finished: bool
    formulas: tuple[Formula, ...]
    suggested: int
    verdict: InputError | None
    noise: float | None
    model: str
    provider: str
    seconds: float
    mark: str

    @property
    def found(self) -> bool:
        """Whether a law was found."""
        return self.verdict is None

    def formula(self, number: int | None = None) -> Formula:
        """The formula with this number; the suggested one without."""
        wanted = self.suggested if number is None else number
        return next(one for one in self.formulas if one.number == wanted)


Parts = tuple[GraphSystem, GraphSystem, GraphSystem]


@cache
def examples() -> tuple[Example, ...]:
    """Questions that come with their answers; the first one is shown when nothing is asked."""
    searched = {artifact.name: question for question, artifact in _searched().items()}
    return tuple(
        _example(one, searched.get(f"{PREFIX}{one.name}"))
        for one in sorted(EXAMPLES.values(), key=lambda one: one.name != FIRST)
    )


def _example(one: physics_examples.Example, question: Question | None) -> Example:
    question = question or physics_question.of_simulator(one.simulator, **one.settings)
    settings = dict(question.settings)
    noise = f"{settings['noise']:.0%} noise" if settings["noise"] else "no noise"
    sentence = (
        f"{one.question} {settings['num_graphs']:,} graphs of {settings['num_nodes']} nodes, "
        f"simulated with {noise}. True law: {SIMULATORS[question.name].law}."
    )
    return Example(one.name, one.title, sentence, question)


def example_of(question: Question) -> Example | None:
    """The example whose question this is."""
    return next((one for one in examples() if one.question == question), None)


@cache
def _searched() -> dict[Question, Artifact]:
    """Artifacts with formulas, by their question; damaged ones are left out, About names them."""
    return {
        Question.from_json(one.knowledge["question"]): one
        for name, one in list_artifacts()
        if name.startswith(PREFIX) and isinstance(one, Artifact)
    }


def artifact_of(question: Question) -> Artifact | None:
    """The artifact that has answered this very question, None where there is none."""
    return _searched().get(question)


def is_simulated(record: Mapping[str, object]) -> bool:
    """Whether a stored question is about a simulated system."""
    return str(record["source"]).startswith(f"{SIMULATOR}:")


def name_of(record: Mapping[str, object]) -> str:
    """Name of the simulator, or id of the upload, of a stored question."""
    return str(record["source"]).partition(":")[2]


def is_quick(question: Question) -> bool:
    """Whether an answer takes no job."""
    return bool(question.job) or question.budget == "instant" or question in _searched()


def state_of(question: Question) -> str:
    """Changes whenever the job of a question has found more; empty without a job."""
    return physics_job.mark_of(question.job) if question.job else ""


def parts_of(question: Question) -> Parts:
    """Training, validation and test part, as the search has split them.

    Raises:
        InputError: the data cannot be made or are gone.
    """
    train, valid, test = physics_question.load_system(question).split(SHARES, question.seed)
    return train, valid, test


def require_units(question: Question) -> None:
    """See that the units of a question can be read and can match.

    Raises:
        InputError: PH-E01 for a unit that cannot be read, PH-E02 where no law can have the unit of
            the target.
    """
    system = physics_question.load_system(question)
    named = [*system.nodes.values(), *system.edges.values(), *system.graphs.values()]
    for one in (*named, system.target):
        if one.unit:
            parse_unit(one.unit)
    if question.knowledge.use_units:
        require_reachable(system, question.knowledge.allow_constant_units)


def answer(question: Question) -> Answer:
    """Formulas of a question.

    Raises:
        ParsimonyError: the data cannot be used, or a job has found nothing yet.
    """
    begun = time.perf_counter()
    require_units(question)
    system = physics_question.load_system(question)
    parts = parts_of(question)
    artifact = artifact_of(question)
    finished = True
    if artifact is not None:
        found = Discovery.from_json(artifact.knowledge["discovery"])
        model = f"{artifact.name}: {_engines(found)}"
    elif question.job:
        found, finished = _of_job(question, parts)
        model = _engines(found)
    else:
        found = discover(system, question.knowledge, Budget.of(question.budget), question.seed)
        model = _engines(found)
    formulas = _formulas(found, parts, question.knowledge)
    chosen = found.chosen
    verdict = None
    if chosen is None:
        _, _, words = found.verdict.partition(" · ")
        verdict = InputError(NO_LAW, "No law found", words or found.verdict, "")
        chosen = min(
            range(len(found.candidates)), key=lambda row: found.candidates[row].valid_error,
            default=0,
        )  # fmt: skip
    suggested = next(
        (one.number for one in formulas if one.candidate is found.candidates[chosen]), 0
    )
    return Answer(
        question, system.title or system.target.name, _summary(system), found, finished, formulas,
        suggested, verdict, _noise(question), model, PROVIDER, time.perf_counter() - begun,
        state_of(question),
    )  # fmt: skip


def _engines(found: Discovery) -> str:
    names = dict.fromkeys(stage.name.partition("-")[0] for stage in found.stages)
    return f"search by {', '.join(names)}" if names else "search"


def _of_job(question: Question, parts: Parts) -> tuple[Discovery, bool]:
    """What a job has found; of one that has not come to its end, the formulas so far."""
    found = physics_job.read(question.job)
    if found is not None:
        return found, True
    knowledge, (train, valid, _) = question.knowledge, parts
    candidates = [
        one for one in physics_job.read_interim(question.job)
        if not knowledge.use_units or _is_consistent(one.law, train, knowledge)
    ]  # fmt: skip
    if not candidates:
        raise InputError(
            "PH-E21", "No formula yet", "This search has not found a formula so far.",
            "Wait for a moment, or press Resume.",
        )  # fmt: skip
    chosen = candidates.index(knee(candidates, valid.target.values.size))
    best = candidates[chosen]
    interim = Discovery(
        tuple(candidates), len(candidates), chosen,
        "Stopped early: this is the best trade so far.", (),
        {"train": 1 - best.train_error**2, "valid": 1 - best.valid_error**2}, 0.0, (), 0.0,
        tuple(part.num_graphs for part in parts), 0, question.seed, question.budget,
        question.knowledge, "",
    )  # fmt: skip
    return interim, False


def _is_consistent(law: Law, system: GraphSystem, knowledge: Knowledge) -> bool:
    return check_units(law, system, knowledge.allow_constant_units).verdict != "inconsistent"


def _formulas(found: Discovery, parts: Parts, knowledge: Knowledge) -> tuple[Formula, ...]:
    """The front and the best of the others, from small to large."""
    train, _, test = parts
    rest = sorted(found.candidates[found.front :], key=lambda one: one.valid_error)
    kept = [*found.candidates[: found.front], *rest][:MAX_FORMULAS]
    front = {id(one) for one in found.candidates[: found.front]}
    kept.sort(key=lambda one: (one.complexity, one.valid_error))
    runs = len(found.stages)
    return tuple(
        Formula(
            number, one, _text(one.law, test), error(one.law, test), _r2(one.law, test),
            _found_by(one, runs),
            check_units(one.law, train, knowledge.allow_constant_units).verdict, id(one) in front,
        )
        for number, one in enumerate(kept, start=1)
    )  # fmt: skip


def _text(law: Law, system: GraphSystem) -> str:
    """The law on one line, for the target by its name."""
    return f"{system.target.name} = {law.text().partition(' = ')[2]}"


def finite(value: float) -> float | None:
    """The value, None where a law is not defined."""
    return value if math.isfinite(value) else None


def _r2(law: Law, test: GraphSystem) -> float:
    """R² on the test part; a law that is not defined there has none."""
    value = determination(law, test)
    return value if math.isfinite(value) else -math.inf


def _found_by(one: Candidate, runs: int) -> str:
    engine = one.engine.partition("-")[0]
    return f"{engine}, {one.seeds} of {runs} runs" if runs > 1 else engine


def _summary(system: GraphSystem) -> str:
    counts = f"{system.num_graphs:,} graphs, {system.num_nodes:,} nodes, {system.num_edges:,} edges"
    place = {"edge": "each edge", "node": "each node", "graph": "the whole graph"}[system.level]
    return f"{counts}; asked: {with_unit(system.target)} of {place}"


def best_by_engine(answer: Answer) -> dict[str, Formula]:
    """The best trade between error and size among the formulas of each engine."""
    values = parts_of(answer.question)[1].target.values.size
    groups: dict[str, list[Formula]] = {}
    for one in answer.formulas:
        groups.setdefault(one.candidate.engine.partition("-")[0], []).append(one)
    best = {}
    for engine, group in groups.items():
        chosen = knee([one.candidate for one in group], values)
        best[engine] = next(one for one in group if one.candidate is chosen)
    return best


def _noise(question: Question) -> float | None:
    """The error that noise alone leaves, in standard deviations of the noisy target."""
    noise = dict(question.settings).get("noise", 0.0)
    return noise / math.sqrt(1 + noise**2) if noise else None


def say_guesses(knowledge: Knowledge) -> Sequence[str]:
    """The formulas to begin with, as a person types them."""
    return [expression.to_text(one) for one in knowledge.guess]


def read_guesses(text: str, question: Question) -> tuple[expression.Expression, ...]:
    """Formulas to begin with, one per line.

    Raises:
        InputError: PH-E09 for what is no formula of this system.
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ()
    system = physics_question.load_system(question)
    names = {name for level in LEVELS for name in visible_names(system, level)}
    return tuple(expression.parse(line, names) for line in lines)
