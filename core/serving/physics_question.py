"""A question about a system on graphs: which data, what is known beforehand, how long to search."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from core.data.physics import simulators
from core.discovery.options import Budget, Knowledge
from core.errors import DataError, InputError
from core.knowledge.physics.system import GraphSystem, Quantity
from core.serving import packed_arrays
from core.store import Store

KIND = "phys"  # of uploads
SIMULATOR, UPLOAD = "simulator", "upload"
SETTINGS = ("num_graphs", "num_nodes", "topology", "noise", "seed")  # arguments of `simulate`
ARRAYS = ("sender", "receiver", "node_graph")


@dataclass(frozen=True)
class Question:
    """What is asked.

    Attributes:
        source: ``simulator:<name>`` or ``upload:<id>``.
        settings: arguments of `simulate`, with their names; empty for an upload.
        units: units that a person has changed, by name of the quantity.
        left_out: names of quantities that must not be used.
        knowledge: what is known beforehand.
        budget: name of a `Budget`.
        seed: of the search.
        job: id of the job that searches, empty where the answer needs none.
    """

    source: str
    settings: tuple[tuple[str, Any], ...] = ()
    units: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    knowledge: Knowledge = field(default_factory=Knowledge)
    budget: str = "instant"
    seed: int = 0
    job: str = ""

    @property
    def kind(self) -> str:
        """``simulator`` or ``upload``."""
        return self.source.partition(":")[0]

    @property
    def name(self) -> str:
        """Name of the simulator, or id of the upload."""
        return self.source.partition(":")[2]

    @property
    def data(self) -> "Question":
        """The same data with nothing else stated; equal for equal systems."""
        return Question(self.source, self.settings, self.units, self.left_out)

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal question."""
        return {
            "source": self.source,
            "settings": dict(self.settings),
            "units": dict(self.units),
            "left_out": list(self.left_out),
            "knowledge": self.knowledge.to_json(),
            "budget": self.budget,
            "seed": self.seed,
            "job": self.job,
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> "Question":
        """Inverse of `to_json`; absent parts have their defaults.

        Raises:
            KeyError, TypeError, InputError: it is not such a record.
        """
        settings = record.get("settings", {})
        return cls(
            str(record["source"]),
            tuple((name, settings[name]) for name in SETTINGS if name in settings),
            tuple((str(name), str(unit)) for name, unit in record.get("units", {}).items()),
            tuple(map(str, record.get("left_out", ()))),
            Knowledge.from_json(record.get("knowledge", {})),
            Budget.of(record.get("budget", "instant")).name,
            int(record.get("seed", 0)),
            str(record.get("job", "")),
        )


def of_simulator(name: str, **settings: object) -> Question:
    """The question of a simulated system; settings that are not given are the system's own.

    Raises:
        UnknownName: PH-E10.
    """
    simulator = simulators.find_simulator(name)
    whole = {
        "num_graphs": 300, "num_nodes": simulator.num_nodes, "topology": simulator.topology,
        "noise": 0.05, "seed": 0,
    } | settings  # fmt: skip
    return Question(f"{SIMULATOR}:{name}", tuple((key, whole[key]) for key in SETTINGS))


def load_system(question: Question) -> GraphSystem:
    """The measured system of a question, with the units and quantities a person has chosen.

    Raises:
        InputError: the data cannot be made or are gone.
    """
    return _load(question.data)


@lru_cache(maxsize=8)
def _load(data: Question) -> GraphSystem:
    if data.kind == SIMULATOR:
        system = simulators.simulate(data.name, **dict(data.settings))
    else:
        found = Store.open().find_upload(data.name)
        if found is None or found.kind != KIND or not found.path.is_file():
            raise _forgotten()
        system = unpack(found.path.read_bytes())
    return _chosen(system, dict(data.units), frozenset(data.left_out))


def _forgotten() -> InputError:
    return InputError(
        "PH-E20",
        "Data are gone",
        "The uploaded data of this question are no longer on the server, or damaged.",
        "Upload them again.",
    )


def _chosen(system: GraphSystem, units: Mapping[str, str], left_out: frozenset[str]) -> GraphSystem:
    """Other units, fewer quantities."""

    def keep(group: Mapping[str, Quantity]) -> dict[str, Quantity]:
        return {
            name: replace(one, unit=units.get(name, one.unit))
            for name, one in group.items()
            if name not in left_out
        }

    if not units and not left_out:
        return system
    target = replace(system.target, unit=units.get(system.target.name, system.target.unit))
    return replace(
        system, nodes=keep(system.nodes), edges=keep(system.edges), graphs=keep(system.graphs),
        target=target,
    )  # fmt: skip


def keep_upload(system: GraphSystem, name: str) -> str:
    """Store a system that was read from a person's files; returns its id.

    Args:
        system: as it was confirmed.
        name: of the file, for display only.
    """
    summary = {"title": system.title, "graphs": system.num_graphs, "nodes": system.num_nodes}
    return Store.open().save_upload(name=name, content=pack(system), kind=KIND, summary=summary)


def pack(system: GraphSystem) -> bytes:
    """A system as one file: arrays without pickles, and a header in JSON."""
    groups = {"node": system.nodes, "edge": system.edges, "graph": system.graphs}
    listed = [
        *((level, one) for level, group in groups.items() for one in group.values()),
        ("target", system.target),
    ]
    arrays = {f"q{row}": one.values for row, (_, one) in enumerate(listed)}
    arrays |= {name: getattr(system, name) for name in ARRAYS}
    header = {
        "quantities": [[level, one.name, one.unit, one.role] for level, one in listed],
        "level": system.level,
        "num_graphs": system.num_graphs,
        "period": system.period,
        "title": system.title,
        "notes": system.notes,
    }
    return packed_arrays.pack(header, arrays)


def unpack(content: bytes) -> GraphSystem:
    """Inverse of `pack`.

    Raises:
        InputError: PH-E20 when the file is damaged.
    """
    try:
        header, arrays = packed_arrays.unpack(content)
        groups: dict[str, dict[str, Quantity]] = {"node": {}, "edge": {}, "graph": {}, "target": {}}
        for row, (level, name, unit, role) in enumerate(header["quantities"]):
            groups[level][name] = Quantity(name, arrays[f"q{row}"], unit, role)
        links = [arrays[name] for name in ARRAYS]
    except (DataError, KeyError, TypeError, ValueError) as error:
        raise _forgotten() from error
    period = header["period"]
    return GraphSystem(
        groups["node"],
        groups["edge"],
        groups["graph"],
        *links,
        next(iter(groups["target"].values())),
        header["level"],
        header["num_graphs"],
        None if period is None else tuple(period),
        header["title"],
        tuple(header["notes"]),
    )
