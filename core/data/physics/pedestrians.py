"""Pedestrians in corridors under one fixed protocol.

Source of the protocol: none is stated with the published figures of symbolic models of these runs,
so this one is fixed here. Accelerations are those of a polynomial over 1.6 s or 3.1 s; neighbours
are within 5 m; a pedestrian wants to walk along the corridor, in the direction of its net way.
Held-out pedestrians: a third of them by the time of their walk, and only moments at which none of
the others is there, so that no pedestrian is seen both in learning and in testing.

Quantities: ``x`` position, ``v`` velocity, ``e`` desired direction; target ``a``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from core.data import registry
from core.data.physics.text import LIMITS
from core.data.physics.tracks import (
    Motion,
    choose_steps,
    cut_tracks,
    move,
    to_system,
    window_frames,
)
from core.data.text_table import read_text_table
from core.errors import DataError
from core.knowledge.physics.system import GraphSystem, Quantity

WINDOWS = (1.6, 3.1)  # s
RADIUS = 5.0  # m
FOLDS = 3
NUM_FRAMES = 150  # of each part


@dataclass(frozen=True)
class Run:
    """A recorded experiment.

    Attributes:
        name: short id.
        title: in words.
        data_set: in the registry.
        file: of the data set.
        rate: frames per second.
        metres: in the unit of the file.
        axis: coordinate along the corridor, 0 for x and 1 for y.
    """

    name: str
    title: str
    data_set: str
    file: str
    rate: float
    metres: float
    axis: int


def _hermes(name: str, widths: str) -> Run:
    ways = "one direction" if name.startswith("uo") else "two directions"
    return Run(name, f"Corridor, {ways}, {widths}", "hermes", f"hermes_{name}.txt", 16, 0.01, 1)


RUNS: Mapping[str, Run] = {
    one.name: one
    for one in (
        _hermes("uo-050-180-180", "entrance 0.5 m, 1.8 m wide"),
        _hermes("uo-100-180-180", "entrance 1.0 m, 1.8 m wide"),
        _hermes("uo-145-180-180", "entrance 1.45 m, 1.8 m wide"),
        _hermes("uo-180-180-120", "1.8 m wide, exit 1.2 m"),
        _hermes("uo-180-180-180", "1.8 m wide"),
        _hermes("uo-240-240-240", "2.4 m wide"),
        _hermes("uo-300-300-300", "3.0 m wide"),
        _hermes("bo-360-050-050", "3.6 m wide, entrances 0.5 m"),
        _hermes("bo-360-075-075", "3.6 m wide, entrances 0.75 m"),
        _hermes("bo-360-090-090", "3.6 m wide, entrances 0.9 m"),
        _hermes("bo-360-120-120", "3.6 m wide, entrances 1.2 m"),
        _hermes("bo-360-160-160", "3.6 m wide, entrances 1.6 m"),
        _hermes("bot-360-120-120", "3.6 m wide, entrances 1.2 m, symmetric"),
        Run("bi-corr-400", "Corridor, two directions, 4.0 m wide", "juelich-corridors",
            "juelich_bi_corr_400_b_03.txt", 25, 0.01, 0),
        Run("uni-corr-500", "Corridor, one direction, 5.0 m wide", "juelich-corridors",
            "juelich_traj_UNI_CORR_500_01.txt", 25, 1.0, 0),
    )
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Pedestrians:
    """A smoothed run.

    Attributes:
        run: what was recorded.
        window: s, over which it was smoothed.
        motion: one row for each pedestrian and moment, by moment; `Motion.track` is the pedestrian.
        heading: (rows,) 1 or -1, direction of the pedestrian's net way along the corridor.
    """

    run: Run
    window: float
    motion: Motion
    heading: np.ndarray

    def take(self, rows: np.ndarray) -> "Pedestrians":
        """Some of the rows."""
        return replace(self, motion=self.motion.take(rows), heading=self.heading[rows])

    @property
    def system(self) -> GraphSystem:
        """Each moment a graph."""
        system = to_system(self.motion, RADIUS, 0, {}, np.zeros(2))
        desired = Quantity("e", self._desired(), "1")
        note = f"Smoothed over {self.window:g} s; neighbours within {RADIUS:g} m."
        return replace(
            system, nodes=dict(system.nodes) | {"e": desired}, title=self.run.title, notes=(note,)
        )

    def _desired(self) -> np.ndarray:
        """(rows, 2) unit vectors along the corridor."""
        desired = np.zeros((len(self.heading), 2))
        desired[:, self.run.axis] = self.heading
        return desired


def load_pedestrians(name: str, window: float = WINDOWS[0]) -> Pedestrians:
    """A run, smoothed.

    Args:
        name: one of `RUNS`.
        window: s; the protocol has 1.6 and 3.1.

    Raises:
        DataError: there is no such run, or its file is not here.
    """
    if name not in RUNS:
        raise DataError(f'There is no run "{name}". Known: {", ".join(RUNS)}.')
    run = RUNS[name]
    content = registry.read(run.data_set)[run.file]
    table = read_text_table(run.file, content, LIMITS)
    values = np.array(table.cells[:4], dtype=float).T
    walkers, names = np.unique(values[:, 0], return_inverse=True)
    places = values[:, 2:] * run.metres
    tracks = cut_tracks(names, values[:, 1], places, names[:, None].astype(float), 1.0)
    motion = move(tracks, window_frames(window, 1 / run.rate), 1 / run.rate)
    order = np.lexsort((values[:, 1], names))
    first = np.searchsorted(names[order], np.arange(len(walkers)))
    last = np.append(first[1:], len(names)) - 1
    way = places[order[last], run.axis] - places[order[first], run.axis]
    walker = motion.extra[:, 0].astype(int)
    motion = replace(motion, track=walker, extra=motion.extra[:, :0])
    return Pedestrians(run, window, motion, np.where(way[walker] < 0, -1.0, 1.0))


def split_by_pedestrian(
    pedestrians: Pedestrians, fold: int, num_frames: int = NUM_FRAMES
) -> tuple[Pedestrians, Pedestrians]:
    """Learning and testing moments without a common pedestrian.

    Args:
        pedestrians: the run.
        fold: which third of the pedestrians, in the order of their walks, is for testing.
        num_frames: at most so many moments of each part, evenly over its time.
    """
    motion = pedestrians.motion
    walkers, names = np.unique(motion.track, return_inverse=True)
    middle = np.bincount(names, motion.step) / np.bincount(names)
    rank = np.empty(len(walkers), int)
    rank[np.argsort(middle)] = np.arange(len(walkers))
    tested = (rank * FOLDS // len(walkers) == fold)[names]
    _, moment = np.unique(motion.step, return_inverse=True)
    count = np.bincount(moment)
    share = np.bincount(moment, tested) / count
    parts = []
    for wanted in (0, 1):
        part = pedestrians.take(share[moment] == wanted)
        parts.append(part.take(choose_steps(part.motion.step, num_frames)))
    return parts[0], parts[1]


def displacement_errors(
    pedestrians: Pedestrians,
    law: Callable[[GraphSystem], np.ndarray],
    steps: np.ndarray,
    seconds: tuple[float, ...] = (1.0, 4.0),
) -> tuple[float, ...]:
    """Mean distance between where a law sends pedestrians and where they went.

    All pedestrians of a moment start with their smoothed position and velocity. Those who stay in
    the run follow the law; the others follow what was recorded as long as they are there.

    Args:
        pedestrians: the whole run.
        law: the acceleration, such as `Law.evaluate`.
        steps: moments at which to start.
        seconds: after which to compare.

    Returns:
        m, for each of `seconds`; nan when nobody stays so long.
    """
    rate, motion = pedestrians.run.rate, pedestrians.motion
    row_of = {pair: row for row, pair in enumerate(zip(motion.step, motion.track, strict=True))}
    marks = [round(one * rate) for one in seconds]
    errors: dict[int, list[float]] = {mark: [] for mark in marks}
    first = np.searchsorted(motion.step, steps)
    for step, begin in zip(steps, first, strict=True):
        end = np.searchsorted(motion.step, step, side="right")
        walkers = motion.track[begin:end]
        stay = np.array([(step + marks[-1], one) in row_of for one in walkers])
        rows = np.arange(begin, end)[stay]
        place, velocity = motion.place[rows], motion.velocity[rows]
        for ahead in range(1, marks[-1] + 1 if len(rows) else 0):
            now = np.array([row_of.get((step + ahead - 1, one), -1) for one in walkers[~stay]])
            others = now[now >= 0].astype(int)
            acceleration = law(_moment(pedestrians, rows, place, velocity, others))[: len(rows)]
            velocity = velocity + acceleration / rate
            place = place + velocity / rate
            if ahead in errors:
                true = [row_of[step + ahead, one] for one in walkers[stay]]
                gap = np.linalg.norm(place - motion.place[true], axis=1)
                errors[ahead] += gap.tolist()
    return tuple(float(np.mean(errors[one])) if errors[one] else np.nan for one in marks)


def _moment(
    pedestrians: Pedestrians, rows: np.ndarray, place: np.ndarray, velocity: np.ndarray,
    others: np.ndarray,
) -> GraphSystem:  # fmt: skip
    """One moment: some rows at other places, and further rows as they were recorded."""
    every = np.concatenate([rows, others])
    part = pedestrians.take(every)
    motion = replace(
        part.motion,
        step=np.zeros(len(every), int),
        place=np.concatenate([place, pedestrians.motion.place[others]]),
        velocity=np.concatenate([velocity, pedestrians.motion.velocity[others]]),
    )
    return replace(part, motion=motion).system
