"""Tracks of moving objects: cut where frames are missing, smoothed, each moment a graph.

Derivatives are those of a polynomial of third order fitted to a moving window (Savitzky & Golay,
Analytical Chemistry 36, 1964). The first and last half window of every track is left out, because
the polynomial is not centred there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.data.physics.findings import Preview
from core.knowledge.physics.system import GraphSystem, Quantity

ORDER = 3  # of the polynomial
MIN_WINDOW = 5  # frames
MAX_EDGES = 400_000  # of one system
OPEN = 1e9  # m, a period that nothing ever crosses
BRIDGE = 3  # steps over which a person may have coordinates interpolated
JITTER = 0.1  # share of a step by which times may differ from even spacing


@dataclass(frozen=True, eq=False)
class Track:
    """One object without gaps.

    Attributes:
        name: of the object; a name comes again when a track was cut.
        steps: (T,) numbers of time steps, one after the other.
        places: (T, D) coordinates, m.
        extra: (T, K) further columns.
    """

    name: str
    steps: np.ndarray
    places: np.ndarray
    extra: np.ndarray


@dataclass(frozen=True, eq=False)
class Motion:
    """Smoothed tracks, one row for each object and time step.

    Attributes:
        step: (rows,) number of the time step, ascending.
        track: (rows,) number of the track.
        place: (rows, D) m.
        velocity: (rows, D) m/s.
        acceleration: (rows, D) m/s^2.
        extra: (rows, K) further columns.
    """

    step: np.ndarray
    track: np.ndarray
    place: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray
    extra: np.ndarray

    def take(self, rows: np.ndarray) -> "Motion":
        """Some of the rows."""
        return Motion(*(getattr(self, name)[rows] for name in self.__dataclass_fields__))


def cut_tracks(
    names: np.ndarray, times: np.ndarray, places: np.ndarray, extra: np.ndarray, step: float
) -> list[Track]:
    """Tracks without gaps.

    Args:
        names: (rows,) of the objects.
        times: (rows,) in any unit; no object comes twice at a time.
        places: (rows, D) m.
        extra: (rows, K) further columns.
        step: of time between two measurements.
    """
    order = np.lexsort((times, names))
    names, times, places, extra = (one[order] for one in (names, times, places, extra))
    gap = np.diff(times) / step
    cuts = np.flatnonzero((names[1:] != names[:-1]) | (np.abs(gap - 1) > JITTER)) + 1
    numbers = np.round((times - times.min(initial=0)) / step)
    numbers = np.minimum(numbers, 2.0**53).astype(int)
    return [
        Track(str(names[first]), numbers[first] + np.arange(end - first), places[first:end],
              extra[first:end])
        for first, end in zip([0, *cuts], [*cuts, len(names)], strict=True) if end > first
    ]  # fmt: skip


def median_step(names: np.ndarray, times: np.ndarray, spots: np.ndarray) -> float:
    """Median length of the way between two measurements of the same object."""
    order = np.lexsort((times, names))
    same = names[order][1:] == names[order][:-1]
    way = np.linalg.norm(np.diff(spots[order], axis=0), axis=1)[same]
    return float(np.median(way)) if len(way) else np.inf


def resample(
    names: np.ndarray, times: np.ndarray, places: np.ndarray, extra: np.ndarray, step: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The same at even times, on straight lines between measurements up to `BRIDGE` steps apart.

    Args and result as the arguments of `cut_tracks`.
    """
    order = np.lexsort((times, names))
    names, times, places, extra = (one[order] for one in (names, times, places, extra))
    far = np.diff(times) > (BRIDGE + JITTER) * step
    cuts = np.flatnonzero((names[1:] != names[:-1]) | far) + 1
    parts = []
    for first, end in zip([0, *cuts], [*cuts, len(names)], strict=True):
        piece = slice(first, end)
        start, stop = np.ceil(times[first] / step - 1e-6), np.floor(times[end - 1] / step + 1e-6)
        grid = np.arange(start, stop + 1) * step
        cells = np.concatenate([places[piece], extra[piece]], axis=1)
        even = np.stack([np.interp(grid, times[piece], one) for one in cells.T], axis=1)
        parts.append((np.full(len(grid), names[first]), grid, even))
    names, times, even = (np.concatenate(one) for one in zip(*parts, strict=True))
    return names, times, even[:, : places.shape[1]], even[:, places.shape[1] :]


def window_frames(window: float, step: float) -> int:
    """Odd number of frames nearest to a window, `MIN_WINDOW` at least."""
    return max(2 * round((window / step - 1) / 2) + 1, MIN_WINDOW)


def smooth(track: Track, frames: int, step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(T, D) coordinates, velocities and accelerations, also of the half windows at the ends.

    Args:
        track: at least `frames` long.
        frames: odd width of the window.
        step: s between two frames.
    """
    from scipy.signal import savgol_filter

    order = min(ORDER, frames - 1)
    place, velocity, acceleration = (
        savgol_filter(track.places, frames, order, deriv=deriv, delta=step, axis=0)
        for deriv in range(3)
    )
    return place, velocity, acceleration


def move(tracks: Sequence[Track], frames: int, step: float) -> Motion:
    """All tracks that are long enough, smoothed, without the half windows at their ends."""
    half = frames // 2
    parts = []
    for number, track in enumerate(tracks):
        if len(track.steps) < frames:
            continue
        inner = slice(half, len(track.steps) - half)
        states = [one[inner] for one in smooth(track, frames, step)]
        steps = track.steps[inner]
        parts.append((steps, np.full(len(steps), number), *states, track.extra[inner]))
    if not parts:
        dims, extras = (tracks[0].places.shape[1], tracks[0].extra.shape[1]) if tracks else (2, 0)
        none = np.zeros(0, int)
        return Motion(none, none, *[np.zeros((0, dims))] * 3, np.zeros((0, extras)))
    columns = [np.concatenate(one) for one in zip(*parts, strict=True)]
    order = np.lexsort((columns[1], columns[0]))
    return Motion(*(one[order] for one in columns))


def jumps(names: np.ndarray, times: np.ndarray, places: np.ndarray, step: float) -> np.ndarray:
    """(D,) how often an object crosses more than half of the whole region in one step."""
    order = np.lexsort((times, names))
    next_one = (names[order][1:] == names[order][:-1]) & (np.diff(times[order]) < 1.5 * step)
    way = np.abs(np.diff(places[order], axis=0))[next_one]
    span = np.ptp(places, axis=0)
    return (way > span / 2).sum(0) * (np.median(way, axis=0) < span / 10)


def unwrap(track: Track, box: np.ndarray) -> Track:
    """The track without jumps from one side of a periodic box to the other.

    Args:
        track: its coordinates may jump.
        box: (D,) m, 0 along an open axis.
    """
    places = track.places.copy()
    for axis in np.flatnonzero(box > 0):
        places[:, axis] = np.unwrap(places[:, axis], period=box[axis])
    return replace(track, places=places)


def neighbours(
    places: np.ndarray, group: np.ndarray, radius: float, nearest: int, box: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Senders and receivers of edges between near objects of the same moment.

    Args:
        places: (N, D) m.
        group: (N,) number of the moment, ascending.
        radius: m, of neighbours.
        nearest: number of nearest ones that each receives from; 0 for the radius.
        box: (D,) m, lengths of a periodic box, 0 along an open axis.
    """
    from scipy.spatial import cKDTree

    places = np.where(box > 0, places % np.where(box > 0, box, 1), places)
    senders, receivers = [np.zeros(0, int)], [np.zeros(0, int)]
    _, starts = np.unique(group, return_index=True)
    for first, end in zip(starts, [*starts[1:], len(group)], strict=True):
        tree = cKDTree(places[first:end], boxsize=box)
        if nearest:
            count = min(nearest + 1, end - first)
            _, found = tree.query(places[first:end], k=np.arange(1, count + 1))
            receiver = np.repeat(np.arange(end - first), count)
            sender = found.reshape(-1)
            apart = sender != receiver
            pairs = np.stack([sender[apart], receiver[apart]])
        else:
            once = tree.query_pairs(radius, output_type="ndarray").T
            pairs = np.concatenate([once, once[::-1]], axis=1)
        senders.append(first + pairs[0])
        receivers.append(first + pairs[1])
    sender, receiver = np.concatenate(senders), np.concatenate(receivers)
    order = np.lexsort((sender, receiver))
    return sender[order], receiver[order]


def choose_steps(steps: np.ndarray, num: int) -> np.ndarray:
    """(rows,) bool: rows of at most `num` moments, evenly over those with several objects."""
    distinct, count = np.unique(steps, return_counts=True)
    several = distinct[count > 1] if (count > 1).any() else distinct
    if len(several) > num:
        several = several[np.linspace(0, len(several) - 1, num).round().astype(int)]
    return np.isin(steps, several)


def to_system(
    motion: Motion,
    radius: float,
    nearest: int,
    extra: Mapping[int, tuple[str, str]],
    box: np.ndarray,
) -> GraphSystem:
    """Each moment a graph; the target is the acceleration.

    Args:
        motion: its rows.
        radius: m, of neighbours.
        nearest: number of nearest neighbours instead; 0 for the radius.
        extra: name and unit of further columns by their number.
        box: (D,) m, lengths of a periodic box, 0 along an open axis.
    """
    _, group = np.unique(motion.step, return_inverse=True)
    sender, receiver = neighbours(motion.place, group, radius, nearest, box)
    nodes = {
        "x": Quantity("x", motion.place, "m", "position"),
        "v": Quantity("v", motion.velocity, "m s^-1", "velocity"),
    }
    nodes |= {
        name: Quantity(name, motion.extra[:, [place]], unit)
        for place, (name, unit) in extra.items()
    }
    target = Quantity("a", motion.acceleration, "m s^-2")
    num = int(group.max(initial=-1)) + 1
    period = tuple(np.where(box > 0, box, OPEN).tolist()) if box.any() else None
    return GraphSystem(nodes, {}, {}, sender, receiver, group, target, "node", num, period)


def preview_of(tracks: Sequence[Track], frames: int, step: float, num: int) -> tuple[Preview, ...]:
    """Raw against smoothed, of the longest tracks."""
    longest = sorted(tracks, key=lambda one: -len(one.steps))[:num]
    return tuple(
        Preview(one.name, one.steps * step, one.places, *smooth(one, frames, step))
        for one in longest
        if len(one.steps) >= frames
    )
