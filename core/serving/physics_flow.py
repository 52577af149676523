"""What a law reads, and how much worse it is without each dependence.

A law is drawn as its message-passing flow: measured quantities, functions, sums, answer. Each arrow
is one dependence; its weight is the share of the target's variance that is lost when the quantity
is replaced by one fitted number there and all constants are fitted again.
"""

from dataclasses import dataclass, replace

import numpy as np

from core.discovery.fitting import determination, fewer, refit
from core.knowledge.physics import expression
from core.knowledge.physics.expression import Number
from core.knowledge.physics.law import Law, Step, visible_names
from core.knowledge.physics.message_flow import Names
from core.knowledge.physics.system import LEVELS, GraphSystem

VALUES = 5000  # of the target in each fit
DISTANCE = "distance"  # how `Names` calls what the positions of two nodes give
WHERE = {
    ("edge", "node"): "over the neighbours", ("edge", "graph"): "over all edges",
    ("node", "graph"): "over all nodes",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """A node of the drawing.

    Attributes:
        id: name of the quantity or step.
        label: what is written beside it.
        kind: type word of `core.render.palette.LAW_PARTS`.
        layer: 0 for quantities, then by depth.
    """

    id: str
    label: str
    kind: str
    layer: int


@dataclass(frozen=True)
class Dependence:
    """An arrow of the drawing.

    Attributes:
        source: id of a part.
        target: id of the step that reads it.
        names: as the formula writes it.
        r2_without: R² of the law without it, fitted again.
        loss: by how much R² falls.
    """

    source: str
    target: str
    names: tuple[str, ...]
    r2_without: float
    loss: float


@dataclass(frozen=True)
class Flow:
    """A law as a drawing.

    Attributes:
        parts: quantities that the law reads, then its steps.
        arrows: dependences.
        r2: of the whole law on the test part.
    """

    parts: tuple[Part, ...]
    arrows: tuple[Dependence, ...]
    r2: float


def trace(law: Law, train: GraphSystem, test: GraphSystem) -> Flow:
    """Parts and measured dependences of a law.

    Args:
        law: with its constants.
        train: data on which it is fitted again.
        test: data on which R² is measured.
    """
    r2, some = determination(law, test), fewer(train, VALUES)
    sources = _sources(law, train)
    layers: dict[str, int] = {}
    arrows: list[Dependence] = []
    for place, step in enumerate(law.steps):
        reads: dict[str, list[str]] = {}
        for name in _names(step):
            reads.setdefault(sources.get(name, name), []).append(name)
        layers[step.name] = 1 + max((layers.get(source, 0) for source in reads), default=0)
        for source, names in reads.items():
            without = determination(refit(_without(law, place, frozenset(names)), some), test)
            without = max(without, 0.0) if np.isfinite(without) else 0.0
            arrows.append(
                Dependence(source, step.name, tuple(names), without, max(r2 - without, 0.0))
            )
    read = dict.fromkeys(arrow.source for arrow in arrows if arrow.source not in layers)
    parts = [*(_quantity(name, train) for name in read),
             *(_step(step, layers[step.name]) for step in law.steps)]  # fmt: skip
    return Flow(tuple(parts), tuple(arrows), r2)


def _names(step: Step) -> tuple[str, ...]:
    """What a step reads, sorted."""
    if step.expression is None:
        return (step.of,)
    return tuple(sorted(expression.variables(step.expression)))


def _sources(law: Law, system: GraphSystem) -> dict[str, str]:
    """The quantity or step behind each name."""
    visible = {level: visible_names(system, level) for level in LEVELS}
    sources = dict(Names.of(system, visible).source)
    for step in law.steps:
        sources |= {step.name: step.name, f"{step.name}_i": step.name, f"{step.name}_j": step.name}
    return sources


def _without(law: Law, place: int, names: frozenset[str]) -> Law:
    """The law with these names of one step replaced by a number that is fitted."""
    step = law.steps[place]
    if step.expression is None:
        level = step.level
        changed = Step(step.name, level, Number(1.0))
    else:
        changed = replace(
            step,
            expression=expression.substitute(step.expression, dict.fromkeys(names, Number(1.0))),
        )
    return Law((*law.steps[:place], changed, *law.steps[place + 1 :]))


def _quantity(name: str, system: GraphSystem) -> Part:
    for level in LEVELS:
        if name in system.group_of(level):
            unit = system.group_of(level)[name].unit
            label = f"{name} ({unit})" if unit not in ("", "1") else name
            return Part(name, label, f"{level}quantity", 0)
    if name == DISTANCE and system.position is not None:
        unit = system.position.unit
        return Part(name, f"r, distance ({unit})" if unit else "r, distance", "edgequantity", 0)
    return Part(name, name, "edgequantity", 0)


def _step(step: Step, layer: int) -> Part:
    if step.expression is None:
        return Part(step.name, f"{step.aggregate} {step.name}", "aggregation", layer)
    text = expression.to_text(step.expression, 3) + (" n" if step.vector else "")
    return Part(step.name, f"{step.name} = {text}", "lawfunction", layer)
