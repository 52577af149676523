"""Runs of the genetic search in child processes: two at a time, watched, and ended at once.

A run that fails in native code ends its own process only; what it had found until then is kept, and
its stage is told as not complete. When no run comes to its end, that is an error.
"""

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from core.discovery.candidate import Candidate
from core.discovery.options import Knowledge
from core.errors import ParsimonyError
from core.knowledge.physics.system import GraphSystem

PROCESSES = 2
BEAT_S = 0.5  # between two looks at the runs
GRACE_S = 10  # for a run that has to end to hand over its formulas


def _run(pipe: Connection) -> None:
    """One run in the child: hands over partial and final formulas; ends when the parent is gone."""
    from core.discovery import genetic

    pipe.send(("ready", []))  # the data come only now, so that nobody waits for a slow start
    train, valid, options, seed, evaluations, end = pipe.recv()
    told = 0.0

    def report(*_args: object, **_values: object) -> None:
        nonlocal told
        if time.monotonic() - told > BEAT_S:
            told = time.monotonic()
            pipe.send(("alive", []))  # fails when nobody listens any more

    found = genetic.find(
        train,
        valid,
        options,
        seed,
        report,
        end,
        evaluations,
        lambda some: pipe.send(("partial", [one.to_json() for one in some])),
    )
    whole = time.monotonic() < end
    pipe.send(("complete" if whole else "cut", [one.to_json() for one in found]))


def run_seeds(
    train: GraphSystem,
    valid: GraphSystem,
    options: Knowledge,
    seeds: Sequence[int],
    evaluations: int,
    deadline: float,
    keep: Callable[[int, list[Candidate], float, bool], None],
    report: Callable[[], None],
) -> None:
    """Run the genetic search once for each seed.

    Args:
        train: data that formulas are fitted to.
        valid: data that errors are measured on.
        options: what is allowed.
        seeds: one run each.
        evaluations: trees judged in a run.
        deadline: `time.monotonic()` at which runs end with what they have.
        keep: given the place of the seed, its formulas, its seconds and whether it was through, now
            and then and at the end.
        report: called at least each second; may raise, which ends all runs.

    Raises:
        ParsimonyError: every run that was started ended without its last word.
    """
    runs = _Runs((train, valid, options, seeds, evaluations), deadline, keep)
    try:
        while (runs.waiting or runs.running) and time.monotonic() < deadline + GRACE_S:
            while runs.may_start:
                runs.start()
            if not runs.running:
                break
            for pipe in wait(list(runs.running), BEAT_S):
                runs.hear(pipe)
            report()
    finally:
        runs.end()
    if runs.gone and len(runs.gone) == runs.started:
        raise ParsimonyError(
            f"All {len(runs.gone)} runs of the genetic search ended before their time (exit codes "
            f"{', '.join(map(str, runs.gone))}). The formulas found so far are kept. Search again, "
            "or choose the instant search."
        )


class _Runs:
    """The runs that wait, those that go on, and how the others ended."""

    def __init__(self, question: tuple, deadline: float, keep: Callable[..., None]) -> None:
        self.question, self.deadline, self.keep = question, deadline, keep
        self.context = multiprocessing.get_context("spawn")
        self.waiting = deque(range(len(question[3])))
        self.running: dict[Connection, tuple[int, BaseProcess, float]] = {}
        self.ends: dict[int, float] = {}
        self.latest: dict[int, list[Candidate]] = {}
        self.gone: list[int | None] = []  # exit codes of runs without a last word

    @property
    def started(self) -> int:
        """Runs that were started so far."""
        return len(self.ends)

    @property
    def may_start(self) -> bool:
        """Whether there is a run to start, and room and time for it."""
        free = self.waiting and len(self.running) < PROCESSES
        return bool(free) and time.monotonic() < self.deadline

    def start(self) -> None:
        """Start the next run."""
        place = self.waiting.popleft()
        here, there = self.context.Pipe()
        rounds = -(-(len(self.waiting) + 1 + len(self.running)) // PROCESSES)
        begun = time.monotonic()
        self.ends[place] = begun + max(1.0, (self.deadline - begun) / rounds)
        child = self.context.Process(target=_run, args=(there,), daemon=True)
        child.start()
        there.close()
        self.running[here] = (place, child, begun)

    def hear(self, pipe: Connection) -> None:
        """Take what a run has to say."""
        place, child, begun = self.running[pipe]
        try:
            kind, found = pipe.recv()
            if kind == "ready":
                train, valid, options, seeds, evaluations = self.question
                pipe.send((train, valid, options, seeds[place], evaluations, self.ends[place]))
        except (EOFError, OSError):  # the child is gone without a last word
            kind, found = "gone", []
        over = kind in ("complete", "cut", "gone")
        if found:
            self.latest[place] = [Candidate.from_json(one) for one in found]
        if found or over:
            formulas = self.latest.get(place, [])
            self.keep(place, formulas, time.monotonic() - begun, kind == "complete")
        if over:
            child.join()
            pipe.close()
            del self.running[pipe]
        if kind == "gone":
            self.gone.append(child.exitcode)

    def end(self) -> None:
        """End the runs that still go on."""
        for pipe, (_, child, _) in self.running.items():
            child.terminate()
            child.join()
            pipe.close()
