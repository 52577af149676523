"""A table of moving objects: id, frame or time, coordinates; the acceleration is to be explained.

Nothing is filled in silently: a track is cut where frames are missing. What the file does not say
(frames per second, unit of length, which column is the id) is guessed where the motion tells it,
and asked where not.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.graph_table import fold
from core.data.physics.blocks import clean_ids
from core.data.physics.checks import check_system
from core.data.physics.columns import (
    check_units,
    distinct_names,
    split_header,
)
from core.data.physics.findings import Choices, Reading, make_reading
from core.data.physics.text import parse_numbers
from core.data.physics.track_columns import find_columns, rate_in
from core.data.physics.tracks import (
    BRIDGE,
    MAX_EDGES,
    Motion,
    Track,
    choose_steps,
    cut_tracks,
    jumps,
    median_step,
    move,
    neighbours,
    preview_of,
    resample,
    to_system,
    unwrap,
    window_frames,
)
from core.data.text_table import TextTable

METRES = {"m": 1.0, "cm": 0.01, "mm": 0.001, "dm": 0.1, "km": 1000.0}
SECONDS = {"s": 1.0, "ms": 0.001, "min": 60.0}
RATES = (25.0, 30.0, 16.0, 10.0, 2.5)  # frames per second that cameras often have
FAST = 15.0  # m/s, faster than whatever walks, swims or rolls in a laboratory
RESTART = 5.0  # s of absence after which an id counts as used again
PREVIEWS = 3


def read_trajectory(
    table: TextTable, choices: Choices, findings: Sequence[Finding] = ()
) -> Reading:
    """Read tracks.

    Args:
        table: one row for each object and frame.
        choices: what a person has decided.
        findings: what was noticed before.
    """
    return _Tracks(table, choices, list(findings)).read()


class _Tracks:
    """One reading; `note` collects what is noticed."""

    def __init__(self, table: TextTable, choices: Choices, findings: list[Finding]) -> None:
        self.table, self.choices, self.findings = table, choices, findings
        self.columns = tuple(check_units(find_columns(table, choices), self.findings))
        self.values: Mapping[int, np.ndarray] = {}

    def note(
        self, code: str, title: str, problem: str, hint: str, *repairs: Repair,
        blocking: bool = False,
    ) -> None:  # fmt: skip
        self.findings.append(Finding(code, title, problem, hint, blocking, repairs))

    def done(self, preview: tuple = ()) -> Reading:
        return make_reading("trajectory", None, self.columns, self.findings, preview)

    def places(self, *roles: str) -> list[int]:
        """Numbers of the columns with a role, components in order."""
        found = [i for i, one in enumerate(self.columns) if one.role in roles]
        return sorted(found, key=lambda place: self.columns[place].component)

    def read(self) -> Reading:
        if not (self.places("node") and self.places("time") and len(self.places("position")) > 1):
            self.note(
                "PH-E18", "No tracks", "I need columns for the object, the frame or time, and at "
                "least two coordinates.", "Choose which is which.", blocking=True,
            )  # fmt: skip
            return self.done()
        wanted = [*self.places("time"), *self.places("position"), *self.places("scalar")]
        keys = {place: self.columns[place].key for place in wanted}
        self.values = parse_numbers(self.table, keys, self.choices, self.findings)
        if any(one.blocking for one in self.findings):
            return self.done()
        names, times, spots, extra = self._rows()
        names, times = self._order(names, times, spots)
        step = self._step(names, times)
        seconds = self._seconds(step)
        if not seconds:
            return self.done()
        spots = spots * self._metres(names, times, spots, seconds)
        if any(one.blocking for one in self.findings):
            return self.done()
        spots = self._flat(spots, names, times)
        box = self._box(names, times, spots, step)
        tracks = self._cut(names, times, spots, extra, step, seconds)
        return self._finish([unwrap(one, box) for one in tracks], seconds, box)

    def _rows(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Ids, times, coordinates and further columns of the complete rows."""
        names = clean_ids(np.array(self.table.cells[self.places("node")[0]]))
        times = self.values[self.places("time")[0]]
        spots = np.stack([self.values[one] for one in self.places("position")], axis=1)
        more = [self.values[one] for one in self.places("scalar")]
        extra = np.stack(more, axis=1) if more else np.zeros((len(times), 0))
        gaps = np.isnan(np.concatenate([times[:, None], spots, extra], axis=1)).any(1)
        if gaps.any():
            self.note(
                "PH-E05", "Missing numbers", f"{plural(int(gaps.sum()), 'row')} without a number.",
                "They are dropped, and the tracks are cut there.",
            )  # fmt: skip
        return names[~gaps], times[~gaps], spots[~gaps], extra[~gaps]

    def _order(
        self, names: np.ndarray, times: np.ndarray, spots: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """PH-E26: an object moves in small steps, so the order of columns shows in the steps."""
        as_times = np.array([_number(one) for one in names.tolist()])
        if np.isnan(as_times).any() or (times != np.round(times)).any():
            return names, times
        swapped = clean_ids(times.astype(str))
        there, back = median_step(names, times, spots), median_step(swapped, as_times, spots)
        looks_swapped = back < there / 2
        guessed = not self.table.has_header and looks_swapped
        chosen = "swap-id-frame" in self.choices.repairs
        if looks_swapped or chosen or not self.table.has_header:
            turned = guessed != chosen
            first, second = ("frame", "id") if turned else ("id", "frame")
            self.note(
                "PH-E26", "Column order", f"The first column is taken as {first}, the second as "
                f"{second}." if not self.table.has_header else
                f"The columns of id and frame are {'' if turned else 'not '}exchanged.",
                "The other way round objects would jump."
                if turned == looks_swapped else "This way objects jump.",
                Repair("swap-id-frame", "Exchange id and frame"),
            )  # fmt: skip
            if turned:
                return swapped, as_times
        return names, times

    def _step(self, names: np.ndarray, times: np.ndarray) -> float:
        """Time between two measurements of an object, in the unit of the file."""
        order = np.lexsort((times, names))
        steps = np.diff(times[order])[names[order][1:] == names[order][:-1]]
        steps = steps[steps > 0]
        return float(np.median(steps)) if len(steps) else 0.0

    def _seconds(self, step: float) -> float:
        """Seconds between two measurements; 0 when nobody knows."""
        column = self.columns[self.places("time")[0]]
        rate = self.choices.frame_rate or rate_in(self.table.comments)
        chosen = self.choices.amount("fps")
        rate = rate or (_number(chosen) if chosen else 0.0)
        if step <= 0 or not np.isfinite(rate) or rate < 0:
            self.note(
                "PH-E28", "No motion", "No object is seen at two different times.",
                "Check which column is the id and which the time.", blocking=True,
            )  # fmt: skip
            return 0.0
        name = fold(split_header(column.key.partition("/")[2])[0])
        if column.unit in SECONDS:
            return step * SECONDS[column.unit]
        if rate:
            return step / rate
        if name == "seconds" or step != round(step):
            return step
        self.note(
            "PH-E27", "Frame rate unknown",
            f"Frames rise by {step:g}; I need the number of frames per second.",
            "It is in the description of the recording.",
            *(Repair(f"fps:{one:g}", f"{one:g} per second") for one in RATES), blocking=True,
        )  # fmt: skip
        return 0.0

    def _metres(
        self, names: np.ndarray, times: np.ndarray, spots: np.ndarray, seconds: float
    ) -> float:
        """Metres in the unit of the coordinates; PH-E25 when the speeds make no sense."""
        told = self.choices.length_unit or self.choices.amount("unit")
        told = told or self.columns[self.places("position")[0]].unit
        if told in METRES:
            return METRES[told]
        speed = median_step(names, times, spots) / seconds
        units = {"cm": "centimetres", "mm": "millimetres", "m": "metres"}
        repairs = (Repair(f"unit:{unit}", f"They are {word}") for unit, word in units.items())
        self.note(
            "PH-E25", "Unit of length",
            f"Read as metres, the objects move at {speed:.3g} m/s.",
            "Choose the unit." if speed > FAST else "Choose another unit if that is wrong.",
            *repairs, blocking=speed > FAST,
        )  # fmt: skip
        return 1.0

    def _flat(self, spots: np.ndarray, names: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Coordinates without a height that hardly changes."""
        if spots.shape[1] < 3:
            return spots
        rise = median_step(names, times, spots[:, 2:])
        if rise > 0.1 * median_step(names, times, spots[:, :2]):
            return spots
        self.note(
            "PH-E04", "Constant column", "The third coordinate hardly changes;", "it is ignored."
        )
        return spots[:, :2]

    def _box(
        self, names: np.ndarray, times: np.ndarray, spots: np.ndarray, step: float
    ) -> np.ndarray:
        """(D,) lengths of a periodic box, 0 along an axis that is open; PH-E22 when it is asked."""
        dims = spots.shape[1]
        chosen = [_number(one) for one in self.choices.amount("periodic").split(",") if one]
        if len(chosen) == dims and np.isfinite(chosen).all() and min(chosen) >= 0:
            return np.array(chosen)
        count = jumps(names, times, spots, step)
        if count.max() > 1:
            box = ",".join(f"{one:.4g}" for one in np.where(count > 1, np.ptp(spots, axis=0), 0))
            self.note(
                "PH-E22", "Periodic box?",
                f"Objects jump across the whole region {plural(int(count.sum()), 'time')} between "
                "two frames.", "In a periodic box they come back on the other side.",
                Repair(f"periodic:{box}", f"A periodic box of {box} m (0 for an open side)"),
            )  # fmt: skip
        return np.zeros(dims)

    def _cut(
        self, names: np.ndarray, times: np.ndarray, spots: np.ndarray, extra: np.ndarray,
        step: float, seconds: float,
    ) -> list[Track]:  # fmt: skip
        """Tracks without gaps; what was cut and why is noted."""
        _, first = np.unique(np.stack([_codes(names), times]), axis=1, return_index=True)
        if len(first) < len(names):
            self.note(
                "PH-E15", "Row comes again",
                f"{plural(len(names) - len(first), 'row')} about an object at a time that was "
                "there before.", "The first one is used.",
            )  # fmt: skip
        names, times, spots, extra = (one[np.sort(first)] for one in (names, times, spots, extra))
        order = np.lexsort((times, names))
        same = names[order][1:] == names[order][:-1]
        gaps = np.diff(times[order])[same] / step
        long = gaps * seconds > RESTART
        whole = np.abs(gaps - np.round(gaps)) < 0.1
        missing = (np.round(gaps) > 1) & whole & ~long
        even = "resample" in self.choices.repairs
        hint = "Tracks are cut there; nothing is filled in."
        hint = f"Up to {BRIDGE} steps were interpolated." if even else hint
        repair = Repair("resample", f"Interpolate over up to {BRIDGE} steps")
        for title, found, word in (
            ("Missing frames", missing, "gap"),
            ("Irregular times", ~whole & ~long, "uneven step"),
        ):
            if found.any():
                self.note("PH-E28", title, f"{plural(int(found.sum()), word)} in the tracks.", hint,
                          *(() if even else (repair,)))  # fmt: skip
        if long.any():
            self.note(
                "PH-E29", "Id used again",
                f"{plural(int(long.sum()), 'object')} absent for more than {RESTART:g} s.",
                "What comes back counts as another object.",
            )  # fmt: skip
        if even:
            names, times, spots, extra = resample(names, times, spots, extra, step)
        return cut_tracks(names, times, spots, extra, step)

    def _finish(self, tracks: list[Track], seconds: float, box: np.ndarray) -> Reading:
        """Smooth, choose frames, link neighbours."""
        frames = window_frames(self.choices.window, seconds)
        if frames * seconds > 1.5 * self.choices.window:
            self.note(
                "PH-E32", "Window widened",
                f"At {1 / seconds:.3g} frames per second a window needs {frames * seconds:.2g} s.",
                "Accelerations are averages over that time.",
            )  # fmt: skip
        motion = move(tracks, frames, seconds)
        preview = preview_of(tracks, frames, seconds, PREVIEWS)
        if not len(motion.step):
            self.note(
                "PH-E07", "Too few samples",
                f"No track is as long as the window of {frames * seconds:.2g} s.",
                "Choose a shorter window.", blocking=True,
            )  # fmt: skip
            return self.done(preview)
        motion = motion.take(choose_steps(motion.step, self.choices.num_frames))
        motion = self._sparse(motion, box)
        extra = self._extra()
        system = to_system(motion, self.choices.radius, self.choices.nearest, extra, box)
        note = f"Smoothed over {frames * seconds:.2g} s; read from {self.table.name}."
        system = replace(system, title=self.table.name, notes=(note,))
        checked = check_system(system, self.choices, self.findings)
        return make_reading("trajectory", checked, self.columns, self.findings, preview)

    def _sparse(self, motion: Motion, box: np.ndarray) -> Motion:
        """Fewer frames when there would be too many edges."""
        choices = self.choices
        for _ in range(20):
            sender, _ = neighbours(
                motion.place, motion.step, choices.radius, choices.nearest, box
            )  # fmt: skip
            if len(sender) <= MAX_EDGES:
                break
            num = len(np.unique(motion.step))
            self.note(
                "PH-E33", "Too many neighbours",
                f"{len(sender):,} pairs of neighbours in {num} frames.", "Half of the frames are "
                "used; a smaller radius would keep them all.",
            )  # fmt: skip
            motion = motion.take(choose_steps(motion.step, num // 2))
        return motion

    def _extra(self) -> dict[int, tuple[str, str]]:
        """Names and units of further columns."""
        columns = [self.columns[place] for place in self.places("scalar")]
        names = distinct_names(["x", "v", "a", *(one.quantity for one in columns)])[3:]
        return {
            place: (name, column.unit)
            for place, (name, column) in enumerate(zip(names, columns, strict=True))
        }


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _codes(names: np.ndarray) -> np.ndarray:
    return np.unique(names, return_inverse=True)[1].astype(float)
