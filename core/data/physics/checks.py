"""What may be wrong with a measured system as a whole, and its repairs."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from core.data.findings import Finding, Repair, plural
from core.data.physics.findings import Choices
from core.knowledge.physics.system import GraphSystem, Quantity

MIN_ROWS = 30  # of the target
MIN_GRAPHS = 5  # so that learning, choosing and testing each get some
POSITIVE = ("m", "mass", "masses", "r", "resistance", "inertia", "capacity", "capacitance")
GROUPS = ("nodes", "edges", "graphs")
Check = Callable[[GraphSystem, Choices, list[Finding]], GraphSystem]


def check_system(
    system: GraphSystem, choices: Choices, findings: list[Finding]
) -> GraphSystem | None:
    """Apply the chosen repairs and report what looks wrong.

    Args:
        system: as it was read.
        choices: what a person has decided.
        findings: what is noticed is added.

    Returns:
        The repaired system, None when a finding blocks it.
    """
    checks: tuple[Check, ...] = (
        _angles, _level, _constant, _repeated, _not_positive, _periodic, _heavy_tail, _isolated,
        _too_few,
    )  # fmt: skip
    for check in checks if len(system.target.values) else (_too_few,):
        system = check(system, choices, findings)
    return None if any(one.blocking for one in findings) else system


def change(system: GraphSystem, **new: Quantity | None) -> GraphSystem:
    """The system with other quantities by name; None leaves one out."""
    groups = {
        group: {
            name: new.get(name, one) for name, one in getattr(system, group).items()
            if new.get(name, one) is not None
        }
        for group in GROUPS
    }  # fmt: skip
    return replace(system, **groups)


def _quantities(system: GraphSystem) -> list[Quantity]:
    return [one for group in GROUPS for one in getattr(system, group).values()]


def _angles(system: GraphSystem, choices: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E36: degrees become radians when the unit or a person says so."""
    for one in _quantities(system):
        told = one.unit in ("deg", "°")
        if told or f"degrees:{one.name}" in choices.repairs:
            system = change(
                system, **{one.name: replace(one, values=np.radians(one.values), unit="rad")}
            )
            if told:
                findings.append(
                    Finding("PH-E36", "Degrees", f'"{one.name}" is given in degrees.',
                            "It was turned into radians.")
                )  # fmt: skip
        elif one.role == "angle" and np.abs(one.values).max() > 2 * np.pi + 0.5:
            findings.append(
                Finding(
                    "PH-E36", "Degrees",
                    f'"{one.name}" goes up to {np.abs(one.values).max():.0f}; a full turn is 6.28 '
                    "in radians.", "Turn it into radians if it is in degrees.",
                    repairs=(Repair(f"degrees:{one.name}", f"{one.name} is in degrees"),),
                )
            )  # fmt: skip
    return system


def _level(system: GraphSystem, choices: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E23: a target of nodes or edges that is the same in a whole graph."""
    graph = {"node": system.node_graph, "edge": system.edge_graph}.get(system.level)
    if graph is None or len(graph) == system.num_graphs:
        return system
    present, first = np.unique(graph, return_index=True)
    values = system.target.values
    if np.ptp(values, axis=0).max() == 0 or (values != values[first][graph]).any():
        return system
    if "level:graph" in choices.repairs and len(present) == system.num_graphs:
        return replace(system, level="graph", target=replace(system.target, values=values[first]))
    findings.append(
        Finding(
            "PH-E23", "Target on another level",
            f'"{system.target.name}" is the same for every {system.level} of a sample.',
            "It looks like a property of the whole graph.",
            repairs=(Repair("level:graph", "It belongs to the whole graph"),),
        )
    )  # fmt: skip
    return system


def _constant(system: GraphSystem, _: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E04."""
    for one in _quantities(system):
        if one.role != "position" and len(one.values) > 1 and not np.ptp(one.values, axis=0).any():
            findings.append(
                Finding(
                    "PH-E04", "Constant column",
                    f'"{one.name}" has the same value everywhere and cannot be learned;',
                    "it is ignored.",
                )
            )  # fmt: skip
            system = change(system, **{one.name: None})
    return system


def _repeated(system: GraphSystem, _: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E31."""
    for group in GROUPS:
        kept: list[Quantity] = []
        for one in getattr(system, group).values():
            same = next((old for old in kept if np.array_equal(old.values, one.values)), None)
            if same is None:
                kept.append(one)
                continue
            findings.append(
                Finding("PH-E31", "Repeated column",
                        f'"{one.name}" has the same numbers as "{same.name}";', "it is ignored.")
            )  # fmt: skip
            system = change(system, **{one.name: None})
    level = system.group_of(system.level)
    copy = next(
        (one for one in level.values() if np.array_equal(one.values, system.target.values)), None
    )
    if copy is not None:
        findings.append(
            Finding("PH-E31", "Repeated column",
                    f'"{copy.name}" is the target itself;', "it is ignored.")
        )  # fmt: skip
        system = change(system, **{copy.name: None})
    return system


def _not_positive(system: GraphSystem, choices: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E35: masses and resistances of zero or less."""
    for level, group in (("node", system.nodes), ("edge", system.edges), ("graph", system.graphs)):
        for one in group.values():
            wrong = (one.values <= 0).any(1)
            if one.name.lower() not in POSITIVE or not wrong.any() or wrong.all():
                continue
            graph = {"node": system.node_graph, "edge": system.edge_graph}.get(
                level, np.arange(system.num_graphs)
            )
            bad = np.bincount(graph[wrong], minlength=system.num_graphs) > 0
            repair = f"positive:{one.name}"
            if repair in choices.repairs and not bad.all():
                return _not_positive(system.pick(~bad), choices, findings)
            findings.append(
                Finding(
                    "PH-E35", "Not positive",
                    f'"{one.name}" is zero or negative in {plural(int(wrong.sum()), "row")}.',
                    "Formulas may divide by it.",
                    repairs=(
                        Repair(repair, f"Leave out {plural(int(bad.sum()), 'sample')}"),
                    ) if not bad.all() else (),
                )
            )  # fmt: skip
    return system


def _periodic(system: GraphSystem, choices: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E22: neighbours on opposite sides of a box."""
    position = system.position
    if position is None or system.num_edges < 50 or system.period is not None:
        return system
    lengths = choices.amount("periodic").split(",")
    if len(lengths) == position.values.shape[1] and all(map(_is_length, lengths)):
        return replace(system, period=tuple(map(float, lengths)))
    span = np.ptp(position.values, axis=0)
    share = np.abs(system.separation) / np.where(span > 0, span, 1)
    far, between = (share > 0.6).mean(0), ((share > 0.35) & (share <= 0.6)).mean(0)
    if ((far > 0.005) & (between < far / 4)).any():
        box = ",".join(f"{one:.4g}" for one in span)
        findings.append(
            Finding(
                "PH-E22", "Periodic box?",
                f"{far.max():.1%} of the edges span the whole region, and hardly any half of it.",
                "In a periodic box distances are taken the shorter way round.",
                repairs=(Repair(f"periodic:{box}", f"A periodic box of {box}"),),
            )
        )  # fmt: skip
    return system


def _is_length(text: str) -> bool:
    try:
        return 0 < float(text) < np.inf
    except ValueError:
        return False


def _heavy_tail(system: GraphSystem, choices: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E24: a hundredth of the rows makes most of the target's spread."""
    values = system.target.values
    positive = values.shape[1] == 1 and (values > 0).all()
    if "log-target" in choices.repairs and positive:
        log = Quantity(f"log_{system.target.name}", np.log(values), "1")
        return replace(system, target=log)
    size = np.sort(((values - values.mean(0)) ** 2).sum(1))[::-1]
    top = size[: len(size) // 100].sum() / max(size.sum(), 1e-300)
    if len(size) >= 200 and top > 0.5:
        findings.append(
            Finding(
                "PH-E24", "Heavy tail",
                f"1% of the rows make {top:.0%} of the target's spread; they decide the formula.",
                "Look for divisions by numbers near 0, such as small resistances.",
                repairs=(Repair("log-target", "Explain the logarithm"),) if positive else (),
            )
        )  # fmt: skip
    return system


def _isolated(system: GraphSystem, _: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E30."""
    linked = np.zeros(system.num_nodes, bool)
    linked[system.sender] = linked[system.receiver] = True
    if system.num_edges and not linked.all():
        lone = plural(int((~linked).sum()), "node")
        findings.append(
            Finding("PH-E30", "Isolated nodes", f"{lone} without any edge.",
                    "Their sums over neighbours are 0; check that no edges are missing.")
        )  # fmt: skip
    return system


def _too_few(system: GraphSystem, _: Choices, findings: list[Finding]) -> GraphSystem:
    """PH-E07, and a target without spread."""
    rows = len(system.target.values)
    columns = sum(one.values.shape[1] for one in _quantities(system))
    if rows and not np.ptp(system.target.values, axis=0).any():
        findings.append(
            Finding("PH-E04", "Constant column",
                    f'The target "{system.target.name}" has the same value everywhere.',
                    "There is nothing to explain; choose another target.", True)
        )  # fmt: skip
    elif not columns and not system.num_edges:
        findings.append(
            Finding("PH-E07", "Too few columns", "There is no quantity left to explain it with.",
                    "Add columns.", True)
        )  # fmt: skip
    elif rows < max(MIN_ROWS, columns) or system.num_graphs < MIN_GRAPHS:
        samples = plural(system.num_graphs, "sample")
        findings.append(
            Finding(
                "PH-E07", "Too few samples",
                f"{plural(rows, 'row')} in {samples} for {plural(columns, 'column')}; formulas "
                "would only memorise.",
                f"At least {max(MIN_ROWS, columns)} rows in {MIN_GRAPHS} samples are needed.", True,
            )
        )  # fmt: skip
    elif rows < 10 * columns:
        findings.append(
            Finding("PH-E07", "Few samples",
                    f"{plural(rows, 'row')} for {plural(columns, 'column')}.",
                    f"About {10 * columns} would make formulas safer.")
        )  # fmt: skip
    return system
