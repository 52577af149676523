"""How two sides are compared: alternating rounds in one run, medians, an aligned table.

The machine may be shared, so figures of different runs do not compare; ratios inside one run do.
Wall time counts what a person waits; processor time does not count what other programs take.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Timing:
    """One run.

    Attributes:
        wall: seconds by the clock.
        cpu: seconds of processor time of this process, all threads.
    """

    wall: float
    cpu: float


@dataclass(frozen=True)
class Pair:
    """Timings of two sides, run in turns.

    Attributes:
        first: one timing per round.
        second: likewise.
    """

    first: tuple[Timing, ...]
    second: tuple[Timing, ...]

    @property
    def wall(self) -> tuple[float, float]:
        """Median seconds of each side."""
        return _median(self.first, "wall"), _median(self.second, "wall")

    @property
    def wall_ratio(self) -> float:
        """Median of first / second, round by round."""
        return _ratio(self.first, self.second, "wall")

    @property
    def cpu_ratio(self) -> float:
        """The same in processor time."""
        return _ratio(self.first, self.second, "cpu")


class Stopwatch:
    """Time of epochs, from the moments at which their batches begin or end.

    What lies between two epochs, such as validation, does not count: n moments are n - 1 batches
    apart, and an epoch has n.
    """

    def __init__(self) -> None:
        self.epochs: list[Timing] = []
        self._moments: list[tuple[float, float]] = []

    def lap(self) -> None:
        """A batch begins (or ends; always the same)."""
        self._moments.append((time.perf_counter(), time.process_time()))

    def end_epoch(self) -> None:
        """No more batches in this epoch; at least two are needed."""
        count = len(self._moments)
        wall, cpu = (
            (last - first) * count / (count - 1)
            for first, last in zip(self._moments[0], self._moments[-1], strict=True)
        )
        self.epochs.append(Timing(wall, cpu))
        self._moments.clear()


def measure(action: Callable[[], object]) -> Timing:
    """Run once."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return Timing(time.perf_counter() - wall, time.process_time() - cpu)


def alternate(first: Callable[[], object], second: Callable[[], object], rounds: int) -> Pair:
    """Run A B A B …; the caller has run both once before, to compare their results."""
    timings = [(measure(first), measure(second)) for _ in range(rounds)]
    return Pair(*(tuple(side) for side in zip(*timings, strict=True)))


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The 50th and the 95th percentile."""
    half, most = np.percentile(values, [50, 95])
    return float(half), float(most)


def milliseconds(seconds: float) -> str:
    """Three significant digits."""
    return f"{float(f'{seconds * 1000:.3g}'):,g}"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their longest value: the first to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    lines = []
    for row in (columns, ["-" * width for width in widths], *rows):
        first, *others = (
            text.rjust(width) if number else text.ljust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join([first, *others]).rstrip())
    return "\n".join(lines)


def machine() -> str:
    """Processor, cores, load and versions in one line."""
    model, info = platform.machine(), Path("/proc/cpuinfo")
    if info.is_file():
        names = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = names[0].split(":", 1)[1].strip() if names else model
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{model}, {os.cpu_count()} cores{load}; Python {platform.python_version()}"


def heading(title: str) -> str:
    """What stands above a table."""
    return f"{title}\nmeasured on {machine()}; one thread"


def arguments(description: str) -> argparse.Namespace:
    """``--quick`` (small generated graphs, few rounds) and ``--generated``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--quick", action="store_true", help="small graphs and few rounds")
    parser.add_argument(
        "--generated", action="store_true", help="generated graphs even where data sets are here"
    )
    return parser.parse_args()


def _median(timings: Sequence[Timing], name: str) -> float:
    return statistics.median(getattr(timing, name) for timing in timings)


def _ratio(first: Sequence[Timing], second: Sequence[Timing], name: str) -> float:
    return statistics.median(
        getattr(a, name) / getattr(b, name) for a, b in zip(first, second, strict=True)
    )
