"""Runs of the genetic search in child processes: two at a time, watched, and ended at once.

A run that fails in native code ends its own process only; what it had found until then is kept.
"""

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait

from core.discovery.candidate import Candidate
from core.discovery.options import Knowledge
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
    """
    context = multiprocessing.get_context("spawn")
    waiting = deque(range(len(seeds)))
    running: dict[Connection, tuple[int, multiprocessing.process.BaseProcess, float]] = {}
    ends: dict[int, float] = {}

    def start() -> None:
        place = waiting.popleft()
        here, there = context.Pipe()
        rounds = -(-(len(waiting) + 1 + len(running)) // PROCESSES)
        begun = time.monotonic()
        ends[place] = begun + max(1.0, (deadline - begun) / rounds)
        child = context.Process(target=_run, args=(there,), daemon=True)
        child.start()
        there.close()
        running[here] = (place, child, begun)

    try:
        while waiting or running:
            while waiting and len(running) < PROCESSES and time.monotonic() < deadline:
                start()
            if not running:
                return
            for pipe in wait(list(running), BEAT_S):
                place, child, begun = running[pipe]
                try:
                    kind, found = pipe.recv()
                    if kind == "ready":
                        pipe.send((train, valid, options, seeds[place], evaluations, ends[place]))
                except (EOFError, OSError):  # the child is gone without a last word
                    kind, found = "gone", []
                if found or kind in ("complete", "cut"):
                    candidates = [Candidate.from_json(one) for one in found]
                    keep(place, candidates, time.monotonic() - begun, kind == "complete")
                if kind in ("complete", "cut", "gone"):
                    child.join()
                    pipe.close()
                    del running[pipe]
            report()
            if time.monotonic() > deadline + GRACE_S:
                return
    finally:
        for pipe, (_, child, _) in running.items():
            child.terminate()
            child.join()
            pipe.close()
