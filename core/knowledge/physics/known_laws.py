"""Laws that textbooks know, and which of them a found law is.

A pattern stands for a law whose constants may have any value. Its letters are places for measured
quantities: A, B, C of nodes, W, U vectors of nodes, K, L of edges, G of whole graphs. A law matches
if some assignment of its quantities to the places gives the same structure (canonical.py).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import permutations, product

from core.knowledge.physics.algebra import expanded, normal
from core.knowledge.physics.canonical import canonical, structure
from core.knowledge.physics.expression import (
    Expression,
    Variable,
    parse,
    substitute,
    variables,
)
from core.knowledge.physics.law import Law, Step, visible_names
from core.knowledge.physics.system import LEVELS, GraphSystem, Quantity
from core.knowledge.physics.units import parse_unit

PLACES = {"A": "node", "B": "node", "C": "node", "W": "vector", "U": "vector", "K": "edge",
          "L": "edge", "G": "graph"}  # fmt: skip


@dataclass(frozen=True)
class KnownLaw:
    """A law of the textbooks.

    Attributes:
        name: as textbooks call it.
        about: one sentence.
        latex: its usual form.
        patterns: lines of steps, ``name level formula``; a level with * is along the direction to
            the sender, ``sum(x)`` an aggregate.
        unit: unit that the quantity in place A has to have, where its values say which law it is.
        sign: of the constant in front, 0 for any; positive pulls towards the sender.
        difference: how the found law differs, empty where it does not.
    """

    name: str
    about: str
    latex: str
    patterns: tuple[tuple[str, ...], ...]
    unit: str = ""
    sign: int = 0
    difference: str = ""


def _summed(message: str, *answers: str) -> tuple[tuple[str, ...], ...]:
    """A message summed at the receiver: on its own, and with what the node makes of the sum s."""
    first = (f"e {message}", "s node sum(e)")
    return (first, *((*first, f"y node {answer}") for answer in answers))


KNOWN = (
    KnownLaw(
        "Hooke's law",
        "A spring pulls in proportion to how much longer it is than at rest.",
        r"F_{ij} = k \, (r_{ij} - l) \, \hat{n}_{ij}",
        (*_summed("edge* K*(r - 1)", "s/A"), *_summed("edge* r - 1", "s/A")),
    ),
    KnownLaw(
        "Newton's law of gravitation",
        "Masses attract each other with the inverse square of their distance.",
        r"a_i = G \sum_j \frac{m_j}{r_{ij}^2} \, \hat{n}_{ij}",
        _summed("edge* A_j/r^2", "A*s"),
        unit="kg",
        sign=1,
    ),
    KnownLaw(
        "Coulomb's law",
        "Equal charges repel each other with the inverse square of their distance.",
        r"F_{ij} = -k \, \frac{q_i \, q_j}{r_{ij}^2} \, \hat{n}_{ij}",
        _summed("edge* A_j/r^2", "A*s", "A*s/B")[1:],
        sign=-1,
    ),
    KnownLaw(
        "Fourier's law of heat conduction",
        "Heat flows in proportion to the difference of temperatures.",
        r"\dot{T}_i = \sum_j k_{ij} \, (T_j - T_i)",
        (*_summed("edge K*dA", "s/B", "s*G", "s/B*G"), *_summed("edge dA", "s/B", "s*G")),
        unit="K",
    ),
    KnownLaw(
        "Diffusion (Fick's law)",
        "What spreads flows in proportion to the difference of concentrations.",
        r"\dot{c}_i = \sum_j D_{ij} \, (c_j - c_i)",
        (*_summed("edge K*dA", "s/B", "s*G"), *_summed("edge dA", "s*G")),
    ),
    KnownLaw(
        "Joule's law",
        "The power turned into heat is the square of the voltage divided by the resistance.",
        r"P = \sum \frac{(V_j - V_i)^2}{R_{ij}}",
        (
            ("e edge dA^2/K", "P graph sum(e)"),
            ("e edge dA^2*K", "P graph sum(e)"),
            ("e edge dA^2/K", "P node sum(e)"),
            ("y edge dA^2/K",),
        ),
    ),
    KnownLaw(
        "Ohm's law",
        "The current is the voltage divided by the resistance; at a node the currents add up "
        "(Kirchhoff).",
        r"I_{ij} = \frac{V_j - V_i}{R_{ij}}",
        (("y edge dA/K",), ("e edge dA/K", "y node sum(e)")),
    ),
    KnownLaw(
        "Kuramoto model",
        "Oscillators pull each other's phase with the sine of the difference.",
        r"\dot{\theta}_i = \omega_i + K \sum_j \sin(\theta_j - \theta_i)",
        (
            *_summed("edge sin(dA)", "B + s", "s + 1", "B + s*G"),
            *_summed("edge K*sin(dA)", "B + s"),
            ("e edge sin(dA)", "s node mean(e)", "y node B + s"),
        ),
    ),
    KnownLaw(
        "Michaelis–Menten kinetics",
        "An effect that grows with the amount and saturates.",
        r"\frac{V \, c}{K + c}",
        (
            *_summed("edge A_j/(A_j + 1)", "s - A", "s - A + 1"),
            *_summed("edge K*A_j/(A_j + 1)", "s - A"),
            ("y node A/(A + 1)",),
        ),
    ),
    KnownLaw(
        "Hill kinetics",
        "An effect that sets in like a switch and saturates.",
        r"\frac{V \, c^h}{K + c^h}",
        tuple(
            pattern
            for power in ("2", "3", "4")
            for pattern in (
                *_summed(f"edge A_j^{power}/(A_j^{power} + 1)", "s - A", "s - A + 1"),
                *_summed(f"edge K*A_j^{power}/(A_j^{power} + 1)", "s - A"),
                (f"y node A^{power}/(A^{power} + 1)",),
            )
        ),
    ),
    KnownLaw(
        "Social force model",
        "Pedestrians keep their speed and direction and push each other away, less with distance.",
        r"a_i = \frac{v_0 e_i - v_i}{\tau} - \sum_j A \, e^{-r_{ij}/B} \, \hat{n}_{ij}",
        _summed("edge* exp(-r)", "s + W - U", "s - W", "s/A"),
        sign=-1,
    ),
    KnownLaw(
        "SIS epidemic",
        "The healthy are infected by their neighbours, the infected recover.",
        r"\dot{I}_i = \beta \, (1 - I_i) \sum_j w_{ij} I_j - \gamma \, I_i",
        (
            ("e edge K*A_j", "s node sum(e)", "y node (1 - A)*s - 0.5*A"),
            ("e edge A_j", "s node sum(e)", "y node (1 - A)*s - 0.5*A"),
        ),
    ),
    KnownLaw(
        "Entropy production of heat conduction",
        "Heat that flows to a colder place raises the entropy.",
        r"\dot{S} = \sum_{ij} \alpha \, \frac{T_j - T_i}{T_i}",
        (
            ("e edge dA/A_i", "S graph sum(e)", "y graph G*S"),
            ("e edge K*dA/A_i", "S graph sum(e)"),
            ("e edge dA", "s node sum(e)", "p node (G*s + B)/A", "y graph sum(p)"),
        ),
    ),
    KnownLaw(
        "Velocity alignment (Cucker–Smale)",
        "Each takes on the velocity of its neighbours.",
        r"a_i = \sum_j \lambda \, (v_j - v_i)",
        (*_summed("edge dW"), ("e edge dW", "y node mean(e)")),
    ),
    KnownLaw(
        "Lennard-Jones force",
        "Atoms attract each other from afar and repel each other when close.",
        r"F_{ij} = \left(\frac{a}{r_{ij}^{13}} - \frac{b}{r_{ij}^7}\right) \hat{n}_{ij}",
        _summed("edge* 1/r^7 - 1/r^13", "s/A"),
    ),
)  # fmt: skip


@lru_cache(maxsize=1000)
def _law(lines: tuple[str, ...]) -> Law:
    """The law that lines of a pattern describe."""
    steps = []
    for line in lines:
        name, level, text = line.split(maxsplit=2)
        if found := re.fullmatch(r"(sum|mean|max)\((\w+)\)", text):
            steps.append(Step(name, level, None, found[1], found[2]))
        else:
            tree = parse(text, re.findall(r"[^\W\d]\w*", text))
            steps.append(Step(name, level.rstrip("*"), tree, vector=level.endswith("*")))
    return Law(tuple(steps))


PLACE = re.compile(r"(d?)([A-Z])((?:_[ij])?)")


def _places(law: Law) -> frozenset[str]:
    """The letters of a pattern."""
    return frozenset(
        found[2]
        for step in law.steps
        if step.expression is not None
        for name in variables(step.expression)
        if (found := PLACE.fullmatch(name)) and found[2] in PLACES
    )


def _filled(law: Law, names: Mapping[str, str]) -> Law:
    """The pattern with quantities in its places."""

    def put(step: Step) -> Expression:
        renamed = {}
        for name in variables(step.expression):
            found = PLACE.fullmatch(name)
            if found and found[2] in names:
                renamed[name] = Variable(f"{found[1]}{names[found[2]]}{found[3]}")
        return substitute(step.expression, renamed)

    return law.map(put)


def _used(law: Law, system: GraphSystem) -> dict[str, list[Quantity]]:
    """The quantities of a law by the kind of place they can take."""
    names = {
        name
        for step in law.steps
        for name in ([step.of] if step.expression is None else variables(step.expression))
    }
    found: dict[str, list[Quantity]] = {"node": [], "vector": [], "edge": [], "graph": []}
    for one in system.nodes.values():
        ends = ("", "_i", "_j", "_i_n", "_j_n", "_n", "_t")
        if names & {prefix + one.name + end for prefix in ("", "d") for end in ends}:
            found["vector" if one.is_vector else "node"].append(one)
    found["edge"] = [one for one in system.edges.values() if one.name in names]
    found["graph"] = [one for one in system.graphs.values() if one.name in names]
    return found


def _assignments(
    places: frozenset[str], used: Mapping[str, list[Quantity]]
) -> Iterator[dict[str, Quantity]]:
    """Every way to put all used quantities into all places."""
    letters = {
        kind: [letter for letter in sorted(places) if PLACES[letter] == kind] for kind in used
    }
    if any(len(letters[kind]) != len(used[kind]) for kind in used):
        return
    for orders in product(*[permutations(used[kind]) for kind in used]):
        yield {
            letter: one
            for kind, order in zip(used, orders, strict=True)
            for letter, one in zip(letters[kind], order, strict=True)
        }


def _has_unit(one: Quantity | None, unit: str) -> bool:
    """Whether a quantity may have this unit: nothing is asked, none is given, or it is this one."""
    if one is None or not unit or not one.unit:
        return True
    return parse_unit(one.unit).same_dimension(parse_unit(unit))


def _fits(law: Law, visible: Mapping[str, set[str]]) -> bool:
    """Whether all names of a filled pattern are known in the system."""
    steps = {step.name for step in law.steps}
    return all(
        variables(step.expression) | ({"n"} if step.vector else set())
        <= visible[step.level] | steps
        for step in law.steps
        if step.expression is not None
    )


def _sign(law: Law) -> int:
    """Of the first sum of a canonical law in its answer: positive pulls towards the sender."""
    sums = [step for step in law.steps if step.expression is None]
    answer = law.steps[-1].expression
    if not sums:
        return 0
    sign = 1.0
    inner = next((step for step in law.steps if step.name == sums[0].of), None)
    if inner is not None and inner.expression is not None:
        sign = normal(inner.expression).factor
    if answer is not None:
        terms = expanded(normal(answer)).items()
        symbol = Variable(sums[0].name)
        sign *= next((value for powers, value in terms if symbol in dict(powers)), 0.0)
    return (sign > 0) - (sign < 0)


def _found(law: Law, system: GraphSystem, sign: int) -> KnownLaw | None:
    """The first known law that a canonical law is."""
    shape, used = structure(law, system), _used(law, system)
    visible = {level: set(visible_names(system, level)) for level in LEVELS}
    for known in KNOWN:
        if known.sign and known.sign != sign:
            continue
        for lines in known.patterns:
            pattern = _law(lines)
            if pattern.level != law.level:
                continue
            for names in _assignments(_places(pattern), used):
                filled = _filled(pattern, {place: one.name for place, one in names.items()})
                if (
                    _has_unit(names.get("A"), known.unit)
                    and _fits(filled, visible)
                    and structure(filled, system) == shape
                ):
                    return known
    return None


def match(law: Law, system: GraphSystem) -> KnownLaw | None:
    """The known law that a law is, or that its messages are.

    Args:
        law: a law of the system.
        system: says what its names mean.

    Returns:
        The known law, with `difference` filled if the law says more than it; None if it is new.

    Raises:
        InputError: PH-E01 if a unit of the system cannot be read.
    """
    form = canonical(law, system)
    sign = _sign(form)
    if exact := _found(form, system, sign):
        return exact
    for place, step in enumerate(form.steps[:-1]):
        if step.expression is None and step.level == "node":
            part = Law(form.steps[: place + 1])
            if known := _found(part, system, sign):
                answer = Law(form.steps[place + 1 :]).text()
                text = f"Its messages add up to {step.name}; the law goes on: {answer}."
                return replace(known, difference=text)
    return None
