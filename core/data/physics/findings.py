"""What a person may choose about measured systems on graphs, and what became of the files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace

import numpy as np

from core.data.findings import Finding, blocking_first, with_repair
from core.errors import InputError
from core.knowledge.physics.system import GraphSystem

KINDS = ("tables", "trajectory", "wide")
ALONE = ("answer", "unit", "fps", "shift", "periodic")  # repairs of which only one can hold
ID_ROLES = ("sample", "node", "source", "target")
TRACK_ROLES = ("node", "time", "position", "scalar", "ignore")  # of columns of a trajectory
VALUE_ROLES = ("scalar", "position", "velocity", "vector", "angle", "answer", "ignore")


@dataclass(frozen=True)
class Column:
    """How a column is understood.

    Attributes:
        key: table and header, as `Choices.roles` and `Choices.units` name it.
        role: one of `ID_ROLES`, `VALUE_ROLES` or `TRACK_ROLES`.
        quantity: name in formulas, empty for ids and for what is left out.
        unit: in SI symbols, empty when not known.
        component: 0, 1, 2 for x, y, z of a vector.
    """

    key: str
    role: str
    quantity: str = ""
    unit: str = ""
    component: int = 0


@dataclass(frozen=True)
class Choices:
    """What a person has decided; what is empty is guessed.

    Attributes:
        kind: one of `KINDS`.
        roles: from `Column.key` to a role.
        units: from `Column.key` to a unit.
        repairs: keys of `Repair`.
        frame_rate: frames per second of a trajectory; 0 when not known.
        length_unit: of a trajectory's coordinates, ``m``, ``cm`` or ``mm``.
        window: s, over which a trajectory is smoothed.
        radius: m, within which objects of a trajectory are neighbours.
        nearest: number of nearest neighbours instead of a radius; 0 for the radius.
        num_frames: frames of a trajectory that are used, evenly over the time.
    """

    kind: str = ""
    roles: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    repairs: frozenset[str] = frozenset()
    frame_rate: float = 0.0
    length_unit: str = ""
    window: float = 1.0
    radius: float = 5.0
    nearest: int = 0
    num_frames: int = 300

    def __post_init__(self) -> None:
        """Refuse what no page offers (PH-E37)."""
        lengths = {"seconds of smoothing": self.window, "metres of the radius": self.radius}
        fits = {
            f"{one:g} {what}": np.isfinite(one) and 0 < one < 1e6 for what, one in lengths.items()
        } | {
            f"{self.frame_rate:g} frames per second": 0 <= self.frame_rate < 1e6,
            f"{self.nearest} neighbours": 0 <= self.nearest <= 100,
            f"{self.num_frames} frames": 1 <= self.num_frames <= 5000,
            f'the kind "{self.kind[:20]}"': self.kind in ("", *KINDS),
            f'the unit "{self.length_unit[:20]}"': self.length_unit in ("", "m", "cm", "mm"),
        }
        wrong = next((what for what, fit in fits.items() if not fit), "")
        if wrong:
            raise InputError(
                "PH-E37", "Choice out of range", f"{wrong} cannot be used.", "Choose another value."
            )

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self) | {"repairs": sorted(self.repairs)}

    @staticmethod
    def from_json(value: Mapping[str, object]) -> "Choices":
        """The choices that `to_json` wrote."""
        known = {one.name for one in fields(Choices)}
        chosen = {name: one for name, one in value.items() if name in known}
        return Choices(**chosen | {"repairs": frozenset(chosen.get("repairs", ()))})

    def with_repair(self, key: str) -> "Choices":
        """The choices with one more repair, see `core.data.findings.with_repair`."""
        return replace(self, repairs=with_repair(self.repairs, key, ALONE))

    def amount(self, repair: str) -> str:
        """What follows the colon of a chosen repair, empty when it is not chosen."""
        return next(
            (one.partition(":")[2] for one in self.repairs if one.startswith(repair + ":")), ""
        )


@dataclass(frozen=True, eq=False)
class Preview:
    """One object before and after smoothing.

    Attributes:
        name: of the object.
        times: (T,) s.
        raw: (T, D) measured coordinates, m.
        smooth: (T, D) coordinates, m.
        velocity: (T, D) m/s.
        acceleration: (T, D) m/s^2.
    """

    name: str
    times: np.ndarray
    raw: np.ndarray
    smooth: np.ndarray
    velocity: np.ndarray
    acceleration: np.ndarray


@dataclass(frozen=True, eq=False)
class Reading:
    """What became of the files.

    Attributes:
        kind: one of `KINDS`.
        system: the measured system, None while a finding blocks it.
        columns: how every column is understood.
        findings: the blocking ones first.
        preview: raw against smoothed, of trajectories.
    """

    kind: str
    system: GraphSystem | None
    columns: tuple[Column, ...]
    findings: tuple[Finding, ...]
    preview: tuple[Preview, ...] = ()

    def need(self) -> GraphSystem:
        """The system.

        Raises:
            InputError: the first blocking finding.
        """
        if self.system is None:
            raise self.findings[0].error
        return self.system


def make_reading(
    kind: str,
    system: GraphSystem | None,
    columns: Sequence[Column],
    findings: Sequence[Finding],
    preview: Sequence[Preview] = (),
) -> Reading:
    """A reading whose blocking findings come first."""
    return Reading(kind, system, tuple(columns), blocking_first(findings), tuple(preview))
